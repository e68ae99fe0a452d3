"""One series: its dates with what was made of each, one date of it, its change from a date on, and its end."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.standing import (
    AddForm,
    DateForm,
    EndForm,
    MoveForm,
    ResumeForm,
    date_initial,
)
from logistics.requests.models import StandingOrder
from logistics.requests.selectors import standing as selectors
from logistics.requests.selectors.identity import identity
from logistics.requests.selectors.requests import destination_name, patient_history
from logistics.requests.services import places, standing_dates, standing_orders
from logistics.requests.services.standing_plan import MARGIN, Planned, Series
from logistics.requests.services.standing_rides import day_words
from logistics.requests.views import standing_words as words
from logistics.requests.views.page import desk, see_other
from logistics.requests.views.standing import CHIPS, as_uuid, explain, summary

WINDOW_DAYS = 42
PRINT_DAYS = 92


@requires("requests.view")
@require_GET
def standing_order(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """The series: six weeks of dates, what it asks for, its single dates and history."""
    return _page(request, order_of(series_id))


@requires("requests.view")
@require_GET
def standing_print(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """The dates of the coming three months on paper, for the patient or the center."""
    order = order_of(series_id)
    series = words.series_of(order, selectors.closed_days([order]))
    zone = order.facility.time_zone
    first = max(clock.today(zone), order.start_on)
    rows = words.dates_of(series, first, first + dt.timedelta(days=PRINT_DAYS), None)
    audit.record(action="standing_order.printed", target=order, patient_id=order.patient_id, purpose="treatment")
    version = series.version_on(first)
    start, goal = words.way(version, order)
    context = {
        **order_desk(request, order), "order": order, "rows": rows, "pattern": words.pattern(version), "start": start,
        "goal": goal, "patient_name": order.patient.display_name, "identity": identity(order.patient),
    }  # fmt: skip
    return render(request, "requests/standing_print.html", context)


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def standing_date(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """One date, named by ``?on=`` (default: the next): change it, move it, skip it; or book again what was canceled."""
    order = order_of(series_id)
    series = words.series_of(order, selectors.closed_days([order]))
    one = _one_date(series, request.GET.get("on", ""))
    if request.method == "GET":
        return _date_page(request, order, one)
    on = one.occurrence.on
    verb = request.POST.get("do", "")
    form = MoveForm(request.POST) if verb == "move" else DateForm(request.POST)
    shown: dict[str, Any] = {"move_form" if verb == "move" else "form": form}
    if not form.is_valid():
        return _date_page(request, order, one, **shown, status=422)
    given = form.cleaned_data
    try:
        said = _do_date(verb, order, on, given)
    except DomainError as error:
        if error.status_code == 409:
            raise
        if verb == "skip":
            form = DateForm(initial=_initial(one))
            return _date_page(request, order, one, form=form, skip_error=error.message, status=422)
        explain(form, error)
        return _date_page(request, order, one, **shown, status=422)
    messages.success(request, said)
    return see_other(page_url(order))


@requires("requests.book")
@require_POST
def standing_add(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Add a date that the series does not have."""
    order = order_of(series_id)
    form = AddForm(request.POST)
    if form.is_valid():
        try:
            standing_dates.add(order_id=order.pk, **form.cleaned_data)
        except DomainError as error:
            explain(form, error)
        else:
            messages.success(request, f"{day_words(form.cleaned_data['on'])} is added.")
            return see_other(page_url(order))
    return _page(request, order, add_form=form, status=422)


@requires("requests.book")
@require_POST
def standing_undo(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Let a single date be as the series says again."""
    order = order_of(series_id)
    key = as_uuid(request.POST.get("exception"))
    row = next((each for each in order.exception_rows if each.pk == key), None)  # type: ignore[attr-defined]
    if row is None:
        messages.info(request, "That date is as the series says already.")
        return see_other(page_url(order))
    standing_dates.undo(exception_id=row.pk)
    messages.success(request, f"{day_words(row.on)} is as the series says again.")
    return see_other(page_url(order))


@requires("requests.book")
@require_POST
def standing_state(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Suspend, let go on, or end the series (``do``)."""
    order = order_of(series_id)
    verb = request.POST.get("do", "")
    forms: dict[str, Any] = {}
    try:
        if verb == "suspend":
            standing_orders.suspend(order_id=order.pk, reason=request.POST.get("reason", ""))
            said = "The series is suspended. Rides ahead are on hold; let it go on to undo this."
        elif verb == "resume":
            forms["resume_form"] = form = ResumeForm(request.POST)
            form.is_valid()
            standing_orders.resume(order_id=order.pk, **_where(form, order))
            said = "The series goes on. Its rides ahead are no longer on hold."
        elif verb == "end":
            forms["end_form"] = end_form = EndForm(request.POST)
            if not end_form.is_valid():
                return _page(request, order, **forms, status=422)
            standing_orders.end(order_id=order.pk, **end_form.cleaned_data)
            last = end_form.cleaned_data["last_on"]
            said = (
                f"The series ends after {day_words(last)}." if last else "The series is over; rides ahead are canceled."
            )
        else:
            raise DomainError("Choose what to do with the series.", code="no_verb")
    except DomainError as error:
        if error.status_code == 409:
            raise
        for form in forms.values():
            explain(form, error)
        state_error = "" if forms else error.fields.get("reason", error.message)
        return _page(request, order, state_error=state_error, **forms, status=422)
    messages.success(request, said)
    return see_other(page_url(order))


def _do_date(verb: str, order: StandingOrder, on: dt.date, given: dict[str, Any]) -> str:
    """Do one thing with a date; what to say of it."""
    day = day_words(on)
    reason = given.get("reason", "")
    if verb == "edit":
        edits = {name: given[name] for name in ("needs", "oxygen_lpm", "driver_note")}
        standing_dates.edit(order_id=order.pk, on=on, local_time=given["local_time"], edits=edits, reason=reason)
        return f"{day} is changed. A later change of the series leaves it as it is."
    if verb == "move":
        standing_dates.move(
            order_id=order.pk, on=on, to=given["to"], local_time=given["local_time"], reason=reason
        )  # fmt: skip
        return f"{day} is moved to {day_words(given['to'])}."
    if verb == "skip":
        standing_dates.skip(order_id=order.pk, on=on, reason=reason)
        return f"{day} is skipped. Undo is in the list of dates."
    if verb == "send":
        sent = standing_dates.send(order_id=order.pk, on=on)
        return f"{sent} ride{'s' if sent != 1 else ''} of {day} booked." if sent else f"Nothing waits on {day}."
    if verb == "again":
        made = standing_dates.book_again(order_id=order.pk, on=on).made
        return f"{made} ride{'s' if made != 1 else ''} of {day} booked again." if made else f"{day} is booked already."
    raise DomainError("Choose what to do with this date.", code="no_verb")


def _where(form: ResumeForm, order: StandingOrder) -> dict[str, Any]:
    given = form.cleaned_data
    if given.get("where") == "other":
        pickup = places.resolve(
            value=given.get("pickup", ""), text=given.get("pickup_text", ""), patient=order.patient, field="pickup"
        )
        return {"pickup": pickup}
    return {"as_before": given.get("where") == "before"}


def order_of(series_id: UUID) -> StandingOrder:
    """The order with its parts, or 404."""
    order = selectors.order_get(series_id)
    if order is None:
        raise Http404
    return order


def _one_date(series: Series, text: str) -> Planned:
    coming = series.next(clock.now()) if not text else None
    if coming is not None:
        return coming
    try:
        on = dt.date.fromisoformat(text)
        found = series.planned(on - MARGIN, on + 2 * MARGIN)
    except (ValueError, OverflowError):
        raise Http404 from None
    one = next((each for each in found if each.occurrence.on == on), None)
    if one is None:
        raise Http404
    return one


def page_url(order: StandingOrder) -> str:
    """Where the order is shown."""
    return reverse("requests:standing_order", args=[order.pk])


def order_desk(request: HttpRequest, order: StandingOrder) -> dict[str, Any]:
    """What every page of one order shows: its site, its clock."""
    membership = request.membership  # type: ignore[attr-defined]
    return {
        **desk(request, []),
        "facility_name": order.facility.name,
        "facility_zone": order.facility.time_zone,
        "may_book": "requests.book" in membership.definition.permissions,
        "primary_action": None,
    }


def _page(
    request: HttpRequest,
    order: StandingOrder,
    *,
    add_form: AddForm | None = None,
    end_form: EndForm | None = None,
    resume_form: ResumeForm | None = None,
    state_error: str = "",
    status: int = 200,
) -> HttpResponse:
    zone = order.facility.time_zone
    today = clock.today(zone)
    first = _from(request.GET.get("from", ""), order, today)
    until = first + dt.timedelta(days=WINDOW_DAYS - 1)
    series = words.series_of(order, selectors.closed_days([order]))
    made = selectors.date_rides(order, first - MARGIN, until + MARGIN)
    rows = words.dates_of(series, first, until, made) if order.status != "ended" or first <= today else []
    audit.record(action="standing_order.viewed", target=order, patient_id=order.patient_id, purpose="treatment")
    shown = series.version_on(max(today, order.start_on))
    after_stay = order.status == "suspended" and order.suspended_by == "admitted"
    pages = [form for form in (add_form, end_form, resume_form) if form is not None]
    context = {
        **order_desk(request, order),
        "order": order,
        "patient_name": order.patient.display_name,
        "identity": identity(order.patient, today=today),
        "chip": CHIPS[order.status],
        "pattern": words.pattern(shown),
        "pairs": words.asked(shown, order, selectors.vendor_names()),
        "coming": [
            {"from": version.from_on, "pattern": words.pattern(version), "by": version.made_by_name}
            for version in series.versions
            if version.from_on > shown.from_on
        ],
        "rows": rows,
        "first": first,
        "until": until,
        "today": today,
        "earlier": max(first - dt.timedelta(days=WINDOW_DAYS), order.start_on) if first > order.start_on else None,
        "later": until + dt.timedelta(days=1) if order.end_on is None or until < order.end_on else None,
        "history": selectors.history(order),
        "add_form": add_form or AddForm(),
        "end_form": end_form or EndForm(),
        "resume_form": resume_form or ResumeForm(),
        "after_stay": after_stay,
        "left_to": _left_to(order) if after_stay else "",
        "state_error": state_error,
        "errors": [error for form in pages for error in summary(form)],
    }
    return render(request, "requests/standing_order.html", context, status=status)


def _left_to(order: StandingOrder) -> str:
    """Where the rides of the stay that stopped the series went: the address may be another one now."""
    if order.encounter_id is None:
        return ""
    for ride in patient_history(order.patient_id, limit=10):
        details = ride.details  # type: ignore[attr-defined]
        if ride.encounter_id == order.encounter_id and ride.status != "canceled" and details:
            return destination_name(details[0])
    return ""


def _from(text: str, order: StandingOrder, today: dt.date) -> dt.date:
    """The first day of the window: as asked for, within the life of a series."""
    try:
        asked = dt.date.fromisoformat(text)
    except ValueError:
        asked = max(today, order.start_on)
    return min(max(asked, order.start_on), max(today, order.start_on) + dt.timedelta(days=730))


def _initial(one: Planned) -> dict[str, Any]:
    return date_initial(one.version, one.edits, one.occurrence.local_time)


def _date_page(
    request: HttpRequest,
    order: StandingOrder,
    one: Planned,
    *,
    form: DateForm | None = None,
    move_form: MoveForm | None = None,
    skip_error: str = "",
    status: int = 200,
) -> HttpResponse:
    on = one.occurrence.on
    made = selectors.date_rides(order, on, on).get(on, selectors.DateRides())
    checked = words.checked_one(one)
    audit.record(action="standing_order.viewed", target=order, patient_id=order.patient_id, purpose="treatment")
    pages = [each for each in (form, move_form) if each is not None]
    context = {
        **order_desk(request, order),
        "order": order,
        "patient_name": order.patient.display_name,
        "row": words.date_row(checked, order.facility.time_zone, made),
        "today": clock.today(order.facility.time_zone),
        "form": form or DateForm(initial=_initial(one)),
        "move_form": move_form or MoveForm(initial={"local_time": one.occurrence.local_time}),
        "skip_error": skip_error,
        "errors": [error for each in pages for error in summary(each)],
    }
    return render(request, "requests/standing_date.html", context, status=status)
