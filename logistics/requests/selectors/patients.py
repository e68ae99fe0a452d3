"""Finding patients by what a person at a desk knows. Names and numbers are sealed, so search goes by blind tokens."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.db.models import Prefetch

from logistics.core import crypto, scoping
from logistics.requests.models import Encounter, Patient, PatientToken

SHORTEST, LONGEST = 3, 10
_DATE_FORMS = ("%Y-%m-%d", "%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
_POOL = 200


def name_parts(*names: str) -> list[str]:
    """The words of names in one spelling: no accents, no case, letters and digits only."""
    parts = []
    for name in names:
        plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
        parts += [word for piece in re.split(r"[\s\-]+", plain.casefold()) if (word := re.sub(r"\W|_", "", piece))]
    return parts


def name_prefixes(*names: str) -> set[str]:
    """What the index holds of a name: each part's beginnings of 3 to 10 letters; a shorter part as it is."""
    return {part[:size] for part in name_parts(*names) for size in range(min(SHORTEST, len(part)), LONGEST + 1)}


def mrn_form(value: str) -> str:
    """An identifier in the one spelling that is indexed."""
    return re.sub(r"[\s\-]", "", value).upper()


def phone_form(value: str) -> str:
    """The last ten digits of a telephone number, or nothing when it has fewer than seven."""
    digits = re.sub(r"\D", "", value)
    return digits[-10:] if len(digits) >= 7 else ""


def date_form(text: str) -> str:
    """A typed date as ISO, or nothing. A two-digit year that would lie ahead belongs to the last century."""
    for form in _DATE_FORMS:
        try:
            day = dt.datetime.strptime(text.strip(), form).date()
        except ValueError:
            continue
        if form.endswith("%y") and day > dt.date.today():
            day = day.replace(year=day.year - 100)
        return day.isoformat()
    return ""


def token(kind: str, value: str) -> bytes:
    """The blind token of one search value for the open scope's health system."""
    return crypto.blind(value, tenant_id=scoping.current_tenant_id(), kind=kind)


def patient_search(q: str, *, unit_ids: Iterable[UUID] | None = None, limit: int = 20) -> list[Patient]:
    """Patients by three letters or more of a family or given name, MRN, birth date or phone number.

    Several words must all fit. ``unit_ids`` keeps only patients who are in those units now. People in the
    house come first, then who was registered last, each by name. Each patient carries ``open_encounters`` (latest
    first, with unit and bed). Three queries at most; an empty list for less than three letters.
    """
    tokens = list(_alternatives(q))
    if not tokens:
        return []
    house = Encounter.objects.filter(status__in=["in_house", "on_leave"]).select_related("unit", "bed", "facility")
    # Semi-joins: a patient is one row however many tokens fit, and no sealed column has to be compared.
    rows = Patient.objects.all()
    for alternative in tokens:
        rows = rows.filter(pk__in=PatientToken.objects.filter(token__in=alternative).values("patient_id"))
    here = house if unit_ids is None else house.filter(unit_id__in=list(unit_ids))
    stays = Prefetch("encounters", queryset=house.order_by("-created_at"), to_attr="open_encounters")
    # Names are sealed, so the database cannot sort by them: bounded pools are sorted here. Keys grow with time, so
    # the newest of thousands are read off the index of the tokens.
    found = _by_name(rows.filter(pk__in=here.values("patient_id")).prefetch_related(stays).order_by("-pk")[:_POOL])
    if unit_ids is None and len(found) < limit:
        known = {patient.pk for patient in found}
        others = [patient for patient in rows.order_by("-pk")[:_POOL] if patient.pk not in known]
        for patient in others:
            patient.open_encounters = []  # type: ignore[attr-defined]
        found += _by_name(others)
    return found[:limit]


def _by_name(patients: Iterable[Patient]) -> list[Patient]:
    return sorted(patients, key=lambda patient: (patient.family_name, patient.given_name))


def _alternatives(q: str) -> Iterator[Sequence[bytes]]:
    """For each condition that must hold, the tokens of which one must be there."""
    q = " ".join(q.split())
    day = date_form(q)
    if day:
        yield [token("dob", day)]
        return
    if any(char.isdigit() for char in q):
        phone = phone_form(q)
        yield [token("mrn", mrn_form(q)), *([token("phone", phone)] if phone else [])]
        return
    words = name_parts(q)
    if not any(len(word) >= SHORTEST for word in words):
        return
    for word in words:
        yield [token("name", word[:LONGEST])]
