"""Certifications as pages show them: what is missing, what waits for a signature, what ends soon, and one of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from logistics.core import clock
from logistics.requests import cert_rules
from logistics.requests.cert_rules import Verdict
from logistics.requests.models import (
    CertificationAttempt,
    CertificationVersion,
    PhysicianCertification,
    ServiceRequest,
    SignLink,
)
from logistics.requests.selectors import cert_facts
from logistics.requests.selectors.cert_facts import Facts
from logistics.requests.selectors.repetitive import AMBULANCES

BOOKED = ("pending", "requested", "scheduled", "in_progress", "completed")
BACK, AHEAD = dt.timedelta(days=45), dt.timedelta(days=45)
SOON_DAYS = 14
MOST = 200
# Who knows the number that people call a request's trip by (the room that makes trips adds itself): ids → numbers.
TRIP_NUMBERS: list[Callable[[Iterable[UUID]], dict[UUID, int]]] = []


@dataclass(frozen=True)
class RideRow:
    """A booked ambulance ride that no signature covers. ``form_id`` of the form that was begun for it; ``left`` says
    how long it is to the last moment. Repetitive rides of one patient are one row: ``more`` later ones, to ``until``.
    """

    facts: Facts
    verdict: Verdict
    form_id: UUID | None
    trip_number: int | None
    tone: str
    left: str
    more: int = 0
    until: dt.date | None = None


@dataclass(frozen=True)
class FormRow:
    """A form in a list: ``last_day`` on which it still certifies."""

    row: PhysicianCertification
    last_day: dt.date | None
    tone: str
    words: str


@dataclass
class Board:
    """The list page."""

    missing: list[RideRow] = field(default_factory=list)
    to_sign: list[FormRow] = field(default_factory=list)
    ending: list[FormRow] = field(default_factory=list)
    signed: list[FormRow] = field(default_factory=list)


@dataclass
class Page:
    """One form with everything that was signed and tried."""

    row: PhysicianCertification
    versions: list[CertificationVersion]
    attempts: list[CertificationAttempt]
    links: list[SignLink]
    facts: Facts | None
    verdict: Verdict | None
    trip_number: int | None

    @property
    def current(self) -> CertificationVersion | None:
        """The signature in force."""
        if self.row.status != "signed":
            return None
        return next((each for each in self.versions if each.version == self.row.version), None)


def trip_numbers(request_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Request → number of its trip, as far as somebody knows it."""
    ids = list(request_ids)
    found: dict[UUID, int] = {}
    for ask in TRIP_NUMBERS:
        found |= ask(ids)
    return found


def board(zone: str, *, now: dt.datetime | None = None) -> Board:
    """The list page; ``zone`` is the clock of forms that belong to no ride. Ten queries, whatever the length."""
    now = now or clock.now()
    rides = (
        ServiceRequest.objects.filter(kind="transport", status__in=BOOKED, transport_rows__level__in=AMBULANCES)
        .filter(
            Q(transport_rows__pickup_at__range=(now - BACK, now + AHEAD))
            | Q(transport_rows__pickup_at=None, transport_rows__ready_expected_at__range=(now - BACK, now + AHEAD))
        )
        .select_related("facility", "patient", "unit")
        .order_by("-created_at")[:MOST]
    )
    facts = cert_facts.of_requests(rides)
    verdicts = cert_facts.verdicts(facts.values(), now=now)
    open_ids = [pk for pk, verdict in verdicts.items() if not verdict.ok]
    begun = dict(
        PhysicianCertification.objects.filter(request_id__in=open_ids)
        .exclude(status="voided")
        .order_by("created_at")
        .values_list("request_id", "id")
    )
    numbers = trip_numbers(open_ids)
    missing = [_ride(facts[pk], verdicts[pk], begun.get(pk), numbers.get(pk), now) for pk in open_ids]
    forms = PhysicianCertification.objects.select_related("patient", "request__facility")
    waiting = [_form(row, zone, now) for row in forms.filter(status="draft").order_by("starts_on")[:MOST]]
    signed = [_form(row, zone, now) for row in forms.filter(status="signed").order_by("-signed_at")[:MOST]]
    ending = [row for row in signed if row.row.span == "repetitive" and row.tone]
    far = dt.datetime.max.replace(tzinfo=dt.UTC)
    return Board(
        missing=_together(sorted(missing, key=lambda each: each.verdict.due_at or far), waiting),
        to_sign=waiting,
        ending=sorted(ending, key=lambda each: each.last_day or dt.date.max),
        signed=signed[:50],
    )


def page(certification_id: UUID) -> Page | None:
    """One form, or None. At most ten queries."""
    row = (
        PhysicianCertification.objects.filter(pk=certification_id)
        .select_related("patient", "request__facility", "request__unit")
        .first()
    )
    if row is None:
        return None
    facts = cert_facts.of_requests([row.request]).get(row.request.pk) if row.request is not None else None
    verdict = cert_facts.verdicts([facts])[facts.request.pk] if facts is not None else None
    return Page(
        row=row,
        versions=list(CertificationVersion.objects.filter(certification=row)),
        attempts=list(CertificationAttempt.objects.filter(certification=row)),
        links=list(SignLink.objects.filter(certification=row)[:10]),
        facts=facts,
        verdict=verdict,
        trip_number=trip_numbers([row.request_id]).get(row.request_id) if row.request_id else None,
    )


def of_request(request_id: UUID) -> tuple[Facts | None, Verdict | None, list[PhysicianCertification]]:
    """What stands for one ride: its facts (None for a ride without a certified level or a time), the verdict, and the
    forms that speak of it, newest first."""
    request = ServiceRequest.objects.filter(pk=request_id).select_related("facility", "patient").first()
    if request is None:
        return None, None, []
    facts = cert_facts.of_requests([request]).get(request.pk)
    if facts is None:
        return None, None, []
    held = cert_facts.candidates(facts, cert_facts.signed_of([request.patient_id]).get(request.patient_id, []))
    forms = PhysicianCertification.objects.filter(
        Q(request=request) | Q(pk__in=[each.certification_id for each in held])
    ).exclude(status="voided")
    verdict = cert_facts.best([each.signed for each in held], facts.service, zone=facts.zone, now=clock.now())
    return facts, verdict, list(forms)


def last_day(row: PhysicianCertification, zone: str) -> dt.date | None:
    """The last day that a signed form certifies: its period's, and for repetitive rides 60 days from the signature."""
    if row.status != "signed" or row.signed_at is None:
        return None
    if row.span == "single":
        return row.ends_on
    signed_on = row.signed_at.astimezone(ZoneInfo(zone)).date()
    return min(row.ends_on, signed_on + dt.timedelta(days=cert_rules.MOST_DAYS))


def _together(rows: list[RideRow], waiting: list[FormRow]) -> list[RideRow]:
    """Repetitive rides that one form can certify, as one row each patient; with the form that was begun for them."""
    found: list[RideRow] = []
    place: dict[UUID, int] = {}
    for row in rows:
        patient_id = row.facts.request.patient_id
        if row.facts.rule.kind != "physician_only" or row.tone == "bad":
            found.append(row)
        elif patient_id not in place:
            place[patient_id] = len(found)
            begun = next((form for form in waiting if _speaks_of(form, row)), None)
            found.append(replace(row, form_id=row.form_id or (begun.row.pk if begun else None)))
        else:
            first = found[place[patient_id]]
            found[place[patient_id]] = replace(first, more=first.more + 1, until=row.facts.day)
    return found


def _speaks_of(form: FormRow, ride: RideRow) -> bool:
    row = form.row
    return (
        row.span == "repetitive"
        and row.patient_id == ride.facts.request.patient_id
        and row.starts_on <= ride.facts.day <= row.ends_on
    )


def _form(row: PhysicianCertification, site_zone: str, now: dt.datetime) -> FormRow:
    zone = row.request.facility.time_zone if row.request is not None else site_zone
    end = last_day(row, zone)
    if end is None or row.span == "single":
        return FormRow(row, end, "", "")
    left = (end - clock.local(now, zone).date()).days
    if left < 0:
        return FormRow(row, end, "bad", "Ended")
    if left > SOON_DAYS:
        return FormRow(row, end, "", f"{left} days left")
    return FormRow(row, end, "warn", "Last day" if left == 0 else f"{left} day{'' if left == 1 else 's'} left")


def _ride(facts: Facts, verdict: Verdict, form_id: UUID | None, number: int | None, now: dt.datetime) -> RideRow:
    due = verdict.due_at
    if due is None:
        return RideRow(facts, verdict, form_id, number, "", "")
    hours = (due - now).total_seconds() / 3600
    if hours < 0:
        if verdict.claim_from is None:
            return RideRow(facts, verdict, form_id, number, "bad", "Too late")
        days = (verdict.claim_from - clock.local(now, facts.zone).date()).days
        words = f"Late, {days} day{'' if days == 1 else 's'} to day 22" if days > 0 else "Late, day 22 is over"
        return RideRow(facts, verdict, form_id, number, "bad", words)
    words = f"{int(hours)} h left" if hours < 48 else f"{int(hours // 24)} days left"
    return RideRow(facts, verdict, form_id, number, "warn" if hours < 48 else "", words)
