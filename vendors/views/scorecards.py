"""Scorecard pages: all vendors of a month, one vendor's review, and a vendor's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from logistics.accounts.models import Organization
from logistics.core import levels
from logistics.core.access import requires
from vendors.models import Scorecard
from vendors.selectors import contracts
from vendors.selectors import scorecards as selectors
from vendors.views import figures

LOWER_FIRST = "-"


@requires("scorecards.view")
def scorecard_list(request: HttpRequest) -> HttpResponse:
    """``/scorecards``: every vendor's figures of a month, sortable."""
    months = selectors.months()
    wanted = figures.month_of(request.GET.get("month", ""))
    month = wanted if wanted in months else (months[0] if months else None)
    sort = request.GET.get("sort", "vendor")
    rows = _sorted(selectors.for_month(month) if month else [], sort)
    return render(
        request,
        "vendors/scorecards.html",
        {
            "month": month,
            "filters": [
                {
                    "name": "month",
                    "label": "Month",
                    "value": f"{month:%Y-%m}" if month else "",
                    "options": figures.month_options(months),
                }
            ],
            "keep": {"sort": sort},
            "columns": _columns(rows, sort),
            "rows": [_row(row) for row in rows],
            "empty": {
                "icon": "bar-chart-3",
                "title": "No scorecards yet",
                "text": "Figures appear within an hour of a vendor's first answer to an offer.",
            },
        },
    )


@requires("scorecards.view")
def scorecard_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """``/scorecards/<id>``: one vendor's month with goals, peers, trend and the trips behind each figure."""
    card = selectors.card_get(pk)
    if card is None:
        raise Http404
    vendor = Organization.objects.filter(pk=card.vendor_id).first()
    trend = selectors.trend(vendor_id=card.vendor_id, tenant_id=card.tenant_id, until=card.month)
    contract = contracts.in_force(card.month).get(card.vendor_id) or contracts.latest(card.vendor_id)
    return render(
        request,
        "vendors/scorecard.html",
        {
            **_review(card, card.figures, trend, peers=selectors.peer_medians(card)),
            "vendor": vendor,
            "contract": contract,
            "months": [
                {
                    "text": f"{row.month:%B %Y}",
                    "url": reverse("vendors:scorecard", args=[row.pk]),
                    "current": row.pk == card.pk,
                }
                for row in selectors.siblings(card)
            ],
        },
    )


@requires("scorecards.own")
def own_scorecard(request: HttpRequest) -> HttpResponse:
    """``/my-scorecard``: the vendor's own figures, one block a health system."""
    wanted = figures.month_of(request.GET.get("month", ""))
    blocks = selectors.own(wanted)
    months = selectors.months()
    return render(
        request,
        "vendors/own_scorecard.html",
        {
            "blocks": [
                {**block, **_review(block["card"], block["card"].shown, block["trend"])}
                if block["card"] is not None
                else block
                for block in blocks
            ],
            "filters": [
                {
                    "name": "month",
                    "label": "Month",
                    "value": request.GET.get("month", "") if wanted else "",
                    "options": [("", "Latest"), *figures.month_options(months)],
                }
            ],
        },
    )


def _review(card: Scorecard, shown: dict[str, Any], trend: list[Scorecard], peers: Any = None) -> dict[str, Any]:
    """What ``vendors/_review.html`` needs for one card."""
    previous = next((row.shown for row in reversed(trend) if row.month < card.month), None)  # type: ignore[attr-defined]
    on_time = figures.series(trend, "on_time_pickup")
    reasons = shown.get("offer_acceptance", {}).get("reasons", [])
    by_level = shown.get("on_time_pickup", {}).get("levels", {})
    return {
        "card": card,
        "tiles": figures.tiles(
            card,
            shown,
            previous=previous,
            peers=peers,
            values={name: [value for _, value in figures.series(trend, name)] for name in selectors.FIGURES},
        ),
        "on_time": on_time,
        "on_time_sentence": figures.trend_sentence(on_time, "On-time pickup"),
        "on_time_target": shown.get("on_time_pickup", {}).get("target"),
        "unanswered": sum(reason["count"] for reason in reasons),
        "reasons": [
            {"label": row["label"], "value": row["count"], "tone": "bad" if row["code"] == "expired" else "warn"}
            for row in reasons
        ],
        "levels": [
            {
                "label": levels.LEVELS[code].label,
                "hits": hits,
                "n": n,
                "value": figures.plain({"value": round(100 * hits / n, 1), "n": n, "unit": "%"}),
            }
            for code, (hits, n) in sorted(by_level.items(), key=lambda item: levels.LEVELS[item[0]].order)
        ],
    }


def _sorted(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    name, down = sort.removeprefix(LOWER_FIRST), sort.startswith(LOWER_FIRST)
    if name == "trips":
        return sorted(rows, key=lambda row: row["card"].trips, reverse=down)
    if name in selectors.FIGURES:
        with_value = [row for row in rows if row["card"].shown[name]["value"] is not None]
        without = [row for row in rows if row["card"].shown[name]["value"] is None]
        return sorted(with_value, key=lambda row: row["card"].shown[name]["value"], reverse=down) + without
    return sorted(rows, key=_vendor_name, reverse=down and name == "vendor")


def _vendor_name(row: dict[str, Any]) -> str:
    return row["vendor"].name if row["vendor"] else ""


def _columns(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    labels = {name: row["card"].shown[name]["label"] for row in rows for name in selectors.FIGURES}
    wanted = [("vendor", "Vendor", ""), ("trips", "Trips", "r")]
    wanted += [(name, labels.get(name, name), "r") for name in selectors.FIGURES]
    return [
        {
            "label": label,
            "cls": cls,
            "sort": f"{LOWER_FIRST}{name}" if sort == name else name,
            "sorted": "ascending" if sort == name else "descending" if sort == f"{LOWER_FIRST}{name}" else "",
        }
        for name, label, cls in wanted
    ]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    card = row["card"]
    cells: list[dict[str, Any]] = [
        {"text": _vendor_name(row) or "Former vendor", "url": reverse("vendors:scorecard", args=[card.pk])},
        {"text": card.trips, "cls": "r"},
    ]
    for name in selectors.FIGURES:
        figure = card.shown[name]
        note = f"{figure['n']} {figure['counts']}"
        cells.append({"text": figures.plain(figure), "sub": note, "cls": f"r txt {figures.tone(figure)}"})
    return {"cells": cells}
