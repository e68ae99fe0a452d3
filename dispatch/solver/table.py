"""The options of every job in one decision, and what a choice among them truly costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from dispatch.solver.feasible import asked_hour, hour_capacity
from dispatch.solver.insert import Screening
from dispatch.solver.joint import Joints
from dispatch.solver.problem import DROPOFF, PICKUP, Job, Problem
from dispatch.solver.score import Option, score
from dispatch.solver.world import Route, World

Choice = dict[str, Option]
"""Job id to the option taken; a job without an entry is not served."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One vendor in a job's ranking.

    `marginal_cents` is what the whole plan would cost more with this vendor (0 for the chosen one, None if
    it would move other jobs);
    `displaces` means that its vehicles or its capacity are taken by other jobs in the plan, so choosing
    it moves another job. Times are those of the joint plan.
    """

    rank: int
    option: Option
    chosen: bool
    pickup_at: float
    dropoff_at: float
    marginal_cents: int | None
    displaces: bool


class Table:
    """Options of every job, and the true cost of a choice."""

    def __init__(self, problem: Problem, screenings: list[Screening], world: World) -> None:
        self.world = world
        self.jobs: dict[str, Job] = {s.job_id: world.jobs[s.job_id] for s in sorted(screenings, key=lambda s: s.job_id)}
        self.options: dict[str, list[Option]] = {}
        for screening in screenings:
            job = self.jobs[screening.job_id]
            scored = [score(problem, job, world.vendors[c.vendor_id], c) for c in screening.candidates]
            if scored:
                self.options[job.id] = sorted(scored, key=lambda option: option.key)
        self.options = dict(sorted(self.options.items()))
        self.joints = Joints(world)
        # Late penalty of each job if it had the vehicle to itself.
        self._alone = {
            (option.candidate.vehicle_id, job_id): option.parts.lateness
            for job_id, options in self.options.items()
            for option in options
        }
        # Leaving a job out costs more than all that serving everybody could cost, tenfold so that the
        # relaxed problem shows how many must be left out.
        self.worst = {job_id: self._worst(job_id) for job_id in self.options}
        self.unit = 10 * (sum(self.worst.values()) + 1)
        self.penalty = {job_id: self.jobs[job_id].priority * self.unit for job_id in self.options}

    def _worst(self, job_id: str) -> int:
        """The most that serving a job can cost."""
        weights, job = self.world.problem.weights, self.jobs[job_id]
        window = min(job.pickup.latest - job.pickup.earliest, 2 * 24 * 60.0)
        late = round(weights.late_cents_per_minute * window) + weights.at_risk_cents
        return max(option.total - option.parts.lateness for option in self.options[job_id]) + late

    def loads(self, choice: Choice) -> dict[str, frozenset[str]]:
        """Jobs by vehicle (vehicles of unseen fleets are their vendor's business)."""
        found: dict[str, set[str]] = defaultdict(set)
        for job_id, option in choice.items():
            if option.candidate.vehicle_id:
                found[option.candidate.vehicle_id].add(job_id)
        return {vehicle_id: frozenset(ids) for vehicle_id, ids in sorted(found.items())}

    def extra(self, vehicle_id: str, job_ids: frozenset[str], least: int = 0) -> int | None:
        """What the jobs cost each other in one vehicle, cents; None when they do not fit.

        `least` is a value that it is known not to be below.
        """
        alone = sum(self._alone[vehicle_id, job_id] for job_id in job_ids)
        late = self.joints.least_late(vehicle_id, job_ids, alone + least)
        return None if late is None else late - alone

    def cost(self, choice: Choice) -> int:
        """True objective of a choice whose vehicles all have a joint route."""
        total = sum(penalty for job_id, penalty in self.penalty.items() if job_id not in choice)
        total += sum(option.total for option in choice.values())
        for vehicle_id, job_ids in self.loads(choice).items():
            extra = self.extra(vehicle_id, job_ids)
            if extra is None:
                raise ValueError(f"vehicle {vehicle_id} cannot take its jobs together")
            total += extra
        return total

    def routes(self, choice: Choice) -> dict[str, Route]:
        """The joint route of every vehicle that was given a job."""
        found = {}
        for vehicle_id, job_ids in self.loads(choice).items():
            joint = self.joints.best(vehicle_id, job_ids)
            if joint is not None:
                found[vehicle_id] = joint.route
        return found

    def hours_used(self, choice: Choice) -> dict[tuple[str, int], int]:
        """Jobs given in this choice by vendor and asked hour."""
        used: dict[tuple[str, int], int] = defaultdict(int)
        for job_id, option in choice.items():
            used[option.candidate.vendor_id, asked_hour(self.jobs[job_id])] += 1
        return used

    def added_cost(self, job_id: str, option: Option, choice: Choice) -> int | None:
        """What the plan costs more with this option besides; None when it does not fit."""
        vendor = self.world.vendors[option.candidate.vendor_id]
        hour = asked_hour(self.jobs[job_id])
        room = hour_capacity(vendor, hour)
        if room is not None and self.hours_used(choice)[vendor.vendor_id, hour] >= room:
            return None
        vehicle_id = option.candidate.vehicle_id
        if not vehicle_id:
            return option.total
        there = self.loads(choice).get(vehicle_id, frozenset())
        before, after = 0, self.extra(vehicle_id, there | {job_id}) if there else 0
        if there:
            before = self.extra(vehicle_id, there) or 0
        return None if after is None else option.total + after - before

    def cheapest(self, job_id: str, options: list[Option], choice: Choice) -> tuple[int, Option] | None:
        """The option that adds least to a choice without the job."""
        best: tuple[int, Option] | None = None
        for option in options:
            # What jobs cost each other is never negative, and options come cheapest first.
            if best is not None and option.total >= best[0]:
                break
            added = self.added_cost(job_id, option, choice)
            if added is not None and (best is None or added < best[0]):
                best = (added, option)
        return best

    def greedy(self) -> Choice:
        """Jobs by priority and asked time, each to what is cheapest then."""
        choice: Choice = {}
        order = sorted(self.options, key=lambda i: (-self.jobs[i].priority, self.jobs[i].pickup.earliest, i))
        for job_id in order:
            best = self.cheapest(job_id, self.options[job_id], choice)
            if best is not None:
                choice[job_id] = best[1]
        return choice

    @property
    def floor(self) -> int:
        """A bound of the objective that ignores what jobs do to each other."""
        return sum(options[0].total for options in self.options.values())

    def rank(self, job_id: str, choice: Choice) -> tuple[Ranked, ...]:
        """Vendors of a job: the chosen one, then the others by what they would cost the plan."""
        others = {other: option for other, option in choice.items() if other != job_id}
        chosen = choice.get(job_id)
        base = 0 if chosen is None else self.added_cost(job_id, chosen, others) or 0
        rows: list[tuple[tuple[bool, bool, int, str], Option, Choice]] = []
        for vendor_id in sorted({o.candidate.vendor_id for o in self.options.get(job_id, [])}):
            options = [o for o in self.options[job_id] if o.candidate.vendor_id == vendor_id]
            if chosen is not None and vendor_id == chosen.candidate.vendor_id:
                rows.append(((False, False, base, vendor_id), chosen, others))
                continue
            best = self.cheapest(job_id, options, others)
            if best is not None:
                rows.append(((True, False, best[0], vendor_id), best[1], others))
            else:
                rows.append(((True, True, options[0].total, vendor_id), options[0], {}))
        rows.sort(key=lambda row: row[0])
        ranked = []
        for rank, ((is_other, displaces, cost, _), option, beside) in enumerate(rows, start=1):
            pickup_at, dropoff_at = self._times(job_id, option, beside)
            marginal = None if displaces else cost - base if is_other else 0
            ranked.append(Ranked(rank, option, not is_other, pickup_at, dropoff_at, marginal, displaces))
        return tuple(ranked)

    def _times(self, job_id: str, option: Option, others: Choice) -> tuple[float, float]:
        vehicle_id = option.candidate.vehicle_id
        there = self.loads(others).get(vehicle_id, frozenset()) | {job_id}
        joint = self.joints.best(vehicle_id, there) if vehicle_id else None
        if joint is None:
            return option.candidate.pickup_at, option.candidate.dropoff_at
        return joint.route.start_of(job_id, PICKUP), joint.route.start_of(job_id, DROPOFF)
