"""Equipment as the hospital reads it: where each order stands, the list, and one order's page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet

from dispatch import states
from dispatch.models import (
    DeliveryAttempt,
    DeliveryProof,
    EquipmentEvent,
    EquipmentOffer,
    EquipmentOrder,
    EquipmentOrderLine,
)
from dispatch.selectors.trip_page import alert_text
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.core.equipment import full_name
from logistics.requests import equipment_rules as rules
from logistics.requests.models import Alert, EquipmentDetail, EquipmentItem, EquipmentLine, ServiceRequest
from logistics.requests.services.equipment import papers_of
from vendors.models import ClosetItem, ClosetUnit, StockItem, VendorProfile

PAGE_SIZE = 50
# The patient has it, or had it.
THERE = ("delivered", "pod_review", "pod_accepted", "on_rent", "closed", "pickup_requested", "picked_up", "returned")
WAITING = ("exhausted", "backordered", "attempted", "wrong_item", "recalled", "partly_delivered", "pod_review")
SHOWN = [
    ("open", "Not there yet"),
    ("late", "Late"),
    ("waiting", "Waiting for us"),
    ("out", "With patients"),
    ("all", "All"),
]


@dataclass(frozen=True)
class Standing:
    """Where one request's equipment stands. ``is_there``: delivered and signed for, so that the patient may come.

    ``state`` is the order's status, before it exists the request's. ``expected_at`` is the supplier's word, if any.
    """

    request_id: UUID
    number: int | None
    state: str
    deliver_by_at: dt.datetime
    expected_at: dt.datetime | None
    delivered_at: dt.datetime | None
    is_there: bool
    is_late: bool
    where: str
    items: tuple[str, ...]
    vendor_name: str
    time_zone: str

    @property
    def words(self) -> str:
        """``Oxygen concentrator at home, due 15:00``."""
        due = clock.local(self.expected_at or self.deliver_by_at, self.time_zone)
        place = "at home" if self.where == "home" else "at the bedside"
        return f"{', '.join(self.items)} {place}, {'there' if self.is_there else f'due {due:%H:%M}'}"


def status_of(request_ids: Iterable[UUID]) -> dict[UUID, Standing]:
    """Standing by request id, for equipment requests among ``request_ids``. Three queries. Staff scope."""
    ids = list(request_ids)
    found: dict[UUID, Standing] = {}
    orders: dict[UUID, EquipmentOrder] = {}
    for order in EquipmentOrder.objects.filter(request_id__in=ids).select_related("vendor").order_by("created_at"):
        orders[order.request_id] = order
    items: dict[UUID, list[str]] = {}
    for line in EquipmentLine.objects.filter(request_id__in=ids).select_related("item"):
        items.setdefault(line.request_id, []).append(full_name(line.item.name, line.size, line.quantity))
    now = clock.now()
    for detail in EquipmentDetail.objects.filter(request_id__in=ids).select_related("request"):
        known = orders.get(detail.request_id)
        state = known.status if known is not None and detail.request.status != "draft" else detail.request.status
        there = known is not None and state in THERE and known.delivered_at is not None
        expected = known.expected_at if known is not None else None
        found[detail.request_id] = Standing(
            request_id=detail.request_id,
            number=known.number if known else None,
            state=state,
            deliver_by_at=detail.deliver_by_at,
            expected_at=expected,
            delivered_at=known.delivered_at if known else None,
            is_there=there,
            is_late=not there and state != "canceled" and max(expected or now, now) > detail.deliver_by_at,
            where=detail.where,
            items=tuple(items.get(detail.request_id, ())),
            vendor_name=known.vendor.name if known and known.vendor else "",
            time_zone=detail.time_zone,
        )
    return found


def order_list(*, show: str = "open", q: str = "", vendor: str = "", units: Iterable[UUID] = ()) -> QuerySet[Any]:
    """Equipment requests by filter: what is due first on top, with ``live`` = [latest order]. Lazy.

    ``q`` is an order's number; ``units`` narrows to these.
    """
    rows = ServiceRequest.objects.filter(kind="dme").annotate(due_at=F("equipment_rows__deliver_by_at"))
    order = Q()
    if show == "open":
        rows = rows.filter(status__in=["draft", "pending", "requested", "scheduled", "in_progress", "held"])
    elif show == "late":
        rows = rows.filter(status__in=["pending", "requested", "scheduled", "in_progress"], due_at__lt=clock.now())
    elif show == "waiting":
        order &= Q(equipment_orders__status__in=WAITING)
    elif show == "out":
        order &= Q(equipment_orders__status__in=["pod_review", "on_rent", "recalled", "pickup_requested"])
    if q.strip().isdigit():
        order &= Q(equipment_orders__number=int(q.strip()[:15]))
    if vendor:
        order &= Q(equipment_orders__vendor_id=vendor)
    if order:
        rows = rows.filter(order).distinct()
    if units:
        rows = rows.filter(unit_id__in=list(units))
    newest = show in ("all", "out")
    return (
        rows.select_related("patient", "unit", "facility")
        .prefetch_related(
            Prefetch(
                "equipment_orders",
                queryset=EquipmentOrder.objects.select_related("vendor").order_by("-created_at"),
                to_attr="live",
            ),
            Prefetch("equipment_lines", queryset=EquipmentLine.objects.select_related("item"), to_attr="asked"),
        )
        .order_by(*(["-due_at", "-id"] if newest else ["due_at", "id"]))
    )


def list_rows(requests: Iterable[Any]) -> list[dict[str, Any]]:
    """What the list shows of each request; no further query but the details' (one)."""
    rows = list(requests)
    details = {row.request_id: row for row in EquipmentDetail.objects.filter(request_id__in=[r.pk for r in rows])}
    now = clock.now()
    found = []
    for request in rows:
        order = request.live[0] if request.live else None
        detail = details[request.pk]
        state = order.status if order is not None and request.status != "draft" else request.status
        coming = order is None or order.delivered_at is None
        expected = order.expected_at if order is not None else None
        late = coming and request.status not in ("completed", "canceled") and detail.deliver_by_at < now
        found.append(
            {
                "request": request,
                "order": order,
                "detail": detail,
                "items": [full_name(line.item.name, line.size, line.quantity) for line in request.asked],
                "state": state,
                "late": late,
                "slips": coming and expected is not None and expected > detail.deliver_by_at,
                "vendor": order.vendor.name if order is not None and order.vendor is not None else "",
            }
        )
    return found


def supplier_list() -> list[tuple[UUID, str]]:
    """Suppliers of the network that stock equipment, by name. Two queries."""
    ids = set(StockItem.objects.values_list("vendor_id", flat=True).distinct())
    return list(Organization.objects.filter(pk__in=ids).order_by("name").values_list("pk", "name"))


@dataclass
class EquipmentPage:
    """Everything on one order's page."""

    request: ServiceRequest
    detail: EquipmentDetail
    order: EquipmentOrder | None
    lines: list[dict[str, Any]]
    standing: str
    missing: list[str]
    wopd: str
    events: list[dict[str, Any]] = field(default_factory=list)
    offers: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    proofs: list[DeliveryProof] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    ranked: list[dict[str, Any]] = field(default_factory=list)
    substitutes: dict[UUID, list[tuple[str, str]]] = field(default_factory=dict)
    closet: list[dict[str, Any]] = field(default_factory=list)
    vendor_phone: str = ""

    @property
    def proof(self) -> DeliveryProof | None:
        """The latest proof of delivery."""
        return next((row for row in reversed(self.proofs) if row.kind == "delivery"), None)

    @property
    def receipt(self) -> DeliveryProof | None:
        """The receipt of the pickup."""
        return next((row for row in reversed(self.proofs) if row.kind == "pickup"), None)

    @property
    def short(self) -> list[dict[str, Any]]:
        """Lines for which nothing is reserved and which staff may change."""
        return [row for row in self.lines if row["state"] in ("backordered", "open") and row["left"]]


def equipment_get(request_id: UUID) -> ServiceRequest | None:
    """An equipment request with patient and site, or None. One query."""
    return (
        ServiceRequest.objects.filter(pk=request_id, kind="dme")
        .select_related("patient", "facility", "unit", "encounter__bed")
        .first()
    )


def page(request: ServiceRequest) -> EquipmentPage:
    """Everything on the order's page. At most 13 queries. Staff scope."""
    detail = EquipmentDetail.objects.select_related("preferred_vendor").get(request=request)
    orders = EquipmentOrder.objects.filter(request=request).select_related("vendor").order_by("-created_at")
    order = orders.first()
    papers = papers_of(detail)
    today = clock.local(clock.now(), detail.time_zone).date()
    if order is None:
        asked = EquipmentLine.objects.filter(request=request).select_related("item")
        lines = [_asked_line(line) for line in asked]
        return EquipmentPage(request, detail, None, lines, request.status, rules.missing_for_claim(papers), "")
    rows = list(EquipmentOrderLine.objects.filter(order=order))
    offers = list(EquipmentOffer.objects.filter(order=order).exclude(status="waiting").order_by("round", "rank"))
    names = _names([offer.vendor_id for offer in offers])
    answered = {str(offer.vendor_id) for offer in offers if offer.round == order.round}
    standing = order.status if request.status != "draft" else "draft"
    found = EquipmentPage(
        request=request,
        detail=detail,
        order=order,
        lines=[_order_line(line) for line in rows],
        standing=standing,
        missing=rules.missing_for_claim(papers),
        wopd=rules.wopd_problem(papers, today) if order.needs_wopd else "",
        events=[_event(row, names) for row in EquipmentEvent.objects.filter(order=order).order_by("-id")],
        offers=[_offer(offer, names) for offer in offers],
        attempts=list(DeliveryAttempt.objects.filter(order=order)),
        proofs=list(DeliveryProof.objects.filter(order=order)),
        alerts=_alerts(request),
        ranked=[row for row in order.considered if not row["asked"] or row["vendor_id"] not in answered],
    )
    if order.vendor_id is not None:
        phones = VendorProfile.objects.filter(vendor_id=order.vendor_id).values_list("dispatch_phone", flat=True)
        found.vendor_phone = phones.first() or ""
    if order.status in ("backordered", "wrong_item", "exhausted"):
        found.substitutes = _substitutes(rows)
    if order.status in ("ordered", "offered", "exhausted"):
        found.closet = closet_for(rows)
    return found


def closet_for(lines: list[EquipmentOrderLine]) -> list[dict[str, Any]]:
    """What the loaner closet has for each line: all of it, or an empty list when one is missing. Two queries."""
    shelf = {(item.code, item.size): item for item in ClosetItem.objects.all()}
    items = [shelf.get((line.code, line.size)) for line in lines]
    if any(
        item is None or item.available < line.quantity or item.serialised != line.serialised
        for item, line in zip(items, lines, strict=True)
    ):
        return []
    units: dict[UUID, list[str]] = {}
    for unit in ClosetUnit.objects.filter(item__in=[item.pk for item in items if item], state="in_stock"):
        units.setdefault(unit.item_id, []).append(unit.serial)
    return [
        {"line": line, "item": item, "serials": units.get(item.pk, []) if item else []}
        for line, item in zip(lines, items, strict=True)
    ]


def overdue_loans(today: dt.date) -> list[dict[str, Any]]:
    """Pieces of the closet that should be back, longest overdue first, with their last holder. Two queries.

    Rows: ``unit``, ``request`` (None when the order is gone), ``days``.
    """
    units = list(
        ClosetUnit.objects.filter(state__in=["out", "due_back"], due_back_on__lt=today)
        .select_related("item")
        .order_by("due_back_on", "serial")
    )
    orders = {
        row.pk: row
        for row in EquipmentOrder.objects.filter(pk__in=[u.order_id for u in units]).select_related("request__patient")
    }
    return [
        {
            "unit": unit,
            "order": orders.get(unit.order_id) if unit.order_id else None,
            "days": (today - unit.due_back_on).days if unit.due_back_on else 0,
        }
        for unit in units
    ]


def _asked_line(line: EquipmentLine) -> dict[str, Any]:
    return {
        "id": line.pk, "name": full_name(line.item.name, line.size), "code": line.item.code, "quantity": line.quantity,
        "state": "draft", "label": "Not ordered yet", "serials": [], "asked": "", "left": line.quantity,
        "needs_wopd": False, "position": line.position,
    }  # fmt: skip


def _order_line(line: EquipmentOrderLine) -> dict[str, Any]:
    return {
        "id": line.pk, "name": full_name(line.name, line.size), "code": line.code, "quantity": line.quantity,
        "state": line.state, "label": line.get_state_display(), "serials": line.serials, "asked": line.asked_name,
        "left": line.left, "needs_wopd": line.needs_wopd, "position": line.position,
        "delivered": line.delivered, "reserved": line.reserved,
    }  # fmt: skip


def _substitutes(lines: list[EquipmentOrderLine]) -> dict[UUID, list[tuple[str, str]]]:
    """Line id → [("code|size", words)] of what may come instead: other sizes, then substitutes. One query."""
    codes = {line.code for line in lines} | {code for line in lines for code in line.substitutes}
    items = {item.code: item for item in EquipmentItem.objects.filter(code__in=codes, is_active=True)}
    found: dict[UUID, list[tuple[str, str]]] = {}
    for line in lines:
        options = []
        for code in (line.code, *line.substitutes):
            item = items.get(code)
            for size in (item.sizes or [""]) if item else []:
                if item and (code, size) != (line.code, line.size):
                    options.append((f"{code}|{size}", full_name(item.name, size)))
        found[line.pk] = options
    return found


def _offer(offer: EquipmentOffer, names: Mapping[UUID, str]) -> dict[str, Any]:
    reason = states.EQUIPMENT_DECLINE_REASONS.get(offer.decline_code, "")
    return {
        "vendor": names.get(offer.vendor_id, "Supplier"),
        "status": offer.status,
        "sent_at": offer.sent_at,
        "answered_at": offer.answered_at,
        "expires_at": offer.expires_at if offer.status == "open" else None,
        "reason": f"{reason}: {offer.decline_note}" if reason and offer.decline_note else reason,
    }


def _event(event: EquipmentEvent, names: Mapping[UUID, str]) -> dict[str, Any]:
    topic = str(event.details.get("topic", ""))
    title = TOPIC_WORDS.get(topic) or states.EQUIPMENT.statuses[event.new_status]
    who = event.actor_label if event.source not in ("engine", "order", "request") else "Carrywell"
    parts = [event.reason, f"by {who}"]
    return {
        "at": event.at, "tone": "", "icon": ICONS.get(topic or event.new_status, "circle-dot"), "title": title,
        "detail": " · ".join(part for part in parts if part),
    }  # fmt: skip


def _alerts(request: ServiceRequest) -> list[dict[str, Any]]:
    rows = Alert.objects.filter(request=request, acknowledged_at__isnull=True)
    tones = {"top": "bad", "warn": "warn"}
    return [
        {"id": row.pk, "tone": tones.get(row.severity, "info"), "text": alert_text(row), "at": row.raised_at}
        for row in rows
    ]


def _names(ids: list[UUID]) -> dict[UUID, str]:
    return dict(Organization.objects.filter(pk__in=ids).values_list("pk", "name"))


TOPIC_WORDS = {
    "equipment.slipped": "The supplier gave a new time",
    "equipment.due_changed": "Needed at another time",
    "equipment.late": "Not there in time",
    "equipment.papers_changed": "Papers recorded",
    "equipment.substituted": "Another item or size",
    "equipment.waits_for_stock": "Waits for stock",
    "equipment.piece_recalled": "A piece was recalled",
    "equipment.reserved_piece_recalled": "A reserved piece was recalled",
    "equipment.service_day_set": "Date of service set: the patient left",
}
ICONS = {
    "offered": "send", "accepted": "check", "allocated": "package", "scheduled": "calendar-clock",
    "out_for_delivery": "truck", "delivered": "package-check", "attempted": "door-closed", "backordered": "hourglass",
    "wrong_item": "arrow-right-left", "canceled": "cancel", "held": "hold", "recalled": "shield-alert",
    "on_rent": "repeat", "pickup_requested": "undo-2", "pod_review": "signature", "exhausted": "late",
    "equipment.slipped": "clock-alert", "equipment.late": "late", "equipment.papers_changed": "file-check",
}  # fmt: skip
