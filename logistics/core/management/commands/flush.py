"""Empty all tables as their owner (the test runner between transactional tests)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import flush

from logistics.core.owner import owner_login


class Command(flush.Command):
    """Django's flush under the owner's login; refused where real patients may be."""

    def handle(self, **options: Any) -> None:
        """Run."""
        if not settings.DEMO_MODE:
            raise CommandError("flush deletes every row; it runs in the demo and in tests only.")
        with owner_login(options["database"]):
            super().handle(**options)
