"""A canceled discharge after a vendor accepted, and ten acceptances at once, through the real processes."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from dispatch.models import Offer, Trip
from dispatch.services import offers
from integrations.models import InboundMessage
from logistics.accounts.services import organizations
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope
from logistics.requests.models import Alert, Encounter, ServiceRequest
from tests.cast import Cast
from tests.dispatch.ride import opened
from tests.journeys.stack import running, wait_until
from tests.journeys.world import build_world, send
from tests.support import act_as, settle

pytestmark = pytest.mark.timeout(240)


@pytest.mark.django_db(transaction=True)
def test_a_canceled_discharge_holds_an_accepted_ride_and_alerts(cast_world: Cast) -> None:
    cast = cast_world
    with running("relay", "mllp", "worker") as stack:
        stack.wait_for_mllp()
        send(stack.mllp_port, "a01-admit", "a16-pending-discharge")
        wait_until(lambda: _count(cast, ServiceRequest, status="draft") == 1, 60, "the draft")
        _confirm(cast)
        wait_until(lambda: _count(cast, Offer, status="open") == 1, 60, "the offer")
        _accept(cast)
        wait_until(lambda: _count(cast, ServiceRequest, status="scheduled") == 1, 30, "the acceptance")
        send(stack.mllp_port, "a03-discharge", "a13-cancel-discharge")
        wait_until(lambda: _count(cast, InboundMessage, state="done") == 4, 60, "the cancel")
        wait_until(lambda: _count(cast, Trip, status="held") == 1, 30, "the hold")
    with act_as(cast.staff()):
        trip = Trip.objects.get()
        assert trip.vendor_id is not None, "the vendor keeps the trip while it is held"
        assert trip.hold_until is not None
        assert ServiceRequest.objects.get().status == "held"
        assert Encounter.objects.get().status == "in_house"
        assert Alert.objects.filter(request=ServiceRequest.objects.get(), acknowledged_at__isnull=True).exists()


@pytest.mark.django_db(transaction=True)
def test_ten_vendors_accept_at_once_and_one_has_the_trip(cast_world: Cast) -> None:
    cast = cast_world
    trip = opened(cast)
    rivals = _ten_open_offers(cast, trip)
    barrier = threading.Barrier(len(rivals))
    won, refused, broken = [], [], []

    def take(vendor_id, offer_id) -> None:
        try:
            barrier.wait(20)
            with act_as(Scope.vendor(vendor_id, actor_label="Rival", actor_role="vendor_dispatcher")):
                offers.accept(offer_id)
            won.append(vendor_id)
        except DomainError as answer:
            refused.append(answer.message)
        except Exception as error:
            broken.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=rival) for rival in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert broken == []
    assert (len(won), len(refused)) == (1, len(rivals) - 1)
    assert all("taken" in words or "another" in words.lower() for words in refused), refused
    settle()
    with act_as(cast.staff()):
        trip = Trip.objects.get(pk=trip.pk)
        assert (trip.status, trip.vendor_id) == ("accepted", won[0])
        assert Offer.objects.filter(trip=trip, status="accepted").count() == 1
        assert not Offer.objects.filter(trip=trip, status="open").exists()


@pytest.fixture
def cast_world(transactional_db: None) -> Cast:
    """The journeys' world in committed rows."""
    return build_world()


def _count(cast: Cast, model, **filters) -> int:
    with act_as(cast.staff()):
        return model.objects.filter(**filters).count()


def _confirm(cast: Cast) -> None:
    from logistics.requests.services import booking, places

    with act_as(cast.staff()):
        request = ServiceRequest.objects.get()
        patient = request.patient
        fields = {
            **booking.chart_defaults(patient, request.encounter),
            "when": "now",
            "mobility": "wheelchair",
            "destination": places.resolve(value=str(cast.places["willow@lakeshore"].pk), text="", patient=patient),
            "companions": 0,
        }
        level = booking.advise_for(fields, patient).level
        booking.confirm(request_id=request.pk, fields=fields, key="journey-confirm-1", level_seen=level)


def _accept(cast: Cast) -> None:
    with act_as(cast.staff()):
        offer = Offer.objects.get(status="open")
    with act_as(Scope.vendor(offer.vendor_id, actor_label="Dispatcher", actor_role="vendor_dispatcher")):
        offers.accept(offer.pk)


def _ten_open_offers(cast: Cast, trip: Trip) -> list[tuple]:
    """The open offer and nine more vendors with one each, as after asking everybody at once."""
    with act_as(Scope.system(actor_label="test")):
        new = [
            organizations.create(
                kind="vendor", name=f"Rival {n}", short_name=f"R{n}", slug=f"rival-{n}", time_zone="America/Chicago"
            )
            for n in range(9)
        ]
    with act_as(cast.staff()):
        first = Offer.objects.get(trip=trip, status="open")
        rows = [(first.vendor_id, first.pk)]
        for rank, vendor in enumerate(new, start=20):
            offer = Offer.objects.create(
                trip=trip, vendor=vendor, round=first.round, rank=rank, status="open", brief=first.brief,
                price_amount=first.price_amount, rate_id=first.rate_id, response_minutes=7,
                sent_at=first.sent_at, expires_at=first.expires_at,
            )  # fmt: skip
            rows.append((vendor.pk, offer.pk))
    return rows
