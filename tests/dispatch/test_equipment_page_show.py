"""Equipment at the hospital's desk and at the supplier: every page, its forms, and what each side may see."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

from dispatch.models import DeliveryProof, EquipmentOrder
from dispatch.services.equipment import proving
from logistics.core import clock
from logistics.requests.models import EquipmentItem, ServiceRequest
from tests.cast import Cast
from tests.dispatch import gear
from tests.dispatch.gear import BED, OXYGEN, WALKER
from tests.dispatch.pages import at_most, audited, client_of
from tests.requests.ward import admit
from tests.support import act_as, settle

DESK, SUPPLIER = "case_manager@lakeshore", "dme@northbound"


def act(client, order: EquipmentOrder, do: str, **data):
    return client.post(f"/equipment/{order.request_id}/act", {"do": do, **data})


def step(client, order: EquipmentOrder, do: str, **data):
    return client.post(f"/deliveries/{order.pk}/act", {"do": do, **data})


def later(hours: int, zone: str = "America/Chicago") -> str:
    return (clock.local(clock.now(), zone) + dt.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")


def test_a_case_manager_orders_a_bed_and_a_walker_from_the_patients_page(cast: Cast) -> None:
    gear.catalog(cast)
    stay = admit(cast)
    with act_as(cast.staff()):
        items = {item.code: item.pk for item in EquipmentItem.objects.all()}
    client = client_of(cast, DESK)
    shown = client.get(f"/equipment/new?patient={stay.patient_id}")
    assert shown.status_code == 200
    assert "18 Pier Rd" in shown.content.decode()
    data = {
        "patient": stay.patient_id, "key": str(uuid4()), "where": "home", "deliver_by": later(8),
        "address": "18 Pier Rd, Madison WI 53704", "contact_name": "Ben", "contact_phone": "608 555 0143",
        f"qty_{items[BED]}": "1", f"qty_{items[WALKER]}": "1",
    }  # fmt: skip
    unsized = client.post("/equipment/new", data)
    assert unsized.status_code == 422
    assert "Choose a size for Folding walker" in unsized.content.decode()
    done = client.post("/equipment/new", data | {f"size_{items[WALKER]}": "Adult"})
    assert done.status_code == 303
    with act_as(cast.staff()):
        request = ServiceRequest.objects.get(kind="dme")
        assert request.encounter_id == stay.pk
    assert done["Location"] == f"/equipment/{request.pk}"
    again = client.post("/equipment/new", data | {f"size_{items[WALKER]}": "Adult"})
    assert again["Location"] == done["Location"]


def test_the_list_shows_what_is_due_and_filters_it(cast: Cast) -> None:
    gear.shelve(cast, BED, 2)
    order = gear.order(cast, (BED, "", 1))
    client = client_of(cast, DESK)
    with at_most(24):
        page = client.get("/equipment")
    text = page.content.decode()
    assert "Zzyzxcanary" in text
    assert f"Order {order.number}" in text
    assert "Zzyzxcanary" not in client.get("/equipment?show=out").content.decode()
    assert "Zzyzxcanary" in client.get(f"/equipment?show=all&q={order.number}").content.decode()
    assert "Zzyzxcanary" not in client.get("/equipment?show=all&q=1").content.decode()
    assert audited(cast.staff(), "equipment.listed")


def test_the_supplier_sees_no_name_before_it_accepts_and_everything_after(cast: Cast) -> None:
    gear.shelve(cast, OXYGEN, 1)
    order = gear.order(cast, (OXYGEN, "", 1))
    supplier = client_of(cast, SUPPLIER)
    offered = supplier.get("/deliveries").content.decode()
    assert "Madison, 537" in offered
    assert "Oxygen concentrator" in offered
    assert "Zzyzxcanary" not in offered
    assert "Pier" not in offered
    assert supplier.get(f"/deliveries/{order.pk}").status_code == 404
    with act_as(gear.supplier(cast)):
        offer_id = gear.open_offer_id(order)
    taken = supplier.post(f"/deliveries/offers/{offer_id}/accept", {"expected_at": later(3)})
    assert (taken.status_code, taken["Location"]) == (303, f"/deliveries/{order.pk}")
    settle()
    page = supplier.get(f"/deliveries/{order.pk}").content.decode()
    assert "Zzyzxcanary" in page
    assert "18 Pier Rd" in page
    assert client_of(cast, "dme@tamarack").get(f"/deliveries/{order.pk}").status_code == 404


def test_a_supplier_declines_with_a_reason(cast: Cast) -> None:
    gear.shelve(cast, OXYGEN, 1)
    order = gear.order(cast, (OXYGEN, "", 1))
    supplier = client_of(cast, SUPPLIER)
    with act_as(gear.supplier(cast)):
        url = f"/deliveries/offers/{gear.open_offer_id(order)}/decline"
    assert supplier.post(url, {"code": ""}).status_code == 422
    assert supplier.post(url, {"code": "no_driver"}).status_code == 303
    settle()
    page = client_of(cast, DESK).get(f"/equipment/{order.request_id}").content.decode()
    assert "Nobody free to deliver in time" in page
    assert "Ask suppliers again" in page


def test_the_supplier_takes_an_order_to_the_door_and_the_hospital_accepts_the_proof(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.take(cast, gear.order(cast, (BED, "", 1)))
    supplier = client_of(cast, SUPPLIER)
    assert step(supplier, order, "leave").status_code == 409
    assert step(supplier, order, "schedule", expected_at="").status_code == 422
    assert step(supplier, order, "schedule", expected_at=later(2)).status_code == 303
    assert step(supplier, order, "leave").status_code == 303
    url = f"/deliveries/{order.pk}/proof"
    assert supplier.get(url).status_code == 200
    today = clock.today("America/Chicago").isoformat()
    data = {
        "key": str(uuid4()), "receiver_relation": "family", "receiver_name": "Zzyzxcanary Ben", "received_on": today,
        "pieces_1": "1", "cannot_sign_reason": "Hand in a cast", "setup_done": "on",
    }  # fmt: skip
    by_driver = supplier.post(url, data | {"receiver_name": "Dme of Northbound"})
    assert by_driver.status_code == 422
    assert "cannot sign for the patient" in by_driver.content.decode()
    assert supplier.post(url, data).status_code == 303
    assert supplier.post(url, data).status_code == 303
    settle()
    desk = client_of(cast, DESK)
    page = desk.get(f"/equipment/{order.request_id}").content.decode()
    serial = gear.lines_of(cast, order)[0].serials[0]
    for words in ("Zzyzxcanary Ben", serial, "Proof to review", "Hand in a cast"):
        assert words in page
    assert act(desk, order, "review", answer="reject").status_code == 422
    assert act(desk, order, "review", answer="accept").status_code == 303
    assert gear.fresh(cast, order).status == "on_rent"
    with act_as(cast.staff()):
        assert DeliveryProof.objects.get(order=order).review == "accepted"


def test_unknown_verbs_and_steps_are_answered_with_words(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.take(cast, gear.order(cast, (BED, "", 1)))
    assert act(client_of(cast, DESK), order, "explode").status_code == 422
    assert step(client_of(cast, SUPPLIER), order, "explode").status_code == 422


def test_a_driver_sees_what_is_assigned_to_them_and_nothing_else(cast: Cast) -> None:
    gear.shelve(cast, BED, 2)
    order = gear.take(cast, gear.order(cast, (BED, "", 1)))
    driver = client_of(cast, "driver@northbound")
    assert driver.get(f"/deliveries/{order.pk}").status_code == 404
    member = next(row for row in cast.crew.values() if row.user_id == cast.people["driver@northbound"].user_id)
    supplier = client_of(cast, SUPPLIER)
    assert step(supplier, order, "schedule", expected_at=later(2), crew_member=str(member.pk)).status_code == 303
    assert driver.get(f"/deliveries/{order.pk}").status_code == 200
    assert step(driver, order, "give_back", code="other").status_code == 422
    assert step(driver, order, "leave").status_code == 303
    assert gear.fresh(cast, order).status == "out_for_delivery"


def test_the_desk_moves_the_time_and_the_day_of_leaving(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.take(cast, gear.order(cast, (BED, "", 1)))
    desk = client_of(cast, DESK)
    assert act(desk, order, "due", deliver_by=later(-3)).status_code == 422
    assert act(desk, order, "due", deliver_by=later(20)).status_code == 303
    day = (clock.now() + dt.timedelta(days=2)).date()
    assert act(desk, order, "papers", leaves_on=day.isoformat()).status_code == 303
    order = gear.fresh(cast, order)
    assert order.leaves_on == day
    assert order.deliver_by_at > clock.now() + dt.timedelta(hours=19)


def test_papers_are_recorded_and_their_refusal_stands_at_the_field(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.order(cast, (BED, "", 1))
    desk = client_of(cast, DESK)
    ahead = (clock.now() + dt.timedelta(days=9)).date().isoformat()
    refused = act(desk, order, "papers", ordered_on=ahead)
    assert refused.status_code == 422
    assert "still ahead" in refused.content.decode()
    day = (clock.now() - dt.timedelta(days=1)).date().isoformat()
    papers = {
        "practitioner_name": "Dr. Ada Quill",
        "practitioner_npi": "1234567893",
        "ordered_on": day,
        "signed_on": day,
    }
    assert act(desk, order, "papers", **papers).status_code == 303
    assert "Complete" in desk.get(f"/equipment/{order.request_id}").content.decode()


def test_the_signature_and_the_photo_are_images_of_the_hospital_only(cast: Cast) -> None:
    gear.shelve(cast, BED, 1)
    order = gear.send_out(cast, gear.take(cast, gear.order(cast, (BED, "", 1))))
    gear.hand_over(cast, order, signature=gear.drawn(), unsigned_reason="")
    image = client_of(cast, DESK).get(f"/equipment/{order.request_id}/signature")
    assert (image.status_code, image["Content-Type"]) == (200, "image/png")
    assert client_of(cast, DESK).get(f"/equipment/{order.request_id}/photo").status_code == 404
    assert client_of(cast, "case_manager@prairie").get(f"/equipment/{order.request_id}/signature").status_code == 404


def test_a_pickup_goes_from_the_desk_to_the_receipt(cast: Cast) -> None:
    order = gear.delivered(cast, (BED, "", 1))
    with act_as(cast.staff()):
        proving.review(order.pk, accept=True)
    settle()
    desk, supplier = client_of(cast, DESK), client_of(cast, SUPPLIER)
    assert act(desk, order, "pickup", note="").status_code == 422
    assert act(desk, order, "pickup", note="Patient died").status_code == 303
    url = f"/deliveries/{order.pk}/proof"
    assert "Who hands it back?" in supplier.get(url).content.decode()
    data = {
        "key": str(uuid4()), "receiver_relation": "family", "receiver_name": "Zzyzxcanary Ben",
        "received_on": clock.today("America/Chicago").isoformat(), "cannot_sign_reason": "Did not want to",
    }  # fmt: skip
    assert supplier.post(url, data).status_code == 303
    assert step(supplier, order, "shelve").status_code == 303
    assert gear.fresh(cast, order).status == "returned"
    assert gear.counts(cast, BED) == (1, 0)
