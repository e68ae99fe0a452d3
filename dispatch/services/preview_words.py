"""The preview of a booking in words: times on both clocks, ends, what the crew is told, the button. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from dispatch import policies
from dispatch.services.itinerary import Itinerary, PlannedRide
from logistics.accounts.models import Facility
from logistics.core import clock
from logistics.requests.models import Patient
from logistics.requests.services.places import Destination


def times(ride: PlannedRide) -> str:
    """``Pickup 13:05 CST, to be there by 14:00 EST``; days where they differ from the pickup's or from today."""
    if ride.pickup_at is None:
        return "No time yet"
    here, there = ride.start.location.zone, ride.end.location.zone
    pickup = clock.local(ride.pickup_at, here)
    today = clock.today(here)
    when = "When ready, about " if ride.fields.get("when") == "ready" else "Pickup "
    words = f"{when}{_day(pickup.date(), today)}{pickup:%H:%M} {pickup:%Z}"
    target = ride.arrive_by_at or ride.arrives_at
    if target is None:
        return words
    arrival = clock.local(target, there)
    said = "to be there by" if ride.arrive_by_at is not None else "there about"
    return f"{words}, {said} {_day(arrival.date(), pickup.date())}{arrival:%H:%M} {arrival:%Z}"


def ends(ride: PlannedRide) -> str:
    """``Lakeshore Medical Center to Home``."""
    return f"{_short(_name(ride.start))} to {_short(_name(ride.end))}"


def ride_label(link: str, number: int) -> str:
    """What one ride of a journey is called, by its ``link``; ``number`` counts from 0."""
    if link == "return":
        return "Return"
    return "Way there" if not number else f"To stop {number + 1}"


def stops(laid: Itinerary, fields: dict[str, Any], facility: Facility | None) -> list[dict[str, Any]]:
    """The ends of the rides as stops of a map, each once."""
    first = laid.first
    if first is None:
        return []
    at_unit = not fields.get("pickup_kind") and facility is not None
    label = facility.short_name if at_unit and facility is not None else _short(_name(first.start))
    found = [_stop(first.start, label, "facility" if at_unit else "")]
    for ride in laid.rides:
        if ride.link != "return":
            found.append(_stop(ride.end, _short(_name(ride.end)), ""))
    return found


def remarks(fields: dict[str, Any], patient: Patient | None) -> list[str]:
    """What the crew is told and what follows from it, beyond level and fit."""
    needs = set(fields.get("needs") or [])
    isolation = (patient.isolation if patient else "") if needs & {"isolation", "airborne"} else ""
    words = []
    if "airborne" in needs or isolation == "airborne":
        words.append("Rides alone. The crew wears N95 masks; the vehicle is aired before its next patient.")
    elif "isolation" in needs:
        words.append("Rides alone. The crew wears gown and gloves; the vehicle is cleaned before its next patient.")
    if fields.get("service_animal"):
        # 49 CFR 37.167(d): service animals ride with their owner.
        words.append("A service animal rides along; the vendor may not refuse it.")
    if "interpreter" in needs:
        language = patient.language if patient and patient.language else ""
        words.append(f"The crew is told to use an interpreter{f' for {language}' if language else ''}.")
    if "behavior" in needs:
        words.append("A second crew member comes for behavior.")
    return words


def button(laid: Itinerary, fields: dict[str, Any], amount: Decimal | None) -> str:
    """The outcome on the button: ``Book for 14:30 · $64``, ``Book 2 rides for 14:30 · $128``."""
    count = len(laid.rides)
    words = f"Book {count} rides" if count > 1 else "Book"
    first = laid.first
    when = fields.get("when")
    at = first.pickup_at if first is not None else fields.get("pickup_at")
    if when == "now":
        words += " for now" if count <= 1 else ", the first now"
    elif when == "ready":
        words += ", will call"
    elif at is not None and first is not None:
        local = clock.local(at, first.start.location.zone)
        words += f" for {_day(local.date(), clock.today(first.start.location.zone))}{local:%H:%M}"
    if amount is not None:
        words += f" · ${amount.quantize(Decimal(1))}"
    return words


def listed(words: Iterable[str]) -> str:
    """``a, b and c``; empty for nothing."""
    parts = list(words)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def buffer_words() -> str:
    """Why a ride that must arrive by a time is asked for earlier."""
    return f"{policies.ARRIVE_BUFFER_MINUTES} min are kept for a pickup that is late by contract terms."


def _day(day: dt.date, known: dt.date) -> str:
    return "" if day == known else f"{day:%a} {day.day} {day:%b}, "


def _name(place: Destination) -> str:
    return "Home" if place.kind == "home" else place.name


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23].rstrip()}…"


def _stop(place: Destination, label: str, kind: str) -> dict[str, Any]:
    return {"lat": place.location.lat, "lon": place.location.lon, "label": label, "kind": kind}
