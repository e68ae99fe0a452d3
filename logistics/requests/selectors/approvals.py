"""Approvals as the page reads them: what waits, by due time, and what was answered. A fixed number of queries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import F, Prefetch, QuerySet

from logistics.core import clock
from logistics.core.levels import LEVELS
from logistics.requests import approval_rules, policies
from logistics.requests.models import Gate, ServiceRequest, TransportDetail
from logistics.requests.selectors.requests import destination_name

PAGE_SIZE = 25
MOST_WAITING = 200


@dataclass(frozen=True)
class Row:
    """One approval: ``patient`` as the role may see it (empty when it may not), ``may_answer`` for this person."""

    gate: Gate
    request: ServiceRequest
    patient: str
    pickup_at: dt.datetime | None
    destination: str
    level: str
    miles: Any
    amount: Any
    zone: str
    who: str
    may_answer: bool
    own: bool
    overdue: bool

    @property
    def kind_label(self) -> str:
        """What is asked for, in words."""
        return self.request.get_kind_display()


def waiting(*, user_id: UUID | None, role: str, mine: bool = False) -> list[Row]:
    """Open approvals, soonest due first; with ``mine`` those that this person in this role may answer. Two queries."""
    gates = _gates().filter(state="open").order_by(F("due_at").asc(nulls_last=True), "opened_at")[:MOST_WAITING]
    rows = [_row(gate, user_id=user_id, role=role) for gate in gates]
    return [row for row in rows if row.may_answer] if mine else rows


def answered(*, user_id: UUID | None, role: str, mine: bool = False, page: str | None = None) -> Page:
    """Approvals that are not open any more, newest first; with ``mine`` those that this person answered."""
    gates = _gates().exclude(state="open").order_by("-answered_at", "-opened_at")
    if mine:
        gates = gates.filter(answered_by_id=user_id)
    found = Paginator(gates, PAGE_SIZE).get_page(page)
    rows: Any = [_row(gate, user_id=user_id, role=role) for gate in found.object_list]
    found.object_list = rows
    return found


def exists(gate_id: UUID) -> bool:
    """Whether there is such an approval, waiting or answered."""
    return Gate.objects.filter(pk=gate_id, kind=approval_rules.KIND).exists()


def _gates() -> QuerySet[Gate]:
    details = Prefetch(
        "request__transport_rows", queryset=TransportDetail.objects.select_related("place"), to_attr="details"
    )
    return (
        Gate.objects.filter(kind=approval_rules.KIND)
        .select_related("request__patient", "request__unit", "request__facility")
        .prefetch_related(details)
    )


def _row(gate: Gate, *, user_id: UUID | None, role: str) -> Row:
    request = gate.request
    detail: TransportDetail | None = next(iter(request.details), None)  # type: ignore[attr-defined]
    may_see = policies.fields_for(role)
    zone = request.facility.time_zone
    level = LEVELS.get(detail.level) if detail else None
    return Row(
        gate=gate,
        request=request,
        patient=request.patient.display_name if may_see.get("name") == "see" else "",
        pickup_at=(detail.pickup_at or detail.ready_expected_at) if detail else None,
        destination=_destination(detail, may_see.get("address") == "see"),
        level=level.label if level else "",
        miles=detail.miles if detail else None,
        amount=request.estimated_amount,
        zone=zone,
        who=approval_rules.who_answers(gate),
        may_answer=gate.state == "open" and approval_rules.may_answer(gate, request, user_id=user_id, role=role),
        own=user_id is not None and user_id == request.requested_by_id,
        overdue=gate.state == "open" and gate.due_at is not None and gate.due_at <= clock.now(),
    )


def _destination(detail: TransportDetail | None, may_see_home: bool) -> str:
    """Where the ride goes; where somebody lives only for roles that know addresses."""
    if detail is None or detail.place is not None or may_see_home:
        return destination_name(detail)
    return {"home": "Home", "other": "Another address"}.get(detail.destination_kind, "")
