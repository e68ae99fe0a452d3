"""Rides that belong together: a round trip, a vehicle that waits, several stops. Booked as one, each ride for itself.

Each ride is a service request with its own trip, because the one-way trip is what is offered, driven and billed; the
journey ties them in order. Two promises are kept here. Nobody is stranded: a round trip is booked with its return, at
a time or as a will call that somebody owns, and every need, precaution and device of the way there goes with the way
back, so that the return is not refused at the door. And every connection is possible: the next pickup is not before
the patient has arrived and had the time that was asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from logistics.accounts.models import Facility
from logistics.core import audit, clock, outbox
from logistics.requests.models import Journey, ServiceRequest, TransportDetail
from logistics.requests.services import answers, booking, places
from logistics.requests.services.booking import Choice, OpenRide, Quote
from logistics.requests.services.places import Destination
from logistics.requests.services.ride_rows import locked

ONE_WAY = "one_way"
KINDS = [(ONE_WAY, "One way"), *Journey.KINDS]
MOST_STOPS = 5
# A vehicle that waits is paid for standing: longer than this a will call or a time is cheaper for everybody.
LEAST_WAIT_MINUTES, MOST_WAIT_MINUTES = 10, 240
# A stop without a time of its own: long enough for a hand-over at a desk, short enough for a crew to plan.
DWELL_MINUTES, MOST_DWELL_MINUTES = 30, 12 * 60

NO_RETURN = (
    "Choose how the patient comes back: at a time, or when ready. A round trip is not booked without its return."
)

# What a further ride does not take over from the first: times, ends, who to ask there, and what belongs to one end.
_OWN = frozenset(
    {
        "when", "pickup_at", "ready_expected_at", "arrive_by_at", "pickup_problem", "destination", "destination_text",
        "destination_problem", "origin", "origin_text", "origin_problem", "pickup_kind", "pickup_contact",
        "pickup_bed_label", "pickup_steps", "dropoff_steps", "ready_owner_id", "ready_owner_name", "ready_phone",
        "accepting_clinician", "accepting_bed", "accepted_at", "report_given_at", "transfer_checks", "plan", "purpose",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Onward:
    """One further ride as a person asked for it.

    ``destination`` None means back to where the first ride began. ``when`` is ``at`` (at ``pickup_at``, or when None
    after ``dwell_minutes``) or ``ready`` (a will call around ``expected_at``, owned by ``owner_id``). ``input`` is the
    input that problems are about: ``return`` or ``stop2`` …; ``problems`` what could not be read, by input.
    """

    input: str
    link: str
    destination: Destination | None = None
    when: str = ""
    pickup_at: dt.datetime | None = None
    expected_at: dt.datetime | None = None
    dwell_minutes: int = 0
    owner_id: UUID | None = None
    owner_name: str = ""
    phone: str = ""
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What a person asked for: ``kind`` is a key of :data:`KINDS`; ``onward`` the rides after the first, in order."""

    kind: str = ONE_WAY
    onward: tuple[Onward, ...] = ()
    same_vendor: bool = False
    wait_minutes: int | None = None

    @property
    def is_journey(self) -> bool:
        """Whether there is more than one ride."""
        return self.kind != ONE_WAY


@dataclass(frozen=True)
class Ride:
    """One ride of a journey, ready to book: its answers, its way, and when it arrives (None while not known)."""

    fields: dict[str, Any]
    quote: Quote
    arrives_at: dt.datetime | None = None


def start_of(fields: dict[str, Any], facility: Facility | None) -> Destination | None:
    """Where the first ride begins: the place that was chosen instead of the unit, else the unit's site."""
    if fields.get("pickup_kind"):
        origin = fields.get("origin")
        return origin if isinstance(origin, Destination) else None
    unit = fields.get("unit")
    site = unit.facility if unit is not None else facility
    return places.of_facility(site) if site is not None else None


def onward_fields(
    first: dict[str, Any], onward: Onward, *, here: Destination, there: Destination, arrives_at: dt.datetime | None
) -> dict[str, Any]:
    """The answers of a further ride from ``here`` to ``there``, after the one before arrived at ``arrives_at``."""
    pickup_at = onward.pickup_at
    if pickup_at is None and onward.when == "at" and arrives_at is not None:
        pickup_at = _whole_minute(arrives_at + dt.timedelta(minutes=onward.dwell_minutes))
    back = onward.link == "return"
    place = here.place
    return {
        **{name: value for name, value in first.items() if name not in _OWN},
        "when": onward.when,
        "pickup_at": pickup_at if onward.when == "at" else None,
        "ready_expected_at": onward.expected_at if onward.when == "ready" else None,
        "arrive_by_at": None,
        "purpose": "" if first.get("purpose") == "transfer" else first.get("purpose", ""),
        "pickup_kind": here.kind,
        "origin": here,
        "origin_text": here.name,
        "pickup_contact": f"{place.name}, {place.phone}"[:80] if place is not None and place.phone else "",
        "pickup_bed_label": "",
        "destination": there,
        "destination_text": there.name,
        # The steps of the way there, walked the other way round.
        "pickup_steps": first.get("dropoff_steps") if back else None,
        "dropoff_steps": first.get("pickup_steps") if back else None,
        "ready_owner_id": onward.owner_id,
        "ready_owner_name": onward.owner_name,
        "ready_phone": onward.phone,
    }


def check(plan: Plan, rides: Sequence[Ride]) -> dict[str, str]:
    """What stands against this journey, by input, in words. ``rides`` has one ride for each of the plan, in order."""
    problems: dict[str, str] = {}
    for onward in plan.onward:
        problems |= onward.problems
    if plan.kind == "wait_return":
        wait = plan.wait_minutes
        if wait is None or not LEAST_WAIT_MINUTES <= wait <= MOST_WAIT_MINUTES:
            problems["wait_minutes"] = (
                f"Write how long the vehicle waits, {LEAST_WAIT_MINUTES} to {MOST_WAIT_MINUTES} minutes. "
                "For longer book a round trip."
            )
    if plan.kind == "multi_leg" and not plan.onward:
        problems["stop2"] = "Choose the next stop, or book one way."
    if plan.kind in ("round_trip", "wait_return") and not plan.onward:
        problems["return_when"] = NO_RETURN
    for number, onward in enumerate(plan.onward, start=1):
        before = rides[number - 1] if number - 1 < len(rides) else None
        ride = rides[number] if number < len(rides) else None
        problems = _onward_problems(onward, before, ride, first=number == 1) | problems
    return problems


def _onward_problems(onward: Onward, before: Ride | None, ride: Ride | None, *, first: bool) -> dict[str, str]:
    problems: dict[str, str] = {}
    time_input = f"{onward.input}_local"
    if onward.link == "return":
        if not onward.when:
            return {"return_when": NO_RETURN}
        if onward.when == "ready" and onward.owner_id is None:
            problems["return_owner"] = "Choose who watches for the call: a will call without an owner is forgotten."
        if onward.when == "ready" and onward.expected_at is None:
            problems[time_input] = "Write about when the patient will be ready to come back."
        elif onward.when == "at" and onward.pickup_at is None and not onward.dwell_minutes:
            problems[time_input] = "Write the date and time of the return."
    if not 0 <= onward.dwell_minutes <= MOST_DWELL_MINUTES:
        problems[f"{onward.input}_dwell"] = f"Time at a stop is between 0 and {MOST_DWELL_MINUTES // 60} hours."
    if ride is None or before is None or problems:
        return problems
    here, there = ride.fields.get("origin"), ride.fields.get("destination")
    if isinstance(here, Destination) and isinstance(there, Destination) and places.same_spot(here, there):
        problems[onward.input] = "This stop is the same place as the one before. Choose another."
    asked = ride.fields.get("pickup_at") or ride.fields.get("ready_expected_at")
    # A stop with a time of its own needs at least its dwell before; one without gets its time from the arrival.
    dwell = onward.dwell_minutes if onward.link == "connection" else 0
    if asked is not None and before.arrives_at is not None and isinstance(here, Destination):
        earliest = before.arrives_at + dt.timedelta(minutes=dwell)
        if asked < answers.floor_minute(earliest):
            problems[time_input] = _too_early(onward, before.arrives_at, earliest, here.location.zone)
    return problems


def _too_early(onward: Onward, arrives_at: dt.datetime, earliest: dt.datetime, zone: str) -> str:
    at, least = clock.local(arrives_at, zone), clock.local(_whole_minute(earliest), zone)
    stay = f" and stays {onward.dwell_minutes} min" if onward.dwell_minutes and earliest > arrives_at else ""
    day = "" if at.date() == least.date() else f"{least:%a} {least.day} {least:%b}, "
    return f"The patient arrives about {at:%H:%M} {at:%Z}{stay}. Choose {day}{least:%H:%M} or later."


@transaction.atomic
def book(
    *, request_id: UUID, plan: Plan, rides: Sequence[Ride], key: str, choice: Choice, minutes: int | None = None
) -> list[ServiceRequest]:
    """Book a journey: all of its rides, or none. Returns them in order.

    ``request_id`` is the draft that becomes the first ride; ``minutes`` the longest way, which the patient's own oxygen
    must last. Sent again with the same ``key`` it answers with what was booked. Raises :class:`OpenRide` and
    :class:`DomainError` like :func:`booking.confirm`, with the inputs of every ride named at once. Publishes
    ``request.ready`` (or ``request.pending``) for each ride and ``journey.booked``.
    """
    first = locked(request_id)
    if booking.is_booked_with(first, key):
        return rides_of(first)
    problems = check(plan, rides)
    for number, ride in enumerate(rides[1:], start=2):
        asked = ride.fields.get("pickup_at") or ride.fields.get("ready_expected_at")
        other = booking.open_ride_of(first.patient_id, pickup_at=asked, apart_from=first.pk) if asked else None
        if other is not None:
            raise OpenRide(other.pk)
        problems = _as_inputs(plan.onward[number - 2], _examined(first, ride)) | problems
    given, own = booking.examine(first, rides[0].fields, choice, minutes=minutes)
    problems = own | problems
    if not problems and (not plan.is_journey or len(rides) != len(plan.onward) + 1):
        problems = {"destination": "Choose where each ride goes."}
    if problems or given is None:
        raise booking.incomplete(problems)
    journey = Journey.objects.create(
        kind=plan.kind,
        patient=first.patient,
        same_vendor=plan.same_vendor or plan.kind == "wait_return",
        wait_minutes=plan.wait_minutes if plan.kind == "wait_return" else None,
    )
    booked = [
        booking.settle(
            first, rides[0].fields, given, choice, key=key, quote=rides[0].quote,
            changes={"journey": journey, "journey_order": 1},
        )
    ]  # fmt: skip
    for number, ride in enumerate(rides[1:], start=2):
        request = _further(first, journey, number, plan.onward[number - 2].link)
        booked.append(booking.settle(request, ride.fields, given, choice, key=f"{key[:60]}-{number}", quote=ride.quote))
    audit.record(
        action="journey.booked",
        target=journey,
        patient_id=first.patient_id,
        details={"kind": plan.kind, "rides": len(booked), "same_vendor": journey.same_vendor},
    )
    outbox.publish("journey.booked", {"journey_id": str(journey.pk), "request_ids": [str(each.pk) for each in booked]})
    return booked


def rides_of(request: ServiceRequest) -> list[ServiceRequest]:
    """All rides of this ride's journey in order; itself alone without one."""
    if request.journey_id is None:
        return [request]
    return list(ServiceRequest.objects.filter(journey_id=request.journey_id).order_by("journey_order"))


def _examined(first: ServiceRequest, ride: Ride) -> dict[str, str]:
    origin = ride.fields.get("origin")
    start = origin if isinstance(origin, Destination) else None
    zone = start.location.zone if start is not None else first.facility.time_zone
    return answers.check(ride.fields, zone=zone, patient=first.patient, start=start)


def _as_inputs(onward: Onward, problems: dict[str, str]) -> dict[str, str]:
    """A further ride's own problems under the inputs of the page; what the first ride says already is left out."""
    inputs = {"pickup_local": f"{onward.input}_local", "destination": onward.input, "when": f"{onward.input}_when"}
    return {inputs[name]: words for name, words in problems.items() if name in inputs}


def _further(first: ServiceRequest, journey: Journey, number: int, link: str) -> ServiceRequest:
    """The draft of a further ride. It has no stay of its own: what the EHR says of the stay is about the first."""
    request = ServiceRequest.objects.create(
        patient=first.patient,
        facility=first.facility,
        unit=first.unit,
        source="user",
        journey=journey,
        journey_order=number,
        link=link,
        cost_center=first.cost_center,
        requested_by_id=first.requested_by_id,
        requested_by_name=first.requested_by_name,
    )
    TransportDetail.objects.create(request=request)
    return request


def _whole_minute(moment: dt.datetime) -> dt.datetime:
    """Rounded up to the next full minute: a pickup is never before the patient is there."""
    floor = answers.floor_minute(moment)
    return floor if floor == moment else floor + dt.timedelta(minutes=1)
