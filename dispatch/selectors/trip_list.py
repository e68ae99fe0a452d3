"""The list of trips: filters in the query string, one page at a time, and the rows behind a scorecard's figure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from dispatch import states
from dispatch.models import Leg, Passenger, Trip
from dispatch.selectors.delay import BEFORE_PICKUP, LATE_AFTER_MINUTES, chip_of
from dispatch.selectors.passenger import fields_for, shown
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.core.levels import LEVELS
from vendors.models import Scorecard

PAGE_SIZE = 50
CSV_ROWS = 5000
STATUS_CHOICES = [("", "All"), ("open", "Open"), ("late", "Late"), *states.TRIP.choices]
LEVEL_CHOICES = [("", "All"), *((code, level.label) for code, level in LEVELS.items())]
DAY_CHOICES = [
    ("", "All"), ("today", "Today"), ("tomorrow", "Tomorrow"), ("yesterday", "Yesterday"), ("week", "7 days"),
]  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What the query string asks for; what is not understood counts as not asked."""

    status: str = ""
    level: str = ""
    vendor: str = ""
    day: str = ""
    q: str = ""
    scorecard: str = ""
    figure: str = ""

    @classmethod
    def read(cls, query: Any) -> Filters:
        """Clean values of a request's GET."""
        status = query.get("status", "")
        return cls(
            status=status if status in {value for value, _ in STATUS_CHOICES} else "",
            level=query.get("level", "") if query.get("level", "") in LEVELS else "",
            vendor=_uuid(query.get("vendor", "")),
            day=query.get("day", "")[:10],
            q=query.get("q", "").strip()[:20],
            scorecard=_uuid(query.get("scorecard", "")),
            figure=query.get("figure", "")[:40],
        )


def scorecard_of(filters: Filters) -> Scorecard | None:
    """The scorecard that the list explains, if the scope may read it. One query."""
    return Scorecard.objects.filter(pk=filters.scorecard).first() if filters.scorecard else None


def trip_list(filters: Filters, *, zone: str, now: dt.datetime, card: Scorecard | None = None) -> QuerySet[Trip]:
    """Trips of the open scope, newest pickup first."""
    trips = Trip.objects.select_related("vendor").order_by("-pickup_at", "-number")
    if filters.scorecard:
        figure = (card.figures.get(filters.figure) or {}) if card is not None else {}
        trips = trips.filter(pk__in=figure.get("trip_ids", []))
    if filters.status == "open":
        trips = trips.exclude(status__in=states.TRIP.final)
    elif filters.status == "late":
        trips = trips.filter(is_late(now))
    elif filters.status:
        trips = trips.filter(status=filters.status)
    if filters.level:
        trips = trips.filter(level=filters.level)
    if filters.vendor:
        trips = trips.filter(vendor_id=UUID(filters.vendor))
    if filters.q:
        trips = trips.filter(number=int(filters.q)) if filters.q.isdigit() else trips.none()
    bounds = _bounds(filters.day, zone, now)
    if bounds:
        trips = trips.filter(pickup_at__gte=bounds[0], pickup_at__lt=bounds[1])
    return trips


def is_late(now: dt.datetime) -> Q:
    """The same rule as :func:`delay.delay_of`, for the database: promised pickup passed and nobody at the door."""
    before = Leg.objects.filter(trip=OuterRef("pk"), sequence=1, status__in=[s for s in BEFORE_PICKUP if s])
    return Q(
        Exists(before),
        ~Q(status__in=["completed", "canceled", "held"]),
        is_ready=True,
        pickup_at__lt=now - dt.timedelta(minutes=LATE_AFTER_MINUTES),
    )


def rows(trips: list[Trip], *, role: str, now: dt.datetime) -> list[dict[str, Any]]:
    """One page of rows, with as much of each passenger as ``role`` may see. Two queries."""
    ids = [trip.pk for trip in trips]
    legs = {leg.trip_id: leg for leg in Leg.objects.filter(trip__in=ids, sequence=1)}
    people: dict[UUID, Passenger] = {}
    if set(fields_for(role, "AMB")) & {"name", "places", "address"}:
        people = {row.trip_id: row for row in Passenger.objects.filter(trip_id__in=ids)}
    out = []
    for trip in trips:
        leg = legs[trip.pk]
        day = clock.local(trip.pickup_at, trip.time_zone).date()
        who = shown(people.get(trip.pk), role=role, level=trip.level, today=day, leg=leg)
        out.append(
            {"trip": trip, "leg": leg, "who": who, "level": LEVELS[trip.level], "chip": chip_of(trip, leg.status, now)}
        )
    return out


CSV_HEAD = [
    "trip", "status", "level", "vendor", "site", "pickup_at", "accepted_at", "picked_up_at", "dropped_off_at",
    "completed_at", "planned_miles", "loaded_miles", "price",
]  # fmt: skip


def csv_rows(trips: QuerySet[Trip], *, show_price: bool) -> list[list[str]]:
    """Rows of the export: times, places by site, figures; nothing that names a patient. One query."""
    wanted = trips.annotate(
        picked=_leg("picked_up_at"), dropped=_leg("dropped_off_at"), planned=_leg("miles"), driven=_leg("loaded_miles")
    ).select_related("vendor", "facility")[:CSV_ROWS]
    return [
        [
            str(trip.number),
            trip.status,
            trip.level,
            trip.vendor.name if trip.vendor else "",
            trip.facility.short_name,
            _iso(trip.pickup_at, trip.time_zone),
            _iso(trip.accepted_at, trip.time_zone),
            _iso(trip.picked, trip.time_zone),
            _iso(trip.dropped, trip.time_zone),
            _iso(trip.completed_at, trip.time_zone),
            str(trip.planned if trip.planned is not None else ""),
            str(trip.driven if trip.driven is not None else ""),
            str(trip.price_amount) if show_price and trip.price_amount is not None else "",
        ]
        for trip in wanted
    ]


def vendor_choices() -> list[tuple[str, str]]:
    """Vendors that the health system works with. One query."""
    found = Organization.objects.filter(kind="vendor").values_list("pk", "name")
    return [("", "All"), *((str(pk), name) for pk, name in found)]


def _leg(name: str) -> Subquery:
    return Subquery(Leg.objects.filter(trip=OuterRef("pk"), sequence=1).values(name)[:1])


def _iso(moment: dt.datetime | None, zone: str) -> str:
    return clock.local(moment, zone).isoformat(timespec="minutes") if moment else ""


def _uuid(text: str) -> str:
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        return ""


def _bounds(day: str, zone: str, now: dt.datetime) -> tuple[dt.datetime, dt.datetime] | None:
    today = clock.local(now, zone).date()
    one = dt.timedelta(days=1)
    if day == "week":
        return clock.day_bounds(today - 6 * one, zone)[0], clock.day_bounds(today, zone)[1]
    named = {"today": today, "tomorrow": today + one, "yesterday": today - one}
    if day in named:
        return clock.day_bounds(named[day], zone)
    try:
        return clock.day_bounds(dt.date.fromisoformat(day), zone)
    except ValueError:
        return None
