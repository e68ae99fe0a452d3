"""What an agency is given: the brief before it accepts, the sealed copy of the patient after."""

from __future__ import annotations

from typing import Any

from dispatch.models import Referral
from logistics.requests import home_health_rules as rules
from logistics.requests.models import HomeHealthDetail, ServiceRequest


def brief(referral: Referral) -> dict[str, Any]:
    """All that an agency learns before it accepts: no name, no address, no number."""
    return {
        "zone": referral.zone_words,
        "disciplines": list(referral.disciplines),
        "payer_class": referral.payer_class,
        "soc_ordered_on": referral.soc_ordered_on.isoformat() if referral.soc_ordered_on else "",
        "due_at": referral.due_at.isoformat(),
        "home_at": referral.home_at.isoformat() if referral.home_at else "",
        "time_zone": referral.time_zone,
    }


def patient_details(request: ServiceRequest, detail: HomeHealthDetail) -> dict[str, Any]:
    """What an agency must know of the patient once it accepted (``ReferralPatient.details``)."""
    patient = request.patient
    return {
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "phone": detail.phone or patient.phone,
        "language": patient.language,
        "address": detail.address,
        "latitude": detail.latitude,
        "longitude": detail.longitude,
        "frequency": detail.frequency,
        "reason": detail.reason,
        "homebound": detail.get_homebound_display(),
        "face_to_face_on": detail.face_to_face_on.isoformat() if detail.face_to_face_on else "",
        "practitioner_name": detail.practitioner_name,
        "practitioner_phone": detail.practitioner_phone,
        "payer_name": detail.payer_name or rules.PAYERS.get(detail.payer_class, ""),
        "note": detail.note,
    }
