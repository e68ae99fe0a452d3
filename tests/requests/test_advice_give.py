"""The level that answers ask for: table cases, and properties over all answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.core.levels import LEVELS, satisfies
from logistics.requests.services import advice

MOBILITY = ["walks", "wheelchair", "lies"]
NEEDS = [code for code, _ in advice.NEEDS]

answers = st.fixed_dictionaries(
    {
        "mobility": st.sampled_from(MOBILITY),
        "needs": st.frozensets(st.sampled_from(NEEDS)),
        "oxygen_lpm": st.none() | st.decimals(0, 15, places=1),
        "weight_lb": st.none() | st.integers(60, 700),
        "isolation": st.sampled_from(["", "contact", "droplet", "airborne"]),
        "stairs": st.booleans(),
        "minutes": st.none() | st.integers(1, 400),
    }
)


@pytest.mark.parametrize(
    ("given_answers", "level"),
    [
        ({"mobility": "walks"}, "AMB"),
        ({"mobility": "wheelchair"}, "WC"),
        ({"mobility": "lies"}, "STR"),
        ({"mobility": "walks", "needs": ["oxygen"], "oxygen_lpm": Decimal(2)}, "AMB"),
        ({"mobility": "wheelchair", "needs": ["oxygen"], "oxygen_lpm": Decimal(2)}, "WC"),
        ({"mobility": "wheelchair", "needs": ["oxygen"], "oxygen_lpm": Decimal(8)}, "BLS"),
        ({"mobility": "wheelchair", "needs": ["oxygen"], "oxygen_lpm": Decimal(6), "minutes": 180}, "BLS"),
        ({"mobility": "wheelchair", "needs": ["oxygen_given"]}, "BLS"),
        ({"mobility": "walks", "needs": ["watching"]}, "BLS"),
        ({"mobility": "walks", "isolation": "airborne"}, "BLS"),
        ({"mobility": "walks", "needs": ["isolation"], "isolation": "contact"}, "AMB"),
        ({"mobility": "lies", "needs": ["monitor"]}, "ALS"),
        ({"mobility": "wheelchair", "needs": ["iv"]}, "ALS"),
        ({"mobility": "lies", "needs": ["critical"]}, "CCT"),
        ({"mobility": "wheelchair", "weight_lb": 350}, "WC"),
        ({"mobility": "wheelchair", "weight_lb": 380}, "WCB"),
        ({"mobility": "lies", "weight_lb": 380}, "STR"),
        ({"mobility": "walks", "stairs": True}, "WC"),
    ],
)
def test_each_answer_leads_to_its_level(given_answers: dict[str, Any], level: str) -> None:
    assert advice.advise(**given_answers).level == level


def test_the_reason_says_what_decided_in_plain_words() -> None:
    given_advice = advice.advise(mobility="wheelchair", needs=["oxygen"], oxygen_lpm=Decimal("2.0"), weight_lb=142)
    assert given_advice.reason == "Cannot walk to the car, can sit upright; oxygen at 2 L is the patient's own."


def test_every_level_is_considered_with_its_reason_and_one_is_chosen() -> None:
    rows = {row.level: row for row in advice.advise(mobility="wheelchair").considered}
    assert list(rows) == list(LEVELS)
    assert rows["AMB"].why == "Cannot walk to the car"
    assert rows["WC"].chosen
    assert rows["WCB"].why == "More than needed"
    assert rows["STR"].why == "Takes no wheelchair"
    assert all(row.why for row in rows.values())
    assert sum(row.chosen for row in rows.values()) == 1


def test_a_heavy_patient_raises_the_bariatric_question_before_the_level_changes() -> None:
    light = advice.advise(mobility="wheelchair", weight_lb=300)
    asked = advice.advise(mobility="wheelchair", weight_lb=320)
    assert not light.questions
    assert asked.level == "WC"
    assert "28 in" in asked.questions[0]
    assert "Bariatric cot and lift team" in advice.advise(mobility="lies", weight_lb=420).equipment


def test_an_unknown_weight_in_a_wheelchair_is_a_question_never_a_fit() -> None:
    assert any("weigh" in question for question in advice.advise(mobility="wheelchair").questions)


@given(answers)
def test_the_chosen_level_always_satisfies_what_is_required(given_answers: dict[str, Any]) -> None:
    given_advice = advice.advise(**given_answers)
    assert satisfies(given_advice.level, given_advice.required)
    chosen = [row for row in given_advice.considered if row.chosen]
    assert [row.level for row in chosen] == [given_advice.level]
    cheaper = [row for row in given_advice.considered if row.definition.order < LEVELS[given_advice.level].order]
    assert not any(row.fits for row in cheaper)


@given(answers, st.sampled_from(NEEDS))
def test_one_more_need_never_lowers_the_level(given_answers: dict[str, Any], need: str) -> None:
    before = LEVELS[advice.advise(**given_answers).level].order
    more = {**given_answers, "needs": given_answers["needs"] | {need}}
    assert LEVELS[advice.advise(**more).level].order >= before


@given(answers, st.integers(0, 400), st.decimals(0, 10, places=1), st.integers(0, 200))
def test_more_weight_flow_or_way_never_lowers_the_level(
    given_answers: dict[str, Any], pounds: int, liters: Decimal, minutes: int
) -> None:
    before = LEVELS[advice.advise(**given_answers).level].order
    more = {
        **given_answers,
        "weight_lb": (given_answers["weight_lb"] or 0) + pounds,
        "oxygen_lpm": (given_answers["oxygen_lpm"] or 0) + liters,
        "minutes": (given_answers["minutes"] or 0) + minutes,
        "stairs": True,
    }
    assert LEVELS[advice.advise(**more).level].order >= before


@given(answers)
def test_sitting_instead_of_lying_never_costs_more(given_answers: dict[str, Any]) -> None:
    orders = [LEVELS[advice.advise(**{**given_answers, "mobility": how}).level].order for how in MOBILITY]
    assert orders == sorted(orders)


def test_every_rule_names_its_source_and_known_capabilities() -> None:
    known = frozenset().union(*(level.offers for level in LEVELS.values()))
    for rule in advice.RULES:
        assert rule.source
        assert rule.reason
        assert rule.requires <= known
