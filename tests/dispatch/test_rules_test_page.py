"""The rules' test page: bookings of the last days through draft and table in force, and answers by hand."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest

from dispatch.services import rule_replay
from logistics.core import clock
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.requests.models import ServiceRequest, TransportDetail
from logistics.requests.services import rule_sets
from logistics.requests.services.level_rules import BUILT_IN, RuleSet, make
from tests.cast import Cast
from tests.requests.test_rule_set_publish import LONG_STAIRS, admin
from tests.requests.ward import admit
from tests.support import act_as, signed_in

pytestmark = pytest.mark.django_db

STRICT = RuleSet(1, (*BUILT_IN.rules, make(**LONG_STAIRS)))


def booked(cast: Cast, *, bed: str, days_ago: int = 1, slug: str = "lakeshore", **detail: Any) -> ServiceRequest:
    """A ride that was booked some days ago, with what was answered."""
    stay = admit(cast, bed=bed, slug=slug, family="Quirkname")
    with act_as(cast.staff(getattr(cast, slug))):
        request = ServiceRequest.objects.create(
            patient_id=stay.patient_id, encounter=stay, facility=stay.facility, unit=stay.unit, status="requested",
            requested_at=clock.now() - dt.timedelta(days=days_ago),
        )  # fmt: skip
        TransportDetail.objects.create(
            request=request,
            **{"mobility": "walks", "level": "WC", "miles": Decimal("10.0"), "minutes": 20, "needs": [], **detail},
        )
    return request


def three_rides(cast: Cast) -> None:
    booked(cast, bed="1", dropoff_steps=14)
    booked(cast, bed="2", dropoff_steps=3)
    booked(cast, bed="3", days_ago=20, dropoff_steps=20)


def test_the_bookings_that_would_change_are_counted_listed_and_priced(cast: Cast) -> None:
    three_rides(cast)
    booked(cast, bed="9", slug="prairie", dropoff_steps=30)
    with act_as(admin(cast)):
        week = rule_replay.replay(STRICT, against=BUILT_IN, days=7)
        month = rule_replay.replay(STRICT, against=BUILT_IN, days=30)
        back = rule_replay.replay(BUILT_IN, against=STRICT, days=30)
    assert (week.n, week.changed, week.higher, week.lower) == (2, 1, 1, 0)
    assert (month.n, month.higher, back.lower) == (3, 2, 2)
    changed = week.shown[0]
    assert (changed.before.code, changed.after.code, changed.booked) == ("WC", "BLS", "Wheelchair van")
    # Lowest contract: wheelchair 45 + 10 x 3.25 = 77.50, BLS 420 + 10 x 9.50 = 515.
    assert (changed.price_before, changed.price_after) == (Decimal("77.50"), Decimal("515.00"))
    assert week.difference == Decimal("437.50")
    assert back.difference == -2 * Decimal("437.50")
    assert LONG_STAIRS["reason"] in changed.reason


def test_without_miles_or_contract_no_price_is_made_up(cast: Cast) -> None:
    booked(cast, bed="1", dropoff_steps=14, miles=None)
    booked(cast, bed="2", dropoff_steps=14, needs=["iv"])
    with act_as(admin(cast)):
        critical = RuleSet(2, (*STRICT.rules, make(answer="minutes", above=5, requires=["critical"], reason="Far away",
                                                   source="Policy 2")))  # fmt: skip
        found = rule_replay.replay(critical, against=BUILT_IN, days=7)
    assert (found.changed, found.priced, found.difference) == (2, 0, Decimal(0))


def test_drafts_canceled_rides_and_other_requests_are_not_tried(cast: Cast) -> None:
    for number, status in enumerate(("draft", "canceled")):
        request = booked(cast, bed=str(number), dropoff_steps=14)
        with act_as(admin(cast)):
            ServiceRequest.objects.filter(pk=request.pk).update(status=status)
    with act_as(admin(cast)):
        assert rule_replay.replay(STRICT, against=BUILT_IN, days=7).n == 0


def test_trying_reads_in_a_fixed_number_of_queries_and_sends_nothing(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    def look() -> None:
        with act_as(admin(cast)), django_assert_num_queries(6):  # five to read, one for the audit trail
            rule_replay.replay(STRICT, against=BUILT_IN, days=30)

    booked(cast, bed="0", dropoff_steps=14)
    look()
    three_rides(cast)
    with act_as(admin(cast)):
        events = OutboxEvent.objects.count()
    look()
    with act_as(admin(cast)):
        assert OutboxEvent.objects.count() == events
        entry = AuditEntry.objects.filter(action="level_rules.tested").latest("id")
    assert entry.purpose == "operations"
    assert entry.details == {"days": 30, "rides": 4, "changed": 3, "rules": "version 1"}


def test_the_page_runs_the_draft_beside_what_is_in_force(cast: Cast) -> None:
    three_rides(cast)
    with act_as(admin(cast)):
        rule_sets.start_draft()
        rule_sets.put_rule(**LONG_STAIRS)
    client = signed_in(cast.people["transport_coordinator@lakeshore"])
    response = client.get("/rules/levels/test?days=7")
    text = re.sub(r"\s+", " ", response.content.decode())
    assert response.status_code == 200
    assert "<b>1 of 2 bookings</b> of the last 7 days would get another level" in text
    assert "0 messages sent, 0 bookings changed." in text
    assert "$437.50" in text
    assert "Quirkname" not in text
    assert "would get another level" not in client.get("/rules/levels/test?days=365").content.decode()


def test_answers_by_hand_show_both_tables_and_an_emergency_stops(cast: Cast) -> None:
    with act_as(admin(cast)):
        rule_sets.start_draft()
        rule_sets.put_rule(**LONG_STAIRS)
    client = signed_in(cast.people["admin@lakeshore"])
    text = re.sub(r"\s+", " ", client.get("/rules/levels/test?mobility=walks&dropoff_steps=13").content.decode())
    assert "<b>BLS ambulance</b>" in text
    assert "<b>Wheelchair van</b>" in text
    stopped = client.get("/rules/levels/test?mobility=walks&needs=emergency").content.decode()
    assert "Call 911" in stopped
    for odd in ("hand=1", "mobility=flies", "mobility=walks&weight_lb=-3", "mobility=walks&needs=wings"):
        assert client.get(f"/rules/levels/test?{odd}").status_code == 422
