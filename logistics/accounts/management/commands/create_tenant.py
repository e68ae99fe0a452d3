"""Make an empty health system and its first administrator."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from zoneinfo import available_timezones

from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.forms import ValidationError
from django.urls import reverse
from django.utils.text import slugify

from logistics.accounts.models import Organization
from logistics.accounts.services import organizations, people
from logistics.core import scoping
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope


class Command(BaseCommand):
    """``manage.py create_tenant "Riverside Health" --zone America/Chicago --admin pat@riverside.example``."""

    help = "Make an empty health system and its first administrator, and print the link to set the password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Arguments."""
        parser.add_argument("name", help="Full name of the health system")
        parser.add_argument("--short-name", default="", help="As people say it (the name if left out)")
        parser.add_argument("--slug", default="", help="Short code (made from the name if left out)")
        parser.add_argument("--zone", default="America/Chicago", help="IANA time zone")
        parser.add_argument("--admin", required=True, help="Email address of the first administrator")
        parser.add_argument("--admin-name", default="", help="Their name (the address if left out)")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="Where people open Carrywell")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run. Repeated for the same health system it changes nothing and prints the link again."""
        name, slug = options["name"].strip(), options["slug"] or slugify(options["name"])
        if not name or not slug:
            raise CommandError("Give the health system a name.")
        if options["zone"] not in available_timezones():
            raise CommandError("Unknown time zone. Write one such as America/Chicago.")
        try:
            validate_email(options["admin"])
        except ValidationError as error:
            raise CommandError("The administrator's address is no email address.") from error
        try:
            with transaction.atomic(), scoping.enter(Scope.system(actor_label="create_tenant")):
                known = Organization.objects.filter(slug=slug).first()
                if known is not None and (known.kind != "health_system" or known.name != name):
                    raise CommandError(f"The code {slug} belongs to {known.name}. Choose another with --slug.")
                tenant = organizations.create(
                    kind="health_system", name=name, short_name=options["short_name"] or name[:40], slug=slug,
                    time_zone=options["zone"],
                )  # fmt: skip
                user, _ = people.add(
                    organization=tenant, email=options["admin"], name=options["admin_name"] or options["admin"],
                    role="admin",
                )  # fmt: skip
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{tenant.name} is there, empty.")
        if user.has_usable_password():
            self.stdout.write(f"{user.name} has a password and signs in at {options['url']}.")
            return
        path = reverse("accounts:welcome", kwargs=people.set_up_path_parts(user))
        self.stdout.write(f"{user.name} sets a password here, once:\n\n  {options['url'].rstrip('/')}{path}\n")
        self.stdout.write("Then the page Set up leads to the first ride.")
