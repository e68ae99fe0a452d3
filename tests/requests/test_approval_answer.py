"""Approvals: asked for by the policy, answered once by somebody else, handed on when nobody answers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from dispatch.models import Trip
from logistics.core import clock, scoping
from logistics.core.errors import DomainError, NotAllowed
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.requests import approval_rules
from logistics.requests.models import Alert, Gate, ServiceRequest
from logistics.requests.services import approvals, booking, gates, transitions
from logistics.requests.services.changes import ChangeLog, Stamp
from logistics.requests.services.drafts import react
from logistics.requests.tasks import escalate_approvals
from tests.cast import Cast, build_cast
from tests.requests.test_booking_confirm import together
from tests.requests.waiting import FAR, as_role, confirmed, gates_of, now_of, policy, ride
from tests.requests.ward import admit
from tests.support import act_as, settle


def open_alerts(cast: Cast, request: ServiceRequest) -> dict[str, str]:
    with act_as(cast.staff()):
        found = Alert.objects.filter(request=request, acknowledged_at__isnull=True)
        return dict(found.values_list("code", "severity"))


def test_a_ride_beyond_the_limit_waits_and_a_near_one_goes(cast: Cast) -> None:
    policy(cast)
    far, near = ride(cast), ride(cast, admit(cast, family="Abel", bed="13"), miles=Decimal(12))
    assert confirmed(cast, far).status == "pending"
    assert confirmed(cast, near).status == "requested"
    settle()
    with act_as(cast.staff()):
        assert not Trip.objects.filter(request=far).exists()
        assert Trip.objects.filter(request=near).exists()
    (gate,) = gates_of(cast, far)
    assert (gate.rule, gate.role, gate.state) == ("distance-1@1", "transport_coordinator", "open")
    assert gate.reason == "62 miles, over 50. Ask whether a nearer place will do."
    assert gate.due_at is not None
    assert gate.due_at - gate.opened_at == pytest.approx(dt.timedelta(minutes=30), abs=dt.timedelta(seconds=5))
    assert open_alerts(cast, far) == {"approval_asked": "info"}


def test_without_a_policy_nothing_waits(cast: Cast) -> None:
    assert confirmed(cast, ride(cast)).status == "requested"


def test_an_approval_sends_the_ride_on_and_is_kept_with_who_and_when(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    settle()
    (gate,) = gates_of(cast, request)
    with act_as(as_role(cast, "transport_coordinator")) as scope:
        approvals.answer(gate_id=gate.pk, granted=True, note="Family lives there")
    settle()
    assert now_of(cast, request).status in ("requested", "scheduled")
    (gate,) = gates_of(cast, request)
    assert (gate.state, gate.answered_by_id, gate.answer_note) == ("granted", scope.user_id, "Family lives there")
    assert open_alerts(cast, request) == {}
    with act_as(cast.staff()):
        assert Trip.objects.filter(request=request).count() == 1
        entry = AuditEntry.objects.get(action="gate.granted")
        assert (entry.actor_id, entry.details) == (scope.user_id, {"rule": "distance-1@1"})


def test_a_denial_brings_the_draft_back_with_the_reason(cast: Cast) -> None:
    policy(cast, FAR, {**FAR, "kind": "cost", "limit": "100"})
    request = confirmed(cast, ride(cast))
    far, dear = gates_of(cast, request)
    with act_as(as_role(cast, "transport_coordinator")):
        with pytest.raises(DomainError) as refused:
            approvals.answer(gate_id=far.pk, granted=False, note=" ")
        assert "note" in refused.value.fields
    with act_as(as_role(cast, "transport_coordinator")):
        approvals.answer(gate_id=far.pk, granted=False, note="Use the clinic in town")
    settle()
    assert now_of(cast, request).status == "draft"
    assert [gate.state for gate in gates_of(cast, request)] == ["denied", "withdrawn"]
    assert open_alerts(cast, request) == {"approval_denied": "warn"}
    with act_as(as_role(cast, "transport_coordinator")), pytest.raises(DomainError, match="not needed any more"):
        approvals.answer(gate_id=dear.pk, granted=True)
    # Booked again unchanged, it is asked again.
    assert confirmed(cast, request).status == "pending"


@pytest.mark.parametrize("role", ["case_manager", "payables", "admin", "quality"])
def test_who_is_not_the_approver_is_told_who_is(cast: Cast, role: str) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    with act_as(as_role(cast, role)), pytest.raises(NotAllowed) as refused:
        approvals.answer(gate_id=gate.pk, granted=True)
    expected = "You asked for this yourself" if role == "case_manager" else "Transport coordinator answers this."
    assert refused.value.message.startswith(expected)
    (gate,) = gates_of(cast, request)
    assert gate.state == "open"


def test_nobody_approves_what_they_asked_for_even_in_another_role(cast: Cast) -> None:
    policy(cast)
    draft = ride(cast)
    coordinator = as_role(cast, "transport_coordinator")
    with act_as(coordinator):
        mine = gates.confirm(ServiceRequest.objects.get(pk=draft.pk), changes={"requested_by_id": coordinator.user_id})
    (gate,) = gates_of(cast, mine)
    with act_as(coordinator), pytest.raises(NotAllowed) as refused:
        approvals.answer(gate_id=gate.pk, granted=True)
    assert refused.value.code == "own_request"
    # Nor through the service below, which every other gate uses.
    with act_as(coordinator), pytest.raises(NotAllowed):
        gates.answer(gate_id=gate.pk, granted=True)
    assert now_of(cast, mine).status == "pending"


@pytest.mark.django_db(transaction=True)
def test_of_a_yes_and_a_no_in_the_same_moment_one_counts() -> None:
    cast = build_cast()
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)

    def say(granted: bool) -> Any:
        def call() -> Any:
            with transaction.atomic(), scoping.enter(as_role(cast, "transport_coordinator")):
                return approvals.answer(gate_id=gate.pk, granted=granted, note="Because of the weather").state

        return call

    results = together(say(True), say(False), say(True), say(False))
    (gate,) = gates_of(cast, request)
    said = [answer for answer in results if isinstance(answer, str)]
    refused = [answer for answer in results if isinstance(answer, DomainError)]
    assert set(said) == {gate.state}
    assert len(said) == len(refused) == 2
    assert {error.code for error in refused} == {"answered"}
    assert now_of(cast, request).status == ("requested" if gate.state == "granted" else "draft")
    with act_as(cast.staff()):
        assert OutboxEvent.objects.filter(topic__in=["gate.granted", "gate.denied"]).count() == 1
        assert AuditEntry.objects.filter(action=f"gate.{gate.state}").count() == 1


def test_the_last_of_two_approvals_sends_it_on(cast: Cast) -> None:
    policy(cast, FAR, {**FAR, "kind": "cost", "limit": "100", "approver": "payables"})
    request = confirmed(cast, ride(cast))
    far, dear = gates_of(cast, request)
    with act_as(as_role(cast, "transport_coordinator")):
        approvals.answer(gate_id=far.pk, granted=True)
    assert now_of(cast, request).status == "pending"
    with act_as(as_role(cast, "payables")):
        approvals.answer(gate_id=dear.pk, granted=True)
    assert now_of(cast, request).status == "requested"


def test_an_unanswered_approval_goes_to_the_next_role_and_then_cries_until_answered(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    settle()
    (gate,) = gates_of(cast, request)
    assert escalate_approvals() == 0
    with clock.pretend(gate.due_at + dt.timedelta(seconds=1)):
        assert escalate_approvals() == 1
        assert escalate_approvals() == 0
    (gate,) = gates_of(cast, request)
    assert (gate.role, gate.state) == ("admin", "open")
    assert approval_rules.roles_of(gate) == ("admin", "transport_coordinator")
    assert gate.escalated_at is not None
    settle()
    assert open_alerts(cast, request)["approval_escalated"] == "warn"
    with clock.pretend(gate.due_at + dt.timedelta(seconds=1)):
        assert escalate_approvals() == 1
        assert escalate_approvals() == 0
    settle()
    # Nothing lapsed: it waits, loudly, and the one who was asked second may still answer.
    assert now_of(cast, request).status == "pending"
    assert open_alerts(cast, request)["approval_overdue"] == "top"
    with act_as(as_role(cast, "admin")):
        approvals.answer(gate_id=gate.pk, granted=True)
    settle()
    assert open_alerts(cast, request) == {}
    assert now_of(cast, request).status != "pending"


def test_after_an_escalation_the_first_role_may_still_answer(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    with clock.pretend(gate.due_at):
        assert escalate_approvals() == 1
    with act_as(as_role(cast, "transport_coordinator")):
        assert approvals.answer(gate_id=gate.pk, granted=True).state == "granted"


@pytest.mark.parametrize("way", ["held", "canceled"])
def test_a_held_or_canceled_request_needs_no_answer(cast: Cast, way: str) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    settle()
    with act_as(cast.staff()):
        if way == "held":
            booking.hold(request_id=request.pk, reason="The discharge is off")
        else:
            booking.cancel(request_id=request.pk, reason_code="patient_refused")
    settle()
    assert [gate.state for gate in gates_of(cast, request)] == ["withdrawn"]
    assert "approval_asked" not in open_alerts(cast, request)
    with clock.pretend(clock.now() + dt.timedelta(hours=3)):
        assert escalate_approvals() == 0


def test_a_resumed_request_is_asked_about_again_and_does_not_slip_through(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    settle()
    with act_as(cast.staff()):
        booking.hold(request_id=request.pk, reason="The discharge is off")
    settle()
    with act_as(cast.staff()):
        booking.resume(request_id=request.pk)
    settle()
    assert now_of(cast, request).status == "pending"
    assert [gate.state for gate in gates_of(cast, request)] == ["withdrawn", "open"]
    with act_as(cast.staff()):
        assert not Trip.objects.filter(request=request).exists()


def test_what_was_approved_is_not_asked_again_until_the_facts_change(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    with act_as(as_role(cast, "transport_coordinator")):
        approvals.answer(gate_id=gate.pk, granted=True)
    with act_as(cast.staff()):
        row = ServiceRequest.objects.get(pk=request.pk)
        transitions.request_to(row, "draft")
        assert gates.asks_of(row) == []
        detail = row.transport_rows.get()
        detail.miles = Decimal(80)
        detail.save()
        assert [ask.rule for ask in gates.asks_of(row)] == ["distance-1@1"]


def test_a_denied_draft_is_not_let_through_by_the_discharge(cast: Cast) -> None:
    policy(cast)
    encounter = admit(cast)
    request = confirmed(cast, ride(cast, encounter))
    (gate,) = gates_of(cast, request)
    with act_as(as_role(cast, "transport_coordinator")):
        approvals.answer(gate_id=gate.pk, granted=False, note="Use the clinic in town")
    settle()
    now = clock.now()
    with act_as(cast.staff()):
        react("left", encounter, stamp=Stamp(now, now), log=ChangeLog(), rule="A03")
    settle()
    assert now_of(cast, request).status == "pending"
    with act_as(cast.staff()):
        assert not Trip.objects.filter(request=request).exists()
        assert Gate.objects.filter(request=request, state="open").count() == 1


def test_another_health_systems_approval_does_not_exist(cast: Cast) -> None:
    policy(cast)
    (gate,) = gates_of(cast, confirmed(cast, ride(cast)))
    with act_as(as_role(cast, "transport_coordinator", "prairie")), pytest.raises(DomainError) as refused:
        approvals.answer(gate_id=gate.pk, granted=True)
    assert refused.value.code == "not_found"


def test_the_preview_says_what_the_booking_will_do(cast: Cast) -> None:
    policy(cast)
    with act_as(as_role(cast, "case_manager")):
        asked = approvals.preview_asks(level="WC", miles=Decimal("62.0"), amount=Decimal(310), zone="America/Chicago")
        assert [(ask.rule, ask.minutes) for ask in asked] == [("distance-1@1", 30)]
        assert approvals.preview_asks(level="WC", miles=Decimal(20), zone="America/Chicago") == []
        assert not Gate.objects.exists()
