"""Crew and vehicle for the jobs that one vendor has accepted.

A crew belongs to its vehicle for the shift, so choosing the vehicle chooses the crew. Each round is an
assignment problem, one job to a vehicle at most, solved exactly by OR-Tools; rounds go on while jobs are
left, so that a vehicle may take several. If some job finds no place that way, all are decided at once as
in ``allocate``. A last pass moves single jobs to where they cost less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dispatch.solver.allocate import allocate
from dispatch.solver.feasible import Refusal, service_windows, valid_until, vehicle_refusals, vendor_refusals
from dispatch.solver.insert import Insertion, Refused, best_insertion, candidates, vehicle_candidate
from dispatch.solver.positions import Nearest
from dispatch.solver.problem import DROPOFF, PICKUP, Job, Problem, VendorTerms
from dispatch.solver.world import Route, World


@dataclass(frozen=True, slots=True)
class Assignment:
    """The vehicle and crew of one job.

    `added_cents` is what the job adds to the vehicle's driving and lateness; `gap_cents` is how much more
    the runner-up would add (None when no other vehicle can go).
    """

    job_id: str
    vehicle_id: str
    crew_ids: tuple[str, ...]
    pickup_at: float
    dropoff_at: float
    added_cents: int
    runner_up_id: str
    gap_cents: int | None


@dataclass(frozen=True, slots=True)
class Roster:
    """The answer for one vendor: assignments by job, routes by vehicle, and for each job that could not be
    placed why each vehicle cannot take it beside what it already has."""

    assignments: Mapping[str, Assignment]
    routes: Mapping[str, Route]
    refused: Mapping[str, tuple[Refused, ...]]


def assign(problem: Problem, vendor_id: str, job_ids: list[str] | None = None) -> Roster:
    """Give every accepted job of a vendor a vehicle with its crew.

    Deterministic, and independent of the order of jobs and vehicles.

    Parameters
    ----------
    job_ids
        The accepted jobs; all jobs of the problem when not given.

    Raises
    ------
    KeyError
        If the vendor or a job is not in the problem.
    """
    return _Roster(World(problem), vendor_id, job_ids).fill()


class _Roster:
    def __init__(self, world: World, vendor_id: str, job_ids: list[str] | None) -> None:
        self.world = world
        self.vendor: VendorTerms = world.vendors[vendor_id]
        wanted = sorted(world.jobs if job_ids is None else job_ids)
        self.jobs: dict[str, Job] = {job_id: world.jobs[job_id] for job_id in wanted}
        self.holder: dict[str, str] = {}
        self.routes: dict[str, Route] = {}
        self.static: dict[tuple[str, str], list[Refusal]] = {}
        for vehicle in world.fleets[vendor_id]:
            route = world.routes[vehicle.id]
            if isinstance(route, Route):
                self.routes[vehicle.id] = route

    def fill(self) -> Roster:
        left = list(self.jobs)
        while left:
            placed = self._round(left)
            if not placed:
                break
            left = [job_id for job_id in left if job_id not in self.holder]
        if left:
            left = self._together(left)
        self._improve()
        assignments = {job_id: self._assignment(job_id) for job_id in self.jobs if job_id in self.holder}
        used = {vehicle_id: self.routes[vehicle_id] for vehicle_id in sorted(set(self.holder.values()))}
        refused = {job_id: self._reasons(job_id) for job_id in left}
        return Roster(assignments, used, refused)

    def _round(self, left: list[str]) -> bool:
        """One assignment problem; False when nothing could be placed."""
        options = {
            (job_id, vehicle_id): found
            for job_id in left
            for vehicle_id in self.routes
            if (found := self._insert(job_id, vehicle_id, self.routes[vehicle_id])) is not None
        }
        if not options:
            return False
        for job_id, vehicle_id in _cheapest(left, list(self.routes), options):
            self.routes[vehicle_id] = options[job_id, vehicle_id].route
            self.holder[job_id] = vehicle_id
        return True

    def _together(self, left: list[str]) -> list[str]:
        """Decide all jobs at once, because round by round some found no place; the jobs still left.

        The decision for one vendor is the same as that among vendors, with its capacity out of play.
        """
        fleet = tuple(self.world.fleets[self.vendor.vendor_id])
        own = replace(self.vendor, capacity_per_hour=None, shares_fleet=True)
        smaller = replace(self.world.problem, jobs=tuple(self.jobs.values()), vendors=(own,), vehicles=fleet)
        world = World(smaller)
        screenings = [candidates(smaller, job, world) for job in self.jobs.values()]
        answer = allocate(smaller, screenings, world=world)
        if len(answer.unserved) >= len(left):
            return left
        self.world = world
        self.routes = {v: r for v, r in world.routes.items() if isinstance(r, Route)} | dict(answer.routes)
        self.holder = {job_id: option.candidate.vehicle_id for job_id, option in answer.choice.items()}
        return list(answer.unserved)

    def _insert(self, job_id: str, vehicle_id: str, route: Route) -> Insertion | None:
        job, vehicle = self.jobs[job_id], self.world.vehicles[vehicle_id]
        key = (job_id, vehicle_id)
        if key not in self.static:
            self.static[key] = self._vendor_refusals(job) or vehicle_refusals(self.world.problem, job, vehicle)
        if self.static[key]:
            return None
        until = valid_until(self.world.problem, job, vehicle, self.vendor)
        windows = service_windows(job, self.vendor)
        return best_insertion(self.world, route, job, windows, until, Nearest())

    def _vendor_refusals(self, job: Job) -> list[Refusal]:
        """Objections to the vendor; its capacity is no longer one, because it has accepted."""
        found = vendor_refusals(self.world.problem, job, self.vendor)
        return [refusal for refusal in found if refusal.code not in ("vendor_full", "vendor_response")]

    def _without(self, job_id: str) -> Route:
        """The route of a job's vehicle as it would be without the job."""
        route = self.routes[self.holder[job_id]]
        visits = tuple(visit for visit in route.visits if visit.job_id != job_id)
        return self.world.route(route.vehicle, visits, route.duty)

    def _improve(self) -> None:
        """Move single jobs to other vehicles while that saves anything."""
        for _ in range(len(self.holder) * 4):
            best: tuple[int, str, str, Route, Insertion] | None = None
            for job_id, vehicle_id in sorted(self.holder.items()):
                bare = self._without(job_id)
                here = self._insert(job_id, vehicle_id, bare)
                for other in self.routes:
                    there = self._insert(job_id, other, self.routes[other]) if other != vehicle_id else None
                    if here is None or there is None:
                        continue
                    saved = here.cost_cents - there.cost_cents
                    if saved > 0 and (best is None or saved > best[0]):
                        best = (saved, job_id, other, bare, there)
            if best is None:
                return
            _, job_id, other, bare, there = best
            self.routes[self.holder[job_id]] = bare
            self.routes[other] = there.route
            self.holder[job_id] = other

    def _assignment(self, job_id: str) -> Assignment:
        vehicle_id = self.holder[job_id]
        route = self.routes[vehicle_id]
        here = self._insert(job_id, vehicle_id, self._without(job_id))
        added = 0 if here is None else here.cost_cents
        rivals = [
            (found.cost_cents, other)
            for other in self.routes
            if other != vehicle_id and (found := self._insert(job_id, other, self.routes[other])) is not None
        ]
        cents, runner_up = min(rivals, default=(None, ""))
        return Assignment(
            job_id,
            vehicle_id,
            tuple(member.id for member in route.vehicle.crew),
            route.start_of(job_id, PICKUP),
            route.start_of(job_id, DROPOFF),
            added,
            runner_up,
            None if cents is None else cents - added,
        )

    def _reasons(self, job_id: str) -> tuple[Refused, ...]:
        """Why each vehicle, with the jobs it was given, cannot take this one as well."""
        standing = self._vendor_refusals(self.jobs[job_id])
        if standing:
            return (Refused(self.vendor.vendor_id, "", tuple(standing)),)
        now = self.world.with_routes(self.routes)
        reasons = []
        for vehicle in self.world.fleets[self.vendor.vendor_id]:
            outcome = vehicle_candidate(now, self.jobs[job_id], self.vendor, vehicle)
            if isinstance(outcome, list):
                reasons.append(Refused(self.vendor.vendor_id, vehicle.id, tuple(outcome)))
        return tuple(reasons)


def _cheapest(
    job_ids: list[str], vehicle_ids: list[str], options: Mapping[tuple[str, str], Insertion]
) -> list[tuple[str, str]]:
    """At most one job for each vehicle: as many jobs as possible, then least cost (exact).

    Every job also has a place of its own that means "not in this round" and every vehicle an idle filler,
    which makes the assignment square and always possible.
    """
    jobs, vehicles = len(job_ids), len(vehicle_ids)
    missing = 1 + sum(abs(found.cost_cents) for found in options.values())
    row = {job_id: i for i, job_id in enumerate(job_ids)}
    column = {vehicle_id: k for k, vehicle_id in enumerate(vehicle_ids)}
    arcs = [(row[j], column[v], found.cost_cents) for (j, v), found in options.items()]
    arcs += [(i, vehicles + i, missing) for i in range(jobs)]
    arcs += [(jobs + k, k, 0) for k in range(vehicles)]
    arcs += [(jobs + k, vehicles + i, 0) for k in range(vehicles) for i in range(jobs)]
    # Loaded here: every process imports this module, only what assigns needs the libraries.
    import numpy as np
    from ortools.graph.python import linear_sum_assignment

    table = np.array(arcs, dtype=np.int64)
    solver = linear_sum_assignment.SimpleLinearSumAssignment()
    solver.add_arcs_with_cost(table[:, 0], table[:, 1], table[:, 2])
    if solver.solve() != solver.OPTIMAL:
        raise ArithmeticError("the assignment has no solution although every job may stay out")
    mates = [(job_id, solver.right_mate(i)) for job_id, i in row.items()]
    return [(job_id, vehicle_ids[k]) for job_id, k in mates if k < vehicles]
