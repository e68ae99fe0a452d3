"""What a trip takes over from its request: times, places, load, and the sealed copy of the passenger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dispatch import policies
from dispatch.solver.problem import Stop
from dispatch.solver.travel import Travel
from logistics.core import clock, levels
from logistics.core.errors import DomainError
from logistics.core.money import nearest_tenth
from logistics.requests.models import ServiceRequest, TransportDetail
from logistics.requests.services import advice


@dataclass(frozen=True)
class Intake:
    """Columns for the trip and its leg, and the passenger's sealed details."""

    trip: dict[str, Any]
    leg: dict[str, Any]
    passenger: dict[str, Any]


def read(request: ServiceRequest) -> Intake:
    """Everything a trip needs from a confirmed transport request.

    Raises ``DomainError`` (``incomplete``) naming the fields that a person must fill in first.
    """
    detail = TransportDetail.objects.select_related("place").filter(request=request).first()
    if detail is None:
        raise DomainError("This request has no ride details.", code="incomplete")
    facility, place = request.facility, detail.place
    pickup_at = detail.ready_expected_at if detail.when == "ready" else detail.pickup_at
    if detail.when == "now":
        pickup_at = pickup_at or request.requested_at or clock.now()
    missing = {
        "pickup_at": pickup_at is None,
        "destination": place is None and detail.destination_latitude is None,
        "level": not detail.level,
    }
    if any(missing.values()):
        fields = {name: "Needed before a vendor can be asked." for name, gone in missing.items() if gone}
        raise DomainError("The ride is not complete.", code="incomplete", fields=fields)
    assert pickup_at is not None
    if place is not None:
        there = Stop(place.latitude, place.longitude)
    else:
        there = Stop(float(detail.destination_latitude or 0), float(detail.destination_longitude or 0))
    here = Stop(facility.latitude, facility.longitude)
    miles, minutes = way(here, there, pickup_at, facility.time_zone)
    return Intake(
        trip={
            "facility_id": facility.pk,
            "unit_id": request.unit_id,
            "level": detail.level,
            "when": detail.when or "at",
            "pickup_at": pickup_at,
            "pickup_latest_at": policies.window_end(detail.when, pickup_at),
            "time_zone": facility.time_zone,
            "destination_zone": (place.time_zone if place else detail.destination_zone) or facility.time_zone,
        },
        leg={
            "pickup_latitude": here.lat,
            "pickup_longitude": here.lon,
            "dropoff_latitude": there.lat,
            "dropoff_longitude": there.lon,
            "miles": miles,
            "minutes": minutes,
            **_need(request, detail, minutes),
        },
        passenger=_passenger(request, detail),
    )


def way(here: Stop, there: Stop, depart_at: dt.datetime, zone: str) -> tuple[Decimal, int]:
    """Road miles to a tenth and whole driving minutes between two places when leaving then."""
    local = clock.local(depart_at, zone)
    travel = Travel(epoch_minute=local.hour * 60 + local.minute)
    miles = nearest_tenth(Decimal(str(travel.miles(here, there))))
    return miles, max(1, round(travel.minutes(here, there, 0.0)))


def _need(request: ServiceRequest, detail: TransportDetail, minutes: int) -> dict[str, Any]:
    """Load, capabilities and isolation: what a vehicle must offer, without saying whom it carries."""
    isolation = request.patient.isolation or ("airborne" if "airborne" in detail.needs else "")
    isolation = isolation or ("contact" if "isolation" in detail.needs else "")
    weight = detail.weight_lb or request.patient.weight_lb
    required, _ = advice.required_capabilities(
        mobility=detail.mobility,
        needs=detail.needs,
        oxygen_lpm=detail.oxygen_lpm,
        weight_lb=weight,
        isolation=isolation,
        minutes=minutes,
    )
    place = detail.place
    address = detail.destination_address or {}
    load = policies.load_of(
        level=detail.level, mobility=detail.mobility, weight_lb=weight, companions=detail.companions
    )
    return {
        "load": {
            **load,
            "width_in": None,
            "oxygen_lpm": float(detail.oxygen_lpm) if detail.oxygen_lpm is not None else None,
            "patient_lb": weight,
            "mobility": detail.mobility,
            "needs": [need for need in detail.needs if need in policies.NEED_WORDS],
            "companions": detail.companions,
            "pickup_zone": policies.zone_words(request.facility.city, request.facility.zip_code),
            "dropoff_zone": policies.zone_words(
                place.city if place else address.get("city", ""),
                place.zip_code if place else address.get("zip_code", ""),
            ),
        },
        # A person who confirmed a lower level than advised decided so with a reason: the level is what is sent.
        "requires": sorted(required & levels.LEVELS[detail.level].offers),
        "isolation": isolation,
    }


def _passenger(request: ServiceRequest, detail: TransportDetail) -> dict[str, Any]:
    patient, facility, place = request.patient, request.facility, detail.place
    if place is not None:
        destination = {
            "name": place.name, "line": place.address, "city": place.city, "state": place.state,
            "zip_code": place.zip_code, "note": place.note, "phone": place.phone,
        }  # fmt: skip
    else:
        home = detail.destination_address or {}
        destination = {key: home.get(key, "") for key in ("line", "city", "state", "zip_code")}
        destination |= {"name": "Home" if detail.destination_kind == "home" else "", "note": "", "phone": ""}
    return {
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "phone": patient.phone,
        "language": patient.language,
        "pickup": {
            "facility": facility.name,
            "unit": request.unit.name if request.unit else "",
            "bed": detail.pickup_bed_label,
            "contact": detail.pickup_contact,
            "entrance": facility.entrance,
            "address": ", ".join((facility.address, facility.city, f"{facility.state} {facility.zip_code}")),
        },
        "destination": destination,
        "needs": list(detail.needs),
        "oxygen_lpm": float(detail.oxygen_lpm) if detail.oxygen_lpm is not None else None,
        "weight_lb": detail.weight_lb or patient.weight_lb,
        "isolation": patient.isolation,
        "companions": detail.companions,
        "driver_note": detail.driver_note,
        "payer_name": detail.payer_name or patient.payer_name,
    }
