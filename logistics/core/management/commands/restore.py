"""A backup's file back into the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.utils import OperationalError

from logistics.core import pg_programs
from logistics.core.owner import owner_login
from logistics.core.roles import BACKUP


class Command(BaseCommand):
    """``manage.py restore FILE``: into an empty database, or with ``--force`` in place of what is there."""

    help = "Bring a backup back. Stop Carrywell first."

    def add_arguments(self, parser: Any) -> None:
        """Options."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="Delete what the database holds now")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        source: Path = options["file"].absolute()
        if not source.is_file():
            raise CommandError(f"There is no file {source}.")
        # An unreadable file must be found out before anything is deleted.
        pg_programs.run("pg_restore", "--list", str(source))
        with owner_login():
            tables = connection.introspection.table_names()
            if tables and not options["force"]:
                raise CommandError(
                    f"The database holds {len(tables)} tables. Restore into an empty one, or add --force to delete"
                    " everything it holds now."
                )
            if tables:
                self._empty()
            connection.close()
            pg_programs.run(
                "pg_restore", "--no-password", "--single-transaction", "--exit-on-error",
                f"--dbname={connection.settings_dict['NAME']}", str(source),
            )  # fmt: skip
            entries = self._continue_the_trail()
        self.stdout.write(f"Restored. The audit trail goes on after {entries:,} entries.")
        self.stdout.write("Run manage.py migrate before Carrywell starts, if this release is newer than the backup.")

    def _empty(self) -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '10s'")
                cursor.execute("DROP SCHEMA public CASCADE")
                cursor.execute("CREATE SCHEMA public")
                cursor.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
        except OperationalError as error:
            raise CommandError("Somebody works in the database. Stop Carrywell, then try again.") from error

    def _continue_the_trail(self) -> int:
        """New entries count on from the highest number in the file (see migration core.0003)."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {BACKUP}")  # forced row-level security hides them from the owner
            cursor.execute("SELECT count(*), coalesce(max(xid), 0) FROM core_auditentry")
            entries, highest = cursor.fetchone()
            cursor.execute("RESET ROLE")
            cursor.execute("SELECT setval('core_xid_offset', %s)", [highest])
        return int(entries)
