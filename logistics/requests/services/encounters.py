"""Stays: opened, moved, discharged, reopened and canceled by facts that may come late or in the wrong order."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from logistics.accounts.models import Facility, Unit
from logistics.core import audit, clock, crypto, outbox, scoping
from logistics.requests.models import Bed, Encounter, EncounterEvent, Patient, Tombstone
from logistics.requests.services import transitions
from logistics.requests.services.changes import ChangeLog, Stamp, is_newer, note_fact

TOMBSTONE_DAYS = 7  # rule R3


def visit_token(number: str, authority: str = "", *, tenant_id: UUID | None = None) -> bytes:
    """The blind key of a visit number: by it a stay is found and its messages are kept in order."""
    key = f"{authority.strip().upper()}|{number.strip().upper()}"
    return crypto.blind(key, tenant_id=tenant_id or scoping.current_tenant_id(), kind="visit")


def find(token: bytes) -> Encounter | None:
    """The stay with this visit token."""
    return Encounter.objects.filter(visit_token=token).select_related("patient", "unit", "bed", "facility").first()


def only_open_of(patient: Patient) -> Encounter | None:
    """The patient's stay when exactly one is open (the last resort of rule R7)."""
    rows = Encounter.objects.filter(patient=patient, status__in=["planned", "in_house", "on_leave"])
    found = list(rows.select_related("patient", "unit", "bed", "facility")[:2])
    return found[0] if len(found) == 1 else None


def open_stay(
    *,
    patient: Patient,
    token: bytes,
    number: str,
    facility: Facility | None,
    stamp: Stamp,
    log: ChangeLog,
    rule: str,
    planned: bool = False,
) -> Encounter:
    """A new stay. Publishes ``encounter.in_house`` or ``encounter.planned``."""
    status = "planned" if planned else "in_house"
    encounter = Encounter.objects.create(
        patient=patient, facility=facility, status=status, visit_number=number, visit_token=token
    )
    scope = scoping.current()
    EncounterEvent.objects.create(
        encounter=encounter,
        new_status=status,
        at=stamp.effective_at,
        actor_id=scope.user_id,
        actor_label=scope.actor_label,
        source=stamp.source,
    )
    topic = f"encounter.{status}"
    audit.record(action=topic, target=encounter, patient_id=patient.pk, details={"source": stamp.source})
    outbox.publish(topic, {"encounter_id": str(encounter.pk), "old": "", "new": status, "unit_id": ""})
    log.add(encounter, "opened", rule=rule, after={"status": status})
    return encounter


def bed_for(unit: Unit, room: str, bed: str) -> Bed | None:
    """The bed that the EHR calls ``room^bed`` in ``unit``; made on first sight. None without either part."""
    room, bed = room.strip(), bed.strip()
    if not room and not bed:
        return None
    label = "-".join(part for part in (unit.code, room, bed) if part)
    found, _ = Bed.objects.get_or_create(
        unit=unit, code=f"{room}^{bed}"[:60], defaults={"room": room[:20], "label": label[:30]}
    )
    return found


def move(encounter: Encounter, *, unit: Unit | None, bed: Bed | None, stamp: Stamp, log: ChangeLog, rule: str) -> bool:
    """Put the patient where a newer fact says. False when the place is the same or the fact is older.

    Publishes ``encounter.moved``.
    """
    if not is_newer(encounter, "location", stamp):
        return False
    note_fact(encounter, "location", stamp)
    before = {"unit": encounter.unit.code if encounter.unit else "", "bed": bed_label(encounter)}
    same = encounter.unit_id == (unit.pk if unit else None) and encounter.bed_id == (bed.pk if bed else None)
    encounter.unit, encounter.bed = unit, bed
    changed = ["unit", "bed"]
    if unit is not None and encounter.facility_id != unit.facility_id:
        encounter.facility_id = unit.facility_id
        changed.append("facility")
    _save(encounter, *changed)
    if same:
        return False
    after = {"unit": unit.code if unit else "", "bed": bed_label(encounter)}
    log.add(encounter, "moved", rule=rule, before=before, after=after)
    outbox.publish("encounter.moved", {"encounter_id": str(encounter.pk), "unit_id": str(encounter.unit_id or "")})
    return True


def bed_label(encounter: Encounter) -> str:
    """The bed as staff say it, else the unit."""
    if encounter.bed is not None:
        return encounter.bed.label
    return encounter.unit.code if encounter.unit else ""


def set_values(
    encounter: Encounter, fact: str, values: dict[str, Any], *, stamp: Stamp, log: ChangeLog, rule: str
) -> dict[str, tuple[Any, Any]]:
    """Set plain columns that one ``fact`` speaks of, when it is newer. Returns name → (before, after).

    Publishes ``encounter.updated`` when anything differs.
    """
    if not values or not is_newer(encounter, fact, stamp):
        return {}
    note_fact(encounter, fact, stamp)
    changed = {name: (getattr(encounter, name), value) for name, value in values.items()}
    changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
    for name, (_, value) in changed.items():
        setattr(encounter, name, value)
    _save(encounter, *changed)
    if changed:
        log.add(
            encounter,
            f"{fact}_set",
            rule=rule,
            before={name: pair[0] for name, pair in changed.items()},
            after={name: pair[1] for name, pair in changed.items()},
        )
        outbox.publish(
            "encounter.updated",
            {"encounter_id": str(encounter.pk), "unit_id": str(encounter.unit_id or ""), "fields": sorted(changed)},
        )
    return changed


def note(encounter: Encounter, fact: str, stamp: Stamp) -> bool:
    """Remember that a fact was told. False when a newer or equal one is known."""
    if not is_newer(encounter, fact, stamp):
        return False
    note_fact(encounter, fact, stamp)
    _save(encounter)
    return True


def to_status(
    encounter: Encounter, to: str, *, stamp: Stamp, log: ChangeLog, rule: str, changes: dict[str, Any] | None = None
) -> bool:
    """Move the stay along its state table. False when it is there already."""
    if encounter.status == to:
        return False
    before = encounter.status
    transitions.encounter_to(
        encounter, to, at=stamp.effective_at, source=stamp.source, reason=rule, changes=changes or {}
    )
    log.add(encounter, to, rule=rule, before={"status": before}, after={"status": to, **(changes or {})})
    return True


def bury(token: bytes, cancels: str, stamp: Stamp) -> None:
    """Keep a cancel that came before what it cancels (rule R3)."""
    Tombstone.objects.filter(expires_at__lt=clock.now()).delete()
    Tombstone.objects.create(
        visit_token=token,
        cancels=cancels,
        effective_at=stamp.effective_at,
        expires_at=clock.now() + dt.timedelta(days=TOMBSTONE_DAYS),
        message_id=stamp.message_id,
    )


def is_buried(token: bytes, event: str, stamp: Stamp) -> bool:
    """Whether a cancel at or after ``stamp`` already arrived for this event."""
    return Tombstone.objects.filter(
        visit_token=token, cancels=event, effective_at__gte=stamp.effective_at, expires_at__gte=clock.now()
    ).exists()


def _save(encounter: Encounter, *names: str) -> None:
    encounter.save(update_fields=[*names, "fact_times", "updated_at"])
