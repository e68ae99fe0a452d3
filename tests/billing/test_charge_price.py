"""The pure price of a trip: worked examples, and properties of every price."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import charge_lines
from vendors.pricing import ROUNDING, Terms, quote

money = st.decimals(min_value=0, max_value=2000, places=2)
tenths = st.decimals(min_value=0, max_value=60, places=1)
terms = st.builds(
    Terms,
    base_amount=money,
    mile_amount=st.decimals(min_value=0, max_value=99, places=2),
    included_miles=tenths,
    mile_rounding=st.sampled_from(sorted(ROUNDING)),
    minimum_amount=money,
)
miles = st.decimals(min_value=0, max_value=900, places=3)


@pytest.mark.parametrize(
    ("name", "rate", "driven", "total"),
    [
        ("N1 sedan", Terms(D("22.00"), D("2.10"), D("5.0"), "nearest_tenth"), D("12.34"), D("37.33")),
        ("N2 wheelchair, base and miles", Terms(D("45.00"), D("3.25")), D("8.0"), D("71.00")),
        ("N3 stretcher, base and miles", Terms(D("145.00"), D("6.00")), D("14.2"), D("230.20")),
        ("N7 base and miles", Terms(D("22.00"), D("2.10"), D("5.0"), "nearest_tenth"), D("6.0"), D("24.10")),
        ("N8 nine and a half miles", Terms(D("45.00"), D("3.25")), D("9.5"), D("75.88")),
        ("half a cent goes up", Terms(D("0.00"), D("0.05")), D("0.1"), D("0.01")),
        ("up to a tenth", Terms(D("0.00"), D("1.00")), D("7.01"), D("7.10")),
        ("within the included miles", Terms(D("22.00"), D("2.10"), D("5.0")), D("4.9"), D("22.00")),
        ("zero miles", Terms(D("45.00"), D("3.25")), D("0"), D("45.00")),
        ("minimum", Terms(D("20.00"), D("2.00"), minimum_amount=D("35.00")), D("3.0"), D("35.00")),
    ],
)  # fmt: skip
def test_worked_examples_come_out_to_the_cent(name: str, rate: Terms, driven: D, total: D) -> None:
    assert quote(rate, driven).total == total, name


@given(terms, miles)
def test_the_total_is_the_sum_of_lines_in_whole_cents(rate: Terms, driven: D) -> None:
    priced = quote(rate, driven)
    assert priced.total == sum(line.amount for line in priced.lines)
    assert priced.total == priced.total.quantize(D("0.01"))
    assert all(line.amount == line.amount.quantize(D("0.01")) and line.amount >= 0 for line in priced.lines)


@given(terms, miles)
def test_a_price_is_never_below_base_or_minimum(rate: Terms, driven: D) -> None:
    assert quote(rate, driven).total >= max(rate.base_amount, rate.minimum_amount)


@given(terms, miles, miles)
def test_more_miles_never_cost_less(rate: Terms, one: D, other: D) -> None:
    near, far = sorted((one, other))
    assert quote(rate, near).total <= quote(rate, far).total


@given(terms, miles)
def test_each_line_is_its_quantity_times_its_price(rate: Terms, driven: D) -> None:
    for line in quote(rate, driven).lines:
        assert abs(line.quantity * line.unit_amount - line.amount) <= D("0.005")


def test_every_line_says_by_which_term_and_where_the_miles_came_from() -> None:
    rate = Terms(D("22.00"), D("2.10"), D("5.0"), "nearest_tenth", D("40.00"))
    rules = [
        line.rule
        for line in charge_lines(
            rate, loaded_miles=D("12.34"), miles_source="planned", contract="Contract version 2"
        ).lines
    ]
    assert rules == [
        "Contract version 2: Base rate",
        "Contract version 2: 12.3 loaded mi (nearest tenth), 5 mi included, planned route",
        "Contract version 2: Minimum charge $40.00",
    ]


def test_impossible_quantities_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        quote(Terms(D(1), D(1)), D(-1))
    with pytest.raises(ValueError, match="rounding"):
        quote(Terms(D(1), D(1), mile_rounding="up"), D(1))
    with pytest.raises(KeyError):
        charge_lines(Terms(D(1), D(1)), loaded_miles=D(1), miles_source="guessed", contract="Contract version 1")
