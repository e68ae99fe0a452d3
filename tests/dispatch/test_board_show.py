"""The case manager's board: what it says, in what order, to whom, and what it costs."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch.models import Leg, Trip
from dispatch.services import trips as trip_services
from dispatch.services.transitions import trip_to
from dispatch.views.board import Board
from logistics.core import clock
from logistics.core.models import AuditEntry
from logistics.core.scoping import Scope
from logistics.requests.models import Alert, Encounter, ServiceRequest, TransportDetail
from logistics.requests.services import booking
from logistics.requests.services.alerts import raise_alert
from logistics.requests.services.transitions import request_to
from tests.cast import Cast
from tests.requests.ward import admit, foresee
from tests.support import act_as, settle, signed_in

NOON = dt.datetime(2026, 11, 24, 18, 0, tzinfo=dt.UTC)  # 12:00 in Madison
BOARD = "dispatch:board"


@pytest.fixture
def noon() -> Any:
    """Noon at the facility, so that "today" has room on both sides."""
    with mock.patch("django.utils.timezone.now", return_value=NOON):
        yield NOON


def trip(cast: Cast, encounter: Encounter, *, minutes: int = 60, slug: str = "lakeshore", **changes: Any) -> Trip:
    """A trip as dispatch opens it, without asking vendors."""
    with act_as(cast.staff(getattr(cast, slug))):
        request = ServiceRequest.objects.create(
            patient_id=encounter.patient_id, encounter=encounter, facility=encounter.facility, unit=encounter.unit,
            requested_by_name="Dana Morales",
        )  # fmt: skip
        pickup_at = clock.now() + dt.timedelta(minutes=minutes)
        TransportDetail.objects.create(
            request=request, when=changes.get("when", "at"), pickup_at=pickup_at, place=cast.places[f"willow@{slug}"],
            destination_kind="place", mobility="wheelchair", level="WC",
        )  # fmt: skip
        request_to(request, "requested")
        fields = {
            "request": request, "facility": encounter.facility, "unit": encounter.unit, "level": "WC",
            "pickup_at": pickup_at, "pickup_latest_at": pickup_at + dt.timedelta(minutes=30),
            "time_zone": "America/Chicago", "destination_zone": "America/Chicago", **changes,
        }  # fmt: skip
        made = Trip.objects.create(**fields)
        Leg.objects.create(
            trip=made, pickup_latitude=43.0, pickup_longitude=-89.4, dropoff_latitude=43.1, dropoff_longitude=-89.4,
            miles="7.4", minutes=19,
        )  # fmt: skip
        return made


def page(cast: Cast, query: str = "", *, role: str = "case_manager@lakeshore", part: bool = False) -> str:
    headers = {"HX-Request": "true"} if part else {}
    response = signed_in(cast.people[role]).get(f"{reverse(BOARD)}{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_a_new_board_says_what_will_appear_and_shows_no_figure(cast: Cast) -> None:
    html = page(cast)
    assert "Nothing needs you." in html
    assert "No trips here" in html
    assert "Everybody who may leave has a ride." in html
    assert "Figures appear with the first pickup of the day." in html
    assert "0 of 0" not in html


def test_a_late_ride_comes_first_as_a_sentence_with_one_action(cast: Cast, noon: dt.datetime) -> None:
    vendor = {"status": "accepted", "vendor": cast.northbound}
    early = trip(cast, admit(cast, bed="01", family="Petrov"), minutes=-60, eta_at=noon, status="matching")
    late = trip(
        cast, admit(cast, bed="12", family="Okafor"), minutes=-14, eta_at=noon + dt.timedelta(minutes=2), **vendor
    )
    risky = trip(
        cast, admit(cast, bed="03", family="Brandt"), minutes=20, eta_at=noon + dt.timedelta(minutes=36), **vendor
    )
    html = page(cast)
    assert "Okafor’s wheelchair van is 16 min late to 4W-12" in html
    assert "Brandt’s wheelchair van is likely to be 16 min late" in html
    assert "Northbound Medical expects to be there at 12:02; the pickup was agreed for 11:46." in html
    assert "Late 16 min" in html
    assert "At risk 16 min" in html
    needs = html[html.index("Needs you now") : html.index("Saved views")]
    order = [needs.index(f"/trips/{each.number}") for each in (early, late, risky)]
    assert order == sorted(order)


def test_a_trip_under_way_shows_where_the_crew_is(cast: Cast, noon: dt.datetime) -> None:
    under_way = trip(cast, admit(cast, family="Nguyen"), minutes=-20, status="under_way", vendor=cast.northbound)
    with act_as(cast.staff()):
        Leg.objects.filter(trip=under_way).update(
            status="on_board", picked_up_at=noon - dt.timedelta(minutes=16), vendor_id=cast.northbound.pk
        )
    html = page(cast)
    assert 'data-status="on_board"' in html
    assert "on board 11:44" in html
    assert "Arrives 12:03" in html
    assert "1 of 1" in html
    assert "Asked to picked up, median" in html


def test_views_filters_and_order_live_in_the_query_string(cast: Cast, noon: dt.datetime) -> None:
    trip(cast, admit(cast, bed="01", family="Todayperson"), minutes=60)
    trip(cast, admit(cast, bed="02", family="Tomorrowperson"), minutes=24 * 60)
    trip(cast, admit(cast, bed="03", family="Callperson"), minutes=90, when="ready", is_ready=False)
    trip(cast, admit(cast, unit="4E", bed="04", family="Eastperson"), minutes=70, level="BLS")
    foresee(cast, admit(cast, bed="05", family="Draftperson"))

    def people(query: str) -> set[str]:
        html = page(cast, query, part=True)
        names = ("Todayperson", "Tomorrowperson", "Callperson", "Eastperson")
        table = html[html.index('id="trips-h"') : html.index("Ready, no ride")]
        return {name for name in names if name in table}

    assert people("") == {"Todayperson", "Callperson", "Eastperson"}
    assert people("?view=tomorrow") == {"Tomorrowperson"}
    assert people("?view=will_call") == {"Callperson"}
    assert people("?view=late") == set()
    assert people(f"?unit={cast.units['4E@lakeshore'].pk}") == {"Eastperson"}
    assert people("?level=BLS") == {"Eastperson"}
    assert people("?view=nonsense&status=nonsense&sort=nonsense&patient=x") == {
        "Todayperson",
        "Callperson",
        "Eastperson",
    }
    assert "Draftperson" in page(cast, "?view=drafts")
    down = page(cast, "?sort=-pickup", part=True)
    table = down[down.index("<tbody>") :]
    assert table.index("Callperson") < table.index("Eastperson") < table.index("Todayperson")
    assert 'aria-sort="descending"' in down


def test_pages_hold_fifty_trips_and_cost_at_most_twelve_queries(cast: Cast, noon: dt.datetime) -> None:
    people = [admit(cast, bed=f"{number:02d}", family=f"Person{number}") for number in range(10)]
    for number in range(200):
        trip(cast, people[number % 10], minutes=number * 3 - 60)
    for number in range(10):
        foresee(cast, people[number])
    with act_as(cast.staff()):
        raise_alert("discharge_unclear", encounter=people[0])
        http = RequestFactory().get("/board")
        http.membership = cast.people["case_manager@lakeshore"]  # type: ignore[attr-defined]
        with CaptureQueriesContext(connection) as asked:
            shown = Board(http)
            context = shown.context()
        assert len(context["table"]) == 50
        assert context["page"].paginator.count == 200
    assert len(asked) <= 12, [query["sql"][:100] for query in asked]
    html = page(cast, "?page=2")
    assert "51 to 100 of 200 trips" in html


def test_drafts_and_announced_discharges_wait_with_a_book_button(cast: Cast) -> None:
    draft = foresee(cast, admit(cast, bed="14", family="Silva"), place=cast.places["willow@lakeshore"])
    html = page(cast)
    assert f"{reverse('dispatch:book')}?request={draft.pk}" in html
    assert "To Willow Creek Skilled Nursing" in html
    assert "Book a ride for Silva, Agnes" in html


def test_an_alert_stays_until_somebody_is_on_it(cast: Cast) -> None:
    encounter = admit(cast, family="Lindqvist")
    with act_as(cast.staff()):
        alert = raise_alert("discharge_unclear", encounter=encounter)
    assert "Lindqvist: The discharge does not say clearly" in page(cast)
    client = signed_in(cast.people["case_manager@lakeshore"])
    assert client.post(reverse("dispatch:board_acknowledge", args=[alert.pk])).status_code == 303
    assert "Lindqvist: The discharge" not in page(cast)
    with act_as(cast.staff()):
        seen = Alert.objects.get(pk=alert.pk)
        assert AuditEntry.objects.filter(action="alert.acknowledged").count() == 1
    assert seen.acknowledged_by_name == "Case Manager of Lakeshore"


def test_a_held_ride_goes_on_from_the_board(cast: Cast) -> None:
    encounter = admit(cast, family="Ryder")
    held = trip(cast, encounter)
    with act_as(cast.staff()):
        booking.hold(request_id=held.request_id, reason="discharge_canceled")
        trip_services.hold(held.pk, reason="discharge_canceled")
    html = page(cast)
    assert "Ryder’s ride is on hold" in html
    assert "Discharge canceled." in html
    client = signed_in(cast.people["case_manager@lakeshore"])
    assert client.post(reverse("dispatch:board_resume", args=[held.request_id])).status_code == 303
    with act_as(cast.staff()):
        assert ServiceRequest.objects.get(pk=held.request_id).status == "requested"


def test_the_word_ready_starts_a_ride_that_waits(cast: Cast) -> None:
    waiting = trip(cast, admit(cast, family="Abbott"), when="ready", is_ready=False)
    client = signed_in(cast.people["case_manager@lakeshore"])
    assert "Abbott, Agnes is ready" in page(cast)
    assert client.post(reverse("dispatch:board_ready", args=[waiting.number])).status_code == 303
    with act_as(cast.staff()):
        assert Trip.objects.get(pk=waiting.pk).is_ready


def test_nobody_left_to_ask_is_said_once_with_what_to_do(cast: Cast) -> None:
    gone = trip(cast, admit(cast, family="Adeyemi"))
    with act_as(cast.staff()):
        trip_to(Trip.objects.get(pk=gone.pk), "exhausted", source="engine", reason="Nobody can come")
        raise_alert("exhausted", "top", request=gone.request, params={"text": "Nobody is left.", "trip": gone.number})
    html = page(cast)
    assert "Nobody is left to ask for Adeyemi’s wheelchair van" in html
    assert "Adeyemi: Nobody is left." not in html


def test_a_search_travels_in_the_body_and_leads_to_ids(cast: Cast) -> None:
    encounter = admit(cast, family="Searchable")
    found = trip(cast, encounter)
    client = signed_in(cast.people["case_manager@lakeshore"])
    by_name = client.post(reverse("dispatch:board_search"), {"q": "sear"})
    assert by_name.status_code == 303
    assert "sear" not in by_name["Location"]
    assert str(encounter.patient_id) in by_name["Location"]
    assert "Searchable, Agnes" in client.get(by_name["Location"]).content.decode()
    by_number = client.post(reverse("dispatch:board_search"), {"q": str(found.number)})
    assert by_number["Location"] == reverse("dispatch:trip", args=[found.number])


def test_the_export_cannot_be_run_by_a_spreadsheet(cast: Cast) -> None:
    trip(cast, admit(cast, family="=HYPERLINK(1)", given="Eve"))
    response = signed_in(cast.people["case_manager@lakeshore"]).get(reverse("dispatch:board_csv"))
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0]["patient"] == "'=HYPERLINK(1), Eve"
    assert dt.datetime.fromisoformat(rows[0]["pickup"]).utcoffset() is not None
    with act_as(cast.staff()):
        assert AuditEntry.objects.filter(action="board.exported").count() == 1


def test_the_handoff_lists_a_unit_per_page(cast: Cast) -> None:
    trip(cast, admit(cast, bed="01", family="Westperson"))
    trip(cast, admit(cast, unit="4E", bed="02", family="Eastperson"))
    html = signed_in(cast.people["case_manager@lakeshore"]).get(reverse("dispatch:board_print")).content.decode()
    assert html.count('class="sheet"') == 2
    assert html.index("4 East") < html.index("Eastperson") < html.index("Westperson")
    assert "Printed by Case Manager of Lakeshore" in html


def test_the_board_shows_my_units_only(cast: Cast) -> None:
    trip(cast, admit(cast, bed="01", family="Westperson"))
    trip(cast, admit(cast, unit="4E", bed="02", family="Eastperson"))
    membership = cast.people["case_manager@lakeshore"]
    with act_as(Scope.system(actor_label="test")):
        type(membership).objects.filter(pk=membership.pk).update(units=[str(cast.units["4E@lakeshore"].pk)])
    html = page(cast)
    assert "Eastperson" in html
    assert "Westperson" not in html


def test_the_live_part_is_the_same_board_without_its_frame(cast: Cast) -> None:
    trip(cast, admit(cast, family="Okafor"))
    part = page(cast, part=True)
    assert "Okafor" in part
    assert "<html" not in part
    whole = page(cast)
    assert "sse:trip" in whole
    assert "data-live-hold" in whole


def test_another_health_systems_rows_are_not_there(cast: Cast) -> None:
    theirs = admit(cast, slug="prairie", family="Prairieperson")
    their_trip = trip(cast, theirs, slug="prairie", when="ready", is_ready=False)
    with act_as(cast.staff(cast.prairie)):
        alert = raise_alert("discharge_unclear", encounter=theirs)
    client = signed_in(cast.people["case_manager@lakeshore"])
    assert "Prairieperson" not in page(cast)
    assert "Prairieperson" not in page(cast, f"?patient={theirs.patient_id}")
    for name, key in (
        ("board_acknowledge", alert.pk),
        ("board_ready", their_trip.number),
        ("board_resume", their_trip.request_id),
    ):
        assert client.post(reverse(f"dispatch:{name}", args=[key])).status_code == 404
    with act_as(cast.staff(cast.prairie)):
        assert not Trip.objects.get(pk=their_trip.pk).is_ready
        assert Alert.objects.get(pk=alert.pk).acknowledged_at is None


@pytest.mark.parametrize("role", ["vendor_dispatcher@northbound", "driver@northbound", "biller@lakeshore"])
def test_who_has_no_board_is_refused(cast: Cast, role: str) -> None:
    client = signed_in(cast.people[role])
    for name in ("board", "board_print", "board_csv"):
        assert client.get(reverse(f"dispatch:{name}")).status_code == 403


def test_the_palette_finds_by_permission(cast: Cast) -> None:
    encounter = admit(cast, family="Paletteperson")
    found = trip(cast, encounter)
    settle()
    url = reverse("dispatch:palette")

    def results(role: str, q: str) -> str:
        client = signed_in(cast.people[role])
        return client.post(url, {"q": q}, headers={"HX-Request": "true"}).content.decode()

    assert str(encounter.patient_id) in results("case_manager@lakeshore", "pale")
    assert reverse("dispatch:trip", args=[found.number]) in results("case_manager@lakeshore", str(found.number))
    assert reverse("requests:place_edit", args=[cast.places["willow@lakeshore"].pk]) in results(
        "case_manager@lakeshore", "will"
    )
    assert reverse("dispatch:book") in results("case_manager@lakeshore", "book")
    assert "Paletteperson" not in results("quality@lakeshore", "pale")
    assert "Paletteperson" not in results("vendor_dispatcher@northbound", "pale")
    assert "Paletteperson" not in results("case_manager@prairie", "pale")
    assert str(found.number) not in results("case_manager@prairie", str(found.number)).replace(f"“{found.number}”", "")
    assert reverse("dispatch:book") not in results("biller@lakeshore", "book")


def test_the_palette_without_javascript_posts_its_words_and_takes_none_from_the_address(cast: Cast) -> None:
    encounter = admit(cast, family="Paletteperson")
    client = signed_in(cast.people["case_manager@lakeshore"])
    blank = client.get(reverse("dispatch:palette"), {"q": "pale"}).content.decode()
    assert str(encounter.patient_id) not in blank
    assert 'value="pale"' not in blank
    assert f'method="post" action="{reverse("dispatch:palette")}"' in blank
    answer = client.post(reverse("dispatch:palette"), {"q": "pale"}).content.decode()
    assert reverse("requests:patient", args=[encounter.patient_id]) in answer
    assert 'value="pale"' in answer
    with act_as(cast.staff()):
        assert AuditEntry.objects.filter(action="patient.searched").exists()
