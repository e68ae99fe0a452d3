"""Every feasible position of a job in a route.

The order of the stops a vehicle is bound to never changes; a job's two stops go between them. Cheap
bounds discard most positions, the exact check of ``schedule`` judges the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from dispatch.solver.problem import BREAK
from dispatch.solver.schedule import (
    EPSILON,
    Duty,
    Schedule,
    Visit,
    timing,
)
from dispatch.solver.travel import Road
from dispatch.solver.world import Route, World


@dataclass(slots=True)
class Nearest:
    """The position that failed by the fewest minutes; it is the one worth explaining. `crowded` tells that
    the vehicle could have come in time, were it not for others on board."""

    minutes: float = math.inf
    visits: tuple[Visit, ...] = ()
    crowded: bool = False

    def offer(self, minutes: float, visits: tuple[Visit, ...]) -> None:
        """Keep the position if it failed by less than the one kept."""
        if minutes < self.minutes:
            self.minutes, self.visits = minutes, visits


def insertions(
    world: World, route: Route, stops: tuple[Visit, Visit], nearest: Nearest | None = None
) -> Iterator[tuple[Route, int]]:
    """Every feasible position of a pickup and its drop-off in a route.

    Yields
    ------
    tuple
        The new route, and the index of the pickup in it.
    """
    road, visits, duty = world.road, route.visits, route.duty
    up, down = stops
    count = len(visits)
    early = route.found.starts
    latest = _latest_starts(route, road)
    loads, solos = route.aboard
    for i in range(count + 1):
        ready = early[i - 1] + visits[i - 1].service if i else duty.start_at
        here = visits[i - 1].place if i else duty.start_place
        begin = max(road.arrive(here, up.place, ready), up.earliest)
        if not _fits_aboard(up, loads[i], solos[i], duty):
            if nearest is not None and begin <= up.latest:
                nearest.crowded = True
            continue
        if begin > up.latest + EPSILON:
            if nearest is not None:
                nearest.offer(begin - up.latest, (*visits[:i], up, down, *visits[i:]))
            if ready > up.latest + EPSILON:
                break
            continue
        leave, last = begin + up.service, up.place
        for j in range(i, count + 1):
            if j > i:
                # The passenger stays aboard past stop j - 1.
                passed = visits[j - 1]
                begin = max(road.arrive(last, passed.place, leave), passed.earliest)
                # Nobody sits in a parked vehicle during the crew's break.
                full = passed.kind == BREAK or not _fits_aboard(up, loads[j], solos[j], duty)
                late = begin - latest[j - 1]
                if full or late > EPSILON:
                    if nearest is not None and late <= EPSILON:
                        nearest.crowded = True
                    elif nearest is not None:
                        nearest.offer(late, (*visits[:i], up, *visits[i:j], down, *visits[j:]))
                    break
                leave, last = begin + passed.service, passed.place
            begin = max(road.arrive(last, down.place, leave), down.earliest)
            excess = begin - down.latest
            if excess <= EPSILON and (j < count or duty.end_place is not None):
                reached = begin + down.service
                onward = visits[j].place if j < count else duty.end_place
                if onward is not None:
                    reached = road.arrive(down.place, onward, reached)
                excess = max(excess, reached - (latest[j] if j < count else duty.end_at))
            if excess > EPSILON and nearest is None:
                continue
            order = (*visits[:i], up, *visits[i:j], down, *visits[j:])
            if excess > EPSILON and nearest is not None:
                nearest.offer(excess, order)
                continue
            # Loads were watched on the way here, so only the times are open.
            found = timing(order, duty, road)
            if isinstance(found, Schedule):
                yield Route(route.vehicle, order, duty, found, road), i
            elif nearest is not None:
                nearest.offer(found.minutes, order)


def _latest_starts(route: Route, road: Road) -> list[float]:
    """For each stop a time after which no schedule of the rest can exist (at the fastest speed)."""
    visits, duty = route.visits, route.duty
    limit = duty.end_at
    if duty.end_place is not None and visits:
        limit -= road.least_minutes(visits[-1].place, duty.end_place)
    found = [0.0] * len(visits)
    for k in range(len(visits) - 1, -1, -1):
        limit = found[k] = min(visits[k].latest, limit - visits[k].service)
        if k:
            limit -= road.least_minutes(visits[k - 1].place, visits[k].place)
    return found


def _fits_aboard(up: Visit, load: tuple[int, int, int, int], solo: bool, duty: Duty) -> bool:
    if load[3] and (solo or up.alone):
        return False
    need, room = up.load, duty.capacity
    return load[0] + need[0] <= room[0] and load[1] + need[1] <= room[1] and load[2] + need[2] <= room[2]
