"""What is kept about a patient beside the chart, for the patient's page. A fixed number of queries each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from logistics.core import clock
from logistics.requests.models import (
    Attachment,
    Patient,
    PatientAddress,
    PatientIdentifier,
    PatientMerge,
    PatientToken,
    TransportDetail,
)
from logistics.requests.selectors.patients import name_parts, token

ENDED = ("completed", "canceled")


@dataclass(frozen=True)
class Need:
    """What an earlier ride needed: a label, its words, and how many days ago that was said."""

    label: str
    words: str
    days: int


def numbers_of(patient: Patient) -> list[dict[str, str]]:
    """Every number by which a system names the patient, with that system."""
    rows = PatientIdentifier.objects.filter(patient=patient).exclude(kind="form").order_by("authority", "pk")
    return [{"value": row.value, "authority": row.authority or "Entered by hand", "kind": row.kind} for row in rows]


def homes_of(patient: Patient) -> list[PatientAddress]:
    """Homes, newest first."""
    return list(PatientAddress.objects.filter(patient=patient).order_by("-learned_at", "-pk")[:20])


def merges_of(patient: Patient) -> list[PatientMerge]:
    """Records that became this one, newest first."""
    return list(PatientMerge.objects.filter(surviving=patient)[:20])


def needs_before(patient: Patient, *, now: dt.datetime | None = None) -> list[Need]:
    """What the latest booked ride needed, so that nobody asks again without knowing; empty without one."""
    rides = TransportDetail.objects.filter(request__patient=patient, request__kind="transport")
    last = (
        rides.exclude(request__status="draft").exclude(mobility="").order_by("-request__created_at")
        .select_related("request").first()
    )  # fmt: skip
    if last is None:
        return []
    days = ((now or clock.now()) - (last.request.requested_at or last.request.created_at)).days
    steps = last.dropoff_steps
    found = [
        ("Travels", last.get_mobility_display()),
        ("Chair", _chair(last)),
        ("Oxygen", f"{last.oxygen_lpm.normalize():f} L per min" if last.oxygen_lpm else ""),
        ("Steps at the door", str(steps) if steps else ""),
        ("Service animal", "Yes" if last.service_animal else ""),
    ]
    return [Need(label, words, days) for label, words in found if words]


def papers_of(request_id: UUID, *, removed: bool = False) -> list[Attachment]:
    """Papers of a request without their content."""
    rows = Attachment.objects.filter(request_id=request_id, removed_at__isnull=not removed)
    return list(rows.defer("content"))


def alike(family_name: str, birth_date: str, *, apart_from: UUID | None = None) -> list[Patient]:
    """Patients of the same birth date one of whose names begins like this family name. Two queries."""
    born = PatientToken.objects.filter(kind="dob", token=token("dob", birth_date)).values_list("patient_id", flat=True)
    found = []
    for patient in Patient.objects.filter(pk__in=list(born[:50])):
        mine = {part[:4] for part in name_parts(patient.family_name, patient.given_name)}
        if patient.pk != apart_from and mine & {part[:4] for part in name_parts(family_name)}:
            found.append(patient)
    return found[:8]


def _chair(detail: TransportDetail) -> str:
    parts: list[Any] = [detail.get_chair_display() if detail.chair else ""]
    parts.append(f"{detail.chair_width_in} in wide" if detail.chair_width_in else "")
    parts.append(f"{detail.chair_weight_lb} lb" if detail.chair_weight_lb else "")
    return ", ".join(part for part in parts if part)
