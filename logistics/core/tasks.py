"""The Celery base task, and delivery of outbox events to their subscribers."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.db import transaction

from logistics.core import clock, outbox, relay, scoping, sealing
from logistics.core.models import OutboxDelivery

logger = logging.getLogger(__name__)


class ScopedTask(Task):
    """A task that works for one health system or vendor: one transaction, one scope.

    Send it with ``task.send_for(scope, *args)``. A task that opens its scopes itself declares
    ``opens_own_scope=True`` in its decorator; any other task without a scope refuses to run.
    """

    opens_own_scope = False

    def send_for(self, scope: scoping.Scope, *args: Any, **options: Any) -> Any:
        """Enqueue with the ids of ``scope`` (never names) in the message headers."""
        headers = {
            "carrywell_side": scope.side,
            "carrywell_tenant": str(scope.tenant_id or ""),
            "carrywell_vendor": str(scope.vendor_id or ""),
            "carrywell_request": scope.request_id,
        }
        return self.apply_async(args=args, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run inside the scope that the message names."""
        if self.opens_own_scope:
            return super().__call__(*args, **kwargs)
        headers = {**(self.request.headers or {}), **(self.request.get("properties") or {})}
        side = headers.get("carrywell_side") or getattr(self.request, "carrywell_side", None)
        if not side:
            raise scoping.NoScope(f"{self.name} was sent without a scope")

        def header(name: str) -> str:
            return headers.get(name) or getattr(self.request, name, "") or ""

        scope = scoping.Scope(
            side=side,
            tenant_id=UUID(header("carrywell_tenant")) if header("carrywell_tenant") else None,
            vendor_id=UUID(header("carrywell_vendor")) if header("carrywell_vendor") else None,
            actor_label=self.name,
            request_id=header("carrywell_request"),
        )
        with transaction.atomic(), scoping.enter(scope):
            return super().__call__(*args, **kwargs)


def send_delivery(delivery_id: int, topic: str) -> None:
    """Enqueue one delivery (what the relay calls)."""
    deliver.apply_async(args=(delivery_id,))


@shared_task(base=ScopedTask, bind=True, opens_own_scope=True, name="logistics.core.tasks.deliver", max_retries=8)
def deliver(self: ScopedTask, delivery_id: int) -> str:
    """Run one subscriber for one event, exactly once in effect.

    The delivery row is locked and marked done in the subscriber's own transaction: a second copy of the
    message waits, finds it done and leaves.
    """
    system = scoping.Scope.system(actor_label="relay")
    with transaction.atomic(), scoping.enter(system):
        delivery = (
            OutboxDelivery.objects.select_for_update(of=("self",))
            .select_related("event")
            .filter(pk=delivery_id)
            .first()
        )
        if delivery is None or delivery.done_at is not None:
            return "already done"
        row = delivery.event
        function = outbox.subscriber_named(row.topic, delivery.subscriber)
        event = outbox.Event(row.pk, row.topic, row.tenant_id, row.vendor_id, row.payload)
        try:
            if function is not None:
                with (
                    transaction.atomic(),
                    scoping.enter(_scope_of(event, row.request_id, delivery.subscriber)),
                ):
                    function(event)
        except Exception as error:
            OutboxDelivery.objects.filter(pk=delivery_id).update(
                attempts=delivery.attempts + 1, last_error=type(error).__name__
            )
            failure: Exception | None = error
        else:
            OutboxDelivery.objects.filter(pk=delivery_id).update(
                done_at=clock.now(), attempts=delivery.attempts + 1, last_error=""
            )
            failure = None
    if failure is not None:
        logger.warning(
            "subscriber failed",
            extra={
                "subscriber": delivery.subscriber,
                "error": type(failure).__name__,
                "delivery": delivery_id,
            },
        )
        raise self.retry(exc=failure, countdown=min(2**self.request.retries, 60))
    return "done"


def _scope_of(event: outbox.Event, request_id: str, subscriber: str) -> scoping.Scope:
    who = {"actor_label": subscriber.rsplit(".", 1)[-1], "request_id": request_id}
    if event.tenant_id is not None:
        return scoping.Scope.staff(event.tenant_id, **who)
    if event.vendor_id is not None:
        return scoping.Scope.vendor(event.vendor_id, **who)
    return scoping.Scope.system(**who)


@shared_task(base=ScopedTask, opens_own_scope=True, name="logistics.core.tasks.resend_stale")
def resend_stale() -> int:
    """Beat: send again deliveries that were sent long ago and are not done."""
    return relay.resend_stale(send_delivery)


@shared_task(base=ScopedTask, opens_own_scope=True, name="logistics.core.tasks.seal_audit")
def seal_audit() -> int:
    """Beat: extend every audit chain by a seal over its new entries. Returns entries sealed."""
    with transaction.atomic(), scoping.enter(scoping.Scope.system(actor_label="sealer")):
        return sealing.seal_all()


__all__ = ["ScopedTask", "deliver", "resend_stale", "seal_audit", "send_delivery"]
