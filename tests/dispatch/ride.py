"""Making rides for the tests of dispatch."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction

from dispatch import tasks
from dispatch.models import Offer, Trip
from dispatch.services import assignment, offers
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import Patient, ServiceRequest, TransportDetail
from logistics.requests.services.transitions import request_to
from tests.cast import Cast
from tests.support import act_as, settle

FAMILY = "Zzyzxcanary"


def book(cast: Cast, *, slug: str = "lakeshore", in_minutes: int = 60, **detail: Any) -> ServiceRequest:
    """A confirmed wheelchair ride from 4 West to Willow Creek, in its health system's scope."""
    tenant = getattr(cast, slug)
    with act_as(cast.staff(tenant)):
        patient = Patient.objects.create(
            family_name=FAMILY, given_name="Agnes", birth_date="1945-03-14", phone="608 555 0142", sex="F",
            isolation=detail.pop("isolation", ""),
        )  # fmt: skip
        request = ServiceRequest.objects.create(
            patient=patient, facility=cast.facilities[slug], unit=cast.units[f"4W@{slug}"],
            requested_by_name="Dana Morales",
        )  # fmt: skip
        fields: dict[str, Any] = {
            "when": "at",
            "pickup_at": clock.now() + dt.timedelta(minutes=in_minutes),
            "pickup_bed_label": "4W-12",
            "place": cast.places[f"willow@{slug}"],
            "destination_kind": "place",
            "mobility": "wheelchair",
            "level": "WC",
            "needs": ["oxygen"],
            "oxygen_lpm": Decimal(2),
            "weight_lb": 180,
            "companions": 1,
            "driver_note": "Hard of hearing",
        }
        TransportDetail.objects.create(request=request, **(fields | detail))
        request_to(request, "requested")
    return request


def opened(cast: Cast, *, slug: str = "lakeshore", **detail: Any) -> Trip:
    """The trip of a new booking, after every event was handled: its first offer is out."""
    request = book(cast, slug=slug, **detail)
    settle()
    return trip_of(cast, request, slug=slug)


def trip_of(cast: Cast, request: ServiceRequest, *, slug: str = "lakeshore") -> Trip:
    """The request's latest trip as it is now."""
    with act_as(cast.staff(getattr(cast, slug))):
        return Trip.objects.filter(request=request).order_by("-created_at").get()


def fresh(cast: Cast, row: Any, slug: str = "lakeshore") -> Any:
    """The row as it is now."""
    with act_as(cast.staff(getattr(cast, slug))):
        return type(row).objects.get(pk=row.pk)


def offers_of(cast: Cast, trip: Trip, slug: str = "lakeshore") -> list[Offer]:
    """All offers of a trip in the order of asking."""
    with act_as(cast.staff(getattr(cast, slug))):
        return list(Offer.objects.filter(trip=trip).order_by("round", "rank"))


def open_offer(cast: Cast, trip: Trip, slug: str = "lakeshore") -> Offer:
    """The offer that is out."""
    return next(offer for offer in offers_of(cast, trip, slug) if offer.status == "open")


def vendor_scope(cast: Cast, vendor_id: Any, **who: Any) -> Scope:
    """The dispatcher of a vendor."""
    who = {"actor_label": "Jo Tran", "actor_role": "vendor_dispatcher"} | who
    return Scope.vendor(vendor_id, **who)


def ticked() -> dict[str, int]:
    """Let clocks run out and handle what follows."""
    done = tasks.tick.apply().get()
    settle()
    return done


def match_now(cast: Cast, slug: str = "lakeshore") -> None:
    """Run the matching task in its scope."""
    with transaction.atomic(), scoping.enter(cast.staff(getattr(cast, slug))):
        tasks.match.send_for(scoping.current())


def accepted(cast: Cast, **detail: Any) -> Trip:
    """A trip that Northbound accepted."""
    trip = opened(cast, **detail)
    offer = open_offer(cast, trip)
    if offer.vendor_id != cast.northbound.pk:
        with act_as(vendor_scope(cast, offer.vendor_id)):
            offers.decline(offer.pk, code="vendor_no_crew")
        settle()
        offer = open_offer(cast, trip)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        offers.accept(offer.pk)
    settle()
    return fresh(cast, trip)


def assigned(cast: Cast, vehicle: str = "Northbound 3", **detail: Any) -> Trip:
    """A trip with vehicle and crew of Northbound."""
    trip = accepted(cast, **detail)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        assignment.assign(trip.pk, cast.vehicles[vehicle].pk)
    settle()
    return fresh(cast, trip)
