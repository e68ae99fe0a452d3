"""What the benchmarks measure with: health systems, vendors with full fleets, confirmed rides. All invented."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dispatch.models import Trip
from dispatch.services import trips
from integrations.models import Feed
from logistics.accounts.models import Facility, Membership, Organization, Unit
from logistics.accounts.services import organizations, people
from logistics.core import clock
from logistics.core.scoping import Scope
from logistics.requests.models import Patient, Place, ServiceRequest, TransportDetail
from logistics.requests.services.transitions import request_to
from tests.cast import PASSWORD
from tests.support import act_as
from vendors.policies import CREDENTIALS_OF_CREW
from vendors.services import contracts, fleet, network

ZONE = "America/Chicago"
PLATFORM = Scope.system(actor_label="bench")
FAMILIES = ("Abara", "Brandt", "Castillo", "Dube", "Eriksen", "Farouk", "Gruber", "Hadley", "Ito", "Jansen")
GIVEN = ("Agnes", "Bela", "Carmen", "Dov", "Edith", "Femi", "Greta", "Hugo", "Ines", "Jonas")
# Name, also runs, seats, wheelchairs, stretchers, crew: a mixed fleet as a mid-sized company has it.
FLEET = (
    ("WC", ["AMB"], 2, 2, 0, ["driver"]),
    ("WC", ["AMB"], 2, 1, 0, ["driver"]),
    ("AMB", [], 3, 0, 0, ["driver"]),
    ("WC", ["AMB"], 2, 2, 0, ["driver"]),
    ("STR", [], 1, 0, 1, ["driver", "attendant"]),
    ("BLS", ["STR"], 1, 0, 1, ["emt", "emt"]),
    ("BLS", ["STR"], 1, 0, 1, ["emt", "emt"]),
    ("WC", ["AMB"], 2, 1, 0, ["driver"]),
)
RATES = {"AMB": ("22.00", "2.10"), "WC": ("45.00", "3.25"), "STR": ("118.00", "4.50"), "BLS": ("420.00", "9.50")}
MOBILITY = {"AMB": "walks", "WC": "wheelchair", "STR": "lies", "BLS": "lies"}


@dataclass
class House:
    """One health system with its site, its units by code, its places, its vendors and its people by role."""

    organization: Organization
    facility: Facility
    units: dict[str, Unit] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    vendors: list[Organization] = field(default_factory=list)
    people: dict[str, Membership] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """Work inside this health system."""
        return Scope.staff(self.organization.pk, actor_label="Bench", actor_role="transport_coordinator")


def build_house(slug: str, *, vendors: int = 0, units: tuple[str, ...] = ("4W", "4E")) -> House:
    """A health system in Madison with a silent MLLP feed and ``vendors`` companies of eight vehicles."""
    dice = random.Random(slug)
    with act_as(PLATFORM):
        tenant = organizations.create(
            kind="health_system", name=f"{slug.title()} Health", short_name=slug.title(), slug=slug, time_zone=ZONE
        )
        _, manager = people.add(
            organization=tenant, email=f"manager@{slug}.example", name="Dana Morales", role="case_manager",
            password=PASSWORD,
        )  # fmt: skip
    with act_as(Scope.staff(tenant.pk, actor_label="Bench", actor_role="admin")):
        facility = organizations.add_facility(
            name=f"{slug.title()} Medical Center", short_name=slug.title(), code="HOSP", address="1 High St",
            city="Madison", state="WI", zip_code="53703", latitude=43.07, longitude=-89.40, time_zone=ZONE,
            phone="608 555 0100", entrance="Oak St entrance",
        )  # fmt: skip
        house = House(tenant, facility, people={"case_manager": manager})
        for order, code in enumerate(units):
            house.units[code] = organizations.add_unit(
                facility=facility, name=f"Unit {code}", code=code, phone="608 555 0120", order=order
            )
        for number in range(12):
            house.places.append(
                Place.objects.create(
                    name=f"{FAMILIES[number % 10]} House {number}", kind="dialysis" if number % 4 == 0 else "snf",
                    address=f"{100 + number} Creek Rd", city="Madison", state="WI", zip_code="53711",
                    latitude=43.07 + dice.uniform(-0.12, 0.12), longitude=-89.40 + dice.uniform(-0.15, 0.15),
                    time_zone=ZONE, phone="608 555 0177", note="Ramp at rear",
                )
            )  # fmt: skip
        Feed.objects.create(name="EHR ADT", time_zone=ZONE, facility=facility, is_active=False)
    for number in range(vendors):
        house.vendors.append(_company(house, slug, number, dice))
    return house


@contextlib.contextmanager
def listening(house: House) -> Iterator[Feed]:
    """The house's feed switched on for the block: its listener has the stack's first MLLP port."""
    with act_as(house.scope):
        Feed.objects.update(is_active=True)
        feed = Feed.objects.get()
    try:
        yield feed
    finally:
        with act_as(house.scope):
            Feed.objects.update(is_active=False)


def _company(house: House, slug: str, number: int, dice: random.Random) -> Organization:
    name = f"{FAMILIES[number]} Transport"
    with act_as(PLATFORM):
        vendor = organizations.create(
            kind="vendor", name=f"{name} {slug}", short_name=name, slug=f"{slug}-v{number}", time_zone=ZONE
        )
        _, dispatcher = people.add(
            organization=vendor, email=f"dispatcher@{slug}-v{number}.example", name="Jo Tran",
            role="vendor_dispatcher", password=PASSWORD,
        )  # fmt: skip
    house.people[f"dispatcher {number}"] = dispatcher
    today, now = clock.today(ZONE), clock.now()
    ends = today + dt.timedelta(days=300)
    with act_as(Scope.vendor(vendor.pk, actor_label="Bench", actor_role="vendor_admin")):
        fleet.set_profile(
            levels=list(RATES), base_address="9 Depot Way", base_zip="53704",
            base_latitude=43.07 + dice.uniform(-0.08, 0.08), base_longitude=-89.40 + dice.uniform(-0.1, 0.1),
            radius_miles=60, dispatch_phone="608 555 0190",
        )  # fmt: skip
        for kind in ("vendor_license", "insurance"):
            fleet.set_credential(kind=kind, ends_on=ends, verified_by_name="Reviewer")
        for place, (level, also, seats, wheelchairs, stretchers, crew) in enumerate(FLEET):
            vehicle = fleet.add_vehicle(
                name=f"{FAMILIES[number]} {place + 1}", level=level, also_levels=also, seats=seats,
                wheelchairs=wheelchairs, stretchers=stretchers, lift_lb=800, door_in=32,
            )  # fmt: skip
            fleet.set_credential(kind="inspection", vehicle=vehicle, ends_on=ends, verified_by_name="Reviewer")
            members = []
            for seat, crew_level in enumerate(crew):
                member = fleet.add_crew_member(name=f"{GIVEN[seat]} {FAMILIES[place]}-{number}", level=crew_level)
                for kind in CREDENTIALS_OF_CREW[crew_level]:
                    fleet.set_credential(kind=kind, crew_member=member, ends_on=ends, verified_by_name="Reviewer")
                members.append(member)
            fleet.add_shift(
                vehicle=vehicle, starts_at=now - dt.timedelta(hours=6), ends_at=now + dt.timedelta(hours=30),
                crew=members,
            )  # fmt: skip
    with act_as(house.scope):
        network.connect(vendor=vendor, tier=1 + number % 3, baa_signed_on=today - dt.timedelta(days=90))
        contract = contracts.draft(vendor=vendor, effective_from=today - dt.timedelta(days=60))
        for level, (base, mile) in RATES.items():
            contracts.set_rate(
                contract=contract, level=level, base_amount=Decimal(base) + number, mile_amount=Decimal(mile)
            )
        contracts.sign(contract=contract, signed_by_name="A. Signer")
    return vendor


def book(house: House, number: int, *, pickup_at: dt.datetime, level: str = "WC", **detail: Any) -> ServiceRequest:
    """A confirmed ride of a patient of its own. The caller has the house's scope open."""
    unit = list(house.units.values())[number % len(house.units)]
    patient = Patient.objects.create(
        family_name=FAMILIES[number % 10], given_name=GIVEN[number // 10 % 10], sex="FM"[number % 2],
        birth_date=f"19{30 + number % 60}-03-14", phone="608 555 0142", mrn=f"{700000 + number}",
        payer_name="Medicare",
    )  # fmt: skip
    request = ServiceRequest.objects.create(
        patient=patient, facility=house.facility, unit=unit, requested_by_name="Dana Morales"
    )
    fields: dict[str, Any] = {
        "when": "at", "pickup_at": pickup_at, "pickup_bed_label": f"{unit.code}-{number % 30:02d}",
        "place": house.places[number % len(house.places)], "destination_kind": "place",
        "mobility": MOBILITY[level], "level": level, "needs": [], "weight_lb": 180, "companions": number % 2,
    }  # fmt: skip
    TransportDetail.objects.create(request=request, **(fields | detail))
    request_to(request, "requested")
    return request


def open_trip(house: House, number: int, *, pickup_at: dt.datetime, level: str = "WC", **detail: Any) -> Trip:
    """The trip of such a ride, not yet matched. The caller has the house's scope open."""
    trip = trips.open_for_request(book(house, number, pickup_at=pickup_at, level=level, **detail).pk)
    assert trip is not None
    return trip
