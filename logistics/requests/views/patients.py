"""Finding a patient, and the page of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from logistics.core import audit
from logistics.core.access import requires
from logistics.core.models import AuditEntry
from logistics.requests import home_health_rules, policies
from logistics.requests.models import Patient
from logistics.requests.selectors import records
from logistics.requests.selectors.equipment import equipment_history
from logistics.requests.selectors.identity import identity, patient_option
from logistics.requests.selectors.requests import destination_name, home_health_history, patient_history, unit_list
from logistics.requests.services import booking, homes
from logistics.requests.services.finding import find_patients
from logistics.requests.views.page import desk, url_of

WHO_LOOKED = ("patient.viewed", "patient.found")


@requires("patients.search")
@require_http_methods(["GET", "POST"])
def patient_options(request: HttpRequest) -> HttpResponse:
    """Options of the patient picker for the posted ``q``; words in the address are not looked at.

    The search is audited with its number of hits, not with its words.
    """
    q = request.POST.get("q", "").strip()
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
    allowed = policies.fields_for(membership.role)
    book = url_of("dispatch:book") if "requests.book" in membership.definition.permissions else ""
    context = {
        **desk(request, units),
        "primary_action": None,  # the page has its own, for this patient
        "patient_id": patient.pk,
        "name": patient.display_name if "name" in allowed else "Patient",
        "encounter": encounter,
        "identity": _identity(patient, allowed),
        "rides": [
            {
                "row": row,
                "to": destination_name(row.details[0] if row.details else None),  # type: ignore[attr-defined]
                "detail": row.details[0] if row.details else None,  # type: ignore[attr-defined]
            }
            for row in patient_history(patient.pk)
        ],
        "looked": looked,
        **_home_health(patient, membership.definition.permissions),
        **_equipment(patient, membership.definition.permissions),
        **_records(patient, allowed),
        "may_edit": "patients.edit" in membership.definition.permissions,
        "may_view_requests": "requests.view" in membership.definition.permissions,
        "book_url": f"{book}?patient={patient.pk}" if book else "",
    }
    return render(request, "requests/patient.html", context)


def _records(patient: Patient, allowed: dict[str, str]) -> dict[str, Any]:
    """Homes with source and age, numbers by system, merges and earlier needs, as far as the role may see them."""
    return {
        "residence": homes.residence(patient) if "address" in allowed else None,
        "homes": records.homes_of(patient)[1:] if "address" in allowed else [],
        "numbers": records.numbers_of(patient) if allowed.get("mrn") == "see" else [],
        "merges": records.merges_of(patient) if allowed.get("mrn") == "see" else [],
        "needs_before": records.needs_before(patient) if "needs" in allowed else [],
    }


def _equipment(patient: Patient, can: frozenset[str]) -> dict[str, Any]:
    """Equipment orders, for those who may open them, and where more is ordered."""
    if "equipment.view" not in can:
        return {"equipment": None}
    order = url_of("dispatch:equipment_new") if "equipment.order" in can else ""
    return {
        "equipment": [
            {"row": row, "url": url_of("dispatch:equipment_order", row.pk)} for row in equipment_history(patient.pk)
        ],
        "order_url": f"{order}?patient={patient.pk}" if order else "",
    }


def _home_health(patient: Patient, can: frozenset[str]) -> dict[str, Any]:
    """Home health orders, for those who may open them, and where one is begun."""
    if "requests.view" not in can:
        return {"home_health": None}
    refer = url_of("dispatch:home_health_new") if "requests.book" in can else ""
    return {
        "home_health": [
            {
                "row": row,
                "order": row.order[0],  # type: ignore[attr-defined]
                "services": ", ".join(home_health_rules.labels(row.order[0].disciplines)),  # type: ignore[attr-defined]
                "url": url_of("dispatch:home_health_order", row.pk),
            }
            for row in home_health_history(patient.pk)
        ],
        "refer_url": f"{refer}?patient={patient.pk}" if refer else "",
    }


def _identity(patient: Patient, allowed: dict[str, str]) -> list[dict[str, Any]]:
    """Label and value of every field that the role may see; a field it may not see is not even named."""
    address = patient.address or {}
    home = ", ".join(str(address[key]) for key in ("line", "city", "state", "zip_code") if address.get(key))
    missing = "Not in the chart"
    rows = [
        ("Born", "birth", identity(patient), missing),
        ("MRN", "mrn", patient.mrn, missing),
        ("Phone", "phone", patient.phone, missing),
        ("Home", "address", home, missing),
        ("Language", "name", patient.language, missing),
        ("Weight", "needs", f"{patient.weight_lb} lb" if patient.weight_lb else "", missing),
        ("Isolation", "isolation", patient.get_isolation_display(), "None"),
        ("Payer", "payer", patient.payer_name, missing),
    ]
    return [
        {"label": label, "value": policies.as_seen(str(value or ""), allowed[field]) or empty}
        for label, field, value, empty in rows
        if field in allowed
    ]
