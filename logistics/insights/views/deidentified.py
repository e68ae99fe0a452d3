"""The analyst's page: trips without the people in them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from logistics.core import audit, clock, levels
from logistics.core.access import requires
from logistics.core.sheets import csv_response
from logistics.insights.safe_harbor import SMALLEST_GROUP, Group
from logistics.insights.selectors import deidentified as selectors

CSV_HEADER = ("Year", "Level", "Age", "ZIP3 of drop-off", "Status", "Trips", "Median ride, minutes")


@requires("insights.deidentified")
def deidentified(request: HttpRequest) -> HttpResponse:
    """``/deidentified``: groups of five and more trips of a year."""
    year, years, released, chosen, groups = _read(request)
    audit.record(
        action="deidentified.viewed", target_type="dispatch.trip", purpose="operations",
        details={"year": year, "groups": len(groups)},
    )  # fmt: skip
    return render(
        request,
        "insights/deidentified.html",
        {
            "year": year,
            "rows": [_cells(group) for group in groups],
            "shown_trips": sum(group.trips for group in groups),
            "released": released,
            "smallest": SMALLEST_GROUP,
            "csv_url": f"{reverse('insights:deidentified_csv')}?year={year}&level={chosen}",
            "filters": [
                {"name": "year", "label": "Year", "value": year, "options": [(y, y) for y in years]},
                {"name": "level", "label": "Level", "value": chosen, "options": [("", "All"), *levels.CHOICES]},
            ],
        },
    )


@requires("insights.deidentified")
def deidentified_csv(request: HttpRequest) -> HttpResponse:
    """``/deidentified.csv``: the same groups. Recorded in the audit log."""
    year, _, _, _, groups = _read(request)
    audit.record(
        action="deidentified.exported", target_type="dispatch.trip", purpose="operations",
        details={"year": year, "groups": len(groups)},
    )  # fmt: skip
    return csv_response(f"trips-deidentified-{year}.csv", CSV_HEADER, [_cells(group) for group in groups])


def _read(request: HttpRequest) -> tuple[int, list[int], Any, str, list[Group]]:
    """Year, choices of years, everything released in it, chosen level, and the groups of that level.

    The level only selects among groups that were formed before: it never makes a smaller group.
    """
    zone = request.membership.organization.time_zone  # type: ignore[attr-defined]
    this_year = clock.today(zone).year
    years = selectors.years(zone) or [this_year]
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and int(asked) in years else years[0]
    level = request.GET.get("level", "")
    chosen = level if level in levels.LEVELS else ""
    released = selectors.released(year, zone)
    return year, years, released, chosen, [g for g in released.groups if chosen in ("", g.traits.level)]


def _cells(group: Group) -> tuple[Any, ...]:
    traits = group.traits
    return (
        traits.year, levels.LEVELS[traits.level].label, traits.age, traits.zip3, traits.status, group.trips,
        group.minutes,
    )  # fmt: skip
