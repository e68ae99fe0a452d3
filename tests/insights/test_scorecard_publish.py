"""Publishing: by the clock, after trips, and only when something changed."""

from __future__ import annotations

import datetime as dt
from unittest import mock

import pytest
from django.core.cache import cache
from django.db.models import F

from logistics.core import clock, outbox
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.insights import subscribers, tasks
from logistics.insights.services import scorecards
from tests.cast import Cast
from tests.insights.facts import Book
from tests.support import act_as, settle
from vendors.models import Scorecard

ZONE = "America/Chicago"


@pytest.fixture
def yesterday_noon() -> dt.datetime:
    start, _ = clock.day_bounds(clock.today(ZONE), ZONE)
    return start - dt.timedelta(hours=12)


@pytest.fixture(autouse=True)
def _no_debounce_from_before(cast: Cast):
    yield
    for tenant in (cast.lakeshore, cast.prairie):
        cache.delete(f"scorecards-due:{tenant.pk}")


def cards(cast: Cast, tenant=None) -> list[Scorecard]:
    with act_as(cast.staff(tenant)):
        return list(Scorecard.objects.order_by("month", "vendor_id"))


def test_the_clock_publishes_for_every_health_system(cast, yesterday_noon):
    Book(cast).done(yesterday_noon, cast.northbound)
    Book(cast, cast.prairie).done(yesterday_noon, cast.northbound, late=45)
    assert tasks.publish_scorecards() == 2
    (own,), (other,) = cards(cast), cards(cast, cast.prairie)
    assert own.figures["on_time_pickup"]["value"] == 100.0
    assert other.figures["on_time_pickup"]["value"] == 0.0
    assert own.month == clock.local(yesterday_noon, ZONE).date().replace(day=1)


def test_publishing_again_changes_nothing_and_tells_nobody(cast, yesterday_noon):
    Book(cast).done(yesterday_noon, cast.northbound)
    tasks.publish_scorecards()
    before = cards(cast)[0].computed_at
    assert tasks.publish_scorecards() == 0
    assert cards(cast)[0].computed_at == before
    with act_as(cast.staff()):
        assert OutboxEvent.objects.filter(topic="scorecard.published").count() == 1
        assert AuditEntry.objects.filter(action="scorecard.published").count() == 1


def test_a_late_event_restates_the_month(cast, yesterday_noon):
    book = Book(cast)
    book.done(yesterday_noon, cast.northbound)
    tasks.publish_scorecards()
    book.done(yesterday_noon + dt.timedelta(hours=2), cast.northbound, late=50)
    assert tasks.publish_scorecards() == 1
    (row,) = cards(cast)
    assert (row.figures["on_time_pickup"]["numerator"], row.figures["on_time_pickup"]["n"]) == (1, 2)
    with act_as(cast.staff()):
        last = AuditEntry.objects.filter(action="scorecard.published").latest("id")
    assert last.details["restated"] is True


def test_vendors_that_did_nothing_get_no_card(cast, yesterday_noon):
    Book(cast).done(yesterday_noon, cast.northbound)
    tasks.publish_scorecards()
    assert {row.vendor_id for row in cards(cast)} == {cast.northbound.pk}


def test_the_event_moves_the_vendors_screens_and_carries_ids_only(cast, yesterday_noon):
    Book(cast).done(yesterday_noon, cast.northbound)
    tasks.publish_scorecards()
    with act_as(cast.staff()):
        event = OutboxEvent.objects.get(topic="scorecard.published")
    assert event.vendor_id == cast.northbound.pk
    assert set(event.payload) == {"scorecard_id", "month"}


def test_a_completed_trip_publishes_soon_and_many_of_them_once(cast, yesterday_noon):
    trip = Book(cast).done(yesterday_noon, cast.northbound)
    with mock.patch.object(tasks.publish_own_scorecards, "send_for") as send:
        for _ in range(3):
            with act_as(cast.staff()):
                outbox.publish("trip.completed", {"trip_id": str(trip.pk)})
        with mock.patch.object(outbox, "subscribers_of", _only_ours):
            settle()
    assert send.call_count == 1
    scope = send.call_args.args[0]
    assert (scope.side, scope.tenant_id) == ("staff", cast.lakeshore.pk)
    assert send.call_args.kwargs == {"countdown": subscribers.DEBOUNCE_SECONDS}


def test_the_task_publishes_in_the_scope_that_it_was_sent_for(cast, yesterday_noon):
    Book(cast).done(yesterday_noon, cast.northbound)
    Book(cast, cast.prairie).done(yesterday_noon, cast.northbound)
    tasks.publish_own_scorecards.send_for(cast.staff())
    assert len(cards(cast)) == 1
    assert cards(cast, cast.prairie) == []


def test_one_health_systems_failure_leaves_the_others_published(cast, yesterday_noon):
    Book(cast).done(yesterday_noon, cast.northbound)
    Book(cast, cast.prairie).done(yesterday_noon, cast.northbound)
    real, calls = scorecards.publish_recent, []

    def first_fails(**options):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return real(**options)

    with mock.patch.object(scorecards, "publish_recent", first_fails), pytest.raises(ZeroDivisionError):
        tasks.publish_scorecards()
    assert len(cards(cast)) + len(cards(cast, cast.prairie)) == 1


def test_the_trips_behind_a_figure_are_those_trips(cast, yesterday_noon):
    book = Book(cast)
    on_time = book.done(yesterday_noon, cast.northbound)
    late = book.done(yesterday_noon + dt.timedelta(hours=2), cast.northbound, late=40)
    tasks.publish_scorecards()
    (row,) = cards(cast)
    figure = row.figures["on_time_pickup"]
    with act_as(cast.staff()):
        counted = type(late).objects.filter(pk__in=figure["trip_ids"])
        assert counted.count() == figure["n"] == 2
        assert counted.filter(pk__in=figure["hit_ids"]).get() == on_time
        assert counted.exclude(pk__in=figure["hit_ids"]).get(completed_at__gt=F("pickup_at")) == late


def _only_ours(topic: str) -> dict:
    name = "logistics.insights.subscribers.refresh_scorecards"
    return {name: subscribers.refresh_scorecards} if topic == "trip.completed" else {}
