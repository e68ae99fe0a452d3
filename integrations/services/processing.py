"""Applying stored messages, one stay at a time and each stay's messages in the order they came."""

from __future__ import annotations

import hashlib
import logging

from django.db import connection, transaction

from integrations.handlers import adt
from integrations.handlers.resolve import Stopped
from integrations.handlers.work import Outcome
from integrations.models import InboundMessage, MessageEffect
from integrations.services.inbound import plain
from logistics.core import clock, outbox
from logistics.requests.services.changes import ChangeLog

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
MAX_PER_RUN = 50


def apply_in_order(message_id: int) -> int:
    """Apply what waits for the same stay as ``message_id``, oldest first, until one stops. Returns how many.

    Runs in the caller's transaction and staff scope. A message behind a stopped one stays received.
    """
    token = InboundMessage.objects.filter(pk=message_id).values_list("visit_token", flat=True).first()
    _lock_line(bytes(token) if token else f"message {message_id}".encode())
    line = InboundMessage.objects.exclude(state="done").order_by("id").select_related("feed__facility")
    line = line.filter(visit_token=token) if token else line.filter(pk=message_id)
    applied = 0
    waiting = list(line.values_list("pk", flat=True)[: MAX_PER_RUN + 1])
    for pk in waiting[:MAX_PER_RUN]:
        row = line.get(pk=pk)
        if row.state == "stopped":
            return applied
        _apply_one(row)
        if row.state != "done":
            return applied
        applied += 1
    if len(waiting) > MAX_PER_RUN:
        outbox.publish("inbound.received", {"message_ids": [waiting[MAX_PER_RUN]], "message_id": waiting[MAX_PER_RUN]})
    return applied


def _apply_one(row: InboundMessage) -> None:
    row.attempts += 1
    try:
        with transaction.atomic():
            outcome, log, warnings = adt.apply(row.feed, row)
            _write_effects(row, log)
    except Stopped as stop:
        row.state, row.problem_code, row.problem = "stopped", stop.code, stop.problem
    except Exception as error:
        # The name only: an error's text may quote the message.
        logger.error("message could not be applied", extra={"message_id": row.pk, "error": type(error).__name__})
        row.problem_code = "failed"
        row.problem = f"The message could not be applied ({type(error).__name__}). Nothing of it was kept."
        if row.attempts >= MAX_ATTEMPTS:
            row.state = "stopped"
    else:
        _finish(row, outcome, warnings)
    row.save(update_fields=["state", "outcome", "problem_code", "problem", "warnings", "attempts", "processed_at"])
    if row.state != "received":
        outbox.publish(
            f"message.{'done' if row.state == 'done' else 'stopped'}",
            {"message_id": row.pk, "feed_id": str(row.feed_id), "event": row.event, "outcome": row.outcome},
        )


def _finish(row: InboundMessage, outcome: Outcome, warnings: list[str]) -> None:
    row.state = "done"
    row.outcome = outcome.outcome
    row.problem_code = outcome.problem_code
    row.problem = plain(outcome.problem, 300)
    row.warnings = list(dict.fromkeys([*row.warnings, *warnings]))
    row.processed_at = clock.now()


def _write_effects(row: InboundMessage, log: ChangeLog) -> None:
    last = MessageEffect.objects.filter(message=row).order_by("-sequence").values_list("sequence", flat=True).first()
    number = last or 0
    for change in log.changes:
        number += 1
        MessageEffect.objects.create(
            message=row,
            sequence=number,
            object_type=change.object_type[:40],
            object_id=change.object_id,
            action=change.action[:60],
            rule=change.rule[:80],
            before=change.before,
            after=change.after,
        )
    for alert in log.alerts:
        number += 1
        MessageEffect.objects.create(
            message=row,
            sequence=number,
            object_type="requests.alert",
            object_id=str(alert.pk),
            action="alert_raised",
            rule=alert.code,
            after={"severity": alert.severity},
        )


def _lock_line(key: bytes) -> None:
    number = int.from_bytes(hashlib.sha256(key).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
