"""Reading the inbox: lists, causes, one message in parts, and the ledger of outcomes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from integrations import dispositions
from integrations.hl7v2.adt import AdtEvent, Identifier, Mark, read_all
from integrations.hl7v2.adt import Place as Location
from integrations.hl7v2.parse import parse
from integrations.models import Feed, InboundMessage, MessageEffect
from logistics.core import clock
from logistics.requests.models import Encounter, PatientIdentifier
from logistics.requests.selectors.patients import patient_search
from logistics.requests.services.encounters import visit_token

PAGE = 25
EVENT_WORDS = {
    "A01": "admit", "A02": "transfer", "A03": "discharge", "A04": "register", "A05": "pre-admit",
    "A06": "to inpatient", "A07": "to outpatient", "A08": "update", "A11": "cancel admit", "A12": "cancel transfer",
    "A13": "cancel discharge", "A16": "pending discharge", "A17": "bed swap", "A25": "cancel pending discharge",
    "A28": "add person", "A31": "update person", "A38": "cancel pre-admit", "A40": "merge", "Z99": "movement edit",
}  # fmt: skip
SHOWN_VIEWS = {
    "stopped": Q(state="stopped"),
    "review": Q(state="done", outcome="review"),
    "waiting": Q(state="received"),
    "today": Q(),
    "all": Q(),
}


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to."""

    view: str = "today"
    feed: UUID | None = None
    outcome: str = ""
    event: str = ""
    q: str = ""


def event_words(event: str) -> str:
    """``ADT^A03 discharge``."""
    return f"{event} {EVENT_WORDS.get(event.partition('^')[2], '')}".strip() or "Not a message"


def message_list(filters: Filters, *, since: dt.datetime) -> QuerySet[InboundMessage]:
    """Messages newest first, without their bytes. ``since`` bounds the view of today."""
    rows = InboundMessage.objects.defer("raw", "ack").select_related("feed").order_by("-id")
    rows = rows.filter(SHOWN_VIEWS.get(filters.view, Q()))
    if filters.view == "today" and not filters.q:
        rows = rows.filter(received_at__gte=since)
    if filters.feed:
        rows = rows.filter(feed_id=filters.feed)
    if filters.outcome:
        rows = rows.filter(outcome=filters.outcome)
    if filters.event:
        rows = rows.filter(event__iendswith=filters.event)
    if filters.q:
        rows = rows.filter(_matching(filters.q))
    return rows


def _matching(q: str) -> Q:
    """A control id, a visit number or an MRN: the latter two by their blind tokens."""
    q = q.strip()
    tokens = [visit_token(q, authority) for authority in _authorities()]
    people = patient_search(q, limit=50) if any(char.isdigit() for char in q) else []
    if people:
        stays = Encounter.objects.filter(patient__in=people).values_list("visit_token", flat=True)
        tokens += [bytes(token) for token in stays]
    return Q(control_id=q) | Q(visit_token__in=tokens)


def _authorities() -> set[str]:
    known = set(PatientIdentifier.objects.order_by().values_list("authority", flat=True).distinct()[:50])
    senders = Feed.objects.values_list("sending_facility", "facility__code")
    return known | {name for pair in senders for name in pair} | {""}


def view_counts(since: dt.datetime) -> dict[str, int]:
    """How many messages each view holds. One query."""
    return InboundMessage.objects.aggregate(
        stopped=Count("id", filter=Q(state="stopped")),
        review=Count("id", filter=SHOWN_VIEWS["review"]),
        waiting=Count("id", filter=Q(state="received")),
        today=Count("id", filter=Q(received_at__gte=since)),
        all=Count("id"),
    )


def cause_list() -> list[dict[str, Any]]:
    """What stopped, grouped by cause, the largest group first: problem, count, first and last time, one example."""
    rows = InboundMessage.objects.filter(state="stopped").order_by().values("feed_id", "problem_code", "problem")
    rows = rows.annotate(count=Count("id"), first=Min("received_at"), last=Max("received_at"), example=Min("id"))
    return [dict(row) for row in rows.order_by("-count")[:20]]


@dataclass(frozen=True)
class Ledger:
    """Rows by how they ended, beside the number of rows: both must be equal (rule R0)."""

    rows: int
    outcomes: list[tuple[str, int]]
    open: int
    late: int

    @property
    def sum(self) -> int:
        """All rows that the ledger accounts for."""
        return self.open + sum(count for _, count in self.outcomes)

    @property
    def balanced(self) -> bool:
        """Whether every row is accounted for."""
        return self.sum == self.rows


def outcome_ledger(*, late_before: dt.datetime) -> Ledger:
    """Every message of the health system by its outcome. One query; ``late_before`` bounds "still not applied"."""
    counted = InboundMessage.objects.order_by().values("state", "outcome")
    counted = counted.annotate(
        count=Count("id"), late=Count("id", filter=Q(state="received", received_at__lt=late_before))
    )
    words = dict(InboundMessage.OUTCOMES)
    ended: dict[str, int] = {}
    still_open = rows = late = 0
    for row in counted:
        rows += row["count"]
        late += row["late"]
        if row["state"] != "done":
            still_open += row["count"]
        elif row["outcome"]:
            ended[row["outcome"]] = ended.get(row["outcome"], 0) + row["count"]
    return Ledger(rows, [(words[name], ended[name]) for name in words if name in ended], still_open, late)


@dataclass
class Parsed:
    """One message in parts: (field, value, what it becomes). Identifiers show their last four characters."""

    fields: list[tuple[str, str, str]] = field(default_factory=list)
    effects: list[MessageEffect] = field(default_factory=list)
    behind: int = 0


def message_get(message_id: int) -> InboundMessage:
    """One message with its bytes; raises ``DoesNotExist`` (also for another health system's)."""
    return InboundMessage.objects.select_related("feed__facility").get(pk=message_id)


def parsed_view(row: InboundMessage, zone: str) -> Parsed:
    """What the message says, with identifiers masked and without names, times on ``zone``'s clock, and what it did."""
    out = Parsed(effects=list(MessageEffect.objects.filter(message=row)))
    if row.visit_token and row.state == "stopped":
        behind = InboundMessage.objects.filter(visit_token=row.visit_token, state="received", id__gt=row.pk)
        out.behind = behind.count()
    parsed = parse(row.raw, zone=row.feed.time_zone)
    if parsed.ok and parsed.get("MSH", 9) == "ADT":
        for event in read_all(parsed):
            out.fields += _fields(event, zone)
    return out


def _fields(event: AdtEvent, zone: str) -> list[tuple[str, str, str]]:
    place = event.location if isinstance(event.location, Location) else None
    rows = [
        ("PID-3", _masked(event.patient), "Patient"),
        ("PV1-19", _masked(event.visit), "Stay"),
        ("PV1-2", event.patient_class, "Class"),
        ("PV1-3.1", place.point_of_care if place else None, "Unit"),
        ("PV1-3.2", place.room if place else None, "Room"),
        ("PV1-3.3", place.bed if place else None, "Bed"),
        ("PV1-3.4", place.facility if place else None, "Site"),
        ("EVN-6 or EVN-2", event.effective_at, "When it held"),
        ("PV2-9", event.expected_discharge_at, "Expected to leave"),
        ("PV1-45", event.discharge_at, "Left"),
        ("PV1-36", event.disposition, _disposition(event.disposition)),
        ("OBX weight", event.weight_lb, "Weight, lb"),
        ("OBX isolation", event.isolation, "Isolation"),
        ("OBX mobility", event.mobility, "Mobility"),
        ("OBX oxygen", event.oxygen_lpm, "Oxygen, L/min"),
    ]
    return [
        (name, _shown(value, zone), becomes) for name, value, becomes in rows if value is not Mark.UNCHANGED and value
    ]


def _masked(one: Identifier | None) -> str | None:
    if one is None:
        return None
    return f"•••• {one.number[-4:]}" if len(one.number) > 4 else "••••"


def _shown(value: Any, zone: str) -> str:
    if value is Mark.CLEARED:
        return "deleted"
    if isinstance(value, dt.datetime):
        return f"{clock.local(value, zone):%Y-%m-%d %H:%M}"
    return str(value)


def _disposition(value: Any) -> str:
    return dispositions.words_of(value) if isinstance(value, str) else "Disposition"
