"""Which vendor takes which job, decided over all open jobs at once with OR-Tools CP-SAT.

The model chooses at most one candidate for each job, within vendor capacity by hour and with jobs that
cannot follow one another kept out of one vehicle. What several jobs do to each other in one vehicle is
found out exactly afterwards (``joint``) and returned to the model as cuts, until its answer holds: a
logic-based Benders decomposition. Every cut is a true bound, so the bound reported is one too.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from ortools.sat.python import cp_model

from dispatch.solver.feasible import asked_hour, hour_capacity
from dispatch.solver.insert import Screening
from dispatch.solver.problem import Problem
from dispatch.solver.schedule import EPSILON
from dispatch.solver.score import Option, option_name
from dispatch.solver.table import Choice, Cuts, Ranked, Table
from dispatch.solver.world import Route, World


@dataclass(frozen=True, slots=True)
class StopRule:
    """When to stop: `wall_seconds` is a hard limit, `work_seconds` counts the solver's own deterministic
    work, so that a loaded machine gives the same answer; `rounds` limits the cut loop."""

    wall_seconds: float = 10.0
    work_seconds: float = 4.0
    rounds: int = 40


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
    choice: Mapping[str, Option]
    routes: Mapping[str, Route]
    ranking: Mapping[str, tuple[Ranked, ...]]
    unserved: tuple[str, ...] = ()

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
    rule = stop or StopRule()
    table = Table(problem, screenings, world or World(problem))
    greedy = table.greedy()
    best, best_cost = greedy, table.cost(greedy)
    greedy_cents, bound, rounds, proved = best_cost, 0, 0, not table.options
    cuts = Cuts()
    work_left = rule.work_seconds
    while not proved and rounds < rule.rounds:
        wall_left = rule.wall_seconds - (time.perf_counter() - began)
        if wall_left <= 0 or work_left <= 0:
            break
        rounds += 1
        choice, round_bound, exact, work = _solve(table, cuts, best, seed, wall_left, work_left)
        bound, work_left = max(bound, round_bound), work_left - work
        if choice is None:
            break
        learned = table.learn(choice, cuts)
        repaired = table.repair(choice)
        cost = table.cost(repaired)
        if cost < best_cost:
            best, best_cost = repaired, cost
        # Nothing new to learn: the model's answer is what the vehicles really do.
        proved = (exact and not learned) or bound >= best_cost
    proved = proved and not table.joints.cut_short
    status = "EMPTY" if not table.options else "OPTIMAL" if proved else "FEASIBLE"
    ranking = {job_id: table.rank(job_id, best) for job_id in table.jobs}
    return Allocation(
        status=status,
        objective_cents=best_cost,
        bound_cents=best_cost if proved else min(bound, best_cost),
        greedy_cents=greedy_cents,
        wall_ms=1000 * (time.perf_counter() - began),
        rounds=rounds,
        choice=best,
        routes=table.routes(best),
        ranking=ranking,
        unserved=tuple(job_id for job_id in table.jobs if job_id not in best),
    )


def _solve(
    table: Table, cuts: Cuts, hint: Choice, seed: int, wall_seconds: float, work_seconds: float
) -> tuple[Choice | None, int, bool, float]:
    """One run of the model: the choice (None if none was found), a bound in cents, whether it is
    proved, and the deterministic work it took."""
    model = cp_model.CpModel()
    take: dict[tuple[str, str, str], cp_model.IntVar] = {}
    spends: list[tuple[cp_model.IntVar, int]] = []
    by_hour: dict[tuple[str, int], list[cp_model.IntVar]] = defaultdict(list)
    for job_id, options in table.options.items():
        mine = []
        for option in options:
            name = (job_id, option.candidate.vendor_id, option.candidate.vehicle_id)
            variable = take[name] = model.new_bool_var("/".join(name))
            model.add_hint(variable, hint.get(job_id) is option)
            spends.append((variable, option.total - table.penalty[job_id]))
            by_hour[option.candidate.vendor_id, asked_hour(table.jobs[job_id])].append(variable)
            mine.append(variable)
        model.add_at_most_one(mine)
    for (vendor_id, hour), variables in by_hour.items():
        room = hour_capacity(table.world.vendors[vendor_id], hour)
        if room is not None and room < len(variables):
            model.add(sum(variables) <= room)
    for a, b in table.conflicts:
        model.add_at_most_one(take[option_name(a)], take[option_name(b)])

    def together(vehicle_id: str, job_ids: frozenset[str]) -> list[cp_model.IntVar]:
        vendor_id = table.world.vehicles[vehicle_id].vendor_id
        return [take[job_id, vendor_id, vehicle_id] for job_id in sorted(job_ids)]

    for vehicle_id, job_ids in sorted(cuts.forbidden, key=_by_set):
        model.add(sum(together(vehicle_id, job_ids)) <= len(job_ids) - 1)
    extras: dict[str, cp_model.IntVar] = {}
    most = sum(table.penalty.values())
    for (vehicle_id, job_ids), cents in sorted(cuts.extra.items(), key=lambda item: _by_set(item[0])):
        if cents > 0:
            if vehicle_id not in extras:
                extras[vehicle_id] = model.new_int_var(0, most, f"extra/{vehicle_id}")
            both = together(vehicle_id, job_ids)
            model.add(extras[vehicle_id] >= cents * (sum(both) - len(both) + 1))
    served_nothing = sum(table.penalty.values())
    spent = sum(cents * variable for variable, cents in spends)
    model.minimize(spent + sum(extras.values()) + served_nothing)

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_time_in_seconds = wall_seconds
    solver.parameters.max_deterministic_time = work_seconds
    status = solver.solve(model)
    work = solver.response_proto.deterministic_time
    # Every cost is a whole cent, so the bound may be rounded up.
    bound = max(0, math.ceil(solver.best_objective_bound - EPSILON))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, bound, False, work
    choice = {
        job_id: option
        for job_id, options in table.options.items()
        for option in options
        if solver.boolean_value(take[option_name(option)])
    }
    return choice, bound, status == cp_model.OPTIMAL, work


def _by_set(item: tuple[str, frozenset[str]]) -> tuple[str, list[str]]:
    return item[0], sorted(item[1])
