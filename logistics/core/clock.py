"""One place to ask what time it is, and to turn a moment into a facility's local time."""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

_pretended: contextvars.ContextVar[dt.datetime | None] = contextvars.ContextVar("carrywell_clock", default=None)


def now() -> dt.datetime:
    """The current moment, aware, UTC."""
    return _pretended.get() or timezone.now()


@contextlib.contextmanager
def pretend(moment: dt.datetime) -> Iterator[None]:
    """Let :func:`now` say ``moment`` in the block: the demo's past days go through the services like today's.

    Refused outside of the demo and tests: history is not to be written after the fact.
    """
    if not settings.DEMO_MODE:
        raise RuntimeError("the clock can be set in the demo and in tests only")
    token = _pretended.set(moment)
    try:
        yield
    finally:
        _pretended.reset(token)


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
