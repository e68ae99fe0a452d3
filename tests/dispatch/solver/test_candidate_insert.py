"""Candidates of a job: the best position in each vehicle's plan."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solver_city import at, city, line_problem, ride, spot, van, vendor

from dispatch.solver.insert import candidates, late_cents
from dispatch.solver.positions import insertions
from dispatch.solver.problem import BREAK, DROPOFF, PICKUP, PlannedStop, Rate, Stop, Weights
from dispatch.solver.schedule import Schedule, schedule
from dispatch.solver.world import Route, World

JOB = ride("j", 2, 12, "14:00", "14:30")


def test_the_nearest_vehicle_comes_first():
    fleet = [van("far", "a", miles_north=9), van("near", "a", miles_north=1)]
    found = candidates(line_problem([JOB], [vendor("a")], fleet, "13:50"), JOB).candidates
    assert [c.vehicle_id for c in found] == ["near", "far"]
    near, far = found
    assert (near.pickup_at, far.pickup_at) == pytest.approx((at("14:00"), at("14:04")), abs=0.01)
    assert near.dropoff_at == pytest.approx(at("14:20"), abs=0.01)
    assert (near.deadhead_miles, far.deadhead_miles, near.loaded_miles) == pytest.approx((1, 7, 10), abs=0.01)
    # 22 minutes of driving at 50 cents; the other drives 34 and is 4 minutes late at 50 cents.
    assert (near.cost_cents, far.cost_cents) == pytest.approx((1100, 1900), abs=1)
    assert near.price_amount == Decimal("70.00")


def test_a_pickup_is_never_planned_in_the_past():
    found = candidates(line_problem([JOB], [vendor("a")], [van("7", "a", miles_north=2)], "14:10"), JOB)
    assert found.candidates[0].pickup_at == at("14:10")


def test_a_pickup_keeps_to_the_hours_of_the_vendor():
    late = vendor("a", hours=((at("14:15"), at("18:00")),))
    found = candidates(line_problem([JOB], [late], [van("7", "a")]), JOB)
    assert found.candidates[0].pickup_at == at("14:15")


def test_a_vendor_that_keeps_its_fleet_to_itself_is_one_candidate():
    unseen = vendor("a", shares_fleet=False, response_minutes=20.0)
    found = candidates(line_problem([JOB], [unseen], [], "13:50"), JOB).candidates
    assert [(c.vehicle_id, c.pickup_at) for c in found] == [("", at("14:10"))]


def test_two_seated_patients_share_a_van_on_the_way():
    aboard = (
        PlannedStop("x", PICKUP, replace(spot(0), earliest=at("14:00"), latest=at("14:05")), (0, 1, 0), 60.0),
        PlannedStop("x", DROPOFF, spot(20), (0, 1, 0)),
    )
    found = candidates(line_problem([JOB], [vendor("a")], [van("7", "a", plan=aboard)]), JOB).candidates
    # Both lie on the way, so nothing is driven besides.
    assert (found[0].pickup_at, found[0].added_minutes) == pytest.approx((at("14:04"), 0), abs=0.01)
    alone = candidates(
        line_problem([j := replace(JOB, isolation="droplet")], [vendor("a")], [van("7", "a", plan=aboard)]), j
    )
    assert alone.candidates == ()


def test_a_break_is_kept_where_the_plan_leaves_the_vehicle():
    pause = PlannedStop("pause", BREAK, Stop(float("nan"), float("nan"), at("13:30"), at("14:00"), 30.0))
    world = World(problem := line_problem([JOB], [vendor("a")], [van("7", "a", plan=(pause,))]))
    found = candidates(problem, JOB, world).candidates
    assert found[0].pickup_at == pytest.approx(at("14:04"), abs=0.01)


def test_a_narrow_window_is_not_a_risk_in_itself():
    weights = Weights()
    narrow = ride("j", 2, 12, "14:00", "14:04")
    assert late_cents(weights, narrow, at("14:00")) == 0
    assert late_cents(weights, narrow, at("14:04")) == 4 * 50 + 1500
    assert late_cents(weights, JOB, at("14:20")) == 20 * 50
    assert late_cents(weights, JOB, at("14:25")) == 25 * 50 + 750


def test_a_contract_price_has_a_minimum_and_included_miles():
    rate = Rate(Decimal("40"), Decimal("2.50"), Decimal("5"), Decimal("45"))
    assert [rate.price(miles) for miles in (0, 7, 8.333)] == [Decimal("45.00"), Decimal("45.00"), Decimal("48.33")]


@given(st.decimals(0, 500, places=2), st.decimals(0, 20, places=2), st.floats(0, 200), st.floats(0, 200))
def test_a_longer_ride_never_costs_less_and_is_whole_cents(base, mile, miles, more):
    rate = Rate(base, mile)
    price = rate.price(miles)
    assert price == price.quantize(Decimal("0.01"))
    assert base <= price <= rate.price(miles + more)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_the_bounds_never_discard_a_position_that_works(seed):
    world = World(city(seed, jobs=4, vendors=2, vehicles=6, planned=2))
    for route in world.routes.values():
        assert isinstance(route, Route)
        for job in world.jobs.values():
            stops = world.visits_of(job, (job.pickup.earliest, job.pickup.latest))
            quick = {option.visits: option.found for option, _ in insertions(world, route, stops)}
            assert quick == _all_positions(world, route, stops)


def _all_positions(world, route, stops):
    found = {}
    for i in range(len(route.visits) + 1):
        for j in range(i, len(route.visits) + 1):
            order = (*route.visits[:i], stops[0], *route.visits[i:j], stops[1], *route.visits[j:])
            answer = schedule(order, route.duty, world.road)
            if isinstance(answer, Schedule):
                found[order] = answer
    return found
