"""What only the tables' owner can do: change the database's own rules, for tests that weaken or tamper."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import dj_database_url
import psycopg2
from django.conf import settings
from django.db import connection


@contextlib.contextmanager
def owner_cursor(*, commit: bool = False) -> Iterator[Any]:
    """A cursor of the owner on the test database, in one transaction that is undone unless ``commit``."""
    owner = dj_database_url.parse(settings.DATABASE_OWNER_URL)
    raw = psycopg2.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        dbname=connection.settings_dict["NAME"],
    )
    try:
        with raw.cursor() as cursor:
            # A test that forgot to end its own transaction fails here instead of waiting for ever.
            cursor.execute("SET LOCAL lock_timeout = '10s'")
            yield cursor
        if commit:
            raw.commit()
    finally:
        raw.close()


def tamper(table: str, statement: str) -> int:
    """Change protected rows as the owner can: switch the table's protection off, write, switch it on again.

    Returns how many rows were touched.
    """
    with owner_cursor(commit=True) as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        cursor.execute(statement)
        touched = cursor.rowcount
        cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    return touched
