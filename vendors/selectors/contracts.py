"""Reading contracts."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db.models import Q

from logistics.core import levels
from vendors.models import Contract, Rate


def in_force(day: dt.date) -> dict[Any, Contract]:
    """Vendor id → the signed version in force on ``day``, rates prefetched."""
    rows = (
        Contract.objects.filter(status="signed", effective_from__lte=day)
        .filter(Q(effective_to__isnull=True) | Q(effective_to__gt=day))
        .prefetch_related("rates")
    )
    return {row.vendor_id: row for row in rows}


def latest(vendor_id: UUID) -> Contract | None:
    """The newest signed (or ended) version for this vendor, or None."""
    return Contract.objects.filter(vendor_id=vendor_id, status__in=("signed", "ended")).order_by("-version").first()


def versions(vendor_id: UUID | None = None) -> list[Contract]:
    """Every version with vendor and rates, by vendor's name, newest version first. Two queries."""
    rows = Contract.objects.select_related("vendor").prefetch_related("rates").order_by("vendor__name", "-version")
    return list(rows if vendor_id is None else rows.filter(vendor_id=vendor_id))


def contract_get(contract_id: UUID) -> Contract | None:
    """One version with vendor and rates, or None outside the open scope."""
    return Contract.objects.select_related("vendor").prefetch_related("rates").filter(pk=contract_id).first()


def standing(contract: Contract, today: dt.date) -> str:
    """``draft``, ``signed`` (not yet in force), ``in_force`` or ``ended``."""
    if contract.status != "signed":
        return contract.status
    if contract.effective_from > today:
        return "signed"
    return "ended" if contract.effective_to is not None and contract.effective_to <= today else "in_force"


def by_level(contract: Contract) -> list[Rate]:
    """The version's rates from the simplest level to the most demanding one."""
    return sorted(contract.rates.all(), key=lambda rate: levels.LEVELS[rate.level].order)


def side_by_side(rows: list[Contract]) -> list[dict[str, Any]]:
    """Level by level the rates of several versions: ``{"level", "rates": [Rate | None, …]}`` in their order."""
    by_version = [{rate.level: rate for rate in row.rates.all()} for row in rows]
    used = {level for rates in by_version for level in rates}
    return [
        {"level": level, "rates": [rates.get(level) for rates in by_version]}
        for level in levels.LEVELS
        if level in used
    ]
