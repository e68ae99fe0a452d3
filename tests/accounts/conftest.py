"""People who sign in as a browser would: no session is made for them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from logistics.accounts.models import Membership
from tests.cast import PASSWORD

SECRET = base64.b32encode(b"twenty bytes of key.").decode()
NOON = "2026-11-24T18:00:00+00:00"


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """Time stands still at noon in Chicago and moves when told."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def browser() -> Client:
    """A browser that nobody has used."""
    return Client()


@pytest.fixture
def give_phone() -> Callable[[Membership], TOTPDevice]:
    """Gives a person an authenticator with :data:`SECRET`."""

    def give(membership: Membership) -> TOTPDevice:
        return TOTPDevice.objects.create(
            user=membership.user, name="Phone", key=base64.b32decode(SECRET).hex(), confirmed=True
        )

    return give


def code() -> str:
    """What the authenticator shows now."""
    return f"{totp(base64.b32decode(SECRET)):06d}"


def give_password(browser: Client, membership: Membership, password: str = PASSWORD, **more: str):
    """Step 1."""
    return browser.post("/sign-in", {"email": membership.user.email, "password": password, **more})
