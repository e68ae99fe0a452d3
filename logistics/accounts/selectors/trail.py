"""Reading the audit trail of one organization."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from logistics.core import clock, scoping
from logistics.core.models import AuditEntry, AuditSeal


@dataclass(frozen=True)
class TrailFilter:
    """What to show. ``zone`` says on whose calendar the days are."""

    action: str = ""
    person: str = ""
    target: str = ""
    patient_id: UUID | None = None
    result: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    zone: str = "UTC"

    @property
    def set_ones(self) -> dict[str, Any]:
        """The filters that narrow anything down."""
        names = ("action", "person", "target", "patient_id", "result", "since", "until")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def entry_list(wanted: TrailFilter) -> QuerySet[AuditEntry]:
    """Entries of the open scope's organization, newest first."""
    found = _own().order_by("-id")
    if wanted.action:
        found = found.filter(Q(action=wanted.action) | Q(action__startswith=f"{wanted.action}."))
    if wanted.person:
        found = found.filter(actor_label__icontains=wanted.person)
    if wanted.target:
        found = found.filter(Q(target_id__iexact=wanted.target) | Q(target_type__icontains=wanted.target))
    if wanted.patient_id:
        found = found.filter(patient_id=wanted.patient_id)
    if wanted.result:
        found = found.filter(result=wanted.result)
    if wanted.since:
        found = found.filter(at__gte=clock.day_bounds(wanted.since, wanted.zone)[0])
    if wanted.until:
        found = found.filter(at__lt=clock.day_bounds(wanted.until, wanted.zone)[1])
    return found


def actions_seen() -> list[str]:
    """The words of all actions in this organization's trail."""
    return list(_own().order_by("action").values_list("action", flat=True).distinct())


def last_seal() -> AuditSeal | None:
    """The newest seal of the open scope's chain."""
    return AuditSeal.objects.filter(chain=str(scoping.current().organization_id or "")).order_by("-upto_xid").first()


def _own() -> QuerySet[AuditEntry]:
    scope = scoping.current()
    if scope.side == "staff":
        return AuditEntry.objects.filter(tenant_id=scope.tenant_id)
    if scope.side == "vendor":
        return AuditEntry.objects.filter(vendor_id=scope.vendor_id)
    return AuditEntry.objects.none()
