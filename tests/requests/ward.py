"""A small ward for tests: people in beds, as the feed would have put them there."""

from __future__ import annotations

import datetime as dt
from typing import Any

from logistics.core import clock, crypto, scoping
from logistics.requests.models import Bed, Discharge, Encounter, Patient, ServiceRequest, TransportDetail
from logistics.requests.services.patients import index_tokens
from tests.cast import Cast
from tests.support import act_as

HOME = {"line": "18 Pier Rd", "city": "Madison", "state": "WI", "zip_code": "53704"}


def admit(
    cast: Cast,
    *,
    family: str = "Cole",
    given: str = "Agnes",
    unit: str = "4W",
    bed: str = "12",
    slug: str = "lakeshore",
    mrn: str = "",
    stay: dict[str, Any] | None = None,
    **patient: Any,
) -> Encounter:
    """A patient in a bed of a unit, findable by name, MRN, birth date and phone."""
    with act_as(cast.staff(getattr(cast, slug))):
        fields = {
            "birth_date": "1945-03-14", "sex": "F", "phone": "608 555 0142", "address": HOME, "weight_lb": 142,
            "payer_name": "Lakeshore Medicare Advantage", "mrn": mrn or f"00{bed}77", **patient,
        }  # fmt: skip
        person = Patient.objects.create(family_name=family, given_name=given, **fields)
        index_tokens(person)
        ward = cast.units[f"{unit}@{slug}"]
        place, _ = Bed.objects.get_or_create(unit=ward, code=f"{unit}^{bed}", defaults={"label": f"{unit}-{bed}"})
        visit = f"V{person.pk}"
        return Encounter.objects.create(
            patient=person,
            facility=cast.facilities[slug],
            unit=ward,
            bed=place,
            visit_number=visit,
            visit_token=crypto.blind(visit, tenant_id=scoping.current_tenant_id(), kind="visit"),
            **{"status": "in_house", "admitted_at": clock.now() - dt.timedelta(days=2), **(stay or {})},
        )


def foresee(cast: Cast, encounter: Encounter, *, slug: str = "lakeshore", **detail: Any) -> ServiceRequest:
    """A draft ride as an A16 leaves it."""
    with act_as(cast.staff(getattr(cast, slug))):
        discharge = Discharge.objects.create(encounter=encounter, announced_at=clock.now())
        request = ServiceRequest.objects.create(
            patient_id=encounter.patient_id,
            encounter=encounter,
            discharge=discharge,
            facility=encounter.facility,
            unit=encounter.unit,
            source="ehr",
        )
        TransportDetail.objects.create(request=request, pickup_bed_label="4W-12", **detail)
        return request


def requests_of(cast: Cast, patient_id: Any, *, slug: str = "lakeshore") -> list[ServiceRequest]:
    """All ride requests of a patient."""
    with act_as(cast.staff(getattr(cast, slug))):
        return list(ServiceRequest.objects.filter(patient_id=patient_id).order_by("created_at"))


def detail_of(cast: Cast, request: ServiceRequest, *, slug: str = "lakeshore") -> TransportDetail:
    """The ride's details as they are now."""
    with act_as(cast.staff(getattr(cast, slug))):
        return TransportDetail.objects.get(request=request)
