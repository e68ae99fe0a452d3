"""Work that the inbound line waits for."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import transaction
from django.db.models import Exists, OuterRef

from integrations.models import InboundMessage
from integrations.services import imports, processing
from logistics.core import clock, scoping
from logistics.core.tasks import ScopedTask

SWEEP_AFTER_SECONDS = 10
SWEEP_LIMIT = 500


@shared_task(base=ScopedTask, name="integrations.tasks.apply_message")
def apply_message(message_id: int) -> int:
    """Apply one stored message and what waits behind it for the same stay. Returns how many were applied."""
    return processing.apply_in_order(message_id)


@shared_task(base=ScopedTask, opens_own_scope=True, name="integrations.tasks.sweep")
def sweep() -> int:
    """Beat: enqueue again what was received more than ten seconds ago and is not applied. Returns how many lines.

    Lines that wait behind a stopped message are left alone: they go on when a person has decided.
    """
    lines: dict[Any, tuple[Any, int]] = {}
    with transaction.atomic(), scoping.enter(scoping.Scope.system(actor_label="inbound sweep")):
        stopped_before = InboundMessage.objects.filter(
            tenant_id=OuterRef("tenant_id"),
            visit_token=OuterRef("visit_token"),
            state="stopped",
            id__lt=OuterRef("id"),
        ).values("id")
        old = clock.now() - dt.timedelta(seconds=SWEEP_AFTER_SECONDS)
        rows = (
            InboundMessage.objects.filter(state="received", received_at__lt=old)
            .exclude(Exists(stopped_before))
            .order_by("id")
            .values_list("id", "tenant_id", "visit_token")[:SWEEP_LIMIT]
        )
        for message_id, tenant_id, token in rows:
            line = (tenant_id, bytes(token)) if token else (tenant_id, message_id)
            lines.setdefault(line, (tenant_id, message_id))
    for tenant_id, message_id in lines.values():
        apply_message.send_for(scoping.Scope.staff(tenant_id), message_id)
    return len(lines)


@shared_task(base=ScopedTask, opens_own_scope=True, name="integrations.tasks.run_import")
def run_import(tenant_id: str, batch_id: str, run: str) -> str:
    """Check, apply or undo an import. Sent twice it works once. Returns the state reached."""
    return imports.run(UUID(tenant_id), UUID(batch_id), run)
