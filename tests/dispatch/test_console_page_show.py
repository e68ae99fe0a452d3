"""The transport desk's console."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from dispatch.selectors import console as selector
from dispatch.selectors.console import Filters
from dispatch.services import assignment, offers, trips
from logistics.core import clock
from tests.cast import Cast
from tests.dispatch import ride
from tests.dispatch.pages import at_most, client_of
from tests.support import act_as, problem_of, settle

pytestmark = pytest.mark.django_db(transaction=True)
ROLE = "transport_coordinator@lakeshore"


def read(cast: Cast, filters: Filters | None = None) -> selector.Console:
    """The console as the desk of Lakeshore reads it."""
    with act_as(cast.staff()):
        return selector.console(
            filters or Filters(),
            role="transport_coordinator",
            zone="America/Chicago",
            now=clock.now(),
            back="/dispatch",
        )


def test_a_calm_day_says_so(cast: Cast) -> None:
    page = problem_of(client_of(cast, ROLE).get("/dispatch"))
    assert "Nothing needs you" in page
    assert "Every trip has a vendor." in page
    assert "Northbound 3" in page


def test_what_needs_a_person_comes_first_each_with_its_best_action(cast: Cast) -> None:
    stuck = ride.opened(cast, level="ALS", mobility="lies", needs=["monitor"])
    late = ride.assigned(cast, in_minutes=40)
    held = ride.accepted(cast, in_minutes=200)
    with act_as(cast.staff()):
        trips.hold(held.pk, reason="Waits")
    with time_machine.travel(late.pickup_at + dt.timedelta(minutes=14), tick=True):
        found = read(cast)
    said = [(e["title"], e["actions"][0]["label"]) for e in found.exceptions]
    assert said[0] == (f"{stuck.number} Zzyzxcanary: nobody is left to ask", "Match again")
    assert said[1] == (f"{late.number} Zzyzxcanary late 14 min", "Find another vendor")
    assert (f"{held.number} Zzyzxcanary is on hold", "Let it go on") in said


def test_actions_come_back_to_the_console(cast: Cast) -> None:
    trip = ride.opened(cast, level="ALS", mobility="lies", needs=["monitor"])
    client = client_of(cast, ROLE)
    answer = client.post(f"/trips/{trip.number}/match", {"next": "/dispatch?level=WC"})
    assert (answer.status_code, answer["Location"]) == (303, "/dispatch?level=WC")


def test_the_selected_trip_shows_its_best_matches_and_its_bar(cast: Cast) -> None:
    ride.opened(cast, in_minutes=30)
    second = ride.opened(cast, in_minutes=60)
    page = problem_of(client_of(cast, ROLE).get(f"/dispatch?trip={second.number}"))
    assert f"Best matches, {second.number}" in page
    assert "Suggested: Zzyzxcanary" in page
    assert "1 of 2 asked" in page


def test_another_customer_s_trip_is_busy_and_nameless(cast: Cast) -> None:
    other = ride.book(cast, slug="prairie")
    settle()
    trip = ride.trip_of(cast, other, slug="prairie")
    offer = ride.open_offer(cast, trip, "prairie")
    with act_as(ride.vendor_scope(cast, cast.northbound.pk)):
        offers.accept(offer.pk)
        assignment.assign(trip.pk, cast.vehicles["Northbound 3"].pk)
    row = next(row for row in read(cast).vehicles if row["label"] == "Northbound 3")
    assert [(job["label"], job.get("url")) for job in row["jobs"]] == [("Busy", None)]


def test_free_units_count_against_what_is_asked_for(cast: Cast) -> None:
    ride.opened(cast)
    free = {row["label"]: (row["free"], row["note"]) for row in read(cast).free}
    assert free["Wheelchair van"] == ("3 free", "1 asked for")
    assert free["BLS ambulance"] == ("1 free", "0 asked for")


def test_filters_narrow_the_vehicles(cast: Cast) -> None:
    only = read(cast, Filters(level="BLS"))
    assert [row["label"] for row in only.vehicles] == ["Tamarack 7"]
    theirs = read(cast, Filters(vendor=str(cast.northbound.pk)))
    assert {row["label"] for row in theirs.vehicles} == {"Northbound 3", "Northbound 5"}


def test_it_costs_fifteen_queries_whatever_the_day(cast: Cast) -> None:
    ride.opened(cast)
    ride.assigned(cast)
    ride.opened(cast, level="ALS", mobility="lies", needs=["monitor"])
    with act_as(cast.staff()), at_most(15):
        selector.console(Filters(), role="transport_coordinator", zone="America/Chicago", now=clock.now(), back="/")


def test_match_all_runs_the_engine_now(cast: Cast) -> None:
    trip = ride.opened(cast)
    desk = client_of(cast, ROLE)
    with act_as(cast.staff()):
        offers.start_over(trip.pk, reason="Test")
    assert ride.fresh(cast, trip).status == "matching"
    answer = desk.post("/dispatch/match")
    assert (answer.status_code, answer["Location"]) == (303, "/dispatch")
    assert ride.open_offer(cast, trip).round == 2


def test_only_the_desk_opens_it(cast: Cast) -> None:
    assert client_of(cast, "case_manager@lakeshore").post("/dispatch/match").status_code == 403
    assert client_of(cast, "vendor_dispatcher@northbound").get("/dispatch").status_code == 403
