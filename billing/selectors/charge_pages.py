"""What the pages of charges read: a fixed number of queries, whatever the page holds."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, QuerySet, Sum
from django.db.models.functions import TruncMonth

from billing.models import Charge
from dispatch.models import Trip
from logistics.accounts.models import Organization


@dataclass(frozen=True)
class Filter:
    """Which charges. Empty fields do not narrow; ``month`` is any day of the wanted month."""

    month: dt.date | None = None
    vendor_id: UUID | None = None
    level: str = ""


def charge_list(chosen: Filter) -> QuerySet[Charge]:
    """Charges of the open scope, newest service first, with their trip; lines are prefetched when evaluated."""
    rows = Charge.objects.select_related("trip").prefetch_related("lines").order_by("-service_on", "-created_at", "id")
    if chosen.month is not None:
        first = chosen.month.replace(day=1)
        following = (first + dt.timedelta(days=32)).replace(day=1)
        rows = rows.filter(service_on__gte=first, service_on__lt=following)
    if chosen.vendor_id is not None:
        rows = rows.filter(vendor_id=chosen.vendor_id)
    if chosen.level:
        rows = rows.filter(level=chosen.level)
    return rows


def totals(rows: QuerySet[Charge]) -> dict[str, Any]:
    """``count``, ``amount``, ``miles``, ``mean`` (None without charges) and ``by_vendor``, largest first."""
    plain = rows.order_by().select_related(None).prefetch_related(None)
    whole = plain.aggregate(
        count=Count("id"), amount=Sum("total_amount"), miles=Sum("loaded_miles"), mean=Avg("total_amount")
    )
    by_vendor = plain.values("vendor_id").annotate(count=Count("id"), amount=Sum("total_amount")).order_by("-amount")
    return {
        "count": whole["count"],
        "amount": whole["amount"] or Decimal("0.00"),
        "miles": whole["miles"] or Decimal("0.0"),
        "mean": whole["mean"],
        "by_vendor": list(by_vendor),
    }


def months() -> list[dt.date]:
    """First days of the months that have charges, newest first."""
    found = Charge.objects.order_by().annotate(first=TruncMonth("service_on")).values_list("first", flat=True)
    return sorted(set(found.distinct()), reverse=True)


def vendor_names() -> dict[UUID, str]:
    """Vendor id → name, of the vendors that have charges and that the open scope may know."""
    ids = Charge.objects.order_by().values_list("vendor_id", flat=True).distinct()
    return dict(Organization.objects.filter(pk__in=list(ids)).order_by("name").values_list("id", "name"))


def charge_get(charge_id: UUID) -> Charge | None:
    """One charge with trip, contract and lines, or None outside the open scope."""
    return Charge.objects.select_related("trip", "contract").prefetch_related("lines").filter(pk=charge_id).first()


def trip_get(number: int) -> Trip | None:
    """The trip that people call by ``number``, or None outside the open scope."""
    return Trip.objects.filter(number=number).only("id", "tenant_id", "number", "status", "vendor_id").first()


def charge_of_trip(trip: Trip) -> Charge | None:
    """The trip's charge with its lines, or None before it is charged."""
    return Charge.objects.prefetch_related("lines").filter(trip=trip).order_by("-kind", "created_at").first()
