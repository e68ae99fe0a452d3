"""The price of one trip by a contract's rate: base, loaded miles beyond the included ones, minimum. Pure.

Order: base, then miles (rounded as the contract says, less the included ones), then the minimum on their sum. Each
line is rounded half up to cents, so that the total is exactly the sum of what is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from logistics.core.money import ceil_to_tenth, nearest_tenth, to_cents

ROUNDING: dict[str, Callable[[Decimal], Decimal]] = {
    "ceil_tenth": ceil_to_tenth,
    "nearest_tenth": nearest_tenth,
    "none": lambda miles: miles,
}
ROUNDING_WORDS = {"ceil_tenth": "up to a tenth", "nearest_tenth": "nearest tenth", "none": "as measured"}
ZERO = Decimal(0)


@dataclass(frozen=True)
class Terms:
    """The price of one level in one contract. Money in dollars, distances in statute miles."""

    base_amount: Decimal
    mile_amount: Decimal
    included_miles: Decimal = ZERO
    mile_rounding: str = "ceil_tenth"
    minimum_amount: Decimal = ZERO

    @classmethod
    def of(cls, rate: Any) -> Terms:
        """The terms of a rate row (or of anything with the same attributes)."""
        return cls(rate.base_amount, rate.mile_amount, rate.included_miles, rate.mile_rounding, rate.minimum_amount)


@dataclass(frozen=True)
class Line:
    """One priced line: ``amount`` = ``quantity`` × ``unit_amount`` to the cent; ``rule`` is the contract's term."""

    kind: str
    description: str
    quantity: Decimal
    unit: str
    unit_amount: Decimal
    amount: Decimal
    rule: str


@dataclass(frozen=True)
class Quote:
    """The lines of a price."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.amount for line in self.lines), ZERO)


def quote(terms: Terms, loaded_miles: Decimal) -> Quote:
    """What a trip with these loaded miles costs.

    Raises ``ValueError`` for negative miles or an unknown way of rounding.
    """
    if loaded_miles < 0:
        raise ValueError("miles cannot be negative")
    if terms.mile_rounding not in ROUNDING:
        raise ValueError(f"unknown rounding {terms.mile_rounding!r}")
    lines = [Line("base", "Base", Decimal(1), "trip", terms.base_amount, to_cents(terms.base_amount), "Base rate")]
    rounded = ROUNDING[terms.mile_rounding](loaded_miles)
    billed = max(ZERO, rounded - terms.included_miles)
    if billed > 0:
        included = f", {_plain(terms.included_miles)} mi included" if terms.included_miles else ""
        lines.append(
            Line(
                "loaded_mile",
                "Loaded miles",
                billed,
                "mi",
                terms.mile_amount,
                to_cents(billed * terms.mile_amount),
                f"{_plain(rounded)} loaded mi ({ROUNDING_WORDS[terms.mile_rounding]}){included}",
            )
        )
    short = to_cents(terms.minimum_amount) - sum((line.amount for line in lines), ZERO)
    if short > 0:
        rule = f"Minimum charge ${to_cents(terms.minimum_amount)}"
        lines.append(Line("minimum", "Up to the minimum", Decimal(1), "trip", short, short, rule))
    return Quote(tuple(lines))


def _plain(number: Decimal) -> str:
    """Without an exponent or needless zeros."""
    return f"{number.normalize():f}"
