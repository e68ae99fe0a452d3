"""``manage.py run_mllp``: listen for the EHRs."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from integrations.services.writer import Listeners
from logistics.core import heap


class Command(BaseCommand):
    """One MLLP listener per active feed, until SIGTERM or Ctrl-C. Several copies may run side by side."""

    help = "Receive HL7 v2 messages: one MLLP port per active feed."
    # Checks would load every page; `make check` and the web process look at those.
    requires_system_checks: Any = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until told to stop."""
        heap.settle()
        asyncio.run(self._run())

    async def _run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        await Listeners(say=self._say).run(stop)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
