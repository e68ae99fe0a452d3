"""A whole decision: sound by an independent check, explained, and with proposals that hold."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solver_city import at, city, crew_for, line_problem, ride, van, vendor

from dispatch.solver.check import violations
from dispatch.solver.insert import vendor_candidates
from dispatch.solver.problem import DROPOFF, PICKUP, PlannedStop
from dispatch.solver.solve import solve
from dispatch.solver.world import World

JOB = ride("j", 2, 12, "14:00", "14:30")

cities = st.builds(
    city,
    st.integers(0, 100_000),
    jobs=st.integers(0, 14),
    vendors=st.integers(1, 4),
    vehicles=st.integers(0, 14),
    planned=st.integers(0, 3),
)


@settings(max_examples=40, deadline=None)
@given(cities)
def test_a_second_opinion_finds_no_fault(problem):
    result = solve(problem)
    assert violations(problem, result.awards, result.plan) == []


@settings(max_examples=20, deadline=None)
@given(cities)
def test_nobody_who_was_refused_is_chosen_and_everybody_is_accounted_for(problem):
    result = solve(problem)
    for job in problem.jobs:
        screening = result.screenings[job.id]
        refused = {(r.vendor_id, r.vehicle_id) for r in screening.refused}
        able = {c.vendor_id for c in screening.candidates}
        ranked = result.ranking[job.id]
        assert {r.option.candidate.vendor_id for r in ranked} == able
        assert not refused & {(r.option.candidate.vendor_id, r.option.candidate.vehicle_id) for r in ranked}
        explanation = result.explanations[job.id]
        named = {row["vendor_id"] for row in (*explanation["vendors"], *explanation["refused"])}
        assert named == {v.vendor_id for v in problem.vendors}
        assert [row["rank"] for row in explanation["vendors"]] == list(range(1, len(ranked) + 1))
        assert all(row["text"] for row in explanation["refused"])


@settings(max_examples=15, deadline=None)
@given(cities)
def test_an_explanation_is_plain_json_with_finite_figures(problem):
    for explanation in solve(problem).explanations.values():
        text = json.dumps(explanation, allow_nan=False)
        assert json.loads(text) == explanation


@settings(max_examples=15, deadline=None)
@given(cities)
def test_a_proposed_time_works_when_it_is_asked_for(problem):
    result = solve(problem)
    world = World(problem).with_routes(result.routes)
    for job in problem.jobs:
        for row in result.explanations[job.id]["refused"]:
            offer = row["would_fit"]
            if offer is None:
                continue
            asked = job.pickup.earliest + offer["moved_minutes"]
            moved = replace(
                job,
                pickup=replace(job.pickup, earliest=asked - 1, latest=asked + 1),
                dropoff=replace(job.dropoff, latest=math.inf),
            )
            found, _ = vendor_candidates(world, moved, world.vendors[row["vendor_id"]])
            assert found


@settings(max_examples=10, deadline=None)
@given(cities, st.integers(0, 5))
def test_the_same_problem_and_seed_give_the_same_explanations(problem, seed):
    first, second = (
        {job_id: {**e, "wall_ms": 0} for job_id, e in solve(problem, seed=seed).explanations.items()} for _ in range(2)
    )
    assert first == second


def test_an_explanation_tells_who_why_and_by_how_much():
    terms = [vendor("lakeside", 50), vendor("prairie", 62, tier=2), vendor("redline", baa_signed=False)]
    fleet = [van("1", "lakeside"), van("2", "prairie"), van("3", "redline")]
    found = solve(line_problem([JOB], terms, fleet)).explanations["j"]
    assert (found["outcome"], found["summary"], found["status"]) == ("matched", "Lakeside at 14:00", "OPTIMAL")
    assert [row["verdict"] for row in found["vendors"]] == [
        "Chosen: $70.00, pickup 14:00, 100% on time; $22.00 ahead of the next",
        "$82.00, pickup 14:00, 100% on time; would cost the plan $22.00 more, "
        "mainly contract price ($12.00) and tier ($10.00)",
    ]
    assert found["vendors"][0]["pickup_at"] == "2026-11-24T14:00-06:00"
    assert [(row["code"], row["text"]) for row in found["refused"]] == [
        ("vendor_baa", "Redline has no signed BAA"),
    ]


def test_the_reason_shown_is_that_of_the_vehicle_that_came_nearest():
    fleet = [
        van("1", "a", "STR"),
        van("2", "a", out_of_service="brakes"),
        van("3", "a", crew=crew_for("WC", expires=date(2026, 11, 3))),
    ]
    row = solve(line_problem([JOB], [vendor("a")], fleet)).explanations["j"]["refused"][0]
    assert (row["text"], row["vehicle_id"]) == ("DRIVER card of Ruiz expired 3 Nov", "3")
    assert row["vehicles_checked"] == 3
    assert row["codes"] == {"capability": 1, "crew_credential": 1, "out_of_service": 1}
    assert row["would_fit"] is None


def test_a_vendor_that_fails_only_by_time_is_offered_another_time():
    late = van("7", "a", miles_north=42, shift_start=at("14:00"))
    found = solve(line_problem([JOB], [vendor("a")], [late])).explanations["j"]
    assert (found["outcome"], found["summary"]) == (
        "no_vendor",
        "No vendor can come as asked. A would fit if pickup moved to 15:20.",
    )
    offer = found["refused"][0]["would_fit"]
    assert (offer["pickup_at"], offer["vehicle_id"]) == ("2026-11-24T15:20-06:00", "7")


def test_an_earlier_time_is_offered_when_the_patient_could_leave_then():
    leaves = van("7", "a", miles_north=2, shift_end=at("14:05"))
    row = solve(line_problem([JOB], [vendor("a")], [leaves])).explanations["j"]["refused"][0]
    assert (row["text"], row["would_fit"]) == ("Shift ends 14:05, trip would end 14:20", None)
    early = replace(JOB, not_before=at("13:00"))
    row = solve(line_problem([early], [vendor("a")], [leaves])).explanations["j"]["refused"][0]
    assert row["would_fit"]["text"] == "A would fit if pickup moved to 13:45"


def test_a_closed_vendor_is_offered_at_its_opening():
    shut = vendor("a", hours=((at("16:00"), at("20:00")),))
    row = solve(line_problem([JOB], [shut], [van("7", "a")])).explanations["j"]["refused"][0]
    assert (row["code"], row["would_fit"]["text"]) == ("vendor_closed", "A would fit if pickup moved to 16:00")


def test_no_time_is_offered_in_an_hour_that_is_full():
    full = vendor("a", capacity_per_hour=1, committed_by_hour={15: 1})
    late = van("7", "a", miles_north=42, shift_start=at("14:00"))
    assert solve(line_problem([JOB], [full], [late])).explanations["j"]["refused"][0]["would_fit"] is None


def test_a_job_that_lost_its_vehicle_to_another_is_told_so():
    jobs = [ride("a", 2, 40, "14:00", "14:10", solo=True, priority=2), ride("b", 2, 40, "14:00", "14:10", solo=True)]
    found = solve(line_problem(jobs, [vendor("v")], [van("7", "v")])).explanations["b"]
    assert found["outcome"] == "all_taken"
    assert found["vendors"][0]["verdict"].endswith("are taken by other requests in this plan")
    assert found["unserved"] == 1
    assert found["plan_cents"] < found["objective_cents"]


def test_a_vehicle_that_is_late_already_takes_work_that_makes_nothing_later():
    late = (
        PlannedStop("x", PICKUP, replace(JOB.pickup, earliest=at("12:00"), latest=at("12:10")), (0, 1, 0)),
        PlannedStop("x", DROPOFF, replace(JOB.dropoff, latest=at("12:40")), (0, 1, 0)),
    )
    problem = line_problem([JOB], [vendor("a")], [van("7", "a", plan=late)], "13:00")
    result = solve(problem)
    assert result.chosen("j") is not None
    assert violations(problem, result.awards, result.plan) == []


def test_nothing_is_said_of_the_time_zone_but_the_offset_of_the_day():
    # Chicago leaves daylight saving time on 1 Nov 2026 at 2:00.
    problem = line_problem([JOB], [vendor("a")], [])
    autumn = replace(problem, epoch=problem.epoch.replace(month=11, day=1))
    assert autumn.moment(30).isoformat() == "2026-11-01T00:30:00-05:00"
    assert autumn.moment(12 * 60).isoformat() == "2026-11-01T11:00:00-06:00"


@pytest.mark.parametrize("count", [0, 1])
def test_a_small_problem_is_answered(count):
    result = solve(line_problem([JOB][:count], [], []))
    assert result.awards == {}
    assert len(result.explanations) == count
