"""The facts of a message as plain JSON values, for looking at, for comparing readers and for the command
line.
"""

from __future__ import annotations

from typing import Any

from .message import BATCH, NULL, Message
from .times import iso
from .verdict import VISIT_EVENTS, decide, event_of

NULL_WORD = "__NULL__"
"""How a deleted value (`""` on the wire) is written in facts, where null already means absent."""

PREFERRED_TYPES = (("MR", "MRN"), ("PI",))
"""Identifier types (table 0203, and one that is widely written instead) in the order they are preferred."""

Fact = dict[str, Any]


def _plain(value: str | None) -> str | None:
    return NULL_WORD if value == NULL else value


def identifiers(message: Message, field: str) -> list[Fact]:
    """Each repetition of a CX field with an id: `id`, `authority` (namespace), `authority_oid` and `type`."""
    found = []
    for part in message.repetitions(field):
        number = _plain(message.value(part))
        if number is not None:
            found.append(
                {
                    "id": number,
                    "authority": _plain(message.value(part, 4)),
                    "authority_oid": _plain(message.value(part, 4, 2)),
                    "type": _plain(message.value(part, 5)),
                }
            )
    return found


def choose_identifier(found: list[Fact], *fallbacks: str | None) -> Fact | None:
    """The identifier a patient is known by: the medical record number, else the hospital's own, else the
    first.

    `fallbacks` are PID-2 and PID-4, where senders of older versions keep the only number. A deleted
    identifier is
    never chosen: two patients would share it.
    """
    present = [one for one in found if one["id"] != NULL_WORD]
    for wanted in PREFERRED_TYPES:
        for one in present:
            if one["type"] in wanted:
                return one
    if present:
        return present[0]
    for number in fallbacks:
        if number not in (None, NULL_WORD):
            return {"id": number, "authority": None, "authority_oid": None, "type": None}
    return None


_PLACE = (
    ("point_of_care", 1),
    ("room", 2),
    ("bed", 3),
    ("facility", 4),
    ("status", 5),
    ("type", 6),
    ("building", 7),
    ("floor", 8),
)


def _place(message: Message, field: str, parts: int) -> Fact | None:
    values = {name: _plain(message.value(field, number)) for name, number in _PLACE[:parts]}
    return values if any(values.values()) else None


def _time(message: Message, field: str, name: str, notes: list[str]) -> Fact | None:
    raw = _plain(message.value(field))
    if raw is None:
        return None
    text = iso(raw)
    if text is None and raw != NULL_WORD:
        notes.append(f"bad_time:{name}")
    return {"raw": raw, "iso": text}


def facts(message: Message) -> Fact:
    """What the message says, field by field, with the answer it deserves from a feed that takes ADT.

    A message without a usable header yields only the keys that need none. Times are `{"raw", "iso"}` with the
    precision and offset that were sent; deleted values are NULL_WORD; absent ones are None.
    """
    result: Fact = {
        "ok": message.ok,
        "sha256": message.sha256,
        "bytes": len(message.raw),
        "decoded_as": message.encoding,
    }
    if message.problem == BATCH:
        return result | {
            "batch": True,
            "batch_messages": message.batch_size,
            "notes": list(message.notes),
            "ack": "per message",
            "disposition": "split",
        }
    decision = decide(message)
    if not message.ok:
        return result | {
            "ack": decision.code,
            "why": decision.reason,
            "disposition": decision.disposition,
            "notes": list(message.notes),
        }
    notes = list(message.notes)
    result |= _header(message)
    result |= _patient(message)
    late: list[str] = []
    result |= _visit(message, late, result)
    if decision.code != "AR":
        # Nobody will use the content of a message whose header is refused, so nothing is said about it.
        late += _about_header(result)
    else:
        late = [note for note in late if ":" not in note]
    notes += late
    result |= {
        "ack_mode": decision.mode,
        "ack": decision.code,
        "why": decision.reason,
        "notes": notes,
        "disposition": decision.disposition,
    }
    if decision.code != "AR":
        result["enhanced"] = (
            {"accept": decision.accept, "application": decision.application} if decision.mode == "enhanced" else None
        )
    return result


def _header(message: Message) -> Fact:
    def msh(number: int, component: int = 1) -> str | None:
        return _plain(message.get("MSH", number, component))

    return {
        "message_type": msh(9),
        "trigger_event": _plain(event_of(message)),
        "structure": msh(9, 3),
        "control_id": _plain(message.whole("MSH", 10)),
        "version": msh(12),
        "processing_id": msh(11),
        "sending": [msh(3), msh(4)],
        "receiving": [msh(5), msh(6)],
        "message_time": None,
        "sequence_number": msh(13),
        "accept_ack": msh(15),
        "application_ack": msh(16),
        # Repetitions are part of the declaration, so the field is given whole.
        "charset": message.field("MSH", 18) or None,
        "segments": list(message.segment_ids),
    }


def _patient(message: Message) -> Fact:
    found = identifiers(message, message.field("PID", 3))
    name_field = message.field("PID", 5)
    name = {
        "family": _plain(message.value(name_field)),
        "given": _plain(message.value(name_field, 2)),
        "middle": _plain(message.value(name_field, 3)),
    }
    return {
        "patient_ids": found,
        "patient_id": choose_identifier(found, _plain(message.get("PID", 2)), _plain(message.get("PID", 4))),
        "name": name if any(name.values()) else None,
        "dob": None,
        "sex": _plain(message.get("PID", 8)),
    }


def _visit(message: Message, notes: list[str], known: Fact) -> Fact:
    """The visit's facts; `known` (earlier facts) gets its two times, `notes` what is wrong with any."""
    number = _plain(message.get("PV1", 19))
    prior = message.get("MRG", 1)
    account = _plain(message.get("PID", 18))
    visit = {
        "visit_number": {"id": number, "authority": _plain(message.get("PV1", 19, 4))} if number else None,
        "account_number": account,
        "patient_class": _plain(message.get("PV1", 2)),
        "location": _place(message, message.field("PV1", 3), 8),
        "prior_location": _place(message, message.field("PV1", 6), 4),
        "discharge_disposition": _plain(message.get("PV1", 36)),
        "discharge_time": None,
        "expected_discharge_time": None,
        "event_recorded": None,
        "event_occurred": None,
        "death_indicator": _plain(message.get("PID", 30)),
        "merge_prior_id": {
            "id": _plain(prior),
            "authority": _plain(message.get("MRG", 1, 4)),
            "type": _plain(message.get("MRG", 1, 5)),
        }
        if prior
        else None,
    }
    if "DSC" in message.segment_ids:
        notes.append("fragment")
    if message.field("MSH", 14):
        notes.append("continuation")
    recorded = message.get("EVN", 1)
    if recorded is not None and known["trigger_event"] not in (None, recorded):
        notes.append("event_mismatch")
    visit["discharge_time"] = _time(message, message.field("PV1", 45), "discharge_time", notes)
    known["dob"] = _time(message, message.field("PID", 7), "dob", notes)
    visit["event_occurred"] = _time(message, message.field("EVN", 6), "event_occurred", notes)
    visit["event_recorded"] = _time(message, message.field("EVN", 2), "event_recorded", notes)
    visit["expected_discharge_time"] = _time(message, message.field("PV2", 9), "expected_discharge_time", notes)
    known["message_time"] = _time(message, message.field("MSH", 7), "message_time", notes)
    return visit


def _about_header(known: Fact) -> list[str]:
    notes = []
    if not known["visit_number"] and not known["account_number"] and known["trigger_event"] in VISIT_EVENTS:
        notes.append("no_visit_number")
    if known["processing_id"] not in (None, "P"):
        notes.append("processing_not_P")
    if known["version"] is None:
        notes.append("no_version")
    return notes
