"""What the integrations room does when something happened."""

from __future__ import annotations

from integrations.tasks import apply_message, run_import
from logistics.core import outbox, scoping


@outbox.subscribe("inbound.received")
def enqueue_messages(event: outbox.Event) -> None:
    """A worker applies what was stored. The event is as durable as the messages: nothing is lost without Redis."""
    for message_id in event.payload.get("message_ids", []):
        apply_message.send_for(scoping.current(), message_id)


@outbox.subscribe("import.queued")
def enqueue_import(event: outbox.Event) -> None:
    """A worker checks, applies or takes back an import: it changes sides, which a page may not."""
    run_import.apply_async(args=(str(event.tenant_id), event.payload["batch_id"], event.payload["run"]))
