"""Figures stay inside their frames and place things where they belong, for any data."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from logistics.core.templatetags import drawing

START = dt.datetime(2026, 11, 24, 18, tzinfo=dt.UTC)
END = START + dt.timedelta(hours=5)
numbers = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
latitudes = st.floats(min_value=-60, max_value=60)
longitudes = st.floats(min_value=-170, max_value=170)


def xy(points: str) -> list[tuple[float, float]]:
    return [tuple(map(float, p.split(","))) for p in points.split()]  # type: ignore[misc]


@given(st.lists(numbers, min_size=1, max_size=40), st.none() | numbers)
def test_a_sparkline_stays_in_its_box(values, target):
    drawn = drawing.spark(values, target)
    assert len(xy(drawn["points"])) == len(values)
    assert all(0 <= x <= 120 and 0 <= y <= 32 for x, y in xy(drawn["points"]))
    assert target is None or 0 <= drawn["goal"] <= 32


@given(numbers, numbers)
def test_axis_values_enclose_the_data(a, b):
    low, high = min(a, b), max(a, b)
    assume(high - low > 1e-3)
    axis = drawing.ticks(low, high)
    tolerance = 1e-6 * max(abs(low), abs(high), 1)
    assert axis[0] <= low + tolerance
    assert axis[-1] >= high - tolerance
    assert 2 <= len(axis) <= 7
    assert all(x < y for x, y in pairwise(axis))


@given(st.lists(st.tuples(st.just("Nov"), numbers), min_size=1, max_size=30), st.none() | numbers)
def test_a_line_chart_stays_in_its_box(series, target):
    drawn = drawing.line_chart(series, target=target, width=560, height=190, unit="%")
    assert all(0 <= d["x"] <= 560 and 0 <= d["y"] <= 190 for d in drawn["dots"])
    assert target is None or 0 <= drawn["goal"] <= 190


@given(st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=12))
def test_bars_are_as_long_as_their_values(values):
    bars = drawing.bar_chart([{"label": "x", "value": v} for v in values], width=440)["bars"]
    for first in bars:
        for second in bars:
            if float(first["value"]) > float(second["value"]):
                assert first["w"] >= second["w"]
    assert all(b["x"] + b["w"] <= 440 for b in bars)


@given(st.integers(-600, 600), st.integers(1, 600))
def test_a_job_is_cut_at_the_edges_of_the_window(offset, length):
    job = {
        "label": "x",
        "start": START + dt.timedelta(minutes=offset),
        "end": START + dt.timedelta(minutes=offset + length),
    }
    jobs = drawing.gantt([{"label": "Unit", "jobs": [job]}], start=START, end=END, now=None)["rows"][0]["jobs"]
    inside = offset < 300 and offset + length > 0
    assert bool(jobs) == inside
    for placed in jobs:
        assert placed["x"] >= 0
        assert placed["x"] + placed["w"] <= 100.01


def test_hours_of_the_gantt_are_full_hours_of_the_local_clock():
    kathmandu = dt.timezone(dt.timedelta(hours=5, minutes=45))
    start = START.astimezone(kathmandu)
    drawn = drawing.gantt([], start=start, end=start + dt.timedelta(hours=3), now=START + dt.timedelta(hours=1.5))
    assert [h.minute for h, _ in drawn["hours"]] == [0, 0, 0]
    assert drawn["now"] == 50


def test_a_window_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="ends after"):
        drawing.gantt([], start=END, end=START, now=None)


@given(st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=12))
def test_every_place_lies_on_the_map(places):
    ground = drawing.Ground(places, width=560, height=330)
    for place in places:
        x, y = ground.xy(*place)
        assert -1 <= x <= 561
        assert -1 <= y <= 331


def test_north_is_up_and_east_is_right():
    ground = drawing.Ground([(43.0, -89.4), (43.1, -89.3)], width=560, height=330)
    (x1, y1), (x2, y2) = ground.xy(43.0, -89.4), ground.xy(43.1, -89.3)
    assert x2 > x1
    assert y2 < y1


def test_a_map_needs_a_place():
    with pytest.raises(ValueError, match="place"):
        drawing.Ground([], width=10, height=10)


def test_the_ring_closes_with_the_time():
    full, gone = drawing.ring(420, 420), drawing.ring(0, 420)
    assert full.split()[0] == full.split()[1]
    assert gone.split()[0] == "0.0"
