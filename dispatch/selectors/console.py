"""The transport desk's console: what needs a person, what waits for a vendor, which vehicles are where.

One call, a fixed number of queries whatever the number of trips, vehicles and vendors.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q
from django.urls import reverse

from dispatch import states
from dispatch.models import Leg, LegEvent, Offer, Passenger, Trip
from dispatch.selectors import journeys, schedule, triage, trip_page
from dispatch.selectors.delay import WAITING, chip_of, delay_of
from dispatch.selectors.passenger import Shown, shown
from dispatch.selectors.schedule import Schedule
from dispatch.selectors.triage import Row
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.core.levels import LEVELS

FREE_HOURS = 2
# A vehicle counts as free when it has this long without a trip in those hours: about one ride with both doors.
FREE_MINUTES = 45
MOST_LEVELS = 6
POSITION_HOURS = 4


@dataclass(frozen=True)
class Filters:
    """``level`` and ``vendor`` narrow the vehicles, ``trip`` is the number of the selected trip."""

    level: str = ""
    vendor: str = ""
    trip: int | None = None

    @classmethod
    def read(cls, query: Any) -> Filters:
        """Clean values of a request's GET."""
        try:
            vendor = str(UUID(query.get("vendor", "")))
        except ValueError:
            vendor = ""
        level, number = query.get("level", ""), query.get("trip", "")
        return cls(level if level in LEVELS else "", vendor, int(number) if number.isdigit() else None)


@dataclass
class Console:
    """What the console shows."""

    exceptions: list[dict[str, Any]] = field(default_factory=list)
    unassigned: list[dict[str, Any]] = field(default_factory=list)
    vehicles: list[dict[str, Any]] = field(default_factory=list)
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    selected: dict[str, Any] | None = None
    why: dict[str, Any] | None = None
    free: list[dict[str, Any]] = field(default_factory=list)
    stops: list[dict[str, Any]] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    vendors: list[tuple[str, str]] = field(default_factory=list)
    open_count: int = 0
    numbers: list[int] = field(default_factory=list)


def console(filters: Filters, *, role: str, zone: str, now: dt.datetime, back: str) -> Console:
    """Everything on the console; ``back`` is the URL that actions return to. At most 17 queries."""
    start, end = schedule.window(clock.local(now, zone), before=2, hours=8)
    found = Console(start=start, end=end)
    vendors = dict(Organization.objects.filter(kind="vendor").values_list("pk", "name"))
    found.vendors = [(str(pk), name) for pk, name in vendors.items()]
    plan = schedule.load(start, end, level=filters.level, vendor_id=filters.vendor)
    rows, people = _rows(plan, role=role, now=now)
    found.open_count = len(rows)
    found.exceptions = triage.exceptions(rows, back)
    waiting = [row for row in rows if row.trip.status in WAITING or not row.trip.is_ready]
    picked = next((row for row in waiting if row.trip.number == filters.trip), waiting[0] if waiting else None)
    found.unassigned = [_waiting_row(row, selected=row is picked) for row in waiting]
    names = {row.trip.pk: row.who.surname for row in rows}
    for run in plan.runs.values():
        if run.trip_id not in names:
            names[run.trip_id] = _who(run.trip, run.leg, people.get(run.trip_id), role).surname
    suggested: list[dict[str, Any]] = []
    if picked is not None:
        found.selected = _waiting_row(picked, selected=True)
        found.why = trip_page.explanation_of(picked.trip)
        suggested = _suggested(picked, found.why)
    found.vehicles = schedule.rows(plan, now=now, names=names, vendors=vendors, suggested=suggested)
    found.free = _free(plan, rows, now)
    found.positions = _positions(plan, now)
    found.stops, found.lines = _map(picked, rows)
    found.numbers = sorted({row.trip.number for row in rows} | {run.trip.number for run in plan.runs.values()})
    return found


def _rows(plan: Schedule, *, role: str, now: dt.datetime) -> tuple[list[Row], dict[UUID, Passenger]]:
    """Every open trip with its leg, passenger and how many vendors were asked. Four queries, six with journeys."""
    found = Trip.objects.exclude(status__in=states.TRIP.final).select_related("vendor", "facility", "unit")
    trips = list(found.annotate(journey_id=F("request__journey_id")).order_by("pickup_at", "number"))
    together = journeys.of_requests(trip.request_id for trip in trips if trip.journey_id)
    ids = [trip.pk for trip in trips]
    legs = {leg.trip_id: leg for leg in Leg.objects.filter(trip__in=ids, sequence=1)}
    people = {row.trip_id: row for row in Passenger.objects.filter(trip__in={*ids, *plan.trip_ids})}
    asked = {
        row["trip_id"]: row
        for row in Offer.objects.filter(trip__in=ids)
        .values("trip_id")
        .annotate(asked=Count("pk", filter=Q(sent_at__isnull=False)), queue=Count("pk", filter=Q(status="waiting")))
    }
    rows = []
    for trip in trips:
        leg = legs[trip.pk]
        counts: Mapping[str, Any] = asked.get(trip.pk, {})
        rows.append(
            Row(
                trip=trip,
                leg=leg,
                who=_who(trip, leg, people.get(trip.pk), role),
                delay=delay_of(trip, leg.status, now),
                chip=chip_of(trip, leg.status, now),
                asked=counts.get("asked", 0),
                queue=counts.get("queue", 0),
                journey=together.get(trip.request_id),
            )
        )
    return rows, people


def _who(trip: Trip, leg: Leg, passenger: Passenger | None, role: str) -> Shown:
    day = clock.local(trip.pickup_at, trip.time_zone).date()
    return shown(passenger, role=role, level=trip.level, today=day, leg=leg)


def _waiting_row(row: Row, *, selected: bool) -> dict[str, Any]:
    chip, trip = row.chip, row.trip
    if trip.status == "offering" and not row.delay.kind:
        chip = {"status": "offering", "label": f"{row.asked} of {row.asked + row.queue} asked", "detail": ""}
    elif trip.status == "matching" and trip.is_ready and not row.delay.kind:
        chip = {"status": "matching", "label": "", "detail": ""}
    return {
        "trip": trip,
        "name": row.who.name or str(trip.number),
        "way": f"{trip.unit.name if trip.unit else trip.facility.short_name} to {row.who.dropoff or 'drop-off'}",
        "level": LEVELS[trip.level].label,
        "chip": {"label": "", **chip},
        "selected": selected,
        "queue": row.queue,
        "journey": "; ".join(ride.words for ride in row.journey.others(trip.request_id)) if row.journey else "",
        "other_day": clock.local(trip.pickup_at, trip.time_zone).date() != clock.today(trip.time_zone),
    }


def _suggested(row: Row, why: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The engine's plan for the selected trip as a bar on its vehicle."""
    best = next((each for each in (why or {}).get("ranked", []) if each["chosen"]), None)
    if best is None or not best["vehicle_id"]:
        return []
    end = best["pickup_at"] + dt.timedelta(minutes=row.leg.minutes + 15)
    url = reverse("dispatch:trip", args=[row.trip.number])
    return [
        {"vehicle_id": best["vehicle_id"], "label": row.who.surname, "start": best["pickup_at"], "end": end, "url": url}
    ]


def _free(plan: Schedule, rows: list[Row], now: dt.datetime) -> list[dict[str, Any]]:
    """Vehicles that could take one more ride in the next two hours, by level, against what is still asked for."""
    until = now + dt.timedelta(hours=FREE_HOURS)
    free: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for vehicle in plan.vehicles:
        soon = now + dt.timedelta(minutes=FREE_MINUTES)
        on_duty = any(shift.starts_at <= soon and shift.ends_at > now for shift in plan.shifts.get(vehicle.pk, []))
        if vehicle.out_of_service or not on_duty:
            continue
        total[vehicle.level] += 1
        busy = sorted((c.starts_at, c.ends_at) for c in plan.commitments.get(vehicle.pk, []))
        free[vehicle.level] += _longest_gap(busy, now, until) >= dt.timedelta(minutes=FREE_MINUTES)
    asked = Counter(row.trip.level for row in rows if row.trip.status in WAITING and row.trip.pickup_at < until)
    shown = [code for code in LEVELS if total[code] or asked[code]]
    # Six fit in a row: what nobody asks for leaves first, the scarcest before the others.
    idle = sorted((code for code in shown if not asked[code]), key=lambda code: free[code])
    shown = [code for code in shown if code not in idle[: max(len(shown) - MOST_LEVELS, 0)]]
    return [_level_row(LEVELS[code].label, free[code], asked[code]) for code in shown]


def _level_row(label: str, free: int, asked: int) -> dict[str, Any]:
    short = asked - free
    tone = "bad" if short > 0 else "warn" if free == asked else "ok"
    share = min(100, round(100 * asked / free)) if free else 100 if asked else 0
    note = f"{short} short" if short > 0 else f"{asked} asked for"
    return {"label": label, "free": f"{free} free", "note": note, "percent": share, "tone": tone}


def _longest_gap(busy: list[tuple[dt.datetime, dt.datetime]], start: dt.datetime, end: dt.datetime) -> dt.timedelta:
    longest, at = dt.timedelta(), start
    for first, last in busy:
        longest, at = max(longest, min(first, end) - at), max(at, last)
    return max(longest, end - at)


def _positions(plan: Schedule, now: dt.datetime) -> list[dict[str, Any]]:
    """The last tap with a position of each vehicle that is on a trip now. One query."""
    runs = {run.leg_id: run for run in plan.runs.values() if run.leg.status not in states.LEG.final}
    since = now - dt.timedelta(hours=POSITION_HOURS)
    last: dict[UUID, LegEvent] = {}
    for event in LegEvent.objects.filter(leg__in=list(runs), latitude__isnull=False, at__gte=since).order_by("at"):
        last[event.leg_id] = event
    out = []
    for leg_id, event in last.items():
        run = runs[leg_id]
        chip = chip_of(run.trip, run.leg.status, now)
        number = "".join(char for char in run.vehicle_name if char.isdigit())[-3:] or "•"
        out.append(
            {
                "lat": event.latitude, "lon": event.longitude, "unit": number, "label": run.vehicle_name,
                "late": chip["status"] == "late", "tone": "bad" if chip["status"] == "late" else "move", "at": event.at,
            }
        )  # fmt: skip
    return out


def _map(picked: Row | None, rows: list[Row]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Each site once, and the way of the selected trip."""
    stops = {
        row.trip.facility_id: {
            "lat": row.leg.pickup_latitude,
            "lon": row.leg.pickup_longitude,
            "label": row.trip.facility.short_name,
            "kind": "facility",
        }
        for row in rows
    }
    found, lines = list(stops.values()), []
    if picked is not None:
        leg = picked.leg
        name = picked.who.dropoff.partition(",")[0] or "Drop-off"
        found.append({"lat": leg.dropoff_latitude, "lon": leg.dropoff_longitude, "label": name, "kind": ""})
        points = [(leg.pickup_latitude, leg.pickup_longitude), (leg.dropoff_latitude, leg.dropoff_longitude)]
        lines.append({"points": points, "style": "plan"})
    return found, lines
