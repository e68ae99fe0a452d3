"""When a visit is and who goes: one discipline, papers in force that day, one patient at a time."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import connection, transaction

from dispatch.models import Visit
from dispatch.services.home_health import referrals
from dispatch.services.home_health.transitions import visit_to
from dispatch.services.home_health.visits import locked, own, refuse_held, refused, tell_ordered
from logistics.core import clock, scoping
from logistics.core.errors import IllegalMove
from logistics.requests import home_health_rules as rules
from vendors.models import Credential, CrewMember
from vendors.policies import CREDENTIALS_OF_CREW

TAKES = ("ordered", "scheduled", "checked_in", "checked_out")


@transaction.atomic
def plan(visit_id: UUID, *, clinician_id: UUID, starts_at: dt.datetime, ends_at: dt.datetime) -> Visit:
    """Give a visit its time and clinician; a planned one gets others. Vendor scope, repeatable.

    Publishes ``visit.scheduled``. Raises ``DomainError`` naming fields: another discipline, a paper that ends before
    the visit, a clinician who is with somebody else then; ``IllegalMove`` when the visit began or the order is held.
    """
    known = own(visit_id)
    clinician = CrewMember.objects.filter(pk=clinician_id, is_active=True).first()
    if clinician is None:
        raise refused("clinician", "Choose a clinician of your agency.")
    if ends_at <= starts_at:
        raise refused("ends_at", "The end must be after the begin.")
    if ends_at <= clock.now():
        raise refused("starts_at", "This time has passed.")
    _lock_clinician(clinician.pk)
    _check_clinician(known, clinician, starts_at, ends_at)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral, visit = locked(known)
        refuse_held(referral)
        same = (visit.clinician_id, visit.starts_at, visit.ends_at) == (clinician.pk, starts_at, ends_at)
        if visit.status == "scheduled" and same:
            return visit
        if visit.status not in ("ordered", "scheduled"):
            raise IllegalMove(f"This visit is {visit.get_status_display().lower()} already.", code="begun")
        moved = visit.status == "scheduled"
        return visit_to(
            visit,
            "scheduled",
            reason="Planned anew" if moved else "",
            changes={
                "clinician_id": clinician.pk,
                "clinician_name": clinician.name,
                "clinician_user_id": clinician.user_id,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "late_told_at": None,
            },
            details={"starts_at": starts_at.isoformat(), "replanned": moved},
        )


@transaction.atomic
def add(referral_id: UUID, *, discipline: str) -> Visit:
    """One more visit of the episode, to be planned. Vendor scope. Publishes ``visit.ordered``."""
    known = referrals.own(referral_id)
    if discipline not in known.disciplines:
        raise refused("discipline", "Choose a service that is ordered.")
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        referral = referrals.get_locked(referral_id)
        refuse_held(referral)
        if referral.status != "in_care":
            raise IllegalMove("The first visit comes first. Others can be added when it is verified.", code="no_start")
        visit = Visit.objects.create(referral=referral, vendor_id=referrals.agency_of(referral), discipline=discipline)
        tell_ordered(visit)
        return visit


def _check_clinician(visit: Visit, clinician: CrewMember, starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    if clinician.level != visit.discipline:
        wanted = rules.DISCIPLINES[visit.discipline].label.lower()
        raise refused("clinician", f"{clinician.name} does not give {wanted}.")
    day = ends_at.date()
    held = {row.kind: row.ends_on for row in Credential.objects.filter(crew_member=clinician).order_by("ends_on")}
    names = dict(Credential.KINDS)
    for kind in CREDENTIALS_OF_CREW.get(clinician.level, ()):
        if kind not in held:
            raise refused("clinician", f"{clinician.name} has no {names[kind].lower()} on file.")
        if held[kind] < day:
            raise refused("clinician", f"{clinician.name}'s {names[kind].lower()} ends before this visit.")
    busy = Visit.objects.filter(clinician=clinician, status__in=TAKES, starts_at__lt=ends_at, ends_at__gt=starts_at)
    if busy.exclude(pk=visit.pk).exists():
        raise refused("starts_at", f"{clinician.name} is with another patient then.")


def _lock_clinician(clinician_id: UUID) -> None:
    """Two plans for one clinician wait for each other: the overlap is looked at once at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"clinician|{clinician_id}"])
