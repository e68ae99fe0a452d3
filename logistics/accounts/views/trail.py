"""The audit log of one organization."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from logistics.accounts.forms import TrailForm
from logistics.accounts.selectors import trail as selector
from logistics.accounts.selectors.trail import TrailFilter
from logistics.accounts.services import trail
from logistics.accounts.views.answers import see_other
from logistics.core import access
from logistics.core.sheets import csv_response

MOST_ROWS = 50_000
COLUMNS = (
    "id", "at", "actor_label", "actor_role", "actor_id", "action", "result", "target_type", "target_id", "patient_id",
    "purpose", "reason", "request_id", "client_ip", "details",
)  # fmt: skip


@access.requires("audit.view")
@require_GET
def audit_list(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first; reading it is itself an entry."""
    form = TrailForm(request.GET)
    wanted = _wanted(request, form)
    page = Paginator(selector.entry_list(wanted), 50).get_page(request.GET.get("page"))
    page.object_list = list(page.object_list)  # read before the look itself becomes the newest entry
    trail.note_view(wanted.set_ones, page=page.number)
    context = {
        "form": form,
        "page": page,
        "actions": selector.actions_seen(),
        "seal": selector.last_seal(),
        "narrowed": bool(wanted.set_ones),
        "may_verify": _may_verify(request),
    }
    return render(request, "accounts/audit.html", context, status=200 if form.is_valid() else 422)


@access.requires("audit.view")
@require_GET
def audit_export(request: HttpRequest) -> HttpResponse:
    """The filtered entries as CSV, newest first, at most 50,000."""
    wanted = _wanted(request, TrailForm(request.GET))
    rows = [[_cell(entry, column) for column in COLUMNS] for entry in selector.entry_list(wanted)[:MOST_ROWS]]
    trail.note_export(wanted.set_ones, rows=len(rows))
    return csv_response("carrywell-audit.csv", COLUMNS, rows)


@access.requires("audit.verify")
@require_POST
def audit_verify(request: HttpRequest) -> HttpResponse:
    """Recompute the chain and say whether it is intact, or which entries do not fit."""
    check = trail.verify_own()
    if check.intact and not check.entries:
        messages.info(request, "Nothing is sealed yet. The first seal comes within a minute or two; try again then.")
    elif check.intact:
        messages.success(request, f"The chain is intact: {check.entries:,} sealed entries fit their seals.")
    elif check.broken_from is None:
        messages.error(request, "The chain is broken: every entry under one seal is gone.")
    else:
        messages.error(
            request,
            f"The chain is broken: entries {check.broken_from} to {check.broken_to} do not fit their seal."
            " Something was changed, added or removed there after it was sealed.",
        )
    return see_other("accounts:audit")


def _cell(entry: Any, column: str) -> Any:
    value = getattr(entry, column)
    return value.isoformat() if column == "at" else value


def _wanted(request: HttpRequest, form: TrailForm) -> TrailFilter:
    form.is_valid()
    zone = request.membership.organization.time_zone  # type: ignore[attr-defined]
    return TrailFilter(zone=zone, **{name: value for name, value in form.cleaned_data.items() if value})


def _may_verify(request: HttpRequest) -> bool:
    return "audit.verify" in request.membership.definition.permissions  # type: ignore[attr-defined]
