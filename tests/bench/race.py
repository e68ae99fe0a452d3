"""Ten vendors accept the same trip in the same moment: one wins, nine are told, whoever comes first."""

from __future__ import annotations

import datetime as dt
import threading
import time
from uuid import UUID

from django.db import connection

from dispatch.models import Offer, Trip
from dispatch.services import matching, offers
from logistics.core import clock
from logistics.core.errors import StaleState
from logistics.core.scoping import Scope
from tests.bench.house import House, build_house, open_trip
from tests.bench.table import Row, percentile, row
from tests.support import act_as

RACES, VENDORS = 20, 10


def rows() -> list[Row]:
    """Races without exactly one winner, answers that were neither yes nor "taken", and the time until all know."""
    house = build_house("race", vendors=VENDORS)
    with act_as(house.scope):
        trips = [
            open_trip(house, number, pickup_at=clock.now() + dt.timedelta(hours=2, minutes=20 * number), level="AMB")
            for number in range(RACES)
        ]
    violations = odd = 0
    took = []
    for trip in trips:
        asked = _ask_all(house, trip)
        answers, seconds = _race(asked)
        took.append(seconds)
        odd += sum(answer not in ("won", "told") for answer in answers)
        with act_as(house.scope):
            stored = Offer.objects.filter(trip=trip, status="accepted").count()
            kept = Trip.objects.get(pk=trip.pk)
        violations += not (answers.count("won") == stored == 1 and kept.status == "accepted" and kept.vendor_id)
    return [
        row("race: vendors at once", VENDORS, "vendors"),
        row("race: races", RACES, "trips"),
        row("race: races without exactly one winner", violations, "races", bar=0),
        row("race: losers without a plain answer", odd, "answers", bar=0),
        row("race: until all ten know p95", 1000 * percentile(took, 0.95), "ms"),
    ]


def _ask_all(house: House, trip: Trip) -> list[tuple[UUID, UUID]]:
    """(offer, vendor) of ten open offers for a trip."""
    with act_as(house.scope):
        matching.match()
        offers.broadcast(trip.pk)
        asked = list(Offer.objects.filter(trip=trip, status="open").values_list("pk", "vendor_id"))
    if len(asked) != VENDORS:
        raise AssertionError(f"{len(asked)} of {VENDORS} vendors are asked")
    return asked


def _race(asked: list[tuple[UUID, UUID]]) -> tuple[list[str], float]:
    """What each vendor heard, and the seconds from the start until the last one heard it."""
    line = threading.Barrier(len(asked) + 1)
    answers: list[str] = []

    def accept(offer_id: UUID, vendor_id: UUID) -> None:
        try:
            with act_as(Scope.vendor(vendor_id, actor_label="Jo Tran", actor_role="vendor_dispatcher")):
                line.wait(30)
                try:
                    offers.accept(offer_id)
                    answer = "won"
                except StaleState:
                    answer = "told"
            answers.append(answer)
        except Exception as error:
            answers.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=one) for one in asked]
    for thread in threads:
        thread.start()
    line.wait(30)
    began = time.monotonic()
    for thread in threads:
        thread.join(60)
    return answers, time.monotonic() - began
