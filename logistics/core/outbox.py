"""Events upwards: written with the rows they speak of, handed out by the relay, done at most once each.

A room that wants to hear of a topic registers a subscriber in its ``subscribers.py``::

    @outbox.subscribe("trip.completed")
    def charge_trip(event: Event) -> None: ...

A subscriber runs in a Celery worker, in one transaction, inside the scope of the event's health system (or
vendor), and may run again after a crash: it must be idempotent through a unique constraint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from logistics.core import scoping
from logistics.core.models import OutboxEvent

CHANNEL = "carrywell_outbox"


@dataclass(frozen=True)
class Event:
    """What a subscriber gets."""

    id: int
    topic: str
    tenant_id: UUID | None
    vendor_id: UUID | None
    payload: dict[str, Any]


Subscriber = Callable[[Event], None]
_subscribers: dict[str, dict[str, Subscriber]] = defaultdict(dict)


def publish(
    topic: str, payload: dict[str, Any], *, tenant_id: UUID | None = None, vendor_id: UUID | None = None
) -> OutboxEvent:
    """Write one event in the current transaction. ``payload`` holds ids, enums and figures, never PHI.

    The event belongs to the open scope's health system; ``vendor_id`` names the vendor whose screens it
    moves too. Raises ``NoScope`` without a scope.
    """
    scope = scoping.current()
    event = OutboxEvent.objects.create(
        tenant_id=tenant_id or scope.tenant_id,
        vendor_id=vendor_id or scope.vendor_id,
        topic=topic,
        payload=payload,
        request_id=scope.request_id,
    )
    with connection.cursor() as cursor:
        # Delivered at commit; the relay also polls, so a lost wake-up only costs its polling interval.
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return event


def subscribe(*topics: str) -> Callable[[Subscriber], Subscriber]:
    """Register a function for these topics under its dotted name."""

    def register(function: Subscriber) -> Subscriber:
        name = f"{function.__module__}.{function.__qualname__}"
        for topic in topics:
            _subscribers[topic][name] = function
        return function

    return register


def subscribers_of(topic: str) -> dict[str, Subscriber]:
    """Name → function of all who listen to ``topic``."""
    return dict(_subscribers.get(topic, {}))


def subscriber_named(topic: str, name: str) -> Subscriber | None:
    """The function registered under ``name`` for ``topic``, or None when it no longer exists."""
    return _subscribers.get(topic, {}).get(name)
