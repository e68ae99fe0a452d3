"""What the demo shows of trips after booking: a change that waits for its vendor, a late cancellation with its fee, and a
place that says when it closes."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from dispatch.models import Trip
from dispatch.services import changes, fees, returns
from logistics.accounts.models import Membership, Organization
from logistics.config.demo.days import settle
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import Place

CLOSES_MINUTE = 18 * 60


def live(made: dict[str, Organization], *, booker: str) -> int:
    """Change one accepted trip of Cedar Ridge and cancel another. Returns how many were found to do it to."""
    tenant = made["cedar-ridge"]
    with transaction.atomic(), scoping.enter(Scope.staff(tenant.pk)):
        user = Membership.objects.select_related("user").get(user__name=booker, organization=tenant).user
        for place in Place.objects.filter(kind="dialysis"):
            place.closes_minute = CLOSES_MINUTE
            place.save(update_fields=["closes_minute"])
    scope = Scope.staff(tenant.pk, user_id=user.pk, actor_label=user.name, actor_role="case_manager")
    with transaction.atomic(), scoping.enter(scope):
        now = clock.now()
        alone = Trip.objects.filter(status__in=["accepted", "crew_assigned"], when="at", request__journey=None)
        ahead = list(alone.filter(pickup_at__gt=now + dt.timedelta(minutes=20)).order_by("pickup_at"))
        if len(ahead) < 2:
            return 0
        first, last = ahead[0], ahead[-1]
        fee = fees.fee_of(first)
        returns.cancel(first.pk, reason="not_medically_ready", note="Waits for a lab result", fee_seen=fee.amount)
        wanted = {"pickup_at": (last.pickup_at + dt.timedelta(minutes=45)).isoformat()}
        changes.change(last.pk, wanted=wanted, version=last.version, reason="Dialysis runs longer today")
    settle()
    return 2
