"""The level of service that a patient's answers ask for: the cheapest level that satisfies every rule.

The advice is the level of lowest typical cost that offers every capability asked for: least costly appropriate
transport (42 CFR 440.170(a) asks it of Medicaid programs, 42 CFR 410.40(e) of ambulance claims). Rules are policy, not
diagnosis: a person confirms or overrides each advice, and the table is versioned (``rule_sets``), so that an old
decision can be read with the rules of its day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from logistics.core.levels import CAPABILITIES, EXTRAS, LEVELS, Level, cheapest, in_sentence, is_lower
from logistics.requests.services import fit, rule_sets
from logistics.requests.services.level_rules import (
    BUILT_IN,
    IN_AMBULANCE,
    NEEDS,
    OXYGEN_RESERVE,
    Outcome,
    Rule,
    RuleSet,
    evaluate,
)
from logistics.requests.services.oxygen import CONCENTRATOR_LPM

__all__ = [
    "EMERGENCY",
    "NEEDS",
    "RULES",
    "Advice",
    "Considered",
    "LevelQuestion",
    "advise",
    "check_emergency",
    "check_override",
    "level_questions",
    "required_capabilities",
]

VERSION = "2026-11"
RULES = BUILT_IN.rules
# Ask above 300 lb (common practice): equipment and width decide, not the scale alone.
ASK_WEIGHT_LB = 300
LEAST_REASON = 5
# 42 CFR 489.24 (EMTALA): who may have an emergency is examined and stabilized; a booked ride must never stand for it.
EMERGENCY = (
    "Unstable, or with emergency symptoms: this is no ride to book. Call 911, or in the hospital start the rapid"
    " response and the EMTALA screening and transfer process. Book again when the patient is stable."
)


@dataclass(frozen=True)
class Considered:
    """One level looked at: whether it ``fits``, and why it was or was not chosen.

    ``rule`` is the rule that excludes it, with its source; empty where it fits.
    """

    level: str
    fits: bool
    why: str
    chosen: bool = False
    rule: str = ""

    @property
    def definition(self) -> Level:
        """The level's row in the table of levels."""
        return LEVELS[self.level]


@dataclass(frozen=True)
class Advice:
    """``level`` is a key of ``core.levels.LEVELS``; ``required`` what it must offer; ``questions`` what to ask still.

    ``equipment`` names what the vehicle must bring beyond its level, ``extras`` the same as keys of
    ``core.levels.EXTRAS``; ``rules_version`` the table that decided (0 = built in), ``version`` the same in words;
    ``stop`` is not empty when nothing may be booked (:data:`EMERGENCY`).
    """

    level: str
    reason: str
    considered: list[Considered]
    required: frozenset[str]
    questions: list[str] = field(default_factory=list)
    equipment: list[str] = field(default_factory=list)
    version: str = VERSION
    rules_version: int = 0
    extras: frozenset[str] = frozenset()
    fired: tuple[Rule, ...] = ()
    stop: str = ""

    @property
    def definition(self) -> Level:
        """The advised level's row in the table of levels."""
        return LEVELS[self.level]


@dataclass(frozen=True)
class LevelQuestion:
    """A need that the booked level cannot meet: what to decide, and the rule that says so."""

    need: str
    words: str
    rule: str
    least_level: str


def required_capabilities(*, rules: RuleSet | None = None, **answers: Any) -> tuple[frozenset[str], list[str]]:
    """Capabilities that the answers ask for, with the reasons in the order of the rules. Arguments: :func:`advise`."""
    outcome = _outcome(rules or rule_sets.in_force(), _answers(**answers))
    return outcome.required, [rule.reason for rule in outcome.fired]


def advise(
    *,
    mobility: str,
    needs: Iterable[str] = (),
    oxygen_lpm: Decimal | float | None = None,
    weight_lb: int | None = None,
    isolation: str = "",
    stairs: bool = False,
    minutes: int | None = None,
    chair: str = "",
    chair_width_in: int | None = None,
    chair_weight_lb: int | None = None,
    pickup_steps: int | None = None,
    dropoff_steps: int | None = None,
    oxygen_cylinder: str = "",
    rules: RuleSet | None = None,
) -> Advice:
    """The least costly level that meets every need, with every level considered.

    ``mobility`` is ``walks``, ``wheelchair`` or ``lies``; ``needs`` are keys of :data:`NEEDS`; ``isolation`` is the
    chart's kind (``contact``, ``droplet``, ``airborne``) or empty; ``minutes`` is the length of the way, which decides
    whether an own oxygen tank lasts; ``chair``, ``oxygen_cylinder`` and the figures are columns of ``TransportDetail``.
    ``rules`` is the table to decide by, that of the open scope's health system when it is not given. More needs never
    lead to a lower level.
    """
    rules = rules or rule_sets.in_force()
    needs = frozenset(needs)
    answers = _answers(
        mobility=mobility,
        needs=needs,
        oxygen_lpm=oxygen_lpm,
        weight_lb=weight_lb,
        isolation=isolation,
        stairs=stairs,
        minutes=minutes,
        chair=chair,
        chair_width_in=chair_width_in,
        chair_weight_lb=chair_weight_lb,
        pickup_steps=pickup_steps,
        dropoff_steps=dropoff_steps,
        oxygen_cylinder=oxygen_cylinder,
    )
    outcome = _outcome(rules, answers)
    required, reasons = outcome.required, [rule.reason for rule in outcome.fired]
    level = cheapest(required)
    if "oxygen" in needs and not required & IN_AMBULANCE:
        flow = f" at {Decimal(str(oxygen_lpm)).normalize():f} L" if oxygen_lpm else ""
        reasons.append(f"oxygen{flow} is the patient's own")
    stop = check_emergency(needs)
    return Advice(
        level=level,
        reason=stop or ("; ".join(reasons) + "." if reasons else ""),
        considered=[_considered(other, outcome, mobility, level) for other in LEVELS.values()],
        required=required,
        questions=_questions(mobility, weight_lb, needs, oxygen_lpm),
        equipment=_equipment(mobility, needs, outcome, answers, isolation),
        version=rules.name if rules.version else VERSION,
        rules_version=rules.version,
        extras=outcome.extras,
        fired=outcome.fired,
        stop=stop,
    )


def check_emergency(needs: Iterable[str]) -> str:
    """The words to refuse a booking with when the patient may have an emergency, else an empty string."""
    return EMERGENCY if "emergency" in set(needs) else ""


def check_override(*, advised: str, chosen: str, reason: str, clinician: str) -> dict[str, str]:
    """What is missing for booking ``chosen`` instead of ``advised``, by field: ``override_reason``, ``override_by``.

    Any other level needs a reason; a lower one also the name of the clinician who decided so. Empty: it may be booked.
    """
    if chosen == advised:
        return {}
    problems = {}
    if len(reason.strip()) < LEAST_REASON:
        problems["override_reason"] = "Write why another level is right. It is kept in the audit log."
    if is_lower(chosen, advised) and len(clinician.strip()) < LEAST_REASON:
        problems["override_by"] = (
            f"{LEVELS[chosen].label} is below the advised {LEVELS[advised].label}:"
            " write the name of the clinician who decided."
        )
    return problems


def level_questions(*, level: str, needs: Iterable[str], rules: RuleSet | None = None) -> list[LevelQuestion]:
    """Needs that ``level`` cannot meet, such as a drip that still runs: each with its rule and the least level.

    For a checklist that is filled in after the ride was booked: ``needs`` are the keys of :data:`NEEDS` ticked there.
    """
    rules = rules or rule_sets.in_force()
    labels = dict(NEEDS)
    questions = []
    for need in [code for code in labels if code in set(needs)]:
        outcome = _outcome(rules, {need: True})
        lacks = outcome.required - LEVELS[level].offers
        if not lacks:
            continue
        fired = next((rule for rule in outcome.fired if rule.requires & lacks), None)
        least = cheapest(outcome.required)
        questions.append(
            LevelQuestion(
                need=need,
                words=(
                    f"{labels[need]}: {LEVELS[level].label} is booked, {in_sentence(_lacks(lacks))}."
                    f" Change the ride to {LEVELS[least].label}, or settle it before the ride."
                ),
                rule=_named(fired) if fired else EMERGENCY,
                least_level=least,
            )
        )
    return questions


def _outcome(rules: RuleSet, answers: dict[str, Any]) -> Outcome:
    outcome = evaluate(rules.rules, answers)
    if answers.get("emergency"):
        # Nothing is booked; should anybody read the level all the same, it is the highest.
        everything = LEVELS["CCT"].offers
        return Outcome(everything, outcome.extras, outcome.fired)
    return outcome


def _answers(
    *,
    mobility: str,
    needs: Iterable[str] = (),
    oxygen_lpm: Decimal | float | None = None,
    weight_lb: int | None = None,
    isolation: str = "",
    stairs: bool = False,
    minutes: int | None = None,
    chair: str = "",
    chair_width_in: int | None = None,
    chair_weight_lb: int | None = None,
    pickup_steps: int | None = None,
    dropoff_steps: int | None = None,
    oxygen_cylinder: str = "",
) -> dict[str, Any]:
    """What rules may look at (``level_rules.ANSWERS``); an answer that is not known is not there."""
    answers: dict[str, Any] = {mobility: True, **dict.fromkeys(needs, True)}
    steps = max(pickup_steps or 0, dropoff_steps or 0)
    if stairs or steps:
        answers |= {"stairs": True, "steps": steps}
    if isolation == "airborne":
        answers["airborne"] = True
    if weight_lb is not None:
        answers["weight_lb"] = weight_lb
    if minutes is not None:
        answers["minutes"] = minutes
    if mobility == "wheelchair":
        if chair:
            answers[f"chair_{chair}"] = True
        if chair_width_in is not None:
            answers["chair_width_in"] = chair_width_in
        together = fit.combined_lb(weight_lb, chair, chair_weight_lb)
        if together is not None:
            answers["combined_lb"] = together
    if oxygen_lpm is not None and answers.keys() & {"oxygen", "oxygen_given"}:
        answers["oxygen_lpm"] = oxygen_lpm
        runs_on = oxygen_cylinder == "concentrator" and oxygen_lpm <= CONCENTRATOR_LPM
        if minutes and not runs_on:
            answers["oxygen_liters"] = Decimal(str(oxygen_lpm)) * minutes * OXYGEN_RESERVE
    return answers


def _considered(level: Level, outcome: Outcome, mobility: str, chosen: str) -> Considered:
    if level.code == chosen:
        return Considered(level.code, True, "Meets every need", chosen=True)
    lacks = outcome.required - level.offers
    if not lacks:
        return Considered(level.code, True, "Too much, needs PCS" if level.needs_pcs else "More than needed")
    rule = next((_named(rule) for rule in reversed(outcome.fired) if rule.requires & lacks), "")
    if "stretcher" in lacks and mobility == "lies":
        return Considered(level.code, False, "Cannot sit upright", rule=rule)
    if "wheelchair" in lacks and "seat" in level.offers:
        return Considered(level.code, False, "Cannot walk to the car", rule=rule)
    return Considered(level.code, False, _lacks(lacks), rule=rule)


def _lacks(lacks: frozenset[str]) -> str:
    # The word of the hardest need says most.
    return CAPABILITIES[next(code for code in reversed(CAPABILITIES) if code in lacks)].lacks


def _named(rule: Rule) -> str:
    return f"{rule.reason} ({rule.source})"


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


def _equipment(
    mobility: str, needs: frozenset[str], outcome: Outcome, answers: dict[str, Any], isolation: str
) -> list[str]:
    equipment = []
    equipment += [EXTRAS[code] for code in EXTRAS if code in outcome.extras]
    if "heavy" in outcome.required:
        equipment.append("Bariatric wheelchair" if mobility == "wheelchair" else "Wide seat")
    if "stairs" in answers:
        equipment.append("Stair chair or a second person" if mobility != "walks" else "Help on the stairs")
    if "behavior" in needs:
        equipment.append("Second crew member")
    if needs & {"never_alone", "wander"}:
        equipment.append("Hand-over to a named person")
    if "airborne" in needs or isolation == "airborne":
        equipment.append("N95 masks; vehicle aired after the ride")
    elif "isolation" in needs or isolation:
        equipment.append("Gowns and gloves; vehicle cleaned after the ride")
    return equipment
