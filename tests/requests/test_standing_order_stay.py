"""A stay stops a patient's series, and a person lets it go on: from the right address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from dispatch.models import Trip
from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.requests.models import Alert, Encounter, Patient, ServiceRequest, StandingOrder
from logistics.requests.services import drafts, encounters, patients, places, standing_orders, transitions
from logistics.requests.services.changes import ChangeLog, Stamp
from logistics.requests.services.standing_stays import admission_canceled, admitted, discharged
from logistics.requests.tasks import look_ahead
from tests.cast import Cast
from tests.requests.standing import MONDAY, begin, local, now, rides, statuses
from tests.requests.ward import admit
from tests.support import act_as, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(cast: Cast) -> Iterator[StandingOrder]:
    """It is Monday 1 February 2027, noon; Agnes Cole at home has Mon, Wed, Fri, chair 05:30."""
    with clock.pretend(MONDAY):
        patient_id = admit(cast, stay={"status": "discharged"}).patient_id
        found = begin(cast, patient_id, start_on=dt.date(2027, 2, 1))
        settle()
        yield found


def come_in(cast: Cast, order: StandingOrder, *, patient_class: str = "I", number: str = "V900") -> Encounter:
    """A01: the patient comes into the house, as the feed's handler does it."""
    with act_as(cast.staff()):
        stamp, log = Stamp(clock.now(), clock.now()), ChangeLog()
        stay = encounters.open_stay(
            patient=Patient.objects.get(pk=order.patient_id), token=encounters.visit_token(number), number=number,
            facility=cast.facilities["lakeshore"], stamp=stamp, log=log, rule="A01",
        )  # fmt: skip
        encounters.set_values(stay, "class", {"patient_class": patient_class}, stamp=stamp, log=log, rule="A01")
    settle()
    return stay


def move(cast: Cast, stay: Encounter, to: str) -> None:
    """The stay moves along its states."""
    with act_as(cast.staff()):
        transitions.encounter_to(Encounter.objects.get(pk=stay.pk), to, at=clock.now())
    settle()


def alert_codes(cast: Cast) -> set[str]:
    """Codes of open alerts about series."""
    with act_as(cast.staff()):
        rows = Alert.objects.filter(code__startswith="standing", acknowledged_at__isnull=True)
        return set(rows.values_list("code", flat=True))


def test_admission_holds_every_ride_ahead_and_asks(cast: Cast, order: StandingOrder) -> None:
    stay = come_in(cast, order)
    found = now(cast, order)
    assert (found.status, found.suspended_by, found.encounter_id) == ("suspended", "admitted", stay.pk)
    assert set(statuses(cast, order).values()) == {"held"}
    with act_as(cast.staff()):
        ids = [request.pk for request in rides(cast, order).values()]
        assert set(Trip.objects.filter(request_id__in=ids).values_list("status", flat=True)) == {"held"}
        assert admitted(stay.pk) == 0
    assert alert_codes(cast) == {"standing_admitted"}
    with clock.pretend(MONDAY + dt.timedelta(days=3)):
        assert look_ahead()["made"] == 0


@pytest.mark.parametrize("patient_class", ["R", "O", "E"])
def test_an_outpatient_registration_stops_nothing(cast: Cast, order: StandingOrder, patient_class: str) -> None:
    come_in(cast, order, patient_class=patient_class)
    assert now(cast, order).status == "active"


def test_an_emergency_visit_that_becomes_a_stay_does(cast: Cast, order: StandingOrder) -> None:
    stay = come_in(cast, order, patient_class="E")
    with act_as(cast.staff()):
        later = Stamp(clock.now() + dt.timedelta(hours=1), clock.now())
        encounters.set_values(
            Encounter.objects.get(pk=stay.pk), "class", {"patient_class": "I"}, stamp=later, log=ChangeLog(),
            rule="A06",
        )  # fmt: skip
    settle()
    assert now(cast, order).status == "suspended"


def test_a_canceled_admission_restores_the_rides(cast: Cast, order: StandingOrder) -> None:
    before = {key: request.pk for key, request in rides(cast, order).items()}
    stay = come_in(cast, order)
    move(cast, stay, "canceled")
    assert now(cast, order).status == "active"
    assert set(statuses(cast, order).values()) == {"requested"}
    assert {key: request.pk for key, request in rides(cast, order).items()} == before
    assert alert_codes(cast) == set()
    with act_as(cast.staff()):
        assert admission_canceled(stay.pk) == 0


def test_a_discharge_offers_to_go_on_and_asks_from_where(cast: Cast, order: StandingOrder) -> None:
    stay = come_in(cast, order)
    with clock.pretend(MONDAY + dt.timedelta(days=2)):
        move(cast, stay, "discharged")
        found = now(cast, order)
        assert (found.status, found.resume_offered_at) == ("suspended", clock.now())
        assert alert_codes(cast) == {"standing_resume"}
        with act_as(cast.staff()):
            assert discharged(stay.pk) == 0
            with pytest.raises(DomainError, match="Choose where the patient is picked up now"):
                standing_orders.resume(order_id=order.pk)
            nursing = places.resolve(value=str(cast.places["willow@lakeshore"].pk), text="", patient=None)
            standing_orders.resume(order_id=order.pk, pickup=nursing)
        settle()
        after = rides(cast, order)
    assert now(cast, order).status == "active"
    assert alert_codes(cast) == set()
    assert ("02-03", "out") not in after
    out, back = after["02-05", "out"], after["02-05", "back"]
    assert (out.status, out.detail.pickup_kind, out.detail.pickup_place_id) == ("requested", "place", nursing.place.pk)
    assert (back.detail.destination_kind, back.detail.place_id) == ("place", nursing.place.pk)
    assert local(out.detail.arrive_by_at) == "02-05 05:30"


def test_a_canceled_discharge_takes_the_offer_back(cast: Cast, order: StandingOrder) -> None:
    stay = come_in(cast, order)
    move(cast, stay, "discharged")
    move(cast, stay, "in_house")
    found = now(cast, order)
    assert (found.status, found.resume_offered_at) == ("suspended", None)
    assert alert_codes(cast) == set()


def test_a_canceled_discharge_stops_what_was_let_go_on(cast: Cast, order: StandingOrder) -> None:
    stay = come_in(cast, order)
    move(cast, stay, "discharged")
    with act_as(cast.staff()):
        standing_orders.resume(order_id=order.pk, as_before=True)
    settle()
    move(cast, stay, "in_house")
    assert now(cast, order).status == "suspended"
    assert set(statuses(cast, order).values()) == {"held"}


@pytest.mark.parametrize("how", ["chart", "discharge", "look"])
def test_a_death_ends_the_series_and_cancels_every_ride(cast: Cast, order: StandingOrder, how: str) -> None:
    before = [request.pk for request in rides(cast, order).values()]
    stay = come_in(cast, order)
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=order.patient_id)
        if how == "chart":
            patients.update_demographics(patient, deceased=True)
        else:
            patient.deceased = True
            patient.save()
    if how == "discharge":
        move(cast, stay, "discharged")
    look_ahead() if how == "look" else settle()
    settle()
    assert now(cast, order).status == "ended"
    with act_as(cast.staff()):
        found = ServiceRequest.objects.filter(pk__in=before)
        assert set(found.values_list("status", flat=True)) == {"canceled"}
        assert {request.events.latest("id").reason for request in found} == {"patient_deceased"}


def test_a_series_begun_during_the_stay_goes_on(cast: Cast) -> None:
    with clock.pretend(MONDAY):
        stay = admit(cast)
        order = begin(cast, stay.patient_id, start_on=dt.date(2027, 2, 3))
        with act_as(cast.staff()):
            Encounter.objects.filter(pk=stay.pk).update(patient_class="I")
            assert admitted(stay.pk) == 0
        assert now(cast, order).status == "active"


def test_a_planned_discharge_does_not_take_a_series_ride_for_its_own(cast: Cast, order: StandingOrder) -> None:
    stay = come_in(cast, order)
    with act_as(cast.staff()):
        assert drafts.ride_of(Encounter.objects.get(pk=stay.pk)) is None


def test_merged_records_keep_one_series(cast: Cast, order: StandingOrder) -> None:
    other = admit(cast, family="Cole", given="Agnes M", bed="14").patient_id
    with act_as(cast.staff()):
        moved = patients.merge(Patient.objects.get(pk=other), Patient.objects.get(pk=order.patient_id))
        assert moved["standing_orders"] == 1
    assert now(cast, order).patient_id == other
