"""The pages over real HTTP: a signed-in browser without its windows, and a live stream that notes when pings come."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from logistics.accounts.models import Membership
from tests.journeys.stack import Stack
from tests.support import signed_in

CSRF = "c" * 32
LIVE_REFRESH = {"HX-Request": "true", "HX-Trigger-Name": "poll", "X-Background": "1"}


class Browser:
    """One person's kept-alive connection to the running web server."""

    def __init__(self, stack: Stack, membership: Membership) -> None:
        cookie = signed_in(membership).cookies[settings.SESSION_COOKIE_NAME].value
        self.headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}", "Accept": "text/html"}
        self.port = stack.port
        self._connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)

    def get(self, path: str, **headers: str) -> tuple[float, str]:
        """Seconds until the whole answer was there, and its text. Fails unless it is 200."""
        began = time.monotonic()
        self._connection.request("GET", path, headers=self.headers | headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = time.monotonic() - began
        if answer.status != 200:
            raise AssertionError(f"GET {path} answered {answer.status}")
        return took, body.decode()

    def post(self, path: str, data: dict[str, Any], **headers: str) -> tuple[float, str]:
        """Send a form. Seconds until the whole answer was there, and its text. Fails unless it is 200."""
        body = urlencode(data, doseq=True)
        form = {
            "Cookie": f"{self.headers['Cookie']}; {settings.CSRF_COOKIE_NAME}={CSRF}",
            "X-CSRFToken": CSRF,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        began = time.monotonic()
        self._connection.request("POST", path, body=body, headers=self.headers | form | headers)
        answer = self._connection.getresponse()
        text = answer.read()
        took = time.monotonic() - began
        if answer.status != 200:
            raise AssertionError(f"POST {path} answered {answer.status}")
        return took, text.decode()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Stream:
    """The person's live stream: when the ping about each offer came (monotonic seconds)."""

    def __init__(self, browser: Browser) -> None:
        self.ready = threading.Event()
        self.offers: dict[str, float] = {}
        self._news = threading.Condition()
        self._connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=30)
        self._connection.request("GET", "/live", headers=browser.headers | {"Accept": "text/event-stream"})
        self._answer = self._connection.getresponse()
        if self._answer.status != 200:
            raise AssertionError(f"the live stream answered {self._answer.status}")
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        self.ready.wait(10)

    def wait_for(self, offer_id: str, *, seconds: float) -> float | None:
        """When the first ping about this offer came, or None when none came in time."""
        with self._news:
            self._news.wait_for(lambda: offer_id in self.offers, seconds)
            return self.offers.get(offer_id)

    def close(self) -> None:
        """Hang up."""
        # The reader holds the file open; shutting the socket down wakes it.
        if self._connection.sock is not None:
            self._connection.sock.close()
        self._answer.close()

    def _follow(self) -> None:
        event = ""
        try:
            for line in self._answer:
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    event = text.removeprefix("event: ")
                elif text.startswith("data: ") and event == "ready":
                    self.ready.set()
                elif text.startswith("data: ") and event == "offer":
                    self._note(json.loads(text.removeprefix("data: ")))
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            return  # hung up

    def _note(self, ping: dict[str, Any]) -> None:
        with self._news:
            self.offers.setdefault(ping.get("offer_id", ""), time.monotonic())
            self._news.notify_all()
