"""From computed months to published scorecards: a call down to vendors."""

from __future__ import annotations

import datetime as dt

from logistics.accounts.models import Organization
from logistics.core import clock, scoping
from logistics.insights.selectors import scorecards
from vendors.models import Scorecard
from vendors.services import scorecards as published


def publish_recent(*, months: int = 2) -> int:
    """Compute and publish the running month and those before it for the open scope's health system.

    Returns how many scorecards changed. Months follow the health system's own calendar.
    """
    zone = Organization.objects.get(pk=scoping.current_tenant_id()).time_zone
    month = clock.today(zone).replace(day=1)
    changed = 0
    for _ in range(months):
        changed += publish_month(month=month, zone=zone)
        month = (month - dt.timedelta(days=1)).replace(day=1)
    return changed


def publish_month(*, month: dt.date, zone: str) -> int:
    """Compute and publish one month for every vendor that had anything in it. Returns how many cards changed."""
    changed = 0
    known = set(Scorecard.objects.filter(month=month).values_list("vendor_id", flat=True))
    for card in scorecards.compute(month, zone):
        if card.vendor_id not in known and not any(figure["n"] for figure in card.figures.values()):
            continue
        _, moved = published.publish(vendor_id=card.vendor_id, month=card.month, figures=card.figures, trips=card.trips)
        changed += moved
    return changed
