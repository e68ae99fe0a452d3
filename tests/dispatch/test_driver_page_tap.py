"""The crew's phone: the day, the taps in order, undo, and whom the pages refuse."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
import time_machine
from django.test import Client

from dispatch.models import LegEvent, Trip
from dispatch.selectors.driver_page import is_night
from dispatch.selectors.passenger import fields_for
from dispatch.services import assignment
from logistics.core import clock
from tests.cast import Cast
from tests.dispatch import ride
from tests.dispatch.pages import at_most, audited, client_of, leg_of
from tests.support import act_as, problem_of

pytestmark = pytest.mark.django_db(transaction=True)
DRIVER = "driver@northbound"


def send(client: Client, leg_id: object, to: str, *, at: dt.datetime | None = None, **more: str) -> object:
    """A tap as driver.js sends it."""
    body = {"to": to, "idempotency_key": str(uuid.uuid4()), "occurred_at": (at or clock.now()).isoformat()} | more
    return client.post(f"/drive/{leg_id}/tap?step={to}", body, headers={"Accept": "application/json"})


@pytest.fixture
def trip(cast: Cast) -> Trip:
    """A trip whose crew is the driver who signs in here."""
    return ride.assigned(cast)


def test_the_day_lists_the_crew_s_own_trips_with_first_name_and_initial(cast: Cast, trip: Trip) -> None:
    page = problem_of(client_of(cast, DRIVER).get("/drive"))
    assert "Agnes Z." in page
    assert ride.FAMILY not in page
    assert "Northbound 3" in page
    assert f"trip {trip.number}" in page
    assert audited(cast.vendor(), "passengers.listed")[-1].details == {"trips": [trip.number]}


def test_the_trip_says_where_who_and_one_next_thing(cast: Cast, trip: Trip) -> None:
    leg = leg_of(cast, trip)
    page = problem_of(client_of(cast, DRIVER).get(f"/drive/{leg.pk}"))
    for words in (
        "Lakeshore Medical Center, 4 West, bed 4W-12",
        "Agnes Z.",
        "Own oxygen 2 L",
        "Hard of hearing",
        "Left for pickup",
    ):
        assert words in page
    assert "03/14/1945" not in page
    assert page.count("data-current") == 1
    assert audited(cast.vendor(), "passenger.viewed")[-1].target_id == str(trip.pk)


def test_an_ambulance_crew_knows_the_whole_name(cast: Cast) -> None:
    assert fields_for("driver", "BLS")["name"] == "see"
    assert fields_for("driver", "WC")["name"] == "mask"


def test_taps_move_the_leg_step_by_step_with_the_phone_s_own_time_and_place(cast: Cast, trip: Trip) -> None:
    leg, client = leg_of(cast, trip), client_of(cast, DRIVER)
    tapped = clock.now() - dt.timedelta(minutes=4)
    for step in ("en_route", "at_pickup", "on_board", "at_destination"):
        answer = send(client, leg.pk, step, at=tapped, latitude="43.05", longitude="-89.4", accuracy_m="12")
        assert (answer.status_code, answer.json()["outcome"]) == (200, "moved")
        tapped += dt.timedelta(minutes=1)
    assert leg_of(cast, trip).status == "at_destination"
    assert ride.fresh(cast, trip).status == "under_way"
    with act_as(cast.staff()):
        event = LegEvent.objects.get(leg=leg, new_status="at_pickup")
    assert (event.latitude, event.accuracy_m) == (43.05, 12)
    assert event.recorded_at - event.at > dt.timedelta(minutes=2)
    assert "Hand over" in problem_of(client.get(f"/drive/{leg.pk}"))


def test_the_same_tap_sent_twice_counts_once(cast: Cast, trip: Trip) -> None:
    leg, client = leg_of(cast, trip), client_of(cast, DRIVER)
    key = str(uuid.uuid4())
    first = send(client, leg.pk, "en_route", idempotency_key=key)
    second = send(client, leg.pk, "en_route", idempotency_key=key)
    assert (first.json()["outcome"], second.json()["outcome"]) == ("moved", "repeated")
    with act_as(cast.staff()):
        assert LegEvent.objects.filter(leg=leg, new_status="en_route").count() == 1


def test_the_plain_form_works_without_javascript_and_can_be_undone(cast: Cast, trip: Trip) -> None:
    leg, client = leg_of(cast, trip), client_of(cast, DRIVER)
    answer = client.post(f"/drive/{leg.pk}/tap?step=en_route", {"to": "en_route", "idempotency_key": str(uuid.uuid4())})
    assert (answer.status_code, answer["Location"]) == (303, f"/drive/{leg.pk}")
    assert "Undo" in problem_of(client.get(f"/drive/{leg.pk}"))
    client.post(f"/drive/{leg.pk}/tap?step=undo", {"to": "assigned", "idempotency_key": str(uuid.uuid4())})
    assert leg_of(cast, trip).status == "assigned"
    assert ride.fresh(cast, trip).status == "crew_assigned"


def test_after_two_minutes_there_is_no_undo(cast: Cast, trip: Trip) -> None:
    leg, client = leg_of(cast, trip), client_of(cast, DRIVER)
    send(client, leg.pk, "en_route")
    with time_machine.travel(clock.now() + dt.timedelta(minutes=3), tick=True):
        assert ">Undo<" not in problem_of(client.get(f"/drive/{leg.pk}"))
        answer = client.post(f"/drive/{leg.pk}/tap", {"to": "assigned", "idempotency_key": str(uuid.uuid4())})
        assert answer.status_code == 409
        assert "can no longer be taken back" in problem_of(answer)
    assert leg_of(cast, trip).status == "en_route"


def test_a_patient_who_is_not_there_ends_the_trip_after_the_wait(cast: Cast, trip: Trip) -> None:
    leg, client = leg_of(cast, trip), client_of(cast, DRIVER)
    send(client, leg.pk, "en_route")
    send(client, leg.pk, "at_pickup")
    assert "Patient is not there" in problem_of(client.get(f"/drive/{leg.pk}"))
    early = send(client, leg.pk, "no_show", reason="not_there")
    assert (early.status_code, "Wait until" in early.json()["message"]) == (409, True)
    with time_machine.travel(trip.pickup_at + dt.timedelta(minutes=30), tick=True):
        late = send(client_of(cast, DRIVER), leg.pk, "no_show", reason="not_there")
        assert late.status_code == 200
    assert leg_of(cast, trip).status == "no_show"
    assert ride.fresh(cast, trip).status == "canceled"


def test_other_people_s_trips_are_not_found_and_the_look_is_audited(cast: Cast, trip: Trip) -> None:
    leg = leg_of(cast, trip)
    stranger = client_of(cast, "driver@tamarack")
    assert stranger.get(f"/drive/{leg.pk}").status_code == 404
    assert stranger.get(f"/drive/{leg.pk}/proof").status_code == 404
    answer = send(stranger, leg.pk, "en_route")
    assert (answer.status_code, answer.json()["message"]) == (404, "This trip is not on your day.")
    assert len(audited(cast.vendor(cast.tamarack), "leg.refused")) == 3
    assert leg_of(cast, trip).status == "assigned"
    assert client_of(cast, "vendor_dispatcher@northbound").get(f"/drive/{leg.pk}").status_code == 403


def test_a_trip_that_was_given_to_another_crew_leaves_the_day(cast: Cast, trip: Trip) -> None:
    leg = leg_of(cast, trip)
    with act_as(ride.vendor_scope(cast, cast.northbound.pk)):
        assignment.assign(trip.pk, cast.vehicles["Northbound 5"].pk)
    client = client_of(cast, DRIVER)
    answer = client.get(f"/drive/{leg.pk}", follow=True)
    page = problem_of(answer)
    assert "is not yours any more" in page
    assert "No trips today" in page
    refused = send(client, leg.pk, "en_route")
    assert refused.status_code in (404, 409, 422)
    assert leg_of(cast, trip).status == "assigned"


def test_a_tap_that_cannot_be_read_says_what_to_do(cast: Cast, trip: Trip) -> None:
    leg, client = leg_of(cast, trip), client_of(cast, DRIVER)
    answer = client.post(
        f"/drive/{leg.pk}/tap",
        {"to": "en_route", "idempotency_key": str(uuid.uuid4()), "occurred_at": "yesterday"},
        headers={"Accept": "application/json"},
    )
    assert (answer.status_code, answer.json()["message"]) == (422, "The phone's time cannot be read. Set its clock.")


def test_reading_changes_nothing(cast: Cast, trip: Trip) -> None:
    leg, client = leg_of(cast, trip), client_of(cast, DRIVER)
    before = ride.fresh(cast, trip).updated_at
    for url in ("/drive", f"/drive/{leg.pk}", f"/drive/{leg.pk}/proof"):
        assert client.get(url).status_code == 200
    assert client.get(f"/drive/{leg.pk}/tap").status_code == 405
    assert (ride.fresh(cast, trip).updated_at, leg_of(cast, trip).status) == (before, "assigned")


def test_the_pages_cost_a_fixed_number_of_queries(cast: Cast, trip: Trip) -> None:
    leg, client = leg_of(cast, trip), client_of(cast, DRIVER)
    with at_most(10):
        client.get("/drive")
    with at_most(12):
        client.get(f"/drive/{leg.pk}")


def test_the_screen_is_dark_when_the_sun_is_down() -> None:
    madison = (43.07, -89.40)
    assert not is_night(dt.datetime(2026, 11, 24, 18, 0, tzinfo=dt.UTC), *madison)  # noon
    assert is_night(dt.datetime(2026, 11, 24, 23, 0, tzinfo=dt.UTC), *madison)  # 17:00, sunset was at 16:27
    assert not is_night(dt.datetime(2026, 6, 24, 1, 0, tzinfo=dt.UTC), *madison)  # 20:00 in June, sunset at 20:41
