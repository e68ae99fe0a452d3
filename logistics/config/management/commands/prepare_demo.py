"""Everything that the demo's database needs before its processes start, in one process: a start is seconds."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from logistics.core.owner import owner_login


class Command(BaseCommand):
    """``manage.py prepare_demo``: migrate if anything is to migrate, then seed."""

    help = "Migrate and seed the demo."
    # Checks would load every page; `make check` and the web process look at those.
    requires_system_checks: Any = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        with owner_login():
            executor = MigrationExecutor(connection)
            behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if behind:
            call_command("migrate", interactive=False, verbosity=0)
        call_command("seed_demo", stdout=self.stdout)
