"""An equipment order from its confirmation to the accepted proof, and what may go wrong at the door."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db import transaction

from dispatch.models import DeliveryAttempt, DeliveryProof, EquipmentOrder, EquipmentRecipient
from dispatch.selectors.equipment import status_of
from dispatch.services.equipment import delivering, orders, proving, reserving
from logistics.core import clock, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.core.models import OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.models import Alert, EquipmentItem, ServiceRequest
from logistics.requests.services import equipment as demand
from tests.cast import Cast
from tests.dispatch import gear
from tests.dispatch.gear import BED, OXYGEN, POWER, WALKER
from tests.dispatch.pages import at_most
from tests.support import act_as, settle
from vendors.models import StockUnit


def status_of_request(cast: Cast, order: EquipmentOrder) -> str:
    with act_as(cast.staff()):
        return ServiceRequest.objects.get(pk=order.request_id).status


def alerts_of(cast: Cast, order: EquipmentOrder) -> set[str]:
    with act_as(cast.staff()):
        rows = Alert.objects.filter(request_id=order.request_id, acknowledged_at=None)
        return set(rows.values_list("code", flat=True))


def events_of(topic: str) -> list[dict[str, Any]]:
    with transaction.atomic(), scoping.enter(Scope.system(actor_label="test")):
        return list(OutboxEvent.objects.filter(topic=topic).order_by("id").values_list("payload", flat=True))


def reviewed(cast: Cast, order: EquipmentOrder, **answer: Any) -> EquipmentOrder:
    with act_as(cast.staff()):
        proving.review(order.pk, **answer)
    settle()
    return gear.fresh(cast, order)


def test_a_bed_is_offered_accepted_delivered_proven_and_rented(cast: Cast) -> None:
    gear.shelve(cast, BED, 2)
    order = gear.order(cast, (BED, "", 1))
    assert (order.status, status_of_request(cast, order)) == ("offered", "requested")
    order = gear.take(cast, order)
    assert (order.status, status_of_request(cast, order)) == ("allocated", "scheduled")
    assert gear.counts(cast, BED) == (2, 1)
    order = gear.send_out(cast, order)
    assert (order.status, status_of_request(cast, order)) == ("out_for_delivery", "in_progress")
    order = gear.hand_over(cast, order)
    assert (order.status, status_of_request(cast, order)) == ("pod_review", "completed")
    assert gear.counts(cast, BED) == (1, 0)
    line = gear.lines_of(cast, order)[0]
    with act_as(cast.staff()):
        proof = DeliveryProof.objects.get(order=order)
    assert proof.items[0]["serials"] == line.serials
    assert (proof.receiver_name, proof.receiver_relation) == ("Zzyzxcanary Ben", "family")
    assert order.service_on == proof.received_on
    assert [event["request_id"] for event in events_of("equipment.delivered")] == [str(order.request_id)]
    order = reviewed(cast, order, accept=True)
    assert (order.status, order.closed_at is not None) == ("on_rent", True)
    with act_as(gear.supplier(cast)):
        assert StockUnit.objects.get(serial=line.serials[0]).state == "out"


def test_what_is_sold_is_closed_and_nothing_comes_back(cast: Cast) -> None:
    order = gear.delivered(cast, (WALKER, "Adult", 1))
    assert reviewed(cast, order, accept=True).status == "closed"
    with act_as(cast.staff()), pytest.raises(IllegalMove, match="it was sold"):
        proving.request_pickup(order.pk, reason="Not needed")


def test_the_plan_reads_where_everything_stands_in_few_questions(cast: Cast) -> None:
    there = gear.delivered(cast, (BED, "", 1))
    gear.shelve(cast, OXYGEN, 2)
    coming = [gear.take(cast, gear.order(cast, (OXYGEN, "", 1))) for _ in range(2)]
    with act_as(cast.staff()):
        rides = ServiceRequest.objects.create(
            patient_id=ServiceRequest.objects.first().patient_id, facility=cast.facilities["lakeshore"]
        )
        ids = [there.request_id, *(order.request_id for order in coming), rides.pk]
        with at_most(3):
            found = status_of(ids)
    assert set(found) == set(ids) - {rides.pk}
    assert (found[there.request_id].is_there, found[there.request_id].state) == (True, "pod_review")
    standing = found[coming[0].request_id]
    assert (standing.is_there, standing.is_late, standing.vendor_name) == (False, False, "Northbound Medical")
    due = clock.local(standing.deliver_by_at, standing.time_zone)
    assert standing.words == f"Oxygen concentrator at home, due {due:%H:%M}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"receiver_relation": "supplier"}, "cannot sign for the patient"),
        ({"receiver_name": "Dme of Northbound"}, "cannot sign for the patient"),
        ({"receiver_name": "northbound-0-0, sam"}, "cannot sign for the patient"),
        ({"receiver_name": "Dev Malhotra"}, "cannot sign for the patient"),
        ({"receiver_name": " "}, "Say who received it"),
        ({"receiver_relation": "stranger"}, "Say who received it"),
        ({"unsigned_reason": ""}, "Sign here, or say why"),
        ({"setup_done": False}, "Set it up and explain it"),
        ({"received_on": clock.now().date() + dt.timedelta(days=3)}, "is ahead"),
        ({"received_on": clock.now().date() - dt.timedelta(days=9)}, "cannot have come before"),
    ],
)
def test_a_proof_that_does_not_hold_is_refused_and_nothing_moves(cast: Cast, change: dict, words: str) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1))))
    with pytest.raises(DomainError, match=words):
        gear.hand_over(cast, order, **change)
    assert gear.fresh(cast, order).status == "out_for_delivery"
    assert gear.counts(cast, BED) == (1, 1)


def test_the_receivers_date_is_the_date_of_service(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1))))
    today = clock.today(order.time_zone)
    with time_machine.travel(clock.now() + dt.timedelta(days=1), tick=True):
        order = gear.hand_over(cast, order, received_on=today)
        assert order.service_on == today
        assert clock.local(order.delivered_at, order.time_zone).date() == today + dt.timedelta(days=1)


def test_nobody_home_is_an_attempt_and_a_new_time_brings_it_again(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1))))
    with act_as(gear.supplier(cast)):
        delivering.attempt(order.pk, outcome="no_answer", key="attempt-1")
        delivering.attempt(order.pk, outcome="no_answer", key="attempt-1")
    settle()
    order = gear.fresh(cast, order)
    assert (order.status, status_of_request(cast, order)) == ("attempted", "scheduled")
    assert alerts_of(cast, order) == {"equipment_attempted"}
    assert gear.counts(cast, BED) == (1, 1)
    order = gear.send_out(cast, order)
    with act_as(gear.supplier(cast)):
        delivering.attempt(order.pk, outcome="wrong_address", key="attempt-2")
    settle()
    order = gear.hand_over(cast, gear.send_out(cast, order))
    with act_as(cast.staff()):
        assert list(DeliveryAttempt.objects.values_list("number", "outcome")) == [
            (1, "no_answer"), (2, "wrong_address"),
        ]  # fmt: skip
    assert (order.status, alerts_of(cast, order)) == ("pod_review", set())


def test_a_patient_who_does_not_want_it_ends_the_order_and_frees_the_stock(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1))))
    with act_as(gear.supplier(cast)):
        delivering.attempt(order.pk, outcome="refused", key="attempt-1")
    settle()
    assert (gear.fresh(cast, order).status, status_of_request(cast, order)) == ("refused", "canceled")
    assert gear.counts(cast, BED) == (1, 0)
    assert alerts_of(cast, order) == {"equipment_attempted"}


def test_the_wrong_size_goes_back_and_the_right_one_comes(cast: Cast) -> None:
    gear.shelve(cast, WALKER, 1, size="Tall")
    gear.shelve(cast, WALKER, 2, size="Adult")
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (WALKER, "Tall", 1))))
    with act_as(gear.supplier(cast)):
        delivering.attempt(order.pk, outcome="wrong_item", key="attempt-1")
    settle()
    order = gear.fresh(cast, order)
    assert (order.status, gear.counts(cast, WALKER, "Tall")) == ("wrong_item", (1, 0))
    line = gear.lines_of(cast, order)[0]
    with act_as(cast.staff()):
        reserving.substitute(order.pk, line_id=line.pk, code=WALKER, size="Adult")
    with act_as(gear.supplier(cast)):
        reserving.allocate(order.pk)
    settle()
    order = gear.hand_over(cast, gear.send_out(cast, gear.fresh(cast, order)))
    assert order.status == "pod_review"
    assert gear.counts(cast, WALKER, "Adult") == (1, 0)


def test_a_damaged_piece_is_taken_out_of_use(cast: Cast) -> None:
    gear.shelve(cast, BED, 2)
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1))))
    broken = gear.lines_of(cast, order)[0].serials[0]
    with act_as(gear.supplier(cast)):
        delivering.attempt(order.pk, outcome="damaged", key="attempt-1")
        reserving.allocate(order.pk)
        assert StockUnit.objects.get(serial=broken).state == "retired"
    settle()
    assert gear.counts(cast, BED) == (1, 1)
    assert gear.lines_of(cast, order)[0].serials != [broken]


def test_a_partial_delivery_leaves_the_rest_to_come(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    gear.shelve(cast, WALKER, 2, size="Adult")
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1), (WALKER, "Adult", 2))))
    bed, walker = gear.lines_of(cast, order)
    order = gear.hand_over(cast, order, pieces={walker.pk: 1}, setup_done=False)
    assert (order.status, status_of_request(cast, order)) == ("partly_delivered", "in_progress")
    assert [line.state for line in gear.lines_of(cast, order)] == ["reserved", "partly"]
    assert (gear.counts(cast, BED), gear.counts(cast, WALKER, "Adult")) == ((1, 1), (1, 1))
    order = gear.send_out(cast, order)
    order = gear.hand_over(cast, order)
    assert (order.status, status_of_request(cast, order)) == ("pod_review", "completed")
    assert [(line.delivered, line.state) for line in gear.lines_of(cast, order)] == [(1, "delivered"), (2, "delivered")]
    with act_as(cast.staff()):
        assert DeliveryProof.objects.filter(order=order).count() == 2
        with pytest.raises(IllegalMove):
            orders.cancel(order.pk, reason="other")


def test_one_line_of_a_delivery_may_be_wrong(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    gear.shelve(cast, WALKER, 1, size="Adult")
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1), (WALKER, "Adult", 1))))
    bed, walker = gear.lines_of(cast, order)
    order = gear.hand_over(cast, order, pieces={bed.pk: 1}, wrong={walker.pk: "wrong_item"})
    assert order.status == "partly_delivered"
    assert gear.counts(cast, WALKER, "Adult") == (1, 0)
    with act_as(gear.supplier(cast)):
        reserving.allocate(order.pk)
    settle()
    assert gear.fresh(cast, order).status == "allocated"


def test_more_than_came_along_cannot_be_received(cast: Cast) -> None:
    gear.shelve(cast, WALKER, 1, size="Adult")
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (WALKER, "Adult", 1))))
    line = gear.lines_of(cast, order)[0]
    for pieces, words in (({line.pk: 2}, "1 of Folding walker"), ({line.pk: 0}, "Enter what was received")):
        with pytest.raises(DomainError, match=words):
            gear.hand_over(cast, order, pieces=pieces)


def test_an_item_that_needs_a_written_order_does_not_leave_without_it(cast: Cast) -> None:
    gear.shelve(cast, POWER, 1)
    order = gear.take(cast, gear.order(cast, (POWER, "", 1)))
    assert order.needs_wopd
    with act_as(gear.supplier(cast)):
        delivering.schedule(order.pk, expected_at=clock.now() + dt.timedelta(hours=1))
        with pytest.raises(DomainError, match="needs a written order before delivery"):
            delivering.leave(order.pk)
    today = clock.today(order.time_zone)
    papers = {
        "practitioner_name": "Dr. Quill", "ordered_on": today, "signed_on": today, "wopd_received_on": today,
        "face_to_face_on": today - dt.timedelta(days=300),
    }  # fmt: skip
    with act_as(cast.staff()):
        orders.set_papers(order.request_id, **papers)
    with act_as(gear.supplier(cast)), pytest.raises(DomainError, match="more than 6 months"):
        delivering.leave(order.pk)
    with act_as(cast.staff()):
        orders.set_papers(order.request_id, face_to_face_on=today - dt.timedelta(days=30))
    with act_as(gear.supplier(cast)):
        assert delivering.leave(order.pk).status == "out_for_delivery"


def test_an_order_keeps_the_rule_of_its_day(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.take(cast, gear.order(cast, (BED, "", 1)))
    with act_as(cast.staff()):
        bed = EquipmentItem.objects.get(code=BED)
        demand.set_rule(bed, effective_from=clock.today(order.time_zone), needs_wopd=True)
    assert gear.send_out(cast, order).status == "out_for_delivery"


def test_the_bedside_is_served_at_most_two_days_before_and_billed_on_the_day_of_discharge(cast: Cast) -> None:
    gear.shelve(cast, WALKER, 1, size="Adult")
    leaves_on = clock.today("America/Chicago") + dt.timedelta(days=4)
    due = clock.now() + dt.timedelta(days=3)
    order = gear.take(
        cast,
        gear.order(
            cast, (WALKER, "Adult", 1), where="bedside", address=None, deliver_by_at=due,
            papers={"leaves_on": leaves_on},
        ),
    )  # fmt: skip
    with act_as(gear.supplier(cast)), pytest.raises(DomainError, match="at most 2 days before"):
        delivering.schedule(order.pk, expected_at=clock.now() + dt.timedelta(hours=1))
    with time_machine.travel(due - dt.timedelta(hours=4), tick=True):
        order = gear.hand_over(cast, gear.send_out(cast, order))
        assert order.service_on == leaves_on


def test_a_later_time_is_told_with_its_reason_and_the_discharge_hears_of_it(cast: Cast) -> None:
    gear.shelve(cast, OXYGEN, 1)
    order = gear.take(cast, gear.order(cast, (OXYGEN, "", 1)))
    later = order.deliver_by_at + dt.timedelta(hours=2)
    with act_as(gear.supplier(cast)):
        delivering.schedule(order.pk, expected_at=order.deliver_by_at - dt.timedelta(hours=1))
        with pytest.raises(DomainError, match="Choose a reason"):
            delivering.slip(order.pk, expected_at=later, code="because")
        delivering.slip(order.pk, expected_at=later, code="traffic")
        delivering.slip(order.pk, expected_at=later, code="traffic")
    settle()
    slipped = events_of("equipment.slipped")
    assert len(slipped) == 1
    assert slipped[0]["request_id"] == str(order.request_id)
    assert (slipped[0]["expected_at"], slipped[0]["late"], slipped[0]["code"]) == (later.isoformat(), True, "traffic")
    assert alerts_of(cast, order) == {"equipment_slipped"}
    with act_as(cast.staff()):
        assert status_of([order.request_id])[order.request_id].is_late
    with act_as(gear.supplier(cast)):
        delivering.slip(order.pk, expected_at=order.deliver_by_at, code="other")
    settle()
    assert alerts_of(cast, order) == set()


def test_what_is_not_there_in_time_is_told_once(cast: Cast) -> None:
    gear.shelve(cast, OXYGEN, 1)
    order = gear.take(cast, gear.order(cast, (OXYGEN, "", 1)))
    with time_machine.travel(order.deliver_by_at + dt.timedelta(minutes=1), tick=False):
        assert gear.ticked()["equipment_late"] == 1
        assert gear.ticked().get("equipment_late", 0) == 0
    assert alerts_of(cast, order) == {"equipment_late"}
    assert [event["request_id"] for event in events_of("equipment.late")] == [str(order.request_id)]


def test_a_new_time_reaches_whoever_is_asked_and_ends_the_alarm(cast: Cast) -> None:
    gear.shelve(cast, OXYGEN, 1)
    order = gear.order(cast, (OXYGEN, "", 1))
    later = order.deliver_by_at + dt.timedelta(hours=4)
    with time_machine.travel(order.deliver_by_at + dt.timedelta(minutes=1), tick=True):
        with act_as(cast.staff()):
            orders.watch(clock.now())
            with pytest.raises(DomainError, match="ahead of now"):
                orders.set_due(order.request_id, deliver_by_at=clock.now() - dt.timedelta(hours=1))
            orders.set_due(order.request_id, deliver_by_at=later)
            orders.set_due(order.request_id, deliver_by_at=later)
        settle()
        assert alerts_of(cast, order) == set()
        assert gear.offers_of(cast, order)[0].brief["deliver_by_at"] == later.isoformat()
        assert gear.fresh(cast, order).deliver_by_at == later
        with act_as(cast.staff()):
            assert not status_of([order.request_id])[order.request_id].is_late
    assert len(events_of("equipment.due_changed")) == 1


def test_a_rejected_proof_is_taken_anew(cast: Cast) -> None:
    order = gear.delivered(cast, (BED, "", 1))
    with act_as(cast.staff()), pytest.raises(DomainError, match="Write what is wrong"):
        proving.review(order.pk, accept=False)
    order = reviewed(cast, order, accept=False, note_text="The date cannot be read")
    assert order.status == "pod_review"
    order = gear.hand_over(cast, order, pieces={}, receiver_name="Zzyzxcanary Ada")
    with act_as(cast.staff()):
        assert list(DeliveryProof.objects.values_list("review", flat=True)) == ["rejected", "waiting"]
    assert gear.counts(cast, BED) == (0, 0)
    assert reviewed(cast, order, accept=True).status == "on_rent"
    with act_as(cast.staff()):
        assert list(DeliveryProof.objects.values_list("review", flat=True)) == ["rejected", "accepted"]


def test_an_exchange_brings_another_piece_and_takes_the_first_one_back(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.delivered(cast, (BED, "", 1))
    first = gear.lines_of(cast, order)[0].serials
    order = reviewed(cast, order, accept=False, note_text="Rails are missing", wrong=True)
    assert (order.status, order.delivered_at) == ("wrong_item", None)
    with act_as(cast.staff()):
        assert not status_of([order.request_id])[order.request_id].is_there
    with act_as(gear.supplier(cast)):
        reserving.allocate(order.pk)
    settle()
    order = gear.hand_over(cast, gear.send_out(cast, gear.fresh(cast, order)))
    second = gear.lines_of(cast, order)[0].serials
    assert (order.status, set(first) & set(second)) == ("pod_review", set())
    with act_as(gear.supplier(cast)):
        states = dict(StockUnit.objects.values_list("serial", "state"))
    assert (states[first[0]], states[second[0]]) == ("in_stock", "out")
    assert gear.counts(cast, BED) == (1, 0)


def test_the_supplier_forgets_the_patient_a_day_after_the_proof_is_accepted(cast: Cast) -> None:
    order = reviewed(cast, gear.delivered(cast, (BED, "", 1)), accept=True)
    with act_as(gear.supplier(cast)):
        assert EquipmentRecipient.objects.exists()
    with act_as(cast.staff()):
        EquipmentOrder.objects.filter(pk=order.pk).update(closed_at=clock.now() - dt.timedelta(hours=25))
    with act_as(gear.supplier(cast)):
        assert not EquipmentRecipient.objects.exists()
    with act_as(cast.staff()):
        proving.request_pickup(order.pk, reason="Not needed any more")
    with act_as(gear.supplier(cast)):
        assert EquipmentRecipient.objects.exists(), "who fetches it must know where"
