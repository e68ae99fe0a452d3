"""A serial number was recalled: the order that has it is told, and a reserved piece is replaced when there is another.

Runs in the supplier's scope, after ``vendors.services.stock.recall`` has taken the piece out of the counts.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from dispatch.models import EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment import reserving
from dispatch.services.equipment.transitions import get_locked, note, order_to
from logistics.core import scoping
from vendors.models import StockUnit


@transaction.atomic
def tell_order(*, unit_id: UUID, order_id: UUID, customer_id: UUID, was: str) -> EquipmentOrder | None:
    """Find the order of a recalled piece and mark it; None when the order is not this supplier's any more.

    With the patient: the order is ``recalled``, and staff order a pickup or an exchange. Reserved: another piece is
    reserved in its place, or the line is out of stock. Repeatable.
    """
    unit = StockUnit.objects.filter(pk=unit_id).first()
    scope = scoping.current()
    known = EquipmentOrder.objects.filter(pk=order_id, vendor_id=scope.vendor_id).first()
    if unit is None or known is None:
        return None
    with scoping.enter(scope.crossing(customer_id)):
        order = get_locked(order_id)
        line = next(
            (row for row in EquipmentOrderLine.objects.filter(order_id=order_id) if unit.serial in row.serials), None
        )
        details = {"code": line.code if line else "", "serial": unit.serial}
        if was == "reserved":
            if line is None or unit.serial in line.serials[: line.delivered]:
                return order
            line.serials = [serial for serial in line.serials if serial != unit.serial]
            line.reserved = max(line.reserved - 1, 0)
            line.state = "open"
            line.save(update_fields=["serials", "reserved", "state"])
            note(order, "equipment.reserved_piece_recalled", details=details, source="stock")
            return reserving.allocate_locked(order)
        if order.status in ("pod_review", "on_rent"):
            return order_to(order, "recalled", source="stock", reason=unit.recalled_reason, details=details)
        if order.status != "recalled":
            note(order, "equipment.piece_recalled", details=details, source="stock", reason=unit.recalled_reason)
        return order
