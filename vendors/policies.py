"""Rules of supply as data: what crews and vehicles must hold, and when an end is near."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

# What a crew member must hold to work at a level: 42 CFR 410.41(b) for ambulances; contract practice below.
CREDENTIALS_OF_CREW = {
    "driver": ("driver_license", "cpr", "securement"),
    "attendant": ("cpr",),
    "emt": ("driver_license", "cpr", "emt_card"),
    "paramedic": ("driver_license", "cpr", "paramedic_card"),
    "rn": ("cpr", "rn_license"),
    "rt": ("cpr", "rt_license"),
    # Home health: state licenses and registries (42 CFR 484.80, 484.115).
    "pt": ("therapy_license",),
    "ot": ("therapy_license",),
    "st": ("therapy_license",),
    "msw": ("social_work_license",),
    "aide": ("aide_certificate",),
}
CREDENTIALS_OF_VEHICLE = ("inspection",)
CREDENTIALS_OF_VENDOR = ("vendor_license", "insurance")
SOON_DAYS = 30


class Standing(NamedTuple):
    """How a dated paper stands: ``status`` (a word of the status map), words for people, days left."""

    status: str
    words: str
    days: int | None

    @property
    def tone(self) -> str:
        """Tone of the chip."""
        return {"current": "ok", "expiring": "warn"}.get(self.status, "bad")

    @property
    def icon(self) -> str:
        """Icon of the chip: an end that has passed looks unlike one that is near."""
        return {"current": "done", "expiring": "risk", "missing": "file-warning"}.get(self.status, "late")


def standing(ends_on: dt.date | None, today: dt.date) -> Standing:
    """``current``, ``expiring`` within 30 days, ``expired``; ``missing`` without a date. The last day still counts."""
    if ends_on is None:
        return Standing("missing", "Missing", None)
    days = (ends_on - today).days
    if days < 0:
        return Standing("expired", f"Ended {-days} day{'' if days == -1 else 's'} ago", days)
    if days == 0:
        return Standing("expiring", "Ends today", 0)
    words = f"{days} day{'' if days == 1 else 's'} left"
    return Standing("expiring" if days <= SOON_DAYS else "current", words, days)
