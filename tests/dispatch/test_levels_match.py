"""Levels as booked and levels as matched are one order: what the rules call enough, the matching sends."""

from __future__ import annotations

import pytest

from dispatch.services.supply import solver_level
from dispatch.solver.levels import CREW, OFFERED, REQUIRED, serves
from logistics.core.levels import LEVELS
from logistics.requests.services import advice
from logistics.requests.services.level_rules import BUILT_IN

# What a patient who needs just this level must find in the vehicle.
NEEDED = {
    "TAXI": "seat",
    "AMB": "trained seat",
    "WC": "trained wheelchair hands_on",
    "WCB": "trained wheelchair hands_on heavy",
    "STR": "stretcher hands_on",
    "SECURE": "seat secure hands_on",
    "BLS": "stretcher attended oxygen_given",
    "ALS": "stretcher attended oxygen_given monitor iv",
    "CCT": "stretcher attended oxygen_given monitor iv critical",
}


def test_every_level_that_can_be_booked_can_be_matched_and_crewed() -> None:
    assert set(NEEDED) == set(LEVELS)
    for code in LEVELS:
        assert solver_level(code) in REQUIRED
        assert solver_level(code) in OFFERED
        assert CREW[solver_level(code)]


@pytest.mark.parametrize("needed", LEVELS)
@pytest.mark.parametrize("sent", LEVELS)
def test_one_level_stands_in_for_another_in_both_places_or_in_none(sent: str, needed: str) -> None:
    offered = set(NEEDED[needed].split()) <= LEVELS[sent].offers
    # A secure cabin has a seat, but nobody is put in one who does not need it.
    enough = offered and (sent, needed) != ("SECURE", "AMB")
    assert serves(solver_level(sent), solver_level(needed)) == enough


def test_a_crew_of_the_level_is_at_least_as_many_as_the_matching_seats() -> None:
    for code, level in LEVELS.items():
        assert level.people >= len(CREW[solver_level(code)])


def test_the_built_in_rules_never_send_a_taxi() -> None:
    assert advice.advise(mobility="walks", rules=BUILT_IN).level == "AMB"
