"""The clinician's phone: the day's visits and one visit with its one next tap. A GET never changes a visit."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dispatch.forms.visits import CheckOutForm, VisitTapForm
from dispatch.models import Visit
from dispatch.selectors import agency_pages as pages
from dispatch.services.home_health import visits as service
from dispatch.services.home_health.visits import Position
from dispatch.views.frame import not_here, see_other
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError


@requires("visits.act")
@require_GET
def day(request: HttpRequest) -> HttpResponse:
    """Today's visits of the signed-in clinician."""
    now = clock.now()
    rows = pages.day_of(_user(request), now=now)
    if any(row["who"].name for row in rows):
        audit.record(action="home_health.visits_listed", purpose="treatment", details={"visits": len(rows)})
    ahead = [row for row in rows if row["visit"].status in ("scheduled", "checked_in")]
    context = _frame(request, {"rows": rows, "next_row": ahead[0] if ahead else None, "screen_title": "My visits"})
    return render(request, "dispatch/visit_day.html", context)


@requires("visits.act")
@require_GET
def visit(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """One visit: who, where, what is ordered, and the one next tap. Others' visits are 404 and audited."""
    found = pages.visit_get_for(_user(request), visit_id)
    if found is None:
        return _refuse(request, visit_id)
    return _visit_page(request, found)


@requires("visits.act")
@require_POST
def check_in(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """The clinician is with the patient."""
    return _tap(request, visit_id, end=False)


@requires("visits.act")
@require_POST
def check_out(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """The clinician leaves and says what was done."""
    return _tap(request, visit_id, end=True)


def _tap(request: HttpRequest, visit_id: UUID, *, end: bool) -> HttpResponse:
    found = pages.visit_get_for(_user(request), visit_id)
    if found is None:
        return _refuse(request, visit_id)
    form = CheckOutForm(request.POST) if end else VisitTapForm(request.POST)
    if not form.is_valid():
        return _answer(request, found, str(next(iter(form.errors.values()))[0]), status=422)
    data = form.cleaned_data
    placed = data["latitude"] is not None and data["longitude"] is not None
    where = Position(data["latitude"], data["longitude"], data["accuracy_m"]) if placed else Position()
    tap: dict[str, Any] = {
        "at": data["occurred_at"], "key": data["idempotency_key"], "where": where, "device_now": data["device_now"],
    }  # fmt: skip
    try:
        if end:
            service.check_out(visit_id, done_note=data["done_note"], **tap)
        else:
            service.check_in(visit_id, **tap)
    except DomainError as error:
        return _answer(request, found, next(iter(error.fields.values()), error.message), status=error.status_code)
    if _wants_json(request):
        return JsonResponse({"status": "taken", "outcome": "moved", "message": ""})
    return see_other(reverse("dispatch:visit", args=[visit_id]))


def _visit_page(request: HttpRequest, found: Visit, *, problem: str = "", status: int = 200) -> HttpResponse:
    who = pages.persons_of({found.referral_id}).get(found.referral_id, pages.Person())
    if who.name:
        audit.record(action="home_health.patient_viewed", target=found, purpose="treatment")
    context = {
        "v": found,
        "row": pages.visit_row(found, []),
        "who": who,
        "d": who.details or {},
        "problem": problem,
        "key": uuid.uuid4(),
        "form": CheckOutForm(),
        "screen_title": "Visit",
        "back_url": reverse("dispatch:visit_day"),
        "back_label": "Back to my visits",
        "facility_zone": found.referral.time_zone,
    }
    return render(request, "dispatch/visit.html", _frame(request, context), status=status)


def _frame(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    now = clock.now()
    zone = request.membership.organization.time_zone  # type: ignore[attr-defined]
    return {"facility_time": now, "now": now, "facility_zone": zone, **context}


def _answer(request: HttpRequest, found: Visit, words: str, *, status: int) -> HttpResponse:
    """A refused tap: JSON for the outbox, the page with the reason for everybody else."""
    if _wants_json(request):
        return JsonResponse({"message": words}, status=status)
    fresh = pages.visit_get_for(_user(request), found.pk) or found
    return _visit_page(request, fresh, problem=words, status=status)


def _refuse(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    audit.record(
        action="visit.refused_view", target_type="dispatch.visit", target_id=str(visit_id), result="refused",
        reason="Not this clinician's",
    )  # fmt: skip
    if _wants_json(request):
        return JsonResponse({"message": "This visit is not on your day."}, status=404)
    return not_here(request)


def _user(request: HttpRequest) -> UUID:
    return request.scope.user_id  # type: ignore[attr-defined]


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
