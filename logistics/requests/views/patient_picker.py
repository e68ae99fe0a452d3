"""Choosing a patient in a form: the searching field, and the list of matches for a page without JavaScript."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from logistics.requests.models import Patient
from logistics.requests.selectors.identity import identity, patient_option
from logistics.requests.services.finding import find_patients


def picked(request: HttpRequest) -> tuple[Patient | None, dict[str, Any]]:
    """The patient that the form (or ``?patient=``) names, and the picker's context: ``patient``, ``patient_value``,
    ``patient_text``, ``patient_hint``, ``patient_matches``, ``patient_error`` (empty)."""
    given = request.POST.get("patient") or request.GET.get("patient") or ""
    patient = Patient.objects.filter(pk=key).first() if (key := _uuid(given)) else None
    text = request.POST.get("patient_text", "").strip()
    matches = []
    if patient is None and request.POST.get("find") == "patient" and text:
        matches = [patient_option(each) for each in find_patients(text, limit=8)]
    return patient, {
        "patient": patient,
        "patient_value": str(patient.pk) if patient else "",
        "patient_text": patient.display_name if patient else text,
        "patient_hint": identity(patient) if patient else "Name, MRN, birth date or phone",
        "patient_matches": matches,
        "patient_error": "",
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
