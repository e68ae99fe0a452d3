"""Builds the demo's fixed part through the services: organizations, sites, people, supply, contracts, feeds."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from itertools import count
from typing import Any

import zipcodes
from django.conf import settings
from django.db import transaction

from integrations.services import feeds
from logistics.accounts import demo, roles
from logistics.accounts.models import Membership, Organization, Unit
from logistics.accounts.services import organizations, people
from logistics.config.demo import level_rules
from logistics.config.demo.world import COMPANIES, HOSPITALS, Company, Hospital
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.services import places
from vendors.models import Shift, Vehicle
from vendors.services import contracts, fleet, network

# What the demo's vendors ask when a trip is called off.
CANCEL_TERMS: dict[str, Any] = {
    "cancel_free_minutes": 120,
    "cancel_late_amount": Decimal(25),
    "cancel_en_route_amount": Decimal(38),
    "cancel_at_door_amount": Decimal(55),
}
PAST_SHIFT_DAYS, SHIFT_DAYS = 8, 3
# Wards that nobody fills, for whoever tries the feed by hand.
HAND_WARDS = ("4A", "WARD7", "WARD9")
PLATFORM = Scope.system(actor_label="Demo seed", actor_role="operator")


def build_all() -> dict[str, Organization]:
    """Make everything that does not move with the clock. Returns organizations by slug."""
    made = _organizations()
    _people(made)
    for company in COMPANIES:
        _supply(made[company.slug], company)
    for hospital in HOSPITALS:
        _hospital(made, hospital)
    _own_units(made)
    level_rules.build(made["cedar-ridge"], admin_name="Alma Whitfield")
    write_simulator_file()
    return made


def _organizations() -> dict[str, Organization]:
    made: dict[str, Organization] = {}
    with transaction.atomic(), scoping.enter(PLATFORM):
        for hospital in HOSPITALS:
            made[hospital.slug] = organizations.create(
                kind="health_system",
                name=hospital.name,
                short_name=hospital.short_name,
                slug=hospital.slug,
                time_zone=hospital.zone,
                phone=hospital.facility["phone"],
            )
        for company in COMPANIES:
            made[company.slug] = organizations.create(
                kind="vendor",
                name=company.name,
                short_name=company.short_name,
                slug=company.slug,
                time_zone=company.zone,
                phone=company.phone,
            )
        made["carrywell"] = organizations.create(
            kind="operator",
            name="Carrywell Operations",
            short_name="Carrywell",
            slug="carrywell",
            time_zone="America/New_York",
        )
    return made


def _people(made: dict[str, Organization]) -> None:
    with transaction.atomic(), scoping.enter(PLATFORM):
        for person in demo.PEOPLE:
            user, _ = people.add(
                organization=made[person.organization],
                email=person.email,
                name=person.name,
                role=person.role,
                password=demo.PASSWORD,
            )
            if roles.ROLES[person.role].needs_second_factor:
                people.set_totp(user=user, secret=person.secret)


def _own_units(made: dict[str, Organization]) -> None:
    for person in demo.PEOPLE:
        if person.units:
            tenant = made[person.organization]
            with transaction.atomic(), scoping.enter(staff_scope(tenant)):
                ids = [str(pk) for pk in Unit.objects.filter(code__in=person.units).values_list("pk", flat=True)]
                Membership.objects.filter(user__email=person.email, organization=tenant).update(units=ids)


def _supply(vendor: Organization, company: Company) -> None:
    latitude, longitude = zip_location(company.base["zip"])
    with transaction.atomic(), scoping.enter(vendor_scope(vendor)):
        fleet.set_profile(
            levels=list(company.levels),
            base_address=company.base["address"],
            base_zip=company.base["zip"],
            base_latitude=latitude,
            base_longitude=longitude,
            radius_miles=60,
            dispatch_phone=company.phone,
        )
        today = clock.today(company.zone)
        number = count(1)
        for kind in ("vendor_license", "insurance"):
            fleet.set_credential(kind=kind, ends_on=today + dt.timedelta(days=210), verified_by_name="Network review")
        names = iter(company.crew)
        drivers = {person.name: person for person in demo.PEOPLE if person.role == "driver"}
        for name, level, also, seats, wheelchairs, stretchers, crew_levels in company.fleet:
            vehicle = fleet.add_vehicle(
                name=name,
                level=level,
                also_levels=list(also),
                seats=seats,
                wheelchairs=wheelchairs,
                stretchers=stretchers,
                lift_lb=1000 if level == "WCB" else 800 if wheelchairs else 700,
                door_in=40 if level == "WCB" else 32,
                plate=f"{company.short_name[:2].upper()}{100 + next(number)}",
            )
            fleet.set_credential(
                kind="inspection",
                vehicle=vehicle,
                ends_on=today + dt.timedelta(days=120),
                verified_by_name="Network review",
            )
            crew = []
            for crew_level in crew_levels:
                person_name = next(names)
                user_id = None
                if person_name in drivers:
                    user_id = Membership.objects.get(user__email=drivers[person_name].email, role="driver").user_id
                member = fleet.add_crew_member(
                    name=person_name, level=crew_level, phone=f"574 555 0{200 + next(number)}", user_id=user_id
                )
                for order, kind in enumerate(fleet.CREDENTIALS_OF_CREW[crew_level]):
                    # One card in the fleet runs out soon, so that expiry can be seen at work.
                    days = 12 if person_name == "Kim Osgood" and kind == "cpr" else 140 + 31 * order
                    fleet.set_credential(
                        kind=kind,
                        crew_member=member,
                        ends_on=today + dt.timedelta(days=days),
                        verified_by_name="Network review",
                    )
                crew.append(member)
            for day in range(-PAST_SHIFT_DAYS, SHIFT_DAYS):
                start, end = clock.day_bounds(today + dt.timedelta(days=day), company.zone)
                fleet.add_shift(vehicle=vehicle, starts_at=start, ends_at=end, crew=crew)


def extend_shifts(made: dict[str, Organization]) -> None:
    """Put every vehicle on duty, with its last crew, until the day after tomorrow."""
    for company in COMPANIES:
        with transaction.atomic(), scoping.enter(vendor_scope(made[company.slug])):
            today = clock.today(company.zone)
            for vehicle in Vehicle.objects.all():
                last = Shift.objects.filter(vehicle=vehicle).order_by("-ends_at").first()
                crew = [row.crew_member for row in last.crew_rows.select_related("crew_member")] if last else []
                for day in range(-1, SHIFT_DAYS):
                    start, end = clock.day_bounds(today + dt.timedelta(days=day), company.zone)
                    if last and start >= last.ends_at and crew:
                        fleet.add_shift(vehicle=vehicle, starts_at=start, ends_at=end, crew=crew)


def _hospital(made: dict[str, Organization], hospital: Hospital) -> None:
    tenant = made[hospital.slug]
    with transaction.atomic(), scoping.enter(staff_scope(tenant)):
        facility = organizations.add_facility(**hospital.facility)
        for order, (code, name, _beds) in enumerate(hospital.units):
            organizations.add_unit(
                facility=facility, name=name, code=code, order=order, phone=f"{facility.phone} ext {4100 + order * 20}"
            )
        for place in hospital.places:
            places.add(**place)
        feeds.save(None, facility=facility, time_zone=hospital.zone, **hospital.feed)
        today = clock.today(hospital.zone)
        for company in COMPANIES:
            if hospital.slug not in company.serves:
                continue
            vendor = made[company.slug]
            network.connect(
                vendor=vendor,
                tier=company.serves[hospital.slug],
                baa_signed_on=today - dt.timedelta(days=200),
                baa_ends_on=today + dt.timedelta(days=500),
            )
            if not company.rates:
                continue
            contract = contracts.draft(
                vendor=vendor, effective_from=today - dt.timedelta(days=180), response_minutes=12
            )
            for level, (base, included, mile, minimum) in company.rates.items():
                contracts.set_rate(
                    contract=contract,
                    level=level,
                    base_amount=Decimal(base),
                    included_miles=Decimal(included),
                    mile_amount=Decimal(mile),
                    minimum_amount=Decimal(minimum),
                    wait_free_minutes=15,
                    wait_unit_amount=(Decimal(base) / 4).quantize(Decimal(1)),
                )
            contracts.set_cancel_terms(contract=contract, **CANCEL_TERMS)
            contracts.sign(contract=contract, signed_by_name="Otto Lindgren and the vendor")


def beds_of(hospital: Hospital) -> dict[str, list[tuple[str, str]]]:
    """Unit code → (room, bed) as the EHR names them."""
    return {
        code: [(str((400 if code[0] == "4" else 100) + number), "1") for number in range(1, beds + 1)]
        for code, _name, beds in hospital.units
    }


def seeded_beds(hospital: Hospital) -> list[tuple[str, str, str]]:
    """Beds of the patients whom the seed admits; the simulated EHR fills others, three small wards stay empty."""
    return [
        (code, room, bed)
        for code, places in beds_of(hospital).items()
        if code not in HAND_WARDS
        for number, (room, bed) in enumerate(places)
        if number % 5 not in (1, 3)
    ]


def simulator_feed(hospital: Hospital) -> dict[str, Any]:
    """What the simulated EHR is told about one hospital."""
    return {
        "port": settings.MLLP_PORT + hospital.feed["port_offset"],
        "facility": hospital.facility["code"],
        "sending_facility": hospital.facility["code"],
        "zone": hospital.zone,
        "units": [{"code": code, "beds": beds} for code, beds in beds_of(hospital).items() if code not in HAND_WARDS],
        "taken": seeded_beds(hospital),
        "homes": hospital.homes,
    }


def write_simulator_file() -> None:
    """Tell the EHR simulator which units and beds exist (it knows nothing else of the product)."""
    body = {"host": settings.MLLP_HOST, "feeds": [simulator_feed(hospital) for hospital in HOSPITALS]}
    settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
    (settings.RUN_DIR / "demo-ehr.json").write_text(json.dumps(body, indent=1))


def staff_scope(tenant: Organization, name: str = "Demo seed", role: str = "admin") -> Scope:
    """Work inside one of the demo's health systems."""
    return Scope.staff(tenant.pk, actor_label=name, actor_role=role)


def vendor_scope(vendor: Organization, name: str = "Demo seed", role: str = "vendor_admin") -> Scope:
    """Work inside one of the demo's vendors."""
    return Scope.vendor(vendor.pk, actor_label=name, actor_role=role)


def zip_location(code: str) -> tuple[float, float]:
    """Latitude and longitude of a ZIP code's center."""
    found = zipcodes.matching(code)
    return float(found[0]["lat"]), float(found[0]["long"])
