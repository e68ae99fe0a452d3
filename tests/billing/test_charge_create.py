"""A completed trip is charged once, by the contract of its day."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.db.utils import ProgrammingError

from billing.models import Charge, ChargeLine
from billing.services import charges
from dispatch.models import Leg, Trip
from dispatch.services import proof, transitions
from logistics.core import clock
from logistics.requests.alerts import sentence_of
from logistics.requests.models import Alert
from tests.cast import Cast, build_cast
from tests.dispatch.ride import assigned, fresh, vendor_scope
from tests.support import act_as, settle
from vendors.models import Contract
from vendors.services import contracts


def completed(cast: Cast, *, driven: str = "", settled: bool = True) -> Trip:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, "on_board", at=clock.now(), key="key-00000001")
        proof.record(
            leg.pk, receiver_name="Elena Brandt", receiver_relation="family", unsigned_reason="Hand in a cast",
            at=clock.now(), key="key-00000002",
        )  # fmt: skip
    if driven:
        with act_as(cast.staff()):
            Leg.objects.filter(pk=leg.pk).update(loaded_miles=Decimal(driven))
    if settled:
        settle()
    return fresh(cast, trip)


def test_a_completed_trip_is_charged_by_its_contract_line_by_line(cast: Cast) -> None:
    trip = completed(cast)
    with act_as(cast.staff()):
        charge = Charge.objects.get(trip=trip)
        lines = list(charge.lines.all())
        leg = Leg.objects.get(trip=trip)
    assert [line.kind for line in lines] == ["base", "loaded_mile"]
    assert charge.total_amount == sum(line.amount for line in lines)
    assert charge.total_amount == Decimal("45.00") + (leg.miles * Decimal("3.25")).quantize(Decimal("0.01"))
    # What was offered is what is charged, when the planned way was driven.
    assert charge.total_amount == charge.estimate_amount
    assert lines[1].rule.endswith("planned route")
    assert charge.contract_version == 1
    assert charge.vendor_id == cast.northbound.pk


def test_a_ride_over_midnight_is_charged_on_the_day_of_its_pickup(cast: Cast) -> None:
    zone = "America/Chicago"
    soon = clock.local(clock.now(), zone) + dt.timedelta(hours=1)
    loaded_at = soon.replace(hour=23, minute=50, second=0, microsecond=0)
    if loaded_at < soon:
        loaded_at += dt.timedelta(days=1)
    with time_machine.travel(loaded_at - dt.timedelta(minutes=40), tick=False):
        trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
    with time_machine.travel(loaded_at, tick=False), act_as(vendor_scope(cast, cast.northbound.pk)):
        transitions.tap(leg.pk, "on_board", at=clock.now(), key="key-00000001")
    with time_machine.travel(loaded_at + dt.timedelta(minutes=40), tick=False):
        with act_as(vendor_scope(cast, cast.northbound.pk)):
            proof.record(
                leg.pk, receiver_name="Elena Brandt", receiver_relation="family", unsigned_reason="Hand in a cast",
                at=clock.now(), key="key-00000002",
            )  # fmt: skip
        settle()
        assert clock.local(clock.now(), zone).strftime("%H:%M") == "00:30"
    with act_as(cast.staff()):
        assert Charge.objects.get(trip=trip).service_on == loaded_at.date()


def test_driven_miles_count_when_they_were_measured(cast: Cast) -> None:
    trip = completed(cast, driven="10.0")
    with act_as(cast.staff()):
        charge = Charge.objects.get(trip=trip)
        assert (charge.loaded_miles, charge.total_amount) == (Decimal("10.0"), Decimal("77.50"))
        assert charge.lines.last().rule.endswith("as driven")


def test_charging_again_changes_nothing(cast: Cast) -> None:
    trip = completed(cast)
    with act_as(cast.staff()):
        first = charges.charge_trip(trip.pk)
        assert first is not None
        assert charges.charge_trip(trip.pk) == first
        assert Charge.objects.count() == 1


def test_a_trip_that_is_not_completed_is_not_charged(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(cast.staff()):
        assert charges.charge_trip(trip.pk) is None


def test_the_version_of_the_pickup_day_prices_the_trip_whatever_is_signed_later(cast: Cast) -> None:
    trip = completed(cast, settled=False)
    day = clock.local(trip.pickup_at, trip.time_zone).date()
    with act_as(cast.staff()):
        old = Contract.objects.get(vendor=cast.northbound)
        new = contracts.draft(vendor=cast.northbound, effective_from=day + dt.timedelta(days=1))
        contracts.set_rate(contract=new, level="WC", base_amount=Decimal(900), mile_amount=Decimal(9))
        contracts.sign(contract=new, signed_by_name="A. Signer")
    settle()
    with act_as(cast.staff()):
        charge = Charge.objects.get(trip=trip)
        assert (charge.contract_version, charge.contract_id) == (1, old.pk)


def test_without_a_rate_a_person_is_told(cast: Cast) -> None:
    trip = completed(cast, settled=False)
    with act_as(cast.staff()):
        day = clock.local(trip.pickup_at, trip.time_zone).date()
        Contract.objects.filter(vendor=cast.northbound).update(effective_to=day)
    settle()
    with act_as(cast.staff()):
        assert not Charge.objects.exists()
        sentence = sentence_of(Alert.objects.get(code="no_rate"))
    assert sentence.happened.startswith(f"Trip {trip.number} cannot be charged: no contract rate for WC on")


def test_the_vendor_reads_its_own_charges_and_no_side_changes_them(cast: Cast) -> None:
    completed(cast)
    with act_as(cast.vendor()):
        assert ChargeLine.objects.count() == 2
    with act_as(cast.vendor(cast.tamarack)):
        assert not Charge.objects.exists()
    with pytest.raises(ProgrammingError, match="permission denied"), act_as(cast.staff()):
        Charge.objects.update(total_amount=0)


@pytest.mark.django_db(transaction=True)
def test_workers_that_charge_at_once_make_one_charge() -> None:
    cast = build_cast()
    trip = completed(cast, settled=False)
    start = threading.Barrier(4)
    made: list[object] = []

    def work() -> None:
        try:
            start.wait(timeout=20)
            with act_as(cast.staff()):
                charge = charges.charge_trip(trip.pk)
                made.append(charge.pk if charge else None)
        except Exception as error:
            made.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(made) == 4
    assert len(set(made)) == 1
    with act_as(cast.staff()):
        assert Charge.objects.count() == 1
        assert ChargeLine.objects.count() == 2
