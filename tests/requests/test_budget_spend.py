"""Cost centers: what counts in which month, who waits when it is spent, and what the page and the export say."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from logistics.core import clock, scoping
from logistics.core.errors import DomainError
from logistics.core.models import AuditEntry
from logistics.core.outbox import Event
from logistics.requests import gate_subscribers
from logistics.requests.models import Budget, CostCenter, ServiceRequest
from logistics.requests.selectors import budgets as figures
from logistics.requests.selectors import spending
from logistics.requests.services import booking, budgets, gates, transitions
from tests.cast import Cast, build_cast
from tests.requests.test_booking_confirm import together
from tests.requests.waiting import FAR, as_role, confirmed, now_of, policy, ride
from tests.requests.ward import admit
from tests.support import act_as, signed_in

ZONE = "America/Chicago"
CODE = "4W-6010"
OVER = {**FAR, "kind": "budget", "approver": "payables", "words": "Can it wait until next month?"}


def center(cast: Cast, amount: str | None = "700", unit: str = "4W", code: str = CODE) -> CostCenter:
    with act_as(as_role(cast, "payables")):
        made = budgets.add_cost_center(
            code=code, name="4 West transport", unit=cast.units[f"{unit}@lakeshore"], owner_name="Otto Lindgren"
        )
        if amount is not None:
            for month in {this_month(), spending.next_month(this_month())}:
                budgets.set_budget(cost_center_id=made.pk, month=month, amount=Decimal(amount))
        return made


def this_month() -> dt.date:
    return clock.today(ZONE).replace(day=1)


def middle() -> dt.datetime:
    """Noon of this month's 15th at the facility."""
    return clock.day_bounds(this_month().replace(day=15), ZONE)[0] + dt.timedelta(hours=12)


def another(cast: Cast, number: int, **facts: Any) -> ServiceRequest:
    return ride(cast, admit(cast, family=f"Abel{number}", bed=str(20 + number)),
                **{"cost_center": CODE, "pickup_at": middle(), **facts})  # fmt: skip


def row_of(cast: Cast, code: str = CODE, *, today: dt.date | None = None, first: dt.date | None = None) -> figures.Row:
    with act_as(cast.staff()):
        month = figures.month_of(first or this_month(), today=today or clock.today(ZONE))
        return next(row for row in month.rows if row.code == code)


def test_requests_of_a_unit_carry_its_cost_center_from_the_start(cast: Cast) -> None:
    center(cast)
    here, elsewhere = admit(cast), admit(cast, family="Abel", unit="4E", bed="13")
    with act_as(as_role(cast, "case_manager")):
        assert booking.start_draft(patient=here.patient, key="one").cost_center == CODE
        assert booking.start_draft(patient=elsewhere.patient, key="two").cost_center == ""


def test_a_booking_over_the_budget_waits_and_the_one_before_goes(cast: Cast) -> None:
    center(cast)
    policy(cast, OVER)
    first, second, third = (another(cast, number) for number in range(3))
    assert [confirmed(cast, each).status for each in (first, second, third)] == ["requested", "requested", "pending"]
    with act_as(cast.staff()):
        gate = third.gates.get()
        assert gate.reason == f"$230.00 over the month's budget of {CODE}. Can it wait until next month?"
        # A canceled ride gives its money back.
        booking.cancel(request_id=first.pk, reason_code="patient_refused")
        assert gates.asks_of(third) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_bookings_that_both_would_be_the_last_that_fits_one_waits() -> None:
    cast = build_cast()
    center(cast, "400")
    policy(cast, OVER)
    drafts = [another(cast, number) for number in range(2)]

    def confirm(draft: ServiceRequest) -> Any:
        def call() -> Any:
            with transaction.atomic(), scoping.enter(as_role(cast, "case_manager")):
                return gates.confirm(ServiceRequest.objects.get(pk=draft.pk)).status

        return call

    assert sorted(together(*(confirm(draft) for draft in drafts))) == ["pending", "requested"]


def test_what_counts_is_confirmed_not_canceled_and_of_this_month(cast: Cast) -> None:
    center(cast)
    confirmed(cast, another(cast, 1))
    another(cast, 2)  # a draft
    off = confirmed(cast, another(cast, 3))
    confirmed(cast, another(cast, 4, pickup_at=middle() + dt.timedelta(days=31)))
    confirmed(cast, another(cast, 5, amount=None))
    with act_as(cast.staff()):
        transitions.request_to(ServiceRequest.objects.get(pk=off.pk), "canceled")
    row = row_of(cast)
    assert (row.booked, row.completed, row.requests, row.unpriced) == (Decimal(310), Decimal(0), 2, 1)
    assert row.percent == 44
    assert row_of(cast, first=spending.next_month(this_month())).booked == Decimal(310)


def test_the_last_minute_of_a_month_belongs_to_it_on_the_facilitys_clock(cast: Cast) -> None:
    center(cast)
    end = spending.month_bounds(this_month(), ZONE)[1]
    confirmed(cast, another(cast, 1, pickup_at=end - dt.timedelta(minutes=1)))
    confirmed(cast, another(cast, 2, pickup_at=end))
    assert end.date() == spending.next_month(this_month())
    assert row_of(cast).requests == 1
    assert row_of(cast, first=spending.next_month(this_month())).requests == 1


def test_a_charge_replaces_the_estimate(cast: Cast) -> None:
    center(cast)
    request = confirmed(cast, another(cast, 1))
    event = Event(1, "charge.created", cast.lakeshore.pk, None,
                  {"charge_id": "1", "request_id": str(request.pk), "total_amount": "287.45"})  # fmt: skip
    with act_as(cast.staff()):
        for status in ("scheduled", "in_progress", "completed"):
            transitions.request_to(request, status)
        gate_subscribers.note_charge(event)
        gate_subscribers.note_charge(event)
        assert AuditEntry.objects.filter(action="request.charged").count() == 1
    assert row_of(cast).completed == Decimal("287.45")
    assert now_of(cast, request).estimated_amount == Decimal(310)


@pytest.mark.parametrize(
    ("completed", "booked", "day", "days", "expected"),
    [
        ("0", "0", 10, 30, "0.00"),
        ("100", "0", 10, 30, "300.00"),
        ("100", "50", 10, 30, "300.00"),
        ("100", "500", 10, 30, "600"),
        ("100", "50", 30, 30, "150"),
        ("0", "50", 0, 31, "50"),
        ("10", "0", 7, 31, "44.29"),
    ],
)
def test_the_forecast_draws_on_evenly_and_is_never_below_what_is_booked(
    completed: str, booked: str, day: int, days: int, expected: str
) -> None:
    assert figures.forecast(Decimal(completed), Decimal(booked), day=day, days=days) == Decimal(expected)


@given(
    completed=st.decimals(0, 99999, places=2),
    booked=st.decimals(0, 99999, places=2),
    days=st.integers(28, 31),
    day=st.integers(0, 31),
)
def test_a_forecast_never_falls_below_what_is_known(completed: Decimal, booked: Decimal, days: int, day: int) -> None:
    found = figures.forecast(completed, booked, day=min(day, days), days=days)
    assert found >= completed + booked
    assert found.as_tuple().exponent >= -2  # type: ignore[operator]


@pytest.mark.parametrize(
    ("budget", "standing", "words"),
    [
        ("300", "over", "103% used on day 15"),
        ("500", "ahead", "62% used on day 15"),
        ("650", "near", "48% used on day 15"),
        ("900", "fine", "34% used on day 15"),
        (None, "none", "No budget set"),
        ("0", "over", "Nothing may be spent"),
    ],
)
def test_the_standing_is_a_word_and_a_share(cast: Cast, budget: str | None, standing: str, words: str) -> None:
    center(cast, budget)
    request = confirmed(cast, another(cast, 1))
    with act_as(cast.staff()):
        for status in ("scheduled", "in_progress", "completed"):
            transitions.request_to(request, status)
    row = row_of(cast, today=this_month().replace(day=15))
    assert (row.standing, row.words) == (standing, words)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": CODE.lower()}, "code"),
        ({"code": "4W 60"}, "code"),
        ({"code": "=1+1"}, "code"),
        ({"code": "OTHER"}, "unit"),
        ({"code": "OTHER", "unit": None, "name": " "}, "name"),
    ],
)
def test_a_code_and_a_unit_are_taken_once(cast: Cast, fields: dict[str, Any], field: str) -> None:
    center(cast)
    given = {"name": "Other", "unit": cast.units["4W@lakeshore"], **fields}
    with act_as(as_role(cast, "payables")), pytest.raises(DomainError) as refused:
        budgets.add_cost_center(**given)
    assert set(refused.value.fields) == {field}


def test_a_cost_center_out_of_use_frees_its_unit(cast: Cast) -> None:
    made = center(cast)
    with act_as(as_role(cast, "payables")):
        budgets.edit_cost_center(
            cost_center_id=made.pk, name="Old", unit=cast.units["4W@lakeshore"], owner_name="", is_active=False
        )
        assert budgets.default_for(cast.units["4W@lakeshore"].pk) == ""
    assert center(cast, code="NEW").code == "NEW"


def test_the_other_health_system_has_its_own_codes_and_sees_no_other(cast: Cast) -> None:
    center(cast)
    with act_as(as_role(cast, "payables", "prairie")):
        assert budgets.add_cost_center(code=CODE, name="4 West").code == CODE
        assert CostCenter.objects.count() == 1


def payables(cast: Cast) -> Client:
    return signed_in(cast.people["payables@lakeshore"])


def test_the_page_and_the_export_say_the_same(cast: Cast) -> None:
    center(cast)
    confirmed(cast, another(cast, 1))
    confirmed(cast, another(cast, 2, cost_center="", amount=40))
    shown = " ".join(payables(cast).get("/budgets").content.decode().split())
    for words in (CODE, "4 West transport, 4 West", "Otto Lindgren", "44% used", "$310.00", "No cost center"):
        assert words in shown, words
    answer = payables(cast).get(f"/budgets/export.csv?month={this_month():%Y-%m}")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    mine = next(row for row in rows if row["Cost center"] == CODE)
    assert (mine["Booked USD"], mine["Budget USD"], mine["Percent used"]) == ("310.00", "700.00", "44")
    assert next(row for row in rows if row["Cost center"] == "none")["Total USD"] == "40.00"


def test_amounts_are_set_on_the_page_and_every_change_is_kept(cast: Cast) -> None:
    made = center(cast, None)
    browser = payables(cast)
    month = f"{this_month():%Y-%m}"
    assert browser.post(f"/budgets/centers/{made.pk}/amount", {"month": month, "amount": "lots"}).status_code == 422
    assert browser.post(f"/budgets/centers/{made.pk}/amount", {"month": "2026-13", "amount": "5"}).status_code == 422
    for amount in ("1250.50", "1250.50", "1300"):
        answer = browser.post(f"/budgets/centers/{made.pk}/amount", {"month": month, "amount": amount})
        assert answer.status_code == 303
    assert "$1,300.00" in browser.get(f"/budgets?month={month}").content.decode()
    with act_as(cast.staff()):
        assert Budget.objects.get().amount == Decimal(1300)
        changes = AuditEntry.objects.filter(action="budget.set").order_by("id").values_list("details", flat=True)
        assert [(each["before"], each["after"]) for each in changes] == [(None, "1250.50"), ("1250.50", "1300")]


def test_cost_centers_are_added_and_changed_on_the_pages(cast: Cast) -> None:
    browser, unit = payables(cast), cast.units["4W@lakeshore"]
    fields = {"code": CODE, "name": "4 West", "unit": str(unit.pk), "owner_name": "Otto"}
    assert browser.post("/budgets/centers/add", fields).status_code == 303
    again = browser.post("/budgets/centers/add", fields)
    assert again.status_code == 422
    assert f"{CODE} is taken. Choose another code." in again.content.decode()
    with act_as(cast.staff()):
        made = CostCenter.objects.get()
    assert 'value="Otto"' in browser.get(f"/budgets/centers/{made.pk}").content.decode()
    assert (
        browser.post(f"/budgets/centers/{made.pk}", {"name": "West", "unit": "", "owner_name": ""}).status_code == 303
    )
    with act_as(cast.staff()):
        made.refresh_from_db()
        assert (made.code, made.name, made.unit_id, made.is_active) == (CODE, "West", None, False)


def test_who_only_reads_budgets_gets_no_forms(cast: Cast) -> None:
    made = center(cast)
    browser = signed_in(cast.people["transport_coordinator@lakeshore"])
    shown = browser.get("/budgets").content.decode()
    assert CODE in shown
    assert "Set the budget" not in shown
    assert browser.post(f"/budgets/centers/{made.pk}/amount", {"month": "2026-11", "amount": "5"}).status_code == 403
    assert signed_in(cast.people["case_manager@lakeshore"]).get("/budgets").status_code == 403


def test_the_month_costs_the_same_for_one_and_for_many(cast: Cast, django_assert_num_queries: Any) -> None:
    center(cast)
    for number in range(6):
        confirmed(cast, another(cast, number))
    with act_as(cast.staff()), django_assert_num_queries(4):
        figures.month_of(this_month(), today=clock.today(ZONE))
