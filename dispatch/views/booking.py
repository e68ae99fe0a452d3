"""Booking a ride: the form, its draft, its preview, and the booking itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_POST

from dispatch.forms.booking import MOBILITY_ICONS, NEED_ICONS, WHEN_ICONS, BookingForm, as_uuid
from dispatch.forms.booking_fit import CARE_ICONS, fit_inputs
from dispatch.forms.booking_kinds import KIND_ICONS, RETURN_ICONS, STOPS, plan_inputs
from dispatch.selectors.board import trip_of_request
from dispatch.services import itinerary, preview_rows
from dispatch.views.booking_desk import Desk, track
from dispatch.views.frame import frame, see_other
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.models import Gate, ServiceRequest, TransportDetail
from logistics.requests.selectors.gates import denied_of
from logistics.requests.selectors.identity import patient_option
from logistics.requests.selectors.requests import payer_names
from logistics.requests.services import booking, journeys, places, transfers
from logistics.requests.services.booking import Choice, OpenRide, Quote
from logistics.requests.services.finding import find_patients

# Inputs of the folded parts: a part with an answer or an error is open. What every form says counts as no answer.
PANELS = {
    "kind": set(plan_inputs()),
    "fit": {
        "chair", "chair_width_in", "chair_weight_lb", "pickup_steps", "dropoff_steps", "oxygen_cylinder", "oxygen_psi",
        "care", "escort_name", "receiver_name", "service_animal", "origin_pin", "destination_pin",
    },
}  # fmt: skip
PANELS["transfer"] = set(fit_inputs()) - PANELS["fit"]
# A problem's name → the input that it is shown at.
INPUT_OF = {"return": "return_when", "accepted_at": "accepted_local", "report_given_at": "report_local"}
NO_ANSWER = {"ride_kind": "one_way"}
# Answered before anybody looks: the unit's cost center, one vendor for a journey.
PRESET = ("same_vendor", "cost_center")
PINNED = ("origin", "destination")


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """The booking page. GET opens a draft (``request``), a patient (``patient``) or an empty form; POST books."""
    if request.method == "POST":
        return _posted(request)
    desk = Desk(
        request,
        patient_id=as_uuid(request.GET.get("patient")),
        request_id=as_uuid(request.GET.get("request")),
    )
    if desk.draft is not None and not booking.is_unfinished(desk.draft):
        number = trip_of_request(desk.draft.pk)
        patient_url = reverse("requests:patient", args=[desk.draft.patient_id])
        return see_other(reverse("dispatch:trip", args=[number]) if number is not None else patient_url)
    if desk.patient is not None:
        audit.record(action="patient.viewed", target=desk.patient, patient_id=desk.patient.pk, purpose="treatment")
    form = desk.first_form()
    return _page(request, desk, form, open_ride=desk.open_ride())


def _posted(request: HttpRequest) -> HttpResponse:
    desk = Desk(
        request, patient_id=as_uuid(request.POST.get("patient")), request_id=as_uuid(request.POST.get("request"))
    )
    find = request.POST.get("find", "")
    if find:
        return _found(request, desk, find)
    form = desk.form(request.POST)
    form.is_valid()
    if desk.patient is None and request.POST.get("do") != "check":
        form.add_error("patient", "Choose the patient: type 3 letters, the MRN, the birth date or the phone number.")
        return _page(request, desk, form, status=422)
    if request.POST.get("do") == "check":
        return _page(request, desk, form, status=422 if form.errors else 200)
    fields, plan = desk.read(form)
    if request.POST.get("do") == "save":
        draft = _draft(desk, form)
        booking.save_draft(request_id=draft.pk, fields=fields)
        messages.success(request, "Draft kept. You find it on your board under Ready, no ride.")
        return see_other(reverse("dispatch:board"))
    laid = desk.lay_out(form, fields, plan)
    try:
        with transaction.atomic():
            draft = _draft(desk, form)
            if form.errors:
                booking.save_draft(request_id=draft.pk, fields=fields)
                raise DomainError("Some answers cannot be read.", code="unreadable")
            booked = _confirmed(draft.pk, form, fields, plan, laid)
    except OpenRide as error:
        return _page(request, desk, form, open_ride=track(error.request_id), status=409)
    except DomainError as error:
        _explain(form, error)
        return _page(request, desk, form, status=422)
    return _booked(request, booked)


def _confirmed(
    draft_id: UUID, form: BookingForm, fields: dict[str, Any], plan: journeys.Plan, laid: itinerary.Itinerary
) -> list[ServiceRequest]:
    """Book one ride or a journey; the requests in order."""
    given = form.cleaned_data
    amounts = preview_rows.estimates(laid)
    rides = itinerary.as_rides(laid, amounts) or [journeys.Ride(fields, Quote())]
    seen, level, reason, by = (
        given.get(name, "") for name in ("level_seen", "level", "override_reason", "override_by")
    )
    key = given.get("key", "")
    if plan.is_journey:
        choice = Choice(seen, level, reason, by)
        return journeys.book(request_id=draft_id, plan=plan, rides=rides, key=key, choice=choice, minutes=laid.minutes)
    first = rides[0]
    booked = booking.confirm(
        request_id=draft_id,
        fields=first.fields,
        key=key,
        level_seen=seen,
        level=level,
        override_reason=reason,
        override_by=by,
        miles=first.quote.miles,
        minutes=first.quote.minutes,
        amount=first.quote.amount,
    )
    return [booked]


def _booked(request: HttpRequest, booked: list[ServiceRequest]) -> HttpResponse:
    messages.success(request, _booked_words(booked))
    first = booked[0]
    gates = Gate.objects.filter(request__in=booked, state="open", rule=transfers.RULE)
    if first.status == "pending" and gates.exists():
        return see_other(reverse("dispatch:transfer_acceptance", args=[first.pk]))
    return see_other(f"{reverse('dispatch:board')}?booked={first.pk}")


@requires("requests.book")
@require_POST
def book_draft(request: HttpRequest) -> HttpResponse:
    """Keep what is typed so far (the form sends itself a second after a change). 204, or 422 without a patient."""
    desk = Desk(
        request, patient_id=as_uuid(request.POST.get("patient")), request_id=as_uuid(request.POST.get("request"))
    )
    form = desk.form(request.POST)
    form.is_valid()
    if desk.patient is None or not form.cleaned_data.get("key"):
        return HttpResponse("Choose the patient first.", status=422, content_type="text/plain")
    if desk.draft is None and booking.draft_of(desk.patient.pk) is None and booking.just_booked(desk.patient.pk):
        return HttpResponse(status=204)
    draft = _draft(desk, form)
    booking.save_draft(request_id=draft.pk, fields=desk.read(form)[0])
    return HttpResponse(status=204)


@requires("requests.book")
@require_POST
def book_preview(request: HttpRequest) -> HttpResponse:
    """What would happen: level with its reason, way, vendors in order. Writes nothing."""
    desk = Desk(
        request, patient_id=as_uuid(request.POST.get("patient")), request_id=as_uuid(request.POST.get("request"))
    )
    form = desk.form(request.POST)
    form.is_valid()
    return render(request, "dispatch/_book_preview.html", {**desk.preview(form), "swapped": True})


def _draft(desk: Desk, form: BookingForm) -> ServiceRequest:
    if desk.draft is not None:
        return desk.draft
    assert desk.patient is not None
    key = form.cleaned_data.get("key") or uuid4().hex
    known = ServiceRequest.objects.filter(idempotency_key=key).first()
    if known is not None and known.patient_id != desk.patient.pk:
        # The person chose somebody else on the same page: what was kept for the first is not for the second.
        key = f"{key[:31]}-{desk.patient.pk.hex}"
    return booking.start_draft(patient=desk.patient, key=key)


def _found(request: HttpRequest, desk: Desk, find: str) -> HttpResponse:
    """A search without JavaScript: the same page with what was found, or the patient's own page."""
    if find == "patient" and desk.patient is not None:
        return see_other(f"{reverse('dispatch:book')}?patient={desk.patient.pk}")
    form = desk.form(request.POST)
    form.is_valid()
    found: dict[str, Any] = {}
    if find == "patient":
        found["patient_matches"] = [
            patient_option(each) for each in find_patients(request.POST.get("patient_text", ""), limit=8)
        ]
        if not found["patient_matches"]:
            form.add_error("patient", "Nobody found. Type 3 letters of the name, the MRN or the birth date.")
    elif find in ("origin", "destination", *(f"stop{number}" for number in STOPS)):
        found["matches"] = {find: places.options(request.POST.get(f"{find}_text", ""), desk.patient)}
    return _page(request, desk, form, **found)


def _page(
    request: HttpRequest,
    desk: Desk,
    form: BookingForm,
    *,
    status: int = 200,
    open_ride: dict[str, Any] | None = None,
    **more: Any,
) -> HttpResponse:
    marks = desk.chart_marks()
    names = ("patient", "origin", "destination", *(f"stop{number}" for number in STOPS))
    values = {name: form[name].value() for each in names for name in (each, f"{each}_text")}
    facility = desk.facility
    context: dict[str, Any] = {
        "form": form,
        "patient": desk.patient,
        "patient_key": str(desk.patient.pk) if desk.patient else "",
        # The cursor waits at the first answer that no chart has.
        "ask_patient": desk.patient is None and not form.errors,
        "ask_destination": desk.patient is not None and not form.errors,
        "values": values,
        "stops": _stop_inputs(form, values, more.get("matches", {})),
        "open": _open_panels(form),
        "marks": marks,
        "filled": sum(marks.values()) + (desk.patient is not None),
        "patient_hint": desk.patient_hint,
        "pickup_hint": facility.entrance if facility else "",
        "zone_label": f"{clock.local(clock.now(), desk.zone):%Z}",
        "open_ride": open_ride,
        "denied": denied_of(desk.draft),
        "payers": payer_names(),
        "mobility_icons": MOBILITY_ICONS,
        "need_icons": NEED_ICONS,
        "care_icons": CARE_ICONS,
        "when_icons": WHEN_ICONS,
        "kind_icons": KIND_ICONS,
        "return_icons": RETURN_ICONS,
        "standing_url": _standing_url(desk),
        "errors": _summary(form),
        **desk.preview(form),
        **more,
    }
    if facility is not None:
        context["facility_name"] = facility.name
    # The page is the one "new" action itself.
    return render(request, "dispatch/book.html", frame(**context, primary_action=None), status=status)


def _stop_inputs(form: BookingForm, values: dict[str, Any], matches: dict[str, Any]) -> list[dict[str, Any]]:
    """The further stops as the page draws them."""
    return [
        {
            "label": f"Stop {number}",
            "name": f"stop{number}",
            "value": values[f"stop{number}"],
            "text": values[f"stop{number}_text"],
            "error": next(iter(form.errors.get(f"stop{number}", [])), ""),
            "dwell": form[f"stop{number}_dwell"],
            "local": form[f"stop{number}_local"],
            "matches": matches.get(f"stop{number}"),
        }
        for number in STOPS
    ]


def _open_panels(form: BookingForm) -> dict[str, bool]:
    """Which folded parts hold an answer or an error."""

    def said(name: str) -> bool:
        value = form[name].value()
        return name in form.errors or bool(value) and value != NO_ANSWER.get(name) and name not in PRESET

    found = {panel: any(said(name) for name in names) for panel, names in PANELS.items()}
    # A will call of one ride has its owner among the inputs of the other kinds.
    found["kind"] = found["kind"] or form["when"].value() == "ready"
    # An address that is not found is placed by a pin.
    found["fit"] = found["fit"] or any(name in form.errors for name in PINNED)
    return found


def _standing_url(desk: Desk) -> str:
    """The page for a series of rides, where this installation has one."""
    try:
        url = reverse("requests:standing_new")
    except NoReverseMatch:
        return ""
    return f"{url}?patient={desk.patient.pk}" if desk.patient is not None else url


def _explain(form: BookingForm, error: DomainError) -> None:
    for problem, text in error.fields.items():
        name = INPUT_OF.get(problem, problem)
        if name not in form.fields:
            form.add_error(None, text)
        elif name not in form.errors:
            form.add_error(name, text)
    if not error.fields and not form.errors:
        form.add_error(None, error.message)


def _summary(form: BookingForm) -> list[dict[str, str]]:
    """Every error with the element that it is about."""
    pickers = ("patient", "origin", "destination", *(f"stop{number}" for number in STOPS))
    targets = {**{name: f"#{name}" for name in pickers}, "level": "#preview", "request": "", "key": ""}
    found = []
    for name, texts in form.errors.items():
        href = targets.get(name, f"#{form[name].id_for_label or form[name].auto_id}" if name in form.fields else "")
        found += [{"href": href, "text": str(text)} for text in texts]
    return found


def _booked_words(booked: list[ServiceRequest]) -> str:
    first = booked[0]
    details = {row.request_id: row for row in TransportDetail.objects.filter(request__in=booked)}
    detail = details[first.pk]
    waiting = list(Gate.objects.filter(request__in=booked, state="open").values_list("reason", flat=True))
    if first.status == "pending" and waiting:
        return f"Booked. It goes to a vendor once this is granted: {' '.join(dict.fromkeys(waiting))}"
    asked = "Vendors are being asked now."
    if len(booked) > 1:
        asked = f"Vendors are being asked for all {len(booked)} rides."
    if detail.when == "ready":
        return f"Booked. {asked} Say Ready when the patient is."
    if detail.when == "now" or detail.pickup_at is None:
        return f"Booked for now. {asked}"
    zone = detail.pickup_zone or first.facility.time_zone
    at = clock.local(detail.pickup_at, zone)
    day = "" if at.date() == clock.today(zone) else f"{at:%a} {at.day} {at:%b}, "
    words = f"Booked for {day}{at:%H:%M}"
    if detail.when == "arrive" and detail.arrive_by_at:
        by = clock.local(detail.arrive_by_at, detail.destination_zone or zone)
        words += f" {at:%Z}, to be there by {by:%H:%M} {by:%Z}"
    return f"{words}. {asked}"
