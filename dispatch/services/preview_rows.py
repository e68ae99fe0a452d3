"""Rows of the preview: levels, vendors and rides with their prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dispatch.services.itinerary import Itinerary
from dispatch.services.router import Way
from logistics.core import clock
from logistics.core.levels import LEVELS, in_sentence
from logistics.requests.services.advice import Advice
from vendors.models import Contract
from vendors.pricing import Terms, quote
from vendors.selectors import contracts


@dataclass(frozen=True)
class LevelRow:
    """One level considered: ``amount`` is the lowest contract price for this way, None without a contract.

    ``rule`` is the rule that excludes it, with its source; empty where it fits.
    """

    code: str
    label: str
    fits: bool
    why: str
    chosen: bool
    amount: Decimal | None
    rule: str = ""


@dataclass(frozen=True)
class VendorRow:
    """A vendor in the order of asking; ``on_time`` is a share with its ``n``, None without a record."""

    name: str
    pickup_at: dt.datetime
    amount: Decimal
    on_time: float | None
    n: int
    verdict: str

    @property
    def note(self) -> str:
        """``96% on time (n = 48)``; a figure never stands on nothing."""
        return f"{self.on_time:.0%} on time (n = {self.n})" if self.on_time is not None else "No record here yet"


@dataclass(frozen=True)
class RideRow:
    """One ride of the booking in words. ``nobody`` says why no vendor could come for it, empty when one can."""

    label: str
    ends: str
    times: str
    way: Way
    amount: Decimal | None
    vendor: str = ""
    nobody: str = ""


def estimates(laid: Itinerary) -> list[Decimal | None]:
    """The lowest contract price of each ride at its level, None where no contract has one. One query a day."""
    by_day: dict[dt.date, dict[Any, Contract]] = {}
    amounts = []
    for ride in laid.rides:
        day = clock.local(ride.depart_at, ride.start.location.zone).date()
        in_force = by_day.setdefault(day, {}) or contracts.in_force(day)
        by_day[day] = in_force
        amounts.append(lowest_price(in_force.values(), laid.level, ride.way.miles))
    return amounts


def levels(advice: Advice, level: str, usable: Iterable[Contract], miles: Decimal | None) -> list[LevelRow]:
    """Every level with its lowest price in force; those that nobody offers only when they are the answer.

    ``level`` is the one that is booked, ``miles`` None while the way is not known.
    """
    contracts_in_force = list(usable)
    overridden = level != advice.level
    prices: dict[str, Decimal] = {}
    if miles is not None:
        for code in LEVELS:
            lowest = lowest_price(contracts_in_force, code, miles)
            if lowest is not None:
                prices[code] = lowest
    rows = []
    for row in advice.considered:
        chosen = row.level == level
        if prices and row.level not in prices and not chosen and not row.chosen:
            continue
        why = row.why if not (chosen and overridden) else "Your choice"
        rows.append(LevelRow(row.level, row.definition.label, row.fits, why, chosen, prices.get(row.level), row.rule))
    return rows


def saving(rows: Iterable[LevelRow], advised: str) -> str:
    """``Wheelchair van meets every need: about $310 less than BLS ambulance.``

    Empty unless a dearer level than the ``advised`` one is chosen and contracts price both.
    """
    by_code = {row.code: row for row in rows}
    chosen, less = next((row for row in by_code.values() if row.chosen), None), by_code.get(advised)
    if chosen is None or less is None or chosen.amount is None or less.amount is None or chosen.amount <= less.amount:
        return ""
    amount = (chosen.amount - less.amount).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{less.label} meets every need: about ${amount:,} less than {in_sentence(chosen.label)}."


def lowest_price(rows: Iterable[Contract], level: str, miles: Decimal) -> Decimal | None:
    """The lowest price of these contracts for so many miles at this level, None when none has it."""
    amounts = [quote(Terms.of(rate), miles).total for row in rows for rate in row.rates.all() if rate.level == level]
    return min(amounts, default=None)
