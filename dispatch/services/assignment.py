"""Vehicle and crew for an accepted trip: suggested by the engine, decided by the vendor's dispatcher, checked by rules.

Every rule that matching uses is asked again here, with the people who will really go. A vehicle and a person are taken
by a ``Commitment`` once at a time: the database refuses the second (exclusion constraint), the words say which.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from dispatch.models import Leg, Run, RunCrew, Trip
from dispatch.services import planning, runs, supply
from dispatch.services.planning import Record
from dispatch.services.transitions import leg_to, trip_to
from dispatch.solver import problem as solver
from dispatch.solver.assign import assign as roster
from dispatch.solver.feasible import vendor_refusals
from dispatch.solver.insert import vehicle_candidate
from dispatch.solver.world import World
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, IllegalMove
from vendors.models import Commitment, CommitmentCrew, CrewMember, Network, Shift, Vehicle
from vendors.selectors import contracts

# Vendor rules that acceptance has settled.
SETTLED = {"vendor_full", "vendor_response", "vendor_closed", "vendor_radius", "vendor_zone", "no_vehicle"}
KILOMETRE = 2  # decimals of a degree: commitments keep places to about a kilometre


@dataclass(frozen=True)
class Choice:
    """One vehicle for a trip: with the time it would come, or ``refusals`` in words why it cannot."""

    vehicle_id: UUID
    vehicle_name: str
    crew_ids: tuple[UUID, ...]
    crew_names: tuple[str, ...]
    pickup_at: dt.datetime | None
    added_minutes: float
    deadhead_miles: float
    suggested: bool
    refusals: tuple[str, ...] = ()


@dataclass
class _Bench:
    """A vendor's trip with its fleet, read inside the crossing scope."""

    trip: Trip
    vendor_id: UUID
    leg: Leg
    stock: supply.Supply
    at: supply.Clock
    terms: solver.VendorTerms
    fleet: dict[str, solver.Vehicle]
    shifts: dict[str, Shift]


def suggest(trip_id: UUID) -> list[Choice]:
    """Every vehicle on shift for one accepted trip, best first, those that cannot go last with the reason.

    The suggestion (``suggested``) is the engine's over all of the vendor's accepted trips of this health system that
    have no vehicle yet, so that one trip does not take what another needs. Vendor scope.
    """
    trip = _own_trip(trip_id)
    with transaction.atomic(), scoping.enter(scoping.current().crossing(trip.tenant_id)):
        bench = _bench(trip)
        waiting = list(Trip.objects.filter(vendor_id=trip.vendor_id, status="accepted").exclude(pk=trip.pk))
        legs = {leg.trip_id: leg for leg in Leg.objects.filter(trip__in=waiting, sequence=1)}
        near = [other for other in waiting if abs(other.pickup_at - trip.pickup_at) < dt.timedelta(hours=6)]
        job = _job(bench)
        others = [_job_at(other, legs[other.pk], bench.at) for other in near if other.time_zone == trip.time_zone]
        problem = planning.build([job, *others], [bench.terms], bench.fleet.values(), bench.at)
        chosen = roster(problem, bench.terms.vendor_id).assignments.get(job.id)
        alone = World(planning.build([job], [bench.terms], bench.fleet.values(), bench.at))
        choices = [
            _choice(bench, alone, job, vehicle, suggested=chosen is not None and chosen.vehicle_id == vehicle.id)
            for vehicle in bench.fleet.values()
        ]
        return sorted(
            choices, key=lambda c: (bool(c.refusals), not c.suggested, c.pickup_at or bench.at.now, c.vehicle_name)
        )


@transaction.atomic
def assign(trip_id: UUID, vehicle_id: UUID, crew_ids: Iterable[UUID] | None = None, *, source: str = "user") -> Run:
    """Put a vehicle and crew on a trip; ``crew_ids`` default to the crew of the vehicle's shift. Vendor scope.

    A trip that has a run already gets the new one and the old one is released. Publishes ``leg.assigned`` and
    ``trip.crew_assigned``. Raises ``DomainError``: ``refused`` with every objection in words, ``taken`` when vehicle
    or person is busy then, ``IllegalMove`` when the crew is on its way already.
    """
    known = _own_trip(trip_id)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        trip = Trip.objects.select_for_update().get(pk=trip_id)
        if trip.vendor_id != known.vendor_id or trip.status not in ("accepted", "crew_assigned"):
            words = {"held": "is on hold", "under_way": "is under way already", "canceled": "was canceled"}
            raise IllegalMove(f"Trip {trip.number} {words.get(trip.status, 'is not yours any more')}.", code="status")
        old = Run.objects.filter(trip=trip, is_active=True).first()
        bench = _bench(trip, without=old.commitment_id if old else None)
        vehicle, crew, begins, ends = _checked(bench, vehicle_id, crew_ids)
        if old is not None:
            runs.release(trip, reason="Another vehicle or crew was assigned")
        commitment = _commit(bench, vehicle, crew, begins, ends)
        run = Run.objects.create(
            trip=trip,
            leg=bench.leg,
            vendor_id=bench.vendor_id,
            vehicle=vehicle,
            commitment=commitment,
            vehicle_name=vehicle.name,
            crew_names="; ".join(member.short_name for member in crew)[:200],
        )
        for member in crew:
            RunCrew.objects.create(run=run, vendor_id=bench.vendor_id, crew_member=member, user_id=member.user_id)
        details = {"vehicle_id": str(vehicle.pk), "crew_ids": [str(member.pk) for member in crew]}
        audit.record(action="run.assigned", target=run, details=details)
        _moved(trip, bench.leg, run, begins, source)
        return run


@transaction.atomic
def unassign(trip_id: UUID, *, reason: str) -> None:
    """Take vehicle and crew off a trip that has not started; the vendor keeps the trip. Vendor scope."""
    known = _own_trip(trip_id)
    with scoping.enter(scoping.current().crossing(known.tenant_id)):
        trip = Trip.objects.select_for_update().get(pk=trip_id)
        if trip.status != "crew_assigned":
            raise IllegalMove(f"Trip {trip.number} has no vehicle that could be taken off.", code="status")
        runs.release(trip, reason=reason)
        for leg in Leg.objects.filter(trip=trip, status="assigned"):
            leg_to(leg, "planned", reason=reason)
        trip_to(trip, "accepted", reason=reason)


def _own_trip(trip_id: UUID) -> Trip:
    scope = scoping.current()
    trip = Trip.objects.filter(pk=trip_id, vendor_id=scope.vendor_id).first() if scope.vendor_id else None
    if trip is None:
        raise DomainError("This trip does not exist.", code="not_found")
    return trip


def _bench(trip: Trip, *, without: UUID | None = None) -> _Bench:
    """Everything about the vendor around this trip; ``without`` is a commitment that is being replaced."""
    assert trip.vendor_id is not None
    at = planning.clock_for(clock.now(), trip.time_zone)
    end = max(trip.pickup_latest_at, at.now) + dt.timedelta(hours=6)
    stock = supply.load([trip.vendor_id], at.now, end)
    for vehicle_id, rows in stock.commitments.items():
        stock.commitments[vehicle_id] = [row for row in rows if row.pk != without]
    contract = contracts.in_force(planning.pickup_day(trip)).get(trip.vendor_id)
    network = Network.objects.select_related("vendor").get(vendor_id=trip.vendor_id)
    terms = planning.terms_of(
        vendor_id=trip.vendor_id,
        name=network.vendor.name,
        network=network,
        rates=contract.rates.all() if contract else [],
        stock=stock,
        record=Record(),
        busy=Counter(),
        shares_fleet=True,
        begin=at.now,
        end=end,
        at=at,
    )
    shifts = {f"{row.vehicle_id}/{row.pk}": row for row in stock.shifts.get(trip.vendor_id, [])}
    fleet = {vehicle.id: vehicle for vehicle in supply.vehicles(stock, trip.vendor_id, at)}
    return _Bench(trip, trip.vendor_id, Leg.objects.get(trip=trip, sequence=1), stock, at, terms, fleet, shifts)


def _job(bench: _Bench) -> solver.Job:
    return _job_at(bench.trip, bench.leg, bench.at)


def _job_at(trip: Trip, leg: Leg, at: supply.Clock) -> solver.Job:
    """The accepted trip as a job: wanted from the pickup time that the vendor promised."""
    job = planning.job_of(trip, leg, at)
    promised = at.minute(trip.eta_at) if trip.eta_at else job.pickup.earliest
    earliest = max(job.pickup.earliest, min(promised, job.pickup.latest))
    return replace(job, pickup=replace(job.pickup, earliest=earliest))


def _choice(bench: _Bench, world: World, job: solver.Job, vehicle: solver.Vehicle, *, suggested: bool) -> Choice:
    plain = Choice(
        vehicle_id=UUID(vehicle.id.partition("/")[0]),
        vehicle_name=vehicle.label,
        crew_ids=tuple(UUID(member.id) for member in vehicle.crew),
        crew_names=tuple(member.name for member in vehicle.crew),
        pickup_at=None,
        added_minutes=0.0,
        deadhead_miles=0.0,
        suggested=suggested,
    )
    outcome = vehicle_candidate(world, job, bench.terms, vehicle)
    if isinstance(outcome, list):
        return replace(plain, refusals=tuple(planning.words(refusal.text) for refusal in outcome))
    return replace(
        plain,
        pickup_at=bench.at.moment(outcome.pickup_at),
        added_minutes=round(outcome.added_minutes, 1),
        deadhead_miles=round(outcome.deadhead_miles, 1),
    )


def _checked(
    bench: _Bench, vehicle_id: UUID, crew_ids: Iterable[UUID] | None
) -> tuple[Vehicle, list[CrewMember], dt.datetime, dt.datetime]:
    """Vehicle, crew and the time they are taken; raises with every objection in words."""
    vehicle = Vehicle.objects.filter(pk=vehicle_id).first()
    if vehicle is None:
        raise DomainError("This vehicle does not exist.", code="not_found")
    shift = _shift_of(bench, vehicle)
    wanted = list(dict.fromkeys(crew_ids)) if crew_ids is not None else []
    crew = list(CrewMember.objects.filter(pk__in=wanted, is_active=True).order_by("name"))
    if len(crew) != len(wanted):
        raise DomainError("Choose crew members who work for you.", code="no_crew", fields={"crew": "Choose again."})
    if crew_ids is None:
        crew = [row.crew_member for row in shift.crew_rows.all() if row.crew_member.is_active]
    base = _base(bench)
    going = supply.on_shift(bench.stock, shift, base, bench.at, crew)
    job = _job(bench)
    world = World(planning.build([job], [bench.terms], [going], bench.at))
    problem = world.problem
    objections = [r.text for r in vendor_refusals(problem, job, bench.terms) if r.code not in SETTLED]
    outcome = vehicle_candidate(world, job, bench.terms, going) if not objections else []
    if isinstance(outcome, list):
        objections += [refusal.text for refusal in outcome]
        _name_taken(bench, vehicle, job, objections)
        words = "; ".join(planning.words(text) for text in objections)
        raise DomainError(words + ".", code="refused", fields={"vehicle": words})
    begins = bench.at.moment(outcome.pickup_at)
    clean = planning.clean_minutes(bench.leg.isolation, vehicle.decontamination_minutes)
    door = bench.at.moment(outcome.dropoff_at) + dt.timedelta(minutes=job.dropoff.service_minutes + clean)
    return vehicle, crew, begins, door


def _shift_of(bench: _Bench, vehicle: Vehicle) -> Shift:
    """The vehicle's shift that covers the pickup, else the one that comes nearest to it."""
    own = [shift for shift in bench.shifts.values() if shift.vehicle_id == vehicle.pk]
    if not own:
        raise DomainError(
            f"{vehicle.name} is not on shift then.", code="refused", fields={"vehicle": "Not on shift then."}
        )
    pickup = max(bench.trip.pickup_at, bench.at.now)
    return min(own, key=lambda s: (not s.starts_at <= pickup < s.ends_at, abs(s.starts_at - pickup)))


def _base(bench: _Bench) -> solver.Stop:
    profile = bench.stock.profiles[bench.vendor_id]
    return solver.Stop(profile.base_latitude, profile.base_longitude)


def _name_taken(bench: _Bench, vehicle: Vehicle, job: solver.Job, objections: list[str]) -> None:
    """Time rules speak of lateness; a dispatcher wants to know what the vehicle does instead."""
    first, last = bench.at.moment(job.pickup.earliest), bench.at.moment(job.pickup.latest)
    for row in bench.stock.commitments.get(vehicle.pk, []):
        if row.starts_at < last + dt.timedelta(minutes=bench.leg.minutes) and row.ends_at > first:
            objections.insert(0, _taken(vehicle.name, row.starts_at, row.ends_at, bench.trip.time_zone))
            return


def _taken(name: str, begins: dt.datetime, ends: dt.datetime, zone: str) -> str:
    return f"{name} is taken from {clock.local(begins, zone):%H:%M} to {clock.local(ends, zone):%H:%M}"


def _commit(
    bench: _Bench, vehicle: Vehicle, crew: list[CrewMember], begins: dt.datetime, ends: dt.datetime
) -> Commitment:
    """Take the time of vehicle and crew. The exclusion constraints decide between two dispatchers at once."""
    leg = bench.leg
    try:
        with transaction.atomic():
            commitment = Commitment.objects.create(
                vendor_id=bench.vendor_id,
                vehicle=vehicle,
                starts_at=begins,
                ends_at=ends,
                start_latitude=round(leg.pickup_latitude, KILOMETRE),
                start_longitude=round(leg.pickup_longitude, KILOMETRE),
                end_latitude=round(leg.dropoff_latitude, KILOMETRE),
                end_longitude=round(leg.dropoff_longitude, KILOMETRE),
            )
            for member in crew:
                CommitmentCrew.objects.create(
                    vendor_id=bench.vendor_id, commitment=commitment, crew_member=member, starts_at=begins,
                    ends_at=ends,
                )  # fmt: skip
    except IntegrityError as error:
        words = _busy_words(bench, vehicle, crew, begins, ends)
        raise DomainError(words, code="taken", fields={"vehicle": words}) from error
    return commitment


def _busy_words(bench: _Bench, vehicle: Vehicle, crew: list[CrewMember], begins: dt.datetime, ends: dt.datetime) -> str:
    zone = bench.trip.time_zone
    during: dict[str, Any] = {"is_active": True, "starts_at__lt": ends, "ends_at__gt": begins}
    row = Commitment.objects.filter(vehicle=vehicle, **during).first()
    if row is not None:
        return f"{_taken(vehicle.name, row.starts_at, row.ends_at, zone)}. Choose another vehicle."
    busy = CommitmentCrew.objects.filter(crew_member__in=crew, **during).select_related("crew_member").first()
    if busy is not None:
        return f"{_taken(busy.crew_member.name, busy.starts_at, busy.ends_at, zone)}. Choose another crew."
    return "Vehicle or crew were taken a moment ago. Look again."


def _moved(trip: Trip, leg: Leg, run: Run, begins: dt.datetime, source: str) -> None:
    """The statuses after an assignment; a second one moves none and says so by its own event."""
    if leg.status == "planned":
        leg_to(leg, "assigned", source=source)
    if trip.status == "accepted":
        trip_to(trip, "crew_assigned", source=source, changes={"eta_at": begins})
        return
    Trip.objects.filter(pk=trip.pk).update(eta_at=begins, updated_at=clock.now())
    outbox.publish(
        "trip.reassigned", {"trip_id": str(trip.pk), "leg_id": str(leg.pk), "run_id": str(run.pk)},
        vendor_id=trip.vendor_id,
    )  # fmt: skip
