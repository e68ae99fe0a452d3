"""The demo's equipment: a supplier with stock, one delivered bed, one late concentrator, one item below par, a loan."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch.models import EquipmentOffer, EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment import closet, delivering, orders, suppliers
from dispatch.services.equipment.proving import Received, prove
from logistics.accounts.models import Organization
from logistics.config.demo import build
from logistics.config.demo.days import settle
from logistics.core import clock, equipment, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import Encounter, EquipmentItem, Patient
from logistics.requests.services import equipment as demand
from logistics.requests.services import places
from logistics.requests.services.equipment import Asked, Order
from vendors.models import ClosetItem, CrewMember
from vendors.services import fleet, stock

HOUR = dt.timedelta(hours=1)
DRIVER = "Marcus Bell"
# Code, size, on the shelf, par, place.
DEPOT = (
    ("E0260", "", 5, 3, "Hall A"), ("E0303", "", 1, 1, "Hall A"), ("E1390", "", 6, 4, "Row 1"),
    ("E1392", "", 3, 2, "Row 1"), ("E0431", "", 8, 4, "Gas store"), ("E0143", "Adult", 1, 4, "Row 3"),
    ("E0143", "Tall", 3, 2, "Row 3"), ("E0143", "Junior", 2, 1, "Row 3"), ("E0135", "Adult", 4, 2, "Row 3"),
    ("E0163", "", 6, 4, "Row 4"), ("K0001", "18 in", 4, 3, "Row 5"), ("K0001", "20 in", 2, 1, "Row 5"),
    ("E0601", "", 3, 2, "Row 2"), ("E0570", "", 4, 2, "Row 2"), ("E2402", "", 2, 1, "Row 2"),
)  # fmt: skip
CLOSET = (("E1390", "", 3, 2), ("E0143", "Adult", 4, 3), ("E0163", "", 1, 2))


def build_supply(made: dict[str, Organization]) -> None:
    """Catalogs, the supplier's depot with its driver, and the hospital's loaner closet."""
    for slug in ("cedar-ridge", "lakemont"):
        with transaction.atomic(), scoping.enter(build.staff_scope(made[slug])):
            demand.add_starter()
    with transaction.atomic(), scoping.enter(_coordinator(made["dunes"])):
        fleet.add_crew_member(name=DRIVER, level="driver", phone="574 555 0231")
        for code, size, count, par, place in DEPOT:
            _shelve(code, size, count, par, f"DN-{code}", place=place)
    with transaction.atomic(), scoping.enter(build.staff_scope(made["cedar-ridge"])):
        for code, size, count, par in CLOSET:
            _shelve(code, size, count, par, f"CR-{code}", place="Closet 4 West")


def live(made: dict[str, Organization]) -> int:
    """Five patients of the first hospital with equipment at every stage. Returns how many orders were made."""
    tenant, supplier, now = made["cedar-ridge"], made["dunes"], clock.now()
    with transaction.atomic(), scoping.enter(_desk(tenant)):
        stays = Encounter.objects.filter(status="in_house", unit__code__in=["5N", "3S"], requests__isnull=True)
        people = [stay.patient for stay in stays.select_related("patient").order_by("bed__label")[:5]]
        codes = {item.code: item.pk for item in EquipmentItem.objects.all()}
    if len(people) < 5:
        return 0
    bed, oxygen, walker, asked, lent = people
    with clock.pretend(now - 20 * HOUR):
        first = _order(tenant, bed, [Asked(codes["E0260"]), Asked(codes["E0163"])], hours=16)
        _accept(supplier, first)
    with clock.pretend(now - 6 * HOUR):
        _send(supplier, first, now - 5 * HOUR)
    with clock.pretend(now - 5 * HOUR):
        _hand_over(supplier, first)
    with clock.pretend(now - 4 * HOUR):
        second = _order(tenant, oxygen, [Asked(codes["E1390"]), Asked(codes["E0431"], quantity=2)], hours=5)
        _accept(supplier, second)
        with transaction.atomic(), scoping.enter(_coordinator(supplier)):
            delivering.schedule(second.pk, expected_at=now + HOUR / 2, crew_member_id=_driver())
            delivering.slip(second.pk, expected_at=now + 3 * HOUR, code="vehicle")
        settle()
    with clock.pretend(now - 2 * HOUR):
        third = _order(tenant, walker, [Asked(codes["E0143"], "Adult", 2)], hours=9)
        _accept(supplier, third)
    _order(tenant, asked, [Asked(codes["K0001"], "18 in"), Asked(codes["E0163"])], hours=7)
    with clock.pretend(now - 9 * 24 * HOUR):
        loan = _order(tenant, lent, [Asked(codes["E1390"])], hours=5)
        _lend(tenant, loan)
    return 5


def _shelve(code: str, size: str, count: int, par: int, prefix: str, *, place: str) -> None:
    known = equipment.BY_CODE[code]
    item = stock.add_item(code=code, name=known.name, size=size, par=par, serialised=known.serialised, place=place)
    serials = [f"{prefix}-{size[:2].strip()}{number:03d}" for number in range(1, count + 1)]
    stock.receive(item_id=item.pk, quantity=count, serials=serials if known.serialised else [])


def _order(tenant: Organization, patient: Patient, lines: list[Asked], *, hours: float) -> EquipmentOrder:
    with transaction.atomic(), scoping.enter(_desk(tenant)):
        today = clock.today(tenant.time_zone)
        home = places.home_address(patient)
        stay = Encounter.objects.filter(patient=patient).select_related("facility").order_by("-created_at")[0]
        assert stay.facility is not None
        order = Order(
            lines=lines,
            where="home",
            deliver_by_at=clock.now() + hours * HOUR,
            address=home,
            contact_name="Daughter",
            contact_phone=patient.phone,
            setup_note="Ground floor, ring twice",
            papers={
                "practitioner_name": "Dr. Amara Lund", "practitioner_npi": "1093817465", "ordered_on": today,
                "signed_on": today, "face_to_face_on": today,
            },
        )  # fmt: skip
        key = f"demo-equipment-{patient.pk}"
        request = demand.place(patient=patient, order=order, facility=stay.facility, key=key[:64])
    settle()
    with transaction.atomic(), scoping.enter(_desk(tenant)):
        return EquipmentOrder.objects.filter(request=request).order_by("-created_at")[0]


def _accept(supplier: Organization, order: EquipmentOrder) -> None:
    with transaction.atomic(), scoping.enter(_coordinator(supplier)):
        suppliers.accept(EquipmentOffer.objects.get(order_id=order.pk, status="open").pk)
    settle()


def _send(supplier: Organization, order: EquipmentOrder, expected_at: dt.datetime) -> None:
    with transaction.atomic(), scoping.enter(_coordinator(supplier)):
        delivering.schedule(order.pk, expected_at=expected_at, crew_member_id=_driver())
        delivering.leave(order.pk)
    settle()


def _hand_over(supplier: Organization, order: EquipmentOrder) -> None:
    with transaction.atomic(), scoping.enter(_coordinator(supplier)):
        pieces = {line.pk: line.quantity for line in EquipmentOrderLine.objects.filter(order_id=order.pk)}
        received = Received(
            pieces=pieces, receiver_name="Robin Vance", receiver_relation="family", setup_done=True,
            received_on=clock.today(order.time_zone), unsigned_reason="Hands full, said yes aloud",
        )  # fmt: skip
        prove(order.pk, received, key=f"demo-{order.pk}")
    settle()


def _lend(tenant: Organization, order: EquipmentOrder) -> None:
    """The first concentrator of the closet, due back two days ago."""
    with transaction.atomic(), scoping.enter(_desk(tenant)):
        live_order = orders.live_order(order.request_id)
        assert live_order is not None
        line = EquipmentOrderLine.objects.get(order=live_order)
        item = ClosetItem.objects.get(code=line.code)
        serial = item.units.order_by("serial")[0].serial
        due = clock.today(live_order.time_zone) + dt.timedelta(days=7)
        closet.hand_out(
            live_order.pk, serials={line.pk: [serial]}, receiver_name="Robin Vance", receiver_relation="family",
            due_back_on=due, key=f"demo-{order.pk}",
        )  # fmt: skip
    settle()


def _driver() -> UUID:
    return CrewMember.objects.get(name=DRIVER).pk


def _desk(tenant: Organization) -> Scope:
    return Scope.staff(tenant.pk, actor_label="Dana Morales", actor_role="case_manager")


def _coordinator(vendor: Organization) -> Any:
    return Scope.vendor(vendor.pk, actor_label="Dev Malhotra", actor_role="dme")
