"""How a scorecard's figures are worded. A figure with n = 0 is never a number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from vendors.models import Scorecard
from vendors.selectors.scorecards import FIGURES, SMALL_N

NO_VALUE = "No value"
NEAR = {"up": 5.0, "down": 2.0}
ARROWS = {True: "up", False: "down"}


def value_text(figure: Mapping[str, Any]) -> tuple[str, str]:
    """(number, unit) as shown: ``("94.2", "%")``, ``("2 min 5 s", "")``, ``("No value", "")``."""
    value = figure.get("value")
    if value is None or not figure.get("n"):
        return NO_VALUE, ""
    if figure["unit"] == "s":
        return _duration(int(value)), ""
    return f"{value:g}", figure["unit"]


def plain(figure: Mapping[str, Any]) -> str:
    """The value in one word: ``94.2%``, ``2 min 5 s``, ``No value``."""
    number, unit = value_text(figure)
    return f"{number}{unit}"


def target_text(figure: Mapping[str, Any]) -> str:
    """``goal 95%``, ``limit 2%``, or empty without a target."""
    target = figure.get("target")
    if target is None:
        return ""
    words = _duration(int(target)) if figure["unit"] == "s" else f"{target:g}{figure['unit']}"
    return f"{'goal' if figure['direction'] == 'up' else 'limit'} {words}"


def tone(figure: Mapping[str, Any]) -> str:
    """``ok``, ``warn`` (near the goal), ``bad``; ``neutral`` without value or goal, or when n is small."""
    value, target = figure.get("value"), figure.get("target")
    if value is None or target is None or figure["n"] < SMALL_N:
        return "neutral"
    if figure["direction"] == "up":
        return "ok" if value >= target else "warn" if value >= target - NEAR["up"] else "bad"
    return "ok" if value <= target else "warn" if value <= target * NEAR["down"] else "bad"


def tiles(
    card: Scorecard,
    figures: Mapping[str, Any],
    *,
    previous: Mapping[str, Any] | None = None,
    peers: Mapping[str, Any] | None = None,
    values: Mapping[str, Sequence[float]] | None = None,
    linked: bool = True,
) -> list[dict[str, Any]]:
    """One tile a figure, in the order of ``FIGURES``, for ``vendors/_figure.html``."""
    out = []
    for name in FIGURES:
        figure = figures.get(name)
        if figure is None:
            continue
        number, unit = value_text(figure)
        peer = (peers or {}).get(name)
        change, direction = _change(figure, (previous or {}).get(name))
        out.append(
            {
                "name": name,
                "label": figure["label"],
                "value": number,
                "unit": unit,
                "tone": tone(figure),
                "target": target_text(figure),
                "n": figure["n"],
                "numerator": figure["numerator"],
                "is_share": figure["unit"] == "%",
                "counts": figure["counts"],
                "small": 0 < figure["n"] < SMALL_N,
                "definition": figure["definition"],
                "change": change,
                "direction": direction,
                "peers": plain({**figure, "value": peer["median"], "n": 1}) if peer else "",
                "peer_count": peer["peers"] if peer else 0,
                "values": (values or {}).get(name, []),
                "url": f"/trips?scorecard={card.pk}&figure={name}" if linked and figure["n"] else "",
            }
        )
    return out


def series(cards: Sequence[Scorecard], name: str) -> list[tuple[str, float]]:
    """(month, value) of the months that have one, for a line chart. Cards come with ``shown``."""
    return [
        (f"{card.month:%b}", card.shown[name]["value"])  # type: ignore[attr-defined]
        for card in cards
        if card.shown.get(name, {}).get("value") is not None  # type: ignore[attr-defined]
    ]


def trend_sentence(points: Sequence[tuple[str, float]], label: str) -> str:
    """What the line shows, in words."""
    if len(points) < 2:
        return f"{label}: one month so far" if points else f"{label}: no month with a value yet"
    (first, start), (last, end) = points[0], points[-1]
    verb = "rose" if end > start else "fell" if end < start else "stayed"
    if start == end:
        return f"{label} stayed at {end:g}% from {first} to {last}"
    return f"{label} {verb} from {start:g}% in {first} to {end:g}% in {last}"


def month_options(months: Sequence[dt.date]) -> list[tuple[str, str]]:
    """(value, text) for the month picker."""
    return [(f"{month:%Y-%m}", f"{month:%B %Y}") for month in months]


def month_of(text: str) -> dt.date | None:
    """The first day of ``2026-11``; None for anything else."""
    try:
        return dt.datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        return None


def _change(figure: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[str, str]:
    if figure.get("value") is None or before is None or before.get("value") is None:
        return "", ""
    moved = round(figure["value"] - before["value"], 1)
    if moved == 0:
        return "as last month", ""
    words = _duration(abs(int(moved))) if figure["unit"] == "s" else f"{abs(moved):g} pts"
    return words, ARROWS[moved > 0]


def _duration(seconds: int) -> str:
    whole, rest = divmod(seconds, 60)
    if not whole:
        return f"{rest} s"
    if whole >= 60:
        return f"{whole // 60} h {whole % 60} min"
    return f"{whole} min {rest} s" if rest else f"{whole} min"
