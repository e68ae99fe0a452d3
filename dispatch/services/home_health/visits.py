"""Visits: begun and ended from the clinician's phone, verified by rule or by a coordinator."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from dispatch import evv
from dispatch.models import Referral, ReferralPatient, Visit, VisitEdit, VisitEvent
from dispatch.services.home_health import referrals
from dispatch.services.home_health.transitions import referral_to, visit_to
from dispatch.services.transitions import corrected
from logistics.accounts import roles
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove

MISSED = {
    "no_answer": "Nobody answered the door",
    "not_home": "The patient was not home",
    "in_hospital": "The patient is back in the hospital",
    "no_clinician": "No clinician was free",
    "weather": "Weather or road",
    "unsafe": "The home was not safe to enter",
    "other": "Other",
}
REFUSED = "refused"


@dataclass(frozen=True)
class Position:
    """Where the phone was; all None when it did not say."""

    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None


@transaction.atomic
def check_in(
    visit_id: UUID, *, at: dt.datetime, key: str, where: Position, device_now: dt.datetime | None = None
) -> Visit:
    """The clinician is with the patient. ``at`` is the phone's time; a ``key`` counts once. Vendor scope.

    Publishes ``visit.checked_in``. Raises ``DomainError`` (not this clinician's visit) or ``IllegalMove``.
    """
    known = own(visit_id)
    home = _home(known)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral, visit = locked(known)
        _check_clinician_taps(visit)
        if _counted(visit, key):
            return visit
        refuse_held(referral)
        if visit.status != "scheduled":
            raise IllegalMove(_cannot(visit, "Check in"), code="status")
        skew, true_at = _time(at, device_now)
        visit_to(
            visit, "checked_in", source="clinician", at=at, changes={"begin_at": true_at},
            event_fields={"key": key, "skew_seconds": skew},
        )  # fmt: skip
        visit.begin_place = evv.place_of(where.latitude, where.longitude, where.accuracy_m, home)
        visit.save(update_fields=["begin_place"])
        return visit


@transaction.atomic
def check_out(
    visit_id: UUID,
    *,
    at: dt.datetime,
    key: str,
    where: Position,
    done_note: str,
    device_now: dt.datetime | None = None,
) -> Visit:
    """The clinician leaves and says what was done; the visit is verified, or an exception that a coordinator must
    look at. Vendor scope. Publishes ``visit.checked_out``, then ``visit.verified`` or ``visit.exception``; the first
    verified visit publishes ``home_health.soc_completed`` too."""
    known = own(visit_id)
    home = _home(known)
    if len(done_note.strip()) < 3:
        raise refused("done_note", "Write in a few words what was done.")
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral, visit = locked(known)
        _check_clinician_taps(visit)
        if _counted(visit, key):
            return visit
        if visit.status != "checked_in":
            raise IllegalMove(_cannot(visit, "Check out"), code="status")
        skew, true_at = _time(at, device_now)
        assert visit.begin_at is not None  # set with check-in
        visit_to(
            visit, "checked_out", source="clinician", at=at, changes={"end_at": max(true_at, visit.begin_at)},
            event_fields={"key": key, "skew_seconds": skew},
        )  # fmt: skip
        visit.end_place = evv.place_of(where.latitude, where.longitude, where.accuracy_m, home)
        visit.done_note = done_note.strip()[:1000]
        visit.save(update_fields=["end_place", "done_note"])
        return _verify(referral, visit, edited=False)


@transaction.atomic
def approve(visit_id: UUID, *, reason: str, note: str = "") -> Visit:
    """A coordinator accepts a visit that did not verify by itself; ``reason`` is a key of ``evv.REASONS``.

    Vendor scope, repeatable. The clinician of the visit may not. Publishes ``visit.verified``.
    """
    known = own(visit_id)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral, visit = locked(known)
        if visit.status == "verified":
            return visit
        if visit.status != "exception":
            raise IllegalMove(_cannot(visit, "Approve"), code="status")
        _check_approver(visit, reason)
        return _approved(referral, visit, reason=reason, note=note)


@transaction.atomic
def correct(
    visit_id: UUID, *, begin_at: dt.datetime, end_at: dt.datetime, reason: str, note: str, done_note: str = ""
) -> Visit:
    """A coordinator writes the times that the phone did not record. Kept with reason and approver, and counted.

    Vendor scope. Allowed from a planned visit to an exception; the visit is verified by it. Raises ``DomainError``
    naming fields; a visit cannot end in the future.
    """
    known = own(visit_id)
    if end_at <= begin_at:
        raise refused("end_at", "The end must be after the begin.")
    if end_at > clock.now():
        raise refused("end_at", "The end lies ahead. Write what happened.")
    if len(note.strip()) < 5:
        raise refused("note", "Write how you know these times.")
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral, visit = locked(known)
        if visit.status not in ("scheduled", "checked_in", "exception") or visit.clinician_id is None:
            raise IllegalMove(_cannot(visit, "Correct"), code="status")
        refuse_held(referral)
        _check_approver(visit, reason)
        scope = scoping.current()
        VisitEdit.objects.create(
            visit=visit,
            vendor_id=visit.vendor_id,
            before={"begin_at": _iso(visit.begin_at), "end_at": _iso(visit.end_at)},
            after={"begin_at": begin_at.isoformat(), "end_at": end_at.isoformat()},
            reason=reason,
            note=note.strip()[:500],
            approver_id=scope.user_id,
            approver_name=scope.actor_label,
        )
        audit.record(action="visit.corrected", target=visit, details={"reason": reason, "edits": visit.edits + 1})
        times = {"begin_at": begin_at, "end_at": end_at, "edits": visit.edits + 1}
        if visit.status == "scheduled":
            visit_to(visit, "checked_in", source="coordinator", reason="Entered by hand", at=begin_at, changes=times)
        if visit.status == "checked_in":
            visit_to(visit, "checked_out", source="coordinator", reason="Entered by hand", at=end_at, changes=times)
        else:
            found = sorted({*visit.exceptions, "edited"})
            Visit.objects.filter(pk=visit.pk).update(**times, exceptions=found)
            visit.refresh_from_db()
        if done_note.strip():
            visit.done_note = done_note.strip()[:1000]
            visit.save(update_fields=["done_note"])
        if visit.status == "checked_out":
            _verify(referral, visit, edited=True)
        return _approved(referral, visit, reason=reason, note=note)


@transaction.atomic
def miss(visit_id: UUID, *, code: str, note: str = "", practitioner_told: bool = False) -> Visit:
    """Nobody was seen: ``code`` is a key of :data:`MISSED` or ``refused`` (the patient did not want it).

    A first visit that was missed is due again at once. Vendor scope. Publishes ``visit.missed`` or
    ``visit.refused``; the hospital is told.
    """
    if code not in MISSED and code != REFUSED:
        raise refused("code", "Choose a reason from the list.")
    known = own(visit_id)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral, visit = locked(known)
        _check_clinician_taps(visit)
        to = "refused" if code == REFUSED else "missed"
        if visit.status == to:
            return visit
        if visit.status not in ("ordered", "scheduled"):
            raise IllegalMove(_cannot(visit, "Mark it missed"), code="status")
        visit_to(
            visit, to, reason=MISSED.get(code, "The patient did not want it"),
            changes={"missed_code": code, "practitioner_told": practitioner_told}, details={"code": code},
        )  # fmt: skip
        visit.missed_note = note.strip()[:500]
        visit.save(update_fields=["missed_note"])
        if visit.is_soc and referral.status == "accepted":
            again = referrals.order_start(referral)
            tell_ordered(again)
        return visit


def _verify(referral: Referral, visit: Visit, *, edited: bool) -> Visit:
    found = evv.exceptions(
        evv.Elements(
            service=visit.discipline,
            receiving=str(visit.referral_id),
            providing=visit.clinician_name,
            begin_at=visit.begin_at,
            end_at=visit.end_at,
            begin_miles=visit.begin_place.get("miles"),
            end_miles=visit.end_place.get("miles"),
            planned_at=visit.starts_at,
        )
    ) + (["edited"] if edited else [])
    if found:
        return visit_to(visit, "exception", source="evv", changes={"exceptions": found}, details={"codes": found})
    visit_to(visit, "verified", source="evv")
    _begin_care(referral, visit)
    return visit


def _approved(referral: Referral, visit: Visit, *, reason: str, note: str) -> Visit:
    scope = scoping.current()
    visit_to(
        visit,
        "verified",
        source="coordinator",
        reason=evv.REASONS[reason],
        changes={"approved_reason": reason, "approved_by_name": scope.actor_label[:120], "approved_at": clock.now()},
        details={"reason": reason, "codes": visit.exceptions, "note": bool(note.strip())},
    )
    _begin_care(referral, visit)
    return visit


def _begin_care(referral: Referral, visit: Visit) -> None:
    """The first verified visit starts the care."""
    if not visit.is_soc or referral.status != "accepted":
        return
    referral_to(referral, "in_care", source="evv", changes={"soc_at": visit.begin_at})
    outbox.publish(
        "home_health.soc_completed",
        {
            "request_id": str(referral.request_id),
            "referral_id": str(referral.pk),
            "at": _iso(visit.begin_at),
            "on_time": bool(visit.begin_at and visit.begin_at <= referral.due_at),
        },
    )


def may_coordinate() -> bool:
    """Whether the actor plans visits and answers for their records."""
    role = roles.ROLES.get(scoping.current().actor_role)
    return role is not None and "visits.plan" in role.permissions


def _check_clinician_taps(visit: Visit) -> None:
    """Refuse anybody but the visit's clinician and the agency's coordinators, as if it did not exist."""
    scope = scoping.current()
    if may_coordinate() or (visit.clinician_user_id is not None and visit.clinician_user_id == scope.user_id):
        return
    raise DomainError("This visit does not exist.", code="not_found")


def _check_approver(visit: Visit, reason: str) -> None:
    if reason not in evv.REASONS:
        raise refused("reason", "Choose a reason from the list.")
    scope = scoping.current()
    if scope.user_id is not None and scope.user_id == visit.clinician_user_id:
        raise refused("reason", "Somebody else must approve your own visit.")


def own(visit_id: UUID) -> Visit:
    """A visit of the agency at work. Vendor scope."""
    vendor_id = scoping.current().vendor_id
    visit = Visit.objects.filter(pk=visit_id, vendor_id=vendor_id).first() if vendor_id else None
    if visit is None:
        raise DomainError("This visit does not exist.", code="not_found")
    return visit


def locked(known: Visit) -> tuple[Referral, Visit]:
    """The referral and the visit, locked in this order. Crossing scope."""
    referral = referrals.get_locked(known.referral_id)
    return referral, Visit.objects.select_for_update().get(pk=known.pk)


def _home(visit: Visit) -> tuple[float, float] | None:
    """Where the patient lives, as far as known. Vendor scope: the crossing does not read it."""
    row = ReferralPatient.objects.filter(referral_id=visit.referral_id).first()
    details = row.details if row is not None else {}
    if details.get("latitude") is None or details.get("longitude") is None:
        return None
    return float(details["latitude"]), float(details["longitude"])


def _counted(visit: Visit, key: str) -> bool:
    return VisitEvent.objects.filter(visit=visit, key=key).exists()


def _time(at: dt.datetime, device_now: dt.datetime | None) -> tuple[int, dt.datetime]:
    now = clock.now()
    skew = round((now - device_now).total_seconds()) if device_now else min(0, round((now - at).total_seconds()))
    return skew, min(corrected(at, skew), now)


def refuse_held(referral: Referral) -> None:
    """Refuse work on a referral that is on hold or not the agency's any more."""
    if referral.status == "held":
        raise IllegalMove("The hospital put this order on hold. Do not visit; call the hospital.", code="held")
    if referral.status not in ("accepted", "in_care"):
        raise IllegalMove("This referral is not yours any more. Call the hospital.", code="not_accepted")


def _cannot(visit: Visit, what: str) -> str:
    words = {"ordered": "has no time yet", "checked_in": "has begun", "verified": "is verified already"}
    return f"{what} is not possible: this visit {words.get(visit.status, 'is ' + visit.get_status_display().lower())}."


def tell_ordered(visit: Visit) -> None:
    """Publish ``visit.ordered``."""
    payload = {"visit_id": str(visit.pk), "referral_id": str(visit.referral_id)}
    outbox.publish("visit.ordered", payload, vendor_id=visit.vendor_id)


def _iso(moment: dt.datetime | None) -> str:
    return moment.isoformat() if moment is not None else ""


def refused(field: str, words: str) -> DomainError:
    """A refusal at one field of a form."""
    return DomainError(words, code="refused", fields={field: words})
