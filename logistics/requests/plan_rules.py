"""What a discharge waits for, as arithmetic: no circles, and every blocked minute has one cause."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)

# What must be there before a ride home: things that keep a patient alive or that they lie on (our own rule).
FIRST = ("oxygen", "bed", "breathing")
MARGIN_MINUTES = 30

MILESTONES = {
    "announced": "Discharge announced",
    "ride": "Ride booked",
    "equipment": "Equipment there",
    "home_health": "Home health accepted",
    "papers": "Unit's list done",
    "ready": "Ready to leave",
    "left": "Left",
}
CAUSES = {"equipment": "equipment", "home_health": "home health", "papers": "the unit's list", "ride": "the ride"}


@dataclass(frozen=True)
class Stretch:
    """Minutes for which one cause held the bed."""

    cause: str
    minutes: int

    @property
    def words(self) -> str:
        """``equipment 1 h 50``."""
        return f"{CAUSES.get(self.cause, self.cause)} {hours(self.minutes)}"


def hours(minutes: int) -> str:
    """``3 h 10`` or ``25 min``."""
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"


def blocked(
    start: dt.datetime, end: dt.datetime, waits: Sequence[tuple[str, dt.datetime | None]], *, last: str = "ride"
) -> list[Stretch]:
    """The minutes from ``start`` to ``end`` by cause. ``waits`` names causes in the order in which they count, each
    with when it ended (None: not yet); what is left belongs to ``last``. The minutes add up to the whole."""
    total = max(0, int((end - start).total_seconds() // 60))
    done, found = 0, []
    for cause, ended_at in waits:
        until = total if ended_at is None else min(total, max(0, int((ended_at - start).total_seconds() // 60)))
        if until > done:
            found.append(Stretch(cause, until - done))
            done = until
    if total > done:
        found.append(Stretch(last, total - done))
    return found


def makes_circle(edges: Iterable[tuple[Node, Node]], before: Node, after: Node) -> bool:
    """Whether "``before`` must be there before ``after``" would close a circle with ``edges``."""
    following: dict[Node, set[Node]] = defaultdict(set)
    for one, other in edges:
        following[one].add(other)
    waiting, seen = [after], {after}
    while waiting:
        node = waiting.pop()
        if node == before:
            return True
        fresh = following[node] - seen
        seen |= fresh
        waiting += fresh
    return False


def later_pickup(pickup_at: dt.datetime, minutes: int, there_at: dt.datetime) -> dt.datetime | None:
    """The pickup that arrives :data:`MARGIN_MINUTES` after ``there_at``, on the next five minutes; None when the ride
    as it is (``minutes`` of driving) arrives late enough."""
    needed = there_at + dt.timedelta(minutes=MARGIN_MINUTES - minutes)
    if pickup_at >= needed:
        return None
    needed = needed.replace(second=0, microsecond=0)
    return needed + dt.timedelta(minutes=-needed.minute % 5)
