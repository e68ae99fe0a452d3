"""Rides that belong together on the board, the console and the trip's page."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.selectors import console as consoles
from dispatch.selectors import journeys
from dispatch.services import returns
from logistics.core import clock
from tests.cast import Cast
from tests.dispatch.journey import round_trip, settled_trips, take
from tests.dispatch.pages import at_most
from tests.dispatch.ride import fresh, open_offer, opened
from tests.support import act_as, problem_of, signed_in


@pytest.fixture(autouse=True)
def _noon() -> Any:
    """Both rides of a journey on one day of the site."""
    local = clock.local(clock.now(), "America/Chicago").replace(hour=9, minute=0, second=0, microsecond=0)
    with time_machine.travel(local, tick=True):
        yield


def test_the_board_says_of_each_ride_how_the_other_stands(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast))
    take(cast, out)
    client = signed_in(cast.people["case_manager@lakeshore"])
    page = problem_of(client.get("/board"))
    at = f"{clock.local(back.pickup_at, back.time_zone):%H:%M}"
    assert "Accepted, return not secured yet" in page
    assert f"Return: {at}, not secured yet" in page
    assert "Secure the return" in page
    take(cast, back)
    page = problem_of(client.get("/board"))
    name = {cast.northbound.pk: "Northbound Medical", cast.tamarack.pk: "Tamarack Ambulance"}[
        fresh(cast, back).vendor_id
    ]
    assert f"Return: {at}, secured by {name}" in page
    assert "return not secured yet" not in page


def test_an_unsecured_return_is_an_exception_with_one_action_on_board_and_console(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast))
    with act_as(cast.staff()):
        returns.escalate()
    for key, path in (("case_manager@lakeshore", "/board"), ("transport_coordinator@lakeshore", "/dispatch")):
        page = problem_of(signed_in(cast.people[key]).get(path))
        assert f"Trip {out.number} leaves at" in page
        assert "Secure the way back" in page
        assert f'href="/trips/{back.number}"' in page


def test_the_trips_page_links_its_sibling(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, same_vendor=True))
    page = problem_of(signed_in(cast.people["transport_coordinator@lakeshore"]).get(f"/trips/{out.number}"))
    assert "Round trip" in page
    assert "one vendor for all" in page
    assert f'href="/trips/{back.number}"' in page
    assert f'action="/trips/{out.number}/apart"' in page


def test_a_vendor_sees_each_ride_and_the_sum_and_no_name(cast: Cast) -> None:
    out, _ = settled_trips(cast, *round_trip(cast, same_vendor=True))
    vendor = take_page(cast, out)
    assert "2 rides of one patient, one answer for all" in vendor
    assert "Zzyzxcanary" not in vendor


def test_journeys_cost_two_queries_however_many(cast: Cast) -> None:
    requests = [trip.request_id for _ in range(3) for trip in settled_trips(cast, *round_trip(cast))]
    with act_as(cast.staff()), CaptureQueriesContext(connection) as asked:
        found = journeys.of_requests(requests)
    assert len(asked) == 2
    assert len({journey.id for journey in found.values()}) == 3
    alone = opened(cast)
    with act_as(cast.staff()), CaptureQueriesContext(connection) as asked:
        assert journeys.of_requests([alone.request_id]) == {}
    assert len(asked) == 1


def test_the_console_costs_seventeen_queries_with_journeys_in_it(cast: Cast) -> None:
    settled_trips(cast, *round_trip(cast), *round_trip(cast))
    with act_as(cast.staff()), at_most(17):
        shown = consoles.console(
            consoles.Filters(), role="transport_coordinator", zone="America/Chicago", now=clock.now(), back="/"
        )
    assert any("Return: " in row["journey"] for row in shown.unassigned)


def test_a_journey_says_in_words_how_each_ride_stands(cast: Cast) -> None:
    rides = round_trip(cast, confirm_back=False)
    (out,) = settled_trips(cast, rides[0])
    with act_as(cast.staff()):
        journey = journeys.of_trip(out)
        assert journey is not None
        assert [ride.standing for ride in journey.rides] == ["not secured yet", "not booked yet"]
        assert not journey.secured(out.request_id)
        assert journey.secured(rides[1].pk), "nothing comes after the last ride"
        returns.cancel(out.pk, reason="patient_request", returns="keep")
    with act_as(cast.staff()):
        journey = journeys.of_trip(out)
        assert journey is not None
        assert journey.rides[0].standing == "canceled"
        assert journey.rides[1].words.startswith("Return: ")
        assert journey.rides[0].pickup_at is not None
        assert journey.rides[0].pickup_at < clock.now() + dt.timedelta(days=1)


def take_page(cast: Cast, trip: Any) -> str:
    """The offers page of whoever is asked about the trip."""
    slug = {cast.northbound.pk: "northbound", cast.tamarack.pk: "tamarack"}[open_offer(cast, trip).vendor_id]
    return problem_of(signed_in(cast.people[f"vendor_dispatcher@{slug}"]).get("/offers"))
