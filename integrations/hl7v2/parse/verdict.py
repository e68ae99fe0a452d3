"""The verdict on a message: acceptable or not, and what happens to it (HL7 chapter 2, section 2.9).

Original mode: AR when the header cannot be worked with (MSH-9, -11, -12), AE when the content is wrong, AA
otherwise. Enhanced mode: CA as soon as the message is stored, the application code only when MSH-16 asks for
it. A refusal says nothing about storing: messages answered AE or AR are kept as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from .message import BATCH, NULL, Message
from .times import iso

ApplicationCode = Literal["AA", "AE", "AR"]
AcceptCode = Literal["CA", "CE", "CR"]
Disposition = Literal["apply", "record", "review", "reject", "split"]

KNOWN_EVENTS = frozenset(f"A{number:02d}" for number in range(1, 63)) | {"Z99"}
"""ADT trigger events of chapter 3, and Z99, the movement update of IHE PAM (ITI TF-2, 3.31)."""

VISIT_EVENTS = frozenset(
    ("A01", "A02", "A03", "A06", "A07", "A11", "A12", "A13", "A15", "A16", "A17", "A21", "A22", "A25", "A26")
)
"""Events that say something about one visit and are empty without a PV1."""

MERGE_EVENTS = frozenset(("A18", "A30", "A34", "A35", "A36", "A39", "A40", "A41", "A42", "A46", "A47", "A49"))
"""Events that replace one identifier by another and cannot be followed without MRG-1."""

PATIENT_MERGE_EVENTS = frozenset(("A18", "A34", "A39", "A40"))
"""Merges of whole patients. (In account and visit merges MRG-1 repeats PID-3 rightly.)"""

RECORD_EVENTS = frozenset(
    ("A09", "A10", "A18", "A19", "A20", "A30", "A32", "A33", "A35", "A36", "A37", "A43")
    + ("A46", "A48", "A54", "A55", "A56", "A57", "A58", "A59", "A60", "A61", "A62")
)
"""Events that move no trip by themselves: tracking moves, links, allergies, older and person-level forms."""

RECORDED_TYPES = frozenset(("ACK", "MDM", "OMG", "ORM", "ORU", "SIU"))
"""Types that an ADT feed often carries along: kept for the record when the feed does not take them."""


_VERSION = re.compile(r"2(?:\.\d+)*", re.ASCII)


def event_of(message: Message) -> str | None:
    """The trigger event: MSH-9.2, or EVN-1 when an ADT header names only the type (before 2.2)."""
    event = message.get("MSH", 9, 2)
    if event is None and message.get("MSH", 9) == "ADT":
        return message.get("EVN", 1)
    return event


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one message.

    code: the application acknowledgment (table 0008). reason: why, in words without patient data; empty for
    AA.
    disposition: what the pipeline does with the stored row.
    mode: `enhanced` when MSH-15 or MSH-16 is valued. accept, application: in enhanced mode, the codes that
    the sender asked for, None where it asked for none.
    error: HL7 table 0357 code for ERR-3; location: ERR-2 as segment, sequence and field; both empty for AA.
    """

    code: ApplicationCode
    reason: str
    disposition: Disposition
    mode: Literal["original", "enhanced"] = "original"
    accept: AcceptCode | None = None
    application: ApplicationCode | None = None
    error: str = ""
    location: str = ""

    @property
    def reply(self) -> str | None:
        """The code to send back now; None when the sender wants to hear nothing about this outcome."""
        if self.mode == "original":
            return self.code
        return self.accept or self.application


@dataclass(frozen=True, slots=True)
class _Fault:
    reason: str
    error: str
    location: str


def decide(message: Message, *, enabled_types: Collection[str] = ("ADT",)) -> Decision:
    """The answer that `message` deserves on a feed that takes `enabled_types` (values of MSH-9.1)."""
    if message.problem == BATCH:
        return Decision("AE", "batch: acknowledge each message in it", "split", error="207", location="BHS^1")
    if not message.ok:
        return Decision("AR", message.problem, "reject", error="100", location="MSH^1")
    fault = _header_fault(message, enabled_types)
    if fault is not None:
        recorded = message.get("MSH", 9) in RECORDED_TYPES and fault.error == "200"
        return _answer(message, "AR", [fault], "record" if recorded else "reject")
    faults = _content_faults(message)
    if faults:
        return _answer(message, "AE", faults, "review")
    if _is_doubtful(message):
        return _answer(message, "AA", [], "review")
    is_record = message.get("MSH", 9) == "ADT" and event_of(message) in RECORD_EVENTS
    return _answer(message, "AA", [], "record" if is_record else "apply")


def _header_fault(message: Message, enabled_types: Collection[str]) -> _Fault | None:
    kind = message.get("MSH", 9)
    if kind is None or kind == NULL:
        return _Fault("MSH-9 empty", "101", "MSH^1^9")
    if kind not in enabled_types:
        return _Fault("message type not enabled on this feed", "200", "MSH^1^9")
    if kind == "ADT":
        event = event_of(message)
        if event not in KNOWN_EVENTS:
            return _Fault("unknown trigger event", "201", "MSH^1^9")
    version = message.get("MSH", 12)
    # Versions before 2.3 exist in the field without MSH-12 filled in; only a wrong one is refused.
    if version is not None and not _VERSION.fullmatch(version):
        return _Fault("MSH-12 not a 2.x version", "203", "MSH^1^12")
    return None


def _content_faults(message: Message) -> list[_Fault]:
    faults = []
    if message.whole("MSH", 10) in (None, NULL):
        faults.append(_Fault("MSH-10 empty", "101", "MSH^1^10"))
    if message.get("MSH", 9) == "ADT":
        faults += _adt_faults(message)
    if "charset_mismatch" in message.notes:
        faults.append(_Fault("bytes do not fit MSH-18", "102", "MSH^1^18"))
    if "second_message_in_frame" in message.notes:
        faults.append(_Fault("second MSH in one frame", "100", "MSH^2"))
    return faults


def _adt_faults(message: Message) -> list[_Fault]:
    faults = []
    event = event_of(message)
    present = message.segment_ids
    if "PID" not in present:
        faults.append(_Fault("no PID", "100", "PID^1"))
    elif not _has_identifier(message):
        faults.append(_Fault("no patient identifier", "101", "PID^1^3"))
    if event in VISIT_EVENTS and "PV1" not in present:
        faults.append(_Fault("no PV1 for a visit event", "100", "PV1^1"))
    if event in MERGE_EVENTS and message.get("MRG", 1) in (None, NULL):
        faults.append(_Fault("merge without MRG-1", "101", "MRG^1^1"))
    elif event in PATIENT_MERGE_EVENTS and _merges_into_itself(message):
        faults.append(_Fault("merge of an identifier into itself", "207", "MRG^1^1"))
    return faults


def _has_identifier(message: Message) -> bool:
    candidates = [
        *message.repetitions(message.field("PID", 3)),
        message.field("PID", 2),
        message.field("PID", 4),
    ]
    return any(message.value(one) not in (None, NULL) for one in candidates)


def _merges_into_itself(message: Message) -> bool:
    """The retired identifier is the surviving one: following it would make a patient its own alias."""

    def name(field: str) -> tuple[str | None, ...]:
        return message.value(field), message.value(field, 4), message.value(field, 4, 2)

    retired = name(message.field("MRG", 1))
    return any(name(one) == retired for one in message.repetitions(message.field("PID", 3)))


def _is_doubtful(message: Message) -> bool:
    """A discharge time that cannot be read: everything else may be applied, but somebody has to look."""
    left = message.get("PV1", 45)
    return left not in (None, NULL) and iso(left) is None


def _answer(message: Message, code: ApplicationCode, faults: list[_Fault], disposition: Disposition) -> Decision:
    reason = "; ".join(fault.reason for fault in faults)
    error, location = (faults[0].error, faults[0].location) if faults else ("", "")
    asked_accept, asked_application = message.get("MSH", 15), message.get("MSH", 16)
    if asked_accept is None and asked_application is None:
        return Decision(code, reason, disposition, error=error, location=location)
    refused = code == "AR"
    accept: AcceptCode | None = None
    if asked_accept in ("AL", "ER" if refused else "SU"):
        accept = "CR" if refused else "CA"
    wanted = asked_application in ("AL", "SU" if code == "AA" else "ER")
    return Decision(code, reason, disposition, "enhanced", accept, code if wanted else None, error, location)
