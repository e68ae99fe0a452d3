"""What happens to gates and their alerts when a request moves: each function may run twice and does its work once."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from logistics.core.outbox import Event, subscribe
from logistics.requests.approval_rules import KIND, who_answers
from logistics.requests.models import Gate, ServiceRequest
from logistics.requests.services import alerts, budgets, gates

TOLD = ("approval_asked", "approval_escalated", "approval_overdue")


@subscribe("request.held", "request.canceled", "request.drafted")
def withdraw_gates(event: Event) -> None:
    """The request does not go on for now: nobody needs to answer."""
    request = _request(event)
    if request is not None and request.status in ("held", "canceled", "draft"):
        gates.withdraw(request, note=f"The request is {request.get_status_display().lower()}")


@subscribe("request.pending")
def ask_again(event: Event) -> None:
    """A hold ended where the request had waited: what it needs now is asked for."""
    request = _request(event)
    if request is not None and event.payload.get("old") == "held":
        gates.ask_again(request)


@subscribe("gate.opened", "gate.granted", "gate.denied", "gate.withdrawn")
def tell_approvers(event: Event) -> None:
    """An approval that waits is an alert until somebody answers, or nobody needs to any more."""
    request = _request(event)
    if request is None or event.payload["kind"] != KIND:
        return
    waiting = Gate.objects.filter(request=request, kind=KIND, state="open").order_by("due_at").first()
    if waiting is None:
        alerts.resolve(TOLD, request=request)
    elif waiting.escalated_at is None:
        alerts.raise_alert(
            "approval_asked",
            "info",
            request=request,
            params={
                "role": who_answers(waiting),
                "until": waiting.due_at.isoformat() if waiting.due_at else "",
                "zone": request.facility.time_zone,
            },
        )


@subscribe("charge.created")
def note_charge(event: Event) -> None:
    """What the ride really cost counts for the budget instead of the estimate."""
    if "request_id" in event.payload:
        budgets.note_charge(request_id=UUID(event.payload["request_id"]), amount=Decimal(event.payload["total_amount"]))


def _request(event: Event) -> ServiceRequest | None:
    # Locked: whether anybody must still answer is decided on what stands, not on what stood.
    return ServiceRequest.objects.select_for_update(of=("self",)).filter(pk=event.payload["request_id"]).first()
