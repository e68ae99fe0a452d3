"""Rides of one patient that belong together, and whether the way back is secured. Two queries whatever the number.

A ride of a journey is *secured* when a vendor has it, or when it is a will call that somebody watches. The rides
before it are confirmed only then: nobody is brought somewhere without a way back.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from dispatch.models import Trip
from logistics.core import clock
from logistics.requests.models import TransportDetail

TAKEN = frozenset({"accepted", "crew_assigned", "under_way", "completed"})
LINK_WORDS = {"": "Outbound", "return": "Return", "connection": "Next stop"}


@dataclass(frozen=True)
class Ride:
    """One ride of a journey. ``number`` is None while it has no trip."""

    request_id: UUID
    order: int
    link: str
    request_status: str
    when: str
    pickup_at: dt.datetime | None
    zone: str
    owner: str
    number: int | None = None
    trip_id: UUID | None = None
    trip_status: str = ""
    vendor: str = ""
    is_ready: bool = True

    @property
    def is_off(self) -> bool:
        """Whether it will not happen."""
        return self.request_status == "canceled" or self.trip_status == "canceled"

    @property
    def is_over(self) -> bool:
        """Whether it is done or will not happen."""
        return self.is_off or self.request_status == "completed" or self.trip_status == "completed"

    @property
    def is_will_call(self) -> bool:
        """Whether it waits for the word that the patient is ready."""
        return self.when == "ready" and not (self.trip_id and self.is_ready)

    @property
    def secured(self) -> bool:
        """A vendor has it, or it is a will call that somebody watches."""
        if self.trip_status in TAKEN or self.request_status in ("in_progress", "completed"):
            return True
        held = self.trip_status == "held" or self.request_status in ("held", "draft", "pending")
        return self.is_will_call and bool(self.owner) and not held

    @property
    def label(self) -> str:
        """``Return``, ``Next stop`` or ``Outbound``."""
        return LINK_WORDS.get(self.link, "Ride")

    @property
    def time(self) -> str:
        """The pickup on its own clock, ``when called`` for a will call without a time."""
        if self.pickup_at is None:
            return "when called"
        at = clock.local(self.pickup_at, self.zone)
        return f"about {at:%H:%M}" if self.is_will_call else f"{at:%H:%M}"

    @property
    def standing(self) -> str:
        """How it stands, as the rest of a sentence: ``secured by Tamarack``, ``not secured yet``."""
        if self.is_off:
            return "canceled"
        if self.trip_status == "completed":
            return "done"
        if self.trip_status in TAKEN:
            return f"secured by {self.vendor}" if self.vendor else "secured"
        if self.trip_status == "held" or self.request_status == "held":
            return "on hold"
        if self.secured:
            return f"will call, watched by {self.owner}"
        if self.is_will_call and not self.owner:
            return "will call, watched by nobody"
        if self.request_status == "pending":
            return "waits for an approval"
        return "not booked yet" if self.request_status == "draft" else "not secured yet"

    @property
    def words(self) -> str:
        """``Return: 15:00, secured by Tamarack``."""
        return f"{self.label}: {self.time}, {self.standing}"


@dataclass
class Journey:
    """The rides of one journey in their order."""

    id: UUID
    kind: str
    label: str
    same_vendor: bool
    wait_minutes: int | None
    rides: list[Ride] = field(default_factory=list)

    def ride_of(self, request_id: UUID) -> Ride | None:
        """The ride of this request."""
        return next((ride for ride in self.rides if ride.request_id == request_id), None)

    def after(self, request_id: UUID) -> list[Ride]:
        """The rides after this request's that are still to happen or under way."""
        mine = self.ride_of(request_id)
        return [ride for ride in self.rides if mine and ride.order > mine.order and not ride.is_over]

    def others(self, request_id: UUID) -> list[Ride]:
        """Every other ride."""
        return [ride for ride in self.rides if ride.request_id != request_id]

    def unsecured_after(self, request_id: UUID) -> list[Ride]:
        """The rides after this one that nobody has taken yet."""
        return [ride for ride in self.after(request_id) if not ride.secured]

    def secured(self, request_id: UUID) -> bool:
        """Whether every ride after this one is secured: only then is this one confirmed."""
        return not self.unsecured_after(request_id)

    @property
    def goes_to_one_vendor(self) -> bool:
        """Whether all rides are offered together."""
        return self.same_vendor or self.kind == "wait_return"


def of_requests(request_ids: Iterable[UUID]) -> dict[UUID, Journey]:
    """Request id → its journey, for those that have one. Two queries, one when none has. Staff scope."""
    ids = list(request_ids)
    if not ids:
        return {}
    wanted = TransportDetail.objects.filter(request_id__in=ids, request__journey__isnull=False)
    details = list(
        TransportDetail.objects.filter(request__journey_id__in=wanted.values("request__journey_id"))
        .select_related("request__journey", "request__facility")
        .only(
            "tenant_id", "when", "pickup_at", "ready_expected_at", "ready_owner_name",
            "request__status", "request__journey_order", "request__link", "request__facility__time_zone",
            "request__journey__kind", "request__journey__same_vendor", "request__journey__wait_minutes",
        )
        .order_by("request__journey_order", "request__created_at")
    )  # fmt: skip
    if not details:
        return {}
    found: dict[UUID, Journey] = {}
    trips = _trips([detail.request_id for detail in details])
    of_request: dict[UUID, Journey] = {}
    for detail in details:
        row = detail.request.journey
        assert row is not None
        journey = found.setdefault(
            row.pk, Journey(row.pk, row.kind, row.get_kind_display(), row.same_vendor, row.wait_minutes)
        )
        journey.rides.append(_ride(detail, trips.get(detail.request_id)))
        of_request[detail.request_id] = journey
    return of_request


def of_trip(trip: Trip) -> Journey | None:
    """The trip's journey, or None."""
    return of_requests([trip.request_id]).get(trip.request_id)


def confirmed_chip(chip: dict[str, Any], trip: Trip, journey: Journey | None) -> dict[str, Any]:
    """The chip of a trip, saying so while its way back is not secured."""
    waiting = trip.status in ("accepted", "crew_assigned") and chip["status"] in ("accepted", "crew_assigned")
    if waiting and journey is not None and not journey.secured(trip.request_id):
        return {**chip, "label": "Accepted, return not secured yet"}
    return chip


def _trips(request_ids: list[UUID]) -> dict[UUID, Trip]:
    """Each request's live trip, else its latest canceled one."""
    rows: dict[UUID, list[Trip]] = defaultdict(list)
    wanted = Trip.objects.filter(request_id__in=request_ids).select_related("vendor")
    for trip in wanted.only("number", "request_id", "tenant_id", "status", "is_ready", "pickup_at", "time_zone",
                            "created_at", "vendor__name"):  # fmt: skip
        rows[trip.request_id].append(trip)
    return {
        request_id: max(trips, key=lambda trip: (trip.status != "canceled", trip.created_at))
        for request_id, trips in rows.items()
    }


def _ride(detail: TransportDetail, trip: Trip | None) -> Ride:
    request = detail.request
    return Ride(
        request_id=request.pk,
        order=request.journey_order,
        link=request.link,
        request_status=request.status,
        when=detail.when,
        pickup_at=trip.pickup_at if trip else detail.pickup_at or detail.ready_expected_at,
        zone=trip.time_zone if trip else request.facility.time_zone,
        owner=detail.ready_owner_name,
        number=trip.number if trip else None,
        trip_id=trip.pk if trip else None,
        trip_status=trip.status if trip else "",
        vendor=trip.vendor.name if trip and trip.vendor else "",
        is_ready=trip.is_ready if trip else False,
    )


__all__ = ["Journey", "Ride", "confirmed_chip", "of_requests", "of_trip"]
