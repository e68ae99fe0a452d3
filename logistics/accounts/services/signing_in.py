"""Signing in and out. The views hold the browser's session; the rules are here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.http import HttpRequest

from logistics.accounts import audit_log
from logistics.accounts.models import Membership, User
from logistics.core import audit


class SetUpTokens(PasswordResetTokenGenerator):
    """Links by which a new person chooses a password. One works until the password is set, at most three days."""

    key_salt = "carrywell.accounts.set-up"


set_up_tokens = SetUpTokens()


def check_password(request: HttpRequest, *, email: str, password: str) -> User | None:
    """The person whose address and password these are, or None.

    Unknown address, wrong password, no password yet and a closed account look the same, in words and in work:
    Django hashes once in each case. Wrong tries are counted per address and origin (django-axes); once locked,
    the request is answered with 429 by its middleware.
    """
    person = authenticate(request, email=email.strip().lower(), password=password)
    if person is None:
        # Without the address: people type passwords into that field.
        audit.record(action="session.refused", result="refused", details={"step": "password"})
    return person


def check_own_password(request: HttpRequest, password: str) -> bool:
    """Ask a signed-in person for the password again; wrong tries count as at sign-in."""
    found = authenticate(request, email=request.user.email, password=password)  # type: ignore[union-attr]
    return found is not None and found.pk == request.user.pk


def record_start(membership: Membership | None, *, second_factor: str) -> None:
    """Somebody is in; ``second_factor`` is ``code``, ``recovery_code``, ``enrolled`` or ``none``."""
    audit_log.about_person("session.started", membership, details={"second_factor": second_factor})


def record_refusal(membership: Membership | None, *, step: str) -> None:
    """The password was right and the second step was not."""
    audit_log.about_person("session.refused", membership, result="refused", details={"step": step})


def record_end(membership: Membership | None) -> None:
    """Somebody signed out."""
    audit_log.about_person("session.ended", membership)


def record_switch(membership: Membership) -> None:
    """A person with several roles now works in this one."""
    audit_log.about_person("session.switched", membership, target=membership)


def find_for_set_up(user_id: Any, token: str) -> User | None:
    """The person whom a set-up link is for, or None when it is used, old or made up."""
    person = User.objects.filter(pk=user_id, is_active=True).first()
    if person is None or not set_up_tokens.check_token(person, token):
        return None
    return person


def set_password(person: User, password: str, membership: Membership | None = None) -> None:
    """Set a password; every other session of the person ends, since sessions carry the password's hash."""
    person.set_password(password)
    person.save(update_fields=["password"])
    audit_log.about_person("person.password_changed", membership, target=person)


def record_device(membership: Membership | None, device_id: int, *, added: bool) -> None:
    """An authenticator came or went."""
    action = "second_factor.added" if added else "second_factor.removed"
    audit_log.about_person(action, membership, target_type="otp_totp.totpdevice", target_id=str(device_id))


def record_recovery_codes(membership: Membership | None) -> None:
    """New recovery codes replaced the old ones."""
    audit_log.about_person("recovery_codes.renewed", membership)
