"""Dates that come again, on the wall clock of one zone. Pure: no row is read, nothing knows what time it is.

A chair time is a promise of the wall clock: 05:30 stays 05:30 across every change of the clocks. A time that the
spring change skips becomes the next minute that exists, a time that comes twice in autumn is the first of the two;
both with a note in words.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from logistics.core.errors import DomainError

DAYS = [("MO", "Mon"), ("TU", "Tue"), ("WE", "Wed"), ("TH", "Thu"), ("FR", "Fri"), ("SA", "Sat"), ("SU", "Sun")]
DAY_CODES = tuple(code for code, _ in DAYS)
MOST_WEEKS = 8
# A rule says on which days; when it begins and ends, and at what time, is said elsewhere.
_DAY = f"(?:{'|'.join(DAY_CODES)})"
_PARTS = {"FREQ": r"DAILY|WEEKLY", "INTERVAL": r"[1-9]\d?", "BYDAY": f"{_DAY}(?:,{_DAY})*"}
# Far enough for every page; a longer look is asked for in pieces.
LONGEST = dt.timedelta(days=800)


@dataclass(frozen=True)
class Differs:
    """A date that differs: ``kind`` is ``skip``, ``moved`` (to ``to``), ``edited`` or ``added``."""

    on: dt.date
    kind: str
    to: dt.date | None = None
    local_time: dt.time | None = None
    note: str = ""


@dataclass(frozen=True)
class Closure:
    """A day on which the center does not treat: its chairs run on ``moved_to``, or not at all."""

    name: str
    moved_to: dt.date | None = None
    closed: bool = True  # False: a public holiday of which the center said nothing
    moves: bool = True  # False: the weekday off for a holiday on a weekend, on which centers treat


@dataclass(frozen=True)
class Occurrence:
    """One date. ``on`` names it in the series (the date before a move), ``day`` is when it takes place.

    ``moment_utc`` is None when it does not take place (skipped, or the center is closed); ``note`` says why, or what
    is unusual, in words. ``edited`` marks a date that a person changed by hand.
    """

    on: dt.date
    day: dt.date
    local_time: dt.time
    moment_utc: dt.datetime | None
    note: str = ""
    edited: bool = False


def occurrences(
    rule: str,
    zone: str,
    local_time: dt.time,
    start_on: dt.date,
    until: dt.date,
    exceptions: Iterable[Differs] = (),
    *,
    closures: Mapping[dt.date, Closure] | None = None,
    holiday_rule: str = "keep",
    first: dt.date | None = None,
) -> list[Occurrence]:
    """Every date of ``rule`` from ``start_on`` to ``until`` (both included), by the day on which it takes place.

    ``first`` leaves out earlier dates without moving the count of weeks (default ``start_on``). ``holiday_rule`` says
    what a day in ``closures`` does: ``keep`` (ride unless the center is closed), ``skip``, ``next`` or ``before`` (to
    the nearest day that is neither closed nor another date of the series). A person's exception outranks a holiday,
    and an edited or moved date stays when the rule does not name it any more. Raises :class:`DomainError` for a
    rule that cannot be read.
    """
    named = dates(rule, start_on, max(first or start_on, start_on), until)
    known = {each.on: each for each in exceptions}
    closed = closures or {}
    series = set(named)
    for each in known.values():
        if each.kind != "skip" and (first or start_on) <= each.on <= until and each.on not in series:
            named.append(each.on)
    taken = set(series)
    found = []
    for on in sorted(named):
        own = known.get(on)
        if own is not None:
            found.append(_excepted(own, local_time, zone, closed))
            continue
        day, note, happens = _around(on, closed, holiday_rule, taken)
        taken.add(day)
        if happens:
            moment, clock_note = moment_of(day, local_time, zone)
            found.append(Occurrence(on, day, local_time, moment, _joined(note, clock_note)))
        else:
            found.append(Occurrence(on, day, local_time, None, note))
    return sorted(found, key=lambda each: (each.day, each.on))


def dates(rule: str, start_on: dt.date, first: dt.date, until: dt.date) -> list[dt.date]:
    """The plain calendar dates of ``rule`` counted from ``start_on``, those from ``first`` to ``until``."""
    if until < first:
        return []
    if until - first > LONGEST:
        raise DomainError("Look at no more than two years at once.", code="too_far")
    begin = dt.datetime.combine(start_on, dt.time())
    parsed = rrulestr(check_rule(rule), dtstart=begin)
    assert isinstance(parsed, rrule)
    low, high = dt.datetime.combine(first, dt.time()), dt.datetime.combine(until, dt.time())
    return [each.date() for each in parsed.between(low, high, inc=True)]


def check_rule(rule: str) -> str:
    """``rule`` in one spelling. Raises :class:`DomainError` (field ``days``) for anything but days and weeks."""
    parts: dict[str, str] = {}
    for part in rule.strip().upper().removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS or name in parts or not re.fullmatch(_PARTS[name], value):
            raise _unreadable()
        parts[name] = value
    if "FREQ" not in parts or (parts["FREQ"] == "WEEKLY" and "BYDAY" not in parts):
        raise _unreadable()
    if "BYDAY" in parts:
        asked = parts["BYDAY"].split(",")
        parts["BYDAY"] = ",".join(code for code in DAY_CODES if code in asked)
    if parts.get("INTERVAL") == "1":
        del parts["INTERVAL"]
    return ";".join(f"{name}={parts[name]}" for name in ("FREQ", "INTERVAL", "BYDAY") if name in parts)


def rule_of(days: Iterable[str], weeks: int = 1) -> str:
    """The rule of these days (``MO``, ``WE`` …) in every week, or every ``weeks`` weeks."""
    return check_rule(f"FREQ=WEEKLY;INTERVAL={weeks};BYDAY={','.join(days)}")


def days_of(rule: str) -> tuple[list[str], int]:
    """(day codes, every how many weeks): the answers that :func:`rule_of` makes of a form; daily is all seven."""
    parts = dict(part.split("=") for part in check_rule(rule).split(";"))
    days = parts["BYDAY"].split(",") if "BYDAY" in parts else list(DAY_CODES)
    return days, int(parts.get("INTERVAL", 1))


def words(rule: str) -> str:
    """``Mon, Wed, Fri``, ``Every 2 weeks on Tue``, ``Every day``."""
    parts = dict(part.split("=") for part in check_rule(rule).split(";"))
    number = int(parts.get("INTERVAL", 1))
    listed = ", ".join(dict(DAYS)[code] for code in parts["BYDAY"].split(",")) if "BYDAY" in parts else ""
    if parts["FREQ"] == "DAILY" and number > 1:
        return f"Every {number} days"
    if not listed or len(parts["BYDAY"].split(",")) == 7:
        return "Every day" if number == 1 else f"Every day of every {number} weeks"
    return listed if number == 1 else f"Every {number} weeks on {listed}"


def moment_of(day: dt.date, time: dt.time, zone: str) -> tuple[dt.datetime, str]:
    """(moment in UTC, note): the first moment at which the clock of ``zone`` shows ``time`` on ``day``.

    A time that does not exist becomes the next minute that does; the note says so. It is empty on plain days.
    """
    tz = ZoneInfo(zone)
    wall = dt.datetime.combine(day, time.replace(tzinfo=None, fold=0))
    earlier = wall.replace(tzinfo=tz, fold=0).astimezone(dt.UTC)
    later = wall.replace(tzinfo=tz, fold=1).astimezone(dt.UTC)
    if earlier == later:
        return earlier, ""
    if earlier.astimezone(tz).replace(tzinfo=None) == wall:
        return earlier, f"{time:%H:%M} comes twice on {_day(day)}: the first, {earlier.astimezone(tz):%Z}."
    # In a gap PEP 495 reads fold=1 with the offset after the change: the result lies before the change.
    low, high = later, earlier
    offset = low.astimezone(tz).utcoffset()
    while high - low > dt.timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(tz).utcoffset() == offset:
            low = middle
        else:
            high = middle
    change = high.replace(second=0, microsecond=0)
    return change, f"{time:%H:%M} does not exist on {_day(day)}: {change.astimezone(tz):%H:%M}."


def _around(
    on: dt.date, closed: Mapping[dt.date, Closure], holiday_rule: str, taken: set[dt.date]
) -> tuple[dt.date, str, bool]:
    """(day, note, whether it takes place) of a date that nobody touched."""
    closure = closed.get(on)
    if closure is None:
        return on, "", True
    if closure.moved_to is not None:
        return closure.moved_to, f"{closure.name}: moved from {_day(on)} to {_day(closure.moved_to)}.", True
    if not closure.moves:
        return on, f"{closure.name}: check that the center is open.", True
    if holiday_rule in ("next", "before"):
        step = dt.timedelta(days=1 if holiday_rule == "next" else -1)
        for distance in range(1, 4):
            day = on + step * distance
            if day not in closed and day not in taken:
                return day, f"{closure.name}: moved from {_day(on)} to {_day(day)}.", True
        return on, f"{closure.name}: no free day near {_day(on)}. Add one by hand.", False
    if holiday_rule == "skip" or closure.closed:
        return on, f"{closure.name}: no ride.", False
    return on, f"{closure.name}: check that the center is open.", True


def _excepted(own: Differs, local_time: dt.time, zone: str, closed: Mapping[dt.date, Closure]) -> Occurrence:
    time = own.local_time or local_time
    if own.kind == "skip":
        return Occurrence(own.on, own.on, time, None, _joined("Skipped.", own.note), edited=True)
    day = own.to if own.kind == "moved" and own.to is not None else own.on
    moment, clock_note = moment_of(day, time, zone)
    said = {"moved": f"Moved from {_day(own.on)} to {_day(day)}.", "edited": "Changed by hand.", "added": "Added."}
    closure = closed.get(day)
    warned = f"{closure.name}: check that the center is open." if closure is not None else ""
    return Occurrence(own.on, day, time, moment, _joined(said[own.kind], own.note, warned, clock_note), edited=True)


def _day(day: dt.date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _joined(*notes: str) -> str:
    return " ".join(note for note in notes if note)


def _unreadable() -> DomainError:
    message = "Choose at least one day of the week."
    return DomainError(message, code="no_rule", fields={"days": message})
