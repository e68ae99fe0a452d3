"""Whether an equipment order may leave the depot: pure, on rows that are loaded already."""

from __future__ import annotations

import datetime as dt

from dispatch.models import EquipmentOrder, EquipmentOrderLine
from logistics.requests import equipment_rules as rules


def leave_problem(order: EquipmentOrder, lines: list[EquipmentOrderLine], today: dt.date) -> str:
    """Why the order may not leave today; empty when it may. No query."""
    coming = [line for line in lines if line.left and line.reserved]
    if not coming:
        return "Nothing is reserved for this order. Reserve the items first."
    if problem := rules.early_problem(order.where, order.leaves_on, today):
        return problem
    ordered = next((line for line in coming if line.needs_wopd), None)
    if ordered is None:
        return ""
    papers = rules.Papers(
        # The hospital records who wrote it; a supplier is told of the dates.
        practitioner=True,
        ordered_on=order.ordered_on,
        signed_on=order.signed_on,
        face_to_face_on=order.face_to_face_on,
        wopd_received_on=order.wopd_received_on,
    )
    problem = rules.wopd_problem(papers, today)
    return f"{ordered.name} needs a written order before delivery. {problem}" if problem else ""
