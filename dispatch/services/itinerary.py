"""The rides that a booking would make, laid out in time: ways, pickup times from arrival times, connections.

Pure of writing. ``arrive``: the latest pickup from which the patient is at the door, and unloaded, in time is searched
with the router's own driving minutes; the pickup asked for is ``policies.ARRIVE_BUFFER_MINUTES`` earlier. All moments
are UTC; each end keeps its own zone, so that a drive into another zone or over a clock change is right by itself.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from dispatch import policies
from dispatch.services import router
from dispatch.services.router import Way
from dispatch.solver.problem import Stop
from logistics.accounts.models import Facility
from logistics.core import clock
from logistics.requests.models import Patient
from logistics.requests.services import booking, journeys, rule_sets
from logistics.requests.services.advice import Advice
from logistics.requests.services.journeys import Onward, Plan, Ride
from logistics.requests.services.places import Destination

MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class PlannedRide:
    """One ride: its answers with the pickup time filled in, its ends, its way, and when it leaves and arrives.

    ``pickup_at`` is what is asked for (foreseen for a will call), None while no time is known; then the way is that of
    a departure now. ``link`` is that of the request (empty, ``return``, ``connection``).
    """

    fields: dict[str, Any]
    start: Destination
    end: Destination
    way: Way
    pickup_at: dt.datetime | None
    arrives_at: dt.datetime | None
    link: str = ""

    @property
    def depart_at(self) -> dt.datetime:
        """When the vehicle is wanted, now when nobody said."""
        return max(self.pickup_at, clock.now()) if self.pickup_at is not None else clock.now()

    @property
    def crosses_zones(self) -> bool:
        """Whether the clocks at both ends differ at the arrival."""
        at = self.arrives_at or self.depart_at
        here, there = self.start.location.zone, self.end.location.zone
        return clock.local(at, here).utcoffset() != clock.local(at, there).utcoffset()

    @property
    def arrive_by_at(self) -> dt.datetime | None:
        """When the patient must be there, if somebody said so."""
        return self.fields.get("arrive_by_at") if self.fields.get("when") == "arrive" else None


@dataclass(frozen=True)
class Itinerary:
    """All rides in order (none while the first has no ends), with the advice for the longest of them."""

    rides: list[PlannedRide] = field(default_factory=list)
    advice: Advice | None = None
    level: str = ""

    @property
    def first(self) -> PlannedRide | None:
        """The ride that is booked in any case."""
        return self.rides[0] if self.rides else None

    @property
    def minutes(self) -> int | None:
        """Minutes of the longest way: what the patient's own oxygen must last."""
        return max((ride.way.minutes for ride in self.rides), default=None)


def lay_out(
    fields: dict[str, Any],
    plan: Plan,
    *,
    facility: Facility | None,
    patient: Patient | None,
    level: str = "",
) -> Itinerary:
    """The rides of these answers (``ride_rows``) and this plan; ``level`` is a person's own choice, else the advice's.

    The level decides how long a door takes, the length of the way may decide the level: twice around is enough,
    because a longer way never lowers the level and a door takes minutes, not hours.
    """
    shown = Itinerary()
    chosen = level
    rules = rule_sets.in_force()
    for _ in range(3):
        rides = _rides(fields, plan, facility, chosen)
        advice = None
        if fields.get("mobility"):
            longest = max((ride.way.minutes for ride in rides), default=None)
            advice = booking.advise_for(fields, patient or Patient(), minutes=longest, rules=rules)
        settled = level or (advice.level if advice else "")
        shown = Itinerary(rides, advice, settled)
        if settled == chosen:
            break
        chosen = settled
    return shown


def as_rides(itinerary: Itinerary, amounts: list[Any]) -> list[Ride]:
    """What ``journeys.book`` takes; ``amounts`` are the prices in order (None where no contract has one)."""
    return [
        Ride(ride.fields, booking.Quote(ride.way.miles, ride.way.minutes, amount), ride.arrives_at)
        for ride, amount in zip(itinerary.rides, amounts, strict=True)
    ]


def latest_pickup(start: Destination, end: Destination, arrive_by_at: dt.datetime, level: str) -> dt.datetime:
    """The last full minute at which service at the pickup may begin so that the patient is unloaded in time.

    The router's arrival never gets earlier by leaving later, so halving finds it.
    """
    here, there, zone = _stop(start), _stop(end), start.location.zone
    door = policies.service_minutes(level) * MINUTE

    def in_time(pickup: dt.datetime) -> bool:
        drive = router.route(here, there, pickup + door, zone).minutes * MINUTE
        return pickup + door + drive + door <= arrive_by_at

    # Floor to the minute: what a form can say.
    late = (arrive_by_at - 2 * door).replace(second=0, microsecond=0)
    reach = MINUTE
    while not in_time(late - reach):
        reach *= 2
    early, late = late - reach, late
    while late - early > MINUTE:
        middle = early + (late - early) // (2 * MINUTE) * MINUTE
        early, late = (middle, late) if in_time(middle) else (early, middle)
    return early


def _rides(fields: dict[str, Any], plan: Plan, facility: Facility | None, level: str) -> list[PlannedRide]:
    start, end = journeys.start_of(fields, facility), fields.get("destination")
    if start is None or not isinstance(end, Destination):
        return []
    rides = [_ride(fields, start, end, level)]
    for onward in plan.onward:
        before = rides[-1]
        there = onward.destination or (start if onward.link == "return" else None)
        if there is None:
            break
        given = journeys.onward_fields(
            fields, _like_first(onward, plan, rides[0]), here=before.end, there=there, arrives_at=before.arrives_at
        )
        rides.append(_ride(given, before.end, there, level, link=onward.link))
    return rides


def _like_first(onward: Onward, plan: Plan, first: PlannedRide) -> Onward:
    """A vehicle that waits for a patient who is fetched when ready comes back when ready too: nobody knows the hour."""
    if plan.kind != "wait_return" or first.fields.get("when") != "ready" or first.arrives_at is None:
        return onward
    wait = dt.timedelta(minutes=plan.wait_minutes or 0)
    return replace(onward, when="ready", expected_at=first.arrives_at + wait)


def _ride(fields: dict[str, Any], start: Destination, end: Destination, level: str, *, link: str = "") -> PlannedRide:
    given = dict(fields)
    if given.get("when") == "arrive":
        by = given.get("arrive_by_at")
        latest = latest_pickup(start, end, by, level) if by is not None else None
        given["pickup_at"] = latest - policies.ARRIVE_BUFFER_MINUTES * MINUTE if latest is not None else None
    asked = given.get("pickup_at") or given.get("ready_expected_at")
    if given.get("when") == "now":
        asked = clock.now()
    door = policies.service_minutes(level) * MINUTE
    leaves = max(asked, clock.now()) if asked is not None else clock.now()
    # Miles and minutes are read at the pickup, as the trip will (``intake``); the arrival also counts both doors.
    way = router.route(_stop(start), _stop(end), leaves, start.location.zone)
    drive = router.route(_stop(start), _stop(end), leaves + door, start.location.zone).minutes * MINUTE
    arrives_at = leaves + door + drive + door if asked is not None else None
    return PlannedRide(given, start, end, way, asked, arrives_at, link)


def _stop(place: Destination) -> Stop:
    return Stop(place.location.lat, place.location.lon)
