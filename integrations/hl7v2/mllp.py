"""The MLLP listener: keeps many senders connected, hands each message on, and answers in order.

What happens with a message is the handler's business; here nothing is parsed, stored or logged but sizes and
reasons. The framing itself is in `framing` and is offered here too.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from .framing import DEFAULT_FRAME_LIMIT, Frame, Framer, Junk, frame

__all__ = ["Frame", "Framer", "Handler", "Junk", "Limits", "MllpServer", "OnJunk", "Peer", "frame"]

logger = logging.getLogger(__name__)

_READ_SIZE = 65536


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end.

    connection: a number unique within this server's life. certificate: the verified client certificate as
    `ssl.SSLSocket.getpeercert` gives it, None without mutual TLS. local_port: the port that was called.
    """

    connection: int
    address: str
    port: int
    local_port: int
    certificate: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server and one connection may take. Seconds are of wall clock.

    idle_seconds is long because links between hospitals stay open over quiet nights; frame_seconds runs from
    the first byte of a message to its last, so that a slow sender cannot hold a connection by trickling.
    """

    connections: int = 256
    frame_bytes: int = DEFAULT_FRAME_LIMIT
    frame_seconds: float = 60
    idle_seconds: float = 24 * 3600
    junk_bytes: int = 65536
    junk_seconds: float = 10
    write_seconds: float = 30


Handler = Callable[[Peer, bytes], Awaitable[bytes | None]]
"""Takes one message and returns the answer without framing, or None to close the connection unanswered."""

OnJunk = Callable[[Peer, Junk], Awaitable[None]]
"""Takes bytes that were no message."""


@dataclass(slots=True, eq=False)
class _Connection:
    peer: Peer
    task: asyncio.Task[None]
    is_busy: bool = False


class MllpServer:
    """An MLLP listener for persistent connections.

    handler: called for one message at a time per connection, in the order of arrival, side by side across
    connections. While it runs, nothing more is read from that connection, so a sender cannot outrun it. Its
    answer is sent back; None, or an exception, closes the connection without an answer, and the sender will
    try again.
    on_junk: called for bytes that are no message, before the connection goes on or is closed.
    ssl_context: serves TLS; with `verify_mode = CERT_REQUIRED`, `Peer.certificate` is set.
    reuse_port: lets several listeners, also of other processes, share the port.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int,
        limits: Limits | None = None,
        ssl_context: ssl.SSLContext | None = None,
        on_junk: OnJunk | None = None,
        reuse_port: bool = False,
    ) -> None:
        self.limits = limits or Limits()
        self._handler = handler
        self._host = host
        self._port = port
        self._ssl = ssl_context
        self._on_junk = on_junk
        self._reuse_port = reuse_port
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._numbers = count(1)
        self._is_stopping = False

    @property
    def port(self) -> int:
        """The port that is listened on; useful after asking for port 0."""
        if self._server is None or not self._server.sockets:
            return self._port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def open_connections(self) -> int:
        """How many senders are connected now."""
        return len(self._connections)

    async def start(self) -> None:
        """Begin to listen. Raises OSError when the address cannot be had."""
        self._is_stopping = False
        self._server = await asyncio.start_server(
            self._accept,
            self._host,
            self._port,
            ssl=self._ssl,
            limit=_READ_SIZE,
            backlog=512,
            reuse_port=self._reuse_port or None,
        )

    async def serve_forever(self) -> None:
        """Listen until cancelled, then stop gracefully."""
        if self._server is None:
            await self.start()
        try:
            await asyncio.Event().wait()
        finally:
            await self.stop()

    async def stop(self, grace_seconds: float = 10) -> None:
        """Take no new connections or messages; let running handlers answer for `grace_seconds`, then close
        all.

        A message that was received but not yet handed on stays unanswered, and its sender will send it again.
        """
        self._is_stopping = True
        if self._server is not None:
            self._server.close()
        tasks = {connection.task for connection in self._connections}
        for connection in self._connections:
            if not connection.is_busy:
                connection.task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=5)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:  # asyncio runs this in a task of its own
            raise RuntimeError("connections are served inside a task")
        if self._is_stopping or len(self._connections) >= self.limits.connections:
            logger.warning("mllp connection refused: %d are open", len(self._connections))
            writer.transport.abort()
            return
        connection = _Connection(self._peer(writer), task)
        self._connections.add(connection)
        try:
            await self._serve(connection, reader, writer)
        except asyncio.CancelledError:
            # Only `stop` cancels; the connection's end is the end of its task, and nobody waits for the
            # error.
            if not self._is_stopping:
                raise
        except (ConnectionError, TimeoutError, ssl.SSLError) as error:
            logger.info("mllp connection %d lost: %s", connection.peer.connection, type(error).__name__)
        finally:
            self._connections.discard(connection)
            writer.transport.abort() if writer.is_closing() else writer.close()

    def _peer(self, writer: asyncio.StreamWriter) -> Peer:
        sock = writer.get_extra_info("socket")
        if sock is not None:
            # Finds senders that vanished without closing, long before idle_seconds does.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # Answers are small and awaited one by one; Nagle's delay would be paid on each.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = writer.get_extra_info("peername") or ("", 0)
        local = writer.get_extra_info("sockname") or ("", 0)
        certificate = writer.get_extra_info("peercert") or None
        return Peer(next(self._numbers), address[0], address[1], local[1], certificate)

    async def _serve(self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer(self.limits.frame_bytes)
        try:
            await self._converse(connection, framer, reader, writer)
        finally:
            for junk in framer.close():
                await self._report(connection.peer, junk)

    async def _converse(
        self,
        connection: _Connection,
        framer: Framer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()  # when the piece that is under way began
        while not self._is_stopping:
            was_idle = framer.is_idle
            data = await self._read(reader, framer, began)
            if not data:
                return
            if was_idle:
                began = clock()
            found = framer.feed(data)
            for one in found:
                if self._is_stopping or not await self._deal_with(connection, one, writer):
                    return
            if found:
                # The next piece was not read while this one was handled, which is not its sender's doing.
                began = clock()
            if framer.outside_size > self.limits.junk_bytes:
                return

    async def _read(self, reader: asyncio.StreamReader, framer: Framer, began: float) -> bytes:
        """The next bytes; none at the end of the stream or when the sender took too long."""
        loop = asyncio.get_running_loop()
        if framer.is_idle:
            deadline = loop.time() + self.limits.idle_seconds
        elif framer.outside_size:
            deadline = began + self.limits.junk_seconds
        else:
            deadline = began + self.limits.frame_seconds
        try:
            async with asyncio.timeout_at(deadline):
                return await reader.read(_READ_SIZE)
        except TimeoutError:
            return b""

    async def _deal_with(self, connection: _Connection, one: Frame | Junk, writer: asyncio.StreamWriter) -> bool:
        """Hand one thing on; False when the connection is to be closed."""
        if isinstance(one, Junk):
            await self._report(connection.peer, one)
            # A sender whose message is over the limit would repeat it for ever; closing makes somebody look.
            return one.reason != "too_large"
        connection.is_busy = True
        try:
            answer = await self._handler(connection.peer, one.payload)
        except Exception as error:
            # The name only: the text of an error may quote the message.
            logger.error("mllp handler failed with %s; connection closed unanswered", type(error).__name__)
            return False
        else:
            if answer is None:
                return False
            writer.write(frame(answer))
            async with asyncio.timeout(self.limits.write_seconds):
                await writer.drain()
            return True
        finally:
            connection.is_busy = False

    async def _report(self, peer: Peer, junk: Junk) -> None:
        logger.warning("mllp connection %d: %d bytes of junk, %s", peer.connection, junk.size, junk.reason)
        if self._on_junk is None:
            return
        try:
            await self._on_junk(peer, junk)
        except Exception as error:
            logger.error("mllp junk handler failed with %s", type(error).__name__)
