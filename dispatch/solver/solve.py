"""The matching decision from beginning to end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.solver.allocate import Allocation, StopRule, allocate
from dispatch.solver.explain import Explanation, explain
from dispatch.solver.insert import Screening, candidates
from dispatch.solver.problem import Problem
from dispatch.solver.table import Ranked
from dispatch.solver.world import Route, World


@dataclass(frozen=True, slots=True)
class Result:
    """A decision over all open jobs.

    Attributes
    ----------
    allocation
        Status, objective, bound, gap and the choice.
    screenings
        Candidates and refusals of each job.
    explanations
        For each job a dict that can be stored as JSON; ids, words and figures, no patient data.
    wall_ms
        Time of the whole decision, screening and explanations included.
    """

    allocation: Allocation
    screenings: Mapping[str, Screening]
    explanations: Mapping[str, Explanation]
    seed: int
    wall_ms: float

    @property
    def ranking(self) -> Mapping[str, tuple[Ranked, ...]]:
        """Vendors of each job, best first; the first is the choice unless the job is unserved."""
        return self.allocation.ranking

    @property
    def routes(self) -> Mapping[str, Route]:
        """The joint route of every vehicle that was given a job."""
        return self.allocation.routes

    @property
    def awards(self) -> dict[str, tuple[str, str, float, float]]:
        """For each served job: vendor, vehicle (empty: the vendor chooses), pickup and drop-off minute."""
        return {
            job_id: (
                ranked.option.candidate.vendor_id,
                ranked.option.candidate.vehicle_id,
                ranked.pickup_at,
                ranked.dropoff_at,
            )
            for job_id in self.ranking
            if (ranked := self.chosen(job_id)) is not None
        }

    @property
    def plan(self) -> dict[str, tuple[tuple[str, str, float], ...]]:
        """For each vehicle that was given a job all its stops in order: job, kind, and when it begins."""
        return {
            vehicle_id: tuple(
                (visit.job_id, visit.kind, start) for visit, start in zip(route.visits, route.found.starts, strict=True)
            )
            for vehicle_id, route in self.routes.items()
        }

    def chosen(self, job_id: str) -> Ranked | None:
        """The vendor chosen for a job, or None when nobody can take it."""
        return next((ranked for ranked in self.ranking[job_id] if ranked.chosen), None)


def solve(problem: Problem, stop: StopRule | None = None, seed: int = 0) -> Result:
    """Match every job of a problem to a vendor and, where fleets are shared, to a vehicle.

    Deterministic for a problem, a stop rule and a seed, in whatever order the problem lists its parts,
    unless the wall limit of the stop rule strikes.
    """
    began = time.perf_counter()
    world = World(problem)
    screenings = {job.id: candidates(problem, job, world) for job in world.jobs.values()}
    allocation = allocate(problem, list(screenings.values()), stop, seed, world)
    planned = world.with_routes(allocation.routes)
    explanations = {job_id: explain(planned, screening, allocation, seed) for job_id, screening in screenings.items()}
    wall_ms = 1000 * (time.perf_counter() - began)
    return Result(allocation, screenings, explanations, seed, wall_ms)
