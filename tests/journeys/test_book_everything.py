"""Booking everything that a patient needs to leave, with the keyboard alone: inputs and seconds are counted."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dispatch.models import EquipmentOrder, EquipmentOrderLine, Trip
from dispatch.selectors.plan import waits_of
from dispatch.services.home_health import visits
from logistics.core import clock
from logistics.requests.models import Discharge, PatientChoice, ServiceRequest, StandingOrder
from tests.cast import Cast, build_cast
from tests.dispatch import gear, home
from tests.dispatch.test_plan_keep import ride, slip
from tests.journeys.keyboard import Keyboard
from tests.journeys.stack import Stack, running
from tests.requests.standing import center
from tests.requests.ward import admit, detail_of, foresee, requests_of
from tests.support import act_as, settle, signed_in

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


@pytest.mark.django_db(transaction=True)
def test_equipment_and_care_at_home_are_ordered_without_a_mouse_and_let_the_ride_go(new_page: Any) -> None:
    cast = build_cast()
    for code, size in ((gear.BED, ""), (gear.OXYGEN, ""), (gear.WALKER, "Adult")):
        gear.shelve(cast, code, 1, size=size)
    nurse = home.agency(cast, cast.northbound)
    home.agency(cast, cast.tamarack)
    items = gear.catalog(cast)
    stay = admit(cast)
    with act_as(cast.staff()):
        discharge = Discharge.objects.create(
            encounter=stay, announced_at=clock.now(), expected_at=clock.now() + dt.timedelta(hours=3)
        )
    going = ride(cast, discharge, stay.patient, hours=3)
    with at_the_desk(cast, new_page) as (stack, page):
        plan, keys = f"{stack.url}/discharges/{discharge.pk}", Keyboard(page)
        page.goto(plan)
        _the_equipment_is_ordered(keys, items)
        page.goto(plan)
        care = _the_care_is_ordered_and_the_patient_chooses(cast, keys)
        print(f"bed, oxygen, walker and home health: {keys.answers} inputs, {keys.presses} keys")
        assert keys.answers <= 16
        order = _the_supplier_takes_it_and_is_late(cast)
        page.goto(plan)
        expect(page.locator("main")).to_contain_text("Move the ride?")
        before = _pickup(cast, going)
        keys.reach("button[value='accept']")
        keys.press("Enter")
        expect(page.locator("main")).not_to_contain_text("Move the ride?")
        settle()
        assert _pickup(cast, going) > before + dt.timedelta(hours=1)
        gear.hand_over(cast, gear.send_out(cast, order))
        _the_nurse_comes(cast, care, nurse)
        with act_as(cast.staff()):
            assert waits_of([going.pk]).get(going.pk, "") == "", "nothing holds the ride any more"
        page.goto(plan)
        keys.reach("form[action$='/ready'] button")
        keys.press("Enter")
        expect(page.locator("form[action$='/ready']")).to_have_count(0)
    with act_as(cast.staff()):
        assert Discharge.objects.get(pk=discharge.pk).status == "ready"


def _the_equipment_is_ordered(keys: Keyboard, items: dict[str, Any]) -> None:
    """Three items and by when; the chart gives address and phone."""
    page = keys.page
    keys.reach("a[href*='/equipment/new']")
    keys.press("Enter")
    page.wait_for_url("**/equipment/new?*")
    for item in _in_page_order(page, [items[code] for code in (gear.BED, gear.OXYGEN, gear.WALKER)]):
        if item.sizes:
            keys.select(f"size_{item.pk}", "Adult")
        keys.write(f"qty_{item.pk}", "1")
    keys.write_moment("deliver_by", in_keys(2))
    keys.press("Control+Enter")
    page.wait_for_url(lambda url: "/equipment/" in url and "/new" not in url)
    settle()


def _in_page_order(page: Page, items: list[Any]) -> list[Any]:
    """The items as they stand on the page, top to bottom."""
    return sorted(items, key=lambda item: page.locator(f"[name='qty_{item.pk}']").bounding_box()["y"])


def _the_care_is_ordered_and_the_patient_chooses(cast: Cast, keys: Keyboard) -> ServiceRequest:
    """A nurse and a physical therapist; the list is shown and the patient's choice kept."""
    page = keys.page
    keys.reach("a[href*='/home-health/new']")
    keys.press("Enter")
    page.wait_for_url("**/home-health/new?*")
    keys.tick("disciplines", "rn")
    keys.tick("disciplines", "pt")
    keys.write("reason", "Wound care after surgery")
    keys.write("practitioner_name", "Dr. Imani Wolfe")
    keys.choose("homebound", "yes")
    keys.select("payer_class", "Medicare")
    keys.press("Control+Enter")
    page.wait_for_url(lambda url: "/home-health/" in url and "/new" not in url)
    settle()
    page.reload()
    keys.reach("a[href$='/choice']")
    keys.press("Enter")
    page.wait_for_url("**/choice")
    keys.choose("vendor", str(cast.northbound.pk))
    # A pointer draws a signature; who has none says why there is none.
    keys.reach("[data-cannot-sign]")
    keys.press("Enter")
    keys.write("cannot_sign_reason", "Hand in a cast")
    keys.press("Control+Enter")
    page.wait_for_url(lambda url: not url.endswith("/choice"))
    settle()
    with act_as(cast.staff()):
        assert PatientChoice.objects.get().agency_name == "Northbound Medical"
        return ServiceRequest.objects.get(kind="home_health")


def _the_supplier_takes_it_and_is_late(cast: Cast) -> EquipmentOrder:
    """Accepted, then said to come two hours after the ride was booked for."""
    with act_as(cast.staff()):
        order = EquipmentOrder.objects.get()
        assert EquipmentOrderLine.objects.filter(order=order).count() == 3
    order = gear.take(cast, order)
    slip(cast, order, 5)
    return order


def _the_nurse_comes(cast: Cast, care: ServiceRequest, nurse: Any) -> None:
    """The agency accepts, and its nurse checks in at the patient's home."""
    referral = home.accept(cast, care, cast.northbound)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    where = home.at_home(cast, referral)
    with act_as(home.clinician(cast, cast.northbound)):
        visits.check_in(visit.pk, at=clock.now(), key="tap-0001", where=where)
    settle()
    assert home.request_of(cast, care).status == "in_progress"


def _pickup(cast: Cast, request: ServiceRequest) -> dt.datetime:
    with act_as(cast.staff()):
        return Trip.objects.get(request=request).pickup_at


@pytest.mark.django_db(transaction=True)
def test_a_booking_survives_the_end_of_its_session_and_fits_a_screen_at_twice_the_size(new_page: Any) -> None:
    cast = build_cast()
    gear.catalog(cast)
    stay = admit(cast)
    with act_as(cast.staff()):
        discharge = Discharge.objects.create(encounter=stay, announced_at=clock.now())
    # 1440 pixels at 200 % leave 720; this page may be measured.
    with at_the_desk(cast, new_page, viewport={"width": 720, "height": 450}, bypass_csp=True) as (stack, page):
        form = f"{stack.url}/book?patient={stay.patient_id}"
        for path in ("standing/new", "equipment/new", "home-health/new", "book"):
            page.goto(f"{stack.url}/{path}?patient={stay.patient_id}")
            _nothing_lies_beside(page)
        page.goto(f"{stack.url}/discharges/{discharge.pk}")
        _nothing_lies_beside(page)
        page.goto(form)
        keys = Keyboard(page)
        keys.pick("destination", "willow", expected="Willow Creek")
        keys.choose("mobility", "wheelchair")
        keys.write("driver_note", "Two bags and a cat")
        expect(page.locator("[data-draft-note]")).to_contain_text("Draft saved")
        page.context.clear_cookies()
        keys.press("Control+Enter")
        page.wait_for_url("**/sign-in*")
        cookie = signed_in(cast.people["case_manager@lakeshore"]).cookies["carrywell_session"].value
        page.context.add_cookies([{"name": "carrywell_session", "value": cookie, "url": stack.url}])
        page.goto(form)
        expect(page.locator("[name='destination_text']")).to_have_value("Willow Creek Skilled Nursing")
        expect(page.locator("[name='mobility'][value='wheelchair']")).to_be_checked()
        expect(page.locator("[name='driver_note']")).to_have_value("Two bags and a cat")
    assert [request.status for request in requests_of(cast, stay.patient_id)] == ["draft"]


def _nothing_lies_beside(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url
