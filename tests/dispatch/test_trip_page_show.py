"""The trip's page: who sees what of it, what it tells, and the list that leads to it."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
import time_machine

from dispatch.models import Trip
from dispatch.selectors.passenger import ROLE_FIELDS, fields_for, shown
from logistics.accounts import roles
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.core.scoping import Scope
from logistics.requests.models import Alert
from tests.cast import Cast
from tests.dispatch import ride
from tests.dispatch.pages import at_most, audited, client_of
from tests.support import act_as, problem_of
from vendors.models import Scorecard

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "Zzyzxcanary, Agnes"


@pytest.fixture
def trip(cast: Cast) -> Trip:
    """A trip with a crew of Northbound."""
    return ride.assigned(cast)


def test_the_case_manager_sees_the_whole_story(cast: Cast, trip: Trip) -> None:
    page = problem_of(client_of(cast, "case_manager@lakeshore").get(f"/trips/{trip.number}"))
    for words in (
        NAME, "03/14/1945", "608 555 0142", "4W-12", "Willow Creek", "450 Creek Rd", "Hard of hearing",
        "Booked by Dana Morales",
        "Accepted by Northbound Medical", "Crew assigned", "Northbound 3", "Why this vendor", "carrywell-matching",
        "Vendors asked",
        "Cancel trip",
    ):  # fmt: skip
        assert words in page, words


def test_the_look_is_audited_once_in_five_minutes(cast: Cast, trip: Trip) -> None:
    client = client_of(cast, "case_manager@lakeshore")
    for _ in range(3):
        client.get(f"/trips/{trip.number}")
    entries = audited(cast.staff(), "patient.viewed")
    assert [(entry.purpose, entry.details) for entry in entries] == [("treatment", {"trip": trip.number})]
    assert entries[0].patient_id is not None
    with time_machine.travel(clock.now() + dt.timedelta(minutes=6), tick=True):
        client.get(f"/trips/{trip.number}")
    assert len(audited(cast.staff(), "patient.viewed")) == 2


@pytest.mark.parametrize(
    ("role", "sees", "hidden"),
    [
        ("transport_coordinator", [NAME, "03/14/1945", "608 555 0142", "$"], []),
        ("biller", [NAME, "03/14/1945", "450 Creek Rd"], ["Hard of hearing"]),
        ("payables", ["A. Z.", "$"], [NAME, "1945", "608 555 0142", "450 Creek", "Own oxygen"]),
        ("quality", ["A. Z.", "Own oxygen 2 L"], [NAME, "1945", "608 555 0142", "Hard of hearing"]),
        ("admin", ["A. Z.", "$"], [NAME, "03/14/1945", "608 555 0142", "450 Creek", "Hard of hearing"]),
        ("auditor", ["A. Z.", "••• 0142", "Madison, 537"], [NAME, "03/14/1945", "608 555 0142", "450 Creek Rd"]),
    ],
)
def test_each_role_sees_its_own_fields(cast: Cast, trip: Trip, role: str, sees: list[str], hidden: list[str]) -> None:
    page = problem_of(client_of(cast, f"{role}@lakeshore").get(f"/trips/{trip.number}"))
    for words in sees:
        assert words in page, words
    for words in hidden:
        assert words not in page, words


def test_the_vendor_sees_its_own_trip_and_not_how_others_were_ranked(cast: Cast, trip: Trip) -> None:
    page = problem_of(client_of(cast, "vendor_dispatcher@northbound").get(f"/trips/{trip.number}"))
    assert NAME in page
    assert "Hard of hearing" in page
    assert "03/14/1945" not in page  # a wheelchair van's dispatcher knows the age only
    for words in ("Why this vendor", "Vendors asked", "Tamarack", "MRN", "Cancel trip"):
        assert words not in page, words


def test_a_day_after_the_trip_the_vendor_knows_places_by_zone_only(cast: Cast, trip: Trip) -> None:
    with act_as(cast.staff()):
        Trip.objects.filter(pk=trip.pk).update(completed_at=clock.now() - dt.timedelta(hours=25))
    page = problem_of(client_of(cast, "vendor_dispatcher@northbound").get(f"/trips/{trip.number}"))
    assert NAME not in page
    assert "Hard of hearing" not in page
    assert "Madison, 537" in page


def test_trips_of_others_do_not_exist(cast: Cast, trip: Trip) -> None:
    for role in ("case_manager@prairie", "vendor_dispatcher@tamarack"):
        client = client_of(cast, role)
        for tail in ("", "/sheet", "/signature", "/cancel" if "manager" in role else "/give-back"):
            assert client.get(f"/trips/{trip.number}{tail}").status_code == 404, (role, tail)
    assert client_of(cast, "driver@northbound").get(f"/trips/{trip.number}").status_code == 403


def test_a_vendor_that_was_only_asked_has_no_trip_page(cast: Cast) -> None:
    waiting = ride.opened(cast)
    assert client_of(cast, "vendor_dispatcher@northbound").get(f"/trips/{waiting.number}").status_code == 404


def test_every_role_that_may_see_trips_has_a_row_in_the_table() -> None:
    may = {name for name, role in roles.ROLES.items() if role.permissions & {"trips.view", "drive.view"}}
    assert may == set(ROLE_FIELDS)


def test_an_unknown_role_sees_nothing() -> None:
    assert fields_for("stranger", "ALS") == {}
    assert shown(None, role="stranger", level="ALS", today=dt.date(2026, 11, 24)).name == ""


def test_an_exhausted_trip_says_why_each_vendor_cannot_come(cast: Cast) -> None:
    trip = ride.opened(cast, level="ALS", mobility="lies", needs=["monitor"])
    page = problem_of(client_of(cast, "transport_coordinator@lakeshore").get(f"/trips/{trip.number}"))
    assert "No vendor took this trip" in page
    assert "Northbound Medical does not offer a als ambulance" in page or "2 vendors cannot come" in page
    assert "Match again" in page


def test_a_late_trip_says_how_late_and_what_to_do(cast: Cast, trip: Trip) -> None:
    with time_machine.travel(trip.pickup_at + dt.timedelta(minutes=14), tick=True):
        page = problem_of(client_of(cast, "transport_coordinator@lakeshore").get(f"/trips/{trip.number}"))
    assert "Late 14 min" in page
    assert "Find another vendor" in page


def test_the_page_and_the_list_cost_a_fixed_number_of_queries(cast: Cast, trip: Trip) -> None:
    client = client_of(cast, "transport_coordinator@lakeshore")
    client.get(f"/trips/{trip.number}")
    with at_most(19):
        client.get(f"/trips/{trip.number}")
    for _ in range(3):
        ride.opened(cast)
    with at_most(10):
        client.get("/trips")


def test_the_list_filters_and_a_number_opens_its_trip(cast: Cast, trip: Trip) -> None:
    other = ride.opened(cast)
    client = client_of(cast, "case_manager@lakeshore")
    everything = problem_of(client.get("/trips"))
    assert f"/trips/{trip.number}" in everything
    assert f"/trips/{other.number}" in everything
    for query, found in (
        ("status=crew_assigned", True), ("status=offering", False), ("level=WC", True), ("level=CCT", False),
        (f"vendor={cast.northbound.pk}", True), (f"vendor={cast.tamarack.pk}", False), ("day=today", True),
        ("day=2020-01-01", False), ("status=late", False), ("status=open", True),
    ):  # fmt: skip
        page = problem_of(client.get(f"/trips?{query}"))
        near = trip.pickup_at.date() == clock.now().date() or "day=today" not in query
        assert (f'href="/trips/{trip.number}"' in page) is (found and near), query
    answer = client.get(f"/trips?q={trip.number}")
    assert (answer.status_code, answer["Location"]) == (302, f"/trips/{trip.number}")
    assert client.get("/trips?q=abc&vendor=x&day=31-31-31&page=9&scorecard=1").status_code == 200


def test_the_late_filter_is_the_late_chip(cast: Cast, trip: Trip) -> None:
    client = client_of(cast, "case_manager@lakeshore")
    with time_machine.travel(trip.pickup_at + dt.timedelta(minutes=10), tick=True):
        assert f'href="/trips/{trip.number}"' in problem_of(client.get("/trips?status=late"))


def test_the_export_names_nobody_and_runs_no_formula(cast: Cast, trip: Trip) -> None:
    client = client_of(cast, "transport_coordinator@lakeshore")
    with act_as(Scope.system()):
        Organization.objects.filter(pk=cast.northbound.pk).update(name="=1+1")
    body = client.get("/trips?csv=1").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(body)))
    assert [row["trip"] for row in rows] == [str(trip.number)]
    assert rows[0]["vendor"] == "'=1+1"
    for secret in (ride.FAMILY, "Agnes", "Creek", "4W-12"):
        assert secret not in body
    assert client_of(cast, "vendor_dispatcher@northbound").get("/trips?csv=1").status_code == 404
    assert audited(cast.staff(), "trips.exported")[0].details == {"rows": 1}


def test_the_trips_behind_a_figure_are_listed(cast: Cast, trip: Trip) -> None:
    ride.opened(cast)
    with act_as(cast.staff()):
        card = Scorecard.objects.create(
            vendor_id=cast.northbound.pk,
            month=dt.date(2026, 11, 1),
            computed_at=clock.now(),
            figures={"on_time": {"label": "On-time pickups", "numerator": 1, "n": 1, "trip_ids": [str(trip.pk)]}},
        )
    page = problem_of(client_of(cast, "quality@lakeshore").get(f"/trips?scorecard={card.pk}&figure=on_time"))
    assert "Behind “On-time pickups”, November 2026: 1 of 1" in page
    assert page.count('class="k" href="/trips/') == 1
    strange = problem_of(client_of(cast, "quality@prairie").get(f"/trips?scorecard={card.pk}&figure=on_time"))
    assert 'class="k" href="/trips/' not in strange


def test_the_sheet_is_one_page_with_places_to_write(cast: Cast, trip: Trip) -> None:
    page = problem_of(client_of(cast, "vendor_dispatcher@northbound").get(f"/trips/{trip.number}/sheet"))
    for words in ("Time, by hand", "Received by", "Oak St entrance", "Northbound 3"):
        assert words in page


def test_an_alert_is_taken_on_where_it_is_shown(cast: Cast, trip: Trip) -> None:
    with act_as(cast.staff()):
        alert = Alert.objects.create(
            code="safety_changed", severity="warn", request_id=trip.request_id, params={"what": ["weight"]}
        )
    client = client_of(cast, "case_manager@lakeshore")
    assert "The EHR changed weight." in problem_of(client.get(f"/trips/{trip.number}"))
    answer = client.post(f"/alerts/{alert.pk}/acknowledge", {"next": f"/trips/{trip.number}"})
    assert (answer.status_code, answer["Location"]) == (303, f"/trips/{trip.number}")
    assert "The EHR changed weight." not in problem_of(client.get(f"/trips/{trip.number}"))
    elsewhere = client.post(f"/alerts/{alert.pk}/acknowledge", {"next": "//evil.example/"})
    assert elsewhere["Location"] == "/trips"
    assert client_of(cast, "case_manager@prairie").post(f"/alerts/{alert.pk}/acknowledge").status_code == 404
