"""A backup holds every row of every organization, and a restored database is as walled as the first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dj_database_url
import psycopg2
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from logistics.core import audit, sealing
from logistics.core.models import AuditEntry
from logistics.requests.models import Patient
from tests.cast import Cast, build_cast
from tests.owner import tamper
from tests.seals import seal_until, unsealed
from tests.support import act_as, signed_in
from tests.tenancy import catalogue

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.django_db(transaction=True)
# Rows that a backup leaves out on purpose, and the offset that restoring sets.
LEFT_OUT = ("django_session", "axes_accessattempt", "axes_accessattemptexpiration", "axes_accessfailurelog")


def owner_connect(database: str) -> Any:
    owner = dj_database_url.parse(settings.DATABASE_OWNER_URL)
    raw = psycopg2.connect(
        host=owner["HOST"], port=owner["PORT"], user=owner["USER"], password=owner["PASSWORD"], dbname=database
    )
    raw.autocommit = True
    return raw


def contents(database: str) -> dict[str, tuple[int, str]]:
    """(rows, hash of all rows) per table, read by the role that sees them all."""
    raw = owner_connect(database)
    try:
        with raw.cursor() as cursor:
            cursor.execute("SET ROLE cw_backup")
            cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
            tables = [row[0] for row in cursor.fetchall() if row[0] not in LEFT_OUT]
            found = {}
            for table in tables:
                cursor.execute(
                    f"SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
                )
                found[table] = cursor.fetchone()
            return found
    finally:
        raw.close()


@pytest.fixture
def other_database() -> Iterator[str]:
    """An empty database beside the test's own."""
    name = f"{connection.settings_dict['NAME']}_restored"
    raw = owner_connect(connection.settings_dict["NAME"])
    with raw.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    yield name
    with raw.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    raw.close()


@pytest.fixture
def filled() -> Cast:
    with transaction.atomic():
        cast = build_cast()
    for tenant in (cast.lakeshore, cast.prairie):
        with act_as(cast.staff(tenant)):
            Patient.objects.create(family_name="Zzyzx", given_name="Ada", birth_date="1950-01-01")
            audit.record(action="patient.viewed", purpose="treatment")
    seal_until(unsealed())
    signed_in(cast.people["admin@lakeshore"])
    return cast


def restore(database: str, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    def pointed(url: str) -> str:
        return url.rsplit("/", 1)[0] + f"/{database}"

    env = {
        **os.environ,
        "CARRYWELL_ENV": "test",
        "DATABASE_URL": pointed(os.environ["DATABASE_URL"]),
        "DATABASE_OWNER_URL": pointed(settings.DATABASE_OWNER_URL),
    }
    return subprocess.run(
        [sys.executable, "manage.py", "restore", str(file), *options],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_everything_comes_back_behind_the_same_walls_and_the_trail_goes_on(
    filled: Cast, other_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "carrywell.backup"
    call_command("backup", str(file))
    assert file.stat().st_mode & 0o077 == 0
    assert b"Zzyzx" not in file.read_bytes()

    first = restore(other_database, file)
    assert first.returncode == 0, first.stderr
    before, after = contents(connection.settings_dict["NAME"]), contents(other_database)
    assert after == before
    assert after["requests_patient"][0] == 2
    raw = owner_connect(other_database)
    with raw.cursor() as cursor:
        assert catalogue.holes(cursor) == []
        cursor.execute("SELECT count(*) FROM requests_patient")
        assert cursor.fetchone() == (0,)  # forced on the owner there too
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone() == (0,)
        cursor.execute("SET ROLE cw_backup")
        cursor.execute("SELECT max(xid) < core_audit_xid() FROM core_auditentry")
        assert cursor.fetchone() == (True,)
    raw.close()

    again = restore(other_database, file)
    assert again.returncode != 0
    assert "--force" in again.stderr
    assert contents(other_database) == before
    forced = restore(other_database, file, "--force")
    assert forced.returncode == 0, forced.stderr
    assert contents(other_database) == before


def test_a_broken_file_deletes_nothing(filled: Cast, other_database: str, tmp_path: Path) -> None:
    file = tmp_path / "carrywell.backup"
    call_command("backup", str(file))
    assert restore(other_database, file).returncode == 0
    before = contents(other_database)
    broken = tmp_path / "broken.backup"
    broken.write_bytes(b"this is no backup")
    assert restore(other_database, broken, "--force").returncode != 0
    assert restore(other_database, tmp_path / "missing.backup", "--force").returncode != 0
    assert contents(other_database) == before


def test_a_backup_into_a_missing_folder_says_so(filled: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Make it first"):
        call_command("backup", str(tmp_path / "missing" / "x.backup"))


def test_entries_made_after_a_restore_are_sealed_too(filled: Cast) -> None:
    """The number of a restored trail is far above what the new server counts."""
    with act_as(filled.staff()):
        highest = AuditEntry.objects.order_by("-xid").values_list("xid", flat=True).first()
    tamper("core_auditentry", f"SELECT setval('core_xid_offset', {highest})")
    try:
        with act_as(filled.staff()):
            entry = audit.record(action="patient.viewed", purpose="treatment")
            entry.refresh_from_db()
        assert entry.xid > highest
        seal_until(unsealed())
        with act_as(filled.staff()):
            assert sealing.verify(str(filled.lakeshore.pk), {"tenant_id": filled.lakeshore.pk}).intact
    finally:
        tamper("core_auditentry", "SELECT setval('core_xid_offset', 0)")
