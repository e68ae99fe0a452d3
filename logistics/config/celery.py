"""The Celery application: ``celery -A logistics worker``."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_process_init

from logistics.core import heap

os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"logistics.config.settings.{os.environ.get('CARRYWELL_ENV', 'dev')}")

app = Celery("logistics")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def load_solver(**_: Any) -> None:
    """Load CP-SAT before the worker forks: its processes share it, and the first match does not wait for it."""
    import_module("ortools.sat.python.cp_model")


@worker_process_init.connect
def settle_heap(**_: Any) -> None:
    """Each of the worker's processes, before its first task."""
    heap.settle()
