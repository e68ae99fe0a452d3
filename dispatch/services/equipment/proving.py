"""Proof of delivery (42 CFR 424.57(c)(12)), the hospital's review of it, and the way back: pickup and shelf."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch.models import DeliveryProof, EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment.delivering import at_work, put_back
from dispatch.services.equipment.transitions import get_locked, note, order_to, own_order
from dispatch.services.proof import PHOTO_SIDE, same_person, signature_of
from logistics.accounts.models import Membership
from logistics.core import audit, clock, outbox, pictures, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests import equipment_rules as rules
from vendors.models import CrewMember
from vendors.services import stock_holds

RELATIONS = [
    ("patient", "Patient"),
    ("family", "Family"),
    ("caregiver", "Caregiver"),
    ("nurse", "Hospital staff"),
    ("other", "Other"),
    ("supplier", "Supplier staff"),
]
# An exchange: nothing counts as delivered, and the supplier may see the address again.
AGAIN: dict[str, Any] = {"delivered_at": None, "service_on": None, "closed_at": None, "expected_at": None}
SUPPLIER_WORDS = (
    "The supplier and its staff cannot sign for the patient. Enter who received it: the patient, family or a caregiver."
)


@dataclass(frozen=True)
class Received:
    """What the receiver confirms: pieces by line id; lines that are missing or short come another time.

    ``received_on`` is the date that the receiver wrote. ``signature`` and ``photo`` are image files.
    """

    pieces: Mapping[UUID, int]
    receiver_name: str
    receiver_relation: str
    received_on: dt.date
    signature: bytes = b""
    unsigned_reason: str = ""
    photo: bytes = b""
    note: str = ""
    setup_done: bool = False
    wrong: Mapping[UUID, str] = field(default_factory=dict)


@transaction.atomic
def prove(order_id: UUID, received: Received, *, key: str) -> DeliveryProof:
    """Record what was handed over, to whom. The order is delivered, or partly so. Vendor scope, repeatable by key.

    Raises ``DomainError`` naming the field: the supplier's own people as receiver, neither signature nor reason, a date
    ahead or before it left, more pieces than reserved, set-up not done where the order asks for it.
    """
    name = _receiver(order_id, received)
    drawn = signature_of(received.signature, received.unsigned_reason)
    picture = pictures.redraw(received.photo, field="photo", side=PHOTO_SIDE, kind="JPEG") if received.photo else b""
    with at_work(order_id) as order:
        given = DeliveryProof.objects.filter(order=order, key=key).first()
        if given is not None:
            return given
        again = order.status == "pod_review" and _last_rejected(order)
        if order.status != "out_for_delivery" and not again:
            words = order.status.replace("_", " ")
            raise IllegalMove(f"An order that is {words} cannot be handed over.", code="not_out")
        _check_date(order, received.received_on)
        lines = list(EquipmentOrderLine.objects.filter(order_id=order.pk))
        if again:
            items = [_item(line, line.delivered, line.serials) for line in lines if line.delivered]
        else:
            items = _hand_over(order, lines, received)
        if order.needs_setup and not received.setup_done and not any(line.left for line in lines):
            words = "Set it up and explain it, then tick the box. Or record what stopped you as an attempt."
            raise DomainError(words, code="no_setup", fields={"setup_done": words})
        proof = _store(order, "delivery", items, received, name, drawn, picture, key)
        _move_on(order, lines, received, again=again)
        return proof


@transaction.atomic
def review(order_id: UUID, *, accept: bool, note_text: str = "", wrong: bool = False) -> EquipmentOrder:
    """The hospital checks the proofs that wait. Accepted: the order is on rent or closed. Staff scope, repeatable.

    Rejected (with a reason): the supplier sends a new proof; with ``wrong`` it brings the right item instead.
    """
    order = get_locked(order_id)
    if order.status != "pod_review":
        if accept and order.status in ("on_rent", "closed", "pod_accepted"):
            return order
        raise IllegalMove("No proof of delivery waits for a review.", code="no_proof")
    if not accept and len(note_text.strip()) < 3:
        words = "Write what is wrong: the supplier reads it."
        raise DomainError(words, code="no_reason", fields={"note": words})
    waiting = list(DeliveryProof.objects.filter(order=order, kind="delivery", review="waiting"))
    DeliveryProof.objects.filter(pk__in=[proof.pk for proof in waiting]).update(
        review="accepted" if accept else "rejected",
        review_note=note_text.strip()[:300],
        reviewed_by_name=scoping.current().actor_label[:120],
        reviewed_at=clock.now(),
    )
    if accept:
        return _close(order_to(order, "pod_accepted"))
    if not wrong:
        return order_to(order, "pod_review", reason=f"Proof rejected: {note_text.strip()}", details={"rejected": True})
    EquipmentOrderLine.objects.filter(order=order).update(state="open", delivered=0, reserved=0)
    return order_to(
        order, "wrong_item", reason=f"Wrong item: {note_text.strip()}", changes=AGAIN, details={"exchange": True}
    )


@transaction.atomic
def exchange(order_id: UUID, *, reason: str) -> EquipmentOrder:
    """What the patient has on rent is wrong, broken or recalled: another one comes. Staff scope, repeatable."""
    if len(reason.strip()) < 3:
        words = "Write what is wrong: the supplier reads it."
        raise DomainError(words, code="no_reason", fields={"note": words})
    order = get_locked(order_id)
    if order.status == "wrong_item":
        return order
    EquipmentOrderLine.objects.filter(order=order, returnable=True).update(state="open", delivered=0, reserved=0)
    return order_to(order, "wrong_item", reason=reason.strip(), changes=AGAIN, details={"exchange": True})


@transaction.atomic
def request_pickup(order_id: UUID, *, reason: str, source: str = "user") -> EquipmentOrder:
    """Ask the supplier to fetch what is rented or lent. The patient's address is open to it again. Staff scope."""
    order = get_locked(order_id)
    if order.status == "pickup_requested":
        return order
    returnable = EquipmentOrderLine.objects.filter(order=order, returnable=True, delivered__gt=0).exists()
    if not returnable:
        raise IllegalMove("Nothing of this order comes back: it was sold.", code="nothing_back")
    return order_to(
        order, "pickup_requested", source=source, reason=reason,
        changes={"closed_at": None, "expected_at": None, "held_from": order.status},
    )  # fmt: skip


@transaction.atomic
def withdraw_pickup(order_id: UUID, *, reason: str = "") -> EquipmentOrder:
    """The patient keeps it after all. Staff scope, repeatable."""
    order = get_locked(order_id)
    if order.status != "pickup_requested":
        return order
    to = "pod_review" if order.held_from in ("pod_review", "partly_delivered") else "on_rent"
    closed = clock.now() if to == "on_rent" else None
    return order_to(order, to, reason=reason or "Kept", changes={"held_from": "", "closed_at": closed})


@transaction.atomic
def pick_up(order_id: UUID, received: Received, *, key: str) -> DeliveryProof:
    """The receipt of a pickup: who handed it back, with a signature or why none. Vendor scope, repeatable by key."""
    name = _receiver(order_id, received)
    drawn = signature_of(received.signature, received.unsigned_reason)
    with at_work(order_id) as order:
        given = DeliveryProof.objects.filter(order=order, key=key).first()
        if given is not None:
            return given
        if order.status != "pickup_requested":
            raise IllegalMove("No pickup is asked for.", code="no_pickup")
        lines = [line for line in EquipmentOrderLine.objects.filter(order_id=order.pk) if line.returnable]
        items = [_item(line, line.delivered, line.serials) for line in lines if line.delivered]
        proof = _store(order, "pickup", items, received, name, drawn, b"", key)
        for line in lines:
            line.state = "returned"
            line.save(update_fields=["state"])
        order_to(order, "picked_up", changes={"closed_at": clock.now(), "held_from": ""})
        return proof


@transaction.atomic
def back_to_stock(order_id: UUID) -> EquipmentOrder:
    """Checked and cleaned: pieces with serial numbers are on the shelf again. Repeatable. Vendor scope."""
    with at_work(order_id) as order:
        if order.status == "returned":
            return order
        if order.status != "picked_up":
            raise IllegalMove("Nothing of this order was picked up.", code="not_picked_up")
        serials = [
            serial
            for line in EquipmentOrderLine.objects.filter(order_id=order.pk, returnable=True)
            for serial in line.serials
        ]
        back = stock_holds.take_back(order_id=order.pk, serials=serials)
        return order_to(order, "returned", details={"pieces": back})


@transaction.atomic
def left_hospital(encounter_id: UUID, left_at: dt.datetime) -> int:
    """The patient left: that is the date of service of a bedside delivery. Returns how many changed. Staff scope."""
    changed = 0
    orders = EquipmentOrder.objects.filter(
        request__encounter_id=encounter_id, where="bedside", delivered_at__isnull=False
    )
    for order in orders.select_for_update(of=("self",)).order_by("pk"):
        day = clock.local(left_at, order.time_zone).date()
        if order.service_on != day:
            EquipmentOrder.objects.filter(pk=order.pk).update(service_on=day, leaves_on=day)
            note(order, "equipment.service_day_set", source="ehr")
            changed += 1
    return changed


def _close(order: EquipmentOrder) -> EquipmentOrder:
    rented = EquipmentOrderLine.objects.filter(order_id=order.pk, returnable=True, delivered__gt=0).exists()
    return order_to(order, "on_rent" if rented else "closed", source="engine", changes={"closed_at": clock.now()})


def _hand_over(order: EquipmentOrder, lines: list[EquipmentOrderLine], received: Received) -> list[dict[str, Any]]:
    """Stock leaves for the patient, line by line; returns what the proof lists."""
    items = []
    for line in lines:
        count = received.pieces.get(line.pk, 0)
        if not 0 <= count <= line.reserved:
            words = f"{line.reserved} of {line.name} came along. Enter how many were received."
            raise DomainError(words, code="too_many", fields={f"pieces_{line.position}": words})
        if not count:
            continue
        before = len(line.serials[: line.delivered]) if line.serialised else 0
        serials = stock_holds.issue(line_id=line.pk, order_id=order.pk, quantity=count)
        items.append(_item(line, count, serials))
        rest = [serial for serial in line.serials[before:] if serial not in serials]
        line.serials = [*line.serials[:before], *serials, *rest]
        line.delivered += count
        line.reserved -= count
        line.state = "delivered" if not line.left else "partly"
        line.save(update_fields=["serials", "delivered", "reserved", "state"])
        _take_exchanged(order, line)
    if not items:
        words = "Enter what was received. If nothing was, record an attempt."
        raise DomainError(words, code="nothing", fields={f"pieces_{lines[0].position}": words})
    return items


def _take_exchanged(order: EquipmentOrder, line: EquipmentOrderLine) -> None:
    """The right piece came: pieces of the same order that it replaces go back with the driver."""
    if line.serialised:
        gone = stock_holds.out_beside(order_id=order.pk, line_id=line.pk, kept=line.serials)
        stock_holds.take_back(order_id=order.pk, serials=gone)


def _move_on(order: EquipmentOrder, lines: list[EquipmentOrderLine], received: Received, *, again: bool) -> None:
    now = clock.now()
    if again:
        service_on = rules.service_day(order.where, order.leaves_on, received.received_on)
        order_to(order, "pod_review", reason="New proof", changes={"service_on": service_on})
        return
    left = [line for line in lines if line.left and line.state not in ("refused", "returned")]
    if left:
        back = [line for line in left if line.reserved and received.wrong.get(line.pk)]
        for line in back:
            put_back(order, [line], damaged=received.wrong[line.pk] == "damaged")
        codes = [line.code for line in left]
        order_to(order, "partly_delivered", changes={"expected_at": None}, details={"left": codes})
        return
    service_on = rules.service_day(order.where, order.leaves_on, received.received_on)
    order_to(order, "delivered", at=now, changes={"delivered_at": now, "service_on": service_on})
    order_to(order, "pod_review", source="engine")


def _store(
    order: EquipmentOrder,
    kind: str,
    items: list[dict[str, Any]],
    received: Received,
    name: str,
    drawn: bytes,
    picture: bytes,
    key: str,
) -> DeliveryProof:
    now = clock.now()
    proof = DeliveryProof.objects.create(
        order=order,
        vendor_id=order.vendor_id,
        kind=kind,
        items=items,
        receiver_name=name,
        receiver_relation=received.receiver_relation,
        received_on=received.received_on,
        setup_done=received.setup_done,
        signature=drawn,
        unsigned_reason="" if drawn else received.unsigned_reason.strip()[:60],
        photo=picture,
        note=received.note.strip()[:500],
        digest=_digest(items, received, name, drawn, picture, now),
        key=key,
        at=now,
        recorded_by_name=scoping.current().actor_label[:120],
        review="waiting" if kind == "delivery" else "accepted",
    )
    audit.record(action="equipment.proof_recorded", target=proof, details={"kind": kind, "signed": bool(drawn)})
    outbox.publish(
        "equipment.proof_recorded",
        {"order_id": str(order.pk), "request_id": str(order.request_id), "kind": kind},
        vendor_id=order.vendor_id,
    )
    return proof


def _digest(
    items: list[dict[str, Any]], received: Received, name: str, drawn: bytes, picture: bytes, at: dt.datetime
) -> str:
    """SHA-256 over the contents, each with its length."""
    body = hashlib.sha256()
    texts = (
        json.dumps(items, sort_keys=True), name, received.receiver_relation, received.received_on.isoformat(),
        received.unsigned_reason, received.note, at.astimezone(dt.UTC).isoformat(),
    )  # fmt: skip
    for part in (*(text.encode() for text in texts), drawn, picture):
        body.update(len(part).to_bytes(8, "big") + part)
    return body.hexdigest()


def _item(line: EquipmentOrderLine, quantity: int, serials: list[str]) -> dict[str, Any]:
    return {
        "line_id": str(line.pk), "code": line.code, "name": line.name, "size": line.size, "quantity": quantity,
        "serials": list(serials),
    }  # fmt: skip


def _receiver(order_id: UUID, received: Received) -> str:
    """The receiver's name, unless it is one of the supplier's own people (looked up in the supplier's scope)."""
    own_order(order_id)
    name = " ".join(received.receiver_name.split())
    if not name or received.receiver_relation not in dict(RELATIONS):
        field_name = "receiver_relation" if name else "receiver_name"
        raise DomainError("Say who received it.", code="no_receiver", fields={field_name: "Who received it?"})
    if received.receiver_relation == "supplier":
        raise DomainError(SUPPLIER_WORDS, code="supplier_receiver", fields={"receiver_relation": SUPPLIER_WORDS})
    people = [
        *CrewMember.objects.values_list("name", flat=True),
        *Membership.objects.filter(organization_id=scoping.current_vendor_id()).values_list("user__name", flat=True),
        scoping.current().actor_label,
    ]
    if any(same_person(name, person) for person in people):
        raise DomainError(SUPPLIER_WORDS, code="supplier_receiver", fields={"receiver_name": SUPPLIER_WORDS})
    return name[:120]


def _check_date(order: EquipmentOrder, received_on: dt.date) -> None:
    today = clock.local(clock.now(), order.time_zone).date()
    if received_on > today:
        words = "The date received is ahead. The receiver writes the day on which it came."
        raise DomainError(words, code="date", fields={"received_on": words})
    since = clock.local(order.accepted_at, order.time_zone).date() if order.accepted_at else today
    if received_on < since:
        words = f"The order was accepted on {since:%a} {since.day} {since:%b}. It cannot have come before."
        raise DomainError(words, code="date", fields={"received_on": words})


def _last_rejected(order: EquipmentOrder) -> bool:
    last = DeliveryProof.objects.filter(order=order, kind="delivery").order_by("-at").first()
    return last is not None and last.review == "rejected"
