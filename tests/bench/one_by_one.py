"""The product's own listeners with a commit for each message, to compare with shared ones. Uses ``MLLP_PORT``."""

from __future__ import annotations

import asyncio
import signal

import django


async def serve() -> None:
    """Listen until SIGTERM."""
    from integrations.services.writer import GroupWriter, Listeners

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await Listeners(writer=GroupWriter(batch=1, gather_seconds=0)).run(stop)


if __name__ == "__main__":
    django.setup()
    asyncio.run(serve())
