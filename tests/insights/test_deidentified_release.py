"""Nothing that points to a person comes out of the analyst's page."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import Leg, Passenger, Trip
from logistics.core.models import AuditEntry
from logistics.insights import safe_harbor
from logistics.insights.safe_harbor import Traits
from tests.cast import Cast
from tests.insights.facts import Book, moment
from tests.support import act_as, signed_in

NOON = moment("2026-03-10 18:00")
DAY = dt.date(2026, 3, 10)
traits = st.builds(
    Traits,
    year=st.just(2026),
    age=st.sampled_from(["40 to 64", "85 or older"]),
    zip3=st.sampled_from(["537", "000"]),
    level=st.sampled_from(["WC", "BLS"]),
    status=st.sampled_from(["Completed", "Open"]),
)


@given(st.lists(st.tuples(traits, st.none() | st.floats(0, 300))))
def test_no_released_group_is_smaller_than_five_and_none_is_lost(rows):
    out = safe_harbor.release(rows)
    assert all(group.trips >= 5 for group in out.groups)
    assert all(group.minutes is None or group.minutes % 5 == 0 for group in out.groups)
    shown = sum(group.trips for group in out.groups)
    if out.hidden_trips is None:
        assert out.hidden_groups >= 1
        assert shown < len(rows)
    else:
        assert shown + out.hidden_trips == len(rows)
        assert out.hidden_groups != 1
        assert out.hidden_trips == 0 or out.hidden_trips >= 5


@pytest.mark.parametrize(
    ("zip_code", "area"),
    [
        ("53703", "537"), ("53703-1234", "537"), ("03601", "000"), ("83001", "000"), ("", "000"), ("5", "000"),
        ("K1A 0B1", "000"), ("\uff15\uff1303", "000"),
    ],
)  # fmt: skip
def test_an_area_is_three_digits_and_never_a_sparse_one(zip_code, area):
    assert safe_harbor.zip3(zip_code) == area


@pytest.mark.parametrize(
    ("born", "band"),
    [
        ("2008-03-10", "18 to 39"), ("2008-03-11", "0 to 17"), ("1941-03-10", "85 or older"),
        ("1941-03-11", "75 to 84"), ("1925-01-01", "85 or older"), ("2027-01-01", "Not known"), ("", "Not known"),
        ("03/10/1941", "Not known"),
    ],
)  # fmt: skip
def test_an_age_is_a_band_on_the_day_of_the_trip(born, band):
    assert safe_harbor.age_band(born, DAY) == band


@pytest.fixture
def trips(cast: Cast) -> Book:
    book = Book(cast)
    for n in range(7):
        add(book, NOON + n * dt.timedelta(hours=2), zip_code="53711", minutes=22)
    add(book, NOON, zip_code="53590", born="1990-01-01", family="Rarename")
    return book


def add(
    book: Book, at: dt.datetime, *, zip_code: str, born: str = "1939-07-04", family: str = "Hidewell", minutes: int = 0
) -> Trip:
    trip = book.done(at, book.cast.northbound)
    with act_as(book.scope):
        Passenger.objects.create(
            trip=trip, vendor_id=trip.vendor_id,
            details={
                "family_name": family, "given_name": "Jordan", "birth_date": born, "phone": "608 555 0133",
                "destination": {"line": "12 Secret Ln", "city": "Monona", "state": "WI", "zip_code": zip_code},
                "driver_note": "Blue door",
            },
        )  # fmt: skip
        Leg.objects.filter(trip=trip).update(picked_up_at=at, dropped_off_at=at + dt.timedelta(minutes=minutes))
    return trip


@pytest.mark.parametrize("url", ["/deidentified", "/deidentified.csv"])
def test_the_analyst_receives_groups_and_nothing_of_a_person(cast, trips, url):
    answer = signed_in(cast.people["analyst@lakeshore"]).get(url)
    text = answer.content.decode()
    body = text.split("<main", 1)[1].split("</main>")[0] if "<main" in text else text
    assert answer.status_code == 200
    assert "85 or older" in body
    assert "537" in body
    assert re.search(r"\b20\b( min|\r)", body), "the median of 22 minutes, rounded to 5"
    for secret in ("Hidewell", "Rarename", "Jordan", "1939", "07-04", "555 0133", "Secret", "Monona", "53711", "535",
                   "Blue door", "18 to 39", "03-10", "10 Mar", "Northbound"):  # fmt: skip
        assert secret not in body, secret
    with act_as(cast.staff()):
        every = Trip.objects.all()
        numbers = {str(trip.number) for trip in every} | {str(trip.pk) for trip in every}
    assert not [number for number in numbers if re.search(rf"\b{number}\b", body)]


def test_a_single_small_group_is_hidden_without_its_size(cast, trips):
    page = signed_in(cast.people["analyst@lakeshore"]).get("/deidentified").content.decode()
    assert "7 trips in 1 group." in page
    assert "Groups of fewer than 5 trips are hidden" in page
    assert "1 trips in" not in page


def test_a_filter_never_makes_a_smaller_group(cast, trips):
    client = signed_in(cast.people["analyst@lakeshore"])
    assert "7" in client.get("/deidentified?level=WC").content.decode()
    assert "No group is large enough" in client.get("/deidentified?level=BLS").content.decode()
    assert client.get("/deidentified?level=<script>&year=9999999999999999999999").status_code == 200


def test_another_health_systems_analyst_sees_nothing_of_it(cast, trips):
    page = signed_in(cast.people["analyst@prairie"]).get("/deidentified").content.decode()
    assert "No group is large enough" in page


@pytest.mark.parametrize("role", ["case_manager@lakeshore", "quality@lakeshore", "vendor_admin@northbound"])
def test_others_do_not_open_it(cast, role):
    client = signed_in(cast.people[role])
    assert client.get("/deidentified").status_code == 403
    assert client.get("/deidentified.csv").status_code == 403


def test_the_analyst_opens_no_page_with_people(cast, trips):
    client = signed_in(cast.people["analyst@lakeshore"])
    for url in ("/charges", "/scorecards", "/vendors", "/contracts", "/charges.csv"):
        assert client.get(url).status_code == 403, url


def test_an_export_is_recorded(cast, trips):
    signed_in(cast.people["analyst@lakeshore"]).get("/deidentified.csv")
    with act_as(cast.staff()):
        entry = AuditEntry.objects.get(action="deidentified.exported")
    assert entry.details == {"year": 2026, "groups": 1}
