"""The vendor decision: small cases against every possibility, and properties of larger ones."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solver_city import at, city, line_problem, ride, van, vendor

from dispatch.solver.allocate import StopRule, allocate
from dispatch.solver.feasible import asked_hour
from dispatch.solver.insert import candidates, late_cents
from dispatch.solver.problem import DROPOFF, PICKUP
from dispatch.solver.schedule import Schedule, schedule
from dispatch.solver.score import score
from dispatch.solver.world import World


def decide(problem, stop=None, seed=0):
    world = World(problem)
    return allocate(problem, [candidates(problem, job, world) for job in problem.jobs], stop, seed, world)


def test_the_cheaper_vendor_is_chosen_and_the_other_ranked_by_what_it_would_add():
    job = ride("j", 2, 12, "14:00", "14:30")
    fleet = [van("1", "dear"), van("2", "cheap")]
    answer = decide(line_problem([job], [vendor("dear", 80), vendor("cheap", 50)], fleet))
    first, second = answer.ranking["j"]
    assert (first.option.candidate.vendor_id, first.chosen, first.marginal_cents) == ("cheap", True, 0)
    assert (second.option.candidate.vendor_id, second.chosen, second.marginal_cents) == ("dear", False, 3000)
    assert (answer.status, answer.gap, answer.objective_cents) == ("OPTIMAL", 0, answer.bound_cents)


def test_a_record_of_lateness_may_outweigh_a_lower_price():
    job = ride("j", 2, 12, "14:00", "14:30")
    fleet = [van("1", "a"), van("2", "b")]
    terms = [vendor("a", 50, on_time_rate=0.8), vendor("b", 65, on_time_rate=0.99)]
    answer = decide(line_problem([job], terms, fleet))
    assert answer.ranking["j"][0].option.candidate.vendor_id == "b"
    parts = answer.ranking["j"][0].option.parts
    assert (parts.price, parts.reliability, parts.tier) == (8500, 100, 0)


def test_one_vehicle_that_both_want_goes_where_the_whole_plan_is_cheapest():
    # Greedy gives the cheap van to the first job and leaves the second with nobody.
    first = ride("a", 2, 12, "14:00", "14:20", solo=True)
    second = ride("b", 3, 12, "14:02", "14:10", solo=True)
    fleet = [van("cheap", "one", miles_north=2), van("dear", "two", miles_north=-8)]
    answer = decide(line_problem([first, second], [vendor("one", 50), vendor("two", 70)], fleet, "13:55"))
    assert {j: o.candidate.vehicle_id for j, o in answer.choice.items()} == {"a": "dear", "b": "cheap"}
    assert answer.status == "OPTIMAL"
    assert answer.objective_cents < answer.greedy_cents


def test_capacity_by_hour_is_kept_and_the_rest_goes_elsewhere():
    jobs = [ride(f"j{i}", i, i + 5, "14:00", "15:00") for i in range(4)]
    fleet = [van(f"a{i}", "a") for i in range(4)] + [van(f"b{i}", "b") for i in range(4)]
    terms = [vendor("a", 50, capacity_per_hour=3, committed_by_hour={14: 1}), vendor("b", 90)]
    answer = decide(line_problem(jobs, terms, fleet))
    given_to = [option.candidate.vendor_id for option in answer.choice.values()]
    assert (given_to.count("a"), given_to.count("b")) == (2, 2)


def test_a_job_of_higher_priority_is_served_when_only_one_can_be():
    jobs = [ride("plain", 2, 40, "14:00", "14:10"), ride("dialysis", 3, 40, "14:00", "14:10", priority=2)]
    jobs = [replace(job, solo=True) for job in jobs]
    answer = decide(line_problem(jobs, [vendor("a")], [van("7", "a")]))
    assert (list(answer.choice), answer.unserved) == (["dialysis"], ("plain",))
    assert answer.ranking["plain"][0].displaces
    assert answer.ranking["plain"][0].marginal_cents is None
    assert answer.plan_cents == answer.choice["dialysis"].total


def test_one_vehicle_takes_two_jobs_after_each_other_with_the_times_of_both():
    jobs = [ride("a", 0, 5, "14:00", "14:30", solo=True), ride("b", 5, 0, "14:00", "14:30", solo=True)]
    answer = decide(line_problem(jobs, [vendor("v")], [van("7", "v")]))
    times = {job_id: answer.ranking[job_id][0].pickup_at for job_id in ("a", "b")}
    assert times == pytest.approx({"a": at("14:00"), "b": at("14:10")}, abs=0.01)
    alone = sum(option.total for option in answer.choice.values())
    assert answer.objective_cents == pytest.approx(alone + 500, abs=1)


def test_an_upgrade_is_taken_only_when_the_exact_level_cannot_come():
    job = ride("j", 2, 12, "14:00", "14:30", "STR", upgrade_levels=frozenset({"BLS"}))
    terms = [vendor("exact", 120, ("STR",)), vendor("higher", 100, ("BLS",))]
    fleet = [van("1", "exact", "STR"), van("2", "higher", "BLS")]
    assert decide(line_problem([job], terms, fleet)).choice["j"].candidate.level == "STR"
    only = decide(line_problem([job], terms, fleet[1:])).choice["j"]
    assert (only.candidate.level, only.parts.upgrade) == ("BLS", 5000)


def test_nothing_to_decide_is_an_answer():
    job = ride("j", 2, 12, "14:00", "14:30")
    answer = decide(line_problem([job], [vendor("a")], []))
    assert (answer.status, answer.unserved, answer.ranking["j"]) == ("EMPTY", ("j",), ())
    assert decide(line_problem([], [vendor("a")], [])).status == "EMPTY"


def test_a_decision_that_may_not_think_still_answers_with_a_plan_and_a_bound():
    answer = decide(city(3), StopRule(wall_seconds=0.0))
    assert answer.status == "FEASIBLE"
    assert 0 < answer.bound_cents <= answer.objective_cents == answer.greedy_cents
    assert 0 < answer.gap < 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_decision_equals_the_best_of_all_possibilities(seed):
    problem = city(seed, jobs=4, vendors=2, vehicles=3, planned=0)
    answer = decide(problem)
    assert answer.status in ("OPTIMAL", "EMPTY")
    left_out = sum(job.priority for job in problem.jobs if job.id in answer.unserved)
    assert (left_out, answer.plan_cents) == _best_of_all(problem)


def _best_of_all(problem) -> tuple[int, int]:
    """Priority left out and cost of the best plan, by trying every vehicle for every job in every order."""
    world = World(problem)
    options = {}
    for job in problem.jobs:
        found = candidates(problem, job, world).candidates
        options[job.id] = [None, *(score(problem, job, world.vendors[c.vendor_id], c) for c in found)]
    costs: dict[tuple[str, frozenset[str]], float] = {}
    best = (10**9, 10**12)
    for picks in product(*options.values()):
        chosen = dict(zip(options, picks, strict=True))
        left_out = sum(job.priority for job in problem.jobs if chosen[job.id] is None)
        loads: dict[str, set[str]] = {}
        hours: dict[tuple[str, int], int] = {}
        for job_id, option in chosen.items():
            if option is not None:
                loads.setdefault(option.candidate.vehicle_id, set()).add(job_id)
                key = (option.candidate.vendor_id, asked_hour(world.jobs[job_id]))
                hours[key] = hours.get(key, 0) + 1
        limits = {v.vendor_id: v.capacity_per_hour for v in problem.vendors}
        if any(limits[v] is not None and n > limits[v] for (v, _), n in hours.items()):
            continue
        fixed = sum(o.total - o.parts.lateness for o in picks if o is not None)
        late = 0.0
        for vehicle_id, ids in loads.items():
            key = (vehicle_id, frozenset(ids))
            if key not in costs:
                costs[key] = _least_late(world, vehicle_id, ids)
            late += costs[key]
        if math.isfinite(late):
            best = min(best, (left_out, fixed + int(late)))
    return best


def _least_late(world, vehicle_id: str, ids: set[str]) -> float:
    duty = world.routes[vehicle_id].duty
    stops = []
    for job_id in sorted(ids):
        job = world.jobs[job_id]
        stops += world.visits_of(job, (job.pickup.earliest, job.pickup.latest))
    best = math.inf
    for order in permutations(stops):
        seen = [(v.job_id, v.kind) for v in order]
        if any(seen.index((i, PICKUP)) > seen.index((i, DROPOFF)) for i in ids):
            continue
        found = schedule(order, duty, world.road)
        if isinstance(found, Schedule):
            weights = world.problem.weights
            late = sum(
                late_cents(weights, world.jobs[v.job_id], at_)
                for v, at_ in zip(order, found.starts, strict=True)
                if v.kind == PICKUP
            )
            best = min(best, late)
    return best


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_decision_is_never_worse_than_greedy_nor_better_than_its_bound(seed):
    answer = decide(city(seed, jobs=12, vendors=3, vehicles=12))
    assert answer.bound_cents <= answer.objective_cents <= answer.greedy_cents
    assert (answer.status == "OPTIMAL") == (answer.bound_cents == answer.objective_cents)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(seed, rng):
    problem = city(seed, jobs=12, vendors=3, vehicles=12)
    mixed = replace(
        problem,
        jobs=tuple(rng.sample(problem.jobs, len(problem.jobs))),
        vendors=tuple(rng.sample(problem.vendors, len(problem.vendors))),
        vehicles=tuple(rng.sample(problem.vehicles, len(problem.vehicles))),
    )
    one, other = decide(problem), decide(mixed)
    assert one.objective_cents == other.objective_cents
    assert one.ranking == other.ranking


@pytest.mark.parametrize("seed", [0, 1, 17])
def test_the_same_seed_gives_the_same_answer(seed):
    problem = city(5, jobs=15, vendors=4, vehicles=15)
    one, other = decide(problem, seed=seed), decide(problem, seed=seed)
    assert (one.choice, one.ranking, one.bound_cents) == (other.choice, other.ranking, other.bound_cents)
