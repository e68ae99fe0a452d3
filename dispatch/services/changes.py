"""Changing a trip after it is booked: at once where nobody has to be asked, else as a question to its vendor.

Before acceptance a change is applied and the trip matched anew. After it a small one (``RETIME_FREE_MINUTES`` from
what the vendor agreed to, or what no vendor was asked for, such as a note) is applied and the vendor told; anything
else waits as a :class:`Proposal` for the vendor's answer (``services.proposals``), and the trip stays as agreed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import policies, states
from dispatch.models import Leg, Offer, Proposal, ProposalEvent, Run, Trip
from dispatch.services import fees, intake, trips
from dispatch.services.transitions import trip_to
from logistics.core import audit, clock, levels, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove, StaleState
from logistics.requests.models import ServiceRequest, TransportDetail
from logistics.requests.services import amend
from vendors.models import VendorProfile
from vendors.pricing import Terms, quote
from vendors.selectors import contracts

BOARDED = ("on_board", "at_destination")
MOVING = ("en_route", "at_pickup")


@dataclass(frozen=True)
class Outcome:
    """What became of a change: ``same`` (nothing differed), ``applied``, ``proposed`` or ``taken_back``."""

    kind: str
    trip: Trip
    proposal: Proposal | None = None
    changed: list[str] = field(default_factory=list)


@dataclass
class _Case:
    """A locked trip with what it would become."""

    trip: Trip
    leg: Leg
    request: ServiceRequest
    detail: TransportDetail
    wanted: dict[str, Any]
    changed: list[str]
    facts: intake.Intake
    material: list[str]


@transaction.atomic
def change(trip_id: UUID, *, wanted: dict[str, Any], version: int, reason: str = "") -> Outcome:
    """Change a trip's answers (``wanted`` as ``requests.services.amend`` takes them). Staff scope.

    ``version`` is the trip's as the person read it: ``StaleState`` (``stale_version``) when it moved on. Raises
    ``IllegalMove`` once the patient is on board, when an earlier change waits, and for a trip that is over.
    """
    case = _case(trip_id, wanted, version)
    if case.leg.status in BOARDED:
        raise IllegalMove("The patient is on board. Only the destination can change now.", code="on_board")
    if not case.changed:
        return Outcome("same", case.trip)
    if case.trip.status == "under_way" and {"pickup_at", "when"} & set(case.material):
        words = "The crew is on its way: the pickup cannot move now. Call the vendor, or hold the patient."
        raise DomainError(words, code="under_way", fields={"pickup_local": words})
    if case.trip.vendor_id is None or _needs_no_answer(case):
        return _apply(case, reason=reason or "Request changed")
    return _propose(case, "change", reason)


@transaction.atomic
def divert(trip_id: UUID, *, wanted: dict[str, Any], version: int, reason: str) -> Outcome:
    """Send a patient who is on board somewhere else; the vendor has to agree. Staff scope, else as :func:`change`."""
    case = _case(trip_id, wanted, version)
    if case.leg.status not in BOARDED:
        raise IllegalMove("The patient is not on board. Change the trip instead.", code="not_on_board")
    if len(reason.strip()) < 3:
        raise DomainError("Say why.", code="no_reason", fields={"reason": "Say why: the crew and the unit read it."})
    if not case.changed:
        return Outcome("same", case.trip)
    return _propose(case, "divert", reason.strip())


@transaction.atomic
def change_level(
    trip_id: UUID, *, level: str, mobility: str, reason: str, version: int, fee_seen: Decimal | None = None
) -> Outcome:
    """Another level of service on the same trip, decided at the bedside. ``reason`` says who decided and why.

    Without vendor the trip is matched anew. A crew that is moving and whose vehicle can serve goes on at the new
    level; a vendor that could serve it with another vehicle is asked; from one that cannot the trip is taken back,
    with the fee that was shown (``fee_seen``), and matched anew. Staff scope.
    """
    if level not in levels.LEVELS:
        raise DomainError("Choose a level.", code="unknown_level", fields={"level": "Choose a level from the list."})
    if len(reason.strip()) < 5:
        words = "Write who decided, and why. It is kept in the history."
        raise DomainError(words, code="no_reason", fields={"reason": words})
    wanted = {"level": level, "mobility": mobility, "level_override_reason": reason.strip()[:300]}
    case = _case(trip_id, wanted, version)
    if case.leg.status in BOARDED:
        raise IllegalMove("The patient is on board. The level cannot change now; call the vendor.", code="on_board")
    if "level" not in case.changed:
        return Outcome("same", case.trip)
    _audit_level(case, reason.strip())
    words = f"Level changed: {levels.LEVELS[level].label}"
    if case.trip.vendor_id is None:
        return _apply(case, reason=words)
    if not _vendor_serves(case):
        fee = fees.fee_of(case.trip, code="wrong_level")
        fees.check_seen(fee, fee_seen)
        taken = take_back(case.trip, fee=fee, wanted=wanted, reason=words, code="wrong_level")
        return Outcome("taken_back", taken, changed=case.changed)
    if case.leg.status in MOVING:
        return _apply(case, reason=words)
    return _propose(case, "level", reason.strip()[:200])


def take_back(trip: Trip, *, fee: fees.Fee, wanted: dict[str, Any], reason: str, code: str) -> Trip:
    """Take a locked trip from its vendor, change it and have it matched anew; the fee is kept in its history."""
    vendor_id = trip.vendor_id
    trips.let_go(trip, reason=reason, source="user")
    gone: dict[str, Any] = {"vendor_id": None, "eta_at": None, "accepted_at": None, "price_amount": None}
    trip_to(
        trip, "matching", reason=reason, changes=gone, vendor_id=vendor_id,
        details={**fee.details(), "code": code, "taken_back": True},
    )  # fmt: skip
    amend.amend(request_id=trip.request_id, wanted=wanted, reason=reason)
    return trips.update_from_request(trip.request_id, source="user", reason=reason) or trip


def price_of(trip: Trip, *, level: str, miles: Decimal, pickup_at: dt.datetime) -> tuple[Decimal | None, UUID | None]:
    """What the trip's vendor would ask by its contract in force then, and the rate; None where it prices no such."""
    day = clock.local(pickup_at, trip.time_zone).date()
    contract = contracts.in_force(day).get(trip.vendor_id) if trip.vendor_id else None
    rate = next((row for row in contract.rates.all() if row.level == level), None) if contract else None
    return (quote(Terms.of(rate), miles).total, rate.pk) if rate else (None, None)


def _case(trip_id: UUID, wanted: dict[str, Any], version: int) -> _Case:
    trip = trips.get_locked(trip_id)
    if trip.status in states.TRIP.final:
        raise IllegalMove(f"Trip {trip.number} is {trip.status}; it cannot be changed.", code="over")
    if trip.version != version:
        raise StaleState(
            f"Not saved. Trip {trip.number} changed while you were here. Compare, then save again.",
            current=trip.status,
            code="stale_version",
        )
    if Proposal.objects.filter(trip=trip, status__in=["open", "refused", "lapsed"]).exists():
        raise IllegalMove("An earlier change of this trip is not settled. Settle it first.", code="unsettled")
    leg = Leg.objects.get(trip=trip, sequence=1)
    request = ServiceRequest.objects.select_related("patient", "facility", "unit").get(pk=trip.request_id)
    detail = TransportDetail.objects.select_related("place", "pickup_place").get(request=request)
    changed = amend.put(detail, wanted)
    called = trip.when in ("now", "ready") and trip.is_ready
    asked = trip.pickup_at if called else (amend.time_of(detail) or trip.pickup_at)
    facts = intake.of(request, detail, asked)
    return _Case(trip, leg, request, detail, wanted, changed, facts, material_of(facts, trip, leg))


def material_of(facts: intake.Intake, trip: Trip, leg: Leg) -> list[str]:
    """Which of the things that a vendor was asked for differ, sorted."""
    differ = {name for name, value in facts.trip.items() if getattr(trip, name) != value}
    differ |= {name for name, value in facts.leg.items() if getattr(leg, name) != value}
    return sorted(differ & trips.MATERIAL)


def _needs_no_answer(case: _Case) -> bool:
    """Whether the vendor need not be asked: only the time moves, and not far from what it agreed to."""
    if not case.material:
        return True
    if case.material != ["pickup_at"]:
        return False
    moved = abs(case.facts.trip["pickup_at"] - agreed_pickup(case.trip))
    return bool(moved <= dt.timedelta(minutes=policies.RETIME_FREE_MINUTES))


def agreed_pickup(trip: Trip) -> dt.datetime:
    """The pickup time that the vendor said yes to: small moves add up and are measured from here."""
    if trip.when in ("now", "ready") and trip.is_ready:
        return trip.pickup_at
    assert trip.vendor_id is not None
    last = Proposal.objects.filter(trip=trip, vendor_id=trip.vendor_id, status="agreed").defer("wanted")
    brief = last.order_by("-answered_at").values_list("brief", flat=True).first()
    if brief is None:
        offer = Offer.objects.filter(trip=trip, vendor_id=trip.vendor_id, status="accepted")
        brief = offer.values_list("brief", flat=True).first()
    return dt.datetime.fromisoformat(brief["pickup_at"]) if brief and brief.get("pickup_at") else trip.pickup_at


def _apply(case: _Case, *, reason: str) -> Outcome:
    trip = case.trip
    amend.amend(request_id=trip.request_id, wanted=case.wanted, reason=reason)
    changed = trips.update_from_request(
        trip.request_id, source="user", agreed=trip.vendor_id is not None, reason=reason
    )
    if changed is not None and changed.vendor_id is not None and case.material:
        reprice(changed)
    return Outcome("applied", changed or trip, changed=case.changed)


def reprice(trip: Trip) -> None:
    """The contract's price for the trip as it is now, after its level or its way changed."""
    leg = Leg.objects.get(trip=trip, sequence=1)
    price, rate_id = price_of(trip, level=trip.level, miles=leg.miles, pickup_at=trip.pickup_at)
    if price is not None and price != trip.price_amount:
        Trip.objects.filter(pk=trip.pk).update(price_amount=price, price_rate_id=rate_id, updated_at=clock.now())
        trip.price_amount, trip.price_rate_id = price, rate_id


def _propose(case: _Case, kind: str, reason: str) -> Outcome:
    trip, facts, now = case.trip, case.facts, clock.now()
    assert trip.vendor_id is not None
    pickup_at = facts.trip["pickup_at"]
    price, rate_id = price_of(trip, level=facts.trip["level"], miles=facts.leg["miles"], pickup_at=pickup_at)
    if price is None and facts.trip["level"] != trip.level:
        raise DomainError("This vendor's contract has no price for that level.", code="no_rate")
    scope = scoping.current()
    proposal = Proposal.objects.create(
        trip=trip,
        vendor_id=trip.vendor_id,
        kind=kind,
        brief=brief_of(case.trip, case.leg, facts, price),
        wanted=case.wanted,
        price_amount=price,
        rate_id=rate_id,
        reason=reason[:200],
        due_at=policies.expiry(now, policies.PROPOSAL_MINUTES, min(trip.pickup_at, pickup_at), trip.pickup_latest_at),
        proposed_by_name=scope.actor_label[:120],
    )
    ProposalEvent.objects.create(
        proposal=proposal, vendor_id=trip.vendor_id, new_status=proposal.status, at=now, actor_id=scope.user_id,
        actor_label=scope.actor_label, source="user", reason=reason[:300],
    )  # fmt: skip
    audit.record(
        action="proposal.opened",
        target=proposal,
        patient_id=case.request.patient_id,
        details={"trip": trip.number, "kind": kind, "changed": case.changed},
    )
    outbox.publish(
        "proposal.opened", {"proposal_id": str(proposal.pk), "trip_id": str(trip.pk)}, vendor_id=trip.vendor_id
    )
    return Outcome("proposed", trip, proposal, case.changed)


def brief_of(trip: Trip, leg: Leg, facts: intake.Intake, price: Decimal | None) -> dict[str, Any]:
    """What the vendor is asked, in zones, bands and words: ``rows`` of label, old and new, and both prices."""
    before = _words(
        {name: getattr(trip, name) for name in facts.trip}, {name: getattr(leg, name) for name in facts.leg}
    )
    after = _words(facts.trip, facts.leg)
    rows = [{"label": label, "old": before[label], "new": new} for label, new in after.items() if before[label] != new]
    return {
        "rows": rows,
        "pickup_at": facts.trip["pickup_at"].isoformat(),
        "price_old": str(trip.price_amount) if trip.price_amount is not None else "",
        "price_new": str(price) if price is not None else "",
    }


def _words(trip: dict[str, Any], leg: dict[str, Any]) -> dict[str, str]:
    at = clock.local(trip["pickup_at"], trip["time_zone"])
    load = leg["load"]
    riding = load.get("companions", 0)
    return {
        "Pickup": f"{at:%a} {at.day} {at:%b} {at:%H:%M} {at:%Z}",
        "Level": levels.LEVELS[trip["level"]].label,
        "Drop-off": f"{load.get('dropoff_zone') or 'Drop-off'}, {leg['miles']} mi",
        "Needs": ", ".join(policies.need_words(load.get("needs", []), load.get("oxygen_lpm"))) or "none",
        "Precautions": policies.ISOLATION_WORDS.get(leg["isolation"], "none"),
        "Weight": policies.weight_band(load.get("patient_lb")) or "not given",
        "Riding along": str(riding) if riding else "nobody",
    }


def _vendor_serves(case: _Case) -> bool:
    """Whether the vendor, and the vehicle that is assigned, can serve the new level at a contract's price."""
    level, vendor_id = case.facts.trip["level"], case.trip.vendor_id
    assert vendor_id is not None
    price, _ = price_of(case.trip, level=level, miles=case.facts.leg["miles"], pickup_at=case.trip.pickup_at)
    profile = VendorProfile.objects.filter(vendor_id=vendor_id).first()
    if price is None or (profile is not None and level not in profile.levels):
        return False
    if case.leg.status not in MOVING:
        return True
    run = Run.objects.filter(trip=case.trip, is_active=True).select_related("vehicle").first()
    return run is not None and level in run.vehicle.levels


def _audit_level(case: _Case, reason: str) -> None:
    audit.record(
        action="trip.level_changed",
        target=case.trip,
        patient_id=case.request.patient_id,
        reason=reason,
        details={"old": case.trip.level, "new": case.facts.trip["level"], "leg": case.leg.status},
    )


__all__ = ["Outcome", "change", "change_level", "divert", "price_of", "reprice", "take_back"]
