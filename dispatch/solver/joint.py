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
        stack: list[tuple[int, int, Route]] = [(0, 0, start)]
        while stack:
            depth, late, route = stack.pop()
            # Another job makes nothing less late, so a route as late as the best is worth a look only
            # while it drives less.
            if best is not None and (late, route.driving) >= best[:2]:
                continue
            if depth == len(jobs):
                best = (late, route.driving, route)
                continue
            nodes += 1
            if nodes > NODE_LIMIT:
                self.cut_short = True
                break
            options = [
                (self._late(option, job_ids), option.driving, n, option)
                for stops in self._stops_of(vehicle_id, jobs[depth])
                for n, (option, _) in enumerate(insertions(self.world, route, stops))
            ]
            # The stack is taken from its end, so the most promising goes on last.
            options.sort(key=lambda o: o[:3], reverse=True)
            stack.extend((depth + 1, cents, option) for cents, _, _, option in options)
        return None if best is None else Joint(best[0], best[2])

    def _late(self, route: Route, job_ids: frozenset[str]) -> int:
        """Summed late penalty of those of the jobs that are in the route."""
        weights, jobs = self.world.problem.weights, self.world.jobs
        return sum(
            late_cents(weights, jobs[visit.job_id], start)
            for visit, start in zip(route.visits, route.found.starts, strict=True)
            if visit.kind == PICKUP and visit.job_id in job_ids
        )

    def _stops_of(self, vehicle_id: str, job: Job) -> list[tuple[Visit, Visit]]:
        key = (vehicle_id, job.id)
        if key not in self._stops:
            vehicle = self.world.vehicles[vehicle_id]
            vendor = self.world.vendors[vehicle.vendor_id]
            until = valid_until(self.world.problem, job, vehicle, vendor)
            windows = service_windows(job, vendor)
            self._stops[key] = [self.world.visits_of(job, window, until) for window in windows]
        return self._stops[key]
