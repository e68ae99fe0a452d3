"""Finding a patient and seeing what a booking would lead to, in a hospital with a long past."""

from __future__ import annotations

import datetime as dt
import random
import time
from uuid import uuid4

from logistics.core import clock
from logistics.requests.models import Patient
from logistics.requests.services.patients import index_tokens
from tests.bench.house import build_house
from tests.bench.past import PATIENTS, REQUESTS, fill
from tests.bench.table import Row, percentile, row
from tests.bench.web import Browser
from tests.journeys.stack import running
from tests.support import act_as

SEARCHES, PREVIEWS, WARM = 200, 80, 10


def rows() -> list[Row]:
    """Percentiles of the search by every kind of word, and of the booking preview, over HTTP."""
    house = build_house("booking", vendors=5)
    began = time.monotonic()
    known = fill(house)
    filled = time.monotonic() - began
    with act_as(house.scope):
        patient = Patient.objects.create(
            family_name="Benchley", given_name="Agnes", birth_date="1945-03-14", mrn="BENCH1", weight_lb=180,
            address={"line": "12 Elm St", "city": "Madison", "state": "WI", "zip_code": "53711"},
        )  # fmt: skip
        index_tokens(patient)
    dice = random.Random(5)
    words = [_word(dice, dice.choice(known)) for _ in range(SEARCHES)]
    unit = next(iter(house.units.values()))
    with running("web") as stack:
        browser = Browser(stack, house.people["case_manager"])
        try:
            for _, word in words[:WARM]:
                browser.post("/patients/find", {"q": word})
            times: dict[str, list[float]] = {}
            for kind, word in words:
                took, page = browser.post("/patients/find", {"q": word})
                if 'role="option"' not in page:
                    raise AssertionError(f"nobody was found by {kind}")
                times.setdefault(kind, []).append(took)
            previews = []
            for number in range(PREVIEWS + WARM):
                local = clock.local(clock.now() + dt.timedelta(minutes=60 + 7 * number), house.facility.time_zone)
                place = house.places[number % len(house.places)]
                form = {
                    "key": uuid4().hex, "patient": patient.pk, "pickup": unit.pk, "destination": place.pk,
                    "when": "at", "pickup_local": f"{local:%Y-%m-%dT%H:%M}",
                    "mobility": ("wheelchair", "walks", "lies")[number % 3], "weight_lb": "180", "companions": "0",
                    "payer_name": "Medicare", "pickup_contact": "Desk",
                }  # fmt: skip
                took, page = browser.post("/book/preview", form)
                if "on time" not in page and "No record here yet" not in page:
                    raise AssertionError("the preview names no vendor")
                if number >= WARM:
                    previews.append(took)
        finally:
            browser.close()
    everything = [took for each in times.values() for took in each]
    return [
        row("booking: patients", PATIENTS, "rows"),
        row("booking: past rides", REQUESTS, "rows"),
        row("booking: filling", filled, "s"),
        row("booking: search p50", 1000 * percentile(everything, 0.5), "ms"),
        row("booking: search p95", 1000 * percentile(everything, 0.95), "ms", bar=50),
        *(row(f"booking: search by {kind} p95", 1000 * percentile(each, 0.95), "ms") for kind, each in times.items()),
        row("booking: preview p50", 1000 * percentile(previews, 0.5), "ms"),
        row("booking: preview p95", 1000 * percentile(previews, 0.95), "ms", bar=200),
    ]


def _word(dice: random.Random, person: dict[str, str]) -> tuple[str, str]:
    """One of the ways in which people ask for a patient."""
    kind = dice.choice(("three letters", "whole name", "two names", "MRN", "birth date", "phone"))
    family, given = person["family_name"], person["given_name"]
    return kind, {
        "three letters": family[:3],
        "whole name": family,
        "two names": f"{family} {given}",
        "MRN": person["mrn"],
        "birth date": person["birth_date"],
        "phone": person["phone"],
    }[kind]
