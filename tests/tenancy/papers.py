"""A certification that was signed and changed, a link to sign, an authorization and a ride that waits for one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from logistics.core import clock, pictures
from logistics.requests.models import Gate, Patient, ServiceRequest, TransportDetail
from logistics.requests.services import (
    authorization_records,
    cert_signing,
    certificates,
    gates,
    sign_links,
)
from tests.cast import Cast
from tests.requests.paper import ANSWERS, DOCTOR, ZONE, drawing
from tests.support import act_as


def one_of_each(cast: Cast, slug: str, *, canary: str) -> dict[str, Any]:
    """Ids by URL argument."""
    today = clock.today(ZONE)
    with act_as(cast.staff(getattr(cast, slug))):
        person = Patient.objects.create(
            family_name=f"{canary}sen", given_name="Ada", birth_date="1944-02-02", sex="F", mrn=f"{canary}9"
        )
        row = certificates.begin(patient=person, span="repetitive")
        words = {**ANSWERS, "narrative": f"{canary} cannot sit.", "diagnosis": f"{canary} fracture"}
        row = certificates.save(
            certification_id=row.pk, seen_version=1, answers=words, span="repetitive", level="BLS", starts_on=today,
            ends_on=today + dt.timedelta(days=60),
        )  # fmt: skip
        cert_signing.sign(
            certification_id=row.pk, seen_version=1, signer=DOCTOR, attested=True, dated_on=today,
            drawing=pictures.from_data_url(drawing(), most=10**6) or b"",
        )  # fmt: skip
        row = certificates.amend(certification_id=row.pk, seen_version=1)
        link, _token = sign_links.make(certification_id=row.pk, addressee=f"{canary} Haddad")
        allowed = authorization_records.add(
            patient=person, payer_name="Medicare", levels=["BLS"], requested_qty=1, supplier_name="Tamarack Ambulance",
            starts_on=today, ends_on=today + dt.timedelta(days=30), note=f"{canary} note",
        )  # fmt: skip
        authorization_records.decide(authorization_id=allowed.pk, decision="affirmed", number=f"{canary}1")
        for hours in (30, 40):
            request = ServiceRequest.objects.create(
                patient=person, facility=cast.facilities[slug], unit=cast.units[f"4W@{slug}"]
            )
            TransportDetail.objects.create(
                request=request, when="at", pickup_at=clock.now() + dt.timedelta(hours=hours), mobility="lies",
                level="BLS", place=cast.places[f"willow@{slug}"], destination_kind="place",
            )  # fmt: skip
            if hours == 40:
                gates.confirm(request)
            else:
                gates.asks_of(request)
        return {
            "certification_id": row.pk,
            "version": 1,
            "link_id": link.pk,
            "authorization_id": allowed.pk,
            "gate_id": Gate.objects.get(request=request).pk,
        }
