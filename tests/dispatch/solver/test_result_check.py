"""The independent check finds the faults that are planted in a sound result."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from solver_city import at, city, crew_for, line_problem, ride, spot, van, vendor

from dispatch.solver.check import violations
from dispatch.solver.problem import DROPOFF, PICKUP, Credential, PlannedStop
from dispatch.solver.solve import solve

JOB = ride("j", 2, 12, "14:00", "14:30")
BOUND = (
    PlannedStop("x", PICKUP, replace(spot(1), earliest=at("10:00"), latest=at("10:30")), (0, 1, 0), 60.0),
    PlannedStop("x", DROPOFF, replace(spot(5), latest=at("11:00")), (0, 1, 0)),
)
PROBLEM = line_problem([JOB], [vendor("a")], [van("7", "a", plan=BOUND)])
AWARDS = {"j": ("a", "7", at("14:00"), at("14:20"))}
ROUTE = (
    ("x", PICKUP, at("10:00")),
    ("x", DROPOFF, at("10:08")),
    ("j", PICKUP, at("14:00")),
    ("j", DROPOFF, at("14:20")),
)


def faults(job=None, terms=None, vehicle=None, awards=None, route=ROUTE):
    problem = replace(
        PROBLEM,
        jobs=(replace(JOB, **(job or {})),),
        vendors=(replace(PROBLEM.vendors[0], **(terms or {})),),
        vehicles=(replace(PROBLEM.vehicles[0], **(vehicle or {})),),
    )
    found = violations(problem, AWARDS if awards is None else awards, {"7": route})
    return {words.split(": ", 1)[1] for words in found}


def test_a_sound_result_has_no_fault():
    assert faults() == set()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"job": {"level": "STR"}}, "capability missing"),
        ({"job": {"barred": (("a", "declined"),)}}, "vendor barred from the job"),
        ({"job": {"weight_lb": 601.0}}, "too heavy"),
        ({"job": {"width_in": 31.0}}, "too wide"),
        ({"job": {"device": "power_chair"}}, "weight unknown"),
        ({"job": {"isolation": "airborne"}}, "airborne isolation in an open vehicle"),
        ({"job": {"max_ride_minutes": 19.0}}, "ride too long"),
        ({"job": {"min_crew": 2}}, "crew too small"),
        ({"job": {"wheelchairs": 3}}, "overloaded"),
        ({"job": {"pickup": replace(JOB.pickup, earliest=at("14:01"))}}, "pickup window"),
        ({"job": {"dropoff": replace(JOB.dropoff, latest=at("14:19"))}}, "drop-off window"),
        ({"terms": {"active": False}}, "vendor not active"),
        ({"terms": {"baa_signed": False}}, "vendor without BAA"),
        ({"terms": {"credentials": (Credential("permit", date(2026, 11, 23)),)}}, "vendor card expired"),
        ({"terms": {"rates": {}}}, "level not in the contract"),
        ({"terms": {"zones": frozenset({"60601"})}}, "outside the zones"),
        ({"terms": {"base": spot(20), "radius_miles": 10.0}}, "outside the radius"),
        ({"terms": {"hours": ((0.0, 600.0),)}}, "pickup outside opening hours"),
        ({"terms": {"capacity_per_hour": 1, "committed_by_hour": {14: 1}}}, "too many jobs in hour 14"),
        ({"vehicle": {"out_of_service": "brakes"}}, "vehicle out of service"),
        ({"vehicle": {"credentials": (Credential("tag", date(2026, 11, 23)),)}}, "vehicle card expired"),
        ({"vehicle": {"crew": crew_for("WC", expires=date(2026, 11, 23))}}, "crew lacks a credential"),
        ({"vehicle": {"crew": crew_for("AMB")}}, "crew lacks a credential"),
        ({"vehicle": {"crew": ()}}, "no crew"),
        ({"vehicle": {"crew": (replace(crew_for("WC")[0], excluded=True),)}}, "excluded person"),
        ({"vehicle": {"shift_end": at("14:10")}}, "after the shift"),
        ({"vehicle": {"end": spot(0), "max_duty_minutes": 200.0}}, "on duty too long"),
        ({"vehicle": {"start": spot(-80), "shift_start": at("08:00")}}, "too fast"),
        ({"route": ROUTE[:3]}, "stops differ"),
        ({"route": ROUTE[2:]}, "stops it was bound to are changed"),
        ({"route": (*ROUTE[:1], ("x", DROPOFF, at("11:10")), *ROUTE[2:])}, "window"),
        ({"route": (*ROUTE[:1], ("x", DROPOFF, at("10:05")), *ROUTE[2:])}, "too fast"),
        ({"route": (*ROUTE[:3], ("j", DROPOFF, at("14:15")))}, "stops differ"),
        ({"awards": {"j": ("a", "7", at("14:00"), at("14:15"))}}, "driven too fast"),
        ({"awards": {"j": ("a", "", at("14:00"), at("14:20"))}}, "no vehicle of a shared fleet named"),
    ],
)
def test_a_planted_fault_is_found(changes, fault):
    assert fault in faults(**changes)


def test_a_shared_ride_of_a_patient_in_isolation_is_found():
    route = (ROUTE[0], ("j", PICKUP, at("14:00")), ("x", DROPOFF, at("14:06")), ("j", DROPOFF, at("14:20")))
    assert "shares a ride that must be alone" in faults(job={"isolation": "contact"}, route=route)


def test_a_job_in_two_vehicles_is_found():
    problem = replace(PROBLEM, vehicles=(*PROBLEM.vehicles, van("8", "a")))
    found = violations(problem, AWARDS, {"7": ROUTE, "8": ROUTE[2:]})
    assert set(found) == {"8: drives j, which another vehicle was given"}


def test_a_shifted_time_anywhere_in_a_city_is_found():
    problem = city(2, 12, 3, 12)
    result = solve(problem)
    assert result.awards
    for vehicle_id, route in result.plan.items():
        for index, (job_id, kind, at_) in enumerate(route):
            moved = (*route[:index], (job_id, kind, at_ - 300.0), *route[index + 1 :])
            assert violations(problem, result.awards, {**result.plan, vehicle_id: moved})
