"""Which supplier is asked, in which order, and what it answers.

A supplier answers in a crossing scope (``Scope.crossing``), which reaches the offer, the order and its lines and no row
of a patient; the order's row is locked first.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from dispatch import policies, states
from dispatch.models import EquipmentOffer, EquipmentOrder, EquipmentOrderLine, EquipmentRecipient
from dispatch.services.equipment import reserving
from dispatch.services.equipment.orders import GONE, free_lines, withdraw_offers
from dispatch.services.equipment.transitions import get_locked, offer_to, order_to, own_order
from dispatch.solver.travel import geodesic_miles
from logistics.core import clock, scoping
from logistics.core.equipment import full_name
from logistics.core.errors import DomainError, IllegalMove, NotAllowed, StaleState
from logistics.requests.models import EquipmentDetail
from logistics.requests.services import alerts
from vendors.models import Contract, Network, StockItem, VendorProfile

# Without a contract that says how long an answer may take.
RESPONSE_MINUTES = 30
GONE_WORDS = "Another supplier took this order. Nothing is left to do."


class _Spot(NamedTuple):
    lat: float
    lon: float


@dataclass(frozen=True)
class Candidate:
    """A supplier for one order: ``refused`` says why it is not asked; figures are what it is ranked by."""

    vendor_id: UUID
    name: str
    preferred: bool
    in_stock: int
    lines: int
    contract: bool
    tier: int
    miles: float
    response_minutes: int
    refused: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """The patient's preference first, then what can be delivered from stock, then contract, tier and way."""
        return (not self.preferred, -self.in_stock, not self.contract, self.tier, self.miles, self.name)

    def words(self) -> dict[str, Any]:
        """As the order's page shows it; no PHI."""
        why = self.refused or ", ".join(
            part
            for part in (
                "the patient's choice" if self.preferred else "",
                f"{self.in_stock} of {self.lines} items in stock",
                "contract" if self.contract else "no contract",
                policies.distance_band(self.miles),
            )
            if part
        )
        return {"vendor_id": str(self.vendor_id), "name": self.name, "why": why, "asked": not self.refused}


def candidates(order: EquipmentOrder) -> list[Candidate]:
    """Every supplier of the network that stocks equipment, best first, refused ones last. Six queries, staff scope."""
    detail = EquipmentDetail.objects.get(request_id=order.request_id)
    lines = list(EquipmentOrderLine.objects.filter(order=order))
    today = clock.local(clock.now(), order.time_zone).date()
    network = Network.objects.filter(status="active", baa_signed_on__lte=today).select_related("vendor")
    network = network.filter(Q(baa_ends_on=None) | Q(baa_ends_on__gte=today))
    ids = [row.vendor_id for row in network]
    shelves: dict[UUID, dict[tuple[str, str], int]] = {}
    for item in StockItem.objects.filter(vendor_id__in=ids):
        shelves.setdefault(item.vendor_id, {})[item.code, item.size] = item.available
    profiles = {row.vendor_id: row for row in VendorProfile.objects.filter(vendor_id__in=ids)}
    signed = Contract.objects.filter(vendor_id__in=ids, status="signed", effective_from__lte=today)
    minutes = {
        row.vendor_id: row.response_minutes for row in signed.filter(Q(effective_to=None) | Q(effective_to__gt=today))
    }
    gave_back = set(
        EquipmentOffer.objects.filter(order=order, status="turned_back").values_list("vendor_id", flat=True)
    )
    there = _Spot(detail.latitude, detail.longitude)
    found = []
    for row in network:
        shelf, profile = shelves.get(row.vendor_id), profiles.get(row.vendor_id)
        if shelf is None:
            continue
        carries = {code for code, _size in shelf}
        miles = geodesic_miles(_Spot(profile.base_latitude, profile.base_longitude), there) if profile else 0.0
        refused = ""
        if row.vendor_id in gave_back:
            refused = "gave this order back"
        elif not carries & {line.code for line in lines}:
            refused = "does not carry any of it"
        elif profile is not None and miles > profile.radius_miles:
            refused = f"does not serve this area ({profile.radius_miles} mi)"
        found.append(
            Candidate(
                vendor_id=row.vendor_id,
                name=row.vendor.name,
                preferred=row.vendor_id == detail.preferred_vendor_id,
                in_stock=sum(shelf.get((line.code, line.size), 0) >= line.left for line in lines),
                lines=len(lines),
                contract=row.vendor_id in minutes,
                tier=row.tier,
                miles=miles,
                response_minutes=minutes.get(row.vendor_id, RESPONSE_MINUTES),
                refused=refused,
            )
        )
    return sorted(found, key=lambda each: (bool(each.refused), each.key))


@transaction.atomic
def start(order_id: UUID) -> EquipmentOffer | None:
    """Rank the suppliers of an order that looks for one, and ask the first. Repeatable. Staff scope."""
    order = get_locked(order_id)
    if order.status != "ordered":
        return EquipmentOffer.objects.filter(order=order, status="open").first()
    withdraw_offers(order, reason="Ranked anew")
    ranked = candidates(order)
    order.round += 1
    order.considered = [each.words() for each in ranked]
    EquipmentOrder.objects.filter(pk=order.pk).update(round=order.round, considered=order.considered)
    for rank, each in enumerate((each for each in ranked if not each.refused), start=1):
        EquipmentOffer.objects.create(
            order=order, vendor_id=each.vendor_id, round=order.round, rank=rank, brief=brief(order),
            response_minutes=each.response_minutes,
        )  # fmt: skip
    return send_next_of(order)


@transaction.atomic
def ask_again(order_id: UUID) -> EquipmentOrder:
    """Start over with an order that found nobody: suppliers are ranked anew. Idempotent. Staff scope."""
    order = get_locked(order_id)
    if order.status != "exhausted":
        return order
    alerts.resolve(["equipment_exhausted"], request=order.request)
    return order_to(order, "ordered", reason="Asked again")


@transaction.atomic
def send_next(order_id: UUID) -> EquipmentOffer | None:
    """Ask the next supplier; with nobody left the order is ``exhausted`` and an alert tells so. Staff scope."""
    return send_next_of(get_locked(order_id))


def send_next_of(order: EquipmentOrder) -> EquipmentOffer | None:
    """:func:`send_next` for an order that the caller has locked."""
    if order.status not in ("ordered", "offered"):
        return None
    asked = EquipmentOffer.objects.filter(order=order, status="open").first()
    if asked is not None:
        return asked
    now = clock.now()
    waiting = EquipmentOffer.objects.select_for_update(of=("self",)).filter(order=order, status="waiting")
    for offer in waiting.order_by("round", "rank"):
        if not _may_be_asked(offer.vendor_id, order):
            offer_to(offer, "withdrawn", source="engine", reason="The supplier may not be asked any more")
            continue
        least = now + dt.timedelta(minutes=policies.LEAST_RESPONSE_MINUTES)
        ends = min(now + dt.timedelta(minutes=offer.response_minutes), max(order.deliver_by_at, least))
        offer_to(offer, "open", source="engine", changes={"sent_at": now, "expires_at": ends})
        if order.status != "offered":
            order_to(order, "offered", source="engine")
        return offer
    _exhaust(order)
    return None


def brief(order: EquipmentOrder) -> dict[str, Any]:
    """All that a supplier sees before it accepts (45 CFR 164.502(b)): no name, no address line."""
    return {
        "number": order.number,
        "zone": order.zone_words,
        "where": order.where,
        "deliver_by_at": order.deliver_by_at.isoformat(),
        "time_zone": order.time_zone,
        "needs_setup": order.needs_setup,
        "needs_wopd": order.needs_wopd,
        "items": [
            {
                "code": line.code,
                "size": line.size,
                "name": full_name(line.name, line.size, line.left),
                "quantity": line.left,
            }
            for line in EquipmentOrderLine.objects.filter(order=order)
            if line.left
        ],
    }


@transaction.atomic
def accept(offer_id: UUID, *, expected_at: dt.datetime | None = None) -> EquipmentOrder:
    """The supplier takes the order, and its stock is reserved: ``allocated``, or ``backordered`` for what is short.

    ``expected_at`` is when it promises to come. Repeatable. Vendor scope. Raises ``StaleState`` saying what happened.
    """
    offer = _own_offer(offer_id)
    if expected_at is not None and expected_at < clock.now() - dt.timedelta(minutes=1):
        words = "Give a time to come."
        raise DomainError(words, code="past", fields={"expected_at": words})
    with scoping.enter(scoping.current().crossing(offer.tenant_id)):
        order = EquipmentOrder.objects.select_for_update(of=("self",)).filter(pk=offer.order_id).first()
        offer = EquipmentOffer.objects.select_for_update(of=("self",)).get(pk=offer_id)
        if offer.status == "accepted" and order is not None and order.vendor_id == offer.vendor_id:
            return order
        order = _refuse_late(offer, order)
        now = clock.now()
        promised = {"answered_at": now, "expected_at": expected_at}
        offer_to(offer, "accepted", changes=promised)
        order_to(
            order, "accepted", changes={"vendor_id": offer.vendor_id, "accepted_at": now, "expected_at": expected_at},
            details={"offer_id": str(offer.pk), "round": offer.round, "rank": offer.rank},
        )  # fmt: skip
        EquipmentOrderLine.objects.filter(order_id=order.pk).update(vendor_id=offer.vendor_id)
        EquipmentRecipient.objects.filter(order_id=order.pk).update(vendor_id=offer.vendor_id)
        reserving.allocate_locked(order)
        return order


@transaction.atomic
def decline(offer_id: UUID, *, code: str, note: str = "") -> EquipmentOffer:
    """The supplier says no; ``code`` is a key of ``states.EQUIPMENT_DECLINE_REASONS``. Repeatable. Vendor scope."""
    _check_code(code)
    offer = _own_offer(offer_id)
    with scoping.enter(scoping.current().crossing(offer.tenant_id)):
        EquipmentOrder.objects.select_for_update(of=("self",)).filter(pk=offer.order_id).first()
        offer = EquipmentOffer.objects.select_for_update(of=("self",)).get(pk=offer_id)
        if offer.status == "declined":
            return offer
        if offer.status != "open":
            words = offer.status.replace("_", " ")
            raise StaleState(f"This offer cannot be declined: it is {words}.", current=offer.status)
        changes = {"answered_at": clock.now(), "decline_code": code, "decline_note": note[:200]}
        reason = states.EQUIPMENT_DECLINE_REASONS[code]
        return offer_to(offer, "declined", reason=reason, changes=changes, details={"code": code})


@transaction.atomic
def turn_back(order_id: UUID, *, code: str, note: str = "") -> None:
    """The supplier gives an accepted order back before it left; what it reserved is free. Vendor scope."""
    _check_code(code)
    known = own_order(order_id)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        order = get_locked(order_id)
        if order.status not in ("accepted", "backordered", "allocated", "scheduled", "attempted", "wrong_item"):
            raise IllegalMove("This order cannot be given back now. Call the hospital.", code="too_late")
        if EquipmentOrderLine.objects.filter(order=order, delivered__gt=0).exists():
            raise IllegalMove("A part of it is delivered: the rest is yours too.", code="partly")
        words = states.EQUIPMENT_DECLINE_REASONS[code]
        vendor_id = order.vendor_id
        changes = {"decline_code": code, "decline_note": note[:200]}
        for offer in EquipmentOffer.objects.select_for_update(of=("self",)).filter(order=order, status="accepted"):
            offer_to(offer, "turned_back", reason=words, changes=changes, details={"code": code})
        reserving.release_locked(order)
        free_lines(order)
        order_to(order, "ordered", reason=words, changes=GONE, vendor_id=vendor_id, details={"turned_back": True})


@transaction.atomic
def expire_due() -> int:
    """Expire open offers whose time is over. Returns how many. Staff scope; the tick runs it."""
    due = EquipmentOffer.objects.filter(status="open", expires_at__lte=clock.now()).order_by("order_id", "pk")
    expired = 0
    for offer_id, order_id in list(due.values_list("pk", "order_id")):
        get_locked(order_id)
        offer = EquipmentOffer.objects.select_for_update(of=("self",)).get(pk=offer_id)
        if offer.status == "open" and offer.expires_at and offer.expires_at <= clock.now():
            offer_to(offer, "expired", source="engine", reason="No answer in time")
            expired += 1
    return expired


def _exhaust(order: EquipmentOrder) -> None:
    answers = list(EquipmentOffer.objects.filter(order=order, round=order.round).values_list("status", flat=True))
    order_to(order, "exhausted", source="engine", reason="Every supplier that could come was asked.")
    params = {"order": order.number, "declined": answers.count("declined"), "expired": answers.count("expired")}
    alerts.raise_alert("equipment_exhausted", "top", request=order.request, params=params)


def _refuse_late(offer: EquipmentOffer, order: EquipmentOrder | None) -> EquipmentOrder:
    """The order that may be accepted, or say why it may not."""
    if order is None or (order.vendor_id is not None and order.vendor_id != offer.vendor_id):
        raise StaleState(GONE_WORDS, current=offer.status, code="taken")
    if offer.status == "expired" or (offer.status == "open" and offer.expires_at and offer.expires_at <= clock.now()):
        ended = f" at {clock.local(offer.expires_at, order.time_zone):%H:%M}" if offer.expires_at else ""
        raise StaleState(f"This offer ended{ended}. The next supplier is asked.", current="expired", code="expired")
    if offer.status != "open" or order.status != "offered":
        words = offer.status.replace("_", " ")
        raise StaleState(f"This offer cannot be accepted: it is {words}.", current=offer.status)
    return order


def _own_offer(offer_id: UUID) -> EquipmentOffer:
    if scoping.current().vendor_id is None:
        raise NotAllowed("Only the supplier that was asked answers an offer.", code="not_vendor")
    offer = EquipmentOffer.objects.filter(pk=offer_id).exclude(status="waiting").first()
    if offer is None:
        raise DomainError("This offer does not exist.", code="not_found")
    return offer


def _check_code(code: str) -> None:
    if code not in states.EQUIPMENT_DECLINE_REASONS:
        raise DomainError("Choose a reason.", code="no_reason", fields={"code": "Choose a reason from the list."})


def _may_be_asked(vendor_id: UUID, order: EquipmentOrder) -> bool:
    day = clock.local(order.deliver_by_at, order.time_zone).date()
    row = Network.objects.filter(vendor_id=vendor_id, status="active", baa_signed_on__lte=day).first()
    return row is not None and (row.baa_ends_on is None or row.baa_ends_on >= day)
