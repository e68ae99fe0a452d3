"""The pages of recurring trips: begun after a look at the dates, changed, skipped, undone, ended."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from logistics.core import clock
from logistics.requests.models import StandingException, StandingOrder
from logistics.requests.services import standing_orders
from tests.cast import Cast
from tests.dispatch.pages import at_most, audited, client_of
from tests.requests.standing import MONDAY, begin, center, now, statuses
from tests.requests.ward import admit
from tests.support import act_as, settle

pytestmark = pytest.mark.django_db
NEW = reverse("requests:standing_new")


@pytest.fixture
def manager(cast: Cast) -> Iterator[Client]:
    """Monday 1 February 2027, noon: a case manager of Lakeshore."""
    with clock.pretend(MONDAY):
        yield client_of(cast, "case_manager@lakeshore")


@pytest.fixture
def order(cast: Cast, manager: Client) -> StandingOrder:
    """Agnes Cole's dialysis."""
    return begin(cast, admit(cast, stay={"status": "discharged"}).patient_id, start_on=dt.date(2027, 2, 1))


def answers(cast: Cast, patient_id: Any, **changes: Any) -> dict[str, Any]:
    """What a person types into the form of a new series."""
    return {
        "key": "form-1", "patient": patient_id, "unit": cast.units["4W@lakeshore"].pk, "pickup": "home",
        "destination": center(cast).pk, "days": ["MO", "WE", "FR"], "weeks": "1", "timing": "arrive",
        "local_time": "05:30", "return_kind": "ready", "return_hours": "4.5", "holiday_rule": "keep",
        "purpose": "dialysis", "start_on": "2027-02-03", "mobility": "wheelchair", "weight_lb": "142",
        "companions": "0", "do": "check", **changes,
    }  # fmt: skip


def page(response: Any) -> str:
    """The page's text, white space folded."""
    return re.sub(r"\s+", " ", response.content.decode())


def test_a_series_begins_after_its_dates_were_seen(cast: Cast, manager: Client) -> None:
    given = answers(cast, admit(cast).patient_id)
    shown = manager.post(NEW, given)
    text = page(shown)
    assert shown.status_code == 200
    assert "39 dates until" in text
    assert "Mon, Wed, Fri, chair 05:30" in text
    assert "Washington&#x27;s Birthday: check that the center is open." in text
    assert "Wheelchair" in text
    seen = shown.context["seen"]
    with act_as(cast.staff()):
        assert StandingOrder.objects.count() == 0
    saved = manager.post(NEW, {**given, "do": "save", "seen": seen})
    with act_as(cast.staff()):
        order = StandingOrder.objects.get()
    assert (saved.status_code, saved["Location"]) == (303, reverse("requests:standing_order", args=[order.pk]))
    assert len(statuses(cast, order)) == 12
    again = manager.post(NEW, {**given, "do": "save", "seen": seen})
    assert again["Location"] == saved["Location"]
    with act_as(cast.staff()):
        assert StandingOrder.objects.count() == 1


def test_answers_that_changed_are_shown_before_they_are_saved(cast: Cast, manager: Client) -> None:
    given = answers(cast, admit(cast).patient_id)
    seen = manager.post(NEW, given).context["seen"]
    shown = manager.post(NEW, {**given, "do": "save", "seen": seen, "local_time": "11:00"})
    assert shown.status_code == 200
    assert "Look at the dates below, then save" in page(shown)
    with act_as(cast.staff()):
        assert StandingOrder.objects.count() == 0


def test_the_preview_names_the_clocks_change(cast: Cast, manager: Client) -> None:
    given = answers(cast, admit(cast).patient_id, days=["SU"], timing="at", local_time="02:30", start_on="2027-03-07")
    assert "02:30 does not exist on Sun 14 Mar: 03:00." in page(manager.post(NEW, given))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"days": []}, "Choose at least one day of the week."),
        ({"local_time": "25:99"}, "Write the time as hours and minutes, e.g. 05:30."),
        ({"start_on": "soon"}, "Write the first date, e.g. 2027-02-01."),
        ({"start_on": "2027-01-04"}, "The first date is today, Mon 1 Feb, or later."),
        ({"end_on": "2027-02-01"}, "The last date is after the first, and at most 400 days from it."),
        ({"mobility": ""}, "Choose how the patient travels: it decides the level of service."),
        ({"return_hours": ""}, "Write after how many hours the ride back is needed, e.g. 4.5."),
        ({"return_hours": "many"}, "Write the hours as a number, e.g. 4.5."),
        ({"destination": "", "destination_text": ""}, "Choose where the patient is going."),
        ({"pickup": "", "pickup_text": "Nowhere"}, "No place called “Nowhere”."),
        ({"level": "AMB"}, "Write who decided on another level, and why."),
        ({"lead_minutes": "9999"}, "The pickup is 1 to 240 minutes before the chair time."),
        ({"weeks": "x"}, "Select a valid choice"),
        ({"patient": ""}, "Choose the patient."),
        ({"unit": "x"}, "Choose the unit that asks for the trips."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    cast: Cast, manager: Client, changes: dict[str, Any], sentence: str
) -> None:
    answer = manager.post(NEW, {**answers(cast, admit(cast).patient_id), **changes})
    assert answer.status_code == 422
    assert sentence in page(answer)


def test_the_list_says_pattern_next_date_and_what_has_a_vendor(
    cast: Cast, manager: Client, order: StandingOrder
) -> None:
    text = page(manager.get(reverse("requests:standing")))
    assert "Cole, Agnes" in text
    assert "Mon, Wed, Fri, chair 05:30" in text
    assert "Home, 18 Pier Rd" in text
    assert "to Lakeside Dialysis" in text
    assert "Wed 3 Feb 2027 05:30 CST" in text or "Wed 3 Feb 05:30 CST" in text
    assert "0 of 12 with a vendor" in text
    assert page(manager.get(reverse("requests:standing"), {"status": "ended"})).count("Cole, Agnes") == 0


def test_the_list_can_be_taken_along_as_a_file(cast: Cast, manager: Client, order: StandingOrder) -> None:
    answer = manager.get(reverse("requests:standing_csv"))
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Patient,Status,Pattern")
    assert lines[1].startswith('"Cole, Agnes",active,"Mon, Wed, Fri, chair 05:30"')
    assert len(audited(cast.staff(), "standing_order.exported")) == 1


def test_the_queries_of_list_and_order_do_not_grow(cast: Cast, manager: Client, order: StandingOrder) -> None:
    for number in range(4):
        person = admit(cast, family=f"Person{number}", bed=f"2{number}", stay={"status": "discharged"}).patient_id
        begin(cast, person, start_on=dt.date(2027, 2, 2), key=f"more-{number}")
    with at_most(26):
        assert page(manager.get(reverse("requests:standing"))).count("with a vendor") >= 5
    with at_most(36):
        assert manager.get(reverse("requests:standing_order", args=[order.pk])).status_code == 200


def test_the_order_page_shows_dates_with_the_state_of_both_rides(
    cast: Cast, manager: Client, order: StandingOrder
) -> None:
    settle()
    text = page(manager.get(reverse("requests:standing_order", args=[order.pk])))
    assert text.count('data-status="requested"') == 12
    assert 'data-status="planned"' in text
    assert len(audited(cast.staff(), "standing_order.viewed")) == 1


def test_one_date_is_skipped_and_undone(cast: Cast, manager: Client, order: StandingOrder) -> None:
    url = f"{reverse('requests:standing_date', args=[order.pk])}?on=2027-02-05"
    assert manager.get(url).status_code == 200
    refused = manager.post(url, {"do": "skip", "reason": ""})
    assert (refused.status_code, "Write why" in page(refused)) == (422, True)
    assert manager.post(url, {"do": "skip", "reason": "Vacation"}).status_code == 303
    assert ("02-05", "out") not in statuses(cast, order)
    shown = manager.get(reverse("requests:standing_order", args=[order.pk]))
    assert "Skipped. Vacation." in page(shown)
    with act_as(cast.staff()):
        row = StandingException.objects.get()
    undo = reverse("requests:standing_undo", args=[order.pk])
    assert manager.post(undo, {"exception": row.pk}).status_code == 303
    assert manager.post(undo, {"exception": row.pk}).status_code == 303
    assert statuses(cast, order)["02-05", "out"] == "requested"


def test_one_date_is_changed_and_moved(cast: Cast, manager: Client, order: StandingOrder) -> None:
    url = f"{reverse('requests:standing_date', args=[order.pk])}?on=2027-02-05"
    assert manager.post(url, {"do": "edit", "local_time": "07:15", "driver_note": "Side door"}).status_code == 303
    bad = manager.post(url, {"do": "edit", "needs": ["oxygen"]})
    assert (bad.status_code, "Write the oxygen flow in liters per minute." in page(bad)) == (422, True)
    assert manager.post(url, {"do": "move", "to": "2027-02-08"}).status_code == 422
    assert manager.post(url, {"do": "move", "to": ""}).status_code == 422
    assert manager.post(url, {"do": "move", "to": "2027-02-06", "local_time": "08:00"}).status_code == 303
    assert "Moved from Fri 5 Feb to Sat 6 Feb." in page(
        manager.get(reverse("requests:standing_order", args=[order.pk]))
    )


@pytest.mark.parametrize("on", ["2027-02-04", "x", "9999-12-31"])
def test_a_date_that_is_none_is_not_there(cast: Cast, manager: Client, order: StandingOrder, on: str) -> None:
    url = f"{reverse('requests:standing_date', args=[order.pk])}?on={on}"
    assert manager.get(url).status_code == 404


def test_the_series_changes_from_a_date_after_a_look(cast: Cast, manager: Client, order: StandingOrder) -> None:
    url = reverse("requests:standing_change", args=[order.pk])
    first = manager.get(url)
    assert first.status_code == 200
    given = {
        **answers(cast, order.patient_id), "days": ["TU", "TH", "SA"], "from_on": "2027-02-08",
        "version": now(cast, order).series_version,
    }  # fmt: skip
    shown = manager.post(url, given)
    assert "Tue, Thu, Sat, chair 05:30" in page(shown)
    saved = manager.post(url, {**given, "do": "save", "seen": shown.context["seen"]})
    assert saved.status_code == 303
    assert max(key[0] for key in statuses(cast, order)) == "02-13"
    assert manager.post(url, {**given, "do": "save", "seen": shown.context["seen"]}).status_code == 409
    assert manager.post(url, {**given, "from_on": "2027-01-01", "version": 2}).status_code == 422


def test_suspend_and_go_on_and_end(cast: Cast, manager: Client, order: StandingOrder) -> None:
    url = reverse("requests:standing_state", args=[order.pk])
    assert manager.post(url, {"do": "suspend", "reason": ""}).status_code == 422
    assert manager.post(url, {"do": "suspend", "reason": "Transplant evaluation"}).status_code == 303
    assert set(statuses(cast, order).values()) == {"held"}
    assert "The series is suspended" in page(manager.get(reverse("requests:standing_order", args=[order.pk])))
    assert manager.post(url, {"do": "resume"}).status_code == 303
    assert set(statuses(cast, order).values()) == {"requested"}
    assert manager.post(url, {"do": "end", "reason": ""}).status_code == 422
    assert manager.post(url, {"do": "end", "reason": "Moved away", "last_on": "2026-01-01"}).status_code == 422
    assert manager.post(url, {"do": "end", "reason": "Moved away"}).status_code == 303
    assert manager.post(url, {"do": "dance"}).status_code == 422
    assert now(cast, order).status == "ended"
    assert manager.get(reverse("requests:standing_order", args=[order.pk])).status_code == 200
    assert manager.get(reverse("requests:standing_change", args=[order.pk])).status_code == 303


def test_after_a_stay_the_pickup_must_be_said(cast: Cast, manager: Client, order: StandingOrder) -> None:
    with act_as(cast.staff()):
        StandingOrder.objects.filter(pk=order.pk).update(status="active")
        standing_orders.suspend(order_id=order.pk, reason="Admitted")
        StandingOrder.objects.filter(pk=order.pk).update(suspended_by="admitted", resume_offered_at=clock.now())
    listed = page(manager.get(reverse("requests:standing"), {"status": "decide"}))
    assert "Left the hospital: decide" in listed
    url = reverse("requests:standing_state", args=[order.pk])
    refused = manager.post(url, {"do": "resume"})
    assert (refused.status_code, "Choose where the patient is picked up now" in page(refused)) == (422, True)
    wrong = manager.post(url, {"do": "resume", "where": "other", "pickup_text": "Nowhere"})
    assert (wrong.status_code, "No place called “Nowhere”" in page(wrong)) == (422, True)
    willow = cast.places["willow@lakeshore"].pk
    assert manager.post(url, {"do": "resume", "where": "other", "pickup": willow}).status_code == 303
    assert "Willow Creek Skilled Nursing" in page(manager.get(reverse("requests:standing")))


def test_a_center_is_closed_and_opened(cast: Cast, manager: Client, order: StandingOrder) -> None:
    url = reverse("requests:place_closed", args=[center(cast).pk])
    assert "Washington&#x27;s Birthday" in page(manager.get(url))
    assert manager.post(url, {"on": "2027-02-12"}).status_code == 422
    assert manager.post(url, {"on": "2026-02-12", "name": "Past"}).status_code == 422
    assert manager.post(url, {"on": "2027-02-12", "name": "Water main", "moved_to": "2027-02-13"}).status_code == 303
    settle()
    shown = page(manager.get(reverse("requests:standing_order", args=[order.pk])))
    assert "Water main: moved from Fri 12 Feb to Sat 13 Feb." in shown
    assert manager.post(url, {"do": "open", "on": "2027-02-12"}).status_code == 303
    assert manager.post(url, {"do": "open", "on": "x"}).status_code == 303


def test_an_extra_date_is_added(cast: Cast, manager: Client, order: StandingOrder) -> None:
    url = reverse("requests:standing_add", args=[order.pk])
    assert manager.post(url, {"on": ""}).status_code == 422
    assert manager.post(url, {"on": "2027-02-03"}).status_code == 422
    assert manager.post(url, {"on": "2027-02-04", "local_time": "09:00"}).status_code == 303
    assert statuses(cast, order)["02-04", "back"] == "requested"


def test_the_dates_print(cast: Cast, manager: Client, order: StandingOrder) -> None:
    text = page(manager.get(reverse("requests:standing_print", args=[order.pk])))
    assert "Cole, Agnes" in text
    assert "Patient information: keep it with you" in text
