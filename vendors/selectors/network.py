"""Reading a health system's network: who works for it, on what papers, with what fleet."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from vendors.models import Contract, Credential, Network, Rate, Scorecard, Vehicle, VendorProfile
from vendors.policies import SOON_DAYS, Standing, standing
from vendors.selectors import contracts


@dataclass
class Member:
    """One vendor of the network as the list shows it."""

    row: Network
    baa: Standing
    profile: VendorProfile | None = None
    contract: Contract | None = None
    vehicles: int = 0
    in_service: int = 0
    expired: int = 0
    expiring: int = 0

    @property
    def needs_attention(self) -> bool:
        """Something that keeps, or will soon keep, trips away from this vendor."""
        papers = self.baa.status in ("missing", "expiring", "expired") or self.expired or self.expiring
        return self.row.status == "active" and bool(papers or self.contract is None)


@dataclass
class Detail:
    """Everything on a vendor's page."""

    member: Member
    fleet: list[Mapping[str, Any]] = field(default_factory=list)
    credentials: list[tuple[Credential, Standing, str]] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    scorecard: Scorecard | None = None


def baa_standing(row: Network, today: dt.date) -> Standing:
    """How the BAA stands: missing, without end, or days left."""
    if row.baa_signed_on is None:
        return standing(None, today)
    return Standing("current", "No end date", None) if row.baa_ends_on is None else standing(row.baa_ends_on, today)


def member_list(today: dt.date, *, q: str = "", status: str = "", level: str = "") -> list[Member]:
    """Vendors of the open scope's network by name. Five queries.

    ``status`` is a network status or ``attention``; ``level`` keeps vendors that offer it.
    """
    rows = Network.objects.select_related("vendor").order_by("vendor__name")
    if q.strip():
        rows = rows.filter(Q(vendor__name__icontains=q.strip()) | Q(vendor__short_name__icontains=q.strip()))
    if status and status != "attention":
        rows = rows.filter(status=status)
    members = _fill([Member(row, baa_standing(row, today)) for row in rows], today)
    if level:
        members = [m for m in members if m.profile is not None and level in m.profile.levels]
    return [m for m in members if m.needs_attention] if status == "attention" else members


def detail_get(network_id: UUID, today: dt.date) -> Detail | None:
    """One vendor's page, or None outside the open scope."""
    row = Network.objects.select_related("vendor").filter(pk=network_id).first()
    if row is None:
        return None
    member = _fill([Member(row, baa_standing(row, today))], today)[0]
    fleet = (
        Vehicle.objects.filter(vendor_id=row.vendor_id)
        .order_by()
        .values("level")
        .annotate(total=Count("id"), in_service=Count("id", filter=Q(out_of_service=False)))
    )
    limit = today + dt.timedelta(days=2 * SOON_DAYS)
    papers = Credential.objects.filter(vendor_id=row.vendor_id, ends_on__lte=limit).select_related(
        "crew_member", "vehicle"
    )
    return Detail(
        member=member,
        fleet=list(fleet),
        credentials=[(paper, standing(paper.ends_on, today), holder_of(paper)) for paper in papers],
        rates=contracts.by_level(member.contract) if member.contract else [],
        scorecard=Scorecard.objects.defer("figures").filter(vendor_id=row.vendor_id).order_by("-month").first(),
    )


def holder_of(credential: Credential) -> str:
    """Who or what holds it: a person's name, a vehicle's name, or "Company"."""
    if credential.crew_member is not None:
        return credential.crew_member.name
    return credential.vehicle.name if credential.vehicle is not None else "Company"


def _fill(members: list[Member], today: dt.date) -> list[Member]:
    by_vendor = {member.row.vendor_id: member for member in members}
    for profile in VendorProfile.objects.filter(vendor_id__in=by_vendor):
        by_vendor[profile.vendor_id].profile = profile
    in_force = contracts.in_force(today)
    counts: dict[UUID, dict[str, int]] = defaultdict(dict)
    vehicles = Vehicle.objects.filter(vendor_id__in=by_vendor).order_by().values("vendor_id")
    for row in vehicles.annotate(total=Count("id"), ready=Count("id", filter=Q(out_of_service=False))):
        counts[row["vendor_id"]].update(total=row["total"], ready=row["ready"])
    papers = Credential.objects.filter(vendor_id__in=by_vendor).order_by().values("vendor_id")
    soon = today + dt.timedelta(days=SOON_DAYS)
    for dated in papers.annotate(
        expired=Count("id", filter=Q(ends_on__lt=today)),
        expiring=Count("id", filter=Q(ends_on__gte=today, ends_on__lte=soon)),
    ):
        counts[dated["vendor_id"]].update(expired=dated["expired"], expiring=dated["expiring"])
    for vendor_id, member in by_vendor.items():
        found = counts[vendor_id]
        member.contract = in_force.get(vendor_id)
        member.vehicles, member.in_service = found.get("total", 0), found.get("ready", 0)
        member.expired, member.expiring = found.get("expired", 0), found.get("expiring", 0)
    return members
