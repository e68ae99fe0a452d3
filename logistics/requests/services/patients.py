"""Patients: found by their identifiers only, kept up to date, and indexed for search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from logistics.core import audit, clock, crypto, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests.models import (
    Encounter,
    Patient,
    PatientAddress,
    PatientIdentifier,
    PatientMerge,
    PatientToken,
    ServiceRequest,
    StandingOrder,
)
from logistics.requests.selectors.patients import mrn_form, name_prefixes, phone_form, token
from logistics.requests.services import geocode, homes

# What search goes by: a change in one of these needs new tokens.
INDEXED = {"family_name", "given_name", "middle_name", "phone", "birth_date", "mrn"}
DEMOGRAPHICS = INDEXED | {
    "address", "sex", "language", "weight_lb", "weight_at", "isolation", "payer_name", "chart", "deceased",
}  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """How one system names a patient: (assigning authority, type of table 0203, value)."""

    value: str
    authority: str = ""
    kind: str = ""

    @property
    def token(self) -> bytes:
        """Blind and unique in the health system."""
        key = f"{self.authority.upper()}|{self.kind.upper()}|{mrn_form(self.value)}"
        return crypto.blind(key, tenant_id=scoping.current_tenant_id(), kind="identity")


def find(identities: Sequence[Identity]) -> Patient | None:
    """The patient whom one of these names; the first that is known counts. No matching by name or birth date."""
    known = {
        bytes(row.token): row
        for row in PatientIdentifier.objects.filter(token__in=[one.token for one in identities]).select_related(
            "patient"
        )
    }
    return next((known[one.token].patient for one in identities if one.token in known), None)


def find_or_create(identities: Sequence[Identity], **demographics: Any) -> tuple[Patient, bool]:
    """(patient, made). ``demographics`` (names of :data:`DEMOGRAPHICS`) fill a new patient only.

    New identifiers of a known patient are added, unless they name somebody else already. Two workers that
    meet the same new patient make one row. Raises ``ValueError`` without an identity.
    """
    if not identities:
        raise ValueError("a patient needs an identifier")
    _lock(identities[0].token)
    patient = find(identities)
    made = patient is None
    if patient is None:
        demographics.setdefault("mrn", identities[0].value)
        patient = Patient.objects.create(**demographics)
        audit.record(action="patient.created", target=patient, patient_id=patient.pk)
        index_tokens(patient)
        homes.learn(patient)
        outbox.publish("patient.created", {"patient_id": str(patient.pk)})
    add_identifiers(patient, identities)
    return patient, made


def add_identifiers(patient: Patient, identities: Iterable[Identity]) -> int:
    """Let further identifiers name ``patient``; one that names somebody else stays there. Returns how many."""
    wanted = {one.token: one for one in identities}
    taken = {bytes(t) for t in PatientIdentifier.objects.filter(token__in=list(wanted)).values_list("token", flat=True)}
    fresh = [one for key, one in wanted.items() if key not in taken]
    for one in fresh:
        PatientIdentifier.objects.create(
            patient=patient, authority=one.authority[:80], kind=one.kind[:20], value=one.value, token=one.token
        )
    if fresh:
        index_tokens(patient)
    return len(fresh)


def register(*, key: str, mrn: str = "", **demographics: Any) -> Patient:
    """A patient whom a person adds by hand. The same form sent twice (``key``) answers with the same patient.

    Raises :class:`DomainError` (field ``mrn``) when the number names somebody already.
    """
    given = Identity(mrn, kind="MR") if mrn else None
    if given is not None:
        _lock(given.token)
        named = PatientToken.objects.filter(kind="mrn", token=token("mrn", mrn_form(mrn))).first()
        own = find([Identity(key, "carrywell", "form")])
        if named is not None and (own is None or named.patient_id != own.pk):
            words = "This number names a patient already. Find them instead."
            raise DomainError(words, code="mrn_taken", fields={"mrn": words})
    by_hand = Identity(key, "carrywell", "form")
    patient, _ = find_or_create([by_hand], mrn=mrn, **demographics)
    if given is not None:
        add_identifiers(patient, [given])
    return patient


def update_demographics(patient: Patient, **values: Any) -> dict[str, tuple[Any, Any]]:
    """Set what differs of ``values`` (names of :data:`DEMOGRAPHICS`). Returns name → (before, after).

    Absent names stay as they are. Publishes ``patient.updated`` with the names only, when anything changed.
    """
    unknown = set(values) - DEMOGRAPHICS
    if unknown:
        raise ValueError(f"not demographics: {sorted(unknown)}")
    changed = {}
    for name, value in values.items():
        before = getattr(patient, name)
        if before != value:
            changed[name] = (before, value)
            setattr(patient, name, value)
    if not changed:
        return {}
    patient.updated_at = clock.now()
    patient.save(update_fields=[*changed, "updated_at"])
    if INDEXED & set(changed):
        index_tokens(patient)
    if "address" in changed:
        homes.learn(patient, before=changed["address"][0])
    audit.record(action="patient.updated", target=patient, patient_id=patient.pk, details={"fields": sorted(changed)})
    outbox.publish("patient.updated", {"patient_id": str(patient.pk), "fields": sorted(changed)})
    return changed


def change_home(patient: Patient, address: dict[str, str]) -> Patient:
    """Write a home that the patient told. Raises :class:`DomainError` naming ``line`` or ``zip_code``."""
    wanted = homes.parts_of(address)
    if not wanted["line"]:
        raise DomainError("Write the street and number.", code="no_street", fields={"line": "Write the street."})
    location = geocode.locate({"zip_code": wanted["zip_code"], "state": wanted["state"]}, field="zip_code")
    wanted["city"], wanted["state"] = wanted["city"] or location.city, location.state
    update_demographics(patient, address=wanted)
    return patient


def index_tokens(patient: Patient) -> None:
    """Write the search tokens of ``patient`` anew."""
    names = (patient.family_name, patient.given_name, patient.middle_name)
    wanted = {("name", token("name", prefix)) for prefix in name_prefixes(*names)}
    identifiers = PatientIdentifier.objects.filter(patient=patient).exclude(kind="form")
    numbers = {patient.mrn, *(row.value for row in identifiers)}
    wanted |= {("mrn", token("mrn", mrn_form(number))) for number in numbers if number}
    if phone_form(patient.phone):
        wanted.add(("phone", token("phone", phone_form(patient.phone))))
    if patient.birth_date:
        wanted.add(("dob", token("dob", patient.birth_date)))
    known = {(row.kind, bytes(row.token)): row.pk for row in PatientToken.objects.filter(patient=patient)}
    PatientToken.objects.filter(pk__in=[pk for key, pk in known.items() if key not in wanted]).delete()
    PatientToken.objects.bulk_create(
        [PatientToken(patient=patient, kind=kind, token=value) for kind, value in wanted - set(known)]
    )


def merge(surviving: Patient, retired: Patient) -> dict[str, int]:
    """Let everything of ``retired`` belong to ``surviving``; the retired row stays, empty of stays and rides.

    Returns how many identifiers, stays, requests and series moved. Late messages with the retired number reach the
    surviving patient, since its identifiers moved too.
    """
    for key in sorted([str(surviving.pk), str(retired.pk)]):
        _lock(key.encode())
    moved = {
        "identifiers": PatientIdentifier.objects.filter(patient=retired).update(patient=surviving),
        "encounters": Encounter.objects.filter(patient=retired).update(patient=surviving),
        "requests": ServiceRequest.objects.filter(patient=retired).update(patient=surviving),
        "standing_orders": StandingOrder.objects.filter(patient=retired).update(patient=surviving),
    }
    PatientAddress.objects.filter(patient=retired).update(patient=surviving)
    PatientToken.objects.filter(patient=retired).delete()
    index_tokens(surviving)
    PatientMerge.objects.create(
        surviving=surviving, retired_id=retired.pk, retired_mrn=retired.mrn, moved=moved, merged_at=clock.now(),
        source="person" if scoping.current().user_id else "ehr",
    )  # fmt: skip
    details = {**moved, "retired_id": str(retired.pk)}
    audit.record(action="patient.merged", target=surviving, patient_id=surviving.pk, details=details)
    outbox.publish("patient.merged", {"patient_id": str(surviving.pk), "retired_id": str(retired.pk)})
    return moved


def _lock(key: bytes) -> None:
    number = int.from_bytes(key[:8].ljust(8, b"\0"), "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
