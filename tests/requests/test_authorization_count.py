"""Authorized trips: kept, used, given back, run out, released to another supplier; the last one has one taker."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from logistics.core import clock, outbox
from logistics.core.errors import DomainError
from logistics.core.outbox import Event
from logistics.requests import care_subscribers
from logistics.requests.alerts import sentence_of
from logistics.requests.models import (
    Alert,
    Authorization,
    AuthorizationUse,
    Gate,
    Patient,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.selectors.authorizations import counts_of, standing
from logistics.requests.services import authorization_records as records
from logistics.requests.services import authorizations, gates, transitions
from tests.cast import Cast, build_cast
from tests.requests.paper import ZONE, allowed, form, patient, ride, sign
from tests.requests.test_booking_confirm import together
from tests.support import act_as, settle


def at(day: int, hour: int = 0) -> dt.datetime:
    return clock.now() + dt.timedelta(days=day, hours=hour + 1)


def counts(cast: Cast, row: Authorization) -> tuple[int, int]:
    """(used, kept)."""
    with act_as(cast.staff()):
        return counts_of([row.pk]).get(row.pk, (0, 0))


def status(cast: Cast, request: ServiceRequest) -> str:
    with act_as(cast.staff()):
        return ServiceRequest.objects.get(pk=request.pk).status


def move(cast: Cast, request: ServiceRequest, *steps: str) -> None:
    with act_as(cast.staff()):
        row = ServiceRequest.objects.get(pk=request.pk)
        for step in steps:
            transitions.request_to(row, step, source="trip")
    settle()


def test_a_booked_ride_keeps_a_trip_a_done_ride_uses_it_and_a_canceled_one_gives_it_back(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 12)
    first, second = ride(cast, person, at(2)), ride(cast, person, at(2, 5))
    assert counts(cast, row) == (0, 2)
    move(cast, first, "scheduled", "in_progress", "completed")
    assert counts(cast, row) == (1, 1)
    move(cast, second, "canceled")
    assert counts(cast, row) == (1, 0)
    with act_as(cast.staff()):
        authorizations.follow(first.pk)  # told again
    assert counts(cast, row) == (1, 0)


def test_twelve_trips_and_thirteen_rides_the_thirteenth_waits_and_goes_when_a_trip_comes_free(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 12)
    rides = [ride(cast, person, at(day, hour)) for day in range(1, 7) for hour in (0, 4)]
    last = ride(cast, person, at(8))
    assert {each.status for each in rides} == {"requested"}
    assert status(cast, last) == "pending"
    with act_as(cast.staff()):
        gate = Gate.objects.get(request=last, kind="authorization")
        assert "All 12 authorized one-way trips are taken" in gate.reason
    move(cast, rides[0], "canceled")
    assert status(cast, last) == "requested"
    assert counts(cast, row) == (0, 12)


def test_more_trips_from_the_payer_send_waiting_rides_on_the_earliest_first(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 1)
    ride(cast, person, at(1))
    late, early = ride(cast, person, at(6)), ride(cast, person, at(3))
    assert {status(cast, late), status(cast, early)} == {"pending"}
    with act_as(cast.staff()):
        records.edit(authorization_id=row.pk, affirmed_qty=2)
    assert (status(cast, early), status(cast, late)) == ("requested", "pending")


def test_somebody_may_let_a_waiting_ride_go_without_a_trip(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 1)
    ride(cast, person, at(1))
    more = ride(cast, person, at(3))
    with act_as(cast.staff()):
        gates.answer(gate_id=Gate.objects.get(request=more).pk, granted=True, note="The hospital pays")
    settle()
    assert status(cast, more) in ("requested", "scheduled")
    assert counts(cast, row) == (0, 1)


def test_with_two_trips_left_the_warning_is_amber_and_told_once(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 10, days=90)
    for day in range(1, 10):
        ride(cast, person, at(day))
    with act_as(cast.staff()):
        alert = Alert.objects.get(code="authorization_low")
        assert sentence_of(alert).happened.startswith("The authorization has 2 of 10 one-way trips left")
        state = standing(row, used=0, reserved=8, today=clock.today(ZONE))
    assert (state.tone, state.why) == ("warn", "2 of 10 trips left")


@given(st.integers(1, 300), st.integers(0, 400), st.integers(0, 400), st.integers(-30, 90))
def test_a_warning_comes_from_eighty_percent_or_fourteen_days_before_the_end(total, used, kept, days) -> None:
    today = dt.date(2027, 3, 1)
    row = Authorization(status="affirmed", affirmed_qty=total, ends_on=today + dt.timedelta(days=days),
                        tenant_id="00000000-0000-0000-0000-000000000001")  # fmt: skip
    state = standing(row, used=used, reserved=kept, today=today)
    assert 0 <= state.left <= total
    assert bool(state.tone) == (used + kept >= 0.8 * total or days <= 14)
    assert (state.tone == "bad") == (days < 0 or used + kept >= total)


def test_a_discharge_another_payer_and_another_level_take_no_trip(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 5)
    rides = [
        ride(cast, person, at(1), purpose="discharge"),
        ride(cast, person, at(2), payer_name="Blue Lake PPO"),
        ride(cast, person, at(3), level="ALS"),
        ride(cast, person, at(40)),
    ]
    assert {each.status for each in rides} == {"requested"}
    assert counts(cast, row) == (0, 0)
    with act_as(cast.staff()):
        assert Alert.objects.get(code="authorization_other_level").request_id == rides[2].pk


def test_a_stream_that_goes_on_after_the_last_day_waits(cast: Cast) -> None:
    person = patient(cast)
    allowed(cast, person, 40, days=6)
    for day in (2, 4, 6):
        ride(cast, person, at(day, -2)), ride(cast, person, at(day, 2))
    after = ride(cast, person, at(8))
    assert status(cast, after) == "pending"
    with act_as(cast.staff()):
        assert "The authorization ended on" in Gate.objects.get(request=after).reason


def test_a_ride_that_moves_out_of_the_period_gives_its_trip_back_and_somebody_is_told(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 5, days=6)
    request = ride(cast, person, at(2))
    with act_as(cast.staff()):
        detail = TransportDetail.objects.get(request=request)
        detail.pickup_at = at(20)
        detail.save()
        outbox.publish("request.changed", {"request_id": str(request.pk)})
    settle()
    assert counts(cast, row) == (0, 0)
    with act_as(cast.staff()):
        assert Alert.objects.filter(code="authorization_missing", request=request).exists()


def test_two_authorizations_in_force_cannot_overlap_and_the_old_supplier_releases_first(cast: Cast) -> None:
    person = patient(cast)
    old = allowed(cast, person, 20)
    request = ride(cast, person, at(3))
    with pytest.raises(DomainError, match="released first") as error:
        allowed(cast, person, 20, first=5, supplier_name="Northbound Medical", supplier_id=cast.northbound.pk)
    assert error.value.code == "overlap"
    with act_as(cast.staff()):
        assert records.ask_release(authorization_id=old.pk).status == "release_asked"
    assert counts(cast, old) == (0, 1)
    with pytest.raises(DomainError):
        allowed(cast, person, 20, first=5)
    with act_as(cast.staff()):
        records.confirm_release(authorization_id=old.pk)
        assert Alert.objects.filter(code="authorization_missing", request=request).exists()
    assert counts(cast, old) == (0, 0)
    assert allowed(cast, person, 20, first=5).status == "affirmed"


def test_the_database_itself_refuses_two_that_overlap(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 20)
    with act_as(cast.staff()):
        later = row.ends_on + dt.timedelta(days=9)
        same = {"patient": person, "payer_name": "Medicare", "requested_qty": 2, "levels": ["BLS"],
                "supplier_name": "X", "starts_on": row.ends_on, "ends_on": later}  # fmt: skip
        with pytest.raises(IntegrityError, match="no_overlap"), transaction.atomic():
            Authorization.objects.create(**same, status="affirmed")
        Authorization.objects.create(**{**same, "starts_on": row.ends_on + dt.timedelta(days=1)}, status="affirmed")


def test_a_partial_yes_counts_what_was_allowed_and_a_no_may_be_asked_again(cast: Cast) -> None:
    person = patient(cast)
    today = clock.today(ZONE)
    fields: dict[str, Any] = {"payer_name": "Medicare", "levels": ["BLS"], "requested_qty": 80, "supplier_name": "T",
                              "starts_on": today, "ends_on": today + dt.timedelta(days=60)}  # fmt: skip
    with act_as(cast.staff()):
        row = records.add(patient=person, **fields)
        with pytest.raises(DomainError):
            records.decide(authorization_id=row.pk, decision="partially_affirmed", affirmed_qty=81, number="U1")
        records.decide(authorization_id=row.pk, decision="non_affirmed")
        records.resubmit(authorization_id=row.pk)
        with pytest.raises(DomainError) as error:
            records.decide(authorization_id=row.pk, decision="partially_affirmed", affirmed_qty=24)
        assert set(error.value.fields) == {"number"}
        done = records.decide(authorization_id=row.pk, decision="partially_affirmed", affirmed_qty=24, number="U1")
        assert (done.status, done.affirmed_qty) == ("partially_affirmed", 24)
        other = records.add(patient=patient_of(person), **fields)
        with pytest.raises(DomainError) as error:
            records.edit(authorization_id=other.pk, number=" u1 ")
        assert error.value.code == "number_taken"


def patient_of(person: Patient) -> Patient:
    return Patient.objects.get(pk=person.pk)


def test_fewer_trips_than_are_taken_cannot_be_left(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 5)
    ride(cast, person, at(1)), ride(cast, person, at(2))
    with act_as(cast.staff()), pytest.raises(DomainError, match="2 trips"):
        records.edit(authorization_id=row.pk, affirmed_qty=1)


def test_another_company_that_takes_the_trip_is_told(cast: Cast) -> None:
    person = patient(cast)
    allowed(cast, person, 5)
    request = ride(cast, person, at(1))
    for vendor, told in ((cast.tamarack, 0), (cast.northbound, 1)):
        with act_as(cast.staff()):
            care_subscribers.check_supplier(
                Event(1, "trip.accepted", cast.lakeshore.pk, vendor.pk, {"request_id": str(request.pk)})
            )
            assert Alert.objects.filter(code="authorization_other_supplier", request=request).count() == told


def test_ahead_counts_units_for_dates_to_come_and_says_which_are_certified(cast: Cast) -> None:
    person = patient(cast)
    row = allowed(cast, person, 6, days=60)
    kept = ride(cast, person, at(1))
    sign(cast, form(cast, person))
    today = clock.today(ZONE)
    with act_as(cast.staff()):
        first = AuthorizationUse.objects.get(request=kept).service_on
        days = [first, first, *(first + dt.timedelta(days=n) for n in (2, 2, 4, 4, 6, 70))]
        seen = authorizations.ahead(person.pk, days)
    assert [one.unit_no for one in seen] == [1, 2, 3, 4, 5, 6, None, None]
    assert [one.governed for one in seen] == [True] * 7 + [True]
    assert seen[0].words == "Unit 1 of 6"
    assert seen[6].words == "No authorized trip left: the ride will wait"
    assert seen[0].authorization_id == row.pk
    assert all(one.certificate.ok for one in seen[:7])
    assert not seen[7].certificate.ok
    assert (first - today).days in (1, 2)


@pytest.mark.django_db(transaction=True)
def test_the_last_trip_goes_to_one_of_two_bookings_in_the_same_second() -> None:
    cast = build_cast()
    person = patient(cast)
    row = allowed(cast, person, 3)
    ride(cast, person, at(1)), ride(cast, person, at(2))
    drafts = [ride(cast, person, at(3 + number), confirm=False) for number in range(4)]

    def booking(request: ServiceRequest) -> Any:
        def call() -> str:
            with act_as(cast.staff()):
                own = ServiceRequest.objects.select_related("facility", "patient").get(pk=request.pk)
                return gates.confirm(own).status

        return call

    outcomes = together(*(booking(request) for request in drafts))
    assert sorted(outcomes) == ["pending", "pending", "pending", "requested"]
    assert counts(cast, row) == (0, 3)
