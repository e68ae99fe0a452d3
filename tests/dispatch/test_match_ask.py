"""What matching reads, and the clocks that policies set."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from dispatch import policies
from dispatch.models import Trip
from dispatch.services import matching, trips
from tests.cast import Cast
from tests.dispatch.ride import accepted, assigned, book
from tests.support import act_as
from vendors.models import Commitment

NOON = dt.datetime(2026, 11, 24, 18, 0, tzinfo=dt.UTC)
minutes = st.integers(min_value=-300, max_value=3000)


def waiting(cast: Cast, count: int) -> list[Trip]:
    made = []
    for _ in range(count):
        request = book(cast)
        with act_as(cast.staff()):
            trip = trips.open_for_request(request.pk)
        assert trip is not None
        made.append(trip)
    return made


def queries(cast: Cast, rows: list[Trip]) -> int:
    with act_as(cast.staff()), CaptureQueriesContext(connection) as caught:
        matching.ask(rows)
    return len(caught)


def test_matching_reads_as_often_for_six_trips_as_for_one(cast: Cast) -> None:
    one = queries(cast, waiting(cast, 1))
    assert queries(cast, waiting(cast, 6)) == one
    assert one <= 17


def test_a_vehicle_that_is_taken_is_seen_as_taken_and_free_where_its_ride_ends(cast: Cast) -> None:
    assigned(cast)
    rows = waiting(cast, 1)
    with act_as(cast.staff()):
        problem = matching.ask(rows).problems[0]
        busy = Commitment.objects.get()
    vehicle = next(v for v in problem.vehicles if v.label == "Northbound 3")
    assert [(stop.kind, stop.rides_alone) for stop in vehicle.plan] == [("pickup", True), ("dropoff", True)]
    assert vehicle.plan[1].stop.lat == busy.end_latitude
    assert all(not v.plan for v in problem.vehicles if v.label != "Northbound 3")


def test_an_accepted_trip_counts_against_the_vendors_hour(cast: Cast) -> None:
    trip = accepted(cast)
    rows = waiting(cast, 1)
    with act_as(cast.staff()):
        problem = matching.ask(rows).problems[0]
    terms = next(v for v in problem.vendors if v.vendor_id == str(trip.vendor_id))
    assert sum(terms.committed_by_hour.values()) == 1


def test_a_problem_names_no_patient(cast: Cast) -> None:
    rows = waiting(cast, 1)
    with act_as(cast.staff()):
        text = repr(matching.ask(rows).problems)
    for secret in ("Zzyzx", "Agnes", "1945", "4W-12", "Creek", "0142"):
        assert secret not in text


@given(response=st.integers(1, 120), pickup=minutes, window=st.integers(0, 120))
def test_an_offer_ends_within_the_contracts_time_and_never_after_the_pickup(
    response: int, pickup: int, window: int
) -> None:
    pickup_at = NOON + dt.timedelta(minutes=pickup)
    latest = pickup_at + dt.timedelta(minutes=window)
    ends = policies.expiry(NOON, response, pickup_at, latest)
    least = NOON + dt.timedelta(minutes=policies.LEAST_RESPONSE_MINUTES)
    assert NOON < ends <= NOON + dt.timedelta(minutes=response)
    assert ends <= max(pickup_at, latest, least)
    if pickup_at > least:
        assert ends <= pickup_at


@given(st.integers(0, 1200))
def test_a_weight_is_said_only_as_a_band(weight: int) -> None:
    words = policies.weight_band(weight)
    assert words in {band for _, band in policies.WEIGHT_BANDS} | {"over 500 lb"}


@given(
    st.sampled_from(["AMB", "WC", "WCB", "STR", "BLS", "ALS", "CCT"]),
    st.sampled_from(["walks", "wheelchair", "lies"]),
    st.integers(0, 3),
)
def test_a_patient_takes_exactly_one_place_beside_the_escorts(level: str, mobility: str, companions: int) -> None:
    load = policies.load_of(level=level, mobility=mobility, weight_lb=180, companions=companions)
    lying = level in ("STR", "BLS", "ALS", "CCT")
    assert load["seats"] + load["wheelchairs"] + load["stretchers"] == 1 + (0 if lying else companions)
