"""Trips, offers and taps built by hand, each with its events, so that every figure can be counted on paper."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4

from dispatch.models import Leg, LegEvent, Offer, OfferEvent, Trip, TripEvent
from logistics.accounts.models import Organization
from logistics.core.ids import uuid7
from logistics.requests.models import Patient, ServiceRequest
from tests.cast import Cast
from tests.support import act_as
from vendors.models import Rate

UTC = dt.UTC


def moment(text: str) -> dt.datetime:
    """``2026-03-10 14:00`` in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


class Book:
    """Writes a health system's history. Times are given in minutes relative to the pickup asked for."""

    def __init__(self, cast: Cast, tenant: Organization | None = None) -> None:
        self.cast = cast
        self.tenant = tenant or cast.lakeshore
        self.scope = cast.staff(self.tenant)

    def trip(
        self,
        pickup_at: dt.datetime,
        *,
        vendor: Organization | None = None,
        status: str = "accepted",
        level: str = "WC",
        window: int = 30,
        **fields: Any,
    ) -> Trip:
        """A trip with one leg."""
        with act_as(self.scope):
            patient = Patient.objects.create(
                family_name="Example", given_name="Pat", birth_date="1941-05-02", mrn=str(uuid4())
            )
            request = ServiceRequest.objects.create(
                patient=patient, facility=self.cast.facilities[self.tenant.slug], status="requested"
            )
            trip = Trip.objects.create(
                request=request, facility=request.facility, vendor=vendor, status=status, level=level,
                pickup_at=pickup_at, pickup_latest_at=pickup_at + dt.timedelta(minutes=window),
                time_zone="America/Chicago", destination_zone="America/Chicago", **fields,
            )  # fmt: skip
            Leg.objects.create(
                trip=trip, vendor_id=vendor.pk if vendor else None, pickup_latitude=43.0, pickup_longitude=-89.4,
                dropoff_latitude=43.1, dropoff_longitude=-89.5, miles=Decimal("8.0"), minutes=20,
            )  # fmt: skip
        return trip

    def offer(
        self,
        trip: Trip,
        vendor: Organization,
        *answers: tuple[str, dt.datetime],
        sent_at: dt.datetime | None = None,
        round: int = 1,
        code: str = "",
        eta_at: dt.datetime | None = None,
    ) -> Offer:
        """An offer that went through ``answers`` (status, when), after it was sent."""
        sent = sent_at or (answers[0][1] - dt.timedelta(seconds=90) if answers else trip.pickup_at)
        with act_as(self.scope):
            rate = Rate.objects.filter(vendor_id=vendor.pk).first()
            offer = Offer.objects.create(
                trip=trip, vendor=vendor, round=round, rank=1, status=answers[-1][0] if answers else "open",
                price_amount=Decimal("45.00"), rate_id=rate.pk if rate else uuid7(), response_minutes=7, sent_at=sent,
                decline_code=code, eta_at=eta_at,
            )  # fmt: skip
            for status, at in (("open", sent), *answers):
                OfferEvent.objects.create(
                    offer=offer, vendor_id=vendor.pk, new_status=status, at=at, actor_label="Test"
                )
        return offer

    def tap(self, trip: Trip, vendor: Organization, status: str, at: dt.datetime) -> None:
        """A leg's move."""
        with act_as(self.scope):
            LegEvent.objects.create(
                leg=trip.legs.get(), vendor_id=vendor.pk, new_status=status, at=at, actor_label="Test"
            )

    def move(self, trip: Trip, status: str, at: dt.datetime) -> None:
        """One of the trip's own moves."""
        with act_as(self.scope):
            TripEvent.objects.create(
                trip=trip, vendor_id=trip.vendor_id, old_status="", new_status=status, at=at, actor_label="Test"
            )

    def end(self, trip: Trip, status: str, at: dt.datetime, *, old: str = "under_way") -> None:
        """The trip's last move."""
        with act_as(self.scope):
            Trip.objects.filter(pk=trip.pk).update(status=status, completed_at=at if status == "completed" else None)
            TripEvent.objects.create(
                trip=trip, vendor_id=trip.vendor_id, old_status=old, new_status=status, at=at, actor_label="Test"
            )

    def done(
        self, pickup_at: dt.datetime, vendor: Organization, *, late: int = 0, level: str = "WC", answer: int = 90
    ) -> Trip:
        """A trip that the vendor accepted after ``answer`` seconds, reached ``late`` minutes late, and completed."""
        trip = self.trip(pickup_at, vendor=vendor, status="under_way", level=level)
        sent = pickup_at - dt.timedelta(hours=3)
        self.offer(trip, vendor, ("accepted", sent + dt.timedelta(seconds=answer)), sent_at=sent)
        self.tap(trip, vendor, "en_route", pickup_at - dt.timedelta(minutes=20))
        self.tap(trip, vendor, "at_pickup", pickup_at + dt.timedelta(minutes=late))
        self.tap(trip, vendor, "on_board", pickup_at + dt.timedelta(minutes=late + 5))
        self.end(trip, "completed", pickup_at + dt.timedelta(minutes=late + 40))
        return trip
