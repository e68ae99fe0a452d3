"""Making home health for tests: two agencies, a patient who goes home, and each step of a referral."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

from PIL import Image, ImageDraw

from dispatch.models import Referral, ReferralOffer, Visit
from dispatch.services.home_health import choices, planning, referrals, visits
from dispatch.services.home_health.choices import Signing
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.core.scoping import Scope
from logistics.requests.models import HomeHealthDetail, Patient, ServiceRequest
from logistics.requests.services import home_health
from tests.cast import Cast
from tests.requests.ward import admit
from tests.support import act_as, settle
from vendors.models import Credential, CrewMember
from vendors.services import agencies

FAMILY = "Zzyzxhome"
STREET = "77 Zzyzx Lane"
# The center of the ZIP code of the patient's home (tests/requests/ward.HOME is in 53704).
HOME_ZIP = "53704"


def agency(cast: Cast, vendor: Organization, **profile: Any) -> CrewMember:
    """Make a vendor of the cast a home health agency with a nurse. Returns the nurse, who signs in as clinician."""
    values: dict[str, Any] = {
        "disciplines": ["rn", "pt", "ot"],
        "zips": ["537"],
        "payers": ["medicare", "medicare_advantage"],
        "weekly_starts": 9,
    }
    ends = clock.today("America/Chicago") + dt.timedelta(days=300)
    with act_as(coordinator(vendor)):
        agencies.set_profile(**(values | profile))
        Credential.objects.create(kind="agency_license", ends_on=ends, verified_by_name="Reviewer")
        user_id = cast.people[f"clinician@{vendor.slug}"].user_id
        nurse = CrewMember.objects.create(name=f"Nia {vendor.slug.title()}", level="rn", user_id=user_id)
        for kind in ("cpr", "rn_license"):
            Credential.objects.create(kind=kind, crew_member=nurse, ends_on=ends, verified_by_name="Reviewer")
    return nurse


def coordinator(vendor: Organization, **who: Any) -> Scope:
    """The agency's coordinator."""
    return Scope.vendor(vendor.pk, **({"actor_label": "Hana Petrov", "actor_role": "home_health"} | who))


def clinician(cast: Cast, vendor: Organization) -> Scope:
    """The agency's nurse at her phone."""
    user_id = cast.people[f"clinician@{vendor.slug}"].user_id
    return Scope.vendor(vendor.pk, actor_label="Nia", actor_role="clinician", user_id=user_id)


def order(
    cast: Cast, *, slug: str = "lakeshore", key: str = "", family: str = FAMILY, street: str = STREET, **fields: Any
) -> ServiceRequest:
    """A confirmed order of nursing and physical therapy for a patient of 4 West."""
    stay = admit(
        cast, slug=slug, family=family, mrn=f"HH{key}1",
        address={"line": street, "city": "Madison", "state": "WI", "zip_code": HOME_ZIP},
    )  # fmt: skip
    values = {
        "disciplines": ["rn", "pt"],
        "frequency": "RN twice a week",
        "reason": "Wound care after surgery",
        "homebound": "yes",
        "practitioner_name": "Dr. Imani Wolfe",
        "payer_class": "medicare",
        "address_kind": "home",
    }
    with act_as(cast.staff(getattr(cast, slug))):
        patient = Patient.objects.get(pk=stay.patient_id)
        request = home_health.refer(patient=patient, fields=values | fields, key=key or f"order-{patient.pk}")
    settle()
    return request


def referral_of(cast: Cast, request: ServiceRequest, slug: str = "lakeshore") -> Referral:
    """The request's referral as it is now."""
    with act_as(cast.staff(getattr(cast, slug))):
        return Referral.objects.filter(request=request).latest("created_at")


def request_of(cast: Cast, request: ServiceRequest, slug: str = "lakeshore") -> ServiceRequest:
    """The request as it is now."""
    with act_as(cast.staff(getattr(cast, slug))):
        return ServiceRequest.objects.get(pk=request.pk)


def detail_of(cast: Cast, request: ServiceRequest, slug: str = "lakeshore") -> HomeHealthDetail:
    """The order's details as they are now."""
    with act_as(cast.staff(getattr(cast, slug))):
        return HomeHealthDetail.objects.get(request=request)


def choose(
    cast: Cast,
    request: ServiceRequest,
    vendor: Organization,
    *,
    key: str = "choice-1",
    slug: str = "lakeshore",
    **more: Any,
) -> Any:
    """The patient chooses an agency from today's list."""  # fmt: skip
    signed = more.pop("signed", Signing(chooser="patient", name="", unsigned_reason="Hand in a cast"))
    with act_as(cast.staff(getattr(cast, slug))):
        referral = Referral.objects.filter(request=request).exclude(status="canceled").get()
        token = more.pop("token", None) or choices.show(referral).token
        made = choices.record(request_id=request.pk, token=token, vendor_id=vendor.pk, signed=signed, key=key, **more)
    settle()
    return made


def open_ask(cast: Cast, request: ServiceRequest, slug: str = "lakeshore") -> ReferralOffer:
    """The question that is out."""
    with act_as(cast.staff(getattr(cast, slug))):
        return ReferralOffer.objects.get(referral__request=request, status="open")


def accept(cast: Cast, request: ServiceRequest, vendor: Organization, slug: str = "lakeshore") -> Referral:
    """The asked agency takes it."""
    offer = open_ask(cast, request, slug)
    with act_as(coordinator(vendor)):
        referral = referrals.accept(offer.pk)
    settle()
    return referral


def first_visit(cast: Cast, vendor: Organization, referral: Referral) -> Visit:
    """The first visit as the agency sees it."""
    with act_as(coordinator(vendor)):
        return Visit.objects.filter(referral_id=referral.pk, is_soc=True).latest("created_at")


def planned(
    cast: Cast, vendor: Organization, visit: Visit, nurse: CrewMember, *, starts_at: dt.datetime | None = None
) -> Visit:
    """The visit with a time, now unless told, and its nurse."""
    starts_at = starts_at or clock.now()
    with act_as(coordinator(vendor)):
        visit = planning.plan(
            visit.pk, clinician_id=nurse.pk, starts_at=starts_at, ends_at=starts_at + dt.timedelta(hours=1)
        )
    settle()
    return visit


def accepted(cast: Cast, *, key: str = "", **fields: Any) -> tuple[ServiceRequest, Referral, CrewMember]:
    """An order that Northbound accepted; Tamarack is an agency too."""
    nurse = agency(cast, cast.northbound)
    agency(cast, cast.tamarack)
    request = order(cast, key=key, **fields)
    choose(cast, request, cast.northbound)
    return request, accept(cast, request, cast.northbound), nurse


def at_home(cast: Cast, referral: Referral, *, off: float = 0.0) -> visits.Position:
    """A phone at the patient's home, or ``off`` degrees north of it."""
    with act_as(cast.staff()):
        detail = HomeHealthDetail.objects.get(request_id=referral.request_id)
        return visits.Position((detail.latitude or 0) + off, detail.longitude, 12.0)


def drawing() -> bytes:
    """A signature as a pad sends it."""
    picture = Image.new("L", (300, 120), 255)
    ImageDraw.Draw(picture).line([(20, 80), (120, 30), (260, 90)], fill=0, width=5)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def one_of_each(cast: Cast, slug: str, vendor: Organization, nurse: CrewMember, *, canary: str) -> dict[str, Any]:
    """An order that ``vendor`` accepted and planned, and one that it is asked about: a row for every address."""
    orders = [
        order(cast, slug=slug, key=f"{slug}-{vendor.slug}-{step}", family=f"{canary}home", street=f"{canary} Road 5")
        for step in ("taken", "asked")
    ]
    signed = Signing("patient", "", "", drawing(), "")
    choice, _ = [choose(cast, request, vendor, slug=slug, signed=signed) for request in orders]
    referral = accept(cast, orders[0], vendor, slug=slug)
    ahead = clock.now() + dt.timedelta(hours=3 + 2 * len(slug))
    visit = planned(cast, vendor, first_visit(cast, vendor, referral), nurse, starts_at=ahead)
    return {
        "home_request_id": orders[0].pk,
        "choice_id": choice.pk,
        "referral_id": referral.pk,
        "visit_id": visit.pk,
        "ask_id": open_ask(cast, orders[1], slug=slug).pk,
    }
