"""The rules of equipment papers and dates, without a database."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.requests.equipment_rules import (
    FACE_TO_FACE_MONTHS,
    Papers,
    early_problem,
    missing_for_claim,
    months_before,
    service_day,
    wopd_problem,
)

DAY = dt.date(2026, 11, 24)
DAYS = st.dates(min_value=dt.date(2001, 1, 1), max_value=dt.date(2090, 12, 31))
COMPLETE = Papers(
    practitioner=True, ordered_on=DAY, signed_on=DAY, face_to_face_on=dt.date(2026, 10, 1), wopd_received_on=DAY
)


def test_a_complete_order_lacks_nothing_for_the_claim_and_may_leave() -> None:
    assert missing_for_claim(COMPLETE) == []
    assert wopd_problem(COMPLETE, DAY) == ""


def test_each_missing_element_is_named() -> None:
    assert missing_for_claim(Papers(beneficiary=False, items=False)) == [
        "the patient's name", "the items with their quantity", "the order date", "the practitioner",
        "the practitioner's signature",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"wopd_received_on": None}, "has not been received"),
        ({"wopd_received_on": DAY + dt.timedelta(days=1)}, "A later order does not cure it"),
        ({"signed_on": None}, "lacks the practitioner's signature"),
        ({"ordered_on": DAY + dt.timedelta(days=2)}, "before it was written or signed"),
        ({"signed_on": DAY + dt.timedelta(days=1)}, "before it was written or signed"),
        ({"face_to_face_on": None}, "saw the patient is missing"),
        ({"face_to_face_on": DAY + dt.timedelta(days=1)}, "after the order"),
        ({"face_to_face_on": dt.date(2026, 5, 23)}, "more than 6 months"),
    ],
)
def test_a_written_order_that_does_not_hold_keeps_the_item_in(change: dict, words: str) -> None:
    assert words in wopd_problem(dataclasses.replace(COMPLETE, **change), DAY)


def test_six_months_to_the_day_still_count() -> None:
    assert wopd_problem(dataclasses.replace(COMPLETE, face_to_face_on=dt.date(2026, 5, 24)), DAY) == ""


@given(DAYS, st.integers(min_value=0, max_value=36))
def test_months_before_keeps_the_day_or_takes_the_months_last(day: dt.date, months: int) -> None:
    earlier = months_before(day, months)
    assert (day.year * 12 + day.month) - (earlier.year * 12 + earlier.month) == months
    assert earlier.day == day.day or (earlier.day < day.day and (earlier + dt.timedelta(days=1)).day == 1)


@given(DAYS, st.integers(min_value=-400, max_value=400), st.integers(min_value=-400, max_value=400))
def test_what_may_leave_was_ordered_seen_and_received_in_that_order(day: dt.date, seen: int, received: int) -> None:
    papers = Papers(
        practitioner=True, ordered_on=day, signed_on=day, face_to_face_on=day + dt.timedelta(days=seen),
        wopd_received_on=day + dt.timedelta(days=received),
    )  # fmt: skip
    leaves_on = day + dt.timedelta(days=30)
    if wopd_problem(papers, leaves_on) == "":
        assert months_before(day, FACE_TO_FACE_MONTHS) <= papers.face_to_face_on <= day
        assert day <= papers.wopd_received_on <= leaves_on


@pytest.mark.parametrize(("days", "refused"), [(3, True), (2, False), (0, False), (-1, False)])
def test_the_bedside_is_served_at_most_two_days_before_discharge(days: int, refused: bool) -> None:
    assert bool(early_problem("bedside", DAY, DAY - dt.timedelta(days=days))) is refused
    assert early_problem("home", DAY, DAY - dt.timedelta(days=days)) == ""


def test_the_date_of_service_is_the_receivers_date_or_the_discharge_at_the_bedside() -> None:
    before = DAY - dt.timedelta(days=1)
    assert service_day("home", DAY, before) == before
    assert service_day("bedside", DAY, before) == DAY
    assert service_day("bedside", DAY, DAY + dt.timedelta(days=1)) == DAY + dt.timedelta(days=1)
    assert service_day("bedside", None, before) == before
