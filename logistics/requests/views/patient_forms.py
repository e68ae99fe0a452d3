"""Adding a patient by hand, correcting what the chart has wrong, and asking where they live."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.patients import PatientForm
from logistics.requests.models import Patient
from logistics.requests.selectors.identity import patient_option
from logistics.requests.selectors.records import alike
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import homes, patients
from logistics.requests.services.finding import find_patients
from logistics.requests.views.page import desk, see_other, url_of


@requires("patients.search")
@require_http_methods(["GET", "POST"])
def patient_list(request: HttpRequest) -> HttpResponse:
    """Find a patient. The words are posted, so that no name stands in an address or a log."""
    q = request.POST.get("q", "").strip()
    found = find_patients(q, limit=30) if request.method == "POST" else []
    membership = request.membership  # type: ignore[attr-defined]
    permissions = membership.definition.permissions
    context = {
        **desk(request, unit_list(membership.units)),
        "q": q,
        "asked": request.method == "POST",
        "found": [{"patient": patient, **patient_option(patient)} for patient in found],
        "may_view": "patients.view" in permissions,
        "may_add": "patients.edit" in permissions,
    }
    return render(request, "requests/patients.html", context)


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def patient_add(request: HttpRequest) -> HttpResponse:
    """Add a patient whom no feed told of. People of the same name and birth date are shown first."""
    form = PatientForm(request.POST or None)
    similar: list[Patient] = []
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        if not request.POST.get("is_new"):
            similar = alike(given["family_name"], given["birth_date"])
        if not similar:
            try:
                patient = patients.register(
                    key=request.POST.get("key") or uuid4().hex,
                    mrn=given["mrn"],
                    **form.demographics(),
                    **_weighed(given),
                )
                if given["line"]:
                    patients.change_home(patient, form.address())
            except DomainError as error:
                _explain(form, error)
            else:
                messages.success(request, f"{patient.display_name} is added.")
                book = url_of("dispatch:book")
                if request.POST.get("then") == "book" and book:
                    return see_other(f"{book}?patient={patient.pk}")
                return see_other(reverse("requests:patient", args=[patient.pk]))
    status = 422 if form.is_bound else 200
    key = request.POST.get("key") or uuid4().hex
    return _form_page(request, form, similar=similar, key=key, status=status)


@requires("patients.edit")
@require_http_methods(["GET", "POST"])
def patient_edit(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Correct a patient. The next message of a feed that says otherwise wins again."""
    patient = get_object_or_404(Patient, pk=patient_id)
    form = PatientForm(request.POST or None, initial=_initial(patient))
    form.fields["mrn"].disabled = True
    if request.method == "POST" and form.is_valid():
        changes = form.demographics()
        if changes["weight_lb"] != patient.weight_lb:
            changes |= _weighed(changes)
        try:
            patients.update_demographics(patient, **changes)
            if form.cleaned_data["line"] and not homes.same(form.address(), patient.address or {}):
                patients.change_home(patient, form.address())
        except DomainError as error:
            _explain(form, error)
        else:
            messages.success(request, "Saved.")
            return see_other(reverse("requests:patient", args=[patient.pk]))
    elif request.method == "GET":
        audit.record(action="patient.viewed", target=patient, patient_id=patient.pk, purpose="treatment")
    return _form_page(request, form, patient=patient, status=422 if form.is_bound else 200)


@requires("patients.edit")
@require_POST
def home_confirm(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The patient was asked and still lives there."""
    patient = get_object_or_404(Patient, pk=patient_id)
    homes.confirm(patient)
    messages.success(request, "Noted: still at this address.")
    return see_other(reverse("requests:patient", args=[patient.pk]))


def _form_page(request: HttpRequest, form: PatientForm, *, status: int, **more: Any) -> HttpResponse:
    membership = request.membership  # type: ignore[attr-defined]
    similar = [{**patient_option(each), "pk": each.pk} for each in more.pop("similar", [])]
    context = {**desk(request, unit_list(membership.units)), "form": form, "similar": similar, **more}
    return render(request, "requests/patient_form.html", context, status=status)


def _initial(patient: Patient) -> dict[str, Any]:
    names = ("family_name", "given_name", "birth_date", "sex", "mrn", "phone", "language", "weight_lb", "isolation",
             "payer_name")  # fmt: skip
    return {name: getattr(patient, name) for name in names} | homes.parts_of(patient.address)


def _weighed(given: dict[str, Any]) -> dict[str, Any]:
    return {"weight_at": clock.now() if given["weight_lb"] else None}


def _explain(form: PatientForm, error: DomainError) -> None:
    for name, words in (error.fields or {"": error.message}).items():
        form.add_error(name if name in form.fields else None, words)
