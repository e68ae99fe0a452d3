"""A vendor's month, read from the events of its offers, trips and legs. Works in a health system's scope."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
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
OFFER_MOVES = (*ANSWERS, "turned_back", "withdrawn")
# The leg went back to before the pickup: an arrival that was tapped by mistake, or another vendor's turn.
BEFORE_PICKUP = ("planned", "assigned", "en_route")
DEFAULT_TOLERANCE_MINUTES = 15
ENDED = ("completed", "canceled")


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


def _offer_moves(start: dt.datetime, end: dt.datetime) -> list[Mapping[str, Any]]:
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
    taken_away_at: dt.datetime | None = None
    holds: bool = True


def _offers(
    moves: list[Mapping[str, Any]], start: dt.datetime, end: dt.datetime
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
        elif status == "withdrawn" and found is not None and found.holds:
            found.taken_away_at = move["at"]
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
    history = _histories(start, end)
    arrivals, absent = _pickups(start, end)
    jobs: dict[UUID, list[JobFact]] = defaultdict(list)
    for (vendor_id, trip_id), taken in accepted.items():
        trip = trips.get(trip_id)
        if trip is None:  # moved to another month since the offers were read: the next computation sees it there
            continue
        past = history.get(trip_id, [])
        away_at = taken.taken_away_at
        if away_at is None and taken.holds:
            away_at = next((at for at, status in past if status == "canceled"), None)
        waits = trip.status == "held" or (trip.when == "ready" and not trip.is_ready)
        jobs[vendor_id].append(
            JobFact(
                trip_id=trip_id,
                level=trip.level,
                promised_at=promised_at(trip.pickup_at, trip.pickup_latest_at, taken.eta_at, when=trip.when),
                tolerance=_tolerance(contracts, vendor_id, trip.pickup_at.astimezone(ZoneInfo(zone)).date()),
                arrived_at=arrivals.get((vendor_id, trip_id)) if taken.holds else None,
                completed=taken.holds
                and away_at is None
                and trip.vendor_id == vendor_id
                and any(status == "completed" for _, status in past),
                given_back_at=taken.given_back_at,
                holds_again=taken.holds and taken.given_back_at is not None,
                taken_away_at=away_at,
                paused=_status_before(past, away_at) == "held" if away_at else waits and trip.status not in ENDED,
                patient_absent=taken.holds and (vendor_id, trip_id) in absent,
            )
        )
    return jobs


def _histories(start: dt.datetime, end: dt.datetime) -> dict[UUID, list[tuple[dt.datetime, str]]]:
    """Trip id → (when, status) of every move of the trips due, in order."""
    past: dict[UUID, list[tuple[dt.datetime, str]]] = defaultdict(list)
    rows = TripEvent.objects.filter(trip__pickup_at__gte=start, trip__pickup_at__lt=end).order_by("id")
    for trip_id, status, at in rows.values_list("trip_id", "new_status", "at"):
        past[trip_id].append((at, status))
    return past


def _status_before(past: list[tuple[dt.datetime, str]], moment: dt.datetime) -> str:
    """What the trip was when it was taken away; the cancellation itself is recorded last and does not count."""
    return next((status for at, status in reversed(past) if at <= moment and status != "canceled"), "")


def promised_at(
    pickup_at: dt.datetime, latest_at: dt.datetime, eta_at: dt.datetime | None, *, when: str = "at"
) -> dt.datetime:
    """The pickup time that both sides agreed on.

    It is the time asked for; a vendor that accepted with a later time promised that one, but never one after the
    window that it was offered. A "when ready" ride is promised within the window that opens with the word.
    """
    if when == "ready":
        return max(latest_at, pickup_at)
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
        LegEvent.objects.filter(leg__trip__pickup_at__gte=start, leg__trip__pickup_at__lt=end, leg__sequence=1)
        .order_by("id")
        .values_list("vendor_id", "leg__trip_id", "new_status", "at")
    )
    for vendor_id, trip_id, status, at in rows:
        if vendor_id is None:
            continue
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
