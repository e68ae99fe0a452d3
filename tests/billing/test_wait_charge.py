"""A vehicle that waited is paid by the contract: from the handover of the ride before to the boarding of this one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import time_machine

from billing.models import Charge
from billing.services import charges
from dispatch.models import Leg, Trip
from dispatch.services import assignment, proof, transitions
from logistics.core import clock
from tests.cast import Cast
from tests.dispatch.journey import round_trip, settled_trips, take, with_fees
from tests.dispatch.ride import fresh, vendor_scope
from tests.support import act_as, settle


def driven(cast: Cast, trip: Trip, *, board: dt.datetime, minutes: int) -> None:
    """The vendor's crew takes the patient on board at ``board`` and hands over ``minutes`` later."""
    now = fresh(cast, trip)
    with time_machine.travel(board, tick=False), act_as(vendor_scope(cast, now.vendor_id)):
        choice = next(choice for choice in assignment.suggest(trip.pk) if not choice.refusals)
        assignment.assign(trip.pk, choice.vehicle_id)
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, "on_board", at=clock.now(), key=f"on-{trip.pk}")
    with time_machine.travel(board + dt.timedelta(minutes=minutes), tick=False):
        with act_as(vendor_scope(cast, now.vendor_id)):
            proof.record(
                leg.pk, receiver_name="Elena Brandt", receiver_relation="family", unsigned_reason="Hand in a cast",
                at=clock.now(), key=f"off-{trip.pk}",
            )  # fmt: skip
        settle()


def test_the_wait_between_two_rides_is_a_line_of_the_second(cast: Cast) -> None:
    with_fees(cast, wait=True)
    soon = clock.now() + dt.timedelta(minutes=90)
    rides = round_trip(cast, kind="wait_return", wait_minutes=40, out_in=20, back={"pickup_at": soon})
    out, back = settled_trips(cast, *rides)
    take(cast, out)
    start = clock.now() + dt.timedelta(minutes=20)
    driven(cast, out, board=start, minutes=20)
    driven(cast, back, board=start + dt.timedelta(minutes=20 + 52), minutes=20)
    with act_as(cast.staff()):
        first, second = (Charge.objects.get(trip=trip) for trip in (out, back))
        assert "wait" not in [line.kind for line in first.lines.all()]
        wait = second.lines.get(kind="wait")
        assert second.total_amount == sum(line.amount for line in second.lines.all())
    # 52 minutes, 15 free, by begun quarters of an hour: three.
    assert (wait.quantity, wait.unit_amount, wait.amount) == (Decimal(3), Decimal("8.00"), Decimal("24.00"))
    assert wait.rule == "Contract version 2: 52 min waited, 15 min free, by begun 15 min"


def test_the_return_of_a_plain_round_trip_is_paid_no_wait(cast: Cast) -> None:
    with_fees(cast, wait=True)
    out, back = settled_trips(cast, *round_trip(cast))
    with act_as(cast.staff()):
        assert charges.waited_minutes(Trip.objects.get(pk=back.pk), clock.now()) is None
        assert charges.waited_minutes(Trip.objects.get(pk=out.pk), clock.now()) is None
