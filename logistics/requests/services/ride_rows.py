"""A person's answers as rows of a ride: what is written, and how two people who write at once wait for each other.

``fields`` everywhere are columns of ``TransportDetail`` (:data:`COLUMNS`, :data:`TIMES`) plus ``unit``,
``cost_center``, ``origin`` (a :class:`places.Destination`, for a ride whose ``pickup_kind`` is not the unit, with
``origin_text``) and ``destination`` (the same, or None with ``destination_text``). What is left out stays as it is.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from logistics.accounts.models import Facility, Unit
from logistics.core import scoping
from logistics.requests.models import Patient, ServiceRequest, TransportDetail
from logistics.requests.services import budgets, places
from logistics.requests.services.places import Destination

COLUMNS = (
    "when", "pickup_contact", "pickup_bed_label", "purpose", "mobility", "needs", "oxygen_lpm", "oxygen_cylinder",
    "oxygen_psi", "weight_lb", "chair", "chair_width_in", "chair_weight_lb", "pickup_steps", "dropoff_steps",
    "service_animal", "escort_name", "receiver_name", "companions", "payer_name", "driver_note", "accepting_clinician",
    "accepting_bed", "accepted_at", "report_given_at", "transfer_checks", "ready_owner_id", "ready_owner_name",
    "ready_phone", "plan",
)  # fmt: skip
TIMES = ("pickup_at", "ready_expected_at", "arrive_by_at")
_ENDS = ("place", "kind", "address", "latitude", "longitude", "zone")


def put(request: ServiceRequest, detail: TransportDetail, fields: dict[str, Any]) -> set[str]:
    """Set what differs on the two rows, unsaved; the names of what changed."""
    changed = set()
    for name in (*COLUMNS, *TIMES):
        if name in fields and fields[name] != getattr(detail, name):
            setattr(detail, name, fields[name])
            changed.add(name)
    unit = fields.get("unit")
    if isinstance(unit, Unit) and unit.pk != request.unit_id:
        if request.cost_center == budgets.default_for(request.unit_id):
            request.cost_center = budgets.default_for(unit.pk)
        request.unit, request.facility = unit, unit.facility
        changed.add("unit")
    if "cost_center" in fields and fields["cost_center"] != request.cost_center:
        request.cost_center = fields["cost_center"]
        changed.add("cost_center")
    if "pickup_kind" in fields and _put_end(
        detail, "pickup", fields.get("origin"), kind=fields["pickup_kind"], text=str(fields.get("origin_text", ""))
    ):
        changed.add("pickup")
    if "destination" in fields:
        meant, text = fields["destination"], str(fields.get("destination_text", ""))
        kind = meant.kind if isinstance(meant, Destination) else "other" if text else ""
        if _put_end(detail, "destination", meant, kind=kind, text=text):
            changed.add("destination")
    return changed


def _put_end(detail: TransportDetail, end: str, meant: Destination | None, *, kind: str, text: str) -> bool:
    """Write one end of the ride; whether it differs. ``meant`` None keeps ``text`` for whoever goes on."""
    names = {name: f"{end}_{name}" for name in _ENDS} | ({"place": "place"} if end == "destination" else {})
    before = {column: getattr(detail, column) for column in names.values()}
    if isinstance(meant, Destination) and kind:
        address: dict[str, Any] = {} if meant.place else meant.address.as_dict()
        if (
            not meant.place
            and meant.kind != places.HOME
            and meant.name not in ("", meant.address.line, str(meant.address))
        ):
            address["name"] = meant.name
        values: dict[str, Any] = {
            "place": meant.place, "kind": meant.kind, "address": address, "latitude": meant.location.lat,
            "longitude": meant.location.lon, "zone": meant.location.zone,
        }  # fmt: skip
    else:
        # Not understood yet (or the unit): what was written is kept for the person who goes on with the draft.
        values = {
            "place": None, "kind": kind, "address": {"line": text[:200]} if text and kind else {}, "latitude": None,
            "longitude": None, "zone": "",
        }  # fmt: skip
    for name, column in names.items():
        setattr(detail, column, values[name])
    return any(getattr(detail, column) != value for column, value in before.items())


def imagine(
    fields: dict[str, Any], *, facility: Facility, patient: Patient | None, level: str
) -> tuple[ServiceRequest, TransportDetail]:
    """The two rows that a booking with these answers would make, never stored."""
    request = ServiceRequest(
        tenant_id=scoping.current_tenant_id(), patient=patient or Patient(), facility=facility, status="requested"
    )
    detail = TransportDetail(tenant_id=scoping.current_tenant_id(), request=request, level=level)
    put(request, detail, fields)
    return request, detail


def locked(request_id: UUID) -> ServiceRequest:
    """The request, read again after the patient's lock is ours. Raises ``DoesNotExist``."""
    patient_id = ServiceRequest.objects.values_list("patient_id", flat=True).get(pk=request_id)
    lock(patient_id)
    return ServiceRequest.objects.select_related("facility", "unit", "patient").get(pk=request_id)


def lock(patient_id: UUID) -> None:
    """All bookings for one patient wait for each other, to the end of the transaction."""
    tenant_id = scoping.current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"booking|{tenant_id}|{patient_id}"])
