"""What a vendor's dispatcher works with: open offers (brief only), trips that need a crew, the day and the fleet."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch import states
from dispatch.models import Leg, Offer, Passenger, Run, Trip
from dispatch.selectors import history
from dispatch.selectors.delay import chip_of
from dispatch.selectors.passenger import Shown, shown
from logistics.accounts.models import Organization
from logistics.core import clock
from logistics.core.levels import LEVELS
from vendors.models import Credential

ANSWERED_MINUTES = 120
EXPIRY_DAYS = 30


def open_offers(now: dt.datetime) -> list[dict[str, Any]]:
    """Cards of the offers that can still be answered, the first to close first. Two queries, no patient's row."""
    offers = list(Offer.objects.filter(status="open", expires_at__gt=now, lead=None).order_by("expires_at"))
    tenants = _tenants(offers)
    return [card(offer, tenants.get(offer.tenant_id, ""), now) for offer in offers]


def offer_get_for(offer_id: UUID) -> Offer | None:
    """The vendor's own offer that was sent to it, else None."""
    return Offer.objects.filter(pk=offer_id).exclude(status="waiting").first()


def card(offer: Offer, tenant: str, now: dt.datetime) -> dict[str, Any]:
    """One offer as ``ui/offer.html`` takes it, from its brief alone."""
    brief = offer.brief
    zone = brief["time_zone"]
    pickup, latest = moment(brief["pickup_at"]), moment(brief["pickup_latest_at"])
    planned = moment(brief["eta_at"]) if brief.get("eta_at") else None
    seconds = int((offer.expires_at - offer.sent_at).total_seconds()) if offer.expires_at and offer.sent_at else 600
    day = clock.local(pickup, zone)
    when = f"{day:%H:%M}" if day.date() == clock.local(now, zone).date() else f"{day:%a} {day.day} {day:%b} {day:%H:%M}"
    window = f"to {clock.local(latest, zone):%H:%M} {day:%Z}"
    needs = [brief.get("weight_band", ""), *brief.get("needs", [])]
    if brief.get("companions"):
        needs.append(f"{brief['companions']} riding along")
    needs.append(brief.get("isolation", ""))
    return {
        "id": f"offer-{offer.pk}",
        "pk": offer.pk,
        "deadline": offer.expires_at,
        "seconds": max(seconds, 1),
        "price": Decimal(brief["total_amount"]) if brief.get("total_amount") else offer.price_amount,
        "rides": [_ride(each, brief) for each in [brief, *brief["rides"]]] if brief.get("rides") else [],
        "wait": brief.get("wait_minutes") or 0,
        "price_note": f"contract {brief['level_label'].lower()} · {brief['miles']} mi · {tenant}".rstrip(" ·"),
        "level": brief["level_label"],
        "level_icon": LEVELS[brief["level"]].icon,
        "pickup": f"{'When ready, about ' if brief['when'] == 'ready' else ''}{when} {brief['pickup_zone']}",
        "pickup_note": window,
        "dropoff": brief["dropoff_zone"] or "Drop-off",
        "dropoff_note": f"{brief['distance_band']}, {brief['minutes']} min ride",
        "needs": " · ".join(part for part in needs if part) or "No special needs",
        "fit": _fit(pickup, planned, zone),
        "eta": f"{clock.local(planned, zone):%H:%M}" if planned else "",
        "time_zone": zone,
    }


def _ride(brief: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """One ride of an offer for several: when, from where to where, and its own price."""
    zone = brief["time_zone"]
    at, start = clock.local(moment(brief["pickup_at"]), zone), clock.local(moment(first["pickup_at"]), zone)
    day = "" if at.date() == start.date() else f"{at:%a} {at.day} {at:%b} "
    return {
        "time": f"{'when ready, about ' if brief['when'] == 'ready' else ''}{day}{at:%H:%M}",
        "way": f"{brief['pickup_zone'] or 'Pickup'} to {brief['dropoff_zone'] or 'drop-off'}",
        "miles": brief["miles"],
        "price": Decimal(brief["price_amount"]),
        "wait": Decimal(brief["wait_amount"]) if brief.get("wait_amount") else None,
    }


def _fit(pickup: dt.datetime, planned: dt.datetime | None, zone: str) -> dict[str, str] | None:
    """How the engine's plan with this vendor's own vehicles meets the asked time."""
    if planned is None:
        return None
    late = int((planned - pickup).total_seconds() // 60)
    at = f"{clock.local(planned, zone):%H:%M}"
    if late <= 5:
        return {"tone": "ok", "icon": "done", "text": f"A vehicle can be there at {at}"}
    return {"tone": "warn", "icon": "risk", "text": f"A vehicle can be there at {at}, {late} min after"}


def answered_lately(now: dt.datetime) -> list[dict[str, Any]]:
    """Offers that ended in the last two hours, with the reason in words. Two queries."""
    since = now - dt.timedelta(minutes=ANSWERED_MINUTES)
    offers = list(
        Offer.objects.filter(sent_at__gte=since, status__in=["declined", "expired", "withdrawn", "turned_back"])
        .filter(lead=None)
        .order_by("-sent_at")
        .prefetch_related("events")[:8]
    )
    rows = []
    for offer in offers:
        last = max(offer.events.all(), key=lambda event: event.pk, default=None)
        words = history.decline_words(offer) or (last.reason if last else "")
        rows.append(
            {
                "status": offer.status,
                "at": last.at if last else offer.sent_at,
                "zone": offer.brief["time_zone"],
                "text": f"{offer.brief['level_label']}, {offer.brief['pickup_zone']} to {offer.brief['dropoff_zone']}",
                "reason": words,
            }
        )
    return rows


def needing_crew() -> list[Trip]:
    """Accepted trips without a crew, the next pickup first. One query."""
    return list(Trip.objects.filter(status="accepted").order_by("pickup_at"))


def passengers_of(trip_ids: set[UUID]) -> dict[UUID, Passenger]:
    """The passengers that the scope may read, by trip. One query."""
    return {row.trip_id: row for row in Passenger.objects.filter(trip_id__in=trip_ids)}


def legs_of(trips: list[Trip]) -> dict[UUID, Leg]:
    """The first leg of each trip. One query."""
    return {leg.trip_id: leg for leg in Leg.objects.filter(trip__in=[trip.pk for trip in trips], sequence=1)}


def today(zone: str, now: dt.datetime) -> list[Trip]:
    """The vendor's trips of its local day that were not canceled. One query."""
    start, end = clock.day_bounds(clock.local(now, zone).date(), zone)
    return list(Trip.objects.filter(pickup_at__gte=start, pickup_at__lt=end).exclude(status="canceled"))


def day_rows(
    trips: list[Trip], legs: dict[UUID, Leg], people: dict[UUID, Passenger], *, role: str, now: dt.datetime
) -> list[dict[str, Any]]:
    """Rows of today's table. One query for the crews."""
    runs = {run.trip_id: run for run in Run.objects.filter(trip__in=[t.pk for t in trips], is_active=True)}
    rows = []
    for trip in trips:
        leg, run = legs[trip.pk], runs.get(trip.pk)
        who = who_of(trip, leg, people, role=role)
        rows.append({"trip": trip, "leg": leg, "who": who, "run": run, "chip": chip_of(trip, leg.status, now)})
    return rows


def who_of(trip: Trip, leg: Leg, people: dict[UUID, Passenger], *, role: str) -> Shown:
    """The trip's passenger as ``role`` may see it."""
    day = clock.local(trip.pickup_at, trip.time_zone).date()
    return shown(people.get(trip.pk), role=role, level=trip.level, today=day, leg=leg)


def expiring(zone: str) -> list[dict[str, Any]]:
    """Cards and permits that end within thirty days or have ended, each as a sentence. One query."""
    day = clock.today(zone)
    rows = Credential.objects.filter(ends_on__lte=day + dt.timedelta(days=EXPIRY_DAYS)).select_related(
        "crew_member", "vehicle"
    )
    out = []
    for row in rows.order_by("ends_on")[:6]:
        if row.crew_member is not None and not row.crew_member.is_active:
            continue
        owner = row.crew_member.name if row.crew_member else row.vehicle.name if row.vehicle else "Your company"
        left = (row.ends_on - day).days
        words = f"{left} day{'' if left == 1 else 's'} left" if left >= 0 else "Ended: trips are refused"
        out.append(
            {
                "tone": "bad" if left < 0 else "warn",
                "title": f"{owner}: {row.get_kind_display()} ends {row.ends_on:%a} {row.ends_on.day} {row.ends_on:%b}",
                "detail": f"{words}.",
            }
        )
    return out


def open_trip_get_for(number: int) -> Trip | None:
    """The vendor's own trip that is not over, by number."""
    return Trip.objects.filter(number=number).exclude(status__in=states.TRIP.final).first()


def _tenants(offers: list[Offer]) -> dict[UUID, str]:
    wanted = {offer.tenant_id for offer in offers}
    return dict(Organization.objects.filter(pk__in=wanted).values_list("pk", "short_name"))


def moment(text: str) -> dt.datetime:
    """A moment of a brief, which is JSON."""
    return dt.datetime.fromisoformat(text)
