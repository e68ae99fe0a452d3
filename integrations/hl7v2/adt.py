"""An ADT message as one set of facts, whatever version or habit it was written in.

`read_adt` gives the facts of a message's patient. Some events speak of several: A17 swaps two beds, merges
come in bulk, A45 moves many visits; `read_all` gives one event for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from .observations import DEFAULT_CODES, read_observations
from .parse.facts import PREFERRED_TYPES
from .parse.message import NULL, Message
from .parse.verdict import event_of
from .values import (
    CLEARED,
    UNCHANGED,
    Address,
    Given,
    Group,
    Identifier,
    Mark,
    Person,
    Phone,
    Place,
    T,
    groups,
)

__all__ = [
    "CLEARED",
    "UNCHANGED",
    "Address",
    "AdtEvent",
    "Given",
    "Identifier",
    "Mark",
    "Person",
    "Phone",
    "Place",
    "read_adt",
    "read_all",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdtEvent:
    """What an ADT message says about one patient and one visit.

    Fields of type `Given` are a value, UNCHANGED (nothing said) or CLEARED (deleted by the sender). Moments
    are aware and in UTC. `*_on` is the calendar date of the `*_at` beside it as the sender wrote it, and
    stands alone when no time of day was given. `problems` names what could not be read, without any value.
    """

    # The message
    event: str
    control_id: str
    version: str | None
    processing_id: str | None
    sending_application: str | None
    sending_facility: str | None
    receiving_application: str | None
    receiving_facility: str | None
    message_at: datetime | None
    recorded_at: datetime | None  # EVN-2: when it was entered
    occurred_at: datetime | None  # EVN-6: when it happened
    effective_at: datetime | None  # EVN-6, else EVN-2, else MSH-7
    problems: tuple[str, ...]

    # The patient
    patient: Identifier | None
    patient_identifiers: tuple[Identifier, ...]
    family: Given[str]
    given: Given[str]
    middle: Given[str]
    birth_date: Given[date]
    sex: Given[str]
    language: Given[str]
    phones: Given[tuple[Phone, ...]]
    address: Given[Address]
    is_deceased: Given[bool]
    died_at: Given[datetime]
    mother: Given[Identifier]  # PID-21, on a newborn's own record
    birth_order: Given[str]

    # The visit
    visit: Identifier | None
    account: Given[Identifier]
    patient_class: Given[str]
    location: Given[Place]
    prior_location: Given[Place]
    temporary_location: Given[Place]
    pending_location: Given[Place]
    attending: Given[Person]
    hospital_service: Given[str]
    ambulatory_status: Given[tuple[str, ...]]  # PV1-15, table 0009: A1 device, A2 wheelchair, B1 oxygen, ...
    diet: Given[str]
    disposition: Given[str]
    expected_disposition: Given[str]
    admitted_at: Given[datetime]
    discharge_at: Given[datetime]
    discharge_on: Given[date]
    expected_discharge_at: Given[datetime]
    expected_discharge_on: Given[date]
    expected_return_at: Given[datetime]

    # Merges and moves: what MRG names as no longer valid
    prior_patient: Identifier | None
    prior_account: Identifier | None
    prior_visit: Identifier | None

    # For the ride
    weight_lb: Given[Decimal]
    isolation: Given[str]
    mobility: Given[str]
    oxygen: Given[str]
    oxygen_lpm: Given[Decimal]
    plan_name: Given[str]
    payer_name: Given[str]
    member_number: Given[str]
    comments: tuple[str, ...]  # NTE-3, one text per segment


def read_adt(message: Message, *, zone: str | None = None, codes: Mapping[str, str] = DEFAULT_CODES) -> AdtEvent:
    """The facts about the message's first (nearly always only) patient.

    zone: IANA name for timestamps without an offset; without it and without `message.zone` such times stay
    unknown. codes: OBX codes that this feed uses. Raises ValueError when the message has no usable header,
    and `zoneinfo.ZoneInfoNotFoundError` when the zone's name is wrong; never for what stands in the message.
    """
    return read_all(message, zone=zone, codes=codes)[0]


def read_all(message: Message, *, zone: str | None = None, codes: Mapping[str, str] = DEFAULT_CODES) -> list[AdtEvent]:
    """One event per patient, and per visit that is moved, in the message's order; at least one.

    Arguments and errors are those of `read_adt`.
    """
    if not message.ok:
        raise ValueError(f"not a readable HL7 message: {message.problem}")
    zone = zone or message.zone
    return [_read(group, codes) for group in groups(message, zone)]


def _read(group: Group, codes: Mapping[str, str]) -> AdtEvent:
    message = group.message
    text = group.text
    message_at = _known(group.time("MSH", 7, "message_at")[0])
    recorded_at = _known(group.time("EVN", 2, "recorded_at")[0])
    occurred_at = _known(group.time("EVN", 6, "occurred_at")[0])
    discharge_at, discharge_on = group.time("PV1", 45, "discharge_at")
    expected_at, expected_on = group.time("PV2", 9, "expected_discharge_at")
    seen = read_observations(group, codes)
    return AdtEvent(
        event=event_of(message) or "",
        control_id=(message.whole("MSH", 10) or "").strip(),
        version=group.part(message.field("MSH", 12)),
        processing_id=group.part(message.field("MSH", 11)),
        sending_application=group.part(message.field("MSH", 3)),
        sending_facility=group.part(message.field("MSH", 4)),
        receiving_application=group.part(message.field("MSH", 5)),
        receiving_facility=group.part(message.field("MSH", 6)),
        message_at=message_at,
        recorded_at=recorded_at,
        occurred_at=occurred_at,
        effective_at=occurred_at or recorded_at or message_at,
        patient=_patient(group),
        patient_identifiers=group.identifiers("PID", 3),
        family=text("PID", 5, 1),
        given=text("PID", 5, 2),
        middle=text("PID", 5, 3),
        birth_date=group.time("PID", 7, "birth_date")[1],
        sex=text("PID", 8),
        language=text("PID", 15),
        phones=group.phones(("PID", 13), ("PID", 14)),
        address=group.address("PID", 11),
        is_deceased=_deceased(group),
        died_at=group.time("PID", 29, "died_at")[0],
        mother=group.identifier("PID", 21),
        birth_order=text("PID", 25),
        visit=_known(group.identifier("PV1", 19)),
        account=group.identifier("PID", 18),
        patient_class=text("PV1", 2),
        location=group.place("PV1", 3),
        prior_location=group.place("PV1", 6),
        temporary_location=group.place("PV1", 11),
        pending_location=group.place("PV1", 42),
        attending=group.person("PV1", 7),
        hospital_service=text("PV1", 10),
        ambulatory_status=_codes(group, "PV1", 15),
        diet=text("PV1", 38),
        disposition=text("PV1", 36),
        expected_disposition=text("PV2", 27),
        admitted_at=group.time("PV1", 44, "admitted_at")[0],
        discharge_at=discharge_at,
        discharge_on=discharge_on,
        expected_discharge_at=expected_at,
        expected_discharge_on=expected_on,
        expected_return_at=group.time("PV2", 47, "expected_return_at")[0],
        prior_patient=_known(group.identifier("MRG", 1)),
        prior_account=_known(group.identifier("MRG", 3)),
        prior_visit=_known(group.identifier("MRG", 5)),
        weight_lb=seen.weight_lb,
        isolation=seen.isolation,
        mobility=seen.mobility,
        oxygen=seen.oxygen,
        oxygen_lpm=seen.oxygen_lpm,
        plan_name=_first(text("IN1", 2, 2), text("IN1", 9)),
        payer_name=text("IN1", 4),
        member_number=_first(text("IN1", 49), text("IN1", 36)),
        comments=tuple(words for nte in group.every("NTE") if (words := _comment(message, nte))),
        problems=tuple(group.problems),
    )


def _known(value: Given[T]) -> T | None:
    """A value that only matters when it is there."""
    return None if isinstance(value, Mark) else value


def _first(*values: Given[str]) -> Given[str]:
    """The first that says anything."""
    return next((value for value in values if value is not UNCHANGED), UNCHANGED)


def _patient(group: Group) -> Identifier | None:
    found = group.identifiers("PID", 3)
    for wanted in PREFERRED_TYPES:
        for one in found:
            if one.type in wanted:
                return one
    if found:
        return found[0]
    # Senders of versions before 2.3 keep the only number in PID-2, some in PID-4.
    for number in (2, 4):
        alone = group.part(group.field("PID", number))
        if alone is not None:
            return Identifier(alone)
    return None


def _deceased(group: Group) -> Given[bool]:
    said = group.flag("PID", 30)
    # A time of death without the flag is still a death; nobody sends a ride on the absence of a Y.
    if said is UNCHANGED and group.part(group.field("PID", 29)):
        return True
    return said


def _codes(group: Group, segment: str, number: int) -> Given[tuple[str, ...]]:
    field = group.field(segment, number)
    if field == NULL:
        return CLEARED
    found = tuple(code for one in group.message.repetitions(field) if (code := group.part(one)) is not None)
    return found or UNCHANGED


def _comment(message: Message, nte: list[str]) -> str:
    return message.text(nte[3]).strip() if len(nte) > 3 and nte[3] != NULL else ""
