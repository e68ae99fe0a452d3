"""What the request does to its referral, what the referral does to its request, and clocks. Staff scope, repeatable."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import evv
from dispatch.models import Referral, ReferralOffer, Visit
from dispatch.services.home_health import copies, referrals
from dispatch.services.home_health.transitions import answer_to, referral_to
from logistics.core import audit, clock, outbox
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import HomeHealthDetail, PatientChoice, ServiceRequest
from logistics.requests.services import alerts, home_health
from logistics.requests.services import transitions as requests

FORWARD = ("requested", "scheduled", "in_progress", "completed")
STARTED = ("checked_in", "checked_out", "exception", "verified")


@transaction.atomic
def hold(request_id: UUID, *, reason: str) -> Referral | None:
    """The request was stopped: an agency that only was asked is told no, one that accepted waits."""
    referral = _locked(request_id)
    if referral is None or referral.status not in ("choosing", "asked", "accepted"):
        return referral
    back_to = referral.status
    for offer in ReferralOffer.objects.select_for_update().filter(referral=referral, status="open"):
        answer_to(offer, "withdrawn", source="request", reason=reason)
    return referral_to(referral, "held", source="request", reason=reason, changes={"held_from": back_to})


@transaction.atomic
def resume(request_id: UUID) -> Referral | None:
    """The request goes on: the agency that accepted goes on, the one that was asked is asked again."""
    referral = _locked(request_id)
    if referral is None or referral.status != "held":
        return referral
    was = referral.held_from
    to = "accepted" if was == "accepted" else "choosing"
    referral_to(referral, to, source="request", reason="The request goes on", changes={"held_from": ""})
    alerts.resolve(["home_health_discharge_canceled"], request=referral.request)
    choice = PatientChoice.objects.filter(request_id=request_id, superseded_at__isnull=True).first()
    if was == "asked" and choice is not None:
        last = ReferralOffer.objects.filter(referral=referral, choice=choice).order_by("-sent_at").first()
        try:
            referrals.ask(referral, choice, last.vendor_id if last else choice.vendor_id)
        except DomainError:
            # The agency left the network meanwhile.
            alerts.raise_alert(
                "home_health_choose_again",
                request=referral.request,
                params={"why": "it left the network", "agency": choice.agency_name},
            )
    return referral


@transaction.atomic
def cancel(request_id: UUID, *, reason: str) -> Referral | None:
    """The request is off: nobody is asked any more, visits ahead are canceled, the agency forgets the patient."""
    referral = _locked(request_id)
    if referral is None or referral.status in ("ended", "canceled", "in_care"):
        return referral
    try:
        referrals.let_go(referral, reason=reason, source="request")
    except IllegalMove:
        alerts.raise_alert("home_health_canceled_under_way", "top", request=referral.request)
        return referral
    return referral_to(referral, "canceled", source="request", reason=reason)


@transaction.atomic
def update_from_request(request_id: UUID) -> Referral | None:
    """When care is due moved: the referral follows, and an agency at work sees it. Publishes ``referral.changed``."""
    referral = _locked(request_id)
    detail = HomeHealthDetail.objects.filter(request_id=request_id).first()
    if referral is None or detail is None or detail.due_at is None or referral.soc_at is not None:
        return referral
    changes: dict[str, Any] = {
        "due_at": detail.due_at,
        "home_at": detail.home_at,
        "soc_ordered_on": detail.soc_ordered_on,
    }
    changes = {name: value for name, value in changes.items() if getattr(referral, name) != value}
    if not changes:
        return referral
    if "due_at" in changes and changes["due_at"] > clock.now():
        changes["late_told_at"] = None
        alerts.resolve(["start_of_care_late"], request=referral.request)
    Referral.objects.filter(pk=referral.pk).update(**changes, updated_at=clock.now())
    referral.refresh_from_db()
    for offer in ReferralOffer.objects.select_for_update().filter(referral=referral, status="open"):
        offer.brief = copies.brief(referral)
        offer.save(update_fields=["brief"])
    audit.record(action="referral.changed", target=referral, details={"fields": sorted(changes)})
    outbox.publish(
        "referral.changed",
        {"referral_id": str(referral.pk), "request_id": str(request_id), "fields": sorted(changes)},
        vendor_id=referral.vendor_id,
    )
    return referral


@transaction.atomic
def follow(referral_id: UUID) -> None:
    """Bring the request to what its referral implies: scheduled on acceptance, in progress from the first check-in,
    completed when the start of care is verified."""
    referral = Referral.objects.select_for_update(of=("self",)).select_related("vendor").filter(pk=referral_id).first()
    if referral is None:
        return
    request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=referral.request_id)
    home_health.told_agency(
        request.pk, vendor_id=referral.vendor_id, agency_name=referral.vendor.name if referral.vendor else ""
    )
    if referral.soc_at is not None:
        home_health.told_start(request.pk, soc_at=referral.soc_at)
    target = _implied(referral)
    if target == "" or request.status not in FORWARD or request.status in (target, "completed"):
        return
    here, there = FORWARD.index(request.status), FORWARD.index(target)
    for status in FORWARD[here + 1 : there + 1] if there > here else (target,):
        requests.request_to(request, status, source="referral")


def _implied(referral: Referral) -> str:
    if referral.status in ("in_care", "ended"):
        return "completed"
    if referral.status in ("choosing", "asked"):
        return "requested"
    if referral.status != "accepted":
        return ""
    visits = Visit.objects.filter(referral=referral, status__in=STARTED)
    begun = any(vendor_id == referral.vendor_id for vendor_id in visits.values_list("vendor_id", flat=True))
    return "in_progress" if begun else "scheduled"


@transaction.atomic
def tell_miss(visit_id: UUID) -> None:
    """A visit was missed or refused: the hospital hears of it."""
    visit = Visit.objects.select_related("referral__request", "referral__vendor").get(pk=visit_id)
    referral = visit.referral
    start = visit.starts_at or visit.created_at
    alerts.raise_alert(
        "visit_refused" if visit.status == "refused" else "visit_missed",
        "top" if visit.is_soc else "warn",
        request=referral.request,
        params={
            "agency": referral.vendor.name if referral.vendor else "",
            "at": f"{clock.local(start, referral.time_zone):%H:%M}",
            "told": "The practitioner was told" if visit.practitioner_told else "The practitioner was not told yet",
        },
    )


@transaction.atomic
def watch() -> int:
    """Tell once of every start of care that is late and of every visit that nobody began. Returns how many."""
    now, told = clock.now(), 0
    late = Referral.objects.select_for_update(of=("self",)).filter(
        status__in=["choosing", "asked", "accepted"], due_at__lte=now, late_told_at__isnull=True
    )
    for referral in late.select_related("request", "vendor").order_by("pk"):
        at = clock.local(referral.due_at, referral.time_zone)
        agency = referral.vendor.name if referral.vendor else "no agency yet"
        alerts.raise_alert(
            "start_of_care_late", "top", request=referral.request, params={"at": f"{at:%a %H:%M}", "agency": agency}
        )
        Referral.objects.filter(pk=referral.pk).update(late_told_at=now)
        told += 1
    unseen = Visit.objects.select_for_update(of=("self",)).filter(
        status="scheduled", starts_at__lte=now - evv.TIME_SLACK, late_told_at__isnull=True
    )
    for visit in unseen.select_related("referral__request", "referral__vendor").order_by("pk"):
        referral = visit.referral
        if referral.status not in ("accepted", "in_care") or visit.starts_at is None:
            continue
        at = clock.local(visit.starts_at, referral.time_zone)
        agency = referral.vendor.name if referral.vendor else ""
        alerts.raise_alert(
            "visit_not_begun", request=referral.request, params={"at": f"{at:%a %H:%M}", "agency": agency}
        )
        Visit.objects.filter(pk=visit.pk).update(late_told_at=now)
        told += 1
    return told


def _locked(request_id: UUID) -> Referral | None:
    known = referrals.live_of(request_id)
    return referrals.get_locked(known.pk) if known is not None else None
