"""Raising alerts once, and taking note that a person has seen them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from logistics.accounts.models import Unit
from logistics.core import audit, clock, outbox, scoping
from logistics.requests.models import Alert, Encounter, ServiceRequest


def raise_alert(
    code: str,
    severity: str = "warn",
    *,
    request: ServiceRequest | None = None,
    encounter: Encounter | None = None,
    unit: Unit | None = None,
    params: dict[str, Any] | None = None,
    message_id: int | None = None,
) -> Alert:
    """Raise ``code`` (a key of ``requests.alerts.SENTENCES``) about a request or a stay.

    An open alert of the same code about the same thing is filled anew instead of doubled. ``severity`` is
    ``info``, ``warn`` or ``top``. Publishes ``alert.raised``.
    """
    unit_id = unit.pk if unit else (request.unit_id if request else None) or (encounter.unit_id if encounter else None)
    known = Alert.objects.filter(code=code, request=request, acknowledged_at__isnull=True)
    if request is None:
        known = known.filter(encounter=encounter)
    alert = known.first()
    if alert is None:
        alert = Alert.objects.create(
            code=code,
            severity=severity,
            request=request,
            encounter=encounter,
            unit_id=unit_id,
            params=params or {},
            source_message_id=message_id,
        )
        audit.record(action="alert.raised", target=alert, details={"code": code, "severity": severity})
    else:
        alert.params, alert.severity, alert.unit_id = params or {}, severity, unit_id
        alert.source_message_id = message_id or alert.source_message_id
        alert.save(update_fields=["params", "severity", "unit_id", "source_message_id"])
    outbox.publish(
        "alert.raised",
        {
            "alert_id": str(alert.pk),
            "code": code,
            "severity": severity,
            "request_id": str(request.pk) if request else "",
            "encounter_id": str(encounter.pk) if encounter else "",
            "unit_id": str(unit_id or ""),
        },
    )
    return alert


def acknowledge(alert: Alert) -> Alert:
    """The signed-in person has seen ``alert``. A second acknowledgment changes nothing."""
    if alert.acknowledged_at is not None:
        return alert
    scope = scoping.current()
    values = {
        "acknowledged_at": clock.now(),
        "acknowledged_by_id": scope.user_id,
        "acknowledged_by_name": scope.actor_label[:120],
    }
    if Alert.objects.filter(pk=alert.pk, acknowledged_at__isnull=True).update(**values):
        audit.record(action="alert.acknowledged", target=alert, details={"code": alert.code})
        outbox.publish(
            "alert.acknowledged",
            {"alert_id": str(alert.pk), "code": alert.code, "request_id": str(alert.request_id or "")},
        )
    alert.refresh_from_db()
    return alert


def resolve(codes: Iterable[str], *, request: ServiceRequest | None = None, encounter: Encounter | None = None) -> int:
    """Close open alerts whose cause is gone. Returns how many."""
    open_ones = Alert.objects.filter(code__in=list(codes), acknowledged_at__isnull=True)
    open_ones = open_ones.filter(request=request) if request is not None else open_ones.filter(encounter=encounter)
    count = 0
    for alert in open_ones:
        acknowledge(alert)
        count += 1
    return count
