"""Every reason to refuse a vendor, a vehicle or a crew, and its words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import MappingProxyType

import pytest
from solver_city import at, crew_for, line_problem, ride, spot, van, vendor

from dispatch.solver.feasible import STRENGTH, vehicle_refusals, vendor_refusals
from dispatch.solver.insert import candidates
from dispatch.solver.levels import CREW, OFFERED, REQUIRED, serves
from dispatch.solver.problem import (
    DROPOFF,
    PICKUP,
    Credential,
    CrewMember,
    PlannedStop,
    Policy,
    ProblemError,
    Stop,
)

EXPIRED, LAST_DAY = date(2026, 11, 3), date(2026, 11, 24)
JOB = ride("j", 2, 12, "14:00", "14:30")
TERMS = vendor("northbound")


def reasons(job=JOB, terms=TERMS, vehicle=None, **problem):
    """The refusals of the only vehicle (or of its vendor) as (code, text) pairs."""
    fleet = [] if not terms.shares_fleet else [vehicle or van("7", terms.vendor_id, job.level)]
    found = candidates(world := line_problem([job], [terms], fleet, **problem), job)
    assert world.jobs[0] is job
    return [(refusal.code, refusal.text) for refused in found.refused for refusal in refused.refusals]


def test_a_fitting_vehicle_is_a_candidate_and_nobody_is_refused():
    assert reasons() == []


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"active": False}, "vendor_inactive", "Northbound is not active"),
        ({"baa_signed": False}, "vendor_baa", "Northbound has no signed BAA"),
        (
            {"credentials": (Credential("insurance", EXPIRED, "Auto insurance"),)},
            "vendor_credential",
            "Auto insurance of Northbound expired 3 Nov",
        ),
        ({"rates": {}}, "vendor_level", "Northbound does not offer WC"),
        ({"zones": frozenset({"60601"})}, "vendor_zone", "Northbound does not serve a pickup without a zone"),
        (
            {"base": spot(-10), "radius_miles": 11.5},
            "vendor_radius",
            "Pickup is 12.0 mi from the base of Northbound, the limit is 11.5 mi",
        ),
        (
            {"hours": ((at("06:00"), at("12:00")), (at("18:00"), at("22:00")))},
            "vendor_closed",
            "Northbound is closed at 14:00 and opens at 18:00",
        ),
        ({"hours": ((0.0, 60.0),)}, "vendor_closed", "Northbound is closed at 14:00"),
        (
            {"capacity_per_hour": 2, "committed_by_hour": MappingProxyType({14: 2})},
            "vendor_full",
            "Northbound has no capacity left between 14:00 and 15:00",
        ),
    ],
)
def test_a_vendor_rule_says_what_is_wrong(changes, code, text):
    assert reasons(terms=replace(TERMS, **changes)) == [(code, text)]


def test_a_vendor_that_may_not_be_asked_about_a_job_is_refused_in_the_words_of_the_caller():
    job = replace(JOB, barred=(("lakeside", "Declined at 13:05"), ("northbound", "Let the last offer expire")))
    assert reasons(job) == [("vendor_barred", "Let the last offer expire")]


def test_a_zone_is_named_when_it_is_known():
    job = replace(JOB, pickup=replace(JOB.pickup, zone="60622"))
    text = "Northbound does not serve zone 60622"
    assert reasons(job, replace(TERMS, zones=frozenset({"60601"}))) == [("vendor_zone", text)]
    assert reasons(job, replace(TERMS, zones=frozenset({"60622"}))) == []


def test_a_vendor_without_a_vehicle_on_shift_says_so():
    found = candidates(line_problem([JOB], [TERMS], []), JOB)
    assert [r.text for each in found.refused for r in each.refusals] == ["Northbound has no vehicle on shift"]


def test_a_vendor_that_keeps_its_fleet_to_itself_is_judged_by_its_response_time():
    unseen = replace(TERMS, shares_fleet=False, response_minutes=50)
    assert reasons(terms=unseen, now="13:30") == []
    text = "Northbound usually needs 50 min, so it would come at 14:40, after 14:30"
    assert reasons(terms=unseen, now="13:50") == [("vendor_response", text)]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"out_of_service": "lift overdue"}, "out_of_service", "Unit 7 is out of service: lift overdue"),
        (
            {"credentials": (Credential("inspection", EXPIRED, "State inspection"),)},
            "vehicle_credential",
            "State inspection of Unit 7 expired 3 Nov",
        ),
        ({"wheelchairs": 0}, "capacity", "Has 0 wheelchair positions, 1 needed"),
        ({"crew": ()}, "crew_missing", "No crew is on shift in Unit 7"),
        ({"crew": (), "crew_level": "AMB"}, "crew_level", "Crew is staffed for AMB, WC needed"),
        (
            {"crew": (CrewMember("c", "Ruiz", (Credential("DRIVER"),)),)},
            "crew_level",
            "Crew lacks for WC: driver trained in wheelchair securement",
        ),
        (
            {"crew": (replace(crew_for("WC")[0], excluded=True),)},
            "crew_excluded",
            "Ruiz is on an exclusion list",
        ),
    ],
)
def test_a_vehicle_rule_says_what_is_wrong(changes, code, text):
    assert reasons(vehicle=van("7", "northbound", **changes)) == [(code, text)]


def test_an_expired_card_names_its_holder_and_the_day():
    vehicle = van("7", "northbound", "BLS", crew=crew_for("BLS"))
    first, second = vehicle.crew
    lapsed = replace(second, credentials=(Credential("EMT", EXPIRED),))
    only = replace(vehicle, crew=(replace(first, credentials=(Credential("DRIVER"),)), lapsed))
    job = ride("j", 2, 12, "14:00", "14:30", "BLS")
    assert reasons(job, vehicle=only) == [("crew_credential", "EMT card of Okafor expired 3 Nov")]
    # Ruiz drives and is an EMT, but one person does not fill two roles: Okafor may be anybody's attendant.
    assert reasons(job, vehicle=replace(vehicle, crew=(first, lapsed)))[0][0] == "crew_credential"
    third = CrewMember("c3", "Lindqvist", (Credential("DRIVER"),))
    assert reasons(job, vehicle=replace(vehicle, crew=(first, lapsed, third))) == []


def test_a_card_is_good_on_its_last_day_and_not_after_midnight():
    evening = ride("j", 2, 12, "23:30", "23:59")
    vehicle = van("7", "northbound", crew=crew_for("WC", expires=LAST_DAY), shift_end=3000.0)
    assert reasons(evening, vehicle=vehicle) == []
    over = ride("j", 2, 12, "23:50", "23:59")
    codes = [code for code, _ in reasons(over, vehicle=vehicle)]
    assert codes == ["crew_credential", "crew_credential"]


def test_a_card_that_expires_at_midnight_ends_the_time_of_a_late_pickup():
    # The ride takes 20 minutes; the vehicle is 30 minutes away when the day has 40 left.
    job = ride("j", 15, 25, "23:00", "23:59")
    vehicle = van("7", "northbound", crew=crew_for("WC", expires=LAST_DAY), shift_start=at("23:20"), shift_end=3000.0)
    assert reasons(job, vehicle=vehicle)[0] == ("crew_credential", "DRIVER card of Ruiz expired 24 Nov")
    assert reasons(job, vehicle=replace(vehicle, crew=crew_for("WC"))) == []


@pytest.mark.parametrize(
    ("job", "vehicle", "code", "text"),
    [
        (
            {"weight_lb": 670.0, "device": "power_chair", "width_in": 26.0},
            {},
            "weight",
            "Lift is rated 600 lb, patient and chair weigh 670 lb",
        ),
        (
            {"device": "power_chair", "width_in": 26.0},
            {},
            "weight_unknown",
            "Weight of patient and device is not known; ask before booking",
        ),
        (
            {"device": "power_chair", "weight_lb": 500.0},
            {},
            "width_unknown",
            "Width of the chair is not known; ask before booking",
        ),
        ({"weight_lb": 200.0}, {"lift_lb": None}, "rating_unknown", "Lift rating of Unit 7 is not on file"),
        ({"width_in": 34.0}, {}, "width", "Door is 30 in wide, the chair is 34 in"),
        ({"width_in": 26.0}, {"door_in": None}, "rating_unknown", "Door width of Unit 7 is not on file"),
        ({"capabilities": frozenset({"heavy_lift"})}, {}, "capability", "Has no heavy-duty lift"),
        (
            {"isolation": "airborne"},
            {},
            "isolation",
            "Airborne isolation needs an ambulance or a negative-pressure cabin",
        ),
        ({"min_crew": 2}, {}, "crew_missing", "Crew of 1, 2 needed for WC"),
        ({"seats": 5}, {}, "capacity", "Has 4 seats, 5 needed"),
    ],
)
def test_a_patient_that_does_not_fit_is_explained(job, vehicle, code, text):
    assert reasons(replace(JOB, **job), vehicle=van("7", "northbound", **vehicle)) == [(code, text)]


def test_a_wheelchair_van_does_not_carry_stretchers():
    job = ride("j", 2, 12, "14:00", "14:30", "STR")
    found = reasons(job, vehicle=van("7", "northbound", "WC"))
    assert ("capability", "Does not carry stretchers") in found


def test_a_cot_has_a_rating_too():
    job = ride("j", 2, 12, "14:00", "14:30", "STR", weight_lb=720.0)
    text = "Cot is rated 700 lb, patient weighs 720 lb"
    assert reasons(job, vehicle=van("7", "northbound", "STR")) == [("weight", text)]


def test_oxygen_that_the_crew_must_give_needs_a_crew_that_may_and_enough_of_it():
    job = ride("j", 2, 12, "14:00", "14:30", "STR", oxygen_lpm=4.0)
    van_codes = reasons(job, vehicle=van("7", "northbound", "STR"))
    assert ("capability", "Crew does not give oxygen") in van_codes
    ambulance = van("7", "northbound", "BLS", oxygen_liters=100.0)
    text = "Carries 100 L of oxygen, 120 L needed at 4 L/min"
    assert reasons(job, vehicle=ambulance) == [("oxygen", text)]
    assert reasons(job, vehicle=replace(ambulance, oxygen_liters=120.5)) == []


def test_a_vehicle_that_comes_too_late_says_when():
    vehicle = van("7", "northbound", miles_north=32, shift_start=at("13:45"))
    assert reasons(vehicle=vehicle) == [("late", "Pickup would be at 14:45, 15 min after 14:30")]


def test_an_arrival_after_the_appointment_says_when():
    job = replace(JOB, dropoff=replace(JOB.dropoff, latest=at("14:10")))
    assert reasons(job) == [("late", "Arrival would be at 14:20, 10 min after 14:10")]


def test_a_shift_that_ends_first_says_so():
    vehicle = van("7", "northbound", shift_end=at("14:10"))
    assert reasons(vehicle=vehicle) == [("shift", "Shift ends 14:10, trip would end 14:20")]
    home = replace(vehicle, shift_end=at("14:30"), end=spot(0))
    assert reasons(vehicle=home) == [("shift", "Shift ends 14:30, trip would be back at 14:44")]


def test_a_booking_that_would_suffer_is_protected():
    bound = (
        PlannedStop("x", PICKUP, replace(spot(30), earliest=at("14:05"), latest=at("14:20")), (0, 1, 0)),
        PlannedStop("x", DROPOFF, spot(40), (0, 1, 0)),
    )
    vehicle = van("7", "northbound", miles_north=20, plan=bound, shift_start=at("13:45"), wheelchairs=1)
    assert [code for code, _ in reasons(vehicle=vehicle)] == ["late"]
    assert reasons(vehicle=vehicle)[0][1].startswith("An earlier booking would be ")


def test_a_patient_who_must_ride_alone_does_not_share():
    aboard = (PlannedStop("x", DROPOFF, replace(spot(90), earliest=at("18:00")), (0, 1, 0)),)
    vehicle = van("7", "northbound", plan=aboard)
    assert reasons(vehicle=vehicle) == []
    alone = replace(JOB, isolation="contact")
    text = "Patient must ride alone, and Unit 7 carries others during the window"
    assert reasons(alone, vehicle=vehicle) == [("shared_ride", text)]


def test_a_full_vehicle_has_no_place():
    aboard = (PlannedStop("x", DROPOFF, replace(spot(90), earliest=at("18:00")), (0, 2, 0)),)
    text = "Unit 7 has no free place during the window"
    assert reasons(vehicle=van("7", "northbound", plan=aboard)) == [("room", text)]


def test_a_ride_limit_is_kept():
    job = replace(JOB, max_ride_minutes=15.0)
    assert reasons(job) == [("ride", "Patient would be on board beyond the 15 min ride limit")]


def test_cleaning_after_isolation_counts_before_the_shift_ends():
    vehicle = van("7", "northbound", shift_end=at("14:30"))
    assert reasons(vehicle=vehicle) == []
    text = "Shift ends 14:30, trip would end 14:40"
    assert reasons(replace(JOB, isolation="contact"), vehicle=vehicle) == [("shift", text)]


def test_a_duty_limit_is_kept():
    vehicle = van("7", "northbound", end=spot(0), max_duty_minutes=30.0)
    assert reasons(vehicle=vehicle) == [("duty", "Crew would be on duty for more than 30 min")]


def test_a_plan_that_does_not_hold_is_not_built_on():
    broken = (PlannedStop("x", PICKUP, spot(1), (0, 1, 0)),)
    text = "The present plan of Unit 7 does not hold (order)"
    assert reasons(vehicle=van("7", "northbound", plan=broken)) == [("plan_broken", text)]


def test_a_state_rule_replaces_the_crew_of_a_level():
    # Two EMTs on a BLS ambulance, as some counties ask.
    job = ride("j", 2, 12, "14:00", "14:30", "BLS")
    problem = line_problem([job], [TERMS], [vehicle := van("7", "northbound", "BLS")])
    stricter = replace(problem, policy=Policy(crew_rules={"BLS": (CREW["BLS"][1], CREW["BLS"][1])}))
    assert vehicle_refusals(stricter, job, vehicle) == []
    one = replace(vehicle, crew=(vehicle.crew[0], CrewMember("x", "Odum", (Credential("DRIVER"),))))
    assert vehicle_refusals(problem, job, one) == []
    assert [r.code for r in vehicle_refusals(stricter, job, one)] == ["crew_level"]


def test_an_upgrade_needs_consent_and_is_never_a_downgrade():
    bls_only = vendor("northbound", levels=("BLS",))
    job = ride("j", 2, 12, "14:00", "14:30", "STR")
    problem = line_problem([job], [bls_only], [])
    assert [r.code for r in vendor_refusals(problem, job, bls_only)] == ["vendor_level"]
    assert vendor_refusals(problem, replace(job, upgrade_levels=frozenset({"BLS"})), bls_only) == []
    sicker = ride("k", 2, 12, "14:00", "14:30", "ALS1", upgrade_levels=frozenset({"BLS"}))
    assert [r.code for r in vendor_refusals(problem, sicker, bls_only)] == ["vendor_level"]


@pytest.mark.parametrize(
    ("higher", "lower"),
    [
        *[("WC", "AMB"), ("WCB", "WC"), ("WCB", "AMB"), ("BLS", "STR"), ("ALS1", "BLS")],
        *[("SCT", "ALS1"), ("ROTOR", "SCT"), ("FIXED", "SCT")],
    ],
)
def test_a_higher_level_serves_a_lower_one_along_an_edge(higher, lower):
    assert serves(higher, lower)
    assert not serves(lower, higher)


@pytest.mark.parametrize(
    ("offered", "asked"),
    [
        *[("STR", "WC"), ("WC", "STR"), ("BLS", "WC"), ("BLS", "AMB"), ("STR", "AMB")],
        *[("TAXI", "AMB"), ("WC", "WCB"), ("ROTOR", "FIXED")],
    ],
)
def test_levels_that_are_not_on_an_edge_do_not_replace_each_other(offered, asked):
    assert not serves(offered, asked)


def test_every_level_serves_itself_and_has_a_crew_rule():
    assert all(serves(level, level) for level in REQUIRED)
    assert set(REQUIRED) == set(OFFERED) == set(CREW)


def test_every_code_has_its_place_in_the_order():
    assert sorted(STRENGTH.values()) == list(range(len(STRENGTH)))


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "ALS2"},
        {"wheelchairs": 0},
        {"isolation": "mild"},
        {"capabilities": frozenset({"wings"})},
        {"pickup": spot(1, 10, 5)},
        {"pickup": Stop(float("nan"), 0.0, 0.0, 5.0)},
        {"pickup": Stop(41.0, -87.0)},
    ],
)
def test_a_job_that_contradicts_itself_is_no_problem_to_solve(changes):
    with pytest.raises(ProblemError, match="^job j: "):
        line_problem([replace(JOB, **changes)], [TERMS], [])


def test_ids_are_unique_and_vendors_known():
    with pytest.raises(ProblemError, match="two jobs"):
        line_problem([JOB, JOB], [TERMS], [])
    with pytest.raises(ProblemError, match="vendor ghost"):
        line_problem([JOB], [TERMS], [van("7", "ghost")])
    bound = (PlannedStop("j", DROPOFF, spot(1), (0, 1, 0)),)
    with pytest.raises(ProblemError, match="in its plan already"):
        line_problem([JOB], [TERMS], [van("7", "northbound", plan=bound)])
    with pytest.raises(ProblemError, match="time zone"):
        replace(line_problem([JOB], [TERMS], []), epoch=line_problem([], [], []).epoch.replace(tzinfo=None))
