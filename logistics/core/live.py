"""Live pages: the relay appends a small ping per event to a Redis stream per organization.

A ping names the topic and the ids that changed, never their content: each browser fetches the fragment
that its own role may see. Streams keep the latest few thousand pings, so that a browser that lost its
connection catches up from ``Last-Event-ID``.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

STREAM_LENGTH = 5000
# Ids that a ping may carry: everything else in an event stays on the server.
PING_KEYS = (
    "trip_id",
    "leg_id",
    "offer_id",
    "request_id",
    "encounter_id",
    "message_id",
    "unit_id",
    "old",
    "new",
)


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    """The process's Redis client."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5)


def stream_name(organization_id: UUID | str) -> str:
    """The Redis key of one organization's stream."""
    return f"{settings.LIVE_STREAM_PREFIX}{organization_id}"


def push(organizations: set[UUID | str], *, event_id: int, topic: str, payload: dict[str, Any]) -> None:
    """Append a ping to each organization's stream."""
    body = {key: payload[key] for key in PING_KEYS if key in payload}
    fields: dict[Any, Any] = {"event": str(event_id), "topic": topic, "data": json.dumps(body)}
    pipe = client().pipeline(transaction=False)
    for organization_id in organizations:
        pipe.xadd(stream_name(organization_id), fields, maxlen=STREAM_LENGTH, approximate=True)
    pipe.execute()
