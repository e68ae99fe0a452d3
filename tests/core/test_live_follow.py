"""Live pages over a real socket: uvicorn, the stream, the relay and Redis."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from django.contrib.sessions.models import Session
from django.db import connection, transaction

from logistics.accounts.models import Membership
from logistics.accounts.services import people
from logistics.core import live, outbox, relay, views
from tests.cast import Cast, build_cast
from tests.journeys.stack import free_port, wait_until
from tests.support import act_as, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


class Follower:
    """A browser's EventSource, on a thread. ``events`` holds (name, id, data) as they arrive."""

    def __init__(self, port: int, membership: Membership, last_event_id: str = "") -> None:
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.ended = threading.Event()
        cookie = signed_in(membership).cookies["carrywell_session"].value
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"Cookie": f"carrywell_session={cookie}", "Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        self._connection.request("GET", "/live", headers=headers)
        self.response = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        wait_until(lambda: self.named("ready"), 10, "the stream's first event")

    def named(self, name: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Events of one name so far."""
        return [event for event in self.events if event[0] == name]

    def close(self) -> None:
        """Close the window."""
        if self._connection.sock is not None:
            self._connection.sock.close()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for raw in self.response:
                line = raw.decode().rstrip("\n")
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields:
                    self.events.append((fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"])))
                    fields = {}
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            self.ended.set()


@pytest.fixture
def cast_committed() -> Cast:
    """The cast, visible to the server's own connections."""
    with transaction.atomic():
        return build_cast()


@pytest.fixture
def port(cast_committed: Cast) -> Iterator[int]:
    """A running server."""
    from logistics.config.asgi import application

    live.client().delete(*[live.stream_name(o.pk) for o in (cast_committed.lakeshore, cast_committed.prairie)])
    number = free_port()
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=number, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, 20, "the server")
    yield number
    server.should_exit = server.force_exit = True
    thread.join(10)
    with connection.cursor() as cursor:  # the server's threads keep theirs, and the test database must go
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = current_user AND pid <> pg_backend_pid()"
        )


def publish(cast: Cast, topic: str, **payload: Any) -> None:
    """Commit one event of Lakeshore and relay it."""
    with act_as(cast.staff()):
        outbox.publish(topic, payload)
    relay.relay_once(lambda delivery_id, topic: None)


def test_a_ping_arrives_within_two_seconds_of_the_commit_and_names_ids_only(port: int, cast_committed: Cast) -> None:
    follower = Follower(port, cast_committed.people["case_manager@lakeshore"])
    stop = threading.Event()
    thread = threading.Thread(
        target=relay.run, args=(lambda delivery_id, topic: None,), kwargs={"stop": stop.is_set, "poll_seconds": 0.5}
    )
    thread.start()
    try:
        with act_as(cast_committed.staff()):
            outbox.publish("trip.accepted", {"trip_id": "t-1", "old": "offering", "secret": "stays on the server"})
        committed = time.monotonic()
        wait_until(lambda: follower.named("trip"), 2, "the ping")
        assert time.monotonic() - committed < 2
    finally:
        stop.set()
        thread.join(10)
        follower.close()
    name, _, data = follower.named("trip")[0]
    assert (name, data) == ("trip", {"topic": "trip.accepted", "trip_id": "t-1", "old": "offering"})
    assert [event[2] for event in follower.named("change")] == [data]


def test_a_browser_that_was_away_gets_what_it_missed_once_and_in_order(port: int, cast_committed: Cast) -> None:
    manager = cast_committed.people["case_manager@lakeshore"]
    follower = Follower(port, manager)
    publish(cast_committed, "leg.en_route", leg_id="1")
    wait_until(lambda: follower.named("leg"), 5, "the first ping")
    last = follower.named("leg")[0][1]
    follower.close()
    for number in ("2", "3", "4"):
        publish(cast_committed, "leg.en_route", leg_id=number)
    again = Follower(port, manager, last_event_id=last)
    wait_until(lambda: len(again.named("leg")) >= 3, 5, "the missed pings")
    assert [event[2]["leg_id"] for event in again.named("leg")] == ["2", "3", "4"]
    again.close()


def test_a_browser_that_is_new_gets_no_past(port: int, cast_committed: Cast) -> None:
    publish(cast_committed, "leg.en_route", leg_id="1")
    follower = Follower(port, cast_committed.people["case_manager@lakeshore"])
    publish(cast_committed, "leg.en_route", leg_id="2")
    wait_until(lambda: follower.named("leg"), 5, "the ping")
    assert [event[2]["leg_id"] for event in follower.named("leg")] == ["2"]
    follower.close()


def test_another_organizations_event_never_arrives(port: int, cast_committed: Cast) -> None:
    ours = Follower(port, cast_committed.people["case_manager@lakeshore"])
    theirs = Follower(port, cast_committed.people["case_manager@prairie"])
    vendor = Follower(port, cast_committed.people["vendor_dispatcher@tamarack"])
    publish(cast_committed, "trip.opened", trip_id="secret-to-lakeshore")
    wait_until(lambda: ours.named("trip"), 5, "our own ping")
    time.sleep(0.3)
    assert not theirs.named("change")
    assert not vendor.named("change")
    for follower in (ours, theirs, vendor):
        follower.close()


def test_a_stream_without_sign_in_or_permission_does_not_open(port: int, cast_committed: Cast) -> None:
    for cookie, status in (("", 401), (signed_in(cast_committed.people["analyst@lakeshore"]), 403)):
        browser = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        value = cookie.cookies["carrywell_session"].value if cookie else "x"
        browser.request("GET", "/live", headers={"Cookie": f"carrywell_session={value}"})
        assert browser.getresponse().status == status
        browser.close()


def test_an_ended_role_ends_its_stream_at_once(port: int, cast_committed: Cast) -> None:
    manager = cast_committed.people["case_manager@lakeshore"]
    follower = Follower(port, manager)
    other = Follower(port, cast_committed.people["biller@lakeshore"])
    with act_as(cast_committed.staff()):
        people.end(membership=manager)
    relay.relay_once(lambda delivery_id, topic: None)
    assert follower.ended.wait(5)
    assert not follower.named("change")
    wait_until(lambda: other.named("membership"), 5, "the colleague's ping")
    assert not other.ended.is_set()
    other.close()


@pytest.mark.parametrize("how", ["disabled", "signed_out"])
def test_a_disabled_person_and_a_signed_out_browser_lose_the_stream_soon(
    port: int, cast_committed: Cast, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(views, "RECHECK_SECONDS", 0.5)
    manager = cast_committed.people["case_manager@lakeshore"]
    follower = Follower(port, manager)
    assert not follower.ended.wait(1.2)
    if how == "disabled":
        manager.user.is_active = False
        manager.user.save(update_fields=["is_active"])
    else:
        Session.objects.all().delete()
    assert follower.ended.wait(5)


def test_a_quiet_stream_beats_longer_than_any_socket_waits(
    port: int, cast_committed: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "HEARTBEAT_SECONDS", 6)
    follower = Follower(port, cast_committed.people["case_manager@lakeshore"])
    wait_until(lambda: follower.named("beat"), 10, "the heartbeat")
    assert not follower.ended.is_set()
    follower.close()
