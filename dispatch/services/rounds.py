"""Writing what the engine decided: one round of offers for each trip, or for rides that go to one vendor together.

A vendor reads of a trip only its brief: zones, bands and words, nothing that names or finds the patient.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dispatch import policies
from dispatch.models import Leg, MatchExplanation, Offer, Trip
from dispatch.services import bundles, offers, planning, supply
from dispatch.solver.explain import Explanation
from dispatch.solver.solve import Result
from logistics.core import audit, levels
from logistics.requests.models import Journey, ServiceRequest
from vendors.fees import WaitTerms, wait_line
from vendors.pricing import Terms, quote

if TYPE_CHECKING:
    from dispatch.services.matching import Question

NOBODY_TAKES_ALL = "No vendor can take all rides of this journey: {names}. Offer the rides separately, or move a time."


def is_fresh(trip: Trip, seen: Trip) -> bool:
    """Whether the trip is still what the engine thought about."""
    return trip.status == "matching" and trip.version == seen.version


def wishes(trips: list[Trip]) -> dict[UUID, UUID]:
    """Trip id → the vendor that is asked first when it fits: the one that has another ride of the same one-vendor
    journey, else whom the patient knows. Two queries."""
    known = ServiceRequest.objects.filter(pk__in=[trip.request_id for trip in trips], preferred_vendor_id__isnull=False)
    liked = dict(known.values_list("pk", "preferred_vendor_id"))
    mine = {trip.pk: vendor_id for trip in trips if (vendor_id := liked.get(trip.request_id)) is not None}
    return mine | bundles.partner_of(trips)


def write(
    question: Question, group: list[Trip], results: Mapping[str, Result], wanted: Mapping[UUID, UUID]
) -> list[Trip]:
    """Write one round for trips that are decided together (one, or the rides of a journey in their order).

    ``results`` finds each trip's result by its id, ``wanted`` (:func:`wishes`) whom it asks first. The first
    offer is sent; with nobody to ask the trips are
    ``exhausted`` with the reasons. All trips are locked by the caller. Returns them.
    """
    number = max(question.rounds.get(trip.pk, 0) for trip in group) + 1
    plans = [_Plan(question, trip, results[str(trip.pk)]) for trip in group]
    lead, *rest = plans
    vendors = [row for row in lead.ranking if all(row in plan.options for plan in rest)]
    vendors.sort(key=lambda vendor_id: vendor_id != str(wanted.get(lead.trip.pk, "")))
    journey = _journey_of(lead.trip) if rest else None
    leads, others = [], []
    for rank, vendor_id in enumerate(vendors, start=1):
        first = lead.offer(vendor_id, rank=rank, number=number, wait_minutes=0)
        own = [plan.offer(vendor_id, rank=rank, number=number, wait_minutes=_wait(journey)) for plan in rest]
        if own:
            first.brief = first.brief | {
                "rides": [offer.brief for offer in own],
                "journey": journey.kind if journey else "",
                "wait_minutes": _wait(journey),
                "total_amount": str(sum((offer.price_amount for offer in own), first.price_amount)),
            }
        for offer in own:
            offer.lead = first
        leads.append(first)
        others += own
    Offer.objects.bulk_create(leads)
    Offer.objects.bulk_create(others)
    for plan in plans:
        plan.explain(number, vendors)
    if leads:
        offers.send_next_of(lead.trip)
    elif rest and all(plan.ranking for plan in plans):
        names = "; ".join(f"ride {n} can be taken by {plan.names()}" for n, plan in enumerate(plans, start=1))
        for plan in plans:
            offers.exhaust(plan.trip, NOBODY_TAKES_ALL.format(names=names))
    else:
        for plan in plans:
            other = "" if not plan.ranking else "Another ride of this journey has no vendor. "
            offers.exhaust(plan.trip, other + plan.body["summary"])
    return [plan.trip for plan in plans]


class _Plan:
    """One trip's part of a round: its ranking, its offers' figures, its explanation."""

    def __init__(self, question: Question, trip: Trip, result: Result) -> None:
        job_id = str(trip.pk)
        self.trip, self.result = trip, result
        self.leg = question.legs[job_id]
        self.body = readable(question, trip, result.explanations[job_id])
        self.at = planning.clock_for(question.now, trip.time_zone)
        self.in_force = question.contracts[planning.pickup_day(trip)]
        self.options = {row.option.candidate.vendor_id: row for row in result.ranking[job_id]}
        self.ranking = [row.option.candidate.vendor_id for row in result.ranking[job_id]]
        self.prices: dict[str, Decimal] = {}

    def offer(self, vendor_id: str, *, rank: int, number: int, wait_minutes: int) -> Offer:
        """An unsaved offer at the contract's price; ``wait_minutes`` of a vehicle that waits are in it."""
        ranked = self.options[vendor_id]
        candidate = ranked.option.candidate
        contract = self.in_force[UUID(vendor_id)]
        rate = next(row for row in contract.rates.all() if supply.solver_level(row.level) == candidate.level)
        eta_at = self.at.moment(ranked.pickup_at)
        waited = wait_line(WaitTerms.of(rate), wait_minutes)
        price = quote(Terms.of(rate), self.leg.miles).total + (waited.amount if waited else Decimal(0))
        self.prices[vendor_id] = price
        brief = brief_of(self.trip, self.leg, price, eta_at)
        if waited is not None:
            brief["wait_amount"] = str(waited.amount)
        return Offer(
            trip=self.trip,
            vendor_id=contract.vendor_id,
            round=number,
            rank=rank,
            brief=brief,
            price_amount=price,
            rate_id=rate.pk,
            response_minutes=contract.response_minutes,
            eta_at=eta_at,
        )

    def names(self) -> str:
        """The vendors that could take this ride."""
        return ", ".join(row["name"] for row in self.body["vendors"])

    def explain(self, number: int, asked: list[str]) -> None:
        """Store why this vendor and why not another, in the order in which they are asked."""
        body = self.body
        for row in body["vendors"]:
            if row["vendor_id"] in self.prices:
                row["price_amount"] = str(self.prices[row["vendor_id"]])
            elif row["vendor_id"] not in asked:
                row["price_amount"] = ""
                row["verdict"] = "cannot take all rides of this journey"
        if asked != self.ranking[: len(asked)]:
            place = {vendor_id: number for number, vendor_id in enumerate(asked, start=1)}
            body["vendors"].sort(key=lambda row: place.get(row["vendor_id"], len(place) + row["rank"]))
            for rank, row in enumerate(body["vendors"], start=1):
                row["rank"], row["chosen"] = rank, row["vendor_id"] == asked[0]
        MatchExplanation.objects.create(
            trip=self.trip,
            round=number,
            engine=f"{body['engine']['name']} {body['engine']['version']}, {body['engine']['solver']}"[:60],
            status=body["status"],
            gap=body["gap"],
            milliseconds=round(self.result.wall_ms),
            body=body,
        )
        audit.record(
            action="trip.matched",
            target=self.trip,
            details={"round": number, "vendors": len(asked), "refused": len(body["refused"])},
        )


def _journey_of(trip: Trip) -> Journey | None:
    return Journey.objects.filter(requests=trip.request_id).first()


def _wait(journey: Journey | None) -> int:
    return (journey.wait_minutes or 0) if journey is not None and journey.kind == "wait_return" else 0


def readable(question: Question, trip: Trip, explanation: Explanation) -> dict[str, Any]:
    """The engine's answer with our names in it: vendor and vehicle names, contract prices, our levels.

    Keys as ``dispatch.solver.explain``; each vendor row also has ``name``, ``price_amount`` of the contract,
    ``on_time_rate`` (None without a record) and ``on_time_n``.
    """
    body = dict(explanation)
    names = {str(key): row.vendor.name for key, row in question.networks.items()}
    vehicles = {
        str(shift.vehicle_id): shift.vehicle.name for shifts in question.stock.shifts.values() for shift in shifts
    }

    def named(row: dict[str, Any]) -> dict[str, Any]:
        vehicle_id = str(row.get("vehicle_id") or "").partition("/")[0]
        return {
            **row,
            "name": names.get(row["vendor_id"], ""),
            "vehicle_id": vehicle_id,
            "vehicle_name": vehicles.get(vehicle_id, ""),
        }

    body["vendors"] = []
    for row in explanation["vendors"]:
        record = question.records[UUID(row["vendor_id"])]
        verdict = planning.words(row["verdict"])
        if record.on_time_rate is None:
            # The engine's neutral figure is no figure about this vendor.
            verdict = verdict.replace(f", {planning.UNKNOWN_ON_TIME:.0%} on time", ", no on-time record yet")
        body["vendors"].append(
            {**named(row), "verdict": verdict, "on_time_rate": record.on_time_rate, "on_time_n": record.n}
        )
    label = levels.LEVELS[trip.level].label.lower()
    body["refused"] = []
    for row in explanation["refused"]:
        text = planning.words(row["text"])
        if row["code"] == "vendor_level":
            text = f"{names[row['vendor_id']]} does not offer a {label}"
        body["refused"].append({**named(row), "text": text})
    body["summary"] = planning.words(explanation["summary"])
    return body


def brief_of(trip: Trip, leg: Leg, price: Any, eta_at: dt.datetime | None) -> dict[str, Any]:
    """All that a vendor learns before it accepts: zones, bands and words, nothing that names or finds the patient."""
    load = leg.load
    oxygen = load.get("oxygen_lpm")
    return {
        "kind": trip.kind,
        "level": trip.level,
        "level_label": levels.LEVELS[trip.level].label,
        "pickup_zone": load.get("pickup_zone", ""),
        "dropoff_zone": load.get("dropoff_zone", ""),
        "distance_band": policies.distance_band(float(leg.miles)),
        "miles": round(float(leg.miles)),
        "minutes": leg.minutes,
        "when": trip.when,
        "pickup_at": trip.pickup_at.isoformat(),
        "pickup_latest_at": trip.pickup_latest_at.isoformat(),
        "time_zone": trip.time_zone,
        "eta_at": eta_at.isoformat() if eta_at else "",
        "mobility": load.get("mobility", ""),
        "needs": policies.need_words(load.get("needs", []), oxygen),
        "weight_band": policies.weight_band(load.get("patient_lb")),
        "companions": load.get("companions", 0),
        "isolation": policies.ISOLATION_WORDS.get(leg.isolation, ""),
        "price_amount": str(price),
    }


__all__ = ["brief_of", "is_fresh", "readable", "write"]
