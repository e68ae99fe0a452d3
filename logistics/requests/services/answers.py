"""Reading what a person answered about a ride: wall-clock times, and what is missing or wrong, field by field."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.requests.models import TransportDetail
from logistics.requests.services.places import Destination

FURTHEST = dt.timedelta(days=90)
MOST_OXYGEN_LPM, MOST_WEIGHT_LB, MOST_COMPANIONS = Decimal(60), 1000, 4


def local_moment(day: dt.date, time: dt.time, zone: str, *, now: dt.datetime | None = None) -> dt.datetime:
    """The moment (UTC) of a wall-clock time in ``zone``.

    A time that the spring change skips raises :class:`DomainError`; one that comes twice in autumn is the first of
    the two, unless that one is over.
    """
    now = now or clock.now()
    tz = ZoneInfo(zone)
    first = dt.datetime.combine(day, time, tz)
    moment = first.astimezone(dt.UTC)
    if moment.astimezone(tz).replace(tzinfo=None) != first.replace(tzinfo=None):
        later = moment.astimezone(tz)
        message = (
            f"{time:%H:%M} does not exist on {day:%a} {day.day} {day:%b}: the clocks go forward. Choose {later:%H:%M}."
        )
        raise DomainError(message, code="no_such_time", fields={"pickup_local": message})
    if moment < floor_minute(now):
        second = first.replace(fold=1).astimezone(dt.UTC)
        if second != moment:
            return second
    return moment


def floor_minute(moment: dt.datetime) -> dt.datetime:
    """``moment`` without its seconds: a form speaks in minutes."""
    return moment.replace(second=0, microsecond=0)


def check(fields: dict[str, Any], *, zone: str, now: dt.datetime | None = None) -> dict[str, str]:
    """What is missing or wrong, field by field, in words that say what to do."""
    now = now or clock.now()
    local = clock.local(now, zone)
    problems: dict[str, str] = {}
    destination = fields.get("destination")
    if not isinstance(destination, Destination):
        problems["destination"] = fields.get("destination_problem") or "Choose where the patient is going."
    when = fields.get("when")
    pickup_at = fields.get("pickup_at") if when == "at" else fields.get("ready_expected_at")
    if not when:
        problems["when"] = "Choose when the ride is wanted: now, at a time, or when ready."
    elif fields.get("pickup_problem") and when != "now":
        problems["pickup_local"] = fields["pickup_problem"]
    elif when == "at" and pickup_at is None:
        problems["pickup_local"] = "Write the date and time of the pickup."
    elif when == "ready" and pickup_at is None:
        problems["pickup_local"] = "Write about when the patient will be ready: vendors plan by it."
    elif when != "now" and pickup_at is not None and pickup_at < floor_minute(now):
        problems["pickup_local"] = f"Pickup must be after {local:%H:%M} {local:%Z}."
    elif when != "now" and pickup_at is not None and pickup_at > now + FURTHEST:
        last = clock.local(now + FURTHEST, zone)
        problems["pickup_local"] = f"Pickup can be until {last:%a} {last.day} {last:%b %Y}. Choose an earlier day."
    if fields.get("mobility") not in dict(TransportDetail.MOBILITY):
        problems["mobility"] = "Choose how the patient travels: it decides the level of service."
    oxygen, weight = fields.get("oxygen_lpm"), fields.get("weight_lb")
    if {"oxygen", "oxygen_given"} & set(fields.get("needs") or []) and oxygen is None:
        problems["oxygen_lpm"] = "Write the oxygen flow in liters per minute."
    elif oxygen is not None and not 0 < oxygen <= MOST_OXYGEN_LPM:
        problems["oxygen_lpm"] = f"Oxygen flow is between 0 and {MOST_OXYGEN_LPM} liters per minute."
    if weight is not None and not 0 < weight <= MOST_WEIGHT_LB:
        problems["weight_lb"] = f"Weight is between 1 and {MOST_WEIGHT_LB} lb."
    if not 0 <= (fields.get("companions") or 0) <= MOST_COMPANIONS:
        problems["companions"] = f"At most {MOST_COMPANIONS} people can ride along."
    return problems
