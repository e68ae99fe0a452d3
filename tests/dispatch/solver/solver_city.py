"""A made-up city with vendors, vehicles and open jobs, for tests of the matching solver."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from dispatch.solver.levels import OFFERED
from dispatch.solver.problem import (
    BREAK,
    DROPOFF,
    PICKUP,
    Credential,
    CrewMember,
    Job,
    PlannedStop,
    Problem,
    Rate,
    Stop,
    Vehicle,
    VendorTerms,
)
from dispatch.solver.travel import Travel

EPOCH = datetime(2026, 11, 24, 0, 0, tzinfo=ZoneInfo("America/Chicago"))
NAMES = ("Northbound", "Lakeside", "Citymed", "Prairie", "Southgate", "Harbor", "Elmway", "Redline")
FLAT = Travel(road_factor=1.0, mph_by_hour=(30.0,) * 24)
"""Constant speed and straight roads, for cases worked out by hand: 1 mile is 2 minutes."""

MILE = 1 / 69.0936
"""Degrees of latitude in one mile on the model's sphere, short by three parts in a million so that times
worked out by hand are not rounded up to the next minute."""


def at(clock: str) -> float:
    """Horizon minute of a clock time on the first day, for instance ``at("14:30")``."""
    hours, minutes = clock.split(":")
    return 60.0 * int(hours) + int(minutes)


def spot(miles_north: float, earliest: float = 0.0, latest: float = 1e5, service: float = 0.0) -> Stop:
    """A stop on a straight line, so many miles north of the origin."""
    return Stop(41.8 + miles_north * MILE, -87.6, earliest, latest, service)


def crew_for(level: str, number: int = 0, expires: date | None = None) -> tuple[CrewMember, ...]:
    """A crew that fills the default roles of a level."""
    kinds = {
        "TAXI": (("DRIVER",),),
        "AMB": (("DRIVER",),),
        "WC": (("DRIVER", "SECUREMENT"),),
        "WCB": (("DRIVER", "SECUREMENT"),),
        "STR": (("DRIVER",), ()),
        "BLS": (("DRIVER", "EMT"), ("EMT",)),
        "ALS1": (("DRIVER", "EMT"), ("PARAMEDIC",)),
        "SCT": (("DRIVER", "EMT"), ("PARAMEDIC",), ("RN",)),
    }[level]
    names = ("Ruiz", "Okafor", "Lindqvist")
    return tuple(
        CrewMember(f"c{number}-{i}", names[i], tuple(Credential(kind, expires) for kind in held))
        for i, held in enumerate(kinds)
    )


def van(ident: str, vendor: str, level: str = "WC", miles_north: float = 0.0, **changes: object) -> Vehicle:
    """A vehicle of a level that stands on the line, on shift all day, with a full crew."""
    lying = "stretcher" in OFFERED[level]
    plain = Vehicle(
        ident,
        vendor,
        f"Unit {ident}",
        OFFERED[level] | ({"bariatric_cot"} if level == "BLS" else set()),
        spot(miles_north),
        0.0,
        1440.0,
        seats=1 if lying else 4,
        wheelchairs=0 if lying or level in ("AMB", "TAXI") else 2,
        stretchers=1 if lying else 0,
        lift_lb=600.0 if level in ("WC", "WCB") else None,
        cot_lb=700.0 if lying else None,
        door_in=30.0 if level in ("WC", "WCB") else None,
        crew=crew_for(level),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def ride(ident: str, frm: float, to: float, start: str, end: str, level: str = "WC", **changes: object) -> Job:
    """A job on the line with a pickup window; loads as usual for its level."""
    loads = {"AMB": {"seats": 1}, "TAXI": {"seats": 1}, "WC": {"wheelchairs": 1}, "WCB": {"wheelchairs": 1}}
    plain = Job(ident, spot(frm, at(start), at(end)), spot(to), level, **loads.get(level, {"stretchers": 1}))
    return replace(plain, **changes)  # type: ignore[arg-type]


def vendor(ident: str, price: int = 50, levels: tuple[str, ...] = ("AMB", "WC", "STR", "BLS"), **changes: object):
    """A vendor with one price for all its levels, two dollars a mile."""
    rate = Rate(Decimal(price), Decimal(2))
    plain = VendorTerms(ident, ident.capitalize(), dict.fromkeys(levels, rate))
    return replace(plain, **changes)  # type: ignore[arg-type]


def line_problem(jobs, vendors, vehicles, now: str = "00:00", **changes: object) -> Problem:
    """A problem on the line with constant speed."""
    plain = Problem(EPOCH, at(now), tuple(jobs), tuple(vendors), tuple(vehicles), FLAT)
    return replace(plain, **changes)  # type: ignore[arg-type]


def city(seed: int, jobs: int = 30, vendors: int = 5, vehicles: int = 40, planned: int = 2) -> Problem:
    """A day in a city: open jobs of the next hours, vehicles of mixed levels with rides they are bound to."""
    rng = random.Random(seed)

    def place() -> Stop:
        return Stop(41.6 + rng.random() * 0.4, -87.9 + rng.random() * 0.4)

    hospitals = [place() for _ in range(4)]
    now = 9 * 60.0
    terms = []
    for k in range(vendors):
        levels = ("AMB", "WC", "STR", "BLS", "ALS1") if k < 2 else ("AMB", "WC", "STR", "BLS")
        rates = {
            level: Rate(Decimal(base + rng.randrange(25)), Decimal(per_mile))
            for level, base, per_mile in zip(levels, (30, 45, 110, 180, 420), (2, 3, 4, 9, 12), strict=False)
        }
        terms.append(
            VendorTerms(
                f"v{k}",
                NAMES[k % len(NAMES)],
                rates,
                on_time_rate=0.8 + 0.19 * rng.random(),
                acceptance_rate=0.7 + 0.3 * rng.random(),
                tier=1 + k % 3,
                capacity_per_hour=rng.choice((None, 4, 6)),
            )
        )
    fleet = []
    for k in range(vehicles):
        level = rng.choices(("AMB", "WC", "STR", "BLS", "ALS1"), (8, 14, 5, 10, 3))[0]
        start = replace(place())
        shift = rng.choice((6, 7, 8)) * 60.0
        base = van(f"u{k:03d}", f"v{k % vendors}", level)
        ends = shift + rng.choice((8, 10, 12)) * 60
        fleet.append(replace(base, start=start, end=start, shift_start=shift, shift_end=ends))
        fleet[-1] = replace(fleet[-1], plan=_bound(rng, fleet[-1], hospitals, place, now, planned))
    asked = []
    for k in range(jobs):
        level = rng.choices(("AMB", "WC", "STR", "BLS", "ALS1"), (6, 12, 3, 8, 1))[0]
        ready = now + 5 * rng.randrange(48)
        job = ride(f"j{k:03d}", 0, 0, "00:00", "00:01", level)
        up, down = (rng.choice(hospitals), place()) if rng.random() < 0.7 else (place(), rng.choice(hospitals))
        wide = rng.choice((30, 60, 90))
        asked.append(
            replace(
                job,
                pickup=Stop(up.lat, up.lon, ready, ready + wide, 10.0),
                dropoff=Stop(down.lat, down.lon, -1e9, ready + wide + 240, 8.0),
                max_ride_minutes=120.0,
                isolation=rng.choices(("", "contact"), (9, 1))[0],
                priority=rng.choices((1, 2), (9, 1))[0],
            )
        )
    return Problem(EPOCH, now, tuple(asked), tuple(terms), tuple(fleet))


def _bound(rng, vehicle: Vehicle, hospitals, place, now: float, planned: int) -> tuple[PlannedStop, ...]:
    stops: list[PlannedStop] = []
    clock = now + rng.randrange(60)
    load = (0, 0, 1) if vehicle.stretchers else (0, 1, 0) if vehicle.wheelchairs else (1, 0, 0)
    for k in range(planned):
        up, down = rng.choice(hospitals), place()
        ident = f"locked-{vehicle.id}-{k}"
        drive = Travel().minutes(up, down, clock)
        pickup = Stop(up.lat, up.lon, clock, clock + 20, 8.0)
        dropoff = Stop(down.lat, down.lon, clock, clock + drive + 45, 6.0)
        stops.append(PlannedStop(ident, PICKUP, pickup, load, drive + 40))
        stops.append(PlannedStop(ident, DROPOFF, dropoff, load))
        clock += drive + 60
        if k == 0 and rng.random() < 0.3:
            pause = Stop(float("nan"), float("nan"), clock, clock + 120, 30.0)
            stops.append(PlannedStop(f"break-{vehicle.id}", BREAK, pause))
            clock += 30
        clock += rng.randrange(120)
    return tuple(stops)
