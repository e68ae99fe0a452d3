"""The way between two places: by road when the site runs a road service, else estimated, and always said which.

Without ``CARRYWELL_ROUTER_URL`` nothing leaves the process: geodesic distance, a road factor and speeds by the hour
(``dispatch/solver/travel.py``). With it an OSRM or Valhalla server of the site's own answers; it sees coordinates and
nothing else. When it does not answer in time the estimate stands in, labeled so, and the server is left alone for a
while: a person who is booking must not wait for it at every key.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
import urllib.error
import urllib.request
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.conf import settings

from dispatch.models import Leg
from dispatch.solver.travel import Place, Travel
from logistics.core import clock
from logistics.core.money import nearest_tenth

log = logging.getLogger(__name__)

BASIS_WORDS = dict(Leg.WAY_BASES)
TIMEOUT_SECONDS = 2.0
# After a failure the server is not asked again for this long.
PAUSE_SECONDS = 30.0
KEPT_ROUTES = 2048
METERS_PER_MILE = 1609.344
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Way:
    """Road miles to a tenth, whole driving minutes (at least 1), and where both come from (``BASIS_WORDS``)."""

    miles: Decimal
    minutes: int
    basis: str = "estimate"

    @property
    def words(self) -> str:
        """What the figures rest on, as a label says it."""
        return basis_words(self.basis)


class Router(Protocol):
    """Anything that knows the way."""

    def route(self, here: Place, there: Place, depart_at: dt.datetime, zone: str) -> Way:
        """The way when leaving ``here`` at ``depart_at``; ``zone`` is the IANA zone of the departure."""


class Estimate:
    """No network: distance over the globe, a road factor, speed by the local hour of the departure."""

    def route(self, here: Place, there: Place, depart_at: dt.datetime, zone: str) -> Way:
        """Never fails."""
        local = clock.local(depart_at, zone)
        travel = Travel(epoch_minute=local.hour * 60 + local.minute)
        miles = nearest_tenth(Decimal(str(travel.miles(here, there))))
        return Way(miles, max(1, round(travel.minutes(here, there, 0.0))))


class NoAnswer(Exception):
    """The road service did not answer, or not in words that can be read."""


class NoWay(Exception):
    """The road service answered that it knows no way between these places."""


class RoadService:
    """An OSRM (``kind`` ``osrm``) or Valhalla (``valhalla``) server at ``url``."""

    def __init__(self, url: str, kind: str = "osrm", timeout: float = TIMEOUT_SECONDS) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("CARRYWELL_ROUTER_URL must begin with http:// or https://")
        if kind not in ("osrm", "valhalla"):
            raise ValueError("CARRYWELL_ROUTER_KIND must be osrm or valhalla")
        self.url, self.kind, self.timeout = url.rstrip("/"), kind, timeout
        self._known: OrderedDict[tuple[float, ...], Way] = OrderedDict()
        self._silent_until = 0.0
        # The site's own server, asked directly: no proxy learns where patients live.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._estimate = Estimate()

    def route(self, here: Place, there: Place, depart_at: dt.datetime, zone: str) -> Way:
        """By road; the estimate, labeled so, when the server does not answer."""
        # Five decimals are a meter: the key of the memory, and all that the server is told.
        key = (round(here.lat, 5), round(here.lon, 5), round(there.lat, 5), round(there.lon, 5))
        if key in self._known:
            return self._known[key]
        if time.monotonic() >= self._silent_until:
            try:
                way = self._ask(*key)
            except NoWay:
                pass
            except NoAnswer as problem:
                self._silent_until = time.monotonic() + PAUSE_SECONDS
                log.warning("road service: %s", problem)
            else:
                self._known[key] = way
                if len(self._known) > KEPT_ROUTES:
                    self._known.popitem(last=False)
                return way
        guess = self._estimate.route(here, there, depart_at, zone)
        return Way(guess.miles, guess.minutes, "silent")

    def _ask(self, lat: float, lon: float, to_lat: float, to_lon: float) -> Way:
        body = None
        if self.kind == "osrm":
            address = f"{self.url}/route/v1/driving/{lon},{lat};{to_lon},{to_lat}?overview=false"
        else:
            address = f"{self.url}/route"
            places = [{"lat": lat, "lon": lon}, {"lat": to_lat, "lon": to_lon}]
            body = json.dumps({"locations": places, "costing": "auto", "units": "miles"}).encode()
        request = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"})
        try:
            with self._opener.open(request, timeout=self.timeout) as answer:
                return self._read(json.loads(answer.read(MOST_BYTES)))
        except urllib.error.HTTPError as refused:
            if refused.code < 500:
                raise NoWay from None
            raise NoAnswer(f"HTTP {refused.code}") from None
        except (OSError, ValueError, KeyError, IndexError, TypeError) as problem:
            # The address holds coordinates: only the kind of failure is kept.
            raise NoAnswer(type(problem).__name__) from None

    def _read(self, answer: dict[str, Any]) -> Way:
        if self.kind == "osrm":
            best = answer["routes"][0]
            miles, seconds = best["distance"] / METERS_PER_MILE, best["duration"]
        else:
            best = answer["trip"]["summary"]
            miles, seconds = best["length"], best["time"]
        if not (0 <= miles < 10_000 and 0 <= seconds < 1_000_000):
            raise ValueError("figures out of range")
        return Way(nearest_tenth(Decimal(str(miles))), max(1, round(seconds / 60)), "roads")


_made: dict[tuple[str, str], Router] = {}


def router() -> Router:
    """The router that the settings name; one for the process."""
    url, kind = settings.ROUTER_URL, settings.ROUTER_KIND
    if (url, kind) not in _made:
        _made[url, kind] = RoadService(url, kind) if url else Estimate()
    return _made[url, kind]


def route(here: Place, there: Place, depart_at: dt.datetime, zone: str) -> Way:
    """The way between two places when leaving then; ``zone`` is the IANA zone of the departure."""
    return router().route(here, there, depart_at, zone)


def basis_words(basis: str) -> str:
    """``estimated, no road data``: the words that belong beside every distance and time."""
    return BASIS_WORDS.get(basis, BASIS_WORDS["estimate"])
