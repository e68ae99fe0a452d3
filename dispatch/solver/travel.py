"""Road miles and driving minutes without a network: geodesic distance, road factor, speed by hour.

Driving is integrated over the hours it touches, so leaving later never means arriving earlier. The
schedule check relies on that property to be exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # Loaded where arrays are made: every process imports this module, few compute a matrix.
    import numpy as np

EARTH_RADIUS_MILES = 3958.7613
"""Mean radius of the WGS 84 ellipsoid (IUGG), in statute miles."""

DAY_MPH = (
    *(34.0, 34.0, 34.0, 34.0, 34.0, 34.0, 28.0, 22.0, 21.0, 24.0, 26.0, 26.0),
    *(25.0, 25.0, 24.0, 22.0, 20.0, 20.0, 24.0, 28.0, 32.0, 32.0, 32.0, 32.0),
)
"""Default urban speed for each clock hour, door to door. A site replaces it with its own figures."""


class Place(Protocol):
    """Anything with a position in degrees (WGS 84)."""

    @property
    def lat(self) -> float: ...

    @property
    def lon(self) -> float: ...


def geodesic_miles(a: Place, b: Place) -> float:
    """Great-circle distance in statute miles (haversine; within 0.6 % of the ellipsoid)."""
    phi_a, phi_b = math.radians(a.lat), math.radians(b.lat)
    half_phi = (phi_b - phi_a) / 2
    half_lambda = math.radians(b.lon - a.lon) / 2
    h = math.sin(half_phi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_lambda) ** 2
    return 2 * EARTH_RADIUS_MILES * math.asin(min(1.0, math.sqrt(h)))


@dataclass(frozen=True)
class Travel:
    """Travel model of one region.

    Parameters
    ----------
    road_factor
        Road miles per geodesic mile, at least 1.
    mph_by_hour
        24 speeds in miles per hour; entry ``h`` holds from clock hour ``h`` to ``h + 1``.
    epoch_minute
        Local minute of the day at horizon minute 0. A clock change inside the horizon is not modeled:
        speeds then are read one hour off until the next horizon.

    Raises
    ------
    ValueError
        If a speed is not positive, the table does not have 24 entries, or the factor is below 1.
    """

    road_factor: float = 1.3
    mph_by_hour: tuple[float, ...] = DAY_MPH
    epoch_minute: float = 0.0

    def __post_init__(self) -> None:
        if len(self.mph_by_hour) != 24 or min(self.mph_by_hour) <= 0:
            raise ValueError("mph_by_hour needs 24 positive speeds")
        if self.road_factor < 1:
            raise ValueError("road_factor must be at least 1")

    @property
    def max_mph(self) -> float:
        """Fastest speed of the day; turns miles into a lower bound of minutes."""
        return max(self.mph_by_hour)

    def miles(self, a: Place, b: Place) -> float:
        """Road miles from `a` to `b`."""
        return self.road_factor * geodesic_miles(a, b)

    def minutes(self, a: Place, b: Place, depart: float) -> float:
        """Driving minutes from `a` to `b` when leaving at horizon minute `depart`."""
        return self.arrive(self.miles(a, b), depart) - depart

    def arrive(self, miles: float, depart: float) -> float:
        """Horizon minute of arrival after `miles` road miles, leaving at `depart`."""
        clock = depart + self.epoch_minute
        hour = math.floor(clock / 60)
        while True:
            mph = self.mph_by_hour[hour % 24]
            reach = (60 * (hour + 1) - clock) * mph / 60
            if miles <= reach:
                return clock + 60 * miles / mph - self.epoch_minute
            miles -= reach
            hour += 1
            clock = 60.0 * hour

    def miles_matrix(self, origins: Sequence[Place], targets: Sequence[Place]) -> np.ndarray:
        """Road miles of every origin to every target.

        Returns
        -------
        numpy.ndarray
            Shape ``(len(origins), len(targets))``, float64.
        """
        import numpy as np

        a, b = _radians(origins), _radians(targets)
        half = (b[None, :, :] - a[:, None, :]) / 2
        cosines = np.cos(a[:, 0])[:, None] * np.cos(b[:, 0])[None, :]
        h = np.sin(half[..., 0]) ** 2 + cosines * np.sin(half[..., 1]) ** 2
        return self.road_factor * 2 * EARTH_RADIUS_MILES * np.arcsin(np.minimum(1.0, np.sqrt(h)))


def _radians(places: Sequence[Place]) -> np.ndarray:
    import numpy as np

    return np.radians(np.array([(p.lat, p.lon) for p in places], dtype=float).reshape(len(places), 2))


class Road:
    """Places of one problem by number, with their miles kept.

    A row of miles is worked out when first asked for: a decision touches few places of a large day, and
    a full matrix of ten thousand places would take most of a gigabyte.
    """

    def __init__(self, travel: Travel) -> None:
        self.travel = travel
        self._numbers: dict[tuple[float, float], int] = {}
        self._places: list[Place] = []
        self._rows: dict[int, list[float]] = {}
        self._pace = [60 / mph for mph in travel.mph_by_hour]
        self._epoch_minute = travel.epoch_minute

    def number(self, place: Place) -> int:
        """The number of a place; equal coordinates share one."""
        key = (place.lat, place.lon)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self._places)
            self._places.append(place)
        return found

    def miles(self, i: int, j: int) -> float:
        """Road miles from place `i` to place `j`."""
        row = self._rows.get(i)
        if row is None or j >= len(row):
            row = self._rows[i] = self.travel.miles_matrix([self._places[i]], self._places)[0].tolist()
            row[i] = 0.0
        return row[j]

    def arrive(self, i: int, j: int, depart: float) -> float:
        """Horizon minute of arrival at place `j`, leaving place `i` at `depart`."""
        row = self._rows.get(i)
        miles = row[j] if row is not None and j < len(row) else self.miles(i, j)
        if not miles:
            return depart
        clock = depart + self._epoch_minute
        hour = int(clock // 60)
        minutes = miles * self._pace[hour % 24]
        # Most drives end in the hour they begin in.
        if clock + minutes <= 60 * (hour + 1):
            return depart + minutes
        return self.travel.arrive(miles, depart)

    def least_minutes(self, i: int, j: int) -> float:
        """Driving minutes at the fastest speed of the day: a lower bound at any hour."""
        return 60 * self.miles(i, j) / self.travel.max_mph
