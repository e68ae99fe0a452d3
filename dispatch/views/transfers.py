"""A transfer that waits for its receiving facility: the yes is kept here, or the no."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dispatch.forms.booking_kinds import LOCAL
from dispatch.forms.transfers import AcceptanceForm, DeclineForm
from dispatch.views.frame import frame, see_other
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.models import ServiceRequest, TransportDetail
from logistics.requests.selectors.requests import destination_name, request_get
from logistics.requests.services import answers, transfers

INPUT_OF = {"accepted_at": "accepted_local", "report_given_at": "report_local"}


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def acceptance(request: HttpRequest, transfer_id: UUID) -> HttpResponse:
    """What a transfer waits for; POST keeps the acceptance (``do=accept``) or that it was declined (``do=decline``)."""
    ride = request_get(transfer_id)
    detail: TransportDetail | None = next(iter(ride.details), None) if ride is not None else None  # type: ignore[attr-defined]
    if ride is None or detail is None or detail.purpose != "transfer":
        raise Http404
    zone = ride.facility.time_zone
    if request.method == "GET":
        audit.record(action="transfer.viewed", target=ride, patient_id=ride.patient_id, purpose="treatment")
        return _page(request, ride, detail, AcceptanceForm(initial=_initial(detail, zone)), DeclineForm())
    if request.POST.get("do") == "decline":
        return _decline(request, ride, detail, zone)
    form = AcceptanceForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            with transaction.atomic():
                transfers.accept(
                    request_id=ride.pk,
                    clinician=given["accepting_clinician"],
                    bed=given["accepting_bed"],
                    accepted_at=_moment(given["accepted_local"], zone, "accepted_local"),
                    report_given_at=_moment(given["report_local"], zone, "report_local"),
                    checks=given["transfer_checks"],
                )
        except DomainError as error:
            for name, text in error.fields.items():
                form.add_error(INPUT_OF.get(name, name), text)
            if not error.fields:
                form.add_error(None, error.message)
        else:
            messages.success(
                request, "The receiving facility confirmed. Vendors are asked as soon as nothing else waits."
            )
            return see_other(reverse("dispatch:board"))
    return _page(request, ride, detail, form, DeclineForm(), status=422)


def _decline(request: HttpRequest, ride: ServiceRequest, detail: TransportDetail, zone: str) -> HttpResponse:
    form = DeclineForm(request.POST)
    accepting = AcceptanceForm(initial=_initial(detail, zone))
    if not form.is_valid():
        return _page(request, ride, detail, accepting, form, status=422)
    try:
        with transaction.atomic():
            transfers.decline(request_id=ride.pk, note=form.cleaned_data["note"])
    except DomainError as error:
        form.add_error("note" if error.fields else None, next(iter(error.fields.values()), error.message))
        return _page(request, ride, detail, accepting, form, status=422)
    messages.success(request, "The ride is a draft again. Choose another destination, or cancel it.")
    return see_other(f"{reverse('dispatch:book')}?request={ride.pk}")


def _page(
    request: HttpRequest,
    ride: ServiceRequest,
    detail: TransportDetail,
    form: AcceptanceForm,
    decline: DeclineForm,
    *,
    status: int = 200,
) -> HttpResponse:
    acute = transfers.is_acute(ride, detail.place, detail.pickup_kind)
    context: dict[str, Any] = {
        "ride": ride,
        "detail": detail,
        "destination": destination_name(detail),
        "form": form,
        "decline": decline,
        "acute": acute,
        "lacking": transfers.missing(detail, acute=acute),
        "waiting": ride.status in transfers.WAITING,
        "errors": _errors(form, decline),
        "facility_zone": ride.facility.time_zone,
        "facility_name": ride.facility.name,
        "zone_label": f"{clock.local(clock.now(), ride.facility.time_zone):%Z}",
    }
    return render(request, "dispatch/transfer_acceptance.html", frame(**context), status=status)


def _errors(*forms: AcceptanceForm | DeclineForm) -> list[dict[str, str]]:
    """Every error of both forms with the input that it is about."""
    return [
        {"href": f"#{form[name].id_for_label or form[name].auto_id}" if name in form.fields else "", "text": str(text)}
        for form in forms
        for name, texts in form.errors.items()
        for text in texts
    ]


def _initial(detail: TransportDetail, zone: str) -> dict[str, Any]:
    accepted = detail.accepted_at or clock.now()
    return {
        "accepting_clinician": detail.accepting_clinician,
        "accepting_bed": detail.accepting_bed,
        "accepted_local": clock.local(accepted, zone).strftime(LOCAL),
        "report_local": clock.local(detail.report_given_at, zone).strftime(LOCAL) if detail.report_given_at else "",
        "transfer_checks": detail.transfer_checks,
    }


def _moment(naive: dt.datetime | None, zone: str, name: str) -> dt.datetime | None:
    if naive is None:
        return None
    wall = naive.replace(tzinfo=None)
    try:
        # This has happened already: an hour that comes twice is the first of the two, however late it is now.
        return answers.local_moment(wall.date(), wall.time(), zone, now=dt.datetime.min.replace(tzinfo=dt.UTC))
    except DomainError as error:
        raise DomainError(error.message, code=error.code, fields={name: error.message}) from error
