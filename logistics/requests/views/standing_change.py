"""Changing a series from a date on: the answers, then the dates, then it is changed."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.standing import SeriesForm, initial_of
from logistics.requests.models import StandingOrder
from logistics.requests.selectors import standing as selectors
from logistics.requests.selectors.requests import payer_names
from logistics.requests.services import places, standing_orders
from logistics.requests.services.standing_rides import day_words
from logistics.requests.views import standing_words as words
from logistics.requests.views.page import see_other
from logistics.requests.views.standing import explain, preview_of, summary
from logistics.requests.views.standing_order import order_desk, order_of, page_url


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def standing_change(request: HttpRequest, series_id: UUID) -> HttpResponse:
    """Change the series from a date on: the answers, then the dates, then it is changed."""
    order = order_of(series_id)
    if order.status == "ended":
        messages.info(request, "This series is over. Begin a new one.")
        return see_other(page_url(order))
    today = clock.today(order.facility.time_zone)
    series = words.series_of(order, selectors.closed_days([order]))
    vendors = selectors.vendor_names()
    if request.method == "GET":
        first = max(today + dt.timedelta(days=1), order.start_on)
        initial = {**initial_of(order, series.version_on(first)), "from_on": first}
        form = SeriesForm(initial=initial, units=[], vendors=vendors, change=True)
        return _change_page(request, order, form)
    form = SeriesForm(request.POST, units=[], vendors=vendors, change=True)
    form.is_valid()
    find = request.POST.get("find", "")
    if find in ("pickup", "destination"):
        found: dict[str, Any] = {f"{find}_matches": places.options(request.POST.get(f"{find}_text", ""), order.patient)}
        return _change_page(request, order, form, **found)
    given = form.cleaned_data
    from_on: dt.date | None = given.get("from_on")
    if from_on is None:
        if "from_on" not in form.errors:
            form.add_error("from_on", "Write the date from which it changes.")
        return _change_page(request, order, form, status=422)
    answers: dict[str, Any] = {
        "order_id": order.pk,
        "from_on": from_on,
        "spec": form.spec(order.patient),
        "seen_version": given.get("version") or 0,
        "end_on": given.get("end_on"),
        "preferred_vendor_id": form.vendor_id,
    }
    try:
        ahead = standing_orders.changed(**answers)
        seen = standing_orders.seen_of(ahead)
        if request.POST.get("do") != "save" or given.get("seen") != seen or form.errors:
            again = request.POST.get("do") == "save"
            shown = preview_of(ahead, first=max(from_on, today))
            return _change_page(request, order, form, preview=shown, seen=seen, again=again)
        _, made = standing_orders.change_from(**answers)
    except DomainError as error:
        if error.status_code == 409:
            raise
        explain(form, error)
        return _change_page(request, order, form, status=422)
    kept = sorted(set(made.kept))
    note = f" {len(kept)} date{'s' if len(kept) != 1 else ''} changed by hand stay." if kept else ""
    messages.success(request, f"The series is changed from {day_words(from_on)}.{note}")
    return see_other(page_url(order))


def _change_page(
    request: HttpRequest,
    order: StandingOrder,
    form: SeriesForm,
    *,
    preview: dict[str, Any] | None = None,
    seen: str = "",
    again: bool = False,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    names = ("pickup", "pickup_text", "destination", "destination_text")
    audit.record(action="standing_order.viewed", target=order, patient_id=order.patient_id, purpose="treatment")
    context = {
        **order_desk(request, order),
        "order": order,
        "patient": order.patient,
        "form": form,
        "values": {name: form[name].value() for name in names},
        "kept": [
            day_words(row.on)
            for row in order.exception_rows  # type: ignore[attr-defined]
            if row.on >= clock.today(order.facility.time_zone)
        ],
        "payers": payer_names(),
        "zone_hint": f"On the clock of {order.facility.name}",
        "preview": preview,
        "seen": seen,
        "again": again,
        "errors": summary(form),
        **more,
    }
    return render(request, "requests/standing_change.html", context, status=status)
