"""The level of service that a patient's answers ask for: rules as data, the cheapest level that satisfies them.

Each rule turns one answer into capabilities (``core.levels``) and a reason in plain words. The advice is the level
of lowest typical cost that offers every capability asked for: least costly appropriate transport (42 CFR
440.170(a) asks it of Medicaid programs, 42 CFR 410.40(e) of ambulance claims). Rules are policy, not diagnosis: a
person confirms or overrides each advice, and the table is versioned, so that an old decision can be read with
the rules of its day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from logistics.core.levels import LEVELS, Level, satisfies

VERSION = "2026-11"

NEEDS: list[tuple[str, str]] = [
    ("oxygen", "Oxygen, own tank"),
    ("oxygen_given", "Oxygen given by crew"),
    ("monitor", "Cardiac monitor"),
    ("iv", "IV running"),
    ("isolation", "Isolation"),
    ("airborne", "Airborne isolation"),
    ("watching", "Needs watching"),
    ("critical", "Ventilator or drips"),
    ("stairs", "Stairs at destination"),
]

# A nasal cannula gives up to about 6 L a minute; above that a mask and a watched flow are usual.
OWN_OXYGEN_LPM = Decimal(6)
# A full E cylinder holds about 680 L; half is kept in reserve, as the matching does for a crew's oxygen.
OWN_TANK_LITERS = Decimal(680)
OXYGEN_RESERVE = Decimal("1.5")
# Ask above 300 lb; a bariatric chair, cot and team from 350 lb (49 CFR 38.23(b)(1): a lift must carry 600 lb, which
# is a heavy patient and a power chair).
ASK_WEIGHT_LB = 300
HEAVY_WEIGHT_LB = 350

IN_AMBULANCE = frozenset({"attended", "oxygen_given", "monitor", "iv", "critical"})


@dataclass(frozen=True)
class Rule:
    """``answer`` (and for figures ``above``) → ``requires`` with the reason shown and the source of the rule."""

    answer: str
    requires: frozenset[str]
    reason: str
    source: str
    above: Decimal | None = None


def _rule(answer: str, requires: str, reason: str, source: str, above: Decimal | int | None = None) -> Rule:
    return Rule(answer, frozenset(requires.split()), reason, source, None if above is None else Decimal(above))


RULES: tuple[Rule, ...] = (
    _rule("walks", "seat", "Walks and sits unaided", "42 CFR 440.170(a), least costly appropriate"),
    _rule("wheelchair", "wheelchair", "Cannot walk to the car, can sit upright", "49 CFR 38.23(d), securement"),
    _rule("lies", "stretcher", "Cannot sit upright", "Contract practice for stretcher vans"),
    _rule("stairs", "hands_on", "Needs help on the stairs", "Contract practice, assistance level"),
    _rule("oxygen_given", "oxygen_given", "Oxygen is given by the crew", "Scope of practice of an EMT"),
    _rule(
        "oxygen_lpm",
        "oxygen_given",
        "Oxygen above 6 L a minute needs a trained attendant",
        "Scope of practice of an EMT",
        OWN_OXYGEN_LPM,
    ),
    _rule(
        "oxygen_liters",
        "oxygen_given",
        "The own tank does not last for the way",
        "E cylinder, 680 L, half in reserve",
        OWN_TANK_LITERS,
    ),
    _rule("watching", "attended", "Needs a trained attendant", "42 CFR 410.41(b)(1), basic life support crew"),
    _rule("airborne", "attended", "Airborne isolation needs a trained crew", "CDC isolation guideline, transport"),
    _rule(
        "monitor",
        "attended monitor",
        "Cardiac monitor needs a paramedic",
        "42 CFR 410.41(b)(2), advanced life support crew",
    ),
    _rule("iv", "attended iv", "A running IV needs a paramedic", "42 CFR 410.41(b)(2), advanced life support crew"),
    _rule(
        "critical",
        "attended critical",
        "Ventilator or titrated drips need a critical care team",
        "42 CFR 414.605, specialty care transport",
    ),
    _rule(
        "weight_lb",
        "heavy",
        "Over 350 lb: bariatric equipment and crew",
        "49 CFR 38.23(b)(1), lift load",
        HEAVY_WEIGHT_LB,
    ),
)

LACKS = {
    "seat": "No passenger seat",
    "wheelchair": "Takes no wheelchair",
    "stretcher": "Takes no stretcher",
    "hands_on": "No hands-on help",
    "heavy": "Not for this weight",
    "attended": "Nobody to watch",
    "oxygen_given": "Gives no oxygen",
    "monitor": "No cardiac monitor",
    "iv": "Cannot run an IV",
    "critical": "No critical care team",
}


@dataclass(frozen=True)
class Considered:
    """One level looked at: whether it ``fits``, and why it was or was not chosen."""

    level: str
    fits: bool
    why: str
    chosen: bool = False

    @property
    def definition(self) -> Level:
        """The level's row in the table of levels."""
        return LEVELS[self.level]


@dataclass(frozen=True)
class Advice:
    """``level`` is a key of ``core.levels.LEVELS``; ``required`` what it must offer; ``questions`` what to ask still.

    ``equipment`` names what the vehicle must bring beyond its level; ``version`` the rules that decided.
    """

    level: str
    reason: str
    considered: list[Considered]
    required: frozenset[str]
    questions: list[str] = field(default_factory=list)
    equipment: list[str] = field(default_factory=list)
    version: str = VERSION


def required_capabilities(
    *,
    mobility: str,
    needs: Iterable[str] = (),
    oxygen_lpm: Decimal | float | None = None,
    weight_lb: int | None = None,
    isolation: str = "",
    stairs: bool = False,
    minutes: int | None = None,
) -> tuple[frozenset[str], list[str]]:
    """Capabilities that the answers ask for, with the reasons in the order of the rules."""
    answers = _answers(mobility, needs, oxygen_lpm, weight_lb, isolation, stairs, minutes)
    required: set[str] = set()
    reasons = []
    for rule in RULES:
        value = answers.get(rule.answer)
        if value is None or (rule.above is not None and Decimal(str(value)) <= rule.above):
            continue
        required |= rule.requires
        reasons.append(rule.reason)
    if required & IN_AMBULANCE:
        # Who needs a crew's care is carried on the cot: an ambulance's bench is for an escort.
        required -= {"seat", "wheelchair"}
        required |= {"stretcher", "attended"}
    if "stretcher" in required:
        # The cot, not the level, must carry the weight: see ``equipment``.
        required -= {"heavy"}
    return frozenset(required), reasons


def advise(
    *,
    mobility: str,
    needs: Iterable[str] = (),
    oxygen_lpm: Decimal | float | None = None,
    weight_lb: int | None = None,
    isolation: str = "",
    stairs: bool = False,
    minutes: int | None = None,
) -> Advice:
    """The least costly level that meets every need, with every level considered.

    ``mobility`` is ``walks``, ``wheelchair`` or ``lies``; ``needs`` are keys of :data:`NEEDS`; ``isolation`` is the
    chart's kind (``contact``, ``droplet``, ``airborne``) or empty; ``minutes`` is the length of the way, which decides
    whether an own oxygen tank lasts. More needs never lead to a lower level.
    """
    needs = frozenset(needs)
    required, reasons = required_capabilities(
        mobility=mobility,
        needs=needs,
        oxygen_lpm=oxygen_lpm,
        weight_lb=weight_lb,
        isolation=isolation,
        stairs=stairs,
        minutes=minutes,
    )
    level = cheapest(required)
    considered = [_considered(other, required, mobility, level) for other in LEVELS.values()]
    if "oxygen" in needs and not required & IN_AMBULANCE:
        flow = f" at {Decimal(str(oxygen_lpm)).normalize():f} L" if oxygen_lpm else ""
        reasons.append(f"oxygen{flow} is the patient's own")
    return Advice(
        level=level,
        reason="; ".join(reasons) + "." if reasons else "",
        considered=considered,
        required=required,
        questions=_questions(mobility, weight_lb, needs, oxygen_lpm),
        equipment=_equipment(mobility, weight_lb, needs | ({"stairs"} if stairs else set()), isolation),
    )


def cheapest(required: frozenset[str], among: Iterable[str] | None = None) -> str:
    """The level of lowest typical cost that satisfies ``required``; raises ValueError when none of ``among`` does."""
    names = LEVELS if among is None else [name for name in LEVELS if name in set(among)]
    fitting = [LEVELS[name] for name in names if satisfies(name, required)]
    if not fitting:
        raise ValueError("no level offers these capabilities together")
    return min(fitting, key=lambda level: level.order).code


def _answers(
    mobility: str,
    needs: Iterable[str],
    oxygen_lpm: Decimal | float | None,
    weight_lb: int | None,
    isolation: str,
    stairs: bool,
    minutes: int | None,
) -> dict[str, Any]:
    answers: dict[str, Any] = {mobility: True, **dict.fromkeys(needs, True)}
    if stairs:
        answers["stairs"] = True
    if isolation == "airborne":
        answers["airborne"] = True
    if weight_lb is not None:
        answers["weight_lb"] = weight_lb
    if oxygen_lpm is not None and answers.keys() & {"oxygen", "oxygen_given"}:
        answers["oxygen_lpm"] = oxygen_lpm
        if minutes:
            answers["oxygen_liters"] = Decimal(str(oxygen_lpm)) * minutes * OXYGEN_RESERVE
    return answers


def _considered(level: Level, required: frozenset[str], mobility: str, chosen: str) -> Considered:
    if level.code == chosen:
        return Considered(level.code, True, "Meets every need", chosen=True)
    lacks = required - level.offers
    if not lacks:
        return Considered(level.code, True, "Too much, needs PCS" if level.needs_pcs else "More than needed")
    if "stretcher" in lacks and mobility == "lies":
        return Considered(level.code, False, "Cannot sit upright")
    if "wheelchair" in lacks and level.code == "AMB":
        return Considered(level.code, False, "Cannot walk to the car")
    # The word of the hardest need says most.
    hardest = next(name for name in reversed(LACKS) if name in lacks)
    return Considered(level.code, False, LACKS[hardest])


def _questions(
    mobility: str, weight_lb: int | None, needs: frozenset[str], oxygen_lpm: Decimal | float | None
) -> list[str]:
    questions = []
    if weight_lb is not None and weight_lb > ASK_WEIGHT_LB:
        what = "the wheelchair wider than 28 in" if mobility == "wheelchair" else "bariatric equipment needed"
        questions.append(f"Over {ASK_WEIGHT_LB} lb: is {what}?")
    if mobility == "wheelchair" and weight_lb is None:
        questions.append("What does the patient weigh? The lift is checked with the wheelchair.")
    if needs & {"oxygen", "oxygen_given"} and oxygen_lpm is None:
        questions.append("What is the oxygen flow? It decides who may give it.")
    return questions


def _equipment(mobility: str, weight_lb: int | None, needs: frozenset[str], isolation: str) -> list[str]:
    equipment = []
    if weight_lb is not None and weight_lb > HEAVY_WEIGHT_LB:
        equipment.append("Bariatric wheelchair" if mobility == "wheelchair" else "Bariatric cot and lift team")
    if "stairs" in needs:
        equipment.append("Stair chair or a second person" if mobility != "walks" else "Help on the stairs")
    if "airborne" in needs or isolation == "airborne":
        equipment.append("N95 masks; vehicle aired after the ride")
    elif "isolation" in needs or isolation:
        equipment.append("Gowns and gloves; vehicle cleaned after the ride")
    return equipment
