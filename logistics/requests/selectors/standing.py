"""Standing orders as pages show them: in a list with their next date, and one with all of its dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from logistics.accounts.models import Organization
from logistics.requests.models import (
    ClosedDay,
    Place,
    ServiceRequest,
    StandingException,
    StandingOrder,
    StandingOrderEvent,
    StandingRide,
    StandingVersion,
    TransportDetail,
)

FILLED = ("scheduled", "in_progress", "completed")
WAITS = ("draft", "pending")


@dataclass(frozen=True)
class Filters:
    """``status`` is a status, ``decide`` (somebody must look) or empty for everything that is not over."""

    status: str = ""
    place_id: UUID | None = None
    patient_id: UUID | None = None


@dataclass(frozen=True)
class Fill:
    """One-way rides of the coming seven days: ``filled`` have a vendor, of ``required`` (not canceled)."""

    filled: int
    required: int


def order_list(filters: Filters) -> QuerySet[StandingOrder]:
    """Orders with versions, exceptions and site, those that wait for a decision first."""
    orders = StandingOrder.objects.select_related("patient", "facility", "unit")
    if filters.status == "decide":
        orders = orders.filter(waits_for_a_person())
    elif filters.status:
        orders = orders.filter(status=filters.status)
    else:
        orders = orders.exclude(status="ended")
    if filters.patient_id is not None:
        orders = orders.filter(patient_id=filters.patient_id)
    if filters.place_id is not None:
        orders = orders.filter(versions__place_id=filters.place_id, versions__superseded_at__isnull=True).distinct()
    return orders.prefetch_related(*parts()).order_by("resume_offered_at", "-created_at", "pk")


def waits_for_a_person() -> Q:
    """Orders of which somebody must decide something: to go on after a stay, or about a date that is only a draft."""
    drafts = StandingRide.objects.filter(ended_at__isnull=True, request__status="draft")
    return Q(resume_offered_at__isnull=False) | Q(pk__in=drafts.values("order_id"))


def parts() -> list[Prefetch]:
    """What :class:`standing_plan.Series` is made of: ``version_rows`` and ``exception_rows``."""
    versions = StandingVersion.objects.filter(superseded_at__isnull=True).select_related("place", "pickup_place")
    exceptions = StandingException.objects.filter(undone_at__isnull=True)
    return [
        Prefetch("versions", queryset=versions.order_by("from_on"), to_attr="version_rows"),
        Prefetch("exceptions", queryset=exceptions, to_attr="exception_rows"),
    ]


def order_get(order_id: UUID) -> StandingOrder | None:
    """One order with its parts, or None. Three queries."""
    orders = StandingOrder.objects.select_related("patient", "facility", "unit", "encounter")
    return orders.prefetch_related(*parts()).filter(pk=order_id).first()


def closed_days(orders: Iterable[StandingOrder]) -> list[ClosedDay]:
    """The closed days of every place that these orders (with their parts) go to. One query."""
    places = {
        version.place_id
        for order in orders
        for version in order.version_rows  # type: ignore[attr-defined]
        if version.place_id
    }
    return list(ClosedDay.objects.filter(place_id__in=places))


def closed_ahead(place: Place, today: dt.date) -> list[ClosedDay]:
    """The closed days of one place from ``today`` on. One query."""
    return list(ClosedDay.objects.filter(place=place, on__gte=today))


def counts() -> dict[str, int]:
    """How many orders are ``active``, ``suspended``, ``ended``, and how many wait for a person (``decide``)."""
    by_status = StandingOrder.objects.values("status").annotate(n=Count("pk")).values_list("status", "n")
    found = {"active": 0, "suspended": 0, "ended": 0} | dict(by_status)
    found["decide"] = StandingOrder.objects.exclude(status="ended").filter(waits_for_a_person()).count()
    return found


def fill(today: dt.date, *, days: int = 7) -> Fill:
    """How many rides of standing orders from ``today`` on have a vendor: the schedule fill rate. One query."""
    rides = StandingRide.objects.filter(ended_at__isnull=True, on__range=(today, today + dt.timedelta(days - 1)))
    row = rides.exclude(request__status="canceled").aggregate(
        n=Count("pk"), good=Count("pk", filter=Q(request__status__in=FILLED))
    )
    return Fill(row["good"], row["n"])


def made_counts(order_ids: Iterable[UUID], today: dt.date) -> dict[UUID, dict[str, int]]:
    """For each order its rides ``ahead``, of these ``filled`` and ``waits`` (a draft, an open gate). One query."""
    rides = StandingRide.objects.filter(order_id__in=list(order_ids), ended_at__isnull=True, on__gte=today)
    rows = (
        rides.exclude(request__status="canceled")
        .values("order_id")
        .annotate(
            ahead=Count("pk"),
            filled=Count("pk", filter=Q(request__status__in=FILLED)),
            waits=Count("pk", filter=Q(request__status__in=WAITS)),
        )
    )
    return {row["order_id"]: {name: row[name] for name in ("ahead", "filled", "waits")} for row in rows}


@dataclass
class DateRides:
    """The rides of one date: direction → (request, details)."""

    rides: dict[str, tuple[ServiceRequest, TransportDetail | None]] = field(default_factory=dict)


def date_rides(order: StandingOrder, first: dt.date, until: dt.date) -> dict[dt.date, DateRides]:
    """What was made for each date of the series, with open gates of each request. Three queries."""
    rows = list(
        StandingRide.objects.filter(order=order, ended_at__isnull=True, on__range=(first, until))
        .select_related("request")
        .prefetch_related(
            Prefetch("request__transport_rows", queryset=TransportDetail.objects.all(), to_attr="details"),
            "request__gates",
        )
    )
    found: dict[dt.date, DateRides] = {}
    for row in rows:
        details: list[TransportDetail] = row.request.details  # type: ignore[attr-defined]
        found.setdefault(row.on, DateRides()).rides[row.direction] = (row.request, details[0] if details else None)
    return found


def history(order: StandingOrder, *, limit: int = 20) -> list[StandingOrderEvent]:
    """The order's moves, newest first."""
    return list(StandingOrderEvent.objects.filter(order=order).order_by("-id")[:limit])


def all_versions(order: StandingOrder) -> list[StandingVersion]:
    """Every version, newest first, those that were superseded too."""
    return list(StandingVersion.objects.filter(order=order).select_related("place").order_by("-made_at"))


def centers() -> list[tuple[str, str]]:
    """Places that series go to, for a filter. One query."""
    rows = StandingVersion.objects.filter(superseded_at__isnull=True, place__isnull=False)
    found = rows.values_list("place_id", "place__name").distinct().order_by("place__name")
    return [(str(pk), name) for pk, name in found]


def vendor_names() -> dict[UUID, str]:
    """The vendors that this health system works with. One query."""
    return dict(Organization.objects.filter(kind="vendor", is_active=True).order_by("name").values_list("pk", "name"))
