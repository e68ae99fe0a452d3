"""Is it up? One honest answer for each service, used by `make demo` and by the containers' health checks."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from logistics.config.devstack.commands import service_environment, session_name
from logistics.config.devstack.layout import ROOT, StackError

# Beat writes its schedule file when it starts, and then at least every eight minutes (it syncs every three,
# and sleeps for at most five in between).
_BEAT_SILENCE_SECONDS = 600
# The relay asks the database at least once a second, and every five seconds while a service is away.
_SILENCE_SECONDS = 60


def can_bind(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int, *, timeout: float = 2.0) -> bool:
    """Whether somebody accepts connections on this loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout):
        return True
    return False


def serves(port: int, *, host: str = "127.0.0.1", timeout: float = 5.0) -> bool:
    """Whether the web server on this loopback port answers 200 at /healthz, asked for as `host`."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        link.request("GET", "/healthz", headers={"Host": host})
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def check(service: str, env: Mapping[str, str]) -> bool:
    """Whether this host's `service` does its work; raises `StackError` for a service without such a check."""
    match service:
        case "web":
            # Production answers only to its own names.
            host = (env.get("CARRYWELL_HOSTS") or "127.0.0.1").split(",")[0].strip()
            return serves(int(env.get("PORT") or 8000), host=host)
        case "mllp":
            # Without a feed no port is open, and that is no fault; the list of feeds is read every few seconds.
            return _asks_the_database("mllp", env)
        case "worker":
            return _worker_answers(env)
        case "beat":
            return _beat_writes(Path(env.get("CARRYWELL_RUN_DIR") or ".run"))
        case "relay":
            return _asks_the_database("relay", env)
        case _:
            raise StackError(f"There is no health check for {service!r}.")


def _worker_answers(env: Mapping[str, str]) -> bool:
    name = f"worker@{socket.gethostname()}"
    asked = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "logistics", "inspect", "ping", "-d", name, "-t", "5"],
        cwd=ROOT,
        env=service_environment("healthcheck", env),
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0


def _beat_writes(folder: Path) -> bool:
    # dbm chooses the ending of the file, or two of them.
    written = [path.stat().st_mtime for path in (ROOT / folder).glob("beat*") if path.is_file()]
    return bool(written) and time.time() - max(written) < _BEAT_SILENCE_SECONDS


def _asks_the_database(service: str, env: Mapping[str, str]) -> bool:
    import psycopg2  # only this check needs the driver

    try:
        link = psycopg2.connect(env.get("DATABASE_URL") or os.environ["DATABASE_URL"], connect_timeout=5)
    except psycopg2.OperationalError:
        return False
    try:
        with link.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = %s AND query_start > now() - make_interval(secs => %s)",
                [session_name(service), _SILENCE_SECONDS],
            )
            row = cursor.fetchone()
            return bool(row and row[0])
    finally:
        link.close()
