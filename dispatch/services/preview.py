"""What booking a ride would lead to, before it is booked: level, ways, price, vendors in order. Writes nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch.models import Leg, Trip
from dispatch.services import fit_supply, intake, itinerary, matching, planning, preview_words
from dispatch.services.itinerary import Itinerary, PlannedRide
from dispatch.services.matching import Question
from dispatch.services.preview_rows import LevelRow, RideRow, VendorRow, estimates, levels, saving
from dispatch.services.router import Way, basis_words
from dispatch.solver.solve import solve
from logistics.accounts.models import Facility
from logistics.core import clock
from logistics.core.levels import LEVELS, satisfies
from logistics.core.scoping import current_tenant_id
from logistics.requests.models import Patient
from logistics.requests.selectors import repetitive
from logistics.requests.services import approvals, fit, oxygen, ride_rows, transfers
from logistics.requests.services.advice import Advice
from logistics.requests.services.fit import FitResult
from logistics.requests.services.journeys import Plan
from logistics.requests.services.places import Destination
from vendors.models import Contract

MOST_VENDORS = 6


@dataclass
class Preview:
    """All that the aside shows. ``missing`` names the answers that are still needed for it."""

    missing: list[str] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    itinerary: Itinerary = field(default_factory=Itinerary)
    overridden: bool = False
    too_low: bool = False
    levels: list[LevelRow] = field(default_factory=list)
    vendors: list[VendorRow] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    rides: list[RideRow] = field(default_factory=list)
    fits: list[FitResult] = field(default_factory=list)
    air: oxygen.Supply | None = None
    fleet: str = ""
    remarks: list[str] = field(default_factory=list)
    gates: list[str] = field(default_factory=list)
    nobody: str = ""
    response_minutes: int = 0
    amount: Decimal | None = None
    button: str = "Book"
    line: str = ""
    stops: list[dict[str, Any]] = field(default_factory=list)

    @property
    def advice(self) -> Advice | None:
        """The advice for the longest of the rides."""
        return self.itinerary.advice

    @property
    def level(self) -> str:
        """The level that is booked: the advice's, or a person's choice."""
        return self.itinerary.level

    @property
    def definition(self) -> Any:
        """The chosen level's row, or None."""
        return LEVELS.get(self.level)

    @property
    def way(self) -> Way | None:
        """The way of the first ride, None while one of its ends is not known."""
        first = self.itinerary.first
        return first.way if first else None

    @property
    def times(self) -> str:
        """When the first ride leaves, and for an arrival when it is there, on the clocks of both ends."""
        first = self.itinerary.first
        return preview_words.times(first) if first and first.pickup_at else ""

    @property
    def rules(self) -> list[str]:
        """The rules that pass a level over, with their sources, each once."""
        return list(dict.fromkeys(row.rule for row in self.levels if row.rule and not row.fits))

    @property
    def missing_words(self) -> str:
        """``the destination and the pickup time``."""
        return preview_words.listed(self.missing)

    @property
    def buffer_words(self) -> str:
        """Why the pickup is earlier than the drive alone asks."""
        return preview_words.buffer_words()

    @property
    def estimate_words(self) -> str:
        """What the vendors' pickup times rest on: the engine drives by its own estimate."""
        return basis_words("estimate")

    @property
    def checks(self) -> list[dict[str, str]]:
        """What fits and what must be asked: text and tone, the worst first."""
        tones = {"ok": "ok", "ask": "warn", "no": "bad"}
        results = [(each.verdict, each.words) for each in self.fits]
        if self.air is not None:
            results.append((self.air.verdict, self.air.words))
        ordered = sorted(results, key=lambda each: fit.ORDER.index(each[0]))
        return [{"tone": tones[verdict], "text": text} for verdict, text in ordered]

    @property
    def saving(self) -> str:
        """What the advised level would cost less, where a dearer one was chosen."""
        return saving(self.levels, self.advice.level) if self.advice else ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The ways as lines on the map."""
        points = [(stop["lat"], stop["lon"]) for stop in self.stops]
        return [{"points": points, "style": "driven"}] if len(points) > 1 else []

    @property
    def map_label(self) -> str:
        """The map as a sentence."""
        if self.way is None or not self.stops:
            return "Map"
        return f"{' to '.join(stop['label'] for stop in self.stops)}, {self.way.miles} miles, {self.way.words}"


def preview(
    fields: dict[str, Any],
    *,
    patient: Patient | None,
    facility: Facility | None,
    level: str = "",
    plan: Plan | None = None,
    request_id: UUID | None = None,
    acute: bool = False,
) -> Preview:
    """What these answers (``ride_rows``) would lead to; ``level`` is the person's own choice, if any.

    ``plan`` are the rides beyond the first, ``request_id`` the draft (its price must not count twice), ``acute``
    whether the patient is in this hospital's care.
    """
    plan = plan or Plan()
    chosen = level if level in LEVELS else ""
    laid = itinerary.lay_out(fields, plan, facility=facility, patient=patient, level=chosen)
    shown = Preview(plan=plan, itinerary=laid, missing=_missing(fields, plan, laid))
    shown.stops = preview_words.stops(laid, fields, facility)
    if shown.advice is not None:
        shown.overridden = shown.level != shown.advice.level
        shown.too_low = not satisfies(shown.level, shown.advice.required)
        _check_fit(shown, fields, patient)
    _price(shown, patient, facility)
    shown.remarks = [*preview_words.remarks(fields, patient), *_repetition(shown, patient)]
    _ask(shown, fields, facility, request_id, acute)
    shown.button = preview_words.button(shown.itinerary, fields, shown.amount)
    shown.line = _line(shown)
    return shown


def _repetition(shown: Preview, patient: Patient | None) -> list[str]:
    """Whether these rides, with those that are booked, are repetitive ambulance rides (42 CFR 410.40)."""
    if patient is None or shown.level not in repetitive.AMBULANCES:
        return []
    days = [clock.local(ride.depart_at, ride.start.location.zone).date() for ride in shown.itinerary.rides]
    stream = repetitive.of_patient(patient.pk, days[0], planned=days) if days else None
    return [f"{stream.words} The attending physician alone may certify them, before the ride."] if stream else []


def _missing(fields: dict[str, Any], plan: Plan, laid: Itinerary) -> list[str]:
    missing = []
    if fields.get("pickup_kind") and not isinstance(fields.get("origin"), Destination):
        missing.append("the pickup")
    if not isinstance(fields.get("destination"), Destination):
        missing.append("the destination")
    timed = fields.get("arrive_by_at") if fields.get("when") == "arrive" else _asked_at(fields)
    if not fields.get("when") or fields["when"] != "now" and timed is None:
        missing.append("the pickup time")
    if not fields.get("mobility"):
        missing.append("how the patient travels")
    if (
        not missing
        and plan.is_journey
        and (
            len(laid.rides) != len(plan.onward) + 1
            or len(laid.rides) < 2
            or any(ride.pickup_at is None for ride in laid.rides[1:])
        )
    ):
        missing.append("the return" if plan.kind in ("round_trip", "wait_return") else "each stop and its time")
    return missing


def _asked_at(fields: dict[str, Any]) -> dt.datetime | None:
    return fields.get("pickup_at") or fields.get("ready_expected_at")


def _check_fit(shown: Preview, fields: dict[str, Any], patient: Patient | None) -> None:
    weight = fields.get("weight_lb") or (patient.weight_lb if patient else None)
    asked = fit.Asked(
        mobility=fields["mobility"],
        level=shown.level,
        chair=fields.get("chair") or "",
        chair_width_in=fields.get("chair_width_in"),
        chair_weight_lb=fields.get("chair_weight_lb"),
        weight_lb=weight,
        pickup_steps=fields.get("pickup_steps"),
        dropoff_steps=fields.get("dropoff_steps"),
    )
    shown.fits = fit.check_fit(asked)
    if weight is None and asked.on_wheels:
        # The advice asks for the weight already.
        shown.fits = [each for each in shown.fits if each.rule != "lift"]
    if not fields.get("chair"):
        # Nobody spoke of a chair: an ordinary one that fits is no news.
        shown.fits = [each for each in shown.fits if each.verdict != "ok" or each.rule not in ("lift", "door")]
    if weight is not None and any(each.rule in (*fit_supply.OWN, "bariatric_cot") for each in shown.fits):
        shown.fleet = fit_supply.words(fit_supply.vehicles_that_fit(asked), shown.level)
    if "oxygen" in (fields.get("needs") or []) and fields.get("oxygen_cylinder"):
        shown.air = oxygen.check_oxygen(
            flow_lpm=fields.get("oxygen_lpm"),
            cylinder=fields["oxygen_cylinder"],
            psi=fields.get("oxygen_psi"),
            trip_minutes=shown.itinerary.minutes,
        )


def _price(shown: Preview, patient: Patient | None, facility: Facility | None) -> None:
    if shown.advice is None:
        return
    rides = shown.itinerary.rides
    if facility is None or not rides:
        shown.levels = levels(shown.advice, shown.level, [], None)
        return
    pairs = [_unsaved(ride, shown.level, patient, facility) for ride in rides]
    question = matching.ask([trip for trip, _ in pairs], legs=[leg for _, leg in pairs])
    usable = _usable(question, pairs[0][0])
    shown.levels = levels(shown.advice, shown.level, usable, rides[0].way.miles)
    if shown.missing:
        return
    bodies = _decided(question, [trip for trip, _ in pairs])
    first = bodies[0]
    for row in first["vendors"][:MOST_VENDORS]:
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
    shown.refused = [{"name": row["name"], "text": row["text"]} for row in first["refused"]]
    if first["vendors"]:
        best = next((c for c in usable if str(c.vendor_id) == first["vendors"][0]["vendor_id"]), None)
        shown.response_minutes = best.response_minutes if best else 0
    else:
        shown.nobody = first["summary"]
    shown.rides = _ride_rows(shown, bodies)
    priced = [row.amount for row in shown.rides]
    shown.amount = sum((each for each in priced if each is not None), Decimal(0)) if all(priced) else None


def _decided(question: Question, trips: list[Trip]) -> list[dict[str, Any]]:
    """The engine's readable answer for each trip, in order."""
    found: dict[str, dict[str, Any]] = {}
    for problem in question.problems:
        explanations = solve(problem).explanations
        for trip in trips:
            if str(trip.pk) in explanations:
                found[str(trip.pk)] = matching.readable(question, trip, explanations[str(trip.pk)])
    return [found[str(trip.pk)] for trip in trips]


def _ride_rows(shown: Preview, bodies: list[dict[str, Any]]) -> list[RideRow]:
    """The rides in words; one vendor for all of them where it was asked for and it can come for each."""
    wanted = bodies[0]["vendors"][0]["vendor_id"] if bodies[0]["vendors"] else None
    together = shown.plan.same_vendor or shown.plan.kind == "wait_return"
    rows = []
    for number, (ride, body) in enumerate(zip(shown.itinerary.rides, bodies, strict=True)):
        offered = body["vendors"]
        same = next((row for row in offered if together and row["vendor_id"] == wanted), None)
        row = same or (offered[0] if offered else None)
        rows.append(
            RideRow(
                label=preview_words.ride_label(ride.link, number),
                ends=preview_words.ends(ride),
                times=preview_words.times(ride),
                way=ride.way,
                amount=Decimal(row["price_amount"]) if row else None,
                vendor=row["name"] if row else "",
                nobody="" if row else body["summary"],
            )
        )
    return rows


def _usable(question: Question, trip: Trip) -> list[Contract]:
    in_force = question.contracts[planning.pickup_day(trip)]
    # A vendor may have a contract and no place in the network any more.
    return [
        row
        for row in in_force.values()
        if row.vendor_id in question.networks and question.networks[row.vendor_id].status == "active"
    ]


def _unsaved(ride: PlannedRide, level: str, patient: Patient | None, facility: Facility) -> tuple[Trip, Leg]:
    """The trip and leg that a booking would make, read from unsaved rows by the code that reads stored ones."""
    unit = ride.fields.get("unit")
    site = unit.facility if unit is not None else facility
    request, detail = ride_rows.imagine(ride.fields, facility=site, patient=patient, level=level)
    facts = intake.of(request, detail, ride.depart_at)
    trip = Trip(tenant_id=current_tenant_id(), status="matching", **facts.trip)
    return trip, Leg(trip=trip, **facts.leg)


def _ask(
    shown: Preview, fields: dict[str, Any], facility: Facility | None, request_id: UUID | None, acute: bool
) -> None:
    """What must be granted before this booking goes to a vendor, in words."""
    first = shown.itinerary.first
    if first is None or shown.missing or facility is None or shown.advice is None:
        return
    unit = fields.get("unit")
    request, detail = ride_rows.imagine(
        fields, facility=unit.facility if unit is not None else facility, patient=None, level=shown.level
    )
    if fields.get("purpose") == "transfer":
        hospital = acute and not fields.get("pickup_kind") and detail.place is not None
        lacking = transfers.missing(detail, acute=hospital and detail.place.kind == "hospital")  # type: ignore[union-attr]
        if lacking:
            shown.gates.append(f"Waits for {preview_words.listed(lacking)}.")
    for ride, amount in zip(shown.itinerary.rides, estimates(shown.itinerary), strict=True):
        asks = approvals.preview_asks(
            level=shown.level,
            advised=shown.advice.level,
            miles=ride.way.miles,
            amount=amount,
            pickup_at=ride.pickup_at,
            zone=request.facility.time_zone,
            payer=detail.payer_name,
            cost_center=fields.get("cost_center") or "",
            request_id=request_id,
        )
        shown.gates += [ask.reason for ask in asks if ask.reason not in shown.gates]


def _line(shown: Preview) -> str:
    """The preview in one sentence, for people who listen to the page."""
    first = shown.itinerary.first
    if shown.missing or first is None:
        return f"For a preview choose {preview_words.listed(shown.missing)}."
    parts = [shown.definition.label] if shown.definition else []
    parts.append(f"{first.way.miles} miles, {first.way.minutes} minutes, {first.way.words}")
    if first.arrive_by_at is not None or shown.plan.is_journey:
        parts.append(shown.times)
    if shown.vendors:
        best = shown.vendors[0]
        at = clock.local(best.pickup_at, first.start.location.zone)
        parts.append(f"{best.name} at {at:%H:%M} for ${best.amount}")
    elif shown.nobody:
        parts.append(shown.nobody)
    if shown.plan.is_journey:
        parts.append(f"{len(shown.rides)} rides")
    parts += shown.gates
    return ". ".join(part.rstrip(".") for part in parts) + "."
