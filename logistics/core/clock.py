"""One place to ask what time it is, and to turn a moment into a facility's local time."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils import timezone


def now() -> dt.datetime:
    """The current moment, aware, UTC."""
    return timezone.now()


def local(moment: dt.datetime, zone: str) -> dt.datetime:
    """``moment`` on the wall clock of ``zone`` (an IANA name such as ``America/Chicago``)."""
    return moment.astimezone(ZoneInfo(zone))


def day_bounds(day: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """First moment of ``day`` and of the next day in ``zone``, aware; 23 to 25 hours apart."""
    tz = ZoneInfo(zone)
    start = dt.datetime.combine(day, dt.time(), tz)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tz)
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


def today(zone: str) -> dt.date:
    """The date on the wall calendar of ``zone``."""
    return local(now(), zone).date()
