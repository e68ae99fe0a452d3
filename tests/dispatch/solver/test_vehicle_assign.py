"""Crew and vehicle for the jobs one vendor has accepted."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solver_city import at, city, line_problem, ride, van, vendor

from dispatch.solver.assign import _cheapest, assign
from dispatch.solver.check import violations
from dispatch.solver.insert import Insertion
from dispatch.solver.solve import solve


def test_each_job_gets_the_vehicle_that_makes_the_sum_least():
    # The nearest vehicle of both jobs is the same one; together it is cheaper to send it to the far job.
    jobs = [ride("a", 10, 20, "14:00", "14:10", solo=True), ride("b", 14, 24, "14:00", "14:10", solo=True)]
    fleet = [van("1", "v", miles_north=12), van("2", "v", miles_north=7)]
    roster = assign(line_problem(jobs, [vendor("v")], fleet, "13:40"), "v")
    assert {j: a.vehicle_id for j, a in roster.assignments.items()} == {"a": "2", "b": "1"}
    first = roster.assignments["a"]
    assert first.crew_ids == ("c0-0",)
    assert first.pickup_at == pytest.approx(at("14:00"), abs=0.01)
    assert first.runner_up_id == ""
    assert first.gap_cents is None


def test_the_gap_to_the_runner_up_says_how_clear_the_choice_is():
    job = ride("a", 10, 20, "14:00", "14:30")
    fleet = [van("1", "v", miles_north=9), van("2", "v", miles_north=4)]
    found = assign(line_problem([job], [vendor("v")], fleet, "13:30"), "v").assignments["a"]
    # Five miles more are ten minutes of driving at 50 cents.
    assert (found.vehicle_id, found.runner_up_id) == ("1", "2")
    assert found.gap_cents == pytest.approx(500, abs=1)


def test_one_vehicle_takes_several_jobs_when_there_is_no_other():
    jobs = [ride(f"j{i}", i, i + 1, f"{10 + i}:00", f"{10 + i}:15") for i in range(5)]
    roster = assign(line_problem(jobs, [vendor("v")], [van("7", "v")]), "v")
    assert len(roster.assignments) == 5
    assert len(roster.routes["7"].visits) == 10


def test_a_return_goes_to_the_vehicle_that_is_there_already():
    jobs = [ride("out", 0, 30, "10:00", "10:10"), ride("back", 30, 0, "11:10", "11:30")]
    fleet = [van("1", "v"), van("2", "v", miles_north=1)]
    roster = assign(line_problem(jobs, [vendor("v")], fleet), "v")
    assert {a.vehicle_id for a in roster.assignments.values()} == {"1"}


def test_jobs_that_fit_only_in_one_arrangement_are_all_placed():
    # Taken one by one, the wide job goes to the vehicle that the narrow one needs.
    placed = []
    for seed in (3, 5):
        problem = city(seed, 20, 5, 25, 2)
        result = solve(problem)
        for terms in problem.vendors:
            accepted = [job_id for job_id, award in result.awards.items() if award[0] == terms.vendor_id]
            roster = assign(problem, terms.vendor_id, accepted)
            placed.append(set(roster.assignments) == set(accepted))
            assert violations(problem, *_as_result(terms.vendor_id, roster)) == []
    assert all(placed)


def test_a_job_that_no_vehicle_can_take_gets_the_reason_of_each():
    jobs = [ride("a", 2, 12, "14:00", "14:10", "STR"), ride("b", 2, 40, "14:00", "14:10", solo=True)]
    fleet = [van("1", "v", "WC"), van("2", "v", "WC", out_of_service="brakes")]
    roster = assign(line_problem(jobs, [vendor("v")], fleet), "v")
    assert list(roster.assignments) == ["b"]
    words = {r.vehicle_id: r.refusals[0].text for r in roster.refused["a"]}
    assert words == {"1": "Does not carry stretchers", "2": "Unit 2 is out of service: brakes"}


def test_a_vendor_that_may_not_work_gets_no_vehicle_assigned():
    job = ride("a", 2, 12, "14:00", "14:30")
    roster = assign(line_problem([job], [vendor("v", baa_signed=False)], [van("1", "v")]), "v")
    assert roster.assignments == {}
    assert [r.refusals[0].code for r in roster.refused["a"]] == ["vendor_baa"]


def test_a_full_hour_does_not_take_back_what_was_accepted():
    job = ride("a", 2, 12, "14:00", "14:30")
    full = vendor("v", capacity_per_hour=1, committed_by_hour={14: 1})
    assert list(assign(line_problem([job], [full], [van("1", "v")]), "v").assignments) == ["a"]


def test_only_the_jobs_named_are_assigned_and_unknown_names_are_errors():
    jobs = [ride("a", 2, 12, "14:00", "14:30"), ride("b", 2, 12, "15:00", "15:30")]
    problem = line_problem(jobs, [vendor("v")], [van("1", "v")])
    assert list(assign(problem, "v", ["b"]).assignments) == ["b"]
    with pytest.raises(KeyError):
        assign(problem, "v", ["ghost"])
    with pytest.raises(KeyError):
        assign(problem, "ghost")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000), st.randoms(use_true_random=False))
def test_a_roster_is_sound_and_does_not_depend_on_the_order_of_the_input(seed, rng):
    problem = city(seed, jobs=8, vendors=1, vehicles=6)
    problem = replace(problem, vendors=(replace(problem.vendors[0], capacity_per_hour=None),))
    roster = assign(problem, "v0")
    assert violations(problem, *_as_result("v0", roster)) == []
    assert set(roster.assignments) | set(roster.refused) == {job.id for job in problem.jobs}
    mixed = replace(
        problem,
        jobs=tuple(rng.sample(problem.jobs, len(problem.jobs))),
        vehicles=tuple(rng.sample(problem.vehicles, len(problem.vehicles))),
    )
    assert assign(mixed, "v0").assignments == roster.assignments


def _as_result(vendor_id, roster):
    awards = {job_id: (vendor_id, a.vehicle_id, a.pickup_at, a.dropoff_at) for job_id, a in roster.assignments.items()}
    plan = {
        vehicle_id: [(v.job_id, v.kind, start) for v, start in zip(route.visits, route.found.starts, strict=True)]
        for vehicle_id, route in roster.routes.items()
    }
    return awards, plan


@st.composite
def cost_tables(draw):
    jobs = [f"j{i}" for i in range(draw(st.integers(1, 4)))]
    cars = [f"c{i}" for i in range(draw(st.integers(1, 4)))]
    costs = {(j, c): draw(st.integers(0, 99)) for j in jobs for c in cars if draw(st.booleans())}
    return jobs, cars, costs


@given(cost_tables())
def test_a_round_places_most_jobs_at_least_cost(table):
    jobs, cars, costs = table
    options = {key: Insertion(cents, None, 0, 0, 0.0) for key, cents in costs.items()}
    pairs = _cheapest(jobs, cars, options) if options else []
    assert len({car for _, car in pairs}) == len(pairs)
    best = (0, 0)
    padded = [*cars, *[None] * len(jobs)]
    for order in set(permutations(padded, len(jobs))):
        taken = [(job, car) for job, car in zip(jobs, order, strict=True) if (job, car) in costs]
        best = min(best, (-len(taken), sum(costs[pair] for pair in taken)))
    assert (-len(pairs), sum(costs[pair] for pair in pairs)) == best
