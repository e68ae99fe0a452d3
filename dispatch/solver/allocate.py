"""Which vendor takes which job, decided over all open jobs at once with OR-Tools.

The decision is which load each vehicle takes (``columns``), at most one, so that every job is in one
load at most and no vendor exceeds its capacity by hour. Loads are made as the relaxed problem asks for
them; CP-SAT then chooses among the whole ones. Its answer is proved when it meets the relaxed bound, or
when every load that a better answer could hold has been offered to it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from dispatch.solver.columns import Column, Prices, Pricing
from dispatch.solver.insert import Screening
from dispatch.solver.master import Relaxed, choose
from dispatch.solver.problem import Problem
from dispatch.solver.score import Option
from dispatch.solver.table import Ranked, Table
from dispatch.solver.world import Route, World

PER_VEHICLE = 4
"""Loads added for one vehicle in one round of pricing."""

PRICING_SHARE = 0.7
"""Part of the wall limit after which no more loads are made, so that time is left to choose among them."""

FIRST_LOOK = 24
"""Sets examined for one vehicle in a round at first. Early prices are far off, and an exact answer to
them is wasted; the limit grows when it finds nothing new."""


@dataclass(frozen=True, slots=True)
class StopRule:
    """When to stop.

    `wall_seconds` is a hard limit for emergencies. The others count work, so that a loaded machine gives
    the same answer: `work_seconds` of CP-SAT's deterministic time, `look` sets of jobs examined,
    `rounds` of pricing.
    """

    wall_seconds: float = 10.0
    work_seconds: float = 2.0
    look: int = 40_000
    rounds: int = 200


@dataclass(frozen=True, slots=True)
class Allocation:
    """The decision over all jobs.

    `status` is ``OPTIMAL``, ``FEASIBLE`` (time ran out first; `gap` says how far it may be off) or
    ``EMPTY`` (nothing to decide). Objective and bound are cents and hold the penalty of jobs left out.
    """

    status: str
    objective_cents: int
    bound_cents: int
    greedy_cents: int
    wall_ms: float
    rounds: int
    loads: int
    choice: Mapping[str, Option]
    routes: Mapping[str, Route]
    ranking: Mapping[str, tuple[Ranked, ...]]
    unserved: tuple[str, ...]
    penalty_cents: int

    @property
    def plan_cents(self) -> int:
        """The objective without the penalty of jobs left out."""
        return self.objective_cents - self.penalty_cents

    @property
    def gap(self) -> float:
        """(objective - bound) / objective, 0 when proved."""
        return max(0, self.objective_cents - self.bound_cents) / max(1, self.objective_cents)


def allocate(
    problem: Problem,
    screenings: list[Screening],
    stop: StopRule | None = None,
    seed: int = 0,
    world: World | None = None,
) -> Allocation:
    """Decide the vendor of every screened job.

    The same problem, stop rule and seed give the same answer unless the wall limit strikes first, and
    the order of jobs, vendors and vehicles does not matter.
    """
    began = time.perf_counter()
    table = Table(problem, screenings, world or World(problem))
    run = _Run(table, stop or StopRule(), seed, began)
    run.decide()
    best = run.best
    status = "EMPTY" if not table.options else "OPTIMAL" if run.proved else "FEASIBLE"
    ranking = {job_id: table.rank(job_id, best) for job_id in table.jobs}
    return Allocation(
        status=status,
        objective_cents=run.cents,
        bound_cents=run.cents if run.proved else min(run.bound, run.cents),
        greedy_cents=run.greedy_cents,
        wall_ms=1000 * (time.perf_counter() - began),
        rounds=run.rounds,
        loads=len(run.pool),
        choice=best,
        routes=table.routes(best),
        ranking=ranking,
        unserved=tuple(job_id for job_id in table.jobs if job_id not in best),
        penalty_cents=sum(cents for job_id, cents in table.penalty.items() if job_id not in best),
    )


class _Run:
    """One decision in progress: the best choice so far and the best bound."""

    def __init__(self, table: Table, rule: StopRule, seed: int, began: float) -> None:
        self.table, self.rule, self.seed, self.began = table, rule, seed, began
        self.pricing = Pricing(table)
        self.best = table.greedy()
        self.cents = self.greedy_cents = table.cost(self.best)
        self.bound, self.rounds, self.work = table.floor, 0, 0.0
        self.pool: dict[tuple[str, str, tuple[str, ...]], Column] = {}
        self.relaxed = Relaxed(table)

    @property
    def proved(self) -> bool:
        """Whether no better choice exists."""
        return self.bound >= self.cents

    def decide(self) -> None:
        """Generate loads, choose, and close what is left of the gap as far as the stop rule allows."""
        for option in self.pricing.unseen:
            self._keep(self.pricing.column((option,)))
        for vehicle_id, job_ids in self.table.loads(self.best).items():
            options = tuple(self.best[job_id] for job_id in sorted(job_ids))
            self._keep(self.pricing.column(options))
            for option in self.pricing.by_vehicle[vehicle_id]:
                self._keep(self.pricing.column((option,)))
        prices = self._generate()
        if not self.proved:
            self._choose()
        if not self.proved and prices is not None and self._complete(prices):
            bound = self._choose()
            if bound is not None:
                # All loads of a better choice were on the table, so their bound is everyone's.
                self.bound = max(self.bound, min(bound, self.cents))
        if self.table.joints.cut_short:
            # Some load may be cheaper than it was found to be: only the plain bound holds.
            self.bound = self.table.floor

    def _keep(self, column: Column) -> bool:
        self.pool.setdefault(column.key, column)
        return self.relaxed.add(column)

    def _time_left(self, share: float = 1.0) -> float:
        return share * self.rule.wall_seconds - (time.perf_counter() - self.began)

    def _look_left(self) -> int:
        return self.rule.look - self.pricing.looked_at

    def _generate(self) -> Prices | None:
        """Add loads until none is worth more than it costs; the prices of the best bound.

        Jobs first cost little to leave out, because prices far above what a ride costs would make every
        load look good; the true penalties come when the loads are there to serve them. Then the bound
        may say how many jobs cannot be served by any plan, and that becomes a constraint.
        """
        kept: Prices | None = None
        soft, look = True, FIRST_LOOK
        worst = self.table.worst
        self.relaxed.charge_left_out(worst)
        while self.rounds < self.rule.rounds and self._time_left(PRICING_SHARE) > 0 and self._look_left() > 0:
            answer = self.relaxed.solve()
            if answer is None:
                break
            self.rounds += 1
            _, prices, vehicle_prices = answer
            bound, grown, whole = self._base_bound(prices), False, True
            for vehicle_id in self.pricing.by_vehicle:
                # A load worth more than the vehicle's own price improves the relaxed plan.
                floor = vehicle_prices.get(vehicle_id, 0.0)
                found, complete = self._loads(vehicle_id, prices, floor, PER_VEHICLE, look)
                whole = whole and complete
                bound -= found[0][0] if found else floor
                for value, column in found:
                    grown = (value > floor + 1e-4 and self._keep(column)) or grown
            if whole and (kept is None or bound > self.bound):
                kept = prices
                self.bound = max(self.bound, math.ceil(bound - 1e-3))
            if self.proved:
                break
            if grown:
                continue
            if not whole:
                look *= 8
                continue
            units = math.ceil((self.bound - sum(worst.values())) / self.table.unit - 1e-9)
            if soft:
                soft = False
                self.relaxed.charge_left_out(self.table.penalty)
            elif units > self.relaxed.least_left_out:
                self.relaxed.leave_out(units)
            else:
                break
            look = FIRST_LOOK
        return kept

    def _loads(
        self, vehicle_id: str, prices: Prices, above: float, most: int | None, look: int
    ) -> tuple[list[tuple[float, Column]], bool]:
        deadline = self.began + PRICING_SHARE * self.rule.wall_seconds
        return self.pricing.loads(vehicle_id, prices, above, most, min(look, self._look_left()), deadline)

    def _base_bound(self, prices: Prices) -> float:
        """The Lagrangian bound before the shared fleets: each part is the least it can be."""
        bound = self.relaxed.fixed_value(prices)
        for job_id, cents in self.table.penalty.items():
            granted = prices.left_out * self.table.jobs[job_id].priority
            bound += min(0.0, cents - prices.job[job_id] - granted)
        for option in self.pricing.unseen:
            bound -= max(0.0, self.pricing.worth(option, prices))
        return bound

    def _choose(self) -> int | None:
        """Let CP-SAT choose among the pool; its bound over the pool, None when it found nothing."""
        time_left, work_left = self._time_left(), self.rule.work_seconds - self.work
        if time_left <= 0 or work_left <= 0:
            return None
        columns = [self.pool[key] for key in sorted(self.pool)]
        choice, bound, _, work = choose(self.table, columns, self.best, self.seed, time_left, work_left)
        self.work += work
        if choice is None:
            return None
        cents = self.table.cost(choice)
        if cents < self.cents:
            self.best, self.cents = choice, cents
        return bound

    def _complete(self, prices: Prices) -> bool:
        """Add every load that a better choice could hold: those within the gap at the best prices.

        A load whose reduced cost exceeds the gap cannot be part of a choice better than the best one.
        """
        base = self._base_bound(prices)
        values = {}
        for vehicle_id in self.pricing.by_vehicle:
            found, complete = self._loads(vehicle_id, prices, 0.0, 1, self.rule.look)
            if not complete:
                return False
            values[vehicle_id] = found[0][0] if found else 0.0
        gap = self.cents - (base - sum(values.values()))
        for vehicle_id, value in values.items():
            found, complete = self._loads(vehicle_id, prices, value - gap - 1e-3, None, self.rule.look)
            if not complete:
                return False
            for _, column in found:
                self._keep(column)
        return True
