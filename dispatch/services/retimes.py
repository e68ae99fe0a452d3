"""Rides that should start later, because what must be there before them comes later. A person decides each."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from dispatch.models import Trip
from dispatch.selectors import equipment, home_health
from dispatch.services import changes
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests import plan_rules
from logistics.requests.models import PlanEdge, RetimeProposal, ServiceRequest, TransportDetail
from logistics.requests.services import amend

LIVE = ("draft", "pending", "requested", "scheduled", "held")


def look(request_id: UUID) -> list[RetimeProposal]:
    """Look at every ride that waits for this service, or at this ride itself: propose another time where what must be
    there comes too late, withdraw a proposal that is not needed any more. Repeatable. Returns what is open."""
    edges = PlanEdge.objects.filter(removed_at__isnull=True)
    rides = set(edges.filter(before_id=request_id).values_list("after_id", flat=True))
    if edges.filter(after_id=request_id).exists():
        rides.add(request_id)
    found = []
    for ride_id in sorted(rides, key=str):
        proposal = _look_at(ride_id)
        if proposal is not None:
            found.append(proposal)
    return found


def accept(*, proposal_id: UUID) -> RetimeProposal:
    """Move the ride. After acceptance the vendor is asked first (``dispatch.services.changes``). Idempotent."""
    proposal = _open(proposal_id)
    if proposal.state == "accepted":
        return proposal
    _only_open(proposal)
    detail = TransportDetail.objects.get(request_id=proposal.request_id)
    wanted = amend.time_columns(detail, proposal.new_at)
    trip = Trip.objects.filter(request_id=proposal.request_id).exclude(status__in=("completed", "canceled")).first()
    reason = "What must be there first comes later"
    if trip is not None:
        changes.change(trip.pk, wanted=wanted, version=trip.version, reason=reason)
    else:
        amend.put(detail, wanted)
        detail.save()
        outbox.publish("request.changed", {"request_id": str(proposal.request_id), "fields": sorted(wanted)})
    return _decide(proposal, "accepted", reason)


def keep(*, proposal_id: UUID, reason: str) -> RetimeProposal:
    """Leave the ride as it is, for a reason. Idempotent."""
    proposal = _open(proposal_id)
    if proposal.state == "kept":
        return proposal
    _only_open(proposal)
    if len(reason.strip()) < 5:
        words = "Write why the ride stays: the patient would arrive before what they need."
        raise DomainError(words, code="no_reason", fields={"reason": words})
    return _decide(proposal, "kept", reason.strip()[:200])


def _look_at(ride_id: UUID) -> RetimeProposal | None:
    ride = ServiceRequest.objects.select_for_update(of=("self",)).filter(pk=ride_id, kind="transport").first()
    detail = TransportDetail.objects.filter(request_id=ride_id).first()
    known = RetimeProposal.objects.filter(request_id=ride_id, state="open").first()
    pickup_at = amend.time_of(detail) if detail else None
    late = _latest(ride_id) if ride is not None and ride.status in LIVE and pickup_at is not None else None
    new_at = plan_rules.later_pickup(pickup_at, detail.minutes or 0, late[1]) if late and pickup_at and detail else None
    if late is None or new_at is None or pickup_at is None:
        if known is not None:
            _decide(known, "withdrawn", "It fits again")
        return None
    because, there_at = late
    if known is not None and (known.new_at, known.because_id, known.old_at) == (new_at, because, pickup_at):
        return known
    refused = RetimeProposal.objects.filter(request_id=ride_id, state="kept", new_at__gte=new_at, old_at=pickup_at)
    if known is None and refused.exists():
        return None
    if known is None:
        known = RetimeProposal(request_id=ride_id)
    known.because_id, known.old_at, known.new_at, known.ready_at = because, pickup_at, new_at, there_at
    known.save()
    audit.record(action="retime.proposed", target=known)
    outbox.publish("retime.proposed", {"proposal_id": str(known.pk), "request_id": str(ride_id)})
    return known


def _latest(ride_id: UUID) -> tuple[UUID, dt.datetime] | None:
    """(service, when it is expected) of what this ride waits for longest; None when nothing is awaited."""
    befores = list(
        PlanEdge.objects.filter(after_id=ride_id, removed_at__isnull=True)
        .exclude(before__status="canceled")
        .values_list("before_id", flat=True)
    )
    due: list[tuple[dt.datetime, UUID]] = []
    for pk, standing in equipment.status_of(befores).items():
        if not standing.is_there and standing.state != "canceled":
            due.append((standing.expected_at or standing.deliver_by_at, pk))
    for pk, care in home_health.status_of(befores).items():
        if care.due_at is not None and not care.is_done and not care.agency:
            due.append((care.due_at, pk))
    if not due:
        return None
    at, pk = max(due, key=lambda pair: (pair[0], str(pair[1])))
    return pk, at


def _open(proposal_id: UUID) -> RetimeProposal:
    found = RetimeProposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()
    if found is None:
        raise DomainError("This proposal does not exist.", code="not_found")
    return found


def _only_open(proposal: RetimeProposal) -> None:
    if proposal.state != "open":
        raise DomainError(
            f"This proposal is settled: {proposal.get_state_display().lower()}. Reload the page.", code="settled"
        )


def _decide(proposal: RetimeProposal, state: str, reason: str) -> RetimeProposal:
    proposal.state, proposal.decided_at, proposal.reason = state, clock.now(), reason
    proposal.decided_by_name = scoping.current().actor_label
    proposal.save()
    audit.record(action=f"retime.{state}", target=proposal, reason=reason)
    outbox.publish(
        f"retime.{state}", {"proposal_id": str(proposal.pk), "request_id": str(proposal.request_id), "state": state}
    )
    return proposal
