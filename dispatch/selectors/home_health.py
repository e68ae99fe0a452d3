"""Home health as the hospital reads it: where each order stands, one page of one order, and the list of all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Prefetch

from dispatch import evv, states
from dispatch.models import Referral, ReferralEvent, ReferralOffer, Visit
from logistics.core import clock
from logistics.core.machines import StatusEvent
from logistics.requests import home_health_rules as rules
from logistics.requests.alerts import sentence_of
from logistics.requests.models import Alert, Gate, HomeHealthDetail, PatientChoice, ServiceRequest

# Where no person acted: the actor is a name of ours.
AUTOMATIC = ("engine", "request", "gate", "ehr")
OPEN = ("draft", "pending", "requested", "scheduled", "in_progress", "held")


@dataclass(frozen=True)
class HomeHealthStatus:
    """Where one order stands. ``status`` is a word of the status map (the referral's, or the request's before there is
    one), ``words`` a sentence for people, ``is_late`` whether the start of care is overdue."""

    request_id: UUID
    status: str
    words: str
    agency: str
    due_at: dt.datetime | None
    soc_at: dt.datetime | None
    is_done: bool
    is_late: bool
    time_zone: str


def status_of(request_ids: Iterable[UUID]) -> dict[UUID, HomeHealthStatus]:
    """Where these home health requests stand, by id; others are left out. Three queries, whatever their number."""
    ids = list(request_ids)
    details = HomeHealthDetail.objects.filter(request_id__in=ids).select_related("request__facility")
    referrals = {
        row.request_id: row
        for row in Referral.objects.filter(request_id__in=ids).select_related("vendor").order_by("created_at")
    }
    first = {
        visit.referral_id: visit
        for visit in Visit.objects.filter(referral__request_id__in=ids, is_soc=True).order_by("created_at")
    }
    now = clock.now()
    out = {}
    for detail in details:
        referral = referrals.get(detail.request_id)
        visit = first.get(referral.pk) if referral else None
        out[detail.request_id] = _status(detail.request, detail, referral, visit, now)
    return out


def _status(
    request: ServiceRequest,
    detail: HomeHealthDetail,
    referral: Referral | None,
    visit: Visit | None,
    now: dt.datetime,
) -> HomeHealthStatus:
    zone = detail.time_zone or request.facility.time_zone
    # A request that waits, is held or is off says more than its referral.
    waits = referral is None or request.status in ("draft", "pending", "held", "canceled")
    status = request.status if waits or referral is None else referral.status
    agency = referral.vendor.name if referral is not None and referral.vendor else ""
    due_at = referral.due_at if referral is not None else detail.due_at
    soc_at = referral.soc_at if referral is not None else None
    done = soc_at is not None
    open_ = status not in ("canceled", "ended", "in_care")
    return HomeHealthStatus(
        request_id=request.pk,
        status=status,
        words=_words(status, request, referral, visit, agency, zone),
        agency=agency,
        due_at=due_at,
        soc_at=soc_at,
        is_done=done,
        is_late=bool(open_ and due_at is not None and due_at < now),
        time_zone=zone,
    )


def _words(
    status: str, request: ServiceRequest, referral: Referral | None, visit: Visit | None, agency: str, zone: str
) -> str:
    if referral is not None and referral.soc_at is not None:
        return start_words(referral)
    if status == "accepted":
        return f"Home health accepted by {agency}, {_visit_words(visit, zone)}"
    return {
        "draft": "Home health is not confirmed",
        "pending": "Home health waits for an approval",
        "requested": "Home health is confirmed",
        "choosing": "The patient must choose a home health agency",
        "asked": "The chosen home health agency has been asked",
        "held": f"Home health is on hold: {request.hold_reason.lower() or 'a person must decide'}",
        "canceled": "Home health was canceled",
    }.get(status, "Home health is ordered")


def _visit_words(visit: Visit | None, zone: str) -> str:
    if visit is None or visit.starts_at is None or visit.status == "ordered":
        return "first visit not planned yet"
    at = clock.local(visit.starts_at, zone)
    said = {"scheduled": "first visit", "exception": "first visit to be checked,"}.get(
        visit.status, "first visit began"
    )
    return f"{said} {at:%a %H:%M %Z}"


def start_words(referral: Referral) -> str:
    """``Start of care done 26 h after the return home`` (or the referral, where that came later or is all we know)."""
    if referral.soc_at is None:
        return ""
    since, what = referral.created_at, "the referral"
    if referral.home_at is not None and referral.home_at <= referral.soc_at:
        since, what = referral.home_at, "the return home"
    hours = max(0, round((referral.soc_at - since).total_seconds() / 3600))
    late = ", late" if referral.soc_at > referral.due_at else ""
    return f"Start of care done {hours} h after {what}{late}"


@dataclass(frozen=True)
class Row:
    """One line of the hospital's list."""

    request: ServiceRequest
    patient: str
    place: str
    services: str
    standing: HomeHealthStatus


def order_list(*, unit_ids: Iterable[str] = (), show: str = "open", limit: int = 100) -> list[Row]:
    """Home health orders of these units (all when none): ``open`` ones or those ``done``. Five queries."""
    orders = ServiceRequest.objects.filter(kind="home_health").select_related("patient", "unit", "facility")
    if unit_ids:
        orders = orders.filter(unit_id__in=[UUID(str(each)) for each in unit_ids])
    orders = orders.filter(status__in=OPEN) if show == "open" else orders.exclude(status__in=OPEN)
    orders = orders.prefetch_related(Prefetch("home_health_rows", to_attr="details")).order_by("-created_at")[:limit]
    found = list(orders)
    standing = status_of(order.pk for order in found)
    rows = [
        Row(
            request=order,
            patient=order.patient.display_name,
            place=order.unit.name if order.unit else order.facility.short_name,
            services=", ".join(rules.labels(order.details[0].disciplines)),
            standing=standing[order.pk],
        )
        for order in found
        if order.pk in standing
    ]
    far = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(rows, key=lambda row: row.standing.due_at or far) if show == "open" else rows


@dataclass(frozen=True)
class OrderPage:
    """All of one order's page."""

    request: ServiceRequest
    detail: HomeHealthDetail
    standing: HomeHealthStatus
    referral: Referral | None
    choices: list[PatientChoice]
    asked: list[dict[str, Any]]
    visits: list[Visit]
    alerts: list[dict[str, str]]
    gates: list[Gate]
    timeline: list[dict[str, Any]] = field(default_factory=list)

    @property
    def choice(self) -> PatientChoice | None:
        """The choice that counts."""
        return next((choice for choice in self.choices if choice.superseded_at is None), None)


def order_get(request_id: UUID) -> OrderPage | None:
    """One home health order with everything about it, or None. Eleven queries."""
    request = (
        ServiceRequest.objects.filter(pk=request_id, kind="home_health")
        .select_related("patient", "facility", "unit", "encounter")
        .first()
    )
    detail = HomeHealthDetail.objects.filter(request_id=request_id).first() if request else None
    if request is None or detail is None:
        return None
    referral = Referral.objects.filter(request=request).select_related("vendor").order_by("-created_at").first()
    offers = ReferralOffer.objects.filter(referral=referral).select_related("vendor").order_by("-sent_at")
    return OrderPage(
        request=request,
        detail=detail,
        standing=status_of([request.pk])[request.pk],
        referral=referral,
        choices=list(PatientChoice.objects.filter(request=request).order_by("-chosen_at")),
        asked=[
            {"offer": offer, "words": states.REFERRAL_DECLINE_REASONS.get(offer.decline_code, "")} for offer in offers
        ],
        visits=list(Visit.objects.filter(referral=referral).order_by("starts_at", "created_at")),
        alerts=[_told(alert) for alert in Alert.objects.filter(request=request, acknowledged_at__isnull=True)],
        gates=list(Gate.objects.filter(request=request, state="open")),
        timeline=_timeline(request, referral),
    )


def _timeline(request: ServiceRequest, referral: Referral | None) -> list[dict[str, Any]]:
    """History of the request and its referral, newest first; what only follows the other is told once."""
    words = states.REFERRAL.statuses
    rows: list[tuple[StatusEvent, str]] = [(event, event.reason) for event in request.events.exclude(source="referral")]
    if referral is not None:
        rows += [
            (event, event.reason or words.get(event.new_status, ""))
            for event in ReferralEvent.objects.filter(referral=referral)
        ]
    rows.sort(key=lambda row: (row[0].at, row[0].recorded_at), reverse=True)
    return [
        {
            "at": event.at,
            "status": event.new_status,
            "detail": " · ".join(part for part in (reason, _who(event)) if part),
        }
        for event, reason in rows
    ]


def _told(alert: Alert) -> dict[str, str]:
    """An open alert as a banner."""
    sentence = sentence_of(alert)
    return {"tone": "bad" if alert.severity == "top" else "warn", "text": f"{sentence.happened} {sentence.do}"}


def _who(event: StatusEvent) -> str:
    return "" if event.source in AUTOMATIC else event.actor_label


def exception_words(codes: Iterable[str]) -> list[str]:
    """Why a visit did not verify by itself, in words."""
    return [evv.EXCEPTIONS[code] for code in codes if code in evv.EXCEPTIONS]
