"""Money is ``Decimal`` in US dollars with two places, rounded half up per line (docs/billing rules)."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
TENTH = Decimal("0.1")


def to_cents(amount: Decimal) -> Decimal:
    """``amount`` rounded half up to whole cents."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def ceil_to_tenth(miles: Decimal) -> Decimal:
    """Miles rounded up to the next tenth, as Medicare asks of ground mileage under 100 miles."""
    return miles.quantize(TENTH, rounding=ROUND_CEILING)


def nearest_tenth(miles: Decimal) -> Decimal:
    """Miles rounded half up to a tenth."""
    return miles.quantize(TENTH, rounding=ROUND_HALF_UP)
