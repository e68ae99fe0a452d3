"""Requests as the desk reads them: my units, what waits for a ride, what a form may offer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q

from logistics.accounts.models import Unit
from logistics.core import clock
from logistics.requests.models import CostCenter, Discharge, Patient, ServiceRequest, TransportDetail
from logistics.requests.selectors.gates import waits_for

LIVE = ("draft", "pending", "requested", "scheduled", "in_progress", "held")


@dataclass(frozen=True)
class WaitingRide:
    """A patient who may leave and has no ride: ``request_id`` of the draft, or None when nothing is drafted.

    ``waits`` says for what a confirmed one still waits; ``is_transfer`` whether its receiving facility is asked.
    """

    patient: Patient
    place: str
    unit_name: str
    bed: str
    since: dt.datetime | None
    request_id: UUID | None
    status: str
    waits: str = ""
    is_transfer: bool = False


def unit_list(unit_ids: Sequence[str] = ()) -> list[Unit]:
    """A person's own units (all units when they named none), with their facility. One query."""
    units = Unit.objects.select_related("facility").order_by("facility__name", "order", "name")
    if unit_ids:
        units = units.filter(pk__in=[UUID(str(each)) for each in unit_ids])
    return list(units)


def ready_without_ride(units: Iterable[Unit], *, limit: int = 50) -> list[WaitingRide]:
    """Drafts, what waits to be granted, and announced discharges without any request, of these units; longest waiting
    first. Five queries at most."""
    ids = [unit.pk for unit in units]
    drafts = list(
        ServiceRequest.objects.filter(unit_id__in=ids, kind="transport")
        # Confirmed by the discharge before a person said how: it waits like a draft.
        .filter(Q(status__in=["draft", "pending", "held"]) | Q(status="requested", transport_rows__level=""))
        .exclude(source="standing")  # dates to come, settled on the page of their series
        .select_related("patient", "unit", "facility", "discharge", "encounter__bed")
        .prefetch_related(_details())
        .order_by("created_at")[:limit]
    )
    waits = waits_for(drafts)
    bare = (
        Discharge.objects.filter(status__in=["pending", "ready"], encounter__unit_id__in=ids)
        # Home health or equipment alone brings nobody home.
        .exclude(
            Exists(
                ServiceRequest.objects.filter(
                    encounter=OuterRef("encounter"), kind="transport", status__in=[*LIVE, "completed"]
                )
            )
        )
        .select_related("encounter__patient", "encounter__unit", "encounter__bed")
        .order_by("announced_at")[:limit]
    )
    waiting = [
        WaitingRide(
            patient=request.patient,
            place=destination_name(next(iter(_details_of(request)), None)),
            unit_name=request.unit.name if request.unit else "",
            bed=pickup_name(next(iter(_details_of(request)), None)) or _bed(request.encounter, _details_of(request)),
            since=(request.discharge.announced_at if request.discharge else None) or request.created_at,
            request_id=request.pk,
            status=request.status,
            waits=waits.get(request.pk, ""),
            is_transfer=any(detail.purpose == "transfer" for detail in _details_of(request)),
        )
        for request in drafts
    ]
    waiting += [
        WaitingRide(
            patient=discharge.encounter.patient,
            place="",
            unit_name=discharge.encounter.unit.name if discharge.encounter.unit else "",
            bed=discharge.encounter.bed.label if discharge.encounter.bed else "",
            since=discharge.announced_at or discharge.created_at,
            request_id=None,
            status=discharge.status,
        )
        for discharge in bare
    ]
    far = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(waiting, key=lambda each: each.since or far)


def request_get(request_id: UUID) -> ServiceRequest | None:
    """A ride request with its patient, site and details (``request.details``), or None. Two queries."""
    return (
        ServiceRequest.objects.filter(pk=request_id, kind="transport")
        .select_related("patient", "facility", "unit__facility", "discharge", "encounter__bed", "encounter__unit")
        .prefetch_related(_details())
        .first()
    )


def patient_history(patient_id: UUID, *, limit: int = 20) -> list[ServiceRequest]:
    """A patient's rides, newest first, with details."""
    return list(
        ServiceRequest.objects.filter(patient_id=patient_id, kind="transport")
        .select_related("unit", "facility")
        .prefetch_related(_details())
        .order_by("-created_at")[:limit]
    )


def home_health_history(patient_id: UUID, *, limit: int = 10) -> list[ServiceRequest]:
    """A patient's home health orders, newest first, each with its ``order`` (a list of one). Two queries."""
    return list(
        ServiceRequest.objects.filter(patient_id=patient_id, kind="home_health")
        .prefetch_related(Prefetch("home_health_rows", to_attr="order"))
        .order_by("-created_at")[:limit]
    )


def payer_names(limit: int = 40) -> list[str]:
    """Payers that rides were booked with before, for a form's suggestions."""
    names = TransportDetail.objects.exclude(payer_name="").values_list("payer_name", flat=True)
    return sorted(set(names.distinct()[:limit]))


def known_before(patient_id: UUID) -> dict[str, Any]:
    """What the last booking of this patient knew and no chart tells: their own wheelchair, animal and interpreter."""
    booked = [status for status in LIVE if status != "draft"]
    rows = TransportDetail.objects.filter(request__patient_id=patient_id, request__status__in=[*booked, "completed"])
    last = rows.order_by("-request__created_at").first()
    if last is None:
        return {}
    known = {name: getattr(last, name) for name in ("chair", "chair_width_in", "chair_weight_lb", "service_animal")}
    needs = [need for need in last.needs if need == "interpreter"]
    return {name: value for name, value in {**known, "needs": needs}.items() if value}


def cost_center_options() -> list[tuple[str, str]]:
    """Cost centers in use as a form's choices: code, and code with name."""
    rows = CostCenter.objects.filter(is_active=True).values_list("code", "name")
    return [(code, f"{code}, {name}") for code, name in rows]


def destination_name(detail: TransportDetail | None) -> str:
    """Where a ride goes, in the words of a list: the place's name, ``Home, 18 Pier Rd``, or the address."""
    if detail is None:
        return ""
    if detail.place is not None:
        return detail.place.name
    return _end_name(detail.destination_kind, detail.destination_address)


def pickup_name(detail: TransportDetail | None) -> str:
    """Where a ride begins that does not begin at its unit, in the same words; empty for the unit."""
    if detail is None or not detail.pickup_kind:
        return ""
    if detail.pickup_place is not None:
        return detail.pickup_place.name
    return _end_name(detail.pickup_kind, detail.pickup_address)


def _end_name(kind: str, written: dict[str, Any] | None) -> str:
    address: dict[str, Any] = written or {}
    line = str(address.get("line", ""))
    if kind == "home":
        return f"Home, {line}" if line else "Home"
    return str(address.get("name") or line)


def today_of(zone: str) -> tuple[dt.datetime, dt.datetime]:
    """First moment of today and of tomorrow on the facility's calendar."""
    return clock.day_bounds(clock.today(zone), zone)


def _details() -> Prefetch:
    return Prefetch(
        "transport_rows", queryset=TransportDetail.objects.select_related("place", "pickup_place"), to_attr="details"
    )


def _details_of(request: ServiceRequest) -> list[TransportDetail]:
    return request.details  # type: ignore[attr-defined]


def _bed(encounter: Any, details: list[TransportDetail]) -> str:
    if encounter is not None and encounter.bed is not None:
        return encounter.bed.label
    return details[0].pickup_bed_label if details else ""
