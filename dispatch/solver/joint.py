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
        self._best: dict[tuple[str, frozenset[str]], Joint | None] = {}
        self._least: dict[tuple[str, frozenset[str]], int | None] = {}
        self._stops: dict[tuple[str, str], list[tuple[Visit, Visit]]] = {}

    def best(self, vehicle_id: str, job_ids: frozenset[str]) -> Joint | None:
        """The least late joint route, and of such routes one that drives little; None when the jobs do
        not fit together."""
        key = (vehicle_id, job_ids)
        if key not in self._best:
            self._best[key] = self._search(vehicle_id, job_ids, None)
        return self._best[key]

    def least_late(self, vehicle_id: str, job_ids: frozenset[str], floor: int = 0) -> int | None:
        """The least summed late penalty, cents; None when the jobs do not fit together.

        `floor` is a value that it is known not to be below; the search ends when it is reached.
        """
        key = (vehicle_id, job_ids)
        if key not in self._least:
            joint = self._search(vehicle_id, job_ids, floor)
            self._least[key] = None if joint is None else joint.late_cents
        return self._least[key]

    def _search(self, vehicle_id: str, job_ids: frozenset[str], floor: int | None) -> Joint | None:
        """Depth first over all positions; without a floor also for little driving among equals."""
        start = self.world.routes[vehicle_id]
        if isinstance(start, Conflict):
            return None
        jobs = sorted((self.world.jobs[job_id] for job_id in job_ids), key=lambda j: (j.pickup.latest, j.id))
        rest = self._rest(vehicle_id, jobs)
        best: Joint | None = None
        nodes = 0
        stack: list[tuple[int, int, Route]] = [(0, 0, start)]
        while stack:
            depth, late, route = stack.pop()
            if best is not None:
                # Another job makes nothing less late, so a route as late as the best is worth a look only
                # while it drives less.
                least = late + rest[depth]
                beaten = least > best.late_cents or (least == best.late_cents and floor is not None)
                if beaten or (least == best.late_cents and route.driving >= best.route.driving):
                    continue
            if depth == len(jobs):
                best = Joint(late, route)
                if floor is not None and late <= floor:
                    break
                continue
            nodes += 1
            if nodes > NODE_LIMIT:
                self.cut_short = True
                break
            options = [
                (self._late(option, job_ids), 0.0 if floor is not None else option.driving, n, option)
                for stops in self._stops_of(vehicle_id, jobs[depth])
                for n, (option, _) in enumerate(insertions(self.world, route, stops))
            ]
            # The stack is taken from its end, so the most promising goes on last.
            options.sort(key=lambda o: o[:3], reverse=True)
            stack.extend((depth + 1, cents, option) for cents, _, _, option in options)
        return best

    def _rest(self, vehicle_id: str, jobs: list[Job]) -> list[int]:
        """For each number of jobs placed what the others add at least: their penalty when alone."""
        rest = [0] * (len(jobs) + 1)
        if len(jobs) > 1:
            for k in range(len(jobs) - 1, -1, -1):
                rest[k] = rest[k + 1] + (self.least_late(vehicle_id, frozenset((jobs[k].id,))) or 0)
        return rest

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
