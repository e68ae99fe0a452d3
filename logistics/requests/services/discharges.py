"""The plan of a stay's end: announced, left, withdrawn."""

from __future__ import annotations

import datetime as dt

from logistics.core import audit, outbox, scoping
from logistics.requests import states
from logistics.requests.models import Discharge, DischargeEvent, Encounter
from logistics.requests.services import transitions
from logistics.requests.services.changes import ChangeLog, Stamp


def of(encounter: Encounter) -> Discharge | None:
    """The stay's discharge, or None."""
    return Discharge.objects.filter(encounter=encounter).first()


def announce(
    encounter: Encounter, *, expected_at: dt.datetime | None, stamp: Stamp, log: ChangeLog, rule: str
) -> tuple[Discharge, bool]:
    """(discharge, changed): the discharge is planned for ``expected_at``. Publishes ``discharge.pending``."""
    discharge = of(encounter)
    if discharge is None:
        discharge = _create(encounter, expected_at=expected_at, stamp=stamp)
        log.add(discharge, "announced", rule=rule, after={"expected_at": expected_at})
        return discharge, True
    changed = False
    if discharge.status == "withdrawn":
        transitions.discharge_to(
            discharge,
            "pending",
            at=stamp.effective_at,
            source=stamp.source,
            changes={"announced_at": stamp.effective_at},
        )
        log.add(discharge, "announced", rule=rule, before={"status": "withdrawn"}, after={"status": "pending"})
        changed = True
    return discharge, expect(discharge, expected_at, log=log, rule=rule) or changed


def expect(discharge: Discharge, expected_at: dt.datetime | None, *, log: ChangeLog, rule: str) -> bool:
    """Set when the patient is expected to leave (None = unknown). False when that is known already."""
    if discharge.expected_at == expected_at:
        return False
    log.add(
        discharge,
        "expected",
        rule=rule,
        before={"expected_at": discharge.expected_at},
        after={"expected_at": expected_at},
    )
    discharge.expected_at = expected_at
    discharge.save(update_fields=["expected_at"])
    outbox.publish(
        "discharge.expected", {"discharge_id": str(discharge.pk), "encounter_id": str(discharge.encounter_id)}
    )
    return True


def leave(encounter: Encounter, *, left_at: dt.datetime, stamp: Stamp, log: ChangeLog, rule: str) -> Discharge:
    """The patient left at ``left_at``. Publishes ``discharge.left``."""
    discharge = of(encounter) or _create(encounter, expected_at=None, stamp=stamp)
    if discharge.status != "left":
        before = discharge.status
        transitions.discharge_to(
            discharge, "left", at=stamp.effective_at, source=stamp.source, changes={"left_at": left_at}
        )
        log.add(discharge, "left", rule=rule, before={"status": before}, after={"status": "left", "left_at": left_at})
    elif discharge.left_at != left_at:
        log.add(discharge, "left", rule=rule, before={"left_at": discharge.left_at}, after={"left_at": left_at})
        discharge.left_at = left_at
        discharge.save(update_fields=["left_at"])
    return discharge


def withdraw(encounter: Encounter, *, stamp: Stamp, log: ChangeLog, rule: str) -> Discharge | None:
    """The patient does not leave for now. Publishes ``discharge.withdrawn``."""
    discharge = of(encounter)
    if discharge is None or discharge.status == "withdrawn":
        return discharge
    before = discharge.status
    transitions.discharge_to(
        discharge,
        "withdrawn",
        at=stamp.effective_at,
        source=stamp.source,
        reason=rule,
        changes={"expected_at": None, "left_at": None},
    )
    log.add(discharge, "withdrawn", rule=rule, before={"status": before}, after={"status": "withdrawn"})
    return discharge


def _create(encounter: Encounter, *, expected_at: dt.datetime | None, stamp: Stamp) -> Discharge:
    discharge = Discharge.objects.create(
        encounter=encounter, announced_at=stamp.effective_at, expected_at=expected_at, source=stamp.source[:20]
    )
    scope = scoping.current()
    DischargeEvent.objects.create(
        discharge=discharge,
        new_status=states.DISCHARGE.initial,
        at=stamp.effective_at,
        actor_id=scope.user_id,
        actor_label=scope.actor_label,
        source=stamp.source,
    )
    audit.record(action="discharge.pending", target=discharge, patient_id=encounter.patient_id)
    outbox.publish("discharge.pending", {"discharge_id": str(discharge.pk), "encounter_id": str(encounter.pk)})
    return discharge
