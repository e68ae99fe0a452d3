"""Small tools that tests share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from logistics.accounts.middleware import MEMBERSHIP_KEY
from logistics.accounts.models import Membership
from logistics.core import relay, scoping
from logistics.core.tasks import deliver


@contextlib.contextmanager
def act_as(scope: scoping.Scope) -> Iterator[scoping.Scope]:
    """Work in a scope, in a transaction of its own."""
    with transaction.atomic(), scoping.enter(scope):
        yield scope


def settle(rounds: int = 20) -> int:
    """Relay every waiting event and run its subscribers here and now. Returns how many events moved."""
    moved = 0
    for _ in range(rounds):
        count = relay.relay_once(lambda delivery_id, topic: deliver.apply(args=[delivery_id], throw=True))
        moved += count
        if not count:
            return moved
    raise AssertionError("events keep causing events")


def signed_in(membership: Membership, *, second_factor: bool = True) -> Client:
    """A browser-less client of a person in one role, second factor passed."""
    client = Client()
    client.force_login(membership.user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[MEMBERSHIP_KEY] = str(membership.pk)
    if second_factor:
        device = TOTPDevice.objects.filter(user=membership.user, confirmed=True).first()
        if device is None:
            device = TOTPDevice.objects.create(user=membership.user, name="test", confirmed=True)
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return client


def problem_of(response: Any) -> str:
    """The sentence that an error page shows."""
    return response.content.decode()
