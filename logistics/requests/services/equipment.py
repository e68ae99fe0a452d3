"""Ordering equipment: the catalog's items, an order with its lines and papers, and what the rules say of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from logistics.accounts.models import Facility
from logistics.core import audit, clock, equipment, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests import equipment_rules as rules
from logistics.requests.models import (
    EquipmentDetail,
    EquipmentItem,
    EquipmentLine,
    EquipmentRule,
    Patient,
    ServiceRequest,
)
from logistics.requests.services import gates
from logistics.requests.services.booking import current_encounter
from logistics.requests.services.geocode import Address, locate
from logistics.requests.services.ride_rows import lock

MOST_LINES, MOST_PIECES = 12, 20
PAPERS = (
    "ordered_on", "signed_on", "face_to_face_on", "wopd_received_on", "practitioner_name", "practitioner_npi",
    "leaves_on",
)  # fmt: skip
OPEN = ("draft", "pending", "requested", "scheduled", "in_progress", "held")


@dataclass(frozen=True)
class Asked:
    """One line of an order."""

    item_id: UUID
    size: str = ""
    quantity: int = 1


@dataclass(frozen=True)
class Order:
    """What a person filled in. ``papers`` are dates and names of :data:`PAPERS`."""

    lines: Sequence[Asked]
    where: str
    deliver_by_at: dt.datetime
    address: Address | None = None
    contact_name: str = ""
    contact_phone: str = ""
    setup_note: str = ""
    preferred_vendor_id: UUID | None = None
    papers: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def place(*, patient: Patient, order: Order, facility: Facility, key: str) -> ServiceRequest:
    """Confirm an order: it goes to a supplier, or waits for its gates. ``key`` makes a form sent twice count once.

    Raises ``DomainError`` naming the field: no item, a size that the item does not come in, a time in the past, a
    bedside delivery too early, an address without ZIP code, or an open order for the same item.
    """
    lock(patient.pk)
    known = ServiceRequest.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    encounter = current_encounter(patient.pk)
    if encounter is not None and encounter.status == "discharged":
        encounter = None
    site = encounter.facility if encounter is not None and encounter.facility is not None else facility
    items = _check_lines(order.lines)
    spot = _check_place(order, site)
    _not_twice(patient, items)
    scope = scoping.current()
    request = ServiceRequest.objects.create(
        kind="dme",
        patient=patient,
        encounter=encounter,
        discharge=encounter.discharges.first() if encounter is not None else None,
        facility=site,
        unit=encounter.unit if encounter is not None else None,
        idempotency_key=key,
        human_edited=True,
        requested_by_id=scope.user_id,
        requested_by_name=scope.actor_label[:120],
        requested_by_role=scope.actor_role,
        requested_at=clock.now(),
    )
    preferred = order.preferred_vendor_id
    EquipmentDetail.objects.create(
        request=request,
        where=order.where,
        deliver_by_at=order.deliver_by_at,
        address=order.address.as_dict() if order.address else {},
        contact_name=order.contact_name.strip(),
        contact_phone=order.contact_phone.strip(),
        setup_note=order.setup_note.strip(),
        preferred_vendor_id=preferred,
        preference_by_name=scope.actor_label[:120] if preferred else "",
        preference_at=clock.now() if preferred else None,
        **spot,
        **_papers(order.papers),
    )
    for position, (line, item) in enumerate(zip(order.lines, items, strict=True), start=1):
        EquipmentLine.objects.create(
            request=request, position=position, item=item, size=line.size, quantity=line.quantity
        )
    codes = [item.code for item in items]
    audit.record(action="equipment.ordered_by_staff", target=request, patient_id=patient.pk, details={"codes": codes})
    return gates.confirm(request, details={"codes": codes})


@transaction.atomic
def set_papers(request_id: UUID, **papers: Any) -> EquipmentDetail:
    """Record what came in of the written order; only the names given. Publishes ``equipment.papers_recorded``."""
    detail = EquipmentDetail.objects.select_for_update(of=("self",)).filter(request_id=request_id).first()
    if detail is None:
        raise DomainError("This order does not exist.", code="not_found")
    if detail.where == "bedside" and "leaves_on" in papers and papers["leaves_on"] is None:
        raise _refused("leaves_on", "Write the day on which the patient leaves: bedside delivery depends on it.")
    changed = []
    for name, value in _papers(papers).items():
        if getattr(detail, name) != value:
            setattr(detail, name, value)
            changed.append(name)
    if changed:
        detail.save(update_fields=changed)
        patient_id = ServiceRequest.objects.values_list("patient_id", flat=True).get(pk=request_id)
        audit.record(
            action="equipment.papers_recorded", target=detail, patient_id=patient_id, details={"fields": changed}
        )
        outbox.publish("equipment.papers_recorded", {"request_id": str(request_id), "fields": changed})
    return detail


@transaction.atomic
def set_due(request_id: UUID, *, deliver_by_at: dt.datetime) -> EquipmentDetail:
    """It is needed at another time. Publishes ``equipment.due_set``. Repeatable."""
    detail = EquipmentDetail.objects.select_for_update(of=("self",)).filter(request_id=request_id).first()
    if detail is None:
        raise DomainError("This order does not exist.", code="not_found")
    if detail.deliver_by_at == deliver_by_at:
        return detail
    if deliver_by_at <= clock.now():
        raise _refused("deliver_by", "Deliver by must be ahead of now.")
    due_on = clock.local(deliver_by_at, detail.time_zone).date()
    if problem := rules.early_problem(detail.where, detail.leaves_on, due_on):
        raise _refused("deliver_by", problem)
    detail.deliver_by_at = deliver_by_at
    detail.save(update_fields=["deliver_by_at"])
    patient_id = ServiceRequest.objects.values_list("patient_id", flat=True).get(pk=request_id)
    audit.record(action="equipment.due_set", target=detail, patient_id=patient_id)
    outbox.publish("equipment.due_set", {"request_id": str(request_id), "deliver_by_at": deliver_by_at.isoformat()})
    return detail


def papers_of(detail: EquipmentDetail) -> rules.Papers:
    """The papers of an order as the rules read them."""
    return rules.Papers(
        practitioner=bool(detail.practitioner_name or detail.practitioner_npi),
        ordered_on=detail.ordered_on,
        signed_on=detail.signed_on,
        face_to_face_on=detail.face_to_face_on,
        wopd_received_on=detail.wopd_received_on,
    )


def needing_wopd(items: Iterable[EquipmentItem], on: dt.date) -> set[UUID]:
    """Which of the items need a written order before delivery on that day. One query."""
    found: dict[UUID, bool] = {}
    rows = EquipmentRule.objects.filter(item__in=[item.pk for item in items], effective_from__lte=on)
    for row in rows.order_by("effective_from"):
        found[row.item_id] = row.needs_wopd
    return {pk for pk, needed in found.items() if needed}


@transaction.atomic
def add_starter() -> int:
    """Put the starter catalog's items in, those that the catalog lacks. Returns how many. Repeatable."""
    known = set(EquipmentItem.objects.values_list("code", flat=True))
    added = 0
    for each in equipment.STARTER:
        if each.code in known:
            continue
        item = save_item(
            None, code=each.code, name=each.name, category=each.category, sizes=list(each.sizes),
            substitutes=list(each.substitutes), serialised=each.serialised, needs_setup=each.needs_setup,
            returnable=each.returnable,
        )  # fmt: skip
        if each.needs_wopd_from is not None:
            set_rule(item, effective_from=each.needs_wopd_from, needs_wopd=True, source="42 CFR 410.38(d), CMS list")
        added += 1
    return added


@transaction.atomic
def save_item(item: EquipmentItem | None, **fields: Any) -> EquipmentItem:
    """Add an item or change one (``code`` stays). Raises ``DomainError`` when the code is taken."""
    if item is not None:
        fields.pop("code", None)
    row = item or EquipmentItem()
    for name, value in fields.items():
        setattr(row, name, value)
    row.code = row.code.strip().upper()
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        words = f"{row.code} is in the catalog already."
        raise DomainError(words, code="taken", fields={"code": words}) from error
    audit.record(action="equipment_item.saved", target=row, details={"code": row.code})
    outbox.publish("equipment_item.saved", {"item_id": str(row.pk), "code": row.code})
    return row


@transaction.atomic
def set_rule(item: EquipmentItem, *, effective_from: dt.date, needs_wopd: bool, source: str = "") -> EquipmentRule:
    """From that day the item does or does not need a written order before delivery. A day has one row."""
    row = EquipmentRule.objects.filter(item=item, effective_from=effective_from).first()
    if row is not None:
        if row.needs_wopd == needs_wopd:
            return row
        words = "There is a rule from this day already. Choose another day."
        raise DomainError(words, code="taken", fields={"effective_from": words})
    row = EquipmentRule.objects.create(
        item=item, effective_from=effective_from, needs_wopd=needs_wopd, source=source.strip()[:120]
    )
    audit.record(action="equipment_item.rule_added", target=row, details={"code": item.code, "needs_wopd": needs_wopd})
    return row


def _check_lines(lines: Sequence[Asked]) -> list[EquipmentItem]:
    if not lines or len(lines) > MOST_LINES:
        words = "Choose at least one item." if not lines else f"At most {MOST_LINES} items in one order."
        raise DomainError(words, code="no_items", fields={"lines": words})
    found = {item.pk: item for item in EquipmentItem.objects.filter(pk__in=[each.item_id for each in lines])}
    items = []
    seen = set()
    for each in lines:
        item = found.get(each.item_id)
        if item is None or not item.is_active:
            raise _refused("lines", "Choose items from the catalog.")
        if item.sizes and each.size not in item.sizes:
            raise _refused("lines", f"Choose a size for {item.name}: {', '.join(item.sizes)}.")
        if not item.sizes and each.size:
            raise _refused("lines", f"{item.name} has no sizes.")
        if not 1 <= each.quantity <= MOST_PIECES:
            raise _refused("lines", f"Between 1 and {MOST_PIECES} of {item.name}.")
        if (item.pk, each.size) in seen:
            raise _refused("lines", f"{item.name} is on two lines. Use one line with the quantity.")
        seen.add((item.pk, each.size))
        items.append(item)
    return items


def _check_place(order: Order, facility: Facility) -> dict[str, Any]:
    """Position and zone of where it goes, after the rules of time and place."""
    if order.deliver_by_at <= clock.now():
        raise _refused("deliver_by", "Deliver by must be ahead of now.")
    if order.where == "bedside":
        leaves_on = order.papers.get("leaves_on")
        if leaves_on is None:
            raise _refused("leaves_on", "Write the day on which the patient leaves: bedside delivery depends on it.")
        due_on = clock.local(order.deliver_by_at, facility.time_zone).date()
        if problem := rules.early_problem("bedside", leaves_on, due_on):
            raise _refused("deliver_by", problem)
        return {"latitude": facility.latitude, "longitude": facility.longitude, "time_zone": facility.time_zone}
    if order.address is None:
        raise _refused("address", "Write the address with its 5-digit ZIP code.")
    spot = locate(order.address, field="address")
    return {"latitude": spot.lat, "longitude": spot.lon, "time_zone": spot.zone}


def _not_twice(patient: Patient, items: Sequence[EquipmentItem]) -> None:
    again = (
        EquipmentLine.objects.filter(
            request__patient=patient, request__kind="dme", request__status__in=OPEN, item__in=[i.pk for i in items]
        )
        .select_related("item")
        .first()
    )
    if again is not None:
        raise _refused(
            "lines", f"An order for {again.item.name} is open for this patient. Track that one.", "open_order"
        )


def _papers(papers: dict[str, Any]) -> dict[str, Any]:
    """Known names only; the future has no papers. The day of leaving may be ahead."""
    today = clock.now().date() + dt.timedelta(days=1)
    for name in ("ordered_on", "signed_on", "face_to_face_on", "wopd_received_on"):
        if papers.get(name) is not None and papers[name] > today:
            raise _refused(name, "This day is still ahead. Write the day on which it happened.")
    return {name: papers[name] for name in PAPERS if name in papers}


def _refused(field_name: str, words: str, code: str = "refused") -> DomainError:
    return DomainError(words, code=code, fields={field_name: words})
