"""The crew's taps: counted once, in any order of arrival, taken back for two minutes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from dispatch.models import Leg, LegEvent, Run, Trip
from dispatch.services import transitions
from dispatch.services.transitions import Tap
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove
from logistics.core.scoping import Scope
from logistics.requests.models import Alert, ServiceRequest
from tests.cast import Cast
from tests.dispatch.ride import assigned, fresh, ticked, vendor_scope
from tests.support import act_as, settle
from vendors.models import Commitment


class Phone:
    """The phone of a crew member: each tap has its own key."""

    def __init__(self, cast: Cast, trip: Trip, scope: Scope | None = None) -> None:
        person = cast.people["driver@northbound"]
        self.scope = scope or vendor_scope(
            cast, cast.northbound.pk, user_id=person.user_id, actor_label="Sam", actor_role="driver"
        )
        self.count = 0
        with act_as(cast.vendor()):
            self.leg_id = Leg.objects.get(trip_id=trip.pk).pk

    def tap(self, to: str, at: dt.datetime | None = None, **more: Any) -> Tap:
        self.count += 1
        more = {"key": f"key-{self.count:08}"} | more
        with act_as(self.scope):
            return transitions.tap(self.leg_id, to, at=at or clock.now(), **more)

    def leg(self) -> Leg:
        with act_as(self.scope):
            return Leg.objects.get(pk=self.leg_id)

    def history(self) -> list[LegEvent]:
        with act_as(self.scope):
            return list(LegEvent.objects.filter(leg_id=self.leg_id).order_by("id"))


def test_taps_move_the_leg_the_trip_and_the_request(cast: Cast) -> None:
    trip = assigned(cast)
    phone = Phone(cast, trip)
    assert phone.tap("en_route").outcome == "moved"
    settle()
    assert fresh(cast, trip).status == "under_way"
    with act_as(cast.staff()):
        assert ServiceRequest.objects.get(pk=trip.request_id).status == "in_progress"
    phone.tap("at_pickup")
    at = clock.now()
    phone.tap("on_board", at)
    assert phone.leg().picked_up_at == at
    assert phone.tap("at_destination").leg.status == "at_destination"


def test_a_tap_that_is_sent_twice_counts_once(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    assert phone.tap("en_route", key="key-same-1").outcome == "moved"
    assert phone.tap("en_route", key="key-same-1").outcome == "repeated"
    assert phone.tap("en_route").outcome == "repeated"
    assert [event.new_status for event in phone.history()] == ["assigned", "en_route"]


def test_an_old_copy_of_a_tap_does_not_move_the_leg_back(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    phone.tap("en_route", key="key-same-1")
    phone.tap("at_pickup")
    assert phone.tap("en_route", key="key-same-1").outcome == "repeated"
    assert phone.leg().status == "at_pickup"


def test_a_forgotten_tap_is_named_and_not_invented(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    phone.tap("on_board")
    last = phone.history()[-1]
    assert last.details == {"skipped": ["en_route", "at_pickup"]}
    assert [event.new_status for event in phone.history()] == ["assigned", "on_board"]


def test_a_tap_that_arrives_late_is_kept_in_the_history_with_its_own_time(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    start = clock.now() - dt.timedelta(minutes=40)
    phone.tap("at_pickup", start + dt.timedelta(minutes=15))
    late = phone.tap("en_route", start)
    assert (late.outcome, phone.leg().status) == ("kept", "at_pickup")
    event = phone.history()[-1]
    assert (event.new_status, event.at, event.details) == ("en_route", start, {"late": True})


def test_an_arrival_that_comes_before_the_boarding_is_counted_when_the_boarding_comes(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    start = clock.now() - dt.timedelta(minutes=40)
    phone.tap("at_pickup", start)
    assert phone.tap("at_destination", start + dt.timedelta(minutes=30)).outcome == "kept"
    assert phone.leg().status == "at_pickup"
    phone.tap("on_board", start + dt.timedelta(minutes=5))
    leg = phone.leg()
    assert (leg.status, leg.picked_up_at) == ("at_destination", start + dt.timedelta(minutes=5))


def test_the_last_tap_is_taken_back_by_a_new_event(cast: Cast) -> None:
    trip = assigned(cast)
    phone = Phone(cast, trip)
    phone.tap("en_route")
    phone.tap("at_pickup")
    phone.tap("on_board")
    assert phone.tap("at_pickup").outcome == "undone"
    leg = phone.leg()
    assert (leg.status, leg.picked_up_at) == ("at_pickup", None)
    assert [event.new_status for event in phone.history()][-3:] == ["at_pickup", "on_board", "at_pickup"]


def test_taking_back_the_start_gives_the_trip_back_to_its_crew(cast: Cast) -> None:
    trip = assigned(cast)
    phone = Phone(cast, trip)
    phone.tap("en_route")
    phone.tap("assigned")
    settle()
    assert fresh(cast, trip).status == "crew_assigned"
    with act_as(cast.staff()):
        assert ServiceRequest.objects.get(pk=trip.request_id).status == "scheduled"


def test_after_two_minutes_nothing_is_taken_back(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    phone.tap("en_route")
    with (
        time_machine.travel(clock.now() + dt.timedelta(seconds=200), tick=False),
        pytest.raises(IllegalMove, match="can no longer be taken back"),
    ):
        phone.tap("assigned")
    assert phone.leg().status == "en_route"


def test_a_phone_whose_clock_is_two_hours_off_is_marked_and_put_right(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    wrong = clock.now() - dt.timedelta(hours=2)
    phone.tap("on_board", wrong, device_now=wrong)
    event = phone.history()[-1]
    assert event.at == wrong
    assert abs(event.skew_seconds - 7200) <= 2
    assert event.details["skewed"] is True
    picked_up_at = phone.leg().picked_up_at
    assert picked_up_at is not None
    assert abs((clock.now() - picked_up_at).total_seconds()) < 5


def test_a_time_in_the_future_never_becomes_a_pickup_time(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    phone.tap("on_board", clock.now() + dt.timedelta(hours=3))
    picked_up_at = phone.leg().picked_up_at
    assert picked_up_at is not None
    assert picked_up_at <= clock.now()


def test_position_is_kept_when_given_and_the_tap_counts_without(cast: Cast) -> None:
    phone = Phone(cast, assigned(cast))
    phone.tap("en_route")
    phone.tap("at_pickup", latitude=43.05, longitude=-89.4, accuracy_m=12.0)
    first, second = phone.history()[-2:]
    assert (first.latitude, second.latitude, second.accuracy_m) == (None, 43.05, 12.0)


def test_only_the_crew_and_its_dispatch_tap(cast: Cast) -> None:
    trip = assigned(cast)
    other = vendor_scope(cast, cast.northbound.pk, actor_role="driver", user_id=cast.people["driver@tamarack"].user_id)
    with pytest.raises(DomainError, match="does not exist"):
        Phone(cast, trip, other).tap("en_route")
    rival = vendor_scope(cast, cast.tamarack.pk)
    with pytest.raises(DomainError, match="does not exist"):
        Phone(cast, trip, rival).tap("en_route")
    assert Phone(cast, trip, vendor_scope(cast, cast.northbound.pk)).tap("en_route").outcome == "moved"


def test_a_trip_without_crew_on_hold_or_canceled_takes_no_tap(cast: Cast) -> None:
    from dispatch.services import trips

    trip = assigned(cast)
    phone = Phone(cast, trip)
    with act_as(cast.staff()):
        trips.hold(trip.pk, reason="x")
    with pytest.raises(IllegalMove, match="is on hold. Call dispatch"):
        phone.tap("en_route")
    with act_as(cast.staff()):
        trips.cancel(trip.pk, reason="other")
    with pytest.raises(DomainError):
        phone.tap("en_route")


def test_a_no_show_needs_the_door_and_the_wait_and_ends_the_trip(cast: Cast) -> None:
    trip = assigned(cast, in_minutes=20)
    phone = Phone(cast, trip)
    with pytest.raises(IllegalMove, match="At pickup"):
        phone.tap("no_show")
    phone.tap("at_pickup")
    with pytest.raises(IllegalMove, match=r"Wait until \d\d:\d\d"):
        phone.tap("no_show", reason="not_there")
    with time_machine.travel(trip.pickup_at + dt.timedelta(minutes=11), tick=False):
        assert phone.tap("no_show", reason="not_there").outcome == "moved"
        settle()
        ticked()
        assert fresh(cast, trip).status == "canceled"
        with act_as(cast.staff()):
            assert ServiceRequest.objects.get(pk=trip.request_id).status == "canceled"
            assert Alert.objects.filter(code="no_show").count() == 1
        with act_as(cast.vendor()):
            assert not Run.objects.filter(is_active=True).exists()
            assert not Commitment.objects.filter(is_active=True, ends_at__gt=clock.now()).exists()
