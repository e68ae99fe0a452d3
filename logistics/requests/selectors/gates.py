"""What a confirmed request waits for, for lists that show many."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from logistics.requests.approval_rules import waiting_words
from logistics.requests.models import Gate, ServiceRequest


def waits_for(requests: Iterable[ServiceRequest]) -> dict[UUID, str]:
    """Request id → what it waits for, in words, of the gate that is due first. One query, none when nothing waits.

    The requests carry their facility, or it is read.
    """
    pending = {request.pk: request for request in requests if request.status == "pending"}
    if not pending:
        return {}
    found: dict[UUID, str] = {}
    gates = Gate.objects.filter(request_id__in=pending, state="open").order_by("due_at", "opened_at")
    for gate in gates:
        zone = pending[gate.request_id].facility.time_zone
        found.setdefault(gate.request_id, waiting_words(gate, zone))
    return found


def denied_of(request: ServiceRequest | None) -> Gate | None:
    """Why a draft came back: its newest gate when that was denied, else None. One query."""
    if request is None or request.status != "draft":
        return None
    newest = Gate.objects.filter(request=request, state__in=["granted", "denied"]).order_by("-answered_at").first()
    return newest if newest is not None and newest.state == "denied" else None
