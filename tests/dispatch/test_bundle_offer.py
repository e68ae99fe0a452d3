"""Rides of a journey for one vendor: one question, one answer, all or none."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from dispatch.models import Offer, Trip
from dispatch.services import bundles, offers, trips
from logistics.core import scoping
from logistics.core.errors import DomainError, IllegalMove, StaleState
from logistics.requests.models import Journey, TransportDetail
from logistics.requests.services.transitions import request_to
from tests.cast import Cast
from tests.dispatch.journey import round_trip, settled_trips, take, with_fees
from tests.dispatch.ride import fresh, offers_of, open_offer, vendor_scope
from tests.support import act_as, settle


def test_one_offer_shows_each_ride_and_the_sum(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, same_vendor=True))
    offer, along = open_offer(cast, out), open_offer(cast, back)
    assert along.lead_id == offer.pk
    assert along.vendor_id == offer.vendor_id
    assert Decimal(offer.brief["total_amount"]) == offer.price_amount + along.price_amount
    assert [ride["pickup_at"] for ride in offer.brief["rides"]] == [back.pickup_at.isoformat()]
    assert (out.status, back.status) == ("offering", "offering")


def test_yes_takes_every_ride_at_once(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, same_vendor=True))
    offer = take(cast, out)
    out, back = fresh(cast, out), fresh(cast, back)
    assert (out.status, out.vendor_id) == ("accepted", offer.vendor_id)
    assert (back.status, back.vendor_id) == ("accepted", offer.vendor_id)
    with act_as(vendor_scope(cast, offer.vendor_id)):
        assert offers.accept(offer.pk).pk == out.pk, "the same yes again"


def test_no_lets_every_ride_go_to_the_next_vendor(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, same_vendor=True))
    first = open_offer(cast, out)
    with act_as(vendor_scope(cast, first.vendor_id)):
        offers.decline(first.pk, code="vendor_no_crew")
    settle()
    second, along = open_offer(cast, out), open_offer(cast, back)
    assert second.vendor_id != first.vendor_id
    assert along.lead_id == second.pk
    assert [o.status for o in offers_of(cast, back)] == ["declined", "open"]


def test_the_ride_along_is_not_answered_alone(cast: Cast) -> None:
    _, back = settled_trips(cast, *round_trip(cast, same_vendor=True))
    along = open_offer(cast, back)
    with act_as(vendor_scope(cast, along.vendor_id)):
        with pytest.raises(IllegalMove, match="stands for all"):
            offers.accept(along.pk)
        with pytest.raises(IllegalMove, match="stands for all"):
            offers.decline(along.pk, code="too_far")


def test_nothing_is_taken_when_one_ride_cannot_be_and_the_rest_is_asked_anew(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, same_vendor=True))
    offer = open_offer(cast, out)
    with act_as(cast.staff()):
        trips.cancel(back.pk, reason="patient_request")
    with act_as(vendor_scope(cast, offer.vendor_id)), pytest.raises(StaleState, match="Nothing was accepted") as caught:
        offers.accept(offer.pk)
    assert caught.value.code == "bundle"
    assert fresh(cast, out).vendor_id is None
    settle()
    again = open_offer(cast, out)
    assert again.pk != offer.pk
    assert "rides" not in again.brief
    take(cast, out)
    assert fresh(cast, out).status == "accepted"


def test_a_ride_booked_later_joins_while_nobody_has_taken_the_first(cast: Cast) -> None:
    first, later = round_trip(cast, same_vendor=True, confirm_back=False)
    settled_trips(cast, first)
    with act_as(cast.staff()):
        request_to(later, "requested")
    out, back = settled_trips(cast, first, later)
    assert open_offer(cast, back).lead_id == open_offer(cast, out).pk
    statuses = [offer.status for offer in offers_of(cast, out)]
    assert statuses.count("open") == 1
    assert "withdrawn" in statuses, "what was asked about the first ride alone"


def test_a_ride_booked_after_the_yes_is_offered_first_to_who_has_the_other(cast: Cast) -> None:
    first, later = round_trip(cast, same_vendor=True, confirm_back=False)
    (out,) = settled_trips(cast, first)
    refused = open_offer(cast, out)
    with act_as(vendor_scope(cast, refused.vendor_id)):
        offers.decline(refused.pk, code="vendor_no_vehicle")
    settle()
    second_choice = take(cast, out).vendor_id
    with act_as(cast.staff()):
        request_to(later, "requested")
    (back,) = settled_trips(cast, later)
    assert open_offer(cast, back).vendor_id == second_choice
    assert open_offer(cast, back).lead_id is None


def test_a_changed_ride_withdraws_the_question_about_both(cast: Cast) -> None:
    _, back_request = rides = round_trip(cast, same_vendor=True)
    out, back = settled_trips(cast, *rides)
    offer = open_offer(cast, out)
    with act_as(cast.staff()):
        detail = TransportDetail.objects.get(request=back_request)
        detail.pickup_at += dt.timedelta(hours=1)
        detail.save()
        trips.update_from_request(back_request.pk)
    settle()
    again = open_offer(cast, out)
    assert again.pk != offer.pk
    assert [ride["pickup_at"] for ride in again.brief["rides"]] == [fresh(cast, back).pickup_at.isoformat()]


def test_nobody_who_takes_all_is_said_and_the_rides_can_be_offered_apart(cast: Cast) -> None:
    rides = round_trip(cast, same_vendor=True, back={"level": "STR", "mobility": "lies"})
    out, back = settled_trips(cast, *rides)
    # Northbound has no stretcher and Tamarack's can do both.
    assert {offer.vendor_id for offer in offers_of(cast, out)} == {cast.tamarack.pk}
    offer = open_offer(cast, out)
    with act_as(vendor_scope(cast, offer.vendor_id)):
        offers.decline(offer.pk, code="vendor_no_crew")
    settle()
    assert (fresh(cast, out).status, fresh(cast, back).status) == ("exhausted", "exhausted")
    with act_as(cast.staff()):
        bundles.split(out.pk)
        assert Journey.objects.get().same_vendor is False
        offers.start_over(out.pk, reason="apart")
    settle()
    assert open_offer(cast, out).vendor_id == cast.northbound.pk


def test_a_vehicle_that_waits_is_one_vendors_and_the_wait_is_priced(cast: Cast) -> None:
    with_fees(cast, wait=True)
    out, back = settled_trips(cast, *round_trip(cast, kind="wait_return", wait_minutes=50))
    offer, along = open_offer(cast, out), open_offer(cast, back)
    assert offer.brief["wait_minutes"] == 50
    # 35 minutes beyond the 15 free ones are three begun quarters of an hour.
    assert along.brief["wait_amount"] == "24.00"
    plain = offer.price_amount
    assert along.price_amount == plain + Decimal("24.00")
    with act_as(cast.staff()), pytest.raises(IllegalMove, match="one vendor does both"):
        bundles.split(out.pk)


def test_a_round_trip_that_any_vendors_may_share_is_asked_about_ride_by_ride(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast))
    assert open_offer(cast, out).lead_id is None
    assert open_offer(cast, back).lead_id is None


def test_bringing_into_step_twice_changes_nothing_more(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, same_vendor=True))
    with act_as(cast.staff()):
        assert bundles.regroup_all() == 0
        assert bundles.regroup_of(back.pk) == 0
    assert open_offer(cast, out).status == "open"


@pytest.mark.django_db(transaction=True)
def test_of_vendors_that_say_yes_at_once_one_gets_all_rides_and_the_others_none(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, same_vendor=True))
    with act_as(cast.staff()):
        offers.broadcast(back.pk)
    asked = [offer for offer in offers_of(cast, out) if offer.status == "open"]
    assert len(asked) == 2
    barrier, answers = threading.Barrier(len(asked)), {}

    def answer(offer: Offer) -> None:
        try:
            barrier.wait(timeout=10)
            with transaction.atomic(), scoping.enter(vendor_scope(cast, offer.vendor_id)):
                offers.accept(offer.pk)
            answers[offer.vendor_id] = "won"
        except DomainError as problem:
            answers[offer.vendor_id] = problem.code
        finally:
            connection.close()

    workers = [threading.Thread(target=answer, args=(offer,)) for offer in asked]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    winners = [vendor_id for vendor_id, said in answers.items() if said == "won"]
    assert len(winners) == 1, answers
    rows: list[Any] = [fresh(cast, out), fresh(cast, back)]
    assert {row.vendor_id for row in rows} == set(winners)
    with act_as(cast.staff()):
        for trip in (out, back):
            assert Offer.objects.filter(trip=trip, status="accepted").count() == 1
        assert Trip.objects.filter(status="accepted").count() == 2
