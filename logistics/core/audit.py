"""The audit trail: one call per verb, in the verb's own transaction."""

from __future__ import annotations

from typing import Any

from django.db import models

from logistics.core import scoping
from logistics.core.models import AuditEntry


def record(
    *,
    action: str,
    target: models.Model | None = None,
    target_type: str = "",
    target_id: str = "",
    patient_id: Any = None,
    purpose: str = "",
    result: str = "success",
    reason: str = "",
    details: dict[str, Any] | None = None,
    scope: scoping.Scope | None = None,
) -> AuditEntry:
    """Append one entry for the open scope's actor.

    ``action`` is ``noun.past_participle`` (``trip.accepted``, ``patient.viewed``); ``details`` takes ids,
    enums and figures only. ``purpose`` of a PHI read is ``treatment``, ``payment`` or ``operations``
    (45 CFR 164.506).
    """
    scope = scope or scoping.current()
    if target is not None:
        target_type = target_type or target._meta.label_lower
        target_id = target_id or str(target.pk)
    return AuditEntry.objects.create(
        tenant_id=scope.tenant_id,
        vendor_id=scope.vendor_id,
        actor_id=scope.user_id,
        actor_label=scope.actor_label,
        actor_role=scope.actor_role,
        action=action,
        target_type=target_type,
        target_id=target_id,
        patient_id=patient_id,
        purpose=purpose,
        result=result,
        reason=reason[:300],
        details=details or {},
        request_id=scope.request_id,
        client_ip=scope.client_ip or None,
    )
