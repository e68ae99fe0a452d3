"""The receive path under load: listeners share few database threads, and commits are shared when they queue.

A lone message is committed at once. While a commit is under way, messages gather, and the next one stores them
in one transaction per health system; only a commit that is slow is passed by another thread. Each connection
waits for its own answer, so its order holds, and no sender can outrun the database.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from integrations.hl7v2.mllp import Junk, Limits, MllpServer, Peer
from integrations.models import Feed
from integrations.selectors.feeds import feeds_listening
from integrations.services import inbound
from integrations.services.inbound import Prepared
from logistics.core import scoping

logger = logging.getLogger(__name__)

THREADS = 3
BATCH = 128
GATHER_SECONDS = 0.05
"""How long a commit under way is waited for. Side by side they would only share one interpreter, and each would
pay anew for what a transaction costs whatever its size; a stuck one must not hold up the other feeds."""
SMALLEST_JUNK = 1024
"""Fewer bytes outside of any message are counted, not kept: port scans and health checks."""

Store = Callable[[Sequence[Prepared]], list[bytes | None]]


class GroupWriter:
    """Stores prepared messages from many connections with few transactions."""

    def __init__(
        self,
        *,
        threads: int = THREADS,
        batch: int = BATCH,
        gather_seconds: float = GATHER_SECONDS,
        store: Store = inbound.store,
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="inbound")
        self._threads = self._free = threads
        self._batch = batch
        self._gather = gather_seconds
        self._passing: asyncio.TimerHandle | None = None
        self._store = store
        self._waiting: deque[tuple[Prepared, asyncio.Future[bytes | None]]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self.stored = 0
        self.commits = 0

    async def put(self, one: Prepared) -> bytes | None:
        """Store one message; its answer. Raises what the database raises: then nothing may be answered."""
        future: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, future))
        if self._free == self._threads or not self._gather:
            self._start()
        elif self._passing is None:
            self._passing = asyncio.get_running_loop().call_later(self._gather, self._pass_by)
        return await future

    async def call(self, work: Callable[[], Any]) -> Any:
        """Run other database work in the same threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _with_connection, work)

    async def close(self) -> None:
        """Wait for what runs, then end the threads."""
        while self._running:
            await asyncio.wait(set(self._running))
        if self._passing is not None:
            self._passing.cancel()
        await asyncio.to_thread(self._end_threads)

    def _end_threads(self) -> None:
        # Each thread closes its own connection: they wait for each other, so that none does it twice.
        together = threading.Barrier(self._threads)

        def close(_: int) -> None:
            together.wait(timeout=30)
            connection.close()

        list(self._pool.map(close, range(self._threads)))
        self._pool.shutdown(wait=True)

    def _pass_by(self) -> None:
        """What runs is slow (or another one since then): whoever still waits does not wait for it."""
        self._passing = None
        self._start()

    def _start(self) -> None:
        while self._free and self._waiting:
            items = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._run(items))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, items: list[tuple[Prepared, asyncio.Future[bytes | None]]]) -> None:
        try:
            results = await asyncio.get_running_loop().run_in_executor(
                self._pool, self._store_all, [one for one, _ in items]
            )
        except Exception as error:
            results = [error] * len(items)
        finally:
            self._free += 1
        for (_, future), result in zip(items, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._start()

    def _store_all(self, batch: list[Prepared]) -> list[bytes | None | Exception]:
        try:
            answers: list[bytes | None | Exception] = list(_with_connection(lambda: self._store(batch)))
        except Exception as error:
            if len(batch) == 1:
                return [error]
            # One message that the database refuses must not keep its neighbors from being stored.
            return [self._store_all([one])[0] for one in batch]
        self.stored += len(batch)
        self.commits += 1
        return answers


def _with_connection(work: Callable[[], Any]) -> Any:
    """Run ``work`` on this thread's connection, thrown away after an error so that the next one is fresh."""
    try:
        return work()
    except Exception:
        connection.close()
        raise


class Listeners:
    """One MLLP listener per active feed, kept in step with the table of feeds."""

    def __init__(
        self,
        *,
        host: str | None = None,
        base_port: int | None = None,
        limits: Limits | None = None,
        say: Callable[[str], None] = logger.info,
        writer: GroupWriter | None = None,
    ) -> None:
        self._host = host or settings.MLLP_HOST
        self._base = settings.MLLP_PORT if base_port is None else base_port
        self._limits = limits
        self._say = say
        self.writer = writer or GroupWriter()
        self._feeds: dict[int, Feed] = {}
        self.servers: dict[int, MllpServer] = {}

    async def refresh(self) -> None:
        """Start, change and stop listeners as the feeds now say. A port that is taken is tried again next time."""
        feeds = {feed.port_offset: feed for feed in await self.writer.call(_feeds)}
        for offset in set(self.servers) - set(feeds):
            self._say(f"Feed {self._feeds[offset].name} is switched off; port {self._base + offset} is closed.")
            await self.servers.pop(offset).stop()
        self._feeds = feeds
        for offset, feed in feeds.items():
            if offset not in self.servers:
                await self._listen(offset, feed)

    async def run(self, stop: asyncio.Event, *, every_seconds: float = 3) -> None:
        """Listen until ``stop`` is set, then answer what is under way and end."""
        try:
            while not stop.is_set():
                try:
                    await self.refresh()
                except Exception as error:
                    # The database may be away for a moment; open listeners go on and refuse to answer.
                    logger.error("feeds could not be read", extra={"error": type(error).__name__})
                try:
                    await asyncio.wait_for(stop.wait(), every_seconds)
                except TimeoutError:
                    continue
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Close every listener; messages under way are answered first."""
        await asyncio.gather(*(server.stop() for server in self.servers.values()))
        self.servers.clear()
        await self.writer.close()

    async def _listen(self, offset: int, feed: Feed) -> None:
        async def handle(peer: Peer, raw: bytes) -> bytes | None:
            return await self.writer.put(inbound.prepare(self._feeds[offset], raw, address=peer.address))

        async def on_junk(peer: Peer, junk: Junk) -> None:
            if junk.reason != "between_frames" or junk.size >= SMALLEST_JUNK:
                known = self._feeds[offset]
                await self.writer.put(inbound.prepare_junk(known, junk.data, junk.reason, address=peer.address))

        server = MllpServer(
            handle, host=self._host, port=self._base + offset, limits=self._limits, on_junk=on_junk, reuse_port=True
        )
        try:
            await server.start()
        except OSError as error:
            logger.error("port of a feed is taken", extra={"port": self._base + offset, "error": type(error).__name__})
            return
        self.servers[offset] = server
        self._say(f"Listening for {feed.name} on {self._host}:{server.port}")


def _feeds() -> list[Feed]:
    with transaction.atomic(), scoping.enter(scoping.Scope.system(actor_label="mllp")):
        return feeds_listening()
