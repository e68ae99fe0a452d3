"""A change that a vendor was asked to agree to: its answer, the clock, and what a person chooses after a no."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch.models import Leg, Proposal, Run, RunCrew, Trip
from dispatch.services import changes, fees, runs, trips
from dispatch.services.transitions import leg_to, proposal_to, trip_to
from logistics.core import clock, scoping
from logistics.core.errors import DomainError, IllegalMove, NotAllowed, StaleState
from logistics.requests.services import alerts, amend

ENDED = {
    "agreed": "You agreed to this change already.",
    "refused": "This change was refused already.",
    "lapsed": "The time to answer is over. The hospital decides now.",
    "kept": "The hospital keeps the trip as it was.",
    "taken_back": "The hospital took the trip back.",
    "withdrawn": "The hospital does not want this change any more.",
}


@transaction.atomic
def agree(proposal_id: UUID, *, note: str = "", source: str = "user") -> Proposal:
    """The vendor agrees; the trip follows when ``proposal.agreed`` is handled. Repeatable. Vendor scope."""
    return _answer(proposal_id, "agreed", note, source)


@transaction.atomic
def refuse(proposal_id: UUID, *, note: str, source: str = "user") -> Proposal:
    """The vendor keeps to what it accepted and says why. Repeatable. Vendor scope."""
    if len(note.strip()) < 3:
        raise DomainError("Say why.", code="no_reason", fields={"note": "Say why: the hospital reads it."})
    return _answer(proposal_id, "refused", note, source)


@transaction.atomic
def lapse_due() -> int:
    """End questions whose time is over. Returns how many. Staff scope."""
    due = Proposal.objects.filter(status="open", due_at__lte=clock.now()).order_by("trip_id")
    lapsed = 0
    for proposal_id, trip_id in list(due.values_list("pk", "trip_id")):
        trips.get_locked(trip_id)
        proposal = Proposal.objects.select_for_update().get(pk=proposal_id)
        if proposal.status == "open" and proposal.due_at <= clock.now():
            proposal_to(proposal, "lapsed", source="engine", reason="No answer in time")
            lapsed += 1
    return lapsed


@transaction.atomic
def withdraw(proposal_id: UUID) -> Proposal:
    """A person does not want the change any more; the trip stays as it is. Repeatable. Staff scope."""
    _, proposal = _settled(proposal_id, "withdrawn")
    if proposal.status == "withdrawn":
        return proposal
    moved = proposal_to(proposal, "withdrawn", reason="Not wanted any more")
    _close_alerts(moved)
    return moved


@transaction.atomic
def keep(proposal_id: UUID) -> Proposal:
    """After a no: the trip stays as the vendor accepted it. Repeatable. Staff scope."""
    _, proposal = _settled(proposal_id, "kept")
    if proposal.status == "kept":
        return proposal
    moved = proposal_to(proposal, "kept", reason="Kept as it was")
    _close_alerts(moved)
    return moved


@transaction.atomic
def take_back(proposal_id: UUID, *, fee_seen: Decimal | None) -> Trip:
    """After a no: the trip leaves its vendor, is changed and matched anew. The fee at this stage is owed.

    ``fee_seen`` is what the person was shown; more now is ``StaleState`` (``fee_rose``). Repeatable. Staff scope.
    """
    trip, proposal = _settled(proposal_id, "taken_back")
    if proposal.status == "taken_back":
        return trip
    if trip.status not in ("accepted", "crew_assigned", "under_way") or trip.vendor_id != proposal.vendor_id:
        raise IllegalMove("No vendor has this trip now.", code="not_accepted")
    if Leg.objects.filter(trip=trip, status__in=changes.BOARDED).exists():
        raise IllegalMove("The patient is on board: the trip cannot be taken back. Call the vendor.", code="on_board")
    fee = fees.fee_of(trip)
    fees.check_seen(fee, fee_seen)
    moved = proposal_to(proposal, "taken_back", reason="Taken back")
    _close_alerts(moved)
    reason = "The vendor did not agree to a change"
    return changes.take_back(trip, fee=fee, wanted=proposal.wanted, reason=reason, code="change_refused")


@transaction.atomic
def apply_agreed(proposal_id: UUID) -> list[tuple[UUID, UUID, list[UUID], list[UUID]]]:
    """Write an agreed change into the request and the trip. Staff scope (``proposal.agreed``).

    A vehicle that was set for the old trip is let go, because its time and place were for that; returned is
    ``(trip, vehicle, crew, commitments)`` for the vendor's side to set the same ones again if they can.
    """
    found = Proposal.objects.get(pk=proposal_id)
    trip = trips.get_locked(found.trip_id)
    proposal = Proposal.objects.get(pk=proposal_id)
    if proposal.status != "agreed" or trip.vendor_id != proposal.vendor_id or trip.status in ("completed", "canceled"):
        return []
    wanted = dict(proposal.wanted)
    if trip.status == "under_way":
        # The crew is driving: a pickup time has nothing to say any more.
        wanted = {name: value for name, value in wanted.items() if name not in amend.MOMENTS}
    leg = Leg.objects.get(trip=trip, sequence=1)
    reason = f"Agreed by {proposal.answered_by_name or 'the vendor'}"
    if proposal.kind == "divert" and leg.status == "at_destination":
        leg_to(leg, "on_board", reason="Another destination", details={"diverted": True})
    amend.amend(request_id=trip.request_id, wanted=wanted, reason=reason)
    changed = trips.update_from_request(trip.request_id, source="vendor", agreed=True, reason=reason) or trip
    changes.reprice(changed)
    return [_free_run(changed)] if changed.status == "crew_assigned" else []


def tell_refused(proposal_id: UUID) -> None:
    """A no, or no answer, is a person's to settle: an alert says so. Staff scope."""
    proposal = Proposal.objects.select_related("trip__request", "trip__vendor").get(pk=proposal_id)
    if proposal.status not in ("refused", "lapsed"):
        return
    trip = proposal.trip
    code = "change_refused" if proposal.status == "refused" else "change_unanswered"
    vendor = trip.vendor.name if trip.vendor else "The vendor"
    params = {"trip": trip.number, "trip_id": str(trip.pk), "vendor": vendor}
    alerts.raise_alert(code, "top", request=trip.request, params=params)


def _free_run(trip: Trip) -> tuple[UUID, UUID, list[UUID], list[UUID]]:
    run = Run.objects.get(trip=trip, is_active=True)
    crew = list(RunCrew.objects.filter(run=run).values_list("crew_member_id", flat=True))
    runs.release(trip, reason="The trip changed")
    for leg in Leg.objects.filter(trip=trip, status="assigned"):
        leg_to(leg, "planned", source="engine", reason="The trip changed")
    trip_to(trip, "accepted", source="engine", reason="The trip changed: vehicle and crew are set anew")
    return trip.pk, run.vehicle_id, crew, [run.commitment_id]


def _answer(proposal_id: UUID, to: str, note: str, source: str) -> Proposal:
    scope = scoping.current()
    if scope.vendor_id is None:
        raise NotAllowed("Only the vendor that was asked answers a change.", code="not_vendor")
    known = Proposal.objects.filter(pk=proposal_id).defer("wanted").first()
    if known is None:
        raise DomainError("This change does not exist.", code="not_found")
    with scoping.enter(scope.crossing(known.tenant_id)):
        # The order of locks is trip, then what belongs to it. A trip that left the vendor is invisible: nothing locks.
        trip = Trip.objects.select_for_update().filter(pk=known.trip_id).first()
        proposal = Proposal.objects.select_for_update().defer("wanted").get(pk=proposal_id)
        if proposal.status == to:
            return proposal
        if proposal.status != "open":
            raise StaleState(ENDED[proposal.status], current=proposal.status)
        if trip is None or trip.vendor_id != proposal.vendor_id or trip.status in ("completed", "canceled"):
            raise StaleState("This trip is not yours any more. Nothing is left to do.", current="withdrawn")
        if proposal.due_at <= clock.now():
            raise StaleState(ENDED["lapsed"], current="lapsed", code="expired")
        changed: dict[str, Any] = {
            "answered_at": clock.now(), "answered_by_name": scope.actor_label[:120], "answer_note": note.strip()[:200],
        }  # fmt: skip
        return proposal_to(proposal, to, source=source, reason=note.strip(), changes=changed)


def _settled(proposal_id: UUID, to: str) -> tuple[Trip, Proposal]:
    """Trip and proposal, locked, where the proposal is ``to`` already or may become so."""
    known = Proposal.objects.filter(pk=proposal_id).first()
    if known is None:
        raise DomainError("This change does not exist.", code="not_found")
    trip = trips.get_locked(known.trip_id)
    return trip, Proposal.objects.select_for_update().get(pk=proposal_id)


def _close_alerts(proposal: Proposal) -> None:
    alerts.resolve(["change_refused", "change_unanswered"], request=proposal.trip.request)


__all__ = ["agree", "apply_agreed", "keep", "lapse_due", "refuse", "take_back", "tell_refused", "withdraw"]
