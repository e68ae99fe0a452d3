"""Tables of rules: the built-in one and any that may be published give what every need asks for, never less."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.core.errors import DomainError
from logistics.core.levels import CAPABILITIES, LEVELS, satisfies
from logistics.requests.services import advice, level_rules
from logistics.requests.services.level_rules import ANSWERS, BUILT_IN, FLOOR, MOBILITIES, RuleSet

NEEDS = [code for code, _ in level_rules.NEEDS]
# What each need must find in the vehicle, written down apart from the rules.
MUST = {
    "oxygen_given": "oxygen_given",
    "monitor": "monitor",
    "iv": "iv",
    "critical": "critical",
    "airborne": "attended",
    "watching": "attended",
}

answers = st.fixed_dictionaries(
    {
        "mobility": st.sampled_from(MOBILITIES),
        "needs": st.frozensets(st.sampled_from(NEEDS)),
        "oxygen_lpm": st.none() | st.decimals(0, 15, places=1),
        "weight_lb": st.none() | st.integers(60, 900),
        "isolation": st.sampled_from(["", "contact", "droplet", "airborne"]),
        "minutes": st.none() | st.integers(1, 400),
        "chair": st.sampled_from(["", "manual", "power", "scooter", "bariatric"]),
        "chair_width_in": st.none() | st.integers(16, 44),
        "chair_weight_lb": st.none() | st.integers(20, 500),
        "pickup_steps": st.none() | st.integers(0, 60),
        "dropoff_steps": st.none() | st.integers(0, 60),
    }
)


@st.composite
def rules(draw: st.DrawFn) -> level_rules.Rule:
    answer = draw(st.sampled_from(sorted(ANSWERS)))
    above = Decimal(draw(st.integers(0, 800))) if ANSWERS[answer].is_figure else None
    requires = draw(st.frozensets(st.sampled_from(sorted(CAPABILITIES)), min_size=1, max_size=4))
    return level_rules.make(answer=answer, above=above, requires=requires, reason="A reason", source="A source")


@st.composite
def tables(draw: st.DrawFn) -> RuleSet:
    """Any table that may be published: what the floor needs, and whatever else somebody thinks of."""
    made = {rule.key: rule for rule in draw(st.lists(rules(), max_size=12))}
    for floor in FLOOR:
        rule = level_rules.make(
            answer=floor.answer,
            above=None if floor.latest is None else draw(st.integers(0, int(floor.latest))),
            requires=made[floor.answer].requires | {floor.requires} if floor.answer in made else {floor.requires},
            reason="The floor",
            source=floor.source,
        )
        made[rule.key] = rule
    table = RuleSet(1, tuple(made.values()))
    assert level_rules.floor_problems(table.rules) == []
    return table


def serves(level: str, given_answers: dict[str, Any]) -> None:
    """The level has what the needs must find; a patient who lies, or is cared for, lies on a cot."""
    offers = LEVELS[level].offers
    needs = set(given_answers["needs"]) | ({"airborne"} if given_answers["isolation"] == "airborne" else set())
    assert {MUST[need] for need in needs if need in MUST} <= offers
    if given_answers["mobility"] == "lies":
        assert "stretcher" in offers
    if given_answers["mobility"] == "wheelchair":
        assert {"wheelchair", "stretcher"} & offers
    if needs:
        assert "trained" in offers


@given(answers)
def test_no_needs_lead_to_a_level_that_lacks_what_they_ask_for(given_answers: dict[str, Any]) -> None:
    serves(advice.advise(**given_answers, rules=BUILT_IN).level, given_answers)


@given(tables(), answers)
def test_no_table_that_may_be_published_lacks_what_the_needs_ask_for(
    table: RuleSet, given_answers: dict[str, Any]
) -> None:
    given_advice = advice.advise(**given_answers, rules=table)
    serves(given_advice.level, given_answers)
    assert satisfies(given_advice.level, given_advice.required)


@given(tables(), answers, st.sampled_from(NEEDS), st.integers(0, 300), st.integers(0, 40))
def test_more_needs_weight_or_steps_never_lower_the_level_whatever_the_table(
    table: RuleSet, given_answers: dict[str, Any], need: str, pounds: int, steps: int
) -> None:
    before = LEVELS[advice.advise(**given_answers, rules=table).level].order
    more = {
        **given_answers,
        "needs": given_answers["needs"] | {need},
        "weight_lb": (given_answers["weight_lb"] or 0) + pounds,
        "chair_weight_lb": None if given_answers["chair_weight_lb"] is None else given_answers["chair_weight_lb"] + 9,
        "dropoff_steps": (given_answers["dropoff_steps"] or 0) + steps,
    }
    assert LEVELS[advice.advise(**more, rules=table).level].order >= before


@given(tables(), answers)
def test_the_first_level_that_meets_everything_is_chosen_and_each_other_says_why_not(
    table: RuleSet, given_answers: dict[str, Any]
) -> None:
    given_advice = advice.advise(**given_answers, rules=table)
    chosen = LEVELS[given_advice.level]
    for row in given_advice.considered:
        assert row.why
        assert row.fits == (given_advice.required <= row.definition.offers)
        assert row.fits is False or row.definition.order >= chosen.order


@given(tables())
def test_a_table_is_the_same_after_it_was_stored_and_read(table: RuleSet) -> None:
    assert level_rules.parse(level_rules.as_data(table.rules)) == table.rules
    assert level_rules.differences(table.rules, level_rules.parse(level_rules.as_data(table.rules))) == []


@pytest.mark.parametrize("floor", FLOOR, ids=lambda floor: floor.answer)
def test_dropping_any_rule_of_the_floor_is_named(floor: level_rules.Floor) -> None:
    assert level_rules.floor_problems(BUILT_IN.rules) == []
    left = [rule for rule in BUILT_IN.rules if rule.answer != floor.answer]
    problems = level_rules.floor_problems(left)
    assert len(problems) == 1
    assert ANSWERS[floor.answer].label in problems[0]
    assert floor.source in problems[0]


def test_a_weight_limit_above_what_an_ordinary_lift_carries_is_below_the_floor() -> None:
    def with_limit(above: int) -> list[level_rules.Rule]:
        rule = level_rules.make(
            answer="weight_lb", above=above, requires=["heavy"], reason="Heavy", source="Lift contract"
        )
        return [each for each in BUILT_IN.rules if each.answer != "weight_lb"] + [rule]

    assert level_rules.floor_problems(with_limit(550)) == []
    assert "550 lb" in level_rules.floor_problems(with_limit(551))[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"answer": "mood"}, "answer"),
        ({"answer": ["iv"]}, "answer"),
        ({"answer": "emergency"}, "answer"),
        ({"above": 3}, "above"),
        ({"answer": "weight_lb"}, "above"),
        ({"answer": "weight_lb", "above": "heavy"}, "above"),
        ({"answer": "weight_lb", "above": "NaN"}, "above"),
        ({"answer": "weight_lb", "above": -1}, "above"),
        ({"requires": []}, "requires"),
        ({"requires": ["wings"]}, "requires"),
        ({"requires": "iv"}, "requires"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 121}, "reason"),
        ({"source": ""}, "source"),
        ({"source": 7}, "source"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_at_its_field(change: dict[str, Any], field: str) -> None:
    good = {"answer": "iv", "requires": ["iv"], "reason": "A reason", "source": "A source"}
    level_rules.make(**good)
    with pytest.raises(DomainError) as refused:
        level_rules.make(**{**good, **change})
    assert field in refused.value.fields


def test_a_table_with_two_rules_for_one_condition_is_refused() -> None:
    data = level_rules.as_data([*BUILT_IN.rules, BUILT_IN.rules[0]])
    with pytest.raises(DomainError, match="Walks to the car"):
        level_rules.parse(data)
    for broken in (None, {}, [3], [{"answer": "iv", "extra": 1}]):
        with pytest.raises(DomainError):
            level_rules.parse(broken)


def test_differences_say_what_was_added_changed_and_removed() -> None:
    stricter = level_rules.make(
        answer="iv", requires=["iv", "critical"], reason="Drips go with the nurse", source="Policy 12"
    )
    added = level_rules.make(answer="steps", above=12, requires=["attended"], reason="Long stairs", source="Policy 9")
    new = [stricter if rule.key == "iv" else rule for rule in BUILT_IN.rules if rule.key != "stairs"] + [added]
    changes = {change.rule.key: change.kind for change in level_rules.differences(BUILT_IN.rules, new)}
    assert changes == {"iv": "changed", "steps>12": "added", "stairs": "removed"}
    assert added.when == "Steps at one end above 12 steps"
    lower = level_rules.make(answer="weight_lb", above=300, requires=["heavy"], reason="Heavy", source="Policy 4")
    moved = [lower if rule.answer == "weight_lb" else rule for rule in BUILT_IN.rules]
    (change,) = level_rules.differences(BUILT_IN.rules, moved)
    assert change.kind == "changed"
    assert change.before is not None
    assert (change.before.key, change.rule.key) == ("weight_lb>350", "weight_lb>300")


@pytest.mark.parametrize(
    ("given_answers", "level", "extras"),
    [
        # R7: 320 lb in a 350 lb power chair is 670 lb, more than an ordinary lift's 600.
        ({"mobility": "wheelchair", "weight_lb": 320, "chair": "power", "chair_weight_lb": 350}, "WCB", set()),
        ({"mobility": "wheelchair", "weight_lb": 220, "chair": "power", "chair_weight_lb": 350}, "WC", set()),
        ({"mobility": "wheelchair", "weight_lb": 200, "chair": "manual", "chair_width_in": 31}, "WCB", set()),
        ({"mobility": "wheelchair", "weight_lb": 200, "chair": "bariatric"}, "WCB", set()),
        ({"mobility": "walks", "dropoff_steps": 4}, "WC", set()),
        ({"mobility": "lies", "weight_lb": 420}, "STR", {"bariatric_cot"}),
        ({"mobility": "wheelchair", "weight_lb": 420, "needs": ["iv"]}, "ALS", {"bariatric_cot"}),
        ({"mobility": "walks", "needs": ["restraint"]}, "BLS", set()),
        ({"mobility": "walks", "needs": ["wander", "never_alone", "behavior"]}, "AMB", set()),
        (
            {"mobility": "walks", "needs": ["oxygen"], "oxygen_lpm": 4, "minutes": 300,
             "oxygen_cylinder": "concentrator"},
            "AMB", set(),
        ),
        ({"mobility": "walks", "needs": ["oxygen"], "oxygen_lpm": 4, "minutes": 300}, "BLS", set()),
    ],
)  # fmt: skip
def test_chairs_stairs_and_behavior_lead_to_their_level(
    given_answers: dict[str, Any], level: str, extras: set[str]
) -> None:
    given_advice = advice.advise(**given_answers, rules=BUILT_IN)
    assert (given_advice.level, set(given_advice.extras)) == (level, extras)


def test_a_table_may_send_secure_transport_and_taxis_where_they_fit() -> None:
    own = [
        level_rules.make(
            answer="restraint", requires=["secure"], reason="Secure transport, medically cleared", source="State rule"
        ),
        level_rules.make(answer="walks", requires=["seat"], reason="Walks alone", source="Rideshare contract"),
    ]
    kept = {rule.key: rule for rule in BUILT_IN.rules} | {rule.key: rule for rule in own}
    table = RuleSet(1, tuple(kept.values()))
    assert level_rules.floor_problems(table.rules) == []
    assert advice.advise(mobility="walks", rules=table).level == "TAXI"
    assert advice.advise(mobility="walks", needs=["oxygen"], rules=table).level == "AMB"
    assert advice.advise(mobility="walks", needs=["restraint"], rules=table).level == "SECURE"
    # No van is secure and takes a wheelchair: the ambulance's cot is what is left.
    assert advice.advise(mobility="wheelchair", needs=["restraint"], rules=table).level == "BLS"


def test_a_running_iv_excludes_bls_with_the_rule_named() -> None:
    rows = {row.level: row for row in advice.advise(mobility="lies", needs=["iv"], rules=BUILT_IN).considered}
    assert not rows["BLS"].fits
    assert rows["BLS"].why == "Cannot run an IV"
    assert rows["BLS"].rule == "A running IV needs a paramedic (42 CFR 410.41(b)(2), advanced life support crew)"
    assert rows["ALS"].chosen


def test_an_emergency_stops_the_booking_with_911_and_emtala() -> None:
    stopped = advice.advise(mobility="walks", needs=["emergency"], rules=BUILT_IN)
    assert "911" in stopped.stop
    assert "EMTALA" in stopped.stop
    assert stopped.level == "CCT"
    assert advice.advise(mobility="walks", needs=["watching"], rules=BUILT_IN).stop == ""


@pytest.mark.parametrize(
    ("advised", "chosen", "reason", "clinician", "missing"),
    [
        ("BLS", "BLS", "", "", set()),
        ("WC", "BLS", "Family wants it", "", set()),
        ("WC", "BLS", "ok", "", {"override_reason"}),
        ("BLS", "WC", "Sits well today", "", {"override_by"}),
        ("BLS", "WC", "Sits well today", "   ", {"override_by"}),
        ("BLS", "WC", "", "", {"override_reason", "override_by"}),
        ("BLS", "WC", "Sits well today", "Dr. R. Osei", set()),
    ],
)
def test_a_lower_level_needs_a_clinicians_name(
    advised: str, chosen: str, reason: str, clinician: str, missing: set[str]
) -> None:
    problems = advice.check_override(advised=advised, chosen=chosen, reason=reason, clinician=clinician)
    assert set(problems) == missing


def test_a_drip_that_runs_raises_the_question_of_the_level() -> None:
    assert advice.level_questions(level="ALS", needs=["iv", "oxygen"], rules=BUILT_IN) == []
    questions = advice.level_questions(level="WC", needs=["critical", "iv", "oxygen"], rules=BUILT_IN)
    assert [(each.need, each.least_level) for each in questions] == [("iv", "ALS"), ("critical", "CCT")]
    assert questions[0].words == (
        "IV running: Wheelchair van is booked, cannot run an IV. Change the ride to ALS ambulance,"
        " or settle it before the ride."
    )
    assert "42 CFR 410.41(b)(2)" in questions[0].rule
