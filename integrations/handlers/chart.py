"""From a message's words about a person to the columns of a patient."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.hl7v2.adt import CLEARED, UNCHANGED, Address, AdtEvent
from integrations.services.inbound import plain
from integrations.services.keys import authority_of
from logistics.requests.models import Patient
from logistics.requests.services.patients import Identity

# HL7 table 0009 (ambulatory status), where no observation says more.
AMBULATORY = {"A0": "walks", "A1": "walks", "A2": "wheelchair", "A3": "lies", "B5": "wheelchair"}
ON_OXYGEN = "B1"
MOBILITY_WORDS = (
    ("lies", ("stretcher", "bedbound", "bed bound", "supine", "gurney", "lies", "lying", "litter", "comatose")),
    ("wheelchair", ("wheelchair", "wheel chair", "wc", "w/c", "chair")),
    ("walks", ("ambul", "walk", "independent")),
)
# The strictest comes first: it decides what the crew wears and who may ride along.
ISOLATION_WORDS = (
    ("airborne", ("airborne", "tubercul", "measles", "varicella", "aii")),
    ("droplet", ("droplet", "influenza", "pertussis", "covid")),
    ("contact", ("contact", "mrsa", "vre", "c diff", "c. diff", "cdiff", "enteric")),
)
NONE_WORDS = frozenset(("none", "no", "n", "off", "discontinued", "room air", "ra", "not needed", "standard"))


def identities(event: AdtEvent) -> list[Identity]:
    """Every identifier of PID-3, the one shown to people first."""
    ordered = [event.patient] if event.patient else []
    ordered += [one for one in event.patient_identifiers if one != event.patient]
    return [Identity(one.number, authority_of(one, event), one.type or "") for one in ordered]


def demographics(event: AdtEvent, patient: Patient | None, at: dt.datetime) -> tuple[dict[str, Any], list[str]]:
    """(columns of ``Patient`` that the message speaks of, warnings). Cleared fields become their empty value."""
    out: dict[str, Any] = {}
    warnings: list[str] = []
    for name, given in (("family_name", event.family), ("given_name", event.given), ("middle_name", event.middle)):
        _put(out, name, given, lambda text: text)
    _put(out, "birth_date", event.birth_date, lambda day: day.isoformat())
    _put(out, "sex", event.sex, lambda text: plain(text, 1).upper())
    _put(out, "language", event.language, lambda text: plain(text, 40))
    _put(out, "phone", event.phones, lambda phones: phones[0].number)
    if event.address is not UNCHANGED:
        out["address"] = _address(event.address)
    if event.is_deceased is not UNCHANGED:
        out["deceased"] = event.is_deceased is True
    if event.weight_lb is CLEARED:
        out |= {"weight_lb": None, "weight_at": None}
    elif isinstance(event.weight_lb, Decimal):
        pounds = int(event.weight_lb.quantize(Decimal(1), ROUND_HALF_UP))
        out["weight_lb"] = pounds
        if patient is None or patient.weight_lb != pounds:
            out["weight_at"] = at
    payer = event.payer_name if event.payer_name is not UNCHANGED else event.plan_name
    _put(out, "payer_name", payer, lambda text: plain(text, 80))
    _isolation(event, out, warnings)
    chart = _chart(event, dict(patient.chart) if patient else {}, warnings)
    if chart is not None:
        out["chart"] = chart
    return out, warnings


def _put(out: dict[str, Any], name: str, given: Any, read: Any) -> None:
    if given is UNCHANGED:
        return
    out[name] = "" if given is CLEARED else read(given)


def _address(given: Any) -> dict[str, str]:
    if not isinstance(given, Address):
        return {}
    return {
        "line": ", ".join(given.lines),
        "city": given.city or "",
        "state": given.state or "",
        "zip_code": given.zip or "",
    }


def _isolation(event: AdtEvent, out: dict[str, Any], warnings: list[str]) -> None:
    if event.isolation is UNCHANGED:
        return
    if event.isolation is CLEARED:
        out["isolation"] = ""
        return
    text = str(event.isolation).casefold()
    kind = next((kind for kind, words in ISOLATION_WORDS if any(word in text for word in words)), None)
    if kind is None and text.strip() not in NONE_WORDS:
        warnings.append("isolation_not_understood")
        return
    out["isolation"] = kind or ""


def _chart(event: AdtEvent, chart: dict[str, Any], warnings: list[str]) -> dict[str, Any] | None:
    """The chart with what the message adds, or None when it says nothing about it."""
    said = False
    statuses = event.ambulatory_status if isinstance(event.ambulatory_status, tuple) else ()
    if event.mobility is not UNCHANGED:
        said = True
        mobility = "" if event.mobility is CLEARED else mobility_of(str(event.mobility))
        if mobility is None:
            warnings.append("mobility_not_understood")
        else:
            chart["mobility"] = mobility
    elif statuses:
        found = next((AMBULATORY[code] for code in statuses if code in AMBULATORY), None)
        if found:
            said = True
            chart["mobility"] = found
    if event.oxygen_lpm is not UNCHANGED:
        said = True
        chart["oxygen_lpm"] = (
            str(event.oxygen_lpm) if isinstance(event.oxygen_lpm, Decimal) and event.oxygen_lpm else ""
        )
        chart["oxygen"] = bool(chart["oxygen_lpm"])
    if event.oxygen is not UNCHANGED:
        said = True
        has = event.oxygen is not CLEARED and str(event.oxygen).casefold().strip() not in NONE_WORDS
        chart["oxygen"] = has
        if not has:
            chart["oxygen_lpm"] = ""
    elif ON_OXYGEN in statuses and not chart.get("oxygen"):
        said = True
        chart["oxygen"] = True
    if event.comments:
        said = True
        chart["notes"] = "\n".join(event.comments)[:2000]
    return chart if said else None


def mobility_of(words: str) -> str | None:
    """How the patient moves, from a site's own words; None when they are not understood."""
    text = words.casefold()
    return next((kind for kind, found in MOBILITY_WORDS if any(_has(text, word) for word in found)), None)


def _has(text: str, word: str) -> bool:
    # Two-letter codes only as words of their own: "wc" is no part of anything else.
    return word in text.replace(",", " ").split() if len(word) <= 3 else word in text
