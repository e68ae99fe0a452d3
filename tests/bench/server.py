"""The ground that the benchmarks stand on: a database that keeps its promises, and nothing of the demo's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATABASE = "bench_carrywell"


@contextlib.contextmanager
def durable_services() -> Iterator[None]:
    """DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL of a server that flushes every commit to disk.

    What ``make bench`` starts is meant for tests and does not flush, and its command line cannot be overruled;
    a figure for "stored before it is answered" would be false there. So an own server is started beside it,
    with the settings that the demo has, and deleted afterwards. A server that flushes already is used as it is.
    Must come before Django reads its settings.
    """
    from logistics.config.devstack.services import Services, reset

    if _flushes(os.environ["DATABASE_URL"]):
        yield
        return
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        del os.environ[name]
    services = Services("bench", what="A bench run")
    run_dir = os.environ.get("CARRYWELL_RUN_DIR")
    try:
        os.environ.update(services.start())
        if run_dir:
            os.environ["CARRYWELL_RUN_DIR"] = run_dir
        yield
    finally:
        services.stop()
        reset("bench")


@contextlib.contextmanager
def bench_database() -> Iterator[None]:
    """A migrated, empty database of its own, used as the application's plain role and dropped afterwards."""
    import django
    from django.db import connections

    os.environ["CARRYWELL_TEST_DATABASE"] = DATABASE
    django.setup()

    from logistics.core.owner import owner_login

    connection = connections["default"]
    old_name = connection.settings_dict["NAME"]
    with owner_login():
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connections.close_all()
        with owner_login():
            connection.creation.destroy_test_db(old_name, verbosity=0)


def result_file() -> Path:
    """``bench.json`` in the run folder (``.run``), also when the services' own folder inside it was named."""
    from logistics.config.devstack.layout import run_root

    folder = run_root()
    return (folder.parent if (folder / "services.json").exists() else folder) / "bench.json"


def settings_line() -> str:
    """The server's version and the settings on which the durable figures depend."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'),"
            " current_setting('synchronous_commit'), current_setting('full_page_writes'),"
            " current_setting('wal_sync_method')"
        )
        version, fsync, commit, pages, method = cursor.fetchone()
    return (
        f"PostgreSQL {version}: fsync {fsync}, synchronous_commit {commit}, full_page_writes {pages},"
        f" wal_sync_method {method}"
    )


def forget_events() -> None:
    """Count every waiting event as relayed: one benchmark's leftovers must not be work for the next one's worker."""
    from tests.owner import tamper

    tamper("core_outboxevent", "UPDATE core_outboxevent SET relayed_at = now() WHERE relayed_at IS NULL")


def plain_connection() -> Any:
    """A bare psycopg2 connection of the application's role to the bench database, in autocommit."""
    import psycopg2
    from django.db import connection

    known = connection.settings_dict
    raw = psycopg2.connect(
        host=known["HOST"], port=known["PORT"], user=known["USER"], password=known["PASSWORD"], dbname=known["NAME"]
    )
    raw.autocommit = True
    return raw


def _flushes(url: str) -> bool:
    import psycopg2

    raw = psycopg2.connect(url)
    try:
        with raw.cursor() as cursor:
            cursor.execute("SELECT current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off'")
            return bool(cursor.fetchone()[0])
    finally:
        raw.close()
