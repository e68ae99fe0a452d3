"""Pages of the kit rendered without a view, and a small server for them with the product's own CSP.

Run ``python -m tests.ui.gallery`` to look at them in a browser.
"""

from __future__ import annotations

import functools
import http.server
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import Context
from django.template.loader import get_template
from django.test import RequestFactory

from tests.ui import sample

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
PAGES = {
    "/gallery": "ui/gallery.html",
    "/rail": "ui/gallery_rail.html",
    "/drive/trip": "ui/gallery_driver.html",
    "/sign-in": "ui/gallery_auth.html",
    "/404": "errors/404.html",
    "/500": "errors/500.html",
}
# Posted words, answered with options.
SEARCHES = {"/palette": "ui/palette_results.html", "/patients/find": "ui/combobox_options.html"}


def page(path: str) -> str:
    """The HTML of one of PAGES."""
    context = {**sample.gallery(), **sample.driver(), "request": RequestFactory().get(path)}
    template: Any = get_template(PAGES[path])
    # The engine's own template: context processors would ask for a signed-in person.
    return str(template.template.render(Context(context)))


def policy() -> str:
    """The Content-Security-Policy of the settings, as a header."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())


# What the server answers next, and what it was sent: tests read and set them.
ANSWERS: dict[str, int] = {"post": 200, "live": 1, "signed_in": 1}
POSTS: list[tuple[str, dict[str, str]]] = []


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves PAGES, the static folder, and nothing else."""

    def do_GET(self) -> None:
        """Answer one request."""
        path = self.path.split("?")[0]
        if path == "/drive/trip" and not ANSWERS["signed_in"]:
            self.send_response(302)
            self.send_header("Location", "/sign-in")
            self.end_headers()
            return None
        if path in PAGES:
            body, kind = page(path).encode(), "text/html; charset=utf-8"
        elif path == "/live":
            return self.stream()
        elif path == "/drive/sw.js":
            body, kind = (STATIC / "js/driver-worker.js").read_bytes(), "text/javascript"
        elif path.startswith("/static/"):
            self.path = path.removeprefix("/static")
            return super().do_GET()
        else:
            self.send_error(404)
            return None
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", policy())
        self.send_header("Service-Worker-Allowed", "/drive")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def stream(self) -> None:
        """A live stream that stays open until the client leaves or the server stops it."""
        if not ANSWERS["live"]:
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            while ANSWERS["live"]:
                self.wfile.write(b"event: beat\ndata: \n\n")
                self.wfile.flush()
                time.sleep(0.2)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def do_POST(self) -> None:
        """Keep what was posted in POSTS and answer as ANSWERS says."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        if ANSWERS["post"] != 503:
            POSTS.append((self.path, dict(urllib.parse.parse_qsl(body))))
        if self.path in SEARCHES:
            answer, kind = get_template(SEARCHES[self.path]).render(sample.gallery()).encode(), "text/html"
        else:
            answer = b'{"message": "the trip was canceled."}' if ANSWERS["post"] == 409 else b"{}"
            kind = "application/json"
        self.send_response(ANSWERS["post"])
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """A server for PAGES on the loopback interface; gives its address."""
    handler = functools.partial(Handler, directory=str(STATIC))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    import django

    django.setup()
    with serving(8765) as address:
        print(f"{address}/gallery")
        threading.Event().wait()
