"""Counting a shelf: the arithmetic, the services, and two orders for the last piece."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from logistics.core.errors import DomainError, IllegalMove
from tests.cast import Cast, build_cast
from tests.dispatch import gear
from tests.dispatch.gear import BED, WALKER
from tests.support import act_as
from vendors.models import ClosetItem, StockHold, StockItem, StockMove, StockReorder, StockUnit
from vendors.services import stock, stock_holds
from vendors.services.stock_holds import Need
from vendors.stock_rules import Level, Short

STEPS = st.lists(
    st.tuples(st.sampled_from(["reserve", "release", "issue", "receive", "lose"]), st.integers(1, 5)), max_size=40
)


@given(STEPS, st.integers(0, 8), st.integers(0, 6))
def test_no_way_of_counting_promises_what_is_not_there(steps: list[tuple[str, int]], start: int, par: int) -> None:
    level, came, went = Level(start, 0, par), start, 0
    for verb, quantity in steps:
        try:
            after = getattr(level, verb)(quantity)
        except Short:
            continue
        came += quantity if verb == "receive" else 0
        went += quantity if verb in ("issue", "lose") else 0
        level = after
        assert 0 <= level.reserved <= level.on_hand
        assert level.on_hand == came - went
        assert level.available == level.on_hand - level.reserved


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_the_suggestion_brings_the_shelf_to_par_and_not_beyond(on_hand: int, reserved: int, par: int, due: int) -> None:
    level = Level(on_hand, min(reserved, on_hand), par)
    wanted = level.suggestion(due)
    assert level.available + due + wanted >= par
    assert wanted == 0 or level.available + due + wanted == par


@given(st.integers(0, 9), st.integers(1, 9))
def test_what_is_reserved_and_released_leaves_no_trace(on_hand: int, quantity: int) -> None:
    level = Level(on_hand)
    if quantity <= on_hand:
        assert level.reserve(quantity).release(quantity) == level
    else:
        with pytest.raises(Short):
            level.reserve(quantity)


def test_a_count_starts_at_one() -> None:
    with pytest.raises(ValueError, match="starts at 1"):
        Level(3).reserve(0)


def reserve(item: StockItem, quantity: int = 1, **ids: Any) -> Any:
    ids = {"order_id": uuid4(), "line_id": uuid4(), **ids}
    need = Need(ids["line_id"], item.code, item.size, quantity)
    got = stock_holds.reserve(order_id=ids["order_id"], order_number=7, customer_id=ids["customer"], needs=[need])
    return got[0]


def test_ordering_the_last_walker_leaves_none_and_lists_it_below_par(cast: Cast) -> None:
    item = gear.shelve(cast, WALKER, 1, size="Adult", par=2)
    with act_as(gear.supplier(cast)):
        assert reserve(item, customer=cast.lakeshore.pk).held
        item = StockItem.objects.get(pk=item.pk)
        assert (item.on_hand, item.reserved, item.available, item.below_par) == (1, 1, 0, True)
        assert not reserve(item, customer=cast.lakeshore.pk).held


def test_the_database_itself_refuses_a_promise_of_what_is_not_there(cast: Cast) -> None:
    item = gear.shelve(cast, WALKER, 1, size="Adult")
    for counts in ({"reserved": 2}, {"on_hand": -1}, {"reserved": -1}):
        with act_as(gear.supplier(cast)), pytest.raises(IntegrityError), transaction.atomic():
            StockItem.objects.filter(pk=item.pk).update(**counts)


def test_a_line_that_has_its_promise_keeps_it(cast: Cast) -> None:
    item = gear.shelve(cast, BED, 3)
    ids = {"order_id": uuid4(), "line_id": uuid4(), "customer": cast.lakeshore.pk}
    with act_as(gear.supplier(cast)):
        first = reserve(item, 2, **ids)
        assert reserve(item, 2, **ids) == first
        assert len(first.serials) == 2
        assert StockItem.objects.get(pk=item.pk).reserved == 2
        assert stock_holds.release(order_id=ids["order_id"]) == 2
        assert stock_holds.release(order_id=ids["order_id"]) == 0
        assert StockUnit.objects.filter(state="reserved").count() == 0


def test_what_is_issued_leaves_the_shelf_and_comes_back_with_its_serial(cast: Cast) -> None:
    item = gear.shelve(cast, BED, 2)
    ids = {"order_id": uuid4(), "line_id": uuid4(), "customer": cast.lakeshore.pk}
    with act_as(gear.supplier(cast)):
        reserve(item, 2, **ids)
        one = stock_holds.issue(line_id=ids["line_id"], order_id=ids["order_id"], quantity=1)
        item = StockItem.objects.get(pk=item.pk)
        assert (item.on_hand, item.reserved, len(one)) == (1, 1, 1)
        assert StockHold.objects.get(state="reserved").quantity == 1
        assert stock_holds.take_back(order_id=ids["order_id"], serials=one) == 1
        assert stock_holds.take_back(order_id=ids["order_id"], serials=one) == 0
        assert StockItem.objects.get(pk=item.pk).on_hand == 2


def test_serial_numbers_are_one_a_piece_and_known_once(cast: Cast) -> None:
    item = gear.shelve(cast, BED, 0)
    with act_as(gear.supplier(cast)):
        for serials in ([], ["A1"], ["A1", "A1"], ["A1", "B" * 41]):
            with pytest.raises(DomainError, match="serial number"):
                stock.receive(item_id=item.pk, quantity=2, serials=serials)
        stock.receive(item_id=item.pk, quantity=2, serials=["a1", " A2 "], key="form-1")
        stock.receive(item_id=item.pk, quantity=2, serials=["a1", "A2"], key="form-1")
        assert StockItem.objects.get(pk=item.pk).on_hand == 2
        with pytest.raises(DomainError, match="A2 is known already"):
            stock.receive(item_id=item.pk, quantity=1, serials=["A2"])


def test_one_click_orders_up_to_par_and_a_second_changes_nothing(cast: Cast) -> None:
    item = gear.shelve(cast, WALKER, 1, size="Adult", par=4)
    with act_as(gear.supplier(cast)):
        first = stock.reorder(item_id=item.pk)
        assert (first.quantity, stock.reorder(item_id=item.pk).pk) == (3, first.pk)
        stock.receive_reorder(item_id=item.pk, quantity=3)
        assert StockItem.objects.get(pk=item.pk).on_hand == 4
        with pytest.raises(IllegalMove, match="received or canceled"):
            stock.receive_reorder(item_id=item.pk, quantity=3)
        with pytest.raises(DomainError, match="nothing to order"):
            stock.reorder(item_id=item.pk)
        assert StockReorder.objects.get().state == "received"


def test_a_correction_keeps_what_is_promised(cast: Cast) -> None:
    item = gear.shelve(cast, WALKER, 3, size="Adult")
    with act_as(gear.supplier(cast)):
        reserve(item, 2, customer=cast.lakeshore.pk)
        with pytest.raises(DomainError, match="2 are promised"):
            stock.set_on_hand(item_id=item.pk, on_hand=1, note="Counted")
        stock.set_on_hand(item_id=item.pk, on_hand=2, note="Counted")
        assert [move.kind for move in StockMove.objects.order_by("at")] == ["received", "reserved", "counted"]


def test_a_recalled_piece_no_longer_counts_wherever_it_is(cast: Cast) -> None:
    item = gear.shelve(cast, BED, 3)
    ids = {"order_id": uuid4(), "line_id": uuid4(), "customer": cast.lakeshore.pk}
    with act_as(gear.supplier(cast)):
        reserved = reserve(item, 1, **ids).serials[0]
        free = StockUnit.objects.filter(state="in_stock").first().serial
        stock.recall(item_id=item.pk, serial=free, reason="Notice 12")
        stock.recall(item_id=item.pk, serial=free, reason="Notice 12")
        item = StockItem.objects.get(pk=item.pk)
        assert (item.on_hand, item.reserved) == (2, 1)
        stock.recall(item_id=item.pk, serial=reserved, reason="Notice 12")
        item = StockItem.objects.get(pk=item.pk)
        assert (item.on_hand, item.reserved, StockHold.objects.get().state) == (1, 0, "released")
        with pytest.raises(DomainError, match="has the serial number"):
            stock.recall(item_id=item.pk, serial="NOPE", reason="Notice 12")


def test_the_closet_counts_apart_from_every_depot(cast: Cast) -> None:
    gear.shelve(cast, WALKER, 5, size="Adult")
    with act_as(cast.staff()):
        own = stock.add_item(code=WALKER, name="Walker", size="Adult", par=1)
        stock.receive(item_id=own.pk, quantity=2)
        assert ClosetItem.objects.get().on_hand == 2
        assert StockItem.objects.get().on_hand == 5, "of its network a health system sees the counts"
        with pytest.raises(DomainError, match="not on the shelf"):
            stock.receive(item_id=StockItem.objects.get().pk, quantity=1)
    with act_as(cast.staff(cast.prairie)):
        assert not ClosetItem.objects.exists()
    with act_as(gear.supplier(cast, "tamarack")):
        assert not StockItem.objects.exists()


def test_a_health_system_sees_counts_and_never_for_whom(cast: Cast) -> None:
    item = gear.shelve(cast, BED, 2)
    with act_as(gear.supplier(cast)):
        reserve(item, 1, customer=cast.prairie.pk)
    with act_as(cast.staff()):
        assert StockItem.objects.get().reserved == 1
        for model in (StockHold, StockUnit, StockMove):
            with pytest.raises(Exception, match="permission denied"), transaction.atomic():
                list(model.objects.all())


@pytest.mark.django_db(transaction=True)
def test_of_two_orders_for_the_last_piece_one_gets_it() -> None:
    cast = build_cast()
    last = gear.shelve(cast, BED, 1)
    walker = gear.shelve(cast, WALKER, 1, size="Adult")
    start = threading.Barrier(8)
    outcomes: list[tuple[bool, bool]] = []

    def race(reverse: bool) -> None:
        order_id = uuid4()
        needs = [Need(uuid4(), BED, "", 1), Need(uuid4(), WALKER, "Adult", 1)]
        try:
            start.wait(timeout=20)
            with act_as(gear.supplier(cast)):
                got = stock_holds.reserve(
                    order_id=order_id, order_number=7, customer_id=cast.lakeshore.pk,
                    needs=needs[::-1] if reverse else needs,
                )  # fmt: skip
            by_line = {each.line_id: each.held for each in got}
            outcomes.append((by_line[needs[0].line_id], by_line[needs[1].line_id]))
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(outcomes) == 8, "nobody waited for ever"
    assert sum(bed for bed, _ in outcomes) == 1
    assert sum(walker_too for _, walker_too in outcomes) == 1
    with act_as(gear.supplier(cast)):
        for pk in (last.pk, walker.pk):
            item = StockItem.objects.get(pk=pk)
            assert (item.on_hand, item.reserved) == (1, 1)
        assert StockHold.objects.filter(state="reserved").count() == 2
