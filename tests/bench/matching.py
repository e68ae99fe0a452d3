"""Thirty open trips, five vendors, forty vehicles: one decision with its reading and writing."""

from __future__ import annotations

import datetime as dt
import random
import time
from statistics import median

from django.db import transaction

from dispatch.models import MatchExplanation, Offer
from dispatch.services import matching
from logistics.core import clock, scoping
from tests.bench.house import House, build_house, open_trip
from tests.bench.table import Row, row
from tests.support import act_as
from vendors.models import Vehicle

TRIPS, VENDORS, ROUNDS = 30, 5, 5


class _Undone(Exception):
    """Ends a round without keeping it."""


def rows() -> list[Row]:
    """Seconds of the whole decision (median of rounds that start from the same rows), and the engine's part."""
    house = build_house("matching", vendors=VENDORS)
    dice = random.Random(3)
    begin = clock.now() + dt.timedelta(minutes=30)
    with act_as(house.scope):
        for number in range(TRIPS):
            open_trip(
                house,
                number,
                pickup_at=begin + dt.timedelta(minutes=dice.randrange(240)),
                level=dice.choices(("WC", "AMB", "STR", "BLS"), (5, 2, 2, 2))[0],
            )
        vehicles = Vehicle.objects.count()
    taken, worked, engine, asked = [], [], [], 0
    for _ in range(ROUNDS):
        began = time.process_time()
        seconds, milliseconds, asked = _once(house)
        worked.append(time.process_time() - began)
        taken.append(seconds)
        engine.append(milliseconds / 1000)
    return [
        row("match: open trips", TRIPS, "trips"),
        row("match: vehicles of 5 vendors", vehicles, "vehicles"),
        row("match: decision with its rows", median(taken), "s", bar=1),
        row("match: processor time of it", median(worked), "CPU-s"),
        row("match: the engine alone", median(engine), "s"),
        row("match: trips with a vendor asked", asked, "trips"),
    ]


def _once(house: House) -> tuple[float, int, int]:
    try:
        with transaction.atomic(), scoping.enter(house.scope):
            began = time.monotonic()
            matching.match()
            took = time.monotonic() - began
            milliseconds = MatchExplanation.objects.values_list("milliseconds", flat=True)[0]
            asked = Offer.objects.filter(status="open").count()
            raise _Undone
    except _Undone:
        return took, milliseconds, asked
