"""Rules from a patient's answers to what a vehicle must offer: their form, the built-in table, evaluation. Pure.

A rule turns one answer into capabilities (``core.levels.CAPABILITIES``) with a reason in plain words and a source.
Rules only add: the more answers, the more is required, so more needs never lead to a lower level. A health system may
replace the table by its own versions (``rule_sets``); what :data:`FLOOR` names can then be asked for earlier or more
strictly, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from logistics.core.errors import DomainError
from logistics.core.levels import CAPABILITIES, LEVELS, in_sentence

MOBILITIES = ("walks", "wheelchair", "lies")
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
    ("never_alone", "Never left alone"),
    ("wander", "Wander risk"),
    ("behavior", "Behavior: two crew"),
    ("restraint", "Restraint or legal hold"),
    ("emergency", "Unstable or emergency"),
]

# A nasal cannula gives up to about 6 L a minute; above that a mask and a watched flow are usual.
OWN_OXYGEN_LPM = Decimal(6)
# A full E cylinder holds about 680 L; half is kept in reserve, as the matching does for a crew's oxygen.
OWN_TANK_LITERS = Decimal(680)
OXYGEN_RESERVE = Decimal("1.5")
# A bariatric chair, cot and team from 350 lb (common practice: 350 to 400).
HEAVY_WEIGHT_LB = 350
# 49 CFR 38.23(b)(1): a lift must carry 600 lb, patient and chair together; 36 CFR 1192.23: 30 in clear.
LIFT_LB, DOOR_IN = 600, 30
# A manual wheelchair weighs 35 to 50 lb: whoever weighs more than this with one does not fit an ordinary lift.
LATEST_HEAVY_LB = LIFT_LB - 50

IN_AMBULANCE = frozenset({"attended", "oxygen_given", "monitor", "iv", "critical"})
MOST_RULES, MOST_WORDS = 80, 120


@dataclass(frozen=True)
class Kind:
    """An answer that rules may look at; a figure is compared with a rule's ``above`` and has a ``unit``."""

    label: str
    unit: str = ""

    @property
    def is_figure(self) -> bool:
        """Whether it is a number and not a tick."""
        return bool(self.unit)


ANSWERS: dict[str, Kind] = {
    "walks": Kind("Walks to the car"),
    "wheelchair": Kind("Travels in a wheelchair"),
    "lies": Kind("Must lie flat"),
    # An emergency is no ride: it is stopped before any rule (``advice.EMERGENCY``).
    **{code: Kind(label) for code, label in NEEDS if code != "emergency"},
    "chair_manual": Kind("Own manual wheelchair"),
    "chair_power": Kind("Own power wheelchair"),
    "chair_scooter": Kind("Own scooter"),
    "chair_bariatric": Kind("Own bariatric wheelchair"),
    "weight_lb": Kind("Patient's weight", "lb"),
    "combined_lb": Kind("Patient and wheelchair", "lb"),
    "chair_width_in": Kind("Width of the wheelchair", "in"),
    "steps": Kind("Steps at one end", "steps"),
    "oxygen_lpm": Kind("Oxygen flow", "L/min"),
    "oxygen_liters": Kind("Oxygen for the way with reserve", "L"),
    "minutes": Kind("Minutes on the way", "min"),
}


@dataclass(frozen=True)
class Rule:
    """``answer`` (and for figures ``above``) → ``requires`` with the reason shown and the source of the rule."""

    answer: str
    requires: frozenset[str]
    reason: str
    source: str
    above: Decimal | None = None

    @property
    def key(self) -> str:
        """What tells rules apart in one table: ``iv``, ``weight_lb>350``."""
        return self.answer if self.above is None else f"{self.answer}>{self.above.normalize():f}"

    @property
    def when(self) -> str:
        """The condition in words: ``IV running``, ``Patient's weight above 350 lb``."""
        kind = ANSWERS[self.answer]
        return kind.label if self.above is None else f"{kind.label} above {self.above.normalize():f} {kind.unit}"

    @property
    def asks_for(self) -> list[str]:
        """What is required in words, the plainest first."""
        return [each.words for code, each in CAPABILITIES.items() if code in self.requires]

    def fires(self, answers: Mapping[str, Any]) -> bool:
        """Whether these answers meet the condition."""
        value = answers.get(self.answer)
        return bool(value) if self.above is None else value is not None and Decimal(str(value)) > self.above


@dataclass(frozen=True)
class RuleSet:
    """A table of rules; version 0 is the built-in one, the others are a health system's own."""

    version: int
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        """``built in`` or ``version 3``."""
        return f"version {self.version}" if self.version else "built in"


@dataclass(frozen=True)
class Outcome:
    """What a set of answers asks for: capabilities, extras (``core.levels.EXTRAS``), and the rules that said so."""

    required: frozenset[str]
    extras: frozenset[str]
    fired: tuple[Rule, ...]


def _rule(answer: str, requires: str, reason: str, source: str, above: Decimal | int | None = None) -> Rule:
    return Rule(answer, frozenset(requires.split()), reason, source, None if above is None else Decimal(above))


_EMT = "Scope of practice of an EMT"
_BLS_CREW = "42 CFR 410.41(b)(1), basic life support crew"
_ALS_CREW = "42 CFR 410.41(b)(2), advanced life support crew"
_LIFT = "49 CFR 38.23(b)(1), lift load"
_HAND_OVER = "Contract practice, hand-over to a named person"

BUILT_IN = RuleSet(
    0,
    (
        _rule("walks", "trained seat", "Walks and sits unaided", "42 CFR 440.170(a), least costly appropriate"),
        _rule("wheelchair", "wheelchair", "Cannot walk to the car, can sit upright", "49 CFR 38.23(d), securement"),
        _rule("lies", "stretcher", "Cannot sit upright", "Contract practice for stretcher vans"),
        _rule("stairs", "hands_on", "Needs help on the stairs", "Contract practice, assistance level"),
        _rule("oxygen_given", "oxygen_given", "Oxygen is given by the crew", _EMT),
        _rule("oxygen_lpm", "oxygen_given", "Oxygen above 6 L a minute needs a trained attendant", _EMT, 6),
        _rule("oxygen_liters", "oxygen_given", "The own tank does not last for the way",
              "E cylinder, 680 L, half in reserve", OWN_TANK_LITERS),
        _rule("watching", "attended", "Needs a trained attendant", _BLS_CREW),
        _rule("airborne", "attended", "Airborne isolation needs a trained crew", "CDC isolation guideline, transport"),
        _rule("restraint", "attended", "Restraint or a legal hold needs a trained crew",
              "Contract practice; 42 CFR 482.13(e), restraint is watched"),
        _rule("never_alone", "trained", "Is never left alone, handed over to a named person", _HAND_OVER),
        _rule("wander", "trained", "May wander, handed over to a named person", _HAND_OVER),
        _rule("behavior", "trained", "Needs a second crew member for behavior", "Contract practice, extra attendant"),
        _rule("monitor", "attended monitor", "Cardiac monitor needs a paramedic", _ALS_CREW),
        _rule("iv", "attended iv", "A running IV needs a paramedic", _ALS_CREW),
        _rule("critical", "attended critical", "Ventilator or titrated drips need a critical care team",
              "42 CFR 414.605, specialty care transport"),
        _rule("weight_lb", "heavy", "Over 350 lb: bariatric equipment and crew", _LIFT, HEAVY_WEIGHT_LB),
        _rule("combined_lb", "heavy", "Patient and wheelchair weigh more than an ordinary lift carries", _LIFT,
              LIFT_LB),
        _rule("chair_width_in", "heavy", "The wheelchair is wider than an ordinary lift",
              "36 CFR 1192.23, clear width", DOOR_IN),
        _rule("chair_bariatric", "heavy", "Bariatric wheelchair", "36 CFR 1192.23, clear width"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Floor:
    """A need that every table must answer with at least ``requires`` (figures: from ``latest`` on at the latest)."""

    answer: str
    requires: str
    source: str
    latest: Decimal | None = None


FLOOR: tuple[Floor, ...] = (
    Floor("walks", "seat", "a patient sits on something"),
    Floor("wheelchair", "wheelchair", "49 CFR 38.23(d)"),
    Floor("lies", "stretcher", "a patient who cannot sit is carried lying"),
    Floor("oxygen_given", "oxygen_given", "42 CFR 410.41(b)"),
    Floor("watching", "attended", "42 CFR 410.41(b)(1)"),
    Floor("airborne", "attended", "CDC isolation guideline"),
    Floor("monitor", "monitor", "42 CFR 410.41(b)(2)"),
    Floor("iv", "iv", "42 CFR 410.41(b)(2)"),
    Floor("critical", "critical", "42 CFR 414.605"),
    Floor("weight_lb", "heavy", "49 CFR 38.23(b)(1)", Decimal(LATEST_HEAVY_LB)),
    Floor("combined_lb", "heavy", "49 CFR 38.23(b)(1)", Decimal(LIFT_LB)),
)


def evaluate(rules: Iterable[Rule], answers: Mapping[str, Any]) -> Outcome:
    """What ``answers`` (keys of :data:`ANSWERS`) ask for by these rules; always something that a level offers."""
    fired = tuple(rule for rule in rules if rule.fires(answers))
    required = set().union(*(rule.requires for rule in fired))
    if any(answers.get(code) for code, _ in NEEDS):
        # Taxi and rideshare are for whoever needs nothing at all: their drivers are not trained to help.
        required.add("trained")
    return Outcome(*_carried(required), fired)


def _carried(asked: set[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Turn capabilities that no vehicle has together into those of the cot; the extras that go with it."""
    required, extras = set(asked), set()
    if required & IN_AMBULANCE or ("stretcher" not in required and not _offered(required)):
        # Who needs a crew's care, or what no seated ride offers, is carried on the cot: a bench is for an escort.
        required |= {"stretcher", "attended"}
    if "stretcher" in required:
        if "heavy" in required:
            # The cot, not the level, must carry the weight.
            extras.add("bariatric_cot")
        required -= {"seat", "wheelchair", "heavy"}
    return frozenset(required), frozenset(extras)


def _offered(required: set[str]) -> bool:
    return any(required <= level.offers for level in LEVELS.values())


def as_data(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Rules as they are stored; :func:`parse` reads them again."""
    return [
        {
            "answer": rule.answer,
            "above": None if rule.above is None else f"{rule.above.normalize():f}",
            "requires": sorted(rule.requires),
            "reason": rule.reason,
            "source": rule.source,
        }
        for rule in rules
    ]


def parse(data: Any) -> tuple[Rule, ...]:
    """Read stored rules. Raises :class:`DomainError` that names what cannot be a rule."""
    if not isinstance(data, list) or len(data) > MOST_RULES:
        raise DomainError(f"A table is a list of at most {MOST_RULES} rules.", code="rules_shape")
    rules = tuple(_read(row) for row in data)
    keys = [rule.key for rule in rules]
    twice = next((rule for rule in rules if keys.count(rule.key) > 1), None)
    if twice is not None:
        raise DomainError(f"Two rules say what follows from “{twice.when}”. Keep one.", code="rule_twice")
    return rules


def _read(row: Any) -> Rule:
    if not isinstance(row, dict) or set(row) - {"answer", "above", "requires", "reason", "source"}:
        raise DomainError("A rule has answer, above, requires, reason and source.", code="rule_shape")
    return make(**{name: row.get(name) for name in ("answer", "above", "requires", "reason", "source")})


def make(*, answer: Any, above: Any = None, requires: Any = (), reason: Any = "", source: Any = "") -> Rule:
    """One rule from what a person or a file says. Raises :class:`DomainError` with ``fields``."""
    problems: dict[str, str] = {}
    kind = ANSWERS.get(answer) if isinstance(answer, str) else None
    if kind is None:
        problems["answer"] = "Choose the answer that the rule looks at."
    limit = _limit(above)
    if kind is not None and kind.is_figure and limit is None:
        problems["above"] = f"Write the figure above which the rule applies, in {kind.unit}."
    if kind is not None and not kind.is_figure and above not in (None, ""):
        problems["above"] = "Leave this empty: the answer is yes or no, not a figure."
    wanted = list(requires) if isinstance(requires, list | tuple | set | frozenset) else []
    if not wanted or not all(isinstance(each, str) and each in CAPABILITIES for each in wanted):
        problems["requires"] = "Choose what the vehicle must offer."
    for name, text, words in (
        ("reason", reason, "Write the reason as the person who books should read it."),
        ("source", source, "Write where the rule comes from: a regulation, a policy, a contract."),
    ):
        if not isinstance(text, str) or not 3 <= len(text.strip()) <= MOST_WORDS:
            problems[name] = f"{words} 3 to {MOST_WORDS} characters."
    if problems:
        raise DomainError("This rule cannot be kept as it is.", code="rule", fields=problems)
    return Rule(answer, frozenset(wanted), " ".join(reason.split()), " ".join(source.split()), limit)


def _limit(above: Any) -> Decimal | None:
    if above is None or above == "" or isinstance(above, bool):
        return None
    try:
        limit = Decimal(str(above))
    except InvalidOperation:
        return None
    return limit if limit.is_finite() and 0 <= limit < 100_000 else None


def floor_problems(rules: Iterable[Rule]) -> list[str]:
    """What this table lacks that no table may lack, each as a sentence that names the rule. Empty: it may be used."""
    rules = tuple(rules)
    problems = []
    for floor in FLOOR:
        asked = [rule for rule in rules if rule.answer == floor.answer]
        if floor.latest is not None:
            asked = [rule for rule in asked if rule.above is not None and rule.above <= floor.latest]
        if not any(floor.requires in rule.requires for rule in asked):
            kind, words = ANSWERS[floor.answer], in_sentence(CAPABILITIES[floor.requires].words)
            figure = f" above {floor.latest:f} {kind.unit} at the latest" if floor.latest is not None else ""
            problems.append(f"“{kind.label}”{figure} must ask for: {words} ({floor.source}). Put that rule back.")
    return problems


@dataclass(frozen=True)
class Change:
    """One rule that differs between two tables; ``kind`` is ``added``, ``removed`` or ``changed``."""

    kind: str
    before: Rule | None
    after: Rule | None

    @property
    def rule(self) -> Rule:
        """The rule as it is now, or as it was when it is gone."""
        found = self.after or self.before
        assert found is not None
        return found


def differences(before: Iterable[Rule], after: Iterable[Rule]) -> list[Change]:
    """What changed from one table to the other, in the order of the new one, removed rules last.

    A rule whose figure moved (weight above 350 lb, then above 300 lb) is a changed one.
    """
    old = {rule.key: rule for rule in before}
    new = {rule.key: rule for rule in after}
    gone = {key: rule for key, rule in old.items() if key not in new}
    changes = []
    for key, rule in new.items():
        was = old.get(key)
        if was == rule:
            continue
        if was is None:
            moved = next((each for each in gone.values() if each.answer == rule.answer), None)
            was = gone.pop(moved.key) if moved is not None else None
        changes.append(Change("changed" if was else "added", was, rule))
    return changes + [Change("removed", rule, None) for rule in gone.values()]
