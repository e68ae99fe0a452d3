"""The outbox relay as a process."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from logistics.core import heap, relay
from logistics.core.tasks import send_delivery


class Command(BaseCommand):
    """Relay events until SIGTERM or Ctrl-C."""

    help = "Move committed events to Celery and to live pages."
    # Checks would load every page; `make check` and the web process look at those.
    requires_system_checks: Any = []

    def add_arguments(self, parser: Any) -> None:
        """Options."""
        parser.add_argument("--poll-seconds", type=float, default=1.0)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        heap.settle()
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        self.stdout.write("relay is running")
        self.stdout.flush()
        relay.run(send_delivery, stop=stop.is_set, poll_seconds=options["poll_seconds"])
