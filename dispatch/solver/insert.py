"""Best insertion of a job into each vehicle's plan: the candidates of a job, and why others are none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from dispatch.solver.feasible import (
    Refusal,
    late_text,
    priced_level,
    service_windows,
    shift_text,
    valid_until,
    vehicle_refusals,
    vendor_refusals,
    whole_minutes,
)
from dispatch.solver.positions import Nearest, insertions
from dispatch.solver.problem import DROPOFF, PICKUP, Job, Problem, Stop, Vehicle, VendorTerms, Weights
from dispatch.solver.schedule import Conflict, Duty, Schedule, schedule
from dispatch.solver.world import Route, World


@dataclass(frozen=True, slots=True)
class Candidate:
    """A vehicle (or a vendor that does not share its fleet) that can take a job.

    `cost_cents` is added driving and lateness, without the contract price; `vehicle_id` is empty when the
    vendor chooses the vehicle itself. `least_late_cents` and `earliest_at` (of the pickup) bound every
    position in the vehicle's present plan, not only the cheapest.
    """

    job_id: str
    vendor_id: str
    vehicle_id: str
    pickup_at: float
    dropoff_at: float
    cost_cents: int
    added_minutes: float
    deadhead_miles: float
    loaded_miles: float
    level: str
    price_amount: Decimal
    least_late_cents: int
    earliest_at: float


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a vendor (`vehicle_id` empty) or one of its vehicles cannot take a job."""

    vendor_id: str
    vehicle_id: str
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Screening:
    """What ``candidates`` found for one job: candidates by cost, and the reasons of all others."""

    job_id: str
    candidates: tuple[Candidate, ...]
    refused: tuple[Refused, ...]


def late_cents(weights: Weights, job: Job, pickup_at: float) -> int:
    """Penalty of a pickup after the asked time, and of one that leaves little of its window."""
    cents = weights.late_cents_per_minute * max(0.0, pickup_at - job.pickup.earliest)
    # A narrow window is not a risk in itself: at most its second half counts as one.
    risky = min(weights.at_risk_minutes, (job.pickup.latest - job.pickup.earliest) / 2)
    if risky > 0:
        cents += weights.at_risk_cents * max(0.0, 1 - max(0.0, job.pickup.latest - pickup_at) / risky)
    return round(cents)


@dataclass(frozen=True, slots=True)
class Insertion:
    """The cheapest position of a job in a route (`index` is that of the pickup), and two bounds over all
    positions: the least late penalty and the earliest pickup."""

    cost_cents: int
    route: Route
    index: int
    least_late_cents: int
    earliest_at: float


def best_insertion(
    world: World, route: Route, job: Job, windows: list[tuple[float, float]], until: float, nearest: Nearest
) -> Insertion | None:
    """The cheapest position of a job in a route; None when there is none, and `nearest` then says why."""
    weights, best = world.problem.weights, None
    least, earliest = math.inf, math.inf
    for window in windows:
        stops = world.visits_of(job, window, until)
        for option, index in insertions(world, route, stops, nearest):
            begins = option.found.starts[index]
            late = late_cents(weights, job, begins)
            cost = round(weights.drive_cents_per_minute * (option.driving - route.driving)) + late
            least, earliest = min(least, late), min(earliest, begins)
            if best is None or cost < best[0]:
                best = (cost, option, index)
    return None if best is None else Insertion(*best, int(least), earliest)


def candidates(problem: Problem, job: Job, world: World | None = None) -> Screening:
    """Every vehicle that can take a job, cheapest first, and why each of the others cannot.

    Parameters
    ----------
    world
        The problem prepared once, when many jobs are asked for; made here otherwise.
    """
    world = world or World(problem)
    found: list[Candidate] = []
    refused: list[Refused] = []
    for vendor in world.vendors.values():
        can, cannot = vendor_candidates(world, job, vendor)
        found += can
        refused += cannot
    found.sort(key=lambda c: (c.cost_cents, c.vendor_id, c.vehicle_id))
    return Screening(job.id, tuple(found), tuple(refused))


def vendor_candidates(world: World, job: Job, vendor: VendorTerms) -> tuple[list[Candidate], list[Refused]]:
    """What one vendor can send for a job, and why the rest of its fleet cannot go."""
    found: list[Candidate] = []
    refused: list[Refused] = []
    objections = vendor_refusals(world.problem, job, vendor)
    if objections:
        return found, [Refused(vendor.vendor_id, "", tuple(objections))]
    if not vendor.shares_fleet:
        outcomes = [("", _unseen_fleet(world, job, vendor))]
    else:
        outcomes = [(v.id, vehicle_candidate(world, job, vendor, v)) for v in world.fleets[vendor.vendor_id]]
        if not outcomes:
            outcomes = [("", [Refusal("no_vehicle", f"{vendor.name} has no vehicle on shift")])]
    for vehicle_id, outcome in outcomes:
        if isinstance(outcome, Candidate):
            found.append(outcome)
        else:
            refused.append(Refused(vendor.vendor_id, vehicle_id, tuple(outcome)))
    return found, refused


def vehicle_candidate(world: World, job: Job, vendor: VendorTerms, vehicle: Vehicle) -> Candidate | list[Refusal]:
    """What one vehicle offers for a job beside its route in `world`, or why it cannot take it.

    The vendor is taken as fit: see ``vendor_refusals``.
    """
    problem = world.problem
    objections = vehicle_refusals(problem, job, vehicle)
    if objections:
        return objections
    route = world.routes[vehicle.id]
    if isinstance(route, Conflict):
        return [Refusal("plan_broken", f"The present plan of {vehicle.label} does not hold ({route.code})")]
    nearest = Nearest()
    until = valid_until(problem, job, vehicle, vendor)
    best = best_insertion(world, route, job, service_windows(job, vendor), until, nearest)
    if best is None:
        return [_time_refusal(world, job, vendor, route, nearest, until)]
    return _candidate(world, job, vendor, best, best.route.driving - route.driving)


def _candidate(world: World, job: Job, vendor: VendorTerms, best: Insertion, added: float) -> Candidate:
    level = priced_level(job, vendor)
    assert level is not None, "a vendor without a price was refused before"
    option, index = best.route, best.index
    before = option.visits[index - 1].place if index else option.duty.start_place
    loaded = world.problem.travel.miles(job.pickup, job.dropoff)
    return Candidate(
        job_id=job.id,
        vendor_id=vendor.vendor_id,
        vehicle_id=option.vehicle.id,
        pickup_at=option.found.starts[index],
        dropoff_at=option.start_of(job.id, DROPOFF),
        cost_cents=best.cost_cents,
        added_minutes=added,
        deadhead_miles=world.road.miles(before, option.visits[index].place),
        loaded_miles=loaded,
        level=level,
        price_amount=vendor.rates[level].price(loaded),
        least_late_cents=best.least_late_cents,
        earliest_at=best.earliest_at,
    )


def unseen_vehicle(world: World, job: Job, vendor: VendorTerms) -> Route:
    """A stand-in for the vehicle of a vendor that does not share its fleet: at the pickup after its usual
    response time, with just the room the job takes."""
    here, now = Stop(job.pickup.lat, job.pickup.lon), world.problem.now + vendor.response_minutes
    vehicle = Vehicle("", vendor.vendor_id, vendor.name, frozenset(), here, now, math.inf)
    vehicle = replace(vehicle, seats=job.seats, wheelchairs=job.wheelchairs, stretchers=job.stretchers)
    return world.route(vehicle, (), Duty(world.road.number(here), now, math.inf, job.load))


def _unseen_fleet(world: World, job: Job, vendor: VendorTerms) -> Candidate | list[Refusal]:
    route, nearest = unseen_vehicle(world, job, vendor), Nearest()
    best = best_insertion(world, route, job, service_windows(job, vendor), math.inf, nearest)
    if best is None:
        return [_time_refusal(world, job, vendor, route, nearest, math.inf)]
    return _candidate(world, job, vendor, best, best.route.driving)


def _time_refusal(world: World, job: Job, vendor: VendorTerms, route: Route, nearest: Nearest, until: float) -> Refusal:
    """Words for the position that came nearest to working."""
    problem, vehicle = world.problem, route.vehicle
    conflict = schedule(nearest.visits, route.duty, world.road)
    if isinstance(conflict, Schedule):
        raise ValueError("a feasible position was not offered")
    if nearest.crowded:
        if job.rides_alone or any(visit.alone for visit in route.visits):
            words = f"Patient must ride alone, and {vehicle.label} carries others during the window"
            return Refusal("shared_ride", words, conflict.minutes)
        return Refusal("room", f"{vehicle.label} has no free place during the window", conflict.minutes)
    if conflict.code == "shift":
        return Refusal("shift", shift_text(problem, vehicle, conflict.minutes), conflict.minutes)
    if conflict.code == "duty":
        words = f"Crew would be on duty for more than {vehicle.max_duty_minutes:.0f} min"
        return Refusal("duty", words, conflict.minutes)
    if conflict.code == "ride":
        words = f"Patient would be on board beyond the {job.max_ride_minutes:.0f} min ride limit"
        own = nearest.visits[conflict.index].job_id == job.id
        words = words if own else "A passenger booked earlier would be on board for too long"
        return Refusal("ride", words, conflict.minutes)
    visit = nearest.visits[conflict.index]
    own = visit.job_id == job.id
    if own and visit.kind == DROPOFF and visit.latest < job.dropoff.latest:
        after = problem.moment(until - 1).date() + timedelta(days=1)
        lapsed = vendor_refusals(problem, job, vendor, after) + vehicle_refusals(problem, job, vehicle, after)
        return replace(lapsed[0], minutes=conflict.minutes)
    if not own:
        text = f"An earlier booking would be {whole_minutes(conflict.minutes)} min late"
    else:
        what = "Pickup" if visit.kind == PICKUP else "Arrival"
        text = late_text(problem, what, visit.latest, conflict.minutes)
    return Refusal("late", text, conflict.minutes)
