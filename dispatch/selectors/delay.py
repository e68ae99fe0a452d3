"""Whether a trip is late or at risk, from its promise, its expected pickup and the clock. No query."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dispatch.models import Trip

# A minute or two late is noise at a hospital door; from here on somebody should know.
LATE_AFTER_MINUTES = 5
# A pickup counts as on time up to this long after it was asked for (what a contract says unless it says otherwise).
ON_TIME_MINUTES = 15
# A pickup this soon without a vendor will hardly be met.
NO_VENDOR_RISK_MINUTES = 30
WAITING = frozenset({"matching", "offering", "exhausted"})
BEFORE_PICKUP = frozenset({"", "planned", "assigned", "en_route"})


@dataclass(frozen=True)
class Delay:
    """``kind`` is ``late``, ``at_risk`` or empty; ``minutes`` after the agreed time (0 when not known)."""

    kind: str = ""
    minutes: int = 0

    @property
    def detail(self) -> str:
        """What a chip says after "Late" or "At risk": "14 min", "3 h", "2 d"."""
        if self.minutes < 120:
            return f"{self.minutes} min" if self.minutes else ""
        return f"{self.minutes // 60} h" if self.minutes < 48 * 60 else f"{self.minutes // 1440} d"


NONE = Delay()


def delay_of(trip: Trip, leg_status: str, now: dt.datetime) -> Delay:
    """Lateness of the pickup. A crew at the door is not late any more, a held or waiting ride not yet."""
    if trip.status in ("completed", "canceled", "held") or not trip.is_ready or leg_status not in BEFORE_PICKUP:
        return NONE
    expected = max(trip.eta_at or trip.pickup_at, now)
    minutes = int((expected - trip.pickup_at).total_seconds() // 60)
    if now > trip.pickup_at + dt.timedelta(minutes=LATE_AFTER_MINUTES):
        return Delay("late", minutes)
    if minutes > LATE_AFTER_MINUTES:
        return Delay("at_risk", minutes)
    if trip.status in WAITING and trip.pickup_at - now < dt.timedelta(minutes=NO_VENDOR_RISK_MINUTES):
        return Delay("at_risk")
    return NONE


def chip_of(trip: Trip, leg_status: str, now: dt.datetime) -> dict[str, str]:
    """The chip of a trip: ``{"status", "detail"}``; lateness first, then the leg while under way, then the trip."""
    delay = delay_of(trip, leg_status, now)
    if delay.kind:
        return {"status": delay.kind, "detail": delay.detail}
    if trip.status in ("accepted", "crew_assigned", "matching") and not trip.is_ready:
        return {"status": "will_call", "detail": ""}
    if trip.status == "under_way" and leg_status not in ("", "planned"):
        return {"status": leg_status, "detail": ""}
    return {"status": trip.status, "detail": ""}
