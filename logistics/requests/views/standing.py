"""Recurring trips: the list, its file, and beginning a series with its dates looked at first."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from logistics.accounts.models import Unit
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.core.levels import LEVELS
from logistics.core.sheets import csv_response
from logistics.requests.forms.standing import SeriesForm
from logistics.requests.models import Patient, StandingOrder
from logistics.requests.selectors import standing as selectors
from logistics.requests.selectors.identity import identity, patient_option
from logistics.requests.selectors.requests import payer_names, unit_list
from logistics.requests.services import booking, budgets, places, standing_orders
from logistics.requests.services.finding import find_patients
from logistics.requests.services.standing_plan import Series
from logistics.requests.views import standing_words as words
from logistics.requests.views.page import desk, see_other

PAGE_SIZE = 50
PREVIEW_DAYS = 90
STATUSES = [
    ("", "Not over"), ("decide", "Needs a decision"), ("active", "Active"), ("suspended", "Suspended"),
    ("ended", "Ended"),
]  # fmt: skip
CHIPS = {
    "active": {"status": "active", "tone": "ok", "icon": "done", "label": "Active"},
    "suspended": {"status": "paused", "label": "Suspended"},
    "ended": {"status": "closed", "label": "Ended"},
}
MOST_EXPORTED = 5000


@requires("requests.view")
@require_GET
def standing_list(request: HttpRequest) -> HttpResponse:
    """Every series with its pattern, next date and what was made of it."""
    filters = _filters(request)
    context = _desk(request)
    now, today = context["now"], clock.local(context["now"], context["facility_zone"]).date()
    page = Paginator(selectors.order_list(filters), PAGE_SIZE).get_page(request.GET.get("page"))
    audit.record(action="standing_order.listed", purpose="treatment", details={"n": len(page.object_list)})
    narrowed = bool(filters.status or filters.place_id or filters.patient_id)
    found = selectors.counts()
    context |= {
        "page": page,
        "rows": _rows(list(page.object_list), now, today),
        "counts": found,
        "total": sum(found[name] for name in ("active", "suspended", "ended")),
        "fill": selectors.fill(today),
        "filters": [
            {"name": "status", "label": "Show", "value": filters.status, "options": STATUSES},
            {
                "name": "place",
                "label": "To",
                "value": str(filters.place_id or ""),
                "options": [("", "Anywhere"), *selectors.centers()],
            },
        ],
        "keep": {"patient": str(filters.patient_id)} if filters.patient_id else None,
        "reset_url": reverse("requests:standing") if narrowed else "",
    }
    return render(request, "requests/standing.html", context)


@requires("requests.view")
@require_GET
def standing_csv(request: HttpRequest) -> HttpResponse:
    """The list, as it is filtered, as a CSV file."""
    context = _desk(request)
    today = clock.local(context["now"], context["facility_zone"]).date()
    orders = list(selectors.order_list(_filters(request))[:MOST_EXPORTED])
    audit.record(action="standing_order.exported", purpose="operations", details={"n": len(orders)})
    header = (
        "Patient", "Status", "Pattern", "From", "To", "Level", "First date", "Last date", "Next date", "Next time",
        "Zone", "Rides ahead", "With a vendor",
    )  # fmt: skip
    rows = [
        (
            row["patient"], row["order"].status, row["pattern"], row["start"], row["goal"], row["level"],
            row["order"].start_on, row["order"].end_on, row["next_day"], row["next_time"], row["zone"], row["ahead"],
            row["filled"],
        )
        for row in _rows(orders, context["now"], today)
    ]  # fmt: skip
    return csv_response(f"recurring-trips-{today:%Y-%m-%d}.csv", header, rows)


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def standing_new(request: HttpRequest) -> HttpResponse:
    """A new series: the answers, then its dates, then it begins."""
    patient = _patient(request.POST.get("patient") or request.GET.get("patient"))
    units = unit_list()
    if request.method == "GET":
        return _new_page(request, _form(None, units, initial=_first(patient, units, request)), patient)
    form = _form(request.POST, units)
    form.is_valid()
    find = request.POST.get("find", "")
    if find:
        return _new_page(request, form, patient, **_found(request, find, patient))
    if patient is None:
        form.add_error("patient", "Choose the patient.")
        return _new_page(request, form, None, status=422)
    unit = form.units.get(form.cleaned_data.get("unit", ""))
    if unit is None:
        form.add_error("unit", "Choose the unit that asks for the trips.")
        return _new_page(request, form, patient, status=422)
    try:
        series = standing_orders.draft(
            patient=patient,
            facility=unit.facility,
            unit=unit,
            spec=form.spec(patient),
            start_on=form.cleaned_data.get("start_on"),
            end_on=form.cleaned_data.get("end_on"),
            preferred_vendor_id=form.vendor_id,
            cost_center=budgets.default_for(unit.pk),
        )
    except DomainError as error:
        explain(form, error)
        return _new_page(request, form, patient, status=422)
    seen = standing_orders.seen_of(series)
    if request.POST.get("do") == "save" and form.cleaned_data.get("seen") == seen and not form.errors:
        order = standing_orders.create(series=series, key=form.cleaned_data.get("key") or uuid4().hex)
        messages.success(request, "The series has begun. Its rides are made two weeks ahead.")
        return see_other(reverse("requests:standing_order", args=[order.pk]))
    return _new_page(request, form, patient, series=series, seen=seen, again=request.POST.get("do") == "save")


def preview_of(series: Series, *, first: dt.date | None = None) -> dict[str, Any]:
    """What a page shows of a series before it is kept: 90 days of dates, the level, and how many need a look."""
    order, version = series.order, series.versions[-1]
    begin = max(first or order.start_on, order.start_on)
    until = begin + dt.timedelta(days=PREVIEW_DAYS)
    rows = words.dates_of(series, begin, min(until, order.end_on) if order.end_on else until, None)
    warned = sum(bool(row["warnings"]) for row in rows)
    return {
        "rows": rows,
        "count": sum(row["happens"] for row in rows),
        "warned": warned,
        "warned_words": f"{warned} of the dates: another ride is near, the certification does not cover it, or no "
        "authorized unit is left. Rides without a unit are made and wait for one; they are not lost.",
        "until": until,
        "open_ended": order.end_on is None or order.end_on > until,
        "level": LEVELS[version.level].label,
        "level_reason": version.level_override_reason or version.level_reason,
        "pattern": words.pattern(version),
        "lead": version.lead_minutes if version.timing == "arrive" else None,
        "zone": order.facility.time_zone,
    }


def explain(form: Any, error: DomainError) -> None:
    """Put a refusal's sentences beside the fields they speak of."""
    for name, text in error.fields.items():
        if name not in form.fields:
            form.add_error(None, text)
        elif name not in form.errors:
            form.add_error(name, text)
    if not error.fields and not form.errors:
        form.add_error(None, error.message)


def _rows(orders: list[StandingOrder], now: dt.datetime, today: dt.date) -> list[dict[str, Any]]:
    closed = selectors.closed_days(orders)
    made = selectors.made_counts([order.pk for order in orders], today)
    rows = []
    for order in orders:
        series = words.series_of(order, closed)
        version = series.version_on(max(today, order.start_on))
        start, goal = words.way(version, order)
        coming = series.next(now) if order.status == "active" else None
        zone = order.facility.time_zone
        at = coming.occurrence.moment_utc if coming is not None else None
        numbers = made.get(order.pk, {"ahead": 0, "filled": 0, "waits": 0})
        rows.append(
            {
                "order": order,
                "patient": order.patient.display_name,
                "identity": identity(order.patient, today=today),
                "pattern": words.pattern(version),
                "start": start,
                "goal": goal,
                "level": LEVELS[version.level].label,
                "back": {"ready": "Back when ready", "at": "Back at a time", "": "One way"}[version.return_kind],
                "chip": CHIPS[order.status],
                "next_day": clock.local(at, zone).date() if at else None,
                "next_time": f"{clock.local(at, zone):%H:%M}" if at else "",
                "zone": f"{clock.local(at, zone):%Z}" if at else "",
                "note": coming.occurrence.note if coming is not None else "",
                **numbers,
            }
        )
    return rows


def _filters(request: HttpRequest) -> selectors.Filters:
    status = request.GET.get("status", "")
    return selectors.Filters(
        status=status if status in dict(STATUSES) else "",
        place_id=as_uuid(request.GET.get("place")),
        patient_id=as_uuid(request.GET.get("patient")),
    )


def _desk(request: HttpRequest) -> dict[str, Any]:
    membership = request.membership  # type: ignore[attr-defined]
    may_book = "requests.book" in membership.definition.permissions
    return {**desk(request, unit_list(membership.units)), "may_book": may_book}


def _form(data: Any, units: list[Unit], *, initial: dict[str, Any] | None = None) -> SeriesForm:
    return SeriesForm(data, initial=initial, units=units, vendors=selectors.vendor_names())


def _first(patient: Patient | None, units: list[Unit], request: HttpRequest) -> dict[str, Any]:
    """What a new form holds: the chart's answers, and what dialysis usually needs."""
    membership = request.membership  # type: ignore[attr-defined]
    own = membership.units[0] if membership.units else (str(units[0].pk) if units else "")
    values: dict[str, Any] = {
        "key": uuid4().hex, "unit": own, "weeks": "1", "timing": "arrive", "return_kind": "ready",
        "return_hours": "4.5", "holiday_rule": "keep", "purpose": "dialysis", "companions": "0",
        "return_owner_name": membership.user.name,
    }  # fmt: skip
    if patient is None:
        return values
    encounter = booking.current_encounter(patient.pk)
    chart = booking.chart_defaults(patient, encounter)
    home = places.home_address(patient)
    values |= {name: chart[name] for name in ("needs", "oxygen_lpm", "weight_lb", "payer_name") if chart.get(name)}
    values |= {"patient": patient.pk, "patient_text": patient_option(patient)["text"]}
    if encounter is not None and encounter.unit_id is not None:
        values["unit"] = str(encounter.unit_id)
    if home is not None:
        values |= {"pickup": "home", "pickup_text": f"Home, {home.line}"}
    return values


def _found(request: HttpRequest, find: str, patient: Patient | None) -> dict[str, Any]:
    """The answer to a search without JavaScript."""
    text = request.POST.get(f"{find}_text", "")
    if find == "patient":
        return {"patient_matches": [patient_option(each) for each in find_patients(text, limit=8)]}
    if find in ("pickup", "destination"):
        return {f"{find}_matches": places.options(text, patient)}
    return {}


def _new_page(
    request: HttpRequest,
    form: SeriesForm,
    patient: Patient | None,
    *,
    series: Series | None = None,
    seen: str = "",
    again: bool = False,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    names = ("patient", "patient_text", "pickup", "pickup_text", "destination", "destination_text")
    unit = form.units.get(str(form["unit"].value() or ""))
    context = {
        **_desk(request),
        "primary_action": None,
        "form": form,
        "patient": patient,
        "patient_hint": identity(patient) if patient else "Type 3 letters, the MRN, the birth date or the phone number",
        "values": {name: form[name].value() for name in names},
        "payers": payer_names(),
        "preview": preview_of(series) if series is not None else None,
        "seen": seen,
        "again": again,
        "errors": summary(form),
        **more,
    }
    if unit is not None:
        context |= {"facility_name": unit.facility.name, "facility_zone": unit.facility.time_zone}
    context["zone_hint"] = f"On the clock of {context['facility_name']}"
    if patient is not None:
        audit.record(action="patient.viewed", target=patient, patient_id=patient.pk, purpose="treatment")
    return render(request, "requests/standing_new.html", context, status=status)


def summary(form: Any) -> list[dict[str, str]]:
    """Every error with the element that it is about."""
    pickers = ("patient", "pickup", "destination")
    found = []
    for name, texts in form.errors.items():
        href = ""
        if name in pickers:
            href = f"#{name}"
        elif name in form.fields:
            href = f"#{form[name].id_for_label or form[name].auto_id}"
        found += [{"href": href, "text": str(text)} for text in texts]
    return found


def _patient(text: str | None) -> Patient | None:
    key = as_uuid(text)
    if key is None:
        return None
    patient = Patient.objects.filter(pk=key).first()
    if patient is None:
        raise Http404
    return patient


def as_uuid(text: str | None) -> UUID | None:
    """A row's id from a query string, or None for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
