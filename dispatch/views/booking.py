"""Booking a ride: the form, its draft, its preview, and the booking itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dispatch.forms.booking import (
    FROM_CHART,
    MOBILITY_ICONS,
    NEED_ICONS,
    WHEN_ICONS,
    BookingForm,
    as_uuid,
    initial_of,
    plain,
)
from dispatch.selectors.board import trip_of_request
from dispatch.services import preview as previews
from dispatch.views.frame import frame, see_other
from logistics.accounts.models import Unit
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.models import Encounter, Patient, ServiceRequest
from logistics.requests.selectors.identity import identity, patient_option
from logistics.requests.selectors.requests import payer_names, request_get, unit_list
from logistics.requests.services import booking, places
from logistics.requests.services.booking import OpenRide
from logistics.requests.services.finding import find_patients


class Desk:
    """What a booking page works with: who rides, from where, on which draft."""

    def __init__(self, request: HttpRequest, *, patient_id: UUID | None, request_id: UUID | None) -> None:
        self.http = request
        self.draft: ServiceRequest | None = None
        self.patient: Patient | None = None
        self.encounter: Encounter | None = None
        if request_id is not None:
            self.draft = request_get(request_id)
            if self.draft is None:
                raise Http404
            # Another patient chosen on the page of a draft begins another request.
            if patient_id is not None and patient_id != self.draft.patient_id:
                self.draft = None
        if self.draft is not None:
            self.patient = self.draft.patient
        elif patient_id is not None:
            self.patient = Patient.objects.filter(pk=patient_id).first()
            if self.patient is None:
                raise Http404
            found = booking.draft_of(patient_id)
            self.draft = request_get(found.pk) if found is not None and request.method == "GET" else None
        if self.patient is not None:
            self.encounter = booking.current_encounter(self.patient.pk)
        self.units = unit_list()
        self.unit: Unit | None = (self.draft.unit if self.draft else None) or (
            self.encounter.unit if self.encounter else None
        )
        facility = self.unit.facility if self.unit else (self.units[0].facility if self.units else None)
        membership = request.membership  # type: ignore[attr-defined]
        self.facility = facility
        self.zone: str = facility.time_zone if facility else membership.organization.time_zone

    @property
    def bed_label(self) -> str:
        """The bed that the chart or the draft names."""
        details = getattr(self.draft, "details", None) or []
        if details and details[0].pickup_bed_label:
            return str(details[0].pickup_bed_label)
        return self.encounter.bed.label if self.encounter and self.encounter.bed else ""

    def form(self, data: Any = None, initial: dict[str, Any] | None = None) -> BookingForm:
        """The form over these units."""
        return BookingForm(data, initial=initial, units=self.units, unit=self.unit, bed_label=self.bed_label)

    def first_form(self) -> BookingForm:
        """The form of a page that is opened: from the draft, from the chart, or empty."""
        key = uuid4().hex
        if self.draft is not None:
            return self.form(initial=initial_of(self.draft, key=key, patient_text=self.patient_text))
        if self.patient is None:
            return self.form(initial={"key": key, "companions": "0"})
        chart = booking.chart_defaults(self.patient, self.encounter)
        return self.form(
            initial={
                "key": key,
                "patient": self.patient.pk,
                "patient_text": self.patient_text,
                "pickup": "chart",
                "companions": "0",
                **chart,
                "oxygen_lpm": plain(chart["oxygen_lpm"]),
            }
        )

    @property
    def patient_text(self) -> str:
        """The patient as the picker shows them."""
        if self.patient is None:
            return ""
        self.patient.open_encounters = [self.encounter] if self.encounter else []  # type: ignore[attr-defined]
        return str(patient_option(self.patient)["text"])

    def chart_marks(self) -> dict[str, bool]:
        """Which inputs still hold what the chart said."""
        if self.patient is None:
            return {}
        known = booking.chart_defaults(self.patient, self.encounter)
        known["pickup"] = self.encounter
        details = getattr(self.draft, "details", None) or []
        marks = {}
        for name in FROM_CHART:
            mine = getattr(details[0], name, known.get(name)) if details else known.get(name)
            marks[name] = bool(known.get(name)) and (name == "pickup" or mine == known[name])
        return marks


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
        return see_other(_trip_url(number) if number is not None else patient_url)
    if desk.patient is not None:
        audit.record(action="patient.viewed", target=desk.patient, patient_id=desk.patient.pk, purpose="treatment")
    form = desk.first_form()
    return _page(request, desk, form, open_ride=_open_ride(desk))


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
    fields = form.ride(desk.patient, desk.zone)
    if request.POST.get("do") == "check":
        return _page(request, desk, form, status=422 if form.errors else 200)
    if request.POST.get("do") == "save":
        draft = _draft(desk, form)
        booking.save_draft(request_id=draft.pk, fields=fields)
        messages.success(request, "Draft kept. You find it on your board under Ready, no ride.")
        return see_other(reverse("dispatch:board"))
    way = previews.way_of(fields, desk.facility)
    try:
        with transaction.atomic():
            draft = _draft(desk, form)
            if form.errors:
                booking.save_draft(request_id=draft.pk, fields=fields)
                raise DomainError("Some answers cannot be read.", code="unreadable")
            booked = booking.confirm(
                request_id=draft.pk,
                fields=fields,
                key=form.cleaned_data.get("key", ""),
                level_seen=form.cleaned_data.get("level_seen", ""),
                level=form.cleaned_data.get("level", ""),
                override_reason=form.cleaned_data.get("override_reason", ""),
                miles=way.miles if way else None,
                minutes=way.minutes if way else None,
            )
    except OpenRide as error:
        return _page(request, desk, form, open_ride=_ride(error.request_id), status=409)
    except DomainError as error:
        _explain(form, error)
        return _page(request, desk, form, status=422)
    messages.success(request, _booked_words(booked, desk.zone))
    return see_other(f"{reverse('dispatch:board')}?booked={booked.pk}")


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
    booking.save_draft(request_id=draft.pk, fields=form.ride(desk.patient, desk.zone))
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
    return render(request, "dispatch/_book_preview.html", {**_preview(desk, form), "swapped": True})


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
    else:
        found["destination_matches"] = places.options(request.POST.get("destination_text", ""), desk.patient)
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
    values = {name: form[name].value() for name in ("patient", "patient_text", "destination", "destination_text")}
    facility = desk.facility
    context: dict[str, Any] = {
        "form": form,
        "patient": desk.patient,
        "patient_key": str(desk.patient.pk) if desk.patient else "",
        # The cursor waits at the first answer that no chart has.
        "ask_patient": desk.patient is None and not form.errors,
        "ask_destination": desk.patient is not None and not form.errors,
        "values": values,
        "marks": marks,
        "filled": sum(marks.values()) + (desk.patient is not None),
        "patient_hint": _patient_hint(desk),
        "pickup_hint": facility.entrance if facility else "",
        "zone_label": f"{clock.local(clock.now(), desk.zone):%Z}",
        "open_ride": open_ride,
        "payers": payer_names(),
        "mobility_icons": MOBILITY_ICONS,
        "need_icons": NEED_ICONS,
        "when_icons": WHEN_ICONS,
        "errors": _summary(form),
        **_preview(desk, form),
        **more,
    }
    if facility is not None:
        context["facility_name"] = facility.name
    # The page is the one "new" action itself.
    return render(request, "dispatch/book.html", frame(**context, primary_action=None), status=status)


def _patient_hint(desk: Desk) -> str:
    if desk.patient is None:
        return "Type 3 letters, the MRN, the birth date or the phone number"
    parts = [identity(desk.patient)]
    if desk.draft is not None and desk.draft.source == "ehr":
        announced = desk.draft.discharge.announced_at if desk.draft.discharge else None
        parts.append(f"Discharge order {clock.local(announced or desk.draft.created_at, desk.zone):%H:%M}")
    if desk.patient.isolation:
        parts.append(f"{desk.patient.get_isolation_display()} isolation")
    if desk.patient.language:
        parts.append(desk.patient.language)
    return " · ".join(part for part in parts if part)


def _preview(desk: Desk, form: BookingForm) -> dict[str, Any]:
    if form.is_bound:
        given = form.cleaned_data
    else:
        # A page that is opened shows what its draft or the chart would lead to.
        probe = desk.form({name: value for name, value in form.initial.items() if value not in (None, "")})
        probe.is_valid()
        form, given = probe, probe.cleaned_data
    fields = form.ride(desk.patient, desk.zone)
    shown = previews.preview(
        fields, patient=desk.patient, facility=desk.facility, level=given.get("level", "") if form.is_bound else ""
    )
    return {"preview": shown, "facility_zone": desk.zone}


def _open_ride(desk: Desk) -> dict[str, Any] | None:
    if desk.patient is None:
        return None
    # Any open ride, not only one near now: the person sees it before choosing a time.
    found = booking.open_ride_of(desk.patient.pk, apart_from=desk.draft.pk if desk.draft else None)
    return _ride(found.pk) if found is not None else None


def _ride(request_id: UUID) -> dict[str, Any]:
    number = trip_of_request(request_id)
    if number is None:
        return {
            "text": "Already has an open ride. It was booked a moment ago and gets its trip number now.",
            "url": reverse("dispatch:board"),
            "label": "Look on my board",
        }
    return {"text": f"Already has an open ride: trip {number}.", "url": _trip_url(number), "label": "Track"}


def _trip_url(number: int) -> str:
    return reverse("dispatch:trip", args=[number])


def _explain(form: BookingForm, error: DomainError) -> None:
    for name, text in error.fields.items():
        if name in form.fields and name not in form.errors:
            form.add_error(name, text)
    if not error.fields and not form.errors:
        form.add_error(None, error.message)


def _summary(form: BookingForm) -> list[dict[str, str]]:
    """Every error with the element that it is about."""
    targets = {"patient": "#patient", "destination": "#destination", "level": "#preview", "request": "", "key": ""}
    found = []
    for name, texts in form.errors.items():
        href = targets.get(name, f"#{form[name].id_for_label or form[name].auto_id}" if name in form.fields else "")
        found += [{"href": href, "text": str(text)} for text in texts]
    return found


def _booked_words(booked: ServiceRequest, zone: str) -> str:
    detail = booked.transport_rows.get()
    if detail.when == "at" and detail.pickup_at:
        at = clock.local(detail.pickup_at, zone)
        today = clock.today(zone)
        day = "" if at.date() == today else f"{at:%a} {at.day} {at:%b}, "
        return f"Booked for {day}{at:%H:%M}. Vendors are being asked now."
    if detail.when == "ready":
        return "Booked. Vendors are being asked; say Ready when the patient is."
    return "Booked for now. Vendors are being asked."
