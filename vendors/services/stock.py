"""Counting a shelf: a supplier's depot (vendor and crossing scopes) or the health system's loaner closet (staff scope).

Every change locks the item's row, computes the new counts by ``vendors.stock_rules`` and appends a move. Who reserves
several items locks them in the order of their ids (:func:`lock_items`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove
from vendors.models import (
    ClosetItem,
    ClosetMove,
    ClosetReorder,
    ClosetUnit,
    StockHold,
    StockItem,
    StockMove,
    StockReorder,
    StockUnit,
)
from vendors.stock_rules import Level, Short

MOST = 10_000


@dataclass(frozen=True)
class Shelf:
    """The tables of one side."""

    items: Any
    units: Any
    reorders: Any
    moves: Any


DEPOT = Shelf(StockItem, StockUnit, StockReorder, StockMove)
CLOSET = Shelf(ClosetItem, ClosetUnit, ClosetReorder, ClosetMove)


def shelf() -> Shelf:
    """The tables of the open scope's side."""
    return CLOSET if scoping.current().side == "staff" else DEPOT


@transaction.atomic
def add_item(*, code: str, name: str, size: str = "", par: int = 0, serialised: bool = False, place: str = "") -> Any:
    """A new kind of thing on the shelf, none of it yet. Code and size are unique. Publishes ``stock.added``."""
    code, name, size = code.strip().upper(), " ".join(name.split()), " ".join(size.split())
    _check_count(par, "par", least=0)
    try:
        with transaction.atomic():
            item = shelf().items.objects.create(
                code=code, name=name, size=size, par=par, serialised=serialised, place=place.strip()
            )
    except IntegrityError as error:
        words = f"{code} in this size is on the shelf already."
        raise DomainError(words, code="taken", fields={"code": words}) from error
    audit.record(action="stock.added", target=item, details={"code": code})
    outbox.publish("stock.added", {"item_id": str(item.pk), "code": code})
    return item


@transaction.atomic
def change_item(*, item_id: UUID, par: int, place: str = "") -> Any:
    """Change par and place. Publishes ``stock.changed``."""
    _check_count(par, "par", least=0)
    item = lock_items([item_id])[0]
    item.par, item.place = par, place.strip()
    item.save(update_fields=["par", "place"])
    audit.record(action="stock.changed", target=item, details={"par": par})
    outbox.publish("stock.changed", {"item_id": str(item.pk), "code": item.code})
    return item


@transaction.atomic
def receive(*, item_id: UUID, quantity: int, serials: Sequence[str] = (), key: str | None = None) -> Any:
    """More came in. A serialised item needs one serial number a piece. ``key`` makes a repeat count once."""
    item = lock_items([item_id])[0]
    if key and shelf().moves.objects.filter(key=key).exists():
        return item
    _check_count(quantity, "quantity")
    _take_in(item, quantity, serials)
    count(item, lambda level: level.receive(quantity), "received", quantity, key=key)
    return item


@transaction.atomic
def reorder(*, item_id: UUID, quantity: int | None = None) -> Any:
    """Order more, up to par unless told how many. The open order of the item when there is one."""
    item = lock_items([item_id])[0]
    known = shelf().reorders.objects.filter(item=item, state="open").first()
    if known is not None:
        return known
    wanted = quantity if quantity is not None else level_of(item).suggestion()
    if wanted < 1:
        raise DomainError(f"{item.available} are free and par is {item.par}: nothing to order.", code="at_par")
    _check_count(wanted, "quantity")
    row = shelf().reorders.objects.create(
        item=item, quantity=wanted, requested_by_name=scoping.current().actor_label[:120], requested_at=clock.now()
    )
    audit.record(action="stock.reordered", target=row, details={"code": item.code, "quantity": wanted})
    outbox.publish("stock.reordered", {"item_id": str(item.pk), "code": item.code, "quantity": wanted})
    return row


@transaction.atomic
def receive_reorder(*, item_id: UUID, quantity: int, serials: Sequence[str] = ()) -> Any:
    """The ordered pieces came: they are counted in, and the order is closed. Raises when none is open."""
    item = lock_items([item_id])[0]
    row = shelf().reorders.objects.select_for_update(of=("self",)).filter(item=item, state="open").first()
    if row is None:
        raise IllegalMove("This order was received or canceled before.", code="not_open")
    _check_count(quantity, "quantity")
    _take_in(item, quantity, serials)
    count(item, lambda level: level.receive(quantity), "received", quantity, key=f"reorder-{row.pk}")
    row.state, row.closed_at = "received", clock.now()
    row.save(update_fields=["state", "closed_at"])
    audit.record(action="stock.reorder_received", target=row, details={"quantity": quantity})
    return row


@transaction.atomic
def cancel_reorder(*, item_id: UUID) -> None:
    """Nothing will come. Repeatable."""
    item = lock_items([item_id])[0]
    row = shelf().reorders.objects.select_for_update(of=("self",)).filter(item=item, state="open").first()
    if row is not None:
        row.state, row.closed_at = "canceled", clock.now()
        row.save(update_fields=["state", "closed_at"])
        audit.record(action="stock.reorder_canceled", target=row)


@transaction.atomic
def recall(*, item_id: UUID, serial: str, reason: str) -> Any:
    """Take a piece out of use wherever it is. On the shelf it no longer counts; with a patient the order is told.

    Publishes ``stock.recalled`` with the order that has it, if any. Repeatable. Raises ``DomainError`` for a serial
    number that this item does not have.
    """
    if len(reason.strip()) < 3:
        raise DomainError("Say why.", code="no_reason", fields={"reason": "Say why it is recalled, e.g. the notice."})
    item = lock_items([item_id])[0]
    unit = shelf().units.objects.select_for_update(of=("self",)).filter(item=item, serial=serial.strip()).first()
    if unit is None:
        words = f"No {item.name} has the serial number {serial.strip()}."
        raise DomainError(words, code="unknown_serial", fields={"serial": words})
    if unit.state in ("recalled", "retired"):
        return unit
    was = unit.state
    if was in ("in_stock", "reserved"):
        count(item, lambda level: level.lose(1, promised=was == "reserved"), "recalled", 1, order_id=unit.order_id)
    if was == "reserved":
        _shrink_hold(item, unit.order_id)
    unit.state, unit.recalled_reason = "recalled", reason.strip()[:120]
    unit.save(update_fields=["state", "recalled_reason"])
    audit.record(action="stock.recalled", target=unit, reason=reason, details={"was": was, "code": item.code})
    outbox.publish(
        "stock.recalled",
        {
            "unit_id": str(unit.pk),
            "was": was,
            "order_id": str(unit.order_id or ""),
            "customer_id": str(getattr(unit, "customer_id", None) or ""),
        },
    )
    return unit


@transaction.atomic
def retire(*, item_id: UUID, serial: str) -> Any:
    """A piece on the shelf that cannot be used any more (damaged), or a recalled one that came back: not counted."""
    item = lock_items([item_id])[0]
    unit = shelf().units.objects.select_for_update(of=("self",)).filter(item=item, serial=serial).first()
    if unit is None:
        raise DomainError("This serial number does not exist.", code="unknown_serial")
    if unit.state in ("in_stock", "reserved"):
        reserved = unit.state == "reserved"
        count(item, lambda level: level.lose(1, promised=reserved), "counted", 1, note="Taken out")
        if reserved:
            _shrink_hold(item, unit.order_id)
    unit.state, unit.order_id, unit.order_number, unit.due_back_on = "retired", None, None, None
    unit.save(update_fields=["state", "order_id", "order_number", "due_back_on"])
    audit.record(action="stock.retired", target=unit)
    return unit


@transaction.atomic
def set_on_hand(*, item_id: UUID, on_hand: int, note: str) -> Any:
    """What somebody counted on the shelf, for items without serial numbers. Refused below what is promised."""
    item = lock_items([item_id])[0]
    _check_count(on_hand, "on_hand", least=0)
    if item.serialised:
        raise DomainError("Pieces with serial numbers are received and retired one by one.", code="serialised")
    if on_hand < item.reserved:
        words = f"{item.reserved} are promised: the count cannot be lower. Release them first."
        raise DomainError(words, code="promised", fields={"on_hand": words})
    difference = on_hand - item.on_hand
    if difference:
        count(
            item, lambda level: Level(on_hand, level.reserved, level.par), "counted", abs(difference), note=note[:120]
        )
    return item


@transaction.atomic
def lend(
    *, item_id: UUID, order_id: UUID, order_number: int, serial: str = "", due_back_on: dt.date | None = None
) -> Any:
    """Hand one piece out of the closet for an order. Serialised pieces are lent until ``due_back_on``."""
    item = lock_items([item_id])[0]
    if item.serialised:
        unit = shelf().units.objects.select_for_update(of=("self",)).filter(item=item, serial=serial).first()
        if unit is None or unit.state != "in_stock":
            words = "Choose a piece that is in stock."
            raise DomainError(words, code="not_in_stock", fields={"serial": words})
        unit.state, unit.order_id, unit.order_number = "out", order_id, order_number
        unit.out_at, unit.due_back_on = clock.now(), due_back_on
        unit.save()
    count(item, lambda level: level.reserve(1).issue(1), "issued", 1, order_id=order_id)
    return item


@transaction.atomic
def give_back(*, item_id: UUID, serial: str) -> Any:
    """A piece that was out is back on the shelf. A recalled one stays out of use. Repeatable."""
    item = lock_items([item_id])[0]
    unit = shelf().units.objects.select_for_update(of=("self",)).filter(item=item, serial=serial).first()
    if unit is None:
        raise DomainError("This serial number does not exist.", code="unknown_serial")
    put_back(item, unit)
    return item


def put_back(item: Any, unit: Any) -> None:
    """:func:`give_back` for rows that the caller has locked."""
    if unit.state not in ("out", "due_back"):
        return
    order_id = unit.order_id
    unit.state, unit.order_id, unit.order_number, unit.out_at, unit.due_back_on = "in_stock", None, None, None, None
    if hasattr(unit, "customer_id"):
        unit.customer_id = None
    unit.save()
    count(item, lambda level: level.receive(1), "returned", 1, order_id=order_id)


def lock_items(ids: Iterable[UUID]) -> list[Any]:
    """The items, locked in the order of their ids. Raises ``DomainError`` when one is not on this shelf."""
    wanted = sorted(set(ids))
    found = list(shelf().items.objects.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk"))
    if len(found) != len(wanted):
        raise DomainError("This item is not on the shelf.", code="not_found")
    return found


def level_of(item: Any) -> Level:
    """The item's counts as a value."""
    return Level(item.on_hand, item.reserved, item.par)


def count(
    item: Any,
    change: Callable[[Level], Level],
    kind: str,
    quantity: int,
    *,
    order_id: UUID | None = None,
    key: str | None = None,
    note: str = "",
) -> None:
    """Change a locked item's counts and append the move. Raises ``DomainError`` (``no_stock``) when it is not there.

    Publishes ``stock.moved``.
    """
    try:
        level = change(level_of(item))
    except Short as short:
        words = f"Only {item.available} of {item.name}{f' ({item.size})' if item.size else ''} are free."
        raise DomainError(words, code="no_stock") from short
    item.on_hand, item.reserved = level.on_hand, level.reserved
    item.save(update_fields=["on_hand", "reserved"])
    move = shelf().moves.objects.create(
        item=item, kind=kind, quantity=quantity, on_hand=level.on_hand, reserved=level.reserved, key=key,
        order_id=order_id, at=clock.now(), by_name=scoping.current().actor_label[:120], note=note,
    )  # fmt: skip
    audit.record(action=f"stock.{kind}_counted", target=move, details={"code": item.code, "quantity": quantity})
    about = {"item_id": str(item.pk), "code": item.code, "kind": kind, "available": level.available}
    outbox.publish("stock.moved", about)


def _take_in(item: Any, quantity: int, serials: Sequence[str]) -> None:
    """New pieces of a serialised item."""
    if not item.serialised:
        return
    clean = [" ".join(serial.split()).upper() for serial in serials if serial.strip()]
    if len(clean) != quantity or len(set(clean)) != quantity:
        words = f"Write {quantity} different serial number{'' if quantity == 1 else 's'}, one a line."
        raise DomainError(words, code="serials", fields={"serials": words})
    too_long = next((serial for serial in clean if len(serial) > 40), None)
    if too_long:
        words = "A serial number has at most 40 characters."
        raise DomainError(words, code="serials", fields={"serials": words})
    known = shelf().units.objects.filter(serial__in=clean).values_list("serial", flat=True).first()
    if known:
        words = f"{known} is known already. Open that item to see where it is."
        raise DomainError(words, code="serials", fields={"serials": words})
    for serial in clean:
        shelf().units.objects.create(item=item, serial=serial)


def _shrink_hold(item: Any, order_id: UUID | None) -> None:
    """One promised piece is gone: so is its part of the promise."""
    if order_id is None:
        return
    hold = StockHold.objects.select_for_update(of=("self",)).filter(item=item, order_id=order_id, state="reserved")
    for row in hold[:1]:
        row.quantity -= 1
        row.state = "reserved" if row.quantity else "released"
        row.save(update_fields=["quantity", "state"])


def _check_count(number: int, field: str, *, least: int = 1) -> None:
    if not least <= number <= MOST:
        words = f"Write a number from {least} to {MOST:,}."
        raise DomainError(words, code="count", fields={field: words})
