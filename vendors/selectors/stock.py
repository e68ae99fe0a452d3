"""Reading a shelf: a supplier's depot, or the health system's own closet (the open scope decides which)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum

from vendors.models import (
    ClosetItem,
    ClosetMove,
    ClosetReorder,
    ClosetUnit,
    StockItem,
    StockMove,
    StockReorder,
    StockUnit,
)
from vendors.stock_rules import Level

PAGE_SIZE = 50
SHOWN = [("all", "Everything"), ("below", "Below par"), ("order", "On order")]


def tables(*, staff: bool) -> tuple[Any, Any, Any, Any]:
    """Items, units, reorders and moves of the side."""
    if staff:
        return ClosetItem, ClosetUnit, ClosetReorder, ClosetMove
    return StockItem, StockUnit, StockReorder, StockMove


def item_list(*, staff: bool, q: str = "", show: str = "all") -> QuerySet[Any]:
    """Items by name and size. ``show`` narrows to those below par or on order. Lazy."""
    items, _units, _reorders, _moves = tables(staff=staff)
    rows = items.objects.all()
    for word in q.split():
        rows = rows.filter(Q(name__icontains=word) | Q(code__icontains=word) | Q(size__icontains=word))
    if show == "below":
        rows = rows.filter(par__gt=F("on_hand") - F("reserved"))
    elif show == "order":
        rows = rows.filter(reorders__state="open").distinct()
    return rows.order_by("name", "size", "id")


def rows_of(items: list[Any], *, staff: bool) -> list[dict[str, Any]]:
    """Each item with its open order and what to order. One query."""
    _items, _units, reorders, _moves = tables(staff=staff)
    open_orders = {
        row.item_id: row for row in reorders.objects.filter(item__in=[item.pk for item in items], state="open")
    }
    return [
        {
            "item": item,
            "reorder": open_orders.get(item.pk),
            "suggestion": Level(item.on_hand, item.reserved, item.par).suggestion(
                open_orders[item.pk].quantity if item.pk in open_orders else 0
            ),
        }
        for item in items
    ]


def below_par(*, staff: bool) -> int:
    """How many items have fewer free than par. One query."""
    items, _units, _reorders, _moves = tables(staff=staff)
    return items.objects.filter(par__gt=F("on_hand") - F("reserved")).count()


def item_get_for(item_id: UUID, *, staff: bool) -> Any | None:
    """One item of the open scope's shelf, or None. One query."""
    items, _units, _reorders, _moves = tables(staff=staff)
    return items.objects.filter(pk=item_id).first()


@dataclass
class ItemPage:
    """One item with everything on its page."""

    item: Any
    reorder: Any | None
    suggestion: int
    units: list[Any] = field(default_factory=list)
    moves: list[Any] = field(default_factory=list)
    turns: float | None = None


def page(item: Any, *, staff: bool, now: dt.datetime) -> ItemPage:
    """Units, moves and turnover of one item. Four queries.

    ``turns``: pieces issued in the last 365 days over the pieces on hand now and then; None when nothing was issued.
    """
    _items, units, reorders, moves = tables(staff=staff)
    row = reorders.objects.filter(item=item, state="open").first()
    year = moves.objects.filter(item=item, kind="issued", at__gte=now - dt.timedelta(days=365))
    issued = year.aggregate(total=Sum("quantity"))["total"] or 0
    shown = list(moves.objects.filter(item=item).order_by("-at")[:20])
    levels = [move.on_hand for move in shown] or [item.on_hand]
    average = sum(levels) / len(levels)
    return ItemPage(
        item=item,
        reorder=row,
        suggestion=Level(item.on_hand, item.reserved, item.par).suggestion(row.quantity if row else 0),
        units=list(units.objects.filter(item=item).exclude(state="retired").order_by("serial")[:200]),
        moves=shown,
        turns=round(issued / average, 1) if issued and average else None,
    )


def overdue(today: dt.date, *, staff: bool) -> list[Any]:
    """Pieces that should be back, longest overdue first. One query."""
    _items, units, _reorders, _moves = tables(staff=staff)
    rows = units.objects.filter(Q(state="due_back") | Q(state="out", due_back_on__lt=today)).select_related("item")
    return list(rows.order_by(F("due_back_on").asc(nulls_last=True), "serial")[:50])
