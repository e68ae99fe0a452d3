"""The relay hears of an event at once, whenever the wake-up comes."""

from __future__ import annotations

import time

import psycopg2
import pytest
from django.db import connection

from logistics.core import outbox, relay

pytestmark = pytest.mark.django_db(transaction=True)


def publish_elsewhere() -> None:
    """What another process's commit does."""
    known = connection.settings_dict
    other = psycopg2.connect(
        host=known["HOST"], port=known["PORT"], user=known["USER"], password=known["PASSWORD"], dbname=known["NAME"]
    )
    other.autocommit = True
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [outbox.CHANNEL])
    other.close()


def seconds_waited(limit: float) -> float:
    began = time.monotonic()
    relay._wait(limit)
    return time.monotonic() - began


def test_an_event_that_comes_while_it_waits_wakes_it() -> None:
    relay._listen()
    publish_elsewhere()
    assert seconds_waited(5) < 2


def test_an_event_that_comes_while_it_reads_the_last_batch_does_not_wait_for_the_next_poll() -> None:
    relay._listen()
    publish_elsewhere()
    # The answer to any statement brings the wake-up along, and takes it off the socket.
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert connection.connection.notifies
    assert seconds_waited(5) < 2


def test_without_an_event_it_waits_for_its_poll() -> None:
    relay._listen()
    assert seconds_waited(0.3) >= 0.3
