"""The vendor's side: offers and their answers, a crew for what was taken, and giving a trip back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.forms.offers import AcceptForm, CrewForm, DeclineForm
from dispatch.models import Offer, Trip
from dispatch.selectors import offers_page, proposals, schedule
from dispatch.services import assignment
from dispatch.services import offers as answers
from dispatch.views.frame import frame, see_other
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from vendors.models import CrewMember

HOURS_BEFORE, HOURS_SHOWN = 3, 10


@requires("offers.view")
@require_GET
def offers(request: HttpRequest) -> HttpResponse:
    """Open offers, accepted trips without a crew, today's trips and the fleet's day."""
    return _page(request)


@requires("offers.answer")
@require_POST
def accept(request: HttpRequest, offer_id: UUID) -> HttpResponse:
    """Take the trip. Too late or taken: the page again with what happened (409)."""
    offer = _offer_or_404(offer_id)
    form = AcceptForm(request.POST)
    try:
        if not form.is_valid():
            raise ValidationError(list(form.errors["eta"]))
        eta_at = form.eta_at(_pickup_at(offer), offer.brief["time_zone"])
        trip = answers.accept(offer_id, eta_at=eta_at)
    except ValidationError as error:
        return _page(request, problem=error.messages[0], status=422)
    except DomainError as error:
        return _page(request, problem=error.message, status=error.status_code)
    more = len(offer.brief.get("rides", []))
    also = f" and {more} more ride{'s' if more > 1 else ''} of this patient are" if more else " is"
    messages.success(request, f"Trip {trip.number}{also} yours. Assign a vehicle and crew next.")
    return see_other(reverse("dispatch:offers"))


@requires("offers.answer")
@require_http_methods(["GET", "POST"])
def decline(request: HttpRequest, offer_id: UUID) -> HttpResponse:
    """Say no, with a reason. The next vendor is asked at once."""
    offer = _offer_or_404(offer_id)
    form = DeclineForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                answers.decline(offer_id, code=form.cleaned_data["code"], note=form.cleaned_data["note"])
            except DomainError as error:
                return _page(request, problem=error.message, status=error.status_code)
            messages.success(request, "Declined. The next vendor is asked.")
            return see_other(reverse("dispatch:offers"))
    card = offers_page.card(offer, "", clock.now())
    return render(request, "dispatch/offer_decline.html", frame(o=card, form=form), status=status)


@requires("assignments.edit")
@require_http_methods(["GET", "POST"])
def crew(request: HttpRequest, number: int) -> HttpResponse:
    """Every vehicle for one accepted trip with its reason, best first; POST assigns one with its crew.

    ``?part=suggestion`` answers only the suggestion, for the row on the offers page.
    """
    trip = _trip_or_404(number)
    problem, status = "", 200
    if request.method == "POST":
        form = CrewForm(request.POST)
        try:
            if not form.is_valid():
                raise ValidationError(list(next(iter(form.errors.values()))))
            run = assignment.assign(trip.pk, form.cleaned_data["vehicle"], form.cleaned_data["crew_ids"])
        except ValidationError as error:
            problem, status = error.messages[0], 422
        except DomainError as error:
            problem, status = error.message, error.status_code
        else:
            messages.success(request, f"{run.vehicle_name} with {run.crew_names} goes on trip {trip.number}.")
            return see_other(reverse("dispatch:offers"))
    choices = assignment.suggest(trip.pk)
    best = next((choice for choice in choices if not choice.refusals), None)
    context = frame(
        trip=trip,
        choices=choices,
        best=best,
        problem=[{"href": "", "text": problem}] if problem else [],
        people=CrewMember.objects.filter(is_active=True),
        facility_zone=trip.time_zone,
    )
    if request.GET.get("part") == "suggestion" and request.method == "GET":
        return render(request, "dispatch/_offer_suggestion.html", context)
    return render(request, "dispatch/offer_crew.html", context, status=status)


def _page(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    now = clock.now()
    membership = request.membership  # type: ignore[attr-defined]
    zone, role = membership.organization.time_zone, membership.role
    can = membership.definition.permissions
    cards = offers_page.open_offers(now)
    crewless, today = offers_page.needing_crew(), offers_page.today(zone, now)
    start, end = schedule.window(clock.local(now, zone), before=HOURS_BEFORE, hours=HOURS_SHOWN)
    plan = schedule.load(start, end)
    people = offers_page.passengers_of({t.pk for t in (*crewless, *today)} | plan.trip_ids)
    legs = offers_page.legs_of([*crewless, *today])
    day_rows = offers_page.day_rows(today, legs, people, role=role, now=now)
    names = _names(plan, people, role)
    if people:
        audit.record(
            action="passengers.listed",
            purpose="treatment",
            details={"trips": sorted({row["trip"].number for row in day_rows} | {t.number for t in crewless})},
        )
    context = frame(
        cards=cards,
        changes=proposals.open_proposals(now),
        can_answer="offers.answer" in can,
        can_assign="assignments.edit" in can,
        crewless=[
            {"trip": trip, "leg": legs[trip.pk], "who": offers_page.who_of(trip, legs[trip.pk], people, role=role)}
            for trip in crewless
        ],
        today=day_rows,
        fleet=schedule.rows(plan, now=now, names=names),
        fleet_label=f"Fleet schedule, {start:%H:%M} to {end:%H:%M}",
        window_start=start,
        window_end=end,
        facility_zone=zone,
        gone=offers_page.answered_lately(now),
        expiring=offers_page.expiring(zone),
        problem=[{"href": "", "text": problem}] if problem else [],
        manifest_url=reverse("vendors:fleet") if "fleet.view" in can else "",
    )
    return render(request, "dispatch/offers.html", context, status=status)


def _names(plan: schedule.Schedule, people: dict[UUID, Any], role: str) -> dict[UUID, str]:
    return {
        run.trip_id: offers_page.who_of(run.trip, run.leg, people, role=role).surname
        for run in plan.runs.values()
        if run.trip_id in people
    }


def _offer_or_404(offer_id: UUID) -> Offer:
    offer = offers_page.offer_get_for(offer_id)
    if offer is None:
        raise Http404
    return offer


def _trip_or_404(number: int) -> Trip:
    trip = offers_page.open_trip_get_for(number)
    if trip is None:
        raise Http404
    return trip


def _pickup_at(offer: Offer) -> Any:
    return offers_page.moment(offer.brief["pickup_at"])
