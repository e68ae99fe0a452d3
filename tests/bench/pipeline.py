"""From the EHR's message to what a case manager sees, through the real listener, relay and worker."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from integrations.hl7v2.mllp_client import AsyncMllpClient, MllpClient
from tests.bench.house import House, build_house, listening
from tests.bench.machine import processor_seconds
from tests.bench.server import plain_connection
from tests.bench.table import Row, percentile, row
from tests.integrations.feeds import message
from tests.journeys.stack import running, wait_until

SAMPLES = 60
BACKGROUND_SECONDS = 0.2
POLL_SECONDS = 0.004
STAYS, LINKS, UPDATES, APPLY_SECONDS = 40, 10, 7, 25
START_SECONDS, PATIENCE_SECONDS = 120, 30


def rows() -> list[Row]:
    """Sent A16 to visible draft, the answer's time meanwhile, and how many messages are applied in a second."""
    house = build_house("pipeline", units=("4W", "4E", "5N"))
    with listening(house), running("mllp", "relay", "worker") as stack, _watch(house) as watch:
        stack.wait_for_mllp()
        # The first one also waits for the worker to have started.
        _draft(stack.mllp_port, watch, "warm", count=5, patience=START_SECONDS)
        with _other_traffic(stack.mllp_port):
            waits, answers = _draft(stack.mllp_port, watch, "V", count=SAMPLES)
        before = processor_seconds(stack)
        applied, count = _apply_many(stack.mllp_port, watch)
        worked = {name: spent - before[name] for name, spent in processor_seconds(stack).items()}
    return [
        row("pipeline: A16 to draft p50", 1000 * percentile(waits, 0.5), "ms"),
        row("pipeline: A16 to draft p95", 1000 * percentile(waits, 0.95), "ms", bar=500),
        row("pipeline: A16 to answer p95", 1000 * percentile(answers, 0.95), "ms"),
        row("pipeline: samples", len(waits), "A16"),
        # integration.md: ten times a million messages a day.
        row("pipeline: messages applied, mostly A08, 10 links", applied, "msg/s", bar=116, better="high"),
        *(row(f"pipeline: {name} per message", 1000 * spent / count, "CPU-ms") for name, spent in worked.items()),
    ]


class Watch:
    """Reads counts as the application's role, over a connection that costs the server little."""

    def __init__(self, house: House) -> None:
        self.raw = plain_connection()
        self.cursor = self.raw.cursor()
        self.cursor.execute(
            "SELECT set_config('role', 'cw_staff', false), set_config('app.tenant_id', %s, false)",
            [str(house.organization.pk)],
        )

    def count(self, statement: str, *values: Any) -> int:
        """The one number that ``statement`` gives."""
        self.cursor.execute(statement, values)
        return int(self.cursor.fetchone()[0])

    def drafts(self) -> int:
        """Drafted rides that the feed made."""
        return self.count("SELECT count(*) FROM requests_servicerequest WHERE status = 'draft' AND source = 'ehr'")

    def unapplied(self) -> int:
        """Messages that still wait for the worker."""
        return self.count("SELECT count(*) FROM integrations_inboundmessage WHERE state <> 'done'")


@contextmanager
def _watch(house: House) -> Iterator[Watch]:
    watch = Watch(house)
    try:
        yield watch
    finally:
        watch.raw.close()


def _draft(
    port: int, watch: Watch, prefix: str, *, count: int, patience: float = PATIENCE_SECONDS
) -> tuple[list[float], list[float]]:
    """Seconds from sending each A16 to its draft, and to its answer; one stay after the other.

    Ends early with a wait of ``patience`` when a draft does not come.
    """
    dice = random.Random(prefix)
    waits, answers = [], []
    with MllpClient("127.0.0.1", port) as client:
        client.connect()
        for number in range(count):
            raw = message(
                "A16", "20260307061500", visit=f"{prefix}{number}", mrn=f"{prefix}{number}", unit="4W",
                room=str(400 + number), expected="20260307111500",
            )  # fmt: skip
            known = watch.drafts()
            began = time.monotonic()
            client.send(raw)
            answers.append(time.monotonic() - began)
            while watch.drafts() <= known and time.monotonic() - began < patience:
                time.sleep(POLL_SECONDS)
            waits.append(time.monotonic() - began)
            if waits[-1] >= patience:
                # Counted as it is; those after it would only measure the same queue again.
                break
            # Not in step with any poll of the relay.
            time.sleep(dice.uniform(0.05, 0.25))
    return waits, answers


@contextmanager
def _other_traffic(port: int) -> Iterator[None]:
    """A08 of other patients every fifth of a second: what a mid-sized hospital sends."""
    stop = threading.Event()

    def send() -> None:
        with MllpClient("127.0.0.1", port) as client:
            number = 0
            while not stop.wait(BACKGROUND_SECONDS):
                number += 1
                visit = f"other{number % 25}"
                client.send(message("A08", "20260307061500", visit=visit, mrn=visit, unit="4E", control=f"O{number}"))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _apply_many(port: int, watch: Watch) -> tuple[float, int]:
    """(messages per second, messages) from the first sent until the last applied; each stay: A01, A08s, A16.

    Ends after ``APPLY_SECONDS`` with what is applied by then.
    """
    wait_until(lambda: watch.unapplied() == 0, PATIENCE_SECONDS, "the end of the messages before")
    began = time.monotonic()
    sent = asyncio.run(_send_stays(port))
    while (left := watch.unapplied()) and time.monotonic() - began < APPLY_SECONDS:
        time.sleep(0.05)
    return (sent - left) / (time.monotonic() - began), sent - left


async def _send_stays(port: int) -> int:
    sent = 0

    async def link(number: int) -> None:
        nonlocal sent
        async with AsyncMllpClient("127.0.0.1", port) as client:
            for stay in range(number, STAYS, LINKS):
                who: dict[str, Any] = {"visit": f"S{stay}", "mrn": f"S{stay}", "unit": "5N", "room": str(500 + stay)}
                steps = [message("A01", "20260307061000", **who)]
                for step in range(UPDATES):
                    # Each says something new, as the updates that are worth sending do.
                    phone = f"|^PRN^PH^^1^608^555{stay:02d}{step:02d}"
                    steps.append(message("A08", f"2026030706{11 + step}00", pid_tail=phone, **who))
                steps.append(message("A16", "20260307063000", expected="20260307111500", **who))
                for raw in steps:
                    await client.send(raw)
                    sent += 1

    await asyncio.gather(*(link(number) for number in range(LINKS)))
    return sent
