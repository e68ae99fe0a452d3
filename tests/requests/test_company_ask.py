"""Who must not be alone: a named escort for minors, a named escort or receiver for the others."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.requests.models import Patient
from logistics.requests.services import company

DAY = dt.date(2026, 11, 24)


def patient(born: str) -> Patient:
    return Patient(tenant_id=uuid4(), birth_date=born)


@given(st.dates(dt.date(1920, 1, 1), DAY), st.booleans())
def test_whoever_is_not_eighteen_on_that_day_needs_a_named_adult(born: dt.date, receiver: bool) -> None:
    fields = {"needs": [], "receiver_name": "Charge nurse" if receiver else ""}
    birthday = born.replace(year=born.year + 18, day=min(born.day, 28))
    problems = company.problems(fields, patient(born.isoformat()), DAY)
    if birthday > DAY:
        assert "name of the adult who rides along" in problems["escort_name"]
        assert not company.problems(fields | {"escort_name": "Maria Cole"}, patient(born.isoformat()), DAY)
    elif born.day <= 28:
        assert not problems


@pytest.mark.parametrize("need", ["never_alone", "wander", "behavior"])
def test_who_is_handed_over_needs_an_escort_or_a_receiver(need: str) -> None:
    adult = patient("1950-05-05")
    assert "or who takes over at the door" in company.problems({"needs": [need]}, adult, DAY)["escort_name"]
    for name in ("escort_name", "receiver_name"):
        assert not company.problems({"needs": [need], name: "Maria Cole"}, adult, DAY)
        assert company.problems({"needs": [need], name: "  "}, adult, DAY)


@pytest.mark.parametrize("born", ["", "unknown", "19450314"[:4]])
def test_an_unknown_birth_date_asks_for_nobody(born: str) -> None:
    assert not company.problems({"needs": []}, patient(born), DAY)


@pytest.mark.parametrize(
    ("fields", "seats"),
    [({}, 0), ({"companions": 2}, 2), ({"escort_name": "Maria Cole"}, 1), ({"companions": 3, "escort_name": "M"}, 3)],
)
def test_a_named_escort_has_a_seat(fields: dict[str, Any], seats: int) -> None:
    assert company.riding_along(fields) == seats
