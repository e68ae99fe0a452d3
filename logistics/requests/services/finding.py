"""Searching people, with the trace that a search leaves."""

from __future__ import annotations

from logistics.core import audit
from logistics.requests.models import Patient
from logistics.requests.selectors.patients import patient_search


def find_patients(q: str, *, limit: int) -> list[Patient]:
    """Patients by three letters or more, MRN, birth date or phone; nothing for less.

    The audit entry holds the number of hits, never the words: they are a name.
    """
    q = q.strip()
    if len(q) < 3:
        return []
    found = patient_search(q, limit=limit)
    audit.record(action="patient.searched", purpose="treatment", details={"hits": len(found)})
    return found
