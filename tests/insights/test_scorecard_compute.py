"""Figures against events that were written by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from logistics.insights.selectors import scorecards
from tests.cast import Cast
from tests.insights.facts import Book, moment
from tests.support import act_as
from vendors.services import contracts

MARCH = dt.date(2026, 3, 1)
ZONE = "America/Chicago"
NOON = moment("2026-03-10 18:00")
LATER = moment("2026-04-02 12:00")
MIN = dt.timedelta(minutes=1)


@pytest.fixture
def book(cast: Cast) -> Book:
    return Book(cast)


def card(book: Book, vendor, month: dt.date = MARCH, now: dt.datetime = LATER):
    with act_as(book.scope):
        return next(c for c in scorecards.compute(month, ZONE, now=now) if c.vendor_id == vendor.pk)


def ids(*trips) -> set[str]:
    return {str(trip.pk) for trip in trips}


def test_without_events_no_figure_has_a_value(book, cast):
    found = card(book, cast.northbound)
    assert found.trips == 0
    assert {f["value"] for f in found.figures.values()} == {None}
    assert {f["n"] for f in found.figures.values()} == {0}


def test_on_time_is_until_the_tolerance_and_not_a_minute_later(book, cast):
    on_time = book.done(NOON, cast.northbound, late=15)
    late = book.done(NOON + 60 * MIN, cast.northbound, late=16)
    figure = card(book, cast.northbound).figures["on_time_pickup"]
    assert (figure["numerator"], figure["n"], figure["value"]) == (1, 2, 50.0)
    assert set(figure["hit_ids"]) == ids(on_time)
    assert set(figure["trip_ids"]) == ids(on_time, late)


def test_early_is_on_time(book, cast):
    book.done(NOON, cast.northbound, late=-30)
    assert card(book, cast.northbound).figures["on_time_pickup"]["value"] == 100.0


def test_a_crew_that_only_tapped_on_board_was_at_the_pickup_then(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="under_way")
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN))
    book.tap(trip, cast.northbound, "on_board", NOON + 40 * MIN)
    figure = card(book, cast.northbound).figures["on_time_pickup"]
    assert (figure["numerator"], figure["n"]) == (0, 1)


def test_an_arrival_tapped_by_mistake_and_undone_does_not_count(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="under_way")
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN))
    book.tap(trip, cast.northbound, "at_pickup", NOON - 5 * MIN)
    book.tap(trip, cast.northbound, "en_route", NOON - 4 * MIN)
    book.tap(trip, cast.northbound, "at_pickup", NOON + 30 * MIN)
    figure = card(book, cast.northbound).figures["on_time_pickup"]
    assert (figure["numerator"], figure["n"]) == (0, 1)


def test_a_vendor_that_never_came_missed_the_pickup_and_the_trip(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="crew_assigned")
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN))
    book.end(trip, "canceled", NOON + 50 * MIN, old="crew_assigned")
    figures = card(book, cast.northbound).figures
    assert (figures["on_time_pickup"]["numerator"], figures["on_time_pickup"]["n"]) == (0, 1)
    assert (figures["completion"]["numerator"], figures["completion"]["n"]) == (0, 1)


def test_a_ride_canceled_in_time_by_the_hospital_is_left_out(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="crew_assigned")
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN))
    book.end(trip, "canceled", NOON - 30 * MIN, old="crew_assigned")
    figures = card(book, cast.northbound).figures
    assert figures["on_time_pickup"]["n"] == figures["completion"]["n"] == 0
    assert figures["vendor_cancellations"]["n"] == 1


def test_a_ride_canceled_while_on_hold_is_not_the_vendors_fault(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="held")
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN), ("withdrawn", NOON + 90 * MIN))
    book.move(trip, "held", NOON - 10 * MIN)
    book.end(trip, "canceled", NOON + 90 * MIN, old="held")
    assert card(book, cast.northbound).figures["on_time_pickup"]["n"] == 0


def test_an_open_trip_counts_as_late_only_after_its_tolerance_ran_out(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="crew_assigned")
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN))
    assert card(book, cast.northbound, now=NOON + 15 * MIN).figures["on_time_pickup"]["n"] == 0
    late = card(book, cast.northbound, now=NOON + 16 * MIN).figures["on_time_pickup"]
    assert (late["numerator"], late["n"]) == (0, 1)


def test_a_trip_that_waits_for_the_hospitals_word_is_not_late(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="accepted", when="ready", is_ready=False)
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN))
    assert card(book, cast.northbound).figures["on_time_pickup"]["n"] == 0


def test_a_vendor_that_was_let_go_when_a_hold_ended_owes_nothing_for_who_drove_then(book, cast):
    trip = book.trip(NOON, vendor=cast.tamarack, status="under_way")
    book.offer(trip, cast.northbound, ("accepted", NOON - 300 * MIN), ("withdrawn", NOON - 120 * MIN))
    book.move(trip, "held", NOON - 240 * MIN)
    book.move(trip, "matching", NOON - 100 * MIN)
    book.offer(trip, cast.tamarack, ("accepted", NOON - 90 * MIN), round=2)
    book.tap(trip, cast.tamarack, "at_pickup", NOON + 40 * MIN)
    book.end(trip, "completed", NOON + 90 * MIN)
    freed, drove = card(book, cast.northbound).figures, card(book, cast.tamarack).figures
    assert freed["on_time_pickup"]["n"] == freed["completion"]["n"] == 0
    assert (freed["vendor_cancellations"]["numerator"], freed["vendor_cancellations"]["n"]) == (0, 1)
    assert (drove["on_time_pickup"]["numerator"], drove["on_time_pickup"]["n"]) == (0, 1)
    assert drove["completion"]["value"] == 100.0


def test_a_crew_that_stood_at_the_door_of_a_canceled_ride_was_on_time(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="under_way")
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN), ("withdrawn", NOON + 10 * MIN))
    book.tap(trip, cast.northbound, "at_pickup", NOON - 5 * MIN)
    book.tap(trip, cast.northbound, "canceled", NOON + 10 * MIN)
    book.end(trip, "canceled", NOON + 10 * MIN)
    figures = card(book, cast.northbound).figures
    assert figures["on_time_pickup"]["value"] == 100.0
    assert figures["completion"]["n"] == 0


def test_a_ride_when_ready_is_promised_within_the_window_after_the_word(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="under_way", when="ready", window=30)
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN), eta_at=NOON - 60 * MIN)
    book.tap(trip, cast.northbound, "at_pickup", NOON + 45 * MIN)
    assert card(book, cast.northbound).figures["on_time_pickup"]["value"] == 100.0
    late = book.trip(NOON + 120 * MIN, vendor=cast.northbound, status="under_way", when="ready", window=30)
    book.offer(late, cast.northbound, ("accepted", NOON))
    book.tap(late, cast.northbound, "at_pickup", NOON + 166 * MIN)
    assert card(book, cast.northbound).figures["on_time_pickup"]["value"] == 50.0


def test_a_patient_who_was_not_there_costs_the_vendor_nothing(book, cast):
    trip = book.trip(NOON, vendor=cast.northbound, status="under_way")
    book.offer(trip, cast.northbound, ("accepted", NOON - 90 * MIN))
    book.tap(trip, cast.northbound, "at_pickup", NOON)
    book.tap(trip, cast.northbound, "no_show", NOON + 20 * MIN)
    book.end(trip, "canceled", NOON + 21 * MIN)
    figures = card(book, cast.northbound).figures
    assert figures["on_time_pickup"]["value"] == 100.0
    assert figures["completion"]["n"] == 0


def test_a_trip_given_back_counts_against_who_gave_it_back_and_for_who_drove_it(book, cast):
    trip = book.trip(NOON, vendor=cast.tamarack, status="under_way")
    book.offer(trip, cast.northbound, ("accepted", NOON - 180 * MIN), ("turned_back", NOON - 20 * MIN))
    book.offer(trip, cast.tamarack, ("accepted", NOON - 15 * MIN), round=2)
    book.tap(trip, cast.tamarack, "at_pickup", NOON + 10 * MIN)
    book.end(trip, "completed", NOON + 60 * MIN)
    gave, drove = card(book, cast.northbound).figures, card(book, cast.tamarack).figures
    assert (gave["vendor_cancellations"]["numerator"], gave["vendor_cancellations"]["n"]) == (1, 1)
    assert (gave["completion"]["numerator"], gave["completion"]["n"]) == (0, 1)
    assert (gave["on_time_pickup"]["numerator"], gave["on_time_pickup"]["n"]) == (0, 1), "less than an hour before"
    assert drove["completion"]["value"] == drove["on_time_pickup"]["value"] == 100.0
    assert drove["vendor_cancellations"]["value"] == 0.0


def test_a_trip_given_back_hours_ahead_is_no_late_pickup(book, cast):
    trip = book.trip(NOON, status="matching")
    book.offer(trip, cast.northbound, ("accepted", NOON - 300 * MIN), ("turned_back", NOON - 200 * MIN))
    figures = card(book, cast.northbound).figures
    assert figures["on_time_pickup"]["n"] == 0
    assert figures["vendor_cancellations"]["value"] == 100.0


def test_offers_are_accepted_declined_or_expired_and_withdrawn_ones_do_not_count(book, cast):
    trips = [book.trip(NOON + n * 60 * MIN, status="matching") for n in range(5)]
    book.offer(trips[0], cast.tamarack, ("accepted", NOON - 60 * MIN), sent_at=NOON - 61 * MIN)
    book.offer(trips[1], cast.tamarack, ("declined", NOON - 60 * MIN), sent_at=NOON - 63 * MIN, code="too_far")
    book.offer(trips[2], cast.tamarack, ("expired", NOON - 60 * MIN), sent_at=NOON - 67 * MIN)
    book.offer(trips[3], cast.tamarack, ("withdrawn", NOON - 60 * MIN))
    book.offer(trips[4], cast.tamarack)
    figures = card(book, cast.tamarack).figures
    asked = figures["offer_acceptance"]
    assert (asked["numerator"], asked["n"], asked["value"]) == (1, 3, 33.3)
    assert set(asked["trip_ids"]) == ids(*trips[:3])
    assert asked["reasons"] == [
        {"code": "expired", "label": "No answer in time", "count": 1},
        {"code": "too_far", "label": "Too far", "count": 1},
    ]
    assert figures["answer_seconds"]["value"] == 120, "the median of 60 s and 180 s; the expired one has no answer"
    assert figures["answer_seconds"]["n"] == 2
    assert figures["answer_seconds"]["target"] is None, "no contract was in force then"


def test_tolerance_and_response_time_are_those_of_the_contract_in_force_at_the_pickup(book, cast):
    with act_as(book.scope):
        contract = contracts.draft(
            vendor=cast.northbound, effective_from=dt.date(2026, 3, 10), effective_to=dt.date(2026, 5, 1),
            response_minutes=4, on_time_tolerance_minutes=5,
        )  # fmt: skip
        contracts.set_rate(contract=contract, level="WC", base_amount=Decimal(40), mile_amount=Decimal(3))
        contracts.sign(contract=contract, signed_by_name="A. Signer")
    before = book.done(NOON - 24 * 60 * MIN, cast.northbound, late=10)
    book.done(NOON, cast.northbound, late=10)
    figures = card(book, cast.northbound).figures
    assert set(figures["on_time_pickup"]["hit_ids"]) == ids(before)
    assert figures["answer_seconds"]["target"] == 240


def test_a_promise_may_be_later_than_asked_but_not_after_the_window(book, cast):
    assert scorecards.promised_at(NOON, NOON + 30 * MIN, None) == NOON
    assert scorecards.promised_at(NOON, NOON + 30 * MIN, NOON - 10 * MIN) == NOON
    assert scorecards.promised_at(NOON, NOON + 30 * MIN, NOON + 20 * MIN) == NOON + 20 * MIN
    assert scorecards.promised_at(NOON, NOON + 30 * MIN, NOON + 90 * MIN) == NOON + 30 * MIN


def test_the_month_turns_at_local_midnight_not_at_utc_midnight(book, cast):
    # 31 March 23:30 in Chicago (CDT) is 1 April 04:30 UTC.
    last = book.done(moment("2026-04-01 04:30"), cast.northbound)
    first = book.done(moment("2026-04-01 05:30"), cast.northbound)
    before = book.done(moment("2026-03-01 05:30"), cast.northbound)  # 28 February 23:30 CST
    march = card(book, cast.northbound).figures["on_time_pickup"]
    assert set(march["trip_ids"]) == ids(last)
    april = card(book, cast.northbound, month=dt.date(2026, 4, 1)).figures["on_time_pickup"]
    assert set(april["trip_ids"]) == ids(first)
    february = card(book, cast.northbound, month=dt.date(2026, 2, 1)).figures["on_time_pickup"]
    assert set(february["trip_ids"]) == ids(before)


def test_a_month_with_a_clock_change_has_no_gap(book):
    start, end = scorecards.month_bounds(MARCH, ZONE)
    assert end - start == dt.timedelta(days=31) - dt.timedelta(hours=1)
    assert end == scorecards.month_bounds(dt.date(2026, 4, 1), ZONE)[0]


def test_another_health_systems_trips_are_not_counted(book, cast):
    book.done(NOON, cast.northbound)
    Book(cast, cast.prairie).done(NOON, cast.northbound, late=60)
    figure = card(book, cast.northbound).figures["on_time_pickup"]
    assert (figure["numerator"], figure["n"]) == (1, 1)


def test_levels_add_up_to_the_figure(book, cast):
    book.done(NOON, cast.northbound, level="WC")
    book.done(NOON + 90 * MIN, cast.northbound, level="AMB", late=40)
    assert card(book, cast.northbound).figures["on_time_pickup"]["levels"] == {"WC": [1, 1], "AMB": [0, 1]}


def test_the_number_of_queries_does_not_grow_with_the_trips(book, cast):
    def queries() -> int:
        with (
            act_as(book.scope),
            CaptureQueriesContext(
                connection,
            ) as seen,
        ):
            scorecards.compute(MARCH, ZONE, now=LATER)
        return len(seen)

    few = queries()
    for n in range(6):
        book.done(NOON + n * 60 * MIN, cast.northbound if n % 2 else cast.tamarack)
    assert queries() == few == 6
