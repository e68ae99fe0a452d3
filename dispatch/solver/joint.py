"""Several open jobs in one vehicle: whether they fit together, and the least lateness if they do."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.solver.feasible import service_windows, valid_until
from dispatch.solver.insert import late_cents
from dispatch.solver.positions import insertions
from dispatch.solver.problem import PICKUP, Job
from dispatch.solver.schedule import Conflict, Visit
from dispatch.solver.world import Route, World

NODE_LIMIT = 4_000
"""Routes looked at for one set of jobs before the search settles for the best one found."""


@dataclass(frozen=True, slots=True)
class Joint:
    """The best way for a vehicle to take a set of jobs: summed late penalty in cents, and the route."""

    late_cents: int
    route: Route


class Joints:
    """Answers for (vehicle, set of jobs), each worked out once.

    The search puts the jobs in one after the other at every feasible position and cuts off what cannot
    become better; it is complete unless `NODE_LIMIT` is reached, which sets `cut_short`. Locked stops
    keep their order.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.cut_short = False
        self._known: dict[tuple[str, frozenset[str]], Joint | None] = {}
        self._stops: dict[tuple[str, str], list[tuple[Visit, Visit]]] = {}

    def best(self, vehicle_id: str, job_ids: frozenset[str]) -> Joint | None:
        """The best joint route, or None when the jobs do not fit together."""
        key = (vehicle_id, job_ids)
        if key not in self._known:
            self._known[key] = self._search(vehicle_id, job_ids)
        return self._known[key]

    def _search(self, vehicle_id: str, job_ids: frozenset[str]) -> Joint | None:
        start = self.world.routes[vehicle_id]
        if isinstance(start, Conflict):
            return None
        jobs = sorted((self.world.jobs[job_id] for job_id in job_ids), key=lambda j: (j.pickup.latest, j.id))
        best: tuple[int, float, Route] | None = None
        nodes = 0
        stack: list[tuple[int, Route]] = [(0, start)]
        while stack:
            depth, route = stack.pop()
            late = self._late(route, jobs[:depth])
            if best is not None and (late, route.driving if depth == len(jobs) else 0.0) >= best[:2]:
                continue
            if depth == len(jobs):
                best = (late, route.driving, route)
                continue
            nodes += 1
            if nodes > NODE_LIMIT:
                self.cut_short = True
                break
            options = [
                option
                for stops in self._stops_of(vehicle_id, jobs[depth])
                for option, _ in insertions(self.world, route, stops)
            ]
            # The stack is taken from its end, so the most promising goes on last.
            options.sort(key=lambda o: (self._late(o, jobs[: depth + 1]), o.driving), reverse=True)
            stack.extend((depth + 1, option) for option in options)
        return None if best is None else Joint(best[0], best[2])

    def _late(self, route: Route, jobs: list[Job]) -> int:
        weights = self.world.problem.weights
        return sum(late_cents(weights, job, route.start_of(job.id, PICKUP)) for job in jobs)

    def _stops_of(self, vehicle_id: str, job: Job) -> list[tuple[Visit, Visit]]:
        key = (vehicle_id, job.id)
        if key not in self._stops:
            vehicle = self.world.vehicles[vehicle_id]
            vendor = self.world.vendors[vehicle.vendor_id]
            until = valid_until(self.world.problem, job, vehicle, vendor)
            windows = service_windows(job, vendor)
            self._stops[key] = [self.world.visits_of(job, window, until) for window in windows]
        return self._stops[key]
