"""Scheduled work of insights."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import transaction

from logistics.accounts.models import Organization
from logistics.core import scoping
from logistics.core.tasks import ScopedTask
from logistics.insights.services import scorecards

logger = logging.getLogger(__name__)


@shared_task(base=ScopedTask, opens_own_scope=True, name="logistics.insights.tasks.publish_scorecards")
def publish_scorecards() -> int:
    """Beat: publish this and last month's scorecards of every health system. Returns how many changed.

    One transaction a health system: the failure of one leaves the others published.
    """
    with transaction.atomic(), scoping.enter(scoping.Scope.system(actor_label="scorecards")):
        tenants = list(Organization.objects.filter(kind="health_system", is_active=True).values_list("id", flat=True))
    changed = 0
    failed: list[Exception] = []
    for tenant_id in tenants:
        try:
            with transaction.atomic(), scoping.enter(scoping.Scope.staff(tenant_id, actor_label="scorecards")):
                changed += scorecards.publish_recent()
        except Exception as error:
            logger.warning("scorecards failed", extra={"error": type(error).__name__, "tenant": str(tenant_id)})
            failed.append(error)
    if failed:
        raise failed[0]
    return changed


@shared_task(base=ScopedTask, name="logistics.insights.tasks.publish_own_scorecards")
def publish_own_scorecards() -> int:
    """Publish this and last month's scorecards of the health system whose scope the message carries."""
    return scorecards.publish_recent()
