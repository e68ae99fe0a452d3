"""Dates that come again: the chair time stays on the wall clock, whatever the clocks do."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logistics.core.errors import DomainError
from logistics.requests.services import holidays_calendar, recurrence
from logistics.requests.services.recurrence import Closure, Differs, occurrences

CHICAGO = "America/Chicago"
ZONES = [
    "America/Chicago", "America/New_York", "America/Los_Angeles", "America/Anchorage", "America/Phoenix",
    "Pacific/Honolulu", "Australia/Lord_Howe", "Europe/Berlin", "Africa/Casablanca", "America/St_Johns",
]  # fmt: skip
MWF = "FREQ=WEEKLY;BYDAY=MO,WE,FR"
TTS = "FREQ=WEEKLY;BYDAY=TU,TH,SA"


def _one(day: dt.date, time: dt.time, zone: str = CHICAGO) -> recurrence.Occurrence:
    return occurrences("FREQ=DAILY", zone, time, day, day)[0]


def test_the_chair_time_stays_local_across_both_changes_of_2027() -> None:
    spring = occurrences("FREQ=DAILY", CHICAGO, dt.time(5, 30), dt.date(2027, 3, 12), dt.date(2027, 3, 16))
    assert [f"{each.moment_utc:%d %H:%M}" for each in spring] == [
        "12 11:30", "13 11:30", "14 10:30", "15 10:30", "16 10:30",
    ]  # fmt: skip
    autumn = occurrences("FREQ=DAILY", CHICAGO, dt.time(5, 30), dt.date(2027, 11, 6), dt.date(2027, 11, 8))
    assert [f"{each.moment_utc:%d %H:%M}" for each in autumn] == ["06 10:30", "07 11:30", "08 11:30"]
    assert not any(each.note for each in [*spring, *autumn])


def test_a_time_that_spring_skips_becomes_the_next_minute_that_exists() -> None:
    found = _one(dt.date(2027, 3, 14), dt.time(2, 30))
    assert found.moment_utc is not None
    assert f"{found.moment_utc.astimezone(ZoneInfo(CHICAGO)):%H:%M %Z}" == "03:00 CDT"
    assert found.note == "02:30 does not exist on Sun 14 Mar: 03:00."


def test_a_time_that_comes_twice_in_autumn_is_the_first() -> None:
    found = _one(dt.date(2027, 11, 7), dt.time(1, 30))
    assert found.moment_utc == dt.datetime(2027, 11, 7, 6, 30, tzinfo=dt.UTC)
    assert found.note == "01:30 comes twice on Sun 7 Nov: the first, CDT."


@given(
    zone=st.sampled_from(ZONES),
    time=st.times().map(lambda each: each.replace(second=0, microsecond=0)),
    start=st.dates(dt.date(2026, 1, 1), dt.date(2027, 10, 1)),
    rule=st.lists(st.sampled_from(recurrence.DAY_CODES), min_size=1, unique=True),
    weeks=st.integers(1, 4),
)
@settings(max_examples=150, deadline=None)
def test_no_change_of_the_clocks_moves_a_chair_on_the_wall(
    zone: str, time: dt.time, start: dt.date, rule: list[str], weeks: int
) -> None:
    """Over 13 months each moment shows the chair time, or is the first minute after a gap that swallowed it."""
    until = start + dt.timedelta(days=400)
    found = occurrences(recurrence.rule_of(rule, weeks), zone, time, start, until)
    tz = ZoneInfo(zone)
    for each in found:
        assert each.moment_utc is not None
        shown = each.moment_utc.astimezone(tz)
        assert recurrence.DAY_CODES[each.day.weekday()] in rule
        if shown.replace(tzinfo=None) == dt.datetime.combine(each.day, time):
            # Nothing earlier shows the same wall clock.
            before = (each.moment_utc - dt.timedelta(hours=1)).astimezone(tz)
            assert before.replace(tzinfo=None) != shown.replace(tzinfo=None)
            continue
        assert "does not exist" in each.note
        wall = dt.datetime.combine(each.day, time).replace(tzinfo=tz)
        assert wall.astimezone(dt.UTC).astimezone(tz).replace(tzinfo=None) != wall.replace(tzinfo=None)
        just_before = (each.moment_utc - dt.timedelta(minutes=1)).astimezone(tz).replace(tzinfo=None)
        assert just_before < dt.datetime.combine(each.day, time) < shown.replace(tzinfo=None)
    days = [each.day for each in found]
    assert days == sorted(set(days))


@given(
    start=st.dates(dt.date(2026, 1, 1), dt.date(2027, 1, 1)),
    cut=st.integers(0, 60),
    weeks=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_a_look_from_the_middle_sees_the_same_dates(start: dt.date, cut: int, weeks: int) -> None:
    rule, until = recurrence.rule_of(["TU", "SA"], weeks), start + dt.timedelta(days=120)
    first = start + dt.timedelta(days=cut)
    whole = occurrences(rule, CHICAGO, dt.time(6), start, until)
    part = occurrences(rule, CHICAGO, dt.time(6), start, until, first=first)
    assert part == [each for each in whole if each.on >= first]


def test_a_holiday_moves_thursday_to_friday() -> None:
    day = dt.date(2027, 11, 25)
    closed = holidays_calendar.merged(day - dt.timedelta(days=3), day + dt.timedelta(days=3), [])
    found = occurrences(TTS, CHICAGO, dt.time(5, 30), dt.date(2027, 11, 23), dt.date(2027, 11, 27), closures=closed,
                        holiday_rule="next")  # fmt: skip
    assert [(each.on.day, each.day.day) for each in found] == [(23, 23), (25, 26), (27, 27)]
    assert found[1].note == "Thanksgiving Day: moved from Thu 25 Nov to Fri 26 Nov."


@pytest.mark.parametrize(
    ("rule", "days"), [("keep", [22, 24, 26]), ("skip", [22, 26]), ("next", [22, 25, 26]), ("before", [22, 23, 26])]
)
def test_a_closed_day_follows_the_series_rule_or_takes_no_ride(rule: str, days: list[int]) -> None:
    closed = {dt.date(2027, 11, 24): Closure("Water main", closed=rule != "keep")}
    found = occurrences(MWF, CHICAGO, dt.time(5, 30), dt.date(2027, 11, 22), dt.date(2027, 11, 26), closures=closed,
                        holiday_rule=rule)  # fmt: skip
    assert [each.day.day for each in found if each.moment_utc is not None] == days


def test_the_centers_own_calendar_says_when_its_chairs_run() -> None:
    closed = {dt.date(2027, 12, 24): Closure("Holiday schedule", dt.date(2027, 12, 23))}
    found = occurrences(MWF, CHICAGO, dt.time(5, 30), dt.date(2027, 12, 20), dt.date(2027, 12, 24), closures=closed)
    assert found[-1].day == dt.date(2027, 12, 23)
    assert found[-1].note == "Holiday schedule: moved from Fri 24 Dec to Thu 23 Dec."
    shut = {dt.date(2027, 12, 24): Closure("Closed")}
    assert (
        occurrences(MWF, CHICAGO, dt.time(5, 30), dt.date(2027, 12, 24), dt.date(2027, 12, 24), closures=shut)[
            0
        ].moment_utc
        is None
    )


def test_a_weekday_off_for_a_weekend_holiday_warns_and_moves_nothing() -> None:
    closed = holidays_calendar.merged(dt.date(2027, 7, 1), dt.date(2027, 7, 9), [])
    found = occurrences("FREQ=WEEKLY;BYDAY=MO", CHICAGO, dt.time(5, 30), dt.date(2027, 7, 5), dt.date(2027, 7, 5),
                        closures=closed, holiday_rule="next")  # fmt: skip
    assert found[0].day == dt.date(2027, 7, 5)
    assert "check that the center is open" in found[0].note


def test_single_dates_outrank_rule_and_holiday() -> None:
    own = [
        Differs(dt.date(2027, 11, 23), "skip", note="On vacation."),
        Differs(dt.date(2027, 11, 25), "edited", local_time=dt.time(7)),
        Differs(dt.date(2027, 11, 27), "moved", to=dt.date(2027, 11, 28)),
        Differs(dt.date(2027, 11, 24), "added"),
        Differs(dt.date(2027, 11, 22), "edited", local_time=dt.time(6)),  # its Monday is no day of this rule any more
    ]
    closed = holidays_calendar.merged(dt.date(2027, 11, 20), dt.date(2027, 11, 30), [])
    found = occurrences(TTS, CHICAGO, dt.time(5, 30), dt.date(2027, 11, 22), dt.date(2027, 11, 28), own,
                        closures=closed, holiday_rule="next")  # fmt: skip
    assert [(each.on.day, each.day.day, f"{each.local_time:%H:%M}", each.moment_utc is None) for each in found] == [
        (22, 22, "06:00", False), (23, 23, "05:30", True), (24, 24, "05:30", False), (25, 25, "07:00", False),
        (27, 28, "05:30", False),
    ]  # fmt: skip
    assert "check that the center is open" in found[3].note


@pytest.mark.parametrize(
    "rule",
    ["", "FREQ=WEEKLY", "FREQ=SECONDLY", "FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=3",
     "FREQ=WEEKLY;BYDAY=MO;INTERVAL=0", "FREQ=DAILY;FREQ=DAILY", "DTSTART:20270101\nRRULE:FREQ=DAILY"],
)  # fmt: skip
def test_a_rule_says_days_and_weeks_only(rule: str) -> None:
    with pytest.raises(DomainError, match="Choose at least one day"):
        recurrence.check_rule(rule)


@given(days=st.lists(st.sampled_from(recurrence.DAY_CODES), min_size=1, unique=True), weeks=st.integers(1, 8))
def test_a_rule_and_a_form_say_the_same(days: list[str], weeks: int) -> None:
    back, number = recurrence.days_of(recurrence.rule_of(days, weeks))
    assert (sorted(back), number) == (sorted(days), weeks)


def test_a_rule_reads_as_words() -> None:
    assert recurrence.words(MWF) == "Mon, Wed, Fri"
    assert recurrence.words("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU") == "Every 2 weeks on Tue"
    assert recurrence.words("FREQ=DAILY") == "Every day"
    assert recurrence.words(recurrence.rule_of(recurrence.DAY_CODES)) == "Every day"
