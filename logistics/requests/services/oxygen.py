"""How long a patient's own oxygen lasts, and whether that is enough for the way. Pure.

Minutes = (pressure - 200 psi kept back) x the cylinder's factor / flow; D 0.16, E 0.28, M 1.56 liters per psi, as
respiratory care textbooks give them. What is needed is the time on the way and at the doors, half as much again in
reserve (the same reserve that the level rules keep).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from logistics.requests.services.level_rules import OXYGEN_RESERVE

FACTOR: dict[str, Decimal] = {"D": Decimal("0.16"), "E": Decimal("0.28"), "M": Decimal("1.56")}
FULL_PSI, RESIDUAL_PSI = 2000, 200
# Portable concentrators give up to about this flow; above it a patient needs cylinders. Our default, makers differ.
CONCENTRATOR_LPM = Decimal(5)


@dataclass(frozen=True)
class Supply:
    """``verdict`` is ``ok``, ``ask`` or ``no``; minutes are whole, the supply rounded down and the need up.

    ``minutes`` is None where it cannot be computed (a concentrator, or an unknown cylinder, pressure or flow).
    """

    verdict: str
    words: str
    needed: int
    minutes: int | None = None

    @property
    def short_by(self) -> int:
        """Minutes that are missing; 0 when it lasts or is not known."""
        return 0 if self.minutes is None else max(0, self.needed - self.minutes)


def minutes_of(*, flow_lpm: Decimal, cylinder: str, psi: int) -> int:
    """Whole minutes that one cylinder (a key of :data:`FACTOR`) lasts at a flow above zero."""
    liters = max(0, psi - RESIDUAL_PSI) * FACTOR[cylinder]
    return int((liters / flow_lpm).to_integral_value(ROUND_FLOOR))


def needed_minutes(*, trip_minutes: int, wait_minutes: int = 0) -> int:
    """Minutes that the supply must last, reserve included."""
    return math.ceil((trip_minutes + wait_minutes) * OXYGEN_RESERVE)


def check_oxygen(
    *,
    flow_lpm: Decimal | float | None,
    cylinder: str,
    psi: int | None,
    trip_minutes: int | None,
    wait_minutes: int = 0,
    count: int = 1,
) -> Supply | None:
    """Whether a patient's own oxygen lasts; None while the length of the way is not known.

    ``cylinder`` is a value of ``TransportDetail.CYLINDERS`` and may be empty; ``count`` are the cylinders brought, each
    at ``psi``. What is not known is a question, never a supply that lasts.
    """
    if trip_minutes is None:
        return None
    needed = needed_minutes(trip_minutes=trip_minutes, wait_minutes=wait_minutes)
    if flow_lpm is None or flow_lpm <= 0:
        return Supply("ask", "What is the oxygen flow? Whether the supply lasts depends on it.", needed)
    flow = Decimal(str(flow_lpm))
    if cylinder == "concentrator":
        if flow > CONCENTRATOR_LPM:
            words = f"A portable concentrator gives up to {CONCENTRATOR_LPM} L/min, not {_plain(flow)}. "
            return Supply("no", words + _instead(flow, "", needed), needed)
        return Supply("ask", f"Does the concentrator's battery last {needed} min?", needed)
    if cylinder not in FACTOR:
        return Supply("ask", f"Which oxygen cylinder comes along? It must last {needed} min.", needed)
    if psi is None:
        return Supply("ask", f"What does the gauge of the {cylinder} cylinder show? It must last {needed} min.", needed)
    minutes = count * minutes_of(flow_lpm=flow, cylinder=cylinder, psi=psi)
    lasts = f"Oxygen lasts {minutes} min at {_plain(flow)} L/min"
    if minutes >= needed:
        return Supply("ok", f"{lasts}; the way with reserve needs {needed}.", needed, minutes)
    short = f"short by {needed - minutes} min. "
    words = f"{lasts}; the way with reserve needs {needed}: {short}"
    return Supply("no", words + _instead(flow, cylinder, needed), needed, minutes)


def _instead(flow: Decimal, cylinder: str, needed: int) -> str:
    """What would last: so many full cylinders of the kind, or a concentrator where it gives enough."""
    kind = cylinder or "E"
    each = minutes_of(flow_lpm=flow, cylinder=kind, psi=FULL_PSI)
    if each == 0:
        return "Ask for a crew that gives oxygen."
    number = math.ceil(needed / each)
    what = f"{number} full {kind} cylinder{'' if number == 1 else 's'}"
    return f"Needs {what}{' or a concentrator' if flow <= CONCENTRATOR_LPM else ''}."


def _plain(flow: Decimal) -> str:
    return f"{flow.normalize():f}"
