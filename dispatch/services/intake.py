"""What a trip takes over from its request: times, places, load, and the sealed copy of the passenger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from dispatch import policies
from dispatch.services import router
from dispatch.solver.problem import Stop
from logistics.core import clock, levels
from logistics.core.errors import DomainError
from logistics.requests.models import Place, ServiceRequest, TransportDetail
from logistics.requests.services import advice, fit, rule_sets

# A behavior that needs a second crew member is two people in the vehicle, whatever its level.
BEHAVIOR_CREW = 2


@dataclass(frozen=True)
class Intake:
    """Columns for the trip and its leg, and the passenger's sealed details."""

    trip: dict[str, Any]
    leg: dict[str, Any]
    passenger: dict[str, Any]


@dataclass(frozen=True)
class End:
    """One end of a ride: where it is, on whose clock, and the part of it that a vendor may learn before it accepts."""

    stop: Stop
    zone: str
    words: str


def read(request: ServiceRequest) -> Intake:
    """Everything a trip needs from a confirmed transport request.

    Raises ``DomainError`` (``incomplete``) naming the fields that a person must fill in first.
    """
    rows = TransportDetail.objects.select_related("place", "pickup_place").filter(request=request)
    detail = rows.first()
    if detail is None:
        raise DomainError("This request has no ride details.", code="incomplete")
    pickup_at = _pickup_at(request, detail)
    missing = {
        "pickup_at": pickup_at is None,
        "pickup": bool(detail.pickup_kind) and detail.pickup_place is None and detail.pickup_latitude is None,
        "destination": detail.place is None and detail.destination_latitude is None,
        "level": not detail.level,
    }
    if any(missing.values()):
        fields = {name: "Needed before a vendor can be asked." for name, gone in missing.items() if gone}
        raise DomainError("The ride is not complete.", code="incomplete", fields=fields)
    assert pickup_at is not None
    return of(request, detail, pickup_at)


def of(request: ServiceRequest, detail: TransportDetail, pickup_at: dt.datetime) -> Intake:
    """The same for rows that are complete, stored or not: a preview and a trip are read by one code.

    ``pickup_at`` is when the pickup is wanted or foreseen.
    """
    here, there = pickup_end(request, detail), dropoff_end(request, detail)
    way = router.route(here.stop, there.stop, pickup_at, here.zone)
    return Intake(
        trip={
            "facility_id": request.facility_id,
            "unit_id": request.unit_id,
            "level": detail.level,
            "when": detail.when or "at",
            "pickup_at": pickup_at,
            "pickup_latest_at": policies.window_end(detail.when, pickup_at),
            "time_zone": here.zone,
            "destination_zone": there.zone,
        },
        leg={
            "pickup_latitude": here.stop.lat,
            "pickup_longitude": here.stop.lon,
            "dropoff_latitude": there.stop.lat,
            "dropoff_longitude": there.stop.lon,
            "miles": way.miles,
            "minutes": way.minutes,
            "way_basis": way.basis,
            **_need(request, detail, way.minutes, here, there),
        },
        passenger=_passenger(request, detail),
    )


def pickup_end(request: ServiceRequest, detail: TransportDetail) -> End:
    """Where the ride begins: the site of its unit, unless the request names another place."""
    facility, place = request.facility, detail.pickup_place
    if not detail.pickup_kind:
        words = policies.zone_words(facility.city, facility.zip_code)
        return End(Stop(facility.latitude, facility.longitude), facility.time_zone, words)
    return _end(
        place, detail.pickup_latitude, detail.pickup_longitude, detail.pickup_zone, detail.pickup_address, facility
    )


def dropoff_end(request: ServiceRequest, detail: TransportDetail) -> End:
    """Where the ride ends."""
    return _end(
        detail.place,
        detail.destination_latitude,
        detail.destination_longitude,
        detail.destination_zone,
        detail.destination_address,
        request.facility,
    )


def _end(
    place: Place | None, lat: float | None, lon: float | None, zone: str, address: dict[str, Any] | None, facility: Any
) -> End:
    if place is not None:
        words = policies.zone_words(place.city, place.zip_code)
        return End(Stop(place.latitude, place.longitude), place.time_zone or facility.time_zone, words)
    written = address or {}
    words = policies.zone_words(str(written.get("city", "")), str(written.get("zip_code", "")))
    return End(Stop(float(lat or 0), float(lon or 0)), zone or facility.time_zone, words)


def _pickup_at(request: ServiceRequest, detail: TransportDetail) -> dt.datetime | None:
    if detail.when == "ready":
        return detail.ready_expected_at
    if detail.when == "now":
        return detail.pickup_at or request.requested_at or clock.now()
    return detail.pickup_at


def _need(request: ServiceRequest, detail: TransportDetail, minutes: int, here: End, there: End) -> dict[str, Any]:
    """Load, capabilities and isolation: what a vehicle must offer, without saying whom it carries."""
    isolation = request.patient.isolation or ("airborne" if "airborne" in detail.needs else "")
    isolation = isolation or ("contact" if "isolation" in detail.needs else "")
    weight = detail.weight_lb or request.patient.weight_lb
    # By the rules that advised it; a preview, which nobody confirmed yet, by those in force.
    rules = rule_sets.of_version(detail.level_rules_version) if detail.level_advised else None
    needed = advice.advise(
        mobility=detail.mobility,
        needs=detail.needs,
        oxygen_lpm=detail.oxygen_lpm,
        weight_lb=weight,
        isolation=isolation,
        minutes=minutes,
        chair=detail.chair,
        chair_width_in=detail.chair_width_in,
        chair_weight_lb=detail.chair_weight_lb,
        pickup_steps=detail.pickup_steps,
        dropoff_steps=detail.dropoff_steps,
        oxygen_cylinder=detail.oxygen_cylinder,
        rules=rules,
    )
    level = levels.LEVELS[detail.level]
    load = policies.load_of(
        level=detail.level,
        mobility=detail.mobility,
        weight_lb=weight,
        companions=detail.companions,
        chair_lb=fit.chair_lb(detail.chair, detail.chair_weight_lb),
    )
    return {
        "load": {
            **load,
            "width_in": detail.chair_width_in if load["wheelchairs"] else None,
            "device": fit.device_of(detail.chair) if load["wheelchairs"] else "",
            "min_crew": _crew(detail, weight),
            "oxygen_lpm": float(detail.oxygen_lpm) if detail.oxygen_lpm is not None else None,
            "patient_lb": weight,
            "mobility": detail.mobility,
            "needs": [need for need in _needs(detail) if need in policies.NEED_WORDS],
            "companions": detail.companions,
            "pickup_zone": here.words,
            "dropoff_zone": there.words,
        },
        # A person who confirmed a lower level than advised decided so with a reason: the level is what is sent.
        "requires": sorted((needed.required & level.offers) | (needed.extras & level.may_have)),
        "isolation": isolation,
    }


def _crew(detail: TransportDetail, weight: int | None) -> int:
    """People that the ride takes beside those of its level: on stairs without a lift, and for behavior."""
    people = BEHAVIOR_CREW if "behavior" in detail.needs else 1
    steps = max(detail.pickup_steps or 0, detail.dropoff_steps or 0)
    if steps and detail.mobility != "walks":
        # Without a weight two people carry; above every stair chair's rating the page says that there is no way.
        people = max(people, fit.stair_people(weight_lb=weight or 0, steps=steps) or people)
    return people


def _needs(detail: TransportDetail) -> list[str]:
    return [*detail.needs, *(["service_animal"] if detail.service_animal else [])]


def _passenger(request: ServiceRequest, detail: TransportDetail) -> dict[str, Any]:
    patient = request.patient
    return {
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "phone": patient.phone,
        "language": patient.language,
        "pickup": _pickup(request, detail),
        "destination": _place(detail.place, detail.destination_kind, detail.destination_address),
        "needs": _needs(detail),
        "oxygen_lpm": float(detail.oxygen_lpm) if detail.oxygen_lpm is not None else None,
        "weight_lb": detail.weight_lb or patient.weight_lb,
        "isolation": patient.isolation,
        "companions": detail.companions,
        "access": _access(detail),
        "people": _people(detail),
        "driver_note": detail.driver_note,
        "payer_name": detail.payer_name or patient.payer_name,
    }


def _pickup(request: ServiceRequest, detail: TransportDetail) -> dict[str, Any]:
    facility = request.facility
    if not detail.pickup_kind:
        return {
            "facility": facility.name,
            "unit": request.unit.name if request.unit else "",
            "bed": detail.pickup_bed_label,
            "contact": detail.pickup_contact,
            "entrance": facility.entrance,
            "address": ", ".join((facility.address, facility.city, f"{facility.state} {facility.zip_code}")),
        }
    place = _place(detail.pickup_place, detail.pickup_kind, detail.pickup_address)
    # An address that is no place of the address book is somebody's own: shown to whom a destination is shown.
    private = detail.pickup_place is None
    return place | {"contact": detail.pickup_contact, "entrance": place["note"], "private": private}


def _place(place: Place | None, kind: str, address: dict[str, Any] | None) -> dict[str, Any]:
    if place is not None:
        return {
            "name": place.name, "line": place.address, "city": place.city, "state": place.state,
            "zip_code": place.zip_code, "note": place.note, "phone": place.phone,
        }  # fmt: skip
    written = address or {}
    parts = {key: written.get(key, "") for key in ("line", "city", "state", "zip_code")}
    return parts | {"name": "Home" if kind == "home" else str(written.get("name", "")), "note": "", "phone": ""}


def _access(detail: TransportDetail) -> list[str]:
    """What a crew must reckon with at the doors and of the patient's own devices, in short words."""
    words = []
    if detail.chair:
        width = f", {detail.chair_width_in} in wide" if detail.chair_width_in else ""
        words.append(f"Own {fit.CHAIR_WORDS[detail.chair]}{width}")
    for steps, where in ((detail.pickup_steps, "pickup"), (detail.dropoff_steps, "drop-off")):
        if steps:
            words.append(f"{steps} steps at the {where}, no lift")
    if detail.oxygen_cylinder:
        pressure = f" at {detail.oxygen_psi} psi" if detail.oxygen_psi is not None else ""
        words.append(f"{detail.get_oxygen_cylinder_display()}{pressure}")
    return words


def _people(detail: TransportDetail) -> list[str]:
    """Who rides along and who takes over, by name."""
    words = []
    if detail.escort_name:
        words.append(f"Rides along: {detail.escort_name}")
    if detail.receiver_name:
        words.append(f"Hand over to {detail.receiver_name}")
    if detail.accepting_clinician:
        bed = f", bed {detail.accepting_bed}" if detail.accepting_bed else ""
        words.append(f"Accepted by {detail.accepting_clinician}{bed}")
    return words
