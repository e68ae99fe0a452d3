"""A health system's rules of the level of service: which table is in force, the draft of the next, publishing.

A published version never changes, so that an old decision can be read with the rules of its day
(``TransportDetail.level_rules_version``). Publishing refuses a table that drops what the floor asks for.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max

from logistics.core import audit, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import LevelRuleDraft, LevelRuleSet
from logistics.requests.services import level_rules
from logistics.requests.services.level_rules import BUILT_IN, Rule, RuleSet

LEAST_NOTE = 5
# Published rows never change, so what was read of one stays true; the bound keeps a long-lived process small.
MOST_KEPT = 64
_kept: OrderedDict[UUID, RuleSet] = OrderedDict()


def in_force() -> RuleSet:
    """The rules by which the open scope's health system decides now: its newest version, else the built-in table.

    One small query; a table is read and parsed once per process. Outside a health system's own scope the built-in.
    """
    scope = scoping.current_or_none()
    if scope is None or scope.side != "staff":
        return BUILT_IN
    newest = LevelRuleSet.objects.order_by("-version").values_list("pk", flat=True).first()
    return BUILT_IN if newest is None else _of_row(newest)


def of_version(version: int | None) -> RuleSet:
    """One version, None and 0 being the built-in table. Raises :class:`DomainError` when there is none."""
    if not version:
        return BUILT_IN
    key = LevelRuleSet.objects.filter(version=version).values_list("pk", flat=True).first()
    if key is None:
        raise DomainError(f"There is no version {version} of the rules.", code="no_version")
    return _of_row(key)


def current_draft() -> LevelRuleDraft | None:
    """The draft of the next version, if one is being written."""
    return LevelRuleDraft.objects.first()


def draft_rules(draft: LevelRuleDraft) -> tuple[Rule, ...]:
    """The rules of a draft."""
    return level_rules.parse(draft.rules)


def mark(draft: LevelRuleDraft) -> str:
    """Tells one state of the draft from the next."""
    return draft.changed_at.isoformat()


def start_draft(*, version: int | None = None) -> LevelRuleDraft:
    """Begin the next version from an old one (default: the one in force); a draft that is there already stays."""
    _lock()
    known = current_draft()
    if known is not None:
        return known
    start = in_force() if version is None else of_version(version)
    draft = LevelRuleDraft.objects.create(
        rules=level_rules.as_data(start.rules), based_on=start.version, changed_by_name=scoping.current().actor_label
    )
    audit.record(action="level_rules.drafted", target=draft, details={"based_on": start.version})
    return draft


def put_rule(
    *, answer: str, requires: list[str], reason: str, source: str, above: Any = None, replaces: str = ""
) -> Rule:
    """Add a rule to the draft, or put it in the place of the one whose key is ``replaces``.

    A rule with the same condition is replaced as well. Raises :class:`DomainError` with ``fields``.
    """
    rule = level_rules.make(answer=answer, above=above, requires=requires, reason=reason, source=source)
    draft = _draft_locked()
    rules = list(draft_rules(draft))
    place = next((at for at, each in enumerate(rules) if each.key == (replaces or rule.key)), len(rules))
    rules = [each for each in rules if each.key not in (rule.key, replaces)]
    rules.insert(place, rule)
    if len(rules) > level_rules.MOST_RULES:
        raise DomainError(f"A table has at most {level_rules.MOST_RULES} rules. Remove one first.", code="too_many")
    _keep(draft, rules)
    audit.record(action="level_rules.rule_set", target=draft, details={"rule": rule.key, "replaces": replaces})
    return rule


def remove_rule(*, key: str) -> None:
    """Take a rule out of the draft; nothing happens when it is gone already."""
    draft = _draft_locked()
    rules = list(draft_rules(draft))
    left = [rule for rule in rules if rule.key != key]
    if len(left) == len(rules):
        return
    _keep(draft, left)
    audit.record(action="level_rules.rule_removed", target=draft, details={"rule": key})


def discard_draft() -> None:
    """Throw the draft away; nothing happens when there is none."""
    _lock()
    draft = current_draft()
    if draft is None:
        return
    audit.record(action="level_rules.discarded", target=draft, details={"based_on": draft.based_on})
    draft.delete()


def publish(*, note: str, seen: str = "") -> LevelRuleSet:
    """Put the draft in force as the next version; the next booking is advised by it.

    ``seen`` is the :func:`mark` of the draft that the person looked at. Raises :class:`DomainError` when it drops a
    rule of the floor or changes nothing, :class:`IllegalMove` without a draft, when somebody changed it since, or when
    another version was published after it was started.
    """
    draft = _draft_locked()
    now = in_force()
    if seen and seen != mark(draft):
        raise IllegalMove(
            f"{draft.changed_by_name} changed the draft meanwhile. Look at it again, then publish.", code="draft_moved"
        )
    if draft.based_on != now.version:
        raise IllegalMove(
            f"This draft started from {_name(draft.based_on)}, and {now.name} is in force now."
            " Throw it away and start again.",
            code="draft_behind",
        )
    rules = draft_rules(draft)
    if not level_rules.differences(now.rules, rules):
        raise DomainError("The draft is the same as what is in force. Change a rule first.", code="no_change")
    published = _append(rules, note=note, copy_of=None)
    draft.delete()
    return published


def publish_again(*, version: int, note: str) -> LevelRuleSet:
    """Go back: put an old table (0 is the built-in) in force again, as a new version. A draft stays as it is."""
    _lock()
    now, old = in_force(), of_version(version)
    if not level_rules.differences(now.rules, old.rules):
        raise DomainError(f"The rules of {old.name} are in force already.", code="no_change")
    return _append(old.rules, note=note, copy_of=version)


def _append(rules: tuple[Rule, ...], *, note: str, copy_of: int | None) -> LevelRuleSet:
    problems = level_rules.floor_problems(rules)
    if problems:
        raise DomainError(" ".join(problems), code="floor")
    if len(note.strip()) < LEAST_NOTE:
        raise DomainError(
            "Say what changed and who asked for it.", code="no_note", fields={"note": "Write what changed and why."}
        )
    scope = scoping.current()
    last = LevelRuleSet.objects.aggregate(Max("version"))["version__max"] or 0
    row = LevelRuleSet.objects.create(
        version=last + 1,
        rules=level_rules.as_data(rules),
        note=note.strip()[:200],
        copy_of=copy_of,
        published_by_id=scope.user_id,
        published_by_name=scope.actor_label,
    )
    audit.record(
        action="level_rules.published",
        target=row,
        reason=row.note,
        details={"version": row.version, "copy_of": copy_of, "rules": len(rules)},
    )
    outbox.publish("level_rules.published", {"version": row.version})
    return row


def _of_row(key: UUID) -> RuleSet:
    known = _kept.get(key)
    if known is None:
        row = LevelRuleSet.objects.get(pk=key)
        known = _kept[key] = RuleSet(row.version, level_rules.parse(row.rules))
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return known


def _name(version: int) -> str:
    return f"version {version}" if version else "the built-in table"


def _keep(draft: LevelRuleDraft, rules: list[Rule]) -> None:
    draft.rules = level_rules.as_data(rules)
    draft.changed_by_name = scoping.current().actor_label
    draft.save()


def _draft_locked() -> LevelRuleDraft:
    _lock()
    draft = current_draft()
    if draft is None:
        raise IllegalMove("There is no draft. Start one first.", code="no_draft")
    return draft


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"level_rules|{scoping.current_tenant_id()}"]
        )
