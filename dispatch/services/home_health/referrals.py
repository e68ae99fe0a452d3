"""A referral from the confirmed order to the end of care: the chosen agency is asked, answers, and may give it back.

An agency answers in a crossing scope (``Scope.crossing``), which reaches the referral and its offer and no row that
names the patient. The referral's row is locked first. Nobody is ever asked whom the patient did not choose.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import policies, states
from dispatch.models import Referral, ReferralEvent, ReferralOffer, ReferralPatient, Visit
from dispatch.selectors import agencies
from dispatch.services.home_health import copies
from dispatch.services.home_health.transitions import answer_to, referral_to, visit_to
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove, NotAllowed, StaleState
from logistics.requests import home_health_rules as rules
from logistics.requests.models import HomeHealthDetail, PatientChoice, ServiceRequest
from logistics.requests.services import alerts

# Alerts that nobody needs to answer any more once the order is off.
OPEN_QUESTIONS = (
    "home_health_choose_again", "home_health_all_declined", "home_health_discharge_canceled", "start_of_care_late",
    "visit_missed", "visit_refused", "visit_not_begun",
)  # fmt: skip
BEGUN = ("checked_in", "checked_out", "verified", "exception")


def get_locked(referral_id: UUID) -> Referral:
    """The referral, locked until the transaction ends."""
    referral = Referral.objects.select_for_update().filter(pk=referral_id).first()
    if referral is None:
        raise DomainError("This referral does not exist.", code="not_found")
    return referral


def live_of(request_id: UUID) -> Referral | None:
    """The request's referral that was not canceled."""
    return Referral.objects.filter(request_id=request_id).exclude(status="canceled").first()


@transaction.atomic
def open_for_request(request_id: UUID) -> Referral | None:
    """Open the referral of a confirmed home health request, with the sealed patient. Idempotent. Staff scope.

    Returns the live referral; None when the request is no confirmed home health. Publishes ``referral.opened``.
    """
    request = (
        ServiceRequest.objects.select_for_update(of=("self",))
        .select_related("patient", "facility")
        .filter(pk=request_id, kind="home_health")
        .first()
    )
    if request is None:
        return None
    known = live_of(request.pk)
    if known is not None or request.status != "requested":
        return known
    detail = HomeHealthDetail.objects.get(request=request)
    address = detail.address
    referral = Referral.objects.create(
        request=request,
        disciplines=detail.disciplines,
        payer_class=detail.payer_class,
        zone_words=policies.zone_words(address.get("city", ""), address.get("zip_code", "")),
        time_zone=detail.time_zone or request.facility.time_zone,
        soc_ordered_on=detail.soc_ordered_on,
        due_at=detail.due_at or rules.start_of_care_due(clock.now(), None, None, request.facility.time_zone),
        home_at=detail.home_at,
    )
    ReferralPatient.objects.create(referral=referral, details=copies.patient_details(request, detail))
    scope = scoping.current()
    ReferralEvent.objects.create(
        referral=referral,
        new_status=referral.status,
        at=clock.now(),
        actor_id=scope.user_id,
        actor_label=request.requested_by_name or scope.actor_label,
        source=request.source,
    )
    audit.record(action="referral.opened", target=referral, patient_id=request.patient_id)
    outbox.publish(
        "referral.opened", {"referral_id": str(referral.pk), "request_id": str(request.pk), "new": "choosing"}
    )
    return referral


def ask(referral: Referral, choice: PatientChoice, vendor_id: UUID, *, rank: int = 1) -> ReferralOffer:
    """Ask the agency that ``choice`` names; whoever was asked or had it before is let go. Staff scope, row locked.

    The same agency that is asked, or has it, already stays. Publishes ``referral.sent``. Raises ``DomainError`` when
    the agency may not be asked any more, or care has begun.
    """
    live = ReferralOffer.objects.select_for_update().filter(referral=referral, status__in=["open", "accepted"]).first()
    if live is not None and live.vendor_id == vendor_id:
        return live
    now = clock.now()
    day = clock.local(now, referral.time_zone).date()
    if vendor_id not in agencies.licensed_vendors(agencies.network_of(day).values_list("vendor_id", flat=True), day):
        words = "This agency may not be asked any more. Show the list again."
        raise DomainError(words, code="not_in_network", fields={"vendor": words})
    if referral.status in ("asked", "accepted"):
        let_go(referral, reason="The patient chose another agency")
        referral_to(referral, "choosing", reason="The patient chose another agency", changes=GONE)
    minutes = agencies.response_minutes(vendor_id)
    offer = ReferralOffer.objects.create(
        referral=referral,
        vendor_id=vendor_id,
        choice=choice,
        rank=rank,
        response_minutes=minutes,
        brief=copies.brief(referral),
    )
    answer_to(
        offer, "open", changes={"sent_at": now, "expires_at": now + dt.timedelta(minutes=minutes)},
        details={"choice_id": str(choice.pk), "rank": rank},
    )  # fmt: skip
    referral_to(referral, "asked", details={"rank": rank}, vendor_id=vendor_id)
    alerts.resolve(["home_health_choose_again", "home_health_all_declined"], request=referral.request)
    return offer


GONE: dict[str, Any] = {"vendor_id": None, "accepted_at": None}


@transaction.atomic
def accept(offer_id: UUID, *, source: str = "user") -> Referral:
    """The agency takes the referral; a first visit is due. Vendor scope, repeatable.

    Raises ``StaleState`` in words: lapsed, answered before, withdrawn. Publishes ``referral.accepted`` and
    ``home_health.accepted``.
    """
    offer = _own_offer(offer_id)
    with scoping.enter(scoping.current().crossing(offer.tenant_id)):
        return _accept(offer, source=source, reason="")


@transaction.atomic
def accept_for(offer_id: UUID, *, reason: str) -> Referral:
    """Staff enter the yes of an agency that answered by phone; ``reason`` says who said so. Staff scope."""
    return _accept(_staff_offer(offer_id, reason), source="operator", reason=reason)


@transaction.atomic
def decline(offer_id: UUID, *, code: str, note: str = "", source: str = "user") -> ReferralOffer:
    """The agency says no; ``code`` is a key of ``states.REFERRAL_DECLINE_REASONS``. Repeatable. Vendor scope."""
    check_code(code)
    offer = _own_offer(offer_id)
    with scoping.enter(scoping.current().crossing(offer.tenant_id)):
        return _decline(offer, code=code, note=note, source=source)


@transaction.atomic
def decline_for(offer_id: UUID, *, code: str, reason: str) -> ReferralOffer:
    """Staff enter the no of an agency that answered by phone. Staff scope."""
    check_code(code)
    return _decline(_staff_offer(offer_id, reason), code=code, note=reason, source="operator")


@transaction.atomic
def give_back(referral_id: UUID, *, code: str, note: str = "") -> Referral:
    """The agency cannot keep what it accepted; the patient chooses again. Refused once a visit began. Vendor scope."""
    check_code(code)
    known = own(referral_id)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral = get_locked(referral_id)
        if referral.status != "accepted" or referral.vendor_id != known.vendor_id:
            raise IllegalMove("This referral cannot be given back now.", code="not_accepted")
        if Visit.objects.filter(referral=referral, status__in=BEGUN).exists():
            raise IllegalMove("A visit has begun. Call the hospital.", code="begun")
        vendor_id, words = referral.vendor_id, states.REFERRAL_DECLINE_REASONS[code]
        offer = ReferralOffer.objects.select_for_update().get(referral=referral, status="accepted")
        _cancel_visits(referral, reason=words)
        answer_to(
            offer, "turned_back", reason=words, changes={"decline_code": code, "decline_note": note[:200]},
            details={"code": code},
        )  # fmt: skip
        ReferralPatient.objects.filter(referral_id=referral.pk).update(vendor_id=None)
        return referral_to(
            referral, "choosing", reason=words, changes=GONE, details={"code": code}, vendor_id=vendor_id
        )


@transaction.atomic
def end(referral_id: UUID, *, reason: str) -> Referral:
    """Care is over; 24 hours later the agency cannot read the patient any more. Vendor scope, repeatable."""
    known = own(referral_id)
    if not reason.strip():
        raise DomainError("Say why care ends.", code="no_reason", fields={"reason": "Say why care ends."})
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral = get_locked(referral_id)
        if referral.status == "ended":
            return referral
        _cancel_visits(referral, reason="Care ended")
        return referral_to(referral, "ended", reason=reason, changes={"ended_at": clock.now()})


@transaction.atomic
def next_after(referral_id: UUID) -> ReferralOffer | None:
    """The asked agency did not take it: the patient's second choice is asked, else a person must ask the patient.

    Returns the new offer, if any. Staff scope, repeatable.
    """
    referral = get_locked(referral_id)
    if referral.status not in ("asked", "choosing"):
        return None
    if ReferralOffer.objects.filter(referral=referral, status__in=["open", "accepted"]).exists():
        return None
    if referral.status == "asked":
        referral_to(referral, "choosing", source="engine", reason="The agency did not take it")
    asked = {offer.vendor_id: offer for offer in ReferralOffer.objects.filter(referral=referral).order_by("sent_at")}
    choice = PatientChoice.objects.filter(request_id=referral.request_id, superseded_at__isnull=True).first()
    if choice is not None and choice.second_vendor_id and choice.second_vendor_id not in asked:
        try:
            return ask(referral, choice, choice.second_vendor_id, rank=2)
        except DomainError:
            pass  # it left the network since: the patient is asked like without a second choice
    last = max(asked.values(), key=lambda offer: offer.sent_at or referral.created_at, default=None)
    words = states.REFERRAL_DECLINE_REASONS.get(last.decline_code, "no answer in time").lower() if last else ""
    day = clock.local(clock.now(), referral.time_zone).date()
    may_ask = agencies.licensed_vendors(agencies.network_of(day).values_list("vendor_id", flat=True), day)
    code = "home_health_choose_again" if may_ask - set(asked) else "home_health_all_declined"
    alerts.raise_alert(
        code,
        "warn" if code == "home_health_choose_again" else "top",
        request=referral.request,
        params={"why": words, "asked": len(asked), "agency": last.vendor.name if last else ""},
    )
    return None


@transaction.atomic
def expire_due() -> int:
    """End the clocks that ran out. Returns how many. Staff scope; what follows hears ``referral.offer_expired``."""
    due = ReferralOffer.objects.filter(status="open", expires_at__lte=clock.now()).order_by("referral_id", "pk")
    expired = 0
    for offer_id, referral_id in list(due.values_list("pk", "referral_id")):
        get_locked(referral_id)
        offer = ReferralOffer.objects.select_for_update().get(pk=offer_id)
        if offer.status == "open":
            answer_to(offer, "expired", source="engine", reason="No answer in time")
            expired += 1
    return expired


def let_go(referral: Referral, *, reason: str, source: str = "user") -> None:
    """End the live offer and the visits ahead; the agency cannot read the patient any more. Staff scope, row locked.

    Refused once a visit began.
    """
    if Visit.objects.filter(referral=referral, status__in=BEGUN).exists():
        raise IllegalMove("A visit has begun: agree the change with the agency first.", code="begun")
    for offer in ReferralOffer.objects.select_for_update().filter(referral=referral, status__in=["open", "accepted"]):
        answer_to(offer, "withdrawn", source=source, reason=reason)
    _cancel_visits(referral, reason=reason, source=source)
    ReferralPatient.objects.filter(referral_id=referral.pk).update(vendor_id=None)


def _cancel_visits(referral: Referral, *, reason: str, source: str = "user") -> None:
    for visit in Visit.objects.select_for_update().filter(referral=referral, status__in=["ordered", "scheduled"]):
        visit_to(visit, "canceled", source=source, reason=reason)


def order_start(referral: Referral) -> Visit:
    """The initial visit that is due now: by a nurse, else by a therapist (42 CFR 484.55(a))."""
    visit = Visit.objects.create(
        referral=referral,
        vendor_id=agency_of(referral),
        is_soc=True,
        discipline=rules.may_begin(referral.disciplines)[0],
    )
    audit.record(action="visit.ordered", target=visit, details={"start_of_care": True})
    return visit


def agency_of(referral: Referral) -> UUID:
    """The agency that has it. Raises ``IllegalMove`` where none has."""
    if referral.vendor_id is None:
        raise IllegalMove("No agency has this referral now.", code="not_accepted")
    return referral.vendor_id


def _accept(offer: ReferralOffer, *, source: str, reason: str) -> Referral:
    referral = Referral.objects.select_for_update().filter(pk=offer.referral_id).first()
    offer = ReferralOffer.objects.select_for_update().get(pk=offer.pk)
    if referral is not None and offer.status == "accepted" and referral.vendor_id == offer.vendor_id:
        return referral
    _refuse_late(offer, referral)
    assert referral is not None
    now, vendor_id = clock.now(), offer.vendor_id
    answer_to(offer, "accepted", source=source, reason=reason, changes={"answered_at": now})
    referral_to(
        referral,
        "accepted",
        source=source,
        reason=reason,
        changes={"vendor_id": vendor_id, "accepted_at": now},
        details={"offer_id": str(offer.pk), "rank": offer.rank},
    )
    ReferralPatient.objects.filter(referral_id=referral.pk).update(vendor_id=vendor_id)
    order_start(referral)
    outbox.publish(
        "home_health.accepted",
        {
            "request_id": str(referral.request_id),
            "referral_id": str(referral.pk),
            "notify_vendor_ids": [str(vendor_id)],
        },
    )
    return referral


def _refuse_late(offer: ReferralOffer, referral: Referral | None) -> None:
    if offer.status == "expired" or (offer.status == "open" and offer.expires_at and offer.expires_at <= clock.now()):
        raise StaleState("The time to answer is over. Call the hospital.", current="expired", code="expired")
    if offer.status == "withdrawn" or referral is None:
        words = "This referral was withdrawn: the patient chose another agency, or the order was canceled."
        raise StaleState(words, current="withdrawn")
    if offer.status != "open" or referral.status != "asked":
        raise StaleState(f"This referral was answered before: {offer.status.replace('_', ' ')}.", current=offer.status)


def _decline(offer: ReferralOffer, *, code: str, note: str, source: str) -> ReferralOffer:
    Referral.objects.select_for_update().filter(pk=offer.referral_id).first()
    offer = ReferralOffer.objects.select_for_update().get(pk=offer.pk)
    if offer.status == "declined":
        return offer
    if offer.status != "open":
        words = offer.status.replace("_", " ")
        raise StaleState(f"This referral cannot be declined: it is {words}.", current=offer.status)
    changes = {"answered_at": clock.now(), "decline_code": code, "decline_note": note[:200]}
    reason = states.REFERRAL_DECLINE_REASONS[code]
    return answer_to(offer, "declined", source=source, reason=reason, changes=changes, details={"code": code})


def check_code(code: str) -> None:
    """Refuse a no without a known reason."""
    if code not in states.REFERRAL_DECLINE_REASONS:
        raise DomainError("Choose a reason.", code="no_reason", fields={"code": "Choose a reason from the list."})


def own(referral_id: UUID) -> Referral:
    """A referral that the agency at work has. Vendor scope."""
    vendor_id = scoping.current().vendor_id
    known = Referral.objects.filter(pk=referral_id, vendor_id=vendor_id).first() if vendor_id else None
    if known is None:
        raise DomainError("This referral does not exist.", code="not_found")
    return known


def _own_offer(offer_id: UUID) -> ReferralOffer:
    if scoping.current().vendor_id is None:
        raise NotAllowed("Only the agency that was asked answers.", code="not_vendor")
    offer = ReferralOffer.objects.filter(pk=offer_id).exclude(status="waiting").first()
    if offer is None:
        raise DomainError("This referral does not exist.", code="not_found")
    return offer


def _staff_offer(offer_id: UUID, reason: str) -> ReferralOffer:
    if not reason.strip():
        raise DomainError("Say who told you.", code="no_reason", fields={"reason": "Who said so, and how?"})
    offer = ReferralOffer.objects.filter(pk=offer_id).first()
    if offer is None:
        raise DomainError("This referral does not exist.", code="not_found")
    return offer
