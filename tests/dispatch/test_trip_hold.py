"""Holding, resuming, changing and canceling trips."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from dispatch.models import Leg, Offer, Passenger, Run, Trip, TripEvent
from dispatch.services import assignment, offers, transitions, trips
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import Alert, ServiceRequest
from logistics.requests.services import transitions as requests
from tests.cast import Cast
from tests.dispatch.ride import accepted, assigned, fresh, offers_of, open_offer, opened, ticked, vendor_scope
from tests.support import act_as, settle
from vendors.models import Commitment, CommitmentCrew


def request_of(cast: Cast, trip: Trip) -> ServiceRequest:
    with act_as(cast.staff()):
        return ServiceRequest.objects.get(pk=trip.request_id)


def commitments(cast: Cast, trip: Trip) -> list[bool]:
    with act_as(cast.vendor()):
        ids = Run.objects.filter(trip_id=trip.pk).values("commitment_id")
        return list(Commitment.objects.filter(pk__in=ids).order_by("pk").values_list("is_active", flat=True))


def test_opening_twice_makes_one_trip_with_its_sealed_passenger(cast: Cast) -> None:
    trip = opened(cast)
    with act_as(cast.staff()):
        assert trips.open_for_request(trip.request_id) == trip
        assert Trip.objects.count() == 1
        details = Passenger.objects.get(trip=trip).details
        leg = Leg.objects.get(trip=trip)
    assert details["pickup"]["bed"] == "4W-12"
    assert details["destination"]["name"] == "Willow Creek Skilled Nursing"
    assert leg.load["wheelchairs"] == 1
    assert leg.load["seats"] == 1
    assert leg.load["weight_lb"] == 230
    assert 4 < leg.miles < 8
    assert trip.number >= 1


def test_a_request_without_destination_opens_no_trip_and_says_what_is_missing(cast: Cast) -> None:
    from tests.dispatch.ride import book

    request = book(cast, place=None)
    settle()
    with act_as(cast.staff()):
        assert not Trip.objects.exists()
        assert Alert.objects.get(request=request).params["missing"] == ["a destination"]


def test_a_held_trip_withdraws_its_offers_and_goes_on_to_be_matched_again(cast: Cast) -> None:
    trip = opened(cast)
    with act_as(cast.staff()):
        trips.hold(trip.pk, reason="Discharge unclear")
        trips.hold(trip.pk, reason="Discharge unclear")
    settle()
    assert fresh(cast, trip).status == "held"
    assert {offer.status for offer in offers_of(cast, trip)} == {"withdrawn"}
    assert request_of(cast, trip).status == "held"
    with act_as(cast.staff()):
        trips.resume(trip.pk)
    settle()
    assert fresh(cast, trip).status == "offering"
    assert open_offer(cast, trip).round == 2
    assert request_of(cast, trip).status == "requested"


def test_a_canceled_discharge_after_assignment_holds_the_trip_and_keeps_the_vehicle(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(cast.staff()):
        requests.hold(request_of_in_scope(trip), reason="discharge_canceled", source="ehr")
    settle()
    held = fresh(cast, trip)
    assert (held.status, held.held_from, held.vendor_id) == ("held", "crew_assigned", cast.northbound.pk)
    assert held.hold_until is not None
    assert commitments(cast, trip) == [True]
    with act_as(cast.staff()):
        requests.resume(request_of_in_scope(trip))
    settle()
    assert fresh(cast, trip).status == "crew_assigned"
    assert commitments(cast, trip) == [True]


def request_of_in_scope(trip: Trip) -> ServiceRequest:
    return ServiceRequest.objects.get(pk=trip.request_id)


def test_when_the_hold_is_over_vendor_and_vehicle_are_let_go_and_the_trip_stays_held(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(cast.staff()):
        trips.hold(trip.pk, reason="discharge_canceled")
    settle()
    with time_machine.travel(clock.now() + dt.timedelta(minutes=31), tick=False):
        assert ticked()["holds_ended"] == 1
        ticked()
        held = fresh(cast, trip)
        assert (held.status, held.vendor_id, held.held_from) == ("held", None, "matching")
        assert commitments(cast, trip) == [False]
        with act_as(cast.vendor()):
            assert not Passenger.objects.exists()
        with act_as(cast.staff()):
            trips.resume(trip.pk)
        settle()
        assert fresh(cast, trip).status == "offering"


def test_a_crew_under_way_cannot_be_held_and_a_person_is_told(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(cast.staff()):
        requests.hold(request_of_in_scope(trip), reason="discharge_canceled", source="ehr")
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, "en_route", at=clock.now(), key="tap-00000001")
    settle()
    assert fresh(cast, trip).status == "under_way"
    with act_as(cast.staff()):
        assert Alert.objects.filter(code="held_under_way", severity="top").count() == 1


def test_cancellation_tells_the_stage_withdraws_offers_and_frees_the_vehicle(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(cast.staff()):
        trips.cancel(trip.pk, reason="patient_admitted")
        trips.cancel(trip.pk, reason="patient_admitted")
    settle()
    ticked()
    with act_as(cast.staff()):
        event = TripEvent.objects.get(trip=trip, new_status="canceled")
        assert event.details == {"stage": "after_accept", "code": "patient_admitted"}
        assert Leg.objects.get(trip=trip).status == "canceled"
        assert not Offer.objects.filter(trip=trip, status__in=["open", "waiting", "accepted"]).exists()
    assert commitments(cast, trip) == [False]
    assert request_of(cast, trip).status == "canceled"
    with act_as(cast.vendor()):
        assert not CommitmentCrew.objects.filter(is_active=True).exists()
        assert not Passenger.objects.exists()


def test_cancellation_on_the_way_and_at_the_door_is_recorded_as_such(cast: Cast) -> None:
    for taps, stage in ((["en_route"], "en_route"), (["en_route", "at_pickup"], "at_door")):
        trip = assigned(cast)
        with act_as(vendor_scope(cast, cast.northbound.pk)):
            leg = Leg.objects.get(trip_id=trip.pk)
            for number, to in enumerate(taps):
                transitions.tap(leg.pk, to, at=clock.now(), key=f"tap-{number}-{leg.pk}"[:60])
        with act_as(cast.staff()):
            trips.cancel(trip.pk, reason="patient_refused")
            assert TripEvent.objects.get(trip=trip, new_status="canceled").details["stage"] == stage
        settle()
        ticked()


def test_nothing_is_canceled_once_the_patient_is_on_board(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, "on_board", at=clock.now(), key="tap-00000001")
    with act_as(cast.staff()), pytest.raises(IllegalMove, match="on board"):
        trips.cancel(trip.pk, reason="other")
    with act_as(vendor_scope(cast, cast.northbound.pk)), pytest.raises(IllegalMove, match="on board"):
        offers.turn_back(trip.pk, code="other")


def test_a_cancellation_without_a_known_reason_is_refused(cast: Cast) -> None:
    trip = opened(cast)
    with act_as(cast.staff()), pytest.raises(DomainError, match="Choose a reason"):
        trips.cancel(trip.pk, reason="because")


def test_a_canceled_request_cancels_its_trip(cast: Cast) -> None:
    trip = opened(cast)
    with act_as(cast.staff()):
        requests.request_to(request_of_in_scope(trip), "canceled", reason="patient_deceased")
    settle()
    assert fresh(cast, trip).status == "canceled"
    with act_as(cast.staff()):
        assert TripEvent.objects.get(trip=trip, new_status="canceled").details["code"] == "patient_deceased"


def test_a_new_bed_reaches_the_crew_and_changes_nothing_else(cast: Cast) -> None:
    trip = accepted(cast)
    with act_as(cast.staff()):
        trip.request.transport_rows.update(pickup_bed_label="4E-02")
        trips.update_from_request(trip.request_id)
    settle()
    assert fresh(cast, trip).status == "accepted"
    with act_as(cast.vendor()):
        assert Passenger.objects.get().details["pickup"]["bed"] == "4E-02"
    with act_as(cast.staff()):
        assert not Alert.objects.exists()


def test_a_new_time_before_acceptance_is_offered_anew_and_after_it_raises_an_alert(cast: Cast) -> None:
    waiting, taken = opened(cast), accepted(cast)
    for trip in (waiting, taken):
        with act_as(cast.staff()):
            trip.request.transport_rows.update(pickup_at=trip.pickup_at + dt.timedelta(hours=1))
            trips.update_from_request(trip.request_id)
    settle()
    assert open_offer(cast, waiting).round == 2
    moved = fresh(cast, taken)
    assert (moved.status, moved.pickup_at) == ("accepted", taken.pickup_at + dt.timedelta(hours=1))
    with act_as(cast.staff()):
        assert [alert.code for alert in Alert.objects.all()] == ["changed_after_acceptance"]


def test_a_when_ready_ride_is_wanted_now_once_the_unit_calls(cast: Cast) -> None:
    later = clock.now() + dt.timedelta(hours=3)
    trip = accepted(cast, when="ready", pickup_at=None, ready_expected_at=later)
    assert not trip.is_ready
    with act_as(cast.staff()):
        trips.mark_ready(trip.pk)
        trips.mark_ready(trip.pk)
        assert TripEvent.objects.filter(trip=trip, reason="Patient is ready").count() == 1
    ready = fresh(cast, trip)
    assert ready.is_ready
    assert ready.pickup_at < later


def test_a_trip_without_vehicle_can_be_taken_off_and_given_another(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        assignment.unassign(trip.pk, reason="Flat tire")
    assert fresh(cast, trip).status == "accepted"
    assert commitments(cast, trip) == [False]


def test_a_crew_under_way_keeps_what_was_agreed_and_gets_the_new_bed(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, "en_route", at=clock.now(), key="tap-00000001")
    other = {"line": "2210 Alder St", "city": "Madison", "state": "WI", "zip_code": "53704"}
    with act_as(cast.staff()):
        detail = trip.request.transport_rows.get()
        detail.place, detail.destination_kind, detail.destination_address = None, "home", other
        detail.destination_latitude, detail.destination_longitude = 43.12, -89.34
        detail.pickup_bed_label = "4E-02"
        detail.save()
        trips.update_from_request(trip.request_id)
        details = Passenger.objects.get(trip=trip).details
        assert Leg.objects.get(trip=trip).dropoff_latitude == leg.dropoff_latitude
        assert Alert.objects.get().code == "changed_under_way"
    assert details["pickup"]["bed"] == "4E-02"
    assert details["destination"]["name"] == "Willow Creek Skilled Nursing"
