"""All open trips of one health system, decided at once: who is asked first, who next, and why others are not.

The engine (``dispatch/solver``) decides over every trip together; each trip gets a new round of offers and a stored
explanation. Only one decision at a time runs for a health system.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, F, Max, Q

from dispatch import policies, states
from dispatch.models import Leg, MatchExplanation, Offer, Proposal, Trip, TripEvent
from dispatch.services import bundles, planning, rounds, supply
from dispatch.services.planning import Record
from dispatch.services.rounds import brief_of, readable
from dispatch.solver.problem import Job, Problem, day_text
from dispatch.solver.solve import Result, solve
from logistics.core import clock, scoping
from vendors.models import Contract, Credential, Network
from vendors.selectors import contracts

LOCK = 7272  # first key of the advisory lock; the second is the health system
RECORD_DAYS = 90
ON_TIME_MINUTES = 15


@dataclass
class Question:
    """What one health system asks the engine: its trips, its vendors, and the problems they fall into."""

    now: dt.datetime
    trips: dict[str, Trip] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    networks: dict[UUID, Network] = field(default_factory=dict)
    contracts: dict[dt.date, dict[UUID, Contract]] = field(default_factory=dict)
    records: dict[UUID, Record] = field(default_factory=dict)
    rounds: dict[UUID, int] = field(default_factory=dict)
    stock: supply.Supply = field(default_factory=supply.Supply)
    problems: list[Problem] = field(default_factory=list)


def match() -> list[UUID]:
    """Match every trip in ``matching`` of the open staff scope. Returns the trips that were decided.

    Each gets a :class:`MatchExplanation`, offers in the engine's order, and the first of them is sent; with no vendor
    the trip becomes ``exhausted`` with the reasons. A trip that changed meanwhile is left for the next run.
    """
    with transaction.atomic():
        _wait_turn()
        waiting = list(Trip.objects.filter(status="matching"))
        soon = bundles.waiting_for_others(waiting)
        waiting = [trip for trip in waiting if trip.pk not in soon]
        if not waiting:
            return []
        question = ask(waiting)
        known = MatchExplanation.objects.filter(trip__in=waiting).order_by()
        question.rounds = dict(known.values_list("trip_id").annotate(Max("round")))
        results: dict[str, Result] = {}
        for problem in question.problems:
            result = solve(problem)
            results |= dict.fromkeys(result.explanations, result)
        # All are locked at once, in the order of their ids: rides that go to one vendor are written together.
        locked = bundles.lock(UUID(job_id) for job_id in results)
        fresh = [trip for trip in locked.values() if rounds.is_fresh(trip, question.trips[str(trip.pk)])]
        wanted = rounds.wishes(fresh)
        groups = bundles.sets_of(fresh)
        return [trip.pk for group in groups for trip in rounds.write(question, group, results, wanted)]


def ask(trips: list[Trip], *, now: dt.datetime | None = None, legs: list[Leg] | None = None) -> Question:
    """Read everything about these trips and build their problems; writes nothing (a preview asks the same way).

    ``legs`` replaces the stored legs for trips that are not stored yet. Trips share a problem when their vendors
    have the same contracts for their days.
    """
    moment = now or clock.now()
    question = Question(moment)
    question.trips = {str(trip.pk): trip for trip in trips}
    rows = legs if legs is not None else Leg.objects.filter(trip__in=trips, sequence=1)
    question.legs = {str(leg.trip_id): leg for leg in rows}
    question.networks = {
        row.vendor_id: row for row in Network.objects.exclude(status="ended").select_related("vendor").order_by("pk")
    }
    for day in {planning.pickup_day(trip) for trip in trips}:
        question.contracts[day] = contracts.in_force(day)
    end = max([trip.pickup_latest_at for trip in trips] + [moment]) + dt.timedelta(hours=6)
    question.stock = supply.load(question.networks, moment, end)
    question.records = records(question.networks)
    barred = _barred(question)
    groups: dict[tuple[Any, ...], list[Trip]] = defaultdict(list)
    for trip in trips:
        groups[_group(question, trip)].append(trip)
    for key in sorted(groups, key=str):
        question.problems.append(_problem(question, groups[key], end, barred))
    return question


def records(vendor_ids: Iterable[UUID]) -> dict[UUID, Record]:
    """Each vendor's record with this health system over the last 90 days. Two queries."""
    since = clock.now() - dt.timedelta(days=RECORD_DAYS)
    tolerance = dt.timedelta(minutes=ON_TIME_MINUTES)
    picked = {
        row["vendor_id"]: row
        for row in Leg.objects.filter(vendor_id__in=list(vendor_ids), picked_up_at__gte=since)
        .values("vendor_id")
        .annotate(n=Count("pk"), good=Count("pk", filter=Q(picked_up_at__lte=F("trip__pickup_at") + tolerance)))
    }
    yes = Q(status__in=["accepted", "turned_back"])
    answered = {
        row["vendor_id"]: row
        for row in Offer.objects.filter(vendor_id__in=list(vendor_ids), sent_at__gte=since)
        .values("vendor_id")
        .annotate(yes=Count("pk", filter=yes), n=Count("pk", filter=yes | Q(status__in=["declined", "expired"])))
    }
    found = {}
    for vendor_id in vendor_ids:
        pickups, answers = picked.get(vendor_id), answered.get(vendor_id)
        found[vendor_id] = Record(
            on_time=pickups["good"] if pickups else 0,
            n=pickups["n"] if pickups else 0,
            yes=answers["yes"] if answers else 0,
            answers=answers["n"] if answers else 0,
        )
    return found


def _wait_turn() -> None:
    """One decision at a time for a health system, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, str(scoping.current_tenant_id())])


def _barred(question: Question) -> dict[str, tuple[tuple[str, str], ...]]:
    """For each trip the vendors that may not be asked, each with one reason in words."""
    answered: dict[str, dict[UUID, str]] = defaultdict(dict)
    ids = list(question.trips)
    changes = TripEvent.objects.filter(trip_id__in=ids, details__material__0__isnull=False)
    fresh = dict(changes.values_list("trip_id").annotate(at=Max("recorded_at")))
    noes = Offer.objects.filter(trip_id__in=ids, status__in=["declined", "turned_back"])
    for offer in noes.order_by("answered_at"):
        changed = fresh.get(offer.trip_id)
        # What it said no to was another trip, if the request changed since.
        given_back = offer.status == "turned_back"
        if given_back or changed is None or (offer.answered_at and offer.answered_at > changed):
            verb = "gave back" if given_back else "declined"
            words = states.DECLINE_REASONS.get(offer.decline_code, "no reason given").lower()
            answered[str(offer.trip_id)][offer.vendor_id] = f"{verb} this trip: {words}"
    unwilling = Proposal.objects.filter(trip_id__in=ids, status="taken_back")
    for told_of, refused_by in unwilling.values_list("trip_id", "vendor_id"):
        answered[str(told_of)][refused_by] = "did not agree to a change of this trip"
    barred = {}
    for trip_id, trip in question.trips.items():
        reasons = []
        for vendor_id, network in question.networks.items():
            text = answered[trip_id].get(vendor_id) or _standing(question, network, planning.pickup_day(trip))
            if text:
                reasons.append((str(vendor_id), f"{network.vendor.name} {text}"))
        barred[trip_id] = tuple(reasons)
    return barred


def _standing(question: Question, network: Network, day: dt.date) -> str:
    """Why a vendor may not work for this health system on a day, as the rest of a sentence; empty if it may."""
    if network.status != "active":
        reason = f": {network.suspended_reason}" if network.suspended_reason else ""
        return f"is {network.get_status_display().lower()}{reason}"
    if network.baa_signed_on is None or network.baa_signed_on > day:
        return f"has no BAA signed for {day_text(day)}"
    if network.baa_ends_on is not None and network.baa_ends_on < day:
        return f"has no BAA after {day_text(network.baa_ends_on)}"
    if network.vendor_id not in question.contracts[day]:
        return f"has no contract in force on {day_text(day)}"
    held = {card.kind for card in question.stock.vendor_cards.get(network.vendor_id, [])}
    for kind in policies.REQUIRED_VENDOR_CREDENTIALS:
        if kind not in held:
            return f"has no {dict(Credential.KINDS)[kind].lower()} on file"
    return ""


def _group(question: Question, trip: Trip) -> tuple[Any, ...]:
    """Trips with equal keys can be decided in one problem."""
    in_force = question.contracts[planning.pickup_day(trip)]
    terms = tuple(
        (str(vendor_id), str(in_force[vendor_id].pk), _shares(question, vendor_id, trip))
        for vendor_id in sorted(question.networks, key=str)
        if vendor_id in in_force
    )
    return (trip.time_zone, terms)


def _shares(question: Question, vendor_id: UUID, trip: Trip) -> bool:
    """False when the pickup lies beyond what the vendor has planned: then it is asked without a vehicle in mind."""
    if trip.pickup_at < question.now + dt.timedelta(hours=policies.UNPLANNED_HOURS):
        return True
    return any(
        shift.starts_at < trip.pickup_latest_at and shift.ends_at > trip.pickup_at
        for shift in question.stock.shifts.get(vendor_id, [])
    )


def _problem(
    question: Question, trips: list[Trip], end: dt.datetime, barred: dict[str, tuple[tuple[str, str], ...]]
) -> Problem:
    at = planning.clock_for(question.now, trips[0].time_zone)
    in_force = question.contracts[planning.pickup_day(trips[0])]
    jobs: list[Job] = [
        replace(planning.job_of(trip, question.legs[str(trip.pk)], at), barred=barred[str(trip.pk)]) for trip in trips
    ]
    busy = _busy(question, at)
    vendors, fleet = [], []
    for vendor_id, network in question.networks.items():
        shares = _shares(question, vendor_id, trips[0])
        # Without a contract the vendor is barred; it stays in the problem, so that the explanation names it.
        rates = in_force[vendor_id].rates.all() if vendor_id in in_force else []
        vendors.append(
            planning.terms_of(
                vendor_id=vendor_id, name=network.vendor.name, network=network, rates=rates,
                stock=question.stock, record=question.records[vendor_id], busy=busy[vendor_id],
                shares_fleet=shares, begin=question.now, end=end, at=at,
            )
        )  # fmt: skip
        fleet += supply.vehicles(question.stock, vendor_id, at) if shares else []
    return planning.build(jobs, vendors, fleet, at)


def _busy(question: Question, at: supply.Clock) -> dict[UUID, Counter[int]]:
    """Trips that each vendor already has or is being asked about, by the hour of the pickup."""
    busy: dict[UUID, Counter[int]] = defaultdict(Counter)
    since = question.now - dt.timedelta(hours=1)
    taken = Trip.objects.filter(status__in=["accepted", "crew_assigned"], pickup_at__gte=since)
    asked = Offer.objects.filter(status="open", trip__pickup_at__gte=since)
    rows = [*taken.values_list("vendor_id", "pickup_at"), *asked.values_list("vendor_id", "trip__pickup_at")]
    for vendor_id, pickup_at in rows:
        busy[vendor_id][int(at.minute(pickup_at) // 60)] += 1
    return busy


__all__ = ["Question", "ask", "brief_of", "match", "readable", "records"]
