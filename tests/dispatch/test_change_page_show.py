"""The pages of changes: what is shown, two people at once, and the vendor's answer."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client

from dispatch.models import Proposal, Trip
from dispatch.services import trips
from logistics.core import clock
from logistics.requests.models import TransportDetail
from tests.cast import Cast
from tests.dispatch.journey import alerts_of, round_trip, settled_trips, take, with_fees
from tests.dispatch.ride import accepted, assigned, fresh, opened
from tests.dispatch.test_change_make import tap
from tests.support import act_as, problem_of, settle, signed_in


def client_of(cast: Cast, key: str) -> Client:
    return signed_in(cast.people[key])


def form_of(client: Client, trip: Trip, **typed: Any) -> dict[str, Any]:
    """What a browser would post from the change page, with ``typed`` over it."""
    form = client.get(f"/trips/{trip.number}/change").context["form"]
    values = {name: form[name].value() for name in form.fields}
    picked = form.initial
    values |= {"destination": picked["destination"], "destination_text": picked["destination_text"]}
    if not isinstance(values["pickup_local"], str):
        values["pickup_local"] = values["pickup_local"].strftime("%Y-%m-%dT%H:%M")
    return {name: "" if value is None else value for name, value in values.items()} | typed


def at(trip: Trip, minutes: int) -> str:
    return f"{clock.local(trip.pickup_at + dt.timedelta(minutes=minutes), trip.time_zone):%Y-%m-%dT%H:%M}"


def detail_of(cast: Cast, trip: Trip) -> TransportDetail:
    with act_as(cast.staff()):
        return TransportDetail.objects.get(request=trip.request_id)


def test_an_unaccepted_trip_is_changed_and_asked_about_anew(cast: Cast) -> None:
    trip = opened(cast)
    client = client_of(cast, "case_manager@lakeshore")
    body = form_of(client, trip, pickup_local=at(trip, 60), companions="2", driver_note="Front door")
    done = client.post(f"/trips/{trip.number}/change", body)
    assert (done.status_code, done["Location"]) == (303, f"/trips/{trip.number}")
    detail = detail_of(cast, trip)
    assert (detail.companions, detail.driver_note) == (2, "Front door")
    moved = fresh(cast, trip).pickup_at - trip.pickup_at
    assert dt.timedelta(minutes=59) < moved <= dt.timedelta(minutes=60)


def test_two_people_who_change_one_trip_both_keep_what_they_typed(cast: Cast) -> None:
    trip = opened(cast)
    dana, omar = client_of(cast, "case_manager@lakeshore"), client_of(cast, "transport_coordinator@lakeshore")
    first = form_of(dana, trip, driver_note="Ring twice")
    second = form_of(omar, trip, pickup_local=at(trip, 60))
    assert omar.post(f"/trips/{trip.number}/change", second).status_code == 303
    stale = dana.post(f"/trips/{trip.number}/change", first)
    page = problem_of(stale)
    assert stale.status_code == 409
    assert "Not saved. Transport Coordinator of Lakeshore changed this trip at" in page
    assert "Compare, then save again." in page
    assert detail_of(cast, trip).driver_note == "Hard of hearing", "nothing was saved"
    rows = {row["label"]: row for row in stale.context["compare"]}
    assert set(rows) == {"Pickup time", "Note to driver"}
    assert rows["Pickup time"]["theirs"]
    assert not rows["Pickup time"]["yours"]
    assert rows["Note to driver"]["mine"] == "Ring twice"
    # The second press takes hers and leaves the other's time alone.
    form = stale.context["form"]
    again = {name: form[name].value() for name in form.fields} | {
        name: form.data.get(name, "") for name in ("destination", "destination_text")
    }
    assert again["driver_note"] == "Ring twice"
    saved = dana.post(f"/trips/{trip.number}/change", {name: value or "" for name, value in again.items()})
    assert saved.status_code == 303
    assert detail_of(cast, trip).driver_note == "Ring twice"
    assert at(fresh(cast, trip), 0) == at(trip, 60), "the other's time stands"


def test_the_same_answer_typed_by_both_is_no_quarrel(cast: Cast) -> None:
    trip = opened(cast)
    client = client_of(cast, "case_manager@lakeshore")
    first, second = (form_of(client, trip, driver_note="Ring twice") for _ in range(2))
    client.post(f"/trips/{trip.number}/change", first)
    stale = client.post(f"/trips/{trip.number}/change", second)
    assert stale.status_code == 409
    (row,) = stale.context["compare"]
    assert (row["now"], row["mine"]) == ("Ring twice", "Ring twice")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"pickup_local": "2020-01-01T10:00"}, "Pickup must be after"),
        ({"pickup_local": ""}, "Write the pickup time."),
        ({"destination": "", "destination_text": "nowhere"}, "No place called"),
        ({"needs": ["oxygen"], "oxygen_lpm": ""}, "Write the oxygen flow"),
        ({"needs": ["monitor"]}, "Change the level first"),
        ({"oxygen_lpm": "much", "needs": ["oxygen"]}, "Write the flow as a number"),
        ({"was": "{broken"}, ""),
    ],
)
def test_what_cannot_be_is_named_and_what_was_typed_stays(cast: Cast, typed: dict[str, Any], words: str) -> None:
    trip = opened(cast)
    client = client_of(cast, "case_manager@lakeshore")
    body = form_of(client, trip, driver_note="Kept words") | typed
    answer = client.post(f"/trips/{trip.number}/change", body)
    assert answer.status_code == (422 if words else 303)
    if words:
        page = problem_of(answer)
        assert words in page
        assert "Kept words" in page
        assert detail_of(cast, trip).driver_note == "Hard of hearing"


def test_a_vendor_sees_what_changes_and_agrees(cast: Cast) -> None:
    trip = accepted(cast)
    staff, vendor = client_of(cast, "case_manager@lakeshore"), client_of(cast, "vendor_dispatcher@northbound")
    asked = staff.post(f"/trips/{trip.number}/change", form_of(staff, trip, pickup_local=at(trip, 60)), follow=True)
    page = problem_of(asked)
    assert "Northbound Medical is asked to agree until" in page
    assert "Waiting for Northbound Medical" in page
    card = problem_of(vendor.get("/offers"))
    assert "Changes to agree" in card
    assert f"Trip {trip.number}" in card
    with act_as(cast.staff()):
        proposal = Proposal.objects.get()
    assert f"/changes/{proposal.pk}/agree" in problem_of(vendor.get(f"/trips/{trip.number}"))
    assert vendor.post(f"/changes/{proposal.pk}/agree").status_code == 303
    settle()
    assert at(fresh(cast, trip), 0) == at(trip, 60)
    assert "Changes to agree" not in problem_of(vendor.get("/offers"))


def test_a_vendor_says_no_with_a_reason_and_the_desk_decides(cast: Cast) -> None:
    trip = accepted(cast)
    staff, vendor = client_of(cast, "transport_coordinator@lakeshore"), client_of(cast, "vendor_admin@northbound")
    staff.post(f"/trips/{trip.number}/change", form_of(staff, trip, pickup_local=at(trip, 60)))
    with act_as(cast.staff()):
        proposal = Proposal.objects.get()
    early = staff.post(f"/changes/{proposal.pk}/take-back", {"fee_seen": "0"}, follow=True)
    assert "waits for nobody" in problem_of(early), "the vendor has not answered yet"
    assert fresh(cast, trip).vendor_id == cast.northbound.pk
    empty = vendor.post(f"/changes/{proposal.pk}/refuse", {"note": ""})
    assert (empty.status_code, "Say why" in problem_of(empty)) == (422, True)
    assert vendor.post(f"/changes/{proposal.pk}/refuse", {"note": "Shift ends at 18:00"}).status_code == 303
    settle()
    page = problem_of(staff.get(f"/trips/{trip.number}"))
    assert "Change refused" in page
    assert "Shift ends at 18:00" in page
    assert "Northbound Medical did not agree to the change" in page
    offered = problem_of(staff.get(f"/changes/{proposal.pk}/take-back"))
    assert "No fee applies" in offered
    assert staff.post(f"/changes/{proposal.pk}/keep").status_code == 303
    assert alerts_of(cast, "change_refused") == []
    late = vendor.post(f"/changes/{proposal.pk}/agree", follow=True)
    assert "keeps the trip as it was" in problem_of(late)


def test_the_trip_is_taken_back_on_the_page_with_the_fee_of_now(cast: Cast) -> None:
    with_fees(cast)
    trip = accepted(cast, in_minutes=50)
    staff, vendor = client_of(cast, "transport_coordinator@lakeshore"), client_of(cast, "vendor_admin@northbound")
    staff.post(f"/trips/{trip.number}/change", form_of(staff, trip, pickup_local=at(trip, 60)))
    with act_as(cast.staff()):
        proposal = Proposal.objects.get()
    vendor.post(f"/changes/{proposal.pk}/refuse", {"note": "No driver"})
    settle()
    url = f"/changes/{proposal.pk}/take-back"
    assert "$20.00" in problem_of(staff.get(url))
    stale = staff.post(url, {"fee_seen": "0"})
    assert (stale.status_code, "The fee is $20.00 now" in problem_of(stale)) == (409, True)
    assert staff.post(url, {"fee_seen": "words"}).status_code == 422
    assert staff.post(url, {"fee_seen": "20.00"}).status_code == 303
    assert fresh(cast, trip).vendor_id is None


def test_the_level_page_says_what_it_costs_and_keeps_who_decided(cast: Cast) -> None:
    trip = assigned(cast)
    client = client_of(cast, "case_manager@lakeshore")
    page = problem_of(client.get(f"/trips/{trip.number}/level"))
    assert "wheelchair van" in page
    empty = client.post(f"/trips/{trip.number}/level", {"version": trip.version})
    assert (empty.status_code, "Choose the new level." in problem_of(empty)) == (422, True)
    body = {"version": trip.version, "level": "STR", "mobility": "lies", "reason": "RN Lee: cannot sit"}
    done = client.post(f"/trips/{trip.number}/level", body, follow=True)
    assert "others are asked now" in problem_of(done)
    again = client.post(f"/trips/{trip.number}/level", body)
    assert again.status_code == 409, "the trip moved on"
    assert "RN Lee: cannot sit" in problem_of(again)


def test_a_patient_on_board_has_another_destination_instead_of_a_cancellation(cast: Cast) -> None:
    trip = assigned(cast)
    tap(cast, trip, "on_board")
    client = client_of(cast, "case_manager@lakeshore")
    page = problem_of(client.get(f"/trips/{trip.number}"))
    assert f"/trips/{trip.number}/divert" in page
    assert f"/trips/{trip.number}/cancel" not in page
    assert client.get(f"/trips/{trip.number}/cancel")["Location"] == f"/trips/{trip.number}/divert"
    there = {"destination": "other", "destination_text": "9 Elm St, Madison WI 53719"}
    body = there | {"version": fresh(cast, trip).version}
    empty = client.post(f"/trips/{trip.number}/divert", body)
    assert (empty.status_code, "Say why" in problem_of(empty)) == (422, True)
    done = client.post(f"/trips/{trip.number}/divert", body | {"reason": "No bed there"}, follow=True)
    assert "is asked to agree until" in problem_of(done)


def test_canceling_shows_fee_and_way_back_and_asks_again_when_it_rose(cast: Cast) -> None:
    with_fees(cast)
    out, back = settled_trips(cast, *round_trip(cast, out_in=50))
    take(cast, out)
    take(cast, back)
    client = client_of(cast, "case_manager@lakeshore")
    url = f"/trips/{out.number}/cancel"
    shown = client.get(url)
    page = problem_of(shown)
    assert "A fee of <b>$20.00</b> applies: later than 60 min before the pickup." in page
    assert f"Return: {clock.local(back.pickup_at, back.time_zone):%H:%M}, secured by" in page
    seen = shown.context["form"]["seen"].value()
    body = {"seen": seen, "fee_seen": "20.00", "reason": "patient_request"}
    silent = client.post(url, body)
    assert (silent.status_code, "Say what happens to the way back" in problem_of(silent)) == (422, True)
    rose = client.post(url, body | {"fee_seen": "0.00", "returns": "keep"})
    assert rose.status_code == 409
    assert "The fee is $20.00 now" in problem_of(rose)
    assert 'name="fee_seen" value="20.00"' in problem_of(rose), "the second press carries what was shown"
    assert fresh(cast, out).status == "accepted"
    assert client.post(url, body | {"returns": "keep"}).status_code == 303
    assert (fresh(cast, out).status, fresh(cast, back).status) == ("canceled", "accepted")


def test_a_change_alert_leads_to_the_change_of_the_trip(cast: Cast) -> None:
    trip = opened(cast)
    client = client_of(cast, "case_manager@lakeshore")
    found = client.get(f"/requests/{trip.request_id}/change?pickup={at(trip, 45)}")
    assert (found.status_code, found["Location"]) == (303, f"/trips/{trip.number}/change?pickup={at(trip, 45)}")
    assert at(trip, 45) in problem_of(client.get(found["Location"]))
    with act_as(cast.staff()):
        trips.cancel(trip.pk, reason="patient_request")
    assert client.get(f"/requests/{trip.request_id}/change").status_code == 404


def test_the_page_carries_what_it_showed(cast: Cast) -> None:
    trip = opened(cast)
    client = client_of(cast, "case_manager@lakeshore")
    was = json.loads(form_of(client, trip)["was"])
    assert was["driver_note"] == "Hard of hearing"
    assert was["needs"] == "oxygen"
