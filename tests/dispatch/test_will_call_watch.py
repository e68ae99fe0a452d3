"""Will calls: owned, called by page, link or phone, and never forgotten."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from dispatch.models import Trip
from dispatch.selectors import journeys
from dispatch.services import ready, returns, trips
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import Alert, TransportDetail
from logistics.requests.services import alerts
from tests.cast import Cast
from tests.dispatch.journey import alerts_of, last_event, round_trip, settled_trips, take
from tests.dispatch.ride import FAMILY, accepted, fresh, opened, ticked
from tests.support import act_as, problem_of, settle, signed_in


def will_call(cast: Cast, *, owner: str = "Dana Morales", hours: float = 3, place: bool = True) -> tuple[Trip, Trip]:
    """An outbound ride, and its return when called, expected after ``hours`` at a place of the address book."""
    back: dict[str, Any] = {
        "when": "ready", "pickup_at": None, "ready_expected_at": clock.now() + dt.timedelta(hours=hours),
        "ready_owner_name": owner,
    }  # fmt: skip
    if not place:
        back |= {"pickup_kind": "", "pickup_place": None}
    out, ret = settled_trips(cast, *round_trip(cast, back=back))
    return out, ret


def test_half_an_hour_after_the_expected_time_the_owner_is_named(cast: Cast) -> None:
    _, back = will_call(cast, place=False)
    with time_machine.travel(back.pickup_at + dt.timedelta(minutes=29), tick=False):
        assert ticked()["will_calls_told"] == 0
    with time_machine.travel(back.pickup_at + dt.timedelta(minutes=30), tick=False):
        assert ticked()["will_calls_told"] == 1
        assert ticked()["will_calls_told"] == 0
    (alert,) = alerts_of(cast, "will_call_forgotten")
    assert alert.params["owner"] == "Dana Morales"
    assert FAMILY not in str(alert.params)


def test_it_is_told_again_and_again_until_somebody_acts(cast: Cast) -> None:
    _, back = will_call(cast, place=False)
    at = back.pickup_at + dt.timedelta(minutes=30)
    with time_machine.travel(at, tick=False):
        ticked()
        (first,) = alerts_of(cast, "will_call_forgotten")
        with act_as(cast.staff()):
            alerts.acknowledge(first)
        assert ticked()["will_calls_told"] == 0, "somebody has just taken it on"
    with time_machine.travel(at + dt.timedelta(minutes=30), tick=False):
        assert ticked()["will_calls_told"] == 1
    (second,) = alerts_of(cast, "will_call_forgotten")
    assert second.severity == "top"
    with time_machine.travel(at + dt.timedelta(days=2), tick=False):
        assert fresh(cast, back).status != "canceled", "it never just expires"


def test_at_closing_time_it_is_told_once_more_as_an_alarm(cast: Cast) -> None:
    _, back = will_call(cast, owner="")
    local = clock.local(back.pickup_at, back.time_zone)
    with act_as(cast.staff()):
        place = cast.places["willow@lakeshore"]
        place.closes_minute = min(local.hour * 60 + local.minute + 45, 1439)
        place.save(update_fields=["closes_minute"])
    with time_machine.travel(back.pickup_at + dt.timedelta(minutes=31), tick=False):
        ticked()
        assert alerts_of(cast, "will_call_closing") == []
        assert len(alerts_of(cast, "will_call_forgotten")) == 1
    with time_machine.travel(back.pickup_at + dt.timedelta(minutes=46), tick=False):
        assert ticked()["will_calls_told"] == 1
    (alarm,) = alerts_of(cast, "will_call_closing")
    assert (alarm.severity, alarm.params["owner"]) == ("top", "Nobody")


def test_a_unit_of_the_hospital_does_not_close(cast: Cast) -> None:
    _, back = will_call(cast, place=False)
    with act_as(cast.staff()):
        detail = TransportDetail.objects.get(request=back.request_id)
        assert ready.closes_at(back, detail) is None


def test_the_word_closes_the_alerts_and_says_how_it_came(cast: Cast) -> None:
    _, back = will_call(cast, place=False)
    with time_machine.travel(back.pickup_at + dt.timedelta(minutes=31), tick=False):
        ticked()
        with act_as(cast.staff()):
            ready.call(back.pk, via="phone", caller="family", at=clock.now() - dt.timedelta(minutes=5))
        now = fresh(cast, back)
        assert (now.is_ready, now.pickup_at) == (True, clock.now() - dt.timedelta(minutes=5))
        assert alerts_of(cast, "will_call_forgotten") == []
        assert ticked()["will_calls_told"] == 0
    details = last_event(cast, back).details
    assert (details["via"], details["caller"]) == ("phone", "family")


@pytest.mark.parametrize(
    ("caller", "minutes", "words"), [("", 0, "who called"), ("family", 5, "still to come"), ("family", -500, "6 hours")]
)
def test_a_call_is_entered_with_who_and_when(cast: Cast, caller: str, minutes: int, words: str) -> None:
    _, back = will_call(cast)
    with act_as(cast.staff()), pytest.raises(DomainError, match=words):
        ready.call(back.pk, via="phone", caller=caller, at=clock.now() + dt.timedelta(minutes=minutes))


def test_a_ride_with_a_time_is_not_called(cast: Cast) -> None:
    trip = accepted(cast)
    with act_as(cast.staff()):
        with pytest.raises(IllegalMove, match="fixed time"):
            ready.call(trip.pk)
        with pytest.raises(IllegalMove, match="does not wait"):
            ready.take_on(trip.pk)


def test_a_way_back_is_secured_by_a_vendor_or_by_who_watches_the_call(cast: Cast) -> None:
    out, back = will_call(cast, owner="")
    take(cast, out)

    def seen() -> tuple[bool, str]:
        with act_as(cast.staff()):
            journey = journeys.of_trip(out)
            assert journey is not None
            return journey.secured(out.request_id), journey.after(out.request_id)[0].standing

    assert seen() == (False, "will call, watched by nobody")
    with act_as(cast.staff()):
        ready.take_on(back.pk)
    assert seen() == (True, "will call, watched by Test")
    with act_as(cast.staff()):
        trips.hold(back.pk, reason="Doctor asks")
    assert seen() == (False, "on hold")
    with act_as(cast.staff()):
        trips.resume(back.pk)
    settle()
    offer = take(cast, back)
    name = {cast.northbound.pk: "Northbound Medical", cast.tamarack.pk: "Tamarack Ambulance"}[offer.vendor_id]
    assert seen() == (True, f"secured by {name}")


def test_an_outbound_without_a_secured_return_is_told_once_and_once_more_before_it_leaves(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, out_in=300))
    take(cast, out)
    assert ticked()["returns_told"] == 0, "more than four hours are left"
    with time_machine.travel(out.pickup_at - dt.timedelta(hours=3), tick=False), act_as(cast.staff()):
        assert returns.escalate() == 1
        assert returns.escalate() == 0
        alert = Alert.objects.get(code="return_not_secured")
        assert (alert.severity, alert.params["trip"]) == ("warn", back.number)
    with time_machine.travel(out.pickup_at - dt.timedelta(minutes=50), tick=False), act_as(cast.staff()):
        assert returns.escalate() == 1
        assert Alert.objects.get(code="return_not_secured").severity == "top"
    take(cast, back)
    with act_as(cast.staff()):
        returns.escalate()
    assert alerts_of(cast, "return_not_secured") == []
    assert fresh(cast, out).return_escalation == 0


class TestLink:
    """The patient's own page."""

    @pytest.fixture(autouse=True)
    def _no_counts(self) -> None:
        cache.clear()

    def url(self, cast: Cast, trip: Trip) -> str:
        return f"/ready/{ready.token_of(trip)}"

    def test_it_opens_without_signing_in_and_names_nobody(self, cast: Cast) -> None:
        _, back = will_call(cast)
        answer = Client().get(self.url(cast, back))
        page = problem_of(answer)
        assert answer.status_code == 200
        assert "I am ready" in page
        assert f">{clock.local(back.pickup_at, back.time_zone):%H:%M}</time>" in page, "on the clock of the place"
        for secret in (FAMILY, "Willow", "High St", "4 West", str(back.pk)):
            assert secret not in page
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]

    def test_looking_changes_nothing_and_pressing_says_ready_once(self, cast: Cast) -> None:
        _, back = will_call(cast)
        url = self.url(cast, back)
        Client().get(url)
        assert not fresh(cast, back).is_ready
        pressed = Client().post(url)
        assert (pressed.status_code, pressed["Location"]) == (303, url)
        now = fresh(cast, back)
        assert now.is_ready
        assert last_event(cast, back).details["via"] == "link"
        again = Client().post(url)
        assert (again.status_code, "Thank you" in problem_of(again)) == (200, True)
        assert fresh(cast, back).pickup_at == now.pickup_at

    def test_a_text_that_we_did_not_sign_opens_nothing(self, cast: Cast) -> None:
        _, back = will_call(cast)
        token = ready.token_of(back)
        for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x" + token[1:], "made-up-token", "."):
            assert Client().get(f"/ready/{wrong}").status_code == 404
            assert Client().post(f"/ready/{wrong}").status_code == 404
        assert not fresh(cast, back).is_ready

    def test_it_ends_a_day_after_the_time_and_with_the_trip(self, cast: Cast) -> None:
        _, back = will_call(cast)
        url = self.url(cast, back)
        with time_machine.travel(back.pickup_at + dt.timedelta(hours=25), tick=False):
            answer = Client().post(url)
            assert (answer.status_code, "has ended" in problem_of(answer)) == (410, True)
            assert not fresh(cast, back).is_ready
        with act_as(cast.staff()):
            trips.cancel(back.pk, reason="patient_request")
        over = Client().post(url)
        assert (over.status_code, "is over" in problem_of(over)) == (410, True)

    def test_the_link_of_a_ride_with_a_time_does_nothing(self, cast: Cast) -> None:
        trip = opened(cast)
        assert Client().post(self.url(cast, trip)).status_code == 410

    def test_who_tries_too_often_waits(self, cast: Cast) -> None:
        _, back = will_call(cast)
        url = self.url(cast, back)
        answers = [Client().get(url).status_code for _ in range(11)]
        assert answers == [200] * 10 + [429]

    def test_somebody_signed_in_elsewhere_may_press_it_too(self, cast: Cast) -> None:
        _, back = will_call(cast)
        client = signed_in(cast.people["vendor_dispatcher@tamarack"])
        assert client.post(self.url(cast, back)).status_code == 303
        assert fresh(cast, back).is_ready


def test_the_desk_enters_a_call_and_gives_the_link_out(cast: Cast) -> None:
    _, back = will_call(cast)
    client = signed_in(cast.people["case_manager@lakeshore"])
    page = problem_of(client.get(f"/trips/{back.number}/called"))
    assert ready.token_of(back) in page
    empty = client.post(f"/trips/{back.number}/called", {"caller": "", "at": ""})
    assert (empty.status_code, "Choose who called" in problem_of(empty)) == (422, True)
    now = clock.local(clock.now(), back.time_zone)
    done = client.post(f"/trips/{back.number}/called", {"caller": "facility", "at": f"{now:%H:%M}"})
    assert (done.status_code, done["Location"]) == (303, f"/trips/{back.number}")
    assert fresh(cast, back).is_ready


def test_one_press_makes_a_call_mine(cast: Cast) -> None:
    out, back = will_call(cast, owner="")
    take(cast, out)
    client = signed_in(cast.people["case_manager@lakeshore"])
    page = problem_of(client.get(f"/trips/{out.number}"))
    assert "Accepted, return not secured yet" in page
    assert f"/trips/{back.number}/watch" in page
    assert client.post(f"/trips/{back.number}/watch").status_code == 303
    with act_as(cast.staff()):
        detail = TransportDetail.objects.get(request=back.request_id)
    assert detail.ready_owner_name == "Case Manager of Lakeshore"
    page = problem_of(client.get(f"/trips/{out.number}"))
    assert "return not secured yet" not in page
    assert "watched by Case Manager of Lakeshore" in page
