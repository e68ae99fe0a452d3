"""Feeds as their listeners and their people see them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q

from integrations.models import Feed, InboundMessage
from logistics.core import clock

QUIET_MINUTES = 30


def feeds_listening() -> list[Feed]:
    """Every active MLLP feed of every health system (system scope), by port."""
    return list(Feed.objects.filter(is_active=True, protocol="mllp").order_by("port_offset"))


@dataclass(frozen=True)
class Channel:
    """One feed's health: ``tone`` is ok, warn or bad, ``line`` says why in a few words."""

    feed: Feed
    today: int
    stopped: int
    waiting: int
    review: int
    tone: str
    line: str


def channel_list(zone_start: dt.datetime) -> list[Channel]:
    """The health of each feed since ``zone_start`` (the start of the day). Two queries."""
    counted = InboundMessage.objects.order_by().values("feed_id")
    counted = counted.annotate(
        today=Count("id", filter=Q(received_at__gte=zone_start)),
        stopped=Count("id", filter=Q(state="stopped")),
        waiting=Count("id", filter=Q(state="received")),
        review=Count("id", filter=Q(state="done", outcome="review", received_at__gte=zone_start)),
        last=Max("received_at"),
    )
    figures: dict[Any, dict[str, Any]] = {row["feed_id"]: dict(row) for row in counted}
    out = []
    for feed in Feed.objects.select_related("facility").order_by("port_offset", "name"):
        row = figures.get(feed.pk, {})
        out.append(_channel(feed, row))
    return out


def _channel(feed: Feed, row: dict[str, Any]) -> Channel:
    today, stopped, waiting = row.get("today", 0), row.get("stopped", 0), row.get("waiting", 0)
    review = row.get("review", 0)
    last = row.get("last")
    quiet = last is None or clock.now() - last > dt.timedelta(minutes=QUIET_MINUTES)
    if not feed.is_active:
        tone, line = "neutral", "Switched off"
    elif stopped:
        tone, line = "bad", f"{today} today · {stopped} stopped"
    elif last is None:
        tone, line = "neutral", "No message yet"
    elif review:
        tone, line = "warn", f"{today} today · {review} to review"
    elif quiet:
        tone, line = "warn", f"{today} today · quiet for {minutes_since(last)} min"
    else:
        tone, line = "ok", f"{today} today · all through"
    return Channel(feed, today, stopped, waiting, review, tone, line)


def minutes_since(moment: dt.datetime) -> int:
    """Whole minutes from ``moment`` to now."""
    return int((clock.now() - moment).total_seconds() // 60)
