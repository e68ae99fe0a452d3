"""What a contract asks beside the price of a trip: for calling it off, and for a vehicle that waits. Pure.

How far things had come decides a cancellation's fee; nothing is owed before a vendor accepted, and no mileage ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

from logistics.core.money import to_cents
from vendors.pricing import ZERO, Line

STAGES = ("before_accept", "after_accept", "en_route", "at_door")


@dataclass(frozen=True)
class CancelTerms:
    """A contract's fees in dollars: nothing until ``free_minutes`` before the pickup, ``late_amount`` after that."""

    free_minutes: int = 0
    late_amount: Decimal = ZERO
    en_route_amount: Decimal = ZERO
    at_door_amount: Decimal = ZERO

    @classmethod
    def of(cls, contract: Any) -> CancelTerms:
        """The terms of a contract row (or of anything with the same attributes)."""
        return cls(
            contract.cancel_free_minutes,
            contract.cancel_late_amount,
            contract.cancel_en_route_amount,
            contract.cancel_at_door_amount,
        )


@dataclass(frozen=True)
class WaitTerms:
    """The price of waiting at one level: begun units of ``unit_minutes`` beyond ``free_minutes``."""

    free_minutes: int = 0
    unit_minutes: int = 15
    unit_amount: Decimal = ZERO

    @classmethod
    def of(cls, rate: Any) -> WaitTerms:
        """The terms of a rate row (or of anything with the same attributes)."""
        return cls(rate.wait_free_minutes, rate.wait_unit_minutes, rate.wait_unit_amount)


def cancel_fee(terms: CancelTerms, stage: str, *, minutes_before: float) -> tuple[Decimal, str]:
    """The fee in dollars and the contract's term in words, as the rest of a sentence.

    ``minutes_before`` the agreed pickup, negative after it. Raises ``ValueError`` for a stage that is not one of
    :data:`STAGES`.
    """
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}")
    if stage == "before_accept":
        return ZERO, "no vendor has accepted"
    if stage == "en_route":
        return to_cents(terms.en_route_amount), "crew on its way"
    if stage == "at_door":
        return to_cents(terms.at_door_amount), "crew at the door"
    if minutes_before >= terms.free_minutes:
        return ZERO, f"free until {terms.free_minutes} min before the pickup"
    if terms.free_minutes:
        return to_cents(terms.late_amount), f"later than {terms.free_minutes} min before the pickup"
    return to_cents(terms.late_amount), "after the agreed pickup"


def wait_line(terms: WaitTerms, minutes: int) -> Line | None:
    """The line for a wait of ``minutes``; None when it costs nothing. Raises ``ValueError`` for negative minutes."""
    if minutes < 0:
        raise ValueError("a wait cannot be negative")
    units = ceil(max(0, minutes - terms.free_minutes) / max(1, terms.unit_minutes))
    if not units or not terms.unit_amount:
        return None
    each, amount = to_cents(terms.unit_amount), to_cents(units * terms.unit_amount)
    free = f", {terms.free_minutes} min free" if terms.free_minutes else ""
    rule = f"{minutes} min waited{free}, by begun {terms.unit_minutes} min"
    return Line("wait", "Waiting", Decimal(units), f"{terms.unit_minutes} min", each, amount, rule)
