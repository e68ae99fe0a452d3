"""Which requests count in a month, and with what: the one definition that pages, rules and tests share."""

from __future__ import annotations

import datetime as dt

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from logistics.accounts.models import Facility
from logistics.core import clock
from logistics.requests.models import ServiceRequest

COUNTED = ("pending", "requested", "scheduled", "in_progress", "completed", "held")


def counted(first: dt.date) -> QuerySet[ServiceRequest]:
    """Requests that count in the month that begins on ``first``, with ``at`` (when) and ``worth`` (USD or None)."""
    inside = Q()
    for zone in set(Facility.objects.values_list("time_zone", flat=True)):
        start, end = month_bounds(first, zone)
        inside |= Q(facility__time_zone=zone, at__gte=start, at__lt=end)
    rows = ServiceRequest.objects.filter(status__in=COUNTED).annotate(
        at=Coalesce(
            F("transport_rows__pickup_at"), F("transport_rows__ready_expected_at"), F("requested_at"), F("created_at")
        ),
        worth=Coalesce(F("charged_amount"), F("estimated_amount")),
    )
    return rows.filter(inside) if inside else rows.none()


def month_bounds(first: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """First moment of the month and of the next one in ``zone``."""
    return clock.day_bounds(first, zone)[0], clock.day_bounds(next_month(first), zone)[0]


def next_month(first: dt.date) -> dt.date:
    """The first day of the month after."""
    return (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
