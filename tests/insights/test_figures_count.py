"""The counting rules, for any mix of facts."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.insights.scoring import (
    METRICS,
    JobFact,
    OfferFact,
    completion_verdict,
    figures_of,
    pickup_verdict,
    share,
)

NOW = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)
MIN = dt.timedelta(minutes=1)
ids = st.uuids(version=4)
minutes = st.integers(-600, 600).map(lambda n: NOW + n * MIN)
maybe = st.none() | minutes

offers = st.lists(
    st.builds(
        OfferFact,
        trip_id=ids,
        answer=st.sampled_from(["accepted", "declined", "expired"]),
        sent_at=maybe,
        answered_at=minutes,
        decline_code=st.sampled_from(["", "too_far", "rate"]),
    ),
    max_size=30,
)
jobs = st.lists(
    st.builds(
        JobFact,
        trip_id=ids,
        level=st.sampled_from(["WC", "BLS"]),
        promised_at=minutes,
        tolerance=st.integers(0, 30).map(lambda n: n * MIN),
        arrived_at=maybe,
        completed=st.booleans(),
        given_back_at=maybe,
        holds_again=st.booleans(),
        taken_away_at=maybe,
        paused=st.booleans(),
        patient_absent=st.booleans(),
    ),
    max_size=30,
    unique_by=lambda job: job.trip_id,
)


@given(offers, jobs)
def test_every_figure_is_its_numerator_over_its_n_and_names_their_trips(asked, taken):
    figures = figures_of(asked, taken, now=NOW)
    assert list(figures) == [metric.name for metric in METRICS]
    for name, figure in figures.items():
        assert 0 <= figure["numerator"] <= figure["n"]
        assert set(figure["hit_ids"]) <= set(figure["trip_ids"])
        if figure["n"] == 0:
            assert figure["value"] is None
            assert figure["trip_ids"] == []
        elif figure["unit"] == "%":
            assert figure["value"] == pytest.approx(100 * figure["numerator"] / figure["n"], abs=0.051)
        if name in ("on_time_pickup", "vendor_cancellations", "completion"):
            assert len(figure["trip_ids"]) == figure["n"]
            assert len(figure["hit_ids"]) == figure["numerator"]
    assert sum(n for _, n in figures["on_time_pickup"]["levels"].values()) == figures["on_time_pickup"]["n"]
    assert sum(r["count"] for r in figures["offer_acceptance"]["reasons"]) == (
        figures["offer_acceptance"]["n"] - figures["offer_acceptance"]["numerator"]
    )


@given(offers)
def test_acceptance_counts_each_answer_once(asked):
    figure = figures_of(asked, [], now=NOW)["offer_acceptance"]
    assert figure["n"] == len(asked)
    assert figure["numerator"] == sum(offer.answer == "accepted" for offer in asked)
    assert set(figure["trip_ids"]) == {str(offer.trip_id) for offer in asked}


@given(jobs)
def test_a_completed_trip_is_never_a_missed_one(taken):
    for job in taken:
        if job.completed:
            assert completion_verdict(job, NOW) == "hit"
        if pickup_verdict(job, NOW) == "hit":
            assert job.arrived_at is not None
            assert job.arrived_at <= job.promised_at + job.tolerance


@given(st.integers(0, 5000), st.integers(1, 5000))
def test_a_share_has_one_decimal_and_stays_between_0_and_100(part, whole):
    value = share(min(part, whole), whole)
    assert value is not None
    assert 0 <= value <= 100
    assert value == round(value, 1)


def test_nothing_of_nothing_has_no_share():
    assert share(0, 0) is None


def test_half_is_rounded_up():
    assert share(1, 2000) == 0.1, "0.05 % rounds up, not to the even digit"


def test_a_trip_taken_again_by_the_same_vendor_counts_as_given_back_but_not_as_lost():
    job = JobFact(
        UUID(int=1), "WC", NOW, 15 * MIN, arrived_at=NOW, completed=True, given_back_at=NOW - 90 * MIN, holds_again=True
    )
    figures = figures_of([], [job], now=NOW)
    assert figures["vendor_cancellations"]["value"] == 100.0
    assert figures["completion"]["value"] == figures["on_time_pickup"]["value"] == 100.0
