"""The shelf's pages: at a supplier's depot and at the hospital's closet."""

from __future__ import annotations

from logistics.requests.models import Alert
from tests.cast import Cast
from tests.dispatch import gear
from tests.dispatch.gear import BED, WALKER
from tests.dispatch.pages import at_most, client_of
from tests.support import act_as, settle
from vendors.models import ClosetItem, StockItem, StockReorder

SUPPLIER, DESK = "dme@northbound", "transport_coordinator@lakeshore"


def act(client, item, do: str, **data):
    return client.post(f"/stock/{item.pk}/act", {"do": do, **data})


def test_the_list_says_what_is_free_and_one_click_orders_it(cast: Cast) -> None:
    item = gear.shelve(cast, WALKER, 1, size="Adult", par=3)
    gear.shelve(cast, BED, 2)
    client = client_of(cast, SUPPLIER)
    with at_most(16):
        page = client.get("/stock").content.decode()
    assert "1 below par" in page
    assert "Order 2" in page
    assert act(client, item, "reorder", back="list")["Location"] == "/stock"
    assert act(client, item, "reorder", back="list").status_code == 303
    page = client.get("/stock?show=order").content.decode()
    assert "2 on order" in page
    assert "Hospital bed" not in page
    with act_as(gear.supplier(cast)):
        assert StockReorder.objects.get().quantity == 2
    assert act(client, item, "arrived", quantity="2").status_code == 303
    assert "below par" not in client.get("/stock").content.decode()


def test_an_item_is_added_counted_in_and_its_pieces_listed(cast: Cast) -> None:
    client = client_of(cast, SUPPLIER)
    assert client.post("/stock/new", {"par": "1"}).status_code == 422
    done = client.post("/stock/new", {"known": BED, "par": "1", "place": "Row 4"})
    assert done.status_code == 303
    with act_as(gear.supplier(cast)):
        item = StockItem.objects.get()
    assert (item.code, item.serialised, done["Location"]) == (BED, True, f"/stock/{item.pk}")
    assert "on the shelf already" in client.post("/stock/new", {"known": BED, "par": "1"}).content.decode()
    refused = act(client, item, "receive", quantity="2", serials="B-1")
    assert refused.status_code == 422
    assert "2 different serial numbers" in refused.content.decode()
    assert act(client, item, "receive", quantity="2", serials="B-1\nB-2", key="form-7").status_code == 303
    assert act(client, item, "receive", quantity="2", serials="B-1\nB-2", key="form-7").status_code == 303
    page = client.get(f"/stock/{item.pk}").content.decode()
    assert "B-1" in page
    assert "B-2" in page
    assert act(client, item, "retire", serial="B-2").status_code == 303
    assert act(client, item, "change", par="5", place="Row 5").status_code == 303
    assert act(client, item, "count", on_hand="1", note="x").status_code == 422
    assert act(client, item, "vanish").status_code == 422
    with act_as(gear.supplier(cast)):
        item = StockItem.objects.get()
    assert (item.on_hand, item.par, item.place) == (1, 5, "Row 5")


def test_a_recall_says_who_has_the_piece_and_the_hospital_is_told(cast: Cast) -> None:
    order = gear.delivered(cast, (BED, "", 1))
    serial = gear.lines_of(cast, order)[0].serials[0]
    with act_as(gear.supplier(cast)):
        item = StockItem.objects.get()
    client = client_of(cast, SUPPLIER)
    assert act(client, item, "recall", serial="NOPE", reason="Notice 12").status_code == 422
    done = client.post(
        f"/stock/{item.pk}/act", {"do": "recall", "serial": serial, "reason": "Notice 12"}, follow=True
    ).content.decode()
    assert f"Order {order.number} has it" in done
    settle()
    with act_as(cast.staff()):
        assert Alert.objects.filter(code="equipment_recalled", request_id=order.request_id).exists()
    desk = client_of(cast, "case_manager@lakeshore")
    assert "was recalled by its maker" in desk.get(f"/equipment/{order.request_id}").content.decode()


def test_the_hospital_keeps_a_closet_of_its_own(cast: Cast) -> None:
    gear.shelve(cast, BED, 2)
    desk = client_of(cast, DESK)
    page = desk.get("/stock").content.decode()
    assert "Loaner closet" in page
    assert "Hospital bed" not in page
    assert desk.post("/stock/new", {"known": "E0163", "par": "2"}).status_code == 303
    with act_as(cast.staff()):
        item = ClosetItem.objects.get()
    assert act(desk, item, "receive", quantity="1").status_code == 303
    assert "1 below par" in desk.get("/stock").content.decode()
    assert client_of(cast, "transport_coordinator@prairie").get(f"/stock/{item.pk}").status_code == 404
    assert act(client_of(cast, "case_manager@lakeshore"), item, "reorder").status_code == 403
