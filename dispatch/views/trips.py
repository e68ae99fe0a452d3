"""Trips: the list, one trip, its paper, its proof. Both sides of the network use the same pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_GET

from dispatch.models import Trip
from dispatch.selectors import trip_list, trip_page
from dispatch.selectors.passenger import fields_for
from dispatch.selectors.trip_page import TripPage
from dispatch.views import trip_parts
from dispatch.views.frame import frame
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.sheets import csv_response

PURPOSE = {
    "biller": "payment", "payables": "payment", "admin": "operations", "quality": "operations", "auditor": "operations",
}  # fmt: skip
VIEWED_KEY = "viewed_trips"
VIEWED_AGAIN = dt.timedelta(minutes=5)


@requires("trips.view")
@require_GET
def trips(request: HttpRequest) -> HttpResponse:
    """The list, by filters in the query string; ``?csv=1`` gives staff the export without patients."""
    now = clock.now()
    membership = request.membership  # type: ignore[attr-defined]
    zone, staff = membership.organization.time_zone, is_staff(request)
    filters = trip_list.Filters.read(request.GET)
    card = trip_list.scorecard_of(filters)
    found = trip_list.trip_list(filters, zone=zone, now=now, card=card)
    if request.GET.get("csv"):
        return _csv(request, found)
    if filters.q.isdigit() and not filters.scorecard:
        only = list(found[:2])
        if len(only) == 1:
            return render_trip_link(only[0])
    page = Paginator(found, trip_list.PAGE_SIZE).get_page(request.GET.get("page"))
    rows = trip_list.rows(list(page.object_list), role=membership.role, now=now)
    if any(row["who"].name for row in rows):
        audit.record(
            action="passengers.listed",
            purpose=PURPOSE.get(membership.role, "treatment"),
            details={"trips": [row["trip"].number for row in rows]},
        )
    context = frame(
        rows=rows,
        page=page,
        staff=staff,
        filters=_filter_bar(filters, staff=staff),
        search={"name": "q", "label": "Find by trip number", "value": filters.q},
        keep={name: value for name, value in (("scorecard", filters.scorecard), ("figure", filters.figure)) if value},
        figure=_figure(card, filters) if card else None,
        csv_allowed=staff,
        reset_url=reverse("dispatch:trips") if request.GET else "",
        zone=zone,
    )
    return render(request, "dispatch/trips.html", context)


@requires("trips.view")
@require_GET
def trip(request: HttpRequest, number: int) -> HttpResponse:
    """One trip with its history, people, offers and proof, as the viewer's role may see it."""
    return trip_response(request, get_or_404(request, number))


@requires("trips.view")
@require_GET
def sheet(request: HttpRequest, number: int) -> HttpResponse:
    """The trip on one sheet of paper: stops, needs, contacts, times to write in, signature."""
    found = get_or_404(request, number)
    page = _page(request, found)
    viewed(request, found, page)
    context = frame(
        p=page,
        trip=found,
        facility_zone=found.time_zone,
        printed_by=request.scope.actor_label,  # type: ignore[attr-defined]
    )
    return render(request, "dispatch/trip_sheet.html", context)


@requires("trips.view")
@require_GET
def signature(request: HttpRequest, number: int) -> HttpResponse:
    """The receiver's signature (PNG)."""
    return _proof_image(request, number, "signature", "image/png")


@requires("trips.view")
@require_GET
def photo(request: HttpRequest, number: int) -> HttpResponse:
    """The photo of the handover (JPEG)."""
    return _proof_image(request, number, "photo", "image/jpeg")


def trip_response(request: HttpRequest, found: Trip, *, status: int = 200) -> HttpResponse:
    """The trip's page; records that the passenger was looked at."""
    page = _page(request, found)
    viewed(request, found, page)
    can = request.membership.definition.permissions  # type: ignore[attr-defined]
    context = frame(
        p=page,
        trip=found,
        staff=is_staff(request),
        facility_zone=found.time_zone,
        actions=trip_parts.actions(page, can),
        banner=trip_parts.banner(page, can),
        stops=trip_parts.stops(page),
        vehicles=[page.position] if page.position else [],
        lines=[{"points": [(s["lat"], s["lon"]) for s in trip_parts.stops(page)], "style": "plan"}],
        charges_url=_charges_url(found),
    )
    return render(request, "dispatch/trip.html", context, status=status)


def get_or_404(request: HttpRequest, number: int) -> Trip:
    """The trip, or 404: another organization's trip does not exist here."""
    found = trip_page.trip_get_for(number, staff=is_staff(request))
    if found is None:
        raise Http404
    return found


def is_staff(request: HttpRequest) -> bool:
    """Whether the viewer works for a health system."""
    return request.scope.side == "staff"  # type: ignore[attr-defined]


def viewed(request: HttpRequest, found: Trip, page: TripPage) -> None:
    """Audit the look at a passenger, once in five minutes per session: a live page reads itself anew all the time."""
    if not page.who.identified:
        return
    now = clock.now()
    recent = {
        number: at
        for number, at in request.session.get(VIEWED_KEY, {}).items()
        if now - dt.datetime.fromisoformat(at) < VIEWED_AGAIN
    }
    if str(found.number) in recent:
        return
    role = request.membership.role  # type: ignore[attr-defined]
    audit.record(
        action="patient.viewed",
        target=found,
        patient_id=page.patient_id,
        purpose=PURPOSE.get(role, "treatment"),
        details={"trip": found.number},
    )
    request.session[VIEWED_KEY] = {**recent, str(found.number): now.isoformat()}


def render_trip_link(found: Trip) -> HttpResponse:
    """A search for one number opens that trip."""
    response = HttpResponse(status=302)
    response["Location"] = reverse("dispatch:trip", args=[found.number])
    return response


def _page(request: HttpRequest, found: Trip) -> TripPage:
    role = request.membership.role  # type: ignore[attr-defined]
    return trip_page.page(found, role=role, staff=is_staff(request), now=clock.now())


def _proof_image(request: HttpRequest, number: int, name: str, kind: str) -> HttpResponse:
    found = get_or_404(request, number)
    page = _page(request, found)
    body = bytes(getattr(page.proof, name)) if page.proof is not None and page.who.show_proof else b""
    if not body:
        raise Http404
    audit.record(
        action="proof.viewed",
        target=page.proof,
        patient_id=page.patient_id,
        purpose="operations",
        details={"part": name},
    )
    response = HttpResponse(body, content_type=kind)
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = "default-src 'none'"
    return response


def _charges_url(found: Trip) -> str:
    """Where billing shows this trip's charge; empty while there is no such page."""
    url = f"/charges/trip/{found.number}"
    try:
        resolve(url)
    except Resolver404:
        return ""
    return url


def _filter_bar(filters: trip_list.Filters, *, staff: bool) -> list[dict[str, Any]]:
    bar = [
        {"name": "status", "label": "Status", "value": filters.status, "options": trip_list.STATUS_CHOICES},
        {"name": "level", "label": "Level", "value": filters.level, "options": trip_list.LEVEL_CHOICES},
        {"name": "day", "label": "Day", "value": filters.day, "options": trip_list.DAY_CHOICES},
    ]  # fmt: skip
    if staff:
        vendors = trip_list.vendor_choices()
        bar.append({"name": "vendor", "label": "Vendor", "value": filters.vendor, "options": vendors})
    return bar


def _figure(card: Any, filters: trip_list.Filters) -> dict[str, Any] | None:
    figure = card.figures.get(filters.figure)
    if not figure:
        return None
    label = str(figure.get("label") or filters.figure.replace("_", " ").capitalize())
    return {"label": label, "n": figure.get("n"), "numerator": figure.get("numerator"), "month": card.month}


def _csv(request: HttpRequest, found: Any) -> HttpResponse:
    if not is_staff(request):
        raise Http404
    role = request.membership.role  # type: ignore[attr-defined]
    rows = trip_list.csv_rows(found, show_price="price" in fields_for(role, "AMB"))
    audit.record(action="trips.exported", purpose="operations", details={"rows": len(rows)})
    return csv_response("trips.csv", trip_list.CSV_HEAD, rows)
