"""One-time codes (RFC 6238) and recovery codes: setting up, checking, using up.

Recovery codes are stored as keyed hashes only and each works once. Wrong codes slow the next attempt down,
up to about eight minutes: enough against guessing, and a stranger cannot lock a person out for good.
"""

from __future__ import annotations

import base64
import math
import secrets
from dataclasses import dataclass
from typing import Any

import segno
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from logistics.accounts.models import User
from logistics.core import clock, crypto

CODES = 10
# No 0/O, 1/I/L: people copy these from paper.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 10
# django-otp doubles the wait with every failure; 2**9 seconds is where it stops here.
MOST_FAILURES = 10


@dataclass(frozen=True)
class Outcome:
    """``device`` that took the code; else None, with the seconds until the next attempt is looked at."""

    device: Any = None
    wait_seconds: int = 0


def authenticators(user: User) -> list[TOTPDevice]:
    """The person's confirmed authenticators, oldest first."""
    return list(TOTPDevice.objects.filter(user=user, confirmed=True).order_by("id"))


def check_code(user: User, code: str) -> Outcome:
    """Try a six-digit code on the person's authenticators. A code works once."""
    # The lock makes two requests with one code queue up; the second finds it used.
    devices = list(TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).order_by("id"))
    if wait := min((_wait(device) for device in devices), default=0):
        return Outcome(wait_seconds=wait)
    for device in devices:
        if not _wait(device) and device.verify_token(code):
            return Outcome(device)
    for device in devices:
        _cap(device)
    return Outcome()


def check_recovery_code(user: User, code: str) -> Outcome:
    """Use up one recovery code."""
    device = StaticDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
    if device is None:
        return Outcome()
    if wait := _wait(device):
        return Outcome(wait_seconds=wait)
    used, _ = StaticToken.objects.filter(device=device, token=_hash(user, code)).delete()
    if not used:
        device.throttle_increment()
        _cap(device)
        return Outcome()
    device.throttle_reset(commit=False)
    device.set_last_used_timestamp(commit=False)
    device.save()
    return Outcome(device)


def new_key() -> str:
    """A fresh authenticator key, hex."""
    return secrets.token_hex(20)


def shown_secret(key: str) -> str:
    """The key as apps take it when typed: base32 in groups of four."""
    text = base64.b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def qr_picture(user: User, key: str) -> str:
    """A data: URL of an SVG with the set-up address (otpauth://) for this key."""
    address = TOTPDevice(user=user, key=key, name="Carrywell").config_url
    return segno.make(address, error="m").svg_data_uri(scale=5, border=3, dark="#000", light="#fff")


def confirm(user: User, *, key: str, code: str, name: str = "") -> TOTPDevice | None:
    """Add the authenticator that holds ``key`` if ``code`` is right now; None otherwise."""
    generator = TOTP(bytes.fromhex(key))
    generator.time = clock.now().timestamp()
    if not code.isdigit() or not generator.verify(int(code), tolerance=1):
        return None
    return TOTPDevice.objects.create(
        user=user, key=key, name=name.strip()[:64] or "Authenticator app", confirmed=True, last_t=generator.t()
    )


def remove(user: User, device_id: int) -> str | None:
    """Take one authenticator away. Returns its name, or None when the person has no such device."""
    device = TOTPDevice.objects.filter(user=user, pk=device_id).first()
    if device is None:
        return None
    device.delete()
    return device.name


def forget_all(user: User) -> None:
    """Take every authenticator and recovery code away: the next sign-in sets up a new one."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def new_recovery_codes(user: User) -> list[str]:
    """Ten new codes in place of all older ones. This is the only time that they can be read."""
    device, _ = StaticDevice.objects.get_or_create(user=user, name="Recovery codes", defaults={"confirmed": True})
    device.token_set.all().delete()
    plain = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_hash(user, code)) for code in plain)
    return [f"{code[:5]}-{code[5:]}" for code in plain]


def recovery_codes_left(user: User) -> int:
    """How many recovery codes still work."""
    return StaticToken.objects.filter(device__user=user).count()


def _hash(user: User, code: str) -> str:
    """Sixteen base32 letters (80 bits) of a keyed hash: what fits django-otp's column."""
    normal = "".join(letter for letter in code.upper() if letter.isalnum())
    token = crypto.blind(normal, tenant_id=user.pk, kind="recovery-code")
    return base64.b32encode(token[:10]).decode()


def _wait(device: TOTPDevice | StaticDevice) -> int:
    allowed, why = device.verify_is_allowed()
    if allowed:
        return 0
    return max(math.ceil((why["locked_until"] - clock.now()).total_seconds()), 1)


def _cap(device: TOTPDevice | StaticDevice) -> None:
    if device.throttling_failure_count > MOST_FAILURES:
        device.throttling_failure_count = MOST_FAILURES
        device.save(update_fields=["throttling_failure_count"])
