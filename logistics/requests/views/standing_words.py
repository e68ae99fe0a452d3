"""A series in the words of its pages: ends, dates, and the state of what was made of them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from logistics.core import clock
from logistics.core.levels import LEVELS
from logistics.requests.models import ClosedDay, StandingOrder, StandingVersion
from logistics.requests.selectors.standing import DateRides
from logistics.requests.services import advice, recurrence, standing_plan
from logistics.requests.services.standing_plan import Checked, Planned, Series
from logistics.requests.services.standing_spec import end_words


def series_of(order: StandingOrder, closed: list[ClosedDay]) -> Series:
    """The series of an order that the selector read with its parts."""
    own = {version.place_id for version in order.version_rows}  # type: ignore[attr-defined]
    days = [row for row in closed if row.place_id in own]
    return Series(order, order.version_rows, order.exception_rows, days)  # type: ignore[attr-defined]


def pattern(version: StandingVersion) -> str:
    """``Mon, Wed, Fri, chair 05:30``."""
    what = "chair" if version.timing == "arrive" else "pickup"
    return f"{recurrence.words(version.rule)}, {what} {version.local_time:%H:%M}"


def way(version: StandingVersion, order: StandingOrder) -> tuple[str, str]:
    """(from, to) as a list names them."""
    template = version.template
    unit = f"{order.facility.short_name}, {order.unit.name}" if order.unit else order.facility.short_name
    outset = version.pickup_place.name if version.pickup_place else ""
    start = end_words(version.pickup_kind, outset, template.get("pickup") or {}, unit)
    return start, end_words(
        version.destination_kind, version.place.name if version.place else "", template.get("destination") or {}
    )


def asked(version: StandingVersion, order: StandingOrder, vendors: dict[UUID, str]) -> list[dict[str, str]]:
    """What a version asks for, as pairs."""
    start, goal = way(version, order)
    template = version.template
    known = vendors.get(order.preferred_vendor_id, "") if order.preferred_vendor_id else ""
    back = "No ride back"
    if version.return_kind:
        hours = (version.return_minutes or 0) / 60
        after = f"{hours:g} h after the {'chair time' if version.timing == 'arrive' else 'pickup'}"
        back = f"At a time, {after}" if version.return_kind == "at" else f"When ready, about {after}"
    lead = f"{version.lead_minutes} min before" if version.timing == "arrive" else ""
    pairs = [
        ("Days", pattern(version), dict(StandingVersion.HOLIDAYS)[version.holiday_rule] + " on a holiday"),
        ("Pickup", start, lead),
        ("Destination", goal, ""),
        ("Ride back", back, version.return_owner_name and f"{version.return_owner_name} says when"),
        ("Travels", version.get_mobility_display(), ", ".join(_needs(template))),
        ("Level", LEVELS[version.level].label, version.level_override_reason or version.level_reason),
        ("Who pays", str(template.get("payer_name") or ""), ""),
        ("Vendor the patient knows", known, ""),
        ("Note to driver", str(template.get("driver_note") or ""), ""),
    ]  # fmt: skip
    return [{"label": label, "value": value, "note": note} for label, value, note in pairs if value]


def _needs(template: dict[str, Any]) -> list[str]:
    words = [dict(advice.NEEDS).get(need, need) for need in template.get("needs") or []]
    return [*words, f"{template['oxygen_lpm']} L per min"] if template.get("oxygen_lpm") else words


def date_row(one: Checked, zone: str, made: DateRides | None = None) -> dict[str, Any]:
    """One date of a table."""
    occurrence = one.planned.occurrence
    happens = occurrence.moment_utc is not None
    warnings = [f"Another ride at {at}" for at in one.conflicts]
    if not one.certified:
        warnings.append(one.certificate)
    if None in one.unit_nos:
        warnings.append(one.units)
    return {
        "on": occurrence.on,
        "day": occurrence.day,
        "happens": happens,
        "time": f"{occurrence.local_time:%H:%M}",
        "shown_time": f"{clock.local(occurrence.moment_utc, zone):%H:%M}" if occurrence.moment_utc else "",
        "zone": f"{clock.local(occurrence.moment_utc, zone):%Z}" if occurrence.moment_utc else "",
        "pickup": _clock(one.pickup_at, zone),
        "back": _clock(one.back_at, zone),
        "back_ready": one.planned.version.return_kind == "ready",
        "note": occurrence.note,
        "edited": occurrence.edited,
        "exception": one.planned.exception,
        "warnings": warnings,
        "units": "" if None in one.unit_nos else one.units,
        "certificate": one.certificate if one.certified else "",
        "rides": [_ride(direction, made) for direction in one.planned.directions] if made is not None else [],
        "waits": made is not None and any(request.status == "draft" for request, _ in made.rides.values()),
        "canceled": made is not None and any(request.status == "canceled" for request, _ in made.rides.values()),
    }


def _ride(direction: str, made: DateRides) -> dict[str, Any]:
    word = "There" if direction == "out" else "Back"
    if direction not in made.rides:
        return {"word": word, "status": "planned", "detail": "", "why": ""}
    request, detail = made.rides[direction]
    why = ""
    if request.status == "pending":
        why = "; ".join(gate.reason for gate in request.gates.all() if gate.state == "open")
    elif request.status == "held":
        why = {"patient_admitted": "Patient was admitted", "standing_suspended": "Series is suspended"}.get(
            request.hold_reason, request.hold_reason.replace("_", " ")
        )
    elif request.status == "draft":
        why = "Another level is advised" if detail is not None and not detail.level else "Another ride is near"
    changed = "changed by hand" if request.human_edited and request.status != "draft" else ""
    return {"word": word, "status": request.status, "detail": changed, "why": why}


def dates_of(
    series: Series, first: dt.date, until: dt.date, made: dict[dt.date, DateRides] | None
) -> list[dict[str, Any]]:
    """Rows of every date in a window; ``made`` None for a preview."""
    zone = series.order.facility.time_zone
    rows = standing_plan.checked(series, first, until)
    if made is None:
        return [date_row(one, zone) for one in rows]
    return [date_row(one, zone, made.get(one.planned.occurrence.on, DateRides())) for one in rows]


def _clock(moment: dt.datetime | None, zone: str) -> str:
    return f"{clock.local(moment, zone):%H:%M}" if moment is not None else ""


def checked_one(one: Planned) -> Checked:
    """One date with its times, without what stands against it."""
    pickup_at, back_at = standing_plan.times(one)
    return Checked(one, pickup_at, back_at)
