"""What ADT events do to patients, stays and rides: rules R1 to R9, one behavior a test."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.models import Feed, InboundMessage, MessageEffect
from integrations.services import inbound
from logistics.core.models import OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.models import Alert, Discharge, Encounter, Patient, ServiceRequest, TransportDetail
from logistics.requests.selectors.patients import patient_search
from logistics.requests.services import drafts, transitions
from tests.cast import Cast
from tests.integrations.feeds import alerts_of, feed_in, make_feed, message, ride_state, stay
from tests.support import act_as, settle

ADMIT = message("A01", "20260306201500")
PLAN = message("A16", "20260307061500", expected="20260307111500")


def walk(cast: Cast, feed: Feed, *raws: bytes) -> InboundMessage:
    """Feed all in; the last row."""
    for raw in raws[:-1]:
        feed_in(cast, feed, raw)
    return feed_in(cast, feed, raws[-1])


def ride(cast: Cast) -> ServiceRequest:
    """The only ride."""
    with act_as(cast.staff()):
        return ServiceRequest.objects.get()


def detail(cast: Cast) -> TransportDetail:
    """The only ride's details."""
    with act_as(cast.staff()):
        return TransportDetail.objects.get()


def put(cast: Cast, status: str, **changes: Any) -> None:
    """Move the only ride to ``status`` as dispatch would."""
    path = {"scheduled": ["requested", "scheduled"], "in_progress": ["requested", "scheduled", "in_progress"]}
    with act_as(cast.staff()):
        row = ServiceRequest.objects.get()
        for step in path.get(status, [status]):
            if row.status != step:
                transitions.request_to(row, step)
        ServiceRequest.objects.filter(pk=row.pk).update(**changes)


def test_an_admission_makes_patient_stay_and_bed(cast: Cast, feed: Feed) -> None:
    row = walk(cast, feed, ADMIT)
    found = stay(cast)
    assert row.outcome == "applied"
    with act_as(cast.staff()):
        assert (found.patient.family_name, found.patient.birth_date, found.patient.mrn) == (
            "Okafor",
            "1947-03-12",
            "700000",
        )
        assert (found.status, found.unit.code, found.bed.label) == ("in_house", "4A", "4A-401-1")
        # 20:15 in New York in winter.
        assert found.admitted_at == dt.datetime(2026, 3, 7, 1, 15, tzinfo=dt.UTC)


@pytest.mark.parametrize("q", ["oka", "Okafor", "ada oka", "700000", "1947-03-12", "03/12/1947", "(555) 123-4567"])
def test_the_new_patient_is_found_by_name_number_birth_date_and_phone(cast: Cast, feed: Feed, q: str) -> None:
    walk(cast, feed, ADMIT)
    with act_as(cast.staff()):
        (found,) = patient_search(q)
        assert found.open_encounters[0].unit.code == "4A"
        assert patient_search(q, unit_ids=[cast.units["4W@lakeshore"].pk]) == []
    with act_as(cast.staff(cast.prairie)):
        assert patient_search(q) == []


def test_a_planned_discharge_drafts_a_ride_with_what_the_chart_knows(cast: Cast, feed: Feed) -> None:
    walk(
        cast,
        feed,
        ADMIT,
        message(
            "A08",
            "20260306211500",
            more=(
                "OBX|1|NM|29463-7^Body weight^LN||104.5|kg|||||F",
                "OBX|2|ST|ISOLATION^Isolation^L||Contact precautions||||||F",
                "OBX|3|ST|MOBILITY^Mobility^L||Wheelchair, one assist||||||F",
                "OBX|4|NM|3151-8^O2^LN||2.5|L/min|||||F",
                "IN1|1|MCR^Medicare|0061|Lakeshore Medicare Advantage",
            ),
        ),
        message("A16", "20260307061500", expected="20260307111500", place="Willow Creek Skilled Nursing"),
    )
    found, row = detail(cast), ride(cast)
    assert row.status == "draft"
    assert found.ready_expected_at == dt.datetime(2026, 3, 7, 16, 15, tzinfo=dt.UTC)
    assert (found.mobility, found.weight_lb, found.oxygen_lpm) == ("wheelchair", 230, Decimal("2.5"))
    assert found.needs == ["isolation", "oxygen"]
    assert found.payer_name == "Lakeshore Medicare Advantage"
    assert found.place_id == cast.places["willow@lakeshore"].pk
    assert found.pickup_bed_label == "4A-401-1"


def test_a_second_plan_moves_the_time_and_makes_no_second_ride(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, PLAN, message("A16", "20260307071500", expected="20260307131500"))
    assert detail(cast).ready_expected_at == dt.datetime(2026, 3, 7, 18, 15, tzinfo=dt.UTC)
    assert ride(cast).status == "draft"


def test_the_units_rule_may_be_to_do_nothing(cast: Cast, feed: Feed) -> None:
    with act_as(cast.staff()):
        unit = cast.units["4A@lakeshore"]
        unit.draft_rule = "off"
        unit.save()
    row = walk(cast, feed, ADMIT, PLAN)
    assert (row.outcome, row.problem_code, ride_state(cast)) == ("rule_no_transport", "unit_rule", "none")
    with act_as(cast.staff()):
        assert Discharge.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("code", "state", "outcome"),
    [
        ("03", "requested", "applied"),
        ("SNF", "requested", "applied"),
        ("62", "requested", "applied"),
        ("01", "none", "rule_no_transport"),
        ("HOME", "none", "rule_no_transport"),
        ("07", "none", "review"),
        ("20", "none", "applied"),
        ("ZZ9", "draft", "review"),
        ("", "draft", "review"),
    ],
)
def test_the_disposition_decides_about_a_ride(cast: Cast, feed: Feed, code: str, state: str, outcome: str) -> None:
    row = walk(cast, feed, ADMIT, message("A03", "20260307110500", disposition=code, left="20260307110000"))
    assert (ride_state(cast), row.outcome) == (state, outcome)
    assert stay(cast).status == "discharged"


def test_going_home_needs_a_ride_when_the_chart_says_that_the_patient_cannot_walk(cast: Cast, feed: Feed) -> None:
    chair = message("A08", "20260306211500", more=("OBX|1|ST|MOBILITY||Wheelchair||||||F",))
    walk(cast, feed, ADMIT, chair, message("A03", "20260307110500", disposition="01"))
    assert ride_state(cast) == "requested"


def test_going_home_does_not_hold_the_ride_that_a_person_booked(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, "scheduled", human_edited=True)
    walk(cast, feed, message("A03", "20260307110500", disposition="01"))
    assert ride_state(cast) == "scheduled"


def test_an_outpatient_visit_ends_without_a_question(cast: Cast, feed: Feed) -> None:
    row = walk(cast, feed, message("A04", "20260306201500", klass="O"), message("A03", "20260306211500", klass="O"))
    assert (row.outcome, ride_state(cast)) == ("rule_no_transport", "none")


def test_an_incomplete_ride_is_requested_but_not_handed_to_dispatch(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, PLAN, message("A03", "20260307110500", disposition="03"))
    with act_as(Scope.system()):
        topics = list(OutboxEvent.objects.values_list("topic", flat=True))
    assert "request.confirmed" in topics
    assert "request.ready" not in topics
    with act_as(cast.staff()):
        alert = Alert.objects.get(code="ride_details_missing")
        assert alert.params["missing"] == ["a destination", "a time", "how the patient moves", "a level of service"]
        row, details = ServiceRequest.objects.get(), TransportDetail.objects.get()
        assert not drafts.release(row)
        details.when, details.mobility, details.level = "now", "wheelchair", "WC"
        details.place = cast.places["willow@lakeshore"]
        details.save()
        assert drafts.release(row)
    with act_as(Scope.system()):
        assert OutboxEvent.objects.filter(topic="request.ready").count() == 1


def test_a_complete_draft_goes_to_dispatch_when_the_patient_leaves(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, PLAN)
    with act_as(cast.staff()):
        TransportDetail.objects.update(
            when="ready", mobility="wheelchair", level="WC", place=cast.places["willow@lakeshore"]
        )
    walk(cast, feed, message("A03", "20260307110500", disposition="03"))
    with act_as(Scope.system()):
        assert OutboxEvent.objects.filter(topic="request.ready").count() == 1


@pytest.mark.parametrize(
    ("state", "event", "left", "alert"),
    [
        ("draft", "A25", "canceled", None),
        ("requested", "A25", "held", "discharge_withdrawn"),
        ("scheduled", "A25", "held", "discharge_withdrawn"),
        ("in_progress", "A25", "in_progress", "discharge_withdrawn_under_way"),
        ("draft", "A11", "canceled", None),
        ("requested", "A11", "canceled", "admission_canceled"),
        ("scheduled", "A11", "held", "admission_canceled"),
        ("in_progress", "A11", "in_progress", "admission_canceled_under_way"),
        ("draft", "A02", "draft", None),
        ("scheduled", "A02", "scheduled", None),
        ("in_progress", "A02", "in_progress", "pickup_moved"),
    ],
)
def test_a_fact_does_to_the_ride_what_the_table_says(
    cast: Cast, feed: Feed, state: str, event: str, left: str, alert: str | None
) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, state)
    row = walk(
        cast,
        feed,
        message(
            event, "20260307071500", unit="4W" if event == "A02" else "4A", room="402" if event == "A02" else "401"
        ),
    )
    assert ride_state(cast) == left
    assert alerts_of(cast, row) == ([alert] if alert else [])
    if event == "A02":
        moved = "4W-402-1" if state != "in_progress" else "4A-401-1"
        assert detail(cast).pickup_bed_label == moved
        assert stay(cast).bed.label == "4W-402-1"


@pytest.mark.parametrize("state", ["draft", "requested", "scheduled"])
def test_a_canceled_discharge_holds_the_ride_and_a_new_one_lets_it_go_on(cast: Cast, feed: Feed, state: str) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, state)
    walk(cast, feed, message("A03", "20260307081500", disposition="03"), message("A13", "20260307083000"))
    assert ride_state(cast) == "held"
    assert stay(cast).status == "in_house"
    walk(cast, feed, message("A03", "20260307093000", disposition="03"))
    assert ride_state(cast) == ("scheduled" if state == "scheduled" else "requested")


@pytest.mark.parametrize("event", ["A25", "A11"])
def test_a_ride_that_a_person_edited_is_held_where_the_feed_would_cancel(cast: Cast, feed: Feed, event: str) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, "draft", human_edited=True)
    row = walk(cast, feed, message(event, "20260307071500"))
    assert ride_state(cast) == "held"
    assert len(alerts_of(cast, row)) == 1


@pytest.mark.parametrize(
    ("state", "left"), [("draft", "canceled"), ("scheduled", "canceled"), ("in_progress", "in_progress")]
)
def test_a_death_cancels_before_dispatch_and_alerts_at_the_top(cast: Cast, feed: Feed, state: str, left: str) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, state)
    row = walk(cast, feed, message("A03", "20260307071500", disposition="20"))
    assert ride_state(cast) == left
    with act_as(cast.staff()):
        assert Alert.objects.get(source_message_id=row.pk).severity == "top"
        assert Patient.objects.get().deceased


def test_deleted_fields_are_cleared_and_absent_ones_stay(cast: Cast, feed: Feed) -> None:
    told = message("A08", "20260306211500", more=("OBX|1|NM|29463-7||90|kg|||||F",))
    walk(cast, feed, ADMIT, told, PLAN)
    assert detail(cast).weight_lb == 198
    walk(cast, feed, message("A08", "20260307063000"))
    assert (detail(cast).weight_lb, detail(cast).ready_expected_at is None) == (198, False)
    walk(cast, feed, message("A08", "20260307064000", expected='""', more=('OBX|1|NM|29463-7||""|kg|||||F',)))
    assert (detail(cast).weight_lb, detail(cast).ready_expected_at) == (None, None)
    assert stay(cast).expected_discharge_at is None


def test_an_older_update_does_not_undo_a_newer_one(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, message("A08", "20260307063000", name="Okafor^Adaeze"))
    row = walk(cast, feed, message("A08", "20260307053000", name="Okafor^Old"))
    with act_as(cast.staff()):
        assert Patient.objects.get().given_name == "Adaeze"
    assert row.outcome == "no_change"


@pytest.mark.parametrize(("state", "severity"), [("scheduled", "warn"), ("in_progress", "top")])
def test_a_safety_fact_after_booking_raises_an_alert(cast: Cast, feed: Feed, state: str, severity: str) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, state)
    row = walk(cast, feed, message("A08", "20260307063000", more=("OBX|1|ST|ISOLATION||Airborne||||||F",)))
    with act_as(cast.staff()):
        alert = Alert.objects.get(source_message_id=row.pk)
    assert (alert.code, alert.severity, alert.params["what"]) == ("safety_changed", severity, ["the isolation"])
    assert ("airborne" in detail(cast).needs) == (state == "scheduled")


def test_a_persons_answers_outrank_the_chart(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, "draft", human_edited=True)
    with act_as(cast.staff()):
        TransportDetail.objects.update(mobility="lies", weight_lb=180)
    walk(
        cast,
        feed,
        message("A08", "20260307063000", more=("OBX|1|ST|MOBILITY||walks||||||F", "OBX|2|NM|WT||99|kg|||||F")),
    )
    assert (detail(cast).mobility, detail(cast).weight_lb) == ("lies", 180)


def test_a_visit_of_another_patient_is_not_touched(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, "scheduled")
    row = walk(cast, feed, message("A02", "20260307071500", mrn="999999", name="Else^Someone", unit="4W"))
    assert (row.outcome, row.problem_code) == ("review", "patient_conflict")
    assert alerts_of(cast, row) == ["patient_conflict"]
    assert stay(cast).unit.code == "4A"
    with act_as(cast.staff()):
        assert Patient.objects.get().family_name == "Okafor"


def test_a_merge_of_two_people_moves_their_stays_and_alerts(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, PLAN)
    put(cast, "scheduled")
    walk(cast, feed, message("A01", "20260306201500", visit="V2", mrn="800000", born="19470313"))
    row = walk(cast, feed, message("A40", "20260307071500", visit="V2", mrn="800000", more=("MRG|700000^^^HOSP^MR",)))
    assert (row.outcome, alerts_of(cast, row)) == ("review", ["patient_merged"])
    with act_as(cast.staff()):
        keeper = ServiceRequest.objects.select_related("patient").get().patient
        assert keeper.mrn == "800000"
        assert set(Encounter.objects.values_list("patient_id", flat=True)) == {keeper.pk}
        assert [found.pk for found in patient_search("700000")] == [keeper.pk]


def test_every_automatic_step_is_kept_with_rule_before_and_after(cast: Cast, feed: Feed) -> None:
    walk(cast, feed, ADMIT, PLAN)
    row = walk(cast, feed, message("A02", "20260307071500", unit="4W", room="12"))
    with act_as(cast.staff()):
        found = {effect.action: effect for effect in MessageEffect.objects.filter(message=row)}
        assert found["moved"].before == {"unit": "4A", "bed": "4A-401-1"}
        assert found["pickup_moved"].after == {"pickup": "4W-12-1"}
        assert found["pickup_moved"].rule == "A02 moved"


def test_a_later_message_waits_behind_a_stopped_one_of_its_stay_only(cast: Cast, feed: Feed) -> None:
    stopped = feed_in(cast, feed, message("A01", "20260306201500", unit="NEW"))
    waiting = feed_in(cast, feed, PLAN)
    other = feed_in(cast, feed, message("A01", "20260306201500", visit="V2", mrn="700002"))
    assert (stopped.state, waiting.state, other.state) == ("stopped", "received", "done")
    assert (stopped.problem_code, stopped.problem) == (
        "unmapped_unit",
        'PV1-3.1 has "NEW". No unit of Lakeshore Medical Center has that code.',
    )


def test_an_unknown_site_stops_too(cast: Cast, feed: Feed) -> None:
    row = feed_in(cast, feed, ADMIT.replace(b"^1^HOSP", b"^1^ELSEWHERE"))
    assert (row.state, row.problem_code) == ("stopped", "unmapped_facility")
    assert row.problem == 'PV1-3.4 has "ELSEWHERE" (unit "4A"). No site of Lakeshore Health has that code.'


def test_a_broken_handler_never_loses_the_message(cast: Cast, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(drafts, "react", lambda *a, **k: 1 / 0)
        feed_in(cast, feed, ADMIT)
        row = feed_in(cast, feed, PLAN)
    assert (row.state, row.problem_code, row.attempts) == ("received", "failed", 1)
    with act_as(cast.staff()):
        assert not Discharge.objects.exists()
    settle()
    inbound.receive(feed, message("A08", "20260307070000"))
    settle()
    with act_as(cast.staff()):
        assert set(InboundMessage.objects.values_list("state", flat=True)) == {"done"}
    assert ride_state(cast) == "draft"


STORY = [
    ADMIT,
    PLAN,
    message("A02", "20260307065500", unit="4W", room="12"),
    message("A25", "20260307070500", unit="4W", room="12"),
    message("A16", "20260307073000", unit="4W", room="12", expected="20260307121500"),
    message("A08", "20260307074000", unit="4W", room="12", name="Okafor^Adaeze", expected="20260307124500"),
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(STORY))), twice=st.sets(st.integers(0, len(STORY) - 1), max_size=3))
def test_any_order_with_any_repeats_ends_with_the_same_stay(cast: Cast, order: list[int], twice: set[int]) -> None:
    with act_as(cast.staff()):
        number = Feed.objects.count()
    feed = make_feed(cast, name=f"Feed {number}", port_offset=number)
    for position in [*order, *twice]:
        raw = STORY[position].replace(b"|V1^", f"|N{number}^".encode()).replace(b"||700000^", f"||9{number}^".encode())
        feed_in(cast, feed, raw)
    with act_as(cast.staff()):
        found = Encounter.objects.latest("created_at")
        assert found.unit.code == "4W"
        assert found.bed.label == "4W-12-1"
        assert found.patient.given_name == "Adaeze"
        assert found.expected_discharge_at == dt.datetime(2026, 3, 7, 17, 45, tzinfo=dt.UTC)
        open_rides = ServiceRequest.objects.filter(encounter=found).exclude(status="canceled")
        assert [row.status for row in open_rides] in (["draft"], ["held"])
        assert InboundMessage.objects.exclude(state="done").count() == 0
