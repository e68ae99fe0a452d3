"""Certifications and authorized units are counted over the dates of a series; a ride without a unit is not lost."""

from __future__ import annotations

import datetime as dt

import pytest

from logistics.core import clock
from logistics.requests.models import Patient
from logistics.requests.services import standing_plan
from logistics.requests.services.standing_plan import Checked
from tests.cast import Cast
from tests.requests.paper import allowed, form, sign
from tests.requests.standing import MONDAY, begin, center, draft, spec, statuses
from tests.requests.ward import admit
from tests.support import act_as, settle

pytestmark = pytest.mark.django_db
STRETCHER = {"ride": {"mobility": "lies", "needs": ["watching"], "payer_name": "Medicare"}}


def someone(cast: Cast) -> Patient:
    """A patient at home."""
    stay = admit(cast, stay={"status": "discharged"})
    with act_as(cast.staff()):
        return Patient.objects.get(pk=stay.patient_id)


def preview(cast: Cast, patient: Patient, until: dt.date) -> list[Checked]:
    """The dates of a series by ambulance from Tuesday on."""
    with act_as(cast.staff()):
        series = draft(cast, patient, spec(center(cast), patient, **STRETCHER), start_on=dt.date(2027, 2, 2))
        assert series.versions[0].level == "BLS"
        return standing_plan.checked(series, dt.date(2027, 2, 2), until)


def test_of_thirteen_legs_the_last_waits_when_twelve_units_are_left(cast: Cast) -> None:
    with clock.pretend(MONDAY):
        patient = someone(cast)
        allowed(cast, patient, 12)
        found = preview(cast, patient, dt.date(2027, 2, 17))
        assert [each.unit_nos for each in found][-2:] == [(11, 12), (None, None)]
        assert [each.warns for each in found if None in each.unit_nos] == [True]
        order = begin(
            cast, patient.pk, start_on=dt.date(2027, 2, 2), rule="FREQ=DAILY", end_on=dt.date(2027, 2, 8), **STRETCHER
        )
        settle()
        made = statuses(cast, order)
    assert len(made) == 14
    waiting = sorted(key for key, status in made.items() if status == "pending")
    assert waiting == [("02-08", "back"), ("02-08", "out")]
    assert {status for key, status in made.items() if key not in waiting} == {"requested"}


def test_a_certification_that_expires_mid_week_warns_from_the_next_date_on(cast: Cast) -> None:
    with clock.pretend(MONDAY):
        patient = someone(cast)
        sign(cast, form(cast, patient, starts_on=dt.date(2027, 2, 1), ends_on=dt.date(2027, 2, 10)))
        found = preview(cast, patient, dt.date(2027, 2, 15))
    assert {f"{each.planned.occurrence.day:%m-%d}": each.certified for each in found} == {
        "02-03": True, "02-05": True, "02-08": True, "02-10": True, "02-12": False, "02-15": False,
    }  # fmt: skip
    assert all(each.certificate for each in found)


def test_the_sixty_first_day_needs_a_new_certification(cast: Cast) -> None:
    with clock.pretend(MONDAY):
        patient = someone(cast)
        sign(cast, form(cast, patient, starts_on=dt.date(2027, 2, 1), ends_on=dt.date(2027, 4, 1)))
        found = preview(cast, patient, dt.date(2027, 4, 9))
    covered = [each.planned.occurrence.day for each in found if each.certified]
    # 42 CFR 410.40(e)(1): dated no earlier than 60 days before the service, which 2 April is from 1 February.
    assert covered[-1] == dt.date(2027, 3, 31)
    assert not next(each for each in found if each.planned.occurrence.day == dt.date(2027, 4, 2)).certified


def test_a_wheelchair_van_needs_neither(cast: Cast) -> None:
    with clock.pretend(MONDAY):
        patient = someone(cast)
        with act_as(cast.staff()):
            series = draft(cast, patient, spec(center(cast), patient), start_on=dt.date(2027, 2, 2))
            found = standing_plan.checked(series, dt.date(2027, 2, 2), dt.date(2027, 2, 28))
    assert {(each.certificate, each.units, each.warns) for each in found} == {("", "", False)}
