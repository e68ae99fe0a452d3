"""Two people and two clicks at once, and clocks that jump."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from logistics.core import clock, scoping
from logistics.core.errors import DomainError
from logistics.core.models import OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.models import ServiceRequest
from logistics.requests.services import answers, booking, places
from logistics.requests.services.booking import OpenRide
from tests.cast import Cast, build_cast
from tests.requests.ward import admit, foresee, requests_of
from tests.support import act_as

ZONE = "America/Chicago"


def ride(cast: Cast, **changes: Any) -> dict[str, Any]:
    with act_as(cast.staff()):
        destination = places.resolve(value=str(cast.places["willow@lakeshore"].pk), text="", patient=None)
    pickup_at = clock.now() + dt.timedelta(minutes=90)
    return {
        "when": "at", "pickup_at": pickup_at, "ready_expected_at": None, "destination": destination,
        "mobility": "wheelchair", "needs": [], "oxygen_lpm": None, "weight_lb": 142, "companions": 0, **changes,
    }  # fmt: skip


def together(*calls: Any) -> list[Any]:
    """Run each call in a thread and a connection of its own, let go at the same moment; answers or errors."""
    outcomes: list[Any] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(index: int) -> None:
        gate.wait()
        try:
            outcomes[index] = calls[index]()
        except DomainError as error:
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


def booked_by(cast: Cast, encounter: Any, fields: dict[str, Any], key: str, who: str) -> Any:
    def call() -> Any:
        scope = Scope.staff(cast.lakeshore.pk, actor_label=who, actor_role="case_manager")
        with transaction.atomic(), scoping.enter(scope):
            draft = booking.start_draft(patient=encounter.patient, key=key)
            return booking.confirm(request_id=draft.pk, fields=fields, key=key, level_seen="WC").pk

    return call


@pytest.mark.django_db(transaction=True)
def test_a_double_click_in_the_same_moment_books_once() -> None:
    cast = build_cast()
    encounter, fields = admit(cast), ride(cast)
    results = together(*(booked_by(cast, encounter, fields, "same-key", "Dana") for _ in range(4)))
    assert len(set(results)) == 1
    assert [r.status for r in requests_of(cast, encounter.patient_id)] == ["requested"]
    with act_as(cast.staff()):
        assert OutboxEvent.objects.filter(topic="request.ready").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_book_the_same_patient_one_is_led_to_the_others_ride() -> None:
    cast = build_cast()
    encounter, fields = admit(cast), ride(cast)
    results = together(
        booked_by(cast, encounter, fields, "key-of-dana", "Dana"),
        booked_by(cast, encounter, fields, "key-of-reggie", "Reggie"),
    )
    won = [answer for answer in results if not isinstance(answer, Exception)]
    lost = [answer for answer in results if isinstance(answer, OpenRide)]
    assert len(won) == len(lost) == 1
    assert lost[0].request_id == won[0]
    assert "already has an open ride" in lost[0].message
    booked = [r for r in requests_of(cast, encounter.patient_id) if r.status == "requested"]
    assert [r.pk for r in booked] == won


@pytest.mark.django_db(transaction=True)
def test_two_people_who_finish_the_same_draft_book_it_once() -> None:
    cast = build_cast()
    encounter, fields = admit(cast), ride(cast)
    draft = foresee(cast, encounter)

    def finish(key: str) -> Any:
        def call() -> Any:
            with transaction.atomic(), scoping.enter(cast.staff()):
                return booking.confirm(request_id=draft.pk, fields=fields, key=key, level_seen="WC").pk

        return call

    results = together(finish("one"), finish("two"))
    assert sorted(isinstance(answer, OpenRide) for answer in results) == [False, True]
    assert [r.status for r in requests_of(cast, encounter.patient_id)] == ["requested"]


def test_a_discharge_that_came_before_the_details_is_completed_by_a_person(cast: Cast) -> None:
    encounter = admit(cast)
    draft = foresee(cast, encounter)
    with act_as(cast.staff()):
        # As the feed leaves it after an A03 without a destination.
        ServiceRequest.objects.filter(pk=draft.pk).update(status="requested")
    with act_as(cast.staff()):
        assert booking.draft_of(encounter.patient_id).pk == draft.pk
        request = booking.confirm(request_id=draft.pk, fields=ride(cast), key="k", level_seen="WC")
        assert request.pk == draft.pk
        assert OutboxEvent.objects.filter(topic="request.ready", payload__request_id=str(draft.pk)).count() == 1
    with act_as(cast.staff()), pytest.raises(OpenRide):
        booking.confirm(request_id=draft.pk, fields=ride(cast), key="another", level_seen="WC")


def test_a_canceled_request_is_not_confirmed(cast: Cast) -> None:
    encounter = admit(cast)
    with act_as(cast.staff()):
        draft = booking.start_draft(patient=encounter.patient, key="k")
        booking.cancel(request_id=draft.pk, reason_code="wrong_info")
        with pytest.raises(DomainError) as refused:
            booking.confirm(request_id=draft.pk, fields=ride(cast), key="k", level_seen="WC")
    assert "Start a new booking" in refused.value.message


def test_a_held_ride_goes_on_when_a_person_says_so(cast: Cast) -> None:
    encounter = admit(cast)
    with act_as(cast.staff()):
        draft = booking.start_draft(patient=encounter.patient, key="k")
        booking.confirm(request_id=draft.pk, fields=ride(cast), key="k", level_seen="WC")
        booking.hold(request_id=draft.pk, reason="discharge_canceled")
        assert ServiceRequest.objects.get(pk=draft.pk).held_from == "requested"
        booking.resume(request_id=draft.pk)
        request = ServiceRequest.objects.get(pk=draft.pk)
    assert (request.status, request.human_edited) == ("requested", True)


def test_canceling_needs_a_reason(cast: Cast) -> None:
    encounter = admit(cast)
    with act_as(cast.staff()):
        draft = booking.start_draft(patient=encounter.patient, key="k")
        with pytest.raises(DomainError):
            booking.cancel(request_id=draft.pk, reason_code="")
        assert booking.cancel(request_id=draft.pk, reason_code="patient_refused").status == "canceled"


def test_a_time_that_the_spring_change_skips_names_the_next_one() -> None:
    with pytest.raises(DomainError) as refused:
        answers.local_moment(dt.date(2027, 3, 14), dt.time(2, 30), ZONE, now=dt.datetime(2027, 3, 13, tzinfo=dt.UTC))
    assert "02:30 does not exist on Sun 14 Mar" in refused.value.fields["pickup_local"]
    assert "Choose 03:30" in refused.value.fields["pickup_local"]


def test_a_time_that_comes_twice_is_the_first_unless_that_is_over() -> None:
    day, time = dt.date(2026, 11, 1), dt.time(1, 30)
    before = dt.datetime(2026, 11, 1, 5, 0, tzinfo=dt.UTC)
    between = dt.datetime(2026, 11, 1, 6, 45, tzinfo=dt.UTC)
    assert answers.local_moment(day, time, ZONE, now=before) == dt.datetime(2026, 11, 1, 6, 30, tzinfo=dt.UTC)
    assert answers.local_moment(day, time, ZONE, now=between) == dt.datetime(2026, 11, 1, 7, 30, tzinfo=dt.UTC)


@given(
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2028, 1, 1)),
    st.sampled_from([ZONE, "America/New_York", "America/Phoenix", "America/Indiana/Indianapolis", "Pacific/Honolulu"]),
)
def test_every_wall_clock_time_is_a_moment_that_reads_the_same_or_is_refused(naive: dt.datetime, zone: str) -> None:
    naive = naive.replace(second=0, microsecond=0)
    now = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
    try:
        moment = answers.local_moment(naive.date(), naive.time(), zone, now=now)
    except DomainError as refused:
        outcome = refused.message
    else:
        outcome = clock.local(moment, zone).replace(tzinfo=None)
    assert outcome == naive or "does not exist" in str(outcome)
