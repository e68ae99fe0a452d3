"""Pages of the network: who works for this health system, and on what terms of trust."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from logistics.core import clock, levels
from logistics.core.access import requires
from logistics.core.errors import IllegalMove
from vendors.forms.network import StatusForm, TermsForm
from vendors.models import Network
from vendors.selectors import network as selectors
from vendors.services import network

STATUS_OPTIONS = [("", "All"), ("attention", "Need attention"), *Network.STATUSES]
DONE = {"active": "is active", "suspended": "is suspended", "ended": "has ended here"}


def today_of(request: HttpRequest) -> Any:
    """Today by the organization's own calendar."""
    return clock.today(request.membership.organization.time_zone)  # type: ignore[attr-defined]


@requires("vendors.view")
def member_list(request: HttpRequest) -> HttpResponse:
    """``/vendors``: status, tier, BAA, fleet and papers of every vendor."""
    q, status, level = (request.GET.get(name, "") for name in ("q", "status", "level"))
    status = status if status in dict(STATUS_OPTIONS) else ""
    level = level if level in levels.LEVELS else ""
    members = selectors.member_list(today_of(request), q=q, status=status, level=level)
    return render(
        request,
        "vendors/network.html",
        {
            "members": members,
            "search": {"name": "q", "label": "Find a vendor", "value": q},
            "filters": [
                {"name": "status", "label": "Status", "value": status, "options": STATUS_OPTIONS},
                {"name": "level", "label": "Level", "value": level, "options": [("", "All"), *levels.CHOICES]},
            ],
            "narrowed": bool(q or status or level),
        },
    )


@requires("vendors.view")
def member_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """``/vendors/<id>``: profile, contract, fleet, papers and what an administrator may do."""
    return _page(request, pk)


@requires("vendors.edit")
@require_POST
def change_status(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Activate, suspend with a reason, or end."""
    row = _row(pk)
    form = StatusForm(request.POST)
    try:
        accepted = form.is_valid() and form.attempt(
            network.set_status, network=row, status=form.cleaned_data["status"], reason=form.cleaned_data["reason"]
        )
    except IllegalMove as error:
        return _page(request, pk, status_form=form, conflict=error.message, status=409)
    if not accepted:
        return _page(request, pk, status_form=form, status=422)
    messages.success(request, f"{row.vendor.name} {DONE[form.cleaned_data['status']]}.")
    return _back(pk)


@requires("vendors.edit")
@require_POST
def change_terms(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Tier, committed capacity and BAA."""
    row = _row(pk)
    form = TermsForm(request.POST)
    if not (form.is_valid() and form.attempt(network.set_terms, network=row, **form.cleaned_data)):
        return _page(request, pk, terms_form=form, status=422)
    messages.success(request, f"Terms of {row.vendor.name} are saved.")
    return _back(pk)


def _back(pk: UUID) -> HttpResponse:
    answer = redirect("vendors:member", pk=pk)
    answer.status_code = 303
    return answer


def _row(pk: UUID) -> Network:
    row = Network.objects.select_related("vendor").filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def _page(
    request: HttpRequest,
    pk: UUID,
    *,
    status_form: StatusForm | None = None,
    terms_form: TermsForm | None = None,
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    detail = selectors.detail_get(pk, today_of(request))
    if detail is None:
        raise Http404
    row = detail.member.row
    terms = {name: getattr(row, name) for name in TermsForm.base_fields}
    return render(
        request,
        "vendors/member.html",
        {
            "detail": detail,
            "member": detail.member,
            "row": row,
            "fleet": [
                {**line, "label": levels.LEVELS[str(line["level"])].label}
                for line in sorted(detail.fleet, key=lambda line: levels.LEVELS[str(line["level"])].order)
            ],
            "profile_levels": [
                levels.LEVELS[code].label for code in (detail.member.profile.levels if detail.member.profile else [])
            ],
            "moves": network.MOVES[row.status],
            "status_form": status_form or StatusForm(),
            "terms_form": terms_form or TermsForm(initial=terms),
            "conflict": conflict,
        },
        status=status,
    )
