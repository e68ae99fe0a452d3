"""A home health agency's desk: referrals to answer, patients in care, visits to plan and to look at, its profile."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.forms.visits import (
    AddVisitForm,
    AgencyForm,
    ApproveForm,
    CorrectForm,
    DeclineReferralForm,
    EndForm,
    MissForm,
    PlanForm,
)
from dispatch.models import Referral, Visit
from dispatch.selectors import agencies as lists
from dispatch.selectors import agency_pages as pages
from dispatch.services.home_health import planning, visits
from dispatch.services.home_health import referrals as service
from dispatch.views.frame import frame, see_other
from dispatch.views.home_health import act
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests import home_health_rules as rules
from vendors.services import agencies

ENDED_DAYS = 3
VISIT_LENGTH = dt.timedelta(minutes=60)


@requires("referrals.view")
@require_GET
def referral_index(request: HttpRequest) -> HttpResponse:
    """Referrals that wait for an answer, and the patients that the agency has."""
    return _index(request)


@requires("referrals.answer")
@require_POST
def accept(request: HttpRequest, ask_id: UUID) -> HttpResponse:
    """Take the patient. Too late: the page again with what happened (409)."""
    if pages.offer_get_for(ask_id) is None:
        raise Http404
    try:
        referral = service.accept(ask_id)
    except DomainError as error:
        return _index(request, problem=error.message, status=error.status_code)
    messages.success(request, "The patient is yours. Plan the first visit next.")
    return see_other(reverse("dispatch:referral", args=[referral.pk]))


@requires("referrals.answer")
@require_http_methods(["GET", "POST"])
def decline(request: HttpRequest, ask_id: UUID) -> HttpResponse:
    """Say no, with a reason; the patient is asked for the next choice."""
    offer = pages.offer_get_for(ask_id)
    if offer is None:
        raise Http404
    card = pages.card(offer, "")
    return act(
        request,
        DeclineReferralForm(request.POST or None),
        lambda data: service.decline(ask_id, **data),
        title="Decline this referral?",
        text=f"{card['services']}, {card['area']}. The patient is asked for the next choice. It counts in your rate.",
        yes="Decline",
        back=reverse("dispatch:referrals"),
        done="Declined. The hospital asks the patient for the next choice.",
        danger=True,
    )


@requires("visits.view")
@require_GET
def referral_page(request: HttpRequest, referral_id: UUID) -> HttpResponse:
    """One patient of the agency: who, where, what is ordered, the visits."""
    referral = _referral_or_404(referral_id)
    who = pages.persons_of({referral.pk}).get(referral.pk, pages.Person())
    if who.name:
        audit.record(action="home_health.patient_viewed", target=referral, purpose="treatment")
    can = request.membership.definition.permissions  # type: ignore[attr-defined]
    context = frame(
        r=referral,
        who=who,
        d=who.details or {},
        services=", ".join(rules.labels(referral.disciplines)),
        rows=pages.visits_of(referral),
        add_form=AddVisitForm(disciplines=referral.disciplines),
        may_plan="visits.plan" in can,
        may_answer="referrals.answer" in can,
        facility_zone=referral.time_zone,
    )
    return render(request, "dispatch/referral.html", context)


@requires("visits.plan")
@require_POST
def visit_add(request: HttpRequest, referral_id: UUID) -> HttpResponse:
    """One more visit of the episode, to be planned."""
    referral = _referral_or_404(referral_id)
    form = AddVisitForm(request.POST, disciplines=referral.disciplines)
    try:
        if not form.is_valid():
            raise DomainError("Choose a service that is ordered.", code="incomplete")
        made = planning.add(referral_id, discipline=form.cleaned_data["discipline"])
    except DomainError as error:
        messages.error(request, error.message)
        return see_other(reverse("dispatch:referral", args=[referral_id]))
    return see_other(reverse("dispatch:visit_plan", args=[made.pk]))


@requires("referrals.answer")
@require_http_methods(["GET", "POST"])
def give_back(request: HttpRequest, referral_id: UUID) -> HttpResponse:
    """The agency cannot keep the patient."""
    _referral_or_404(referral_id)
    return act(
        request,
        DeclineReferralForm(request.POST or None),
        lambda data: service.give_back(referral_id, **data),
        title="Give this referral back?",
        text="The patient must choose another agency. You will not see the patient any more.",
        yes="Give it back",
        back=reverse("dispatch:referrals"),
        done="The referral is not yours any more.",
        danger=True,
    )


@requires("visits.plan")
@require_http_methods(["GET", "POST"])
def end(request: HttpRequest, referral_id: UUID) -> HttpResponse:
    """Care is over."""
    _referral_or_404(referral_id)
    return act(
        request,
        EndForm(request.POST or None),
        lambda data: service.end(referral_id, **data),
        title="End care?",
        text="Visits ahead are canceled. The patient’s data closes for you 24 hours later.",
        yes="End care",
        back=reverse("dispatch:referrals"),
        done="Care has ended.",
        danger=True,
    )


@requires("visits.view")
@require_GET
def visit_index(request: HttpRequest) -> HttpResponse:
    """Visits to plan, to come, to look at, and those of two weeks."""
    now = clock.now()
    rows = pages.visit_list(now)
    if any(row["who"].name for row in rows):
        audit.record(action="home_health.visits_listed", purpose="treatment", details={"visits": len(rows)})
    can = request.membership.definition.permissions  # type: ignore[attr-defined]
    groups = [
        ("plan", "To plan", [row for row in rows if row["visit"].status == "ordered"]),
        ("look", "Need a look", [row for row in rows if row["visit"].status == "exception"]),
        ("ahead", "Ahead and now", [row for row in rows if row["visit"].status in ("scheduled", "checked_in")]),
        (
            "past",
            "Two weeks back",
            [row for row in rows if row["visit"].status in ("verified", "missed", "refused")][::-1],
        ),
    ]
    context = frame(
        groups=groups, may_plan="visits.plan" in can, verified=lists.figure_words(pages.compliance(rows)),
        facility_zone=request.membership.organization.time_zone,  # type: ignore[attr-defined]
    )  # fmt: skip
    return render(request, "dispatch/visits.html", context)


@requires("visits.plan")
@require_http_methods(["GET", "POST"])
def visit_plan(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Time and clinician of a visit."""
    visit = _visit_or_404(visit_id)
    referral = visit.referral
    start = visit.starts_at or pages.suggested_start(referral)
    form = PlanForm(
        request.POST or None,
        zone=referral.time_zone,
        clinicians=pages.clinicians_for(visit.discipline),
        initial={"clinician": visit.clinician_id, "starts_at": start, "ends_at": visit.ends_at or start + VISIT_LENGTH},
    )

    def do(data: dict[str, Any]) -> Visit:
        return planning.plan(
            visit_id, clinician_id=UUID(data["clinician"]), starts_at=data["starts_at"], ends_at=data["ends_at"]
        )

    due = clock.local(referral.due_at, referral.time_zone)
    text = f"Times are {due:%Z}, where the patient lives."
    if visit.is_soc:
        text = f"The start of care is due {due:%a} {due.day} {due:%b %H:%M %Z}. {text}"
    return act(
        request,
        form,
        do,
        title=f"Plan a visit: {rules.DISCIPLINES[visit.discipline].label.lower()}",
        text=text,
        yes="Save the plan",
        back=reverse("dispatch:referral", args=[referral.pk]),
        done="The visit is planned.",
        zone=referral.time_zone,
    )


@requires("visits.plan")
@require_http_methods(["GET", "POST"])
def visit_miss(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Nobody was seen."""
    visit = _visit_or_404(visit_id)
    return act(
        request,
        MissForm(request.POST or None),
        lambda data: visits.miss(visit_id, **data),
        title="Mark this visit missed?",
        text="The hospital is told. A first visit is due again at once.",
        yes="Mark it missed",
        back=reverse("dispatch:referral", args=[visit.referral_id]),
        done="Marked as missed.",
        danger=True,
    )


@requires("visits.plan")
@require_http_methods(["GET", "POST"])
def visit_approve(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Accept a visit that did not verify by itself."""
    visit = _visit_or_404(visit_id)
    row = pages.visit_row(visit, [])
    return act(
        request,
        ApproveForm(request.POST or None),
        lambda data: visits.approve(visit_id, **data),
        title="Approve this visit?",
        text=". ".join(row["exceptions"]) or "Nothing is open about this visit.",
        yes="Approve",
        back=reverse("dispatch:referral", args=[visit.referral_id]),
        done="The visit is verified.",
    )


@requires("visits.plan")
@require_http_methods(["GET", "POST"])
def visit_correct(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Write the times that the phone did not record."""
    visit = _visit_or_404(visit_id)
    zone = visit.referral.time_zone
    initial = {
        "begin_at": visit.begin_at or visit.starts_at,
        "end_at": visit.end_at or visit.ends_at,
        "done_note": visit.done_note,
    }
    return act(
        request,
        CorrectForm(request.POST or None, zone=zone, initial=initial),
        lambda data: visits.correct(visit_id, **data),
        title="Write the times by hand",
        text=f"Times are {clock.local(clock.now(), zone):%Z}. The clinician’s own taps stay in the history.",
        yes="Save and approve",
        back=reverse("dispatch:referral", args=[visit.referral_id]),
        done="The times are kept with your name.",
        zone=zone,
    )


@requires("agency.edit")
@require_http_methods(["GET", "POST"])
def agency_profile(request: HttpRequest) -> HttpResponse:
    """What the agency serves, as hospitals' lists show it."""
    known = pages.profile_get()
    initial: dict[str, Any] = {"weekly_starts": 0}
    if known is not None:
        names = ("disciplines", "payers", "weekly_starts", "languages", "medicare_number", "stars", "stars_as_of")
        initial = {name: getattr(known, name) for name in names} | {"zips": " ".join(known.zips)}
    return act(
        request,
        AgencyForm(request.POST or None, initial=initial),
        lambda data: agencies.set_profile(**data),
        title="Agency profile",
        text="Hospitals show this to patients who choose an agency.",
        yes="Save",
        back=reverse("dispatch:agency"),
        done="Saved.",
    )


def _index(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    now = clock.now()
    membership = request.membership  # type: ignore[attr-defined]
    rows = pages.patients(ended_since=now - dt.timedelta(days=ENDED_DAYS))
    if any(row["who"].name for row in rows):
        audit.record(action="home_health.patients_listed", purpose="treatment", details={"referrals": len(rows)})
    context = frame(
        cards=pages.open_offers(now),
        rows=rows,
        gone=pages.answered_lately(now),
        is_agency=pages.profile_get() is not None,
        can_answer="referrals.answer" in membership.definition.permissions,
        problem=[{"href": "", "text": problem}] if problem else [],
        facility_zone=membership.organization.time_zone,
    )
    return render(request, "dispatch/referrals.html", context, status=status)


def _referral_or_404(referral_id: UUID) -> Referral:
    referral = pages.referral_get_for(referral_id)
    if referral is None:
        raise Http404
    return referral


def _visit_or_404(visit_id: UUID) -> Visit:
    visit = pages.visit_of_agency(visit_id)
    if visit is None:
        raise Http404
    return visit
