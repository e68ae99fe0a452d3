"""Changing a booked trip: its answers, its level, its destination on the way; and what a no leaves to choose."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.forms.booking import COMPANIONS, destination_initial
from dispatch.forms.changes import LABELS, ChangeForm, DivertForm, LevelForm, answers_of
from dispatch.models import Proposal, Trip
from dispatch.selectors import history
from dispatch.selectors.board import trip_of_request
from dispatch.services import changes, fees, proposals
from dispatch.services.changes import Outcome
from dispatch.views.frame import frame, see_other
from dispatch.views.trips import get_or_404
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError, StaleState
from logistics.core.levels import LEVELS
from logistics.requests.models import TransportDetail
from logistics.requests.services import amend, places


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, number: int) -> HttpResponse:
    """Time, destination, needs, company and note. Somebody else's change in between: 409 with both side by side."""
    trip = get_or_404(request, number)
    if trip.status in ("completed", "canceled"):
        messages.warning(request, f"Trip {number} is {trip.status}: nothing can change any more.")
        return see_other(reverse("dispatch:trip", args=[number]))
    detail = _detail(trip)
    pickup_at = trip.pickup_at
    now = answers_of(detail, pickup_at=pickup_at, zone=trip.time_zone)
    form, status = _change_form(request, trip, now), 200
    compare: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                outcome = _change(form, trip, detail, now)
            except StaleState as error:
                if error.code != "stale_version":
                    form.add_error(None, error.message)
                    status = error.status_code
                else:
                    changed = history.since(trip, form.cleaned_data["seen"])
                    compare, form = _compared(request, form, trip, now)
                    status = error.status_code
            except DomainError as error:
                status = _place(form, error)
            else:
                return _told(request, outcome)
    _audit_view(trip)
    context = _frame(
        trip,
        form=form,
        compare=compare,
        changed=changed,
        values=_picker(form, now),
        patient_key=str(trip.request.patient_id),
        needs_answer=trip.vendor_id is not None,
        when_note=_when_note(detail, trip),
        level=LEVELS[trip.level],
        under_way=trip.status == "under_way",
    )
    return render(request, "dispatch/trip_change.html", context, status=status)


@requires("requests.book")
@require_GET
def change_of(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """The change page of a request's live trip (where an alert about the request leads)."""
    number = trip_of_request(request_id)
    if number is None:
        raise Http404
    at = request.GET.get("pickup", "")
    return see_other(reverse("dispatch:trip_change", args=[number]) + (f"?pickup={at}" if at else ""))


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def level(request: HttpRequest, number: int) -> HttpResponse:
    """Another level at the bedside, with who decided and why."""
    trip = get_or_404(request, number)
    detail = _detail(trip)
    fee = fees.fee_of(trip, code="wrong_level")
    initial = {"version": trip.version, "level": "", "mobility": detail.mobility, "fee_seen": fee.amount}

    def run(form: forms.Form) -> Outcome:
        data = form.cleaned_data
        return changes.change_level(
            trip.pk, level=data["level"], mobility=data["mobility"], reason=data["reason"], version=data["version"],
            fee_seen=data["fee_seen"] if data["fee_seen"] is not None else Decimal(0),
        )  # fmt: skip

    return _small(request, trip, LevelForm, initial, run, "dispatch/trip_level.html", fee=fee, level=LEVELS[trip.level])


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def divert(request: HttpRequest, number: int) -> HttpResponse:
    """Another destination for a patient who is on board; the vendor has to agree."""
    trip = get_or_404(request, number)
    picked = destination_initial(_detail(trip))

    def run(form: forms.Form) -> Outcome:
        data = form.cleaned_data
        meant = places.resolve(value=data["destination"], text=data["destination_text"], patient=trip.request.patient)
        wanted = amend.destination_columns(meant)
        return changes.divert(trip.pk, wanted=wanted, version=data["version"], reason=data["reason"])

    values = {"destination": "", "destination_text": ""}
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in values}
    return _small(
        request, trip, DivertForm, {"version": trip.version}, run, "dispatch/trip_divert.html",
        values=values, now_to=picked["destination_text"], patient_key=str(trip.request.patient_id),
    )  # fmt: skip


@requires("requests.book")
@require_POST
def withdraw(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """The change is not wanted any more."""
    return _settle(request, proposal_id, proposals.withdraw, "The trip stays as it is.")


@requires("requests.book")
@require_POST
def keep(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """After a vendor's no: the trip stays as it was."""
    return _settle(request, proposal_id, proposals.keep, "The trip stays as the vendor accepted it.")


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def take_back(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """After a vendor's no: take the trip back, with the fee shown before, and ask others."""
    proposal = _proposal(proposal_id)
    trip = proposal.trip
    if proposal.status not in ("refused", "lapsed"):
        messages.warning(request, "This change waits for nobody's choice now.")
        return see_other(reverse("dispatch:trip", args=[trip.number]))
    fee = fees.fee_of(trip)
    problem, status = "", 200
    if request.method == "POST":
        try:
            seen = Decimal(request.POST.get("fee_seen") or "0")
            proposals.take_back(proposal_id, fee_seen=seen)
        except (DomainError, ArithmeticError) as error:
            problem = error.message if isinstance(error, DomainError) else "Press the button again."
            status = error.status_code if isinstance(error, DomainError) else 422
            fee = fees.fee_of(trip)
        else:
            messages.success(request, f"Trip {trip.number} is changed, and others are asked.")
            return see_other(reverse("dispatch:trip", args=[trip.number]))
    context = _frame(trip, proposal=proposal, fee=fee, problem=[{"href": "", "text": problem}] if problem else [])
    return render(request, "dispatch/change_take_back.html", context, status=status)


def _change(form: ChangeForm, trip: Trip, detail: TransportDetail, now: dict[str, str]) -> Outcome:
    wanted = form.wanted(now)
    if "pickup_at" in wanted:
        wanted |= amend.time_columns(detail, dt.datetime.fromisoformat(wanted.pop("pickup_at")))
    return changes.change(
        trip.pk, wanted=wanted, version=form.cleaned_data["version"], reason=form.cleaned_data["reason"]
    )


def _change_form(request: HttpRequest, trip: Trip, now: dict[str, str]) -> ChangeForm:
    made: dict[str, Any] = {"zone": trip.time_zone, "patient": trip.request.patient, "level": trip.level}
    if request.method == "POST":
        return ChangeForm(request.POST, **made)
    initial: dict[str, Any] = {**now, "needs": now["needs"].split(",") if now["needs"] else []}
    asked = request.GET.get("pickup", "")
    if len(asked) == 16:
        initial["pickup_local"] = asked
    return ChangeForm(initial=initial | _marks(trip, now), **made)


def _marks(trip: Trip, now: dict[str, str]) -> dict[str, Any]:
    """What the page carries so that a later version of the trip is noticed."""
    return {"version": trip.version, "seen": history.seen_now(trip), "was": json.dumps(now)}


def _compared(
    request: HttpRequest, form: ChangeForm, trip: Trip, now: dict[str, str]
) -> tuple[list[dict[str, Any]], ChangeForm]:
    """Both versions side by side, and a form that keeps what was typed over what holds now."""
    typed, before, touched = form.typed(), form.read_before() or now, form.touched(now)
    rows = [
        {
            "label": label,
            "was": _shown(name, before.get(name, "")),
            "now": _shown(name, now.get(name, "")),
            "mine": _shown(name, typed[name] if name in touched else now.get(name, "")),
            "theirs": before.get(name) != now.get(name),
            "yours": name in touched,
        }
        for name, label in LABELS.items()
        if name in touched or before.get(name) != now.get(name)
    ]
    data = request.POST.copy()
    for name, value in now.items():
        if name in touched:
            continue
        if name == "needs":
            data.setlist("needs", value.split(",") if value else [])
        else:
            data[name] = value
    for name, value in _marks(trip, now).items():
        data[name] = str(value)
    fresh = ChangeForm(data, zone=trip.time_zone, patient=trip.request.patient, level=trip.level)
    fresh.is_valid()
    return rows, fresh


def _shown(name: str, value: str) -> str:
    if name == "pickup_local":
        return value.replace("T", " ")
    if name == "companions":
        return dict(COMPANIONS).get(value, value)
    if name == "needs":
        words = dict(ChangeForm.base_fields["needs"].choices)  # type: ignore[attr-defined]
        return ", ".join(words.get(code, code) for code in value.split(",") if code) or "none"
    return value or "none"


def _small(
    request: HttpRequest,
    trip: Trip,
    form_class: type[forms.Form],
    initial: dict[str, Any],
    run: Callable[[forms.Form], Outcome],
    template: str,
    **context: Any,
) -> HttpResponse:
    """A page with one short form; a refusal keeps what was typed and shows the fee and version of now."""
    form, status = form_class(request.POST or None, initial=initial), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                outcome = run(form)
            except DomainError as error:
                status = _place(form, error)
                if status == 409:
                    # What was typed stays; the version and the fee are those of now, for the second press.
                    data = request.POST.copy()
                    data.update({name: str(initial[name]) for name in ("version", "fee_seen") if name in initial})
                    form.data = data
            else:
                return _told(request, outcome)
    _audit_view(trip)
    return render(request, template, _frame(trip, form=form, **context), status=status)


def _told(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    number = outcome.trip.number
    words = {
        "same": "Nothing was changed: the trip is so already.",
        "applied": f"Trip {number} is changed. The vendor sees it now." if outcome.trip.vendor_id
        else f"Trip {number} is changed. Vendors are asked about it as it is now.",
        "taken_back": f"Trip {number} is changed. Its vendor cannot serve it so; others are asked now.",
    }  # fmt: skip
    if outcome.kind == "proposed" and outcome.proposal is not None:
        due = clock.local(outcome.proposal.due_at, outcome.trip.time_zone)
        vendor = outcome.trip.vendor.name if outcome.trip.vendor else "The vendor"
        messages.info(
            request, f"{vendor} is asked to agree until {due:%H:%M}. Until then the trip stays as it was accepted."
        )
    else:
        messages.success(request, words[outcome.kind])
    return see_other(reverse("dispatch:trip", args=[number]))


def _settle(request: HttpRequest, proposal_id: UUID, run: Callable[[UUID], Any], done: str) -> HttpResponse:
    proposal = _proposal(proposal_id)
    try:
        run(proposal_id)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return see_other(reverse("dispatch:trip", args=[proposal.trip.number]))


def _place(form: forms.Form, error: DomainError) -> int:
    """Put a refusal's words to the fields that it names, else to the top; the status of the answer."""
    placed = {name: text for name, text in error.fields.items() if name in form.fields}
    for name, text in placed.items():
        form.add_error(name, text)
    if not placed:
        form.add_error(None, error.message)
    return error.status_code


def _proposal(proposal_id: UUID) -> Proposal:
    found = Proposal.objects.select_related("trip__vendor", "trip__request").filter(pk=proposal_id).first()
    if found is None:
        raise Http404
    return found


def _detail(trip: Trip) -> TransportDetail:
    found = TransportDetail.objects.select_related("place").filter(request_id=trip.request_id).first()
    if found is None:
        raise Http404
    return found


def _picker(form: ChangeForm, now: dict[str, str]) -> dict[str, str]:
    given = form.data if form.is_bound else now
    return {name: given.get(name, "") for name in ("destination", "destination_text")}


def _when_note(detail: TransportDetail, trip: Trip) -> str:
    zone = f"{clock.local(trip.pickup_at, trip.time_zone):%Z}"
    if detail.when == "ready":
        return f"About when the patient will be ready, {zone}"
    if detail.when == "arrive" and detail.arrive_by_at:
        by = clock.local(detail.arrive_by_at, trip.destination_zone)
        return f"{zone}. To be there by {by:%H:%M}: that moves along"
    return f"Clock of the pickup, {zone}"


def _audit_view(trip: Trip) -> None:
    audit.record(
        action="patient.viewed", target=trip, patient_id=trip.request.patient_id, purpose="treatment",
        details={"trip": trip.number, "page": "change"},
    )  # fmt: skip


def _frame(trip: Trip, **context: Any) -> dict[str, Any]:
    return frame(
        trip=trip, facility_zone=trip.time_zone, back_url=reverse("dispatch:trip", args=[trip.number]), **context
    )
