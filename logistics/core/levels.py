"""Levels of service: what each offers, which satisfies which, and what a patient's answers ask for.

A level is a set of capabilities, not a rung: a request can be served when what it requires is contained in
what the level offers. Wheelchair and stretcher are incomparable (42 CFR 410.41 for ambulance crews; 49 CFR
38.23 for lifts; the rest is contract practice and is meant to be reviewed by the tenant's clinicians).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """``order`` sorts by typical cost; ``crew`` is what the federal minimum or common practice asks."""

    code: str
    label: str
    icon: str
    order: int
    offers: frozenset[str]
    crew: str
    needs_pcs: bool = False


def _level(code: str, label: str, icon: str, order: int, offers: str, crew: str, *, pcs: bool = False) -> Level:
    return Level(code, label, icon, order, frozenset(offers.split()), crew, pcs)


LEVELS: dict[str, Level] = {
    level.code: level
    for level in (
        _level("AMB", "Sedan", "car", 1, "seat", "1 driver"),
        _level(
            "WC", "Wheelchair van", "accessibility", 2, "seat wheelchair hands_on", "1 driver trained in securement"
        ),
        _level(
            "WCB",
            "Bariatric wheelchair van",
            "accessibility",
            3,
            "seat wheelchair hands_on heavy",
            "1 to 2, securement",
        ),
        _level("STR", "Stretcher van", "bed", 4, "stretcher hands_on", "driver and attendant"),
        _level(
            "BLS",
            "BLS ambulance",
            "ambulance",
            5,
            "stretcher hands_on attended oxygen_given",
            "2, at least one EMT",
            pcs=True,
        ),
        _level(
            "ALS",
            "ALS ambulance",
            "ambulance",
            6,
            "stretcher hands_on attended oxygen_given monitor iv",
            "2, at least one paramedic",
            pcs=True,
        ),
        _level(
            "CCT",
            "Critical care",
            "heart-pulse",
            7,
            "stretcher hands_on attended oxygen_given monitor iv critical",
            "2 and a nurse or respiratory therapist",
            pcs=True,
        ),
    )
}
CHOICES = [(level.code, level.label) for level in LEVELS.values()]


def satisfies(offered: str, required: frozenset[str]) -> bool:
    """Whether a vehicle of level ``offered`` can serve a patient who requires these capabilities."""
    return required <= LEVELS[offered].offers
