"""Stock promised to orders: reserved at acceptance, handed out with the proof, released when nothing comes of it.

Works in the supplier's own scope and in a crossing one. Orders and lines are only ids here: supply knows no order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from logistics.core import clock
from vendors.models import StockHold, StockItem, StockUnit
from vendors.services import stock


@dataclass(frozen=True)
class Need:
    """One line of an order that wants stock."""

    line_id: UUID
    code: str
    size: str
    quantity: int


@dataclass(frozen=True)
class Got:
    """What is promised to a line now; ``held`` when that is all that it needs."""

    line_id: UUID
    held: bool
    quantity: int = 0
    serials: tuple[str, ...] = ()


@transaction.atomic
def reserve(*, order_id: UUID, order_number: int, customer_id: UUID, needs: Sequence[Need]) -> list[Got]:
    """Promise what is there, line by line: a line gets all that it still needs or no more than it has. A line
    that has its promise keeps it, so this may be repeated. Of two orders for the last piece the first one gets it."""
    wanted = {(need.code, need.size) for need in needs}
    rows = StockItem.objects.filter(code__in={code for code, _ in wanted})
    ids = {(row.code, row.size): row.pk for row in rows if (row.code, row.size) in wanted}
    # Locked in the order of their ids: two orders for the same two items never wait for each other.
    items = {item.pk: item for item in stock.lock_items(ids.values())}
    held = {
        hold.line_id: hold
        for hold in StockHold.objects.filter(line_id__in=[need.line_id for need in needs], state="reserved")
    }
    result = []
    for need in needs:
        key = ids.get((need.code, need.size))
        item = items.get(key) if key else None
        result.append(_promise(item, held.get(need.line_id), need, order_id, order_number, customer_id))
    return result


def _promise(
    item: StockItem | None,
    hold: StockHold | None,
    need: Need,
    order_id: UUID,
    order_number: int,
    customer_id: UUID,
) -> Got:
    """One line on its locked item: what its promise lacks is added, all of it or nothing."""
    has = hold.quantity if hold is not None else 0
    missing = need.quantity - has
    if item is None or item.available < max(missing, 0):
        return Got(need.line_id, False, has, _serials(item, order_id))
    if missing <= 0:
        return Got(need.line_id, True, has, _serials(item, order_id))
    units: list[StockUnit] = []
    if item.serialised:
        free = StockUnit.objects.select_for_update(of=("self",)).filter(item=item, state="in_stock").order_by("serial")
        units = list(free[:missing])
        if len(units) < missing:
            return Got(need.line_id, False, has, _serials(item, order_id))
    stock.count(item, lambda level: level.reserve(missing), "reserved", missing, order_id=order_id)
    if hold is None:
        StockHold.objects.create(
            item=item, customer_id=customer_id, order_id=order_id, line_id=need.line_id, quantity=missing
        )
    else:
        StockHold.objects.filter(pk=hold.pk).update(quantity=need.quantity)
    for unit in units:
        unit.state, unit.order_id, unit.order_number, unit.customer_id = (
            "reserved", order_id, order_number, customer_id,
        )  # fmt: skip
        unit.save()
    return Got(need.line_id, True, need.quantity, _serials(item, order_id))


def _serials(item: StockItem | None, order_id: UUID) -> tuple[str, ...]:
    """Serial numbers of the item that are promised to the order."""
    if item is None or not item.serialised:
        return ()
    units = StockUnit.objects.filter(item=item, order_id=order_id, state="reserved").order_by("serial")
    return tuple(units.values_list("serial", flat=True))


@transaction.atomic
def release(*, order_id: UUID, line_ids: Iterable[UUID] | None = None) -> int:
    """Take promises of an order (or of some lines) back. Repeatable; returns how many pieces are free again."""
    holds = StockHold.objects.filter(order_id=order_id, state="reserved")
    if line_ids is not None:
        holds = holds.filter(line_id__in=list(line_ids))
    rows = list(holds)
    items = {item.pk: item for item in stock.lock_items(row.item_id for row in rows)}
    freed = 0
    for row in StockHold.objects.select_for_update(of=("self",)).filter(
        pk__in=[row.pk for row in rows], state="reserved"
    ):
        item = items[row.item_id]
        units = StockUnit.objects.filter(item=item, order_id=order_id, state="reserved").order_by("serial")
        StockUnit.objects.filter(pk__in=[unit.pk for unit in units[: row.quantity]]).update(
            state="in_stock", order_id=None, order_number=None, customer_id=None
        )
        stock.count(item, lambda level: level.release(row.quantity), "released", row.quantity, order_id=order_id)  # noqa: B023
        StockHold.objects.filter(pk=row.pk).update(state="released")
        freed += row.quantity
    return freed


@transaction.atomic
def issue(*, line_id: UUID, order_id: UUID, quantity: int, serials: Sequence[str] = ()) -> list[str]:
    """What was promised to a line is with the patient now. Returns its serial numbers; none when nothing was promised.

    Fewer than promised leaves the rest promised. ``serials`` names which pieces, else the promised ones in order.
    """
    known = StockHold.objects.filter(line_id=line_id, state="reserved").first()
    if known is None:
        return []
    item = stock.lock_items([known.item_id])[0]
    hold = StockHold.objects.select_for_update(of=("self",)).get(pk=known.pk)
    quantity = min(quantity, hold.quantity)
    units: list[StockUnit] = []
    if item.serialised:
        promised = list(StockUnit.objects.filter(item=item, order_id=order_id, state="reserved").order_by("serial"))
        chosen = [unit for unit in promised if unit.serial in serials] or promised
        units = chosen[:quantity]
    stock.count(item, lambda level: level.issue(quantity), "issued", quantity, order_id=order_id)
    for unit in units:
        unit.state, unit.out_at = "out", clock.now()
        unit.save(update_fields=["state", "out_at"])
    if quantity == hold.quantity:
        hold.state = "issued"
    else:
        hold.quantity -= quantity
        StockHold.objects.create(
            item=item, customer_id=hold.customer_id, order_id=order_id, line_id=line_id, quantity=quantity,
            state="issued",
        )  # fmt: skip
    hold.save()
    return [unit.serial for unit in units]


@transaction.atomic
def mark_due_back(order_ids: Iterable[UUID]) -> int:
    """Pieces of exactly these orders are due back (their pickup is ordered). Returns how many changed. Repeatable."""
    wanted = list(order_ids)
    due = StockUnit.objects.filter(state="out", order_id__in=wanted).update(state="due_back")
    return due + StockUnit.objects.filter(state="due_back").exclude(order_id__in=wanted).update(state="out")


@transaction.atomic
def take_back(*, order_id: UUID, serials: Sequence[str]) -> int:
    """Pieces of an order are back on the shelf; recalled ones are taken out. Repeatable; returns how many count."""
    units = list(StockUnit.objects.filter(order_id=order_id, serial__in=list(serials)))
    items = {item.pk: item for item in stock.lock_items(unit.item_id for unit in units)}
    back = 0
    for unit in StockUnit.objects.select_for_update(of=("self",)).filter(pk__in=[unit.pk for unit in units]):
        if unit.state == "recalled":
            stock.retire(item_id=unit.item_id, serial=unit.serial)
        elif unit.state in ("out", "due_back"):
            stock.put_back(items[unit.item_id], unit)
            back += 1
    return back


def out_beside(*, order_id: UUID, line_id: UUID, kept: Sequence[str]) -> list[str]:
    """Pieces of the line's item that are out for the order and not among ``kept``: what an exchange brings back."""
    items = list(StockHold.objects.filter(line_id=line_id, state="issued").values_list("item_id", flat=True))
    units = StockUnit.objects.filter(order_id=order_id, item__in=items, state__in=["out", "due_back", "recalled"])
    return list(units.exclude(serial__in=list(kept)).values_list("serial", flat=True))
