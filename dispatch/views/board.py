"""The case manager's board: what needs a person, the day's trips, who is ready without a ride."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from dispatch.models import Trip
from dispatch.selectors.board import VIEWS, Day, Filters, Light, Row, trip_day, trip_rows
from dispatch.selectors.exceptions import exceptions_of
from dispatch.services import ready
from dispatch.states import TRIP
from dispatch.views.frame import frame, see_other
from logistics.accounts.models import Unit
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.levels import CHOICES
from logistics.core.sheets import csv_response
from logistics.requests.models import Alert, ServiceRequest
from logistics.requests.selectors.requests import WaitingRide, ready_without_ride, unit_list
from logistics.requests.services import alerts, booking
from logistics.requests.services.finding import find_patients

PAGE_SIZE = 50
CSV_HEAD = ["trip", "pickup", "patient", "bed", "to", "level", "vendor", "status", "minutes_late"]


class Board:
    """Everything the board shows, read once: at most twelve queries however many trips there are."""

    def __init__(self, http: HttpRequest) -> None:
        membership = http.membership  # type: ignore[attr-defined]
        self.http = http
        self.now = clock.now()
        self.filters = Filters.read(http.GET)
        self.permissions: frozenset[str] = membership.definition.permissions
        self.units: list[Unit] = unit_list(membership.units)
        self.zone: str = self.units[0].facility.time_zone if self.units else membership.organization.time_zone
        self.day: Day = trip_day(self.units, now=self.now)
        self.waiting: list[WaitingRide] = ready_without_ride(self.units)
        self.picked: list[Light] = self._picked()
        self.page: Page[Light] = Paginator(self.picked, PAGE_SIZE).get_page(http.GET.get("page"))
        troubled = [row for row in self.day.rows if row.delay.kind or row.trip.status in ("exhausted", "held")]
        shown = {row.id: row for row in [*self.page.object_list, *troubled[:30]]}
        self.rows: dict[UUID, Row] = {
            row.trip.pk: row for row in trip_rows(list(shown.values()), now=self.now, zone=self.zone)
        }

    def _picked(self) -> list[Light]:
        if not self.filters.patients:
            return self.day.pick(self.filters)
        day = trip_day(self.units, patients=self.filters.patients, now=self.now)
        return sorted(day.rows, key=lambda row: row.trip.pickup_at)

    def table(self) -> list[Row]:
        """The rows of the page, in order."""
        return [self.rows[row.id] for row in self.page.object_list if row.id in self.rows]

    def views(self) -> list[dict[str, Any]]:
        """The saved views with their counts."""
        counts = {name: len(self.day.view(name)) for name in VIEWS}
        counts["drafts"] = sum(each.request_id is not None for each in self.waiting)
        url = reverse("dispatch:board")
        return [
            {
                "label": label,
                "url": url if name == "today" else f"{url}?view={name}",
                "count": counts[name],
                "current": name == self.filters.view and not self.filters.patients,
            }
            for name, label in VIEWS.items()
        ]

    def figures(self) -> list[dict[str, Any]]:
        """Today so far; a figure without anything behind it is not shown."""
        found = self.day.figures()
        pairs = []
        if found["n"]:
            pairs.append({"label": "On-time pickups", "value": f"{found['on_time']} of {found['n']}"})
            pairs.append(
                {
                    "label": "Asked to picked up, median",
                    "value": f"{found['wait_minutes']} min",
                    "note": f"n = {found['n']}",
                }
            )
        if found["ready_n"]:
            pairs.append(
                {
                    "label": "Ready to picked up, median",
                    "value": f"{found['ready_minutes']} min",
                    "note": f"n = {found['ready_n']}",
                }
            )
        if found["completed"]:
            pairs.append({"label": "Completed", "value": str(found["completed"])})
        return pairs

    def context(self) -> dict[str, Any]:
        """For the page and for its live part."""
        return {
            "page": self.page,
            "table": self.table(),
            "views": self.views(),
            "view": self.filters.view,
            "filters": _filter_controls(self),
            "columns": _columns(self.filters),
            "keep": {"view": self.filters.view} if self.filters.view != "today" else {},
            "reset_url": _view_url(self.filters.view) if self.filters.narrowed else "",
            "searched": bool(self.filters.patients),
            "waiting": self.waiting,
            "exceptions": exceptions_of(
                self.rows.values(), self.units, now=self.now, zone=self.zone, permissions=self.permissions
            ),
            "figures": self.figures(),
            "units": self.units,
            "unit_names": _joined([unit.name for unit in self.units]),
            "has_trips": bool(self.day.rows),
            "refresh_url": self.http.get_full_path(),
            "facility_zone": self.zone,
            "now": self.now,
            "may_book": "requests.book" in self.permissions,
        }


@requires("board.view")
@require_GET
@vary_on_headers("HX-Request")
def board(request: HttpRequest) -> HttpResponse:
    """The board; with htmx only the part that follows the day."""
    shown = Board(request)
    if request.headers.get("HX-Request"):
        return render(request, "dispatch/_board.html", shown.context())
    _record_view(shown, "board.viewed")
    booked = _booked(request)
    return render(request, "dispatch/board.html", _page(shown, booked=booked))


@requires("board.view")
@require_GET
def board_print(request: HttpRequest) -> HttpResponse:
    """The handoff sheet: a page per unit, trips in order, a box to tick, a line to write on."""
    shown = Board(request)
    _record_view(shown, "board.printed")
    rows = trip_rows(shown.day.pick(Filters(sort="pickup")), now=shown.now, zone=shown.zone)
    sheets = [
        {
            "unit": unit,
            "rows": [row for row in rows if row.trip.unit_id == unit.pk],
            "waiting": [each for each in shown.waiting if each.unit_name == unit.name],
        }
        for unit in shown.units
    ]
    context = {"sheets": [sheet for sheet in sheets if sheet["rows"] or sheet["waiting"]]}
    return render(request, "dispatch/board_print.html", {**_page(shown), **context})


@requires("board.view")
@require_GET
def board_csv(request: HttpRequest) -> HttpResponse:
    """The view's trips as CSV. Times carry their offset; no cell can be read as a formula."""
    shown = Board(request)
    _record_view(shown, "board.exported")
    rows = [
        [
            row.trip.number,
            clock.local(row.trip.pickup_at, shown.zone).isoformat(timespec="minutes"),
            row.patient,
            row.bed,
            row.to,
            row.level,
            row.trip.vendor.name if row.trip.vendor else "",
            row.chip["status"],
            row.delay.minutes,
        ]
        for row in trip_rows(shown.picked, now=shown.now, zone=shown.zone)
    ]
    day = clock.local(shown.now, shown.zone).date()
    return csv_response(f"trips-{day.isoformat()}.csv", CSV_HEAD, rows)


@requires("board.view")
@require_POST
def board_search(request: HttpRequest) -> HttpResponse:
    """Find by trip number or patient. Words travel in the body; the URL that follows holds ids only."""
    q = request.POST.get("q", "").strip()
    if q.isdigit():
        number = Trip.objects.filter(number=int(q[:12])).values_list("number", flat=True).first()
        if number is not None:
            return see_other(reverse("dispatch:trip", args=[number]))
    found = find_patients(q, limit=20)
    if not found:
        messages.info(request, "Nobody found. Type 3 letters of the name, the MRN, or a trip number.")
        return see_other(reverse("dispatch:board"))
    return see_other(f"{reverse('dispatch:board')}?{urlencode([('patient', str(each.pk)) for each in found])}")


@requires("board.view")
@require_POST
def board_acknowledge(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Somebody is on it: the alert leaves everybody's list."""
    alerts.acknowledge(get_object_or_404(Alert, pk=alert_id))
    return _back(request)


@requires("requests.book")
@require_POST
def board_ready(request: HttpRequest, number: int) -> HttpResponse:
    """The patient of a 'when ready' ride is ready."""
    ready.call(get_object_or_404(Trip, number=number).pk)
    return _back(request)


@requires("requests.book")
@require_http_methods(["POST"])
def board_resume(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """A held ride goes on."""
    booking.resume(request_id=get_object_or_404(ServiceRequest, pk=request_id).pk)
    messages.success(request, "The ride goes on.")
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """To the board as it was; with htmx its live part."""
    if request.headers.get("HX-Request"):
        return render(request, "dispatch/_board.html", Board(request).context())
    return see_other(reverse("dispatch:board"))


def _page(shown: Board, **more: Any) -> dict[str, Any]:
    facility = shown.units[0].facility if shown.units else None
    names = {"facility_name": facility.name} if facility else {}
    return frame(**names, **shown.context(), **more)


def _record_view(shown: Board, action: str) -> None:
    details = {"trips": len(shown.rows), "view": shown.filters.view}
    audit.record(action=action, purpose="treatment", details=details)


def _booked(request: HttpRequest) -> int | None:
    """The trip number of the ride that was booked a moment ago, once it has one."""
    try:
        request_id = UUID(request.GET.get("booked", ""))
    except ValueError:
        return None
    return Trip.objects.filter(request_id=request_id).values_list("number", flat=True).first()


def _filter_controls(shown: Board) -> list[dict[str, Any]]:
    filters = shown.filters
    return [
        {
            "name": "unit",
            "label": "Unit",
            "value": filters.unit,
            "options": [("", "All"), *((str(unit.pk), unit.name) for unit in shown.units)],
        },
        {
            "name": "status",
            "label": "Status",
            "value": filters.status,
            "options": [("", "All"), *((name, label) for name, label in TRIP.choices if name != "canceled")],
        },
        {"name": "level", "label": "Level", "value": filters.level, "options": [("", "All"), *CHOICES]},
    ]


def _columns(filters: Filters) -> list[dict[str, str]]:
    """Sortable heads: a second click turns the order around."""
    heads = [("Pickup", "pickup"), ("Patient", ""), ("To", "level"), ("Vendor", "vendor"), ("Status", "status")]
    columns = []
    for label, sort in [*heads, ("Next step", "urgency")]:
        current = bool(sort) and filters.sort == sort
        columns.append(
            {
                "label": label,
                "sort": f"-{sort}" if current and not filters.down else sort,
                "sorted": ("descending" if filters.down else "ascending") if current and sort != "urgency" else "",
            }
        )
    return columns


def _view_url(view: str) -> str:
    url = reverse("dispatch:board")
    return url if view == "today" else f"{url}?view={view}"


def _joined(names: Sequence[str]) -> str:
    if len(names) > 4:
        return f"{len(names)} units"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)
