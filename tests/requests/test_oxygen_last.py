"""How long oxygen lasts: figures worked by hand, and monotone whatever the numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.requests.services.oxygen import FACTOR, check_oxygen, minutes_of, needed_minutes


@pytest.mark.parametrize(
    ("cylinder", "psi", "flow", "minutes"),
    [
        ("D", 2000, "2", 144),  # 1800 psi x 0.16 = 288 L, at 2 L a minute
        ("E", 2000, "2", 252),  # 1800 x 0.28 = 504 L
        ("E", 1000, "4", 56),  # 800 x 0.28 = 224 L
        ("E", 2200, "6", 93),  # 2000 x 0.28 = 560 L, 93.3 min
        ("M", 2000, "5", 561),  # 1800 x 1.56 = 2808 L, 561.6 min
        ("E", 200, "2", 0),  # what is kept back is not counted
        ("E", 0, "2", 0),
    ],
)
def test_minutes_are_those_worked_by_hand(cylinder: str, psi: int, flow: str, minutes: int) -> None:
    assert minutes_of(flow_lpm=Decimal(flow), cylinder=cylinder, psi=psi) == minutes


def test_half_an_e_cylinder_at_4_liters_is_short_for_95_minutes() -> None:
    # Lasts (1000 - 200) x 0.28 / 4 = 56 min; 95 min and half as much again are 142.5: short by 87.
    # A full E lasts 1800 x 0.28 / 4 = 126 min: two are needed.
    supply = check_oxygen(flow_lpm=4, cylinder="E", psi=1000, trip_minutes=95)
    assert supply is not None
    assert (supply.verdict, supply.minutes, supply.needed, supply.short_by) == ("no", 56, 143, 87)
    assert supply.words == (
        "Oxygen lasts 56 min at 4 L/min; the way with reserve needs 143: short by 87 min."
        " Needs 2 full E cylinders or a concentrator."
    )
    enough = check_oxygen(flow_lpm=4, cylinder="E", psi=2000, trip_minutes=95, count=2)
    assert enough is not None
    assert (enough.verdict, enough.short_by) == ("ok", 0)


def test_the_wait_between_two_rides_counts() -> None:
    assert needed_minutes(trip_minutes=30, wait_minutes=60) == 135
    assert needed_minutes(trip_minutes=1) == 2


@pytest.mark.parametrize(
    ("flow", "cylinder", "psi", "verdict", "word"),
    [
        (None, "E", 2000, "ask", "flow"),
        (0, "E", 2000, "ask", "flow"),
        (2, "", None, "ask", "Which oxygen cylinder"),
        (2, "E", None, "ask", "gauge"),
        (2, "concentrator", None, "ask", "battery last 60 min"),
        (6, "concentrator", None, "no", "up to 5 L/min, not 6. Needs 1 full E cylinder."),
        (8, "D", 500, "no", "Needs 2 full D cylinders."),
    ],
)
def test_what_is_not_known_is_a_question_never_a_supply(
    flow: float | None, cylinder: str, psi: int | None, verdict: str, word: str
) -> None:
    supply = check_oxygen(flow_lpm=flow, cylinder=cylinder, psi=psi, trip_minutes=40)
    assert supply is not None
    assert supply.verdict == verdict
    assert word in supply.words


def test_an_unknown_way_is_not_judged() -> None:
    assert check_oxygen(flow_lpm=2, cylinder="E", psi=2000, trip_minutes=None) is None


figures = st.tuples(
    st.decimals("0.5", 15, places=1), st.sampled_from(sorted(FACTOR)), st.integers(0, 3000), st.integers(1, 600)
)


@given(figures, st.decimals(0, 5, places=1), st.integers(0, 500), st.integers(0, 90))
def test_more_flow_less_pressure_or_a_longer_way_never_makes_it_last(
    given_figures: tuple[Decimal, str, int, int], flow: Decimal, psi: int, minutes: int
) -> None:
    liters, cylinder, pressure, way = given_figures
    before = check_oxygen(flow_lpm=liters, cylinder=cylinder, psi=pressure, trip_minutes=way)
    worse = check_oxygen(
        flow_lpm=liters + flow, cylinder=cylinder, psi=max(0, pressure - psi), trip_minutes=way + minutes
    )
    assert before is not None
    assert worse is not None
    assert worse.short_by >= before.short_by
    assert not (before.verdict == "no" and worse.verdict == "ok")
