"""The case manager's board on a full day, over HTTP from the real server, and how many questions it asks."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.models import Leg, Offer, Trip
from integrations.models import Feed, InboundMessage
from integrations.services import inbound
from integrations.tasks import apply_message
from logistics.core import clock
from tests.bench.house import House, build_house, open_trip
from tests.bench.machine import processor_seconds
from tests.bench.table import Row, percentile, row
from tests.bench.web import LIVE_REFRESH, Browser
from tests.integrations.feeds import message
from tests.journeys.stack import running
from tests.support import act_as, signed_in

TRIPS, FORESEEN, REQUESTS, WARM = 240, 15, 60, 15
# What the trips of a day are at midday.
STATUSES = {
    "completed": 70, "under_way": 40, "crew_assigned": 40, "accepted": 35, "offering": 35, "matching": 6,
    "exhausted": 7, "held": 7,
}  # fmt: skip
NOT_READING = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK", "INSERT", "UPDATE", "SELECT set_config")


def rows() -> list[Row]:
    """Percentiles of the whole page and of its live part with :data:`TRIPS` trips, and its queries."""
    house = build_house("board", vendors=5, units=("4W", "4E", "5N", "5S", "6W", "6E"))
    _fill(house)
    person = house.people["case_manager"]
    reads, writes = _queries(person)
    with running("web") as stack:
        browser = Browser(stack, person)
        try:
            for _ in range(WARM):
                _, page = browser.get("/board")
            if "Showing" not in page and page.count("/trips/") < 50:
                raise AssertionError("the board does not show its trips")
            before = processor_seconds(stack)
            whole = [browser.get("/board")[0] for _ in range(REQUESTS)]
            worked = {name: spent - before[name] for name, spent in processor_seconds(stack).items()}
            part = [browser.get("/board", **LIVE_REFRESH)[0] for _ in range(REQUESTS)]
        finally:
            browser.close()
    return [
        row("board: trips of the day", TRIPS, "trips"),
        row("board: page p50", 1000 * percentile(whole, 0.5), "ms"),
        row("board: page p95", 1000 * percentile(whole, 0.95), "ms", bar=150),
        *(row(f"board: {name} per page", 1000 * spent / REQUESTS, "CPU-ms") for name, spent in worked.items()),
        row("board: live part p95", 1000 * percentile(part, 0.95), "ms"),
        row("board: page size", len(page.encode()) / 1024, "KiB"),
        row("board: queries of the board itself", reads, "SELECT", bar=12),
        row("board: other statements of the request", writes, "SQL"),
    ]


def _fill(house: House) -> None:
    dice = random.Random(11)
    now = clock.now()
    start, end = clock.day_bounds(clock.today(house.facility.time_zone), house.facility.time_zone)
    wanted = list(Counter(STATUSES).elements())
    if len(wanted) != TRIPS:
        raise AssertionError("the statuses do not add up")
    with act_as(house.scope):
        for number, status in enumerate(wanted):
            over = status in ("completed", "under_way")
            first, last = (start, now) if over else (now - dt.timedelta(minutes=20), end - dt.timedelta(minutes=10))
            at = first + dice.random() * max(last - first, dt.timedelta(minutes=1))
            trip = open_trip(house, number, pickup_at=at, level=dice.choices(("WC", "AMB", "STR"), (6, 3, 1))[0])
            _put(house, trip, status, dice)
    _foresee(house)


def _put(house: House, trip: Trip, status: str, dice: random.Random) -> None:
    """Bring a trip to where it stands at midday, with the rows that the board reads beside it."""
    vendor = dice.choice(house.vendors)
    has_vendor = status in ("completed", "under_way", "crew_assigned", "accepted")
    late = dt.timedelta(minutes=dice.choices((0, 5, 12, 25), (5, 3, 2, 1))[0])
    changes = {"status": status}
    if has_vendor:
        changes |= {"vendor_id": vendor.pk, "accepted_at": trip.created_at, "eta_at": trip.pickup_at + late}
    if status == "held":
        changes |= {"held_from": "matching"}
    Trip.objects.filter(pk=trip.pk).update(**changes)
    leg = {"completed": "completed", "under_way": "on_board", "crew_assigned": "assigned"}.get(status, "planned")
    times = {}
    if status in ("completed", "under_way"):
        times["picked_up_at"] = trip.pickup_at + late
    if status == "completed":
        times["dropped_off_at"] = trip.pickup_at + late + dt.timedelta(minutes=30)
    Leg.objects.filter(trip=trip).update(status=leg, vendor_id=vendor.pk if has_vendor else None, **times)
    for rank, asked in enumerate(house.vendors, 1):
        stands = {"offering": ("declined", "open"), "exhausted": ("declined",) * 5}.get(status, ())
        if status in ("matching", "held"):
            continue
        Offer.objects.create(
            trip=trip, vendor=asked, rank=rank, price_amount=60 + rank, rate_id=trip.pk, response_minutes=7,
            status=stands[rank - 1] if rank <= len(stands) else "withdrawn" if has_vendor else "waiting",
            sent_at=clock.now(), expires_at=clock.now() + dt.timedelta(minutes=7),
        )  # fmt: skip


def _foresee(house: House) -> None:
    """Rides that the feed has announced and nobody has booked yet."""
    with act_as(house.scope):
        feed = Feed.objects.get()
    for number in range(FORESEEN):
        raw = message(
            "A16", "20260307061500", visit=f"B{number}", mrn=f"B{number}", unit="4W", room=str(420 + number),
            expected="20260307111500",
        )  # fmt: skip
        inbound.receive(feed, raw)
        with act_as(house.scope):
            apply_message.send_for(house.scope, InboundMessage.objects.latest("id").pk)


def _queries(person) -> tuple[int, int]:
    """(the board's own SELECTs, every other statement) of one request of the page."""
    client = signed_in(person)
    client.get("/board")
    with CaptureQueriesContext(connection) as caught:
        client.get("/board")
    statements = [query["sql"] for query in caught.captured_queries]
    before_view = ("django_session", "accounts_user", "accounts_membership", "otp_")
    own = [
        text
        for text in statements
        if not text.startswith(NOT_READING) and not any(f'FROM "{table}' in text for table in before_view)
    ]
    return len(own), len(statements) - len(own)
