"""The acknowledgment as bytes: MSH, MSA and, on a refusal, ERR (HL7 chapter 2, section 2.9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from .parse.escapes import escape
from .parse.message import Message
from .parse.verdict import Decision, decide

__all__ = ["Decision", "build_ack", "decide"]

# ERR-3 texts of HL7 table 0357 for the codes that a verdict can carry.
_ERROR_TEXT = {
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "207": "Application error",
}

_REFUSALS = frozenset(("AE", "AR", "CE", "CR"))
_DEFAULT_VERSION = "2.5.1"


def build_ack(
    message: Message,
    code: str,
    text: str = "",
    *,
    clock: Callable[[], datetime],
    control_id: str,
    error: str = "",
    location: str = "",
    expected_sequence: int | None = None,
) -> bytes:
    """The acknowledgment of `message` as bytes without MLLP framing, in its version, separators and charset.

    code: AA, AE, AR, CA, CE or CR. text: for people and without patient data; MSA-3, and ERR-8 on a refusal.
    clock: gives the aware time for MSH-7. control_id: this acknowledgment's own MSH-10.
    error, location: as in `Decision`, used on a refusal. expected_sequence: MSA-4 of the sequence protocol.
    Works for what is no message, too: unknown parts are then empty and the separators the usual ones.
    """
    separators = message.separators
    bar, caret = separators.field, separators.component

    def echo(number: int) -> str:
        # Same separators on the way back, so a raw field can be returned as it came; a wrapped line cannot.
        return message.field("MSH", number).replace("\n", " ") if message.ok else ""

    version = echo(12).split(caret)[0] or _DEFAULT_VERSION
    event = message.get("MSH", 9, 2) if message.ok else None
    header = [
        "MSH",
        f"{caret}{separators.repetition}{separators.escape}{separators.subcomponent}",
        echo(5),
        echo(6),
        echo(3),
        echo(4),
        clock().strftime("%Y%m%d%H%M%S%z"),
        "",
        _message_type(version, event, caret, message),
        escape(control_id, separators),
        echo(11) or "P",
        version,
        *[""] * 5,
        echo(18),
    ]
    words = escape(text[:80], separators)
    answer = ["MSA", code, echo(10), words, "" if expected_sequence is None else str(expected_sequence)]
    lines = [header, answer]
    if code in _REFUSALS and (error or text):
        lines.append(_error(version, error or "207", location, words, message))
    body = "".join(bar.join(line).rstrip(bar) + "\r" for line in lines)
    try:
        return body.encode(message.encoding)
    except UnicodeError:
        # Only reached when the sender's own bytes did not fit the set that was declared.
        return body.encode("utf-8")


def _message_type(version: str, event: str | None, caret: str, message: Message) -> str:
    if event is None:
        return "ACK"
    if _at_least(version, (2, 3, 1)):
        return f"ACK{caret}{escape(event, message.separators)}{caret}ACK"
    return f"ACK{caret}{escape(event, message.separators)}"


def _error(version: str, error: str, location: str, words: str, message: Message) -> list[str]:
    caret, sub = message.separators.component, message.separators.subcomponent
    place = location.replace("^", caret)
    name = _ERROR_TEXT.get(error, "Application error")
    if _at_least(version, (2, 5)):
        return ["ERR", "", place, f"{error}{caret}{name}{caret}HL70357", "E", "", "", "", words]
    # Until 2.4 there is only ERR-1: segment, sequence, field position, then the code as one component.
    parts = (place.split(caret) + ["", "", ""])[:3]
    return ["ERR", caret.join([*parts, f"{error}{sub}{name}{sub}HL70357"])]


def _at_least(version: str, wanted: tuple[int, ...]) -> bool:
    try:
        return tuple(int(part) for part in version.split(".")) >= wanted
    except ValueError:
        return True
