"""Rides that belong together: all or none, never without the way back, each connection possible."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from logistics.core import clock, scoping
from logistics.core.errors import DomainError
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.models import Journey, ServiceRequest, TransportDetail
from logistics.requests.services import booking, journeys, places
from logistics.requests.services.booking import Choice, OpenRide, Quote
from logistics.requests.services.journeys import Onward, Plan, Ride
from tests.cast import Cast, build_cast
from tests.requests.test_booking_confirm import ride, together
from tests.requests.ward import admit, requests_of
from tests.support import act_as

ME = uuid4()
QUOTE = Quote(Decimal("7.4"), 21, Decimal("64.00"))
SEEN = Choice("WC")


def staff(cast: Cast, who: str = "Dana") -> Scope:
    return Scope.staff(cast.lakeshore.pk, user_id=ME, actor_label=who, actor_role="case_manager")


def back(**changes: Any) -> Onward:
    given = {"when": "at", "pickup_at": clock.now() + dt.timedelta(hours=5), **changes}
    return Onward("return", "return", **given)


def call_back(**changes: Any) -> Onward:
    given = {"expected_at": clock.now() + dt.timedelta(hours=5), "owner_id": ME, "owner_name": "Dana", **changes}
    return Onward("return", "return", when="ready", **given)


def rides_of(cast: Cast, first: dict[str, Any], plan: Plan) -> list[Ride]:
    """The rides as the page lays them out: half an hour each."""
    start = places.of_facility(cast.facilities["lakeshore"])
    rides = [Ride(first, QUOTE, first["pickup_at"] + dt.timedelta(minutes=37))]
    for onward in plan.onward:
        before = rides[-1]
        fields = journeys.onward_fields(
            first, onward, here=before.fields["destination"], there=onward.destination or start,
            arrives_at=before.arrives_at,
        )  # fmt: skip
        asked = fields["pickup_at"] or fields["ready_expected_at"]
        rides.append(Ride(fields, QUOTE, asked + dt.timedelta(minutes=37) if asked else None))
    return rides


def book(cast: Cast, plan: Plan, *, key: str = "k", encounter: Any = None, **changes: Any) -> list[ServiceRequest]:
    encounter = encounter or admit(cast)
    with act_as(staff(cast)):
        draft = booking.start_draft(patient=encounter.patient, key=key)
        rides = rides_of(cast, ride(cast, **changes), plan)
        return journeys.book(request_id=draft.pk, plan=plan, rides=rides, key=key, choice=SEEN)


def details(cast: Cast, booked: list[ServiceRequest]) -> list[TransportDetail]:
    with act_as(cast.staff()):
        rows = {row.request_id: row for row in TransportDetail.objects.select_related("place", "pickup_place")}
        return [rows[request.pk] for request in booked]


def refused(cast: Cast, plan: Plan, **changes: Any) -> dict[str, str]:
    with pytest.raises(DomainError) as error:
        book(cast, plan, **changes)
    with act_as(cast.staff()):
        assert not Journey.objects.exists()
        assert not ServiceRequest.objects.exclude(status="draft").exists()
    return error.value.fields


def test_a_round_trip_is_two_rides_there_and_back(cast: Cast) -> None:
    booked = book(cast, Plan("round_trip", (back(),), same_vendor=True))
    there, home = booked
    assert [r.status for r in booked] == ["requested", "requested"]
    assert there.journey_id == home.journey_id
    assert [(r.journey_order, r.link) for r in booked] == [(1, ""), (2, "return")]
    way_there, way_back = details(cast, booked)
    willow = cast.places["willow@lakeshore"]
    assert way_there.place == way_back.pickup_place == willow
    assert way_back.pickup_contact == "Willow Creek Skilled Nursing, 608 555 0177"
    assert way_back.destination_address["name"] == "Lakeshore Medical Center"
    assert way_back.pickup_bed_label == ""
    assert way_back.miles == Decimal("7.4")
    with act_as(cast.staff()):
        journey = Journey.objects.get()
        assert (journey.kind, journey.same_vendor) == ("round_trip", True)
        ready = OutboxEvent.objects.filter(topic="request.ready").values_list("payload__request_id", flat=True)
        assert sorted(ready) == sorted(str(r.pk) for r in booked)
        assert OutboxEvent.objects.filter(topic="journey.booked").count() == 1
        assert AuditEntry.objects.get(action="journey.booked").details["rides"] == 2


def test_every_need_of_the_way_there_goes_with_the_way_back(cast: Cast) -> None:
    encounter = admit(cast, isolation="contact")
    needs = {
        "needs": ["oxygen", "isolation", "wander"], "oxygen_lpm": Decimal(2), "chair": "manual", "chair_width_in": 26,
        "escort_name": "Maria Cole", "service_animal": True, "companions": 2, "pickup_steps": 0, "dropoff_steps": 3,
    }  # fmt: skip
    booked = book(cast, Plan("round_trip", (call_back(),)), encounter=encounter, **needs)
    way_there, way_back = details(cast, booked)
    for name in ("needs", "oxygen_lpm", "chair", "chair_width_in", "escort_name", "service_animal", "companions",
                 "mobility", "level", "weight_lb"):  # fmt: skip
        assert getattr(way_there, name) == getattr(way_back, name), name
    assert (way_back.pickup_steps, way_back.dropoff_steps) == (3, 0)


def test_a_return_that_waits_for_the_call_has_an_owner(cast: Cast) -> None:
    reggie = uuid4()
    booked = book(cast, Plan("round_trip", (call_back(owner_id=reggie, owner_name="Reggie", phone="608 555 0199"),)))
    way_back = details(cast, booked)[1]
    assert (way_back.when, way_back.pickup_at) == ("ready", None)
    assert way_back.ready_expected_at is not None
    assert (way_back.ready_owner_id, way_back.ready_owner_name) == (reggie, "Reggie")
    assert way_back.ready_phone == "608 555 0199"


def test_nobody_is_stranded(cast: Cast) -> None:
    words = "A round trip is not booked without its return"
    assert words in refused(cast, Plan("round_trip", ()), key="1")["return_when"]
    assert words in refused(cast, Plan("round_trip", (Onward("return", "return"),)), key="2")["return_when"]
    fields = refused(cast, Plan("round_trip", (call_back(owner_id=None),)), key="3")
    assert "without an owner is forgotten" in fields["return_owner"]
    fields = refused(cast, Plan("round_trip", (call_back(expected_at=None),)), key="4")
    assert "about when" in fields["return_local"]
    fields = refused(cast, Plan("round_trip", (back(pickup_at=None),)), key="5")
    assert fields["return_local"] == "Write the date and time of the return."


def test_a_return_before_the_arrival_is_refused_with_the_earliest_time(cast: Cast) -> None:
    too_early = clock.now() + dt.timedelta(minutes=100)
    fields = refused(cast, Plan("round_trip", (back(pickup_at=too_early),)))
    assert "The patient arrives about" in fields["return_local"]
    assert "or later." in fields["return_local"]


def test_what_is_wrong_with_any_ride_is_said_at_once(cast: Cast) -> None:
    fields = refused(cast, Plan("round_trip", (Onward("return", "return"),)), mobility="", weight_lb=5000)
    assert {"return_when", "mobility", "weight_lb"} <= set(fields)


def test_a_vehicle_that_waits_is_one_vendor_and_its_wait_is_kept(cast: Cast) -> None:
    waits = Onward("return", "return", when="at", dwell_minutes=45)
    booked = book(cast, Plan("wait_return", (waits,), wait_minutes=45))
    with act_as(cast.staff()):
        journey = Journey.objects.get()
    assert (journey.kind, journey.wait_minutes, journey.same_vendor) == ("wait_return", 45, True)
    way_there, way_back = details(cast, booked)
    gap = way_back.pickup_at - way_there.pickup_at
    assert dt.timedelta(minutes=37 + 45) <= gap < dt.timedelta(minutes=37 + 46)


@pytest.mark.parametrize("minutes", [None, 5, 241])
def test_a_wait_has_a_length(cast: Cast, minutes: int | None) -> None:
    waits = Onward("return", "return", when="at", dwell_minutes=minutes or 0)
    fields = refused(cast, Plan("wait_return", (waits,), wait_minutes=minutes))
    assert "10 to 240 minutes" in fields["wait_minutes"]


def stop(cast: Cast, number: int, text: str, **changes: Any) -> Onward:
    with act_as(cast.staff()):
        there = places.resolve(value="", text=text, patient=None)
    given = {"when": "at", "dwell_minutes": 30, **changes}
    return Onward(f"stop{number}", "connection", there, **given)


def test_several_stops_are_driven_in_order(cast: Cast) -> None:
    plan = Plan(
        "multi_leg", (stop(cast, 2, "12 Elm St, Madison WI 53704"), stop(cast, 3, "18 Pier Rd, Madison WI 53703"))
    )
    booked = book(cast, plan)
    assert [(r.journey_order, r.link) for r in booked] == [(1, ""), (2, "connection"), (3, "connection")]
    rows = details(cast, booked)
    assert rows[0].pickup_at < rows[1].pickup_at < rows[2].pickup_at
    assert rows[2].pickup_address["line"] == rows[1].destination_address["line"] == "12 Elm St"


def test_a_connection_that_is_not_possible_is_refused(cast: Cast) -> None:
    soon = clock.now() + dt.timedelta(minutes=140)
    plan = Plan("multi_leg", (stop(cast, 2, "12 Elm St, Madison WI 53704", pickup_at=soon),))
    fields = refused(cast, plan)
    assert "stays 30 min" in fields["stop2_local"]


def test_a_stop_at_the_same_door_is_refused(cast: Cast) -> None:
    plan = Plan("multi_leg", (stop(cast, 2, "Willow Creek Skilled Nursing"),))
    assert "same place" in refused(cast, plan)["stop2"]


def test_a_journey_sent_twice_is_booked_once(cast: Cast) -> None:
    encounter, plan = admit(cast), Plan("round_trip", (back(),))
    first = book(cast, plan, encounter=encounter)
    with act_as(staff(cast)):
        again = journeys.book(
            request_id=first[0].pk, plan=plan, rides=rides_of(cast, ride(cast), plan), key="k", choice=SEEN
        )
    assert [r.pk for r in again] == [r.pk for r in first]
    assert len(requests_of(cast, encounter.patient_id)) == 2


def test_an_open_ride_near_the_return_stops_the_whole_journey(cast: Cast) -> None:
    encounter = admit(cast)
    with act_as(staff(cast)):
        other = booking.start_draft(patient=encounter.patient, key="other")
        later = ride(cast, pickup_at=clock.now() + dt.timedelta(hours=6))
        booking.confirm(request_id=other.pk, fields=later, key="other", level_seen="WC")
    with pytest.raises(OpenRide) as error:
        book(cast, Plan("round_trip", (back(),)), encounter=encounter)
    assert error.value.request_id == other.pk
    with act_as(cast.staff()):
        assert not Journey.objects.exists()


def test_a_ride_near_a_booked_return_is_tracked_not_booked_again(cast: Cast) -> None:
    encounter = admit(cast)
    booked = book(cast, Plan("round_trip", (back(),)), encounter=encounter)
    with act_as(staff(cast)):
        draft = booking.start_draft(patient=encounter.patient, key="another")
        near = ride(cast, pickup_at=clock.now() + dt.timedelta(hours=8))
        with pytest.raises(OpenRide) as error:
            booking.confirm(request_id=draft.pk, fields=near, key="another", level_seen="WC")
    assert error.value.request_id == booked[1].pk


@pytest.mark.django_db(transaction=True)
def test_two_people_who_book_the_same_journey_make_one() -> None:
    cast = build_cast()
    encounter = admit(cast)
    plan = Plan("round_trip", (back(),))
    first = ride(cast)
    with act_as(cast.staff()):
        rides = rides_of(cast, first, plan)

    def call(who: str) -> Any:
        def run() -> Any:
            with transaction.atomic(), scoping.enter(staff(cast, who)):
                draft = booking.start_draft(patient=encounter.patient, key=who)
                booked = journeys.book(request_id=draft.pk, plan=plan, rides=rides, key=who, choice=SEEN)
                return [r.pk for r in booked]

        return run

    outcomes = together(call("Dana"), call("Reggie"))
    assert sum(isinstance(each, OpenRide) for each in outcomes) == 1
    with act_as(cast.staff()):
        assert Journey.objects.count() == 1
        assert ServiceRequest.objects.filter(status="requested").count() == 2
