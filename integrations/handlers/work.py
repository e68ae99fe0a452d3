"""One message at work: its facts, whom they concern, and what was done so far."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from integrations.handlers import chart
from integrations.handlers.resolve import Resolved, location, place_named
from integrations.hl7v2.adt import CLEARED, UNCHANGED, AdtEvent
from integrations.hl7v2.parse import Message
from integrations.models import Feed, InboundMessage
from integrations.services.keys import token_of_visit, visit_of
from logistics.core import clock
from logistics.requests.models import Encounter, Patient
from logistics.requests.services import alerts, discharges, drafts, encounters, patients
from logistics.requests.services.changes import ChangeLog, Stamp
from logistics.requests.services.drafts import Prefill, Reaction

FUTURE_MINUTES = 10
# What a changed column of a patient may clear in a ride.
RIDE_COLUMNS = {"weight_lb": ("weight_lb",), "chart": ("mobility", "oxygen_lpm"), "payer_name": ("payer_name",)}
SAFETY_WORDS = {
    "weight_lb": "the weight",
    "isolation": "the isolation",
    "chart": "oxygen or mobility",
    "family_name": "the name",
    "given_name": "the name",
    "birth_date": "the birth date",
}


@dataclass(frozen=True)
class Outcome:
    """How a message ended: one of ``InboundMessage.OUTCOMES``, with a problem in words where a person should look."""

    outcome: str
    problem_code: str = ""
    problem: str = ""


class Conflict(Exception):
    """The stay belongs to somebody else than the message says (rule R8)."""


@dataclass
class Work:
    """The facts of one patient in one message, on their way into the house."""

    feed: Feed
    row: InboundMessage
    message: Message
    event: AdtEvent
    log: ChangeLog = field(default_factory=ChangeLog)
    warnings: list[str] = field(default_factory=list)
    patient: Patient | None = None
    encounter: Encounter | None = None
    place: Resolved = field(default_factory=Resolved)
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        now = clock.now()
        effective = self.event.effective_at
        if effective is None:
            self.warnings.append("no_usable_time")
        elif effective > now + dt.timedelta(minutes=FUTURE_MINUTES):
            self.warnings.append("time_in_the_future")
        received = self.row.received_at
        recorded = self.event.recorded_at or self.event.message_at or received
        self.stamp = Stamp(effective or recorded, recorded, self.row.pk)
        self.token = token_of_visit(self.event, self.feed.tenant_id)
        self.rule = self.event.event

    # Whom it concerns

    def look(self) -> None:
        """Find unit, patient and stay without writing. Raises ``Stopped`` or :class:`Conflict`."""
        self.place = location(self.feed, self.event.location)
        self.patient = patients.find(chart.identities(self.event))
        if self.token is not None:
            self.encounter = encounters.find(self.token)
        elif self.patient is not None:
            self.encounter = encounters.only_open_of(self.patient)
        if self.encounter is None:
            return
        if self.patient is None:
            # A new number for a known stay is no proof of another person, but no proof of the same one either.
            raise Conflict
        if self.encounter.patient_id != self.patient.pk:
            raise Conflict
        self.encounter.patient = self.patient

    @property
    def has_visit(self) -> bool:
        """Whether the message can be tied to one stay."""
        return self.token is not None or self.encounter is not None

    def person(self) -> Patient:
        """The patient, made or brought up to date when this message knows better."""
        columns, warnings = chart.demographics(self.event, self.patient, self.stamp.effective_at)
        self.warnings += warnings
        known = self.patient
        if known is None:
            self.patient, made = patients.find_or_create(chart.identities(self.event), **columns)
            if made:
                self.log.add(self.patient, "created", rule=self.rule)
                return self.patient
            known = self.patient
        else:
            patients.add_identifiers(known, chart.identities(self.event))
        if self.encounter is None or encounters.note(self.encounter, "patient", self.stamp):
            self.changed = patients.update_demographics(known, **columns)
            if self.changed:
                self.log.add(
                    known,
                    "updated",
                    rule=f"{self.rule} snapshot",
                    before={name: pair[0] for name, pair in self.changed.items()},
                    after={name: pair[1] for name, pair in self.changed.items()},
                )
        return known

    def stay(self, *, planned: bool = False) -> Encounter:
        """The stay, opened on first sight, with class, place and admission as far as this message knows better."""
        patient = self.person()
        if self.encounter is None:
            visit = visit_of(self.event)
            if self.token is None or visit is None:
                raise ValueError("a stay needs a visit number")
            self.encounter = encounters.open_stay(
                patient=patient,
                token=self.token,
                number=visit.number,
                facility=self.place.unit.facility if self.place.unit else self.feed.facility,
                stamp=self.stamp,
                log=self.log,
                rule=self.rule,
                planned=planned,
            )
            encounters.note(self.encounter, "patient", self.stamp)
        self._snapshot(self.encounter)
        return self.encounter

    def _snapshot(self, encounter: Encounter) -> None:
        rule = f"{self.rule} snapshot"
        if self.place.told:
            was_known = "location" in encounter.fact_times
            moved = encounters.move(
                encounter, unit=self.place.unit, bed=self.place.bed_row(), stamp=self.stamp, log=self.log, rule=rule
            )
            if moved and was_known:
                self.react("moved")
        elif self.event.location is CLEARED:
            encounters.move(encounter, unit=None, bed=None, stamp=self.stamp, log=self.log, rule=rule)
        klass = self.event.patient_class
        if klass is not UNCHANGED:
            value = {"patient_class": "" if klass is CLEARED else str(klass)[:10]}
            encounters.set_values(encounter, "class", value, stamp=self.stamp, log=self.log, rule=rule)
        admitted = self.event.admitted_at
        if admitted is not UNCHANGED:
            when = {"admitted_at": None if admitted is CLEARED else admitted}
            encounters.set_values(encounter, "admitted_at", when, stamp=self.stamp, log=self.log, rule=rule)

    # What follows for the ride

    def prefill(self, ready_at: dt.datetime | None = None) -> Prefill:
        """What the ride can take over from the chart and this message."""
        named = self.message.value(self.message.field("PV1", 37), 1) or self.message.value(
            self.message.field("PV1", 37), 2
        )
        details = drafts.chart_details(self.patient) if self.patient else {}
        return Prefill(ready_at=ready_at, place=place_named(named), details=details)

    def react(self, fact: str, ready_at: dt.datetime | None = None) -> Reaction:
        """Let the table of rides answer one fact."""
        if self.encounter is None:
            return Reaction(None, "keep")
        rule = f"{self.rule} {fact}"
        prefill = self.prefill(ready_at)
        return drafts.react(fact, self.encounter, stamp=self.stamp, log=self.log, rule=rule, prefill=prefill)

    def refresh_ride(self) -> None:
        """A newer snapshot changes an open ride's details before dispatch, and alerts about safety after it."""
        if self.encounter is None or not self.changed or self.patient is None:
            return
        ride = drafts.ride_of(self.encounter)
        if ride is None or ride.status in ("completed", "canceled"):
            return
        if ride.status != "in_progress":
            cleared = frozenset(column for name in self.changed for column in RIDE_COLUMNS.get(name, ()))
            known = Prefill(details=drafts.chart_details(self.patient, cleared=cleared))
            drafts.fill(ride, known, log=self.log, rule=f"{self.rule} snapshot")
        words = sorted({SAFETY_WORDS[name] for name in self.changed if name in SAFETY_WORDS})
        if words and ride.status in ("scheduled", "in_progress"):
            severity = "top" if ride.status == "in_progress" else "warn"
            self.log.alerts.append(
                alerts.raise_alert(
                    "safety_changed",
                    severity,
                    request=ride,
                    encounter=self.encounter,
                    params={"what": words},
                    message_id=self.row.pk,
                )
            )

    def expected(self) -> tuple[bool, dt.datetime | None]:
        """(said, when): the expected discharge of PV2-9; said with None when the sender deleted it."""
        given = self.event.expected_discharge_at
        if given is CLEARED:
            return True, None
        return (False, None) if given is UNCHANGED else (True, given)  # type: ignore[return-value]

    def set_expected(self, when: dt.datetime | None) -> bool:
        """Set the expected discharge everywhere it shows. False when a newer one is known or nothing differs."""
        encounter = self.encounter
        if encounter is None:
            return False
        changed = encounters.set_values(
            encounter,
            "expected_discharge",
            {"expected_discharge_at": when},
            stamp=self.stamp,
            log=self.log,
            rule=f"{self.rule} PV2-9",
        )
        discharge = discharges.of(encounter)
        if changed and discharge is not None:
            discharges.expect(discharge, when, log=self.log, rule=f"{self.rule} PV2-9")
        return bool(changed)

    def done(self) -> Outcome:
        """Applied when anything changed, else no change."""
        return Outcome("applied" if self.log else "no_change")
