"""Alerts: raised once, filled anew, acknowledged by a person, told in a sentence."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from logistics.core.models import OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.alerts import SENTENCES, sentence_of
from logistics.requests.models import Alert
from logistics.requests.services import alerts, ride_table
from tests.cast import Cast
from tests.support import act_as


def test_the_same_alert_is_raised_once_until_somebody_has_seen_it(cast: Cast) -> None:
    with act_as(cast.staff()):
        first = alerts.raise_alert("pickup_moved", params={"bed": "4W-1"})
        again = alerts.raise_alert("pickup_moved", "top", params={"bed": "4W-2"})
        assert (again.pk, again.params, again.severity) == (first.pk, {"bed": "4W-2"}, "top")
        seen = alerts.acknowledge(again)
        assert (seen.acknowledged_by_name, seen.acknowledged_at is not None) == ("Test", True)
        at = seen.acknowledged_at
        assert alerts.acknowledge(seen).acknowledged_at == at
        assert alerts.raise_alert("pickup_moved").pk != first.pk
    with act_as(Scope.system()):
        assert OutboxEvent.objects.filter(topic="alert.raised").count() == 3
        assert OutboxEvent.objects.filter(topic="alert.acknowledged").count() == 1


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_every_sentence_says_what_happened_and_what_to_do(code: str) -> None:
    params = {"bed": "4W-12", "what": ["the weight", "the name"], "missing": ["a time"], "zone": "America/Chicago"}
    params |= {"old": "2026-11-24T18:00:00+00:00", "new": "2026-11-24T19:30:00+00:00"}
    said = sentence_of(Alert(tenant_id=uuid4(), code=code, params=params))
    assert said.happened.endswith(".")
    assert said.do.endswith(".")
    assert not re.search(r"[{}]", said.happened + said.do)


def test_times_are_told_on_the_facilitys_clock() -> None:
    params = {"zone": "America/Chicago", "old": "2026-11-24T18:00:00+00:00", "new": "2026-11-24T19:30:00+00:00"}
    said = sentence_of(Alert(tenant_id=uuid4(), code="ready_time_changed", params=params))
    assert said.happened == "The EHR moved the discharge from 12:00 to 13:30."


def test_every_alert_of_the_table_of_rides_has_a_sentence() -> None:
    named = {cell.alert for row in ride_table.TABLE.values() for cell in row.values() if cell.alert}
    assert named | set(ride_table.YIELDS_TO_PEOPLE.values()) <= set(SENTENCES)


def test_the_table_never_changes_a_ride_that_is_under_way_or_over() -> None:
    for fact, row in ride_table.TABLE.items():
        for state in ("in_progress", "completed"):
            assert row.get(state, ride_table.KEEP).do in ("keep", "time", "review"), (fact, state)
