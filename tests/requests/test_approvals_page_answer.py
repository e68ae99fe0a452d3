"""The approvals page: who sees what, who answers, and what the answer looks like."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from logistics.core import clock
from logistics.core.models import AuditEntry
from logistics.requests import approval_rules
from logistics.requests.models import Gate
from logistics.requests.services import approvals
from logistics.requests.tasks import escalate_approvals
from tests.cast import Cast
from tests.requests.waiting import FAR, as_role, confirmed, gates_of, now_of, policy, ride
from tests.requests.ward import admit
from tests.support import act_as, settle, signed_in


def page(cast: Cast, role: str, query: str = "", slug: str = "lakeshore") -> str:
    answer = signed_in(cast.people[f"{role}@{slug}"]).get(f"/approvals{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def client(cast: Cast, role: str) -> Client:
    return signed_in(cast.people[f"{role}@lakeshore"])


def test_the_approver_reads_what_why_and_until_when(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    shown = page(cast, "transport_coordinator")
    until = f"{clock.local(gate.due_at, 'America/Chicago'):%H:%M}"
    for words in ("62 miles, over 50. Ask whether a nearer place will do.", "Cole, Agnes", "Wheelchair van",
                  "62.0 miles", "$310.00 estimated", "Willow Creek", "Case Manager of Lakeshore", until,
                  "Transport coordinator answers"):  # fmt: skip
        assert words in shown, words
    with act_as(cast.staff()):
        assert AuditEntry.objects.get(action="approvals.viewed").details["requests"] == 1


def test_an_approver_without_patient_access_sees_no_patient(cast: Cast) -> None:
    policy(cast, {**FAR, "approver": "admin", "escalation": "payables"})
    confirmed(cast, ride(cast, destination_kind="home", place=None, destination_address={"line": "18 Pier Rd"}))
    shown = page(cast, "admin")
    assert "62 miles, over 50" in shown
    assert "Cole" not in shown
    assert "18 Pier Rd" not in shown
    assert "to Home" in " ".join(shown.split())
    assert "18 Pier Rd" in page(cast, "transport_coordinator", "?whose=all")


def test_approving_sends_it_on_and_the_history_keeps_it(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    browser = client(cast, "transport_coordinator")
    answer = browser.post(f"/approvals/{gate.pk}/answer", {"answer": "yes"})
    assert (answer.status_code, answer["Location"]) == (303, "/approvals")
    assert "Approved. The request goes on." in browser.get("/approvals").content.decode()
    assert now_of(cast, request).status == "requested"
    history = page(cast, "case_manager", "?show=answered")
    assert "Approved" in history
    assert "Transport Coordinator of Lakeshore" in history
    # A second click says the same and changes nothing.
    assert browser.post(f"/approvals/{gate.pk}/answer", {"answer": "yes"}).status_code == 303
    assert browser.post(f"/approvals/{gate.pk}/answer", {"answer": "no", "note": "Too far"}).status_code == 409


def test_a_denial_without_a_reason_comes_back_with_the_form(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    browser = client(cast, "transport_coordinator")
    refused = browser.post(f"/approvals/{gate.pk}/answer", {"answer": "no", "note": ""})
    assert refused.status_code == 422
    assert "Write why it is denied" in refused.content.decode()
    assert browser.post(f"/approvals/{gate.pk}/answer", {"answer": "no", "note": "Too far"}).status_code == 303
    assert now_of(cast, request).status == "draft"


def test_nobody_gets_a_button_for_their_own_request(cast: Cast) -> None:
    policy(cast)
    request = ride(cast)
    coordinator = as_role(cast, "transport_coordinator")
    with act_as(coordinator):
        type(request).objects.filter(pk=request.pk).update(requested_by_id=coordinator.user_id)
    (gate,) = gates_of(cast, confirmed(cast, request, role="transport_coordinator"))
    shown = page(cast, "transport_coordinator", "?whose=all")
    assert "You asked for this: somebody else answers" in shown
    assert f"/approvals/{gate.pk}/answer" not in shown
    assert "Nothing waits for you" in page(cast, "transport_coordinator")
    answer = client(cast, "transport_coordinator").post(f"/approvals/{gate.pk}/answer", {"answer": "yes"})
    assert answer.status_code == 403
    assert "You asked for this yourself" in answer.content.decode()


@pytest.mark.parametrize(("role", "status"), [("case_manager", 403), ("quality", 403), ("payables", 403)])
def test_who_may_not_answer_is_refused(cast: Cast, role: str, status: int) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    assert client(cast, role).post(f"/approvals/{gate.pk}/answer", {"answer": "yes"}).status_code == status
    assert now_of(cast, request).status == "pending"


def test_mine_are_those_that_my_role_may_answer_soonest_first(cast: Cast) -> None:
    policy(cast, {**FAR, "minutes": 60}, {**FAR, "kind": "cost", "limit": "500", "approver": "payables", "minutes": 10})
    confirmed(cast, ride(cast, admit(cast, family="Abel", bed="13")))
    confirmed(cast, ride(cast, admit(cast, family="Baker", bed="14"), amount=900, miles=10))
    everything = page(cast, "transport_coordinator", "?whose=all")
    assert everything.index("Baker") < everything.index("Abel")
    mine = page(cast, "transport_coordinator")
    assert "Abel" in mine
    assert "Baker" not in mine


def test_an_approval_that_was_handed_on_says_so(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    with clock.pretend(gate.due_at + dt.timedelta(seconds=1)):
        escalate_approvals()
    shown = " ".join(page(cast, "admin").split())
    assert "Administrator or Transport coordinator answers until" in shown
    assert "(handed on)" in shown


def test_the_page_costs_the_same_for_one_and_for_many(cast: Cast, django_assert_max_num_queries: Any) -> None:
    policy(cast)
    for number in range(12):
        confirmed(cast, ride(cast, admit(cast, family=f"Abel{number}", bed=str(20 + number))))
    browser = client(cast, "transport_coordinator")
    browser.get("/approvals")
    with django_assert_max_num_queries(16):
        assert browser.get("/approvals?whose=all").content.decode().count("62 miles, over 50.") >= 12


def test_the_history_is_paged(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    with act_as(cast.staff()):
        for number in range(30):
            Gate.objects.create(request=request, kind="approval", rule=f"cost-{number}@1", state="denied",
                                reason=f"Reason {number}", answered_at=clock.now())  # fmt: skip
    first, second = (
        page(cast, "admin", "?show=answered&whose=all"),
        page(cast, "admin", "?show=answered&whose=all&page=2"),
    )
    assert first.count("Rule cost-") == 25
    assert second.count("Rule cost-") == 5


def test_an_alert_leads_the_console_to_the_page(cast: Cast) -> None:
    policy(cast)
    confirmed(cast, ride(cast))
    settle()
    shown = client(cast, "transport_coordinator").get("/board").content.decode()
    assert "The request waits for approval by Transport coordinator until" in shown
    assert 'href="/approvals"' in shown
    with act_as(cast.staff()):
        gate = Gate.objects.get()
        assert approval_rules.waiting_words(gate, "America/Chicago").startswith(
            "Waits for approval by Transport coordinator until"
        )


def test_the_board_says_what_a_confirmed_ride_waits_for(cast: Cast) -> None:
    policy(cast)
    confirmed(cast, ride(cast))
    shown = " ".join(client(cast, "case_manager").get("/board").content.decode().split())
    assert "Waits for approval by Transport coordinator until" in shown


def test_who_booked_reads_on_the_form_why_it_came_back(cast: Cast) -> None:
    policy(cast)
    request = confirmed(cast, ride(cast))
    (gate,) = gates_of(cast, request)
    with act_as(as_role(cast, "transport_coordinator")):
        approvals.answer(gate_id=gate.pk, granted=False, note="Use the clinic in town")
    shown = client(cast, "case_manager").get(f"/book?request={request.pk}").content.decode()
    assert "Transport Coordinator of Lakeshore did not grant it: Use the clinic in town" in " ".join(shown.split())


def test_the_bed_board_shows_a_ride_that_waits(cast: Cast) -> None:
    policy(cast)
    confirmed(cast, ride(cast))
    answer = client(cast, "case_manager").get("/beds")
    assert answer.status_code == 200
    assert "Waits to be granted" in answer.content.decode()
