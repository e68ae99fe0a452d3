"""Pages of the kit rendered without a view, and a small server for them with the product's own CSP.

Run ``python -m tests.ui.gallery`` to look at them in a browser.
"""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import get_template
from django.test import RequestFactory

from tests.ui import sample

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
PAGES = {
    "/gallery": "ui/gallery.html",
    "/rail": "ui/gallery_rail.html",
    "/driver": "ui/gallery_driver.html",
    "/sign-in": "ui/gallery_auth.html",
    "/404": "errors/404.html",
    "/500": "errors/500.html",
}


def page(path: str) -> str:
    """The HTML of one of PAGES."""
    context = {**sample.gallery(), "request": RequestFactory().get(path)}
    template: Any = get_template(PAGES[path])
    # The engine's own template: context processors would ask for a signed-in person.
    from django.template import Context

    return str(template.template.render(Context(context)))


def policy() -> str:
    """The Content-Security-Policy of the settings, as a header."""
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves PAGES, the static folder, and nothing else."""

    def do_GET(self) -> None:
        """Answer one request."""
        path = self.path.split("?")[0]
        if path in PAGES:
            body, kind = page(path).encode(), "text/html; charset=utf-8"
        elif path == "/palette":
            body, kind = get_template("ui/palette_results.html").render(sample.gallery()).encode(), "text/html"
        elif path == "/patients/find":
            body, kind = get_template("ui/combobox_options.html").render(sample.gallery()).encode(), "text/html"
        elif path.startswith("/static/"):
            self.path = path.removeprefix("/static")
            return super().do_GET()
        else:
            self.send_error(404)
            return None
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", policy())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

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
