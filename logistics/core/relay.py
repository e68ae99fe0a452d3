"""The relay: moves committed events to Celery and to live pages.

Claims with ``FOR UPDATE SKIP LOCKED``, so that several relays share the work; hands out before it marks, so
that a crash repeats a delivery (which its subscriber survives) and never loses one.
"""

from __future__ import annotations

import datetime as dt
import logging
import select
import time
from collections.abc import Callable

from django.db import connection, transaction

from logistics.core import clock, live, outbox, scoping
from logistics.core.models import OutboxDelivery, OutboxEvent

logger = logging.getLogger(__name__)
BATCH = 200
STALE_SECONDS = 60


def relay_once(send: Callable[[int, str], None]) -> int:
    """Relay up to one batch; ``send(delivery_id, topic)`` enqueues. Returns how many events moved.

    Raises what Redis raises when it is away: nothing is marked then.
    """
    with transaction.atomic(), scoping.enter(scoping.Scope.system(actor_label="relay")):
        events = list(
            OutboxEvent.objects.select_for_update(skip_locked=True)
            .filter(relayed_at__isnull=True)
            .order_by("id")[:BATCH]
        )
        if not events:
            return 0
        now = clock.now()
        wanted = [
            OutboxDelivery(event=event, subscriber=name, sent_at=now)
            for event in events
            for name in outbox.subscribers_of(event.topic)
        ]
        OutboxDelivery.objects.bulk_create(wanted, ignore_conflicts=True)
        OutboxEvent.objects.filter(pk__in=[event.pk for event in events]).update(relayed_at=now)
        deliveries = list(
            OutboxDelivery.objects.filter(event__in=events, done_at__isnull=True)
            .order_by("event_id", "id")
            .values_list("id", "event__topic")
        )
    # After the commit, since a fast worker must find its delivery row. A crash here leaves rows that are
    # sent but not done: resend_stale() finds them.
    for delivery_id, topic in deliveries:
        send(delivery_id, topic)
    for event in events:
        organizations: set = {o for o in (event.tenant_id, event.vendor_id) if o}
        organizations.update(event.payload.get("notify_vendor_ids", []))
        if organizations:
            live.push(organizations, event_id=event.pk, topic=event.topic, payload=event.payload)
    return len(events)


def resend_stale(send: Callable[[int, str], None], *, older_than_seconds: int = STALE_SECONDS) -> int:
    """Send again what was sent long ago and is not done. Returns how many."""
    limit = clock.now() - dt.timedelta(seconds=older_than_seconds)
    with transaction.atomic(), scoping.enter(scoping.Scope.system(actor_label="relay")):
        stale = list(
            OutboxDelivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(done_at__isnull=True, sent_at__lt=limit)
            .order_by("id")
            .values_list("id", "event__topic")[:BATCH]
        )
        OutboxDelivery.objects.filter(pk__in=[pk for pk, _ in stale]).update(sent_at=clock.now())
    for delivery_id, topic in stale:
        send(delivery_id, topic)
    return len(stale)


def run(send: Callable[[int, str], None], *, stop: Callable[[], bool], poll_seconds: float = 1.0) -> None:
    """Relay until ``stop()``: woken by NOTIFY, polling as a fallback, patient while a service is away."""
    pause = 0.2
    next_resend = time.monotonic() + STALE_SECONDS
    while not stop():
        try:
            _listen()
            while not stop() and relay_once(send):
                pass
            if time.monotonic() > next_resend:
                resend_stale(send)
                next_resend = time.monotonic() + STALE_SECONDS / 2
            pause = 0.2
            _wait(poll_seconds)
        except Exception as error:
            logger.warning("relay paused", extra={"error": type(error).__name__, "seconds": pause})
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, 5.0)


def _listen() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {outbox.CHANNEL}")


def _wait(seconds: float) -> None:
    raw = connection.connection
    # A wake-up that came while the last batch was read is already off the socket, where select cannot see it.
    if not raw.notifies and select.select([raw], [], [], seconds)[0]:
        raw.poll()
    raw.notifies.clear()
