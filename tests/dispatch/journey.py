"""Making rides that belong together, and contracts with fees, for the tests of dispatch."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from dispatch.models import Offer, Trip, TripEvent
from dispatch.services import offers
from logistics.core import clock
from logistics.requests.models import Alert, Journey, Patient, ServiceRequest, TransportDetail
from logistics.requests.services.transitions import request_to
from tests.cast import Cast
from tests.dispatch.ride import FAMILY, open_offer, trip_of, vendor_scope
from tests.support import act_as, settle
from vendors.models import Contract
from vendors.services import contracts

FEES = {"cancel_free_minutes": 60, "cancel_late_amount": Decimal("20"), "cancel_en_route_amount": Decimal("38"),
        "cancel_at_door_amount": Decimal("55")}  # fmt: skip


def with_fees(cast: Cast, *, wait: bool = False) -> None:
    """Northbound's and Tamarack's contracts with Lakeshore ask cancellation fees from today on."""
    with act_as(cast.staff()):
        for old in list(Contract.objects.filter(status="signed").select_related("vendor")):
            new = contracts.draft(vendor=old.vendor, effective_from=old.effective_from + dt.timedelta(days=30))
            contracts.copy_rates(source=old, contract=new)
            contracts.set_cancel_terms(contract=new, **FEES)
            if wait:
                contracts.set_rate(
                    contract=new, level="WC", base_amount=Decimal("45"), mile_amount=Decimal("3.25"),
                    wait_free_minutes=15, wait_unit_minutes=15, wait_unit_amount=Decimal("8"),
                )  # fmt: skip
            contracts.sign(contract=new, signed_by_name="A. Signer")


def round_trip(
    cast: Cast, *, same_vendor: bool = False, kind: str = "round_trip", out_in: int = 120,
    back: dict[str, Any] | None = None, wait_minutes: int | None = None, confirm_back: bool = True,
) -> tuple[ServiceRequest, ServiceRequest]:  # fmt: skip
    """A wheelchair ride from 4 West to Willow Creek, and the ride back six hours later (or as ``back`` says)."""
    with act_as(cast.staff()):
        patient = Patient.objects.create(family_name=FAMILY, given_name="Agnes", birth_date="1945-03-14", sex="F")
        journey = Journey.objects.create(patient=patient, kind=kind, same_vendor=same_vendor, wait_minutes=wait_minutes)
        leaves = clock.now() + dt.timedelta(minutes=out_in)
        rides = []
        plain: dict[str, Any] = {
            "mobility": "wheelchair",
            "level": "WC",
            "needs": [],
            "weight_lb": 150,
            "companions": 0,
        }
        for order, link in ((1, ""), (2, "return")):
            request = ServiceRequest.objects.create(
                patient=patient, facility=cast.facilities["lakeshore"], unit=cast.units["4W@lakeshore"],
                requested_by_name="Dana Morales", journey=journey, journey_order=order, link=link,
                requested_at=clock.now(),
            )  # fmt: skip
            there = {"place": cast.places["willow@lakeshore"], "destination_kind": "place"}
            if order == 1:
                fields = {"when": "at", "pickup_at": leaves, **there}
            else:
                facility = cast.facilities["lakeshore"]
                fields = {
                    "when": "at", "pickup_at": leaves + dt.timedelta(hours=6), "pickup_kind": "place",
                    "pickup_place": cast.places["willow@lakeshore"], "destination_kind": "other",
                    "destination_latitude": facility.latitude, "destination_longitude": facility.longitude,
                    "destination_zone": facility.time_zone,
                    "destination_address": {"line": facility.address, "city": facility.city, "state": facility.state,
                                            "zip_code": facility.zip_code},
                } | (back or {})  # fmt: skip
            TransportDetail.objects.create(request=request, **(plain | fields))
            rides.append(request)
        for request in rides if confirm_back else rides[:1]:
            request_to(request, "requested")
    return rides[0], rides[1]


def settled_trips(cast: Cast, *rides: ServiceRequest) -> list[Trip]:
    """The trips of these requests after every event was handled."""
    settle()
    return [trip_of(cast, ride) for ride in rides]


def take(cast: Cast, trip: Trip) -> Offer:
    """Whoever is asked about this trip takes it."""
    offer = open_offer(cast, trip)
    with act_as(vendor_scope(cast, offer.vendor_id)):
        offers.accept(offer.pk)
    settle()
    return offer


def alerts_of(cast: Cast, code: str) -> list[Alert]:
    """Open alerts with this code."""
    with act_as(cast.staff()):
        return list(Alert.objects.filter(code=code, acknowledged_at__isnull=True).select_related("request"))


def last_event(cast: Cast, trip: Trip) -> TripEvent:
    """The newest row of the trip's history."""
    with act_as(cast.staff()):
        return TripEvent.objects.filter(trip=trip).order_by("-id")[0]
