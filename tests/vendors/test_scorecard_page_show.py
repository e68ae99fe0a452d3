"""Scorecards as people see them: each side its own, and no number without an n."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logistics.insights.services import scorecards
from tests.cast import Cast
from tests.insights.facts import Book, moment
from tests.support import act_as, signed_in
from vendors.models import Scorecard
from vendors.views import figures

MARCH = dt.date(2026, 3, 1)
APRIL = dt.date(2026, 4, 1)
NOON = moment("2026-03-10 18:00")
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def published(cast: Cast) -> dict[str, Scorecard]:
    book = Book(cast)
    for n in range(3):
        book.done(NOON + n * 2 * HOUR, cast.northbound, late=30 if n == 0 else 0)
    refused = book.trip(NOON + 7 * HOUR, status="matching")
    book.offer(refused, cast.northbound, ("declined", NOON), code="too_far")
    book.done(NOON + 9 * HOUR, cast.tamarack)
    book.done(moment("2026-04-06 18:00"), cast.northbound)
    prairie = Book(cast, cast.prairie)
    prairie.done(NOON, cast.northbound, late=60)
    for tenant in (cast.lakeshore, cast.prairie):
        with act_as(cast.staff(tenant)):
            for month in (MARCH, APRIL):
                scorecards.publish_month(month=month, zone="America/Chicago")
    with act_as(cast.staff()):
        rows = Scorecard.objects.all()
        return {f"{row.vendor_id}-{row.month:%m}": row for row in rows}


def card(published, vendor, month="03") -> Scorecard:
    return published[f"{vendor.pk}-{month}"]


def main_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode().split("<main", 1)[1])


def test_the_list_shows_a_month_with_the_n_of_every_figure(cast, published):
    page = main_of(signed_in(cast.people["quality@lakeshore"]).get("/scorecards?month=2026-03"))
    assert "March 2026" in page
    assert "66.7%" in page
    assert "3 pickups" in page
    assert "Tamarack Ambulance" in page


def test_the_newest_month_comes_first_and_a_month_without_cards_is_not_shown(cast, published):
    client = signed_in(cast.people["quality@lakeshore"])
    assert "April 2026" in main_of(client.get("/scorecards"))
    assert "April 2026" in main_of(client.get("/scorecards?month=2031-01"))
    assert "April 2026" in main_of(client.get("/scorecards?month=nonsense"))


def test_a_list_without_cards_says_when_they_appear(cast):
    assert "No scorecards yet" in main_of(signed_in(cast.people["quality@lakeshore"]).get("/scorecards"))


@pytest.mark.parametrize(
    ("sort", "first"),
    [("vendor", "Northbound"), ("-vendor", "Tamarack"), ("on_time_pickup", "Northbound"),
     ("-on_time_pickup", "Tamarack"), ("-trips", "Northbound"), ("nonsense", "Northbound")],
)  # fmt: skip
def test_the_list_sorts(cast, published, sort, first):
    page = main_of(signed_in(cast.people["quality@lakeshore"]).get(f"/scorecards?month=2026-03&sort={sort}"))
    body = page.split("<tbody>", 1)[1]
    other = {"Northbound": "Tamarack", "Tamarack": "Northbound"}[first]
    assert body.index(first) < body.index(other)


def test_a_card_shows_goal_peers_reasons_and_the_trips_behind_each_figure(cast, published):
    row = card(published, cast.northbound)
    page = main_of(signed_in(cast.people["quality@lakeshore"]).get(f"/scorecards/{row.pk}"))
    assert "2 of 3 pickups" in page
    assert "goal 95%" in page
    assert "Peers' median 100%" in page.replace("&#x27;", "'")
    assert "Small n, read with care" in page
    assert "Too far" in page
    assert f"/trips?scorecard={row.pk}&amp;figure=on_time_pickup" in page
    assert "Wheelchair van" in page
    for definition in (f["definition"] for f in row.figures.values()):
        assert definition.split(".")[0].replace("'", "&#x27;") in page


def test_a_figure_with_nothing_behind_it_is_no_number(cast):
    book = Book(cast)
    refused = book.trip(NOON, status="matching")
    book.offer(refused, cast.northbound, ("expired", NOON))
    with act_as(cast.staff()):
        scorecards.publish_month(month=MARCH, zone="America/Chicago")
        row = Scorecard.objects.get()
    page = main_of(signed_in(cast.people["quality@lakeshore"]).get(f"/scorecards/{row.pk}"))
    assert page.count("No value") == 4
    assert page.count("n = 0: nothing to count yet") == 4
    assert "NaN" not in page
    assert f"figure={'on_time_pickup'}" not in page


def test_a_card_of_another_health_system_is_not_found(cast, published):
    row = card(published, cast.northbound)
    assert signed_in(cast.people["quality@prairie"]).get(f"/scorecards/{row.pk}").status_code == 404


@pytest.mark.parametrize("role", ["case_manager@lakeshore", "biller@lakeshore", "vendor_dispatcher@northbound"])
def test_roles_without_the_permission_see_no_network_scorecards(cast, published, role):
    client = signed_in(cast.people[role])
    assert client.get("/scorecards").status_code == 403
    assert client.get(f"/scorecards/{card(published, cast.northbound).pk}").status_code == 403


def test_a_vendor_sees_its_own_figures_for_each_health_system_and_nobody_elses(cast, published):
    page = main_of(signed_in(cast.people["vendor_dispatcher@northbound"]).get("/my-scorecard?month=2026-03"))
    assert "Lakeshore Health" in page
    assert "Prairie Regional" in page
    assert "2 of 3 pickups" in page
    assert "0 of 1 pickups" in page
    assert "Peers" not in page
    assert "Tamarack" not in page
    other = main_of(signed_in(cast.people["vendor_dispatcher@tamarack"]).get("/my-scorecard"))
    assert "Prairie" not in other
    assert "1 of 1 pickups" in other


def test_row_level_security_gives_a_vendor_its_own_cards_only(cast, published):
    with act_as(cast.vendor(cast.tamarack)):
        assert {row.vendor_id for row in Scorecard.objects.all()} == {cast.tamarack.pk}
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM vendors_scorecard WHERE vendor_id <> %s", [cast.tamarack.pk])
            assert cursor.fetchone() == (0,)


def test_a_vendor_cannot_change_its_figures(cast, published):
    with pytest.raises(Exception, match="permission denied"), act_as(cast.vendor()):
        Scorecard.objects.update(trips=1000)


def test_a_vendor_without_cards_reads_when_they_come(cast):
    assert "No scorecard yet" in main_of(signed_in(cast.people["vendor_admin@tamarack"]).get("/my-scorecard"))


@pytest.mark.parametrize(
    ("figure", "tone"),
    [
        ({"value": 96.0, "n": 50, "target": 95.0, "direction": "up"}, "ok"),
        ({"value": 91.0, "n": 50, "target": 95.0, "direction": "up"}, "warn"),
        ({"value": 80.0, "n": 50, "target": 95.0, "direction": "up"}, "bad"),
        ({"value": 80.0, "n": 19, "target": 95.0, "direction": "up"}, "neutral"),
        ({"value": 1.9, "n": 50, "target": 2.0, "direction": "down"}, "ok"),
        ({"value": 5.0, "n": 50, "target": 2.0, "direction": "down"}, "bad"),
        ({"value": None, "n": 0, "target": 2.0, "direction": "down"}, "neutral"),
        ({"value": 50, "n": 50, "target": None, "direction": "down"}, "neutral"),
    ],
)
def test_a_figure_has_a_color_only_when_it_stands_on_enough(figure, tone):
    assert figures.tone(figure) == tone


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(None, "%", "No value"), (94.2, "%", "94.2%"), (100.0, "%", "100%"), (45, "s", "45 s"), (120, "s", "2 min"),
     (125, "s", "2 min 5 s"), (3720, "s", "1 h 2 min"), (0.0, "%", "0%")],
)  # fmt: skip
def test_values_are_said_plainly(value, unit, words):
    assert figures.plain({"value": value, "unit": unit, "n": 3}) == words


@pytest.mark.parametrize("path", ["/scorecards?month=2026-03", "card", "/my-scorecard?month=2026-03"])
def test_the_pages_take_the_same_queries_for_any_number_of_trips(cast, published, path):
    role = "vendor_dispatcher@northbound" if path.startswith("/my") else "quality@lakeshore"
    client = signed_in(cast.people[role])
    url = f"/scorecards/{card(published, cast.northbound).pk}" if path == "card" else path

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    queries()
    few = queries()
    book = Book(cast)
    for n in range(4):
        book.done(NOON + (20 + n) * HOUR, cast.northbound)
    with act_as(cast.staff()):
        scorecards.publish_month(month=MARCH, zone="America/Chicago")
    assert queries() == few
    assert few <= 20
