"""Where an address lies, without a network.

The position is that of the ZIP code (its population center, from the ``zipcodes`` package's public data), which
places a home within a mile or two in a town: enough to match vehicles and to quote miles. The crew's own maps
find the door from the written address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import zipcodes

from logistics.core.errors import DomainError

ZIP = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?(?!\d)")
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


def _unknown(field: str, message: str) -> DomainError:
    return DomainError(message, code="unknown_address", fields={field: message})
