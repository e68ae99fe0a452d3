"""The demo's people as a table: whom to sign in as, and how to pass the second factor."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from logistics.accounts import demo, roles
from logistics.config.demo.world import COMPANIES, HOSPITALS


class Command(BaseCommand):
    """``manage.py demo_people``: the demo only."""

    help = "Who can sign in to the demo."
    # Checks would load every page; `make check` and the web process look at those.
    requires_system_checks: Any = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if not settings.DEMO_MODE:
            raise CommandError("demo_people prints passwords; it runs in the demo only.")
        names = {one.slug: one.name for one in (*HOSPITALS, *COMPANIES)} | {"carrywell": "Carrywell Operations"}
        rows = [
            (
                person.name,
                person.email,
                roles.ROLES[person.role].label,
                names[person.organization],
                person.secret if roles.ROLES[person.role].needs_second_factor else "none needed",
            )
            for person in demo.PEOPLE
        ]
        head = ("Name", "Email", "Role", "Organization", "TOTP secret (base32)")
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        for row in [head, *rows]:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        self.stdout.write(f"\nEverybody's password is: {demo.PASSWORD}")
        self.stdout.write(
            "The code page shows the current six digits in the demo; `manage.py demo_code EMAIL` prints them."
        )
