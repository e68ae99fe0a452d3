"""The inbox as people use it: who may see what, one step to map a unit, raw only on request and logged."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.models import Feed, InboundMessage, UnitMapping
from integrations.services import inbound
from logistics.core.models import AuditEntry
from logistics.core.scoping import Scope
from logistics.requests.models import ServiceRequest
from tests.cast import Cast
from tests.integrations.feeds import feed_in, message
from tests.support import act_as, settle, signed_in

INBOX = "/integrations/inbox"


def stop_some(cast: Cast, feed: Feed) -> list[InboundMessage]:
    """Two stays on a ward that nobody mapped, one message waiting behind each other."""
    return [
        feed_in(cast, feed, message("A01", "20260306201500", unit="4EAST", visit="V1")),
        feed_in(cast, feed, message("A16", "20260307061500", unit="4EAST", visit="V1", expected="20260307111500")),
        feed_in(cast, feed, message("A01", "20260306201500", unit="4EAST", visit="V2", mrn="700002")),
    ]


def engineer(cast: Cast) -> Any:
    """A client of Lakeshore's integration engineer."""
    return signed_in(cast.people["integration_engineer@lakeshore"])


@pytest.mark.parametrize(
    ("role", "code"),
    [
        ("integration_engineer", 200),
        ("admin", 200),
        ("transport_coordinator", 200),
        ("case_manager", 403),
        ("biller", 403),
    ],
)
def test_the_inbox_opens_by_permission(cast: Cast, feed: Feed, role: str, code: int) -> None:
    assert signed_in(cast.people[f"{role}@lakeshore"]).get(INBOX).status_code == code


def test_a_vendor_has_no_inbox(cast: Cast) -> None:
    assert signed_in(cast.people["vendor_admin@northbound"]).get(INBOX).status_code == 403


def test_another_health_system_does_not_find_the_message(cast: Cast, feed: Feed) -> None:
    row = feed_in(cast, feed, message("A01", "20260306201500"))
    other = signed_in(cast.people["integration_engineer@prairie"])
    assert other.get(f"{INBOX}/{row.pk}").status_code == 404
    assert other.post(f"{INBOX}/{row.pk}/raw").status_code == 404
    assert other.post(f"{INBOX}/{row.pk}/replay").status_code == 404


def test_a_stopped_message_says_what_stopped_it_and_what_to_do(cast: Cast, feed: Feed) -> None:
    first, behind, _ = stop_some(cast, feed)
    assert (first.state, behind.state) == ("stopped", "received")
    page = engineer(cast).get(f"{INBOX}/{first.pk}").content.decode()
    assert "PV1-3.1 has &quot;4EAST&quot;. No unit of Lakeshore Medical Center has that code." in page
    assert "Save mapping and replay 2" in page
    assert "1 later message of this stay waits behind it" in page
    assert re.search(r'<option value="[^"]+" selected>4 East', page)


def test_one_step_maps_the_unit_and_replays_everything_in_order(cast: Cast, feed: Feed) -> None:
    first, _, _ = stop_some(cast, feed)
    answer = engineer(cast).post(f"{INBOX}/{first.pk}/map", {"unit": str(cast.units["4E@lakeshore"].pk)})
    assert answer.status_code == 303
    settle()
    with act_as(cast.staff()):
        assert set(InboundMessage.objects.values_list("state", "outcome")) == {("done", "applied")}
        assert UnitMapping.objects.get().unit.code == "4E"
        ride = ServiceRequest.objects.get()
        assert (ride.status, ride.unit.code) == ("draft", "4E")
    after = feed_in(cast, feed, message("A01", "20260306201500", unit="4EAST", visit="V9", mrn="700009"))
    assert after.outcome == "applied"


def test_mapping_without_a_unit_is_422_and_changes_nothing(cast: Cast, feed: Feed) -> None:
    first, _, _ = stop_some(cast, feed)
    answer = engineer(cast).post(f"{INBOX}/{first.pk}/map", {})
    assert answer.status_code == 422
    assert "Choose the unit." in answer.content.decode()
    with act_as(cast.staff()):
        assert not UnitMapping.objects.exists()


def test_a_skipped_message_lets_its_stay_go_on(cast: Cast, feed: Feed) -> None:
    first = feed_in(cast, feed, message("A02", "20260306201500", unit="ODD"))
    feed_in(cast, feed, message("A08", "20260306211500", unit="4A"))
    client = engineer(cast)
    assert client.post(f"{INBOX}/{first.pk}/skip", {"reason": ""}).status_code == 422
    assert client.post(f"{INBOX}/{first.pk}/skip", {"reason": "Test ward"}).status_code == 303
    settle()
    with act_as(cast.staff()):
        assert list(InboundMessage.objects.order_by("id").values_list("outcome", flat=True)) == ["recorded", "applied"]


def test_the_raw_message_shows_only_on_request_and_the_look_is_logged(cast: Cast, feed: Feed) -> None:
    row = feed_in(cast, feed, message("A01", "20260306201500"))
    client = engineer(cast)
    page = client.get(f"{INBOX}/{row.pk}").content.decode()
    assert "Okafor" not in page
    assert "700000" not in page
    assert "•••• 0000" in page
    shown = client.post(f"{INBOX}/{row.pk}/raw").content.decode()
    assert "Okafor^Ada" in shown
    with act_as(Scope.system()):
        entry = AuditEntry.objects.get(action="message.revealed")
    assert (entry.target_id, entry.purpose) == (str(row.pk), "operations")


def test_the_coordinator_sees_the_inbox_but_not_the_raw_message(cast: Cast, feed: Feed) -> None:
    row = feed_in(cast, feed, message("A01", "20260306201500"))
    client = signed_in(cast.people["transport_coordinator@lakeshore"])
    assert "Show the raw message" not in client.get(f"{INBOX}/{row.pk}").content.decode()
    assert client.post(f"{INBOX}/{row.pk}/raw").status_code == 403
    assert client.post(f"{INBOX}/{row.pk}/replay").status_code == 403


@pytest.mark.parametrize("number", ["A01-20260306201500-V1", "V1", "700000"])
def test_messages_are_found_by_control_id_visit_number_and_mrn(cast: Cast, feed: Feed, number: str) -> None:
    mine = feed_in(cast, feed, message("A01", "20260306201500"))
    other = feed_in(cast, feed, message("A01", "20260306201500", visit="V77", mrn="899999"))
    page = engineer(cast).post(f"{INBOX}/search", {"q": number}).content.decode()
    assert reverse("integrations:message", args=[mine.pk]) in page
    assert reverse("integrations:message", args=[other.pk]) not in page


def test_filters_narrow_the_list(cast: Cast, feed: Feed) -> None:
    kept = feed_in(cast, feed, message("A01", "20260306201500"))
    gone = feed_in(cast, feed, message("A08", "20260306211500"))
    page = engineer(cast).get(f"{INBOX}?event=A01&outcome=applied").content.decode()
    assert f"{INBOX}/{kept.pk}" in page
    assert f"{INBOX}/{gone.pk}" not in page


def test_replay_of_an_applied_message_changes_nothing(cast: Cast, feed: Feed) -> None:
    feed_in(cast, feed, message("A01", "20260306201500"))
    row = feed_in(cast, feed, message("A16", "20260307061500", expected="20260307111500"))
    assert engineer(cast).post(f"{INBOX}/{row.pk}/replay").status_code == 303
    settle()
    with act_as(cast.staff()):
        row.refresh_from_db()
        assert row.outcome == "no_change"
        assert ServiceRequest.objects.count() == 1


def test_the_page_needs_a_fixed_number_of_queries(cast: Cast, feed: Feed) -> None:
    client = engineer(cast)
    for number in range(3):
        inbound.receive(feed, message("A08", "20260306201500", visit=f"V{number}", control=f"C{number}"))
    client.get(INBOX)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(INBOX)
    for number in range(40):
        inbound.receive(feed, message("A08", "20260306201500", visit=f"W{number}", control=f"D{number}"))
    with CaptureQueriesContext(connection) as many:
        client.get(INBOX)
    assert len(many) == len(few)


def test_a_feed_is_added_and_a_taken_port_is_explained(cast: Cast, feed: Feed) -> None:
    client = engineer(cast)
    values = {
        "name": "Orders", "facility": str(cast.facilities["lakeshore"].pk), "port_offset": "0",
        "time_zone": "America/Chicago", "ack_on_content_error": "AE", "is_active": "on",
    }  # fmt: skip
    refused = client.post("/integrations/feeds/add", values)
    assert refused.status_code == 422
    assert "Choose another port number." in refused.content.decode()
    assert client.post("/integrations/feeds/add", {**values, "port_offset": "4"}).status_code == 303
    assert client.post("/integrations/feeds/add", {**values, "time_zone": "Mars/Olympus"}).status_code == 422
    page = client.get("/integrations/feeds").content.decode()
    assert "Orders" in page
    assert "None yet" in page


def test_mappings_are_listed_added_and_removed(cast: Cast, feed: Feed) -> None:
    client = engineer(cast)
    values = {"feed": str(feed.pk), "point_of_care": "W-4", "unit": str(cast.units["4W@lakeshore"].pk)}
    assert client.post("/integrations/mappings/add", values).status_code == 303
    assert "W-4" in client.get("/integrations/mappings").content.decode()
    with act_as(cast.staff()):
        mapping = UnitMapping.objects.get()
    assert client.post(f"/integrations/mappings/{mapping.pk}/remove").status_code == 303
    with act_as(cast.staff()):
        assert not UnitMapping.objects.exists()
