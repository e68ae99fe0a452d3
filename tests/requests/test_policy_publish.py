"""Versions of the approval policy, and trying one on past requests."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from logistics.core import clock, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.requests.models import Gate, PolicySet, ServiceRequest
from logistics.requests.selectors import policy_trial
from logistics.requests.services import budgets, gates, policy_sets
from tests.cast import Cast, build_cast
from tests.requests.test_booking_confirm import together
from tests.requests.waiting import FAR, as_role, confirmed, now_of, policy, ride
from tests.requests.ward import admit
from tests.support import act_as, signed_in

LIMIT = {"kind": "distance", "limit": "50", "approver": "transport_coordinator", "escalation": "admin", "minutes": "30"}


def admin(cast: Cast) -> Client:
    return signed_in(cast.people["admin@lakeshore"])


def drafted(cast: Cast, *rules: dict[str, Any]) -> PolicySet:
    with act_as(as_role(cast, "admin")):
        draft = policy_sets.start_draft()
        for fields in rules:
            policy_sets.put_rule(policy_id=draft.pk, fields=fields)
        return PolicySet.objects.get(pk=draft.pk)


def test_a_published_version_never_changes_whoever_tries(cast: Cast) -> None:
    first = policy(cast)
    with act_as(as_role(cast, "admin")):
        for attempt in (
            lambda: policy_sets.put_rule(policy_id=first.pk, fields=FAR),
            lambda: policy_sets.drop_rule(policy_id=first.pk, key="distance-1"),
            lambda: policy_sets.discard(policy_id=first.pk),
        ):
            with pytest.raises(IllegalMove):
                attempt()
        for values in ({"rules": []}, {"note": "other"}, {"published_at": None}):
            with pytest.raises(DatabaseError), transaction.atomic():
                PolicySet.objects.filter(pk=first.pk).update(**values)
        with pytest.raises(DatabaseError), transaction.atomic():
            PolicySet.objects.filter(pk=first.pk).delete()
    second = policy(cast, {**FAR, "limit": "80"})
    with act_as(as_role(cast, "admin")):
        first.refresh_from_db()
        assert (first.standing, second.standing, second.version) == ("retired", "published", 2)
        with pytest.raises(DatabaseError), transaction.atomic():
            PolicySet.objects.filter(pk=first.pk).update(retired_at=None)
        with pytest.raises(IllegalMove, match="was replaced"):
            policy_sets.publish(policy_id=first.pk, note="Back to the old one")


def test_the_next_booking_obeys_the_new_version_and_what_waits_keeps_its_rule(cast: Cast) -> None:
    policy(cast)
    waits = confirmed(cast, ride(cast))
    policy(cast, {**FAR, "limit": "80"})
    goes = confirmed(cast, ride(cast, admit(cast, family="Abel", bed="13")))
    assert (now_of(cast, waits).status, goes.status) == ("pending", "requested")
    with act_as(cast.staff()):
        assert Gate.objects.get().rule == "distance-1@1"


def test_publishing_twice_and_adding_twice_change_nothing(cast: Cast) -> None:
    draft = drafted(cast, FAR, FAR)
    assert len(draft.rules) == 1
    with act_as(as_role(cast, "admin")):
        with pytest.raises(DomainError) as refused:
            policy_sets.publish(policy_id=draft.pk, note="")
        assert "note" in refused.value.fields
    with act_as(as_role(cast, "admin")):
        policy_sets.publish(policy_id=draft.pk, note="As the committee decided")
        policy_sets.publish(policy_id=draft.pk, note="As the committee decided")
        assert OutboxEvent.objects.filter(topic="policy.published").count() == 1
        assert AuditEntry.objects.filter(action="policy.published").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_who_draft_in_the_same_moment_work_on_one_draft() -> None:
    cast = build_cast()

    def draft() -> Any:
        with transaction.atomic(), scoping.enter(as_role(cast, "admin")):
            return policy_sets.start_draft().pk

    assert len(set(together(draft, draft, draft))) == 1


def test_a_rule_that_is_removed_and_added_anew_gets_another_key(cast: Cast) -> None:
    policy(cast)
    second = policy(cast, {**FAR, "limit": "80"})
    # Answers that were given to the first rule must not count for the second.
    assert [each["key"] for each in second.rules] == ["distance-2"]


def test_differences_say_what_is_added_changed_and_gone(cast: Cast) -> None:
    before = policy(cast, FAR, {**FAR, "kind": "cost", "limit": "400"})
    draft = drafted(cast, {**FAR, "kind": "budget"})
    with act_as(as_role(cast, "admin")):
        policy_sets.put_rule(policy_id=draft.pk, fields={**FAR, "limit": "80"}, key="distance-1")
        policy_sets.drop_rule(policy_id=draft.pk, key="cost-1")
        draft.refresh_from_db()
        found = {each.change: each for each in policy_sets.diff(before, draft)}
    assert set(found) == {"added", "changed", "removed"}
    assert (found["changed"].before.limit, found["changed"].after.limit) == (Decimal(50), Decimal(80))


def booked(cast: Cast, days_ago: int, name: str, **facts: Any) -> ServiceRequest:
    with clock.pretend(clock.now() - dt.timedelta(days=days_ago)):
        request = ride(cast, admit(cast, family=name, bed=name[-2:]), **facts)
        with act_as(as_role(cast, "case_manager")):
            return gates.confirm(request, changes={"requested_at": clock.now()})


def test_the_trial_counts_what_would_wait_before_and_after_and_sends_nothing(cast: Cast) -> None:
    for number, (days, miles) in enumerate([(1, 30), (2, 60), (3, 90), (6, 120), (20, 200)]):
        booked(cast, days, f"Abel{10 + number}", miles=Decimal(miles))
    booked(cast, 2, "Baker21", miles=Decimal(100), amount=None)
    policy(cast, {**FAR, "limit": "80"})
    drafted(cast)
    with act_as(as_role(cast, "admin")):
        draft = policy_sets.start_draft()
        policy_sets.put_rule(policy_id=draft.pk, fields={**FAR, "limit": "50"}, key="distance-1")
        events = OutboxEvent.objects.count()
        week = policy_trial.try_on(policy_sets.in_force(), policy_sets.current_draft(), days=7)
        month = policy_trial.try_on(policy_sets.in_force(), policy_sets.current_draft(), days=30)
        assert (week.total, week.before, week.after, week.unpriced) == (5, 3, 4, 1)
        assert (month.total, month.before, month.after) == (6, 4, 5)
        assert week.by_rule == [("Distance over 50 miles", 0, 4), ("Distance over 80 miles", 3, 0)]
        assert [row.change for row in week.shown] == ["newly", "same", "same", "same"]
        assert OutboxEvent.objects.count() == events
        assert not Gate.objects.exists()


def test_the_trial_knows_which_booking_went_over_the_budget(cast: Cast) -> None:
    with act_as(as_role(cast, "admin")):
        center = budgets.add_cost_center(code="4W-6010", name="4 West", unit=cast.units["4W@lakeshore"])
        for month in {clock.today("America/Chicago") + dt.timedelta(days=day) for day in (-31, -5, 1, 31)}:
            budgets.set_budget(cost_center_id=center.pk, month=month, amount=Decimal(700))
    noon = clock.day_bounds(clock.today("America/Chicago"), "America/Chicago")[0] + dt.timedelta(hours=12)
    for number in range(3):
        booked(cast, 3 - number, f"Abel{10 + number}", cost_center="4W-6010", pickup_at=noon)
    drafted(cast, {**FAR, "kind": "budget"})
    with act_as(as_role(cast, "admin")):
        trial = policy_trial.try_on(None, policy_sets.current_draft(), days=7)
    (row,) = trial.rows
    assert row.after[0].why == "$230.00 over the month's budget of 4W-6010"


def test_the_trials_queries_do_not_grow_with_the_requests(cast: Cast, django_assert_num_queries: Any) -> None:
    policy(cast)
    for number in range(6):
        booked(cast, 1, f"Abel{10 + number}", cost_center="4W-6010")
    with act_as(as_role(cast, "admin")):
        now = policy_sets.in_force()
        with django_assert_num_queries(3):
            policy_trial.try_on(now, now, days=7)


def test_a_limit_is_changed_tried_and_published_on_the_pages(cast: Cast) -> None:
    policy(cast)
    booked(cast, 1, "Abel10", miles=Decimal(60))
    browser = admin(cast)
    assert "Distance over 50 miles" in browser.get("/policies").content.decode()
    assert browser.post("/policies/draft").status_code == 303
    form = browser.get("/policies/draft?rule=distance-1").content.decode()
    assert "Change distance-1" in form
    refused = browser.post("/policies/draft/rule", {**LIMIT, "limit": "", "key": "distance-1"})
    assert refused.status_code == 422
    assert "Write from how many miles." in refused.content.decode()
    answer = browser.post("/policies/draft/rule", {**LIMIT, "limit": "75", "key": "distance-1"})
    assert answer.status_code == 303
    trial = " ".join(browser.get("/policies/test?days=30").content.decode().split())
    assert "Would go now" in trial
    assert "No longer: 60 miles, over 50" in trial
    assert browser.post("/policies/publish", {"note": "Clinic in Beloit"}).status_code == 422
    assert browser.post("/policies/publish", {"note": "Clinic in Beloit", "sure": "on"}).status_code == 303
    shown = " ".join(browser.get("/policies").content.decode().split())
    assert "Version 2" in shown
    assert "Distance over 75 miles" in shown
    old = " ".join(browser.get("/policies?version=1").content.decode().split())
    assert "What changed since this version" in old
    assert browser.get("/policies?version=9").status_code == 404
    assert confirmed(cast, ride(cast, admit(cast, family="Baker", bed="22"))).status == "requested"


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "level", "levels": ["ALS", "CCT"], "asked_by": ["case_manager"]},
        {"kind": "hours", "start": "07:00", "end": "19:00", "weekend": "on"},
        {"kind": "payer", "payers": "Facility pays\nCharity fund\n"},
        {"kind": "cost", "limit": "400"},
        {"kind": "upgrade"},
        {"kind": "budget"},
    ],
)
def test_every_kind_of_rule_can_be_drafted_on_the_page(cast: Cast, fields: dict[str, Any]) -> None:
    browser = admin(cast)
    browser.post("/policies/draft")
    base = {"approver": "transport_coordinator", "escalation": "admin", "minutes": "30"}
    assert browser.post("/policies/draft/rule", {**base, **fields}).status_code == 303
    with act_as(cast.staff()):
        (stored,) = PolicySet.objects.get().rules
    assert stored["kind"] == fields["kind"]
    assert browser.get(f"/policies/draft?rule={stored['key']}").status_code == 200
    assert browser.post("/policies/draft/remove", {"rule": stored["key"]}).status_code == 303
    assert browser.post("/policies/draft/discard").status_code == 303
    with act_as(cast.staff()):
        assert not PolicySet.objects.exists()


def test_a_coordinator_reads_the_policy_and_cannot_change_it(cast: Cast) -> None:
    policy(cast)
    browser = signed_in(cast.people["transport_coordinator@lakeshore"])
    shown = browser.get("/policies").content.decode()
    assert "Distance over 50 miles" in shown
    assert "Draft a new version" not in shown
    assert browser.post("/policies/draft").status_code == 403
    assert signed_in(cast.people["case_manager@lakeshore"]).get("/policies").status_code == 403
