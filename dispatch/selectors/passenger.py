"""Who may know what of a passenger: one table of role by field, and the passenger as that role may see it.

Minimum necessary (45 CFR 164.502(b), 164.514(d)). ``see`` shows the field, ``mask`` a part of it, absence nothing.
A vendor's row is open only while its trip is (row-level security, ``migrations/0002_protect.py``); this table then
decides which fields of it a role gets.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from dispatch import policies
from dispatch.models import Leg, Passenger
from logistics.core.levels import LEVELS

ALL = "name birth mrn address phone places needs isolation payer price note pcs proof"


def _see(fields: str, mask: str = "") -> dict[str, str]:
    return {**dict.fromkeys(mask.split(), "mask"), **dict.fromkeys(fields.split(), "see")}


# Rows: roles of accounts/roles.py. ``pcs`` is whether a certification of medical necessity is shown as needed.
ROLE_FIELDS: dict[str, dict[str, str]] = {
    "case_manager": _see(ALL),
    "transport_coordinator": _see("name birth address phone places needs isolation payer price note pcs proof", "mrn"),
    "biller": _see("name birth mrn address phone places needs payer price pcs proof"),
    "payables": _see("price", "name places"),
    "quality": _see("places needs", "name"),
    "admin": _see("price", "name birth places"),
    "auditor": _see("places needs isolation payer price note proof", "name birth mrn address phone"),
    "vendor_dispatcher": _see("name address phone places needs isolation price note proof", "birth"),
    "vendor_admin": _see("name address phone places needs isolation price note proof", "birth"),
    "home_health": _see("name birth address phone places needs isolation price note proof"),
    "dme": _see("name address phone places needs price note proof"),
    "fleet_manager": _see("needs"),
    "driver": _see("address places needs isolation note", "name birth"),
}
# Who sees where the vehicle is; others get the expected time only.
POSITION_ROLES = {"transport_coordinator", "auditor", "vendor_dispatcher", "vendor_admin", "fleet_manager"}
# Ambulance crews and their dispatch need the whole identity for the run report (NEMSIS ePatient).
AMBULANCE_FIELDS = {"vendor_dispatcher", "vendor_admin", "driver"}

NEED_TONES = {"oxygen": "neutral"}
NEED_ICONS = {"oxygen": "wind", "oxygen_given": "wind", "stairs": "chevrons-up", "monitor": "activity"}


@dataclass(frozen=True)
class Shown:
    """A passenger as one role sees it; what it may not see is empty. ``tags`` are {text, tone, icon}."""

    name: str = ""
    born: str = ""
    age: str = ""
    mrn: str = ""
    phone: str = ""
    language: str = ""
    pickup: str = ""
    pickup_note: str = ""
    pickup_contact: str = ""
    pickup_address: str = ""
    dropoff: str = ""
    dropoff_address: str = ""
    dropoff_note: str = ""
    tags: list[dict[str, str]] = field(default_factory=list)
    payer: str = ""
    note: str = ""
    needs_pcs: bool = False
    show_price: bool = False
    show_proof: bool = False
    identified: bool = False

    @property
    def surname(self) -> str:
        """What fits on a schedule bar."""
        return self.name.partition(",")[0] or "Patient"


def fields_for(role: str, level: str) -> dict[str, str]:
    """Field → ``see`` or ``mask`` for ``role`` on a trip of ``level``."""
    allowed = dict(ROLE_FIELDS.get(role, {}))
    if role in AMBULANCE_FIELDS and LEVELS[level].needs_pcs:
        allowed |= {"name": "see", "birth": "see", "pcs": "see"}
    return allowed


def shown(
    passenger: Passenger | None, *, role: str, level: str, today: dt.date, mrn: str = "", leg: Leg | None = None
) -> Shown:
    """``passenger`` as ``role`` may see it. Without a row (a trip long over) only the zones of ``leg`` remain.

    ``today`` is the date at the pickup, which the age is counted to; ``mrn`` comes from the patient's own row,
    which only the health system can read.
    """
    allowed = fields_for(role, level)
    if passenger is None:
        zones = leg.load if leg is not None else {}
        return Shown(
            pickup=str(zones.get("pickup_zone", "")),
            dropoff=str(zones.get("dropoff_zone", "")),
            show_price="price" in allowed,
        )
    details = passenger.details
    pickup, destination = details.get("pickup") or {}, details.get("destination") or {}
    places = allowed.get("places")
    return Shown(
        name=_name(details, allowed.get("name"), crew=role == "driver"),
        born=_born(details, allowed.get("birth")),
        age=_age(details, today, allowed.get("birth")),
        mrn=mrn if allowed.get("mrn") == "see" else f"••{mrn[-2:]}" if mrn and "mrn" in allowed else "",
        phone=_phone(str(details.get("phone") or ""), allowed.get("phone")),
        language=str(details.get("language") or "") if "name" in allowed else "",
        pickup=_pickup(pickup, allowed),
        pickup_note=str(pickup.get("entrance") or "") if places == "see" else "",
        pickup_contact=str(pickup.get("contact") or "") if places == "see" else "",
        pickup_address=_pickup_address(pickup, allowed),
        dropoff=_destination(destination, allowed),
        dropoff_address=_address(destination, allowed.get("address")),
        dropoff_note=str(destination.get("note") or "") if allowed.get("address") == "see" else "",
        tags=_tags(details, allowed, leg.isolation if leg is not None else str(details.get("isolation") or "")),
        payer=str(details.get("payer_name") or "") if "payer" in allowed else "",
        note=str(details.get("driver_note") or "") if "note" in allowed else "",
        needs_pcs="pcs" in allowed and LEVELS[level].needs_pcs,
        show_price="price" in allowed,
        show_proof="proof" in allowed,
        identified=allowed.get("name") == "see" or "birth" in allowed,
    )


def _name(details: dict[str, Any], how: str | None, *, crew: bool) -> str:
    family, given = str(details.get("family_name") or ""), str(details.get("given_name") or "")
    if how == "see":
        return ", ".join(part for part in (family, given) if part) or "Name unknown"
    if how == "mask" and crew:
        return " ".join(part for part in (given, f"{family[:1]}." if family else "") if part) or "Name unknown"
    if how == "mask":
        return " ".join(f"{part[:1]}." for part in (given, family) if part)
    return ""


def _birth_date(details: dict[str, Any]) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(details.get("birth_date") or ""))
    except ValueError:
        return None


def _born(details: dict[str, Any], how: str | None) -> str:
    born = _birth_date(details)
    if born is None or how is None:
        return ""
    return f"{born:%m/%d/%Y}" if how == "see" else ""


def _age(details: dict[str, Any], today: dt.date, how: str | None) -> str:
    """Whole years; without the birth date one group from 90 on (45 CFR 164.514(b)(2)(i)(C): higher ages identify)."""
    born = _birth_date(details)
    if born is None or how is None:
        return ""
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return "90 or over" if years >= 90 and how == "mask" else str(years)


def _phone(phone: str, how: str | None) -> str:
    if how == "see":
        return phone
    return f"••• {phone[-4:]}" if phone and how == "mask" else ""


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(str(value[key]) for key in ("line", "city", "state", "zip_code") if value.get(key))
    return str(value or "")


def _line(place: dict[str, Any], how: str | None, *keys: str) -> str:
    if how is None:
        return ""
    wanted = keys if how == "see" else keys[:2]
    parts = [str(place[key]) for key in wanted if place.get(key)]
    if how == "see" and place.get("bed") and "bed" in keys:
        parts[-1] = f"bed {parts[-1]}" if not parts[-1].lower().startswith("bed") else parts[-1]
    return ", ".join(parts)


def _pickup(pickup: dict[str, Any], allowed: dict[str, str]) -> str:
    """The unit and bed, or the place; an address that is somebody's own only where a destination's would be shown."""
    if pickup.get("private"):
        return _destination(pickup, allowed)
    return _line(pickup, allowed.get("places"), "facility", "name", "unit", "bed")


def _pickup_address(pickup: dict[str, Any], allowed: dict[str, str]) -> str:
    if pickup.get("private"):
        return _address(pickup, allowed.get("address"))
    return _text(pickup.get("address") or pickup) if allowed.get("places") == "see" else ""


def _destination(destination: dict[str, Any], allowed: dict[str, str]) -> str:
    """The place's name; of a home only that it is one, unless the address may be seen."""
    name = str(destination.get("name") or "")
    if "places" in allowed and name:
        return name
    return _address(destination, allowed.get("address"))


def _address(destination: dict[str, Any], how: str | None) -> str:
    if how == "see":
        return _text(destination)
    if how == "mask":
        zip3 = str(destination.get("zip_code") or "")[:3]
        return ", ".join(part for part in (str(destination.get("city") or ""), f"{zip3}••" if zip3 else "") if part)
    return ""


def _tags(details: dict[str, Any], allowed: dict[str, str], isolation: str) -> list[dict[str, str]]:
    tags = []
    if "needs" in allowed:
        weight = details.get("weight_lb")
        if weight:
            tags.append(_tag(f"{weight} lb", "warn" if int(weight) > 300 else "neutral", "weight"))
        flow = details.get("oxygen_lpm")
        for code in details.get("needs") or []:
            for words in policies.need_words([code], flow):
                tone, icon = NEED_TONES.get(code, "warn"), NEED_ICONS.get(code, "info")
                tags.append(_tag(words[:1].upper() + words[1:], tone, icon))
        companions = details.get("companions") or 0
        if companions:
            tags.append(_tag(f"{companions} riding along", "neutral", "users"))
        tags += [_tag(words, "warn", "info") for words in details.get("access") or []]
    if "note" in allowed:
        # Names of others: for whoever reads the note to the driver, because they hand the patient over.
        tags += [_tag(words, "neutral", "users") for words in details.get("people") or []]
    if "isolation" in allowed and isolation:
        # What to wear, not what the patient has (CDC transmission-based precautions).
        text = policies.ISOLATION_WORDS.get(isolation, "Ask the unit which precautions apply")
        tags.append(_tag(text, "bad", "triangle-alert"))
    return tags


def _tag(text: str, tone: str, icon: str) -> dict[str, str]:
    return {"text": text, "tone": tone, "icon": icon}
