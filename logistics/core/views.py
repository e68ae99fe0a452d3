"""Pages that belong to no room: health, live streams, error answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import redis.asyncio as aredis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from logistics.core import access, live

HEARTBEAT_SECONDS = 15
# Browsers reconnect by themselves; a bounded life spreads them over the servers of a new release.
STREAM_SECONDS = 600
# How long a stream may outlive its session; an ended role ends it at once (topics below).
RECHECK_SECONDS = 15
ACCESS_TOPICS = ("membership.", "person.")


@access.public
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when the database and Redis answer, 503 with the name of what does not."""
    state = {"database": "up", "redis": "up", "version": settings.VERSION}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        state["database"] = "down"
    try:
        live.client().ping()
    except Exception:
        state["redis"] = "down"
    return JsonResponse(state, status=200 if "down" not in state.values() else 503)


@access.requires("live.follow", own_scope=True)
async def live_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Server-sent pings of the viewer's organization; catches up from ``Last-Event-ID``."""
    organization_id = request.scope.organization_id  # type: ignore[attr-defined]
    last = request.headers.get("Last-Event-ID") or request.GET.get("after", "")

    def still_allowed() -> bool:
        try:
            return bool(request.still_allowed())  # type: ignore[attr-defined]
        finally:
            _let_go()

    # The stream holds no database connection while it waits.
    await sync_to_async(_let_go)()
    response = StreamingHttpResponse(
        _pings(organization_id, last, sync_to_async(still_allowed)), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _let_go() -> None:
    for open_connection in connections.all(initialized_only=True):
        if not open_connection.in_atomic_block:
            open_connection.close()


async def _pings(organization_id: Any, last: str, still_allowed: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    # The client's own time limit must be longer than the wait that it is asked for.
    client = aredis.Redis.from_url(settings.REDIS_URL, socket_timeout=HEARTBEAT_SECONDS + 10)
    name = live.stream_name(organization_id)
    now = asyncio.get_running_loop().time
    try:
        position = last if _looks_like_id(last) else await _newest(client, name)
        deadline, recheck_at = now() + STREAM_SECONDS, now() + RECHECK_SECONDS
        yield f"retry: 1000\nid: {position}\nevent: ready\ndata: {{}}\n\n".encode()
        while now() < deadline:
            wait = max(min(HEARTBEAT_SECONDS, recheck_at - now()), 0.05)
            found = await client.xread({name: position}, count=100, block=int(wait * 1000))
            entries = found[0][1] if found else []
            topics = [fields[b"topic"].decode() for _, fields in entries]
            if now() >= recheck_at or any(topic.startswith(ACCESS_TOPICS) for topic in topics):
                if not await still_allowed():
                    return
                recheck_at = now() + RECHECK_SECONDS
            if not entries:
                yield b"event: beat\ndata: {}\n\n"
            for (entry_id, fields), topic in zip(entries, topics, strict=True):
                position = entry_id.decode()
                yield _frames(position, topic, fields[b"data"])
    finally:
        await client.aclose()


async def _newest(client: aredis.Redis, name: str) -> str:
    newest = await client.xrevrange(name, count=1)
    return newest[0][0].decode() if newest else "0-0"


def _frames(position: str, topic: str, payload: bytes) -> bytes:
    """Two names per ping: the topic's noun for lists, and one for whoever wants everything."""
    body = json.dumps({"topic": topic, **json.loads(payload)}, separators=(",", ":"))
    names = (topic.partition(".")[0], "change")
    return "".join(f"id: {position}\nevent: {name}\ndata: {body}\n\n" for name in names).encode()


def _looks_like_id(text: str) -> bool:
    head, _, tail = text.partition("-")
    return head.isdigit() and tail.isdigit()


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or old."""
    context = {"message": "This form is too old or came from another site. Reload the page and send it again."}
    return render(request, "errors/403.html", context, status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 in the product's words."""
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 in the product's words."""
    return _error(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 in the product's words."""
    return _error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a page that needs nothing but its template."""
    # Without the request no context processor runs: the page must come even when the database is away.
    code = getattr(request, "request_id", "")[:8]
    return HttpResponse(render_to_string("errors/500.html", {"code": code}), status=500)


def _error(request: HttpRequest, status: int) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        words = {400: "bad_request", 403: "forbidden", 404: "not_found"}
        return JsonResponse({"code": words[status], "detail": words[status].replace("_", " ")}, status=status)
    return render(request, f"errors/{status}.html", {}, status=status)
