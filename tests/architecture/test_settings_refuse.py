"""Production does not start without its secrets, or with development's."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "live1:" + base64.b64encode(bytes(range(32))).decode()
WHOLE = {
    "CARRYWELL_ENV": "prod",
    "DJANGO_SETTINGS_MODULE": "logistics.config.settings.prod",
    "CARRYWELL_SECRET_KEY": "k3J" * 20,
    "CARRYWELL_FIELD_KEYS": KEY,
    "CARRYWELL_HOSTS": "carrywell.example",
    "DATABASE_URL": "postgresql://cw_app:x@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
SHOW = (
    "from django.conf import settings as s; print(s.DEBUG, s.DEMO_MODE, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE,"
    " s.SECURE_HSTS_SECONDS > 0, s.ALLOWED_HOSTS)"
)


def start(**changes: str | None) -> subprocess.CompletedProcess[str]:
    """Read the production settings in a process of their own."""
    values = {**WHOLE, **changes}
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    env = {**keep, **{name: value for name, value in values.items() if value is not None}}
    return subprocess.run([sys.executable, "-c", SHOW], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_with_everything_set_it_starts_shut_and_secure() -> None:
    run = start(CARRYWELL_DEMO="true")
    assert run.stdout.strip() == "False False True True True ['carrywell.example']", run.stderr


@pytest.mark.parametrize(
    "name", ["CARRYWELL_SECRET_KEY", "CARRYWELL_FIELD_KEYS", "CARRYWELL_HOSTS", "DATABASE_URL", "REDIS_URL"]
)
def test_a_missing_secret_stops_the_start_and_is_named(name: str) -> None:
    run = start(**{name: None})
    assert run.returncode != 0
    assert f"{name} is not set" in run.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CARRYWELL_SECRET_KEY", "short"),
        ("CARRYWELL_SECRET_KEY", "development-only-secret-key-not-for-any-real-patient-data"),
        ("CARRYWELL_FIELD_KEYS", "dev1:ZGV2ZWxvcG1lbnQtb25seS1maWVsZC1rZXktMzJieXQ="),
    ],
)
def test_a_weak_or_developments_secret_stops_the_start(name: str, value: str) -> None:
    run = start(**{name: value})
    assert run.returncode != 0
    assert "BadEnvironment" in run.stderr
    assert value not in run.stderr
