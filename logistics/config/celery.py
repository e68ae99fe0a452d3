"""The Celery application: ``celery -A logistics worker``."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"logistics.config.settings.{os.environ.get('CARRYWELL_ENV', 'dev')}")

app = Celery("logistics")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
