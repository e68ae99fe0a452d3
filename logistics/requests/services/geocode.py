"""Where an address lies, without a network.

The position is that of the ZIP code (its population center, from the ``zipcodes`` package's public data), which
places a home within a mile or two in a town: enough to match vehicles and to quote miles. The crew's own maps
find the door from the written address.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

import zipcodes

from logistics.core.errors import DomainError

ZIP = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?(?!\d)")
PIN = re.compile(r"^\s*(-?\d{1,3}(?:\.\d+)?)\s*(?:[,;]\s*|\s+)(-?\d{1,3}(?:\.\d+)?)\s*$")
# A pin that a person set must lie near the ZIP code that the address names, or near any: else a digit is wrong.
PIN_MILES_FROM_ZIP, PIN_MILES_FROM_ANY = 40.0, 60.0
STATE_TAIL = re.compile(r"^(?P<head>.*?)[\s,]+(?P<state>[A-Za-z]{2})$")


@dataclass(frozen=True)
class Address:
    """A US postal address in parts."""

    line: str
    city: str
    state: str
    zip_code: str

    def as_dict(self) -> dict[str, str]:
        """For a sealed JSON column."""
        return {"line": self.line, "city": self.city, "state": self.state, "zip_code": self.zip_code}

    def __str__(self) -> str:
        return f"{self.line}, {self.city}, {self.state} {self.zip_code}"


@dataclass(frozen=True)
class Location:
    """Degrees (WGS 84) and the IANA time zone of a ZIP code, with the city and state it belongs to."""

    lat: float
    lon: float
    zone: str
    city: str = ""
    state: str = ""


def locate(address: Address | dict[str, str] | str, *, field: str = "zip_code") -> Location:
    """The location of an address by its ZIP code.

    Raises :class:`DomainError` naming ``field`` when the ZIP code is missing, unknown, or in another state than
    the address says.
    """
    if isinstance(address, str):
        zip_code, state = address, ""
    elif isinstance(address, dict):
        zip_code, state = str(address.get("zip_code", "")), str(address.get("state", ""))
    else:
        zip_code, state = address.zip_code, address.state
    found = ZIP.search(zip_code or "")
    if found is None:
        raise _unknown(field, "Write the address with its 5-digit ZIP code.")
    location = _by_zip(found.group(1))
    if location is None:
        raise _unknown(field, f"There is no ZIP code {found.group(1)}. Check the address.")
    if state and state.upper() != location.state:
        raise _unknown(field, f"ZIP code {found.group(1)} is in {location.state}, not in {state.upper()}.")
    return location


def read_pin(text: str, *, field: str = "destination") -> tuple[float, float]:
    """Latitude and longitude as people write them: ``43.0731, -89.4012``.

    Raises :class:`DomainError` naming ``field`` when they cannot be read or lie outside of the globe.
    """
    found = PIN.match(text)
    if found is None:
        raise _unknown(field, "Write the pin as latitude, longitude, such as 43.0731, -89.4012.")
    lat, lon = float(found.group(1)), float(found.group(2))
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise _unknown(field, "Latitude is between -90 and 90, longitude between -180 and 180. Check the pin.")
    return lat, lon


def pinned(text: str, pin: str, *, field: str = "destination") -> tuple[Address, Location]:
    """An address that a person pointed at, for what the ZIP codes do not know.

    City, state and time zone come from the ZIP code named in ``text`` when there is one, else from the nearest. Raises
    :class:`DomainError` naming ``field`` when the pin is far from there.
    """
    lat, lon = read_pin(pin, field=field)
    text = " ".join(text.split())
    if not text:
        raise _unknown(field, "Write the address, or how the crew finds the place, beside the pin.")
    named = ZIP.findall(text)
    base = _by_zip(named[-1]) if named else None
    zip_code = named[-1] if base else ""
    if base is None:
        zip_code, base = _nearest(round(lat, 3), round(lon, 3))
    off = _miles(lat, lon, base.lat, base.lon)
    if off > (PIN_MILES_FROM_ZIP if named and named[-1] == zip_code else PIN_MILES_FROM_ANY):
        raise _unknown(field, f"The pin is {off:.0f} miles from {base.city} {zip_code}. Check both.")
    line = text
    try:
        parsed = parse_address(text, field=field)
    except DomainError:
        pass
    else:
        line = parsed.line
    return Address(line, base.city, base.state, zip_code), Location(lat, lon, base.zone, base.city, base.state)


def parse_address(text: str, *, field: str = "destination") -> Address:
    """An address as people write it on one line: ``410 Cedar Ave, Madison WI 53703``.

    City and state may be left out: the ZIP code knows them. Raises :class:`DomainError` naming ``field`` when the
    street or the ZIP code is missing.
    """
    text = " ".join(text.split())
    matches = list(ZIP.finditer(text))
    # The last number that looks like a ZIP code: a house number may have five digits too.
    if not matches or matches[-1].end() != len(text):
        raise _unknown(field, "End the address with its 5-digit ZIP code.")
    zip_code = matches[-1].group(1)
    location = locate(zip_code, field=field)
    rest = text[: matches[-1].start()].strip(" ,")
    tail = STATE_TAIL.match(rest)
    if tail and tail["state"].upper() == location.state:
        rest = tail["head"].strip(" ,")
    line, comma, city = rest.rpartition(",")
    if not comma:
        line, city = rest, ""
        if location.city and rest.lower().endswith(f" {location.city.lower()}"):
            line, city = rest[: -len(location.city)].strip(" ,"), location.city
    line, city = line.strip(" ,"), city.strip(" ,")
    if not line:
        raise _unknown(field, "Write the street and house number before the ZIP code.")
    return Address(line, city or location.city, location.state, zip_code)


@lru_cache(maxsize=4096)
def _by_zip(zip_code: str) -> Location | None:
    for row in zipcodes.matching(zip_code):
        if row.get("lat") and row.get("timezone"):
            return Location(float(row["lat"]), float(row["long"]), row["timezone"], row["city"], row["state"])
    return None


@lru_cache(maxsize=1)
def _everywhere() -> list[tuple[float, float, str]]:
    rows = zipcodes.list_all()
    return [
        (float(row["lat"]), float(row["long"]), row["zip_code"])
        for row in rows
        if row.get("lat") and row.get("timezone") and (float(row["lat"]) or float(row["long"]))
    ]


@lru_cache(maxsize=256)
def _nearest(lat: float, lon: float) -> tuple[str, Location]:
    """The ZIP code whose center is nearest to a pin."""
    # On this scale a plane does: a degree of longitude is shorter by the cosine of the latitude.
    narrow = math.cos(math.radians(lat))
    best = min(_everywhere(), key=lambda each: (each[0] - lat) ** 2 + ((each[1] - lon) * narrow) ** 2)
    location = _by_zip(best[2])
    assert location is not None  # only rows with a position and a zone are looked through
    return best[2], location


def _miles(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    north = (other_lat - lat) * 69.0
    east = (other_lon - lon) * 69.0 * math.cos(math.radians((lat + other_lat) / 2))
    return math.hypot(north, east)


def _unknown(field: str, message: str) -> DomainError:
    return DomainError(message, code="unknown_address", fields={field: message})
