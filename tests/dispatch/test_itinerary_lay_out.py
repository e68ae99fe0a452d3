"""Times of the rides of one booking: arrive by across zones and clock changes, connections, doors."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch import policies
from dispatch.services import itinerary, preview_words, router
from dispatch.services.itinerary import latest_pickup, lay_out
from dispatch.solver.problem import Stop
from logistics.accounts.models import Facility
from logistics.core import clock, levels
from logistics.requests.models import Patient
from logistics.requests.services.geocode import Address, Location
from logistics.requests.services.journeys import Onward, Plan
from logistics.requests.services.places import Destination

CENTRAL, EASTERN, PHOENIX = "America/Chicago", "America/New_York", "America/Phoenix"
# South Bend keeps Eastern time, Michigan City nearby Central.
MICHIGAN_CITY, SOUTH_BEND = (41.7075, -86.8950), (41.6764, -86.2520)


PATIENT = Patient(tenant_id=uuid4())


def place(name: str, at: tuple[float, float], zone: str) -> Destination:
    return Destination("other", name, Address(f"1 {name} St", name, "IN", "46601"), Location(*at, zone, name, "IN"))


def site(at: tuple[float, float] = MICHIGAN_CITY, zone: str = CENTRAL) -> Facility:
    return Facility(
        tenant_id=uuid4(),
        name="Dunes Medical Center", short_name="Dunes", address="1 High St", city="Michigan City", state="IN",
        zip_code="46360", latitude=at[0], longitude=at[1], time_zone=zone,
    )  # fmt: skip


def wall(text: str, zone: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def arrives(start: Destination, end: Destination, pickup: dt.datetime, level: str) -> dt.datetime:
    door = dt.timedelta(minutes=policies.service_minutes(level))
    way = router.route(
        Stop(start.location.lat, start.location.lon), Stop(end.location.lat, end.location.lon), pickup + door,
        start.location.zone,
    )  # fmt: skip
    return pickup + door + dt.timedelta(minutes=way.minutes) + door


@settings(max_examples=150, deadline=None)
@given(
    when=st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2028, 1, 1)),
    zones=st.tuples(st.sampled_from([CENTRAL, EASTERN, PHOENIX]), st.sampled_from([CENTRAL, EASTERN, PHOENIX])),
    north=st.floats(-4, 4),
    east=st.floats(-4, 4),
    level=st.sampled_from(sorted(levels.LEVELS)),
)
def test_the_latest_pickup_arrives_in_time_and_a_minute_later_does_not(
    when: dt.datetime, zones: tuple[str, str], north: float, east: float, level: str
) -> None:
    start = place("Here", MICHIGAN_CITY, zones[0])
    end = place("There", (MICHIGAN_CITY[0] + north, MICHIGAN_CITY[1] + east), zones[1])
    by = when.replace(second=0, microsecond=0, tzinfo=ZoneInfo(zones[1])).astimezone(dt.UTC)
    latest = latest_pickup(start, end, by, level)
    minute = dt.timedelta(minutes=1)
    assert arrives(start, end, latest, level) <= by < arrives(start, end, latest + minute, level) + minute


@settings(max_examples=60, deadline=None)
@given(when=st.datetimes(dt.datetime(2027, 1, 1), dt.datetime(2027, 12, 31)), level=st.sampled_from(["WC", "BLS"]))
def test_every_pickup_in_the_window_of_an_arrival_is_in_time(when: dt.datetime, level: str) -> None:
    start, end = place("Here", MICHIGAN_CITY, CENTRAL), place("There", SOUTH_BEND, EASTERN)
    by = when.replace(second=0, microsecond=0, tzinfo=ZoneInfo(EASTERN)).astimezone(dt.UTC)
    pickup_at = latest_pickup(start, end, by, level) - dt.timedelta(minutes=policies.ARRIVE_BUFFER_MINUTES)
    closes = policies.window_end("arrive", pickup_at)
    for late in (pickup_at, closes):
        assert arrives(start, end, late, level) <= by


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A morning in November, the built-in rules."""
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2026, 11, 24, 14, 0, tzinfo=dt.UTC))


def answers(**changes: Any) -> dict[str, Any]:
    return {"when": "at", "mobility": "wheelchair", "needs": [], "weight_lb": 142, **changes}


def test_an_arrival_in_another_zone_is_shown_on_both_clocks(quiet: None) -> None:
    fields = answers(when="arrive", arrive_by_at=wall("2026-11-24T14:00", EASTERN),
                     destination=place("South Bend", SOUTH_BEND, EASTERN))  # fmt: skip
    first = lay_out(fields, Plan(), facility=site(), patient=PATIENT).rides[0]
    assert first.crosses_zones
    words = preview_words.times(first)
    at = clock.local(first.pickup_at, CENTRAL)
    assert words == f"Pickup {at:%H:%M} CST, to be there by 14:00 EST"
    # About 43 estimated miles, two doors of 8 minutes and the buffer: well before noon in Central time.
    assert dt.time(10, 0) < at.time() < dt.time(12, 0)


def test_an_arrival_after_the_spring_change_counts_real_minutes(quiet: None) -> None:
    """The night of 14 March 2027 has no 02:30: a ride over it must not be an hour off."""
    here, there = place("Here", MICHIGAN_CITY, CENTRAL), place("There", SOUTH_BEND, CENTRAL)
    before = latest_pickup(here, there, wall("2027-03-13T03:30", CENTRAL), "WC")
    after = latest_pickup(here, there, wall("2027-03-14T03:30", CENTRAL), "WC")
    minutes = dt.timedelta(days=1) - dt.timedelta(hours=1)
    assert after - before == minutes
    assert clock.local(after, CENTRAL).time() < dt.time(2, 0)


def test_a_pickup_before_midnight_arrives_on_the_next_day(quiet: None) -> None:
    fields = answers(
        pickup_at=wall("2026-11-24T23:50", CENTRAL), destination=place("Michigan City", (41.75, -86.99), CENTRAL)
    )
    ride = lay_out(fields, Plan(), facility=site(), patient=PATIENT).rides[0]
    words = preview_words.times(ride)
    assert words.startswith("Pickup 23:50 CST, there about Wed 25 Nov, 00:")
    assert ride.arrives_at is not None
    assert clock.local(ride.arrives_at, CENTRAL).date() == dt.date(2026, 11, 25)


def test_a_vehicle_that_waits_goes_back_after_the_wait(quiet: None) -> None:
    fields = answers(pickup_at=wall("2026-11-24T12:00", CENTRAL), destination=place("South Bend", SOUTH_BEND, EASTERN))
    plan = Plan("wait_return", (Onward("return", "return", when="at", dwell_minutes=45),), True, 45)
    there, back = lay_out(fields, plan, facility=site(), patient=PATIENT).rides
    assert there.arrives_at is not None
    assert back.pickup_at == there.arrives_at + dt.timedelta(minutes=45)
    assert (back.start.name, back.end.name) == ("South Bend", "Dunes Medical Center")


def test_a_vehicle_that_waits_for_a_will_call_comes_back_on_call_too(quiet: None) -> None:
    fields = answers(when="ready", ready_expected_at=wall("2026-11-24T12:00", CENTRAL),
                     destination=place("South Bend", SOUTH_BEND, EASTERN))  # fmt: skip
    plan = Plan("wait_return", (Onward("return", "return", when="at", dwell_minutes=45),), True, 45)
    back = lay_out(fields, plan, facility=site(), patient=PATIENT).rides[1]
    assert back.fields["when"] == "ready"
    assert back.fields["ready_expected_at"] is not None


def test_the_longest_ride_decides_whether_the_own_tank_lasts(quiet: None) -> None:
    near, far = place("Near", (41.72, -86.88), CENTRAL), place("Far", (43.9, -86.4), CENTRAL)
    fields = answers(pickup_at=wall("2026-11-24T12:00", CENTRAL), destination=near, needs=["oxygen"], oxygen_lpm=4)
    alone = lay_out(fields, Plan(), facility=site(), patient=PATIENT)
    plan = Plan("multi_leg", (Onward("stop2", "connection", far, "at", None, 30),))
    both = lay_out(fields, plan, facility=site(), patient=PATIENT)
    assert (alone.level, both.level) == ("WC", "BLS")
    assert itinerary.MINUTE * (both.minutes or 0) > dt.timedelta(hours=3)
