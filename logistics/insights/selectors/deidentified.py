"""Trips without the people in them. Sealed rows are opened here and only what Safe Harbor leaves comes out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Min
from django.db.models.functions import ExtractYear

from dispatch.models import Leg, Passenger
from logistics.core import clock
from logistics.insights import safe_harbor
from logistics.insights.safe_harbor import Released, Traits

CHUNK = 500


def years(zone: str) -> list[int]:
    """Years with trips on the calendar of ``zone``, newest first. One query."""
    found = Passenger.objects.annotate(year=ExtractYear("trip__pickup_at", tzinfo=ZoneInfo(zone)))
    return sorted(set(found.values_list("year", flat=True).distinct()), reverse=True)


def released(year: int, zone: str) -> Released:
    """The year's trips of the open health system's scope, in groups of five and more. Two queries a 500 trips."""
    start = clock.day_bounds(dt.date(year, 1, 1), zone)[0]
    end = clock.day_bounds(dt.date(year + 1, 1, 1), zone)[0]
    return safe_harbor.release(_rows(start, end, year, ZoneInfo(zone)))


def _rows(start: dt.datetime, end: dt.datetime, year: int, zone: ZoneInfo) -> Iterator[tuple[Traits, float | None]]:
    passengers = (
        Passenger.objects.filter(trip__pickup_at__gte=start, trip__pickup_at__lt=end)
        .select_related("trip")
        .order_by("id")
        .iterator(chunk_size=CHUNK)
    )
    minutes = dict(_ride_minutes(start, end))
    for passenger in passengers:
        trip, details = passenger.trip, passenger.details
        traits = Traits(
            year=year,
            age=safe_harbor.age_band(details.get("birth_date") or "", trip.pickup_at.astimezone(zone).date()),
            zip3=safe_harbor.zip3(_zip_code(details)),
            level=trip.level,
            status=safe_harbor.status_group(trip.status),
        )
        yield traits, minutes.get(trip.pk)


def _zip_code(details: dict[str, Any]) -> str:
    destination = details.get("destination")
    return str(destination.get("zip_code") or "") if isinstance(destination, dict) else ""


def _ride_minutes(start: dt.datetime, end: dt.datetime) -> Iterator[tuple[Any, float]]:
    """Trip id → minutes on board on its first leg."""
    legs = Leg.objects.filter(
        trip__pickup_at__gte=start, trip__pickup_at__lt=end, sequence=1,
        picked_up_at__isnull=False, dropped_off_at__isnull=False,
    )  # fmt: skip
    rows = legs.order_by().values("trip_id").annotate(on=Min("picked_up_at"), off=Min("dropped_off_at"))
    for row in rows:
        yield row["trip_id"], max((row["off"] - row["on"]).total_seconds() / 60, 0.0)
