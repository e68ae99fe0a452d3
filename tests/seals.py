"""Sealing the audit trail in tests that share their database server with others."""

from __future__ import annotations

import time

from django.db import transaction

from logistics.core import scoping, sealing
from logistics.core.models import AuditEntry, AuditSeal


def seal(limit: int = 5000) -> int:
    with transaction.atomic(), scoping.enter(scoping.Scope.system()):
        return sealing.seal_all(limit)


def seal_until(entries: int, limit: int = 5000) -> None:
    """Seal until so many entries are sealed: a transaction anywhere on the server holds the newest ones back."""
    deadline, done = time.monotonic() + 60, 0
    while done < entries and time.monotonic() < deadline:
        done += seal(limit)
        time.sleep(0.05)
    assert done == entries


def unsealed() -> int:
    with transaction.atomic(), scoping.enter(scoping.Scope.system()):
        last = AuditSeal.objects.order_by("-upto_xid").values_list("upto_xid", flat=True).first() or 0
        return AuditEntry.objects.filter(xid__gt=last).count()
