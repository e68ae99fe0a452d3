"""Miles and minutes between places."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solver_city import FLAT, MILE

from dispatch.solver.problem import Stop
from dispatch.solver.travel import Road, Travel, geodesic_miles

CHICAGO, NEW_YORK = Stop(41.8781, -87.6298), Stop(40.7128, -74.0060)
places = st.builds(Stop, st.floats(-60, 60), st.floats(-170, 170))


def test_a_known_distance_is_right_within_half_a_percent():
    # 711 statute miles on the ellipsoid.
    assert geodesic_miles(CHICAGO, NEW_YORK) == pytest.approx(711, rel=0.005)


def test_a_mile_at_thirty_miles_an_hour_takes_two_minutes():
    assert FLAT.minutes(Stop(41.8, -87.6), Stop(41.8 + MILE, -87.6), 600) == pytest.approx(2, abs=1e-4)


def test_driving_is_summed_over_the_hours_it_touches():
    speeds = (60.0,) * 8 + (20.0,) + (60.0,) * 15
    travel = Travel(road_factor=1.0, mph_by_hour=speeds)
    # 7:50 to 8:00 covers 10 miles, the next 5 miles take 15 minutes.
    assert travel.arrive(15, 470) == pytest.approx(495)
    # 90 miles from 7:30: 30 until 8:00, 20 until 9:00, 40 more by 9:40, and so over midnight as well.
    assert travel.arrive(90, 450) == pytest.approx(580)
    assert travel.arrive(60, 1430) == pytest.approx(1490)


def test_the_clock_of_the_horizon_decides_the_speed():
    speeds = (60.0,) * 8 + (20.0,) + (60.0,) * 15
    assert Travel(1.0, speeds, epoch_minute=480.0).arrive(5, 0) == pytest.approx(15)


@given(st.floats(0, 300), st.floats(-2000, 4000), st.floats(0, 300))
def test_leaving_later_never_arrives_earlier(miles, depart, wait):
    travel = Travel()
    assert travel.arrive(miles, depart) <= travel.arrive(miles, depart + wait) + 1e-9


@given(st.floats(0, 300), st.floats(0, 300), st.floats(-2000, 4000))
def test_a_drive_in_two_parts_takes_as_long_as_in_one(first, second, depart):
    travel = Travel()
    halfway = travel.arrive(first, depart)
    assert travel.arrive(second, halfway) == pytest.approx(travel.arrive(first + second, depart), abs=1e-6)


@given(st.lists(places, min_size=1, max_size=5))
def test_the_matrix_holds_the_same_miles_as_single_questions(stops):
    travel = Travel()
    matrix = travel.miles_matrix(stops, stops)
    for i, a in enumerate(stops):
        for j, b in enumerate(stops):
            assert matrix[i, j] == pytest.approx(travel.miles(a, b), abs=1e-6)


@given(places, places, places)
def test_a_detour_is_never_shorter(a, b, c):
    assert geodesic_miles(a, c) <= geodesic_miles(a, b) + geodesic_miles(b, c) + 1e-6


def test_a_road_numbers_places_that_come_later_too():
    road = Road(FLAT)
    first = road.number(CHICAGO)
    assert road.miles(first, first) == 0
    second = road.number(NEW_YORK)
    assert road.number(Stop(NEW_YORK.lat, NEW_YORK.lon)) == second
    assert road.miles(first, second) == pytest.approx(FLAT.miles(CHICAGO, NEW_YORK))
    assert road.least_minutes(first, second) == pytest.approx(road.arrive(first, second, 0), rel=1e-9)


@pytest.mark.parametrize("bad", [{"mph_by_hour": (30.0,) * 23}, {"mph_by_hour": (0.0,) * 24}, {"road_factor": 0.9}])
def test_a_model_without_sense_is_refused(bad):
    with pytest.raises(ValueError, match="mph_by_hour|road_factor"):
        Travel(**bad)


def test_geodesic_distance_of_antipodes_is_finite():
    assert math.isfinite(geodesic_miles(Stop(0, 0), Stop(0, 180)))
