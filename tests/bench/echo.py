"""The product's MLLP server with nothing behind it: what framing and sockets alone allow here. ``echo PORT``."""

from __future__ import annotations

import asyncio
import sys

from integrations.hl7v2.mllp import MllpServer, Peer

ANSWER = b"MSH|^~\\&|CARRYWELL|CARRYWELL|BENCH|HOSP|20260307061500||ACK|1|P|2.5.1\rMSA|AA|1\r"


async def answer(peer: Peer, message: bytes) -> bytes:
    """The same answer to every message."""
    return ANSWER


if __name__ == "__main__":
    asyncio.run(MllpServer(answer, port=int(sys.argv[1])).serve_forever())
