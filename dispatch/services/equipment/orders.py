"""Equipment orders from the confirmed request on: opened, held, resumed, canceled; and the request that follows.

Staff scope throughout. What a supplier reserved is released by its own side (``equipment.released``), because a health
system may read a supplier's counts and not change them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import policies, states
from dispatch.models import (
    EquipmentEvent,
    EquipmentOffer,
    EquipmentOrder,
    EquipmentOrderLine,
    EquipmentRecipient,
)
from dispatch.services.equipment.transitions import get_locked, note, offer_to, order_to
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import IllegalMove
from logistics.requests.models import EquipmentDetail, EquipmentLine, ServiceRequest
from logistics.requests.services import alerts
from logistics.requests.services import equipment as demand
from logistics.requests.services import transitions as requests

# What a request is while its order is so.
REQUEST_OF = {
    "ordered": "requested",
    "offered": "requested",
    "exhausted": "requested",
    "accepted": "scheduled",
    "backordered": "scheduled",
    "allocated": "scheduled",
    "scheduled": "scheduled",
    "attempted": "scheduled",
    "wrong_item": "scheduled",
    "out_for_delivery": "in_progress",
    "partly_delivered": "in_progress",
    "delivered": "completed",
    "held": "held",
    "refused": "canceled",
    "canceled": "canceled",
}
FORWARD = ("requested", "scheduled", "in_progress", "completed")
# Nothing has left the depot yet.
BEFORE = (
    "ordered",
    "offered",
    "exhausted",
    "accepted",
    "backordered",
    "allocated",
    "scheduled",
    "attempted",
    "wrong_item",
)
# Something is still to come.
DUE = (*BEFORE, "out_for_delivery", "partly_delivered")
# The patient has something of it.
THERE = ("partly_delivered", "delivered", "pod_review", "pod_accepted", "on_rent", "recalled")
PAPERS = ("ordered_on", "signed_on", "face_to_face_on", "wopd_received_on", "leaves_on")
GONE: dict[str, Any] = {"vendor_id": None, "expected_at": None, "accepted_at": None, "driver_user_id": None,
                        "driver_name": "", "wait_for_stock": False}  # fmt: skip


def live_order(request_id: UUID) -> EquipmentOrder | None:
    """The request's order that is not canceled."""
    return EquipmentOrder.objects.filter(request_id=request_id).exclude(status="canceled").first()


@transaction.atomic
def open_for_request(request_id: UUID) -> EquipmentOrder | None:
    """Open the order of a confirmed equipment request with its lines and one sealed recipient. Idempotent.

    Returns the live order, new or not; None when the request is none. Publishes ``equipment.opened``.
    """
    request = (
        ServiceRequest.objects.select_for_update(of=("self",))
        .select_related("patient", "facility", "unit", "encounter__bed")
        .filter(pk=request_id, kind="dme")
        .first()
    )
    if request is None:
        return None
    existing = live_order(request_id)
    if existing is not None or request.status != "requested":
        return existing
    detail = EquipmentDetail.objects.get(request=request)
    asked = list(EquipmentLine.objects.filter(request=request).select_related("item"))
    wanted = demand.needing_wopd([line.item for line in asked], clock.local(clock.now(), detail.time_zone).date())
    address = detail.address if detail.where == "home" else {}
    order = EquipmentOrder.objects.create(
        request=request,
        facility=request.facility,
        unit=request.unit,
        where=detail.where,
        zone_words=policies.zone_words(
            address.get("city") or request.facility.city, address.get("zip_code") or request.facility.zip_code
        ),
        time_zone=detail.time_zone,
        deliver_by_at=detail.deliver_by_at,
        needs_setup=any(line.item.needs_setup for line in asked),
        needs_wopd=bool(wanted),
        **{name: getattr(detail, name) for name in PAPERS},
    )
    for line in asked:
        EquipmentOrderLine.objects.create(
            order=order, position=line.position, code=line.item.code, name=line.item.name, size=line.size,
            quantity=line.quantity, serialised=line.item.serialised, returnable=line.item.returnable,
            needs_wopd=line.item.pk in wanted, substitutes=line.item.substitutes,
        )  # fmt: skip
    EquipmentRecipient.objects.create(order=order, details=_recipient(request, detail))
    scope = scoping.current()
    EquipmentEvent.objects.create(
        order=order, new_status=order.status, at=clock.now(), actor_id=scope.user_id,
        actor_label=request.requested_by_name or scope.actor_label, source=request.source,
    )  # fmt: skip
    audit.record(action="equipment.opened", target=order, patient_id=request.patient_id)
    outbox.publish("equipment.opened", {"order_id": str(order.pk), "request_id": str(request.pk)})
    return order


@transaction.atomic
def follow(order_id: UUID, *, resumed: bool = False) -> None:
    """Bring the request to the status that its order implies, step by step along its table. Repeatable.

    A request that a person holds stays held until the order itself was ``resumed``; once completed it stays so: what
    comes later (a pickup, an exchange) is the order's own.
    """
    order = EquipmentOrder.objects.select_for_update(of=("self",)).filter(pk=order_id).first()
    target = REQUEST_OF.get(order.status) if order else None
    if order is None or target is None:
        if order is not None and order.delivered_at is not None:
            _complete(order)
        return
    request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=order.request_id)
    if request.status in (target, "draft", "pending", "completed", "canceled"):
        return
    if target == "canceled":
        requests.request_to(request, "canceled", source="order", reason="The order ended without a delivery")
    elif target == "held":
        if request.status in ("requested", "scheduled"):
            requests.hold(request, reason="The order is on hold", source="order")
    elif request.status == "held":
        if resumed:
            requests.resume(request, to="requested" if target == "requested" else "scheduled", source="order")
            follow(order_id)
    else:
        _walk(request, target)


def _complete(order: EquipmentOrder) -> None:
    """The order ran ahead of its messages: it is past delivery already."""
    request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=order.request_id)
    if request.status in FORWARD and request.status != "completed":
        _walk(request, "completed")


def _walk(request: ServiceRequest, target: str) -> None:
    here, there = FORWARD.index(request.status), FORWARD.index(target)
    steps = (target,) if there < here else FORWARD[here + 1 : there + 1]
    for status in steps:
        requests.request_to(request, status, source="order")


@transaction.atomic
def hold(order_id: UUID, *, reason: str, source: str = "user") -> EquipmentOrder:
    """Stop an order that has not left the depot. A supplier that accepted keeps it and what it reserved. Idempotent."""
    order = get_locked(order_id)
    if order.status == "held":
        return order
    if order.status not in BEFORE:
        words = order.status.replace("_", " ")
        raise IllegalMove(f"The order is {words}: it can no longer be held. Call the supplier.", code="too_late")
    if order.vendor_id is None:
        withdraw_offers(order, reason=reason)
    return order_to(order, "held", source=source, reason=reason, changes={"held_from": order.status})


@transaction.atomic
def resume(order_id: UUID, *, reason: str = "", source: str = "user") -> EquipmentOrder:
    """Let a held order go on where it was; without a supplier one is looked for again. Idempotent."""
    order = get_locked(order_id)
    if order.status != "held":
        return order
    to = order.held_from if order.vendor_id else "ordered"
    return order_to(order, to, source=source, reason=reason, changes={"held_from": ""})


@transaction.atomic
def cancel(order_id: UUID, *, reason: str, note_text: str = "", source: str = "user") -> EquipmentOrder:
    """Cancel an order; ``reason`` is a key of ``states.CANCEL_REASONS``. Idempotent.

    Refused once it is out or there: then the supplier turns round, or a pickup is ordered.
    """
    policies.check_cancel_reason(reason)
    order = get_locked(order_id)
    if order.status == "canceled":
        return order
    if order.status not in (*BEFORE, "held"):
        words = "It is on the way: call the supplier." if order.status == "out_for_delivery" else "Order a pickup."
        raise IllegalMove(f"The order can no longer be canceled. {words}", code="too_late")
    withdraw_offers(order, reason=states.CANCEL_REASONS[reason], also_accepted=True)
    words = states.CANCEL_REASONS[reason]
    vendor_id = order.vendor_id
    order_to(
        order, "canceled", source=source, reason=f"{words}: {note_text}" if note_text else words,
        changes={"held_from": "", "closed_at": clock.now()}, details={"code": reason},
    )  # fmt: skip
    tell_released(order, vendor_id)
    return order


@transaction.atomic
def cancel_request(request_id: UUID, *, reason: str, note_text: str = "") -> ServiceRequest:
    """A person cancels the request and, when there is one, its order. Idempotent."""
    policies.check_cancel_reason(reason)
    order = live_order(request_id)
    if order is not None:
        cancel(order.pk, reason=reason, note_text=note_text)
    request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    if request.status not in ("canceled", "completed"):
        requests.request_to(request, "canceled", reason=states.CANCEL_REASONS[reason], details={"code": reason})
    alerts.resolve(["equipment_exhausted", "equipment_backordered", "equipment_late"], request=request)
    return request


@transaction.atomic
def take_back(order_id: UUID, *, reason: str) -> EquipmentOrder:
    """Staff take an accepted order from its supplier; others are asked, this one is not. Idempotent."""
    if len(reason.strip()) < 3:
        raise IllegalMove("Say why another supplier is asked.", code="no_reason")
    order = get_locked(order_id)
    if order.vendor_id is None:
        return order
    if order.status not in BEFORE:
        raise IllegalMove("It is on the way or there already. Call the supplier.", code="too_late")
    for offer in EquipmentOffer.objects.select_for_update(of=("self",)).filter(order=order, status="accepted"):
        offer_to(offer, "turned_back", reason=reason)
    vendor_id = order.vendor_id
    free_lines(order)
    order_to(order, "ordered", reason=reason, changes=GONE, vendor_id=vendor_id, details={"taken_back": True})
    tell_released(order, vendor_id)
    return order


@transaction.atomic
def set_papers(request_id: UUID, **papers: Any) -> EquipmentDetail:
    """Record dates and names of the written order (``demand.set_papers``); a live order gets the copies."""
    detail = demand.set_papers(request_id, **papers)
    order = live_order(request_id)
    if order is not None:
        order = get_locked(order.pk)
        EquipmentOrder.objects.filter(pk=order.pk).update(**{name: getattr(detail, name) for name in PAPERS})
        note(order, "equipment.papers_changed")
    return detail


@transaction.atomic
def set_due(request_id: UUID, *, deliver_by_at: dt.datetime) -> EquipmentDetail:
    """It is needed at another time; the supplier, or whoever is asked, sees it. Repeatable.

    Raises ``DomainError`` naming ``deliver_by``: a time gone by, or too early at the bedside.
    """
    order = live_order(request_id)
    if order is not None:
        order = get_locked(order.pk)
        if order.status not in (*DUE, "held"):
            raise IllegalMove("It is there, or will not come any more.", code="too_late")
    detail = demand.set_due(request_id, deliver_by_at=deliver_by_at)
    if order is not None and order.deliver_by_at != deliver_by_at:
        EquipmentOrder.objects.filter(pk=order.pk).update(deliver_by_at=deliver_by_at, late_told_at=None)
        order.deliver_by_at = deliver_by_at
        for offer in EquipmentOffer.objects.filter(order=order, status__in=["waiting", "open"]):
            offer.brief = {**offer.brief, "deliver_by_at": deliver_by_at.isoformat()}
            offer.save(update_fields=["brief"])
        details = {"deliver_by_at": deliver_by_at.isoformat()}
        note(order, "equipment.due_changed", details=details, payload=details)
        alerts.resolve(["equipment_late", "equipment_slipped"], request=order.request)
    return detail


@transaction.atomic
def watch(now: dt.datetime) -> int:
    """Tell staff once of every order that should be there and is not. Returns how many. Run by the tick."""
    late = EquipmentOrder.objects.filter(
        deliver_by_at__lt=now, delivered_at=None, late_told_at=None, status__in=DUE
    ).select_related("request")  # fmt: skip
    told = 0
    for order in list(late.select_for_update(of=("self",), skip_locked=True).order_by("pk")):
        EquipmentOrder.objects.filter(pk=order.pk).update(late_told_at=now)
        params = {"order": order.number, "at": order.deliver_by_at.isoformat(), "zone": order.time_zone}
        alerts.raise_alert("equipment_late", "top", request=order.request, params=params)
        note(order, "equipment.late", source="engine")
        told += 1
    return told


def withdraw_offers(order: EquipmentOrder, *, reason: str, also_accepted: bool = False) -> int:
    """End every offer of a locked order that is not answered. Returns how many."""
    ending = ["waiting", "open", *(["accepted"] if also_accepted else [])]
    rows = EquipmentOffer.objects.select_for_update(of=("self",)).filter(order=order, status__in=ending).order_by("pk")
    for offer in rows:
        offer_to(offer, "withdrawn", source="engine", reason=reason)
    return len(rows)


def free_lines(order: EquipmentOrder) -> None:
    """Nothing is promised to the lines of a locked order any more, and no supplier sees them."""
    EquipmentOrderLine.objects.filter(order=order).update(vendor_id=None)
    EquipmentOrderLine.objects.filter(order=order, state__in=["reserved", "backordered"]).update(
        state="open", reserved=0, serials=[]
    )
    EquipmentRecipient.objects.filter(order=order).update(vendor_id=None)


def tell_released(order: EquipmentOrder, vendor_id: Any) -> None:
    """The supplier's side hears that its stock is free again (``equipment.released``)."""
    if vendor_id is not None:
        outbox.publish(
            "equipment.released", {"order_id": str(order.pk), "request_id": str(order.request_id)}, vendor_id=vendor_id
        )


def _recipient(request: ServiceRequest, detail: EquipmentDetail) -> dict[str, Any]:
    patient, facility = request.patient, request.facility
    bed = request.encounter.bed if request.encounter else None
    bedside = {
        "facility": facility.name,
        "unit": request.unit.name if request.unit else "",
        "bed": bed.label if bed else "",
        "entrance": facility.entrance,
        "facility_address": f"{facility.address}, {facility.city}, {facility.state} {facility.zip_code}",
    }
    return {
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "phone": patient.phone,
        "language": patient.language,
        "address": dict(detail.address or {}),
        "contact_name": detail.contact_name,
        "contact_phone": detail.contact_phone,
        "setup_note": detail.setup_note,
        **(bedside if detail.where == "bedside" else {}),
    }
