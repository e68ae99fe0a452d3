"""Certifications and authorizations for tests: rides that need them, forms that are complete, signers."""

from __future__ import annotations

import base64
import datetime as dt
import io
from typing import Any

from PIL import Image, ImageDraw

from logistics.core import clock
from logistics.requests.models import (
    Authorization,
    CertificationVersion,
    Patient,
    PhysicianCertification,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.services import authorization_records, cert_signing, certificates, gates
from logistics.requests.services.cert_signing import Signer
from tests.cast import Cast
from tests.support import act_as

ZONE = "America/Chicago"
NPI = "1234567893"
DOCTOR = Signer("Noor Haddad", "MD", "Lakeside Physicians", "attending", NPI)
MANAGER = Signer("Dana Morales", "CM", "Lakeshore Health", "facility")
NURSE = Signer("Ivo Brandt", "RN", "Lakeshore Health", "facility")
ANSWERS: dict[str, Any] = {
    "origin": "Lakeshore Medical Center, 4W-12",
    "destination": "Willow Creek Skilled Nursing",
    "diagnosis": "Unstable pelvic fracture",
    "icd10": ["S32.9"],
    "bed_alone": True,
    "bed_walk": True,
    "bed_sit": True,
    "checklist": ["fracture", "pain"],
    "narrative": "Cannot sit upright for more than five minutes since surgery on Monday; slides from a wheelchair.",
}


def patient(cast: Cast, *, family: str = "Cole", slug: str = "lakeshore") -> Patient:
    with act_as(cast.staff(getattr(cast, slug))):
        return Patient.objects.create(
            family_name=family, given_name="Agnes", birth_date="1945-03-14", sex="F", weight_lb=142, mrn="0012"
        )


def ride(
    cast: Cast, person: Patient, at: dt.datetime, *, level: str = "BLS", confirm: bool = True, slug: str = "lakeshore",
    **detail: Any,
) -> ServiceRequest:  # fmt: skip
    """A booked ride of the hospital's patient, confirmed as every booking is."""
    with act_as(cast.staff(getattr(cast, slug))):
        request = ServiceRequest.objects.create(
            patient=person, facility=cast.facilities[slug], unit=cast.units[f"4W@{slug}"]
        )
        TransportDetail.objects.create(
            request=request,
            **{
                "when": "at", "pickup_at": at, "place": cast.places[f"willow@{slug}"], "destination_kind": "place",
                "mobility": "lies", "level": level, "payer_name": "Medicare", "miles": 6, "minutes": 25,
                "destination_latitude": 43.0, "destination_longitude": -89.47, "destination_zone": ZONE, **detail,
            },
        )  # fmt: skip
        return gates.confirm(request) if confirm else request


def form(cast: Cast, person: Patient, request: ServiceRequest | None = None, **changes: Any) -> PhysicianCertification:
    """A form that is ready for a signature."""
    with act_as(cast.staff()):
        row = certificates.begin(patient=person, request=request, span="" if request else "repetitive")
        return certificates.save(
            certification_id=row.pk, seen_version=row.version, **{
                "answers": ANSWERS, "span": row.span, "level": row.level, "starts_on": row.starts_on,
                "ends_on": row.ends_on, **changes,
            },
        )  # fmt: skip


def sign(cast: Cast, row: PhysicianCertification, signer: Signer = DOCTOR, **more: Any) -> CertificationVersion:
    with act_as(cast.staff()):
        return cert_signing.sign(
            certification_id=row.pk, seen_version=row.version, signer=signer, **{
                "attested": True, "dated_on": clock.today(ZONE), "typed_name": signer.name, **more,
            },
        )  # fmt: skip


def allowed(cast: Cast, person: Patient, trips: int, *, days: int = 30, first: int = 0, **more: Any) -> Authorization:
    """An authorization that its payer affirmed."""
    today = clock.today(ZONE)
    with act_as(cast.staff()):
        row = authorization_records.add(
            patient=person, **{
                "payer_name": "Medicare", "levels": ["BLS"], "requested_qty": trips,
                "supplier_name": "Tamarack Ambulance", "supplier_id": cast.tamarack.pk,
                "starts_on": today + dt.timedelta(first),
                "ends_on": today + dt.timedelta(first + days), **more,
            },
        )  # fmt: skip
        return authorization_records.decide(
            authorization_id=row.pk, decision="affirmed", number=f"UTN{row.pk.hex[-10:].upper()}"
        )


def drawing() -> str:
    """A signature as the pad sends it."""
    picture = Image.new("RGB", (300, 120), "white")
    ImageDraw.Draw(picture).line((20, 90, 120, 30, 280, 80), fill="black", width=4)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
