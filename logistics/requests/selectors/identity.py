"""A patient in a few words: age, sex, birth date, and the option of a picker."""

from __future__ import annotations

import datetime as dt
from typing import Any

from logistics.core import clock
from logistics.requests.models import Patient


def patient_option(patient: Patient) -> dict[str, Any]:
    """A patient as an option: name and bed in the field, identity below."""
    stays = getattr(patient, "open_encounters", None) or []
    bed = stays[0].bed.label if stays and stays[0].bed else ""
    parts = (patient.display_name, bed, f"MRN {patient.mrn}" if patient.mrn else "")
    return {"value": str(patient.pk), "text": " · ".join(filter(None, parts)), "note": identity(patient)}


def identity(patient: Patient, *, today: dt.date | None = None) -> str:
    """``81 F, born 03/14/1945``."""
    born = born_on(patient)
    age = years(born, today or clock.now().date()) if born else None
    parts = [" ".join(part for part in (str(age) if age is not None else "", patient.sex) if part)]
    if born:
        parts.append(f"born {born:%m/%d/%Y}")
    return ", ".join(part for part in parts if part)


def born_on(patient: Patient) -> dt.date | None:
    """The birth date, or None when the chart has none that can be read."""
    try:
        return dt.date.fromisoformat(patient.birth_date[:10])
    except ValueError:
        return None


def years(born: dt.date, today: dt.date) -> int:
    """Age in whole years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
