"""How the writer shares commits: alone at once, together under load, past one that is stuck."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from integrations.services.inbound import Prepared
from integrations.services.writer import GATHER_SECONDS, GroupWriter

# The threads close their (unused) connections when the writer ends.
pytestmark = pytest.mark.django_db(transaction=True)


def message(text: bytes) -> Prepared:
    return cast(Prepared, SimpleNamespace(answer=text))


def test_a_lone_message_is_stored_at_once() -> None:
    async def walk() -> float:
        writer = GroupWriter(store=lambda batch: [one.answer for one in batch])
        await writer.put(message(b"warm"))
        began = time.monotonic()
        assert await writer.put(message(b"a")) == b"a"
        took = time.monotonic() - began
        await writer.close()
        return took

    assert asyncio.run(walk()) < GATHER_SECONDS


def test_what_comes_while_a_commit_runs_shares_the_next_one() -> None:
    sizes: list[int] = []

    def store(batch: Sequence[Prepared]) -> list[bytes | None]:
        sizes.append(len(batch))
        time.sleep(0.01)
        return [one.answer for one in batch]

    async def walk() -> list[Any]:
        writer = GroupWriter(store=store)
        answers = await asyncio.gather(*(writer.put(message(b"%d" % n)) for n in range(20)))
        await writer.close()
        return answers

    assert asyncio.run(walk()) == [b"%d" % n for n in range(20)]
    assert sizes == [1, 19]


def test_a_stuck_commit_is_passed_by() -> None:
    stuck = threading.Event()

    def store(batch: Sequence[Prepared]) -> list[bytes | None]:
        if batch[0].answer == b"stuck":
            stuck.wait(20)
        return [one.answer for one in batch]

    async def walk() -> None:
        writer = GroupWriter(store=store)
        first = asyncio.create_task(writer.put(message(b"stuck")))
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert await writer.put(message(b"other")) == b"other"
        assert not first.done()
        stuck.set()
        assert await first == b"stuck"
        await writer.close()

    asyncio.run(walk())
