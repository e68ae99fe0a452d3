"""What each ADT event does (HL7 v2 chapter 3; rules R1 to R9 of docs/integration.md).

Facts are ordered by when they held, not by when they came: a newer fact wins, an older one adds history only,
and a cancel that comes before its original waits for it. Rides follow by the table in
``requests.services.drafts``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from integrations import dispositions
from integrations.handlers.merge import merge
from integrations.handlers.work import Conflict, Outcome, Work
from integrations.hl7v2.adt import read_all
from integrations.hl7v2.parse import decide, parse
from integrations.models import Feed, InboundMessage
from integrations.services.inbound import accepted
from logistics.requests.models import Encounter
from logistics.requests.services import alerts, discharges, drafts, encounters
from logistics.requests.services.changes import ChangeLog, fact_at, is_newer, is_same
from logistics.requests.services.drafts import Prefill

Handler = Callable[[Work], Outcome]
# Ambulatory visits end by the dozen without a disposition; only an inpatient's silence is a question.
INPATIENT_CLASSES = ("I", "", "U")
RIDE_MOBILITIES = ("wheelchair", "lies")
STALE_DISCHARGE = dt.timedelta(hours=24)


def apply(feed: Feed, row: InboundMessage) -> tuple[Outcome, ChangeLog, list[str]]:
    """Do what ``row`` says. Returns how it ended, what changed, and warnings for the row.

    Raises ``resolve.Stopped`` when a person must map a code first. Runs in the caller's transaction.
    """
    message = parse(row.raw, zone=feed.time_zone)
    decision = decide(message, enabled_types=accepted(feed))
    if decision.code != "AA":
        code = "rejected" if decision.code == "AR" else "review"
        return Outcome(code, "content", f"{decision.reason[:1].upper()}{decision.reason[1:]}."), ChangeLog(), []
    if message.get("MSH", 9) != "ADT":
        return Outcome("recorded"), ChangeLog(), []
    log, warnings = ChangeLog(), []
    outcome = Outcome("recorded")
    works = [Work(feed, row, message, event, log) for event in read_all(message)]
    handler = HANDLERS.get(works[0].event.event)
    if handler is not None:
        for work in works:
            ended = _run(handler, work)
            warnings += work.warnings
            # Of a message about two patients, the one that needs a person decides how it ends.
            outcome = ended if outcome.outcome != "review" else outcome
    if decision.disposition == "review" and outcome.outcome in ("applied", "no_change"):
        outcome = Outcome("review", "doubtful_time", "The discharge time cannot be read; everything else was applied.")
    return outcome, log, warnings


def _run(handler: Handler, work: Work) -> Outcome:
    if handler is merge:
        return merge(work)
    try:
        work.look()
    except Conflict:
        return _conflict(work)
    if not work.has_visit:
        return Outcome("review", "no_visit", "No visit number, and no single open stay of this patient.")
    if work.patient is None and work.event.patient is None:
        return Outcome("review", "no_patient", "No usable patient identifier.")
    return handler(work)


def _conflict(work: Work) -> Outcome:
    """The stay is known under another patient: nothing is changed, somebody looks (rule R8)."""
    ride = drafts.ride_of(work.encounter) if work.encounter else None
    if ride is not None and ride.status not in ("draft", "completed", "canceled"):
        work.log.alerts.append(
            alerts.raise_alert(
                "patient_conflict", "top", request=ride, encounter=work.encounter, message_id=work.row.pk
            )
        )
    return Outcome("review", "patient_conflict", "The visit number belongs to another patient. Nothing was changed.")


def admit(work: Work) -> Outcome:
    """A01, A04, A05: the stay begins, or is known already from a message that came first."""
    if work.token is not None and encounters.is_buried(work.token, "A01", work.stamp):
        return Outcome("annulled")
    known = work.encounter
    if known is not None and known.status == "canceled" and is_newer(known, "admission", work.stamp):
        encounters.to_status(known, "in_house", stamp=work.stamp, log=work.log, rule=work.rule)
    encounter = work.stay(planned=work.event.event == "A05")
    if encounter.status == "planned" and work.event.event != "A05":
        encounters.to_status(encounter, "in_house", stamp=work.stamp, log=work.log, rule=work.rule)
    if encounters.note(encounter, "admission", work.stamp) and "admitted" not in encounter.fact_times:
        encounters.note(encounter, "admitted", work.stamp)
        work.log.add(encounter, "admission_told", rule=work.rule)
    said, when = work.expected()
    if said:
        work.set_expected(when)
    work.refresh_ride()
    return work.done()


def move(work: Work) -> Outcome:
    """A02, A12 and Z99: where the patient is."""
    ended = _known_already(work, "location") if work.place.told else None
    work.stay()
    work.refresh_ride()
    return ended if ended is not None and not work.log else work.done()


def update(work: Work) -> Outcome:
    """A08: a snapshot to compare, never a step to count. Absent stays, deleted is cleared."""
    event = work.event
    encounter = work.stay()
    if event.is_deceased is True:
        work.react("died")
        return work.done()
    said, when = work.expected()
    if said and work.set_expected(when):
        _expected_changed(work, encounter, when)
    work.refresh_ride()
    return _discharge_told_early(work, encounter) or work.done()


def _expected_changed(work: Work, encounter: Encounter, when: dt.datetime | None) -> None:
    ride = drafts.ride_of(encounter)
    if ride is None or ride.status in ("completed", "canceled"):
        return
    if when is None:
        if ride.status in ("draft", "pending", "requested", "held"):
            drafts.clear_time(ride, log=work.log, rule="A08 PV2-9")
        return
    if ride.status == "held":
        drafts.fill(ride, Prefill(ready_at=when), log=work.log, rule="A08 PV2-9")
    elif discharges.of(encounter) is not None:
        work.react("announced", when)


def _discharge_told_early(work: Work, encounter: Encounter) -> Outcome | None:
    """A08 with a discharge time or disposition, but no A03: foreseen, and somebody looks."""
    at, sent = work.event.discharge_at, work.event.disposition
    code = sent if isinstance(sent, str) else ""
    if encounter.status not in ("in_house", "on_leave") or not (code or isinstance(at, dt.datetime)):
        return None
    values = {"disposition": code[:20]} if code else {}
    if isinstance(at, dt.datetime):
        values["discharged_at"] = at  # type: ignore[assignment]
    if not encounters.set_values(
        encounter, "told_discharge", values, stamp=work.stamp, log=work.log, rule="A08 PV1-36"
    ):
        return None
    if isinstance(at, dt.datetime) and work.stamp.effective_at - at > STALE_DISCHARGE:
        # A late correction of a visit that ended long ago, seen here for the first time.
        encounters.to_status(encounter, "discharged", stamp=work.stamp, log=work.log, rule="A08 PV1-45")
        return None
    if dispositions.meaning_of(code) != "transport" or _is_off(encounter):
        return None
    work.react("told_early", at if isinstance(at, dt.datetime) else None)
    return Outcome("review", "discharge_without_a03", "A discharge is told by an update, without a discharge message.")


def announce(work: Work) -> Outcome:
    """A16: the discharge is planned."""
    known = work.encounter
    if work.token is not None and encounters.is_buried(work.token, "A16", work.stamp):
        return Outcome("annulled")
    if known is not None and known.status == "discharged":
        left = fact_at(known, "discharge")
        return Outcome("history_only" if left is None or work.stamp.effective_at <= left else "recorded")
    ended = _known_already(work, "pending")
    if ended is not None:
        return ended
    encounter = work.stay()
    encounters.note(encounter, "pending", work.stamp)
    said, when = work.expected()
    if said:
        work.set_expected(when)
    expected_at = encounter.expected_discharge_at
    discharges.announce(encounter, expected_at=expected_at, stamp=work.stamp, log=work.log, rule="A16")
    if _is_off(encounter) and drafts.ride_of(encounter) is None:
        return Outcome("rule_no_transport", "unit_rule", "The unit's rule is to do nothing on a planned discharge.")
    reaction = work.react("announced", expected_at)
    if reaction.do == "annulled":
        return Outcome("annulled") if not work.log else work.done()
    return work.done()


def withdraw(work: Work) -> Outcome:
    """A25: the plan is withdrawn."""
    known = work.encounter
    if known is not None and known.status == "discharged":
        _bury(work, "A16")
        return Outcome("history_only")
    if known is None or "pending" not in known.fact_times:
        _bury(work, "A16")
        if work.token is not None and known is None:
            work.stay()
        return Outcome("tombstone")
    ended = _known_already(work, "pending")
    if ended is not None:
        _bury(work, "A16")
        return ended
    encounter = work.stay()
    encounters.note(encounter, "pending", work.stamp)
    work.set_expected(None)
    discharges.withdraw(encounter, stamp=work.stamp, log=work.log, rule="A25")
    work.react("withdrawn")
    # An A16 that was sent before this cancel and comes after it must not bring the plan back.
    _bury(work, "A16")
    return work.done()


def discharge(work: Work) -> Outcome:
    """A03: the patient left, or the bed was released; often late, and no proof that the ride is over."""
    event, known = work.event, work.encounter
    if work.token is not None and encounters.is_buried(work.token, "A03", work.stamp):
        return Outcome("annulled")
    ended = _known_already(work, "discharge")
    if ended is not None:
        return ended
    told_at = event.discharge_at if isinstance(event.discharge_at, dt.datetime) else None
    left_at = told_at or work.stamp.effective_at
    code = event.disposition[:20] if isinstance(event.disposition, str) else ""
    if known is not None and _is_repeat(work, known, left_at, code):
        return Outcome("no_change")
    encounter = work.stay()
    values: dict[str, object] = {"discharged_at": left_at, "disposition": code or encounter.disposition}
    encounters.set_values(encounter, "discharge", values, stamp=work.stamp, log=work.log, rule="A03")
    encounters.to_status(encounter, "discharged", stamp=work.stamp, log=work.log, rule="A03")
    discharges.leave(encounter, left_at=left_at, stamp=work.stamp, log=work.log, rule="A03")
    meaning = dispositions.meaning_of(encounter.disposition)
    if event.is_deceased is True or meaning == "died":
        _mark_deceased(work)
        work.react("died")
        return work.done()
    return _leave_by(work, encounter, meaning, left_at)


def _is_repeat(work: Work, known: Encounter, left_at: dt.datetime, code: str) -> bool:
    """The same discharge under a new control id: an engine replayed it (rule R2: compare, do not count)."""
    told = known.fact_times.get("discharge")
    same_time = told is not None and list(told)[:2] == work.stamp.order[:2]
    return bool(
        same_time
        and known.status == "discharged"
        and known.discharged_at == left_at
        and (not code or known.disposition == code)
    )


def _leave_by(work: Work, encounter: Encounter, meaning: str, left_at: dt.datetime) -> Outcome:
    ride = drafts.ride_of(encounter)
    if ride is None and _is_off(encounter):
        return Outcome("rule_no_transport", "unit_rule", "The unit's rule is to do nothing on a discharge.")
    if meaning == "absent" and encounter.patient_class not in INPATIENT_CLASSES:
        meaning = "home"
    if meaning == "home" and _ride_is_wanted(encounter):
        meaning = "transport"
    if meaning == "transport":
        reaction = work.react("left", left_at)
        return Outcome("annulled") if reaction.do == "annulled" and not work.log else work.done()
    if meaning == "home":
        work.react("left_alone")
        words = f"Disposition {encounter.disposition or 'not given'}: goes home without a ride."
        return work.done() if ride is not None else Outcome("rule_no_transport", "disposition", words)
    if meaning == "against_advice":
        work.react("left_against_advice")
        return Outcome("review", "against_advice", "Left against medical advice: decide about the ride.")
    work.react("left_unclear", left_at)
    if meaning == "absent":
        return Outcome("review", "disposition_missing", "The discharge has no disposition (PV1-36).")
    return Outcome("review", "disposition_unknown", f'PV1-36 has "{encounter.disposition}". No rule knows that code.')


def _ride_is_wanted(encounter: Encounter) -> bool:
    """Going home needs a ride when the chart says that the patient cannot walk, or a person asked for one (R6)."""
    ride = drafts.ride_of(encounter)
    if ride is not None and (ride.human_edited or ride.source != "ehr") and ride.status != "canceled":
        return True
    return (encounter.patient.chart or {}).get("mobility") in RIDE_MOBILITIES


def _mark_deceased(work: Work) -> None:
    patient = work.patient
    if patient is not None and not patient.deceased:
        patient.deceased = True
        patient.save(update_fields=["deceased", "updated_at"])
        work.log.add(
            patient, "deceased", rule=f"{work.rule} death", before={"deceased": False}, after={"deceased": True}
        )


def reopen(work: Work) -> Outcome:
    """A13: the discharge was canceled; the patient is in the house at PV1-3."""
    known = work.encounter
    ended = _known_already(work, "discharge")
    if ended is not None:
        _bury(work, "A03")
        return ended
    if known is None or known.status != "discharged":
        repeated = known is not None and "discharge" in known.fact_times
        _bury(work, "A03")
        encounter = work.stay()
        encounters.note(encounter, "discharge", work.stamp)
        return work.done() if repeated else Outcome("tombstone")
    _bury(work, "A03")
    cleared = {"discharged_at": None, "disposition": ""}
    encounters.set_values(known, "discharge", cleared, stamp=work.stamp, log=work.log, rule="A13")
    encounters.to_status(known, "in_house", stamp=work.stamp, log=work.log, rule="A13")
    encounter = work.stay()
    discharges.withdraw(encounter, stamp=work.stamp, log=work.log, rule="A13")
    reaction = work.react("reopened")
    if reaction.review:
        return Outcome("review", "ride_is_over", "The discharge was canceled after its ride had ended.")
    return work.done()


def cancel_admission(work: Work) -> Outcome:
    """A11, A38: the admission, registration or pre-admission was an error."""
    known = work.encounter
    if known is None:
        _bury(work, "A01")
        return Outcome("tombstone")
    ended = _known_already(work, "admission")
    if ended is not None:
        _bury(work, "A01")
        return ended
    if known.status == "canceled":
        return Outcome("no_change")
    encounters.note(known, "admission", work.stamp)
    encounters.to_status(known, "canceled", stamp=work.stamp, log=work.log, rule=work.rule)
    discharges.withdraw(known, stamp=work.stamp, log=work.log, rule=work.rule)
    reaction = work.react("admission_canceled")
    if reaction.review:
        return Outcome("review", "ride_is_over", "The admission was canceled after its ride had ended.")
    return work.done()


def reclass(work: Work) -> Outcome:
    """A06, A07: the class changes. Out of the inpatient class, the payer's rule for the ride may change too."""
    work.stay()
    work.refresh_ride()
    ride = drafts.ride_of(work.encounter) if work.encounter else None
    if work.event.event == "A07" and ride is not None and ride.status not in ("completed", "canceled"):
        return Outcome("review", "class_changed", "The stay became ambulatory: check who pays for the ride.")
    return work.done()


def _known_already(work: Work, fact: str) -> Outcome | None:
    """How a message ends whose fact is known already: told by itself (a replay), or older than what is known."""
    known = work.encounter
    if known is None or is_newer(known, fact, work.stamp):
        return None
    return Outcome("no_change" if is_same(known, fact, work.stamp) else "history_only")


def _bury(work: Work, cancels: str) -> None:
    if work.token is not None:
        encounters.bury(work.token, cancels, work.stamp)


def _is_off(encounter: Encounter) -> bool:
    return encounter.unit is not None and encounter.unit.draft_rule == "off"


HANDLERS: dict[str, Handler] = {
    "A01": admit,
    "A02": move,
    "A03": discharge,
    "A04": admit,
    "A05": admit,
    "A06": reclass,
    "A07": reclass,
    "A08": update,
    "A11": cancel_admission,
    "A12": move,
    "A13": reopen,
    "A16": announce,
    "A17": move,
    "A25": withdraw,
    "A38": cancel_admission,
    "A40": merge,
    "Z99": move,
}
"""Events with an effect; every other one is kept without (outcome ``recorded``)."""
