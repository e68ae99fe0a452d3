"""Every kind of ride from the one form: pages, refusals, and the trips that come of them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from dispatch.models import Leg, Passenger, Trip
from logistics.core import clock
from logistics.requests.models import Gate, Journey, ServiceRequest, TransportDetail
from logistics.requests.services import places
from tests.cast import Cast
from tests.dispatch.pages import at_most
from tests.dispatch.test_booking_page_book import LOCAL, ZONE, answers, desk, in_local, plain
from tests.requests.ward import admit, detail_of, foresee, requests_of
from tests.support import act_as, settle


def book(cast: Cast, patient_id: Any, **changes: Any) -> Any:
    return desk(cast).post(reverse("dispatch:book"), answers(cast, patient_id, **changes))


def preview(cast: Cast, patient_id: Any, **changes: Any) -> str:
    form = answers(cast, patient_id, **changes)
    return plain(desk(cast).post(reverse("dispatch:book_preview"), form, headers={"HX-Request": "true"}))


def trips_of(cast: Cast, patient_id: Any) -> list[Trip]:
    with act_as(cast.staff()):
        return list(Trip.objects.filter(request__patient_id=patient_id).order_by("request__journey_order"))


def eastern(cast: Cast) -> str:
    """A place on Eastern time, in the address book."""
    with act_as(cast.staff()):
        return str(
            places.add(name="Lakeside Rehab", kind="rehab", address="4 Lake Rd", city="South Bend", state="IN",
                       zip_code="46601").pk
        )  # fmt: skip


ROUND = {"ride_kind": "round_trip", "return_when": "at"}


def test_an_ordinary_ride_still_has_twelve_inputs_to_see(cast: Cast) -> None:
    encounter = admit(cast)
    html = plain(desk(cast).get(f"{reverse('dispatch:book')}?patient={encounter.patient_id}"))
    form = html[html.index('id="book"') : html.index("</form>", html.index('id="book"'))]
    for panel in ("kind", "fit", "transfer", "override"):
        assert f'<details id="{panel}">' in form
    seen = form
    while "<details" in seen:
        seen = seen[: seen.index("<details")] + seen[seen.index("</details>") + len("</details>") :]
    # The pickup elsewhere is drawn by CSS only when it is chosen. Of the twelve the pickup time is a choice and a time.
    labels = seen.count('<label for="') + seen.count('<legend class="lab"')
    assert labels - seen.count('class="on-elsewhere') == 13


def test_a_round_trip_becomes_two_trips_there_and_back(cast: Cast) -> None:
    encounter = admit(cast)
    response = book(cast, encounter.patient_id, **ROUND, return_local=in_local(6 * 60), same_vendor="on")
    assert response.status_code == 303, plain(response)[:4000]
    settle()
    there, home = trips_of(cast, encounter.patient_id)
    assert [t.level for t in (there, home)] == ["WC", "WC"]
    with act_as(cast.staff()):
        legs = {leg.trip_id: leg for leg in Leg.objects.filter(trip__in=[there, home])}
        assert legs[home.pk].pickup_latitude == legs[there.pk].dropoff_latitude
        assert legs[home.pk].dropoff_latitude == legs[there.pk].pickup_latitude
        details = Passenger.objects.get(trip=home).details
    assert details["pickup"]["name"] == "Willow Creek Skilled Nursing"
    assert details["destination"]["name"] == "Lakeshore Medical Center"
    page = plain(desk(cast).get(reverse("dispatch:trip", args=[home.number])))
    assert "Willow Creek Skilled Nursing" in page
    assert "estimated, no road data" in page


def test_a_return_on_call_belongs_to_the_colleague_who_was_chosen(cast: Cast) -> None:
    encounter = admit(cast)
    colleague = cast.people["transport_coordinator@lakeshore"]
    response = book(
        cast, encounter.patient_id, ride_kind="round_trip", return_when="ready", return_local=in_local(6 * 60),
        return_owner=str(colleague.user_id), return_phone="608 555 0177",
    )  # fmt: skip
    assert response.status_code == 303
    _, home = requests_of(cast, encounter.patient_id)
    detail = detail_of(cast, home)
    assert (detail.when, detail.ready_owner_id) == ("ready", colleague.user_id)
    assert detail.ready_phone == "608 555 0177"


def test_another_health_systems_colleague_cannot_be_chosen(cast: Cast) -> None:
    encounter = admit(cast)
    stranger = cast.people["case_manager@prairie"]
    response = book(
        cast, encounter.patient_id, ride_kind="round_trip", return_when="ready", return_local=in_local(6 * 60),
        return_owner=str(stranger.user_id),
    )  # fmt: skip
    assert response.status_code == 422
    assert stranger.user.name not in response.content.decode()


def test_a_will_call_is_owned_by_whoever_booked_it(cast: Cast) -> None:
    encounter = admit(cast)
    assert book(cast, encounter.patient_id, when="ready").status_code == 303
    (request,) = requests_of(cast, encounter.patient_id)
    assert detail_of(cast, request).ready_owner_id == cast.people["case_manager@lakeshore"].user_id


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ride_kind": "round_trip"}, "A round trip is not booked without its return."),
        (ROUND, "Write the date and time of the return."),
        ({**ROUND, "return_local": in_local(95)}, "The patient arrives about"),
        ({"ride_kind": "wait_return"}, "Write how long the vehicle waits, 10 to 240 minutes."),
        ({"ride_kind": "multi_leg"}, "Choose the next stop, or book one way."),
        ({"ride_kind": "multi_leg", "stop2_text": "nowhere at all"}, "No place called “nowhere at all”."),
        ({"pickup": "elsewhere"}, "Choose where the patient is picked up."),
        ({"pickup": "elsewhere", "origin_text": "Willow Creek"}, "Pickup and destination are the same place."),
        ({"when": "arrive", "pickup_local": ""}, "Write the date and time when the patient must be there."),
        ({"when": "arrive", "pickup_local": in_local(20)}, "which is over. Choose a later time."),
        ({"care": ["never_alone"]}, "The patient is never left alone: write who rides along, or who takes over"),
        ({"care": ["wander"]}, "The patient may wander off: write who rides along"),
        ({"care": ["emergency"]}, "this is no ride to book. Call 911"),
        ({"chair": "power"}, "Measure the power wheelchair at its widest"),
        ({"chair": "power", "chair_width_in": "27"}, "Write what the power wheelchair weighs"),
        ({"chair": "manual", "chair_width_in": "270"}, "A wheelchair is between 10 and 60 inches wide."),
        ({"pickup_steps": "-1"}, "Write the number of steps, 0 to 500."),
        ({"oxygen_psi": "many", "oxygen_cylinder": "E"}, "Write a whole number."),
        ({"destination": "", "destination_text": "Old mill", "destination_pin": "here"}, "Write the pin as latitude"),
        ({"destination": "", "destination_text": "Old mill", "destination_pin": "0, 0"}, "Check both."),
        (
            {"purpose": "transfer", "destination": "", "destination_text": "4 Elm St, Madison WI 53704"},
            "A transfer goes to a facility",
        ),
        ({"level": "AMB", "override_reason": "She walks well today"}, "write the name of the clinician who decided"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(cast: Cast, changes: dict[str, Any], words: str) -> None:
    encounter = admit(cast)
    response = book(cast, encounter.patient_id, **changes)
    html = plain(response)
    assert response.status_code == 422
    assert words.replace("'", "&#x27;") in html
    with act_as(cast.staff()):
        assert not ServiceRequest.objects.exclude(status="draft").exists()
        assert not Journey.objects.exists()


def test_a_folded_part_with_an_error_is_open(cast: Cast) -> None:
    encounter = admit(cast)
    html = plain(book(cast, encounter.patient_id, ride_kind="round_trip"))
    assert '<details id="kind" open>' in html
    assert '<details id="fit">' in html


def test_a_minor_rides_with_a_named_adult(cast: Cast) -> None:
    born = clock.today(ZONE) - dt.timedelta(days=9 * 366)
    child = admit(cast, birth_date=born.isoformat(), weight_lb=62)
    html = plain(book(cast, child.patient_id, weight_lb="62", companions="0"))
    assert "write the name of the adult who rides along" in html
    refused = book(cast, child.patient_id, weight_lb="62", companions="0", receiver_name="Maria Cole")
    assert refused.status_code == 422
    booked = book(cast, child.patient_id, weight_lb="62", companions="0", escort_name="Maria Cole")
    assert booked.status_code == 303
    (request,) = requests_of(cast, child.patient_id)
    assert detail_of(cast, request).companions == 1
    settle()
    with act_as(cast.staff()):
        assert Leg.objects.get(trip__request=request).load["seats"] == 1
        assert "Rides along: Maria Cole" in Passenger.objects.get(trip__request=request).details["people"]


def test_who_is_never_left_alone_is_handed_to_a_named_person(cast: Cast) -> None:
    encounter = admit(cast)
    booked = book(cast, encounter.patient_id, care=["never_alone"], receiver_name="Charge nurse Lee")
    assert booked.status_code == 303
    settle()
    (trip,) = trips_of(cast, encounter.patient_id)
    page = plain(desk(cast).get(reverse("dispatch:trip", args=[trip.number])))
    assert "Never left alone" in page
    assert "Hand over to Charge nurse Lee" in page


def test_to_be_there_by_a_time_in_another_zone(cast: Cast) -> None:
    encounter = admit(cast)
    place = eastern(cast)
    noon = clock.local(clock.now(), "America/New_York") + dt.timedelta(hours=30)
    by = noon.strftime(LOCAL)
    html = preview(cast, encounter.patient_id, when="arrive", pickup_local=by, destination=place)
    assert f"to be there by {noon:%a} {noon.day} {noon:%b}, {noon:%H:%M} {noon:%Z}" in html or (
        f"to be there by {noon:%H:%M} {noon:%Z}" in html
    )
    level = "WC" if 'value="WC"' in html else "BLS"
    booked = book(cast, encounter.patient_id, when="arrive", pickup_local=by, destination=place, level_seen=level)
    assert booked.status_code == 303, plain(booked)[:3000]
    (request,) = requests_of(cast, encounter.patient_id)
    detail = detail_of(cast, request)
    assert clock.local(detail.arrive_by_at, "America/New_York").strftime(LOCAL) == by
    assert detail.pickup_at < detail.arrive_by_at - dt.timedelta(minutes=detail.minutes + 15)
    assert detail.pickup_at.second == 0
    settle()
    (trip,) = trips_of(cast, encounter.patient_id)
    assert (trip.when, trip.time_zone, trip.destination_zone) == ("arrive", "America/Chicago", detail.destination_zone)
    assert trip.pickup_latest_at - trip.pickup_at == dt.timedelta(minutes=15)


def test_a_ride_from_home_starts_at_home(cast: Cast) -> None:
    encounter = admit(cast)
    booked = book(cast, encounter.patient_id, pickup="elsewhere", origin="home", origin_text="Home, 18 Pier Rd")
    assert booked.status_code == 303, plain(booked)[:3000]
    settle()
    (trip,) = trips_of(cast, encounter.patient_id)
    with act_as(cast.staff()):
        leg = Leg.objects.get(trip=trip)
        pickup = Passenger.objects.get(trip=trip).details["pickup"]
        site = cast.facilities["lakeshore"]
        assert (leg.pickup_latitude, leg.pickup_longitude) != (site.latitude, site.longitude)
        assert leg.load["pickup_zone"] == "Madison, 537"
    assert (pickup["name"], pickup["line"], pickup["private"]) == ("Home", "18 Pier Rd", True)
    assert "bed" not in pickup


def test_a_place_that_no_zip_code_finds_is_pinned(cast: Cast) -> None:
    encounter = admit(cast)
    booked = book(
        cast, encounter.patient_id, destination="", destination_text="Old mill behind the dam",
        destination_pin="43.0600, -89.5000",
    )  # fmt: skip
    assert booked.status_code == 303, plain(booked)[:3000]
    (request,) = requests_of(cast, encounter.patient_id)
    detail = detail_of(cast, request)
    assert (detail.destination_latitude, detail.destination_longitude) == (43.06, -89.5)
    assert detail.destination_zone == "America/Chicago"
    assert detail.destination_address["line"] == "Old mill behind the dam"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weight_lb": "380"}, "Bariatric wheelchair van"),
        ({"chair": "bariatric", "chair_width_in": "34", "chair_weight_lb": "90"}, "Bariatric wheelchair van"),
        ({"dropoff_steps": "14", "weight_lb": "210"}, "14 steps at the drop-off"),
        ({"needs": ["airborne"], "oxygen_lpm": None}, "The crew wears N95 masks"),
        ({"service_animal": "on"}, "A service animal rides along"),
        ({"care": ["interpreter"]}, "use an interpreter"),
        ({"oxygen_cylinder": "E", "oxygen_psi": "500"}, "Oxygen lasts 42 min at 2 L/min"),
    ],
)
def test_the_preview_says_what_fits_and_what_the_crew_is_told(cast: Cast, changes: dict[str, Any], words: str) -> None:
    assert words in preview(cast, admit(cast).patient_id, **changes)


def test_long_oxygen_at_a_high_flow_is_given_by_a_crew(cast: Cast) -> None:
    far = "900 Nicollet Ave, Minneapolis MN 55403"
    html = preview(cast, admit(cast).patient_id, destination="", destination_text=far, oxygen_lpm="6")
    assert "The own tank does not last for the way" in html
    assert 'name="level_seen" value="BLS"' in html


def test_chair_and_stairs_reach_the_vehicle(cast: Cast) -> None:
    encounter = admit(cast)
    booked = book(
        cast, encounter.patient_id, chair="power", chair_width_in="27", chair_weight_lb="310", dropoff_steps="2",
        level_seen="WC", care=["behavior"], escort_name="Maria Cole", service_animal="on",
    )  # fmt: skip
    assert booked.status_code == 303, plain(booked)[:3000]
    settle()
    (trip,) = trips_of(cast, encounter.patient_id)
    with act_as(cast.staff()):
        load = Leg.objects.get(trip=trip).load
    assert (load["width_in"], load["weight_lb"], load["device"], load["min_crew"]) == (27, 452, "power_chair", 2)
    assert {"behavior", "service_animal"} <= set(load["needs"])


def test_a_chair_that_is_wider_than_the_doors_finds_nobody_and_the_preview_says_so(cast: Cast) -> None:
    html = preview(cast, admit(cast).patient_id, chair="manual", chair_width_in="30", weight_lb="142")
    assert "Best match" in html
    html = preview(
        cast, admit(cast, family="Doe").patient_id, chair="bariatric", chair_width_in="36", chair_weight_lb="90"
    )
    assert "Nobody can come as asked." in html


def test_the_preview_shows_every_ride_with_its_way_and_price(cast: Cast) -> None:
    html = preview(cast, admit(cast).patient_id, **ROUND, return_local=in_local(6 * 60), same_vendor="on")
    assert "2 rides" in html
    assert "Way there: Lakeshore Medical Center to Willow Creek" in html
    assert "Return: Willow Creek" in html
    assert html.count("estimated, no road data") >= 3
    assert "Book 2 rides for" in html


def test_the_preview_shows_what_must_be_granted_first(cast: Cast) -> None:
    html = preview(cast, admit(cast).patient_id, purpose="transfer")
    assert "Granted before a vendor is asked" in html
    assert "Waits for the receiving facility" in html


def test_several_stops_in_the_preview_and_booked(cast: Cast) -> None:
    encounter = admit(cast)
    stops = {
        "ride_kind": "multi_leg",
        "stop2_text": "12 Elm St, Madison WI 53704",
        "stop2_dwell": "20",
        "stop3_text": "Home",
        "same_vendor": "on",
    }
    html = preview(cast, encounter.patient_id, **stops)
    assert "3 rides" in html
    assert "To stop 2" in html
    assert book(cast, encounter.patient_id, **stops).status_code == 303
    with act_as(cast.staff()):
        journey = Journey.objects.get()
        assert (journey.kind, journey.same_vendor) == ("multi_leg", True)
    assert [r.link for r in requests_of(cast, encounter.patient_id)] == ["", "connection", "connection"]


def test_the_preview_of_a_journey_asks_a_fixed_number_of_questions(cast: Cast) -> None:
    encounter = admit(cast)
    client = desk(cast)
    form = answers(cast, encounter.patient_id, **ROUND, return_local=in_local(6 * 60), same_vendor="on")
    client.post(reverse("dispatch:book_preview"), form)
    with at_most(45):
        client.post(reverse("dispatch:book_preview"), form)


def test_what_was_typed_of_the_further_rides_is_kept_with_the_draft(cast: Cast) -> None:
    encounter = admit(cast)
    draft = foresee(cast, encounter)
    client = desk(cast)
    typed = {
        **ROUND, "return_local": in_local(6 * 60), "care": ["wander"], "escort_name": "Maria Cole", "chair": "manual",
        "pickup": "elsewhere", "origin_text": "somewhere unclear", "request": str(draft.pk), "when": "arrive",
    }  # fmt: skip
    kept = client.post(reverse("dispatch:book_draft"), answers(cast, encounter.patient_id, **typed))
    assert kept.status_code == 204
    page = plain(client.get(f"{reverse('dispatch:book')}?request={draft.pk}"))
    assert '<details id="kind" open>' in page
    assert '<details id="fit" open>' in page
    for value in (typed["return_local"], "Maria Cole", "somewhere unclear"):
        assert f'value="{value}"' in page
    assert '<option value="elsewhere" selected>' in page
    booked = client.post(
        reverse("dispatch:book"),
        answers(cast, encounter.patient_id, **{**typed, "origin_text": "Home", "return_local": in_local(9 * 60),
                                              "pickup_local": in_local(300)}),
    )  # fmt: skip
    assert booked.status_code == 303, plain(booked)[:3000]
    with act_as(cast.staff()):
        assert TransportDetail.objects.get(request=draft).plan == {}


def test_what_the_last_booking_knew_is_not_asked_again(cast: Cast) -> None:
    encounter = admit(cast)
    first = {"chair": "manual", "chair_width_in": "26", "care": ["interpreter"], "service_animal": "on"}
    assert book(cast, encounter.patient_id, **first).status_code == 303
    foresee(cast, encounter)
    page = plain(desk(cast).get(f"{reverse('dispatch:book')}?patient={encounter.patient_id}"))
    assert '<details id="fit" open>' in page
    assert '<option value="manual" selected>' in page
    assert 'name="chair_width_in" value="26"' in page
    for name, value in (("care", "interpreter"), ("service_animal", "on")):
        assert re.search(rf'<input type="checkbox" name="{name}"( value="{value}")?[^>]* checked', page), name


def test_a_journey_sent_twice_is_booked_once(cast: Cast) -> None:
    encounter = admit(cast)
    client = desk(cast)
    form = answers(cast, encounter.patient_id, **ROUND, return_local=in_local(6 * 60))
    first, second = (client.post(reverse("dispatch:book"), form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first["Location"] == second["Location"]
    assert len(requests_of(cast, encounter.patient_id)) == 2


def test_an_open_round_trip_is_tracked_from_the_start(cast: Cast) -> None:
    encounter = admit(cast)
    book(cast, encounter.patient_id, **ROUND, return_local=in_local(6 * 60))
    settle()
    there, _ = trips_of(cast, encounter.patient_id)
    page = plain(desk(cast).get(f"{reverse('dispatch:book')}?patient={encounter.patient_id}"))
    assert f"Already has an open ride: trip {there.number}. It is part of a round trip." in page


def test_a_search_without_javascript_finds_places_for_every_picker(cast: Cast) -> None:
    encounter = admit(cast)
    for name in ("origin", "destination", "stop3"):
        form = answers(cast, encounter.patient_id, find=name, **{f"{name}_text": "willow", name: ""})
        html = plain(desk(cast).post(reverse("dispatch:book"), form))
        assert f'type="radio" name="{name}" value="{cast.places["willow@lakeshore"].pk}"' in html


def test_a_transfer_is_confirmed_on_its_page_and_goes_on(cast: Cast) -> None:
    encounter = admit(cast)
    response = book(cast, encounter.patient_id, purpose="transfer")
    (request,) = requests_of(cast, encounter.patient_id)
    url = reverse("dispatch:transfer_acceptance", args=[request.pk])
    assert response["Location"] == url
    client = desk(cast)
    page = plain(client.get(url))
    assert "No vendor is asked before this is known:" in page
    form = {"do": "accept", "accepting_clinician": "", "accepting_bed": "212", "accepted_local": in_local(-5)}
    refused = client.post(url, form)
    assert refused.status_code == 422
    assert "Write who accepted the transfer there." in plain(refused)
    again = plain(client.get(f"{reverse('dispatch:book')}?patient={encounter.patient_id}"))
    assert url in again
    done = client.post(url, form | {"accepting_clinician": "Dr Amy Ruiz"})
    assert done.status_code == 303
    assert requests_of(cast, encounter.patient_id)[0].status == "requested"
    settle()
    assert len(trips_of(cast, encounter.patient_id)) == 1


def test_a_transfer_that_was_declined_is_booked_elsewhere(cast: Cast) -> None:
    encounter = admit(cast)
    book(cast, encounter.patient_id, purpose="transfer")
    (request,) = requests_of(cast, encounter.patient_id)
    url = reverse("dispatch:transfer_acceptance", args=[request.pk])
    client = desk(cast)
    assert client.post(url, {"do": "decline", "note": ""}).status_code == 422
    assert client.post(url, {"do": "decline", "note": "No bed today"}).status_code == 303
    assert requests_of(cast, encounter.patient_id)[0].status == "draft"
    with act_as(cast.staff()):
        assert Gate.objects.get(request=request).state == "denied"


def test_the_page_of_an_acceptance_is_there_for_transfers_of_ones_own_only(cast: Cast) -> None:
    theirs = admit(cast, slug="prairie")
    draft = foresee(cast, theirs, slug="prairie", purpose="transfer")
    mine = foresee(cast, admit(cast))
    for request_id in (draft.pk, mine.pk, uuid4()):
        assert desk(cast).get(reverse("dispatch:transfer_acceptance", args=[request_id])).status_code == 404
