"""What people do to a trip from its page, and what a stale form is told."""

from __future__ import annotations

import pytest

from dispatch.models import Trip, TripEvent
from dispatch.selectors import history
from logistics.core import clock
from tests.cast import Cast
from tests.dispatch import ride
from tests.dispatch.pages import client_of
from tests.support import act_as, problem_of, settle

pytestmark = pytest.mark.django_db(transaction=True)


def seen_of(cast: Cast, trip: Trip) -> str:
    with act_as(cast.staff()):
        return history.seen_now(trip)


def test_cancel_shows_the_stage_before_and_asks_for_a_reason(cast: Cast) -> None:
    trip = ride.accepted(cast)
    client = client_of(cast, "case_manager@lakeshore")
    page = problem_of(client.get(f"/trips/{trip.number}/cancel"))
    assert "Northbound Medical has it." in page
    assert "No fee applies: free until 0 min before the pickup." in page
    empty = client.post(f"/trips/{trip.number}/cancel", {"seen": seen_of(cast, trip)})
    assert (empty.status_code, "Choose a reason" in problem_of(empty)) == (422, True)
    done = client.post(f"/trips/{trip.number}/cancel", {"seen": seen_of(cast, trip), "reason": "patient_admitted"})
    assert (done.status_code, done["Location"]) == (303, f"/trips/{trip.number}")
    assert ride.fresh(cast, trip).status == "canceled"
    with act_as(cast.staff()):
        assert TripEvent.objects.filter(trip=trip).latest("id").details["stage"] == "after_accept"
    assert "stage: after accept" in problem_of(client.get(f"/trips/{trip.number}"))


def test_a_stale_form_is_told_who_changed_what_and_keeps_what_was_typed(cast: Cast) -> None:
    trip = ride.opened(cast)
    client = client_of(cast, "case_manager@lakeshore")
    old = seen_of(cast, trip)
    client_of(cast, "transport_coordinator@lakeshore").post(
        f"/trips/{trip.number}/hold", {"seen": old, "reason": "Family asks to wait"}
    )
    answer = client.post(
        f"/trips/{trip.number}/cancel", {"seen": old, "reason": "patient_request", "note": "Daughter drives"}
    )
    page = problem_of(answer)
    assert answer.status_code == 409
    assert "Not done. This trip changed while you were here" in page
    assert "Transport Coordinator of Lakeshore" in page
    assert "On hold" in page
    assert "Daughter drives" in page
    assert ride.fresh(cast, trip).status == "held"
    again = client.post(
        f"/trips/{trip.number}/cancel",
        {"seen": seen_of(cast, trip), "reason": "patient_request", "note": "Daughter drives"},
    )
    assert again.status_code == 303
    assert ride.fresh(cast, trip).status == "canceled"


def test_hold_and_let_go_on(cast: Cast) -> None:
    trip = ride.accepted(cast)
    client = client_of(cast, "case_manager@lakeshore")
    client.post(f"/trips/{trip.number}/hold", {"seen": seen_of(cast, trip), "reason": "Scan first"})
    assert ride.fresh(cast, trip).status == "held"
    assert "Vehicle and crew stay until" in problem_of(client.get(f"/trips/{trip.number}"))
    client.post(f"/trips/{trip.number}/resume")
    assert ride.fresh(cast, trip).status == "accepted"


def test_a_will_call_ride_is_called_ready_once(cast: Cast) -> None:
    trip = ride.opened(cast, when="ready", pickup_at=None, ready_expected_at=clock.now())
    with act_as(cast.staff()):
        Trip.objects.filter(pk=trip.pk).update(is_ready=False)
    client = client_of(cast, "case_manager@lakeshore")
    assert "Patient is ready" in problem_of(client.get(f"/trips/{trip.number}"))
    for _ in range(2):
        assert client.post(f"/trips/{trip.number}/ready").status_code == 303
    assert ride.fresh(cast, trip).is_ready


def test_the_desk_enters_a_vendor_s_answer_by_phone(cast: Cast) -> None:
    trip = ride.opened(cast)
    offer = ride.open_offer(cast, trip)
    client = client_of(cast, "transport_coordinator@lakeshore")
    assert "You enter what" in problem_of(client.get(f"/trips/{trip.number}/answer"))
    no_code = client.post(
        f"/trips/{trip.number}/answer", {"offer": offer.pk, "answer": "decline", "reason": "Jo, 13:40"}
    )
    assert (no_code.status_code, "Choose why the vendor declined" in problem_of(no_code)) == (422, True)
    done = client.post(f"/trips/{trip.number}/answer", {"offer": offer.pk, "answer": "accept", "reason": "Jo, 13:40"})
    assert done.status_code == 303
    settle()
    assert ride.fresh(cast, trip).vendor_id == offer.vendor_id
    page = problem_of(client.get(f"/trips/{trip.number}"))
    assert "entered by Transport Coordinator of Lakeshore: Jo, 13:40" in page
    gone = client.get(f"/trips/{trip.number}/answer", follow=True)
    assert "No vendor is being asked about this trip now." in problem_of(gone)


def test_the_desk_takes_a_trip_back_and_another_vendor_is_asked(cast: Cast) -> None:
    trip = ride.accepted(cast)
    client = client_of(cast, "transport_coordinator@lakeshore")
    done = client.post(
        f"/trips/{trip.number}/take-back", {"seen": seen_of(cast, trip), "code": "too_far", "note": "Called at 13:41"}
    )
    assert done.status_code == 303
    settle()
    trip = ride.fresh(cast, trip)
    assert trip.vendor_id is None
    assert ride.open_offer(cast, trip).vendor_id == cast.tamarack.pk


def test_the_vendor_gives_a_trip_back(cast: Cast) -> None:
    trip = ride.accepted(cast)
    client = client_of(cast, "vendor_dispatcher@northbound")
    answer = client.post(f"/trips/{trip.number}/give-back", {"code": "vendor_no_vehicle", "note": "Van broke down"})
    assert (answer.status_code, answer["Location"]) == (303, "/offers")
    settle()
    assert ride.fresh(cast, trip).vendor_id is None
    assert client.get(f"/trips/{trip.number}").status_code == 404


def test_match_again_and_ask_all(cast: Cast) -> None:
    trip = ride.opened(cast)
    client = client_of(cast, "transport_coordinator@lakeshore")
    client.post(f"/trips/{trip.number}/ask-all")
    assert {o.status for o in ride.offers_of(cast, trip)} == {"open"}
    client.post(f"/trips/{trip.number}/match")
    settle()
    assert {o.status for o in ride.offers_of(cast, trip) if o.round == 1} == {"withdrawn"}


@pytest.mark.parametrize(
    ("role", "verb"),
    [
        ("quality", "cancel"), ("biller", "hold"), ("case_manager", "match"), ("case_manager", "take-back"),
        ("case_manager", "answer"), ("admin", "ready"), ("auditor", "resume"), ("payables", "ask-all"),
    ],
)  # fmt: skip
def test_who_may_not_is_refused_and_nothing_changes(cast: Cast, role: str, verb: str) -> None:
    trip = ride.opened(cast)
    before = ride.fresh(cast, trip).updated_at
    assert client_of(cast, f"{role}@lakeshore").post(f"/trips/{trip.number}/{verb}").status_code == 403
    assert ride.fresh(cast, trip).updated_at == before
