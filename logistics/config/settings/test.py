"""Tests: real PostgreSQL and Redis, quick password hashing."""

from __future__ import annotations

import os

os.environ.setdefault("CARRYWELL_DEMO", "true")

from logistics.config.settings.dev import *

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
LIVE_STREAM_PREFIX = f"live-test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}:"
# Tests run tasks in place; whoever starts the real worker processes turns this off.
CELERY_TASK_ALWAYS_EAGER = env.flag("CARRYWELL_CELERY_EAGER", True)
CELERY_TASK_EAGER_PROPAGATES = True
# A killed worker's tasks come back soon: a test waits for them.
CELERY_BROKER_TRANSPORT_OPTIONS = {**CELERY_BROKER_TRANSPORT_OPTIONS, "visibility_timeout": 20}
