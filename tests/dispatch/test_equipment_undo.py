"""Equipment that is out of stock, called off, recalled, fetched back, or handed out of the closet."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.models import EquipmentOrder
from dispatch.selectors.equipment import overdue_loans
from dispatch.services.equipment import closet, delivering, orders, proving, reserving
from logistics.core import clock, outbox
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import Alert, Encounter, EquipmentDetail, Patient, ServiceRequest
from tests.cast import Cast
from tests.dispatch import gear
from tests.dispatch.gear import BED, OXYGEN, WALKER
from tests.dispatch.pages import client_of
from tests.requests.ward import admit
from tests.support import act_as, settle
from vendors.models import ClosetItem, ClosetUnit, StockUnit
from vendors.services import stock


def alerts_of(cast: Cast, order: EquipmentOrder) -> set[str]:
    with act_as(cast.staff()):
        rows = Alert.objects.filter(request_id=order.request_id, acknowledged_at=None)
        return set(rows.values_list("code", flat=True))


def request_of(cast: Cast, order: EquipmentOrder) -> ServiceRequest:
    with act_as(cast.staff()):
        return ServiceRequest.objects.get(pk=order.request_id)


def short(cast: Cast, size: str = "Adult") -> EquipmentOrder:
    """A walker that the supplier accepted and does not have."""
    gear.shelve(cast, WALKER, 0, size=size)
    return gear.take(cast, gear.order(cast, (WALKER, size, 1)))


def test_out_of_stock_asks_a_person_and_waits_for_what_comes_in(cast: Cast) -> None:
    order = short(cast)
    assert (order.status, alerts_of(cast, order)) == ("backordered", {"equipment_backordered"})
    with act_as(cast.staff()):
        reserving.wait(order.pk)
        reserving.wait(order.pk)
        assert Alert.objects.get(code="equipment_backordered").params["items"] == ["Folding walker, wheeled"]
    gear.shelve(cast, WALKER, 1, size="Adult")
    gear.stock_work(cast)
    order = gear.fresh(cast, order)
    assert (order.status, order.wait_for_stock, alerts_of(cast, order)) == ("allocated", True, set())
    assert gear.counts(cast, WALKER, "Adult") == (1, 1)


def test_a_substitute_is_one_of_the_catalog_and_is_reserved_next(cast: Cast) -> None:
    gear.shelve(cast, "E0135", 1, size="Adult")
    order = short(cast)
    line = gear.lines_of(cast, order)[0]
    with act_as(cast.staff()):
        with pytest.raises(DomainError, match="may come instead"):
            reserving.substitute(order.pk, line_id=line.pk, code=BED)
        with pytest.raises(DomainError, match="Choose a size"):
            reserving.substitute(order.pk, line_id=line.pk, code="E0135", size="Huge")
        reserving.substitute(order.pk, line_id=line.pk, code="E0135", size="Adult")
    settle()
    gear.stock_work(cast)
    line = gear.lines_of(cast, order)[0]
    assert (line.code, line.asked_code, line.state) == ("E0135", WALKER, "reserved")
    assert gear.fresh(cast, order).status == "allocated"
    with act_as(cast.staff()), pytest.raises(IllegalMove, match="can no longer be changed"):
        reserving.substitute(order.pk, line_id=line.pk, code=WALKER, size="Adult")


def test_another_supplier_takes_what_the_first_one_lacks(cast: Cast) -> None:
    order = short(cast)
    gear.shelve(cast, WALKER, 1, size="Adult", slug="tamarack")
    desk = client_of(cast, "case_manager@lakeshore")
    page = desk.get(f"/equipment/{order.request_id}").content.decode()
    assert "Out of stock: decide" in page
    done = desk.post(f"/equipment/{order.request_id}/act", {"do": "other", "note": "Needed today"})
    assert done.status_code == 303
    settle()
    order = gear.take(cast, order, "tamarack")
    assert (order.status, order.vendor_id) == ("allocated", cast.tamarack.pk)


def test_a_canceled_order_frees_its_stock_and_its_request_with_it(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.take(cast, gear.order(cast, (BED, "", 1)))
    with act_as(cast.staff()):
        with pytest.raises(DomainError, match="Choose a reason"):
            orders.cancel_request(order.request_id, reason="whim")
        orders.cancel_request(order.request_id, reason="patient_request")
        orders.cancel_request(order.request_id, reason="patient_request")
    settle()
    gear.stock_work(cast)
    assert (gear.fresh(cast, order).status, request_of(cast, order).status) == ("canceled", "canceled")
    assert gear.counts(cast, BED) == (1, 0)


def test_what_is_on_the_way_cannot_be_canceled(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1))))
    with act_as(cast.staff()):
        with pytest.raises(IllegalMove, match="call the supplier"):
            orders.cancel_request(order.request_id, reason="patient_request")
        with pytest.raises(IllegalMove, match="can no longer be held"):
            orders.hold(order.pk, reason="Wait")
    assert request_of(cast, order).status == "in_progress"


def in_bed(cast: Cast) -> tuple[Encounter, Patient]:
    stay = admit(cast, family="Zzyzxcanary")
    with act_as(cast.staff()):
        return stay, Patient.objects.get(pk=stay.patient_id)


def call_off(cast: Cast, stay: Encounter, topic: str = "encounter.reopened") -> None:
    """The feed says that the patient stays."""
    with act_as(cast.staff()):
        outbox.publish(topic, {"encounter_id": str(stay.pk)})
    settle()


def test_a_canceled_discharge_holds_what_has_not_left(cast: Cast) -> None:
    stay, patient = in_bed(cast)
    gear.shelve(cast, BED, 1)
    order = gear.take(cast, gear.order(cast, (BED, "", 1), patient=patient))
    call_off(cast, stay, "discharge.withdrawn")
    assert (gear.fresh(cast, order).status, request_of(cast, order).status) == ("held", "held")
    assert alerts_of(cast, order) == {"equipment_discharge_off"}
    assert gear.counts(cast, BED) == (1, 1), "the supplier keeps it for now"
    desk = client_of(cast, "case_manager@lakeshore")
    assert desk.post(f"/equipment/{order.request_id}/act", {"do": "resume"}).status_code == 303
    settle()
    assert (gear.fresh(cast, order).status, request_of(cast, order).status) == ("allocated", "scheduled")


def test_a_canceled_discharge_with_the_bed_already_there_orders_its_pickup(cast: Cast) -> None:
    stay, patient = in_bed(cast)
    order = gear.delivered(cast, (BED, "", 1), patient=patient)
    call_off(cast, stay)
    call_off(cast, stay)
    order = gear.fresh(cast, order)
    assert (order.status, alerts_of(cast, order)) == ("pickup_requested", {"equipment_pickup_ordered"})
    gear.stock_work(cast)
    with act_as(gear.supplier(cast)):
        assert StockUnit.objects.get().state == "due_back"
        delivering.attempt(order.pk, outcome="no_answer", key="attempt-1")
    assert gear.fresh(cast, order).status == "pickup_requested"
    what = gear.received(cast, order, pieces={line.pk: 0 for line in gear.lines_of(cast, order)})
    with act_as(gear.supplier(cast)):
        proving.pick_up(order.pk, what, key="receipt-1")
        proving.pick_up(order.pk, what, key="receipt-1")
        proving.back_to_stock(order.pk)
        proving.back_to_stock(order.pk)
    assert gear.fresh(cast, order).status == "returned"
    assert gear.counts(cast, BED) == (1, 0)


def test_the_patient_may_keep_it_after_all(cast: Cast) -> None:
    stay, patient = in_bed(cast)
    order = gear.delivered(cast, (BED, "", 1), patient=patient)
    call_off(cast, stay)
    with act_as(cast.staff()):
        proving.withdraw_pickup(order.pk)
        proving.withdraw_pickup(order.pk)
    gear.stock_work(cast)
    assert gear.fresh(cast, order).status == "pod_review"
    with act_as(gear.supplier(cast)):
        assert StockUnit.objects.get().state == "out"


def test_what_came_to_the_bedside_is_billed_on_the_day_that_the_patient_left(cast: Cast) -> None:
    stay, patient = in_bed(cast)
    gear.shelve(cast, WALKER, 1, size="Adult")
    today = clock.today("America/Chicago")
    order = gear.order(
        cast, (WALKER, "Adult", 1), patient=patient, where="bedside", address=None, papers={"leaves_on": today}
    )
    order = gear.hand_over(cast, gear.send_out(cast, gear.take(cast, order)))
    left_at = clock.now() + dt.timedelta(days=1)
    with act_as(cast.staff()):
        stay.status, stay.discharged_at = "discharged", left_at
        stay.save(update_fields=["status", "discharged_at"])
        outbox.publish("encounter.discharged", {"encounter_id": str(stay.pk)})
    settle()
    assert gear.fresh(cast, order).service_on == clock.local(left_at, order.time_zone).date()


def recall(cast: Cast, serial: str) -> None:
    with act_as(gear.supplier(cast)):
        unit = StockUnit.objects.get(serial=serial)
        stock.recall(item_id=unit.item_id, serial=serial, reason="Maker's notice 12")
    settle()


def test_a_recall_finds_who_has_the_piece_and_tells_the_hospital(cast: Cast) -> None:
    order = gear.delivered(cast, (OXYGEN, "", 1))
    with act_as(cast.staff()):
        proving.review(order.pk, accept=True)
    settle()
    serial = gear.lines_of(cast, order)[0].serials[0]
    recall(cast, serial)
    recall(cast, serial)
    order = gear.fresh(cast, order)
    assert (order.status, alerts_of(cast, order)) == ("recalled", {"equipment_recalled"})
    gear.shelve(cast, OXYGEN, 1)
    with act_as(cast.staff()):
        proving.exchange(order.pk, reason="Recalled")
    with act_as(gear.supplier(cast)):
        reserving.allocate(order.pk)
    settle()
    order = gear.hand_over(cast, gear.send_out(cast, gear.fresh(cast, order)))
    assert order.status == "pod_review"
    with act_as(gear.supplier(cast)):
        assert StockUnit.objects.get(serial=serial).state == "retired", "a recalled piece does not go back on the shelf"
    assert gear.counts(cast, OXYGEN) == (0, 0)


def test_a_recalled_piece_that_was_reserved_is_replaced_or_missed(cast: Cast) -> None:
    gear.shelve(cast, OXYGEN, 2)
    order = gear.take(cast, gear.order(cast, (OXYGEN, "", 1)))
    first = gear.lines_of(cast, order)[0].serials[0]
    recall(cast, first)
    line = gear.lines_of(cast, order)[0]
    assert (gear.fresh(cast, order).status, line.state, line.serials == [first]) == ("allocated", "reserved", False)
    assert gear.counts(cast, OXYGEN) == (1, 1)
    recall(cast, line.serials[0])
    assert gear.fresh(cast, order).status == "backordered"
    assert gear.counts(cast, OXYGEN) == (0, 0)


def fill_closet(cast: Cast, code: str, serials: list[str], *, size: str = "") -> ClosetItem:
    with act_as(cast.staff()):
        item = stock.add_item(code=code, name=gear.NAMES[code], size=size, par=1, serialised=bool(serials))
        stock.receive(item_id=item.pk, quantity=len(serials) or 2, serials=serials)
        return item


def hand_out(cast: Cast, order: EquipmentOrder, **more: Any) -> EquipmentOrder:
    line = gear.lines_of(cast, order)[0]
    fields = {
        "serials": {line.pk: ["OX-1"]}, "receiver_name": "Ben Cole", "receiver_relation": "family", "key": "closet-1",
        "due_back_on": clock.today("America/Chicago") + dt.timedelta(days=7), **more,
    }  # fmt: skip
    with act_as(cast.staff()):
        closet.hand_out(order.pk, **fields)
    settle()
    return gear.fresh(cast, order)


def test_the_closet_lends_what_no_supplier_brings(cast: Cast) -> None:
    fill_closet(cast, OXYGEN, ["OX-1", "OX-2"])
    order = gear.order(cast, (OXYGEN, "", 1))
    assert order.status == "exhausted"
    page = client_of(cast, "case_manager@lakeshore").get(f"/equipment/{order.request_id}").content.decode()
    assert "Hand out of the closet" in page
    for change, words in (
        ({"due_back_on": None}, "due back"),
        ({"serials": {}}, "Choose 1"),
        ({"receiver_name": ""}, "who received"),
    ):
        with pytest.raises(DomainError, match=words):
            hand_out(cast, order, **change)
    order = hand_out(cast, order)
    assert (order.status, request_of(cast, order).status) == ("on_rent", "completed")
    assert hand_out(cast, order).status == "on_rent"
    with act_as(cast.staff()):
        assert ClosetItem.objects.get().on_hand == 1
        closet.take_in(order.pk)
        closet.take_in(order.pk)
        assert ClosetItem.objects.get().on_hand == 2
    assert gear.fresh(cast, order).status == "returned"


def test_three_overdue_concentrators_are_listed_with_their_last_holders(cast: Cast) -> None:
    fill_closet(cast, OXYGEN, ["OX-1", "OX-2", "OX-3"])
    for number in (1, 2, 3):
        order = gear.order(cast, (OXYGEN, "", 1))
        line = gear.lines_of(cast, order)[0]
        hand_out(cast, order, serials={line.pk: [f"OX-{number}"]}, key=f"closet-{number}")
    today = clock.today("America/Chicago")
    with act_as(cast.staff()):
        assert overdue_loans(today) == []
        for days, serial in enumerate(("OX-1", "OX-2", "OX-3"), start=1):
            ClosetUnit.objects.filter(serial=serial).update(due_back_on=today - dt.timedelta(days=days))
        rows = overdue_loans(today)
    assert [(row["unit"].serial, row["days"]) for row in rows] == [("OX-3", 3), ("OX-2", 2), ("OX-1", 1)]
    page = client_of(cast, "case_manager@lakeshore").get("/equipment").content.decode()
    assert page.count("Zzyzxcanary") >= 3
    assert "3 days overdue" in page
    assert "Zzyzxcanary" not in client_of(cast, "admin@lakeshore").get("/stock").content.decode()


def test_the_closet_lends_one_piece_once(cast: Cast) -> None:
    fill_closet(cast, OXYGEN, ["OX-1"])
    first, second = gear.order(cast, (OXYGEN, "", 1)), gear.order(cast, (OXYGEN, "", 1))
    hand_out(cast, first)
    with pytest.raises(DomainError):
        hand_out(cast, second, key="closet-2")
    with act_as(cast.staff()):
        assert EquipmentDetail.objects.count() == 2
    assert gear.fresh(cast, second).status == "exhausted"
