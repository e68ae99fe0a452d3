"""The way between two places: by road from a real server, estimated without one, and always said which."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dispatch.services import router
from dispatch.services.router import Estimate, RoadService
from dispatch.solver.problem import Stop

HERE, THERE = Stop(43.0731, -89.4012), Stop(42.9978, -89.5686)
AT, ZONE = dt.datetime(2026, 11, 24, 18, 0, tzinfo=dt.UTC), "America/Chicago"


class Roads:
    """A road server that answers what a test tells it, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.status, self.body, self.seconds = 200, b"{}", 0.0
        roads = self
        self.wake = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                roads.asked.append((self.path, self.rfile.read(length)))
                roads.wake.wait(roads.seconds)
                self.send_response(roads.status)
                self.send_header("Content-Length", str(len(roads.body)))
                self.end_headers()
                self.wfile.write(roads.body)

            do_GET = do_POST = _answer

            def log_message(self, *args: Any) -> None:
                """Tests print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def says(self, body: dict[str, Any], status: int = 200) -> None:
        self.body, self.status = json.dumps(body).encode(), status


@pytest.fixture
def roads() -> Iterator[Roads]:
    server = Roads()
    yield server
    server.wake.set()
    server.server.shutdown()
    server.server.server_close()


def test_without_a_server_the_way_is_estimated_and_says_so() -> None:
    way = Estimate().route(HERE, THERE, AT, ZONE)
    assert way.basis == "estimate"
    assert way.words == "estimated, no road data"
    assert Decimal(10) < way.miles < Decimal(16)


def test_an_osrm_server_is_asked_in_its_own_words(roads: Roads) -> None:
    roads.says({"code": "Ok", "routes": [{"distance": 16093.44, "duration": 1510.0}]})
    way = RoadService(roads.url).route(HERE, THERE, AT, ZONE)
    assert (way.miles, way.minutes, way.basis, way.words) == (Decimal("10.0"), 25, "roads", "by road")
    path, _ = roads.asked[0]
    assert path == "/route/v1/driving/-89.4012,43.0731;-89.5686,42.9978?overview=false"


def test_a_valhalla_server_is_asked_in_its_own_words(roads: Roads) -> None:
    roads.says({"trip": {"summary": {"length": 12.34, "time": 1500}}})
    way = RoadService(roads.url, "valhalla").route(HERE, THERE, AT, ZONE)
    assert (way.miles, way.minutes, way.basis) == (Decimal("12.3"), 25, "roads")
    path, body = roads.asked[0]
    assert path == "/route"
    assert json.loads(body)["locations"] == [{"lat": 43.0731, "lon": -89.4012}, {"lat": 42.9978, "lon": -89.5686}]


def test_the_same_way_is_asked_once(roads: Roads) -> None:
    roads.says({"routes": [{"distance": 1000, "duration": 60}]})
    service = RoadService(roads.url)
    assert service.route(HERE, THERE, AT, ZONE) == service.route(HERE, THERE, AT + dt.timedelta(hours=3), ZONE)
    assert len(roads.asked) == 1


def test_a_server_that_is_too_slow_is_replaced_by_the_estimate_and_left_alone(roads: Roads) -> None:
    roads.seconds = 5
    service = RoadService(roads.url, timeout=0.2)
    estimated = Estimate().route(HERE, THERE, AT, ZONE)
    for _ in range(3):
        way = service.route(HERE, THERE, AT, ZONE)
        assert (way.miles, way.minutes) == (estimated.miles, estimated.minutes)
        assert way.words == "estimated, the road service did not answer"
    assert len(roads.asked) == 1


def test_a_server_that_came_back_is_asked_again(roads: Roads, monkeypatch: pytest.MonkeyPatch) -> None:
    service = RoadService(roads.url)
    roads.says({}, status=503)
    assert service.route(HERE, THERE, AT, ZONE).basis == "silent"
    roads.says({"routes": [{"distance": 1000, "duration": 60}]})
    assert service.route(HERE, THERE, AT, ZONE).basis == "silent"
    now = router.time.monotonic()
    monkeypatch.setattr(router.time, "monotonic", lambda: now + router.PAUSE_SECONDS + 1)
    assert service.route(HERE, THERE, AT, ZONE).basis == "roads"


def test_a_place_without_a_road_does_not_silence_the_server(roads: Roads) -> None:
    service = RoadService(roads.url)
    roads.says({"code": "NoRoute"}, status=400)
    assert service.route(HERE, THERE, AT, ZONE).basis == "silent"
    roads.says({"routes": [{"distance": 1000, "duration": 60}]})
    assert service.route(THERE, HERE, AT, ZONE).basis == "roads"


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[]", b'{"routes": []}', b'{"routes": [{"distance": -5, "duration": 1}]}']
)
def test_an_answer_that_cannot_be_read_is_no_answer(roads: Roads, body: bytes) -> None:
    roads.body = body
    assert RoadService(roads.url).route(HERE, THERE, AT, ZONE).basis == "silent"


def test_nobody_listening_is_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    way = RoadService("http://127.0.0.1:9", timeout=0.5).route(HERE, THERE, AT, ZONE)
    assert way.basis == "silent"
    # Where patients live is not written down.
    assert "43.07" not in caplog.text
    assert "89.4" not in caplog.text


@pytest.mark.parametrize(("url", "kind"), [("file:///etc/passwd", "osrm"), ("http://127.0.0.1", "google")])
def test_what_is_no_road_service_stops_at_once(url: str, kind: str) -> None:
    with pytest.raises(ValueError, match="CARRYWELL_ROUTER"):
        RoadService(url, kind)


def test_the_settings_choose_the_router(roads: Roads, settings: Any) -> None:
    roads.says({"routes": [{"distance": 1609.344, "duration": 120}]})
    settings.ROUTER_URL = roads.url
    assert router.route(HERE, THERE, AT, ZONE) == router.Way(Decimal("1.0"), 2, "roads")
    settings.ROUTER_URL = ""
    assert router.route(HERE, THERE, AT, ZONE).basis == "estimate"
