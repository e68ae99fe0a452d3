"""One port for everything: pages run in a pool of threads, live streams as coroutines.

Django's own ASGI handler gives each request a fresh thread and so a fresh database connection; a fixed
pool of threads keeps its connections. Streams hold no thread and no connection while they wait.
"""

from __future__ import annotations

import os
import threading
from importlib import import_module
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"logistics.config.settings.{os.environ.get('CARRYWELL_ENV', 'dev')}")

from a2wsgi import WSGIMiddleware
from django.core.asgi import get_asgi_application
from django.urls import reverse

from logistics.config.wsgi import application as wsgi_application
from logistics.core import heap

STREAM_PATHS = ("/live",)
_streams = get_asgi_application()
_pages: Any = WSGIMiddleware(cast(Any, wsgi_application), workers=int(os.environ.get("CARRYWELL_WEB_THREADS", "12")))


def _warm() -> None:
    """Load what the first requests would wait for: every page's code, and the solver that a booking's preview asks."""
    reverse("home")  # first, since the very first request waits for it
    import_module("ortools.sat.python.cp_model")
    heap.settle()


threading.Thread(target=_warm, daemon=True).start()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Route one connection."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"] in STREAM_PATHS:
        await _streams(scope, receive, send)
    else:
        await _pages(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
