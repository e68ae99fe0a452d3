"""After a kill -9, whatever it hit, the next start works and loses nothing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg2

from logistics.config.devstack.layout import is_held
from logistics.config.devstack.processes import command_line
from logistics.config.devstack.services import Services
from tests.config.devstack_helpers import start_python

_HOLDER = """
import sys, time
from logistics.config.devstack import processes
{before}
from logistics.config.devstack.services import Services
services = Services({name!r}, what="A test")
env = services.start()
import psycopg2
link = psycopg2.connect(env["DATABASE_OWNER_URL"])
link.cursor().execute("CREATE TABLE kept (); ")
link.commit()
print(*[running.pid for running in services._running], flush=True)
time.sleep(600)
"""


def _killed_holder(run_dir: Path, name: str, before: str = "") -> list[int]:
    """Start services in a process of their own and kill it. Returns the servers' process ids."""
    holder = start_python(run_dir, "-c", _HOLDER.format(name=name, before=before))
    assert holder.stdout
    line = holder.stdout.readline()
    assert line.strip().replace(" ", "").isdigit(), line + holder.stdout.read()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    return [int(pid) for pid in line.split()]


def _starts_again(name: str) -> None:
    services = Services(name, what="A test")
    try:
        link = psycopg2.connect(services.start()["DATABASE_OWNER_URL"])
        with link.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM kept")
            assert cursor.fetchone() == (0,)
        link.close()
    finally:
        services.stop()


def _ends(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while command_line(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_servers_end_with_the_process_that_started_them(bare: Path) -> None:
    pids = _killed_holder(bare, "killed")
    assert all(_ends(pid) for pid in pids)
    _starts_again("killed")


def test_servers_that_outlived_their_parent_are_stopped_politely(bare: Path) -> None:
    # As on a system that cannot tie a child's life to its parent's.
    pids = _killed_holder(bare, "orphans", before="processes.die_with_parent = lambda signum: None")
    assert all(command_line(pid) for pid in pids)
    _starts_again("orphans")
    assert not any(command_line(pid) for pid in pids)
    said = (bare / "orphans/logs/postgres.log").read_text()
    assert "received fast shutdown request" in said
    assert "not properly shut down" not in said


def test_a_killed_server_recovers_from_its_log(bare: Path) -> None:
    services = Services("crashed", what="A test")
    link = psycopg2.connect(services.start()["DATABASE_OWNER_URL"])
    with link.cursor() as cursor:
        cursor.execute("CREATE TABLE kept ()")
    link.commit()
    link.close()
    for running in services._running:
        assert running.pid
        os.kill(running.pid, signal.SIGKILL)
    services.stop()
    _starts_again("crashed")


def test_a_pid_file_that_names_a_stranger_harms_nobody(bare: Path) -> None:
    services = Services("stranger", what="A test")
    link = psycopg2.connect(services.start()["DATABASE_OWNER_URL"])
    with link.cursor() as cursor:
        cursor.execute("CREATE TABLE kept ()")
    link.commit()
    link.close()
    pidfile = services._running[0].data / "postmaster.pid"
    services.stop()
    pidfile.write_text(f"{os.getpid()}\n{pidfile.parent}\n")
    _starts_again("stranger")


def test_the_lock_is_free_after_a_kill(bare: Path) -> None:
    _killed_holder(bare, "lock")
    assert not is_held(bare / "lock")
