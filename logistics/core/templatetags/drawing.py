"""Geometry of the server-drawn figures: charts, gantt and map. Pure functions over numbers, no Django.

Coordinates are SVG user units (x to the right, y down), rounded to a tenth so that fragments stay small and
two renderings of the same data are byte for byte the same.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MILES_PER_DEGREE = 69.0  # of latitude; close enough for a schematic
RING_LENGTH = 2 * math.pi * 22  # circumference of the countdown ring, radius 22


def tenth(value: float) -> float:
    """``value`` rounded to one decimal, without a negative zero."""
    return round(value, 1) + 0.0


def nice_step(span: float, count: int) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that cuts ``span`` into at most ``count`` parts."""
    raw = span / max(count, 1) or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw - 1e-12)


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round axis values that enclose ``low`` to ``high``: about ``count`` steps, at least two values."""
    if high - low <= 1e-6 * max(abs(low), abs(high), 1):
        high = low + max(abs(low) * 0.1, 1)
    step = nice_step(high - low, count)
    first = math.floor(low / step)
    last = math.ceil(high / step)
    return [round(i * step, 6) for i in range(first, last + 1)]


def number(value: float) -> str:
    """``value`` without needless zeros: 90, 2.5."""
    return f"{value:.10g}"


def spark(values: Sequence[float], target: float | None) -> dict[str, Any]:
    """A 120 by 32 sparkline: ``points`` and the ``goal`` height (None without target)."""
    every = [*values, *([target] if target is not None else [])]
    low, high = min(every), max(every)
    span = (high - low) or 1.0
    goal = None if target is None else tenth(4 + (high - target) / span * 24)
    step = 116 / (len(values) - 1) if len(values) > 1 else 0.0
    drawn = " ".join(f"{tenth(2 + step * i)},{tenth(4 + (high - v) / span * 24)}" for i, v in enumerate(values))
    return {"points": drawn, "goal": goal}


def line_chart(
    series: Sequence[tuple[str, float]], *, target: float | None, width: int, height: int, unit: str
) -> dict[str, Any]:
    """A line over named steps: ``grid`` rows, ``dots``, ``line`` points, ``labels``, ``goal`` height."""
    left, right, top, bottom = 40.0, 20.0, 14.0, 22.0
    values = [v for _, v in series]
    axis = ticks(min([*values, *([target] if target is not None else [])]), max([*values, target or values[0]]))
    low, high = axis[0], axis[-1]

    def y(value: float) -> float:
        return tenth(top + (high - value) / (high - low) * (height - top - bottom))

    step = (width - left - right) / (len(series) - 1) if len(series) > 1 else 0.0
    dots: list[dict[str, Any]] = [
        {"x": tenth(left + step * i), "y": y(v), "value": number(v), "name": n} for i, (n, v) in enumerate(series)
    ]
    return {
        "width": width,
        "height": height,
        "left": left,
        "right": width - right,
        "label_x": left - 6,
        "foot": height - 5,
        "grid": [{"y": y(t), "text_y": tenth(y(t) + 4), "label": f"{number(t)}{unit}"} for t in axis],
        "dots": dots,
        "line": " ".join(f"{d['x']},{d['y']}" for d in dots),
        "goal": None if target is None else y(target),
        "goal_text": None if target is None else tenth(y(target) - 5),
        "last": dots[-1],
        "last_y": tenth(max(dots[-1]["y"] - 9, 10)),
    }


def bar_chart(rows: Sequence[Mapping[str, Any]], *, width: int) -> dict[str, Any]:
    """Horizontal bars, 28 units each. A row has ``label``, ``value``, and may have ``note`` and ``tone``."""
    top = max((float(r["value"]) for r in rows), default=1.0) or 1.0
    name_width, tail = width * 0.34, width * 0.2
    bars = []
    for i, row in enumerate(rows):
        length = tenth((width - name_width - tail) * float(row["value"]) / top)
        bars.append(
            {
                "label": row["label"],
                "value": number(float(row["value"])),
                "note": row.get("note", ""),
                "tone": row.get("tone", "move"),
                "y": 7 + 28 * i,
                "text_y": 19 + 28 * i,
                "x": tenth(name_width),
                "w": length,
                "end": tenth(name_width + length + 6),
            }
        )
    return {"width": width, "height": 28 * len(bars) + 4, "bars": bars}


def ring(left_seconds: float, total_seconds: float) -> str:
    """``stroke-dasharray`` of a countdown ring: the part of it that is left, then the rest."""
    share = min(max(left_seconds / total_seconds, 0.0), 1.0) if total_seconds > 0 else 0.0
    return f"{tenth(RING_LENGTH * share)} {tenth(RING_LENGTH)}"


def gantt(
    rows: Iterable[Mapping[str, Any]], *, start: dt.datetime, end: dt.datetime, now: dt.datetime | None
) -> dict[str, Any]:
    """Rows of jobs placed in a window, as percentages.

    A row has ``label``, ``sub``, ``jobs`` (``label``, ``start``, ``end`` as aware datetimes, and what the
    template shows) and ``off`` (``label``, ``start``, ``end``). Each job that touches the window comes back
    with ``x`` and ``w`` in percent, cut at the edges; the others are left out. ``hours`` are the full hours
    of the window as (moment, percent); ``now`` is a percent, or None outside the window.
    """
    span = (end - start).total_seconds()
    if span <= 0:
        raise ValueError("the window of a gantt ends after it starts")

    def percent(moment: dt.datetime) -> float:
        return (moment - start).total_seconds() / span * 100

    def placed(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        out = []
        for item in items:
            x, x2 = max(percent(item["start"]), 0.0), min(percent(item["end"]), 100.0)
            if x2 > x:
                out.append({**item, "x": round(x, 2), "w": round(x2 - x, 2)})
        return out

    # The first full hour is found in the zone of ``start``: some zones are off the UTC hour.
    first = start.replace(minute=0, second=0, microsecond=0)
    if first < start:
        first += dt.timedelta(hours=1)
    hours = [
        first + dt.timedelta(hours=n) for n in range(math.ceil(span / 3600)) if first + dt.timedelta(hours=n) < end
    ]
    here = None if now is None else percent(now)
    return {
        "rows": [
            {
                "label": row["label"],
                "sub": row.get("sub", ""),
                "url": row.get("url", ""),
                "jobs": placed(row.get("jobs", ())),
                "off": placed(row.get("off", ())),
            }
            for row in rows
        ],
        "hours": [(h, round(percent(h), 2)) for h in hours],
        "hour_width": round(3600 / span * 100, 4),
        "now": None if here is None or not 0 <= here <= 100 else round(here, 2),
    }


class Ground:
    """A local flat map around some places: degrees to SVG units, north up, one scale in both directions."""

    def __init__(self, places: Sequence[tuple[float, float]], *, width: int, height: int, pad: int = 34) -> None:
        """Fit ``places`` (latitude, longitude in degrees) into ``width`` by ``height`` less ``pad`` all round."""
        if not places:
            raise ValueError("a map needs at least one place")
        lats, lons = [p[0] for p in places], [p[1] for p in places]
        self.width, self.height = width, height
        self.lat, self.lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
        self._squeeze = max(math.cos(math.radians(self.lat)), 0.05)
        # A single place, or places a few steps apart, still shows half a mile around it.
        tall = max((max(lats) - min(lats)) * MILES_PER_DEGREE, 0.5)
        wide = max((max(lons) - min(lons)) * MILES_PER_DEGREE * self._squeeze, 0.5)
        self.per_mile = min((width - 2 * pad) / wide, (height - 2 * pad) / tall)

    def xy(self, lat: float, lon: float) -> tuple[float, float]:
        """Where a place lies."""
        x = self.width / 2 + (lon - self.lon) * MILES_PER_DEGREE * self._squeeze * self.per_mile
        y = self.height / 2 - (lat - self.lat) * MILES_PER_DEGREE * self.per_mile
        return tenth(x), tenth(y)

    def grid(self) -> dict[str, Any]:
        """Lines at a round number of miles, and that number: a scale, not streets. They run past the edges."""
        miles = nice_step(self.width / self.per_mile, 5)
        gap = miles * self.per_mile
        xs = [tenth(self.width / 2 + gap * n) for n in range(-12, 13)]
        ys = [tenth(self.height / 2 + gap * n) for n in range(-12, 13)]
        return {
            "xs": xs,
            "ys": ys,
            "miles": number(miles),
        }


def map_figure(
    *,
    stops: Sequence[Mapping[str, Any]],
    vehicles: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    width: int,
    height: int,
) -> dict[str, Any]:
    """A map as shapes: ``stops`` and ``vehicles`` with x, y and label anchor, ``lines`` as paths, ``grid``.

    A stop has ``lat``, ``lon``, ``label`` and ``kind`` (``facility`` draws a square, else a ring). A vehicle
    has ``lat``, ``lon``, ``unit`` and may have ``label``, ``tone``, ``late``. A line has ``points`` (latitude,
    longitude pairs) and ``style``: ``driven`` (solid), ``todo`` (dashed) or ``plan`` (faint dashes).
    """
    places = [(float(p["lat"]), float(p["lon"])) for p in (*stops, *vehicles)]
    places += [(float(a), float(b)) for line in lines for a, b in line["points"]]
    ground = Ground(places, width=width, height=height)

    def put(item: Mapping[str, Any]) -> dict[str, Any]:
        x, y = ground.xy(float(item["lat"]), float(item["lon"]))
        left = x > width * 0.6
        return {
            **item,
            "x": x,
            "y": y,
            "text_x": tenth(x - 12 if left else x + 12),
            "text_y": tenth(y + 4),
            "unit_y": tenth(y + 3.2),
            "anchor": "end" if left else "start",
            "box_x": tenth(x - 6),
            "box_y": tenth(y - 6),
        }

    drawn = []
    for line in lines:
        corners = [ground.xy(float(a), float(b)) for a, b in line["points"]]
        path = "M" + "L".join(f"{x} {y}" for x, y in corners)
        drawn.append({"d": path, "style": line.get("style", "driven")})
    return {
        "width": width,
        "height": height,
        "grid": ground.grid(),
        "stops": [put(s) for s in stops],
        "vehicles": [put(v) for v in vehicles],
        "lines": drawn,
    }
