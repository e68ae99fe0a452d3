"""A series makes its rides two weeks ahead, once, and keeps them in step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from dispatch.models import Trip
from logistics.core import clock
from logistics.core.errors import DomainError, StaleState
from logistics.requests.models import (
    Alert,
    Journey,
    Patient,
    ServiceRequest,
    StandingOrder,
    StandingRide,
    TransportDetail,
)
from logistics.requests.services import booking, holidays_calendar, standing_dates, standing_orders, standing_plan
from logistics.requests.services import transitions as moves
from logistics.requests.tasks import look_ahead
from tests.cast import Cast
from tests.requests.standing import MONDAY, begin, center, draft, local, now, rides, spec, statuses
from tests.requests.ward import admit
from tests.support import act_as, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def monday() -> Iterator[None]:
    """It is Monday 1 February 2027, noon in Chicago."""
    with clock.pretend(MONDAY):
        yield


@pytest.fixture
def order(cast: Cast, monday: None) -> StandingOrder:
    """Agnes Cole, at home: Mon, Wed, Fri, chair 05:30."""
    patient_id = admit(cast, stay={"status": "discharged"}).patient_id
    return begin(cast, patient_id, start_on=dt.date(2027, 2, 1))


def test_two_weeks_are_made_as_round_trips_with_a_will_call_back(cast: Cast, order: StandingOrder) -> None:
    made = rides(cast, order)
    # Monday's chair is over at noon; the horizon is 14 days.
    assert [key for key in made if key[1] == "out"] == [
        (day, "out") for day in ("02-03", "02-05", "02-08", "02-10", "02-12", "02-15")
    ]
    assert len(made) == 12
    out, back = made["02-03", "out"], made["02-03", "back"]
    assert (out.source, out.status, out.link, back.link) == ("standing", "requested", "", "return")
    assert out.journey_id == back.journey_id is not None
    assert (out.detail.when, local(out.detail.arrive_by_at)) == ("arrive", "02-03 05:30")
    assert out.detail.pickup_at < out.detail.arrive_by_at
    assert (out.detail.pickup_kind, out.detail.pickup_address["line"]) == ("home", "18 Pier Rd")
    assert out.detail.place_id == center(cast).pk
    assert (back.detail.when, local(back.detail.ready_expected_at)) == ("ready", "02-03 10:00")
    assert back.detail.pickup_place_id == center(cast).pk
    assert back.detail.destination_kind == "home"
    assert back.detail.ready_owner_name == "Charge nurse, Lakeside"
    assert out.detail.driver_note == "Knock twice"
    assert (out.detail.level, out.detail.level_advised) == ("WC", "WC")


def test_each_ride_gets_a_trip(cast: Cast, order: StandingOrder) -> None:
    settle()
    ids = [request.pk for request in rides(cast, order).values()]
    with act_as(cast.staff()):
        assert Trip.objects.filter(request_id__in=ids).count() == 12


def test_sent_twice_it_is_one_series(cast: Cast, order: StandingOrder) -> None:
    again = begin(cast, order.patient_id, start_on=dt.date(2027, 2, 1))
    assert again.pk == order.pk
    with act_as(cast.staff()):
        assert StandingOrder.objects.count() == 1
        assert StandingRide.objects.count() == 12


def test_the_horizon_rolls_on_and_a_second_run_makes_nothing(cast: Cast, order: StandingOrder) -> None:
    with clock.pretend(MONDAY + dt.timedelta(days=3)):
        assert look_ahead()["made"] == 2
        assert look_ahead() == {"made": 0, "changed": 0, "canceled": 0, "failed": 0}
        assert ("02-17", "out") in rides(cast, order)


def test_the_last_date_ends_the_series_by_itself(cast: Cast, monday: None) -> None:
    patient_id = admit(cast).patient_id
    order = begin(cast, patient_id, start_on=dt.date(2027, 2, 3), end_on=dt.date(2027, 2, 5))
    assert sorted({key[0] for key in rides(cast, order)}) == ["02-03", "02-05"]
    with clock.pretend(MONDAY + dt.timedelta(days=7)):
        look_ahead()
        assert now(cast, order).status == "ended"


def test_the_preferred_vendor_goes_with_every_ride(cast: Cast, monday: None) -> None:
    order = begin(cast, admit(cast).patient_id, start_on=dt.date(2027, 2, 3), preferred_vendor_id=cast.northbound.pk)
    assert {request.preferred_vendor_id for request in rides(cast, order).values()} == {cast.northbound.pk}


def test_a_change_from_a_date_keeps_two_edited_days(cast: Cast, order: StandingOrder) -> None:
    with act_as(cast.staff()):
        standing_dates.edit(order_id=order.pk, on=dt.date(2027, 2, 10), local_time=dt.time(7), edits={})
        standing_dates.edit(
            order_id=order.pk, on=dt.date(2027, 2, 12), local_time=None,
            edits={"needs": ["oxygen"], "oxygen_lpm": 2, "driver_note": "Bring the tank"},
        )  # fmt: skip
    before = rides(cast, order)
    assert local(before["02-10", "out"].detail.arrive_by_at) == "02-10 07:00"
    patient = now(cast, order).patient
    with act_as(cast.staff()):
        standing_orders.change_from(
            order_id=order.pk,
            from_on=dt.date(2027, 2, 8),
            spec=spec(center(cast), patient, rule="FREQ=WEEKLY;BYDAY=TU,TH,SA", local_time=dt.time(11)),
            seen_version=now(cast, order).series_version,
        )
    after = rides(cast, order)
    assert sorted({key[0] for key in after}) == ["02-03", "02-05", "02-09", "02-10", "02-11", "02-12", "02-13"]
    assert after["02-10", "out"].pk == before["02-10", "out"].pk
    assert local(after["02-10", "out"].detail.arrive_by_at) == "02-10 07:00"
    assert after["02-12", "out"].detail.needs == ["oxygen"]
    assert after["02-12", "out"].detail.driver_note == "Bring the tank"
    assert local(after["02-03", "out"].detail.arrive_by_at) == "02-03 05:30"
    assert local(after["02-09", "out"].detail.arrive_by_at) == "02-09 11:00"
    with act_as(cast.staff()):
        gone = ServiceRequest.objects.get(pk=before["02-08", "out"].pk)
        assert gone.status == "canceled"


def test_a_change_of_the_time_keeps_the_rides_and_their_trips(cast: Cast, order: StandingOrder) -> None:
    settle()
    before = rides(cast, order)
    patient = now(cast, order).patient
    with act_as(cast.staff()):
        standing_orders.change_from(
            order_id=order.pk, from_on=dt.date(2027, 2, 8), seen_version=1,
            spec=spec(center(cast), patient, local_time=dt.time(12, 15)),
        )  # fmt: skip
    settle()
    after = rides(cast, order)
    assert {key: request.pk for key, request in after.items()} == {key: r.pk for key, r in before.items()}
    assert local(after["02-08", "out"].detail.arrive_by_at) == "02-08 12:15"
    with act_as(cast.staff()):
        trip = Trip.objects.get(request=after["02-08", "out"])
        assert trip.pickup_at == after["02-08", "out"].detail.pickup_at


def test_a_ride_that_a_person_changed_is_not_overwritten(cast: Cast, order: StandingOrder) -> None:
    theirs = rides(cast, order)["02-08", "out"]
    with act_as(cast.staff()):
        ServiceRequest.objects.filter(pk=theirs.pk).update(human_edited=True)
    patient = now(cast, order).patient
    with act_as(cast.staff()):
        _, done = standing_orders.change_from(
            order_id=order.pk, from_on=dt.date(2027, 2, 5), seen_version=1,
            spec=spec(center(cast), patient, local_time=dt.time(12, 15)),
        )  # fmt: skip
    assert done.kept == [dt.date(2027, 2, 8)]
    assert local(rides(cast, order)["02-08", "out"].detail.arrive_by_at) == "02-08 05:30"
    assert local(rides(cast, order)["02-10", "out"].detail.arrive_by_at) == "02-10 12:15"


def test_a_page_that_is_out_of_date_cannot_change_the_series(cast: Cast, order: StandingOrder) -> None:
    with act_as(cast.staff()):
        standing_dates.skip(order_id=order.pk, on=dt.date(2027, 2, 10), reason="Vacation")
    patient = now(cast, order).patient
    with act_as(cast.staff()), pytest.raises(StaleState, match="Somebody changed this series"):
        standing_orders.change_from(
            order_id=order.pk, from_on=dt.date(2027, 2, 8), seen_version=1, spec=spec(center(cast), patient)
        )


def test_skip_one_date_and_undo(cast: Cast, order: StandingOrder) -> None:
    first = rides(cast, order)["02-05", "out"]
    with act_as(cast.staff()):
        row = standing_dates.skip(order_id=order.pk, on=dt.date(2027, 2, 5), reason="Graduation")
    assert ("02-05", "out") not in rides(cast, order)
    with act_as(cast.staff()):
        gone = ServiceRequest.objects.get(pk=first.pk)
        assert (gone.status, gone.events.latest("id").reason) == ("canceled", "appointment_canceled")
        standing_dates.undo(exception_id=row.pk)
        standing_dates.undo(exception_id=row.pk)
    again = rides(cast, order)["02-05", "out"]
    assert again.pk != first.pk
    assert again.status == "requested"


def test_move_one_date_keeps_its_rides(cast: Cast, order: StandingOrder) -> None:
    before = rides(cast, order)["02-05", "back"]
    with act_as(cast.staff()):
        standing_dates.move(order_id=order.pk, on=dt.date(2027, 2, 5), to=dt.date(2027, 2, 6), local_time=dt.time(9))
        with pytest.raises(DomainError, match="There are rides on Mon 8 Feb already"):
            standing_dates.move(order_id=order.pk, on=dt.date(2027, 2, 10), to=dt.date(2027, 2, 8))
    after = rides(cast, order)["02-05", "back"]
    assert after.pk == before.pk
    assert local(after.detail.ready_expected_at) == "02-06 13:30"


def test_add_a_date_once(cast: Cast, order: StandingOrder) -> None:
    with act_as(cast.staff()):
        standing_dates.add(order_id=order.pk, on=dt.date(2027, 2, 4), local_time=dt.time(10), reason="Extra treatment")
        with pytest.raises(DomainError, match="The series has Thu 4 Feb already"):
            standing_dates.add(order_id=order.pk, on=dt.date(2027, 2, 4))
    assert local(rides(cast, order)["02-04", "out"].detail.arrive_by_at) == "02-04 10:00"


def test_a_closed_day_of_the_center_moves_the_ride(cast: Cast, order: StandingOrder) -> None:
    first = rides(cast, order)["02-12", "out"]
    with act_as(cast.staff()):
        holidays_calendar.close(
            place=center(cast), on=dt.date(2027, 2, 12), name="Water main", moved_to=dt.date(2027, 2, 13),
            today=dt.date(2027, 2, 1),
        )  # fmt: skip
    settle()
    moved = rides(cast, order)["02-12", "out"]
    assert moved.pk == first.pk
    assert local(moved.detail.arrive_by_at) == "02-13 05:30"
    with act_as(cast.staff()):
        assert holidays_calendar.reopen(place=center(cast), on=dt.date(2027, 2, 12))
    settle()
    assert local(rides(cast, order)["02-12", "out"].detail.arrive_by_at) == "02-12 05:30"


@pytest.mark.parametrize(
    ("noon", "day", "utc"),
    [
        (dt.datetime(2027, 3, 8, 18, tzinfo=dt.UTC), "03-14", "10:30"),
        (dt.datetime(2027, 11, 1, 17, tzinfo=dt.UTC), "11-07", "11:30"),
    ],
)
def test_the_chair_stays_at_half_past_five_when_the_clocks_change(
    cast: Cast, noon: dt.datetime, day: str, utc: str
) -> None:
    with clock.pretend(noon):
        order = begin(cast, admit(cast).patient_id, start_on=noon.date(), rule="FREQ=DAILY")
        made = rides(cast, order)
    chairs = {local(request.detail.arrive_by_at)[6:] for key, request in made.items() if key[1] == "out"}
    assert chairs == {"05:30"}
    assert f"{made[day, 'out'].detail.arrive_by_at:%H:%M}" == utc


def test_a_half_past_two_leg_takes_place_at_three_in_spring(cast: Cast) -> None:
    with clock.pretend(dt.datetime(2027, 3, 8, 18, tzinfo=dt.UTC)):
        order = begin(
            cast, admit(cast).patient_id, start_on=dt.date(2027, 3, 14), rule="FREQ=WEEKLY;BYDAY=SU", timing="at",
            local_time=dt.time(2, 30), return_kind="at",
        )  # fmt: skip
        out, back = rides(cast, order)["03-14", "out"], rides(cast, order)["03-14", "back"]
    assert local(out.detail.pickup_at) == "03-14 03:00"
    assert local(back.detail.pickup_at) == "03-14 07:30"


def test_a_date_near_another_ride_waits_for_a_person(cast: Cast, monday: None) -> None:
    patient_id = admit(cast).patient_id
    with act_as(cast.staff()):
        other = ServiceRequest.objects.create(patient_id=patient_id, facility=cast.facilities["lakeshore"])
        TransportDetail.objects.create(
            request=other, when="at", pickup_at=dt.datetime(2027, 2, 3, 12, tzinfo=dt.UTC), level="WC",
            mobility="wheelchair", destination_kind="place", place=center(cast),
        )  # fmt: skip
        moves.request_to(other, "requested")
    order = begin(cast, patient_id, start_on=dt.date(2027, 2, 3))
    found = statuses(cast, order)
    assert (found["02-03", "out"], found["02-05", "out"]) == ("draft", "requested")
    with act_as(cast.staff()):
        assert Alert.objects.filter(code="standing_conflict", acknowledged_at__isnull=True).count() >= 1
        assert standing_dates.send(order_id=order.pk, on=dt.date(2027, 2, 3)) >= 1
        assert not Alert.objects.filter(code="standing_conflict", acknowledged_at__isnull=True).exists()
    assert statuses(cast, order)["02-03", "out"] == "requested"


def test_a_chart_that_advises_another_level_leaves_the_level_to_a_person(cast: Cast, order: StandingOrder) -> None:
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=order.patient_id)
        patient.isolation = "airborne"
        patient.save()
        row = standing_orders.get_locked(order.pk)
        fields = {"mobility": "wheelchair", "needs": []}
        advised = booking.advise_for(fields, row.patient).level
    with clock.pretend(MONDAY + dt.timedelta(days=3)):
        look_ahead()
        fresh = rides(cast, order)["02-17", "out"]
    if advised == "WC":
        assert fresh.status == "requested"
    else:
        assert (fresh.status, fresh.detail.level, fresh.detail.level_advised) == ("draft", "", advised)


def test_a_canceled_ride_is_not_made_again_until_a_person_asks(cast: Cast, order: StandingOrder) -> None:
    gone = rides(cast, order)["02-05", "out"]
    with act_as(cast.staff()):
        booking.cancel(request_id=gone.pk, reason_code="patient_refused")
    look_ahead()
    assert statuses(cast, order)["02-05", "out"] == "canceled"
    with act_as(cast.staff()):
        assert standing_dates.book_again(order_id=order.pk, on=dt.date(2027, 2, 5)).made == 1
        assert standing_dates.book_again(order_id=order.pk, on=dt.date(2027, 2, 5)).made == 0
    again = rides(cast, order)
    assert again["02-05", "out"].status == "requested"
    assert again["02-05", "out"].journey_id == again["02-05", "back"].journey_id


def test_suspend_holds_and_resume_lets_go_on(cast: Cast, order: StandingOrder) -> None:
    settle()
    before = statuses(cast, order)
    with act_as(cast.staff()):
        standing_orders.suspend(order_id=order.pk, reason="Transplant evaluation")
    settle()
    assert set(statuses(cast, order).values()) == {"held"}
    with clock.pretend(MONDAY + dt.timedelta(days=2)):
        look_ahead()  # Wednesday's ride there passed while nobody let it go
        assert ("02-03", "out") not in statuses(cast, order)
        with act_as(cast.staff()):
            standing_orders.resume(order_id=order.pk)
        settle()
        found = statuses(cast, order)
    assert set(found.values()) == {"requested"} == set(before.values())
    assert ("02-15", "back") in found
    assert ("02-17", "out") in found  # it came into view meanwhile


def test_end_now_cancels_what_is_ahead(cast: Cast, order: StandingOrder) -> None:
    settle()
    before = rides(cast, order)
    with act_as(cast.staff()):
        standing_orders.end(order_id=order.pk, reason="Moved to another state")
        standing_orders.end(order_id=order.pk, reason="Moved to another state")
    settle()
    assert now(cast, order).status == "ended"
    with act_as(cast.staff()):
        ids = [request.pk for request in before.values()]
        assert set(ServiceRequest.objects.filter(pk__in=ids).values_list("status", flat=True)) == {"canceled"}
        assert set(Trip.objects.filter(request_id__in=ids).values_list("status", flat=True)) == {"canceled"}
        with pytest.raises(DomainError, match="This series is over"):
            standing_dates.skip(order_id=order.pk, on=dt.date(2027, 2, 10), reason="Late")


def test_a_last_date_to_come_keeps_the_rides_until_then(cast: Cast, order: StandingOrder) -> None:
    with act_as(cast.staff()):
        standing_orders.end(order_id=order.pk, last_on=dt.date(2027, 2, 8), reason="Transplant")
    assert now(cast, order).status == "active"
    assert max(key[0] for key in rides(cast, order)) == "02-08"


def test_bad_answers_name_every_field(cast: Cast, monday: None) -> None:
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=admit_id(cast))
        wrong = spec(
            center(cast), patient, rule="", local_time=None, return_minutes=0, ride={"mobility": "", "weight_lb": 0}
        )
        with pytest.raises(DomainError) as caught:
            draft(cast, patient, wrong, start_on=dt.date(2027, 1, 1))
    assert set(caught.value.fields) == {"days", "local_time", "return_hours", "mobility", "weight_lb", "start_on"}


def admit_id(cast: Cast) -> object:
    """A patient in the house."""
    return admit(cast).patient_id


def test_the_preview_knows_the_dates_and_what_stands_against_them(cast: Cast, monday: None) -> None:
    patient_id = admit(cast).patient_id
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=patient_id)
        series = draft(cast, patient, spec(center(cast), patient), start_on=dt.date(2027, 2, 3))
        found = standing_plan.checked(series, dt.date(2027, 2, 3), dt.date(2027, 5, 3))
        assert StandingOrder.objects.count() == 0
        assert Journey.objects.count() == 0
    assert len(found) == 39
    day = next(each for each in found if each.planned.occurrence.day == dt.date(2027, 2, 15))
    assert day.planned.occurrence.note == "Washington's Birthday: check that the center is open."
