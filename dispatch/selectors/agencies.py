"""Home health agencies of the network as a patient is shown them: fit first, then by name, none chosen.

Hospitals present a list of the agencies that serve the patient's area, share what is known of their quality, and
disclose a financial interest (42 CFR 482.43(c)). Nothing here picks one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q

from dispatch import evv
from dispatch.models import Referral, ReferralOffer
from logistics.core import clock
from logistics.requests import home_health_rules as rules
from vendors.models import AgencyTerms, Credential, HomeHealthProfile, Network, VendorProfile

LICENSE = "agency_license"
# A share of fewer cases than this says more about chance than about the agency: the count is shown alone.
FEW = 5
FIGURES_DAYS = 365
RESPONSE_MINUTES = 120


@dataclass(frozen=True)
class Need:
    """What the patient needs of an agency, without saying who the patient is."""

    disciplines: tuple[str, ...]
    payer_class: str
    zip_code: str
    latitude: float
    longitude: float


def agency_list(need: Need, *, now: dt.datetime, zone: str) -> list[dict[str, Any]]:
    """Every agency of the network that may be asked, as JSON-ready rows: fitting ones first, each group by name.

    Keys: vendor_id, name, phone, languages, medicare_number, disciplines (words), misfits (words), stars,
    stars_as_of, on_time and accepted (each ``{good, n}``), financial_interest. Seven queries.
    """
    day = clock.local(now, zone).date()
    names = dict(network_of(day).values_list("vendor_id", "vendor__name"))
    licensed = licensed_vendors(names, day)
    profiles = {
        row.vendor_id: row for row in HomeHealthProfile.objects.filter(is_active=True, vendor_id__in=list(names))
    }
    bases = {row.vendor_id: row for row in VendorProfile.objects.filter(vendor_id__in=list(profiles))}
    terms = {row.vendor_id: row for row in AgencyTerms.objects.filter(vendor_id__in=list(profiles))}
    starts, answers = start_figures(now), answer_figures(now)
    rows = []
    for vendor_id, profile in profiles.items():
        if vendor_id not in licensed:
            continue
        base = bases.get(vendor_id)
        begun = starts.get(vendor_id, {"good": 0, "n": 0, "week": 0})
        rows.append(
            {
                "vendor_id": str(vendor_id),
                "name": names[vendor_id],
                "phone": base.dispatch_phone if base else "",
                "languages": profile.languages,
                "medicare_number": profile.medicare_number,
                "disciplines": rules.labels(profile.disciplines),
                "misfits": misfits(need, profile, base, begun["week"]),
                "stars": str(profile.stars) if profile.stars is not None else "",
                "stars_as_of": profile.stars_as_of.isoformat() if profile.stars_as_of else "",
                "on_time": {"good": begun["good"], "n": begun["n"]},
                "accepted": answers.get(vendor_id, {"good": 0, "n": 0}),
                "financial_interest": terms[vendor_id].financial_interest if vendor_id in terms else "",
            }
        )
    return sorted(rows, key=lambda row: (len(row["misfits"]), row["name"].casefold()))


def network_of(day: dt.date) -> Any:
    """Network rows of vendors to whom PHI may go on ``day``: active, with a BAA in force (45 CFR 164.502(e))."""
    rows = Network.objects.filter(status="active", baa_signed_on__lte=day)
    return rows.filter(Q(baa_ends_on__isnull=True) | Q(baa_ends_on__gte=day)).select_related("vendor")


def licensed_vendors(vendor_ids: Iterable[UUID], day: dt.date) -> set[UUID]:
    """Those whose home health license is in force on ``day``. One query."""
    rows = Credential.objects.filter(kind=LICENSE, ends_on__gte=day, vendor_id__in=list(vendor_ids))
    return set(rows.values_list("vendor_id", flat=True))


def misfits(need: Need, profile: HomeHealthProfile, base: VendorProfile | None, started_this_week: int) -> list[str]:
    """Why an agency may say no, in words; empty when it fits."""
    out = []
    lacking = [code for code in need.disciplines if code not in profile.disciplines]
    if lacking:
        out.append(f"Does not offer {' and '.join(label.lower() for label in rules.labels(lacking))}")
    if not _serves(need, profile, base):
        out.append(f"Does not list ZIP code {need.zip_code}")
    if need.payer_class not in profile.payers:
        out.append(f"Does not list {rules.PAYERS.get(need.payer_class, 'this payer')}")
    if profile.weekly_starts and started_this_week >= profile.weekly_starts:
        out.append(f"May be full: took {started_this_week} from here in seven days, plans for {profile.weekly_starts}")
    return out


def _serves(need: Need, profile: HomeHealthProfile, base: VendorProfile | None) -> bool:
    if profile.zips:
        return need.zip_code[:5] in profile.zips or need.zip_code[:3] in profile.zips
    if base is None:
        return False
    miles = evv.miles_between(base.base_latitude, base.base_longitude, need.latitude, need.longitude)
    return miles <= base.radius_miles


def start_figures(now: dt.datetime) -> dict[UUID, dict[str, int]]:
    """Per agency: ``n`` accepted referrals of a year whose start of care was due or done, ``good`` in time, and how
    many it took in the last ``week``. One query."""
    since, week = now - dt.timedelta(days=FIGURES_DAYS), now - dt.timedelta(days=7)
    rows = (
        Referral.objects.filter(vendor_id__isnull=False, accepted_at__gte=since)
        .exclude(status__in=["canceled", "held"])
        .values("vendor_id")
        .annotate(
            n=Count("pk", filter=Q(soc_at__isnull=False) | Q(due_at__lt=now)),
            good=Count("pk", filter=Q(soc_at__lte=F("due_at"))),
            week=Count("pk", filter=Q(accepted_at__gte=week)),
        )
    )
    return {row["vendor_id"]: {"n": row["n"], "good": row["good"], "week": row["week"]} for row in rows.order_by()}


def answer_figures(now: dt.datetime) -> dict[UUID, dict[str, int]]:
    """Per agency: ``n`` answered or lapsed referrals of a year, ``good`` accepted. A lapse is no yes. One query."""
    ended = ["accepted", "declined", "expired", "turned_back"]
    rows = (
        ReferralOffer.objects.filter(sent_at__gte=now - dt.timedelta(days=FIGURES_DAYS), status__in=ended)
        .values("vendor_id")
        .annotate(n=Count("pk"), good=Count("pk", filter=Q(status__in=["accepted", "turned_back"])))
    )
    return {row["vendor_id"]: {"n": row["n"], "good": row["good"]} for row in rows.order_by()}


def figure_words(figure: dict[str, int]) -> str:
    """``9 of 12 (75 %)``, the count alone below :data:`FEW`, or that nothing is known."""
    good, n = figure["good"], figure["n"]
    if not n:
        return "No figure yet"
    share = f" ({round(100 * good / n)} %)" if n >= FEW else ""
    return f"{good} of {n}{share}"


def digest_of(listed: list[dict[str, Any]]) -> str:
    """SHA-256 over the list as shown."""
    return hashlib.sha256(json.dumps(listed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def response_minutes(vendor_id: UUID) -> int:
    """How long the agency may think. One query."""
    found = AgencyTerms.objects.filter(vendor_id=vendor_id).values_list("response_minutes", flat=True).first()
    return found or RESPONSE_MINUTES


def agency_directory(*, now: dt.datetime, zone: str) -> list[dict[str, Any]]:
    """Every agency of the network, whatever its standing, for those who keep the network. Six queries.

    Keys: network (row), profile, terms (or None), services, payers, on_time, accepted (words), licensed (bool).
    """
    networks = list(Network.objects.select_related("vendor").order_by("vendor__name"))
    ids = [row.vendor_id for row in networks]
    profiles = {row.vendor_id: row for row in HomeHealthProfile.objects.filter(vendor_id__in=ids)}
    terms = {row.vendor_id: row for row in AgencyTerms.objects.filter(vendor_id__in=ids)}
    licensed = licensed_vendors(ids, clock.local(now, zone).date())
    starts, answers = start_figures(now), answer_figures(now)
    none = {"good": 0, "n": 0}
    return [
        {
            "network": row,
            "profile": profiles[row.vendor_id],
            "terms": terms.get(row.vendor_id),
            "services": ", ".join(rules.labels(profiles[row.vendor_id].disciplines)),
            "payers": ", ".join(rules.PAYERS[code] for code in profiles[row.vendor_id].payers if code in rules.PAYERS),
            "on_time": figure_words(starts.get(row.vendor_id, none)),
            "accepted": figure_words(answers.get(row.vendor_id, none)),
            "licensed": row.vendor_id in licensed,
        }
        for row in networks
        if row.vendor_id in profiles
    ]
