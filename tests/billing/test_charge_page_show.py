"""Charges as billing people, vendors and everybody else see them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Charge, ChargeLine
from dispatch.models import Trip
from logistics.accounts.models import Organization
from logistics.core.models import AuditEntry
from tests.cast import Cast
from tests.insights.facts import Book, moment
from tests.support import act_as, signed_in
from vendors.models import Contract

NOON = moment("2026-03-10 18:00")
HOUR = dt.timedelta(hours=1)


def charge(
    book: Book, vendor: Organization, at: dt.datetime = NOON, *, level: str = "WC", rule: str = "Contract rate"
) -> Charge:
    """A completed trip with its charge: base 45.00 and 8.2 miles at 3.25."""
    trip = book.done(at, vendor, level=level)
    with act_as(book.scope):
        contract = Contract.objects.get(vendor=vendor)
        row = Charge.objects.create(
            trip=trip, vendor_id=vendor.pk, contract=contract, contract_version=contract.version, level=level,
            service_on=at.date(), loaded_miles=Decimal("8.2"), total_amount=Decimal("71.65"),
            estimate_amount=Decimal("71.00"),
        )  # fmt: skip
        lines = [
            ("base", "Base", "1", "trip", "45.00", "45.00"),
            ("loaded_mile", "Loaded miles", "8.2", "mile", "3.25", "26.65"),
        ]
        for n, (kind, text, quantity, unit, price, amount) in enumerate(lines, 1):
            ChargeLine.objects.create(
                charge=row, vendor_id=vendor.pk, sequence=n, kind=kind, description=text, quantity=Decimal(quantity),
                unit=unit, unit_amount=Decimal(price), amount=Decimal(amount), rule=rule,
            )  # fmt: skip
    return row


@pytest.fixture
def book(cast: Cast) -> Book:
    return Book(cast)


@pytest.fixture
def biller(cast: Cast):
    return signed_in(cast.people["biller@lakeshore"])


def main_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode().split("<main", 1)[1])


def number_of(row: Charge, book: Book) -> int:
    with act_as(book.scope):
        return Trip.objects.get(pk=row.trip_id).number


def test_the_list_adds_up_and_opens_its_lines(book, cast, biller):
    charge(book, cast.northbound)
    charge(book, cast.tamarack, NOON + HOUR, level="BLS")
    page = main_of(biller.get("/charges"))
    assert "$143.30" in page
    assert page.count("2 lines") == 2
    assert "8.2 mile at $3.25" in page
    assert "16.4" in page


def test_month_vendor_and_level_narrow_the_list(book, cast, biller):
    charge(book, cast.northbound)
    charge(book, cast.tamarack, NOON + HOUR, level="BLS")
    charge(book, cast.northbound, NOON + 30 * 24 * HOUR)
    assert "$71.65" in main_of(biller.get("/charges")), "the newest month is shown first"
    assert "$143.30" in main_of(biller.get("/charges?month=2026-03"))
    assert "$214.95" in main_of(biller.get("/charges?month="))
    only = main_of(biller.get(f"/charges?month=2026-03&vendor={cast.tamarack.pk}"))
    assert "$143.30" not in only
    assert "BLS ambulance" in only
    assert "No charge matches" in main_of(biller.get("/charges?month=2026-03&level=CCT"))
    assert biller.get("/charges?month=x&vendor=y&level=z&page=-4").status_code == 200


def test_a_biller_without_charges_reads_when_they_come(biller):
    assert "A charge appears here when a trip is completed" in main_of(biller.get("/charges"))


def test_a_charge_shows_every_line_with_its_rule(book, cast, biller):
    row = charge(book, cast.northbound, rule="45.00 base by contract version 1")
    page = main_of(biller.get(f"/charges/{row.pk}"))
    assert "45.00 base by contract version 1" in page
    assert "$71.65" in page
    assert "$0.65 more was charged" in page


def test_the_export_has_a_row_a_line_and_is_recorded(book, cast, biller):
    charge(book, cast.northbound)
    answer = biller.get("/charges.csv?month=2026-03")
    assert answer["Content-Disposition"] == 'attachment; filename="charges-2026-03.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Amount USD"] for row in rows] == ["45.00", "26.65"]
    assert {row["Charge total USD"] for row in rows} == {"71.65"}
    with act_as(cast.staff()):
        entry = AuditEntry.objects.get(action="charges.exported")
    assert (entry.purpose, entry.details["rows"]) == ("payment", 2)


def test_a_formula_in_a_line_is_text_in_the_export(book, cast, biller):
    charge(book, cast.northbound, rule='=HYPERLINK("http://example.invalid")')
    rows = list(csv.DictReader(io.StringIO(biller.get("/charges.csv").content.decode("utf-8-sig"))))
    assert rows[0]["Rule"] == '\'=HYPERLINK("http://example.invalid")'


def test_another_health_systems_charge_is_not_found(book, cast):
    row = charge(book, cast.northbound)
    client = signed_in(cast.people["biller@prairie"])
    assert client.get(f"/charges/{row.pk}").status_code == 404
    assert client.get(f"/charges/trip/{number_of(row, book)}").status_code == 404
    assert "71.65" not in client.get("/charges").content.decode()
    assert "71.65" not in client.get("/charges.csv").content.decode()


@pytest.mark.parametrize(
    "role", ["case_manager@lakeshore", "quality@lakeshore", "vendor_dispatcher@northbound", "driver@northbound"]
)
def test_roles_without_charges_do_not_open_the_list(book, cast, role):
    row = charge(book, cast.northbound)
    client = signed_in(cast.people[role])
    for url in ("/charges", "/charges.csv", f"/charges/{row.pk}"):
        assert client.get(url).status_code == 403, url


def test_the_trip_page_shows_amounts_to_billing_and_to_the_vendor_only(book, cast, biller):
    row = charge(book, cast.northbound)
    url = f"/charges/trip/{number_of(row, book)}"
    assert "$71.65" in biller.get(url).content.decode()
    own = signed_in(cast.people["vendor_dispatcher@northbound"]).get(url).content.decode()
    assert "$71.65" in own
    assert "Open charge" not in own
    manager = signed_in(cast.people["case_manager@lakeshore"]).get(url).content.decode()
    assert "71.65" not in manager
    assert "Only billing can see amounts" in manager
    assert signed_in(cast.people["vendor_dispatcher@tamarack"]).get(url).status_code == 404


def test_the_trip_page_fetches_a_fragment_and_a_link_opens_a_page(book, cast, biller):
    row = charge(book, cast.northbound)
    url = f"/charges/trip/{number_of(row, book)}"
    part = biller.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "$71.65" in part
    assert "<html" not in part
    assert "<h1>Charge of trip" in biller.get(url).content.decode()


def test_a_trip_without_charge_says_why(book, cast, biller):
    trip = book.trip(NOON, vendor=cast.northbound, status="crew_assigned")
    with act_as(book.scope):
        number = Trip.objects.get(pk=trip.pk).number
    assert "Priced when the trip is completed" in biller.get(f"/charges/trip/{number}").content.decode()
    with act_as(book.scope):
        Trip.objects.filter(pk=trip.pk).update(status="canceled")
    assert "No charge: the trip was canceled" in biller.get(f"/charges/trip/{number}").content.decode()
    assert biller.get("/charges/trip/999999999").status_code == 404


def test_row_level_security_gives_a_vendor_its_own_charges_only(book, cast):
    charge(book, cast.northbound)
    charge(book, cast.tamarack, NOON + HOUR)
    with act_as(cast.vendor(cast.tamarack)), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT vendor_id) FROM billing_charge")
        assert cursor.fetchone() == (1, 1)
        cursor.execute("SELECT count(*) FROM billing_chargeline WHERE vendor_id <> %s", [cast.tamarack.pk])
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("url", ["/charges", "/charges.csv"])
def test_the_list_takes_the_same_queries_for_any_number_of_charges(book, cast, biller, url):
    charge(book, cast.northbound)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert biller.get(url).status_code == 200
        return len(seen)

    queries()
    few = queries()
    for n in range(1, 5):
        charge(book, cast.northbound, NOON + n * HOUR)
    assert queries() == few <= 22
