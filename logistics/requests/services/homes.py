"""Where a patient lives: every home that was learned, from whom and when, and whether a ride goes to the newest.

A ride to an old address is how patients are left at the wrong door; so a home is never overwritten, its age is
shown, and a ride that was booked to an older one is pointed out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from logistics.core import audit, clock, scoping
from logistics.core.errors import DomainError
from logistics.requests.models import Patient, PatientAddress, ServiceRequest, TransportDetail
from logistics.requests.services import alerts

PARTS = ("line", "city", "state", "zip_code")
# A home that nobody has confirmed for so long is asked about again before a ride goes there (our own choice).
STALE_DAYS = 180
LIVE = ("draft", "pending", "requested", "scheduled", "in_progress", "held")


@dataclass(frozen=True)
class Residence:
    """The home that counts now: the address, who said so, when, and whether it should be asked again."""

    address: dict[str, str]
    source: str
    source_words: str
    learned_at: dt.datetime
    confirmed_at: dt.datetime | None
    days: int
    stale: bool


def learn(
    patient: Patient, *, source: str = "", before: dict[str, Any] | None = None, at: dt.datetime | None = None
) -> PatientAddress | None:
    """Keep the patient's address as it is now, when it differs from the last one kept. None when it does not.

    ``source`` is ``ehr``, ``person`` or ``import``; left out, a person's work is ``person`` and a feed's ``ehr``.
    ``before`` is the address that this one replaces: it is kept too if it never was. Open rides to another home
    get an alert.
    """
    source = source or ("person" if scoping.current().user_id else "ehr")
    address = parts_of(patient.address)
    if before and any(parts_of(before).values()) and not PatientAddress.objects.filter(patient=patient).exists():
        PatientAddress.objects.create(
            patient=patient, address=parts_of(before), source="ehr", learned_at=patient.created_at
        )
    last = PatientAddress.objects.filter(patient=patient).order_by("-learned_at", "-pk").first()
    if not any(address.values()) or (last is not None and same(last.address, address)):
        return None
    row = PatientAddress.objects.create(
        patient=patient,
        address=address,
        source=source,
        learned_at=at or clock.now(),
        learned_by_name=scoping.current().actor_label if source == "person" else "",
    )
    audit.record(action="patient.home_learned", target=row, patient_id=patient.pk, details={"source": source})
    if last is not None:
        _point_out(patient, address)
    return row


def confirm(patient: Patient) -> PatientAddress:
    """A person asked the patient, who lives there still. Raises :class:`DomainError` when no home is known."""
    row = PatientAddress.objects.filter(patient=patient).order_by("-learned_at", "-pk").first()
    if row is None:
        learned = learn(patient, source="person")
        if learned is None:
            raise DomainError("No home is known. Write the address first.", code="no_home")
        row = learned
    row.confirmed_at, row.confirmed_by_name = clock.now(), scoping.current().actor_label
    row.save(update_fields=["confirmed_at", "confirmed_by_name"])
    audit.record(action="patient.home_confirmed", target=row, patient_id=patient.pk)
    return row


def residence(patient: Patient) -> Residence | None:
    """The home that counts now, or None when none is known. One query."""
    row = PatientAddress.objects.filter(patient=patient).order_by("-learned_at", "-pk").first()
    address = parts_of(patient.address)
    if row is None:
        if not any(address.values()):
            return None
        # Known before homes were kept: its age is the chart's own.
        return _residence(address, "ehr", "EHR", patient.updated_at, None)
    return _residence(row.address, row.source, row.get_source_display(), row.learned_at, row.confirmed_at)


def check(patient: Patient, detail: TransportDetail) -> str:
    """What is wrong with a ride home, in words; empty when it goes where the patient lives."""
    if detail.destination_kind != "home":
        return ""
    now = residence(patient)
    if now is None:
        return "No home is known any more. Ask the patient where they live."
    if not same(detail.destination_address or {}, now.address):
        return "The patient's address changed since this ride was booked. Check where it goes."
    if now.stale:
        return f"The home was last confirmed {now.days} days ago. Ask whether the patient still lives there."
    return ""


def parts_of(address: Any) -> dict[str, str]:
    """The four parts of an address, trimmed; absent ones are empty."""
    given = address if isinstance(address, dict) else {}
    return {part: " ".join(str(given.get(part) or "").split()) for part in PARTS}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two addresses name the same door, whatever their spelling of case and ZIP+4."""
    return _key(one) == _key(other)


def _key(address: dict[str, Any]) -> tuple[str, str]:
    parts = parts_of(address)
    line = parts["line"].casefold().replace(".", "").replace(",", "")
    return line, parts["zip_code"][:5]


def _residence(
    address: dict[str, str], source: str, words: str, learned_at: dt.datetime, confirmed_at: dt.datetime | None
) -> Residence:
    days = (clock.now() - max(learned_at, confirmed_at or learned_at)).days
    return Residence(address, source, words, learned_at, confirmed_at, days, days > STALE_DAYS)


def _point_out(patient: Patient, address: dict[str, str]) -> None:
    """An alert for each open ride to a home that is not this one."""
    rides = TransportDetail.objects.filter(
        request__patient=patient, request__status__in=LIVE, destination_kind="home"
    ).select_related("request")
    for detail in rides:
        if not same(detail.destination_address or {}, address):
            request: ServiceRequest = detail.request
            severity = "top" if request.status == "in_progress" else "warn"
            alerts.raise_alert("home_changed", severity, request=request)
