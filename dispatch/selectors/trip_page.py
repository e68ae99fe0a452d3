"""One trip as its page shows it, for the health system and for the vendor that has it.

The same queries run for both sides; the scope and row-level security decide what they find, and
``selectors/passenger.py`` which fields of the passenger the role gets.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from dispatch import policies
from dispatch.models import Leg, MatchExplanation, Offer, Passenger, Proof, Run, Trip
from dispatch.selectors import history, journeys, proposals
from dispatch.selectors.delay import Delay, chip_of, delay_of
from dispatch.selectors.journeys import Journey
from dispatch.selectors.passenger import POSITION_ROLES, Shown, fields_for, shown
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.core.levels import LEVELS
from logistics.requests import alerts
from logistics.requests.models import Alert
from vendors.models import VendorProfile


@dataclass
class TripPage:
    """What the page shows; lists are empty where the viewer's side has nothing to see."""

    trip: Trip
    leg: Leg
    who: Shown
    chip: dict[str, str]
    delay: Delay
    seen: str
    events: list[dict[str, Any]]
    milestones: list[dict[str, Any]]
    offers: list[dict[str, Any]] = field(default_factory=list)
    open_offers: list[Offer] = field(default_factory=list)
    waiting: int = 0
    explanation: dict[str, Any] | None = None
    run: Run | None = None
    proof: Proof | None = None
    alerts: list[dict[str, Any]] = field(default_factory=list)
    vendor_phone: str = ""
    patient_id: Any = None
    position: dict[str, Any] | None = None
    journey: Journey | None = None
    change: dict[str, Any] | None = None

    @property
    def level(self) -> Any:
        """The level of service with its label and icon."""
        return LEVELS[self.trip.level]

    @property
    def crosses_zones(self) -> bool:
        """Whether pickup and drop-off have different clocks."""
        return self.trip.destination_zone != self.trip.time_zone

    @property
    def expected_dropoff_at(self) -> dt.datetime:
        """When the patient arrives, as far as is known now."""
        if self.leg.dropped_off_at:
            return self.leg.dropped_off_at
        start = self.leg.picked_up_at or max(self.trip.eta_at or self.trip.pickup_at, self.trip.pickup_at)
        door = dt.timedelta(minutes=policies.service_minutes(self.trip.level))
        return start + (dt.timedelta() if self.leg.picked_up_at else door) + dt.timedelta(minutes=self.leg.minutes)


def trip_get_for(number: int, *, staff: bool) -> Trip | None:
    """The trip of that number if the open scope may see it. One query.

    A vendor reads neither sites nor patients, so nothing of them is joined for it.
    """
    trips = Trip.objects.filter(number=number).select_related("vendor")
    if staff:
        trips = trips.select_related("facility", "unit", "request", "request__patient")
    return trips.first()


def page(trip: Trip, *, role: str, staff: bool, now: dt.datetime) -> TripPage:
    """Everything on the trip's page. At most 17 queries."""
    legs = list(Leg.objects.filter(trip=trip))
    leg = legs[0]
    may_know = bool(set(fields_for(role, trip.level)) & {"name", "places", "address", "needs"})
    passenger = Passenger.objects.filter(trip=trip).first() if may_know else None
    patient = trip.request.patient if staff else None
    today = clock.local(trip.pickup_at, trip.time_zone).date()
    runs = list(Run.objects.filter(trip=trip).order_by("assigned_at"))
    run = next((row for row in reversed(runs) if row.is_active), None)
    offers = list(Offer.objects.filter(trip=trip).order_by("round", "rank"))
    names = _names([offer.vendor_id for offer in offers] + ([trip.vendor_id] if trip.vendor_id else []))
    rows = history.of(trip, legs, offers)
    who = shown(
        passenger,
        role=role,
        level=trip.level,
        today=today,
        mrn=patient.mrn if patient is not None and "mrn" in fields_for(role, trip.level) else "",
        leg=leg,
    )
    found = TripPage(
        trip=trip,
        leg=leg,
        who=who,
        chip=chip_of(trip, leg.status, now),
        delay=delay_of(trip, leg.status, now),
        seen=rows.seen,
        events=history.timeline(rows, trip=trip, names=names, runs=runs, show_price=who.show_price),
        milestones=history.milestones(rows, trip=trip, leg=leg, now=now),
        run=run,
        proof=Proof.objects.filter(leg=leg).first(),
        vendor_phone=_phone(trip),
        patient_id=patient.pk if patient is not None else None,
        position=_position(rows, run) if role in POSITION_ROLES else None,
        change=proposals.unsettled_of(trip, now),
    )
    if staff:
        found.offers = [_offer_row(offer, names, trip, who.show_price) for offer in offers if offer.status != "waiting"]
        found.open_offers = [offer for offer in offers if offer.status == "open"]
        found.waiting = sum(offer.status == "waiting" for offer in offers)
        for offer in found.open_offers:
            offer.vendor_name = names.get(offer.vendor_id, "Vendor")  # type: ignore[attr-defined]
        found.explanation = explanation_of(trip, show_price=who.show_price)
        found.alerts = _alerts(trip)
        found.journey = journeys.of_trip(trip)
        found.chip = journeys.confirmed_chip(found.chip, trip, found.journey)
    return found


def explanation_of(trip: Trip, *, show_price: bool = True) -> dict[str, Any] | None:
    """Why this vendor and why not another, from the latest answer of the engine. One query, staff scope."""
    row = MatchExplanation.objects.filter(trip=trip).order_by("-round").first()
    if row is None:
        return None
    body = row.body
    return {
        "at": row.created_at,
        "round": row.round,
        "engine": row.engine,
        "status": row.status,
        "gap": None if row.gap is None else f"{row.gap:.1%}",
        "milliseconds": row.milliseconds,
        "summary": body.get("summary", ""),
        "ranked": [_ranked_row(each, show_price) for each in body["vendors"]],
        "refused": [
            {
                "name": each["name"],
                "text": each["text"],
                "also": [other["text"] for other in each["all_reasons"] if other["text"] != each["text"]],
                "would_fit": (each["would_fit"] or {}).get("text", ""),
            }
            for each in body["refused"]
        ],
    }


def _ranked_row(each: dict[str, Any], show_price: bool) -> dict[str, Any]:
    rate = each["on_time_rate"]
    return {
        "vendor_id": each["vendor_id"],
        "vehicle_id": each["vehicle_id"],
        "vehicle": each["vehicle_name"],
        "rank": each["rank"],
        "chosen": each["chosen"],
        "name": each["name"],
        "level": LEVELS[each["level"]].label if each["level"] in LEVELS else each["level"],
        "price": each["price_amount"] if show_price else None,
        "pickup_at": dt.datetime.fromisoformat(each["pickup_at"]),
        # Never a rate without a record behind it.
        "on_time": None if rate is None else f"{rate:.0%} of {each['on_time_n']}",
        "verdict": each["verdict"] if show_price else "",
    }


def _offer_row(offer: Offer, names: dict[Any, str], trip: Trip, show_price: bool) -> dict[str, Any]:
    took = ""
    if offer.answered_at and offer.sent_at:
        took = f"{max(1, round((offer.answered_at - offer.sent_at).total_seconds() / 60))} min"
    return {
        "vendor": names.get(offer.vendor_id, "Vendor"),
        "round": offer.round,
        "rank": offer.rank,
        "status": offer.status,
        "sent_at": offer.sent_at,
        "took": took,
        "reason": history.decline_words(offer),
        "price": offer.price_amount if show_price else None,
        "eta_at": offer.eta_at if offer.status == "accepted" else None,
    }


def _position(rows: history.Rows, run: Run | None) -> dict[str, Any] | None:
    """Where the crew's last tap came from."""
    last = next((event for event in reversed(rows.leg) if event.latitude is not None), None)
    if last is None or run is None:
        return None
    number = "".join(c for c in run.vehicle_name if c.isdigit())[-3:] or "•"
    return {"lat": last.latitude, "lon": last.longitude, "unit": number, "label": run.vehicle_name, "at": last.at}


def _alerts(trip: Trip) -> list[dict[str, Any]]:
    rows = Alert.objects.filter(request_id=trip.request_id, acknowledged_at__isnull=True)
    return [
        {
            "id": row.pk,
            "tone": {"top": "bad", "warn": "warn"}.get(row.severity, "info"),
            "text": alert_text(row),
            "at": row.raised_at,
        }
        for row in rows
    ]


def alert_text(alert: Alert) -> str:
    """The alert's sentence: what happened, then what to do."""
    sentence = alerts.sentence_of(alert)
    return " ".join(part for part in (sentence.happened, sentence.do) if part)


def _names(ids: list[Any]) -> dict[Any, str]:
    """Organization names by id, under the id and its text. One query."""
    found: dict[Any, str] = {}
    for pk, name in Organization.objects.filter(pk__in={str(each) for each in ids}).values_list("pk", "name"):
        found[pk] = found[str(pk)] = name
    return found


def _phone(trip: Trip) -> str:
    if trip.vendor_id is None:
        return ""
    rows = VendorProfile.objects.filter(vendor_id=trip.vendor_id).values_list("dispatch_phone", flat=True)
    return rows.first() or ""
