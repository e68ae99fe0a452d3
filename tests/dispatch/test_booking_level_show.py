"""What the booking page says of the level: the rule that excludes one, what fits, what a dearer choice costs more."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from tests.cast import Cast
from tests.dispatch.test_booking_page_book import answers, desk, plain
from tests.requests.ward import admit, requests_of
from tests.support import act_as
from vendors.models import Vehicle

pytestmark = pytest.mark.django_db


def preview(cast: Cast, **changes: Any) -> str:
    form = answers(cast, admit(cast).patient_id, **changes)
    return plain(desk(cast).post(reverse("dispatch:book_preview"), form, headers={"HX-Request": "true"}))


def test_a_dearer_level_than_needed_shows_what_the_advised_one_saves(cast: Cast) -> None:
    html = preview(cast, level="BLS", override_reason="Dr. Amari wants an EMT")
    assert "Wheelchair van meets every need: about $" in html
    assert "less than BLS ambulance." in html
    assert "meets every need: about" not in preview(cast, needs=[])


def test_a_running_iv_excludes_bls_with_the_rule_and_its_source(cast: Cast) -> None:
    html = preview(cast, needs=["iv"], mobility="lies")
    assert "Cannot run an IV" in html
    assert "A running IV needs a paramedic (42 CFR 410.41(b)(2), advanced life support crew)" in html


def test_a_power_chair_shows_whether_it_fits_and_which_vehicles_take_it(cast: Cast) -> None:
    with act_as(cast.vendor()):
        Vehicle.objects.filter(name="Northbound 3").update(lift_lb=600)
    power = {"chair": "power", "chair_width_in": "28", "chair_weight_lb": "350", "weight_lb": "250"}
    html = preview(cast, **power)
    assert "250 lb and a 350 lb wheelchair are 600 lb, within the 600 lb of an ordinary lift." in html
    assert "3 of 3 in the network (wheelchair van) would fit: Northbound 3, Northbound 5, Tamarack 12." in html


def test_an_emergency_is_neither_previewed_as_fine_nor_booked(cast: Cast) -> None:
    assert "Call 911" in preview(cast, care=["emergency"])
    encounter = admit(cast, family="Otto", bed="14")
    form = answers(cast, encounter.patient_id, care=["emergency"], level_seen="CCT")
    response = desk(cast).post(reverse("dispatch:book"), form)
    assert response.status_code == 422
    assert "EMTALA" in response.content.decode()
    assert [each.status for each in requests_of(cast, encounter.patient_id)] in ([], ["draft"])


def test_a_lower_level_asks_for_the_clinician_at_its_field(cast: Cast) -> None:
    encounter = admit(cast)
    lower = {"needs": ["watching"], "level_seen": "BLS", "level": "WC", "override_reason": "Sits well today"}
    response = desk(cast).post(reverse("dispatch:book"), answers(cast, encounter.patient_id, **lower))
    assert response.status_code == 422
    assert "write the name of the clinician who decided" in response.content.decode()
    signed = desk(cast).post(
        reverse("dispatch:book"), answers(cast, encounter.patient_id, **lower, override_by="Dr. R. Osei")
    )
    assert signed.status_code == 303
