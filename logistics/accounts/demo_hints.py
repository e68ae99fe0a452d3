"""What the sign-in pages of a demo show openly: its people, their password and the code of the moment.

Everything here answers nothing unless ``settings.DEMO_MODE`` is on, which production settings never are.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django_otp.oath import TOTP, hotp
from django_otp.plugins.otp_totp.models import TOTPDevice

from logistics.accounts import demo, roles
from logistics.accounts.models import Membership
from logistics.core import clock, scoping


def people() -> list[dict[str, Any]]:
    """The demo's people that exist here, in the order of ``demo.PEOPLE``: name, email, role, organization."""
    if not settings.DEMO_MODE:
        return []
    emails = {person.email: order for order, person in enumerate(demo.PEOPLE)}
    with scoping.enter(scoping.Scope.system(actor_label="demo")):
        found = list(
            Membership.objects.filter(user__email__in=emails, is_active=True, user__is_active=True)
            .select_related("user", "organization")
            .order_by("organization__name", "role")
        )
    found.sort(key=lambda row: emails[row.user.email])
    return [
        {
            "name": row.user.name,
            "email": row.user.email,
            "role": roles.ROLES[row.role].label,
            "organization": row.organization.name,
            "password": demo.PASSWORD,
        }
        for row in found
    ]


def filled_in(email: str) -> dict[str, str]:
    """Initial values of the sign-in form for one of the demo's people."""
    if not settings.DEMO_MODE or email not in {person.email for person in demo.PEOPLE}:
        return {}
    return {"email": email, "password": demo.PASSWORD}


def code_for(user: Any) -> str:
    """A code that the person's authenticator shows now and that is not used yet; empty when there is none.

    Only for the demo's own people: an authenticator that somebody set up stays that person's secret.
    """
    if not settings.DEMO_MODE or user.email not in {person.email for person in demo.PEOPLE}:
        return ""
    device = TOTPDevice.objects.filter(user=user, confirmed=True).order_by("id").first()
    return code_of(device) if device else ""


def code_of(device: TOTPDevice) -> str:
    """The next usable six digits of ``device``."""
    generator = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    generator.time = clock.now().timestamp()
    step = max(generator.t(), device.last_t + 1)
    return f"{hotp(device.bin_key, step, device.digits):06d}"
