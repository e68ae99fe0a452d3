"""A problem made ready for planning: roads numbered, every vehicle's present plan scheduled once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property

from dispatch.solver.problem import DROPOFF, PICKUP, Job, Problem, Vehicle
from dispatch.solver.schedule import (
    EPSILON,
    Conflict,
    Duty,
    Schedule,
    Visit,
    driving_minutes,
    schedule,
    soften,
)
from dispatch.solver.travel import Road


@dataclass(frozen=True)
class Route:
    """A vehicle with an order of stops that has a schedule."""

    vehicle: Vehicle
    visits: tuple[Visit, ...]
    duty: Duty
    found: Schedule
    road: Road

    @cached_property
    def driving(self) -> float:
        """Minutes behind the wheel."""
        return driving_minutes(self.visits, self.duty, self.road, self.found)

    @cached_property
    def aboard(self) -> tuple[list[tuple[int, int, int, int]], list[bool]]:
        """Before each position: seats, chairs, cots and people aboard, and whether one rides alone."""
        boarding = {v.job_id for v in self.visits if v.kind == PICKUP}
        inside = {v.job_id: v for v in self.visits if v.kind == DROPOFF and v.job_id not in boarding}
        loads = [v.load for v in inside.values()]
        seats, chairs, cots = (sum(load[d] for load in loads) for d in range(3))
        people, alone = len(inside), sum(v.alone for v in inside.values())
        counts, solos = [(seats, chairs, cots, people)], [alone > 0]
        for visit in self.visits:
            sign = 1 if visit.kind == PICKUP else -1 if visit.kind == DROPOFF else 0
            seats, chairs, cots = (
                seats + sign * visit.load[0],
                chairs + sign * visit.load[1],
                cots + sign * visit.load[2],
            )
            people, alone = people + sign, alone + sign * visit.alone
            counts.append((seats, chairs, cots, people))
            solos.append(alone > 0)
        return counts, solos

    def start_of(self, job_id: str, kind: str) -> float:
        """When service of a job's pickup or drop-off begins."""
        return next(
            start
            for visit, start in zip(self.visits, self.found.starts, strict=True)
            if visit.job_id == job_id and visit.kind == kind
        )


class World:
    """A problem with its roads numbered and every vehicle's present plan scheduled once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.road = Road(problem.travel)
        self.jobs = {job.id: job for job in sorted(problem.jobs, key=lambda job: job.id)}
        self.vendors = {v.vendor_id: v for v in sorted(problem.vendors, key=lambda v: v.vendor_id)}
        self.vehicles = {v.id: v for v in sorted(problem.vehicles, key=lambda v: v.id)}
        self.fleets: dict[str, list[Vehicle]] = {vendor_id: [] for vendor_id in self.vendors}
        for vehicle in self.vehicles.values():
            self.fleets[vehicle.vendor_id].append(vehicle)
        for job in self.jobs.values():
            self.road.number(job.pickup)
            self.road.number(job.dropoff)
        self.routes: dict[str, Route | Conflict] = {v.id: self._present(v) for v in self.vehicles.values()}

    def with_routes(self, routes: Mapping[str, Route]) -> World:
        """The same world in which some vehicles already follow other routes."""
        other = copy(self)
        other.routes = {**self.routes, **routes}
        return other

    def _present(self, vehicle: Vehicle) -> Route | Conflict:
        visits, here = [], self.road.number(vehicle.start)
        for planned in vehicle.plan:
            stop = planned.stop
            here = here if math.isnan(stop.lat) else self.road.number(stop)
            visits.append(
                Visit(
                    planned.job_id,
                    planned.kind,
                    here,
                    stop.earliest,
                    stop.latest,
                    stop.service_minutes,
                    planned.load,
                    planned.max_ride_minutes,
                    planned.rides_alone,
                )
            )
        duty = Duty(
            self.road.number(vehicle.start),
            max(vehicle.shift_start, self.problem.now),
            vehicle.shift_end,
            vehicle.capacity,
            self.road.number(vehicle.end) if vehicle.end is not None else None,
            vehicle.max_duty_minutes,
        )
        held, limits, conflict = soften(visits, duty, self.road)
        if conflict is not None:
            return conflict
        return self.route(vehicle, held, limits)

    def route(self, vehicle: Vehicle, visits: tuple[Visit, ...], duty: Duty) -> Route:
        """The route of an order of stops that is known to be feasible."""
        found = schedule(visits, duty, self.road)
        if isinstance(found, Conflict):
            raise ValueError(f"vehicle {vehicle.id}: the order has no schedule ({found.code})")
        return Route(vehicle, visits, duty, found, self.road)

    def visits_of(self, job: Job, window: tuple[float, float], until: float = math.inf) -> tuple[Visit, Visit]:
        """The two stops of a job for a pickup inside `window` that is over before `until`."""
        down = job.dropoff
        latest = min(down.latest, until - down.service_minutes - EPSILON)
        clean = self.problem.policy.clean_minutes.get(job.isolation, 0.0)
        alone = job.rides_alone
        return (
            Visit(
                job.id,
                PICKUP,
                self.road.number(job.pickup),
                max(window[0], self.problem.now),
                window[1],
                job.pickup.service_minutes,
                job.load,
                job.max_ride_minutes,
                alone,
            ),
            Visit(
                job.id,
                DROPOFF,
                self.road.number(down),
                down.earliest,
                latest,
                down.service_minutes + clean,
                job.load,
                math.inf,
                alone,
            ),
        )
