"""Equipment as the supplier reads it: offers, its deliveries, one delivery. What the database hides stays hidden."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from dispatch.equipment_rules import leave_problem
from dispatch.models import (
    DeliveryAttempt,
    DeliveryProof,
    EquipmentOffer,
    EquipmentOrder,
    EquipmentOrderLine,
    EquipmentRecipient,
)
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.core.equipment import full_name
from vendors.models import StockItem

PAGE_SIZE = 50
UNDER_WAY = ("accepted", "backordered", "allocated", "scheduled", "out_for_delivery", "attempted", "wrong_item",
        "partly_delivered", "pickup_requested", "picked_up", "held")  # fmt: skip
SHOWN = [("todo", "To do"), ("review", "Waiting for review"), ("done", "Delivered"), ("all", "All")]
IN_SHOWN = {
    "todo": UNDER_WAY,
    "review": ("pod_review",),
    "done": ("pod_accepted", "on_rent", "closed", "returned", "refused", "recalled"),
}


@dataclass(frozen=True)
class Recipient:
    """Whom it goes to; empty when the supplier may not know (not accepted, or over for more than a day)."""

    name: str = ""
    address: str = ""
    phone: str = ""
    contact: str = ""
    contact_phone: str = ""
    note: str = ""
    language: str = ""


def open_offers() -> list[dict[str, Any]]:
    """Offers to answer, first to end first, each with what is on the shelf for it. Two queries. Vendor scope."""
    offers = list(EquipmentOffer.objects.filter(status="open", expires_at__gt=clock.now()).order_by("expires_at"))
    codes = {item["code"] for offer in offers for item in offer.brief["items"]}
    free = {(row.code, row.size): row.available for row in StockItem.objects.filter(code__in=codes)}
    return [offer_card(offer, free) for offer in offers]


def offer_get_for(offer_id: UUID) -> EquipmentOffer | None:
    """An offer that was sent to the supplier at work. One query."""
    return EquipmentOffer.objects.filter(pk=offer_id).exclude(status="waiting").first()


def offer_card(offer: EquipmentOffer, free: dict[tuple[str, str], int]) -> dict[str, Any]:
    """An offer as its card shows it."""
    brief = offer.brief
    sent, ends = offer.sent_at, offer.expires_at
    return {
        "offer": offer,
        "number": brief["number"],
        "zone": brief["zone"],
        "where": dict(WHERE)[brief["where"]],
        "due_at": dt.datetime.fromisoformat(brief["deliver_by_at"]),
        "time_zone": brief["time_zone"],
        "needs_setup": brief["needs_setup"],
        "needs_wopd": brief["needs_wopd"],
        "items": [{"name": item["name"], "free": free.get((item["code"], item["size"]), 0)} for item in brief["items"]],
        "seconds": int((ends - sent).total_seconds()) if sent and ends else 600,
    }


def delivery_list(*, show: str = "todo", user_id: UUID | None = None, q: str = "") -> QuerySet[EquipmentOrder]:
    """The supplier's orders, due first; ``user_id`` leaves those of one driver. Lazy."""
    rows = EquipmentOrder.objects.filter(vendor_id__isnull=False)
    if show in IN_SHOWN:
        rows = rows.filter(status__in=IN_SHOWN[show])
    if user_id is not None:
        rows = rows.filter(driver_user_id=user_id)
    if q.strip().isdigit():
        rows = rows.filter(number=int(q.strip()[:15]))
    return rows.order_by("-deliver_by_at", "-id") if show in ("done", "all") else rows.order_by("deliver_by_at", "id")


def rows_of(orders: Iterable[EquipmentOrder]) -> list[dict[str, Any]]:
    """What the list shows of each order. Three queries."""
    found = list(orders)
    ids = [order.pk for order in found]
    lines: dict[UUID, list[EquipmentOrderLine]] = {}
    for line in EquipmentOrderLine.objects.filter(order_id__in=ids):
        lines.setdefault(line.order_id, []).append(line)
    people = recipients(ids)
    customers = dict(Organization.objects.filter(pk__in={o.tenant_id for o in found}).values_list("pk", "name"))
    now = clock.now()
    return [
        {
            "order": order,
            "items": [full_name(line.name, line.size, line.quantity) for line in lines.get(order.pk, [])],
            "who": people.get(order.pk, Recipient()),
            "customer": customers.get(order.tenant_id, ""),
            "late": order.delivered_at is None and order.status in UNDER_WAY and order.deliver_by_at < now,
            "next": NEXT.get(order.status, ""),
        }
        for order in found
    ]


@dataclass
class Delivery:
    """One delivery as the supplier's page shows it."""

    order: EquipmentOrder
    who: Recipient
    lines: list[EquipmentOrderLine]
    customer: str
    problem: str = ""
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    proofs: list[DeliveryProof] = field(default_factory=list)

    @property
    def coming(self) -> list[EquipmentOrderLine]:
        """Lines that are on the vehicle, or would be."""
        return [line for line in self.lines if line.reserved]

    @property
    def rejected(self) -> DeliveryProof | None:
        """The proof that the hospital sent back, while no other has come."""
        last = next((row for row in reversed(self.proofs) if row.kind == "delivery"), None)
        return last if last is not None and last.review == "rejected" else None

    @property
    def returning(self) -> list[EquipmentOrderLine]:
        """Lines that a pickup fetches."""
        return [line for line in self.lines if line.returnable and line.delivered]


def delivery_get_for(order_id: UUID, *, user_id: UUID | None = None) -> EquipmentOrder | None:
    """The supplier's own order; for a driver only when assigned. One query."""
    rows = EquipmentOrder.objects.filter(pk=order_id, vendor_id__isnull=False)
    return (rows.filter(driver_user_id=user_id) if user_id is not None else rows).first()


def page(order: EquipmentOrder) -> Delivery:
    """Everything on the delivery's page. Five queries. Vendor scope."""
    lines = list(EquipmentOrderLine.objects.filter(order_id=order.pk))
    today = clock.local(clock.now(), order.time_zone).date()
    return Delivery(
        order=order,
        who=recipients([order.pk]).get(order.pk, Recipient()),
        lines=lines,
        customer=Organization.objects.filter(pk=order.tenant_id).values_list("name", flat=True).first() or "",
        problem=leave_problem(order, lines, today) if order.status == "scheduled" else "",
        attempts=list(DeliveryAttempt.objects.filter(order_id=order.pk)),
        proofs=list(DeliveryProof.objects.filter(order_id=order.pk)),
    )


def recipients(ids: Iterable[UUID]) -> dict[UUID, Recipient]:
    """Order id → recipient, for those that the database still shows to the supplier. One query."""
    return {row.order_id: _recipient(row.details) for row in EquipmentRecipient.objects.filter(order_id__in=list(ids))}


def _recipient(details: dict[str, Any]) -> Recipient:
    home = details.get("address") or {}
    address = ", ".join(str(home[key]) for key in ("line", "city", "state", "zip_code") if home.get(key))
    if details.get("facility"):
        spot = ", ".join(part for part in (details["unit"], f"bed {details['bed']}" if details["bed"] else "") if part)
        address = " · ".join(
            part for part in (details["facility"], spot, details["facility_address"], details["entrance"]) if part
        )
    return Recipient(
        name=" ".join(part for part in (details.get("given_name"), details.get("family_name")) if part),
        address=address,
        phone=details.get("phone", ""),
        contact=details.get("contact_name", ""),
        contact_phone=details.get("contact_phone", ""),
        note=details.get("setup_note", ""),
        language=details.get("language", ""),
    )


WHERE = [("home", "At home"), ("bedside", "At the hospital bedside")]
NEXT = {
    "accepted": "Reserve the items",
    "backordered": "Reserve the items",
    "allocated": "Set time and driver",
    "scheduled": "Leave",
    "out_for_delivery": "Hand over",
    "attempted": "Set a new time",
    "wrong_item": "Reserve the right item",
    "partly_delivered": "Bring the rest",
    "pod_review": "",
    "pickup_requested": "Pick up",
    "picked_up": "Check in",
    "held": "Wait for the hospital",
}
