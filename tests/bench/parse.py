"""Reading HL7 v2: bytes to facts, the receive path's share of it, against hl7apy in the same process."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from integrations.hl7v2.adt import read_adt
from integrations.hl7v2.parse import decide, parse
from tests.bench.table import Row, row

FIXTURES = Path(__file__).parents[1] / "fixtures" / "hl7"
ROUNDS, REPEATS = 3, 30
ZONE = "America/Chicago"
TYPES = ("ADT",)


def rows() -> list[Row]:
    """Messages per CPU-second of both readers over the messages that both can read, and one huge message."""
    files = sorted(FIXTURES.glob("*.hl7"))
    messages = [raw for raw in (path.read_bytes() for path in files) if _both_read(raw)]
    texts = [_text(raw) for raw in messages]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_per_second(lambda: [_facts(raw) for raw in messages], len(messages), REPEATS))
        theirs.append(_per_second(lambda: [_tolerant(text) for text in texts], len(texts), 1))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    big = _big()
    return [
        row("hl7: messages in the comparison", len(messages), "of " + str(len(files))),
        row("hl7: mean size", mean(len(raw) for raw in messages), "B"),
        row("hl7: bytes to facts and answer code", median(ours), "msg/CPU-s"),
        row("hl7: hl7apy TOLERANT", median(theirs), "msg/CPU-s"),
        row("hl7: times hl7apy TOLERANT", ratio, "x", bar=60, better="high"),
        row("hl7: a 1 MB observation", 1000 / _per_second(lambda: _facts(big), 1, 5), "CPU-ms", bar=25),
    ]


def _facts(raw: bytes) -> None:
    message = parse(raw, zone=ZONE)
    decide(message, enabled_types=TYPES)
    read_adt(message)


def _tolerant(text: str) -> None:
    parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT)


def _text(raw: bytes) -> str:
    """What hl7apy needs done first; not counted against it."""
    return raw.decode("latin-1").replace("\r\n", "\r").replace("\n", "\r").strip("\x0b\x1c\r") + "\r"


def _both_read(raw: bytes) -> bool:
    message = parse(raw, zone=ZONE)
    if not message.ok or message.get("MSH", 9) != "ADT":
        return False
    try:
        _tolerant(_text(raw))
    except Exception:
        # hl7apy raises many kinds; whatever it is, the message is no common ground.
        return False
    return True


def _per_second(work: Callable[[], object], count: int, repeats: int) -> float:
    gc.collect()
    began = time.process_time()
    for _ in range(repeats):
        work()
    return count * repeats / (time.process_time() - began)


def _big() -> bytes:
    raw = (FIXTURES / "a08-observations.hl7").read_bytes().rstrip(b"\r\n") + b"\r"
    return raw + b"OBX|99|ED|PDF^Report||^application^pdf^Base64^" + b"QUJD" * 262144 + b"||||||F\r"
