"""Equipment of the tenancy world: at each health system one delivered order and one that a supplier is asked about."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from dispatch.models import EquipmentOffer, EquipmentOrder
from dispatch.services.equipment import delivering, proving, suppliers
from dispatch.services.equipment.proving import Received
from logistics.core import clock
from logistics.requests.models import EquipmentItem, Patient
from logistics.requests.services import equipment as demand
from logistics.requests.services.equipment import Asked, Order
from logistics.requests.services.geocode import Address
from tests.cast import Cast
from tests.dispatch import gear
from tests.support import act_as, settle
from vendors.models import ClosetItem, StockItem
from vendors.services import stock


def build(cast: Cast, canary: dict[str, str], phone: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Ids of equipment by organization. Northbound serves both health systems, Tamarack is asked by Lakeshore."""
    for slug in ("northbound", "tamarack"):
        gear.shelve(cast, gear.BED, 6, slug=slug, par=1)
    ids: dict[str, dict[str, Any]] = {}
    for slug in ("lakeshore", "prairie"):
        done = _order(cast, slug, canary[slug], phone[slug], wanted=cast.northbound.pk)
        _deliver(cast, done, canary[slug])
        with act_as(cast.staff(getattr(cast, slug))):
            stock.add_item(code="E0163", name="Commode chair", par=2)
            ids[slug] = {
                "equipment_id": done.request_id,
                "delivery_id": done.pk,
                "item_id": EquipmentItem.objects.get(code=gear.BED).pk,
                "stock_id": ClosetItem.objects.get().pk,
            }
    for slug in ("northbound", "tamarack"):
        vendor = getattr(cast, slug)
        taken = _order(cast, "lakeshore", canary["lakeshore"], phone["lakeshore"], wanted=vendor.pk)
        with act_as(gear.supplier(cast, slug)):
            suppliers.accept(EquipmentOffer.objects.get(order_id=taken.pk, status="open").pk)
        settle()
        asked = _order(cast, "lakeshore", canary["lakeshore"], phone["lakeshore"], wanted=vendor.pk)
        with act_as(gear.supplier(cast, slug)):
            ids[slug] = {
                "equipment_id": taken.request_id,
                "delivery_id": taken.pk,
                "equipment_offer_id": EquipmentOffer.objects.get(order_id=asked.pk, status="open").pk,
                "stock_id": StockItem.objects.get(code=gear.BED).pk,
            }
    for slug in ("lakeshore", "prairie"):
        ids[slug]["equipment_offer_id"] = ids["northbound"]["equipment_offer_id"]
    return ids


def _order(cast: Cast, slug: str, canary: str, phone: str, *, wanted: Any) -> EquipmentOrder:
    items = gear.catalog(cast, slug)
    with act_as(cast.staff(getattr(cast, slug))):
        home = Address(f"{canary} Road 7", "Madison", "WI", "53711")
        patient = Patient.objects.create(
            family_name=f"{canary}bed", given_name=f"{canary}na", birth_date="1945-03-14", phone=phone,
            address=home.as_dict(),
        )  # fmt: skip
        order = Order(
            lines=[Asked(items[gear.BED].pk)], where="home", deliver_by_at=clock.now() + dt.timedelta(hours=8),
            address=home, contact_name=f"{canary} Ben", contact_phone=phone, setup_note=f"{canary} second floor",
            preferred_vendor_id=wanted, papers={"practitioner_name": f"{canary} Quill"},
        )  # fmt: skip
        request = demand.place(patient=patient, order=order, facility=cast.facilities[slug], key=str(uuid4()))
    settle()
    return gear.order_of(cast, request, slug=slug)


def _deliver(cast: Cast, order: EquipmentOrder, canary: str) -> None:
    with act_as(gear.supplier(cast)):
        suppliers.accept(EquipmentOffer.objects.get(order_id=order.pk, status="open").pk)
    settle()
    with act_as(gear.supplier(cast)):
        delivering.schedule(order.pk, expected_at=clock.now() + dt.timedelta(hours=1))
        delivering.leave(order.pk)
        line = order_lines(order)
        received = Received(
            pieces=line, receiver_name=f"{canary} Receiver", receiver_relation="family",
            received_on=clock.today(order.time_zone), signature=gear.drawn(), note=f"{canary} note", setup_done=True,
        )  # fmt: skip
        proving.prove(order.pk, received, key=str(uuid4()))
    settle()


def order_lines(order: EquipmentOrder) -> dict[Any, int]:
    """Everything of the order, as received."""
    return {line.pk: line.quantity for line in order.lines.all()}
