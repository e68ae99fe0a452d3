"""An MLLP listener that keeps nothing: the most that one asyncio process can answer here. ``echo.py PORT``."""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"\x0bMSH|^~\\&|CARRYWELL|CARRYWELL|BENCH|HOSP|20260307061500||ACK|1|P|2.5.1\rMSA|AA|1\r\x1c\r"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every frame of one connection."""
    try:
        while True:
            await reader.readuntil(b"\x1c\r")
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(port: int) -> None:
    """Listen until the process is ended."""
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
