"""Discharge plans: the list, one plan, and what a person decides on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dispatch.selectors import plan as selector
from dispatch.services import retimes
from dispatch.views.frame import frame, see_other
from logistics.accounts.models import Membership
from logistics.core import audit
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.models import Discharge, RetimeProposal
from logistics.requests.selectors.identity import identity
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import handoff, plan, protocols

PAGE_SIZE = 50
SHOWN = [("open", "Leaving"), ("left", "Left"), ("withdrawn", "Called off"), ("all", "All")]


@requires("plans.view")
@require_GET
def plan_list(request: HttpRequest) -> HttpResponse:
    """Who leaves, the next first, with what holds each bed."""
    membership = request.membership  # type: ignore[attr-defined]
    units = unit_list(membership.units)
    show = request.GET.get("show", "open")
    unit = request.GET.get("unit", "")
    chosen = [one.pk for one in units if str(one.pk) == unit] or [one.pk for one in units if membership.units]
    page = Paginator(selector.discharge_list(show=show, units=chosen), PAGE_SIZE).get_page(request.GET.get("page"))
    found = list(page.object_list)
    plans = selector.plans_of(found)
    page.object_list = [plans[row.pk] for row in found]  # type: ignore[misc]
    audit.record(action="plans.listed", purpose="treatment", details={"rows": len(found)})
    options = [("", "All"), *((str(one.pk), one.name) for one in units)]
    context = {
        "page": page,
        "filters": [
            {"name": "show", "label": "Show", "value": show, "options": SHOWN},
            {"name": "unit", "label": "Unit", "value": unit, "options": options},
        ],
        "reset_url": reverse("dispatch:plans") if unit or show != "open" else "",
        **_zone(units[0].facility if units else None),
    }
    return render(request, "dispatch/plans.html", frame(**context))


@requires("plans.view")
@require_GET
def plan_page(request: HttpRequest, discharge_id: UUID) -> HttpResponse:
    """One plan."""
    return _page(request, _found(discharge_id))


@requires("plans.view")
@require_GET
def plan_print(request: HttpRequest, discharge_id: UUID) -> HttpResponse:
    """The plan on one sheet of paper, for the patient's folder."""
    discharge = _found(discharge_id)
    audit.record(
        action="plan.printed", target=discharge, patient_id=discharge.encounter.patient_id, purpose="treatment"
    )
    context = _context(request, discharge) | {"printed_by": request.user.name}  # type: ignore[union-attr]
    return render(request, "dispatch/plan_print.html", frame(**context))


@requires("plans.edit")
@require_POST
def plan_act(request: HttpRequest, discharge_id: UUID, act: str) -> HttpResponse:
    """What a person does on a plan: ``tick``, ``untick``, ``edge``, ``unedge``, ``owner``, ``ready``, ``handoff``."""
    discharge = _found(discharge_id)
    data = request.POST
    try:
        if act == "tick":
            protocols.tick(discharge_id=discharge.pk, item_key=data.get("item", ""))
        elif act == "untick":
            protocols.untick(discharge_id=discharge.pk, item_key=data.get("item", ""))
        elif act == "edge":
            plan.add_edge(
                discharge_id=discharge.pk, before_id=_uuid(data.get("before")), after_id=_uuid(data.get("after"))
            )
        elif act == "unedge":
            plan.remove_edge(edge_id=_uuid(data.get("edge")))
        elif act == "owner":
            member = get_object_or_404(Membership.objects.select_related("user"), pk=_uuid(data.get("member")))
            plan.set_owner(discharge_id=discharge.pk, key=data.get("milestone", ""), membership=member)
        elif act == "ready":
            plan.say_ready(discharge_id=discharge.pk, reason=data.get("reason", ""))
            messages.success(request, "Noted: the patient is ready.")
        elif act == "handoff":
            answers = {name[2:]: str(value) for name, value in data.items() if name.startswith("a_")}
            handoff.answer(request_id=_uuid(data.get("ride")), answers=answers)
            messages.success(request, "Handoff kept.")
        else:
            raise Http404
    except DomainError as error:
        return _page(request, discharge, problem=error.message, status=error.status_code)
    return see_other(reverse("dispatch:plan", args=[discharge.pk]))


@requires("plans.edit")
@require_POST
def retime(request: HttpRequest, retime_id: UUID) -> HttpResponse:
    """Move a ride (``do`` = accept) or leave it with a reason (``keep``)."""
    proposal = get_object_or_404(RetimeProposal.objects.select_related("request"), pk=retime_id)
    discharge = get_object_or_404(Discharge, encounter_id=proposal.request.encounter_id)
    try:
        if request.POST.get("do") == "keep":
            retimes.keep(proposal_id=proposal.pk, reason=request.POST.get("reason", ""))
            messages.success(request, "The ride stays as it was.")
        else:
            retimes.accept(proposal_id=proposal.pk)
            messages.success(request, "Moved. A vendor that has the ride is asked first.")
    except DomainError as error:
        return _page(request, _found(discharge.pk), problem=error.message, status=error.status_code)
    return see_other(reverse("dispatch:plan", args=[discharge.pk]))


def _found(discharge_id: UUID) -> Discharge:
    rows = Discharge.objects.select_related(
        "encounter__patient", "encounter__unit", "encounter__facility", "encounter__bed"
    )
    return get_object_or_404(rows, pk=discharge_id)


def _page(request: HttpRequest, discharge: Discharge, *, problem: str = "", status: int = 200) -> HttpResponse:
    audit.record(action="plan.viewed", target=discharge, patient_id=discharge.encounter.patient_id, purpose="treatment")
    context = _context(request, discharge) | {
        "problem": problem,
        "errors": [{"id": "plan", "text": problem}] if problem else [],
    }
    return render(request, "dispatch/plan.html", frame(**context), status=status)


def _context(request: HttpRequest, discharge: Discharge) -> dict[str, Any]:
    membership = request.membership  # type: ignore[attr-defined]
    encounter = discharge.encounter
    permissions = membership.definition.permissions
    may_edit = "plans.edit" in permissions
    stay = f"patient={encounter.patient_id}"
    starts = [
        ("Book a ride", "dispatch:book", "requests.book"),
        ("Home health", "dispatch:home_health_new", "requests.book"),
        ("Equipment", "dispatch:equipment_new", "requests.book"),
    ]
    return {
        "plan": selector.plan_of(discharge),
        "discharge": discharge,
        "patient": encounter.patient,
        "who": identity(encounter.patient),
        "encounter": encounter,
        "may_edit": may_edit,
        "may_act": may_edit and discharge.status in ("pending", "ready"),
        "starts": [
            {"label": label, "url": f"{reverse(name)}?{stay}"} for label, name, need in starts if need in permissions
        ],
        "colleagues": _colleagues(membership) if may_edit else [],
        "primary_action": None,
        **_zone(encounter.facility),
    }


def _colleagues(membership: Membership) -> list[Membership]:
    rows = Membership.objects.filter(
        organization_id=membership.organization_id, is_active=True, role__in=["case_manager", "transport_coordinator"]
    )
    return list(rows.select_related("user").order_by("user__name")[:100])


def _zone(facility: Any) -> dict[str, Any]:
    if facility is None:
        return {}
    return {"facility_name": facility.name, "facility_zone": facility.time_zone}


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError as error:
        raise Http404 from error
