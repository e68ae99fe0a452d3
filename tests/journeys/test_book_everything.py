"""Booking everything that a patient needs to leave, with the keyboard alone: inputs and seconds are counted."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from logistics.core import clock
from logistics.requests.models import (
    StandingOrder,
)
from tests.cast import Cast, build_cast
from tests.journeys.keyboard import Keyboard
from tests.journeys.stack import Stack, running
from tests.requests.standing import center
from tests.requests.ward import admit, detail_of, foresee, requests_of
from tests.support import act_as, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
ZONE = "America/Chicago"


@contextlib.contextmanager
def at_the_desk(cast: Cast, new_page: Any, **options: Any) -> Iterator[tuple[Stack, Page]]:
    """The web server, and the case manager's browser, signed in."""
    with running("web") as stack, contextlib.closing(new_page):
        page = new_page(**options)
        cookie = signed_in(cast.people["case_manager@lakeshore"]).cookies["carrywell_session"].value
        page.context.add_cookies([{"name": "carrywell_session", "value": cookie, "url": stack.url}])
        yield stack, page


def priced(page: Page) -> None:
    """The person sees what the booking would do: the level in words and the price on the button."""
    expect(page.locator("#book-submit")).to_contain_text("$")
    expect(page.locator("#preview")).to_contain_text("Wheelchair van")


def booked(page: Page) -> None:
    page.wait_for_url("**/board?booked=*")


def in_keys(hours: int) -> str:
    """A time of the hospital's clock as it is typed into the browser's date and time field."""
    at = clock.local(clock.now() + dt.timedelta(hours=hours), ZONE)
    return f"{at:%m%d%Y}>{at:%I}00{at:%p}".replace("AM", "a").replace("PM", "p")


@pytest.mark.django_db(transaction=True)
def test_a_ride_is_booked_without_a_mouse_within_the_inputs_and_seconds_promised(
    new_page: Any, record_property: Any
) -> None:
    cast = build_cast()
    unknown = admit(cast, family="Quenby", bed="21", weight_lb=None, payer_name="", phone="")
    known = admit(cast, family="Cole", bed="12")
    leaving = admit(cast, family="Petrov", bed="14")
    draft = foresee(cast, leaving, weight_lb=142, payer_name="Lakeshore Medicare Advantage")
    with at_the_desk(cast, new_page) as (stack, page):
        for name, most, seconds, book in (
            ("nothing", 12, 60, _from_nothing),
            ("known patient", 8, 60, lambda keys: _of_a_known_patient(keys, stack, known)),
            ("A16 draft", 3, 15, _from_a_draft),
        ):
            page.goto(f"{stack.url}/board")
            keys, began = Keyboard(page), time.monotonic()
            book(keys)
            taken = time.monotonic() - began
            print(f"booked from {name}: {keys.answers} inputs, {keys.presses} keys, {taken:.1f} s")
            record_property(f"booked from {name}", f"{keys.answers} inputs, {taken:.1f} s")
            assert keys.answers <= most, name
            assert taken <= seconds, name
    for stay in (unknown, known, leaving):
        (request,) = requests_of(cast, stay.patient_id)
        assert (request.status, detail_of(cast, request).level) == ("requested", "WC")
    assert requests_of(cast, leaving.patient_id)[0].pk == draft.pk
    ride = detail_of(cast, requests_of(cast, unknown.patient_id)[0])
    assert (ride.weight_lb, ride.oxygen_lpm, ride.companions, ride.needs) == (142, 2, 1, ["oxygen"])
    assert (ride.payer_name, ride.driver_note, ride.pickup_contact) == ("Medicare", "Two bags", "4 West desk")
    assert clock.local(ride.pickup_at, ZONE).minute == 0


def _from_nothing(keys: Keyboard) -> None:
    """The chart says neither weight nor payer: every input of the page is filled."""
    page = keys.page
    keys.press("n")
    page.wait_for_url("**/book")
    keys.pick("patient", "que", expected="Quenby")
    expect(page.locator("#destination:focus")).to_have_count(1)
    keys.pick("destination", "willow", expected="Willow Creek")
    keys.choose("when", "at")
    keys.write_moment("pickup_local", in_keys(3))
    keys.choose("mobility", "wheelchair")
    keys.tick("needs", "oxygen")
    keys.write("oxygen_lpm", "2")
    keys.write("weight_lb", "142")
    keys.select("companions", "1")
    keys.write("pickup_contact", "4 West desk")
    keys.write("payer_name", "Medicare")
    keys.write("driver_note", "Two bags")
    priced(page)
    keys.press("Control+Enter")
    booked(page)


def _of_a_known_patient(keys: Keyboard, stack: Stack, stay: Any) -> None:
    """From the patient's page: the chart fills who, where from, weight, contact and payer."""
    page = keys.page
    page.goto(f"{stack.url}/patients/{stay.patient_id}")
    keys.reach(f"a[href*='/book?patient={stay.patient_id}']")
    keys.press("Enter")
    page.wait_for_url("**/book?patient=*")
    expect(page.locator("#destination:focus")).to_have_count(1)
    keys.pick("destination", "willow", expected="Willow Creek")
    keys.choose("when", "at")
    keys.write_moment("pickup_local", in_keys(4))
    keys.choose("mobility", "wheelchair")
    keys.tick("needs", "oxygen")
    keys.write("oxygen_lpm", "2")
    keys.select("companions", "1")
    priced(page)
    keys.press("Control+Enter")
    booked(page)


def _from_a_draft(keys: Keyboard) -> None:
    """From the announced discharge on the board: where to, when, and how the patient travels."""
    page = keys.page
    keys.reach("a[aria-label='Book a ride for Petrov, Agnes']")
    keys.press("Enter")
    page.wait_for_url("**/book?request=*")
    keys.pick("destination", "willow", expected="Willow Creek")
    keys.choose("when", "now")
    keys.choose("mobility", "wheelchair")
    priced(page)
    keys.press("Control+Enter")
    booked(page)


@pytest.mark.django_db(transaction=True)
def test_a_dialysis_series_is_begun_without_a_mouse_and_keeps_its_chair_time_over_the_clock_change(
    new_page: Any,
) -> None:
    cast = build_cast()
    place = center(cast)
    patient_id = admit(cast, stay={"status": "discharged"}).patient_id
    with at_the_desk(cast, new_page) as (stack, page):
        page.goto(f"{stack.url}/standing/new?patient={patient_id}")
        keys = Keyboard(page)
        keys.write_moment("start_on", "03012027")
        keys.write_moment("end_on", "06302027")
        keys.pick("pickup", "home", expected="Home")
        keys.pick("destination", "lakeside", expected="Lakeside Dialysis")
        for day in ("MO", "WE", "FR"):
            keys.tick("days", day)
        keys.choose("timing", "arrive")
        keys.write_moment("local_time", "0530a")
        keys.choose("return_kind", "ready")
        keys.write("return_hours", "4.5")
        keys.write("return_owner_name", "Charge nurse, Lakeside")
        keys.choose("mobility", "wheelchair")
        keys.press("Control+Enter")
        before, after = page.locator("#on-2027-03-12"), page.locator("#on-2027-03-15")
        expect(before).to_contain_text("05:30 CST")
        expect(after).to_contain_text("05:30 CDT")
        expect(after).to_contain_text("Ready, about 10:00")
        assert page.locator("#on-2027-03-14").count() == 0, "Sunday is no day of the series"
        with act_as(cast.staff()):
            assert not StandingOrder.objects.exists(), "dates are shown before anything is kept"
        expect(page.locator("button[value='save']")).to_contain_text("Ctrl")
        keys.press("Control+Enter")
        page.wait_for_url(lambda url: "/standing/new" not in url)
        print(f"series begun: {keys.answers} inputs, {keys.presses} keys")
    with act_as(cast.staff()):
        order = StandingOrder.objects.get()
        assert (order.start_on, order.end_on) == (dt.date(2027, 3, 1), dt.date(2027, 6, 30))
        assert order.versions.get().place_id == place.pk
