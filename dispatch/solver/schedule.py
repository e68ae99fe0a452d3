"""Whether a fixed order of stops has a schedule, decided exactly.

Windows, ride times and duty time are constraints of the form "this begins no earlier than a growing
function of when that begins". Such a system has a least solution; it is found by raising times until
nothing is violated. Starting everything as early as possible is not enough: a passenger picked up at
once may then sit in the vehicle for too long, while the same order works with a later pickup.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dispatch.solver.problem import DROPOFF, PICKUP

EPSILON = 1e-6
"""Minutes by which two times may differ and still count as equal."""

Load = tuple[int, int, int]


class Arrivals(Protocol):
    """Travel between numbered places; leaving later never arrives earlier."""

    def arrive(self, i: int, j: int, depart: float) -> float:
        """Minute of arrival at `j`, leaving `i` at `depart`."""
        ...


@dataclass(frozen=True, slots=True)
class Visit:
    """One stop of a route. `load` is what gets on at a pickup and off at a drop-off, never negative."""

    job_id: str
    kind: str
    place: int
    earliest: float
    latest: float
    service: float
    load: Load = (0, 0, 0)
    max_ride: float = math.inf
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Duty:
    """The vehicle's side: where and when it starts and ends (`end_place` None: anywhere)."""

    start_place: int
    start_at: float
    end_at: float
    capacity: Load
    end_place: int | None = None
    max_minutes: float = math.inf


@dataclass(frozen=True, slots=True)
class Schedule:
    """The earliest feasible schedule: start of service for each visit, and the two ends of the duty."""

    starts: tuple[float, ...]
    leaves_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why an order has no schedule.

    `code` is ``capacity``, ``alone``, ``order``, ``break`` (with a passenger on board), ``late``, ``ride``,
    ``shift`` or ``duty``; `index` is
    the visit that fails (the number of visits for the end of the duty); `minutes` is by how much.
    """

    code: str
    index: int
    minutes: float = 0.0


def schedule(visits: Sequence[Visit], duty: Duty, road: Arrivals) -> Schedule | Conflict:
    """The earliest schedule of `visits` in their order, or why there is none.

    Exact for windows, service, ride time, capacity, riding alone, shift and duty time. With speeds that
    change by the hour the raising of times may come nearer to a limit without end; it is cut off and
    counted as a conflict, so a returned schedule is always right.
    """
    return check_loads(visits, duty) or timing(visits, duty, road)


def check_loads(visits: Sequence[Visit], duty: Duty) -> Conflict | None:
    """The first breach of capacity, of riding alone, of pickup before drop-off or of a break without
    passengers; None if there is none."""
    boarding = {visit.job_id for visit in visits if visit.kind == PICKUP}
    # A drop-off without a pickup is a passenger who is already in the vehicle.
    aboard = {v.job_id: v for v in visits if v.kind == DROPOFF and v.job_id not in boarding}
    seats, chairs, cots = (sum(v.load[d] for v in aboard.values()) for d in range(3))
    alone = sum(v.alone for v in aboard.values())
    for index, visit in enumerate(visits):
        if visit.kind == PICKUP:
            aboard[visit.job_id] = visit
            seats, chairs, cots = seats + visit.load[0], chairs + visit.load[1], cots + visit.load[2]
            alone += visit.alone
            if seats > duty.capacity[0] or chairs > duty.capacity[1] or cots > duty.capacity[2]:
                return Conflict("capacity", index)
            if alone and len(aboard) > 1:
                return Conflict("alone", index)
        elif visit.kind == DROPOFF:
            if visit.job_id not in aboard:
                return Conflict("order", index)
            del aboard[visit.job_id]
            seats, chairs, cots = seats - visit.load[0], chairs - visit.load[1], cots - visit.load[2]
            alone -= visit.alone
        elif aboard:
            return Conflict("break", index)
    return Conflict("order", len(visits)) if aboard else None


def timing(visits: Sequence[Visit], duty: Duty, road: Arrivals) -> Schedule | Conflict:
    """As ``schedule``, for an order whose loads are known to fit."""
    count = len(visits)
    starts = [visit.earliest for visit in visits]
    boarded = {visit.job_id: index for index, visit in enumerate(visits) if visit.kind == PICKUP}
    leave = duty.start_at
    # Each raise is a real step towards the least solution; constant speeds settle within this bound.
    raises_left = 20 * (count + 2) + count * count
    index = 0
    while True:
        if index < count:
            visit = visits[index]
            if index == 0:
                ready, here = leave, duty.start_place
            else:
                ready, here = starts[index - 1] + visits[index - 1].service, visits[index - 1].place
            reached = road.arrive(here, visit.place, ready)
            if reached > starts[index]:
                starts[index] = reached
            if starts[index] > visit.latest + EPSILON:
                # A vehicle held back by its duty limit is late because of the limit.
                code = "duty" if leave > duty.start_at else "late"
                return Conflict(code, index, starts[index] - visit.latest)
            if visit.kind == DROPOFF and visit.job_id in boarded:
                first = boarded[visit.job_id]
                pickup = visits[first]
                needed = starts[index] - pickup.max_ride - pickup.service
                if needed > starts[first] + EPSILON:
                    raises_left -= 1
                    if needed > pickup.latest + EPSILON or raises_left < 0:
                        return Conflict("ride", index, max(needed - pickup.latest, EPSILON))
                    starts[first] = needed
                    index = first + 1
                    continue
            index += 1
            continue
        ends = duty.start_at if not count else starts[-1] + visits[-1].service
        if duty.end_place is not None:
            here = visits[-1].place if count else duty.start_place
            ends = road.arrive(here, duty.end_place, ends)
        if ends > duty.end_at + EPSILON:
            return Conflict("shift", count, ends - duty.end_at)
        if ends - leave > duty.max_minutes + EPSILON:
            raises_left -= 1
            if raises_left < 0 or not count:
                return Conflict("duty", count, ends - leave - duty.max_minutes)
            leave = ends - duty.max_minutes
            index = 0
            continue
        return Schedule(tuple(starts), leave, ends)


def driving_minutes(visits: Sequence[Visit], duty: Duty, road: Arrivals, found: Schedule) -> float:
    """Minutes behind the wheel when each leg starts as soon as the service before it is done."""
    total, here, ready = 0.0, duty.start_place, found.leaves_at
    for visit, start in zip(visits, found.starts, strict=True):
        total += road.arrive(here, visit.place, ready) - ready
        here, ready = visit.place, start + visit.service
    if duty.end_place is not None:
        total += road.arrive(here, duty.end_place, ready) - ready
    return total


def soften(visits: Sequence[Visit], duty: Duty, road: Arrivals) -> tuple[tuple[Visit, ...], Duty, Conflict | None]:
    """A plan that is already late, with the limits it has missed moved to where it stands.

    A vehicle that runs behind can still take work, as long as the work makes nothing later than it is.

    Returns
    -------
    tuple
        The visits, the duty, and a conflict that no moving of times can mend (or None).
    """
    held, limits = list(visits), duty
    found = schedule(held, limits, road)
    for _ in range(4 * (len(held) + 1)):
        if isinstance(found, Schedule):
            return tuple(held), limits, None
        more = found.minutes + EPSILON
        if found.code == "late":
            held[found.index] = replace(held[found.index], latest=held[found.index].latest + more)
        elif found.code == "ride":
            job_id = held[found.index].job_id
            first = next(i for i, v in enumerate(held) if v.kind == PICKUP and v.job_id == job_id)
            held[first] = replace(held[first], max_ride=held[first].max_ride + more)
        elif found.code == "shift":
            limits = replace(limits, end_at=limits.end_at + more)
        elif found.code == "duty":
            limits = replace(limits, max_minutes=limits.max_minutes + more)
        else:
            break
        found = schedule(held, limits, road)
    return tuple(held), limits, found if isinstance(found, Conflict) else None
