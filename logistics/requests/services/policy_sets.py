"""Versions of the approval policy: drafted from what is in force, changed rule by rule, published, never edited after.

Publishing affects what is booked from then on. What waits for an answer keeps the rule and version that asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import PolicySet
from logistics.requests.policy_rules import Rule, read_all


@dataclass(frozen=True)
class Difference:
    """One rule that two versions do not share: ``change`` is ``added``, ``removed`` or ``changed``."""

    change: str
    before: Rule | None
    after: Rule | None


def in_force() -> PolicySet | None:
    """The version that asks now, or None."""
    return PolicySet.objects.filter(published_at__isnull=False, retired_at__isnull=True).first()


def current_draft() -> PolicySet | None:
    """The version that is being worked on, or None."""
    return PolicySet.objects.filter(published_at__isnull=True).first()


def start_draft() -> PolicySet:
    """The draft to work on: the one there is, else the next version with the rules in force."""
    found = current_draft()
    if found is not None:
        return found
    current = in_force()
    latest = PolicySet.objects.aggregate(Max("version"))["version__max"] or 0
    try:
        with transaction.atomic():
            draft = PolicySet.objects.create(
                version=latest + 1,
                rules=list(current.rules) if current else [],
                created_by_name=scoping.current().actor_label[:120],
            )
    except IntegrityError:  # another person drafted in the same moment
        return PolicySet.objects.get(published_at__isnull=True)
    audit.record(action="policy.drafted", target=draft, details={"version": draft.version})
    return draft


def put_rule(*, policy_id: UUID, fields: dict[str, Any], key: str = "") -> Rule:
    """Add a rule to a draft, or change the one named ``key``. ``fields`` as :meth:`Rule.read` takes them.

    Raises :class:`DomainError` whose ``fields`` name what is wrong, :class:`IllegalMove` for a published version.
    """
    draft = _draft(policy_id)
    known = [str(each["key"]) for each in draft.rules]
    if key and key not in known:
        raise DomainError("This rule is not in the draft any more. Add it anew.", code="gone")
    rule = Rule.read({**fields, "key": key or _free_key(known, str(fields.get("kind", "")))})
    same = next((each for each in read_all(draft.rules) if replace(each, key=rule.key) == rule), None)
    if same is not None and not key:  # sent twice
        return same
    rules = [rule.as_json() if each["key"] == rule.key else each for each in draft.rules]
    if not key:
        rules.append(rule.as_json())
    read_all(rules)
    _save(draft, rules)
    audit.record(
        action="policy.rule_changed" if key else "policy.rule_added",
        target=draft,
        details={"version": draft.version, "rule": rule.as_json()},
    )
    return rule


def drop_rule(*, policy_id: UUID, key: str) -> PolicySet:
    """Take a rule out of a draft. One that is not there changes nothing."""
    draft = _draft(policy_id)
    rules = [each for each in draft.rules if each["key"] != key]
    if len(rules) != len(draft.rules):
        _save(draft, rules)
        audit.record(action="policy.rule_removed", target=draft, details={"version": draft.version, "rule": key})
    return draft


def publish(*, policy_id: UUID, note: str) -> PolicySet:
    """Put a draft in force and retire the version before. Published again it changes nothing.

    ``note`` says what changed. Publishes ``policy.published``.
    """
    policy = _locked(policy_id)
    if policy.standing == "published":
        return policy
    if policy.standing == "retired":
        raise IllegalMove("This version was replaced. Draft a new one.", code="retired")
    if len(note.strip()) < 5:
        raise DomainError(
            "Write what changes and who wanted it.",
            code="no_note",
            fields={"note": "Write what changes and who wanted it."},
        )
    read_all(policy.rules)
    now = clock.now()
    PolicySet.objects.filter(published_at__isnull=False, retired_at__isnull=True).update(retired_at=now)
    policy.note, policy.published_at = note.strip()[:200], now
    policy.published_by_name = scoping.current().actor_label[:120]
    policy.save()
    audit.record(
        action="policy.published", target=policy, details={"version": policy.version, "rules": len(policy.rules)}
    )
    outbox.publish("policy.published", {"policy_id": str(policy.pk), "version": policy.version})
    return policy


def discard(*, policy_id: UUID) -> None:
    """Throw a draft away; what is in force stays."""
    draft = _draft(policy_id)
    audit.record(action="policy.discarded", target=draft, details={"version": draft.version})
    draft.delete()


def diff(before: PolicySet | None, after: PolicySet) -> list[Difference]:
    """What changes from one version to another, rule by rule in the order of ``after``, then what is gone."""
    old = {rule.key: rule for rule in read_all(before.rules)} if before else {}
    new = {rule.key: rule for rule in read_all(after.rules)}
    found = [
        Difference("changed" if key in old else "added", old.get(key), rule)
        for key, rule in new.items()
        if old.get(key) != rule
    ]
    return found + [Difference("removed", rule, None) for key, rule in old.items() if key not in new]


def _draft(policy_id: UUID) -> PolicySet:
    policy = _locked(policy_id)
    if policy.standing != "draft":
        raise IllegalMove("A published version never changes. Draft a new one.", code="published")
    return policy


def _locked(policy_id: UUID) -> PolicySet:
    policy = PolicySet.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise DomainError("This version is not there any more.", code="gone")
    return policy


def _save(draft: PolicySet, rules: list[dict[str, Any]]) -> None:
    draft.rules = rules
    draft.save(update_fields=["rules"])


def _free_key(known: list[str], kind: str) -> str:
    # Never a key that a version before used: an answer given to the rule of that name stays with it.
    used = {str(each["key"]) for rules in PolicySet.objects.values_list("rules", flat=True) for each in rules}
    number = 1
    while f"{kind[:16]}-{number}" in used | set(known):
        number += 1
    return f"{kind[:16]}-{number}"
