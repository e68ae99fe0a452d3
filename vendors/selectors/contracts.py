"""Reading contracts."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db.models import Q

from vendors.models import Contract


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
