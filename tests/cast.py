"""The fixed cast: Lakeshore and Prairie are health systems, Northbound and Tamarack are vendors.

Northbound works for both health systems, Tamarack for Lakeshore only. Everybody's password is
``PASSWORD``. All people, places and companies are invented.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import transaction

from logistics.accounts import roles
from logistics.accounts.models import Facility, Membership, Organization, Unit
from logistics.accounts.services import organizations, people
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import Place
from vendors.models import (
    Contract,
    Credential,
    CrewMember,
    Network,
    Rate,
    Shift,
    ShiftCrew,
    Vehicle,
    VendorProfile,
)

PASSWORD = "correct horse battery staple"
RATES = {
    "AMB": ("22.00", "5.0", "2.10"),
    "WC": ("45.00", "0.0", "3.25"),
    "STR": ("118.00", "0.0", "4.50"),
    "BLS": ("420.00", "0.0", "9.50"),
}


@dataclass
class Cast:
    """Everything by name."""

    lakeshore: Organization
    prairie: Organization
    northbound: Organization
    tamarack: Organization
    people: dict[str, Membership] = field(default_factory=dict)
    facilities: dict[str, Facility] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    vehicles: dict[str, Vehicle] = field(default_factory=dict)
    crew: dict[str, CrewMember] = field(default_factory=dict)

    def staff(self, organization: Organization | None = None) -> Scope:
        """A scope of a health system (Lakeshore)."""
        return Scope.staff((organization or self.lakeshore).pk, actor_label="Test", actor_role="case_manager")

    def vendor(self, organization: Organization | None = None) -> Scope:
        """A scope of a vendor (Northbound)."""
        return Scope.vendor((organization or self.northbound).pk, actor_label="Test", actor_role="vendor_dispatcher")


def build_cast() -> Cast:
    """Make the cast in the current test database."""
    with transaction.atomic(), scoping.enter(Scope.system(actor_label="test")):
        made = {
            slug: organizations.create(
                kind=kind, name=name, short_name=name.split()[0], slug=slug, time_zone="America/Chicago"
            )
            for slug, kind, name in (
                ("lakeshore", "health_system", "Lakeshore Health"),
                ("prairie", "health_system", "Prairie Regional"),
                ("northbound", "vendor", "Northbound Medical"),
                ("tamarack", "vendor", "Tamarack Ambulance"),
                ("carrywell", "operator", "Carrywell Operations"),
            )
        }
        cast = Cast(made["lakeshore"], made["prairie"], made["northbound"], made["tamarack"])
        for slug, organization in made.items():
            for role in roles.roles_for(organization.kind):
                email = f"{role.replace('_', '.')}@{slug}.example"
                name = f"{role.replace('_', ' ').title()} of {organization.short_name}"
                _, membership = people.add(
                    organization=organization, email=email, name=name, role=role, password=PASSWORD
                )
                cast.people[f"{role}@{slug}"] = membership
    for slug, latitude in (("lakeshore", 43.05), ("prairie", 43.20)):
        _health_system(cast, made[slug], slug, latitude)
    for slug in ("northbound", "tamarack"):
        _supply(cast, made[slug], slug)
    return cast


def _health_system(cast: Cast, tenant: Organization, slug: str, latitude: float) -> None:
    with transaction.atomic(), scoping.enter(cast.staff(tenant)):
        facility = organizations.add_facility(
            name=f"{tenant.short_name} Medical Center", short_name=tenant.short_name, code="HOSP",
            address="1 High St", city="Madison", state="WI", zip_code="53703", latitude=latitude,
            longitude=-89.40, time_zone="America/Chicago", phone="608 555 0100", entrance="Oak St entrance",
        )  # fmt: skip
        cast.facilities[slug] = facility
        for name, code in (("4 West", "4W"), ("4 East", "4E"), ("4 A", "4A")):
            cast.units[f"{code}@{slug}"] = organizations.add_unit(
                facility=facility, name=name, code=code, phone="608 555 0120"
            )
        cast.places[f"willow@{slug}"] = Place.objects.create(
            name="Willow Creek Skilled Nursing", aliases="willow wcsn", kind="snf", address="450 Creek Rd",
            city="Madison", state="WI", zip_code="53711", latitude=latitude - 0.05, longitude=-89.47,
            time_zone="America/Chicago", phone="608 555 0177", note="Ramp at rear",
        )  # fmt: skip
        vendors = [(cast.northbound, 1)] + ([(cast.tamarack, 2)] if slug == "lakeshore" else [])
        today = clock.today("America/Chicago")
        for vendor, tier in vendors:
            Network.objects.create(
                vendor=vendor, status="active", tier=tier, baa_signed_on=today - dt.timedelta(days=90)
            )
            contract = Contract.objects.create(
                vendor=vendor, version=1, status="draft", effective_from=today - dt.timedelta(days=60),
                signed_by_name="A. Signer", signed_at=clock.now(),
            )  # fmt: skip
            for level, (base, included, mile) in RATES.items():
                Rate.objects.create(
                    contract=contract, vendor_id=vendor.pk, level=level, base_amount=Decimal(base),
                    included_miles=Decimal(included), mile_amount=Decimal(mile),
                )  # fmt: skip
            Contract.objects.filter(pk=contract.pk).update(status="signed")


def _supply(cast: Cast, vendor: Organization, slug: str) -> None:
    now = clock.now()
    fleet = {
        "northbound": [("Northbound 3", "WC", ["AMB"], 2, 1, 0), ("Northbound 5", "WC", ["AMB"], 2, 1, 0)],
        "tamarack": [("Tamarack 7", "BLS", ["STR"], 0, 0, 1), ("Tamarack 12", "WC", ["AMB"], 2, 1, 0)],
    }[slug]
    with transaction.atomic(), scoping.enter(cast.vendor(vendor)):
        VendorProfile.objects.create(
            levels=["AMB", "WC", "STR", "BLS"] if slug == "tamarack" else ["AMB", "WC"],
            base_address="9 Depot Way", base_zip="53704", base_latitude=43.10, base_longitude=-89.35,
            dispatch_phone="608 555 0190",
        )  # fmt: skip
        ends = clock.today("America/Chicago") + dt.timedelta(days=300)
        for kind in ("vendor_license", "insurance"):
            Credential.objects.create(kind=kind, ends_on=ends, verified_by_name="Reviewer")
        for number, (name, level, also, seats, wheelchairs, stretchers) in enumerate(fleet):
            vehicle = Vehicle.objects.create(
                name=name, level=level, also_levels=also, seats=seats, wheelchairs=wheelchairs,
                stretchers=stretchers, lift_lb=800, door_in=32,
            )  # fmt: skip
            Credential.objects.create(kind="inspection", vehicle=vehicle, ends_on=ends, verified_by_name="Reviewer")
            cast.vehicles[name] = vehicle
            shift = Shift.objects.create(
                vehicle=vehicle, starts_at=now - dt.timedelta(hours=4), ends_at=now + dt.timedelta(hours=30)
            )
            crew_levels = ["emt", "emt"] if level == "BLS" else ["driver"]
            for place, crew_level in enumerate(crew_levels):
                key = f"{slug}-{number}-{place}"
                user = cast.people[f"driver@{slug}"].user_id if number == 0 and place == 0 else None
                member = CrewMember.objects.create(name=f"Sam {key.title()}", level=crew_level, user_id=user)
                kinds = ["driver_license", "cpr", "securement"] + (["emt_card"] if crew_level == "emt" else [])
                for kind in kinds:
                    Credential.objects.create(kind=kind, crew_member=member, ends_on=ends, verified_by_name="Reviewer")
                ShiftCrew.objects.create(shift=shift, crew_member=member)
                cast.crew[key] = member
