"""What booking a ride would lead to, before it is booked: level, way, price, vendors in order. Writes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dispatch import policies
from dispatch.models import Leg, Trip
from dispatch.services import intake, matching
from dispatch.solver.problem import Stop
from dispatch.solver.solve import solve
from logistics.accounts.models import Facility
from logistics.core import clock
from logistics.core.levels import LEVELS, satisfies
from logistics.core.scoping import current_tenant_id
from logistics.requests.models import Patient
from logistics.requests.services import advice, booking
from logistics.requests.services.advice import Advice
from logistics.requests.services.places import Destination
from vendors.models import Contract
from vendors.pricing import Terms, quote

MOST_VENDORS = 6


@dataclass(frozen=True)
class Way:
    """Road miles to a tenth, driving minutes at the hour of the pickup, and when that is."""

    miles: Decimal
    minutes: int
    depart_at: dt.datetime


@dataclass(frozen=True)
class LevelRow:
    """One level considered: ``amount`` is the lowest contract price for this way, None without a contract."""

    code: str
    label: str
    fits: bool
    why: str
    chosen: bool
    amount: Decimal | None


@dataclass(frozen=True)
class VendorRow:
    """A vendor in the order of asking; ``on_time`` is a share with its ``n``, None without a record."""

    name: str
    pickup_at: dt.datetime
    amount: Decimal
    on_time: float | None
    n: int
    verdict: str

    @property
    def note(self) -> str:
        """``96% on time (n = 48)``; a figure never stands on nothing."""
        return f"{self.on_time:.0%} on time (n = {self.n})" if self.on_time is not None else "No record here yet"


@dataclass
class Preview:
    """All that the aside shows. ``missing`` names the answers that are still needed for it."""

    missing: list[str] = field(default_factory=list)
    advice: Advice | None = None
    level: str = ""
    overridden: bool = False
    too_low: bool = False
    way: Way | None = None
    levels: list[LevelRow] = field(default_factory=list)
    vendors: list[VendorRow] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    nobody: str = ""
    response_minutes: int = 0
    amount: Decimal | None = None
    button: str = "Book"
    line: str = ""
    stops: list[dict[str, Any]] = field(default_factory=list)

    @property
    def definition(self) -> Any:
        """The chosen level's row, or None."""
        return LEVELS.get(self.level)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The way as a line on the map."""
        points = [(stop["lat"], stop["lon"]) for stop in self.stops]
        return [{"points": points, "style": "driven"}] if len(points) > 1 else []

    @property
    def map_label(self) -> str:
        """The map as a sentence."""
        if self.way is None or not self.stops:
            return "Map"
        return f"{self.stops[0]['label']} to {self.stops[1]['label']}, {self.way.miles} miles"


def way_of(fields: dict[str, Any], facility: Facility | None) -> Way | None:
    """The way from the facility to the destination, or None while one of them is not known."""
    destination = fields.get("destination")
    if facility is None or not isinstance(destination, Destination):
        return None
    depart_at = _pickup_at(fields)
    here = Stop(facility.latitude, facility.longitude)
    there = Stop(destination.location.lat, destination.location.lon)
    miles, minutes = intake.way(here, there, depart_at, facility.time_zone)
    return Way(miles, minutes, depart_at)


def preview(fields: dict[str, Any], *, patient: Patient | None, facility: Facility | None, level: str = "") -> Preview:
    """What these answers (``BookingForm.ride``) would lead to; ``level`` is the person's own choice, if any."""
    shown = Preview(way=way_of(fields, facility))
    destination = fields.get("destination")
    if facility is not None and isinstance(destination, Destination):
        shown.stops = _stops(facility, destination)
    mobility = fields.get("mobility")
    if not isinstance(destination, Destination):
        shown.missing.append("the destination")
    if not fields.get("when") or fields["when"] != "now" and _asked_at(fields) is None:
        shown.missing.append("the pickup time")
    if not mobility:
        shown.missing.append("how the patient travels")
    else:
        given = booking.advise_for(fields, patient or Patient(), minutes=shown.way.minutes if shown.way else None)
        shown.advice = given
        shown.level = level if level in LEVELS else given.level
        shown.overridden = shown.level != given.level
        shown.too_low = not satisfies(shown.level, given.required)
    _price(shown, fields, patient, facility)
    shown.button = _button(shown, fields, facility)
    shown.line = _line(shown, facility)
    return shown


def _price(shown: Preview, fields: dict[str, Any], patient: Patient | None, facility: Facility | None) -> None:
    if shown.advice is None:
        return
    if facility is None or shown.way is None:
        shown.levels = _levels(shown, {}, None)
        return
    trip, leg = _unsaved(shown, fields, patient, facility)
    question = matching.ask([trip], legs=[leg])
    in_force = next(iter(question.contracts.values()), {})
    usable = [row for row in in_force.values() if question.networks[row.vendor_id].status == "active"]
    shown.levels = _levels(shown, {row.pk: row for row in usable}, shown.way.miles)
    if shown.missing:
        return
    problem = question.problems[0]
    body = matching.readable(question, trip, solve(problem).explanations[str(trip.pk)])
    for row in body["vendors"][:MOST_VENDORS]:
        shown.vendors.append(
            VendorRow(
                name=row["name"],
                pickup_at=dt.datetime.fromisoformat(row["pickup_at"]),
                amount=Decimal(row["price_amount"]),
                on_time=row["on_time_rate"],
                n=row["on_time_n"],
                verdict=row["verdict"],
            )
        )
    shown.refused = [{"name": row["name"], "text": row["text"]} for row in body["refused"]]
    if body["vendors"]:
        shown.amount = shown.vendors[0].amount
        first = next((c for c in usable if str(c.vendor_id) == body["vendors"][0]["vendor_id"]), None)
        shown.response_minutes = first.response_minutes if first else 0
    else:
        shown.nobody = body["summary"]


def _unsaved(shown: Preview, fields: dict[str, Any], patient: Patient | None, facility: Facility) -> tuple[Trip, Leg]:
    """The trip and leg that a booking would make, never stored."""
    assert shown.way is not None
    destination: Destination = fields["destination"]
    pickup_at = shown.way.depart_at
    when = fields.get("when") or "now"
    weight = fields.get("weight_lb")
    oxygen = fields.get("oxygen_lpm")
    trip = Trip(
        tenant_id=current_tenant_id(),
        facility=facility,
        level=shown.level,
        status="matching",
        when=when,
        pickup_at=pickup_at,
        pickup_latest_at=policies.window_end(when, pickup_at),
        time_zone=facility.time_zone,
        destination_zone=destination.location.zone,
    )
    needs = list(fields.get("needs") or [])
    isolation = (patient.isolation if patient else "") or ("airborne" if "airborne" in needs else "")
    required, _ = advice.required_capabilities(
        mobility=fields["mobility"],
        needs=needs,
        oxygen_lpm=oxygen,
        weight_lb=weight,
        isolation=isolation,
        minutes=shown.way.minutes,
    )
    load = policies.load_of(
        level=shown.level, mobility=fields["mobility"], weight_lb=weight, companions=fields.get("companions") or 0
    )
    leg = Leg(
        trip=trip,
        pickup_latitude=facility.latitude,
        pickup_longitude=facility.longitude,
        dropoff_latitude=destination.location.lat,
        dropoff_longitude=destination.location.lon,
        miles=shown.way.miles,
        minutes=shown.way.minutes,
        load={
            **load,
            "width_in": None,
            "oxygen_lpm": float(oxygen) if oxygen is not None else None,
            "patient_lb": weight,
            "needs": needs,
        },
        requires=sorted(required),
        isolation=isolation or ("contact" if "isolation" in needs else ""),
    )
    return trip, leg


def _levels(shown: Preview, contracts: dict[Any, Contract], miles: Decimal | None) -> list[LevelRow]:
    """Every level with its lowest price in force; those that nobody offers only when they are the answer."""
    assert shown.advice is not None
    prices: dict[str, Decimal] = {}
    if miles is not None:
        for contract in contracts.values():
            for rate in contract.rates.all():
                amount = quote(Terms.of(rate), miles).total
                prices[rate.level] = min(amount, prices.get(rate.level, amount))
    rows = []
    for row in shown.advice.considered:
        chosen = row.level == shown.level
        if prices and row.level not in prices and not chosen and not row.chosen:
            continue
        why = row.why if not (chosen and shown.overridden) else "Your choice"
        rows.append(LevelRow(row.level, row.definition.label, row.fits, why, chosen, prices.get(row.level)))
    return rows


def _stops(facility: Facility, destination: Destination) -> list[dict[str, Any]]:
    return [
        {"lat": facility.latitude, "lon": facility.longitude, "label": facility.short_name, "kind": "facility"},
        {
            "lat": destination.location.lat,
            "lon": destination.location.lon,
            "label": "Home" if destination.kind == "home" else _short(destination.name),
            "kind": "",
        },
    ]


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23].rstrip()}…"


def _asked_at(fields: dict[str, Any]) -> dt.datetime | None:
    return fields.get("pickup_at") or fields.get("ready_expected_at")


def _pickup_at(fields: dict[str, Any]) -> dt.datetime:
    asked = _asked_at(fields)
    return max(asked, clock.now()) if asked is not None else clock.now()


def _button(shown: Preview, fields: dict[str, Any], facility: Facility | None) -> str:
    when = fields.get("when")
    words = "Book"
    at = _asked_at(fields)
    if when == "now":
        words = "Book for now"
    elif when == "ready":
        words = "Book, will call"
    elif at is not None and facility is not None:
        local = clock.local(at, facility.time_zone)
        day = "" if local.date() == clock.today(facility.time_zone) else f"{local:%a} {local.day} {local:%b}, "
        words = f"Book for {day}{local:%H:%M}"
    if shown.amount is not None:
        words += f" · ${shown.amount.quantize(Decimal(1))}"
    return words


def _line(shown: Preview, facility: Facility | None) -> str:
    """The preview in one sentence, for people who listen to the page."""
    if shown.missing:
        return f"For a preview choose {listed(shown.missing)}."
    parts = [shown.definition.label] if shown.definition else []
    if shown.way:
        parts.append(f"{shown.way.miles} miles, {shown.way.minutes} minutes")
    if shown.vendors and facility is not None:
        first = shown.vendors[0]
        parts.append(f"{first.name} at {clock.local(first.pickup_at, facility.time_zone):%H:%M} for ${first.amount}")
    elif shown.nobody:
        parts.append(shown.nobody)
    return ". ".join(parts) + "."


def listed(words: Iterable[str]) -> str:
    """``a, b and c``."""
    parts = list(words)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
