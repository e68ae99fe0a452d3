"""The way back: canceled only when a person says so, put on hold when nobody went, and told of until it is secured."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from dispatch import policies, states
from dispatch.models import Leg, Trip, TripEvent
from dispatch.selectors import journeys
from dispatch.selectors.journeys import Journey, Ride
from dispatch.services import fees, trips
from dispatch.services.fees import Fee
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import ServiceRequest
from logistics.requests.services import alerts
from logistics.requests.services import transitions as requests

CHOICES = {"keep": "Keep it", "cancel": "Cancel it too"}
HOME = {
    "family": "Family or friends bring the patient home",
    "other_ride": "Another ride is booked",
    "stays": "The patient stays there",
    "not_there": "The patient is not there",
}
NO_SHOW_HOLD = "The outbound was a no-show"


@transaction.atomic
def cancel(
    trip_id: UUID,
    *,
    reason: str,
    note: str = "",
    fee_seen: Decimal | None = None,
    returns: str = "",
    home: str = "",
) -> list[Trip]:
    """Cancel a trip, and the rides after it only when ``returns`` is ``cancel``. Returns the canceled trips.

    With a way back still to come the person must say what happens to it (``returns``: ``keep`` or ``cancel``). A ride
    that brings home somebody who is out there already needs ``home``, a key of :data:`HOME`: nobody is stranded by a
    click. ``fee_seen`` is the sum that was shown for everything that goes. Staff scope.
    """
    trip = _known(trip_id)
    journey = journeys.of_trip(trip)
    later = journey.after(trip.request_id) if journey else []
    if later and returns not in CHOICES:
        words = f"Say what happens to the way back at {later[0].time}."
        raise DomainError(words, code="returns", fields={"returns": words})
    rides = later if returns == "cancel" else []
    _lock([trip.pk, *[ride.trip_id for ride in rides if ride.trip_id]])
    if journey is not None and home not in HOME and is_stranding(journey, trip.request_id):
        words = "The patient is out there. Say how they get home."
        raise DomainError(words, code="stranded", fields={"home": words})
    found = fees_of(trip, rides, code=reason)
    fees.check_seen(_sum(found), fee_seen)
    details: dict[str, Any] = ({"returns": returns} if returns else {}) | ({"home": home} if home else {})
    canceled = [trips.cancel(trip.pk, reason=reason, note=note, details=details)]
    for ride in rides:
        if ride.trip_id is not None:
            canceled.append(
                trips.cancel(ride.trip_id, reason=reason, note="with the outbound", details={"with": trip.number})
            )
        else:
            request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=ride.request_id)
            requests.request_to(request, "canceled", reason=reason, details={"with": trip.number})
    return canceled


def fees_of(trip: Trip, rides: Iterable[Ride], *, code: str = "") -> list[Fee]:
    """The fees of canceling this trip and these rides with it, the trip's first."""
    found = [fees.fee_of(trip, code=code)]
    others = Trip.objects.filter(pk__in=[ride.trip_id for ride in rides if ride.trip_id]).exclude(status="canceled")
    return found + [fees.fee_of(other, code=code) for other in others.order_by("pickup_at")]


def is_stranding(journey: Journey, request_id: UUID) -> bool:
    """Whether canceling this ride would leave a patient where an earlier ride brought them, or is bringing them."""
    mine = journey.ride_of(request_id)
    if mine is None or mine.is_over:
        return False
    before = [ride for ride in journey.rides if ride.order < mine.order]
    if any(ride.trip_status == "completed" for ride in before):
        return True
    under_way = [ride.trip_id for ride in before if ride.trip_status == "under_way"]
    return (
        bool(under_way) and Leg.objects.filter(trip__in=under_way, status__in=["on_board", "at_destination"]).exists()
    )


@transaction.atomic
def after_cancel(trip_id: UUID) -> int:
    """What a canceled trip means for the rides after it. Repeatable; staff scope (``trip.canceled``).

    After a no-show they are put on hold, with a notice, because perhaps nobody is there to be brought home. After a
    cancellation in which nobody was asked about them (the EHR's, a system's) an alert asks. Returns how many rides.
    """
    trip = Trip.objects.select_related("request").filter(pk=trip_id, status="canceled").first()
    journey = journeys.of_trip(trip) if trip is not None else None
    if trip is None or journey is None:
        return 0
    later = journey.after(trip.request_id)
    event = TripEvent.objects.filter(trip=trip, new_status="canceled").order_by("-id").first()
    told = event.details if event else {}
    if not later or told.get("returns") or told.get("with"):
        return 0
    if told.get("code") != "no_show":
        _tell(trip, "return_left", "warn", later[0])
        return len(later)
    for ride in later:
        _hold(ride)
    _tell(trip, "return_on_hold", "top", later[0])
    return len(later)


@transaction.atomic
def escalate(now: dt.datetime | None = None) -> int:
    """Tell of outbound rides that leave soon without a secured way back: once ``RETURN_HOURS`` before, once more an
    hour before; take the alert back when the way is secured. Returns how many alerts were raised. Staff scope."""
    now = now or clock.now()
    soon = now + dt.timedelta(hours=policies.RETURN_HOURS)
    near = Q(pickup_at__lte=soon) | Q(return_escalation__gt=0)
    rows = Trip.objects.filter(near, request__journey__isnull=False).exclude(status__in=states.TRIP.final)
    outbound = list(rows.select_related("request").order_by("pk"))
    found = journeys.of_requests([trip.request_id for trip in outbound])
    raised = 0
    for trip in outbound:
        journey = found.get(trip.request_id)
        missing = journey.unsecured_after(trip.request_id) if journey and trip.pickup_at <= soon else []
        very_near = trip.pickup_at - now <= dt.timedelta(minutes=policies.RETURN_TOP_MINUTES)
        stage = (2 if very_near else 1) if missing else 0
        if stage > trip.return_escalation:
            _tell(trip, "return_not_secured", "top" if very_near else "warn", missing[0])
            raised += 1
        elif not stage and trip.return_escalation:
            alerts.resolve(["return_not_secured"], request=trip.request)
        else:
            continue
        Trip.objects.filter(pk=trip.pk).update(return_escalation=stage)
    return raised


def _hold(ride: Ride) -> None:
    if ride.trip_id is not None:
        try:
            trips.hold(ride.trip_id, reason=NO_SHOW_HOLD, source="engine")
        except IllegalMove:
            return  # its crew is driving: the alert asks a person to call
    elif ride.request_status in ("requested", "pending", "draft"):
        request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=ride.request_id)
        requests.hold(request, reason=NO_SHOW_HOLD, source="engine")


def _tell(trip: Trip, code: str, severity: str, ride: Ride) -> None:
    params = {
        "outbound": trip.number,
        "trip": ride.number or trip.number,
        "trip_id": str(ride.trip_id or trip.pk),
        "leaves": f"{clock.local(trip.pickup_at, trip.time_zone):%H:%M}",
        "back": ride.time,
        "standing": ride.standing,
    }
    alerts.raise_alert(code, severity, request=trip.request, params=params)


def _known(trip_id: UUID) -> Trip:
    trip = Trip.objects.filter(pk=trip_id).first()
    if trip is None:
        raise DomainError("This trip does not exist.", code="not_found")
    return trip


def _lock(trip_ids: list[UUID]) -> None:
    """Several trips are locked in the order of their ids, as everywhere."""
    list(Trip.objects.select_for_update().filter(pk__in=trip_ids).order_by("pk").values_list("pk"))


def _sum(found: list[Fee]) -> Fee:
    """One fee for the check of what was seen; its rule is the dearest one's."""
    dearest = max(found, key=lambda fee: fee.amount)
    return Fee(dearest.stage, sum((fee.amount for fee in found), Decimal(0)), dearest.rule, dearest.contract_version)


__all__ = ["after_cancel", "cancel", "escalate", "fees_of", "is_stranding"]
