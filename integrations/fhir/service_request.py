"""A request as a FHIR R4 ServiceRequest, and back.

What R4 has an element for stands there (status, code, occurrence, subject, places, insurance, note), so that any
reader of FHIR understands it; the rest of the details are extensions, so that nothing is lost on the way back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from fhir.resources.R4B.servicerequest import ServiceRequest as Resource
from pydantic import ValidationError

from integrations.fhir import columns
from logistics.core.errors import DomainError
from logistics.core.levels import LEVELS
from logistics.requests.models import HomeHealthDetail, Patient, ServiceRequest, TransportDetail
from logistics.requests.models.equipment import EquipmentDetail, EquipmentLine

SYSTEM = "urn:carrywell:"
# R4 RequestStatus: what is confirmed is active until it ended.
STATUS = {
    "draft": "draft", "pending": "active", "requested": "active", "scheduled": "active", "in_progress": "active",
    "completed": "completed", "held": "on-hold", "canceled": "revoked",
}  # fmt: skip
DETAILS: dict[str, tuple[type[models.Model], str]] = {
    "transport": (TransportDetail, "transport_rows"),
    "home_health": (HomeHealthDetail, "home_health_rows"),
    "dme": (EquipmentDetail, "equipment_rows"),
}
KIND_WORDS = dict(ServiceRequest.KINDS)
OURS = {"draft": "draft", "active": "requested", "completed": "completed", "on-hold": "held", "revoked": "canceled"}
LINE = "urn:carrywell:line"
# Columns of a ride that an element carries.
ELEMENTS = ("level", "needs", "pickup_at", "arrive_by_at", "driver_note", "payer_name", "purpose")


@dataclass(frozen=True)
class Read:
    """What a resource says: ``request`` and ``detail`` are columns by name, ``lines`` those of each
    equipment line; ``patient`` names the subject."""

    kind: str
    status: str
    request: dict[str, Any]
    detail: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)
    patient: dict[str, str] = field(default_factory=dict)


def write(request: ServiceRequest) -> dict[str, Any]:
    """The resource as JSON-ready data (``request`` with its patient loaded)."""
    _, accessor = DETAILS[request.kind]
    lines = list(request.equipment_lines.all()) if request.kind == "dme" else []
    return resource_of(request, getattr(request, accessor).first(), lines)


def resource_of(
    request: ServiceRequest, detail: models.Model | None, lines: Iterable[EquipmentLine] = ()
) -> dict[str, Any]:
    """The resource of a request with these details; touches no database."""
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": str(request.pk),
        "identifier": [{"system": f"{SYSTEM}request", "value": str(request.pk)}],
        "status": STATUS[request.status],
        "intent": "order",
        "category": [_concept("request-kind", request.kind, KIND_WORDS[request.kind])],
        "subject": _subject(request.patient),
        "extension": [
            {"url": f"{columns.BASE}request.status", "valueCode": request.status},
            *_text("request.cost_center", request.cost_center),
            *_text("request.link", request.link),
        ],
    }
    if request.encounter_id:
        resource["encounter"] = {"reference": f"Encounter/{request.encounter_id}"}
    if request.requested_at:
        resource["authoredOn"] = columns.instant(request.requested_at)
    if request.requested_by_name:
        resource["requester"] = {"display": request.requested_by_name}
    if isinstance(detail, TransportDetail):
        resource |= _ride(detail)
        resource["extension"] += columns.to_extensions(detail, apart_from=ELEMENTS)
    elif detail is not None:
        resource["extension"] += columns.to_extensions(detail)
    resource["extension"] += [{"url": LINE, "extension": columns.to_extensions(line)} for line in lines]
    return resource


def read(data: Any) -> Read:
    """What a resource says. Raises :class:`DomainError` naming what is wrong: no R4 ServiceRequest, no kind of ours."""
    try:
        Resource.model_validate(data)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "resource"
        raise DomainError(f"This is no FHIR R4 ServiceRequest: see {where}.", code="fhir_invalid") from error
    kind = next((code for concept in data.get("category", []) for code in _codes(concept, "request-kind")), "")
    if kind not in DETAILS:
        known = ", ".join(DETAILS)
        raise DomainError(f"Say in category what is asked for: one of {known}.", code="fhir_kind")
    model, _ = DETAILS[kind]
    extensions = data.get("extension", [])
    prefix = f"{columns.BASE}request."
    ours = {one["url"].removeprefix(prefix): one for one in extensions if str(one.get("url", "")).startswith(prefix)}
    detail = columns.from_extensions(model, extensions)
    request = {
        name: ours[name]["valueString"] for name in ("cost_center", "link") if "valueString" in ours.get(name, {})
    }
    if data.get("authoredOn"):
        request["requested_at"] = _moment(data["authoredOn"], "authoredOn")
    if data.get("requester", {}).get("display"):
        request["requested_by_name"] = data["requester"]["display"]
    if kind == "transport":
        detail |= _ride_columns(data)
    lines = [
        columns.from_extensions(EquipmentLine, one.get("extension", [])) for one in extensions if one.get("url") == LINE
    ]
    status = ours.get("status", {}).get("valueCode") or OURS.get(data["status"], "draft")
    return Read(kind, status, request, detail, lines, _patient(data))


def _ride(detail: TransportDetail) -> dict[str, Any]:
    out: dict[str, Any] = {"priority": "urgent" if detail.when == "now" else "routine"}
    if detail.level:
        out["code"] = _concept("level-of-service", detail.level, LEVELS[detail.level].label)
    if detail.needs:
        out["orderDetail"] = [_concept("need", need, need) for need in detail.needs]
    if detail.purpose:
        out["reasonCode"] = [_concept("purpose", detail.purpose, detail.get_purpose_display())]
    period = {
        name: columns.instant(value)
        for name, value in (("start", detail.pickup_at), ("end", detail.arrive_by_at))
        if value is not None
    }
    if period:
        out["occurrencePeriod"] = period
    if detail.driver_note:
        out["note"] = [{"text": detail.driver_note}]
    if detail.payer_name:
        out["contained"] = [
            {
                "resourceType": "Coverage",
                "id": "coverage",
                "status": "active",
                "beneficiary": {"reference": f"Patient/{detail.request.patient_id}"},
                "payor": [{"display": detail.payer_name}],
            }
        ]
        out["insurance"] = [{"reference": "#coverage"}]
    return out


def _ride_columns(data: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    level = next(iter(_codes(data.get("code", {}), "level-of-service")), "")
    if level:
        if level not in LEVELS:
            raise DomainError(f"Say in code one of the levels {', '.join(LEVELS)}.", code="fhir_level")
        out["level"] = level
    needs = [code for concept in data.get("orderDetail", []) for code in _codes(concept, "need")]
    if needs:
        out["needs"] = needs
    purposes = [code for concept in data.get("reasonCode", []) for code in _codes(concept, "purpose")]
    if purposes:
        out["purpose"] = purposes[0]
    period = data.get("occurrencePeriod", {})
    if period.get("start"):
        out["pickup_at"] = _moment(period["start"], "occurrencePeriod.start")
    if period.get("end"):
        out["arrive_by_at"] = _moment(period["end"], "occurrencePeriod.end")
    if data.get("note"):
        out["driver_note"] = "\n".join(note["text"] for note in data["note"])
    payors = [
        payor["display"]
        for one in data.get("contained", [])
        if one.get("resourceType") == "Coverage"
        for payor in one.get("payor", [])
        if payor.get("display")
    ]
    if payors:
        out["payer_name"] = payors[0]
    return out


def _subject(patient: Patient) -> dict[str, Any]:
    subject: dict[str, Any] = {"reference": f"Patient/{patient.pk}", "display": patient.display_name}
    if patient.mrn:
        subject["identifier"] = {
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
            "value": patient.mrn,
        }
    return subject


def _patient(data: dict[str, Any]) -> dict[str, str]:
    subject = data.get("subject", {})
    named = {"reference": subject.get("reference", ""), "mrn": subject.get("identifier", {}).get("value", "")}
    return {name: value for name, value in named.items() if value}


def _concept(system: str, code: str, words: str) -> dict[str, Any]:
    return {"coding": [{"system": f"{SYSTEM}{system}", "code": code, "display": words}], "text": words}


def _codes(concept: dict[str, Any], system: str) -> list[str]:
    return [one["code"] for one in concept.get("coding", []) if one.get("system") == f"{SYSTEM}{system}"]


def _text(name: str, value: str) -> list[dict[str, Any]]:
    return [{"url": f"{columns.BASE}{name}", "valueString": value}] if value else []


def _moment(text: str, where: str) -> Any:
    try:
        return columns.moment(str(text))
    except ValueError as error:
        raise DomainError(f"{where} needs a date and time with an offset.", code="fhir_time") from error
