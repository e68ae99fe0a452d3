"""A discharge as a plan: what must be there first, whose turn it is, what holds the bed, and rides that move."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import Trip
from dispatch.selectors import plan as selector
from dispatch.services import retimes
from dispatch.services.equipment import delivering
from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.requests import plan_rules
from logistics.requests.models import (
    Discharge,
    Encounter,
    Patient,
    PlanEdge,
    RetimeProposal,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.services import plan, protocols
from logistics.requests.services.transitions import request_to
from tests.dispatch import gear
from tests.support import act_as, settle, signed_in

START = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)


@pytest.fixture
def stay(cast: Any) -> Any:
    """A patient who leaves in two hours; gives (cast, discharge id, patient)."""
    gear.shelve(cast, gear.OXYGEN, 2)
    with act_as(cast.staff()):
        patient = Patient.objects.create(
            family_name="Zzyzxcanary", given_name="Agnes", birth_date="1945-03-14",
            address={"line": "18 Pier Rd", "city": "Madison", "state": "WI", "zip_code": "53704"},
        )  # fmt: skip
        encounter = Encounter.objects.create(
            patient=patient, facility=cast.facilities["lakeshore"], unit=cast.units["4W@lakeshore"],
            visit_token=uuid4().bytes, status="in_house",
        )  # fmt: skip
        discharge = Discharge.objects.create(
            encounter=encounter, announced_at=clock.now(), expected_at=clock.now() + dt.timedelta(hours=2)
        )
    return cast, discharge, patient


def ride(cast: Any, discharge: Discharge, patient: Patient, *, hours: float = 2) -> ServiceRequest:
    """A confirmed ride home."""
    with act_as(cast.staff()):
        request = ServiceRequest.objects.create(
            patient=patient, encounter_id=discharge.encounter_id, discharge=discharge,
            facility=cast.facilities["lakeshore"], unit=cast.units["4W@lakeshore"], requested_by_name="Dana Morales",
        )  # fmt: skip
        TransportDetail.objects.create(
            request=request, when="at", pickup_at=clock.now() + dt.timedelta(hours=hours), destination_kind="home",
            destination_latitude=43.02, destination_longitude=-89.45, destination_address=patient.address,
            destination_zone="America/Chicago", mobility="wheelchair", level="WC", minutes=20, miles=6,
        )  # fmt: skip
        request_to(request, "requested")
    settle()
    return request


def oxygen(cast: Any, discharge: Discharge, patient: Patient) -> Any:
    """Oxygen for the home, taken by a supplier."""
    row = gear.order(cast, (gear.OXYGEN, "", 1), patient=patient)
    with act_as(cast.staff()):
        request = ServiceRequest.objects.get(pk=row.request_id)
        request.encounter_id, request.discharge_id = discharge.encounter_id, discharge.pk
        request.save(update_fields=["encounter", "discharge"])
        plan.lay(discharge)
    settle()
    return gear.take(cast, row)


def slip(cast: Any, row: Any, hours: float) -> None:
    """The supplier says when it will really come."""
    with act_as(gear.supplier(cast)):
        delivering.slip(row.pk, expected_at=clock.now() + dt.timedelta(hours=hours), code="other")
    settle()


def test_oxygen_at_home_comes_before_the_ride_home_by_rule_and_once(stay: Any) -> None:
    cast, discharge, patient = stay
    ride(cast, discharge, patient)
    oxygen(cast, discharge, patient)
    with act_as(cast.staff()):
        edge = PlanEdge.objects.get()
        assert (edge.before.kind, edge.after.kind, edge.source) == ("dme", "transport", "rule")
        assert plan.lay(discharge) == 0
        plan.remove_edge(edge_id=edge.pk)
        assert plan.lay(discharge) == 0, "what a person took out stays out"


def test_a_slip_proposes_one_later_ride_and_accepting_moves_it(stay: Any) -> None:
    cast, discharge, patient = stay
    request = ride(cast, discharge, patient, hours=3)
    row = oxygen(cast, discharge, patient)
    slip(cast, row, 5)
    slip(cast, row, 6)
    with act_as(cast.staff()):
        proposal = RetimeProposal.objects.get(state="open")
        assert proposal.request_id == request.pk
        assert proposal.new_at >= clock.now() + dt.timedelta(hours=6)
        shown = selector.plan_of(_fresh(discharge))
        assert shown.retimes == [proposal]
        assert "Oxygen concentrator" in selector.waits_of([request.pk])[request.pk]
        retimes.accept(proposal_id=proposal.pk)
        retimes.accept(proposal_id=proposal.pk)
    settle()
    with act_as(cast.staff()):
        assert Trip.objects.get(request=request).pickup_at == proposal.new_at
        assert not RetimeProposal.objects.filter(state="open").exists()


def test_a_ride_may_stay_for_a_reason_and_an_earlier_delivery_takes_the_proposal_back(stay: Any) -> None:
    cast, discharge, patient = stay
    ride(cast, discharge, patient, hours=3)
    row = oxygen(cast, discharge, patient)
    slip(cast, row, 5)
    with act_as(cast.staff()):
        first = RetimeProposal.objects.get()
        with pytest.raises(DomainError, match="Write why the ride stays"):
            retimes.keep(proposal_id=first.pk, reason="")
        retimes.keep(proposal_id=first.pk, reason="The daughter brings a tank")
        retimes.keep(proposal_id=first.pk, reason="The daughter brings a tank")
    slip(cast, row, 7)
    slip(cast, row, 1)
    with act_as(cast.staff()):
        assert {one.state for one in RetimeProposal.objects.all()} == {"kept", "withdrawn"}


def test_hard_items_hold_the_word_ready_until_they_are_done_or_somebody_says_why(stay: Any) -> None:
    cast, discharge, _ = stay
    with act_as(cast.staff()):
        protocols.save(
            unit=cast.units["4W@lakeshore"], seen_version=0,
            items=[{"words": "Medicines explained", "who": "nurse", "hard": True, "offset_minutes": 60}],
        )  # fmt: skip
        with pytest.raises(DomainError, match="Medicines explained"):
            plan.say_ready(discharge_id=discharge.pk)
        [line] = protocols.for_discharge(_fresh(discharge))
        protocols.tick(discharge_id=discharge.pk, item_key=line.item.key)
        assert plan.say_ready(discharge_id=discharge.pk).status == "ready"
        assert plan.say_ready(discharge_id=discharge.pk).status == "ready"


def test_the_page_shows_and_does_it_all(stay: Any) -> None:
    cast, discharge, patient = stay
    ride(cast, discharge, patient, hours=3)
    row = oxygen(cast, discharge, patient)
    slip(cast, row, 5)
    client = signed_in(cast.people["case_manager@lakeshore"])
    url = f"/discharges/{discharge.pk}"
    page = client.get(url).content.decode()
    assert "Move the ride?" in page
    assert "Oxygen concentrator at home first" in page
    assert client.get("/discharges").status_code == 200
    with act_as(cast.staff()):
        edge, proposal = PlanEdge.objects.get(), RetimeProposal.objects.get()
    circle = client.post(f"{url}/edge", {"before": edge.after_id, "after": edge.before_id})
    assert circle.status_code >= 400
    assert "would wait for each other" in circle.content.decode()
    assert client.post(f"/retimes/{proposal.pk}", {"do": "keep", "reason": ""}).status_code >= 400
    assert client.post(f"/retimes/{proposal.pk}", {"do": "accept"}).status_code == 303
    member = cast.people["case_manager@lakeshore"]
    assert client.post(f"{url}/owner", {"milestone": "ride", "member": member.pk}).status_code == 303
    assert client.post(f"{url}/ready").status_code == 303
    assert client.post(f"{url}/unedge", {"edge": edge.pk}).status_code == 303
    assert client.post(f"{url}/nonsense").status_code == 404
    assert signed_in(cast.people["case_manager@prairie"]).get(url).status_code == 404


def test_a_list_of_many_plans_costs_as_much_as_a_list_of_one(stay: Any) -> None:
    cast, discharge, patient = stay
    ride(cast, discharge, patient)
    with act_as(cast.staff()):
        one = [_fresh(discharge)]
        with CaptureQueriesContext(connection) as first:
            selector.plans_of(one)
        for _ in range(4):
            encounter = Encounter.objects.create(
                patient=patient, facility=cast.facilities["lakeshore"], unit=cast.units["4W@lakeshore"],
                visit_token=uuid4().bytes,
            )  # fmt: skip
            Discharge.objects.create(encounter=encounter)
        many = list(selector.discharge_list())
        assert len(many) == 5
        with CaptureQueriesContext(connection) as second:
            selector.plans_of(many)
        assert len(second) <= len(first)


def _fresh(discharge: Discharge) -> Discharge:
    rows = Discharge.objects.select_related("encounter__patient", "encounter__unit", "encounter__facility")
    return rows.get(pk=discharge.pk)


MINUTES = st.integers(-500, 2000)


@given(total=st.integers(0, 3000), waits=st.lists(st.tuples(st.sampled_from("abc"), st.none() | MINUTES), max_size=4))
def test_blocked_minutes_by_cause_add_up_to_the_whole(total: int, waits: list[tuple[str, int | None]]) -> None:
    ended = [(name, None if at is None else START + dt.timedelta(minutes=at)) for name, at in waits]
    found = plan_rules.blocked(START, START + dt.timedelta(minutes=total), ended)
    assert sum(one.minutes for one in found) == total
    assert all(one.minutes > 0 for one in found)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=25))
def test_edges_that_are_refused_are_exactly_those_that_close_a_circle(pairs: list[tuple[int, int]]) -> None:
    kept: list[tuple[int, int]] = []
    for before, after in pairs:
        if not plan_rules.makes_circle(kept, before, after):
            kept.append((before, after))
    order: list[int] = []
    left = set(range(7))
    while left:
        free = {node for node in left if not any(one in left for one, other in kept if other == node)}
        assert free, "the kept edges have a circle"
        order += sorted(free)
        left -= free


@given(pickup=MINUTES, drive=st.integers(0, 600), there=MINUTES)
def test_a_moved_ride_arrives_after_what_it_waits_for_and_only_late_ones_move(
    pickup: int, drive: int, there: int
) -> None:
    at, there_at = START + dt.timedelta(minutes=pickup), START + dt.timedelta(minutes=there)
    new = plan_rules.later_pickup(at, drive, there_at)
    margin = dt.timedelta(minutes=plan_rules.MARGIN_MINUTES)
    if new is None:
        assert at + dt.timedelta(minutes=drive) >= there_at + margin
    else:
        assert new > at
        assert there_at + margin <= new + dt.timedelta(minutes=drive) < there_at + margin + dt.timedelta(minutes=6)
        assert new.minute % 5 == 0
