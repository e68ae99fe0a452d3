"""The bed board."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.requests.selectors import beds
from logistics.requests.selectors.beds import BedCell, UnitColumn
from logistics.requests.selectors.requests import unit_list
from logistics.requests.views.page import desk, url_of

STRIP_ICONS = {
    "ready": ("warn", "zap"),
    "held": ("hold", "hold"),
    "finding": ("info", "s1"),
    "booked": ("move", "s3"),
    "under_way": ("move", "s4"),
    "leaving": ("neutral", "calendar-check"),
    "left": ("ok", "done"),
}


@requires("beds.view")
@require_GET
@vary_on_headers("HX-Request")
def bed_board(request: HttpRequest) -> HttpResponse:
    """Units as columns, beds as cells; ``unit`` and ``state`` in the query string narrow it."""
    membership = request.membership  # type: ignore[attr-defined]
    mine = unit_list(membership.units)
    every = unit_list()
    wanted = request.GET.get("unit", "")
    state = request.GET.get("state", "")
    units = [unit for unit in every if str(unit.pk) == wanted] if wanted else (mine or every)
    columns = beds.bed_board(units)
    found = beds.counts(columns)
    context: dict[str, Any] = {
        **desk(request, units or every),
        "strip": [
            {
                "value": found[name],
                "label": beds.STATES[name],
                "url": _url(wanted, "" if state == name else name),
                "tone": tone,
                "icon": icon,
            }
            for name, (tone, icon) in STRIP_ICONS.items()
        ],
        "units": [_column(column, state, request) for column in columns],
        "state": state if state in beds.STATES else "",
        "filters": [
            {
                "name": "unit",
                "label": "Unit",
                "value": wanted,
                "options": [("", "My units"), *((str(unit.pk), unit.name) for unit in every)],
            },
            {
                "name": "state",
                "label": "State",
                "value": state,
                "options": [("", "All"), *beds.STATES.items()],
            },
        ],
        "reset_url": reverse("requests:beds") if wanted or state else "",
        "freeing": _freeing(columns, request),
        "refresh_url": request.get_full_path(),
        "has_beds": any(column.cells for column in columns),
    }
    if request.headers.get("HX-Request"):
        return render(request, "requests/_beds.html", context)
    audit.record(action="beds.viewed", purpose="treatment", details={"beds": sum(found.values())})
    return render(request, "requests/beds.html", context)


def _column(column: UnitColumn, state: str, request: HttpRequest) -> dict[str, Any]:
    zone = column.unit.facility.time_zone
    labels = short_labels(column)
    cells = [
        _cell(cell, label, column, zone)
        for cell, label in zip(column.cells, labels, strict=True)
        if not state or cell.state == state
    ]
    note = f"{column.occupied} of {column.total}" + (f" · {column.leaving} out" if column.leaving else "")
    return {"id": column.unit.pk, "name": column.unit.name, "note": note, "beds": cells}


def short_labels(column: UnitColumn) -> list[str]:
    """Bed labels without what goes without saying: the unit's code, and the bed's number where a room has one bed."""
    plain = [cell.label.removeprefix(f"{column.unit.code}-") for cell in column.cells]
    rooms = Counter(label.rpartition("-")[0] for label in plain)
    return [
        label.rpartition("-")[0] if rooms[label.rpartition("-")[0]] == 1 and "-" in label else label for label in plain
    ]


def _cell(cell: BedCell, label: str, column: UnitColumn, zone: str) -> dict[str, Any]:
    chip = beds.CHIPS[cell.state]
    text = cell.note
    if cell.at is not None and cell.state in ("booked", "under_way", "left", "leaving"):
        clock_text = f"{clock.local(cell.at, zone):%H:%M}"
        text = f"Left {clock_text}" if cell.state == "left" else clock_text
    patient = url_of("requests:patient", cell.patient_id) if cell.patient_id else ""
    return {
        "label": label or "No bed",
        "name": cell.surname,
        "url": patient or f"{reverse('requests:beds')}?unit={column.unit.pk}",
        "status": chip,
        "text": text,
        "act": cell.acts,
        "vacant": cell.state == "vacant",
    }


def _freeing(columns: list[UnitColumn], request: HttpRequest) -> list[dict[str, Any]]:
    """Beds that a booking would free, longest waiting first, as exception rows."""
    book = url_of("dispatch:book")
    may_book = "requests.book" in request.membership.definition.permissions  # type: ignore[attr-defined]
    waiting = [(cell, column) for column in columns for cell in column.cells if cell.state == "ready"]
    waiting.sort(key=lambda pair: (pair[0].at is None, pair[0].at))
    rows = []
    for cell, column in waiting[:8]:
        ago = f"ready {_minutes(cell)}, " if cell.at else ""
        row: dict[str, Any] = {
            "tone": "warn",
            "icon": "zap",
            "title": f"{cell.label or column.unit.name} {cell.surname}: {ago}no ride",
        }
        if book and may_book:
            key = f"request={cell.request_id}" if cell.request_id else f"patient={cell.patient_id}"
            row["actions"] = [{"label": "Book", "url": f"{book}?{key}"}]
        rows.append(row)
    return rows


def _minutes(cell: BedCell) -> str:
    assert cell.at is not None
    total = max(int((clock.now() - cell.at).total_seconds() // 60), 0)
    return f"{total} min" if total < 120 else f"{total // 60} h"


def _url(unit: str, state: str) -> str:
    query = {name: value for name, value in (("unit", unit), ("state", state)) if value}
    return f"{reverse('requests:beds')}?{urlencode(query)}" if query else reverse("requests:beds")
