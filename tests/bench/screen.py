"""From the commit that sends an offer to the vendor's page: the live ping, then the part that shows the offer."""

from __future__ import annotations

import datetime as dt
import random
import time

from django.db import transaction

from dispatch.models import Offer, Trip
from dispatch.services import matching, offers
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from tests.bench.house import House, build_house, open_trip
from tests.bench.table import Row, percentile, row
from tests.bench.web import LIVE_REFRESH, Browser, Stream
from tests.journeys.stack import running
from tests.support import act_as, settle

SAMPLES, WARM, TAKEN = 40, 3, 8
PATIENCE_SECONDS = 15


def rows() -> list[Row]:
    """Percentiles of the ping alone and of ping plus page, with relay, worker and web running."""
    house = build_house("screen", vendors=2)
    trips = _asked_of_nobody(house, SAMPLES + WARM)
    pings, screens = [], []
    dice = random.Random(5)
    with running("web", "relay", "worker") as stack:
        browsers = {
            house.vendors[n].pk: Browser(stack, house.people[f"dispatcher {n}"]) for n in range(len(house.vendors))
        }
        streams = {vendor_id: Stream(browser) for vendor_id, browser in browsers.items()}
        try:
            for browser in browsers.values():
                browser.get("/offers")
            for number, trip in enumerate(trips):
                offer, sent = _send(house, trip)
                vendor_id = offer.vendor_id
                pinged = streams[vendor_id].wait_for(str(offer.pk), seconds=PATIENCE_SECONDS)
                if pinged is None:
                    pinged = time.monotonic()  # never came: counted with the whole patience
                _, page = browsers[vendor_id].get("/offers", **LIVE_REFRESH)
                if str(offer.pk) not in page:
                    raise AssertionError("the page does not show the offer that it was told of")
                if number >= WARM:
                    pings.append(pinged - sent)
                    screens.append(time.monotonic() - sent)
                _answer(offer)
                time.sleep(dice.uniform(0.1, 0.4))
        finally:
            for stream in streams.values():
                stream.close()
            for browser in browsers.values():
                browser.close()
    return [
        row("screen: sent offer to live ping p50", 1000 * percentile(pings, 0.5), "ms"),
        row("screen: sent offer to live ping p95", 1000 * percentile(pings, 0.95), "ms"),
        row("screen: sent offer to vendor's page p50", 1000 * percentile(screens, 0.5), "ms"),
        row("screen: sent offer to vendor's page p95", 1000 * percentile(screens, 0.95), "ms", bar=1000),
        row("screen: samples", len(screens), "offers"),
    ]


def _asked_of_nobody(house: House, count: int) -> list[Trip]:
    """Matched trips whose first vendor let the time pass, so that the next one can be asked; some others are taken."""
    begin = clock.now() + dt.timedelta(hours=2)
    with act_as(house.scope):
        trips = [
            open_trip(house, number, pickup_at=begin + dt.timedelta(minutes=7 * number))
            for number in range(count + TAKEN)
        ]
        matching.match()
        opened = list(Offer.objects.filter(status="open").order_by("trip__pickup_at"))
    for offer in opened[:TAKEN]:
        # A dispatcher's page is never empty: these stand on it as trips of the day.
        with act_as(Scope.vendor(offer.vendor_id, actor_label="Jo Tran", actor_role="vendor_dispatcher")):
            offers.accept(offer.pk)
    settle(60)
    taken = {offer.trip_id for offer in opened[:TAKEN]}
    with act_as(house.scope):
        Offer.objects.filter(status="open").update(status="expired")
        waiting = Offer.objects.filter(status="waiting").values_list("trip_id", flat=True)
        ready = [trip for trip in trips if trip.pk not in taken and trip.pk in set(waiting)]
    if len(ready) < count:
        raise AssertionError(f"only {len(ready)} of {count} trips have a second vendor to ask")
    return ready[:count]


def _send(house: House, trip: Trip) -> tuple[Offer, float]:
    """The offer that is now out, and the moment just before its commit."""
    with transaction.atomic():
        with scoping.enter(house.scope):
            offer = offers.send_next(trip.pk)
        sent = time.monotonic()
    if offer is None:
        raise AssertionError("nobody was left to ask")
    return offer, sent


def _answer(offer: Offer) -> None:
    with act_as(Scope.vendor(offer.vendor_id, actor_label="Jo Tran", actor_role="vendor_dispatcher")):
        offers.decline(offer.pk, code="vendor_no_vehicle")
