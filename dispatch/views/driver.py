"""The crew's phone: the day, one trip, its taps and its proof. A GET never changes a trip."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.forms.driver import ProofForm, TapForm
from dispatch.selectors import driver_page
from dispatch.selectors.driver_page import Job
from dispatch.services import proof as proofs
from dispatch.services import transitions
from dispatch.views.frame import not_here, see_other
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError

PROBLEMS = [
    ("not_there", "Patient is not there"),
    ("not_ready", "Patient is not ready"),
    ("refused", "Patient does not want to go"),
]


@requires("drive.view")
@require_GET
def day(request: HttpRequest) -> HttpResponse:
    """Today's runs of the signed-in crew member, in the order of the day."""
    now = clock.now()
    jobs = driver_page.day(_user(request), now=now)
    if any(job.who.name for job in jobs):
        audit.record(
            action="passengers.listed",
            purpose="treatment",
            details={"trips": [job.trip.number for job in jobs]},
        )
    context = {
        "jobs": jobs,
        "next_job": next((job for job in jobs if not job.is_over), None),
        "shift": driver_page.shift_of(_user(request), now=now),
        "phone": driver_page.dispatch_phone(),
        "screen_title": "Today",
    }
    return render(request, "dispatch/driver_day.html", _frame(request, jobs[0] if jobs else None, context))


@requires("drive.view")
@require_GET
def leg(request: HttpRequest, leg_id: UUID) -> HttpResponse:
    """One trip of the day: where, who, and the one next tap. Others' legs are 404 and audited."""
    job = driver_page.job_get_for(_user(request), leg_id)
    if job is None:
        return _refuse(request, leg_id)
    if not job.is_active:
        messages.warning(request, f"Trip {job.trip.number} is not yours any more. Call dispatch if you are on the way.")
        return see_other(reverse("dispatch:driver_day"))
    return _leg_page(request, job)


@requires("drive.view")
@require_GET
def worker(request: HttpRequest) -> HttpResponse:
    """The script that keeps the crew's pages for when there is no signal (``static/js/driver-worker.js``).

    A worker may only control what lies below its own address unless it is allowed more: ``/drive`` itself is not.
    """
    found = finders.find("js/driver-worker.js")
    if not isinstance(found, str):
        raise Http404
    response = HttpResponse(Path(found).read_bytes(), content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = _day_url()
    response["Cache-Control"] = "no-cache"
    return response


@requires("drive.act")
@require_POST
def tap(request: HttpRequest, leg_id: UUID) -> HttpResponse:
    """A status tap, from the phone's outbox (JSON answer) or as a plain form (303). Repeats count once."""
    job = driver_page.job_get_for(_user(request), leg_id)
    if job is None:
        return _refuse(request, leg_id)
    form = TapForm(request.POST)
    if not form.is_valid():
        return _answer(request, job, str(next(iter(form.errors.values()))[0]), status=422)
    data = form.cleaned_data
    placed = data["latitude"] is not None and data["longitude"] is not None
    try:
        outcome = transitions.tap(
            leg_id,
            data["to"],
            at=data["occurred_at"],
            key=data["idempotency_key"],
            reason=data["reason"],
            device_now=data["device_now"],
            latitude=data["latitude"] if placed else None,
            longitude=data["longitude"] if placed else None,
            accuracy_m=data["accuracy_m"] if placed else None,
        )
    except DomainError as error:
        return _answer(request, job, error.message, status=error.status_code)
    if _wants_json(request):
        return JsonResponse({"status": "taken", "outcome": outcome.outcome, "message": outcome.words})
    return see_other(reverse("dispatch:driver_leg", args=[leg_id]))


@requires("drive.act")
@require_http_methods(["GET", "POST"])
def proof(request: HttpRequest, leg_id: UUID) -> HttpResponse:
    """Proof of handover: who received the patient, signature or why none, photo, note."""
    job = driver_page.job_get_for(_user(request), leg_id)
    if job is None:
        return _refuse(request, leg_id)
    if not job.is_active:
        messages.warning(request, f"Trip {job.trip.number} is not yours any more. Call dispatch.")
        return see_other(reverse("dispatch:driver_day"))
    form = ProofForm(request.POST or None, request.FILES or None, initial={"idempotency_key": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            proofs.record(
                leg_id,
                receiver_name=data["receiver_name"],
                receiver_relation=data["receiver_relation"],
                signature=data["signature"],
                unsigned_reason=data["cannot_sign_reason"],
                photo=data["photo_bytes"],
                note=data["note"],
                at=data["occurred_at"],
                key=data["idempotency_key"],
                device_now=data["device_now"],
            )
        except DomainError as error:
            if _wants_json(request):
                return JsonResponse({"message": error.message, "code": error.code}, status=error.status_code)
            _add_errors(form, error)
        else:
            messages.success(request, f"Trip {job.trip.number} is handed over.")
            return JsonResponse({"status": "taken"}) if _wants_json(request) else see_other(_day_url())
    if form.errors and _wants_json(request):
        return JsonResponse({"message": next(iter(form.errors.values()))[0]}, status=422)
    context = {
        "job": job,
        "form": form,
        "given": driver_page.proof_of(job.leg),
        "screen_title": "Drop-off proof",
        "back_url": reverse("dispatch:driver_leg", args=[leg_id]),
        "back_label": "Back to the trip",
    }
    return render(
        request, "dispatch/driver_proof.html", _frame(request, job, context), status=422 if form.errors else 200
    )


def _leg_page(request: HttpRequest, job: Job, *, problem: str = "", status: int = 200) -> HttpResponse:
    if job.who.name:
        audit.record(action="passenger.viewed", target=job.trip, purpose="treatment")
    jobs = driver_page.day(_user(request), now=clock.now())
    place = next((other for other in jobs if other.leg.pk == job.leg.pk), job)
    context = {
        "job": job,
        "problem": problem,
        "problems": PROBLEMS if job.leg.status == "at_pickup" else [],
        "key": uuid.uuid4(),
        "screen_title": f"Trip {place.number} of {place.total}" if place.total else f"Trip {job.trip.number}",
        "back_url": _day_url(),
        "directions_url": _directions(request, job),
        "phone": driver_page.dispatch_phone(),
        "stops": _stops(job),
        "no_vehicles": [],
        "lines": [{"points": [(s["lat"], s["lon"]) for s in _stops(job)], "style": "todo"}],
        "change": driver_page.change_of(job),
        **driver_page.steps(job),
    }
    return render(request, "dispatch/driver_leg.html", _frame(request, job, context), status=status)


def _frame(request: HttpRequest, job: Job | None, context: dict[str, Any]) -> dict[str, Any]:
    """The phone's clock, and the dark screen after sunset unless the person chose a theme."""
    now = clock.now()
    zone = job.trip.time_zone if job else request.membership.organization.time_zone  # type: ignore[attr-defined]
    worker_url = reverse("dispatch:driver_worker")
    shown = {"facility_time": now, "facility_zone": zone, "now": now, "worker_url": worker_url, **context}
    chosen = "theme" in request.COOKIES
    if job and not chosen and driver_page.is_night(now, job.leg.pickup_latitude, job.leg.pickup_longitude):
        shown["theme"] = "dark"
    return shown


def _answer(request: HttpRequest, job: Job, words: str, *, status: int) -> HttpResponse:
    """A refused tap: JSON for the outbox, the page with the reason for everybody else."""
    if _wants_json(request):
        return JsonResponse({"message": words}, status=status)
    if not job.is_active:
        messages.error(request, words)
        return see_other(_day_url())
    fresh = driver_page.job_get_for(_user(request), job.leg.pk) or job
    return _leg_page(request, fresh, problem=words, status=status)


def _refuse(request: HttpRequest, leg_id: UUID) -> HttpResponse:
    audit.record(
        action="leg.refused", target_type="dispatch.leg", target_id=str(leg_id), result="refused",
        reason="Not on this crew",
    )  # fmt: skip
    if _wants_json(request):
        return JsonResponse({"message": "This trip is not on your day."}, status=404)
    return not_here(request)


def _add_errors(form: ProofForm, error: DomainError) -> None:
    """The service's refusal at its field, or above the form."""
    placed = {name: words for name, words in error.fields.items() if name in form.fields}
    for name, words in placed.items():
        form.add_error(name, words)
    if not placed:
        form.add_error(None, error.message)


def _stops(job: Job) -> list[dict[str, Any]]:
    return [
        {"lat": job.leg.pickup_latitude, "lon": job.leg.pickup_longitude, "label": "Pickup", "kind": "facility"},
        {"lat": job.leg.dropoff_latitude, "lon": job.leg.dropoff_longitude, "label": "Drop-off", "kind": ""},
    ]


def _directions(request: HttpRequest, job: Job) -> str:
    """Opens the phone's own maps with a place and no name."""
    to_pickup = job.leg.status in ("planned", "assigned", "en_route")
    latitude = job.leg.pickup_latitude if to_pickup else job.leg.dropoff_latitude
    longitude = job.leg.pickup_longitude if to_pickup else job.leg.dropoff_longitude
    agent = request.headers.get("User-Agent", "")
    if "iPhone" in agent or "iPad" in agent:
        return f"maps:?daddr={latitude:.5f},{longitude:.5f}"
    return f"geo:{latitude:.5f},{longitude:.5f}?q={latitude:.5f},{longitude:.5f}"


def _day_url() -> str:
    return reverse("dispatch:driver_day")


def _user(request: HttpRequest) -> UUID:
    return request.scope.user_id  # type: ignore[attr-defined]


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
