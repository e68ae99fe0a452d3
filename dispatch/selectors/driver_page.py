"""The driver's day and one trip of it, ready for the phone. Only runs of the signed-in crew member."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch import policies, states
from dispatch.models import Leg, LegEvent, Passenger, Proof, RunCrew, Trip, TripEvent
from dispatch.selectors.history import changed_words, is_kept
from dispatch.selectors.passenger import Shown, shown
from logistics.core import clock
from logistics.core.levels import LEVELS
from vendors.models import Shift, VendorProfile

STEPS = ("en_route", "at_pickup", "on_board", "at_destination")
TAP_LABELS = {
    "en_route": ("Left for pickup", "navigation"),
    "at_pickup": ("Arrived at pickup", "map-pin-check"),
    "on_board": ("Patient on board", "user-check"),
    "at_destination": ("Arrived at drop-off", "map-pin-check"),
}
STEP_LABELS = {"en_route": "Started", "at_pickup": "Pickup", "on_board": "On board", "at_destination": "Drop-off"}
# A trip that ended stays on the day until the next morning's shift.
DAY_HOURS = 12


@dataclass(frozen=True)
class Job:
    """One leg of the signed-in crew member. ``number`` of ``total`` on the day; times are the pickup's zone's."""

    leg: Leg
    trip: Trip
    vehicle: str
    crew: str
    is_active: bool
    who: Shown
    assigned_at: dt.datetime
    number: int = 0
    total: int = 0

    @property
    def level(self) -> Any:
        """The level of service with its label and icon."""
        return LEVELS[self.trip.level]

    @property
    def is_over(self) -> bool:
        """Nothing is left to tap."""
        return self.leg.status in states.LEG.final


def day(user_id: UUID, *, now: dt.datetime) -> list[Job]:
    """The runs of ``user_id`` that are open, and those that ended in the last twelve hours. Two queries."""
    since = now - dt.timedelta(hours=DAY_HOURS)
    rows = [
        row
        for row in RunCrew.objects.filter(user_id=user_id, run__is_active=True)
        .exclude(run__leg__status__in=states.LEG.final, run__leg__dropped_off_at__lt=since)
        .exclude(run__trip__pickup_at__lt=since, run__leg__status__in=states.LEG.final)
        .select_related("run__trip", "run__leg")
        .order_by("run__trip__pickup_at", "run__trip__number")
    ]
    passengers = {p.trip_id: p for p in Passenger.objects.filter(trip_id__in=[row.run.trip_id for row in rows])}
    total = len(rows)
    return [_job(row, passengers.get(row.run.trip_id), number, total) for number, row in enumerate(rows, start=1)]


def job_get_for(user_id: UUID, leg_id: UUID) -> Job | None:
    """The leg if ``user_id`` is or was on its crew (then ``is_active`` is False), else None. Two queries."""
    row = (
        RunCrew.objects.filter(user_id=user_id, run__leg_id=leg_id)
        .select_related("run__trip", "run__leg")
        .order_by("-run__is_active", "-run__assigned_at")
        .first()
    )
    if row is None:
        return None
    passenger = Passenger.objects.filter(trip_id=row.run.trip_id).first() if row.run.is_active else None
    return _job(row, passenger)


def _job(row: RunCrew, passenger: Passenger | None, number: int = 0, total: int = 0) -> Job:
    trip, leg = row.run.trip, row.run.leg
    today = clock.local(trip.pickup_at, trip.time_zone).date()
    return Job(
        leg=leg,
        trip=trip,
        vehicle=row.run.vehicle_name,
        crew=row.run.crew_names,
        is_active=row.run.is_active,
        who=shown(passenger, role="driver", level=trip.level, today=today, leg=leg),
        assigned_at=row.run.assigned_at,
        number=number,
        total=total,
    )


def shift_of(user_id: UUID, *, now: dt.datetime) -> Shift | None:
    """The shift that the crew member is on, or the next one within a day. One query."""
    return (
        Shift.objects.filter(
            crew_rows__crew_member__user_id=user_id, ends_at__gt=now, starts_at__lt=now + dt.timedelta(days=1)
        )
        .select_related("vehicle")
        .order_by("starts_at")
        .first()
    )


def dispatch_phone() -> str:
    """The vendor's own dispatch number, empty when none is on file."""
    return VendorProfile.objects.values_list("dispatch_phone", flat=True).first() or ""


def steps(job: Job) -> dict[str, Any]:
    """Milestones, the taps that remain in order, and the last tap if it can still be taken back. One query."""
    times: dict[str, dt.datetime] = {}
    last: LegEvent | None = None
    for event in LegEvent.objects.filter(leg=job.leg).order_by("id"):
        if event.new_status in policies.LEG_ORDER:
            times[event.new_status] = event.at
        if not is_kept(event):
            last = event
    reached = policies.LEG_ORDER.index(job.leg.status) if job.leg.status in policies.LEG_ORDER else len(STEPS) + 2
    plan = _plan(job)
    milestones: list[dict[str, Any]] = []
    todo: list[dict[str, Any]] = []
    for status in STEPS:
        order = policies.LEG_ORDER.index(status)
        done = order <= reached and status in times
        moment = times[status] if done else plan[status]
        is_next = not done and order > reached and not todo
        milestones.append(
            {
                "label": STEP_LABELS[status],
                "state": "done" if order <= reached else "now" if is_next else "",
                "icon": "s4",
                "note": f"{clock.local(moment, job.trip.time_zone):%H:%M}",
            }
        )
        if order > reached:
            label, icon = TAP_LABELS[status]
            todo.append({"to": status, "label": label, "icon": icon, "current": not todo})
    undo = None
    if last is not None and last.new_status == job.leg.status and job.leg.status in STEPS:
        passed = (clock.now() - last.recorded_at).total_seconds()
        if passed < policies.UNDO_SECONDS and states.LEG.allows(job.leg.status, last.old_status):
            undo = {"to": last.old_status, "label": TAP_LABELS[job.leg.status][0], "at": last.at}
    return {"milestones": milestones, "todo": todo, "undo": undo}


def _plan(job: Job) -> dict[str, dt.datetime]:
    """When each step is expected: the pickup as promised, the rest by driving and door minutes."""
    pickup = job.leg.picked_up_at or job.trip.eta_at or job.trip.pickup_at
    door = dt.timedelta(minutes=policies.service_minutes(job.trip.level))
    ride = dt.timedelta(minutes=job.leg.minutes)
    return {
        "en_route": pickup - dt.timedelta(minutes=15),
        "at_pickup": pickup,
        "on_board": pickup + door,
        "at_destination": pickup + door + ride,
    }


def change_of(job: Job) -> dict[str, Any] | None:
    """What was changed last since this crew was set, as ``{"what", "at"}``, or None. One query."""
    found = TripEvent.objects.filter(trip_id=job.trip.pk, recorded_at__gt=job.assigned_at, details__has_key="changed")
    last = found.order_by("-id").first()
    words = changed_words(last.details.get("changed", [])) if last is not None else ""
    return {"what": words, "at": last.recorded_at} if last is not None and words else None


def proof_of(leg: Leg) -> Proof | None:
    """The leg's proof, if it was given."""
    return Proof.objects.filter(leg=leg).only("id", "at", "receiver_relation", "unsigned_reason").first()


def is_night(moment: dt.datetime, latitude: float, longitude: float) -> bool:
    """Whether the sun is down there: the phone's screen then starts dark.

    Solar elevation from the day's declination and the local hour angle; a few minutes off, which is enough here.
    """
    utc = moment.astimezone(dt.UTC)
    day_of_year = utc.timetuple().tm_yday
    declination = math.radians(-23.44) * math.cos(2 * math.pi * (day_of_year + 10) / 365)
    solar_hour = utc.hour + utc.minute / 60 + longitude / 15
    angle = math.radians(15 * (solar_hour - 12))
    height = math.sin(math.radians(latitude)) * math.sin(declination) + math.cos(math.radians(latitude)) * math.cos(
        declination
    ) * math.cos(angle)
    return math.degrees(math.asin(height)) < -0.83
