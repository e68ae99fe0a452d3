"""A vendor's month, read from the events of its offers, trips and legs. Works in a health system's scope."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from dispatch.models import LegEvent, OfferEvent, Trip, TripEvent
from dispatch.states import DECLINE_REASONS
from logistics.core import clock
from logistics.insights.scoring import JobFact, OfferFact, figures_of
from vendors.models import Contract, Network

ANSWERS = ("accepted", "declined", "expired")
OFFER_MOVES = (*ANSWERS, "turned_back")
# The leg went back to before the pickup: an arrival that was tapped by mistake, or another vendor's turn.
BEFORE_PICKUP = ("planned", "assigned", "en_route")
DEFAULT_TOLERANCE_MINUTES = 15
NOT_WAITING = ("completed", "canceled")


@dataclass(frozen=True)
class Card:
    """The figures of one vendor in one month, ready to publish. ``trips`` counts those it accepted."""

    vendor_id: UUID
    month: dt.date
    figures: dict[str, dict[str, Any]]
    trips: int


def month_bounds(month: dt.date, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """First moment of ``month`` and of the next month on the wall clock of ``zone``, in UTC."""
    first = month.replace(day=1)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    return clock.day_bounds(first, zone)[0], clock.day_bounds(following, zone)[0]


def compute(month: dt.date, zone: str, *, now: dt.datetime | None = None) -> list[Card]:
    """One card for every vendor of the network, figures or not, by vendor id. Six queries.

    Offer figures belong to the month of the answer, trip figures to the month of the pickup; both in ``zone``.
    """
    moment = now or clock.now()
    first = month.replace(day=1)
    start, end = month_bounds(first, zone)
    vendors = sorted(Network.objects.exclude(status="invited").values_list("vendor_id", flat=True))
    moves = _offer_moves(start, end)
    offers, accepted = _offers(moves, start, end)
    contracts = list(Contract.objects.filter(status__in=("signed", "ended")).order_by("vendor_id", "version"))
    jobs = _jobs(accepted, contracts, start, end, zone)
    response = _response_seconds(contracts, first, moment.astimezone(ZoneInfo(zone)).date())
    return [
        Card(
            vendor_id=vendor_id,
            month=first,
            figures=figures_of(
                offers.get(vendor_id, []),
                jobs.get(vendor_id, []),
                now=moment,
                response_seconds=response.get(vendor_id),
                reason_labels=DECLINE_REASONS,
            ),
            trips=len(jobs.get(vendor_id, [])),
        )
        for vendor_id in vendors
    ]


def _offer_moves(start: dt.datetime, end: dt.datetime) -> list[dict[str, Any]]:
    inside = Q(new_status__in=ANSWERS, at__gte=start, at__lt=end)
    due = Q(offer__trip__pickup_at__gte=start, offer__trip__pickup_at__lt=end)
    return list(
        OfferEvent.objects.filter(inside | due, new_status__in=OFFER_MOVES)
        .order_by("id")
        .values(
            "offer_id", "new_status", "at", "offer__vendor_id", "offer__trip_id", "offer__trip__pickup_at",
            "offer__sent_at", "offer__decline_code", "offer__eta_at",
        )
    )  # fmt: skip


@dataclass
class _Acceptance:
    eta_at: dt.datetime | None
    given_back_at: dt.datetime | None = None
    holds: bool = True


def _offers(
    moves: list[dict[str, Any]], start: dt.datetime, end: dt.datetime
) -> tuple[dict[UUID, list[OfferFact]], dict[tuple[UUID, UUID], _Acceptance]]:
    """Answers of the month by vendor, and by (vendor, trip) what became of the trips due in it."""
    offers: dict[UUID, list[OfferFact]] = defaultdict(list)
    accepted: dict[tuple[UUID, UUID], _Acceptance] = {}
    for move in moves:
        vendor_id, trip_id, status = move["offer__vendor_id"], move["offer__trip_id"], move["new_status"]
        if status in ANSWERS and start <= move["at"] < end:
            offers[vendor_id].append(
                OfferFact(trip_id, status, move["offer__sent_at"], move["at"], move["offer__decline_code"])
            )
        if not start <= move["offer__trip__pickup_at"] < end:
            continue
        found = accepted.get((vendor_id, trip_id))
        if status == "accepted":
            # A later round may bring the trip back to a vendor that gave it away: that it did so stays.
            earlier = found.given_back_at if found else None
            accepted[vendor_id, trip_id] = _Acceptance(move["offer__eta_at"], given_back_at=earlier)
        elif status == "turned_back" and found is not None:
            found.given_back_at, found.holds = move["at"], False
    return offers, accepted


def _jobs(
    accepted: dict[tuple[UUID, UUID], _Acceptance],
    contracts: list[Contract],
    start: dt.datetime,
    end: dt.datetime,
    zone: str,
) -> dict[UUID, list[JobFact]]:
    due = {"pickup_at__gte": start, "pickup_at__lt": end}
    trips = {
        trip.pk: trip
        for trip in Trip.objects.filter(**due).only(
            "id", "tenant_id", "vendor_id", "level", "status", "when", "is_ready", "pickup_at", "pickup_latest_at"
        )
    }
    ends: dict[UUID, tuple[str, dt.datetime, str]] = {}
    for trip_id, old, new, at in (
        TripEvent.objects.filter(
            trip__pickup_at__gte=start, trip__pickup_at__lt=end, new_status__in=("completed", "canceled")
        )
        .order_by("id")
        .values_list("trip_id", "old_status", "new_status", "at")
    ):
        ends[trip_id] = (new, at, old)
    arrivals, absent = _pickups(start, end)
    jobs: dict[UUID, list[JobFact]] = defaultdict(list)
    for (vendor_id, trip_id), taken in accepted.items():
        trip = trips.get(trip_id)
        if trip is None:  # moved to another month since the offers were read: the next computation sees it there
            continue
        end_status, end_at, end_from = ends.get(trip_id, ("", None, ""))
        own = taken.holds and trip.vendor_id == vendor_id
        waits_for_hospital = trip.status == "held" or (trip.when == "ready" and not trip.is_ready)
        jobs[vendor_id].append(
            JobFact(
                trip_id=trip_id,
                level=trip.level,
                promised_at=promised_at(trip.pickup_at, trip.pickup_latest_at, taken.eta_at),
                tolerance=_tolerance(contracts, vendor_id, trip.pickup_at.astimezone(ZoneInfo(zone)).date()),
                arrived_at=arrivals.get((vendor_id, trip_id)) if taken.holds else None,
                completed=own and end_status == "completed",
                given_back_at=taken.given_back_at,
                holds_again=taken.holds and taken.given_back_at is not None,
                canceled_at=end_at if taken.holds and end_status == "canceled" else None,
                paused=(waits_for_hospital and trip.status not in NOT_WAITING) or end_from == "held",
                patient_absent=taken.holds and (vendor_id, trip_id) in absent,
            )
        )
    return jobs


def promised_at(pickup_at: dt.datetime, latest_at: dt.datetime, eta_at: dt.datetime | None) -> dt.datetime:
    """The pickup time that both sides agreed on.

    It is the time asked for; a vendor that accepted with a later time promised that one, but never one after the
    window that it was offered.
    """
    if eta_at is None or eta_at <= pickup_at:
        return pickup_at
    return min(eta_at, max(latest_at, pickup_at))


def _pickups(
    start: dt.datetime, end: dt.datetime
) -> tuple[dict[tuple[UUID, UUID], dt.datetime], set[tuple[UUID, UUID]]]:
    """(vendor, trip) → when the crew was at the first leg's pickup; and where the patient was not there."""
    arrivals: dict[tuple[UUID, UUID], dt.datetime] = {}
    absent: set[tuple[UUID, UUID]] = set()
    rows = (
        LegEvent.objects.filter(
            leg__trip__pickup_at__gte=start, leg__trip__pickup_at__lt=end, leg__sequence=1, vendor_id__isnull=False
        )
        .order_by("id")
        .values_list("vendor_id", "leg__trip_id", "new_status", "at")
    )
    for vendor_id, trip_id, status, at in rows:
        key = (vendor_id, trip_id)
        if status in BEFORE_PICKUP:
            arrivals.pop(key, None)
        elif status in ("at_pickup", "on_board"):
            # Taps reach the server in any order after a dead spot: the earliest counts.
            arrivals[key] = min(at, arrivals.get(key, at))
        elif status == "no_show":
            absent.add(key)
    return arrivals, absent


def _in_force(contract: Contract, day: dt.date) -> bool:
    return contract.effective_from <= day and (contract.effective_to is None or day < contract.effective_to)


def _tolerance(contracts: list[Contract], vendor_id: UUID, day: dt.date) -> dt.timedelta:
    for contract in contracts:
        if contract.vendor_id == vendor_id and _in_force(contract, day):
            return dt.timedelta(minutes=contract.on_time_tolerance_minutes)
    return dt.timedelta(minutes=DEFAULT_TOLERANCE_MINUTES)


def _response_seconds(contracts: list[Contract], first: dt.date, today: dt.date) -> dict[UUID, int]:
    """Vendor id → seconds that its contract gives for an answer, in force on the month's last day so far."""
    last = min((first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1), max(today, first))
    return {row.vendor_id: row.response_minutes * 60 for row in contracts if _in_force(row, last)}
