"""Pages that belong to no room: health, live streams, error answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
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
# Browsers reconnect by themselves; a bounded life lets signed-out and disabled people lose the stream.
STREAM_SECONDS = 600


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
    # The stream holds no database connection while it waits.
    await sync_to_async(connections.close_all)()
    response = StreamingHttpResponse(_pings(organization_id, last), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _pings(organization_id: Any, last: str) -> AsyncIterator[bytes]:
    client = aredis.Redis.from_url(settings.REDIS_URL)
    name = live.stream_name(organization_id)
    position = last if _looks_like_id(last) else "$"
    if position == "$":
        newest = await client.xrevrange(name, count=1)
        position = newest[0][0].decode() if newest else "0-0"
    deadline = asyncio.get_running_loop().time() + STREAM_SECONDS
    try:
        yield f"retry: 1000\nid: {position}\nevent: ready\ndata: {{}}\n\n".encode()
        while asyncio.get_running_loop().time() < deadline:
            found = await client.xread({name: position}, count=100, block=HEARTBEAT_SECONDS * 1000)
            if not found:
                yield b"event: beat\ndata: {}\n\n"  # a comment would never reach the page
                continue
            for entry_id, fields in found[0][1]:
                position = entry_id.decode()
                topic = fields[b"topic"].decode()
                data = {"topic": topic, **json.loads(fields[b"data"])}
                body = json.dumps(data, separators=(",", ":"))
                room = topic.partition(".")[0]
                # Two names per ping: the topic's noun for lists, and one for whoever wants everything.
                yield f"id: {position}\nevent: {room}\ndata: {body}\n\n".encode()
                yield f"id: {position}\nevent: change\ndata: {body}\n\n".encode()
    finally:
        await client.aclose()


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
