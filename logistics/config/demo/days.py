"""The demo's moving part: a full house, a week of finished trips, and a day of trips around now.

Everything goes through the services that the product uses: messages through the inbound line, bookings,
offers, answers, assignments, taps and proofs by people with roles. Past moments are lived with the clock set.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch.models import Offer, Trip
from dispatch.services import assignment, itinerary, offers, preview_rows, proof, transitions
from integrations.models import Feed
from integrations.services import inbound
from integrations.simulator import people
from integrations.simulator.hospital import Site
from integrations.simulator.people import Person
from logistics.accounts import demo
from logistics.accounts.models import Organization, User
from logistics.config.demo import build
from logistics.config.demo.world import COMPANIES, HOSPITALS, Company, Hospital
from logistics.core import clock, relay, scoping
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope
from logistics.core.tasks import deliver
from logistics.insights.services import scorecards
from logistics.requests.models import Encounter, Patient, ServiceRequest
from logistics.requests.selectors.patients import patient_search
from logistics.requests.services import booking, journeys, places

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
WAITING = {"cedar-ridge": 6, "lakemont": 3}
ORDER = ("offering", "accepted", "crew_assigned", "en_route", "at_pickup", "on_board", "at_destination", "completed")
RECEIVERS = (("Jo Amundsen", "staff"), ("Pat Lindgren", "staff"), ("Chris Odell", "family"), ("Robin Vance", "staff"))


@dataclass
class House:
    """One hospital with what living it needs."""

    hospital: Hospital
    tenant: Organization
    feed: Feed
    site: Site
    booker: Scope
    made: dict[str, Organization]
    rng: random.Random
    count: int = 0
    patients: dict[str, UUID] = field(default_factory=dict)

    def send(self, *messages: bytes) -> None:
        """Messages arrive as the EHR would send them; their effects are awaited."""
        inbound.store([inbound.prepare(self.feed, raw, address="127.0.0.1") for raw in messages])
        settle()

    def tell(self, event: str, who: Person, at: dt.datetime, **more: str) -> bytes:
        """The message that this hospital's EHR sends about ``who``."""
        self.count += 1
        return people.message(self.site, event, who, at, f"SEED{self.rng.getrandbits(40):010x}{self.count}", **more)

    def invent(self, place: tuple[str, str, str], admitted: dt.datetime) -> Person:
        """A new patient in a bed."""
        self.count += 1
        return people.invent(self.rng, f"{admitted:%y%m%d}{self.count:04d}", place, admitted, homes=self.site.homes)

    def patient_of(self, who: Person) -> UUID:
        """The row that the feed made of ``who``."""
        if who.mrn not in self.patients:
            with transaction.atomic(), scoping.enter(self.booker):
                self.patients[who.mrn] = patient_search(who.mrn)[0].pk
        return self.patients[who.mrn]


def fill(made: dict[str, Organization]) -> int:
    """Fill the houses and live the past days and today. Returns how many trips were made."""
    now = clock.now()
    trips = 0
    for hospital in HOSPITALS:
        house = _house(hospital, made)
        for day in range(PAST_DAYS, 0, -1):
            trips += _live_past_day(house, now - dt.timedelta(days=day))
        trips += _first_day(house, now)
        with transaction.atomic(), scoping.enter(house.booker):
            scorecards.publish_recent()
    return trips


def renew(hospital: Hospital, made: dict[str, Organization]) -> int:
    """A new day of trips when the last one is over, for patients who are still there; 0 when today is there."""
    house = _house(hospital, made)
    now = clock.now()
    with transaction.atomic(), scoping.enter(house.booker):
        if Trip.objects.filter(pickup_at__gt=now - dt.timedelta(hours=3)).exists():
            return 0
        busy = ServiceRequest.objects.exclude(status__in=["completed", "canceled"]).values("patient_id")
        free = list(
            Encounter.objects.filter(status="in_house", bed__isnull=False)
            .exclude(patient_id__in=busy)
            .values_list("patient_id", flat=True)[: len(TODAY[hospital.slug])]
        )
    build.extend_shifts(made)
    plan = list(zip(TODAY[hospital.slug], free, strict=False))
    for (minutes, state), patient_id in plan:
        _live(house, patient_id, now + dt.timedelta(minutes=minutes), state, now=now)
    return len(plan)


def _first_day(house: House, now: dt.datetime) -> int:
    """A house that is about two thirds full, today's trips in every state, and discharges that were announced."""
    residents = [
        house.invent(place, now - dt.timedelta(hours=house.rng.randint(9, 120), minutes=house.rng.randint(0, 59)))
        for place in build.seeded_beds(house.hospital)
    ]
    house.rng.shuffle(residents)
    house.send(*(house.tell("A01", who, who.moment("admitted")) for who in residents))
    plan = TODAY[house.hospital.slug]
    for (minutes, state), who in zip(plan, residents, strict=False):
        pickup = now + dt.timedelta(minutes=minutes)
        _announce(house, who, min(pickup, now) - dt.timedelta(minutes=house.rng.randint(150, 200)), pickup)
        _live(house, house.patient_of(who), pickup, state, now=now)
        if state == "completed":
            _leave(house, who, pickup + dt.timedelta(minutes=12))
    waiting = residents[len(plan) :][: WAITING[house.hospital.slug]]
    for order, who in enumerate(waiting):
        _announce(house, who, now - dt.timedelta(minutes=18 * order + 11), now + dt.timedelta(minutes=70 + 25 * order))
    return len(plan)


def _announce(house: House, who: Person, at: dt.datetime, expected: dt.datetime) -> None:
    who.stage, who.expected = "planned", expected.isoformat()
    house.send(house.tell("A16", who, at))


def _leave(house: House, who: Person, at: dt.datetime) -> None:
    who.stage, who.left = "left", at.isoformat()
    house.send(house.tell("A03", who, at, code=house.rng.choice(("01", "03", "03", "62"))))


def settle() -> None:
    """Relay every event and run its subscribers here, as relay and worker would."""
    for _ in range(50):
        if not relay.relay_once(_deliver):
            return
    raise RuntimeError("events keep causing events")


def _deliver(delivery_id: int, _topic: str) -> None:
    deliver.apply(args=(delivery_id,), throw=True)


def _house(hospital: Hospital, made: dict[str, Organization]) -> House:
    tenant = made[hospital.slug]
    booker = next(p for p in demo.PEOPLE if p.organization == hospital.slug and p.role == "case_manager")
    with transaction.atomic(), scoping.enter(Scope.staff(tenant.pk)):
        feed = Feed.objects.get(name=hospital.feed["name"])
        user = User.objects.get(email=booker.email)
    scope = Scope.staff(tenant.pk, user_id=user.pk, actor_label=booker.name, actor_role=booker.role)
    site = Site.read("127.0.0.1", build.simulator_feed(hospital))
    return House(hospital, tenant, feed, site, scope, made, random.Random(f"demo|{hospital.slug}"))


def _live_past_day(house: House, day: dt.datetime) -> int:
    start, _ = clock.day_bounds(clock.local(day, house.hospital.zone).date(), house.hospital.zone)
    amount = PAST_TRIPS[house.hospital.slug]
    for number in range(amount):
        pickup = start + dt.timedelta(hours=9 + 7 * number / amount, minutes=house.rng.randint(0, 40))
        who = house.invent(house.rng.choice(build.seeded_beds(house.hospital)), pickup - dt.timedelta(days=2))
        house.send(house.tell("A01", who, who.moment("admitted")))
        _live(house, house.patient_of(who), pickup, "completed", now=pickup + dt.timedelta(hours=3))
        _leave(house, who, pickup + dt.timedelta(minutes=12))
    return amount


def _live(house: House, patient_id: UUID, pickup: dt.datetime, state: str, *, now: dt.datetime) -> None:
    """One trip from its booking to ``state``."""
    booked = min(pickup - dt.timedelta(minutes=house.rng.randint(70, 140)), now - dt.timedelta(minutes=5))
    with clock.pretend(booked):
        with transaction.atomic(), scoping.enter(house.booker):
            request = _book(house, patient_id, pickup)
        settle()
    if request.status == "pending":  # waits for an approval, as the policy of this house asks
        return
    trip = _answered(house, request, booked, state)
    if trip is None and pickup < now:
        _found_otherwise(house, request)
    if trip is None or trip.vendor_id is None or ORDER.index(state) <= ORDER.index("accepted"):
        return
    company = _company(house, trip.vendor_id)
    vendor = Scope.vendor(trip.vendor_id, actor_label=f"{company.short_name} dispatch", actor_role="vendor_dispatcher")
    if _assigned(vendor, trip, booked + dt.timedelta(minutes=9)):
        _drive(house, company, vendor, trip, pickup, state, now)


def _found_otherwise(house: House, request: ServiceRequest) -> None:
    """Nobody could come and the time is over: the ride was found elsewhere."""
    with transaction.atomic(), scoping.enter(house.booker):
        booking.cancel(request_id=request.pk, reason_code="found_other_ride")
    settle()


def _book(house: House, patient_id: UUID, pickup: dt.datetime) -> ServiceRequest:
    patient = Patient.objects.get(pk=patient_id)
    key = f"demo-{patient_id.hex[:12]}-{pickup:%y%m%d%H%M}"
    draft = booking.draft_of(patient.pk) or booking.start_draft(patient=patient, key=key)
    fields = {
        **booking.chart_defaults(patient, draft.encounter),
        "when": "at",
        "pickup_at": pickup,
        "mobility": house.rng.choice(("wheelchair",) * 5 + ("walks",) * 3 + ("lies",) * 2),
        "destination": _destination(house, patient),
        "companions": house.rng.choice((0, 0, 0, 1)),
        "driver_note": house.rng.choice(("", "", "Hard of hearing", "Own walker", "Glasses in the bag")),
    }
    return confirm(draft, fields, key=key)


def confirm(draft: ServiceRequest, fields: dict[str, Any], *, key: str) -> ServiceRequest:
    """Book a draft as the form does: with its way, the advised level and the contract's price."""
    laid = itinerary.lay_out(fields, journeys.Plan(), facility=draft.facility, patient=draft.patient)
    (way,) = itinerary.as_rides(laid, preview_rows.estimates(laid))
    return booking.confirm(
        request_id=draft.pk,
        fields=way.fields,
        key=key,
        level_seen=laid.level,
        miles=way.quote.miles,
        minutes=way.quote.minutes,
        amount=way.quote.amount,
    )


def _destination(house: House, patient: Patient) -> places.Destination:
    names = [place["name"] for place in house.hospital.places]
    try:
        return places.resolve(value="", text=house.rng.choice([*names, "home", "home", "home"]), patient=patient)
    except DomainError:  # this chart has no address: nobody is brought home then
        return places.resolve(value="", text=names[0], patient=patient)


def _company(house: House, vendor_id: UUID | None) -> Company:
    return next(company for company in COMPANIES if house.made[company.slug].pk == vendor_id)


def _answered(house: House, request: ServiceRequest, booked: dt.datetime, state: str) -> Trip | None:
    """Let vendors answer one after the other; None while the offer is to stay open (or nobody is left)."""
    at = booked
    for _ in range(4):
        with transaction.atomic(), scoping.enter(house.booker):
            trip = Trip.objects.get(request_id=request.pk)
            offer = Offer.objects.filter(trip=trip, status="open").first()
        if offer is None or state == "offering":
            return None
        company = _company(house, offer.vendor_id)
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
