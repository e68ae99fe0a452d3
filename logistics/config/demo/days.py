"""The demo's moving part: a full house, a week of finished trips, and a day of trips around now.

Everything goes through the services that the product uses: messages through the inbound line, bookings,
offers, answers, assignments, taps and proofs by people with roles. Past moments are lived with the clock set.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from django.db import transaction

from dispatch.models import Offer, Trip
from dispatch.services import assignment, offers, proof, transitions
from integrations.models import Feed
from integrations.services import inbound
from logistics.accounts import demo
from logistics.accounts.models import Organization, User
from logistics.config.demo import build, census
from logistics.config.demo.build import beds_of
from logistics.config.demo.world import COMPANIES, HOSPITALS, Company, Hospital
from logistics.core import clock, relay, scoping
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope
from logistics.core.tasks import deliver
from logistics.requests.models import Patient, ServiceRequest
from logistics.requests.selectors.patients import patient_search
from logistics.requests.services import booking, places

PAST_DAYS = 5
PAST_TRIPS = {"cedar-ridge": 3, "lakemont": 1}
# Minutes from now, and how far each of today's trips has come.
TODAY = {
    "cedar-ridge": (
        (-230, "completed"), (-190, "completed"), (-150, "completed"), (-95, "completed"), (-50, "at_destination"),
        (-24, "on_board"), (-6, "at_pickup"), (12, "en_route"), (35, "crew_assigned"), (55, "crew_assigned"),
        (80, "accepted"), (105, "accepted"), (130, "offering"), (165, "offering"), (240, "offering"),
    ),
    "lakemont": (
        (-180, "completed"), (-70, "completed"), (-15, "on_board"), (25, "crew_assigned"), (75, "accepted"),
        (120, "offering"),
    ),
}  # fmt: skip
ORDER = ("offering", "accepted", "crew_assigned", "en_route", "at_pickup", "on_board", "at_destination", "completed")
RECEIVERS = (("Jo Amundsen", "staff"), ("Pat Lindgren", "staff"), ("Chris Odell", "family"), ("Robin Vance", "staff"))


@dataclass(frozen=True)
class House:
    """One hospital with what living it needs."""

    hospital: Hospital
    tenant: Organization
    feed: Feed
    booker: Scope
    rng: random.Random

    def send(self, *messages: bytes) -> None:
        """Messages arrive as the EHR would send them."""
        inbound.store([inbound.prepare(self.feed, raw, address="127.0.0.1") for raw in messages])


def fill(made: dict[str, Organization]) -> int:
    """Fill the houses and live the past days and today. Returns how many trips were made."""
    now = clock.now()
    trips = 0
    for hospital in HOSPITALS:
        house = _house(hospital, made[hospital.slug])
        for day in range(PAST_DAYS, 0, -1):
            trips += _live_past_day(house, made, now - dt.timedelta(days=day))
        trips += live_today(house, made, now)
    return trips


def live_today(house: House, made: dict[str, Organization], now: dt.datetime) -> int:
    """A full house, announced discharges, and today's trips in every state."""
    people = census.residents(house.hospital, beds_of(house.hospital), now)
    house.rng.shuffle(people)
    house.send(*(census.message(house.hospital, "A01", who, who.admitted) for who in people))
    settle()
    plan = TODAY[house.hospital.slug]
    for (minutes, state), who in zip(plan, people, strict=False):
        _live(house, made, who, now + dt.timedelta(minutes=minutes), state, now=now)
    waiting = people[len(plan) : len(plan) + (6 if house.hospital.slug == "cedar-ridge" else 3)]
    for order, who in enumerate(waiting):
        at = now - dt.timedelta(minutes=18 * order + 11)
        expected = now + dt.timedelta(minutes=70 + 25 * order)
        house.send(census.message(house.hospital, "A16", who, at, expected=expected))
    settle()
    return len(plan)


def renew(hospital: Hospital, made: dict[str, Organization]) -> int:
    """A new day for a demo whose last trips are over; 0 when today is there. Shifts are extended too."""
    house = _house(hospital, made[hospital.slug])
    now = clock.now()
    with transaction.atomic(), scoping.enter(house.booker):
        if Trip.objects.filter(pickup_at__gt=now - dt.timedelta(hours=3)).exists():
            return 0
    build.extend_shifts(made)
    return live_today(house, made, now)


def settle() -> None:
    """Relay every event and run its subscribers here, as relay and worker would."""
    for _ in range(50):
        if not relay.relay_once(lambda delivery_id, _topic: deliver.apply(args=[delivery_id], throw=True)):
            return
    raise RuntimeError("events keep causing events")


def _house(hospital: Hospital, tenant: Organization) -> House:
    booker = next(p for p in demo.PEOPLE if p.organization == hospital.slug and p.role == "case_manager")
    with transaction.atomic(), scoping.enter(Scope.staff(tenant.pk)):
        feed = Feed.objects.get(name=hospital.feed["name"])
        user = User.objects.get(email=booker.email)
    scope = Scope.staff(tenant.pk, user_id=user.pk, actor_label=booker.name, actor_role=booker.role)
    return House(hospital, tenant, feed, scope, random.Random(f"days|{hospital.slug}"))


def _live_past_day(house: House, made: dict[str, Organization], day: dt.datetime) -> int:
    start, _ = clock.day_bounds(clock.local(day, house.hospital.zone).date(), house.hospital.zone)
    amount = PAST_TRIPS[house.hospital.slug]
    for number in range(amount):
        pickup = start + dt.timedelta(hours=9 + 7 * number / amount, minutes=house.rng.randint(0, 40))
        unit = house.hospital.units[number % 4 if house.hospital.slug == "cedar-ridge" else number % 2][0]
        room, bed = beds_of(house.hospital)[unit][number]
        who = census.invent(house.hospital, house.rng, pickup, 900 + number, unit, room, bed)
        house.send(census.message(house.hospital, "A01", who, who.admitted))
        settle()
        _live(house, made, who, pickup, "completed", now=pickup + dt.timedelta(hours=3))
    return amount


def _live(
    house: House,
    made: dict[str, Organization],
    who: census.Resident,
    pickup: dt.datetime,
    state: str,
    *,
    now: dt.datetime,
) -> None:
    """One trip from its announcement to ``state``."""
    booked = min(pickup - dt.timedelta(minutes=house.rng.randint(70, 140)), now - dt.timedelta(minutes=5))
    with clock.pretend(booked):
        announced = booked - dt.timedelta(minutes=house.rng.randint(10, 60))
        house.send(census.message(house.hospital, "A16", who, announced, expected=pickup))
        settle()
        with transaction.atomic(), scoping.enter(house.booker):
            request = _book(house, who, pickup)
        settle()
    trip = _answered(house, made, request, booked, state)
    if trip is None or ORDER.index(state) <= ORDER.index("accepted"):
        return
    company = next(c for c in COMPANIES if made[c.slug].pk == trip.vendor_id)
    vendor = Scope.vendor(trip.vendor_id, actor_label=f"{company.short_name} dispatch", actor_role="vendor_dispatcher")
    if not _assigned(vendor, trip, booked + dt.timedelta(minutes=9)):
        return
    _drive(house, company, vendor, trip, pickup, state, now)
    if state == "completed":
        left = pickup + dt.timedelta(minutes=12)
        home = "01" if house.rng.random() < 0.4 else "03"
        house.send(census.message(house.hospital, "A03", who, left, disposition=home, left=left))
        settle()


def _book(house: House, who: census.Resident, pickup: dt.datetime) -> ServiceRequest:
    patient = Patient.objects.get(pk=patient_search(who.mrn)[0].pk)
    draft = booking.draft_of(patient.pk) or booking.start_draft(patient=patient, key=f"demo-{who.visit}")
    levels = ("wheelchair",) * 5 + ("walks",) * 3 + ("lies",) * 2
    mobility = house.rng.choice(levels)
    name = house.rng.choice([place["name"] for place in house.hospital.places] + ["home"] * 3)
    chart = booking.chart_defaults(patient, draft.encounter)
    fields = {
        **chart,
        "when": "at",
        "pickup_at": pickup,
        "mobility": mobility,
        "destination": places.resolve(value="", text=name, patient=patient),
        "companions": house.rng.choice((0, 0, 0, 1)),
        "driver_note": house.rng.choice(("", "", "Hard of hearing", "Own walker", "Glasses in the bag")),
    }
    advised = booking.advise_for(fields, patient).level
    return booking.confirm(request_id=draft.pk, fields=fields, key=f"demo-{who.visit}", level_seen=advised)


def _answered(
    house: House, made: dict[str, Organization], request: ServiceRequest, booked: dt.datetime, state: str
) -> Trip | None:
    """Let vendors answer one after the other; None while the offer is to stay open (or nobody is left)."""
    at = booked
    for _ in range(4):
        with transaction.atomic(), scoping.enter(house.booker):
            trip = Trip.objects.get(request_id=request.pk)
            offer = Offer.objects.filter(trip=trip, status="open").first()
        if offer is None or state == "offering":
            return None
        company = next(c for c in COMPANIES if made[c.slug].pk == offer.vendor_id)
        at += dt.timedelta(seconds=company.answers_in + house.rng.randint(-30, 90))
        scope = Scope.vendor(
            offer.vendor_id, actor_label=f"{company.short_name} dispatch", actor_role="vendor_dispatcher"
        )
        declines = house.rng.random() < company.late
        with clock.pretend(at):
            try:
                with transaction.atomic(), scoping.enter(scope):
                    if declines:
                        offers.decline(offer.pk, code=house.rng.choice(("vendor_no_vehicle", "vendor_no_crew")))
                    else:
                        offers.accept(offer.pk)
            except DomainError:
                return None
            settle()
        if not declines:
            with transaction.atomic(), scoping.enter(house.booker):
                return Trip.objects.get(pk=trip.pk)
    return None


def _assigned(vendor: Scope, trip: Trip, at: dt.datetime) -> bool:
    with clock.pretend(at):
        try:
            with transaction.atomic(), scoping.enter(vendor):
                best = next((c for c in assignment.suggest(trip.pk) if not c.refusals), None)
                if best is None:
                    return False
                assignment.assign(trip.pk, best.vehicle_id, best.crew_ids)
        except DomainError:
            return False
        settle()
    return True


def _drive(
    house: House, company: Company, vendor: Scope, trip: Trip, pickup: dt.datetime, state: str, now: dt.datetime
) -> None:
    late = house.rng.random() < company.late
    arrive = pickup + dt.timedelta(minutes=house.rng.randint(17, 34) if late else house.rng.randint(-9, 8))
    with transaction.atomic(), scoping.enter(house.booker):
        leg = trip.legs.get()
    load = arrive + dt.timedelta(minutes=house.rng.randint(5, 13))
    there = load + dt.timedelta(minutes=int(leg.minutes))
    done = there + dt.timedelta(minutes=house.rng.randint(4, 9))
    steps = (
        ("en_route", arrive - dt.timedelta(minutes=house.rng.randint(9, 16))),
        ("at_pickup", arrive),
        ("on_board", load),
        ("at_destination", there),
    )
    # A step that is to have happened by now happened at the latest a moment ago.
    reached = ORDER.index(state)
    for step, at in steps:
        if ORDER.index(step) > reached:
            return
        at = min(at, now - dt.timedelta(minutes=2 * (reached - ORDER.index(step)) + 1))
        with clock.pretend(at), transaction.atomic(), scoping.enter(vendor):
            transitions.tap(leg.pk, step, at=at, key=f"demo-{leg.pk}-{step}", device_now=at, source="vendor")
        settle()
    if state != "completed":
        return
    name, relation = house.rng.choice(RECEIVERS)
    at = min(done, now - dt.timedelta(minutes=1))
    with clock.pretend(at), transaction.atomic(), scoping.enter(vendor):
        proof.record(
            leg.pk,
            receiver_name=name,
            receiver_relation=relation,
            at=at,
            key=f"demo-{leg.pk}-proof",
            unsigned_reason="Signed on paper",
            device_now=at,
            source="vendor",
        )
    with clock.pretend(at):
        settle()
