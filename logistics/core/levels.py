"""Levels of service: what each offers, and which satisfies which.

A level is a set of capabilities, not a rung: a request can be served when what it requires is contained in
what the level offers. Wheelchair and stretcher are incomparable (42 CFR 410.41 for ambulance crews; 49 CFR
38.23 for lifts; the rest is contract practice and is meant to be reviewed by the tenant's clinicians).

Neonatal and air transport are arranged by a transfer desk and are not booked here; ALS 2 is found out from the care
record after a ride (42 CFR 414.605) and cannot be booked anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capability:
    """``words`` say what it is ("Takes a wheelchair"), ``lacks`` what is wrong where it is missing."""

    words: str
    lacks: str


# The order is from the plainest to the most demanding: the last one that is missing says most.
CAPABILITIES: dict[str, Capability] = {
    "trained": Capability("Driver trained in helping patients", "Driver not trained in helping patients"),
    "seat": Capability("Passenger seat", "No passenger seat"),
    "wheelchair": Capability("Takes a wheelchair", "Takes no wheelchair"),
    "stretcher": Capability("Takes a stretcher", "Takes no stretcher"),
    "hands_on": Capability("Hands-on help", "No hands-on help"),
    "heavy": Capability("Heavy-duty lift and wide door", "Not for this weight"),
    "secure": Capability("Secure ride", "No secure ride"),
    "attended": Capability("Trained attendant beside the patient", "Nobody to watch"),
    "oxygen_given": Capability("Crew gives oxygen", "Gives no oxygen"),
    "monitor": Capability("Cardiac monitor", "No cardiac monitor"),
    "iv": Capability("Runs an IV", "Cannot run an IV"),
    "critical": Capability("Critical care team", "No critical care team"),
}

# What a vehicle of some level may have beyond its level, and how it is asked for.
EXTRAS: dict[str, str] = {
    "bariatric_cot": "Bariatric cot and lift team",
    "stair_chair": "Stair chair",
    "loaned_chair": "Wheelchair on loan",
}


@dataclass(frozen=True)
class Level:
    """``order`` sorts by typical cost; ``crew`` is what the federal minimum or common practice asks.

    ``people`` is that crew as a number; ``may_have`` are the keys of :data:`EXTRAS` that some of these vehicles carry.
    """

    code: str
    label: str
    icon: str
    order: int
    offers: frozenset[str]
    crew: str
    people: int
    may_have: frozenset[str] = frozenset()
    needs_pcs: bool = False


def _level(
    code: str, label: str, icon: str, order: int, offers: str, crew: str, people: int, *,
    may_have: str = "", pcs: bool = False,
) -> Level:  # fmt: skip
    return Level(
        code, label, icon, order, frozenset(offers.split()), crew, people, frozenset(may_have.split()), needs_pcs=pcs
    )


_AMBULANCE = "trained stretcher hands_on secure attended oxygen_given"
_COTS = "bariatric_cot stair_chair"

LEVELS: dict[str, Level] = {
    level.code: level
    for level in (
        # Nobody helps: never for a patient who needs any (the built-in rules ask for a trained driver always).
        _level("TAXI", "Taxi or rideshare", "car", 1, "seat", "1 driver, not health-trained", 1),
        _level("AMB", "Sedan", "car", 2, "trained seat", "1 driver", 1),
        _level(
            "WC", "Wheelchair van", "accessibility", 3, "trained seat wheelchair hands_on",
            "1 driver trained in securement", 1, may_have="loaned_chair stair_chair",
        ),
        _level(
            "WCB", "Bariatric wheelchair van", "accessibility", 4, "trained seat wheelchair hands_on heavy",
            "1 to 2, securement", 2, may_have="loaned_chair stair_chair",
        ),
        _level(
            "STR", "Stretcher van", "bed", 5, "trained stretcher hands_on", "driver and attendant", 2, may_have=_COTS
        ),
        _level("SECURE", "Secure transport", "lock", 6, "trained seat hands_on secure", "driver and attendant", 2),
        _level(
            "BLS", "BLS ambulance", "ambulance", 7, _AMBULANCE, "2, at least one EMT", 2, may_have=_COTS, pcs=True
        ),
        _level(
            "ALS", "ALS ambulance", "ambulance", 8, f"{_AMBULANCE} monitor iv", "2, at least one paramedic", 2,
            may_have=_COTS, pcs=True,
        ),
        _level(
            "CCT", "Critical care", "heart-pulse", 9, f"{_AMBULANCE} monitor iv critical",
            "2 and a nurse or respiratory therapist", 3, may_have=_COTS, pcs=True,
        ),
    )
}  # fmt: skip
CHOICES = [(level.code, level.label) for level in LEVELS.values()]


def satisfies(offered: str, required: frozenset[str]) -> bool:
    """Whether a vehicle of level ``offered`` can serve a patient who requires these capabilities."""
    return required <= LEVELS[offered].offers


def cheapest(required: frozenset[str]) -> str:
    """The level of lowest typical cost that satisfies ``required``; raises ValueError when none does."""
    fitting = [level for level in LEVELS.values() if required <= level.offers]
    if not fitting:
        raise ValueError("no level offers these capabilities together")
    return min(fitting, key=lambda level: level.order).code


def in_sentence(words: str) -> str:
    """A label or a capability inside a sentence: ``wheelchair van``, but ``BLS ambulance``."""
    return words if words[:2].isupper() else words[0].lower() + words[1:]


def is_lower(level: str, than: str) -> bool:
    """Whether ``level`` is one that costs and offers less care than another, as an override may choose it."""
    return LEVELS[level].order < LEVELS[than].order
