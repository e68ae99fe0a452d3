"""Pages of cost centers: a month's spending against its budget, amounts, the export."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.core import clock, sheets
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.budgets import AmountForm, CenterForm
from logistics.requests.models import CostCenter
from logistics.requests.selectors import budgets as selectors
from logistics.requests.selectors.requests import unit_list
from logistics.requests.selectors.spending import next_month
from logistics.requests.services import budgets
from logistics.requests.views.page import desk, see_other

MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
CHIPS = {
    "over": {"status": "late", "label": "Over budget"},
    "ahead": {"status": "at_risk", "label": "Will be over"},
    "near": {"status": "review", "label": "Close"},
    "fine": {"status": "done", "label": "Within budget"},
    "none": {"status": "draft", "label": "No budget"},
}
TONES = {"over": "bad", "ahead": "warn", "near": "warn", "fine": "ok", "none": ""}
HEADER = (
    "Month", "Cost center", "Name", "Unit", "Owner", "Completed USD", "Booked USD", "Total USD", "Budget USD",
    "Percent used", "Forecast USD (estimated)", "Requests", "Requests without a price",
)  # fmt: skip


@requires("budgets.view")
@require_GET
def budget_month(request: HttpRequest) -> HttpResponse:
    """``/budgets``: this month, or that of ``?month=2026-11``."""
    return _page(request)


@requires("budgets.view")
@require_GET
def budget_csv(request: HttpRequest) -> HttpResponse:
    """The same month as CSV."""
    first, today = _month(request)
    month = selectors.month_of(first, today=today)
    rows = [
        (
            f"{first:%Y-%m}",
            row.code or "none",
            row.center.name if row.center else "",
            row.center.unit.name if row.center and row.center.unit else "",
            row.center.owner_name if row.center else "",
            row.completed,
            row.booked,
            row.total,
            row.budget,
            row.percent,
            row.forecast,
            row.requests,
            row.unpriced,
        )
        for row in month.rows
    ]
    return sheets.csv_response(f"budgets-{first:%Y-%m}.csv", HEADER, rows)


@requires("budgets.edit")
@require_http_methods(["GET", "POST"])
def center_add(request: HttpRequest) -> HttpResponse:
    """Add a cost center."""
    form = CenterForm(request.POST or None, units=unit_list())
    if request.method == "POST" and form.is_valid():
        try:
            made = budgets.add_cost_center(**form.center())
        except DomainError as error:
            _explain(form, error)
        else:
            messages.success(request, f"{made.code} is added. Give it a budget.")
            return see_other(reverse("requests:budgets"))
    return _form_page(request, form, None)


@requires("budgets.edit")
@require_http_methods(["GET", "POST"])
def center_edit(request: HttpRequest, cost_center_id: UUID) -> HttpResponse:
    """Change a cost center."""
    center = get_object_or_404(CostCenter, pk=cost_center_id)
    form = CenterForm(request.POST or None, units=unit_list(), center=center)
    if request.method == "POST" and form.is_valid():
        try:
            budgets.edit_cost_center(cost_center_id=center.pk, **form.center())
        except DomainError as error:
            _explain(form, error)
        else:
            messages.success(request, f"{center.code} is changed.")
            return see_other(reverse("requests:budgets"))
    return _form_page(request, form, center)


@requires("budgets.edit")
@require_POST
def budget_set(request: HttpRequest, cost_center_id: UUID) -> HttpResponse:
    """What a cost center may spend in a month."""
    center = get_object_or_404(CostCenter, pk=cost_center_id)
    form = AmountForm(request.POST, center_id=center.pk)
    if not form.is_valid():
        return _page(request, form=form, center_id=center.pk, status=422)
    month = dt.date.fromisoformat(f"{form.cleaned_data['month']}-01")
    try:
        budgets.set_budget(cost_center_id=center.pk, month=month, amount=form.cleaned_data["amount"])
    except DomainError as error:
        _explain(form, error)
        return _page(request, form=form, center_id=center.pk, status=422)
    messages.success(request, f"{center.code} may spend ${form.cleaned_data['amount']:,.2f} in {month:%B %Y}.")
    return see_other(f"{reverse('requests:budgets')}?month={month:%Y-%m}")


def _page(
    request: HttpRequest, *, form: AmountForm | None = None, center_id: UUID | None = None, status: int = 200
) -> HttpResponse:
    membership = request.membership  # type: ignore[attr-defined]
    first, today = _month(request)
    month = selectors.month_of(first, today=today)
    may_edit = "budgets.edit" in membership.definition.permissions
    rows = []
    for row in month.rows:
        amount_form = None
        if may_edit and row.center is not None:
            chosen = form if row.center.pk == center_id else None
            initial = {"month": f"{first:%Y-%m}", "amount": row.budget}
            amount_form = chosen or AmountForm(initial=initial, center_id=row.center.pk)
        rows.append(
            {
                "row": row,
                "chip": CHIPS[row.standing],
                "tone": TONES[row.standing],
                "bar": min(row.percent or 0, 100),
                "form": amount_form,
                "open": amount_form is not None and bool(amount_form.errors),
            }
        )
    before = (first - dt.timedelta(days=1)).replace(day=1)
    context: dict[str, Any] = {
        **desk(request, unit_list(membership.units)),
        "month": month,
        "rows": rows,
        "form": form,
        "may_edit": may_edit,
        "before": before,
        "after": next_month(first),
        "csv_url": f"{reverse('requests:budgets_csv')}?month={first:%Y-%m}",
        "is_now": first == today.replace(day=1),
    }
    return render(request, "requests/budgets.html", context, status=status)


def _form_page(request: HttpRequest, form: CenterForm, center: CostCenter | None) -> HttpResponse:
    membership = request.membership  # type: ignore[attr-defined]
    context = {**desk(request, unit_list(membership.units)), "form": form, "center": center}
    return render(request, "requests/budgets_center.html", context, status=422 if form.errors else 200)


def _month(request: HttpRequest) -> tuple[dt.date, dt.date]:
    """(first day of the month that is asked for, today) on the calendar of the health system."""
    today = clock.today(request.membership.organization.time_zone)  # type: ignore[attr-defined]
    text = request.POST.get("month") or request.GET.get("month", "")
    return (dt.date.fromisoformat(f"{text}-01") if MONTH.fullmatch(text) else today.replace(day=1)), today


def _explain(form: Any, error: DomainError) -> None:
    for name, text in error.fields.items():
        form.add_error(name if name in form.fields else None, text)
    if not error.fields:
        form.add_error(None, error.message)
