"""The supplier's way to the door: time and person set, leaving, what went wrong at the door, a later time.

Each verb locks the order in a crossing scope. A repeat with the same key changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import states
from dispatch.equipment_rules import leave_problem
from dispatch.models import DeliveryAttempt, EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment.transitions import get_locked, note, order_to, own_order
from logistics.core import audit, clock, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests import equipment_rules as rules
from vendors.models import CrewMember
from vendors.services import stock, stock_holds

SCHEDULABLE = ("allocated", "scheduled", "attempted", "partly_delivered")
SLIPPABLE = ("accepted", "backordered", "allocated", "scheduled", "out_for_delivery", "attempted", "wrong_item",
             "partly_delivered")  # fmt: skip
# What came back with the driver because it was the wrong thing.
WRONG = ("wrong_item", "damaged")


@contextmanager
def at_work(order_id: UUID) -> Iterator[EquipmentOrder]:
    """The supplier's own order, locked, in a crossing scope. A driver sees only what is assigned to them."""
    known = own_order(order_id)
    scope = scoping.current()
    if scope.actor_role == "driver" and known.driver_user_id != scope.user_id:
        raise DomainError("This order does not exist.", code="not_found")
    with scoping.enter(scope.crossing(known.tenant_id)):
        yield get_locked(order_id)


@transaction.atomic
def schedule(order_id: UUID, *, expected_at: dt.datetime, crew_member_id: UUID | None = None) -> EquipmentOrder:
    """Set when and by whom it comes; without a crew member the person at work takes it. Repeatable. Vendor scope."""
    own_order(order_id)
    scope = scoping.current()
    member = CrewMember.objects.filter(pk=crew_member_id, is_active=True).first() if crew_member_id else None
    if crew_member_id and member is None:
        raise DomainError("Choose who delivers.", code="no_driver", fields={"driver": "Choose who delivers."})
    user_id, name = (member.user_id, member.name) if member else (scope.user_id, scope.actor_label)
    with at_work(order_id) as order:
        if order.status not in SCHEDULABLE:
            raise IllegalMove(f"An order that is {_words(order)} cannot be scheduled.", code="not_schedulable")
        _check_ahead(expected_at)
        if problem := rules.early_problem(order.where, order.leaves_on, _day(expected_at, order)):
            raise DomainError(problem, code="too_early", fields={"expected_at": problem})
        changes = {"expected_at": expected_at, "driver_user_id": user_id, "driver_name": name[:120]}
        if order.status == "scheduled" and all(getattr(order, field) == value for field, value in changes.items()):
            return order
        was = order.expected_at
        order_to(order, "scheduled", changes=changes, details={"expected_at": expected_at.isoformat()})
        if was is not None and expected_at > was:
            _tell_slipped(order, was, "other")
        return order


@transaction.atomic
def slip(order_id: UUID, *, expected_at: dt.datetime, code: str) -> EquipmentOrder:
    """It comes later (or sooner) than said; ``code`` is a key of ``states.SLIP_REASONS``. Publishes
    ``equipment.slipped`` with the new time. Repeatable. Vendor scope."""
    if code not in states.SLIP_REASONS:
        raise DomainError("Choose a reason.", code="no_reason", fields={"code": "Choose a reason from the list."})
    with at_work(order_id) as order:
        if order.status not in SLIPPABLE:
            raise IllegalMove(f"An order that is {_words(order)} has no time to come.", code="not_coming")
        _check_ahead(expected_at)
        if order.expected_at == expected_at:
            return order
        was = order.expected_at
        EquipmentOrder.objects.filter(pk=order.pk).update(expected_at=expected_at, updated_at=clock.now())
        order.expected_at = expected_at
        _tell_slipped(order, was, code)
        return order


@transaction.atomic
def leave(order_id: UUID) -> EquipmentOrder:
    """Out for delivery. Repeatable. Vendor scope.

    Refused while nothing is reserved, when a bedside delivery would be too early, and for an item that needs a
    written order prior to delivery when that is not there: a later one does not cure it (42 CFR 410.38(d)).
    """
    with at_work(order_id) as order:
        if order.status == "out_for_delivery":
            return order
        if order.status != "scheduled":
            raise IllegalMove(f"An order that is {_words(order)} cannot leave. Set a time first.", code="not_scheduled")
        today = clock.local(clock.now(), order.time_zone).date()
        if problem := leave_problem(order, list(EquipmentOrderLine.objects.filter(order=order)), today):
            raise DomainError(problem, code="may_not_leave")
        return order_to(order, "out_for_delivery")


@transaction.atomic
def attempt(
    order_id: UUID, *, outcome: str, key: str, note_text: str = "", line_ids: list[UUID] | None = None
) -> EquipmentOrder:
    """It was not handed over; ``outcome`` is a key of ``states.ATTEMPT_OUTCOMES``. Vendor scope, repeatable by key.

    A refusal ends the order. The wrong thing, or a damaged one, sends the right one on its way again: what is
    reserved for ``line_ids`` (all lines when none are named) is given back; damaged pieces are taken out of use.
    Everything else is attempted again. On a pickup it only counts the attempt.
    """
    if outcome not in states.ATTEMPT_OUTCOMES:
        raise DomainError("Choose what happened.", code="no_outcome", fields={"outcome": "Choose what happened."})
    with at_work(order_id) as order:
        if DeliveryAttempt.objects.filter(order=order, key=key).exists():
            return order
        picking = order.status == "pickup_requested"
        if order.status != "out_for_delivery" and not picking:
            raise IllegalMove(f"An order that is {_words(order)} is not on the way.", code="not_out")
        if picking and outcome in (*WRONG, "refused", "not_ready"):
            raise DomainError("This does not fit a pickup.", code="no_outcome", fields={"outcome": "Choose another."})
        row = record_attempt(order, "pickup" if picking else "delivery", outcome, key, note_text)
        words = f"{states.ATTEMPT_OUTCOMES[outcome]}, attempt {row.number}"
        details = {"outcome": outcome, "attempt": row.number}
        if picking:
            return order_to(order, "pickup_requested", reason=words, details=details)
        if outcome == "refused":
            return _refused(order, words, details)
        if outcome in WRONG:
            return _wrong(order, words, details, outcome, line_ids)
        return order_to(order, "attempted", reason=words, changes={"expected_at": None}, details=details)


def record_attempt(order: EquipmentOrder, kind: str, outcome: str, key: str, note_text: str = "") -> DeliveryAttempt:
    """The next attempt of a locked order, in a crossing scope."""
    row = DeliveryAttempt.objects.create(
        order=order,
        vendor_id=scoping.current_vendor_id(),
        number=DeliveryAttempt.objects.filter(order=order).count() + 1,
        kind=kind,
        outcome=outcome,
        note=note_text.strip()[:500],
        key=key,
        at=clock.now(),
        recorded_by_name=scoping.current().actor_label[:120],
    )
    audit.record(action="equipment.attempt_recorded", target=row, details={"outcome": outcome, "number": row.number})
    return row


def _refused(order: EquipmentOrder, words: str, details: dict[str, Any]) -> EquipmentOrder:
    stock_holds.release(order_id=order.pk)
    EquipmentOrderLine.objects.filter(order_id=order.pk, delivered=0).update(state="refused", reserved=0, serials=[])
    return order_to(order, "refused", reason=words, changes={"closed_at": clock.now()}, details=details)


def _wrong(
    order: EquipmentOrder, words: str, details: dict[str, Any], outcome: str, line_ids: list[UUID] | None
) -> EquipmentOrder:
    lines = [line for line in EquipmentOrderLine.objects.filter(order_id=order.pk) if line.reserved]
    wrong = [line for line in lines if line_ids is None or line.pk in line_ids] or lines
    put_back(order, wrong, damaged=outcome == "damaged")
    details = {**details, "codes": [line.code for line in wrong]}
    return order_to(order, "wrong_item", reason=words, changes={"expected_at": None}, details=details)


def put_back(order: EquipmentOrder, lines: list[EquipmentOrderLine], *, damaged: bool) -> None:
    """Nothing is reserved for these lines any more; damaged pieces are out of use. Order locked, crossing scope."""
    promised = {line.pk: line.serials[line.delivered :] for line in lines}
    items = {
        hold.line_id: hold.item_id
        for hold in stock_holds.StockHold.objects.filter(line_id__in=list(promised), state="reserved")
    }
    stock_holds.release(order_id=order.pk, line_ids=list(promised))
    for line in lines:
        if damaged and line.pk in items:
            for serial in promised[line.pk]:
                stock.retire(item_id=items[line.pk], serial=serial)
        line.state = "partly" if line.delivered else "open"
        line.reserved, line.serials = 0, line.serials[: line.delivered]
        line.save(update_fields=["state", "reserved", "serials"])


def _tell_slipped(order: EquipmentOrder, was: dt.datetime | None, code: str) -> None:
    assert order.expected_at is not None
    note(
        order,
        "equipment.slipped",
        reason=states.SLIP_REASONS[code],
        details={"code": code, "expected_at": order.expected_at.isoformat(), "was": was.isoformat() if was else ""},
        payload={
            "expected_at": order.expected_at.isoformat(),
            "deliver_by_at": order.deliver_by_at.isoformat(),
            "late": order.expected_at > order.deliver_by_at,
            "code": code,
        },
    )


def _check_ahead(moment: dt.datetime) -> None:
    if moment < clock.now() - dt.timedelta(minutes=1):
        words = "Give a time to come."
        raise DomainError(words, code="past", fields={"expected_at": words})


def _day(moment: dt.datetime, order: EquipmentOrder) -> dt.date:
    return clock.local(moment, order.time_zone).date()


def _words(order: EquipmentOrder) -> str:
    return order.status.replace("_", " ")
