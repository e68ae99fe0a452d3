"""Matching a trip and asking vendors one after another."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import time_machine

from dispatch.models import MatchExplanation, Offer, Trip
from dispatch.services import offers, trips
from logistics.core import clock
from logistics.core.errors import StaleState
from logistics.requests.models import Alert, ServiceRequest
from tests.cast import Cast
from tests.dispatch.ride import FAMILY, fresh, offers_of, open_offer, opened, ticked, vendor_scope
from tests.support import act_as, settle
from vendors.models import Credential, Network


def decline_first(cast: Cast, trip: Trip, code: str = "vendor_no_vehicle") -> Offer:
    offer = open_offer(cast, trip)
    with act_as(vendor_scope(cast, offer.vendor_id)):
        offers.decline(offer.pk, code=code)
    settle()
    return offer


def test_a_confirmed_request_is_matched_and_the_best_vendor_is_asked_first(cast: Cast) -> None:
    trip = opened(cast)
    assert trip.status == "offering"
    assert [offer.status for offer in offers_of(cast, trip)] == ["open", "waiting"]
    assert {offer.vendor_id for offer in offers_of(cast, trip)} == {cast.northbound.pk, cast.tamarack.pk}


def test_the_explanation_names_vendors_prices_and_the_engine(cast: Cast) -> None:
    trip = opened(cast)
    with act_as(cast.staff()):
        explanation = MatchExplanation.objects.get(trip=trip)
    assert explanation.status == "OPTIMAL"
    assert explanation.gap == 0
    assert "CP-SAT" in explanation.engine
    first, second = explanation.body["vendors"]
    assert {first["name"], second["name"]} == {"Northbound Medical", "Tamarack Ambulance"}
    assert first["chosen"]
    assert first["price_amount"] == str(offers_of(cast, trip)[0].price_amount)
    assert first["on_time_rate"] is None
    assert "no on-time record yet" in first["verdict"]


def test_an_offer_says_nothing_that_names_or_finds_the_patient(cast: Cast) -> None:
    trip = opened(cast, isolation="droplet")
    brief = open_offer(cast, trip).brief
    text = json.dumps(brief)
    for secret in (FAMILY, "Agnes", "1945", "0142", "4W-12", "450 Creek", "Willow", "Hard of hearing", "53711"):
        assert secret not in text
    assert brief["dropoff_zone"] == "Madison, 537"
    assert brief["weight_band"] == "under 200 lb"
    assert brief["needs"] == ["own oxygen 2 L"]
    assert brief["isolation"].startswith("Droplet precautions")
    assert brief["distance_band"] == "5 to 10 mi"


def test_a_decline_asks_the_next_vendor(cast: Cast) -> None:
    trip = opened(cast)
    first = decline_first(cast, trip)
    second = open_offer(cast, trip)
    assert second.vendor_id != first.vendor_id
    assert fresh(cast, first).decline_code == "vendor_no_vehicle"
    assert fresh(cast, trip).status == "offering"


def test_when_all_decline_the_trip_is_exhausted_and_a_person_is_told(cast: Cast) -> None:
    trip = opened(cast)
    decline_first(cast, trip)
    decline_first(cast, trip)
    assert fresh(cast, trip).status == "exhausted"
    with act_as(cast.staff()):
        alert = Alert.objects.get(code="exhausted")
        assert alert.severity == "top"
        assert alert.params["declined"] == 2
        assert ServiceRequest.objects.get(pk=trip.request_id).status == "requested"


def test_an_offer_without_answer_expires_and_the_next_vendor_is_asked(cast: Cast) -> None:
    trip = opened(cast)
    first = open_offer(cast, trip)
    with time_machine.travel(clock.now() + dt.timedelta(minutes=8), tick=False):
        assert ticked()["expired"] == 1
        assert fresh(cast, first).status == "expired"
        assert open_offer(cast, trip).vendor_id != first.vendor_id


def test_an_offer_never_stays_open_beyond_the_pickup(cast: Cast) -> None:
    trip = opened(cast, in_minutes=5)
    offer = open_offer(cast, trip)
    assert offer.expires_at is not None
    assert offer.expires_at <= trip.pickup_at


def test_an_expired_offer_is_refused_in_words_even_before_the_clock_ran(cast: Cast) -> None:
    trip = opened(cast)
    offer = open_offer(cast, trip)
    with (
        time_machine.travel(clock.now() + dt.timedelta(minutes=8), tick=False),
        act_as(vendor_scope(cast, offer.vendor_id)),
        pytest.raises(StaleState, match=r"This offer ended at \d\d:\d\d"),
    ):
        offers.accept(offer.pk)
    assert fresh(cast, trip).vendor_id is None


def test_matching_again_makes_a_new_round_without_the_vendor_that_declined(cast: Cast) -> None:
    trip = opened(cast)
    first = decline_first(cast, trip, "too_far")
    with act_as(cast.staff()):
        offers.start_over(trip.pk, reason="Try again")
    settle()
    rounds = {offer.round: offer.vendor_id for offer in offers_of(cast, trip) if offer.round == 2}
    assert list(rounds.values()) == [open_offer(cast, trip).vendor_id]
    with act_as(cast.staff()):
        body = MatchExplanation.objects.get(trip=trip, round=2).body
    assert [row["text"] for row in body["refused"] if row["vendor_id"] == str(first.vendor_id)] == [
        f"{cast.northbound.name if first.vendor_id == cast.northbound.pk else cast.tamarack.name}"
        " declined this trip: too far"
    ]


def test_a_vendor_that_declined_is_asked_again_when_the_ride_is_another_one(cast: Cast) -> None:
    trip = opened(cast)
    first = decline_first(cast, trip, "too_soon")
    with act_as(cast.staff()):
        trip.request.transport_rows.update(pickup_at=trip.pickup_at + dt.timedelta(hours=2))
        trips.update_from_request(trip.request_id)
    settle()
    assert first.vendor_id in {offer.vendor_id for offer in offers_of(cast, trip) if offer.round == 2}


def test_a_suspended_vendor_and_a_lapsed_license_are_named_as_reasons(cast: Cast) -> None:
    with act_as(cast.staff()):
        Network.objects.filter(vendor=cast.northbound).update(status="suspended", suspended_reason="Insurance ended")
    with act_as(cast.vendor(cast.tamarack)):
        Credential.objects.filter(kind="vendor_license").update(ends_on=dt.date(2026, 1, 5))
    trip = opened(cast)
    assert trip.status == "exhausted"
    with act_as(cast.staff()):
        refused = {row["name"]: row["text"] for row in MatchExplanation.objects.get(trip=trip).body["refused"]}
    assert refused["Northbound Medical"] == "Northbound Medical is suspended: Insurance ended"
    assert refused["Tamarack Ambulance"] == "Transport license of Tamarack Ambulance expired 5 Jan"


def test_a_vendor_without_a_license_on_file_is_not_asked(cast: Cast) -> None:
    with act_as(cast.vendor(cast.tamarack)):
        Credential.objects.filter(kind="insurance").delete()
    trip = opened(cast)
    assert [offer.vendor_id for offer in offers_of(cast, trip)] == [cast.northbound.pk]
    with act_as(cast.staff()):
        refused = MatchExplanation.objects.get(trip=trip).body["refused"]
    assert [row["text"] for row in refused] == ["Tamarack Ambulance has no liability insurance on file"]


def test_a_vendor_suspended_after_the_ranking_is_not_asked_any_more(cast: Cast) -> None:
    trip = opened(cast)
    waiting = next(offer for offer in offers_of(cast, trip) if offer.status == "waiting")
    with act_as(cast.staff()):
        Network.objects.filter(vendor_id=waiting.vendor_id).update(status="suspended")
    decline_first(cast, trip)
    assert fresh(cast, waiting).status == "withdrawn"
    assert fresh(cast, trip).status == "exhausted"


def test_all_waiting_trips_are_decided_together_and_both_find_a_vehicle(cast: Cast) -> None:
    first, second = opened(cast), opened(cast)
    assert {first.status, second.status} == {"offering"}
    with act_as(cast.staff()):
        assert Offer.objects.filter(status="open").count() == 2


def test_a_stretcher_ride_is_offered_only_to_who_carries_stretchers(cast: Cast) -> None:
    trip = opened(cast, level="STR", mobility="lies", needs=[], oxygen_lpm=None)
    assert [offer.vendor_id for offer in offers_of(cast, trip)] == [cast.tamarack.pk]
    with act_as(cast.staff()):
        refused = MatchExplanation.objects.get(trip=trip).body["refused"]
    assert [row["text"] for row in refused] == ["Northbound Medical does not offer a stretcher van"]


def test_a_ride_in_three_days_is_offered_without_a_vehicle_in_mind(cast: Cast) -> None:
    trip = opened(cast, in_minutes=3 * 24 * 60)
    assert trip.status == "offering"
    with act_as(cast.staff()):
        body = MatchExplanation.objects.get(trip=trip).body
    assert [row["vehicle_id"] for row in body["vendors"]] == ["", ""]


def test_asking_all_at_once_opens_every_waiting_offer(cast: Cast) -> None:
    trip = opened(cast)
    with act_as(cast.staff()):
        assert offers.broadcast(trip.pk) == 1
    assert [offer.status for offer in offers_of(cast, trip)] == ["open", "open"]


def test_sending_twice_asks_once(cast: Cast) -> None:
    trip = opened(cast)
    with act_as(cast.staff()):
        again = offers.send_next(trip.pk)
    assert again is not None
    assert [offer.status for offer in offers_of(cast, trip)] == ["open", "waiting"]
