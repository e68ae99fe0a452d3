"""What equipment does when something happened: each function may run twice and does its work once.

Staff scope of the event's health system, unless a line says otherwise. They read the rows as they are now.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import tasks
from dispatch.models import EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment import orders, proving, recalling, suppliers
from dispatch.services.equipment.transitions import get_locked, order_to
from logistics.core import clock, scoping
from logistics.core.errors import IllegalMove
from logistics.core.outbox import Event, subscribe
from logistics.requests.models import Encounter, ServiceRequest
from logistics.requests.services import alerts, transitions

OVER = ["equipment_exhausted", "equipment_backordered", "equipment_late", "equipment_slipped", "equipment_attempted"]


@subscribe("request.ready", "request.scheduled")
def open_or_resume(event: Event) -> None:
    """A confirmed equipment request gets its order; a request that goes on lets its order go on."""
    order = orders.open_for_request(UUID(event.payload["request_id"]))
    if order is not None and order.status == "held" and event.payload.get("old") == "held":
        orders.resume(order.pk, reason="The request goes on", source="request")


@subscribe("request.held")
def hold_order(event: Event) -> None:
    """The request was stopped: so is its order, while nothing has left."""
    request, order = _of(event)
    if order is None or request.status != "held":
        return
    try:
        orders.hold(order.pk, reason=request.hold_reason or "The request is on hold", source="request")
    except IllegalMove:
        alerts.raise_alert("equipment_held_late", "top", request=request, params=_about(order))


@subscribe("request.canceled", "request.drafted")
def cancel_order(event: Event) -> None:
    """The request is off (or a draft again): its order is canceled."""
    request, order = _of(event)
    if order is None or request.status not in ("canceled", "draft") or order.status in ("canceled", "refused"):
        return
    try:
        orders.cancel(order.pk, reason="other", source="request")
    except IllegalMove:
        alerts.raise_alert("equipment_held_late", "top", request=request, params=_about(order))


@subscribe("equipment.opened", "equipment.ordered")
def ask_suppliers(event: Event) -> None:
    """An order looks for a supplier."""
    suppliers.start(UUID(event.payload["order_id"]))


@subscribe("equipment_offer.declined", "equipment_offer.expired")
def ask_next(event: Event) -> None:
    """A supplier did not take the order: the next one is asked, or a person is told."""
    order = EquipmentOrder.objects.filter(pk=event.payload["order_id"]).first()
    if order is not None and order.status == "offered":
        suppliers.send_next(order.pk)


@subscribe("equipment.accepted")
def end_other_offers(event: Event) -> None:
    """A supplier has the order: whoever waited is not asked."""
    order = get_locked(UUID(event.payload["order_id"]))
    if order.vendor_id is not None:
        orders.withdraw_offers(order, reason="Another supplier accepted")
        alerts.resolve(["equipment_exhausted"], request=order.request)


@subscribe(
    "equipment.ordered", "equipment.offered", "equipment.exhausted", "equipment.accepted", "equipment.backordered",
    "equipment.allocated", "equipment.scheduled", "equipment.out_for_delivery", "equipment.attempted",
    "equipment.wrong_item", "equipment.partly_delivered", "equipment.delivered", "equipment.refused", "equipment.held",
    "equipment.canceled",
)  # fmt: skip
def follow_order(event: Event) -> None:
    """The request's status follows its order."""
    orders.follow(UUID(event.payload["order_id"]), resumed=event.payload.get("old") == "held")


@subscribe("equipment.released")
def free_stock(event: Event) -> None:
    """A health system ended an order: what the supplier reserved is free. The tick does it for whatever this misses."""
    if event.vendor_id is None:
        return
    scope, ids = scoping.Scope.vendor(event.vendor_id, actor_label="stock"), [event.payload["order_id"]]
    transaction.on_commit(lambda: tasks.release_stock.send_for(scope, ids), robust=True)


@subscribe("equipment.pickup_requested", "equipment.on_rent", "equipment.pod_review")
def mark_due_back(event: Event) -> None:
    """A pickup was ordered, or withdrawn: the supplier's shelf follows. The tick does it for what this misses."""
    if event.vendor_id is not None and "pickup_requested" in (event.payload["new"], event.payload["old"]):
        scope = scoping.Scope.vendor(event.vendor_id, actor_label="stock")
        transaction.on_commit(lambda: tasks.mark_due_back.send_for(scope), robust=True)


@subscribe("equipment.substituted", "equipment.wrong_item")
def reserve_again(event: Event) -> None:
    """The order wants something else now: the supplier's stock is looked at. The tick does it for what this misses."""
    order = EquipmentOrder.objects.filter(pk=event.payload["order_id"]).first()
    if order is not None and order.vendor_id is not None and order.status in ("backordered", "wrong_item"):
        scope, ids = scoping.Scope.vendor(order.vendor_id, actor_label="stock"), [str(order.pk)]
        transaction.on_commit(lambda: tasks.reserve_stock.send_for(scope, ids), robust=True)


@subscribe("stock.recalled")
def tell_recalled(event: Event) -> None:
    """A piece that an order has was recalled (vendor scope; a closet's own piece: staff scope)."""
    order_id, customer_id = event.payload["order_id"], event.payload["customer_id"]
    if event.tenant_id is not None and order_id:
        order = EquipmentOrder.objects.filter(pk=order_id).first()
        if order is not None and order.status == "on_rent":
            order_to(order, "recalled", source="stock", reason="Recalled by serial number")
    elif customer_id and order_id:
        recalling.tell_order(
            unit_id=UUID(event.payload["unit_id"]),
            order_id=UUID(order_id),
            customer_id=UUID(customer_id),
            was=event.payload["was"],
        )


@subscribe("equipment.recalled", "equipment.piece_recalled")
def tell_recall(event: Event) -> None:
    """The patient has, or is about to get, a piece that was recalled."""
    order = EquipmentOrder.objects.select_related("request").get(pk=event.payload["order_id"])
    alerts.raise_alert("equipment_recalled", "top", request=order.request, params=_about(order))


@subscribe("equipment.backordered")
def tell_backordered(event: Event) -> None:
    """Something is out of stock: staff decide."""
    order = EquipmentOrder.objects.select_related("request").get(pk=event.payload["order_id"])
    if order.status == "backordered" and not order.wait_for_stock:
        names = EquipmentOrderLine.objects.filter(order=order, state="backordered").values_list("name", flat=True)
        params = _about(order) | {"items": list(names)}
        alerts.raise_alert("equipment_backordered", "top", request=order.request, params=params)


@subscribe("equipment.allocated", "equipment.scheduled", "equipment.ordered")
def end_backorder(event: Event) -> None:
    """What was missing is reserved, or another supplier is looked for."""
    order = EquipmentOrder.objects.select_related("request").get(pk=event.payload["order_id"])
    if order.status != "backordered":
        alerts.resolve(["equipment_backordered"], request=order.request)


@subscribe("equipment.slipped")
def tell_slipped(event: Event) -> None:
    """It comes later than it is needed."""
    order = EquipmentOrder.objects.select_related("request").get(pk=event.payload["order_id"])
    if order.expected_at is None or order.delivered_at is not None:
        return
    if order.expected_at > order.deliver_by_at:
        params = _about(order) | {"expected": order.expected_at.isoformat(), "due": order.deliver_by_at.isoformat()}
        alerts.raise_alert("equipment_slipped", "top", request=order.request, params=params)
    else:
        alerts.resolve(["equipment_slipped"], request=order.request)


@subscribe("equipment.attempted", "equipment.wrong_item", "equipment.refused")
def tell_attempted(event: Event) -> None:
    """It was not handed over: the unit must know at once."""
    order = EquipmentOrder.objects.select_related("request").get(pk=event.payload["order_id"])
    last = order.events.filter(new_status=event.payload["new"]).order_by("-id").first()
    params = _about(order) | {"what": last.reason if last else event.payload["new"].replace("_", " ")}
    alerts.raise_alert("equipment_attempted", "top", request=order.request, params=params)


@subscribe("equipment.delivered", "equipment.canceled", "equipment.refused")
def end_alerts(event: Event) -> None:
    """Nothing is to be chased any more."""
    order = EquipmentOrder.objects.select_related("request").get(pk=event.payload["order_id"])
    codes = OVER if order.status != "refused" else OVER[:-1]
    alerts.resolve(codes, request=order.request)


@subscribe("encounter.reopened", "discharge.withdrawn")
def discharge_off(event: Event) -> None:
    """The discharge was canceled (A13) or withdrawn (A25): what has not left waits, what is there is picked up."""
    encounter = Encounter.objects.filter(pk=event.payload["encounter_id"]).first()
    if encounter is None or encounter.status == "discharged":
        return
    for request in ServiceRequest.objects.filter(kind="dme", encounter=encounter).order_by("pk"):
        order = orders.live_order(request.pk)
        if order is None:
            if request.status in ("draft", "pending", "requested"):
                transitions.hold(request, reason="Discharge canceled", source="ehr")
                alerts.raise_alert("equipment_discharge_off", request=request)
        else:
            _call_off(request, order)


@subscribe("encounter.discharged")
def set_service_day(event: Event) -> None:
    """The patient left: that is the date of service of what came to the bedside."""
    encounter = Encounter.objects.filter(pk=event.payload["encounter_id"]).first()
    if encounter is not None and encounter.status == "discharged":
        proving.left_hospital(encounter.pk, encounter.discharged_at or clock.now())


def _call_off(request: ServiceRequest, order: EquipmentOrder) -> None:
    if order.status in orders.BEFORE:
        orders.hold(order.pk, reason="Discharge canceled", source="ehr")
        alerts.raise_alert("equipment_discharge_off", request=request, params=_about(order))
    elif order.status == "out_for_delivery":
        alerts.raise_alert("equipment_held_late", "top", request=request, params=_about(order))
    elif order.status in ("partly_delivered", "pod_review", "on_rent", "recalled"):
        try:
            proving.request_pickup(order.pk, reason="Discharge canceled", source="ehr")
        except IllegalMove:
            return  # sold: it waits for the patient
        alerts.raise_alert("equipment_pickup_ordered", "top", request=request, params=_about(order))


def _of(event: Event) -> tuple[ServiceRequest, EquipmentOrder | None]:
    request = ServiceRequest.objects.get(pk=event.payload["request_id"])
    return request, orders.live_order(request.pk) if request.kind == "dme" else None


def _about(order: EquipmentOrder) -> dict[str, Any]:
    return {"order": order.number, "zone": order.time_zone}
