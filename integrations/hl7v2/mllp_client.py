"""Sending HL7 v2 over MLLP: one message, one answer, over a connection that is kept and renewed.

`MllpClient` blocks, `AsyncMllpClient` does not; both connect on first use, and once more when the connection
turns out to be gone. A message may thus arrive twice, as with every sender of HL7: receivers know it by
MSH-10.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from types import TracebackType
from typing import Self

from .framing import Frame, Framer, frame

_READ_SIZE = 65536


class MllpError(OSError):
    """No answer: the receiver refused, closed without an answer, or took too long."""


class MllpClient:
    """A blocking client. timeout: seconds for connecting and for each wait. Also a context manager."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout: float = 30,
        ssl_context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> None:
        self._address = (host, port)
        self._timeout = timeout
        self._ssl = ssl_context
        self._server_hostname = server_hostname or host
        self._socket: socket.socket | None = None
        self._framer = Framer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Connect now; otherwise `send` does. Raises MllpError."""
        self.close()
        try:
            sock = socket.create_connection(self._address, self._timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._ssl is not None:
                sock = self._ssl.wrap_socket(sock, server_hostname=self._server_hostname)
        except OSError as error:
            raise MllpError(f"cannot connect: {type(error).__name__}") from error
        self._socket = sock
        self._framer = Framer()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def send(self, message: bytes, *, retries: int = 1) -> bytes:
        """Send one unframed message and return the unframed answer.

        Reconnects and sends again up to `retries` times. Raises MllpError when no answer came.
        """
        for attempt in range(retries + 1):
            try:
                if self._socket is None:
                    self.connect()
                return self._exchange(message)
            except OSError as error:
                self.close()
                if attempt == retries:
                    raise error if isinstance(error, MllpError) else MllpError("no answer") from error
        raise MllpError("no answer")

    def _exchange(self, message: bytes) -> bytes:
        if self._socket is None:
            raise MllpError("not connected")
        self._socket.sendall(frame(message))
        while data := self._socket.recv(_READ_SIZE):
            for one in self._framer.feed(data):
                if isinstance(one, Frame):
                    return one.payload
        raise MllpError("closed without an answer")


class AsyncMllpClient:
    """The same for asyncio; one `send` at a time per client. Also an async context manager."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout: float = 30,
        ssl_context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._timeout = timeout
        self._ssl = ssl_context
        self._server_hostname = server_hostname
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._framer = Framer()
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect now; otherwise `send` does. Raises MllpError."""
        await self.close()
        try:
            async with asyncio.timeout(self._timeout):
                self._streams = await asyncio.open_connection(
                    self._host, self._port, ssl=self._ssl, server_hostname=self._server_hostname
                )
        except OSError as error:
            raise MllpError(f"cannot connect: {type(error).__name__}") from error
        self._framer = Framer()

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def send(self, message: bytes, *, retries: int = 1) -> bytes:
        """Send one unframed message and return the unframed answer; as `MllpClient.send`."""
        async with self._turn:
            for attempt in range(retries + 1):
                try:
                    if self._streams is None:
                        await self.connect()
                    async with asyncio.timeout(self._timeout):
                        return await self._exchange(message)
                except OSError as error:
                    await self.close()
                    if attempt == retries:
                        raise error if isinstance(error, MllpError) else MllpError("no answer") from error
            raise MllpError("no answer")

    async def _exchange(self, message: bytes) -> bytes:
        if self._streams is None:
            raise MllpError("not connected")
        reader, writer = self._streams
        writer.write(frame(message))
        await writer.drain()
        while data := await reader.read(_READ_SIZE):
            for one in self._framer.feed(data):
                if isinstance(one, Frame):
                    return one.payload
        raise MllpError("closed without an answer")
