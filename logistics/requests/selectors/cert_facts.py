"""What a ride's certification depends on, read for many rides at once: its rule, its times, its signatures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F, Max

from logistics.core import clock
from logistics.requests import cert_rules
from logistics.requests.cert_rules import Rule, Service, Signed, Verdict
from logistics.requests.models import (
    CertificationAttempt,
    CertificationVersion,
    RequestEvent,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.selectors import repetitive
from logistics.requests.selectors.repetitive import AMBULANCES, Stream

# Places of the address book where nobody's physician is in charge of the patient (assisted living, group homes).
NO_PHYSICIAN = ("other",)
# A ride whose length nobody knows is taken to last so long.
USUAL_MINUTES = 60


@dataclass(frozen=True)
class Facts:
    """One ambulance ride with a known time. ``day`` is on the clock of ``zone``, where it starts."""

    request: ServiceRequest
    detail: TransportDetail
    zone: str
    day: dt.date
    rule: Rule
    service: Service
    stream: Stream | None
    origin: str
    destination: str

    @property
    def journey_id(self) -> UUID | None:
        """The journey that the ride belongs to."""
        return self.request.journey_id


@dataclass(frozen=True)
class Held:
    """A signature in force, and the ride that it was made for (None: a period)."""

    certification_id: UUID
    request_id: UUID | None
    journey_id: UUID | None
    signed: Signed


def of_requests(requests: Iterable[ServiceRequest]) -> dict[UUID, Facts]:
    """Facts of those of these requests that are ambulance rides with a known time. Four queries.

    ``requests`` carry their ``facility`` (``select_related``).
    """
    rows = {row.pk: row for row in requests}
    details = {
        detail.request_id: detail
        for detail in TransportDetail.objects.filter(request_id__in=list(rows), level__in=AMBULANCES).select_related(
            "place", "pickup_place"
        )
        if detail.pickup_at or detail.ready_expected_at
    }
    if not details:
        return {}
    days = {pk: _day(rows[pk], detail) for pk, detail in details.items()}
    booked = repetitive.ambulance_days(
        {rows[pk].patient_id for pk in details}, min(days.values()) - repetitive.REACH,
        max(days.values()) + repetitive.REACH,
    )  # fmt: skip
    done = dict(
        RequestEvent.objects.filter(request_id__in=list(details), new_status="completed")
        .values_list("request_id")
        .annotate(at=Max("at"))
    )
    receipts = set(
        CertificationAttempt.objects.filter(certification__request_id__in=list(details), outcome="receipt").values_list(
            "certification__request_id", flat=True
        )
    )
    found = {}
    for pk, detail in details.items():
        request = rows[pk]
        stream = repetitive.detect(booked.get(request.patient_id, []), days[pk])
        rule = cert_rules.cert_rule(
            payer_follows_410_40=cert_rules.payer_follows(detail.payer_name),
            emergency="emergency" in (detail.needs or []),
            scheduled=detail.when != "now",
            repetitive=stream is not None,
            setting=setting_of(detail),
        )
        starts_at = detail.pickup_at or detail.ready_expected_at
        assert starts_at is not None  # rides without a time were left out above
        ends_at = done.get(pk) or starts_at + dt.timedelta(minutes=detail.minutes or USUAL_MINUTES)
        found[pk] = Facts(
            request=request,
            detail=detail,
            zone=detail.pickup_zone or request.facility.time_zone,
            day=days[pk],
            rule=rule,
            service=Service(rule, starts_at, max(ends_at, starts_at), detail.level, has_receipt=pk in receipts),
            stream=stream,
            origin=_origin(request, detail),
            destination=_destination(detail),
        )
    return found


def setting_of(detail: TransportDetail) -> str:
    """Where a ride starts, in the words of :func:`cert_rules.cert_rule`."""
    if detail.pickup_kind in ("home", "other"):
        return "home"
    if detail.pickup_kind == "place" and detail.pickup_place is not None:
        return "facility_no_physician" if detail.pickup_place.kind in NO_PHYSICIAN else "facility"
    return "facility"


def signed_of(patient_ids: Iterable[UUID]) -> dict[UUID, list[Held]]:
    """The signatures in force of these patients, newest first. One query; nothing sealed is read."""
    rows = (
        CertificationVersion.objects.filter(
            certification__patient_id__in=list(patient_ids),
            certification__status="signed",
            version=F("certification__version"),
        )
        .order_by("-signed_at")
        .values_list(
            "certification__patient_id", "certification_id", "certification__request_id",
            "certification__request__journey_id", "credential", "employer_kind", "signed_at", "starts_on", "ends_on",
            "level", "span",
        )
    )  # fmt: skip
    found: dict[UUID, list[Held]] = {}
    for patient_id, pk, request_id, journey_id, credential, employer, at, first, last, level, span in rows:
        signed = Signed(credential, employer, at, first, last, level, span)
        found.setdefault(patient_id, []).append(Held(pk, request_id, journey_id, signed))
    return found


def candidates(facts: Facts, held: Iterable[Held]) -> list[Held]:
    """The signatures that may speak of this ride: its own, those of its journey, and periods."""
    return [
        each
        for each in held
        if each.request_id in (None, facts.request.pk)
        or each.signed.span == "repetitive"
        or (each.journey_id is not None and each.journey_id == facts.journey_id)
    ]


def best(signatures: Sequence[Signed], service: Service, *, zone: str, now: dt.datetime) -> Verdict:
    """The verdict of the signature that covers the ride; of the first one when none does; of none when there is none.

    A period that does not reach the ride's day says nothing about it.
    """
    first: Verdict | None = None
    for signed in signatures:
        verdict = cert_rules.valid_for(signed, service, zone=zone, now=now)
        if verdict.ok:
            return verdict
        if first is None and not (verdict.code == "other_date" and signed.span == "repetitive"):
            first = verdict
    return first or cert_rules.valid_for(None, service, zone=zone, now=now)


def verdicts(facts: Iterable[Facts], *, now: dt.datetime | None = None) -> dict[UUID, Verdict]:
    """The verdict on each ride. One query."""
    rows = list(facts)
    held = signed_of({row.request.patient_id for row in rows})
    moment = now or clock.now()
    return {
        row.request.pk: best(
            [each.signed for each in candidates(row, held.get(row.request.patient_id, []))],
            row.service,
            zone=row.zone,
            now=moment,
        )
        for row in rows
    }


def _day(request: ServiceRequest, detail: TransportDetail) -> dt.date:
    moment = detail.pickup_at or detail.ready_expected_at
    assert moment is not None
    return moment.astimezone(ZoneInfo(detail.pickup_zone or request.facility.time_zone)).date()


def _origin(request: ServiceRequest, detail: TransportDetail) -> str:
    if detail.pickup_kind == "place" and detail.pickup_place is not None:
        place = detail.pickup_place
        return _joined(place.name, place.address, place.city, place.state, place.zip_code)
    if detail.pickup_kind:
        return _written(detail.pickup_address)
    site = request.facility
    where = f"{site.name}, {detail.pickup_bed_label}" if detail.pickup_bed_label else site.name
    return _joined(where, site.address, site.city, site.state, site.zip_code)


def _destination(detail: TransportDetail) -> str:
    if detail.place is not None:
        place = detail.place
        return _joined(place.name, place.address, place.city, place.state, place.zip_code)
    words = _written(detail.destination_address)
    return f"Home, {words}" if detail.destination_kind == "home" and words else words


def _written(address: dict[str, Any] | None) -> str:
    return _joined(*(str((address or {}).get(part, "")) for part in ("line", "city", "state", "zip_code")))


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
