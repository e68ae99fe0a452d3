"""Electronic visit verification as pure rules: which of the six elements are there, and whether the place fits.

The six elements of section 12006(a) of the 21st Century Cures Act: type of service, individual receiving it, date,
location, individual providing it, and the times when it begins and ends.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

# Homes are known by their ZIP code's center, a mile or two from the door in a town and more in the country: a phone
# further away than this is not at the patient's home.
HOME_MILES = 6.0
# A visit shorter than this has hardly been one; longer than this, somebody forgot to check out.
SHORTEST, LONGEST = dt.timedelta(minutes=8), dt.timedelta(hours=8)
# How far the begin may lie from the planned time.
TIME_SLACK = dt.timedelta(hours=2)

EXCEPTIONS = {
    "no_place_begin": "No position at check-in",
    "no_place_end": "No position at check-out",
    "away_begin": "Check-in was not at the patient's home",
    "away_end": "Check-out was not at the patient's home",
    "too_short": "The visit was shorter than 8 minutes",
    "too_long": "The visit was longer than 8 hours",
    "off_time": "The visit began more than 2 hours from its planned time",
    "edited": "Begin or end was changed by hand",
}
# Why a coordinator accepts a visit that does not verify by itself, or changes a time by hand.
REASONS = {
    "no_signal": "No signal at the home",
    "phone_failed": "The phone failed",
    "other_place": "Care was given elsewhere, as agreed with the patient",
    "forgot": "The clinician forgot to tap",
    "address_wrong": "The address on file is wrong",
    "approved_time": "The patient asked for another time",
    "other": "Other",
}


@dataclass(frozen=True)
class Elements:
    """What is known of one visit. ``begin_miles`` and ``end_miles``: distance from home, None without a position."""

    service: str
    receiving: str
    providing: str
    begin_at: dt.datetime | None
    end_at: dt.datetime | None
    begin_miles: float | None
    end_miles: float | None
    planned_at: dt.datetime | None = None

    def missing(self) -> list[str]:
        """The names of elements that are not there; empty for a complete record."""
        found = {
            "type of service": self.service,
            "individual receiving": self.receiving,
            "date": self.begin_at,
            "location": self.begin_miles is not None and self.end_miles is not None,
            "individual providing": self.providing,
            "begin and end": self.begin_at is not None and self.end_at is not None,
        }
        return [name for name, there in found.items() if not there]


def exceptions(visit: Elements) -> list[str]:
    """Codes of :data:`EXCEPTIONS` that hold for a visit that was checked out; empty when it verifies by itself."""
    out = []
    for end, miles in (("begin", visit.begin_miles), ("end", visit.end_miles)):
        if miles is None:
            out.append(f"no_place_{end}")
        elif miles > HOME_MILES:
            out.append(f"away_{end}")
    if visit.begin_at is not None and visit.end_at is not None:
        length = visit.end_at - visit.begin_at
        if length < SHORTEST:
            out.append("too_short")
        elif length > LONGEST:
            out.append("too_long")
    planned, begun = visit.planned_at, visit.begin_at
    if planned is not None and begun is not None and abs(begun - planned) > TIME_SLACK:
        out.append("off_time")
    return out


def miles_between(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle miles."""
    a, b = math.radians(lat1), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 3958.8 * math.asin(min(1.0, math.sqrt(h)))


def place_of(
    latitude: float | None, longitude: float | None, accuracy_m: float | None, home: tuple[float, float] | None
) -> dict[str, Any]:
    """What is kept of one position: ``latitude``, ``longitude``, ``accuracy_m`` and ``miles`` from home; empty
    without a position. A phone that is unsure by more than the bound itself proves no place."""
    if latitude is None or longitude is None:
        return {}
    kept: dict[str, Any] = {"latitude": latitude, "longitude": longitude, "accuracy_m": accuracy_m}
    vague = accuracy_m is not None and accuracy_m > HOME_MILES * 1609
    if home is not None and not vague:
        kept["miles"] = round(miles_between(latitude, longitude, *home), 2)
    return kept
