"""Making equipment orders for tests: Northbound and Tamarack are given a depot, Lakeshore a catalog."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any
from uuid import uuid4

from django.db import transaction
from PIL import Image

from dispatch import tasks
from dispatch.models import EquipmentOffer, EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment import delivering, proving, reserving, suppliers
from dispatch.services.equipment.proving import Received
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import EquipmentItem, Patient, ServiceRequest
from logistics.requests.services import equipment as demand
from logistics.requests.services.equipment import Asked, Order
from logistics.requests.services.geocode import Address
from tests.cast import Cast
from tests.support import act_as, settle
from vendors.models import StockItem
from vendors.services import stock

HOME = Address("18 Pier Rd", "Madison", "WI", "53704")
BED, OXYGEN, WALKER, POWER = "E0260", "E1390", "E0143", "K0823"
NAMES = {
    BED: "Hospital bed, semi-electric, rails, mattress",
    OXYGEN: "Oxygen concentrator",
    WALKER: "Folding walker, wheeled",
    POWER: "Power wheelchair, group 2, captain's chair",
    "E0135": "Folding walker, no wheels",
}


def supplier(cast: Cast, slug: str = "northbound", **who: Any) -> Scope:
    """The equipment coordinator of a supplier."""
    who = {"actor_label": "Dev Malhotra", "actor_role": "dme"} | who
    return Scope.vendor(getattr(cast, slug).pk, **who)


def catalog(cast: Cast, slug: str = "lakeshore") -> dict[str, EquipmentItem]:
    """The starter catalog of a health system, by code."""
    with act_as(cast.staff(getattr(cast, slug))):
        demand.add_starter()
        return {item.code: item for item in EquipmentItem.objects.all()}


def shelve(cast: Cast, code: str, count: int, *, size: str = "", slug: str = "northbound", par: int = 0) -> StockItem:
    """Put so many of an item on a supplier's shelf; serial numbers are made up."""
    serialised = code in (BED, OXYGEN, POWER)
    with act_as(supplier(cast, slug)):
        known = StockItem.objects.filter(code=code, size=size).first()
        item = known or stock.add_item(code=code, name=NAMES[code], size=size, par=par, serialised=serialised)
        if count:
            serials = [f"{code}-{uuid4().hex[:6]}" for _ in range(count)] if serialised else []
            stock.receive(item_id=item.pk, quantity=count, serials=serials)
        return StockItem.objects.get(pk=item.pk)


def order(cast: Cast, *lines: tuple[str, str, int], slug: str = "lakeshore", **more: Any) -> EquipmentOrder:
    """An order of (code, size, quantity) lines for a patient, after every event was handled."""
    items = catalog(cast, slug)
    with act_as(cast.staff(getattr(cast, slug))):
        patient = more.pop("patient", None) or Patient.objects.create(
            family_name="Zzyzxcanary", given_name="Agnes", phone="608 555 0142", birth_date="1945-03-14"
        )
        fields = {
            "where": "home",
            "deliver_by_at": clock.now() + dt.timedelta(hours=6),
            "address": HOME,
            "contact_name": "Zzyzxcanary Ben",
            "contact_phone": "608 555 0143",
            "setup_note": "Second floor",
            "papers": {},
            **more,
        }
        asked = [Asked(items[code].pk, size, quantity) for code, size, quantity in lines]
        request = demand.place(
            patient=patient,
            order=Order(lines=asked, **fields),
            facility=cast.facilities[slug],
            key=str(uuid4()),
        )
    settle()
    return order_of(cast, request, slug=slug)


def order_of(cast: Cast, request: ServiceRequest, slug: str = "lakeshore") -> EquipmentOrder:
    """The request's latest order as it is now."""
    with act_as(cast.staff(getattr(cast, slug))):
        return EquipmentOrder.objects.filter(request=request).order_by("-created_at")[0]


def fresh(cast: Cast, row: Any, slug: str = "lakeshore") -> Any:
    """The row as it is now."""
    with act_as(cast.staff(getattr(cast, slug))):
        return type(row).objects.get(pk=row.pk)


def lines_of(cast: Cast, row: EquipmentOrder) -> list[EquipmentOrderLine]:
    """The order's lines as they are now."""
    with act_as(cast.staff()):
        return list(EquipmentOrderLine.objects.filter(order=row))


def offers_of(cast: Cast, row: EquipmentOrder) -> list[EquipmentOffer]:
    """All offers in the order of asking."""
    with act_as(cast.staff()):
        return list(EquipmentOffer.objects.filter(order=row).order_by("round", "rank"))


def open_offer(cast: Cast, row: EquipmentOrder) -> EquipmentOffer:
    """The offer that is out."""
    return next(offer for offer in offers_of(cast, row) if offer.status == "open")


def take(cast: Cast, row: EquipmentOrder, slug: str = "northbound") -> EquipmentOrder:
    """The supplier that is asked accepts."""
    with act_as(supplier(cast, slug)):
        suppliers.accept(open_offer_id(row))
    settle()
    return fresh(cast, row)


def open_offer_id(row: EquipmentOrder) -> Any:
    """Its id, as the open scope sees it."""
    return EquipmentOffer.objects.get(order_id=row.pk, status="open").pk


def send_out(cast: Cast, row: EquipmentOrder, slug: str = "northbound") -> EquipmentOrder:
    """Scheduled in two hours, and out for delivery."""
    with act_as(supplier(cast, slug)):
        delivering.schedule(row.pk, expected_at=clock.now() + dt.timedelta(hours=2))
        delivering.leave(row.pk)
    settle()
    return fresh(cast, row)


def received(cast: Cast, row: EquipmentOrder, **more: Any) -> Received:
    """What a daughter confirms: everything, today, without a signature."""
    pieces = more.pop("pieces", None) or {line.pk: line.left for line in lines_of(cast, row)}
    fields = {
        "receiver_name": "Zzyzxcanary Ben",
        "receiver_relation": "family",
        "received_on": clock.local(clock.now(), row.time_zone).date(),
        "unsigned_reason": "Hand in a cast",
        "setup_done": True,
        **more,
    }
    return Received(pieces=pieces, **fields)


def hand_over(cast: Cast, row: EquipmentOrder, slug: str = "northbound", **more: Any) -> EquipmentOrder:
    """The proof of delivery."""
    what = received(cast, row, **more)
    with act_as(supplier(cast, slug)):
        proving.prove(row.pk, what, key=str(uuid4()))
    settle()
    return fresh(cast, row)


def delivered(cast: Cast, *lines: tuple[str, str, int], **more: Any) -> EquipmentOrder:
    """An order all the way to its proof, by Northbound from stock."""
    for code, size, quantity in lines:
        shelve(cast, code, quantity, size=size)
    return hand_over(cast, send_out(cast, take(cast, order(cast, *lines, **more))))


def drawn() -> bytes:
    """A signature as the pad draws it."""
    picture = Image.new("L", (120, 60), 255)
    picture.paste(0, (20, 20, 90, 26))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def counts(cast: Cast, code: str, size: str = "", slug: str = "northbound") -> tuple[int, int]:
    """(on hand, reserved) of a supplier's item."""
    with act_as(supplier(cast, slug)):
        item = StockItem.objects.get(code=code, size=size)
        return item.on_hand, item.reserved


def stock_work(cast: Cast, slug: str = "northbound") -> None:
    """What the supplier's side does by itself: free what is not wanted, reserve what came in."""
    with act_as(supplier(cast, slug)):
        reserving.release_gone()
        reserving.reserve_waiting()
        reserving.mark_due_back()
    settle()


def ticked() -> dict[str, int]:
    """Let clocks run out and handle what follows."""
    done = tasks.tick.apply().get()
    settle()
    return done


def in_transaction(scope: Scope) -> Any:
    """For threads: a scope in a transaction of its own."""
    return transaction.atomic(), scoping.enter(scope)
