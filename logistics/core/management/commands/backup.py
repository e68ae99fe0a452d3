"""Everything into one file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from logistics.core import pg_programs
from logistics.core.owner import grant_global_tables, owner_login
from logistics.core.roles import BACKUP

# Sessions and failed sign-ins are not history: nobody should be signed in again by a restore.
WITHOUT_ROWS = ("django_session", "axes_accessattempt", "axes_accessattemptexpiration", "axes_accessfailurelog")


class Command(BaseCommand):
    """``manage.py backup FILE``: one consistent moment of the database, while people go on working."""

    help = "Write the database into one file, readable by its owner alone."

    def add_arguments(self, parser: Any) -> None:
        """Options."""
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        target: Path = options["file"].absolute()
        if not target.parent.is_dir():
            raise CommandError(f"{target.parent} is no folder. Make it first.")
        with owner_login(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [BACKUP])
            if cursor.fetchone() is None:
                raise CommandError(
                    f"The role {BACKUP} is missing, and the owner sees no rows. A superuser makes it:\n"
                    f"CREATE ROLE {BACKUP} NOLOGIN BYPASSRLS; GRANT {BACKUP} TO cw_owner;"
                )
            # A table that came after the role did must not be missing from the file.
            grant_global_tables()
        draft = target.with_name(f".{target.name}.part")
        before = os.umask(0o077)  # sealed columns need the field keys, but names of staff and addresses do not
        try:
            pg_programs.run(
                "pg_dump", "--format=custom", f"--role={BACKUP}", "--no-password", f"--file={draft}",
                *(f"--exclude-table-data={table}" for table in WITHOUT_ROWS),
            )  # fmt: skip
            os.replace(draft, target)
        finally:
            os.umask(before)
            draft.unlink(missing_ok=True)
        size = target.stat().st_size
        self.stdout.write(f"{target} holds the database ({size / 1024:,.0f} KiB).")
        self.stdout.write(
            "It does not hold CARRYWELL_FIELD_KEYS: keep them elsewhere, patients' data need them to open."
        )
