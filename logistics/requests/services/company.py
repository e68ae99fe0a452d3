"""Who must not ride or be left alone, and who is with them.

A minor, and a patient whom the unit marks as never left alone, as a wander risk or as needing a second crew for
behavior, is handed from one named person to another: somebody rides along, or somebody takes over at the door.
Contract practice in patient transport, and the age of majority in most states; a state that differs is stricter.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from logistics.requests.models import Patient
from logistics.requests.selectors.identity import born_on, years

ADULT_YEARS = 18
HANDED_OVER = {
    "never_alone": "is never left alone",
    "wander": "may wander off",
    "behavior": "needs somebody known at the hand-over",
}


def reason(needs: list[str], patient: Patient | None, on: dt.date) -> str:
    """Why somebody must be with this patient on that day, as the rest of a sentence; empty when nobody must."""
    born = born_on(patient) if patient is not None else None
    if born is not None and years(born, on) < ADULT_YEARS:
        return f"is {years(born, on)} years old"
    return next((words for need, words in HANDED_OVER.items() if need in needs), "")


def problems(fields: dict[str, Any], patient: Patient | None, on: dt.date) -> dict[str, str]:
    """What is missing: the name of an escort for a minor, of an escort or a receiver for the others."""
    why = reason(list(fields.get("needs") or []), patient, on)
    escort, receiver = str(fields.get("escort_name") or "").strip(), str(fields.get("receiver_name") or "").strip()
    if not why or escort:
        return {}
    if why.startswith("is ") and why.endswith("years old"):
        return {"escort_name": f"The patient {why}: write the name of the adult who rides along."}
    if receiver:
        return {}
    return {"escort_name": f"The patient {why}: write who rides along, or who takes over at the door."}


def riding_along(fields: dict[str, Any]) -> int:
    """Seats for people beside the patient: a named escort has one even if nobody counted."""
    return max(int(fields.get("companions") or 0), 1 if str(fields.get("escort_name") or "").strip() else 0)
