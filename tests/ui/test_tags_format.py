"""Times in the facility's zone, money, minutes, ages, and the status map."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.http import QueryDict
from django.template import Context, Template
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from logistics.core.templatetags import carrywell, status_map

UTC = dt.UTC
CHICAGO = "America/Chicago"


def test_a_time_is_shown_on_the_facilitys_clock():
    moment = dt.datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    assert carrywell.facility_time_filter(moment, CHICAGO) == "14:30"
    assert carrywell.facility_date(moment, CHICAGO).startswith("Tue 24 Nov")
    assert carrywell.zone_name(moment, CHICAGO) == "CST"
    assert carrywell.facility_time_filter(None, CHICAGO) == ""


def test_the_night_the_clocks_change_has_both_names():
    first = dt.datetime(2026, 11, 1, 6, 30, tzinfo=UTC)  # 01:30 CDT
    second = first + dt.timedelta(hours=1)  # 01:30 CST
    assert carrywell.facility_time_filter(first, CHICAGO) == carrywell.facility_time_filter(second, CHICAGO) == "01:30"
    assert [carrywell.zone_name(m, CHICAGO) for m in (first, second)] == ["CDT", "CST"]


def test_the_day_is_the_facilitys_not_the_servers():
    late_evening = dt.datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    assert carrywell.facility_date(late_evening, CHICAGO).startswith("Tue 24 Nov")


def test_a_date_of_another_year_says_its_year():
    assert carrywell.facility_date(dt.date(1945, 3, 14)) == "Wed 14 Mar 1945"


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        carrywell.facility_time_filter(dt.datetime(2026, 11, 24, 20, 30), CHICAGO)


def test_a_person_may_prefer_twelve_hours():
    moment = dt.datetime(2026, 11, 24, 6, 5, tzinfo=UTC)
    page = Context({"clock_12h": True, "facility_zone": CHICAGO, "m": moment})
    assert Template("{% facility_time m %}").render(page) == "12:05 am"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("138"), "$138.00"),
        (Decimal("1348.5"), "$1,348.50"),
        (Decimal("-38"), "\u2212$38.00"),
        (Decimal("0.005"), "$0.01"),
        (0, "$0.00"),
        (None, ""),
    ],
)
def test_money_reads_as_dollars(amount, text):
    assert carrywell.money(amount) == text


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_money_keeps_every_cent(amount):
    text = carrywell.money(amount)
    number = text.replace("$", "").replace(",", "").replace("\u2212", "-")
    assert Decimal(number) == amount


@pytest.mark.parametrize(
    ("value", "text"),
    [(14, "14 min"), (78, "1 h 18 min"), (120, "2 h"), (0, "0 min"), (-5, "\u22125 min"), (None, "")],
)
def test_minutes_read_as_words(value, text):
    assert carrywell.minutes(value) == text
    if value is not None:
        assert carrywell.minutes(dt.timedelta(minutes=value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "just now"), (59, "just now"), (61, "1 min ago"), (3600, "1 h ago"), (172800, "2 d ago")],
)
def test_an_age_counts_from_its_timestamp(seconds, text):
    now = dt.datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
    html = carrywell.age(now - dt.timedelta(seconds=seconds), now)
    assert f">{text}</time>" in html
    assert "data-age" in html


@pytest.mark.parametrize(
    ("name", "letters"), [("Dana Morales", "DM"), ("Evergreen", "EV"), ("", "?"), ("Ana de la Cruz", "AC")]
)
def test_initials_come_from_first_and_last(name, letters):
    assert carrywell.initials(name) == letters


def test_a_query_string_keeps_what_it_is_not_told_to_change():
    request = RequestFactory().get("/trips?view=late&page=3&view=x")
    changed = carrywell.qs_replace(Context({"request": request}), page=None, sort="pickup")
    assert QueryDict(changed[1:]).lists() == QueryDict("view=late&view=x&sort=pickup").lists() or (
        dict(QueryDict(changed[1:]).lists()) == {"view": ["late", "x"], "sort": ["pickup"]}
    )


def test_a_theme_cookie_that_is_not_a_theme_is_ignored():
    request = RequestFactory().get("/")
    request.COOKIES["theme"] = '"><script>'
    assert carrywell.html_attributes(Context({"request": request})) == ""
    request.COOKIES["theme"] = "dark"
    assert carrywell.html_attributes(Context({"request": request})) == ' data-theme="dark"'


def test_every_status_has_a_tone_of_the_palette_and_an_icon_of_the_sprite():
    sprite = (Path(settings.BASE_DIR) / "static/img/sprite.svg").read_text()
    for word, shown in status_map.STATUS.items():
        assert shown.tone in status_map.TONES, word
        assert f'id="i-{shown.icon}"' in sprite, (word, shown.icon)
        assert re.fullmatch(r"[A-Z][a-zA-Z -]+", shown.label), word


def test_moving_trips_are_told_apart_without_colour():
    order = ["offering", "accepted", "crew_assigned", "en_route", "at_pickup", "on_board", "completed"]
    assert len({status_map.display(s).icon for s in order}) == len(order)


def test_a_status_without_an_entry_is_shown_by_its_own_name():
    assert status_map.display("dispatch.some_new_word").label == "Some new word"
    assert not status_map.is_known("some_new_word")
    assert status_map.display("invoice.approved") == status_map.STATUS["approved"]


def test_a_countdown_turns_tone_at_three_minutes_and_thirty_seconds():
    now = dt.datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
    tones = [
        carrywell.countdown(now + dt.timedelta(seconds=s), 420, "left", now)["tone"] for s in (181, 180, 31, 30, -9)
    ]
    assert tones == ["move", "warn", "warn", "bad", "bad"]
    assert carrywell.countdown(now - dt.timedelta(seconds=9), 420, "left", now)["left"] == "0:00"
