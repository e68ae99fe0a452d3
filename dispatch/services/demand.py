"""The request's status follows its trip (a call down, in the staff scope of a subscriber)."""

from __future__ import annotations

from uuid import UUID

from dispatch import states
from dispatch.models import Trip
from logistics.requests.models import ServiceRequest
from logistics.requests.services import transitions as requests

FIELD_WORDS = {"pickup_at": "a pickup time", "destination": "a destination", "level": "a level of service"}

# What a request is while its trip is so.
REQUEST_OF = {
    "matching": "requested",
    "offering": "requested",
    "exhausted": "requested",
    "accepted": "scheduled",
    "crew_assigned": "scheduled",
    "under_way": "in_progress",
    "completed": "completed",
    "held": "held",
    "canceled": "canceled",
}
FORWARD = ("requested", "scheduled", "in_progress", "completed")


def live_trip(request_id: UUID) -> Trip | None:
    """The request's trip that is neither done nor canceled."""
    return Trip.objects.filter(request_id=request_id).exclude(status__in=states.TRIP.final).first()


def cancel_reason(request: ServiceRequest) -> str:
    """The reason code of a canceled request's last event, as far as it is one of ours."""
    event = request.events.order_by("-id").first()
    words = [event.details.get("code", ""), event.details.get("reason", ""), event.reason] if event else []
    return next((word for word in words if word in states.CANCEL_REASONS), "other")


def follow(trip_id: UUID, *, resumed: bool = False) -> None:
    """Bring the trip's request to the status that the trip implies, step by step along its table. Repeatable.

    A request that a person holds stays held until the trip itself was ``resumed``; a draft stays a draft.
    """
    trip = Trip.objects.select_for_update().filter(pk=trip_id).first()
    if trip is None:
        return
    request = ServiceRequest.objects.select_for_update().get(pk=trip.request_id)
    target = REQUEST_OF[trip.status]
    if request.status in (target, "draft", "completed", "canceled"):
        return
    if target == "canceled":
        if not Trip.objects.filter(request=request).exclude(status="canceled").exists():
            requests.request_to(request, "canceled", source="trip", reason="The trip was canceled")
    elif target == "held":
        if request.status in ("requested", "scheduled"):
            requests.hold(request, reason="The trip is on hold", source="trip")
    elif request.status == "held":
        if resumed:
            requests.resume(request, to="requested" if target == "requested" else "scheduled", source="trip")
            follow(trip_id)
    else:
        _walk(request, target)


def _walk(request: ServiceRequest, target: str) -> None:
    """Forward one status after another, back in one step."""
    here, there = FORWARD.index(request.status), FORWARD.index(target)
    if there < here:
        requests.request_to(request, target, source="trip")
        return
    for status in FORWARD[here + 1 : there + 1]:
        requests.request_to(request, status, source="trip")
