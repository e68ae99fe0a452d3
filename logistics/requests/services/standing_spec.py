"""What a series asks for: read from a form's answers, checked, kept as a version, and laid out for each ride."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from logistics.accounts.models import Facility
from logistics.core import scoping
from logistics.core.errors import DomainError
from logistics.core.levels import LEVELS
from logistics.requests.models import Patient, StandingOrder, StandingVersion, TransportDetail
from logistics.requests.services import answers, booking, places, recurrence
from logistics.requests.services.places import Destination
from logistics.requests.services.recurrence import Occurrence

# What the template keeps beside addresses: columns of TransportDetail.
RIDE_FIELDS = (
    "needs", "oxygen_lpm", "weight_lb", "chair", "chair_width_in", "chair_weight_lb", "pickup_steps", "dropoff_steps",
    "oxygen_cylinder", "service_animal", "escort_name", "receiver_name", "companions", "payer_name", "driver_note",
    "pickup_contact", "ready_phone",
)  # fmt: skip
# Of one date a person may change these without touching the series.
DATE_FIELDS = ("needs", "oxygen_lpm", "driver_note")
MOST_LEAD_MINUTES, MOST_RETURN_MINUTES = 240, 24 * 60
# Door to door in a town, on roads a third longer than the straight line, with time to board and to be early. The
# trip's own way is computed by dispatch; a person may write another lead.
ROAD_FACTOR, TOWN_MPH, BOARDING_MINUTES, EARLY_MINUTES = 1.3, 24.0, 10, 10
EARTH_RADIUS_MILES = 3958.7613


@dataclass(frozen=True)
class Spec:
    """A series as a person described it. ``pickup`` None is the unit; ``lead_minutes`` None is computed.

    ``ride`` holds mobility and :data:`RIDE_FIELDS`; ``level`` empty takes the advice, another one needs
    ``override_reason``. ``return_minutes`` count from the chair time (from the pickup when a pickup is given).
    """

    rule: str
    local_time: dt.time | None
    destination: Destination | None
    pickup: Destination | None = None
    timing: str = "arrive"
    lead_minutes: int | None = None
    return_kind: str = "ready"
    return_minutes: int | None = None
    return_owner_name: str = ""
    holiday_rule: str = "keep"
    purpose: str = "dialysis"
    ride: Mapping[str, Any] = field(default_factory=dict)
    level: str = ""
    override_reason: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)


def check(spec: Spec, *, facility: Facility, patient: Patient) -> dict[str, str]:
    """What is missing or wrong, field by field, in words that say what to do: the rules of a booking, and the days."""
    probe = {
        **spec.ride, "destination": spec.destination, "when": "now",
        "destination_problem": spec.problems.get("destination", ""),
    }  # fmt: skip
    start = spec.pickup or places.of_facility(facility)
    problems = answers.check(probe, zone=facility.time_zone, patient=patient, start=start) | dict(spec.problems)
    try:
        recurrence.check_rule(spec.rule)
    except DomainError as error:
        problems |= error.fields
    if spec.local_time is None:
        problems.setdefault("local_time", "Write the time as hours and minutes, e.g. 05:30.")
    if spec.timing not in dict(StandingVersion.TIMINGS):
        problems["timing"] = "Choose whether the time is the chair time or the pickup."
    if spec.lead_minutes is not None and not 0 < spec.lead_minutes <= MOST_LEAD_MINUTES:
        problems["lead_minutes"] = f"The pickup is 1 to {MOST_LEAD_MINUTES} minutes before the chair time."
    if spec.return_kind not in dict(StandingVersion.RETURNS):
        problems["return_kind"] = "Choose how the patient gets back."
    elif spec.return_kind and not 0 < (spec.return_minutes or 0) <= MOST_RETURN_MINUTES:
        problems["return_hours"] = "Write after how many hours the ride back is needed, e.g. 4.5."
    if spec.holiday_rule not in dict(StandingVersion.HOLIDAYS):
        problems["holiday_rule"] = "Choose what happens on a holiday."
    if spec.purpose not in dict(TransportDetail.PURPOSES):
        problems["purpose"] = "Choose what the trips are for."
    return problems


def advised(spec: Spec, patient: Patient) -> Any:
    """The advice (``advice.Advice``) on the series' level of service."""
    return booking.advise_for({"needs": [], **spec.ride}, patient)


def level_problems(spec: Spec, given: str) -> dict[str, str]:
    """Whether another level than the advice ``given`` was chosen without a reason."""
    if spec.level and spec.level not in LEVELS:
        return {"level": "Choose a level from the list."}
    if spec.level and spec.level != given and len(spec.override_reason.strip()) < 5:
        return {"override_reason": "Write who decided on another level, and why. It is kept in the audit log."}
    return {}


def version_of(spec: Spec, order: StandingOrder, *, from_on: dt.date) -> StandingVersion:
    """An unsaved version from checked answers (see :func:`check`)."""
    assert spec.local_time is not None
    assert spec.destination is not None
    given = advised(spec, order.patient)
    level = spec.level or given.level
    template = {name: _plain(spec.ride[name]) for name in RIDE_FIELDS if name in spec.ride}
    template["pickup"] = end_of(spec.pickup)
    template["destination"] = end_of(spec.destination)
    back = spec.return_minutes if spec.return_kind else None
    scope = scoping.current()
    version = StandingVersion(
        order=order,
        from_on=from_on,
        rule=recurrence.check_rule(spec.rule),
        timing=spec.timing,
        local_time=spec.local_time,
        return_kind=spec.return_kind,
        return_minutes=back,
        return_owner_id=scope.user_id if spec.return_kind == "ready" else None,
        return_owner_name=(spec.return_owner_name or scope.actor_label)[:120] if spec.return_kind == "ready" else "",
        holiday_rule=spec.holiday_rule,
        purpose=spec.purpose,
        pickup_kind=spec.pickup.kind if spec.pickup else "",
        pickup_place=spec.pickup.place if spec.pickup else None,
        destination_kind=spec.destination.kind,
        place=spec.destination.place,
        mobility=spec.ride["mobility"],
        level=level,
        level_advised=given.level,
        level_reason=given.reason[:300],
        level_override_reason=spec.override_reason.strip()[:300] if level != given.level else "",
        level_confirmed_by_id=scope.user_id,
        template=template,
        made_by_name=scope.actor_label[:120],
    )
    version.lead_minutes = spec.lead_minutes or lead_minutes(version, order.facility)
    return version


def lead_minutes(version: StandingVersion, facility: Facility) -> int:
    """How long before the chair time the pickup is, rounded up to 5 minutes."""
    here, there = _outset(version, facility), version.template["destination"]
    miles = _miles(here["latitude"], here["longitude"], there["latitude"], there["longitude"]) * ROAD_FACTOR
    minutes = miles / TOWN_MPH * 60 + BOARDING_MINUTES + EARLY_MINUTES
    return min(MOST_LEAD_MINUTES, 5 * math.ceil(minutes / 5))


def details_for(
    version: StandingVersion, occurrence: Occurrence, direction: str, edits: Mapping[str, Any], facility: Facility
) -> dict[str, Any]:
    """The columns of ``TransportDetail`` for one ride of one date. ``direction`` is ``out`` or ``back``.

    ``edits`` are a date's own answers (:data:`DATE_FIELDS`). The level is not among them.
    """
    assert occurrence.moment_utc is not None
    template = {**version.template, **edits}
    ride = {name: template[name] for name in RIDE_FIELDS if name in template}
    if ride.get("oxygen_lpm") is not None:
        ride["oxygen_lpm"] = Decimal(str(ride["oxygen_lpm"]))
    fields: dict[str, Any] = {**ride, "mobility": version.mobility, "purpose": version.purpose}
    moment = occurrence.moment_utc
    if direction == "out":
        fields |= _start(version.pickup_kind, version.pickup_place, template["pickup"])
        fields |= _goal(version.destination_kind, version.place, template["destination"])
        if version.timing == "arrive":
            lead = dt.timedelta(minutes=version.lead_minutes)
            return fields | {"when": "arrive", "arrive_by_at": moment, "pickup_at": moment - lead}
        return fields | {"when": "at", "pickup_at": moment}
    fields["pickup_steps"], fields["dropoff_steps"] = template.get("dropoff_steps"), template.get("pickup_steps")
    fields["pickup_contact"] = ""
    fields |= _start(version.destination_kind, version.place, template["destination"])
    if version.pickup_kind:
        fields |= _goal(version.pickup_kind, version.pickup_place, template["pickup"])
    else:
        fields |= _goal("other", None, _outset(version, facility))
    back_at = moment + dt.timedelta(minutes=version.return_minutes or 0)
    if version.return_kind == "at":
        return fields | {"when": "at", "pickup_at": back_at}
    return fields | {
        "when": "ready",
        "ready_expected_at": back_at,
        "ready_owner_id": version.return_owner_id,
        "ready_owner_name": version.return_owner_name,
    }


def date_edits(version: StandingVersion, given: Mapping[str, Any]) -> dict[str, Any]:
    """What of a date's answers differs from its series, as the exception keeps it."""
    plain = {name: _plain(given[name]) for name in DATE_FIELDS if name in given}
    return {name: value for name, value in plain.items() if value != version.template.get(name)}


def end_words(kind: str, place_name: str, end: Mapping[str, Any], unit_name: str = "") -> str:
    """One end of the way as a list names it: the place, ``Home, 18 Pier Rd``, the address, or the unit."""
    if place_name:
        return place_name
    if not kind:
        return unit_name or "Unit"
    line = str((end.get("address") or {}).get("line", ""))
    return f"Home, {line}" if kind == "home" else line


def end_of(destination: Destination | None) -> dict[str, Any]:
    """One end of the way as the template keeps it; empty for the unit."""
    if destination is None:
        return {}
    return {
        "address": destination.address.as_dict(),
        "latitude": destination.location.lat,
        "longitude": destination.location.lon,
        "zone": destination.location.zone,
    }


def _outset(version: StandingVersion, facility: Facility) -> dict[str, Any]:
    if version.pickup_kind:
        return dict(version.template["pickup"])
    address = {"line": f"{facility.name}, {facility.address}", "city": facility.city, "state": facility.state,
               "zip_code": facility.zip_code}  # fmt: skip
    return {
        "address": address, "latitude": facility.latitude, "longitude": facility.longitude,
        "zone": facility.time_zone,
    }  # fmt: skip


def _start(kind: str, place: Any, end: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pickup_kind": kind,
        "pickup_place": place,
        "pickup_address": {} if place is not None or not kind else end.get("address", {}),
        "pickup_latitude": end.get("latitude"),
        "pickup_longitude": end.get("longitude"),
        "pickup_zone": end.get("zone", ""),
    }


def _goal(kind: str, place: Any, end: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "destination_kind": kind,
        "place": place,
        "destination_address": {} if place is not None else end.get("address", {}),
        "destination_latitude": end.get("latitude"),
        "destination_longitude": end.get("longitude"),
        "destination_zone": end.get("zone", ""),
    }


def _plain(value: Any) -> Any:
    """As JSON keeps it."""
    return str(value) if isinstance(value, Decimal | UUID) else value


def _miles(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great-circle distance (haversine)."""
    a, b = math.radians(lat_a), math.radians(lat_b)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_MILES * math.asin(min(1.0, math.sqrt(half)))
