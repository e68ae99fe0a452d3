"""Home health as an agency reads it: referrals it is asked about (brief only), patients it accepted, its visits."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch import evv, states
from dispatch.models import Referral, ReferralOffer, ReferralPatient, Visit, VisitEdit
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.requests import home_health_rules as rules
from vendors.models import CrewMember, HomeHealthProfile

ANSWERED_HOURS = 48
SHOWN_DAYS = 14


@dataclass(frozen=True)
class Person:
    """A patient as an agency's role may see it: all of it for who gives care; empty once the time to know is over."""

    name: str = ""
    born: str = ""
    phone: str = ""
    language: str = ""
    address: str = ""
    line: str = ""
    city: str = ""
    details: dict[str, Any] | None = None


def person_of(row: ReferralPatient | None) -> Person:
    """What the sealed copy says, for a page."""
    details = row.details if row is not None else {}
    if not details:
        return Person()
    where = details.get("address") or {}
    name = ", ".join(part for part in (details.get("family_name"), details.get("given_name")) if part)
    city = " ".join(str(where[key]) for key in ("city", "state", "zip_code") if where.get(key))
    line = str(where.get("line", ""))
    return Person(
        name=name or "Name unknown",
        born=_born(str(details.get("birth_date") or "")),
        phone=str(details.get("phone") or ""),
        language=str(details.get("language") or ""),
        address=", ".join(part for part in (line, city) if part),
        line=line,
        city=city,
        details=details,
    )


def _born(text: str) -> str:
    try:
        return f"{dt.date.fromisoformat(text[:10]):%m/%d/%Y}"
    except ValueError:
        return ""


def persons_of(referral_ids: set[UUID]) -> dict[UUID, Person]:
    """The patients that the agency may still read, by referral. One query."""
    rows = ReferralPatient.objects.filter(referral_id__in=referral_ids)
    return {row.referral_id: person_of(row) for row in rows}


def open_offers(now: dt.datetime) -> list[dict[str, Any]]:
    """Referrals that can still be answered, the first to lapse first. Two queries, no patient's row."""
    offers = list(ReferralOffer.objects.filter(status="open", expires_at__gt=now).order_by("expires_at"))
    tenants = dict(
        Organization.objects.filter(pk__in={offer.tenant_id for offer in offers}).values_list("pk", "short_name")
    )
    return [card(offer, tenants.get(offer.tenant_id, "")) for offer in offers]


def offer_get_for(offer_id: UUID) -> ReferralOffer | None:
    """A referral that the agency was asked about, else None."""
    return ReferralOffer.objects.filter(pk=offer_id).exclude(status="waiting").first()


def card(offer: ReferralOffer, tenant: str) -> dict[str, Any]:
    """One question from its brief alone."""
    brief = offer.brief
    zone = brief["time_zone"]
    ordered = brief.get("soc_ordered_on")
    return {
        "pk": offer.pk,
        "tenant": tenant,
        "zone": zone,
        "area": brief["zone"],
        "services": ", ".join(rules.labels(brief["disciplines"])),
        "payer": rules.PAYERS.get(brief["payer_class"], ""),
        "ordered_on": dt.date.fromisoformat(ordered) if ordered else None,
        "due_at": dt.datetime.fromisoformat(brief["due_at"]),
        "home_at": dt.datetime.fromisoformat(brief["home_at"]) if brief.get("home_at") else None,
        "deadline": offer.expires_at,
    }


def answered_lately(now: dt.datetime) -> list[dict[str, Any]]:
    """Questions that ended in two days without a yes. One query."""
    since = now - dt.timedelta(hours=ANSWERED_HOURS)
    ended = ["declined", "expired", "withdrawn", "turned_back"]
    rows = ReferralOffer.objects.filter(sent_at__gte=since, status__in=ended).order_by("-sent_at")[:8]
    return [
        {
            "status": row.status,
            "at": row.answered_at or row.expires_at,
            "zone": row.brief["time_zone"],
            "text": f"{', '.join(rules.labels(row.brief['disciplines']))}, {row.brief['zone']}",
            "reason": states.REFERRAL_DECLINE_REASONS.get(row.decline_code, ""),
        }
        for row in rows
    ]


def patients(*, ended_since: dt.datetime) -> list[dict[str, Any]]:
    """Referrals that the agency has, those due first, with the next visit. Three queries."""
    rows = list(
        Referral.objects.exclude(status="canceled").exclude(status="ended", ended_at__lt=ended_since).order_by("due_at")
    )
    ids = {row.pk for row in rows}
    people = persons_of(ids)
    upcoming: dict[UUID, Visit] = {}
    for visit in Visit.objects.filter(
        referral_id__in=ids, status__in=["ordered", "scheduled", "checked_in", "exception"]
    ):
        upcoming.setdefault(visit.referral_id, visit)
    return [
        {
            "referral": row,
            "who": people.get(row.pk, Person()),
            "services": ", ".join(rules.labels(row.disciplines)),
            "visit": upcoming.get(row.pk),
        }
        for row in rows
    ]


def referral_get_for(referral_id: UUID) -> Referral | None:
    """A referral of the agency, else None."""
    return Referral.objects.filter(pk=referral_id).first()


def visits_of(referral: Referral) -> list[dict[str, Any]]:
    """The visits of a referral with their manual changes. Two queries."""
    edits: dict[UUID, list[VisitEdit]] = {}
    for edit in VisitEdit.objects.filter(visit__referral=referral):
        edits.setdefault(edit.visit_id, []).append(edit)
    rows = Visit.objects.filter(referral=referral).order_by("starts_at", "created_at")
    return [visit_row(visit, edits.get(visit.pk, [])) for visit in rows]


def visit_row(visit: Visit, edits: list[VisitEdit]) -> dict[str, Any]:
    """One visit for a table: words for its exceptions and its changes."""
    return {
        "visit": visit,
        "service": rules.DISCIPLINES[visit.discipline].label,
        "exceptions": [evv.EXCEPTIONS[code] for code in visit.exceptions if code in evv.EXCEPTIONS],
        "approved": evv.REASONS.get(visit.approved_reason, ""),
        "edits": edits,
    }


def visit_list(now: dt.datetime) -> list[dict[str, Any]]:
    """Visits to plan, to come and to look at, and those of two weeks. ``who`` is empty once it is closed."""
    since = now - dt.timedelta(days=SHOWN_DAYS)
    rows = [
        visit
        for visit in Visit.objects.select_related("referral")
        .order_by("starts_at", "created_at")
        .exclude(status__in=["verified", "missed", "refused", "canceled"], created_at__lt=since)
        .exclude(status="canceled")
    ]
    people = persons_of({visit.referral_id for visit in rows})
    return [{**visit_row(visit, []), "who": people.get(visit.referral_id, Person())} for visit in rows]


def compliance(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Verified visits of the list, and how many without a person's hand."""
    verified = [row["visit"] for row in rows if row["visit"].status == "verified"]
    return {"n": len(verified), "good": sum(not visit.edits and not visit.approved_reason for visit in verified)}


def clinicians_for(discipline: str) -> list[tuple[str, str]]:
    """Who can give this service, for a form. One query."""
    rows = CrewMember.objects.filter(level=discipline, is_active=True).order_by("name")
    return [(str(row.pk), row.name) for row in rows]


def profile_get() -> HomeHealthProfile | None:
    """The agency's own profile, if it wrote one."""
    return HomeHealthProfile.objects.first()


def day_of(user_id: UUID, *, now: dt.datetime) -> list[dict[str, Any]]:
    """The signed-in clinician's visits from yesterday's open ones to tomorrow. Two queries."""
    rows = list(
        Visit.objects.filter(clinician_user_id=user_id, starts_at__lt=now + dt.timedelta(hours=36))
        .filter(status__in=["scheduled", "checked_in", "exception", "verified"])
        .exclude(status__in=["verified", "exception"], end_at__lt=now - dt.timedelta(hours=12))
        .exclude(status="scheduled", starts_at__lt=now - dt.timedelta(hours=24))
        .select_related("referral")
        .order_by("starts_at")
    )
    people = persons_of({visit.referral_id for visit in rows})
    return [{**visit_row(visit, []), "who": people.get(visit.referral_id, Person())} for visit in rows]


def visit_get_for(user_id: UUID, visit_id: UUID) -> Visit | None:
    """A visit of the signed-in clinician, else None."""
    return Visit.objects.filter(pk=visit_id, clinician_user_id=user_id).select_related("referral").first()


def visit_of_agency(visit_id: UUID) -> Visit | None:
    """A visit of the agency, else None."""
    return Visit.objects.filter(pk=visit_id).select_related("referral").first()


def suggested_start(referral: Referral) -> dt.datetime:
    """A time to begin a plan with: the next full hour, not before the patient is home."""
    start = clock.now() + dt.timedelta(hours=1)
    if referral.home_at is not None and referral.home_at > start:
        start = referral.home_at + dt.timedelta(hours=2)
    return start.replace(minute=0, second=0, microsecond=0)
