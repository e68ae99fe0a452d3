"""Rules that ask for an approval, as data: read, checked, said in words and held against the facts of a request.

Pure: no database. A rule asks when its condition holds; what is not known (no price yet, no distance) asks for
nothing. Kinds and approvers follow the usual approval matrix of patient transport: level, distance, price, hours,
who pays, and the budget of the cost center.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from logistics.accounts import roles
from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.core.levels import LEVELS

KINDS: dict[str, str] = {
    "level": "Level of service",
    "upgrade": "Level above the advice",
    "distance": "Distance",
    "cost": "Estimated price",
    "hours": "Outside of hours",
    "payer": "Who pays",
    "budget": "Over budget",
}
APPROVERS = {name: role.label for name, role in roles.ROLES.items() if "approvals.answer" in role.permissions}
ASKERS = {name: role.label for name, role in roles.ROLES.items() if "requests.book" in role.permissions}
MOST_RULES, MOST_MINUTES = 40, 24 * 60
HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True)
class Facts:
    """What is known of a request when it is confirmed. ``miles`` one way; amounts in USD; ``zone`` an IANA name.

    ``over_budget`` is by how much the month of its cost center would be overspent with it, None when it would not be.
    """

    level: str = ""
    advised: str = ""
    miles: Decimal | None = None
    amount: Decimal | None = None
    pickup_at: dt.datetime | None = None
    zone: str = "UTC"
    payer: str = ""
    cost_center: str = ""
    over_budget: Decimal | None = None
    role: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule. ``asked_by`` narrows it to roles that book (empty: whoever books).

    ``limit`` is miles or USD; ``start`` and ``end`` are wall-clock ``HH:MM`` of the facility, ``end`` not included,
    over midnight when ``end`` is the smaller; ``approver`` and ``escalation`` are roles; ``minutes`` is the time that
    each has.
    """

    key: str
    kind: str
    approver: str
    escalation: str
    minutes: int
    words: str = ""
    asked_by: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    limit: Decimal | None = None
    start: str = ""
    end: str = ""
    weekend: bool = False
    payers: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: dict[str, Any]) -> Rule:
        """From its stored form. Raises :class:`DomainError` whose ``fields`` name what is wrong."""
        rule = cls(
            key=str(data.get("key", "")),
            kind=str(data.get("kind", "")),
            approver=str(data.get("approver", "")),
            escalation=str(data.get("escalation", "")),
            minutes=_whole(data.get("minutes")),
            words=" ".join(str(data.get("words") or "").split())[:160],
            asked_by=_words(data.get("asked_by")),
            levels=_words(data.get("levels")),
            limit=_amount(data.get("limit")),
            start=str(data.get("start") or ""),
            end=str(data.get("end") or ""),
            weekend=data.get("weekend") is True,
            payers=_words(data.get("payers")),
        )
        problems = _problems(rule)
        if problems:
            raise DomainError("This rule cannot be kept as it is.", code="rule", fields=problems)
        return rule

    def as_json(self) -> dict[str, Any]:
        """The stored form: only what its kind needs."""
        known: dict[str, Any] = {
            "key": self.key,
            "kind": self.kind,
            "approver": self.approver,
            "escalation": self.escalation,
            "minutes": self.minutes,
            "words": self.words,
            "asked_by": list(self.asked_by),
        }
        if self.kind == "level":
            known["levels"] = list(self.levels)
        elif self.kind in ("distance", "cost"):
            known["limit"] = str(self.limit)
        elif self.kind == "hours":
            known |= {"start": self.start, "end": self.end, "weekend": self.weekend}
        elif self.kind == "payer":
            known["payers"] = list(self.payers)
        return known

    @property
    def sentence(self) -> str:
        """The condition in words: ``Distance over 50 miles``."""
        who = f", booked by {listed(ASKERS[name].lower() for name in self.asked_by)}" if self.asked_by else ""
        return f"{self._condition()}{who}"

    @property
    def answer(self) -> str:
        """Who answers in what time: ``Transport coordinator within 30 min, then Administrator``."""
        return f"{APPROVERS[self.approver]} within {self.minutes} min, then {APPROVERS[self.escalation]}"

    def _condition(self) -> str:
        if self.kind == "level":
            return f"Level {listed((LEVELS[code].label for code in self.levels), 'or')}"
        if self.kind == "upgrade":
            return "Level above the advice"
        if self.kind == "distance":
            return f"Distance over {plain(self.limit)} miles"
        if self.kind == "cost":
            return f"Estimated price over ${self.limit:,.2f}"
        if self.kind == "hours":
            return f"Pickup outside {self.start} to {self.end}" + (" or on a weekend" if self.weekend else "")
        if self.kind == "payer":
            return f"Paid by {listed(self.payers, 'or')}"
        return "Over the month's budget of the cost center"

    def asks(self, facts: Facts) -> str:
        """Why this rule asks, in words with the figures of the request; empty when it does not."""
        if self.asked_by and facts.role not in self.asked_by:
            return ""
        return getattr(self, f"_asks_{self.kind}")(facts)

    def _asks_level(self, facts: Facts) -> str:
        return f"{LEVELS[facts.level].label} is asked for" if facts.level in self.levels else ""

    def _asks_upgrade(self, facts: Facts) -> str:
        chosen, advised = LEVELS.get(facts.level), LEVELS.get(facts.advised)
        if chosen is None or advised is None or chosen.order <= advised.order:
            return ""
        return f"{chosen.label} is asked for where {advised.label} was advised"

    def _asks_distance(self, facts: Facts) -> str:
        if facts.miles is None or self.limit is None or facts.miles <= self.limit:
            return ""
        return f"{plain(facts.miles)} miles, over {plain(self.limit)}"

    def _asks_cost(self, facts: Facts) -> str:
        if facts.amount is None or self.limit is None or facts.amount <= self.limit:
            return ""
        return f"Estimated at ${facts.amount:,.2f}, over ${self.limit:,.2f}"

    def _asks_hours(self, facts: Facts) -> str:
        if facts.pickup_at is None:
            return ""
        local = clock.local(facts.pickup_at, facts.zone)
        when = f"Pickup {local:%a} {local.day} {local:%b}, {local:%H:%M} {local:%Z}"
        if self.weekend and local.weekday() >= 5:
            return f"{when}, on a weekend"
        return "" if within(f"{local:%H:%M}", self.start, self.end) else f"{when}, outside {self.start} to {self.end}"

    def _asks_payer(self, facts: Facts) -> str:
        payer = facts.payer.strip().casefold()
        return f"Paid by {facts.payer.strip()}" if payer and payer in {name.casefold() for name in self.payers} else ""

    def _asks_budget(self, facts: Facts) -> str:
        if facts.over_budget is None or facts.over_budget <= 0:
            return ""
        return f"${facts.over_budget:,.2f} over the month's budget of {facts.cost_center}"


@dataclass(frozen=True)
class Hit:
    """A rule that asks, and why."""

    rule: Rule
    why: str

    @property
    def reason(self) -> str:
        """What the approver reads: the figures, then the rule's own words."""
        return f"{self.why}. {self.rule.words}".strip()[:300]


def read_all(stored: Sequence[dict[str, Any]]) -> list[Rule]:
    """The rules of a version. Raises :class:`DomainError` when one is broken or two share a key."""
    if len(stored) > MOST_RULES:
        raise DomainError(f"Keep it to {MOST_RULES} rules.", code="too_many")
    found = [Rule.read(data) for data in stored]
    if len({rule.key for rule in found}) != len(found):
        raise DomainError("Two rules have the same key.", code="twice")
    return found


def hits(rules: Iterable[Rule], facts: Facts) -> list[Hit]:
    """The rules that ask about these facts, in their order."""
    return [Hit(rule, why) for rule in rules if (why := rule.asks(facts))]


def within(at: str, start: str, end: str) -> bool:
    """Whether wall-clock ``at`` is in ``[start, end)``; the span goes over midnight when ``end`` is the smaller."""
    return start <= at < end if start < end else at >= start or at < end


def plain(value: Decimal | None) -> str:
    """A figure without trailing zeros: ``50``, ``12.5``."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def listed(words: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    parts = list(words)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def _problems(rule: Rule) -> dict[str, str]:
    found: dict[str, str] = {}
    if rule.kind not in KINDS:
        return {"kind": "Choose what the rule looks at."}
    if rule.approver not in APPROVERS:
        found["approver"] = "Choose who answers."
    if rule.escalation not in APPROVERS:
        found["escalation"] = "Choose who answers when nobody did in time."
    elif rule.escalation == rule.approver:
        found["escalation"] = "Choose another role than the first: it answers when the first did not."
    if not 1 <= rule.minutes <= MOST_MINUTES:
        found["minutes"] = "Give 1 to 1,440 minutes to answer."
    if not set(rule.asked_by) <= set(ASKERS):
        found["asked_by"] = "Choose roles that book."
    if rule.kind == "level" and (not rule.levels or not set(rule.levels) <= set(LEVELS)):
        found["levels"] = "Choose at least one level."
    if rule.kind in ("distance", "cost") and (rule.limit is None or not 0 <= rule.limit <= 100_000):
        found["limit"] = "Write from how many miles." if rule.kind == "distance" else "Write from what price, in USD."
    if rule.kind == "hours":
        found |= {
            name: "Write the time as 07:00." for name in ("start", "end") if not HOUR.fullmatch(getattr(rule, name))
        }
        if not found.keys() & {"start", "end"} and rule.start == rule.end:
            found["end"] = "The end must differ from the start."
    if rule.kind == "payer" and not rule.payers:
        found["payers"] = "Write at least one payer, as it is written on requests."
    return found


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        return ()
    return tuple(dict.fromkeys(text for each in value[:50] if (text := " ".join(str(each).split())[:80])))


def _whole(value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def _amount(value: Any) -> Decimal | None:
    if value in (None, ""):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
