"""A vendor's own fleet, as its people see and change it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logistics.core import clock
from tests.cast import Cast
from tests.support import act_as, signed_in
from vendors.models import Credential, CrewMember, Shift, Vehicle
from vendors.policies import standing
from vendors.selectors import fleet as selectors


@pytest.fixture
def manager(cast: Cast):
    return signed_in(cast.people["fleet_manager@northbound"])


def main_of(response) -> str:
    return response.content.decode().split("<main", 1)[1]


def test_the_page_shows_the_own_fleet_only(cast, manager):
    page = main_of(manager.get("/fleet"))
    assert "Northbound 3" in page
    assert "Tamarack" not in page
    assert "2 of 2 vehicles in service" in page


def test_a_health_system_has_no_fleet_page(cast):
    assert signed_in(cast.people["admin@lakeshore"]).get("/fleet").status_code == 403


def test_a_dispatcher_looks_and_does_not_change(cast):
    client = signed_in(cast.people["vendor_dispatcher@northbound"])
    vehicle = cast.vehicles["Northbound 3"]
    assert "Add vehicle" not in main_of(client.get("/fleet"))
    assert (
        client.post(f"/fleet/vehicles/{vehicle.pk}/service", {"out_of_service": "yes", "reason": "x"}).status_code
        == 403
    )
    assert client.post("/fleet/vehicles/new", {"name": "New", "level": "WC"}).status_code == 403


def test_out_of_service_needs_a_reason_and_is_shown_with_it(cast, manager):
    vehicle = cast.vehicles["Northbound 3"]
    url = f"/fleet/vehicles/{vehicle.pk}/service"
    assert manager.post(url, {"out_of_service": "yes"}).status_code == 422
    assert manager.post(url, {"out_of_service": "yes", "reason": "Lift stuck"}).status_code == 303
    assert "Lift stuck" in main_of(manager.get("/fleet"))
    assert manager.post(url, {"out_of_service": "no"}).status_code == 303
    with act_as(cast.vendor()):
        assert not Vehicle.objects.get(pk=vehicle.pk).out_of_service


def test_another_vendors_vehicle_is_not_found(cast, manager):
    url = f"/fleet/vehicles/{cast.vehicles['Tamarack 7'].pk}/service"
    assert manager.post(url, {"out_of_service": "yes", "reason": "x"}).status_code == 404


def test_a_new_vehicle_without_papers_may_not_work(cast, manager):
    data = {
        "name": "Northbound 9",
        "level": "WC",
        "also_levels": ["AMB", "WC"],
        "seats": 1,
        "wheelchairs": 1,
        "stretchers": 0,
    }
    assert manager.post("/fleet/vehicles/new", data).status_code == 303
    page = main_of(manager.get("/fleet"))
    assert "Northbound 9" in page
    assert "1 vehicle or person cannot work" in page
    with act_as(cast.vendor()):
        assert Vehicle.objects.get(name="Northbound 9").also_levels == ["AMB"]
    again = manager.post("/fleet/vehicles/new", data)
    assert again.status_code == 422
    assert "already a vehicle called Northbound 9" in again.content.decode()


def test_a_vehicle_carries_something(manager):
    data = {"name": "Empty", "level": "WC", "seats": 0, "wheelchairs": 0, "stretchers": 0}
    assert manager.post("/fleet/vehicles/new", data).status_code == 422


def test_a_credential_is_recorded_unreviewed_for_its_holder(cast, manager):
    member = cast.crew["northbound-0-0"]
    data = {"holder": f"crew:{member.pk}", "kind": "cpr", "number": "C-1", "ends_on": "2031-05-01"}
    assert manager.post("/fleet/credentials/new", data).status_code == 303
    with act_as(cast.vendor()):
        row = Credential.objects.get(crew_member=member, kind="cpr")
    assert (row.ends_on, row.verified_on) == (dt.date(2031, 5, 1), None)
    other = cast.crew["tamarack-0-0"]
    assert manager.post("/fleet/credentials/new", {**data, "holder": f"crew:{other.pk}"}).status_code == 422


def test_a_person_works_one_shift_at_a_time(cast, manager):
    with act_as(cast.vendor()):
        Shift.objects.all().update(
            starts_at=clock.now() - dt.timedelta(days=9), ends_at=clock.now() - dt.timedelta(days=8)
        )
    member = cast.crew["northbound-0-0"]
    shift = {
        "vehicle": str(cast.vehicles["Northbound 3"].pk), "crew": [str(member.pk)],
        "starts_at": "2027-01-05T07:00", "ends_at": "2027-01-05T19:00",
    }  # fmt: skip
    assert manager.post("/fleet/shifts/new", shift).status_code == 303
    with act_as(cast.vendor()):
        made = Shift.objects.get(starts_at__gt=clock.now())
    assert made.starts_at == dt.datetime(2027, 1, 5, 13, tzinfo=dt.UTC), "07:00 in Chicago"
    busy = manager.post("/fleet/shifts/new", {**shift, "vehicle": str(cast.vehicles["Northbound 5"].pk)})
    assert busy.status_code == 422
    assert "another shift in that time" in busy.content.decode()
    taken = manager.post("/fleet/shifts/new", {**shift, "crew": [str(cast.crew["northbound-1-0"].pk)]})
    assert "already has a shift" in taken.content.decode()


def test_a_time_that_the_clock_change_skips_is_refused(cast, manager):
    shift = {
        "vehicle": str(cast.vehicles["Northbound 3"].pk), "crew": [str(cast.crew["northbound-0-0"].pk)],
        "starts_at": "2027-03-14T02:30", "ends_at": "2027-03-14T12:00",
    }  # fmt: skip
    answer = manager.post("/fleet/shifts/new", shift)
    assert answer.status_code == 422
    assert "clocks go forward" in answer.content.decode()


def test_a_new_person_needs_every_paper_of_the_job(cast, manager):
    assert manager.post("/fleet/crew/new", {"name": "Robin Vale", "level": "emt"}).status_code == 303
    with act_as(cast.vendor()):
        person = CrewMember.objects.get(name="Robin Vale")
        found = selectors.overview("America/Chicago")
    holder = next(h for h in found.crew if h.thing.pk == person.pk)
    assert {p.kind: p.standing.status for p in holder.papers} == {
        "driver_license": "missing", "cpr": "missing", "emt_card": "missing",
    }  # fmt: skip
    assert not holder.may_work


@pytest.mark.parametrize(
    ("days", "status", "words"),
    [
        (-2, "expired", "Ended 2 days ago"),
        (-1, "expired", "Ended 1 day ago"),
        (0, "expiring", "Ends today"),
        (1, "expiring", "1 day left"),
        (30, "expiring", "30 days left"),
        (31, "current", "31 days left"),
    ],
)
def test_days_left_are_said_in_words(days, status, words):
    today = dt.date(2026, 3, 1)
    assert standing(today + dt.timedelta(days=days), today)[:2] == (status, words)


def test_the_page_takes_the_same_queries_for_any_fleet(cast, manager):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert manager.get("/fleet").status_code == 200
        return len(seen)

    queries()
    few = queries()
    with act_as(cast.vendor()):
        for n in range(6):
            vehicle = Vehicle.objects.create(name=f"Spare {n}", level="WC", seats=1)
            Credential.objects.create(kind="inspection", vehicle=vehicle, ends_on=dt.date(2030, 1, 1))
    assert queries() == few
