"""What may stay of a trip when the person must not be found: 45 CFR 164.514(b)(2), the Safe Harbor method. Pure.

Names, addresses, numbers and all dates go; a year, a three-digit ZIP, an age band and a duration stay. Small
groups are hidden on top of the rule, because few rows with the same traits can point to one person.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

SMALLEST_GROUP = 5
MINUTES_STEP = 5  # a median of few rides is somebody's ride: rounded, it is not

# Three-digit ZIP areas with 20,000 people or fewer, (b)(2)(i)(B): those of the 2000 and of the 2010 census, since
# either list alone would let through an area that the other one closes.
SPARSE_ZIP3 = frozenset({
    "036", "059", "063", "102", "202", "203", "204", "205", "369", "556", "692", "753", "772", "790", "821", "823",
    "830", "831", "878", "879", "884", "890", "893",
})  # fmt: skip
NO_ZIP3 = "000"

# (b)(2)(i)(C): ages over 89 only as one category; the last band holds them.
AGE_BANDS = ((18, "0 to 17"), (40, "18 to 39"), (65, "40 to 64"), (75, "65 to 74"), (85, "75 to 84"))
OLDEST = "85 or older"
UNKNOWN = "Not known"
STATUSES = {"completed": "Completed", "canceled": "Canceled"}
OPEN = "Open"


@dataclass(frozen=True)
class Traits:
    """What a group of trips has in common."""

    year: int
    age: str
    zip3: str
    level: str
    status: str


@dataclass(frozen=True)
class Group:
    """At least :data:`SMALLEST_GROUP` trips with the same traits. ``minutes`` is the rounded median ride, None
    when fewer than that many rides were timed."""

    traits: Traits
    trips: int
    minutes: int | None


@dataclass(frozen=True)
class Released:
    """The groups that may be shown, and what stays hidden.

    ``hidden_trips`` is None when naming it would tell the size of a hidden group.
    """

    groups: list[Group]
    hidden_groups: int
    hidden_trips: int | None


def zip3(zip_code: str) -> str:
    """The three-digit area, or ``000`` for sparse areas and for what is no ZIP code."""
    head = zip_code.strip()[:3]
    return head if len(head) == 3 and head.isascii() and head.isdigit() and head not in SPARSE_ZIP3 else NO_ZIP3


def age_band(birth_date: str, on: dt.date) -> str:
    """The band of the age on a day; "Not known" for what is no ISO date or lies ahead."""
    try:
        born = dt.date.fromisoformat(birth_date)
    except (TypeError, ValueError):
        return UNKNOWN
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    if age < 0:
        return UNKNOWN
    return next((band for limit, band in AGE_BANDS if age < limit), OLDEST)


def status_group(status: str) -> str:
    """Completed, Canceled, or Open for all that is not over."""
    return STATUSES.get(status, OPEN)


def release(rows: Iterable[tuple[Traits, float | None]]) -> Released:
    """Group ``(traits, ride minutes or None)`` and hide every group of fewer than five.

    The grouping is always by all traits: coarser and finer views of the same trips could be subtracted from
    one another.
    """
    grouped: dict[Traits, list[float | None]] = defaultdict(list)
    for traits, minutes in rows:
        grouped[traits].append(minutes)
    shown = {traits: values for traits, values in grouped.items() if len(values) >= SMALLEST_GROUP}
    hidden = [len(values) for traits, values in grouped.items() if traits not in shown]
    hidden_trips = sum(hidden)
    tells = len(hidden) == 1 or 0 < hidden_trips < SMALLEST_GROUP
    return Released(
        groups=sorted(
            (Group(traits, len(values), _median(values)) for traits, values in shown.items()),
            key=lambda group: (group.traits.level, group.traits.age, group.traits.zip3, group.traits.status),
        ),
        hidden_groups=len(hidden),
        hidden_trips=None if tells else hidden_trips,
    )


def _median(values: Iterable[float | None]) -> int | None:
    timed = [value for value in values if value is not None]
    if len(timed) < SMALLEST_GROUP:
        return None
    return MINUTES_STEP * round(median(timed) / MINUTES_STEP)
