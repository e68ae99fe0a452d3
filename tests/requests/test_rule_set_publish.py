"""Versions of the level rules: drafted, published once, never changed, put in force again; the floor is refused."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from logistics.core.errors import DomainError, IllegalMove
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.models import LevelRuleDraft, LevelRuleSet
from logistics.requests.services import advice, rule_sets
from logistics.requests.services.level_rules import BUILT_IN
from tests.cast import Cast
from tests.support import act_as

pytestmark = pytest.mark.django_db

LONG_STAIRS = {
    "answer": "steps",
    "above": 12,
    "requires": ["hands_on", "attended"],
    "reason": "More than a flight of stairs goes with a trained crew",
    "source": "Safe handling policy 9",
}


def admin(cast: Cast, slug: str = "lakeshore") -> Scope:
    return Scope.staff(getattr(cast, slug).pk, actor_label="Admin Ada", actor_role="admin")


def published(cast: Cast, slug: str = "lakeshore") -> LevelRuleSet:
    with act_as(admin(cast, slug)):
        rule_sets.start_draft()
        rule_sets.put_rule(**LONG_STAIRS)
        return rule_sets.publish(note="Stairs, asked by the lift team")


def test_a_published_rule_decides_the_next_advice_of_its_health_system_only(cast: Cast) -> None:
    stairs = {"mobility": "walks", "dropoff_steps": 14}
    with act_as(admin(cast)):
        before = advice.advise(**stairs)
    row = published(cast)
    with act_as(admin(cast)):
        after = advice.advise(**stairs)
        required, reasons = advice.required_capabilities(**stairs)
    assert (before.level, before.rules_version) == ("WC", 0)
    assert (after.level, after.rules_version, after.version) == ("BLS", row.version, "version 1")
    assert "attended" in required
    assert LONG_STAIRS["reason"] in reasons
    with act_as(admin(cast, "prairie")):
        assert advice.advise(**stairs).level == "WC"
        assert rule_sets.in_force() is BUILT_IN
    assert advice.advise(**stairs).rules_version == 0  # outside any scope the built-in table decides


def test_publishing_writes_who_why_and_an_event_without_the_rules(cast: Cast) -> None:
    row = published(cast)
    with act_as(admin(cast)):
        entry = AuditEntry.objects.get(action="level_rules.published")
        event = OutboxEvent.objects.get(topic="level_rules.published")
    assert (entry.actor_label, entry.reason) == ("Admin Ada", "Stairs, asked by the lift team")
    assert entry.details == {"version": 1, "copy_of": None, "rules": len(BUILT_IN.rules) + 1}
    assert event.payload == {"version": 1}
    assert row.published_by_name == "Admin Ada"


def test_a_published_version_cannot_be_changed_or_deleted_in_the_database(cast: Cast) -> None:
    row = published(cast)
    with pytest.raises(ProgrammingError, match="permission denied"), act_as(admin(cast)):
        LevelRuleSet.objects.filter(pk=row.pk).update(note="Changed")
    with pytest.raises(ProgrammingError, match="permission denied"), act_as(admin(cast)):
        LevelRuleSet.objects.filter(pk=row.pk).delete()
    with pytest.raises(IntegrityError), act_as(admin(cast)):
        LevelRuleSet.objects.create(version=row.version, rules=[], note="Second", published_by_name="Ada")


@pytest.mark.parametrize("key", ["walks", "wheelchair", "lies", "oxygen_given", "monitor", "iv", "critical", "airborne",
                                 "watching", "weight_lb>350"])  # fmt: skip
def test_a_draft_without_a_rule_of_the_floor_is_refused_with_its_name(cast: Cast, key: str) -> None:
    label = next(rule.when.split(" above")[0] for rule in BUILT_IN.rules if rule.key == key)
    with act_as(admin(cast)):
        rule_sets.start_draft()
        rule_sets.remove_rule(key=key)
        with pytest.raises(DomainError) as refused:
            rule_sets.publish(note="Fewer rules")
        assert label in refused.value.message
        assert rule_sets.current_draft() is not None
        assert rule_sets.in_force() is BUILT_IN


def test_weakening_a_rule_of_the_floor_is_refused_too(cast: Cast) -> None:
    with act_as(admin(cast)):
        rule_sets.start_draft()
        rule_sets.put_rule(
            answer="iv", requires=["attended"], reason="A drip may go BLS", source="Nobody", replaces="iv"
        )
        with pytest.raises(DomainError, match="IV running"):
            rule_sets.publish(note="Cheaper drips")


def test_a_draft_that_changes_nothing_or_has_no_note_is_not_published(cast: Cast) -> None:
    with act_as(admin(cast)):
        rule_sets.start_draft()
        with pytest.raises(DomainError, match="the same as what is in force"):
            rule_sets.publish(note="Nothing at all")
        rule_sets.put_rule(**LONG_STAIRS)
        with pytest.raises(DomainError) as refused:
            rule_sets.publish(note=" ok ")
        assert "note" in refused.value.fields


def test_publishing_twice_leaves_one_version(cast: Cast) -> None:
    published(cast)
    with act_as(admin(cast)):
        with pytest.raises(IllegalMove):
            rule_sets.publish(note="Once more")
        assert LevelRuleSet.objects.count() == 1
        assert not LevelRuleDraft.objects.exists()


def test_a_draft_that_somebody_changed_meanwhile_must_be_looked_at_again(cast: Cast) -> None:
    with act_as(admin(cast)):
        draft = rule_sets.start_draft()
        rule_sets.put_rule(**LONG_STAIRS)
        with pytest.raises(IllegalMove, match="changed the draft meanwhile"):
            rule_sets.publish(note="As I saw it", seen=rule_sets.mark(draft))
        current = rule_sets.current_draft()
        assert current is not None
        assert rule_sets.publish(note="As it is now", seen=rule_sets.mark(current)).version == 1


def test_going_back_publishes_the_old_table_again_and_leaves_a_draft_behind(cast: Cast) -> None:
    first = published(cast)
    with act_as(admin(cast)):
        rule_sets.start_draft()
        rule_sets.remove_rule(key="wander")
        back = rule_sets.publish_again(version=0, note="Too many ambulances")
        assert (back.version, back.copy_of) == (2, 0)
        assert rule_sets.in_force().rules == BUILT_IN.rules
        with pytest.raises(IllegalMove, match="started from version 1"):
            rule_sets.publish(note="Without wander")
        rule_sets.discard_draft()
        again = rule_sets.publish_again(version=1, note="The lift team asked again")
        assert (again.version, again.copy_of) == (3, 1)
        assert rule_sets.of_version(3).rules == rule_sets.of_version(first.version).rules
        with pytest.raises(DomainError, match="in force already"):
            rule_sets.publish_again(version=3, note="And again")
        with pytest.raises(DomainError, match="no version 9"):
            rule_sets.publish_again(version=9, note="From nowhere")


def test_an_old_decision_is_read_with_the_rules_of_its_day(cast: Cast) -> None:
    published(cast)
    with act_as(admin(cast)):
        rule_sets.publish_again(version=0, note="Back to the table")
        stairs = {"mobility": "walks", "dropoff_steps": 14}
        assert advice.advise(**stairs).level == "WC"
        assert advice.advise(**stairs, rules=rule_sets.of_version(1)).level == "BLS"
        assert rule_sets.of_version(None) is BUILT_IN


def test_changing_a_condition_moves_the_rule_and_a_same_condition_replaces(cast: Cast) -> None:
    with act_as(admin(cast)):
        rule_sets.start_draft()
        place = [rule.key for rule in BUILT_IN.rules].index("weight_lb>350")
        rule_sets.put_rule(
            answer="weight_lb", above="325", requires=["heavy"], reason="Over 325 lb", source="Policy 4",
            replaces="weight_lb>350",
        )  # fmt: skip
        draft = rule_sets.current_draft()
        assert draft is not None
        keys = [rule.key for rule in rule_sets.draft_rules(draft)]
        assert keys[place] == "weight_lb>325"
        assert "weight_lb>350" not in keys
        rule_sets.put_rule(answer="weight_lb", above=325, requires=["heavy"], reason="Still heavy", source="Policy 4")
        draft.refresh_from_db()
        assert [rule.reason for rule in rule_sets.draft_rules(draft) if rule.answer == "weight_lb"] == ["Still heavy"]
        rule_sets.remove_rule(key="weight_lb>325")
        rule_sets.remove_rule(key="weight_lb>325")
        rule_sets.discard_draft()
        with pytest.raises(IllegalMove):
            rule_sets.remove_rule(key="iv")


def test_one_health_system_has_one_draft_and_sees_no_other(cast: Cast) -> None:
    with act_as(admin(cast)):
        first = rule_sets.start_draft()
        assert rule_sets.start_draft(version=0).pk == first.pk
        with pytest.raises(IntegrityError), transaction.atomic():
            LevelRuleDraft.objects.create(rules=[], changed_by_name="Ada")
    with act_as(admin(cast, "prairie")):
        assert rule_sets.current_draft() is None


def test_reading_the_rules_in_force_is_one_query_once_they_are_known(
    cast: Cast, django_assert_num_queries: object
) -> None:
    published(cast)
    with act_as(admin(cast)):
        rule_sets.in_force()
        with django_assert_num_queries(1):  # type: ignore[operator]
            advice.advise(mobility="walks")
