"""Ordering equipment: what is refused, what is kept, and the catalog behind it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from logistics.core import clock, equipment
from logistics.core.errors import DomainError
from logistics.requests.models import EquipmentDetail, EquipmentItem, EquipmentLine, Gate, Patient, ServiceRequest
from logistics.requests.services import equipment as demand
from logistics.requests.services import gates
from logistics.requests.services.equipment import Asked, Order
from logistics.requests.services.geocode import Address
from tests.cast import Cast
from tests.dispatch import gear
from tests.dispatch.gear import BED, HOME, POWER, WALKER
from tests.dispatch.pages import client_of
from tests.support import act_as, settle


def place(cast: Cast, *lines: Asked, key: str = "key-1", **more: Any) -> ServiceRequest:
    with act_as(cast.staff()):
        patient = more.pop("patient", None) or Patient.objects.create(family_name="Cole", given_name="Agnes")
        fields = {"where": "home", "deliver_by_at": clock.now() + dt.timedelta(hours=5), "address": HOME, **more}
        return demand.place(
            patient=patient, order=Order(lines=lines, **fields), facility=cast.facilities["lakeshore"], key=key
        )


def test_an_order_is_kept_with_its_lines_and_confirmed(cast: Cast) -> None:
    items = gear.catalog(cast)
    papers = {"practitioner_name": "Dr. Quill", "ordered_on": clock.today("America/Chicago")}
    request = place(cast, Asked(items[BED].pk), Asked(items[WALKER].pk, "Adult", 2), papers=papers)
    with act_as(cast.staff()):
        detail = EquipmentDetail.objects.get(request=request)
        assert (request.kind, request.status, detail.address["line"]) == ("dme", "requested", "18 Pier Rd")
        assert detail.practitioner_name == "Dr. Quill"
        lines = [(row.item.code, row.size, row.quantity) for row in EquipmentLine.objects.filter(request=request)]
        assert lines == [(BED, "", 1), (WALKER, "Adult", 2)]


def test_the_same_form_twice_makes_one_order(cast: Cast) -> None:
    items = gear.catalog(cast)
    first = place(cast, Asked(items[BED].pk))
    assert place(cast, Asked(items[BED].pk)).pk == first.pk


def test_an_item_that_is_on_its_way_is_not_ordered_again(cast: Cast) -> None:
    items = gear.catalog(cast)
    first = place(cast, Asked(items[BED].pk))
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=first.patient_id)
    with pytest.raises(DomainError, match="is open for this patient"):
        place(cast, Asked(items[BED].pk), key="key-2", patient=patient)
    place(cast, Asked(items[WALKER].pk, "Adult"), key="key-3", patient=patient)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"deliver_by_at": clock.now() - dt.timedelta(hours=1)}, "deliver_by"),
        ({"address": None}, "address"),
        ({"address": Address("1 Nowhere", "Madison", "WI", "00000")}, "address"),
        ({"where": "bedside"}, "leaves_on"),
        ({"where": "bedside", "papers": {"leaves_on": clock.now().date() + dt.timedelta(days=9)}}, "deliver_by"),
        ({"papers": {"ordered_on": clock.now().date() + dt.timedelta(days=9)}}, "ordered_on"),
    ],
)
def test_what_does_not_hold_is_refused_at_its_field(cast: Cast, change: dict[str, Any], field: str) -> None:
    items = gear.catalog(cast)
    with pytest.raises(DomainError) as refused:
        place(cast, Asked(items[BED].pk), **change)
    assert field in refused.value.fields
    with act_as(cast.staff()):
        assert not ServiceRequest.objects.exists()


@pytest.mark.parametrize(
    ("code", "size", "quantity", "words"),
    [
        (WALKER, "", 1, "Choose a size"),
        (WALKER, "Enormous", 1, "Choose a size"),
        (BED, "Adult", 1, "has no sizes"),
        (BED, "", 0, "Between 1 and 20"),
        (BED, "", 21, "Between 1 and 20"),
    ],
)
def test_sizes_and_quantities_are_those_of_the_catalog(
    cast: Cast, code: str, size: str, quantity: int, words: str
) -> None:
    items = gear.catalog(cast)
    with pytest.raises(DomainError, match=words):
        place(cast, Asked(items[code].pk, size, quantity))


def test_an_order_of_nothing_and_an_item_twice_are_refused(cast: Cast) -> None:
    items = gear.catalog(cast)
    with pytest.raises(DomainError, match="at least one item"):
        place(cast)
    with pytest.raises(DomainError, match="on two lines"):
        place(cast, Asked(items[BED].pk), Asked(items[BED].pk))


def test_an_order_waits_for_its_gate_and_goes_on_when_it_is_granted(cast: Cast, monkeypatch: Any) -> None:
    gear.shelve(cast, BED, 1)
    items = gear.catalog(cast)
    ask = gates.Ask(kind="approval", rule="equipment@1", reason="Beds are approved")
    monkeypatch.setattr(gates, "ASKERS", [lambda request: [ask] if request.kind == "dme" else []])
    monkeypatch.setattr(gates, "GUARDS", {})
    request = place(cast, Asked(items[BED].pk))
    settle()
    assert request.status == "pending"
    page = client_of(cast, "case_manager@lakeshore").get(f"/equipment/{request.pk}")
    assert page.status_code == 200
    with act_as(cast.staff()):
        gates.answer(gate_id=Gate.objects.get(request=request).pk, granted=True)
    settle()
    assert gear.order_of(cast, request).status == "offered"


def test_the_starter_catalog_is_added_once_and_changes_stay(cast: Cast) -> None:
    items = gear.catalog(cast)
    assert set(items) == set(equipment.BY_CODE)
    with act_as(cast.staff()):
        demand.save_item(items[BED], name="Bed, ours")
        assert demand.add_starter() == 0
        assert EquipmentItem.objects.get(code=BED).name == "Bed, ours"
        with pytest.raises(DomainError, match="in the catalog already"):
            demand.save_item(None, code=BED.lower(), name="Again", category="bed")


def test_a_written_order_is_needed_from_its_day_on(cast: Cast) -> None:
    items = gear.catalog(cast)
    today = clock.now().date()
    with act_as(cast.staff()):
        demand.set_rule(items[BED], effective_from=today + dt.timedelta(days=10), needs_wopd=True)
        both = [items[BED], items[POWER]]
        assert demand.needing_wopd(both, today) == {items[POWER].pk}
        assert demand.needing_wopd(both, today + dt.timedelta(days=10)) == {items[BED].pk, items[POWER].pk}
        assert demand.needing_wopd(both, dt.date(2022, 4, 12)) == set()
        demand.set_rule(items[POWER], effective_from=today, needs_wopd=False)
        assert demand.needing_wopd(both, today) == set()
        with pytest.raises(DomainError, match="already"):
            demand.set_rule(items[POWER], effective_from=today, needs_wopd=True)


def test_the_catalog_page_adds_changes_and_rules(cast: Cast) -> None:
    admin = client_of(cast, "admin@lakeshore")
    assert "The catalog is empty" in admin.get("/equipment/catalog").content.decode()
    assert admin.post("/equipment/catalog/starter").status_code == 303
    assert "Oxygen concentrator" in admin.get("/equipment/catalog").content.decode()
    with act_as(cast.staff()):
        bed = EquipmentItem.objects.get(code=BED)
    url = f"/equipment/catalog/{bed.pk}"
    assert admin.post(url, {"name": "", "category": "bed"}).status_code == 422
    changed = {"name": "Bed", "category": "bed", "sizes": "Long, Short", "substitutes": "e0303", "is_active": "on"}
    assert admin.post(url, changed).status_code == 303
    assert admin.post(url, {"do": "rule", "effective_from": "", "needs_wopd": "yes"}).status_code == 422
    assert admin.post(url, {"do": "rule", "effective_from": "2026-01-01", "needs_wopd": "yes"}).status_code == 303
    with act_as(cast.staff()):
        bed = EquipmentItem.objects.get(code=BED)
        assert (bed.name, bed.sizes, bed.substitutes, bed.serialised) == ("Bed", ["Long", "Short"], ["E0303"], False)
        assert demand.needing_wopd([bed], dt.date(2026, 1, 1)) == {bed.pk}
    taken = {"code": BED, "name": "Again", "category": "bed"}
    assert "in the catalog already" in admin.post("/equipment/catalog/new", taken).content.decode()
    assert client_of(cast, "case_manager@lakeshore").get("/equipment/catalog").status_code == 403
