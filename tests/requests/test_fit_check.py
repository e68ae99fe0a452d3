"""Whether chair, weight and stairs fit: figures worked by hand, the unknown is asked, more never fits better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.core.levels import LEVELS
from logistics.requests.services import advice, fit
from logistics.requests.services.fit import Asked, Opening, check_fit, worst

VAN = Opening(lift_lb=600, door_in=32, name="Van 4")


def asked(**more: Any) -> Asked:
    return Asked(**{"mobility": "wheelchair", "level": "WC", "chair": "manual", "weight_lb": 180, **more})


def verdicts(wanted: Asked, opening: Opening | None = None) -> dict[str, str]:
    return {result.rule: result.verdict for result in check_fit(wanted, opening)}


def test_a_320_lb_patient_in_a_350_lb_power_chair_fails_a_600_lb_lift() -> None:
    heavy = asked(chair="power", weight_lb=320, chair_weight_lb=350, chair_width_in=27)
    results = check_fit(heavy, VAN)
    assert results[0].words == "320 lb and a 350 lb wheelchair are 670 lb; the lift of Van 4 carries 600 lb."
    assert verdicts(heavy, VAN) == {"lift": "no", "door": "ok"}
    assert verdicts(heavy, Opening(800, 32)) == {"lift": "ok", "door": "ok"}
    assert verdicts(replace(heavy, weight_lb=250), VAN) == {"lift": "ok", "door": "ok"}  # 600 lb is carried


def test_a_chair_wider_than_the_door_does_not_fit() -> None:
    wide = asked(chair="bariatric", level="WCB", chair_width_in=34, chair_weight_lb=90)
    assert verdicts(wide, Opening(1000, 32))["door"] == "no"
    assert verdicts(wide, Opening(1000, 34))["door"] == "ok"
    assert verdicts(wide)["door"] == "ask"  # no rule says how wide a bariatric van is
    assert verdicts(wide, Opening(1000, None))["door"] == "ask"


@pytest.mark.parametrize("chair", ["power", "scooter", "bariatric"])
@pytest.mark.parametrize("missing", ["weight_lb", "chair_weight_lb", "chair_width_in"])
def test_an_unknown_figure_of_a_power_or_bariatric_chair_is_asked(chair: str, missing: str) -> None:
    known = {"weight_lb": 180, "chair_weight_lb": 200, "chair_width_in": 26}
    wanted = asked(chair=chair, level="WCB", **{**known, missing: None})
    assert verdicts(wanted, Opening(1000, 40))["door" if missing == "chair_width_in" else "lift"] == "ask"
    assert worst(check_fit(wanted, Opening(1000, 40))) == "ask"


def test_a_manual_chair_needs_only_the_patients_weight() -> None:
    assert verdicts(asked()) == {"lift": "ok", "door": "ok"}
    assert verdicts(asked(weight_lb=None))["lift"] == "ask"
    assert check_fit(asked(), VAN)[0].figures["combined_lb"] == 230


def test_a_scooter_is_asked_to_be_left_for_a_seat() -> None:
    wanted = asked(chair="scooter", chair_weight_lb=150, chair_width_in=25)
    assert verdicts(wanted)["scooter"] == "ask"
    assert "never required" in check_fit(wanted)[0].words


def test_a_power_chair_on_an_ambulance_needs_a_ride_of_its_own_or_a_plan() -> None:
    wanted = asked(level="BLS", chair="power")
    assert verdicts(wanted) == {"chair_left_behind": "ask"}
    assert check_fit(wanted)[0].words.startswith(
        "The BLS ambulance cannot carry the power wheelchair: book a second ride"
    )
    assert verdicts(asked(level="BLS", chair="manual")) == {}


def test_a_heavy_patient_lying_needs_a_bariatric_cot() -> None:
    lying = asked(mobility="lies", level="STR", chair="", weight_lb=420)
    assert verdicts(lying) == {"bariatric_cot": "ask"}
    assert verdicts(lying, Opening(lift_lb=400)) == {"cot": "no"}
    assert verdicts(lying, Opening(lift_lb=700)) == {"cot": "no"}  # carries the weight, but is no bariatric cot
    assert verdicts(lying, Opening(lift_lb=850)) == {"cot": "ok"}
    assert verdicts(replace(lying, weight_lb=340), Opening(lift_lb=700)) == {"cot": "ok"}
    assert verdicts(replace(lying, weight_lb=350)) == {}
    assert verdicts(replace(lying, weight_lb=None)) == {"cot": "ask"}


@pytest.mark.parametrize(
    ("weight", "steps", "people"),
    [
        (150, 0, 0), (150, 2, 2), (200, 30, 2), (250, 3, 2), (250, 14, 2), (250, 15, 3), (301, 3, 2), (301, 10, 3),
        (350, 20, 4), (351, 1, 4), (500, 40, 4), (501, 1, None),
    ],
)  # fmt: skip
def test_people_on_the_stairs_are_those_of_the_table(weight: int, steps: int, people: int | None) -> None:
    assert fit.stair_people(weight_lb=weight, steps=steps) == people


def test_a_van_that_brings_too_few_people_for_the_stairs_is_asked_for_more() -> None:
    results = check_fit(asked(dropoff_steps=10))
    assert results[0].words == (
        "10 steps at the drop-off and 180 lb: 2 people and a stair chair. The wheelchair van brings 1: ask for 1 more."
    )
    assert verdicts(asked(mobility="lies", level="STR", chair="", pickup_steps=10)) == {"stairs": "ok"}
    assert verdicts(asked(mobility="walks", level="WC", chair="", pickup_steps=1)) == {"stairs": "ok"}
    assert verdicts(asked(weight_lb=None, pickup_steps=1))["stairs"] == "ask"
    assert verdicts(asked(mobility="lies", level="STR", chair="", weight_lb=520, pickup_steps=1))["stairs"] == "no"


def test_a_power_chair_is_not_carried_on_stairs() -> None:
    wanted = asked(chair="power", chair_weight_lb=300, chair_width_in=26, dropoff_steps=2)
    assert verdicts(wanted)["stairs_chair"] == "ask"


things = st.builds(
    Asked,
    mobility=st.sampled_from(["walks", "wheelchair", "lies"]),
    level=st.sampled_from(sorted(LEVELS)),
    chair=st.sampled_from(["", "manual", "power", "scooter", "bariatric"]),
    chair_width_in=st.none() | st.integers(16, 44),
    chair_weight_lb=st.none() | st.integers(20, 500),
    weight_lb=st.none() | st.integers(60, 900),
    pickup_steps=st.none() | st.integers(0, 60),
    dropoff_steps=st.none() | st.integers(0, 60),
)
openings = st.none() | st.builds(Opening, st.none() | st.integers(300, 1200), st.none() | st.integers(26, 48))


@given(things, openings, st.integers(0, 200), st.integers(0, 10), st.integers(0, 30))
def test_more_weight_width_or_steps_never_fit_better(
    wanted: Asked, opening: Opening | None, pounds: int, inches: int, steps: int
) -> None:
    more = replace(
        wanted,
        weight_lb=None if wanted.weight_lb is None else wanted.weight_lb + pounds,
        chair_weight_lb=None if wanted.chair_weight_lb is None else wanted.chair_weight_lb + pounds,
        chair_width_in=None if wanted.chair_width_in is None else wanted.chair_width_in + inches,
        pickup_steps=(wanted.pickup_steps or 0) + steps,
        dropoff_steps=(wanted.dropoff_steps or 0) + steps,
    )
    order = fit.ORDER.index
    assert order(worst(check_fit(more, opening))) <= order(worst(check_fit(wanted, opening)))


@given(things, openings)
def test_an_unknown_power_chair_never_fits(wanted: Asked, opening: Opening | None) -> None:
    if wanted.on_wheels and wanted.chair in fit.ASKED_CHAIRS:
        assert worst(check_fit(replace(wanted, chair_width_in=None), opening)) != "ok"
        assert worst(check_fit(replace(wanted, chair_weight_lb=None), opening)) != "ok"


@given(things, openings)
def test_the_worst_comes_first_and_every_result_has_words(wanted: Asked, opening: Opening | None) -> None:
    results = check_fit(wanted, opening)
    assert all(result.words.endswith((".", "?")) for result in results)
    assert not results or results[0].verdict == worst(results)


def test_380_lb_in_a_34_inch_chair_is_for_a_bariatric_van_with_a_wide_door_only() -> None:
    given = advice.advise(mobility="wheelchair", weight_lb=380, chair="bariatric", chair_width_in=34)
    assert given.level == "WCB"
    heavy = asked(level="WCB", chair="bariatric", weight_lb=380, chair_width_in=34, chair_weight_lb=120)
    assert verdicts(heavy, VAN)["door"] == "no"
    assert verdicts(heavy, Opening(lift_lb=450, door_in=36))["lift"] == "no"
    assert worst(check_fit(heavy, Opening(lift_lb=800, door_in=36))) == "ok"
