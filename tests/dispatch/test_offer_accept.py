"""Taking an offer: one winner, told losers, and what a vendor may know before and after."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from dispatch.models import Leg, Offer, OfferEvent, Passenger, Trip, TripEvent
from dispatch.services import offers
from dispatch.services.transitions import offer_to
from logistics.accounts.models import Organization
from logistics.core import clock, scoping
from logistics.core.errors import DomainError, IllegalMove, StaleState
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.models import Patient, ServiceRequest
from tests.cast import Cast, build_cast
from tests.dispatch.ride import FAMILY, book, fresh, offers_of, open_offer, opened, trip_of, vendor_scope
from tests.support import act_as, settle


def accept(cast: Cast, offer: Offer, **more: Any) -> Trip:
    with act_as(vendor_scope(cast, offer.vendor_id)):
        return offers.accept(offer.pk, **more)


def test_acceptance_gives_the_trip_its_vendor_price_and_promise(cast: Cast) -> None:
    trip = opened(cast)
    offer = open_offer(cast, trip)
    eta = trip.pickup_at + dt.timedelta(minutes=4)
    accept(cast, offer, eta_at=eta)
    settle()
    trip = fresh(cast, trip)
    assert (trip.status, trip.vendor_id, trip.price_amount) == ("accepted", offer.vendor_id, offer.price_amount)
    assert (trip.eta_at, trip.price_rate_id) == (eta, offer.rate_id)
    assert [o.status for o in offers_of(cast, trip)] == ["accepted", "withdrawn"]
    with act_as(cast.staff()):
        assert ServiceRequest.objects.get(pk=trip.request_id).status == "scheduled"
        assert Leg.objects.get(trip=trip).vendor_id == offer.vendor_id


def test_accepting_twice_is_accepting_once(cast: Cast) -> None:
    trip = opened(cast)
    offer = open_offer(cast, trip)
    assert accept(cast, offer).pk == accept(cast, offer).pk
    with act_as(cast.staff()):
        assert TripEvent.objects.filter(trip=trip, new_status="accepted").count() == 1


def test_a_vendor_reads_no_patient_before_acceptance_and_its_passenger_after(cast: Cast) -> None:
    trip = opened(cast)
    offer = open_offer(cast, trip)
    scope = vendor_scope(cast, offer.vendor_id)
    with act_as(scope):
        assert Offer.objects.get(pk=offer.pk).brief["level"] == "WC"
        assert not Trip.objects.filter(pk=trip.pk).exists()
        assert not Leg.objects.exists()
        assert not Passenger.objects.exists()
    for model in (Patient, ServiceRequest):
        with pytest.raises(ProgrammingError, match="permission denied"), act_as(scope):
            model.objects.count()
    accept(cast, offer)
    with act_as(scope):
        assert Passenger.objects.get().details["family_name"] == FAMILY
        assert Trip.objects.get().number == trip.number
    with pytest.raises(ProgrammingError, match="permission denied"), act_as(scope):
        Patient.objects.count()


def test_the_crossing_itself_reads_no_passenger_details(cast: Cast) -> None:
    trip = opened(cast)
    offer = open_offer(cast, trip)
    scope = vendor_scope(cast, offer.vendor_id)
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        act_as(scope),
        scoping.enter(scope.crossing(trip.tenant_id)),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT details FROM dispatch_passenger")


def test_a_vendor_that_was_not_asked_cannot_reach_the_trip_by_crossing(cast: Cast) -> None:
    trip = opened(cast, slug="prairie")
    scope = vendor_scope(cast, cast.tamarack.pk)
    with act_as(scope), scoping.enter(scope.crossing(cast.prairie.pk)):
        assert not Trip.objects.filter(pk=trip.pk).exists()
        assert Trip.objects.filter(pk=trip.pk).update(vendor_id=cast.tamarack.pk) == 0


def test_an_offer_that_waits_does_not_exist_for_its_vendor(cast: Cast) -> None:
    trip = opened(cast)
    waiting = next(offer for offer in offers_of(cast, trip) if offer.status == "waiting")
    with act_as(vendor_scope(cast, waiting.vendor_id)), pytest.raises(DomainError, match="does not exist"):
        offers.accept(waiting.pk)


def test_another_vendors_offer_does_not_exist(cast: Cast) -> None:
    offer = open_offer(cast, opened(cast))
    other = cast.tamarack if offer.vendor_id == cast.northbound.pk else cast.northbound
    with act_as(vendor_scope(cast, other.pk)), pytest.raises(DomainError, match="does not exist"):
        offers.accept(offer.pk)
    assert fresh(cast, offer).status == "open"


def test_a_promise_in_the_past_is_refused(cast: Cast) -> None:
    offer = open_offer(cast, opened(cast))
    with pytest.raises(DomainError) as refusal:
        accept(cast, offer, eta_at=clock.now() - dt.timedelta(hours=1))
    assert "eta_at" in refusal.value.fields


def test_staff_enter_the_answer_of_a_vendor_on_the_phone(cast: Cast) -> None:
    trip = opened(cast)
    first = open_offer(cast, trip)
    with act_as(cast.staff()):
        offers.decline_for(first.pk, code="vendor_no_crew", reason="Jo Tran by phone")
    settle()
    with act_as(cast.staff()):
        offers.accept_for(open_offer(cast, trip).pk, reason="Sam Lee by phone")
        assert set(OfferEvent.objects.filter(new_status__in=["declined", "accepted"]).values_list("source")) == {
            ("operator",)
        }
    with act_as(cast.staff()), pytest.raises(DomainError, match="Say who"):
        offers.accept_for(first.pk, reason=" ")


def test_a_trip_given_back_is_matched_again_without_that_vendor_and_closed_to_it(cast: Cast) -> None:
    trip = opened(cast)
    offer = open_offer(cast, trip)
    accept(cast, offer)
    settle()
    with act_as(vendor_scope(cast, offer.vendor_id)):
        offers.turn_back(trip.pk, code="vendor_no_vehicle", note="Broke down")
    settle()
    trip = fresh(cast, trip)
    assert (trip.status, trip.vendor_id) == ("offering", None)
    assert fresh(cast, offer).status == "turned_back"
    assert open_offer(cast, trip).vendor_id != offer.vendor_id
    with act_as(vendor_scope(cast, offer.vendor_id)):
        assert not Passenger.objects.exists()
        assert not Trip.objects.exists()
    with act_as(cast.staff()):
        assert ServiceRequest.objects.get(pk=trip.request_id).status == "requested"


def test_only_the_vendor_that_has_a_trip_gives_it_back(cast: Cast) -> None:
    trip = opened(cast)
    offer = open_offer(cast, trip)
    accept(cast, offer)
    other = cast.tamarack if offer.vendor_id == cast.northbound.pk else cast.northbound
    with act_as(vendor_scope(cast, other.pk)), pytest.raises(DomainError, match="does not exist"):
        offers.turn_back(trip.pk, code="other")
    with act_as(cast.staff()):
        offers.turn_back_for(trip.pk, code="other", reason="No answer at the depot")
    assert fresh(cast, trip).status == "matching"
    with act_as(cast.staff()), pytest.raises(IllegalMove):
        offers.turn_back_for(trip.pk, code="other", reason="Again")


def test_an_offer_of_a_canceled_trip_is_refused_politely(cast: Cast) -> None:
    from dispatch.services import trips

    trip = opened(cast)
    offer = open_offer(cast, trip)
    with act_as(cast.staff()):
        trips.cancel(trip.pk, reason="patient_request")
    with pytest.raises(StaleState, match="withdrawn"):
        accept(cast, offer)


@pytest.mark.django_db(transaction=True)
def test_of_ten_vendors_that_accept_at_once_one_wins_and_nine_are_told_why() -> None:
    cast = build_cast()
    request = book(cast)
    settle()
    trip = trip_of(cast, request)
    with transaction.atomic(), scoping.enter(Scope.system(actor_label="test")):
        vendors = [
            Organization.objects.create(kind="vendor", name=f"Racer {n}", short_name=f"R{n}", slug=f"racer-{n}")
            for n in range(10)
        ]
    with act_as(cast.staff()):
        template = Offer.objects.get(trip=trip, status="open")
        racing = []
        for number, vendor in enumerate(vendors):
            offer = Offer.objects.create(
                trip=trip, vendor=vendor, rank=10 + number, brief=template.brief, rate_id=template.rate_id,
                price_amount=template.price_amount, response_minutes=7,
            )  # fmt: skip
            racing.append(offer_to(offer, "open", changes={"expires_at": clock.now() + dt.timedelta(minutes=7)}))
    start = threading.Barrier(10)
    outcomes: list[str] = []

    def race(offer: Offer) -> None:
        try:
            start.wait(timeout=20)
            with act_as(vendor_scope(cast, offer.vendor_id)):
                offers.accept(offer.pk)
            outcomes.append("won")
        except StaleState as refusal:
            outcomes.append(refusal.message)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(offer,)) for offer in racing]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes, key=len) == ["won", *[offers.GONE] * 9]
    with act_as(cast.staff()):
        winner = Trip.objects.get(pk=trip.pk)
        assert winner.status == "accepted"
        assert Offer.objects.filter(trip=trip, status="accepted").get().vendor_id == winner.vendor_id
        assert TripEvent.objects.filter(trip=trip, new_status="accepted").count() == 1
    with transaction.atomic(), scoping.enter(Scope.system(actor_label="test")):
        assert AuditEntry.objects.filter(action="trip.accepted").count() == 1
        assert OutboxEvent.objects.filter(topic="trip.accepted").count() == 1
        assert OutboxEvent.objects.filter(topic="offer.accepted").count() == 1
    settle()
    with act_as(cast.staff()):
        assert Offer.objects.filter(trip=trip, status__in=["open", "waiting"]).count() == 0


def test_an_acceptance_in_the_last_second_counts(cast: Cast) -> None:
    trip = opened(cast)
    offer = open_offer(cast, trip)
    assert offer.expires_at is not None
    with time_machine.travel(offer.expires_at - dt.timedelta(seconds=1), tick=False):
        accept(cast, offer)
    assert fresh(cast, trip).status == "accepted"
