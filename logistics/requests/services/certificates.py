"""Certifications of medical necessity: filled in, signed, changed, taken back; and whether a ride is covered by one.

``answers`` of a form (see :data:`TEXTS`, :data:`FLAGS`, :data:`CHECKLIST`) follow the fields that carriers expect on a
physician certification statement (42 CFR 410.40(e)); no fixed form is prescribed. A signature locks the form: what was
signed is a row that nobody can change, and editing afterwards makes the next version, which nobody has signed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from logistics.accounts.models import Facility
from logistics.core import audit, clock, crypto, outbox, scoping
from logistics.core.errors import DomainError, StaleState
from logistics.requests import cert_rules
from logistics.requests.cert_rules import Rule, Verdict
from logistics.requests.models import CertificationAttempt, Patient, PhysicianCertification, ServiceRequest
from logistics.requests.models.certificates import CERTIFIED_LEVELS
from logistics.requests.selectors import cert_facts, repetitive
from logistics.requests.services import transitions

TEXTS = (
    "mbi", "origin", "destination", "service_needed", "farther_reason", "diagnosis", "checklist_other", "ulcer_site",
    "narrative", "level_reason", "height_in", "weight_lb",
)  # fmt: skip
FLAGS = ("round_trip", "bed_alone", "bed_walk", "bed_sit")
CHECKLIST = [
    ("contractures", "Contractures"),
    ("fracture", "Fracture that has not healed"),
    ("pain", "Severe pain on movement"),
    ("ulcers", "Pressure ulcers on sitting surfaces"),
    ("dvt", "Deep vein thrombosis, limb must be raised"),
    ("device", "Orthopedic device"),
    ("cognition", "Cognitive impairment, or danger to self or others"),
    ("restraints", "Restraints, physical or chemical"),
    ("oxygen", "Oxygen that the patient cannot manage"),
    ("suction", "Suction"),
    ("airway", "Airway monitoring"),
    ("ventilator", "Ventilator"),
    ("cardiac", "Cardiac or hemodynamic monitoring"),
    ("iv", "IV medication or fluids"),
    ("isolation", "Isolation"),
    ("obesity", "Morbid obesity, extra staff to move"),
    ("seizures", "Seizure risk that needs a trained observer"),
    ("falls", "Would fall from a wheelchair in motion"),
    ("sitting", "Cannot sit for the length of the trip"),
]
ICD10 = r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?"


def begin(
    *, patient: Patient, request: ServiceRequest | None = None, span: str = "", level: str = ""
) -> PhysicianCertification:
    """A form for this ride (or for a period of repetitive rides), filled in from chart and booking; the one that waits
    already when there is one. A ride that is one of many begins a period. Publishes ``certification.begun``."""
    facts = cert_facts.of_requests([request]).get(request.pk) if request is not None else None
    zone = facts.zone if facts else _site_zone()
    day = facts.day if facts else clock.today(zone)
    repeats = span == "repetitive" or (not span and facts is not None and facts.rule.kind == "physician_only")
    known = _waiting(patient, request) or (_waiting_period(patient, day) if repeats else None)
    if known is not None:
        return known
    scope = scoping.current()
    levels_known = dict(CERTIFIED_LEVELS)
    wanted = level or (facts.service.level if facts else "")
    try:
        with transaction.atomic():
            row = PhysicianCertification.objects.create(
                patient=patient,
                request=request,
                span="repetitive" if repeats else "single",
                level=wanted if wanted in levels_known else "BLS",
                starts_on=day,
                ends_on=day + dt.timedelta(days=cert_rules.MOST_DAYS) if repeats else day,
                answers=_from_chart(patient, facts),
                created_by_id=scope.user_id,
                created_by_name=scope.actor_label[:120],
            )
    except IntegrityError:
        found = _waiting(patient, request)
        if found is None:
            raise
        return found
    audit.record(action="certification.begun", target=row, patient_id=patient.pk, details={"span": row.span})
    outbox.publish("certification.begun", _about(row))
    return row


def save(
    *,
    certification_id: UUID,
    seen_version: int,
    answers: dict[str, Any],
    span: str,
    level: str,
    starts_on: dt.date,
    ends_on: dt.date,
    reaffirmed: bool = False,
) -> PhysicianCertification:
    """Keep what a person wrote on a form that is not signed. Raises :class:`DomainError` naming the fields: a period
    that is longer than 60 days, or a narrative that was used before and is not confirmed again."""
    row = locked(certification_id)
    check_version(row, seen_version)
    if row.status != "draft":
        raise DomainError(
            "This form is signed or taken back. Change it first: that voids the signature.", code="locked"
        )
    problems = {}
    if ends_on < starts_on:
        problems["ends_on"] = "The last day is before the first."
    elif span == "repetitive" and ends_on - starts_on > dt.timedelta(days=cert_rules.MOST_DAYS):
        problems["ends_on"] = f"Choose at most {cert_rules.MOST_DAYS} days: a new form is needed after that."
    elif span == "single" and ends_on != starts_on:
        problems["ends_on"] = "One ride has one day. Choose repetitive rides for a period."
    token = narrative_token(answers.get("narrative", ""))
    if token is not None and not reaffirmed and _used_before(row, token):
        problems["reaffirmed"] = (
            "This narrative is word for word the patient's previous one. Describe the patient as of today, or confirm "
            "that every word still holds."
        )
    if problems:
        raise DomainError("Some answers need a change.", code="incomplete", fields=problems)
    row.answers = {name: answers[name] for name in (*TEXTS, *FLAGS, "nearest", "icd10", "checklist") if name in answers}
    row.span, row.level, row.starts_on, row.ends_on = span, level, starts_on, ends_on
    row.narrative_token = token
    row.reaffirmed_at = clock.now() if reaffirmed and token is not None else None
    row.save()
    audit.record(action="certification.saved", target=row, patient_id=row.patient_id, details={"version": row.version})
    outbox.publish("certification.saved", _about(row))
    return row


def missing(row: PhysicianCertification) -> dict[str, str]:
    """What must be filled in before anybody can sign, field by field."""
    answers = row.answers or {}
    found = {}
    for name, words in (
        ("origin", "Write where the ride starts."),
        ("destination", "Write where the ride goes."),
        ("diagnosis", "Write the diagnosis that makes the ride necessary."),
        ("narrative", "Describe what the patient can and cannot do, and why a wheelchair van is not safe."),
    ):
        if not str(answers.get(name, "")).strip():
            found[name] = words
    confined = all(answers.get(name) for name in ("bed_alone", "bed_walk", "bed_sit"))
    if not confined and not answers.get("checklist") and not str(answers.get("checklist_other", "")).strip():
        found["checklist"] = "Say that the patient is bed-confined (all three), or choose what needs an ambulance."
    if answers.get("nearest") == "no" and not str(answers.get("farther_reason", "")).strip():
        found["farther_reason"] = "Write why a nearer facility cannot take the patient."
    if row.level in ("ALS", "CCT") and not str(answers.get("level_reason", "")).strip():
        found["level_reason"] = "Write what makes this level necessary."
    return found


def rule_of(row: PhysicianCertification) -> Rule:
    """The rule by which this form is signed. A ride that is one of many is repetitive whatever the form says."""
    if row.span == "repetitive":
        return cert_rules.PHYSICIAN_ONLY
    if row.request is not None:
        facts = cert_facts.of_requests([row.request]).get(row.request.pk)
        if facts is not None and facts.rule.needed:
            return facts.rule
    if repetitive.of_patient(row.patient_id, row.starts_on):
        return cert_rules.PHYSICIAN_ONLY
    return cert_rules.PHYSICIAN_OR_LISTED


def amend(*, certification_id: UUID, seen_version: int) -> PhysicianCertification:
    """Open a signed form for a change: its signature is void from now on, and the next version has none."""
    row = locked(certification_id)
    if row.status == "draft" and row.version == seen_version + 1:
        return row
    check_version(row, seen_version)
    if row.status == "draft":
        return row
    return transitions.certification_to(
        row,
        "draft",
        reason="Changed after the signature",
        changes={"version": row.version + 1, "signed_at": None, "credential": ""},
        details={"voided_version": row.version},
    )


def void(*, certification_id: UUID, reason: str) -> PhysicianCertification:
    """Take a form back for good."""
    row = locked(certification_id)
    if row.status == "voided":
        return row
    if len(reason.strip()) < 3:
        words = "Write why it is taken back."
        raise DomainError(words, code="no_reason", fields={"reason": words})
    return transitions.certification_to(
        row, "voided", reason="Taken back", changes={"void_reason": reason.strip()[:200]}
    )


def note_attempt(
    *, certification_id: UUID, at: dt.datetime, channel: str, to: str, tracking_no: str, outcome: str
) -> CertificationAttempt:
    """Note one try to get the signature. Raises :class:`DomainError` naming the field."""
    row = locked(certification_id)
    problems = {}
    if at > clock.now():
        problems["at"] = "Choose a time that is over."
    if not to.strip():
        problems["to"] = "Write who was asked, with number or address."
    if outcome == "receipt" and (channel != "mail" or not tracking_no.strip()):
        problems["tracking_no"] = "A return receipt needs mail and its number."
    if problems:
        raise DomainError("The attempt is not complete.", code="incomplete", fields=problems)
    scope = scoping.current()
    attempt = CertificationAttempt.objects.create(
        certification=row,
        at=at,
        channel=channel,
        to=to.strip()[:200],
        tracking_no=tracking_no.strip()[:40],
        outcome=outcome,
        noted_by_name=scope.actor_label[:120],
    )
    audit.record(
        action="certification.attempted",
        target=row,
        patient_id=row.patient_id,
        details={"channel": channel, "outcome": outcome},
    )
    outbox.publish("certification.attempted", _about(row))
    return attempt


def valid_on(patient_id: UUID, day: dt.date, level: str, *, repetitive_too: bool | None = None) -> Verdict:
    """Whether a ride of this patient on ``day`` would be certified. See :func:`valid_on_days`."""
    return valid_on_days(patient_id, [day], level, repetitive_too=repetitive_too)[0]


def valid_on_days(
    patient_id: UUID, days: Sequence[dt.date], level: str, *, repetitive_too: bool | None = None
) -> list[Verdict]:
    """A verdict for each planned one-way ride, in the order of ``days``, as if it started at noon.

    Repetitive when the rides booked and ``days`` together are (``repetitive_too`` says it outright). Three queries.
    """
    zone = _site_zone()
    now = clock.now()
    if level not in dict(CERTIFIED_LEVELS):
        return [Verdict("not_needed", True, "No certification is needed for this level.") for _ in days]
    candidates = cert_facts.signed_of([patient_id]).get(patient_id, [])
    booked: list[dt.date] = []
    if repetitive_too is None:
        reach = (min(days) - repetitive.REACH, max(days) + repetitive.REACH)
        booked = repetitive.ambulance_days([patient_id], *reach).get(patient_id, [])
    verdicts: dict[dt.date, Verdict] = {}
    for day in dict.fromkeys(days):
        repeats = repetitive_too if repetitive_too is not None else bool(repetitive.detect([*booked, *days], day))
        rule = cert_rules.PHYSICIAN_ONLY if repeats else cert_rules.PHYSICIAN_OR_LISTED
        noon = dt.datetime.combine(day, dt.time(12), ZoneInfo(zone))
        service = cert_rules.Service(rule, noon, noon + dt.timedelta(hours=1), level)
        verdicts[day] = cert_facts.best(
            [each.signed for each in candidates if each.request_id is None or each.signed.span == "repetitive"],
            service,
            zone=zone,
            now=now,
        )
    return [verdicts[day] for day in days]


def zone_of(row: PhysicianCertification) -> str:
    """The clock of the facility that a form speaks of."""
    return row.request.facility.time_zone if row.request is not None else _site_zone()


def narrative_token(text: str) -> bytes | None:
    """A blind token of a narrative, the same for the same words in any case and spacing; None for none."""
    plain = " ".join(text.casefold().split())
    return crypto.blind(plain, tenant_id=scoping.current_tenant_id(), kind="narrative") if plain else None


def _from_chart(patient: Patient, facts: cert_facts.Facts | None) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    if patient.weight_lb:
        answers["weight_lb"] = str(patient.weight_lb)
    if facts is None:
        return answers
    answers["origin"], answers["destination"] = facts.origin, facts.destination
    answers["round_trip"] = facts.journey_id is not None
    checklist = set()
    needs = set(facts.detail.needs or [])
    if "oxygen_given" in needs:
        checklist.add("oxygen")
    if {"isolation", "airborne"} & needs:
        checklist.add("isolation")
    for need, item in (("iv", "iv"), ("monitor", "cardiac"), ("watching", "cognition"), ("restraint", "restraints")):
        if need in needs:
            checklist.add(item)
    answers["checklist"] = [code for code, _ in CHECKLIST if code in checklist]
    return answers


def _waiting(patient: Patient, request: ServiceRequest | None) -> PhysicianCertification | None:
    rows = PhysicianCertification.objects.filter(patient=patient, status="draft")
    if request is not None:
        return rows.filter(request=request).first()
    return rows.filter(request__isnull=True, created_by_id=scoping.current().user_id).first()


def _waiting_period(patient: Patient, day: dt.date) -> PhysicianCertification | None:
    rows = PhysicianCertification.objects.filter(patient=patient, status="draft", span="repetitive")
    return rows.filter(starts_on__lte=day, ends_on__gte=day).order_by("created_at").first()


def _used_before(row: PhysicianCertification, token: bytes) -> bool:
    before = PhysicianCertification.objects.filter(patient_id=row.patient_id, narrative_token=token)
    return before.exclude(pk=row.pk).exclude(status="voided").exists()


def locked(certification_id: UUID) -> PhysicianCertification:
    rows = PhysicianCertification.objects.select_for_update(of=("self",))
    return rows.select_related("patient", "request__facility").get(pk=certification_id)


def check_version(row: PhysicianCertification, seen: int) -> None:
    if row.version != seen:
        raise StaleState("Somebody changed this form meanwhile. Look at it as it is now.", current=str(row.version))


def _site_zone() -> str:
    facility = Facility.objects.order_by("name").first()
    return facility.time_zone if facility else "UTC"


def _about(row: PhysicianCertification) -> dict[str, str]:
    return {
        "certification_id": str(row.pk),
        "patient_id": str(row.patient_id),
        "request_id": str(row.request_id or ""),
    }
