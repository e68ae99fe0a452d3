"""What a person does with a message: look at it, send it through again, or let its stay go on without it."""

from __future__ import annotations

from integrations.models import InboundMessage
from logistics.core import audit, clock, outbox
from logistics.core.errors import DomainError


def reveal(message: InboundMessage) -> bytes:
    """The raw bytes, with an audit entry: they hold a patient's data."""
    audit.record(action="message.revealed", target=message, purpose="operations", details={"event": message.event})
    return bytes(message.raw)


def replay(messages: list[InboundMessage]) -> int:
    """Send messages through again, in the order they came. Returns how many.

    What was applied before changes nothing the second time; effects are added to the message's list.
    """
    ordered = sorted(messages, key=lambda row: row.pk)
    for row in ordered:
        if row.problem_code == "junk":
            raise DomainError("These bytes are no message; there is nothing to replay.", code="no_message")
        audit.record(action="message.replayed", target=row, details={"was": row.outcome or row.state})
        row.state, row.outcome, row.problem_code, row.problem, row.attempts = "received", "", "", "", 0
        row.save(update_fields=["state", "outcome", "problem_code", "problem", "attempts"])
    if ordered:
        outbox.publish(
            "inbound.received",
            {"message_ids": [row.pk for row in ordered], "message_id": ordered[-1].pk, "count": len(ordered)},
        )
    return len(ordered)


def skip(message: InboundMessage, *, reason: str) -> InboundMessage:
    """Set a stopped message aside with a reason, so that what waits behind it goes on."""
    reason = " ".join(reason.split())
    if message.state != "stopped":
        raise DomainError("Only a stopped message can be skipped.", code="not_stopped")
    if len(reason) < 3:
        raise DomainError("Say why this message is skipped.", code="reason_missing", fields={"reason": "Say why."})
    message.state, message.outcome, message.processed_at = "done", "recorded", clock.now()
    message.problem = f"Skipped: {reason}"[:300]
    message.save(update_fields=["state", "outcome", "processed_at", "problem"])
    audit.record(action="message.skipped", target=message, reason=reason)
    outbox.publish("message.done", {"message_id": message.pk, "event": message.event, "outcome": message.outcome})
    if message.visit_token:
        behind = InboundMessage.objects.filter(visit_token=message.visit_token, state="received", id__gt=message.pk)
        following = behind.order_by("id").values_list("id", flat=True).first()
        if following:
            outbox.publish("inbound.received", {"message_ids": [following], "message_id": following, "count": 0})
    return message
