"""A patient's equipment, for the pages of the demand side."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Prefetch

from logistics.core.equipment import full_name
from logistics.requests.models import EquipmentLine, ServiceRequest


def equipment_history(patient_id: UUID, *, limit: int = 10) -> list[ServiceRequest]:
    """A patient's equipment orders, newest first, each with ``detail`` (a list of one) and ``items`` (words).

    Three queries.
    """
    lines = EquipmentLine.objects.select_related("item").order_by("position")
    found: list[Any] = list(
        ServiceRequest.objects.filter(patient_id=patient_id, kind="dme")
        .prefetch_related(
            Prefetch("equipment_rows", to_attr="detail"), Prefetch("equipment_lines", queryset=lines, to_attr="asked")
        )
        .order_by("-created_at")[:limit]
    )
    for request in found:
        request.items = [full_name(line.item.name, line.size, line.quantity) for line in request.asked]
    return found
