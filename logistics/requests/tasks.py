"""Work of demand that runs beside the pages."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import transaction

from logistics.accounts.models import Organization
from logistics.core import scoping
from logistics.core.scoping import Scope
from logistics.core.tasks import ScopedTask
from logistics.requests.services import approvals, standing_orders

logger = logging.getLogger(__name__)


@shared_task(base=ScopedTask, opens_own_scope=True, name="logistics.requests.tasks.look_ahead")
def look_ahead() -> dict[str, int]:
    """Beat: make the rides of the days that came into view, for each standing order in a transaction of its own.

    Returns counts. One order's failure is logged and does not stop the others.
    """
    done = {"made": 0, "changed": 0, "canceled": 0, "failed": 0}
    with transaction.atomic(), scoping.enter(Scope.system(actor_label="look-ahead")):
        tenants = Organization.objects.filter(kind="health_system", is_active=True).order_by("pk")
        ids = list(tenants.values_list("pk", flat=True))
    for tenant_id in ids:
        scope = Scope.staff(tenant_id, actor_label="look-ahead")
        with transaction.atomic(), scoping.enter(scope):
            due = standing_orders.due()
        for order_id in due:
            try:
                with transaction.atomic(), scoping.enter(scope):
                    made = standing_orders.look_after(order_id)
            except Exception as error:
                done["failed"] += 1
                logger.exception(
                    "look-ahead failed", extra={"standing_order": str(order_id), "error": type(error).__name__}
                )
                continue
            done["made"] += made.made
            done["changed"] += made.changed
            done["canceled"] += made.canceled
    return done


@shared_task(base=ScopedTask, opens_own_scope=True, name="logistics.requests.tasks.escalate_approvals")
def escalate_approvals() -> int:
    """Beat: hand on approvals that nobody answered in time, a transaction a health system. Returns how many moved."""
    with transaction.atomic(), scoping.enter(Scope.system(actor_label="approvals")):
        tenants = Organization.objects.filter(kind="health_system", is_active=True).order_by("pk")
        ids = list(tenants.values_list("pk", flat=True))
    moved = 0
    for tenant_id in ids:
        try:
            with transaction.atomic(), scoping.enter(Scope.staff(tenant_id, actor_label="approvals")):
                moved += approvals.escalate_due()
        except Exception as error:  # one health system's failure must not keep the others waiting
            logger.exception("escalation failed", extra={"tenant": str(tenant_id), "error": type(error).__name__})
    return moved
