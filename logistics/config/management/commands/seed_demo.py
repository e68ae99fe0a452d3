"""Fill an empty database with the demo; a database that has it gets a new day when the last one is over."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from logistics import celery_app
from logistics.accounts.models import Organization
from logistics.config.demo import (
    afterwards,
    allowances,
    build,
    certificates,
    days,
    equipment,
    home_health,
    ride_kinds,
    standing,
)
from logistics.config.demo.world import HOSPITALS
from logistics.core import scoping


class Command(BaseCommand):
    """``manage.py seed_demo``: repeatable, and quick when there is nothing to do."""

    help = "Invented health systems, vendors, people, beds and trips, made through the services."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if not settings.DEMO_MODE:
            raise CommandError("seed_demo invents people; it runs in the demo only.")
        celery_app.conf.task_always_eager = True  # no worker runs yet: tasks are done here
        started = time.monotonic()
        with transaction.atomic(), scoping.enter(build.PLATFORM):
            known = {org.slug: org for org in Organization.objects.all()}
        if not known:
            made = build.build_all()
            home_health.supply(made)
            allowances.supply(made)
            equipment.build_supply(made)
            trips = days.fill(made)
            allowances.live(made)
            home_health.live(made)
            equipment.live(made)
            ride_kinds.live(made, booker="Dana Morales")
            afterwards.live(made, booker="Dana Morales")
            standing.build(made["cedar-ridge"], booker="Dana Morales")
            certificates.build(made["cedar-ridge"], booker="Dana Morales", supplier=made["tamarack"])
            self.stdout.write(f"demo data made: {trips} trips in {time.monotonic() - started:.1f} s")
            return
        build.write_simulator_file()
        fresh = 0
        for hospital in HOSPITALS:
            fresh += days.renew(hospital, known)
        self.stdout.write(f"demo data is there; {fresh} trips added for today" if fresh else "demo data is there")
