"""The demo's home health: two agencies, care that began at home, a question to answer, and a choice to be made."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from dispatch.models import Referral, ReferralOffer, ReferralPatient, Visit
from dispatch.services.home_health import choices, planning, referrals, visits
from dispatch.services.home_health.choices import Signing
from logistics.accounts.models import Membership, Organization
from logistics.config.demo import build
from logistics.config.demo.days import settle
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import Encounter
from logistics.requests.services import home_health
from vendors.models import CrewMember
from vendors.services import agencies, fleet

HOUR = dt.timedelta(hours=1)
AGENCIES: dict[str, dict[str, Any]] = {
    "dunes": {
        "disciplines": ["rn", "pt", "ot", "aide"], "zips": ["465", "466"],
        "payers": ["medicare", "medicare_advantage", "medicaid", "commercial"], "weekly_starts": 12,
        "languages": "English, Spanish", "medicare_number": "15-7001", "stars": Decimal("3.5"),
    },
    "harborlight": {
        "disciplines": ["rn", "pt", "st", "msw", "aide"], "zips": ["465", "466", "463"],
        "payers": ["medicare", "medicare_advantage", "veterans"], "weekly_starts": 8,
        "languages": "English, Polish", "medicare_number": "15-7002", "stars": Decimal("4.5"),
    },
}  # fmt: skip
CLINICIANS = {
    "dunes": (("Cleo Barnett", "rn"), ("Paavo Niemi", "pt")),
    "harborlight": (("Ruth Okafor", "rn"), ("Max Lindell", "pt")),
}
PAPERS_DAYS = 260


def supply(made: dict[str, Organization]) -> None:
    """The agencies with their profile, license and clinicians, and what the hospital says about them."""
    for slug, profile in AGENCIES.items():
        vendor = made[slug]
        today = clock.today(vendor.time_zone)
        ends = today + dt.timedelta(days=PAPERS_DAYS)
        with transaction.atomic(), scoping.enter(build.vendor_scope(vendor)):
            agencies.set_profile(**profile, stars_as_of=today.replace(day=1))
            fleet.set_credential(kind="agency_license", ends_on=ends, verified_by_name="Network review")
            for name, level in CLINICIANS[slug]:
                member = fleet.add_crew_member(name=name, level=level, user_id=_user_of(vendor, name))
                for kind in fleet.CREDENTIALS_OF_CREW[level]:
                    fleet.set_credential(kind=kind, crew_member=member, ends_on=ends, verified_by_name="Network review")
    tenant = made["cedar-ridge"]
    with transaction.atomic(), scoping.enter(build.staff_scope(tenant)):
        agencies.set_terms(
            vendor=made["harborlight"], response_minutes=240,
            financial_interest="Cedar Ridge Health owns 30 percent of this agency",
        )  # fmt: skip
        agencies.set_terms(vendor=made["dunes"], response_minutes=240, financial_interest="")


def live(made: dict[str, Organization]) -> int:
    """Three patients of Cedar Ridge: one in care, one whose agency is asked, one who must choose. Returns how many."""
    tenant, now = made["cedar-ridge"], clock.now()
    with transaction.atomic(), scoping.enter(build.staff_scope(tenant)):
        gone = Encounter.objects.select_related("patient").filter(
            status="discharged", discharged_at__lt=now - 30 * HOUR
        )
        home = gone.annotate(seen=Q(unit__code__in=["4W", "4E"])).order_by("-seen", "-discharged_at").first()
        staying = Encounter.objects.filter(status="in_house", unit__code__in=["4W", "4E"], requests__isnull=True)
        soonest = F("expected_discharge_at").asc(nulls_last=True)
        beds = list(staying.select_related("patient").order_by(soonest, "bed__label")[:2])
    if home is None or len(beds) < 2:
        return 0
    _in_care(tenant, made["dunes"], home)
    with clock.pretend(now - HOUR):
        asked = _refer(tenant, beds[0], disciplines=["rn", "pt"], reason="New insulin, unsteady walk")
        _choose(tenant, asked, made["dunes"], second=made["harborlight"])
    with clock.pretend(now - HOUR / 2):
        _refer(tenant, beds[1], disciplines=["pt", "ot"], reason="Hip replacement, stairs at home")
    return 3


def _in_care(tenant: Organization, vendor: Organization, stay: Encounter) -> None:
    """Referred before the patient left, begun at home 26 hours later; the next visit is today."""
    now = clock.now()
    left = stay.discharged_at or now
    with clock.pretend(left - 4 * HOUR):
        request_id = _refer(tenant, stay, disciplines=["rn", "aide"], reason="Wound care", home_at=left)
        _choose(tenant, request_id, vendor)
    with clock.pretend(left - 3 * HOUR):
        referral = _accept(vendor, request_id)
    begins = left + 26 * HOUR
    nurse = _clinician(vendor, "rn")
    with clock.pretend(left + HOUR):
        visit = _plan(vendor, referral, nurse, begins)
    where = _home(vendor, referral)
    with clock.pretend(begins), transaction.atomic(), scoping.enter(_coordinator(vendor)):
        visits.check_in(visit.pk, at=begins, key=f"demo-{visit.pk}"[:50] + "-in", where=where)
    ends = begins + dt.timedelta(minutes=52)
    with clock.pretend(ends), transaction.atomic(), scoping.enter(_coordinator(vendor)):
        visits.check_out(
            visit.pk, at=ends, key=f"demo-{visit.pk}"[:50] + "-out", where=where,
            done_note="Wound cleaned and dressed; taught how to change the dressing",
        )  # fmt: skip
    settle()
    with transaction.atomic(), scoping.enter(_coordinator(vendor)):
        more = planning.add(referral.pk, discipline="rn")
        planning.plan(more.pk, clinician_id=nurse.pk, starts_at=now + HOUR, ends_at=now + 2 * HOUR)
    settle()


def _refer(tenant: Organization, stay: Encounter, **fields: Any) -> UUID:
    values = {
        "frequency": "Twice a week for four weeks",
        "homebound": "yes",
        "practitioner_name": "Dr. Amara Lund",
        "practitioner_phone": "574 555 0166",
        "payer_class": "medicare",
        "address_kind": "home",
        "home_at": stay.expected_discharge_at,
    } | fields
    with transaction.atomic(), scoping.enter(build.staff_scope(tenant, "Dana Morales", "case_manager")):
        made = home_health.refer(patient=stay.patient, fields=values, key=f"demo-home-health-{stay.pk}")
    settle()
    return made.pk


def _choose(
    tenant: Organization, request_id: UUID, vendor: Organization, *, second: Organization | None = None
) -> None:
    with transaction.atomic(), scoping.enter(build.staff_scope(tenant, "Dana Morales", "case_manager")):
        referral = Referral.objects.get(request_id=request_id)
        choices.record(
            request_id=request_id,
            token=choices.show(referral).token,
            vendor_id=vendor.pk,
            second_vendor_id=second.pk if second else None,
            signed=Signing("patient", "", "", b"", "Right hand in a cast"),
            key=f"demo-choice-{request_id}",
        )
    settle()


def _accept(vendor: Organization, request_id: UUID) -> Referral:
    with transaction.atomic(), scoping.enter(_coordinator(vendor)):
        referral = referrals.accept(ReferralOffer.objects.get(status="open").pk)
    settle()
    assert referral.request_id == request_id
    return referral


def _plan(vendor: Organization, referral: Referral, nurse: CrewMember, begins: dt.datetime) -> Visit:
    with transaction.atomic(), scoping.enter(_coordinator(vendor)):
        visit = Visit.objects.get(referral_id=referral.pk, is_soc=True)
        planning.plan(visit.pk, clinician_id=nurse.pk, starts_at=begins, ends_at=begins + HOUR)
    return visit


def _home(vendor: Organization, referral: Referral) -> visits.Position:
    """Where the phone is when it is at the patient's home."""
    with transaction.atomic(), scoping.enter(_coordinator(vendor)):
        details = ReferralPatient.objects.get(referral_id=referral.pk).details
    return visits.Position(details["latitude"], details["longitude"], 14.0)


def _clinician(vendor: Organization, level: str) -> CrewMember:
    with transaction.atomic(), scoping.enter(_coordinator(vendor)):
        return CrewMember.objects.get(level=level)


def _user_of(vendor: Organization, name: str) -> UUID | None:
    row = Membership.objects.filter(organization=vendor, user__name=name, role="clinician").first()
    return row.user_id if row else None


def _coordinator(vendor: Organization) -> Scope:
    return build.vendor_scope(vendor, "Hana Petrov", "home_health")
