"""The demo's certifications and authorized trips: one signed, one that waits, one that ends soon; two trips left."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from logistics.accounts.models import Organization
from logistics.config.demo import days
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import (
    Authorization,
    Encounter,
    Patient,
    PhysicianCertification,
    Place,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.selectors import cert_facts
from logistics.requests.services import (
    authorization_records,
    authorizations,
    booking,
    cert_signing,
    certificates,
    places,
)
from logistics.requests.services.cert_signing import Signer

PHYSICIAN = Signer("Noor Haddad", "MD", "Bayview Kidney Physicians", "attending", "1234567893")
DIALYSIS: dict[str, Any] = {
    "origin": "Home",
    "destination": "Bayview Dialysis Center",
    "round_trip": True,
    "service_needed": "Hemodialysis, three times a week; not given at home",
    "nearest": "yes",
    "diagnosis": "End-stage renal disease; left above-knee amputation, right hip contracture",
    "icd10": ["N18.6", "Z89.612", "M24.551"],
    "bed_alone": True,
    "bed_walk": True,
    "bed_sit": True,
    "checklist": ["contractures", "pain", "sitting"],
    "narrative": (
        "Cannot sit up for the 25 minutes of the way: the right hip is fixed at 20 degrees and slides him out of any "
        "chair. Two people move him with a draw sheet. A stretcher with a crew that watches his access is the only way."
    ),
}
DISCHARGE: dict[str, Any] = {
    "diagnosis": "Pelvic fracture, not weight bearing",
    "icd10": ["S32.810D"],
    "bed_alone": True,
    "bed_walk": True,
    "bed_sit": True,
    "checklist": ["fracture", "pain"],
    "narrative": (
        "Lies flat since the fall; sitting at more than 30 degrees displaces the fracture and is not allowed before the "
        "next film. Needs two people and a stretcher."
    ),
}
# Signed so long ago that the 60 days are over in four.
SIGNED_DAYS_AGO = 56


def build(tenant: Organization, *, booker: str, supplier: Organization) -> None:
    """For the lying dialysis patient and two hospital rides of this health system. Repeatable."""
    scope = Scope.staff(tenant.pk, actor_label=booker, actor_role="case_manager")
    with transaction.atomic(), scoping.enter(scope):
        if PhysicianCertification.objects.exists():
            return
        series = TransportDetail.objects.filter(request__source="standing", level="BLS").select_related(
            "request__patient", "request__facility"
        )
        rides = [detail.request for detail in series.order_by("pickup_at")]
        if rides:
            _period(rides[0].patient, rides[0].facility.time_zone)
            _authorize(rides, supplier)
        _single_rides(booker)


def _period(patient: Patient, zone: str) -> None:
    moment = clock.now() - dt.timedelta(days=SIGNED_DAYS_AGO)
    with clock.pretend(moment):
        day = clock.today(zone)
        row = certificates.begin(patient=patient, span="repetitive", level="BLS")
        certificates.save(
            certification_id=row.pk, seen_version=1, answers=DIALYSIS, span="repetitive", level="BLS", starts_on=day,
            ends_on=day + dt.timedelta(days=60),
        )  # fmt: skip
        cert_signing.sign(
            certification_id=row.pk, seen_version=1, signer=PHYSICIAN, attested=True, dated_on=day,
            typed_name=PHYSICIAN.name,
        )  # fmt: skip


def _authorize(rides: list[ServiceRequest], supplier: Organization) -> None:
    """Two trips are left after those that the series' rides keep, and thirteen days."""
    patient, today = rides[0].patient, clock.today(rides[0].facility.time_zone)
    if Authorization.objects.filter(patient=patient).exists():
        return
    row = authorization_records.add(
        patient=patient, payer_name="Medicare", levels=["BLS"], requested_qty=len(rides) + 2, supplier_id=supplier.pk,
        supplier_name=supplier.name, starts_on=today - dt.timedelta(days=30), ends_on=today + dt.timedelta(days=13),
        submitted_on=today - dt.timedelta(days=44), note="Dialysis, stretcher",
    )  # fmt: skip
    authorization_records.decide(
        authorization_id=row.pk, decision="affirmed", number="A0428-77120431", decided_on=today - dt.timedelta(days=34)
    )
    for ride in rides:
        authorizations.reserve(ride, TransportDetail.objects.get(request=ride))


def _single_rides(booker: str) -> None:
    """Two patients leave by ambulance tomorrow: one ride is certified by the case manager, the other one waits."""
    for number, each in enumerate(cert_facts.of_requests(_lying_rides(2)).values()):
        row = certificates.begin(patient=each.request.patient, request=each.request)
        certificates.save(
            certification_id=row.pk, seen_version=1, answers={**row.answers, **DISCHARGE}, span="single",
            level=row.level, starts_on=each.day, ends_on=each.day, reaffirmed=number > 0,
        )  # fmt: skip
        if number == 0:
            signer = Signer(booker, "CM", each.request.facility.name, "facility")
            cert_signing.sign(
                certification_id=row.pk, seen_version=1, signer=signer, attested=True,
                dated_on=clock.today(certificates.zone_of(row)), typed_name=booker,
            )  # fmt: skip


def _lying_rides(count: int) -> list[ServiceRequest]:
    """Book so many patients who are in the house, have no ride and lie flat to a nursing place."""
    place = Place.objects.filter(kind="snf", is_active=True).order_by("name").first()
    stays = Encounter.objects.filter(status="in_house", unit__isnull=False).exclude(
        patient__requests__kind="transport", patient__requests__status__in=("draft", *booking.OPEN)
    )
    found = []
    for stay in list(stays.select_related("patient").order_by("created_at")[:count]) if place else []:
        draft = booking.start_draft(patient=stay.patient, key=f"demo-pcs-{stay.pk.hex[:12]}")
        fields = {
            **booking.chart_defaults(stay.patient, stay),
            "when": "at",
            "pickup_at": clock.now().replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=22),
            "mobility": "lies",
            "needs": ["watching"],
            "oxygen_lpm": None,
            "companions": 0,
            "payer_name": "Medicare Part B",
            "destination": places.resolve(value=str(place.pk), text="", patient=stay.patient) if place else None,
        }
        days.confirm(draft, fields, key=draft.idempotency_key or "")
        found.append(ServiceRequest.objects.select_related("facility", "patient").get(pk=draft.pk))
    return found
