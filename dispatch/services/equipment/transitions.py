"""How an equipment order and a supplier's answer move along their tables (``dispatch/states.py``)."""

from __future__ import annotations

from typing import Any, Unpack
from uuid import UUID

from dispatch import states
from dispatch.models import EquipmentEvent, EquipmentOffer, EquipmentOfferEvent, EquipmentOrder
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, NotAllowed
from logistics.core.machines import How, move


def order_to(
    order: EquipmentOrder,
    to: str,
    *,
    vendor_id: Any = None,
    **how: Unpack[How],
) -> EquipmentOrder:
    """Move an order; publishes ``equipment.<status>``.

    ``vendor_id`` names the supplier whom the move concerns when the row does not (one that gives it back).
    """
    # QuerySet.update() does not touch auto_now columns.
    changes = {"updated_at": clock.now(), **(how.get("changes") or {})}
    how["changes"] = changes
    vendor = vendor_id or changes.get("vendor_id") or order.vendor_id
    return move(
        order,
        to,
        machine=states.EQUIPMENT,
        event_model=EquipmentEvent,
        event_field="order",
        event_fields={"vendor_id": vendor},
        topic=f"equipment.{to}",
        payload={"request_id": str(order.request_id), "notify_vendor_ids": [str(vendor)] if vendor else []},
        **how,
    )


def offer_to(
    offer: EquipmentOffer,
    to: str,
    **how: Unpack[How],
) -> EquipmentOffer:
    """Move a supplier's offer; publishes ``equipment_offer.sent`` when it opens, else ``equipment_offer.<status>``."""
    return move(
        offer,
        to,
        machine=states.OFFER,
        event_model=EquipmentOfferEvent,
        event_field="offer",
        event_fields={"vendor_id": offer.vendor_id},
        topic="equipment_offer.sent" if to == "open" else f"equipment_offer.{to}",
        payload={"order_id": str(offer.order_id)},
        **how,
    )


def note(
    order: EquipmentOrder,
    topic: str,
    *,
    reason: str = "",
    details: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    source: str = "user",
) -> None:
    """Something happened to an order that left its status: a history row, an audit entry and the event ``topic``."""
    scope = scoping.current()
    EquipmentEvent.objects.create(
        order=order, vendor_id=order.vendor_id, tenant_id=order.tenant_id, old_status=order.status,
        new_status=order.status, at=clock.now(), actor_id=scope.user_id, actor_label=scope.actor_label, source=source,
        reason=reason[:300], details={"topic": topic, **(details or {})},
    )  # fmt: skip
    audit.record(action=topic, target=order, reason=reason, details=details)
    outbox.publish(
        topic,
        {"order_id": str(order.pk), "request_id": str(order.request_id), **(payload or {})},
        vendor_id=order.vendor_id,
    )


def get_locked(order_id: UUID) -> EquipmentOrder:
    """The order, locked until the transaction ends. Every verb locks it first, then its offers and lines."""
    order = EquipmentOrder.objects.select_for_update(of=("self",)).filter(pk=order_id).first()
    if order is None:
        raise DomainError("This order does not exist.", code="not_found")
    return order


def own_order(order_id: UUID) -> EquipmentOrder:
    """An order of the supplier at work (not locked), or ``not_found``."""
    scope = scoping.current()
    if scope.vendor_id is None:
        raise NotAllowed("Only the supplier that accepted the order does this.", code="not_vendor")
    order = EquipmentOrder.objects.filter(pk=order_id, vendor_id=scope.vendor_id).first()
    if order is None:
        raise DomainError("This order does not exist.", code="not_found")
    return order
