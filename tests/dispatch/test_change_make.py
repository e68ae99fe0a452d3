"""Changing a booked trip: at once, by the vendor's yes, or by taking it back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import ProgrammingError, transaction

from dispatch import policies
from dispatch.models import Leg, Passenger, Proposal, Run, Trip
from dispatch.services import changes, offers, proposals, transitions
from dispatch.services.changes import Outcome
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove, StaleState
from logistics.requests.models import TransportDetail
from logistics.requests.services import amend
from logistics.requests.services.places import resolve
from tests.cast import Cast
from tests.dispatch.journey import alerts_of, last_event, with_fees
from tests.dispatch.ride import accepted, assigned, fresh, offers_of, open_offer, opened, ticked, vendor_scope
from tests.support import act_as, problem_of, settle, signed_in


def change(cast: Cast, trip: Trip, **wanted: Any) -> Outcome:
    with act_as(cast.staff()):
        return changes.change(trip.pk, wanted=wanted, version=fresh_version(trip))


def fresh_version(trip: Trip) -> int:
    return Trip.objects.get(pk=trip.pk).version


def later(trip: Trip, minutes: int) -> str:
    return (trip.pickup_at + dt.timedelta(minutes=minutes)).isoformat()


def elsewhere(cast: Cast) -> dict[str, Any]:
    with act_as(cast.staff()):
        return amend.destination_columns(resolve(value="other", text="9 Elm St, Madison, WI 53719", patient=None))


def agree(cast: Cast, outcome: Outcome) -> None:
    assert outcome.proposal is not None
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        proposals.agree(outcome.proposal.pk)
    settle()


def test_before_acceptance_a_change_is_applied_and_the_trip_matched_anew(cast: Cast) -> None:
    trip = opened(cast)
    asked = open_offer(cast, trip)
    outcome = change(cast, trip, pickup_at=later(trip, 90))
    settle()
    assert outcome.kind == "applied"
    assert fresh(cast, asked).status == "withdrawn"
    again = open_offer(cast, trip)
    assert again.round == 2
    assert again.brief["pickup_at"] == later(trip, 90)


def test_a_quarter_of_an_hour_moves_at_once_and_the_vendor_keeps_the_trip(cast: Cast) -> None:
    trip = accepted(cast)
    outcome = change(cast, trip, pickup_at=later(trip, policies.RETIME_FREE_MINUTES))
    moved = fresh(cast, trip)
    assert (outcome.kind, moved.status, moved.vendor_id) == ("applied", "accepted", cast.northbound.pk)
    assert moved.pickup_at == trip.pickup_at + dt.timedelta(minutes=15)
    assert moved.eta_at - trip.eta_at == dt.timedelta(minutes=15), "the promise moves along"
    assert last_event(cast, trip).vendor_id == cast.northbound.pk
    assert alerts_of(cast, "changed_after_acceptance") == [], "nothing is left to agree"


def test_small_moves_add_up_and_are_measured_from_what_the_vendor_agreed_to(cast: Cast) -> None:
    trip = accepted(cast)
    assert change(cast, trip, pickup_at=later(trip, 15)).kind == "applied"
    assert change(cast, trip, pickup_at=later(trip, 16)).kind == "proposed"
    assert fresh(cast, trip).pickup_at == trip.pickup_at + dt.timedelta(minutes=15), "unchanged until the yes"


def test_a_note_needs_nobodys_yes_and_reaches_the_crew(cast: Cast) -> None:
    trip = accepted(cast)
    assert change(cast, trip, driver_note="Ring twice").kind == "applied"
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        assert Passenger.objects.get(trip_id=trip.pk).details["driver_note"] == "Ring twice"


def test_another_destination_waits_for_the_vendor_and_changes_on_its_yes(cast: Cast) -> None:
    trip = accepted(cast)
    outcome = change(cast, trip, **elsewhere(cast))
    assert outcome.kind == "proposed"
    assert outcome.proposal is not None
    brief = outcome.proposal.brief
    assert [row["label"] for row in brief["rows"]] == ["Drop-off"]
    assert "Elm" not in str(brief), "no address before the yes"
    with act_as(cast.staff()):
        before = Leg.objects.get(trip=trip)
        assert before.dropoff_latitude == cast.places["willow@lakeshore"].latitude
    agree(cast, outcome)
    with act_as(cast.staff()):
        after = Leg.objects.get(trip=trip)
        assert after.dropoff_latitude != before.dropoff_latitude
        assert Passenger.objects.get(trip=trip).details["destination"]["line"] == "9 Elm St"
        assert TransportDetail.objects.get(request=trip.request_id).place_id is None
    now = fresh(cast, trip)
    assert (now.status, now.price_amount) == ("accepted", Decimal(brief["price_new"]))
    assert now.price_amount != trip.price_amount


def test_the_vendor_cannot_read_what_will_be_written(cast: Cast) -> None:
    trip = accepted(cast)
    change(cast, trip, **elsewhere(cast))
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        row = Proposal.objects.defer("wanted").get()
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            row.wanted  # noqa: B018


def test_an_agreed_change_sets_the_same_vehicle_and_crew_again(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    trip = assigned(cast)
    with act_as(cast.staff()):
        old = Run.objects.get(trip=trip, is_active=True)
    with django_capture_on_commit_callbacks(execute=True):
        agree(cast, change(cast, trip, pickup_at=later(trip, 120)))
    now = fresh(cast, trip)
    with act_as(cast.staff()):
        run = Run.objects.get(trip=trip, is_active=True)
    assert (now.status, run.vehicle_name, run.crew_names) == ("crew_assigned", old.vehicle_name, old.crew_names)
    assert run.commitment_id != old.commitment_id
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        assert run.commitment.starts_at >= now.pickup_at - dt.timedelta(minutes=1)
        assert not type(run.commitment).objects.get(pk=old.commitment_id).is_active


def test_two_questions_at_once_are_not_asked(cast: Cast) -> None:
    trip = accepted(cast)
    change(cast, trip, pickup_at=later(trip, 60))
    with pytest.raises(IllegalMove, match="not settled"):
        change(cast, trip, pickup_at=later(trip, 90))


def test_a_page_older_than_the_trip_saves_nothing(cast: Cast) -> None:
    trip = opened(cast)
    change(cast, trip, driver_note="First")
    with act_as(cast.staff()), pytest.raises(StaleState, match="changed while you were here") as caught:
        changes.change(trip.pk, wanted={"driver_note": "Second"}, version=trip.version)
    assert (caught.value.code, caught.value.status_code) == ("stale_version", 409)


def test_after_a_no_a_person_keeps_the_trip_as_it_was(cast: Cast) -> None:
    trip = accepted(cast)
    outcome = change(cast, trip, pickup_at=later(trip, 60))
    assert outcome.proposal is not None
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        with pytest.raises(DomainError, match="Say why"):
            proposals.refuse(outcome.proposal.pk, note="")
        proposals.refuse(outcome.proposal.pk, note="No driver then")
    settle()
    (alert,) = alerts_of(cast, "change_refused")
    assert alert.params["vendor"] == "Northbound Medical"
    with act_as(cast.staff()):
        proposals.keep(outcome.proposal.pk)
        assert proposals.keep(outcome.proposal.pk).status == "kept"
    assert alerts_of(cast, "change_refused") == []
    assert fresh(cast, trip).pickup_at == trip.pickup_at
    assert fresh(cast, trip).vendor_id == cast.northbound.pk


def test_after_a_no_the_trip_can_be_taken_back_with_its_fee_and_others_are_asked(cast: Cast) -> None:
    with_fees(cast)
    trip = accepted(cast, in_minutes=50)
    outcome = change(cast, trip, pickup_at=later(trip, 60))
    assert outcome.proposal is not None
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        proposals.refuse(outcome.proposal.pk, note="No driver then")
    settle()
    with act_as(cast.staff()), pytest.raises(StaleState, match=r"\$20.00 now") as caught:
        proposals.take_back(outcome.proposal.pk, fee_seen=Decimal(0))
    assert caught.value.code == "fee_rose"
    with act_as(cast.staff()):
        proposals.take_back(outcome.proposal.pk, fee_seen=Decimal("20.00"))
    settle()
    now = fresh(cast, trip)
    assert (now.vendor_id, now.pickup_at) == (None, trip.pickup_at + dt.timedelta(minutes=60))
    assert {offer.vendor_id for offer in offers_of(cast, trip) if offer.round == 2} == {cast.tamarack.pk}


def test_no_answer_in_time_is_told_and_a_late_yes_is_refused(cast: Cast, time_machine: Any) -> None:
    trip = accepted(cast)
    outcome = change(cast, trip, pickup_at=later(trip, 60))
    assert outcome.proposal is not None
    time_machine.move_to(outcome.proposal.due_at + dt.timedelta(seconds=1), tick=False)
    with act_as(vendor_scope(cast, cast.northbound.pk)), pytest.raises(StaleState, match="time to answer is over"):
        proposals.agree(outcome.proposal.pk)
    assert ticked()["changes_lapsed"] == 1
    assert len(alerts_of(cast, "change_unanswered")) == 1
    assert ticked()["changes_lapsed"] == 0


def test_a_canceled_trip_takes_its_question_along(cast: Cast) -> None:
    trip = accepted(cast)
    outcome = change(cast, trip, pickup_at=later(trip, 60))
    assert outcome.proposal is not None
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        offers.turn_back(trip.pk, code="vendor_no_crew", note="-")
    assert fresh(cast, outcome.proposal).status == "withdrawn"
    with act_as(vendor_scope(cast, cast.northbound.pk)), pytest.raises(StaleState, match="does not want this change"):
        proposals.agree(outcome.proposal.pk)


def test_a_crew_on_its_way_is_not_retimed_but_may_be_asked_about_the_destination(cast: Cast) -> None:
    trip = assigned(cast)
    tap(cast, trip, "en_route")
    with pytest.raises(DomainError, match="on its way"):
        change(cast, trip, pickup_at=later(trip, 30))
    outcome = change(cast, trip, **elsewhere(cast))
    agree(cast, outcome)
    now = fresh(cast, trip)
    assert now.status == "under_way"
    with act_as(cast.staff()):
        assert Passenger.objects.get(trip=trip).details["destination"]["line"] == "9 Elm St"
        assert Run.objects.filter(trip=trip, is_active=True).exists()


def test_a_patient_on_board_goes_somewhere_else_when_the_vendor_agrees(cast: Cast) -> None:
    trip = assigned(cast)
    for status in ("at_pickup", "on_board", "at_destination"):
        tap(cast, trip, status)
    with pytest.raises(IllegalMove, match="Only the destination"):
        change(cast, trip, driver_note="x")
    with act_as(cast.staff()), pytest.raises(DomainError, match="Say why"):
        changes.divert(trip.pk, wanted={}, version=fresh_version(trip), reason=" ")
    wanted = elsewhere(cast)
    with act_as(cast.staff()):
        outcome = changes.divert(trip.pk, wanted=wanted, version=fresh_version(trip), reason="No bed there")
    agree(cast, outcome)
    with act_as(cast.staff()):
        leg = Leg.objects.get(trip=trip)
        assert leg.status == "on_board", "driving again"
    page = problem_of(signed_in(cast.people["driver@northbound"]).get(f"/drive/{leg.pk}"))
    assert "9 Elm St" in page
    assert "<b>Changed" in page
    assert "destination, distance. Read it again." in page or "distance, destination. Read it again." in page
    with act_as(cast.staff()):
        assert Passenger.objects.get(trip=trip).details["destination"]["line"] == "9 Elm St"
    assert "dropoff_latitude" in last_event(cast, trip).details["changed"]


def test_a_higher_level_at_the_bedside_that_the_vehicle_cannot_serve_is_matched_anew_on_the_same_trip(
    cast: Cast,
) -> None:
    with_fees(cast)
    trip = assigned(cast)
    tap(cast, trip, "at_pickup")
    with act_as(cast.staff()):
        with pytest.raises(StaleState, match=r"\$55.00 now"):
            changes.change_level(
                trip.pk, level="STR", mobility="lies", reason="RN Lee: cannot sit", version=fresh_version(trip),
                fee_seen=Decimal(0),
            )  # fmt: skip
        outcome = changes.change_level(
            trip.pk, level="STR", mobility="lies", reason="RN Lee: cannot sit", version=fresh_version(trip),
            fee_seen=Decimal("55.00"),
        )  # fmt: skip
    settle()
    now = fresh(cast, trip)
    assert outcome.kind == "taken_back"
    assert (now.number, now.level, now.vendor_id) == (trip.number, "STR", None)
    assert {offer.vendor_id for offer in offers_of(cast, trip) if offer.round == 2} == {cast.tamarack.pk}
    with act_as(cast.staff()):
        detail = TransportDetail.objects.get(request=trip.request_id)
        assert (detail.level, detail.mobility, detail.level_override_reason) == ("STR", "lies", "RN Lee: cannot sit")
        assert Leg.objects.get(trip=trip).load["stretchers"] == 1


def test_a_lower_level_that_the_crew_at_the_bedside_can_serve_goes_on_at_once(cast: Cast) -> None:
    trip = assigned(cast)
    tap(cast, trip, "at_pickup")
    with act_as(cast.staff()):
        outcome = changes.change_level(
            trip.pk, level="AMB", mobility="walks", reason="RN Lee: walks well", version=fresh_version(trip)
        )
    now = fresh(cast, trip)
    assert (outcome.kind, now.level, now.status, now.vendor_id) == (
        "applied", "AMB", "under_way", cast.northbound.pk,
    )  # fmt: skip
    assert now.price_amount < trip.price_amount, "by the contract's rate of the new level"


def test_another_level_before_the_crew_moves_is_asked_of_the_vendor(cast: Cast) -> None:
    trip = accepted(cast)
    with act_as(cast.staff()):
        outcome = changes.change_level(
            trip.pk, level="AMB", mobility="walks", reason="PT: walks well", version=fresh_version(trip)
        )
    assert outcome.kind == "proposed"
    agree(cast, outcome)
    assert fresh(cast, trip).level == "AMB"


def tap(cast: Cast, trip: Trip, to: str) -> None:
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        leg = Leg.objects.get(trip_id=trip.pk)
        transitions.tap(leg.pk, to, at=clock.now(), key=f"{trip.pk}-{to}")
    settle()
