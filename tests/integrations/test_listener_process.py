"""``manage.py run_mllp`` as its own process: says where it listens, ends cleanly, and loses nothing when killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from integrations.hl7v2.mllp_client import AsyncMllpClient, MllpClient, MllpError
from integrations.models import InboundMessage
from tests.cast import Cast
from tests.integrations.feeds import make_feed, message
from tests.support import act_as

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]


def start(port: int) -> subprocess.Popen[str]:
    """The listener on the test database; returns when it listens."""
    login = connection.settings_dict
    url = f"postgresql://{login['USER']}:{quote(login['PASSWORD'])}@{login['HOST']}:{login['PORT']}/{login['NAME']}"
    env = {
        **os.environ,
        "DATABASE_URL": url,
        "MLLP_PORT": str(port),
        "DJANGO_SETTINGS_MODULE": "logistics.config.settings.test",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_mllp"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == f"Listening for EHR ADT on 127.0.0.1:{port}"
    return process


@pytest.fixture
def listener(cast: Cast) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """(process, port)."""
    make_feed(cast)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    process = start(port)
    yield process, port
    if process.poll() is None:
        process.kill()
    process.wait(timeout=30)


def test_it_answers_and_ends_cleanly_on_sigterm(listener: tuple[subprocess.Popen[str], int], cast: Cast) -> None:
    process, port = listener
    with MllpClient("127.0.0.1", port, timeout=30) as client:
        assert b"MSA|AA" in client.send(message("A01", "20260306201500"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    with act_as(cast.staff()):
        assert InboundMessage.objects.count() == 1


def test_what_was_acknowledged_is_there_after_a_kill(listener: tuple[subprocess.Popen[str], int], cast: Cast) -> None:
    process, port = listener
    acknowledged: set[str] = set()

    async def sender(number: int) -> None:
        async with AsyncMllpClient("127.0.0.1", port, timeout=20) as client:
            for step in range(200):
                control = f"K{number}-{step}"
                try:
                    await client.send(message("A08", "20260307061500", visit=f"V{number}", control=control), retries=0)
                except MllpError:
                    return
                acknowledged.add(control)
                if len(acknowledged) == 60:
                    process.kill()

    async def walk() -> None:
        await asyncio.gather(*(sender(number) for number in range(8)))

    asyncio.run(walk())
    assert len(acknowledged) >= 60
    with act_as(cast.staff()):
        stored = set(InboundMessage.objects.values_list("control_id", flat=True))
    assert acknowledged <= stored
