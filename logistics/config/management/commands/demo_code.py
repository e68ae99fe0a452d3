"""The one-time code of one of the demo's people."""

from __future__ import annotations

import base64
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django_otp.oath import totp

from logistics.accounts import demo


class Command(BaseCommand):
    """``manage.py demo_code dana@cedar-ridge.example``: the demo only."""

    help = "Print the current six digits of a demo person's authenticator."

    def add_arguments(self, parser: Any) -> None:
        """Options."""
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if not settings.DEMO_MODE:
            raise CommandError("demo_code runs in the demo only.")
        person = next((one for one in demo.PEOPLE if one.email == options["email"].lower()), None)
        if person is None:
            raise CommandError("No demo person has this address. `manage.py demo_people` lists them.")
        self.stdout.write(f"{totp(base64.b32decode(person.secret)):06d}")
