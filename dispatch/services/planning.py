"""Trips and vendors as one problem for the solver (no patient data goes in).

The price is the contract's own (``vendors.pricing``), so that what the engine weighs is what the trip will cost.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dispatch import policies
from dispatch.models import Leg, Trip
from dispatch.services import supply
from dispatch.services.supply import Clock, Supply, solver_level
from dispatch.solver import problem as solver
from dispatch.solver.travel import Travel
from logistics.core import clock
from logistics.core.money import nearest_tenth
from vendors.models import Network, Rate, VendorProfile
from vendors.pricing import Terms, quote

# The engine's neutral view of a vendor without a record: neither punished nor preferred.
UNKNOWN_ON_TIME = 0.9
NEED_CAPABILITY = {
    "heavy": "heavy_lift",
    "oxygen_given": "o2_administer",
    "attended": "vitals",
    "monitor": "ecg",
    "iv": "iv_drugs",
    "critical": "critical_rn",
}
POLICY = solver.Policy()


class ContractRate(solver.Rate):
    """A contract's rate with its own rounding of miles; planned miles are kept to a tenth, as on the leg."""

    __slots__ = ("terms",)
    terms: Terms

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms.base_amount, terms.mile_amount, terms.included_miles, terms.minimum_amount)
        object.__setattr__(self, "terms", terms)

    def price(self, miles: float) -> Decimal:
        """Price of one leg with ``miles`` loaded miles."""
        return quote(self.terms, nearest_tenth(Decimal(str(round(miles, 4))))).total


@dataclass(frozen=True)
class Record:
    """How a vendor did for this health system: ``on_time`` of ``n`` pickups, ``yes`` of ``answers`` offers."""

    on_time: int = 0
    n: int = 0
    yes: int = 0
    answers: int = 0

    @property
    def on_time_rate(self) -> float | None:
        """Share of pickups in time; None without a pickup."""
        return self.on_time / self.n if self.n else None

    @property
    def acceptance_rate(self) -> float:
        """Share of offers taken; a vendor starts with nine of ten, so that its first answers do not decide."""
        return (self.yes + 9) / (self.answers + 10)


def clock_for(now: dt.datetime, zone: str) -> Clock:
    """Minute 0 is the last full hour, on the wall clock of ``zone``."""
    local = now.astimezone(ZoneInfo(zone))
    return Clock(local.replace(minute=0, second=0, microsecond=0), now)


def job_of(trip: Trip, leg: Leg, at: Clock) -> solver.Job:
    """One leg as a job.

    An overdue trip is looked for from now on: its promise is broken, the patient still has to go. Vehicles carry one
    patient at a time, because a commitment takes the whole vehicle.
    """
    load = leg.load
    latest = trip.pickup_latest_at
    if latest < at.now + dt.timedelta(minutes=policies.LEAST_RESPONSE_MINUTES):
        latest = at.now + dt.timedelta(minutes=policies.OVERDUE_SEARCH_MINUTES)
    needs = {NEED_CAPABILITY[name] for name in leg.requires if name in NEED_CAPABILITY}
    heavy = "bariatric_cot" in leg.requires or (load.get("patient_lb") or 0) > policies.BARIATRIC_LB
    stretchers = load.get("stretchers", 0)
    if heavy and stretchers:
        needs.add("bariatric_cot")
    chair = (load.get("device") or "manual_chair") if load.get("wheelchairs") else ""
    device = ("bariatric_cot" if heavy else "cot") if stretchers else chair
    service = policies.service_minutes(trip.level)
    given = "oxygen_given" in load.get("needs", [])
    return solver.Job(
        id=str(trip.pk),
        pickup=solver.Stop(
            leg.pickup_latitude, leg.pickup_longitude, at.minute(trip.pickup_at), at.minute(latest), service
        ),
        dropoff=solver.Stop(leg.dropoff_latitude, leg.dropoff_longitude, service_minutes=service),
        level=solver_level(trip.level),
        capabilities=frozenset(needs),
        seats=load.get("seats", 0),
        wheelchairs=load.get("wheelchairs", 0),
        stretchers=stretchers,
        weight_lb=load.get("weight_lb"),
        width_in=load.get("width_in"),
        device=device,
        isolation=leg.isolation,
        min_crew=load.get("min_crew") or 1,
        oxygen_lpm=float(load.get("oxygen_lpm") or 0) if given else 0.0,
        solo=True,
    )


def terms_of(
    *,
    vendor_id: UUID,
    name: str,
    network: Network,
    rates: Iterable[Rate],
    stock: Supply,
    record: Record,
    busy: Counter[int],
    shares_fleet: bool,
    begin: dt.datetime,
    end: dt.datetime,
    at: Clock,
) -> solver.VendorTerms:
    """What one vendor may do between ``begin`` and ``end``, at its contract's prices."""
    profile = stock.profiles.get(vendor_id)
    prices = {solver_level(rate.level): ContractRate(Terms.of(rate)) for rate in rates}
    offered = {solver_level(level) for level in profile.levels} if profile else set(prices)
    return solver.VendorTerms(
        vendor_id=str(vendor_id),
        name=name,
        rates={level: rate for level, rate in prices.items() if level in offered},
        base=solver.Stop(profile.base_latitude, profile.base_longitude) if profile else None,
        radius_miles=profile.radius_miles if profile else float("inf"),
        hours=tuple(opening(profile, begin, end, at)) if profile else (),
        credentials=supply.cards(stock.vendor_cards.get(vendor_id, []), at),
        on_time_rate=UNKNOWN_ON_TIME if record.on_time_rate is None else record.on_time_rate,
        acceptance_rate=record.acceptance_rate,
        tier=network.tier,
        capacity_per_hour=network.hourly_capacity,
        committed_by_hour=dict(busy),
        shares_fleet=shares_fleet,
    )


def opening(profile: VendorProfile, begin: dt.datetime, end: dt.datetime, at: Clock) -> Iterable[tuple[float, float]]:
    """Opening periods in the clock's minutes; none means always open. A close before the opening is the next day's."""
    opens, closes = profile.opens_minute, profile.closes_minute
    if (opens, closes) == (0, 1440):
        return
    zone = at.epoch.tzinfo
    day, last = begin.astimezone(zone).date() - dt.timedelta(days=1), end.astimezone(zone).date()
    closes += 1440 if closes <= opens else 0
    while day <= last:
        yield at.minute(_wall(day, opens, zone)), at.minute(_wall(day, closes, zone))
        day += dt.timedelta(days=1)


def build(
    jobs: Iterable[solver.Job], vendors: Iterable[solver.VendorTerms], fleet: Iterable[solver.Vehicle], at: Clock
) -> solver.Problem:
    """The problem; its travel speeds follow the local hour."""
    return solver.Problem(
        epoch=at.epoch,
        now=at.minute(at.now),
        jobs=tuple(jobs),
        vendors=tuple(vendors),
        vehicles=tuple(fleet),
        travel=Travel(epoch_minute=at.epoch.hour * 60 + at.epoch.minute),
        policy=POLICY,
    )


def pickup_day(trip: Trip) -> dt.date:
    """The local date of the pickup: contracts, agreements and cards are looked up by it."""
    return clock.local(trip.pickup_at, trip.time_zone).date()


def clean_minutes(isolation: str, decontamination_minutes: int) -> float:
    """Minutes that a vehicle needs after a patient in isolation."""
    return max(POLICY.clean_minutes[isolation], decontamination_minutes) if isolation else 0.0


def words(text: str) -> str:
    """The solver's level names in a sentence, in ours."""
    for ours, theirs in supply.SOLVER_LEVEL.items():
        text = text.replace(theirs, ours)
    return text


def _wall(day: dt.date, minute: int, zone: Any) -> dt.datetime:
    midnight = dt.datetime.combine(day + dt.timedelta(days=minute // 1440), dt.time(), zone)
    return midnight.replace(hour=minute % 1440 // 60, minute=minute % 60)
