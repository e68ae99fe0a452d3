"""Messages per second over real sockets, each committed to disk before it is answered.

One listener process as in production, stop-and-wait senders on the same processors. What the machine can do at most
is measured in the same rounds: a bare committed INSERT of the same size, and an MLLP echo without a database.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from statistics import median
from typing import Any

from integrations.models import InboundMessage
from tests.bench.house import build_house, listening
from tests.bench.server import plain_connection
from tests.bench.table import Row, percentile, row
from tests.journeys.stack import ROOT, Stack, connects, end, free_port, running, wait_until
from tests.owner import owner_cursor
from tests.support import act_as

CONNECTIONS = (1, 8, 64)
ROUNDS = 3
SECONDS = {"stored": 2.0, "single": 1.5, "echo": 0.8, "insert": 0.8}
MARK = b"########"
MESSAGE = (
    b"MSH|^~\\&|EHR|HOSP|CARRYWELL|CARRYWELL|20260307061500||ADT^A08^ADT_A01|B########|P|2.5.1\r"
    b"EVN|A08|20260307061500||||20260307061400\r"
    b"PID|1||M########^^^HOSP^MR||Okafor^Ada^Ruth^^^^L||19470312|F||2106-3"
    b"|77 Cistern Lane^Apt 3C^Madison^WI^53703^USA^H||^PRN^PH^^1^608^5550142"
    b"|^WPN^PH^^1^608^5550188|eng|||V########^^^HOSP^AN\r"
    b"PD1|||Lakeshore Family Practice^^2201|20451^Abernathy^Quill^^^^MD\r"
    b"NK1|1|Okafor^Samuel|SPO|77 Cistern Lane^Apt 3C^Madison^WI^53703^USA^H|^PRN^PH^^1^608^5550143\r"
    b"PV1|1|I|4W^401^1^HOSP||||20451^Abernathy^Quill^^^^MD|||MED|||||A2||||V########^^^HOSP^VN"
    b"|||||||||||||||||||||||||20260306201500\r"
    b"OBX|1|NM|29463-7^Body weight^LN||82.5|kg|||||F|||20260307055800\r"
    b"IN1|1|HMO7^Harbor Plan|7731|Harbor Health|PO Box 11^^Madison^WI^53701|||G100|||||||HMO|Okafor^Ada|SEL|19470312\r"
)
_numbers = count(1)


def rows() -> list[Row]:
    """Rates at 1, 8 and 64 connections with their ratios, WAL flushes per message, and that nothing is missing."""
    house = build_house("mllp")
    _make_bare_table()
    rate: dict[tuple[str, int], list[float]] = defaultdict(list)
    waits: dict[int, list[float]] = defaultdict(list)
    acked = 0
    with listening(house), running("mllp") as stack:
        with _echo() as echo, _one_by_one(stack) as single:
            stack.wait_for_mllp()
            for _ in range(ROUNDS):
                for connections in CONNECTIONS:
                    rate["insert", connections].append(_insert(SECONDS["insert"]))
                    for kind, port in (("stored", stack.mllp_port), ("single", single), ("echo", echo)):
                        took = asyncio.run(_drive(port, connections, SECONDS[kind]))
                        rate[kind, connections].append(len(took) / SECONDS[kind])
                        if kind == "stored":
                            waits[connections] += took
                        acked += len(took) if kind != "echo" else 0
        flushed = {}
        for connections in (1, 64):
            flushed[connections], sent = _flushes_per_message(stack, connections)
            acked += sent
    with act_as(house.scope):
        stored = InboundMessage.objects.count()
    return [
        *_rates(rate, waits),
        *_flushes(flushed),
        row("mllp: answered but not stored", acked - stored, "msg", bar=0),
    ]


def _rates(rate: dict[tuple[str, int], list[float]], waits: dict[int, list[float]]) -> Iterator[Row]:
    def ratio(one: str, other: str, connections: int) -> float:
        return median(a / b for a, b in zip(rate[one, connections], rate[other, connections], strict=True))

    inserts = [value for connections in CONNECTIONS for value in rate["insert", connections]]
    yield row("mllp: message size", len(MESSAGE), "B")
    yield row("mllp: bare INSERT and commit, 1 connection", median(inserts), "rows/s")
    for connections in CONNECTIONS:
        name = f"mllp: {connections} connection{'s' if connections > 1 else ''}"
        yield row(f"{name}, stored before the answer", median(rate["stored", connections]), "msg/s")
        yield row(f"{name}, answer p95", 1000 * percentile(waits[connections], 0.95), "ms")
        # integration.md: one stop-and-wait link within 1.5 times the wait of a bare committed INSERT.
        bar = {"bar": 0.67, "better": "high"} if connections == 1 else {}
        yield row(f"{name}, against the bare INSERT", ratio("stored", "insert", connections), "x", **bar)
        bar = {8: 0.95, 64: 1.8}.get(connections)
        yield row(
            f"{name}, against a commit for each", ratio("stored", "single", connections), "x", bar=bar, better="high"
        )
        yield row(f"{name}, echo without database", median(rate["echo", connections]), "msg/s")
        bar = 0.25 if connections == 64 else None
        yield row(f"{name}, against the echo", ratio("stored", "echo", connections), "x", bar=bar, better="high")


def _flushes(flushed: dict[int, float]) -> Iterator[Row]:
    for connections, value in flushed.items():
        # One link cannot share a flush: more than 1/0.95 of one would be waste.
        bar = 1.05 if connections == 1 else None
        name = f"mllp: {connections} connection{'s' if connections > 1 else ''}"
        yield row(f"{name}, WAL flushes per stored message", value, "x", bar=bar)


def next_message() -> bytes:
    """A message that was never sent before, of a stay of its own."""
    return MESSAGE.replace(MARK, b"%08d" % next(_numbers))


async def _drive(port: int, connections: int, seconds: float) -> list[float]:
    """Send over so many links, each waiting for its answer and sending once at least. Seconds of each answer."""
    took: list[float] = []
    links = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(connections)))
    ends = time.monotonic() + seconds

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            began = time.monotonic()
            writer.write(b"\x0b%b\x1c\r" % next_message())
            answer = await reader.readuntil(b"\x1c\r")
            if b"|AA|" not in answer:
                raise AssertionError("a message was not accepted")
            took.append(time.monotonic() - began)
            if time.monotonic() >= ends:
                return

    await asyncio.gather(*(send(*link) for link in links))
    for _, writer in links:
        writer.close()
    return took


def _make_bare_table() -> None:
    with owner_cursor(commit=True) as cursor:
        cursor.execute("CREATE TABLE bench_bare (id bigserial PRIMARY KEY, body bytea NOT NULL)")
        cursor.execute("GRANT INSERT ON bench_bare TO cw_app; GRANT USAGE ON SEQUENCE bench_bare_id_seq TO cw_app")


def _insert(seconds: float) -> float:
    """Committed rows per second, one row and one round trip each."""
    raw = plain_connection()
    done = 0
    try:
        with raw.cursor() as cursor:
            began = time.monotonic()
            while time.monotonic() - began < seconds:
                cursor.execute("INSERT INTO bench_bare (body) VALUES (%s)", [next_message()])
                done += 1
            return done / (time.monotonic() - began)
    finally:
        raw.close()


def _flushes_per_message(stack: Stack, connections: int) -> tuple[float, int]:
    """WAL flushes per stored message of a listener of its own, and how many messages were sent.

    A server process publishes what it counted now and then, and surely when its session ends: so the listener is
    ended before each reading.
    """
    stack.stop("mllp")
    before = _wal_flushes()
    stack.start("mllp")
    stack.wait_for_mllp()
    sent = len(asyncio.run(_drive(stack.mllp_port, connections, SECONDS["stored"])))
    stack.stop("mllp")
    return (_wal_flushes() - before) / sent, sent


def _wal_flushes() -> int:
    """How often the server flushed its log, all processes together (PostgreSQL 18 moved the figure)."""
    time.sleep(0.5)  # sessions that were just closed are still ending
    raw = plain_connection()
    try:
        with raw.cursor() as cursor:
            if raw.server_version >= 180000:
                cursor.execute(
                    "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal' AND backend_type = 'client backend'"
                )
            else:
                cursor.execute("SELECT wal_sync FROM pg_stat_wal")
            return int(cursor.fetchone()[0])
    finally:
        raw.close()


@contextmanager
def _echo() -> Iterator[int]:
    port = free_port()
    with _process([sys.executable, "-m", "tests.bench.echo", str(port)], None, port):
        yield port


@contextmanager
def _one_by_one(stack: Stack) -> Iterator[int]:
    port = free_port()
    env = {**stack.env, "MLLP_PORT": str(port), "DJANGO_SETTINGS_MODULE": "logistics.config.settings.test"}
    with _process([sys.executable, "-m", "tests.bench.one_by_one"], env, port):
        yield port


@contextmanager
def _process(command: list[str], env: Any, port: int) -> Iterator[None]:
    child = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
    try:
        wait_until(lambda: connects(port), 30, command[2])
        yield
    finally:
        end(child)
