"""Which supplier is asked about equipment, in which order, and what follows from its answer."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import time_machine
from django.db import connection

from dispatch.models import EquipmentOffer, EquipmentOrder, EquipmentRecipient
from dispatch.services.equipment import orders, suppliers
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove, NotAllowed, StaleState
from logistics.requests.models import Alert, ServiceRequest
from tests.cast import Cast, build_cast
from tests.dispatch import gear
from tests.dispatch.gear import BED, OXYGEN, WALKER
from tests.support import act_as, settle
from vendors.models import Network, VendorProfile


def asked(cast: Cast, order: EquipmentOrder) -> list[str]:
    names = {cast.northbound.pk: "northbound", cast.tamarack.pk: "tamarack"}
    return [names[offer.vendor_id] for offer in gear.offers_of(cast, order)]


def test_who_has_it_in_stock_is_asked_first(cast: Cast) -> None:
    gear.shelve(cast, BED, 0)
    gear.shelve(cast, BED, 2, slug="tamarack")
    order = gear.order(cast, (BED, "", 1))
    assert asked(cast, order) == ["tamarack", "northbound"]
    assert [row["why"] for row in order.considered] == [
        "1 of 1 items in stock, contract, under 5 mi", "0 of 1 items in stock, contract, under 5 mi",
    ]  # fmt: skip


def test_with_equal_stock_the_tier_decides_and_the_patients_choice_before_both(cast: Cast) -> None:
    for slug in ("northbound", "tamarack"):
        gear.shelve(cast, BED, 2, slug=slug)
    assert asked(cast, gear.order(cast, (BED, "", 1))) == ["northbound", "tamarack"]
    chosen = gear.order(cast, (BED, "", 1), preferred_vendor_id=cast.tamarack.pk)
    assert asked(cast, chosen) == ["tamarack", "northbound"]
    assert "the patient's choice" in chosen.considered[0]["why"]


def test_who_is_too_far_carries_nothing_of_it_or_may_not_work_is_not_asked(cast: Cast) -> None:
    gear.shelve(cast, BED, 2)
    gear.shelve(cast, BED, 2, slug="tamarack")
    with act_as(gear.supplier(cast, "tamarack")):
        VendorProfile.objects.update(radius_miles=1)
    order = gear.order(cast, (BED, "", 1))
    assert asked(cast, order) == ["northbound"]
    assert order.considered[1]["why"] == "does not serve this area (1 mi)"
    with act_as(cast.staff()):
        Network.objects.filter(vendor=cast.northbound).update(status="suspended")
    order = gear.order(cast, (OXYGEN, "", 1))
    assert (order.status, asked(cast, order)) == ("exhausted", [])
    assert order.considered[0]["why"] == "does not carry any of it"


def test_the_brief_names_zone_items_and_time_and_nothing_of_the_patient(cast: Cast) -> None:
    gear.shelve(cast, WALKER, 3, size="Adult")
    order = gear.order(cast, (WALKER, "Adult", 2))
    with act_as(gear.supplier(cast)):
        brief = EquipmentOffer.objects.get(status="open").brief
        assert brief["zone"] == "Madison, 537"
        assert [item["name"] for item in brief["items"]] == ["2 × Folding walker, wheeled (Adult)"]
        assert not EquipmentOrder.objects.exists()
        assert not EquipmentRecipient.objects.exists()
    for secret in ("Zzyzxcanary", "Pier", "53704", "0142"):
        assert secret not in str(brief)
    assert order.status == "offered"


def test_a_no_asks_the_next_and_the_last_no_tells_a_person(cast: Cast) -> None:
    for slug in ("northbound", "tamarack"):
        gear.shelve(cast, BED, 2, slug=slug)
    order = gear.order(cast, (BED, "", 1))
    for slug in ("northbound", "tamarack"):
        with act_as(gear.supplier(cast, slug)):
            offer_id = gear.open_offer_id(order)
            suppliers.decline(offer_id, code="no_driver", note="Till Friday")
            suppliers.decline(offer_id, code="no_driver")
        settle()
    assert gear.fresh(cast, order).status == "exhausted"
    with act_as(cast.staff()):
        alert = Alert.objects.get(code="equipment_exhausted")
        assert (alert.params["declined"], alert.request_id) == (2, order.request_id)
        suppliers.ask_again(order.pk)
    settle()
    assert gear.fresh(cast, order).status == "offered"
    with act_as(cast.staff()):
        assert Alert.objects.get(code="equipment_exhausted").acknowledged_at is not None
        with pytest.raises(DomainError):
            suppliers.decline(gear.open_offer_id(order), code="no_driver")


def test_an_offer_that_nobody_answers_expires_and_the_next_is_asked(cast: Cast) -> None:
    for slug in ("northbound", "tamarack"):
        gear.shelve(cast, BED, 2, slug=slug)
    order = gear.order(cast, (BED, "", 1))
    late = gear.open_offer(cast, order)
    with time_machine.travel(late.expires_at + dt.timedelta(seconds=1), tick=False):
        with act_as(gear.supplier(cast)), pytest.raises(StaleState, match="The next supplier is asked"):
            suppliers.accept(late.pk)
        gear.ticked()
        assert gear.open_offer(cast, order).vendor_id == cast.tamarack.pk
    assert [offer.status for offer in gear.offers_of(cast, order)] == ["expired", "open"]


def test_acceptance_reserves_and_withdraws_what_waits(cast: Cast) -> None:
    for slug in ("northbound", "tamarack"):
        gear.shelve(cast, BED, 2, slug=slug)
    order = gear.take(cast, gear.order(cast, (BED, "", 2)))
    assert (order.status, order.vendor_id) == ("allocated", cast.northbound.pk)
    assert [offer.status for offer in gear.offers_of(cast, order)] == ["accepted", "withdrawn"]
    line = gear.lines_of(cast, order)[0]
    assert (line.state, line.reserved, len(line.serials)) == ("reserved", 2, 2)
    assert gear.counts(cast, BED) == (2, 2)
    with act_as(gear.supplier(cast)):
        assert EquipmentRecipient.objects.get().details["family_name"] == "Zzyzxcanary"
        assert suppliers.accept(EquipmentOffer.objects.get().pk).pk == order.pk


def test_only_the_asked_supplier_answers(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.order(cast, (BED, "", 1))
    offer = gear.open_offer(cast, order)
    with act_as(cast.staff()), pytest.raises(NotAllowed):
        suppliers.accept(offer.pk)
    with act_as(gear.supplier(cast, "tamarack")), pytest.raises(DomainError, match="does not exist"):
        suppliers.accept(offer.pk)
    with act_as(gear.supplier(cast)), pytest.raises(DomainError, match="time to come"):
        suppliers.accept(offer.pk, expected_at=clock.now() - dt.timedelta(hours=1))


def test_a_supplier_gives_an_order_back_and_is_not_asked_again(cast: Cast) -> None:
    for slug in ("northbound", "tamarack"):
        gear.shelve(cast, BED, 1, slug=slug)
    order = gear.take(cast, gear.order(cast, (BED, "", 1)))
    with act_as(gear.supplier(cast)):
        suppliers.turn_back(order.pk, code="no_driver")
    settle()
    order = gear.fresh(cast, order)
    assert (order.status, order.vendor_id) == ("offered", None)
    assert gear.open_offer(cast, order).vendor_id == cast.tamarack.pk
    assert "gave this order back" in str(order.considered)
    assert gear.counts(cast, BED) == (1, 0)
    with act_as(gear.supplier(cast)):
        assert not EquipmentRecipient.objects.exists()
    with act_as(cast.staff()):
        assert ServiceRequest.objects.get(pk=order.request_id).status == "requested"


def test_staff_take_an_order_back_and_its_stock_is_freed_on_the_other_side(cast: Cast) -> None:
    for slug in ("northbound", "tamarack"):
        gear.shelve(cast, BED, 1, slug=slug)
    order = gear.take(cast, gear.order(cast, (BED, "", 1)))
    with act_as(cast.staff()):
        with pytest.raises(IllegalMove, match="Say why"):
            orders.take_back(order.pk, reason="")
        orders.take_back(order.pk, reason="Does not answer the phone")
    settle()
    assert gear.open_offer(cast, order).vendor_id == cast.tamarack.pk
    gear.stock_work(cast)
    assert gear.counts(cast, BED) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_of_two_orders_for_the_last_bed_one_is_allocated_and_one_is_out_of_stock() -> None:
    cast = build_cast()
    gear.shelve(cast, BED, 1)
    both = [gear.order(cast, (BED, "", 1)) for _ in range(2)]
    ids = [gear.open_offer(cast, order).pk for order in both]
    start = threading.Barrier(2)

    def race(offer_id: object) -> None:
        try:
            start.wait(timeout=20)
            with act_as(gear.supplier(cast)):
                suppliers.accept(offer_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(offer_id,)) for offer_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(gear.fresh(cast, order).status for order in both) == ["allocated", "backordered"]
    assert gear.counts(cast, BED) == (1, 1)
