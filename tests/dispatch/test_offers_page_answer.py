"""The vendor's page: what an offer shows, what an answer does, and who else can do it."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from dispatch.models import Run
from logistics.core import clock
from tests.cast import Cast
from tests.dispatch import ride
from tests.dispatch.pages import at_most, audited, client_of
from tests.support import act_as, problem_of, settle

pytestmark = pytest.mark.django_db(transaction=True)
DISPATCHER = "vendor_dispatcher@northbound"


def test_an_open_offer_shows_its_brief_and_nobody_s_name(cast: Cast) -> None:
    ride.opened(cast)
    page = problem_of(client_of(cast, DISPATCHER).get("/offers"))
    assert "Madison, 537" in page
    assert "under 200 lb" in page
    assert "own oxygen 2 L" in page
    assert 'role="timer"' in page
    for secret in (ride.FAMILY, "Agnes", "Willow Creek", "4W-12", "Hard of hearing", "608 555 0142"):
        assert secret not in page


def test_accepting_gives_the_trip_and_shows_the_passenger(cast: Cast) -> None:
    trip = ride.opened(cast)
    offer = ride.open_offer(cast, trip)
    client = client_of(cast, DISPATCHER)
    answer = client.post(f"/offers/{offer.pk}/accept")
    assert (answer.status_code, answer["Location"]) == (303, "/offers")
    settle()
    assert ride.fresh(cast, trip).vendor_id == cast.northbound.pk
    page = problem_of(client.get("/offers"))
    assert "Accepted, needs a crew" in page
    assert ride.FAMILY in page
    assert audited(cast.vendor(), "passengers.listed")[-1].details == {"trips": [trip.number]}


def test_the_vendor_s_own_time_is_on_the_pickup_s_clock(cast: Cast) -> None:
    with time_machine.travel("2026-11-24T18:00:00Z", tick=True):
        trip = ride.opened(cast, in_minutes=90)
        offer = ride.open_offer(cast, trip)
        client_of(cast, DISPATCHER).post(f"/offers/{offer.pk}/accept", {"eta": "13:40"})
        assert ride.fresh(cast, trip).eta_at == dt.datetime(2026, 11, 24, 19, 40, tzinfo=dt.UTC)


def test_a_lost_offer_says_who_has_it_and_changes_nothing(cast: Cast) -> None:
    trip = ride.opened(cast)
    offer = ride.open_offer(cast, trip)
    with time_machine.travel(clock.now() + dt.timedelta(minutes=20), tick=True):
        answer = client_of(cast, DISPATCHER).post(f"/offers/{offer.pk}/accept")
        assert answer.status_code == 409
        assert "This offer ended at" in problem_of(answer)
        assert "The next vendor is asked." in problem_of(answer)
    assert ride.fresh(cast, trip).vendor_id is None


def test_a_time_that_is_no_time_is_refused_in_words(cast: Cast) -> None:
    offer = ride.open_offer(cast, ride.opened(cast))
    answer = client_of(cast, DISPATCHER).post(f"/offers/{offer.pk}/accept", {"eta": "25:70"})
    assert answer.status_code == 422
    assert "Give the pickup time as 14:30" in problem_of(answer)


def test_declining_asks_for_a_reason_and_then_asks_the_next_vendor(cast: Cast) -> None:
    trip = ride.opened(cast)
    offer = ride.open_offer(cast, trip)
    client = client_of(cast, DISPATCHER)
    assert "Decline this offer?" in problem_of(client.get(f"/offers/{offer.pk}/decline"))
    empty = client.post(f"/offers/{offer.pk}/decline")
    assert (empty.status_code, "Choose a reason" in problem_of(empty)) == (422, True)
    assert client.post(f"/offers/{offer.pk}/decline", {"code": "vendor_no_crew"}).status_code == 303
    settle()
    assert ride.open_offer(cast, trip).vendor_id == cast.tamarack.pk
    page = problem_of(client.get("/offers"))
    assert "No offers right now" in page
    assert "No crew free" in page


def test_the_suggested_crew_is_one_click_away(cast: Cast) -> None:
    trip = ride.accepted(cast)
    client = client_of(cast, DISPATCHER)
    part = problem_of(client.get(f"/trips/{trip.number}/crew?part=suggestion"))
    assert "Assign Northbound 3" in part or "Assign Northbound 5" in part
    vehicle, member = cast.vehicles["Northbound 5"], cast.crew["northbound-1-0"]
    done = client.post(f"/trips/{trip.number}/crew", {"vehicle": vehicle.pk, "crew": [member.pk]})
    assert done.status_code == 303
    settle()
    with act_as(cast.staff()):
        assert Run.objects.get(trip=trip, is_active=True).vehicle_name == "Northbound 5"


def test_a_vehicle_that_cannot_go_says_why(cast: Cast) -> None:
    trip = ride.accepted(cast)
    with act_as(cast.vendor()):
        vehicle = cast.vehicles["Northbound 3"]
        vehicle.out_of_service, vehicle.out_of_service_reason = True, "lift repair"
        vehicle.save()
    client = client_of(cast, DISPATCHER)
    assert "lift repair" in problem_of(client.get(f"/trips/{trip.number}/crew"))
    member = cast.crew["northbound-0-0"]
    refused = client.post(f"/trips/{trip.number}/crew", {"vehicle": vehicle.pk, "crew": [member.pk]})
    assert refused.status_code == 422
    assert "lift repair" in problem_of(refused)
    nobody = client.post(f"/trips/{trip.number}/crew", {"vehicle": vehicle.pk})
    assert (nobody.status_code, "Choose who drives" in problem_of(nobody)) == (422, True)


def test_another_vendor_s_offer_and_trip_do_not_exist(cast: Cast) -> None:
    trip = ride.opened(cast)
    offer = ride.open_offer(cast, trip)
    stranger = client_of(cast, "vendor_dispatcher@tamarack")
    assert stranger.post(f"/offers/{offer.pk}/accept").status_code == 404
    assert stranger.get(f"/offers/{offer.pk}/decline").status_code == 404
    mine = ride.accepted(cast)
    assert stranger.get(f"/trips/{mine.number}/crew").status_code == 404
    assert ride.fresh(cast, trip).vendor_id is None


def test_health_systems_and_drivers_have_no_offers(cast: Cast) -> None:
    for role in ("case_manager@lakeshore", "driver@northbound"):
        assert client_of(cast, role).get("/offers").status_code == 403


def test_the_page_costs_the_same_for_one_trip_and_for_many(cast: Cast) -> None:
    for _ in range(4):
        ride.accepted(cast)
    ride.opened(cast)
    client = client_of(cast, DISPATCHER)
    client.get("/offers")
    with at_most(24):
        assert client.get("/offers").status_code == 200


def test_a_vendor_without_work_is_told_so(cast: Cast) -> None:
    page = problem_of(client_of(cast, DISPATCHER).get("/offers"))
    assert "No offers right now" in page
    assert "No trips today" in page
