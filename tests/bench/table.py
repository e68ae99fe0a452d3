"""The benchmark table: rows with a value, a unit and, where there is one, a bar."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Row:
    """``bar`` and ``holds`` are None where a figure has no bar."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    holds: bool | None = None


def row(name: str, value: float, unit: str, *, bar: float | None = None, better: Literal["low", "high"] = "low") -> Row:
    """A row whose bar is held when the value is at most (low) or at least (high) the bar."""
    value = round(value, 4)
    if bar is None:
        return Row(name, value, unit)
    return Row(name, value, unit, bar, value <= bar if better == "low" else value >= bar)


def show(rows: list[Row]) -> str:
    """The table as text."""
    width = max(len(item.name) for item in rows)
    lines = [f"{'what':<{width}}  {'value':>12}  {'unit':<12} {'bar':>10}  holds"]
    for item in rows:
        bar = "" if item.bar is None else f"{item.bar:g}"
        holds = "" if item.holds is None else ("yes" if item.holds else "NO")
        lines.append(f"{item.name:<{width}}  {item.value:>12g}  {item.unit:<12} {bar:>10}  {holds}")
    return "\n".join(lines)


def write(rows: list[Row], path: Path) -> None:
    """A JSON list of ``{"name", "value", "unit", "bar", "holds"}``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(item) for item in rows], indent=1) + "\n")


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0..1) of ``values`` lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
