"""What certifications and authorized units do when a ride changes. Each function may run twice and works once."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from logistics.core.outbox import Event, subscribe
from logistics.requests.models import Alert, ServiceRequest
from logistics.requests.selectors import cert_facts
from logistics.requests.services import alerts, authorizations


@subscribe("request.completed", "request.canceled", "request.drafted", "request.changed")
def follow_units(event: Event) -> None:
    """A ride was done, called off or changed: so is the authorized trip that was kept for it."""
    authorizations.follow(UUID(event.payload["request_id"]))


@subscribe("request.ready", "request.pending")
def find_repetition(event: Event) -> None:
    """A ride was confirmed: when it makes the patient's ambulance rides repetitive and nobody certified that, tell."""
    request = ServiceRequest.objects.select_related("facility").get(pk=event.payload["request_id"])
    facts = cert_facts.of_requests([request]).get(request.pk)
    if facts is None or facts.stream is None or not facts.rule.needed:
        return
    verdict = cert_facts.verdicts([facts])[request.pk]
    told = Alert.objects.filter(
        code="repetitive_transport", request__patient_id=request.patient_id, acknowledged_at__isnull=True
    ).exclude(request=request)
    if verdict.ok or told.exists():
        return
    stream = facts.stream
    params = {"rides": stream.rides, "first": _day(stream.first), "last": _day(stream.last)}
    alerts.raise_alert("repetitive_transport", "warn", request=request, params=params)


@subscribe("trip.accepted")
def check_supplier(event: Event) -> None:
    """A vendor took a trip whose authorization belongs to another company."""
    request_id = UUID(event.payload["request_id"])
    if event.vendor_id is None or authorizations.other_supplier(request_id, event.vendor_id) is None:
        return
    request = ServiceRequest.objects.get(pk=request_id)
    alerts.raise_alert(
        "authorization_other_supplier", "warn", request=request, params={"trip_id": event.payload.get("trip_id", "")}
    )


@subscribe("certification.signed")
def close_alert(event: Event) -> None:
    """Somebody certified: the alerts of rides that are covered now are closed."""
    requests = ServiceRequest.objects.filter(
        patient_id=UUID(event.payload["patient_id"]),
        alerts__code="repetitive_transport",
        alerts__acknowledged_at__isnull=True,
    ).select_related("facility")
    facts = cert_facts.of_requests(requests)
    for pk, verdict in cert_facts.verdicts(facts.values()).items():
        if verdict.ok:
            alerts.resolve(["repetitive_transport"], request=facts[pk].request)


def _day(day: dt.date) -> str:
    return f"{day:%-d %b}"
