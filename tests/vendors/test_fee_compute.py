"""What calling a trip off costs, and what waiting costs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.fees import STAGES, CancelTerms, WaitTerms, cancel_fee, wait_line

TERMS = CancelTerms(
    free_minutes=60, late_amount=Decimal("20"), en_route_amount=Decimal("38"), at_door_amount=Decimal("55")
)
MONEY = st.decimals(min_value=0, max_value=500, places=2)


@st.composite
def rising_terms(draw: st.DrawFn) -> CancelTerms:
    late, more, most = sorted(draw(st.tuples(MONEY, MONEY, MONEY)))
    return CancelTerms(draw(st.integers(0, 2880)), late, more, most)


@given(rising_terms(), st.floats(-5000, 5000))
def test_nothing_is_owed_before_a_vendor_accepted(terms: CancelTerms, minutes: float) -> None:
    assert cancel_fee(terms, "before_accept", minutes_before=minutes)[0] == 0


@given(rising_terms(), st.integers(-300, 3000))
def test_an_acceptance_is_free_up_to_the_very_minute_and_not_a_minute_longer(terms: CancelTerms, minutes: int) -> None:
    fee, _ = cancel_fee(terms, "after_accept", minutes_before=minutes)
    assert fee == (0 if minutes >= terms.free_minutes else terms.late_amount)


@given(rising_terms(), st.lists(st.floats(-300, 3000), min_size=4, max_size=4))
def test_the_fee_never_falls_while_things_proceed(terms: CancelTerms, moments: list[float]) -> None:
    before = sorted(moments, reverse=True)
    fees = [cancel_fee(terms, stage, minutes_before=at)[0] for stage, at in zip(STAGES, before, strict=True)]
    assert fees == sorted(fees)


def test_each_stage_names_its_own_term() -> None:
    assert cancel_fee(TERMS, "after_accept", minutes_before=60) == (Decimal(0), "free until 60 min before the pickup")
    assert cancel_fee(TERMS, "after_accept", minutes_before=59.9) == (
        Decimal("20.00"), "later than 60 min before the pickup",
    )  # fmt: skip
    assert cancel_fee(TERMS, "en_route", minutes_before=600)[0] == Decimal("38.00")
    assert cancel_fee(TERMS, "at_door", minutes_before=600)[0] == Decimal("55.00")
    with pytest.raises(ValueError, match="unknown stage"):
        cancel_fee(TERMS, "on_board", minutes_before=0)


@given(st.integers(0, 600), st.integers(0, 120), st.integers(1, 60), MONEY)
def test_waiting_is_paid_by_begun_units_beyond_the_free_minutes(
    minutes: int, free: int, unit: int, amount: Decimal
) -> None:
    line = wait_line(WaitTerms(free, unit, amount), minutes)
    over = max(0, minutes - free)
    units = -(-over // unit)
    if not units or not amount:
        assert line is None
    else:
        assert line is not None
        assert line.quantity == units
        assert line.amount == units * amount


def test_forty_five_minutes_by_half_hours_are_two_begun_ones() -> None:
    line = wait_line(WaitTerms(0, 30, Decimal("30")), 45)
    assert line is not None
    assert (line.quantity, line.amount, line.rule) == (
        Decimal(2), Decimal("60.00"), "45 min waited, by begun 30 min",
    )  # fmt: skip
