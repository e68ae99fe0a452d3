"""Will calls: who watches one, the word that the patient is ready, and the clock that never lets one be forgotten.

The patient's link is a signed text of two ids. It names nobody, opens nothing but one button, and ends with the trip.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.core import signing
from django.db import transaction

from dispatch import policies, states
from dispatch.models import Trip, TripEvent
from dispatch.services import returns, trips
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import Alert, TransportDetail
from logistics.requests.services import alerts

CALLERS = {
    "patient": "The patient",
    "family": "Family or friends",
    "facility": "Staff of the place",
    "vendor": "The crew or its dispatcher",
    "other": "Somebody else",
}
_SIGNER = signing.Signer(salt="dispatch.ready", sep=".")


@dataclass(frozen=True)
class Link:
    """What a signed link names."""

    tenant_id: UUID
    trip_id: UUID


def token_of(trip: Trip) -> str:
    """The text of the trip's link; always the same for one trip."""
    raw = trip.tenant_id.bytes + trip.pk.bytes
    return _SIGNER.sign(base64.urlsafe_b64encode(raw).decode().rstrip("="))


def read_token(token: str) -> Link | None:
    """What a link names, None for a text that we did not sign."""
    try:
        raw = base64.urlsafe_b64decode(_SIGNER.unsign(token) + "=")
    except (signing.BadSignature, binascii.Error, ValueError):
        return None
    return Link(UUID(bytes=raw[:16]), UUID(bytes=raw[16:])) if len(raw) == 32 else None


def link_state(trip: Trip | None, now: dt.datetime | None = None) -> str:
    """What the link's page shows: ``open`` (the button), ``called``, ``held``, ``over`` or ``expired``."""
    if trip is None or trip.when != "ready":
        return "over"
    if trip.status in states.TRIP.final:
        return "over"
    if trip.is_ready:
        return "called"
    now = now or clock.now()
    return "expired" if now > trip.pickup_at + dt.timedelta(hours=policies.READY_LINK_HOURS) else "open"


@transaction.atomic
def call(
    trip_id: UUID, *, via: str = "page", caller: str = "", at: dt.datetime | None = None, source: str = "user"
) -> Trip:
    """The patient is ready, by ``page``, ``link`` or ``phone`` (then with the kind of ``caller`` and the time of the
    call ``at``). A ride that waits because nobody went out goes on: somebody is there after all. Repeatable."""
    if via == "phone":
        _check_call(caller, at)
    trip = trips.get_locked(trip_id)
    if trip.when != "ready":
        raise IllegalMove("This trip has a fixed time. Change the trip instead.", code="not_will_call")
    if trip.status in states.TRIP.final:
        raise IllegalMove(f"Trip {trip.number} is {trip.status}. Book a new ride.", code="over")
    trip = trips.mark_ready(trip_id, at=at, source=source, via=via, caller=caller)
    if trip.status == "held" and _held_for_no_show(trip):
        trips.resume(trip_id, reason="The patient is ready", source=source)
    return trips.get_locked(trip_id)


@transaction.atomic
def take_on(trip_id: UUID) -> Trip:
    """The signed-in person watches this will call from now on. Repeatable. Staff scope."""
    trip = trips.get_locked(trip_id)
    if trip.when != "ready" or trip.is_ready or trip.status in states.TRIP.final:
        raise IllegalMove("This trip does not wait for a call.", code="not_will_call")
    scope = scoping.current()
    detail = TransportDetail.objects.select_for_update(of=("self",)).get(request_id=trip.request_id)
    if detail.ready_owner_id == scope.user_id and scope.user_id is not None:
        return trip
    detail.ready_owner_id, detail.ready_owner_name = scope.user_id, scope.actor_label[:120]
    detail.save(update_fields=["ready_owner_id", "ready_owner_name"])
    audit.record(action="trip.will_call_taken_on", target=trip)
    outbox.publish("trip.updated", {"trip_id": str(trip.pk), "request_id": str(trip.request_id), "changed": []})
    return trip


@transaction.atomic
def escalate(now: dt.datetime | None = None) -> int:
    """Tell the owners of will calls that nobody called: half an hour after the expected time, when the place closes,
    and then every half hour until somebody acts. Returns how many alerts were raised. Staff scope."""
    now = now or clock.now()
    due = now - dt.timedelta(minutes=policies.READY_GRACE_MINUTES)
    rows = Trip.objects.filter(when="ready", is_ready=False, pickup_at__lte=due)
    waiting = list(rows.exclude(status__in=[*states.TRIP.final, "held"]).select_related("request").order_by("pk"))
    details = {
        row.request_id: row
        for row in TransportDetail.objects.filter(request__in=[trip.request_id for trip in waiting]).select_related(
            "pickup_place"
        )
    }
    raised = 0
    for trip in waiting:
        code = _due_alert(trip, details[trip.request_id], now)
        if code:
            _tell(trip, details[trip.request_id], code)
            stage = 2 if code == "will_call_closing" else max(1, trip.ready_escalation)
            Trip.objects.filter(pk=trip.pk).update(ready_escalation=stage, ready_escalated_at=now)
            raised += 1
    return raised


def closes_at(trip: Trip, detail: TransportDetail) -> dt.datetime | None:
    """When the place where the patient waits closes that day; None at a unit of the hospital, which does not."""
    if not detail.pickup_kind or detail.pickup_kind == "home":
        return None
    place = detail.pickup_place
    minute = place.closes_minute if place is not None and place.closes_minute is not None else policies.CLOSES_MINUTE
    day = clock.local(trip.pickup_at, trip.time_zone)
    return day.replace(hour=minute // 60 % 24, minute=minute % 60, second=0, microsecond=0)


def _due_alert(trip: Trip, detail: TransportDetail, now: dt.datetime) -> str:
    closing = closes_at(trip, detail)
    if trip.ready_escalation < 2 and closing is not None and now >= closing:
        return "will_call_closing"
    if trip.ready_escalation == 0:
        return "will_call_forgotten"
    quiet = trip.ready_escalated_at is None or now - trip.ready_escalated_at >= dt.timedelta(
        minutes=policies.READY_REPEAT_MINUTES
    )
    code = "will_call_closing" if trip.ready_escalation == 2 else "will_call_forgotten"
    seen = not Alert.objects.filter(code=code, request_id=trip.request_id, acknowledged_at__isnull=True).exists()
    return code if quiet and seen else ""


def _tell(trip: Trip, detail: TransportDetail, code: str) -> None:
    params = {
        "trip": trip.number,
        "trip_id": str(trip.pk),
        "owner": detail.ready_owner_name or "Nobody",
        "expected": f"{clock.local(trip.pickup_at, trip.time_zone):%H:%M}",
        "vendor": "a vendor waits" if trip.vendor_id else "no vendor has it",
    }
    severity = "warn" if code == "will_call_forgotten" and trip.ready_escalation == 0 else "top"
    alerts.raise_alert(code, severity, request=trip.request, params=params)


def _check_call(caller: str, at: dt.datetime | None) -> None:
    now = clock.now()
    if caller not in CALLERS:
        raise DomainError("Choose who called.", code="no_caller", fields={"caller": "Choose who called."})
    if at is not None and at > now + dt.timedelta(minutes=1):
        words = "This time is still to come. Write when the call came in."
        raise DomainError(words, code="future", fields={"at": words})
    if at is not None and at < now - dt.timedelta(hours=policies.READY_BACK_HOURS):
        words = f"A call can be entered up to {policies.READY_BACK_HOURS} hours later."
        raise DomainError(words, code="too_old", fields={"at": words})


def _held_for_no_show(trip: Trip) -> bool:
    event = TripEvent.objects.filter(trip=trip, new_status="held").exclude(old_status="held").order_by("-id").first()
    return event is not None and event.reason == returns.NO_SHOW_HOLD


__all__ = ["CALLERS", "call", "closes_at", "escalate", "link_state", "read_token", "take_on", "token_of"]
