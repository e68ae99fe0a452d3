"""How far a health system's set-up has come, and its imports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integrations.imports.sheets import BY_KIND, SHEETS
from integrations.models import Feed, ImportBatch
from logistics.accounts.models import Facility, Membership, Unit
from logistics.core import clock
from logistics.requests.models import Place, ServiceRequest, StandingOrder
from vendors.models import Contract, Credential, CrewMember, Network, Shift, Vehicle


@dataclass(frozen=True)
class Step:
    """One step of the set-up: ``count`` rows exist, ``enough`` says whether the next step can begin.

    ``kinds`` are the sheets that fill it; ``view`` is the page where the same is done by hand.
    """

    title: str
    why: str
    count: int
    unit: str
    enough: bool
    kinds: tuple[str, ...] = ()
    view: str = ""
    view_label: str = ""
    needed: bool = True

    @property
    def sheets(self) -> list[Any]:
        """The sheets with their words."""
        return [BY_KIND[kind] for kind in self.kinds]


def steps(tenant_id: Any) -> list[Step]:
    """The set-up in order, with what exists. Sixteen queries at most, whatever the size."""
    signed = Contract.objects.filter(status="signed").count()
    active = Network.objects.filter(status="active", baa_signed_on__isnull=False).count()
    vehicles, crews = Vehicle.objects.count(), CrewMember.objects.count()
    papers = Credential.objects.count()
    shifts = Shift.objects.filter(ends_at__gt=clock.now()).count()
    people = Membership.objects.filter(organization_id=tenant_id, is_active=True)
    bookers = people.filter(role__in=["case_manager", "transport_coordinator"]).count()
    booked = ServiceRequest.objects.exclude(status="draft").count()

    def step(title: str, why: str, count: int, unit: str, **more: Any) -> Step:
        more.setdefault("enough", count > 0)
        return Step(title, why, count, unit, **more)

    return [
        step("Sites", "Rides start here", Facility.objects.count(), "site", kinds=("sites",),
             view="accounts:sites", view_label="Sites and units"),
        step("Units", "Each with the code that the EHR sends", Unit.objects.count(), "unit", kinds=("units",),
             view="accounts:sites", view_label="Sites and units"),
        step("People", "At least one case manager or coordinator, to book", people.count(), "role",
             enough=bookers > 0, kinds=("people",), view="accounts:people", view_label="People and roles"),
        step("Vendors", "With a signed business associate agreement: without it nothing is offered", active,
             "active vendor", kinds=("vendors",), view="vendors:network", view_label="Vendors"),
        step("Fleets", "Vehicles and crews that can be matched", min(vehicles, crews), "crewed vehicle",
             kinds=("vehicles", "crews")),
        step("Papers", "Licenses, insurance and cards: what has ended is not offered", papers, "credential",
             kinds=("credentials",)),
        step("Shifts", "A ride within 12 hours goes to a vehicle on duty", shifts, "coming shift", kinds=("shifts",),
             needed=False),
        step("Contracts", "A ride is offered at a signed rate only", signed, "signed contract", kinds=("rates",),
             view="vendors:contracts", view_label="Contracts"),
        step("Address book", "Where your patients go", Place.objects.filter(is_active=True).count(), "place",
             kinds=("places",), view="requests:places", view_label="Address book"),
        step("Recurring trips", "Dialysis and therapy, from home and back", StandingOrder.objects.count(), "series",
             kinds=("standing_orders",), view="requests:standing", view_label="Recurring trips", needed=False),
        step("EHR feed", "Discharge messages draft rides by themselves", Feed.objects.filter(is_active=True).count(),
             "feed", view="integrations:feeds", view_label="Feeds", needed=False),
        step("First ride", "Book it", booked, "booked ride", view="dispatch:book", view_label="Book a trip"),
    ]  # fmt: skip


def next_step(found: list[Step]) -> Step | None:
    """The first step that is needed and not done."""
    return next((step for step in found if step.needed and not step.enough), None)


def batch_list(limit: int = 20) -> list[ImportBatch]:
    """The latest imports, without their files."""
    return list(ImportBatch.objects.defer("files", "report")[:limit])


def template_rows(kind: str) -> tuple[list[str], list[list[str]]]:
    """Header and example row of a sheet. Raises ``KeyError`` for an unknown kind."""
    sheet = BY_KIND[kind]
    return sheet.header, [[column.example for column in sheet.columns]]


__all__ = ["SHEETS", "Step", "batch_list", "next_step", "steps", "template_rows"]
