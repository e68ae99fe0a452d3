"""Reading published scorecards: lists, trends and what peers reached. Trip ids are read only where they are shown."""

from __future__ import annotations

import datetime as dt
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Func, JSONField, QuerySet

from logistics.accounts.models import Organization
from vendors.models import Scorecard

# Order in which figures are shown. Names and definitions travel with each published figure.
FIGURES = ("on_time_pickup", "offer_acceptance", "answer_seconds", "vendor_cancellations", "completion")
SMALL_N = 20
TREND_MONTHS = 12


class WithoutTrips(Func):
    """The figures without their trip ids, which may be thousands."""

    template = (
        "(%(expressions)s" + "".join(f" #- '{{{name},trip_ids}}' #- '{{{name},hit_ids}}'" for name in FIGURES) + ")"
    )
    output_field = JSONField()


def _light() -> QuerySet[Scorecard]:
    return Scorecard.objects.defer("figures").annotate(shown=WithoutTrips("figures"))


def months() -> list[dt.date]:
    """Months that have scorecards, newest first."""
    return list(Scorecard.objects.order_by("-month").values_list("month", flat=True).distinct())


def for_month(month: dt.date) -> list[dict[str, Any]]:
    """One row a vendor: ``card`` and ``vendor``; figures (without trips) in ``card.shown``. Two queries."""
    cards = list(_light().filter(month=month))
    names = Organization.objects.in_bulk([card.vendor_id for card in cards])
    return [{"card": card, "vendor": names.get(card.vendor_id)} for card in cards]


def card_get(card_id: UUID) -> Scorecard | None:
    """One card with its trip ids, or None outside the open scope."""
    return Scorecard.objects.filter(pk=card_id).first()


def siblings(card: Scorecard) -> list[Scorecard]:
    """This vendor's cards of the same health system, newest month first, without figures."""
    rows = Scorecard.objects.defer("figures").filter(vendor_id=card.vendor_id, tenant_id=card.tenant_id)
    return list(rows.order_by("-month"))


def trend(*, vendor_id: UUID, tenant_id: UUID, until: dt.date) -> list[Scorecard]:
    """Up to twelve months of cards that end with ``until``, oldest first, figures in ``shown``."""
    rows = _light().filter(vendor_id=vendor_id, tenant_id=tenant_id, month__lte=until).order_by("-month")
    return list(rows[:TREND_MONTHS])[::-1]


def peer_medians(card: Scorecard) -> dict[str, dict[str, Any]]:
    """Figure → ``{"median", "peers"}`` over the other vendors of the month that have a value.

    A figure that no peer has is absent.
    """
    peers = Scorecard.objects.filter(month=card.month).exclude(vendor_id=card.vendor_id)
    others = list(peers.values_list(WithoutTrips("figures"), flat=True))
    out = {}
    for name in FIGURES:
        values = [shown[name]["value"] for shown in others if shown.get(name, {}).get("value") is not None]
        if values:
            out[name] = {"median": round(median(values), 1), "peers": len(values)}
    return out


def own(month: dt.date | None = None) -> list[dict[str, Any]]:
    """A vendor's own cards: one block a health system with ``tenant``, ``card`` and ``months``, by name.

    ``month`` chooses the month; a health system without a card for it has ``card`` None. Two queries.
    """
    cards = list(_light().order_by("-month"))
    tenants = Organization.objects.in_bulk({card.tenant_id for card in cards})
    blocks = []
    for tenant_id in {card.tenant_id: None for card in cards}:
        mine = [card for card in cards if card.tenant_id == tenant_id]
        shown = next((card for card in mine if month is None or card.month == month), None)
        before = [card for card in mine if shown is not None and card.month <= shown.month][:TREND_MONTHS][::-1]
        blocks.append({"tenant": tenants.get(tenant_id), "card": shown, "trend": before})
    return sorted(blocks, key=lambda block: block["tenant"].name if block["tenant"] else "")
