"""Stock for an order: reserved at acceptance, missing (then staff decide), swapped for a substitute, released.

The counts are the supplier's: they change in its own or in a crossing scope only.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from dispatch.models import EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment.transitions import get_locked, note, order_to, own_order
from logistics.core import clock, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import EquipmentItem
from logistics.requests.services import equipment as demand
from vendors.models import StockHold
from vendors.services import stock_holds
from vendors.services.stock_holds import Need

# While the order is so, something may still be reserved for it.
RESERVING = ("accepted", "backordered", "allocated", "scheduled", "wrong_item", "partly_delivered", "attempted")


@transaction.atomic
def allocate(order_id: UUID) -> EquipmentOrder:
    """Reserve what is still missing and is in stock now. Repeatable. Vendor scope."""
    known = own_order(order_id)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        order = get_locked(order_id)
        if order.status not in RESERVING:
            raise IllegalMove("Nothing can be reserved for this order now.", code="not_reserving")
        return allocate_locked(order)


def allocate_locked(order: EquipmentOrder) -> EquipmentOrder:
    """:func:`allocate` for an order that the caller has locked, in a crossing scope."""
    lines = [line for line in EquipmentOrderLine.objects.filter(order_id=order.pk) if _wants(line)]
    got = stock_holds.reserve(
        order_id=order.pk,
        order_number=order.number,
        customer_id=order.tenant_id,
        needs=[Need(line.pk, line.code, line.size, line.left) for line in lines],
    )
    short = []
    for line, result in zip(lines, got, strict=True):
        line.state = "reserved" if result.held else "backordered"
        line.reserved = result.quantity
        if result.held and line.serialised:
            line.serials = [*line.serials[: line.delivered], *result.serials]
        line.save(update_fields=["state", "reserved", "serials"])
        if not result.held:
            short.append(line.code)
    if short and order.status in ("accepted", "allocated", "scheduled", "wrong_item", "partly_delivered"):
        return order_to(order, "backordered", reason="Not all of it is in stock", details={"codes": short})
    if not short and order.status in ("accepted", "backordered", "wrong_item", "partly_delivered"):
        return order_to(order, "allocated", reason="Everything is reserved")
    return order


def release_locked(order: EquipmentOrder) -> int:
    """Give back what is reserved for a locked order, in a crossing scope. Returns how many pieces."""
    return stock_holds.release(order_id=order.pk)


@transaction.atomic
def release_gone(order_ids: list[UUID] | None = None) -> int:
    """Release promises for orders that are not this supplier's any more. Vendor scope; the tick and a task run it."""
    holds = StockHold.objects.filter(state="reserved")
    if order_ids is not None:
        holds = holds.filter(order_id__in=order_ids)
    held = set(holds.values_list("order_id", flat=True))
    vendor_id = scoping.current().vendor_id
    kept = set(
        EquipmentOrder.objects.filter(pk__in=held, vendor_id=vendor_id)
        .exclude(status__in=["canceled", "refused"])
        .values_list("pk", flat=True)
    )
    return sum(stock_holds.release(order_id=order_id) for order_id in sorted(held - kept))


@transaction.atomic
def reserve_waiting() -> int:
    """Try again for every order that waits for stock. Returns how many are complete now. Vendor scope, by the tick."""
    waiting = EquipmentOrder.objects.filter(status__in=["accepted", "backordered"]).order_by("deliver_by_at", "pk")
    done = 0
    for order_id in list(waiting.values_list("pk", flat=True)):
        done += allocate(order_id).status == "allocated"
    return done


@transaction.atomic
def mark_due_back() -> int:
    """The supplier's shelf knows which pieces a pickup fetches. Returns how many changed. Vendor scope, repeatable."""
    asked = EquipmentOrder.objects.filter(status="pickup_requested", vendor_id=scoping.current().vendor_id)
    return stock_holds.mark_due_back(asked.values_list("pk", flat=True))


@transaction.atomic
def wait(order_id: UUID) -> EquipmentOrder:
    """Staff agree to wait for what is out of stock. Repeatable. Staff scope."""
    order = get_locked(order_id)
    if order.status != "backordered":
        raise IllegalMove("Nothing is out of stock any more.", code="not_backordered")
    if not order.wait_for_stock:
        EquipmentOrder.objects.filter(pk=order.pk).update(wait_for_stock=True)
        order.wait_for_stock = True
        note(order, "equipment.waits_for_stock", reason="Staff agreed to wait")
    return order


@transaction.atomic
def substitute(order_id: UUID, *, line_id: UUID, code: str, size: str = "") -> EquipmentOrderLine:
    """Staff take another item, or another size of the same, for a line that is not delivered. Staff scope.

    ``code`` is the line's own or one of its substitutes; sizes are the catalog's. The supplier reserves it next
    (``equipment.substituted``). Raises ``DomainError`` naming the field.
    """
    order = get_locked(order_id)
    line = EquipmentOrderLine.objects.filter(order=order, pk=line_id).first()
    if line is None:
        raise DomainError("This line does not exist.", code="not_found")
    if line.delivered or line.state == "reserved" or order.status not in ("backordered", "wrong_item", "exhausted"):
        raise IllegalMove("This line can no longer be changed: it is reserved or on its way.", code="too_late")
    item = EquipmentItem.objects.filter(code=code, is_active=True).first()
    if item is None or code not in (line.code, *line.substitutes):
        words = "Choose one of the items that may come instead."
        raise DomainError(words, code="not_substitute", fields={"code": words})
    if (item.sizes and size not in item.sizes) or (size and not item.sizes):
        words = f"Choose a size: {', '.join(item.sizes)}." if item.sizes else f"{item.name} has no sizes."
        raise DomainError(words, code="no_size", fields={"size": words})
    if (code, size) == (line.code, line.size):
        return line
    if code != line.code:
        line.asked_code, line.asked_name = line.asked_code or line.code, line.asked_name or line.name
    line.code, line.name, line.size = item.code, item.name, size
    line.serialised, line.returnable, line.state = item.serialised, item.returnable, "open"
    line.needs_wopd = bool(demand.needing_wopd([item], clock.local(clock.now(), order.time_zone).date()))
    line.save()
    needs = EquipmentOrderLine.objects.filter(order=order, needs_wopd=True).exists()
    EquipmentOrder.objects.filter(pk=order.pk).update(needs_wopd=needs)
    note(order, "equipment.substituted", details={"position": line.position, "code": code, "size": size})
    return line


def _wants(line: EquipmentOrderLine) -> bool:
    return line.left > 0 and line.state not in ("refused", "returned") and line.reserved < line.left
