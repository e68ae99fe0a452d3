"""Trips from their request to their end: opened, held, resumed, changed, called ready, canceled."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import policies, states
from dispatch.models import Leg, Offer, Passenger, Trip, TripEvent
from dispatch.services import fees, intake, runs
from dispatch.services.transitions import leg_to, offer_to, trip_to, withdraw_proposals
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import ServiceRequest
from logistics.requests.services import alerts

MATERIAL = frozenset(
    {"level", "pickup_at", "when", "dropoff_latitude", "dropoff_longitude", "load", "requires", "isolation"}
)


def get_locked(trip_id: UUID) -> Trip:
    """The trip, locked until the transaction ends. Every verb locks the trip first, then its offers and legs."""
    trip = Trip.objects.select_for_update().filter(pk=trip_id).first()
    if trip is None:
        raise DomainError("This trip does not exist.", code="not_found")
    return trip


@transaction.atomic
def open_for_request(request_id: UUID) -> Trip | None:
    """Open the trip of a confirmed request: one trip, one leg, one sealed passenger. Idempotent.

    Returns the request's live trip, new or not; None when the request is not a confirmed ride. Publishes
    ``trip.opened``. Raises ``DomainError`` (``incomplete``) when a person must add details first.
    """
    request = (
        ServiceRequest.objects.select_for_update(of=("self",))
        .select_related("patient", "facility", "unit")
        .filter(pk=request_id, kind="transport")
        .first()
    )
    if request is None:
        return None
    existing = Trip.objects.filter(request=request).exclude(status="canceled").first()
    if existing is not None or request.status != "requested":
        return existing
    facts = intake.read(request)
    trip = Trip.objects.create(request=request, is_ready=facts.trip["when"] != "ready", **facts.trip)
    Leg.objects.create(trip=trip, **facts.leg)
    Passenger.objects.create(trip=trip, details=facts.passenger)
    scope = scoping.current()
    TripEvent.objects.create(
        trip=trip,
        new_status=trip.status,
        at=clock.now(),
        actor_id=scope.user_id,
        actor_label=request.requested_by_name or scope.actor_label,
        source=request.source,
    )
    audit.record(action="trip.opened", target=trip, details={"level": trip.level, "request": str(request.pk)})
    outbox.publish("trip.opened", {"trip_id": str(trip.pk), "request_id": str(request.pk), "new": trip.status})
    return trip


@transaction.atomic
def hold(trip_id: UUID, *, reason: str, source: str = "user", minutes: int = policies.HOLD_MINUTES) -> Trip:
    """Stop a trip until a person decides. Idempotent.

    Before acceptance every offer is withdrawn. After it vendor, vehicle and crew stay for ``minutes``; then
    :func:`end_holds` lets them go. Raises ``IllegalMove`` once the crew is under way: then only people can act.
    """
    trip = get_locked(trip_id)
    if trip.status == "held":
        return trip
    if trip.status == "under_way":
        raise IllegalMove("The crew is under way. Call the vendor; the trip cannot be held now.", code="under_way")
    came_from = trip.status
    if trip.vendor_id is None:
        withdraw_offers(trip, reason=reason, source=source)
    until = clock.now() + dt.timedelta(minutes=minutes) if trip.vendor_id else None
    return trip_to(trip, "held", source=source, reason=reason, changes={"held_from": came_from, "hold_until": until})


@transaction.atomic
def resume(trip_id: UUID, *, reason: str = "", source: str = "user") -> Trip:
    """Let a held trip go on: with its vendor and crew while they were kept, else it is matched again. Idempotent."""
    trip = get_locked(trip_id)
    if trip.status != "held":
        return trip
    to = trip.held_from if trip.vendor_id and trip.held_from in ("accepted", "crew_assigned") else "matching"
    return trip_to(trip, to, source=source, reason=reason, changes={"held_from": "", "hold_until": None})


@transaction.atomic
def end_holds() -> int:
    """Let go of vendors, vehicles and crews of trips whose hold is over; the trips stay held. Returns how many."""
    ended = 0
    due = Trip.objects.filter(status="held", hold_until__lte=clock.now(), vendor__isnull=False).order_by("pk")
    for trip in list(due.select_for_update(skip_locked=True)):
        vendor_id = trip.vendor_id
        let_go(trip, reason="Hold ended", source="engine")
        Trip.objects.filter(pk=trip.pk).update(vendor=None, held_from="matching", hold_until=None, eta_at=None)
        audit.record(action="trip.hold_ended", target=trip)
        outbox.publish(
            "trip.hold_ended", {"trip_id": str(trip.pk), "request_id": str(trip.request_id)}, vendor_id=vendor_id
        )
        ended += 1
    return ended


@transaction.atomic
def cancel(
    trip_id: UUID,
    *,
    reason: str,
    note: str = "",
    source: str = "user",
    fee_seen: Decimal | None = None,
    details: dict[str, Any] | None = None,
) -> Trip:
    """Cancel a trip; ``reason`` is a key of ``states.CANCEL_REASONS``. Idempotent.

    The event records how far things had come and the vendor's fee by its contract (``services.fees``), which billing
    charges. Offers are withdrawn, vehicle and crew released. Refused once the patient is on board: then only the
    destination can change. ``fee_seen`` is what the person was shown; a fee that is higher now raises ``StaleState``
    (``fee_rose``) and nothing is done.
    """
    policies.check_cancel_reason(reason)
    trip = get_locked(trip_id)
    if trip.status == "canceled":
        return trip
    legs = list(Leg.objects.filter(trip=trip))
    if any(leg.status in ("on_board", "at_destination") for leg in legs):
        raise IllegalMove(
            "The patient is on board: the trip cannot be canceled now. Send it to another destination instead.",
            code="on_board",
        )
    fee = fees.fee_of(trip, legs=legs, code=reason)
    fees.check_seen(fee, fee_seen)
    words = states.CANCEL_REASONS[reason]
    for leg in legs:
        if leg.status not in states.LEG.final:
            leg_to(leg, "canceled", source=source, reason=words)
    runs.release(trip, reason=words)
    withdraw_offers(trip, reason=words, source=source, also_accepted=True)
    withdraw_proposals(trip, reason="The trip was canceled", source=source)
    return trip_to(
        trip,
        "canceled",
        source=source,
        reason=f"{words}: {note}" if note else words,
        changes={"held_from": "", "hold_until": None},
        details={**(details or {}), **fee.details(), "code": reason},
    )


@transaction.atomic
def mark_ready(
    trip_id: UUID, *, at: dt.datetime | None = None, source: str = "user", via: str = "page", caller: str = ""
) -> Trip:
    """The patient of a "when ready" ride is ready: the pickup is asked for now (``at``). Idempotent.

    ``via`` says how the word came: ``page``, ``link`` (the patient's own) or ``phone``, then with the kind of
    ``caller``. Alerts about the forgotten call are closed.
    """
    trip = get_locked(trip_id)
    if trip.is_ready or trip.status in states.TRIP.final:
        return trip
    moment = at or clock.now()
    trip.is_ready, trip.pickup_at = True, moment
    trip.pickup_latest_at = policies.window_end("now", moment)
    trip.version += 1
    trip.save(update_fields=["is_ready", "pickup_at", "pickup_latest_at", "version", "updated_at"])
    details = {"changed": ["is_ready"], "via": via} | ({"caller": caller} if caller else {})
    _note(trip, details, reason="Patient is ready", source=source)
    alerts.resolve(["will_call_forgotten", "will_call_closing"], request=trip.request)
    return trip


@transaction.atomic
def update_from_request(
    request_id: UUID, *, source: str = "user", agreed: bool = False, reason: str = "Request changed"
) -> Trip | None:
    """Carry a change of the request into its live trip. Returns the trip, or None when there is none to change.

    The crew's copy (bed, contact, weight …) always follows. When what a vendor was asked for changes (time,
    level, destination, needs), offers are withdrawn and the trip is matched anew; after acceptance the vendor
    keeps the trip and an alert asks a person to agree the change, unless the change is ``agreed``: small enough to
    need no answer, or answered with yes. Under way an unagreed change only raises an alert.
    """
    request = ServiceRequest.objects.select_related("patient", "facility", "unit").filter(pk=request_id).first()
    trip = Trip.objects.select_for_update().filter(request_id=request_id).exclude(status__in=states.TRIP.final).first()
    if request is None or trip is None:
        return None
    facts = intake.read(request)
    leg = Leg.objects.get(trip=trip, sequence=1)
    passenger = Passenger.objects.get(trip=trip)
    # Once the pickup is wanted now, a foreseen time of the request says nothing any more.
    called = trip.when == facts.trip["when"] and trip.when in ("now", "ready") and trip.is_ready
    keep = {"pickup_at", "pickup_latest_at"} if called else set()
    changed = [name for name, value in facts.trip.items() if name not in keep and getattr(trip, name) != value]
    changed += [name for name, value in facts.leg.items() if getattr(leg, name) != value]
    material = sorted(MATERIAL & set(changed))
    if trip.status == "under_way" and material and not agreed:
        _tell(trip, "changed_under_way", "top")
        facts = _as_it_goes(facts, trip, leg, passenger)
        changed, material = [name for name in changed if name not in MATERIAL], []
    copied = passenger.details != facts.passenger
    if not changed and not copied:
        return trip
    if copied:
        passenger.details = facts.passenger
        passenger.save(update_fields=["details"])
    if "when" in changed:
        trip.is_ready = facts.trip["when"] != "ready"
    if agreed and "pickup_at" in changed and trip.eta_at is not None:
        # The vendor's promise moves along with the time that it agreed to.
        trip.eta_at += facts.trip["pickup_at"] - trip.pickup_at
    for name, value in facts.trip.items():
        if name not in keep:
            setattr(trip, name, value)
    trip.version += 1
    trip.save(update_fields=[*facts.trip, "is_ready", "eta_at", "version", "updated_at"])
    for name, value in facts.leg.items():
        setattr(leg, name, value)
    leg.save(update_fields=list(facts.leg))
    _note(trip, {"changed": changed, "material": material}, reason=reason, source=source)
    if material and not agreed:
        _reconsider(trip, material, source)
    return trip


def withdraw_offers(trip: Trip, *, reason: str, source: str = "engine", also_accepted: bool = False) -> int:
    """Withdraw what is waiting or open (and, if asked, the accepted offer). Returns how many."""
    wanted = ["waiting", "open"] + (["accepted"] if also_accepted else [])
    offers = list(Offer.objects.select_for_update().filter(trip=trip, status__in=wanted))
    for offer in offers:
        offer_to(offer, "withdrawn", source=source, reason=reason)
    return len(offers)


def let_go(trip: Trip, *, reason: str, source: str) -> None:
    """Take the trip from its vendor: run ended, legs planned again, passenger closed, acceptance withdrawn."""
    runs.release(trip, reason=reason)
    for leg in Leg.objects.filter(trip=trip):
        if leg.status not in ("planned", *states.LEG.final):
            leg_to(leg, "planned", source=source, reason=reason)
    Leg.objects.filter(trip=trip).update(vendor_id=None)
    Passenger.objects.filter(trip=trip).update(vendor_id=None)
    withdraw_offers(trip, reason=reason, source=source, also_accepted=True)
    withdraw_proposals(trip, reason=reason, source=source)


def _as_it_goes(facts: intake.Intake, trip: Trip, leg: Leg, passenger: Passenger) -> intake.Intake:
    """The facts of a crew under way: what was agreed stays, the rest (bed, contact, notes) may be new."""
    places = {"destination": passenger.details["destination"]}
    return intake.Intake(
        trip={name: getattr(trip, name) for name in facts.trip},
        leg={name: getattr(leg, name) for name in facts.leg},
        passenger=facts.passenger | places,
    )


def _reconsider(trip: Trip, material: list[str], source: str) -> None:
    """What was asked of vendors has changed."""
    if trip.status in ("offering", "exhausted"):
        withdraw_offers(trip, reason="The request changed", source=source)
        trip_to(trip, "matching", source=source, reason="The request changed", details={"changed": material})
    elif trip.vendor_id is not None:
        _tell(trip, "changed_after_acceptance", "warn")


def _note(trip: Trip, details: dict[str, Any], *, reason: str, source: str) -> None:
    """History, audit and event of a change that moves no status."""
    scope = scoping.current()
    TripEvent.objects.create(
        trip=trip, vendor_id=trip.vendor_id, old_status=trip.status, new_status=trip.status, at=clock.now(),
        actor_id=scope.user_id, actor_label=scope.actor_label, source=source, reason=reason, details=details,
    )  # fmt: skip
    audit.record(action="trip.updated", target=trip, reason=reason, details=details)
    outbox.publish(
        "trip.updated",
        {"trip_id": str(trip.pk), "request_id": str(trip.request_id), "changed": details.get("changed", [])},
        vendor_id=trip.vendor_id,
    )


def _tell(trip: Trip, code: str, severity: str) -> None:
    alerts.raise_alert(code, severity, request=trip.request, params={"trip": trip.number, "trip_id": str(trip.pk)})
