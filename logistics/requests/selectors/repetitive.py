"""Repetitive transport, found across separate bookings (Medicare Benefit Policy Manual, chapter 10: three or more round
trips in ten days, or one or more a week for three weeks).

It is a count by patient over what is booked, not a box that somebody ticks: dialysis and chemotherapy together are one
stream. One round trip is two one-way rides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F
from django.db.models.functions import Coalesce

from logistics.core.levels import LEVELS
from logistics.requests.models import TransportDetail

AMBULANCES = tuple(code for code, level in LEVELS.items() if level.needs_pcs)
DENSE_DAYS, DENSE_RIDES = 10, 6
WEEK_DAYS, WEEK_RIDES, WEEKS = 7, 2, 3
# Farther than this from a day no ride can make that day's stream.
REACH = dt.timedelta(days=WEEK_DAYS * WEEKS)


@dataclass(frozen=True)
class Stream:
    """Repetitive rides: which rule found them, from which to which day, and how many one-way rides."""

    rule: str
    first: dt.date
    last: dt.date
    rides: int

    @property
    def words(self) -> str:
        """For a page."""
        if self.rule == "dense":
            return f"Repetitive: {self.rides} one-way ambulance rides within {DENSE_DAYS} days."
        return f"Repetitive: ambulance round trips in {WEEKS} weeks in a row ({self.rides} one-way rides)."


def detect(days: Iterable[dt.date], on: dt.date) -> Stream | None:
    """The repetitive stream that day ``on`` belongs to, given the days of all one-way rides, or None."""
    rides = sorted(days)
    return _dense(rides, on) or _weekly(rides, on)


def _dense(rides: Sequence[dt.date], on: dt.date) -> Stream | None:
    for back in range(DENSE_DAYS):
        first = on - dt.timedelta(days=back)
        inside = [day for day in rides if first <= day < first + dt.timedelta(days=DENSE_DAYS)]
        if len(inside) >= DENSE_RIDES:
            return Stream("dense", inside[0], inside[-1], len(inside))
    return None


def _weekly(rides: Sequence[dt.date], on: dt.date) -> Stream | None:
    # Weeks are counted from a ride: free to begin anywhere, three of them would fit into ten days.
    for first in sorted({day for day in rides if on - dt.timedelta(days=WEEK_DAYS * WEEKS) < day <= on}):
        weeks = [0] * WEEKS
        inside = []
        for day in rides:
            week = (day - first).days // WEEK_DAYS
            if 0 <= week < WEEKS:
                weeks[week] += 1
                inside.append(day)
        if min(weeks) >= WEEK_RIDES:
            return Stream("weekly", inside[0], inside[-1], len(inside))
    return None


def of_patient(patient_id: UUID, on: dt.date, *, planned: Iterable[dt.date] = ()) -> Stream | None:
    """The stream of ambulance rides that day ``on`` belongs to for this patient, over everything that is not canceled.

    ``planned`` adds days of rides that are not booked yet, one for each one-way ride. One query.
    """
    return detect([*ambulance_days([patient_id], on - REACH, on + REACH).get(patient_id, []), *planned], on)


def ambulance_days(patient_ids: Iterable[UUID], first: dt.date, last: dt.date) -> dict[UUID, list[dt.date]]:
    """The days, on the clock of where each ride starts, of these patients' one-way ambulance rides. One query."""
    start = dt.datetime.combine(first - dt.timedelta(days=1), dt.time(), dt.UTC)
    end = dt.datetime.combine(last + dt.timedelta(days=2), dt.time(), dt.UTC)
    rows = (
        TransportDetail.objects.filter(request__patient_id__in=list(patient_ids), level__in=AMBULANCES)
        .exclude(request__status="canceled")
        .annotate(at=Coalesce(F("pickup_at"), F("ready_expected_at")))
        .filter(at__gte=start, at__lt=end)
        .values_list("request__patient_id", "at", "pickup_zone", "request__facility__time_zone")
    )
    found: dict[UUID, list[dt.date]] = {}
    for patient_id, moment, pickup_zone, zone in rows:
        day = moment.astimezone(ZoneInfo(pickup_zone or zone)).date()
        if first <= day <= last:
            found.setdefault(patient_id, []).append(day)
    return found
