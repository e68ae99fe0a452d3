"""``manage.py simulate_ehr``: a hospital's EHR, for demonstrations and trials."""

from __future__ import annotations

import datetime as dt
import json
import random
import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.hl7v2.mllp_client import MllpClient, MllpError
from integrations.simulator.hospital import Hospital, Site

DEFAULT_UNITS = [{"code": code, "beds": [[str(400 + number), "1"] for number in range(1, 13)]} for code in ("4W", "4E")]
RETRY_SECONDS = 5


class Command(BaseCommand):
    """Speaks real MLLP to the feeds' ports and touches no table of the product."""

    help = "Simulate an EHR over MLLP: admissions, transfers, updates, planned discharges, discharges, cancels."
    # Checks would load every page; `make check` and the web process look at those.
    requires_system_checks: Any = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Options."""
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--live", action="store_true", help="go on until stopped")
        how.add_argument("--once", type=int, metavar="N", help="send N messages and end")
        parser.add_argument("--port", type=int, help="one feed on this port instead of the demo's")
        parser.add_argument("--rate", type=float, default=6, help="messages per minute and feed (default 6)")
        parser.add_argument("--seed", type=int, help="makes the story repeatable")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if options["rate"] <= 0:
            raise CommandError("--rate must be more than 0")
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: stop.set())
        started = dt.datetime.now(dt.UTC)
        hospitals = [
            Hospital(site, random.Random(options["seed"]), f"{started:%y%m%d%H%M%S}{number}")
            for number, site in enumerate(sites(options["port"]))
        ]
        memory = settings.RUN_DIR / "ehr-simulator.json"
        if options["live"]:
            _recall(hospitals, memory)
        clients = [MllpClient(one.site.host, one.site.port, timeout=20) for one in hospitals]
        limit = options["once"]
        pause = 0.0 if limit else 60 / options["rate"] / max(1, len(hospitals))
        sent = 0
        self.stdout.write(f"Simulating {len(hospitals)} hospital{'' if len(hospitals) == 1 else 's'}")
        self.stdout.flush()
        try:
            while not stop.is_set() and (limit is None or sent < limit):
                number = sent % len(hospitals)
                if self._send(hospitals[number], clients[number], stop):
                    sent += 1
                    if options["live"]:
                        _remember(hospitals, memory)
                elif limit is not None:
                    raise CommandError(f"No answer on port {hospitals[number].site.port}. Is run_mllp running?")
                stop.wait(pause)
        finally:
            for client in clients:
                client.close()
        self.stdout.write(f"Sent {sent} messages")

    def _send(self, hospital: Hospital, client: MllpClient, stop: threading.Event) -> bool:
        """One message; False when nobody answered (the state is then as before, and it is told again)."""
        if not hospital.site.beds:
            return True
        step = hospital.next_step(dt.datetime.now(dt.UTC).replace(microsecond=0))
        raw = step if isinstance(step, bytes) else step.raw
        try:
            answer = client.send(raw)
        except MllpError:
            stop.wait(RETRY_SECONDS)
            return False
        if b"|AA" in answer or b"|CA" in answer:
            hospital.settle(step)
        return True


def sites(port: int | None) -> list[Site]:
    """The feeds of the demo's file; one with two wards where there is none, or for an explicit ``port``."""
    path = settings.RUN_DIR / "demo-ehr.json"
    if port is None and path.exists():
        body = json.loads(path.read_text())
        return [Site.read(body.get("host", settings.MLLP_HOST), feed) for feed in body["feeds"]]
    feed = {"port": port or settings.MLLP_PORT, "facility": "HOSP", "zone": "America/Chicago", "units": DEFAULT_UNITS}
    return [Site.read(settings.MLLP_HOST, feed)]


def _remember(hospitals: list[Hospital], path: Path) -> None:
    state = {str(one.site.port): one.dump() for one in hospitals}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(state))
    fresh.replace(path)


def _recall(hospitals: list[Hospital], path: Path) -> None:
    try:
        state = json.loads(path.read_text())
    except (OSError, ValueError):
        return
    for one in hospitals:
        one.load(state.get(str(one.site.port), {}))
