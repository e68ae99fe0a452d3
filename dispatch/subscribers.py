"""What dispatch does when something happened: each function may run twice and does its work once.

All run in the staff scope of the event's health system. They read the rows as they are now, not as the event says they
were: events of one trip may be handled by several workers at once.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import tasks
from dispatch.models import Trip
from dispatch.services import bundles, demand, offers, proposals, returns, trips
from dispatch.services.home_health import following, referrals
from logistics.core import clock, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.core.outbox import Event, subscribe
from logistics.requests.models import ServiceRequest
from logistics.requests.services import alerts


@subscribe("request.ready", "request.scheduled")
def open_or_resume(event: Event) -> None:
    """A person confirmed a request (or let it go on): its trip is opened (or goes on)."""
    request_id = UUID(event.payload["request_id"])
    try:
        trip = trips.open_for_request(request_id)
    except DomainError as problem:
        if problem.code != "incomplete":
            raise
        request = ServiceRequest.objects.get(pk=request_id)
        missing = [demand.FIELD_WORDS.get(name, name) for name in problem.fields] or ["its details"]
        alerts.raise_alert("ride_details_missing", request=request, params={"missing": missing})
        return
    if trip is not None and trip.status == "held" and event.payload.get("old") == "held":
        trips.resume(trip.pk, reason="The request goes on", source="request")


@subscribe("request.held")
def hold_trip(event: Event) -> None:
    """The request was stopped: so is its trip, with the vehicle kept for a while."""
    request = ServiceRequest.objects.get(pk=event.payload["request_id"])
    trip = demand.live_trip(request.pk)
    if trip is None or request.status != "held":
        return
    try:
        trips.hold(trip.pk, reason=request.hold_reason or "The request is on hold", source="request")
    except IllegalMove:
        alerts.raise_alert("held_under_way", "top", request=request, params=_about(trip))


@subscribe("request.canceled", "request.drafted")
def cancel_trip(event: Event) -> None:
    """The request is off (or a draft again): its trip is canceled."""
    request = ServiceRequest.objects.get(pk=event.payload["request_id"])
    if request.status == "canceled":
        # Nobody needs to find a vendor, or a missing detail, for a ride that will not happen.
        alerts.resolve(["exhausted", "ride_details_missing"], request=request)
    trip = demand.live_trip(request.pk)
    if trip is None or request.status not in ("canceled", "draft"):
        return
    try:
        trips.cancel(trip.pk, reason=demand.cancel_reason(request), source="request")
    except IllegalMove:
        alerts.raise_alert("canceled_under_way", "top", request=request, params=_about(trip))


@subscribe("request.changed")
def change_trip(event: Event) -> None:
    """Details of the request changed: the trip follows."""
    request_id = UUID(event.payload["request_id"])
    try:
        if trips.update_from_request(request_id, source="request") is None:
            trips.open_for_request(request_id)
    except DomainError as problem:
        if problem.code != "incomplete":
            raise


@subscribe("trip.opened", "trip.matching")
def match_trip(event: Event) -> None:
    """A trip looks for a vendor, together with the rides that go to the same one."""
    bundles.regroup_of(UUID(event.payload["trip_id"]))
    if Trip.objects.filter(pk=event.payload["trip_id"], status="matching").exists():
        tasks.match.send_for(scoping.current())


@subscribe("offer.declined", "offer.expired")
def ask_next(event: Event) -> None:
    """A vendor did not take the trip: the next one is asked, or a person is told."""
    trip = Trip.objects.filter(pk=event.payload["trip_id"]).first()
    if trip is not None and trip.status == "offering":
        offers.send_next(trip.pk)


@subscribe("trip.accepted")
def end_other_offers(event: Event) -> None:
    """A vendor has the trip: the others are told, and an old alert is closed."""
    trip_id = UUID(event.payload["trip_id"])
    offers.withdraw_others(trip_id)
    trip = Trip.objects.select_related("request").get(pk=trip_id)
    if trip.vendor_id is not None:
        alerts.resolve(["exhausted"], request=trip.request)


@subscribe(
    "trip.matching", "trip.offering", "trip.exhausted", "trip.accepted", "trip.crew_assigned", "trip.under_way",
    "trip.completed", "trip.held", "trip.canceled",
)  # fmt: skip
def follow_trip(event: Event) -> None:
    """The request's status follows its trip."""
    demand.follow(UUID(event.payload["trip_id"]), resumed=event.payload.get("old") == "held")


@subscribe("run.released")
def free_vehicle(event: Event) -> None:
    """A health system ended a run: the vendor's vehicle and crew are free again.

    The tick does the same for whatever this message does not reach.
    """
    if event.vendor_id is None:
        return
    scope = scoping.Scope.vendor(event.vendor_id, actor_label="dispatch")
    ids = event.payload["commitment_ids"]
    transaction.on_commit(lambda: tasks.release_run.send_for(scope, ids), robust=True)


@subscribe("trip.canceled")
def look_at_way_back(event: Event) -> None:
    """A ride of a journey is off: what of the rides after it?"""
    returns.after_cancel(UUID(event.payload["trip_id"]))


@subscribe("trip.canceled", "trip.held")
def ask_without(event: Event) -> None:
    """A ride that was asked about with others is off or waits: the others are asked about without it."""
    bundles.regroup_of(UUID(event.payload["trip_id"]))


@subscribe("proposal.agreed")
def carry_out_change(event: Event) -> None:
    """The vendor agreed: request, trip and the crew's copy follow; the same vehicle and crew are set again."""
    for trip_id, vehicle_id, crew_ids, commitment_ids in proposals.apply_agreed(UUID(event.payload["proposal_id"])):
        scope = scoping.Scope.vendor(event.vendor_id, actor_label="dispatch", actor_role="vendor_dispatcher")  # type: ignore[arg-type]
        again = (str(trip_id), str(vehicle_id), [str(pk) for pk in crew_ids], [str(pk) for pk in commitment_ids])
        transaction.on_commit(partial(tasks.assign_again.send_for, scope, *again), robust=True)


@subscribe("proposal.refused", "proposal.lapsed")
def tell_change_refused(event: Event) -> None:
    """The vendor did not agree: a person chooses."""
    proposals.tell_refused(UUID(event.payload["proposal_id"]))


@subscribe("leg.no_show")
def tell_no_show(event: Event) -> None:
    """The crew left without the patient: the unit must know at once."""
    trip = Trip.objects.select_related("request").get(pk=event.payload["trip_id"])
    at = f"{clock.local(clock.now(), trip.time_zone):%H:%M}"
    alerts.raise_alert("no_show", "top", request=trip.request, params=_about(trip) | {"at": at})


def _about(trip: Trip) -> dict[str, Any]:
    return {"trip": trip.number, "trip_id": str(trip.pk)}


@subscribe("request.ready", "request.scheduled")
def open_or_resume_referral(event: Event) -> None:
    """Home health was confirmed (or goes on): the patient can choose an agency (or the agency goes on)."""
    request_id = UUID(event.payload["request_id"])
    referrals.open_for_request(request_id)
    if event.payload.get("old") == "held":
        following.resume(request_id)


@subscribe("request.held", "request.canceled", "request.drafted")
def stop_referral(event: Event) -> None:
    """Home health was stopped or is off: so is its referral."""
    request = ServiceRequest.objects.filter(pk=event.payload["request_id"], kind="home_health").first()
    if request is None:
        return
    if request.status == "held":
        following.hold(request.pk, reason=request.hold_reason or "The request is on hold")
    elif request.status == "canceled":
        following.cancel(request.pk, reason="The order was canceled")
        alerts.resolve(referrals.OPEN_QUESTIONS, request=request)


@subscribe("request.changed")
def move_due_time(event: Event) -> None:
    """The patient came home, or the practitioner ordered another start: the referral is due then."""
    following.update_from_request(UUID(event.payload["request_id"]))


@subscribe("referral.offer_declined", "referral.offer_expired", "referral.choosing")
def ask_for_next_choice(event: Event) -> None:
    """The agency did not take the patient, or gave it back: the second choice is asked, or the patient is."""
    if event.payload.get("old") != "held":
        referrals.next_after(UUID(event.payload["referral_id"]))


@subscribe(
    "referral.choosing", "referral.asked", "referral.accepted", "referral.in_care", "referral.ended",
    "visit.checked_in",
)  # fmt: skip
def follow_referral(event: Event) -> None:
    """The request's status follows its referral."""
    following.follow(UUID(event.payload["referral_id"]))


@subscribe("visit.missed", "visit.refused")
def tell_missed_visit(event: Event) -> None:
    """Nobody was seen: the hospital must know."""
    following.tell_miss(UUID(event.payload["visit_id"]))
