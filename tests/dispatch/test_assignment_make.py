"""Vehicle and crew on a trip: what is checked, and that nothing is taken twice."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection

from dispatch.models import Leg, Run, RunCrew, Trip
from dispatch.services import assignment, offers
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove
from tests.cast import Cast, build_cast
from tests.dispatch.ride import accepted, assigned, fresh, open_offer, opened, vendor_scope
from tests.support import act_as, settle
from vendors.models import Commitment, CommitmentCrew, Credential, Shift, ShiftCrew, Vehicle


def refusal(cast: Cast, trip: Trip, vehicle: str = "Northbound 3", **more: object) -> DomainError:
    with act_as(vendor_scope(cast, cast.northbound.pk)), pytest.raises(DomainError) as caught:
        assignment.assign(trip.pk, cast.vehicles[vehicle].pk, **more)  # type: ignore[arg-type]
    return caught.value


def test_an_assignment_takes_vehicle_and_crew_and_tells_the_trip(cast: Cast) -> None:
    trip = assigned(cast)
    assert trip.status == "crew_assigned"
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        run = Run.objects.get()
        crew = RunCrew.objects.get()
        commitment = Commitment.objects.get()
        leg = Leg.objects.get()
        assert CommitmentCrew.objects.get().crew_member_id == crew.crew_member_id
    assert (run.vehicle_name, run.crew_names) == ("Northbound 3", "Northbound-0-0, S")
    assert crew.user_id == cast.people["driver@northbound"].user_id
    assert leg.status == "assigned"
    assert commitment.starts_at == trip.eta_at
    assert commitment.ends_at - commitment.starts_at >= dt.timedelta(minutes=16 + leg.minutes)
    # Rounded to about a kilometre: where, not whose door.
    assert commitment.end_latitude == round(leg.dropoff_latitude, 2)


def test_the_engine_suggests_a_vehicle_and_says_why_the_other_cannot_go(cast: Cast) -> None:
    with act_as(cast.vendor()):
        Vehicle.objects.filter(name="Northbound 3").update(out_of_service=True, out_of_service_reason="Lift repair")
    trip = accepted(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        first, second = assignment.suggest(trip.pk)
    assert (first.vehicle_name, first.suggested, first.refusals) == ("Northbound 5", True, ())
    assert first.pickup_at is not None
    assert second.refusals == ("Northbound 3 is out of service: Lift repair",)


def test_one_vehicle_does_not_go_twice_at_once_and_the_words_say_when_it_is_taken(cast: Cast) -> None:
    first, second = assigned(cast), accepted(cast)
    with act_as(cast.vendor()):
        taken = Commitment.objects.get()
    zone = first.time_zone
    problem = refusal(cast, second)
    assert problem.message.startswith(
        f"Northbound 3 is taken from {clock.local(taken.starts_at, zone):%H:%M}"
        f" to {clock.local(taken.ends_at, zone):%H:%M}"
    )
    assert fresh(cast, second).status == "accepted"


def test_one_person_does_not_go_twice_at_once(cast: Cast) -> None:
    first, second = assigned(cast), accepted(cast)
    member = cast.crew["northbound-0-0"]
    problem = refusal(cast, second, "Northbound 5", crew_ids=[member.pk])
    assert problem.code == "taken"
    assert problem.message.startswith(f"{member.name} is taken from")
    with act_as(cast.vendor()):
        assert Run.objects.count() == 1
        assert Run.objects.get().trip_id == first.pk


def test_a_crew_whose_card_lapsed_is_not_sent_and_the_card_is_named(cast: Cast) -> None:
    member = cast.crew["northbound-0-0"]
    with act_as(cast.vendor()):
        Credential.objects.filter(crew_member=member, kind="securement").update(ends_on=dt.date(2026, 11, 3))
    trip = accepted(cast)
    problem = refusal(cast, trip)
    assert f"Wheelchair securement training of {member.name} expired 3 Nov" in problem.message
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        choice = next(c for c in assignment.suggest(trip.pk) if c.vehicle_name == "Northbound 3")
    assert choice.refusals == (f"Wheelchair securement training of {member.name} expired 3 Nov",)


def test_the_vendors_own_license_and_the_vehicles_inspection_are_checked_on_the_day(cast: Cast) -> None:
    trip = accepted(cast)
    with act_as(cast.vendor()):
        Credential.objects.filter(kind__in=["vendor_license"]).update(ends_on=dt.date(2026, 1, 5))
    assert "Transport license of Northbound Medical expired 5 Jan" in refusal(cast, trip).message
    with act_as(cast.vendor()):
        Credential.objects.filter(kind="vendor_license").update(ends_on=dt.date(2027, 1, 5))
        Credential.objects.filter(kind="inspection").update(ends_on=dt.date(2026, 1, 5))
    assert "Vehicle inspection of Northbound 3 expired 5 Jan" in refusal(cast, trip).message


def test_a_lift_that_does_not_carry_patient_and_chair_is_refused(cast: Cast) -> None:
    with act_as(cast.vendor()):
        Vehicle.objects.filter(name="Northbound 3").update(lift_lb=200)
    trip = accepted(cast)
    assert "Lift is rated 200 lb, patient and chair weigh 230 lb" in refusal(cast, trip).message


def test_a_trip_beyond_the_shift_is_refused(cast: Cast) -> None:
    with act_as(cast.vendor()):
        Shift.objects.filter(vehicle=cast.vehicles["Northbound 3"]).update(
            ends_at=clock.now() + dt.timedelta(minutes=70)
        )
    trip = accepted(cast)
    assert "Shift ends" in refusal(cast, trip).message


def test_a_vehicle_without_crew_is_refused(cast: Cast) -> None:
    trip = accepted(cast)
    with act_as(cast.vendor()):
        ShiftCrew.objects.filter(shift__vehicle=cast.vehicles["Northbound 3"]).delete()
    assert "No crew is on shift in Northbound 3" in refusal(cast, trip).message
    assert refusal(cast, trip, crew_ids=[]).code == "refused"


def test_another_vendors_vehicle_and_crew_do_not_exist(cast: Cast) -> None:
    trip = accepted(cast)
    assert refusal(cast, trip, "Tamarack 12").code == "not_found"
    assert refusal(cast, trip, crew_ids=[cast.crew["tamarack-1-0"].pk]).code == "no_crew"


def test_a_second_assignment_releases_the_first(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        assignment.assign(trip.pk, cast.vehicles["Northbound 5"].pk)
        assert list(Run.objects.order_by("assigned_at").values_list("vehicle_name", "is_active")) == [
            ("Northbound 3", False),
            ("Northbound 5", True),
        ]
        active = Commitment.objects.get(is_active=True)
        assert active.vehicle_id == cast.vehicles["Northbound 5"].pk
    assert fresh(cast, trip).status == "crew_assigned"


def test_the_same_vehicle_can_be_assigned_again_with_another_crew(cast: Cast) -> None:
    trip = assigned(cast)
    other = cast.crew["northbound-1-0"]
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        assignment.assign(trip.pk, cast.vehicles["Northbound 3"].pk, [other.pk])
        assert [row.crew_member_id for row in RunCrew.objects.filter(run__is_active=True)] == [other.pk]


def test_a_vendor_that_gave_the_trip_back_cannot_assign_it(cast: Cast) -> None:
    trip = accepted(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        offers.turn_back(trip.pk, code="other")
        with pytest.raises(DomainError, match="does not exist"):
            assignment.assign(trip.pk, cast.vehicles["Northbound 3"].pk)


def test_a_crew_under_way_is_not_replaced(cast: Cast) -> None:
    from dispatch.services import transitions

    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        transitions.tap(Leg.objects.get().pk, "en_route", at=clock.now(), key="tap-00000001")
        with pytest.raises(IllegalMove, match="under way"):
            assignment.assign(trip.pk, cast.vehicles["Northbound 5"].pk)


@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_who_send_one_vehicle_at_once_are_told_apart() -> None:
    cast = build_cast()
    pair = [accepted(cast), accepted(cast)]
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def send(trip: Trip) -> None:
        try:
            start.wait(timeout=20)
            with act_as(vendor_scope(cast, cast.northbound.pk)):
                assignment.assign(trip.pk, cast.vehicles["Northbound 3"].pk)
            outcomes.append("assigned")
        except DomainError as problem:
            outcomes.append(problem.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(trip,)) for trip in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert outcomes.count("assigned") == 1
    assert set(outcomes) - {"assigned"} <= {"taken", "refused"}
    with act_as(cast.vendor()):
        assert Commitment.objects.filter(is_active=True).count() == 1
        assert Run.objects.filter(is_active=True).count() == 1


def test_an_offer_for_both_and_the_engine_gives_each_its_own_vehicle(cast: Cast) -> None:
    one, two = accepted(cast), accepted(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        picks = [next(c.vehicle_name for c in assignment.suggest(trip.pk) if c.suggested) for trip in (one, two)]
    assert sorted(picks) == ["Northbound 3", "Northbound 5"]


def test_a_trip_of_another_health_system_is_assigned_by_the_same_fleet_without_overlap(cast: Cast) -> None:
    first = assigned(cast)
    other = opened(cast, slug="prairie")
    offer = open_offer(cast, other, "prairie")
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        offers.accept(offer.pk)
        with pytest.raises(DomainError, match="is taken from"):
            assignment.assign(other.pk, cast.vehicles["Northbound 3"].pk)
        assignment.assign(other.pk, cast.vehicles["Northbound 5"].pk)
    settle()
    assert fresh(cast, first).status == "crew_assigned"
    # Each health system sees that a vehicle is taken, and no run of the other's.
    with act_as(cast.staff(cast.prairie)):
        assert Commitment.objects.count() == 2
        assert [run.trip_id for run in Run.objects.all()] == [other.pk]
