"""Finding a patient, and the page of one."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from logistics.core import audit
from logistics.core.access import requires
from logistics.core.models import AuditEntry
from logistics.requests.models import Patient
from logistics.requests.selectors.identity import identity, patient_option
from logistics.requests.selectors.requests import destination_name, patient_history, unit_list
from logistics.requests.services import booking
from logistics.requests.services.finding import find_patients
from logistics.requests.views.page import desk, url_of

WHO_LOOKED = ("patient.viewed", "patient.found")


@requires("patients.search")
@require_GET
def patient_options(request: HttpRequest) -> HttpResponse:
    """Options of the patient picker. The search is audited with its number of hits, not with its words."""
    q = request.GET.get("q", "").strip()
    options = [patient_option(patient) for patient in find_patients(q, limit=8)]
    return render(request, "ui/combobox_options.html", {"options": options, "listbox": "patient-opt", "q": q})


@requires("patients.view")
@require_GET
def patient_page(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Identity, stay, requests, and who looked at this page before."""
    patient = get_object_or_404(Patient, pk=patient_id)
    membership = request.membership  # type: ignore[attr-defined]
    encounter = booking.current_encounter(patient.pk)
    units = unit_list(membership.units)
    if encounter is not None and encounter.unit is not None:
        units = [unit for unit in units if unit.pk == encounter.unit_id] or units
    looked = list(
        AuditEntry.objects.filter(
            tenant_id=membership.organization_id, patient_id=patient.pk, action__in=WHO_LOOKED
        ).order_by("-id")[:20]
    )
    audit.record(action="patient.viewed", target=patient, patient_id=patient.pk, purpose="treatment")
    address = patient.address or {}
    book = url_of("dispatch:book") if "requests.book" in membership.definition.permissions else ""
    context = {
        **desk(request, units),
        "primary_action": None,  # the page has its own, for this patient
        "patient": patient,
        "encounter": encounter,
        "identity": [
            {"label": "Born", "value": identity(patient) or "Not in the chart"},
            {"label": "MRN", "value": patient.mrn or "Not in the chart"},
            {"label": "Phone", "value": patient.phone or "Not in the chart"},
            {
                "label": "Home",
                "value": ", ".join(str(address[k]) for k in ("line", "city", "state", "zip_code") if address.get(k))
                or "Not in the chart",
            },
            {"label": "Language", "value": patient.language or "Not in the chart"},
            {"label": "Weight", "value": f"{patient.weight_lb} lb" if patient.weight_lb else "Not in the chart"},
            {"label": "Isolation", "value": patient.get_isolation_display() or "None"},
            {"label": "Payer", "value": patient.payer_name or "Not in the chart"},
        ],
        "rides": [
            {
                "row": row,
                "to": destination_name(row.details[0] if row.details else None),  # type: ignore[attr-defined]
                "detail": row.details[0] if row.details else None,  # type: ignore[attr-defined]
            }
            for row in patient_history(patient.pk)
        ],
        "looked": looked,
        "book_url": f"{book}?patient={patient.pk}" if book else "",
    }
    return render(request, "requests/patient.html", context)
