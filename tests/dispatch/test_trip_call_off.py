"""Calling a trip off: what it costs at each stage, what billing charges, and what becomes of the way back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.models import Charge
from billing.services import charges
from dispatch.models import Leg, Trip
from dispatch.services import assignment, fees, ready, returns, transitions, trips
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove, StaleState
from logistics.requests.models import ServiceRequest
from tests.cast import Cast
from tests.dispatch.journey import alerts_of, last_event, round_trip, settled_trips, take, with_fees
from tests.dispatch.ride import accepted, assigned, fresh, opened, vendor_scope
from tests.support import act_as, settle


def tap(cast: Cast, trip: Trip, to: str, **more: Any) -> None:
    with act_as(vendor_scope(cast, trip.vendor_id)):
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, to, at=clock.now(), key=f"{trip.pk}-{to}", **more)
    settle()


def fee(cast: Cast, trip: Trip, **more: Any) -> fees.Fee:
    with act_as(cast.staff()):
        return fees.fee_of(Trip.objects.get(pk=trip.pk), **more)


def charged(cast: Cast, trip: Trip) -> list[tuple[str, Decimal, str]]:
    settle()
    with act_as(cast.staff()):
        rows = Charge.objects.filter(trip=trip).prefetch_related("lines").order_by("created_at")
        return [(row.kind, row.total_amount, row.lines.all()[0].rule) for row in rows]


def test_the_fee_follows_how_far_things_have_come(cast: Cast) -> None:
    with_fees(cast)
    waiting = opened(cast)
    assert (fee(cast, waiting).stage, fee(cast, waiting).amount) == ("before_accept", 0)
    trip = assigned(cast, in_minutes=90)
    assert fee(cast, trip).amount == 0, "free until an hour before"
    with time_machine.travel(trip.pickup_at - dt.timedelta(minutes=60), tick=False):
        assert fee(cast, trip).amount == 0
    with time_machine.travel(trip.pickup_at - dt.timedelta(minutes=59), tick=False):
        assert fee(cast, trip).amount == Decimal("20.00")
    tap(cast, trip, "en_route")
    assert (fee(cast, trip).stage, fee(cast, trip).amount) == ("en_route", Decimal("38.00"))
    tap(cast, trip, "at_pickup")
    assert (fee(cast, trip).stage, fee(cast, trip).amount) == ("at_door", Decimal("55.00"))


def test_a_vendor_that_is_late_or_could_not_come_is_owed_nothing(cast: Cast) -> None:
    with_fees(cast)
    trip = assigned(cast, in_minutes=90)
    tap(cast, trip, "en_route")
    assert fee(cast, trip, code="vendor_breakdown").amount == 0
    with time_machine.travel(trip.pickup_at + dt.timedelta(minutes=15), tick=False):
        assert fee(cast, trip).amount == Decimal("38.00"), "the contract's tolerance still holds"
    with time_machine.travel(trip.pickup_at + dt.timedelta(minutes=16), tick=False):
        assert fee(cast, trip).amount == 0
        tap(cast, trip, "at_pickup")
        assert fee(cast, trip).amount == 0, "it came later than its contract allows"


def test_what_rose_since_it_was_shown_is_not_done_and_named(cast: Cast) -> None:
    with_fees(cast)
    trip = assigned(cast, in_minutes=90)
    seen = fee(cast, trip).amount
    tap(cast, trip, "en_route")
    with act_as(cast.staff()), pytest.raises(StaleState, match=r"The fee is \$38.00 now") as caught:
        trips.cancel(trip.pk, reason="patient_request", fee_seen=seen)
    assert (caught.value.code, caught.value.status_code) == ("fee_rose", 409)
    assert fresh(cast, trip).status == "under_way"
    with act_as(cast.staff()):
        trips.cancel(trip.pk, reason="patient_request", fee_seen=Decimal("38.00"))
    assert fresh(cast, trip).status == "canceled"


def test_the_fee_stands_in_the_history_and_is_charged_once(cast: Cast) -> None:
    with_fees(cast)
    trip = assigned(cast, in_minutes=90)
    tap(cast, trip, "en_route")
    with act_as(cast.staff()):
        trips.cancel(trip.pk, reason="patient_admitted")
    details = last_event(cast, trip).details
    assert (details["stage"], details["fee_amount"], details["code"]) == ("en_route", "38.00", "patient_admitted")
    ((kind, amount, rule),) = charged(cast, trip)
    assert (kind, amount) == ("cancel_fee", Decimal("38.00"))
    assert rule.startswith("Contract version 2: crew on its way, ")
    with act_as(cast.staff()):
        assert charges.charge_fees(trip.pk) == []
    assert len(charged(cast, trip)) == 1


def test_nothing_is_charged_for_what_costs_nothing(cast: Cast) -> None:
    with_fees(cast)
    trip = opened(cast)
    with act_as(cast.staff()):
        trips.cancel(trip.pk, reason="patient_request")
    assert charged(cast, trip) == []


def test_a_crew_that_came_for_nobody_is_owed_the_fee_at_the_door(cast: Cast) -> None:
    with_fees(cast)
    trip = assigned(cast, in_minutes=30)
    tap(cast, trip, "at_pickup")
    with time_machine.travel(trip.pickup_at + dt.timedelta(minutes=11), tick=False):
        tap(cast, trip, "no_show", reason="not_there")
    ((kind, amount, _),) = charged(cast, trip)
    assert (kind, amount) == ("cancel_fee", Decimal("55.00"))


def test_a_patient_on_board_is_not_canceled(cast: Cast) -> None:
    trip = assigned(cast)
    tap(cast, trip, "on_board")
    with act_as(cast.staff()), pytest.raises(IllegalMove, match="another destination"):
        trips.cancel(trip.pk, reason="patient_request")


def test_canceling_the_outbound_asks_about_its_return(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast))
    with act_as(cast.staff()), pytest.raises(DomainError, match="what happens to the way back") as caught:
        returns.cancel(out.pk, reason="patient_request")
    assert "returns" in caught.value.fields
    assert fresh(cast, out).status != "canceled"
    with act_as(cast.staff()):
        returns.cancel(out.pk, reason="patient_request", returns="keep")
    settle()
    assert (fresh(cast, out).status, fresh(cast, back).status) == ("canceled", "offering")
    assert alerts_of(cast, "return_left") == [], "a person has answered"


def test_the_return_goes_along_only_when_a_person_says_so_with_both_fees(cast: Cast) -> None:
    with_fees(cast)
    rides = round_trip(cast, out_in=45, back={"pickup_at": clock.now() + dt.timedelta(minutes=50)})
    out, back = settled_trips(cast, *rides)
    take(cast, out)
    take(cast, back)
    with act_as(cast.staff()), pytest.raises(StaleState, match=r"\$40.00 now"):
        returns.cancel(out.pk, reason="patient_request", returns="cancel", fee_seen=Decimal("20.00"))
    assert fresh(cast, out).status == "accepted"
    with act_as(cast.staff()):
        gone = returns.cancel(out.pk, reason="patient_request", returns="cancel", fee_seen=Decimal("40.00"))
    assert {trip.pk for trip in gone} == {out.pk, back.pk}
    assert [amount for _, amount, _ in charged(cast, out) + charged(cast, back)] == [Decimal("20.00")] * 2


def test_a_return_that_is_only_planned_goes_along_too(cast: Cast) -> None:
    rides = round_trip(cast, confirm_back=False)
    (out,) = settled_trips(cast, rides[0])
    with act_as(cast.staff()):
        returns.cancel(out.pk, reason="patient_request", returns="cancel")
        assert ServiceRequest.objects.get(pk=rides[1].pk).status == "canceled"


def test_nobody_who_is_out_there_loses_the_way_back_by_a_click(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast))
    take(cast, out)
    drive(cast, out, "on_board")
    with act_as(cast.staff()), pytest.raises(DomainError, match="how they get home") as caught:
        returns.cancel(back.pk, reason="found_other_ride")
    assert "home" in caught.value.fields
    assert fresh(cast, back).status != "canceled"
    with act_as(cast.staff()):
        returns.cancel(back.pk, reason="found_other_ride", home="family")
    assert last_event(cast, back).details["home"] == "family"


def test_a_return_alone_is_canceled_like_any_trip_while_the_patient_is_here(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast))
    with act_as(cast.staff()):
        returns.cancel(back.pk, reason="found_other_ride")
    settle()
    assert (fresh(cast, out).status, fresh(cast, back).status) == ("offering", "canceled")


def test_after_an_outbound_no_show_the_return_waits_and_somebody_is_told(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast, out_in=30))
    take(cast, out)
    take(cast, back)
    drive(cast, out, "at_pickup")
    with time_machine.travel(out.pickup_at + dt.timedelta(minutes=12), tick=False):
        tap(cast, fresh(cast, out), "no_show", reason="not_there")
    assert fresh(cast, back).status == "held", "not canceled: perhaps they are there all the same"
    (alert,) = alerts_of(cast, "return_on_hold")
    assert alert.severity == "top"
    assert alert.params["trip"] == back.number


def test_a_patient_who_calls_from_there_after_a_no_show_is_fetched(cast: Cast) -> None:
    back_at = clock.now() + dt.timedelta(hours=4)
    rides = round_trip(cast, out_in=30, back={"when": "ready", "pickup_at": None, "ready_expected_at": back_at})
    out, back = settled_trips(cast, *rides)
    take(cast, out)
    take(cast, back)
    drive(cast, out, "at_pickup")
    with time_machine.travel(out.pickup_at + dt.timedelta(minutes=12), tick=False):
        tap(cast, fresh(cast, out), "no_show", reason="not_there")
        assert fresh(cast, back).status == "held"
        with act_as(cast.staff()):
            ready.call(back.pk, via="link")
        settle()
        now = fresh(cast, back)
    assert (now.status, now.is_ready, now.vendor_id is not None) == ("accepted", True, True)


def test_a_cancellation_by_a_system_asks_a_person_about_the_return(cast: Cast) -> None:
    out, back = settled_trips(cast, *round_trip(cast))
    with act_as(cast.staff()):
        trips.cancel(out.pk, reason="discharge_canceled", source="request")
    settle()
    (alert,) = alerts_of(cast, "return_left")
    assert alert.params["trip"] == back.number
    assert fresh(cast, back).status == "offering"


def drive(cast: Cast, trip: Trip, to: str) -> None:
    """The crew of whichever vendor has the trip takes it so far."""
    now = fresh(cast, trip)
    with act_as(vendor_scope(cast, now.vendor_id)):
        choice = next(choice for choice in assignment.suggest(trip.pk) if not choice.refusals)
        assignment.assign(trip.pk, choice.vehicle_id)
    settle()
    tap(cast, fresh(cast, trip), to)


def test_an_accepted_trip_without_fees_in_its_contract_costs_nothing(cast: Cast) -> None:
    trip = accepted(cast)
    found = fee(cast, trip)
    assert (found.stage, found.amount) == ("after_accept", 0)
    assert "fee_amount" not in found.details()
