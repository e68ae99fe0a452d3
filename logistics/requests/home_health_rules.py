"""Rules of home health as data and pure functions: disciplines, payers, when care must begin and who may begin it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from logistics.core import clock


@dataclass(frozen=True)
class Discipline:
    """``kind``: ``nursing`` and ``therapy`` may be the only service; ``dependent`` ones need one of these."""

    label: str
    kind: str


DISCIPLINES: dict[str, Discipline] = {
    "rn": Discipline("Nursing", "nursing"),
    "pt": Discipline("Physical therapy", "therapy"),
    "ot": Discipline("Occupational therapy", "therapy"),
    "st": Discipline("Speech therapy", "therapy"),
    "msw": Discipline("Medical social work", "dependent"),
    "aide": Discipline("Home health aide", "dependent"),
}
DISCIPLINE_CHOICES = [(code, one.label) for code, one in DISCIPLINES.items()]

PAYER_CHOICES = [
    ("medicare", "Medicare"),
    ("medicare_advantage", "Medicare Advantage"),
    ("medicaid", "Medicaid"),
    ("commercial", "Commercial insurance"),
    ("veterans", "Veterans Affairs"),
    ("self_pay", "Patient pays"),
    ("other", "Other payer"),
]
PAYERS = dict(PAYER_CHOICES)

INITIAL_HOURS = 48
# The encounter with the practitioner lies within 90 days before or 30 days after the start of care (42 CFR 424.22(a)).
FACE_TO_FACE_BEFORE, FACE_TO_FACE_AFTER = 90, 30


def start_of_care_due(
    referred_at: dt.datetime, home_at: dt.datetime | None, ordered_on: dt.date | None, zone: str
) -> dt.datetime:
    """When the initial visit is due (42 CFR 484.55(a)(1)), aware.

    On the start of care date that the practitioner ordered (its last moment, in ``zone``, where care is given); else
    within 48 hours of the referral or of the return home, whichever is later. Hours of the clock: weekends and the
    nights when the clock changes count like any other.
    """
    if ordered_on is not None:
        return clock.day_bounds(ordered_on, zone)[1]
    start = max(referred_at, home_at) if home_at is not None else referred_at
    return (start.astimezone(dt.UTC) + dt.timedelta(hours=INITIAL_HOURS)).astimezone(start.tzinfo)


def may_begin(disciplines: Iterable[str]) -> tuple[str, ...]:
    """Who may make the initial visit: a nurse where nursing is ordered, else the therapists (42 CFR 484.55(a)(2))."""
    ordered = [code for code in DISCIPLINES if code in set(disciplines)]
    if "rn" in ordered:
        return ("rn",)
    return tuple(code for code in ordered if DISCIPLINES[code].kind == "therapy")


def face_to_face_fits(face_to_face_on: dt.date, soc_on: dt.date) -> bool:
    """Whether the practitioner saw the patient close enough to the start of care for Medicare."""
    days = (soc_on - face_to_face_on).days
    return -FACE_TO_FACE_AFTER <= days <= FACE_TO_FACE_BEFORE


def labels(disciplines: Iterable[str]) -> list[str]:
    """The disciplines in words, in the order of the table."""
    wanted = set(disciplines)
    return [one.label for code, one in DISCIPLINES.items() if code in wanted]
