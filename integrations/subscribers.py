"""What the integrations room does when something happened."""

from __future__ import annotations

from integrations.tasks import apply_message
from logistics.core import outbox, scoping


@outbox.subscribe("inbound.received")
def enqueue_messages(event: outbox.Event) -> None:
    """A worker applies what was stored. The event is as durable as the messages: nothing is lost without Redis."""
    for message_id in event.payload.get("message_ids", []):
        apply_message.send_for(scoping.current(), message_id)
