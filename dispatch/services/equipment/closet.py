"""Handing equipment out of the hospital's own loaner closet, when no supplier is needed or none came. Staff scope."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction

from dispatch.models import DeliveryProof, EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment.orders import withdraw_offers
from dispatch.services.equipment.transitions import get_locked, order_to
from logistics.core import audit, clock, scoping
from logistics.core.errors import DomainError, IllegalMove
from vendors.models import ClosetItem
from vendors.services import stock

LENDABLE = ("ordered", "offered", "exhausted")


@transaction.atomic
def hand_out(
    order_id: UUID,
    *,
    serials: dict[UUID, list[str]],
    receiver_name: str,
    receiver_relation: str,
    due_back_on: dt.date | None,
    key: str,
) -> EquipmentOrder:
    """Every line of the order comes from the closet, now. Repeatable by ``key``.

    ``serials`` names the pieces of serialised items by line id. Open offers are withdrawn. Raises ``DomainError`` when
    the closet lacks one of the lines (nothing is handed out then), or a loan has no day on which it is due back.
    """
    name = " ".join(receiver_name.split())
    if not name or not receiver_relation:
        raise DomainError("Say who received it.", code="no_receiver", fields={"receiver_name": "Who received it?"})
    order = get_locked(order_id)
    if DeliveryProof.objects.filter(order=order, key=key).exists():
        return order
    if order.status not in LENDABLE:
        raise IllegalMove("A supplier has this order. Take it back first, then hand it out.", code="taken")
    lines = list(EquipmentOrderLine.objects.filter(order=order))
    shelf = {(item.code, item.size): item for item in ClosetItem.objects.all()}
    today = clock.local(clock.now(), order.time_zone).date()
    if any(line.returnable for line in lines) and (due_back_on is None or due_back_on < today):
        words = "Write the day on which the loan is due back."
        raise DomainError(words, code="no_due_day", fields={"due_back_on": words})
    items = []
    for line in lines:
        item = shelf.get((line.code, line.size))
        chosen = serials.get(line.pk, []) if line.serialised else [""] * line.quantity
        if item is None or len(chosen) != line.quantity:
            words = f"The closet has no {line.name}." if item is None else f"Choose {line.quantity} of {line.name}."
            raise DomainError(words, code="no_stock", fields={f"serials_{line.position}": words})
        for serial in chosen:
            stock.lend(
                item_id=item.pk, order_id=order.pk, order_number=order.number, serial=serial,
                due_back_on=due_back_on if line.returnable else None,
            )  # fmt: skip
        line.serials, line.delivered, line.state = [each for each in chosen if each], line.quantity, "delivered"
        line.save(update_fields=["serials", "delivered", "state"])
        items.append(
            {"line_id": str(line.pk), "code": line.code, "name": line.name, "size": line.size,
             "quantity": line.quantity, "serials": line.serials}
        )  # fmt: skip
    now = clock.now()
    proof = DeliveryProof.objects.create(
        order=order, kind="delivery", items=items, receiver_name=name[:120], receiver_relation=receiver_relation[:20],
        received_on=today, unsigned_reason="Handed out on the ward", key=key, at=now, setup_done=True,
        recorded_by_name=scoping.current().actor_label[:120], review="accepted",
    )  # fmt: skip
    audit.record(action="equipment.handed_out", target=proof, details={"codes": [line.code for line in lines]})
    withdraw_offers(order, reason="Handed out from the closet")
    if order.status == "offered":
        order_to(order, "ordered", source="engine", reason="Handed out from the closet")
    service_on = max(order.leaves_on, today) if order.leaves_on else today
    order_to(
        order, "delivered", reason="From the loaner closet",
        changes={"delivered_at": now, "service_on": service_on}, details={"closet": True},
    )  # fmt: skip
    order_to(order, "pod_accepted", source="engine")
    rented = any(line.returnable for line in lines)
    return order_to(order, "on_rent" if rented else "closed", source="engine", changes={"closed_at": now})


@transaction.atomic
def take_in(order_id: UUID) -> EquipmentOrder:
    """A loan of the closet came back: its pieces are on the shelf again. Repeatable."""
    order = get_locked(order_id)
    if order.vendor_id is not None:
        raise IllegalMove("A supplier has this order: order a pickup.", code="supplier")
    if order.status == "returned":
        return order
    if order.status not in ("on_rent", "recalled", "pickup_requested"):
        raise IllegalMove("Nothing of this order is out on loan.", code="not_lent")
    shelf = {(item.code, item.size): item for item in ClosetItem.objects.all()}
    for line in EquipmentOrderLine.objects.filter(order=order, returnable=True):
        item = shelf.get((line.code, line.size))
        if item is not None:
            for serial in line.serials:
                stock.give_back(item_id=item.pk, serial=serial)
        line.state = "returned"
        line.save(update_fields=["state"])
    if order.status != "pickup_requested":
        order_to(order, "pickup_requested", source="engine", reason="Loan came back")
    order_to(order, "picked_up", source="engine")
    return order_to(order, "returned", changes={"closed_at": clock.now()})
