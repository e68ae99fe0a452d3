"""Migrate as the table owner, then grant the tables of no organization to the sides."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from logistics.core.owner import grant_global_tables, owner_login


class Command(migrate.Command):
    """Django's migrate under the owner's login."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        with owner_login(options["database"]):
            super().handle(*args, **options)
            grant_global_tables(options["database"])
