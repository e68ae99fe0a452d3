"""The MLLP listener with the real database: two at once, many senders, and a database that goes away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import pytest
from django.db import DatabaseError

from integrations.hl7v2.mllp_client import AsyncMllpClient, MllpError
from integrations.models import Feed, InboundMessage
from integrations.services import inbound
from integrations.services.inbound import Prepared
from integrations.services.writer import GroupWriter, Listeners
from logistics.requests.models import ServiceRequest
from tests.cast import Cast
from tests.integrations.feeds import make_feed, message
from tests.support import act_as, settle

pytestmark = pytest.mark.django_db(transaction=True)
A16 = message("A16", "20260307061500", expected="20260307111500")


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def stored(cast: Cast) -> list[InboundMessage]:
    """All rows, oldest first."""
    with act_as(cast.staff()):
        return list(InboundMessage.objects.order_by("id"))


def test_two_listeners_on_one_port_store_each_message_once(cast: Cast, port: int) -> None:
    make_feed(cast)
    raws = [message("A08", "20260307061500", visit=f"V{n}", mrn=f"70{n}", control=f"C{n}") for n in range(12)]

    async def walk() -> list[bytes]:
        both = [Listeners(host="127.0.0.1", base_port=port) for _ in range(2)]
        for one in both:
            await one.refresh()
        clients = [AsyncMllpClient("127.0.0.1", port, timeout=20) for _ in range(8)]
        try:
            # Each message goes over two connections at the same moment.
            pairs = [(clients[n % 8], clients[(n + 3) % 8], raw) for n, raw in enumerate(raws)]
            answers = await asyncio.gather(*(c.send(raw) for a, b, raw in pairs for c in (a, b)))
            assert sum(one.writer.stored for one in both) == 24
        finally:
            for client in clients:
                await client.close()
            for one in both:
                await one.stop()
        return list(answers)

    answers = asyncio.run(walk())
    assert len(stored(cast)) == 12
    assert all(answers[n] == answers[n + 1] for n in range(0, 24, 2))


def test_messages_of_one_connection_keep_their_order(cast: Cast, port: int) -> None:
    make_feed(cast)

    async def walk() -> None:
        listeners = Listeners(host="127.0.0.1", base_port=port)
        await listeners.refresh()

        async def sender(number: int) -> None:
            async with AsyncMllpClient("127.0.0.1", port, timeout=20) as client:
                for step in range(6):
                    await client.send(message("A08", "20260307061500", visit=f"V{number}", control=f"S{number}-{step}"))

        await asyncio.gather(*(sender(number) for number in range(6)))
        assert listeners.writer.commits < listeners.writer.stored == 36
        await listeners.stop()

    asyncio.run(walk())
    order = [row.control_id for row in stored(cast)]
    for number in range(6):
        mine = [one for one in order if one.startswith(f"S{number}-")]
        assert mine == [f"S{number}-{step}" for step in range(6)]


def test_a_failing_database_closes_the_connection_unanswered_and_the_resend_has_one_effect(
    cast: Cast, port: int
) -> None:
    make_feed(cast)
    failing = True

    def store(batch: Sequence[Prepared]) -> list[bytes | None]:
        if failing:
            raise DatabaseError("away")
        return inbound.store(batch)

    async def walk() -> bytes:
        nonlocal failing
        listeners = Listeners(host="127.0.0.1", base_port=port, writer=GroupWriter(store=store))
        await listeners.refresh()
        async with AsyncMllpClient("127.0.0.1", port, timeout=10) as client:
            with pytest.raises(MllpError):
                await client.send(A16, retries=0)
            failing = False
            answer = await client.send(A16)
        await listeners.stop()
        return answer

    assert b"MSA|AA" in asyncio.run(walk())
    settle()
    assert len(stored(cast)) == 1
    with act_as(cast.staff()):
        assert ServiceRequest.objects.count() == 1


def test_listeners_follow_the_table_of_feeds(cast: Cast, port: int) -> None:
    said: list[str] = []
    feed = make_feed(cast)

    async def walk() -> None:
        listeners = Listeners(host="127.0.0.1", base_port=port, say=said.append)
        await listeners.refresh()
        assert set(listeners.servers) == {0}
        await listeners.writer.call(lambda: _switch(cast, feed))
        await listeners.refresh()
        assert not listeners.servers
        await listeners.stop()

    asyncio.run(walk())
    assert said[0] == f"Listening for EHR ADT on 127.0.0.1:{port}"
    assert said[1].startswith("Feed EHR ADT is switched off")


def test_bytes_that_are_no_message_become_a_row_unless_they_are_few(cast: Cast, port: int) -> None:
    make_feed(cast)

    async def walk() -> None:
        listeners = Listeners(host="127.0.0.1", base_port=port)
        await listeners.refresh()
        for junk in (b"GET / HTTP/1.0\r\n\r\n", b"x" * 2000):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(junk)
            await writer.drain()
            writer.close()
            await asyncio.sleep(0.2)
        await listeners.stop()

    asyncio.run(walk())
    (row,) = stored(cast)
    assert (row.outcome, row.problem_code, row.size) == ("rejected", "junk", 2000)


def _switch(cast: Cast, feed: Feed) -> None:
    with act_as(cast.staff()):
        Feed.objects.filter(pk=feed.pk).update(is_active=False)
