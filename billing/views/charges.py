"""Pages of charges: the month's list, one charge, and the fragment that the trip page shows."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from billing.models import Charge
from billing.selectors import charge_pages as selectors
from billing.selectors.charge_pages import Filter
from logistics.accounts.models import Organization
from logistics.core import audit, levels
from logistics.core.access import requires
from logistics.core.sheets import csv_response

PAGE = 50
CSV_HEADER = (
    "Trip", "Service date", "Vendor", "Level", "Contract version", "Loaded miles", "Line", "Kind", "Description",
    "Quantity", "Unit", "Unit price USD", "Amount USD", "Rule", "Charge total USD",
)  # fmt: skip


@requires("charges.view")
def charge_list(request: HttpRequest) -> HttpResponse:
    """``/charges``: charges by month, vendor and level, with totals and the lines of each."""
    months = selectors.months()
    chosen = _chosen(request, months)
    names = selectors.vendor_names()
    rows = selectors.charge_list(chosen)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    totals = selectors.totals(rows)
    return render(
        request,
        "billing/charges.html",
        {
            "page": page,
            "rows": [_row(charge, names) for charge in page],
            "totals": totals,
            "by_vendor": [{**row, "name": names.get(row["vendor_id"], "Former vendor")} for row in totals["by_vendor"]],
            "filters": _filters(chosen, months, names),
            "csv_url": f"{reverse('billing:charges_csv')}?{urlencode(_query(chosen))}",
            "narrowed": bool(chosen.vendor_id or chosen.level),
        },
    )


@requires("charges.view")
def charge_csv(request: HttpRequest) -> HttpResponse:
    """``/charges.csv``: one row a line, with the same filters as the page. Recorded in the audit log."""
    chosen = _chosen(request, selectors.months())
    names = selectors.vendor_names()
    rows = [
        (
            charge.trip.number, charge.service_on.isoformat(), names.get(charge.vendor_id, "Former vendor"),
            levels.LEVELS[charge.level].label, charge.contract_version, charge.loaded_miles, line.sequence, line.kind,
            line.description, line.quantity, line.unit, line.unit_amount, line.amount, line.rule, charge.total_amount,
        )
        for charge in selectors.charge_list(chosen)
        for line in charge.lines.all()
    ]  # fmt: skip
    audit.record(
        action="charges.exported", target_type="billing.charge", purpose="payment",
        details={"rows": len(rows), **_query(chosen)},
    )  # fmt: skip
    month = f"{chosen.month:%Y-%m}" if chosen.month else "all"
    return csv_response(f"charges-{month}.csv", CSV_HEADER, rows)


@requires("charges.view")
def charge_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """``/charges/<id>``: what one trip costs, line by line, and by which terms."""
    charge = selectors.charge_get(pk)
    if charge is None:
        raise Http404
    vendor = Organization.objects.filter(pk=charge.vendor_id).first()
    estimate = charge.estimate_amount
    difference = None if estimate is None else charge.total_amount - estimate
    return render(
        request,
        "billing/charge.html",
        {
            "charge": charge,
            "lines": _lines(charge),
            "vendor_name": vendor.name if vendor else "Former vendor",
            "level_label": levels.LEVELS[charge.level].label,
            "more": difference if difference and difference > 0 else None,
            "less": -difference if difference and difference < 0 else None,
        },
    )


@requires("trips.view")
def trip_charge(request: HttpRequest, number: int) -> HttpResponse:
    """``/charges/trip/<number>``: what the trip page's panel fetches, or the same as a page.

    Amounts only for billing roles and for the trip's vendor.
    """
    trip = selectors.trip_get(number)
    if trip is None:
        raise Http404
    charge = selectors.charge_of_trip(trip)
    scope, definition = request.scope, request.membership.definition  # type: ignore[attr-defined]
    own = scope.side == "vendor" and charge is not None and charge.vendor_id == scope.vendor_id
    return render(
        request,
        "billing/_trip_charge.html" if request.htmx else "billing/trip_charge.html",  # type: ignore[attr-defined]
        {
            "trip": trip,
            "charge": charge,
            "lines": _lines(charge) if charge is not None else [],
            "sees_amounts": own or "charges.view" in definition.permissions,
            "opens_charge": "charges.view" in definition.permissions,
        },
    )


def _chosen(request: HttpRequest, months: list[dt.date]) -> Filter:
    """The filter in the address; nonsense narrows nothing. Without a month, the newest that has charges."""
    given = request.GET.get("month")
    level = request.GET.get("level", "")
    try:
        month = dt.datetime.strptime(given or "", "%Y-%m").date()
    except ValueError:
        month = None
    if given is None and months:
        month = months[0]
    try:
        vendor_id = UUID(request.GET.get("vendor", ""))
    except ValueError:
        vendor_id = None
    return Filter(month=month, vendor_id=vendor_id, level=level if level in levels.LEVELS else "")


def _query(chosen: Filter) -> dict[str, str]:
    return {
        "month": f"{chosen.month:%Y-%m}" if chosen.month else "",
        "vendor": str(chosen.vendor_id or ""),
        "level": chosen.level,
    }


def _filters(chosen: Filter, months: list[dt.date], names: dict[UUID, str]) -> list[dict[str, Any]]:
    shown = sorted({*months, *([chosen.month] if chosen.month else [])}, reverse=True)
    query = _query(chosen)
    return [
        {
            "name": "month",
            "label": "Month",
            "value": query["month"],
            "options": [("", "All")] + [(f"{month:%Y-%m}", f"{month:%B %Y}") for month in shown],
        },
        {
            "name": "vendor",
            "label": "Vendor",
            "value": query["vendor"],
            "options": [("", "All"), *((str(pk), name) for pk, name in names.items())],
        },
        {
            "name": "level",
            "label": "Level",
            "value": query["level"],
            "options": [("", "All"), *levels.CHOICES],
        },
    ]


def _row(charge: Charge, names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "charge": charge,
        "vendor": names.get(charge.vendor_id, "Former vendor"),
        "level": levels.LEVELS[charge.level].label,
        "lines": _lines(charge),
    }


def _lines(charge: Charge) -> list[dict[str, Any]]:
    """Lines with the quantity as people write it: 1 and 8.2, not 1.00 and 8.20."""
    return [
        {
            "description": line.description,
            "quantity": f"{line.quantity.normalize():f}",
            "unit": line.unit,
            "unit_amount": line.unit_amount,
            "amount": line.amount,
            "rule": line.rule,
        }
        for line in charge.lines.all()
    ]
