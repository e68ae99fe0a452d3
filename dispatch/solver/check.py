"""A second opinion on a result, from the problem alone.

Nothing here comes from the rest of the solver but the data of ``problem``: distances, driving, windows,
loads, cards and capacities are worked out again in other ways. Tests judge every result with it, and a
caller may do so before a plan is applied.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from dispatch.solver.problem import Job, PlannedStop, Problem, Stop, Vehicle, VendorTerms

SLACK = 1e-3
"""Minutes and miles that rounding may take."""

Award = tuple[str, str, float, float]
"""Vendor id, vehicle id (empty for an unseen fleet), pickup and drop-off time in horizon minutes."""

TimedStop = tuple[str, str, float]
"""Job id, kind of stop, and when service begins, in the order of driving."""

_SEATED = {"seat", "trained_driver"}
_CHAIR = {"wheelchair_securement", "hands_on_assist", "trained_driver"}
_BLS = {"stretcher", "hands_on_assist", "o2_administer", "suction", "vitals", "aed"}
_ALS = _BLS | {"ecg", "iv_drugs", "advanced_airway"}
_SCT = _ALS | {"vent", "multi_drip", "critical_rn"}
_NEEDS: Mapping[str, set[str]] = {
    "TAXI": {"seat"},
    "AMB": _SEATED,
    "WC": _CHAIR,
    "WCB": _CHAIR | {"heavy_lift"},
    "STR": {"stretcher", "hands_on_assist"},
    "SECURE": {"seat", "secure_cabin", "hands_on_assist"},
    "BLS": _BLS,
    "ALS1": _ALS,
    "SCT": _SCT,
    "NEO": _SCT | {"isolette"},
    "ROTOR": _SCT | {"rotor"},
    "FIXED": _SCT | {"fixed_wing"},
}


def violations(problem: Problem, awards: Mapping[str, Award], routes: Mapping[str, Sequence[TimedStop]]) -> list[str]:
    """Every rule that a result breaks, in words with ids; empty when it is sound.

    Parameters
    ----------
    awards
        For each served job who takes it and when.
    routes
        For each vehicle that was given a job all its stops, those it was bound to included.
    """
    return _Check(problem, awards, routes).all()


class _Check:
    def __init__(
        self, problem: Problem, awards: Mapping[str, Award], routes: Mapping[str, Sequence[TimedStop]]
    ) -> None:
        self.problem, self.awards, self.routes = problem, awards, routes
        self.jobs = {job.id: job for job in problem.jobs}
        self.vendors = {vendor.vendor_id: vendor for vendor in problem.vendors}
        self.vehicles = {vehicle.id: vehicle for vehicle in problem.vehicles}
        self.found: list[str] = []

    def all(self) -> list[str]:
        for job_id, (vendor_id, vehicle_id, pickup_at, dropoff_at) in self.awards.items():
            job, vendor = self.jobs[job_id], self.vendors[vendor_id]
            self.day = self.problem.moment(dropoff_at).date()
            self._vendor(job, vendor, pickup_at)
            self._window(job, pickup_at, dropoff_at)
            if vehicle_id:
                vehicle = self.vehicles[vehicle_id]
                self._need(vehicle.vendor_id == vendor_id, job_id, "vehicle of another vendor")
                self._vehicle(job, vehicle)
                mine = [stop for stop in self.routes.get(vehicle_id, ()) if stop[0] == job_id]
                kinds = [(kind, at) for _, kind, at in mine]
                self._need(kinds == [("pickup", pickup_at), ("dropoff", dropoff_at)], job_id, "stops differ")
            else:
                self._need(not vendor.shares_fleet, job_id, "no vehicle of a shared fleet named")
                ready = self.problem.now + vendor.response_minutes
                self._need(pickup_at >= ready - SLACK, job_id, "pickup before the vendor can respond")
        self._hours()
        for vehicle_id, route in self.routes.items():
            self._route(self.vehicles[vehicle_id], route)
        return self.found

    def _need(self, holds: bool, where: str, words: str) -> None:
        if not holds:
            self.found.append(f"{where}: {words}")

    # ---- rules without a route ---------------------------------------------------------------------

    def _vendor(self, job: Job, vendor: VendorTerms, pickup_at: float) -> None:
        self._need(vendor.active, job.id, "vendor not active")
        self._need(vendor.baa_signed, job.id, "vendor without BAA")
        barred = {vendor_id for vendor_id, _ in job.barred}
        self._need(vendor.vendor_id not in barred, job.id, "vendor barred from the job")
        self._need(all(_holds(c, self.day) for c in vendor.credentials), job.id, "vendor card expired")
        priced = {job.level} | set(job.upgrade_levels)
        self._need(bool(priced & set(vendor.rates)), job.id, "level not in the contract")
        self._need(not vendor.zones or job.pickup.zone in vendor.zones, job.id, "outside the zones")
        if vendor.base is not None:
            miles = self._miles(vendor.base, job.pickup)
            self._need(miles <= vendor.radius_miles + SLACK, job.id, "outside the radius")
        is_open = not vendor.hours or any(a - SLACK <= pickup_at <= b + SLACK for a, b in vendor.hours)
        self._need(is_open, job.id, "pickup outside opening hours")

    def _window(self, job: Job, pickup_at: float, dropoff_at: float) -> None:
        earliest = max(job.pickup.earliest, self.problem.now)
        self._need(earliest - SLACK <= pickup_at <= job.pickup.latest + SLACK, job.id, "pickup window")
        inside = job.dropoff.earliest - SLACK <= dropoff_at <= job.dropoff.latest + SLACK
        self._need(inside, job.id, "drop-off window")
        aboard = dropoff_at - pickup_at - job.pickup.service_minutes
        self._need(aboard <= job.max_ride_minutes + SLACK, job.id, "ride too long")
        driven = self._coverable(pickup_at + job.pickup.service_minutes, dropoff_at)
        self._need(driven >= self._miles(job.pickup, job.dropoff) - SLACK, job.id, "driven too fast")

    def _vehicle(self, job: Job, vehicle: Vehicle) -> None:
        self._need(not vehicle.out_of_service, job.id, "vehicle out of service")
        self._need(all(_holds(c, self.day) for c in vehicle.credentials), job.id, "vehicle card expired")
        needs = _NEEDS[job.level] | set(job.capabilities)
        if job.oxygen_lpm > 0:
            needs |= {"o2_administer"}
        self._need(not needs - vehicle.capabilities, job.id, "capability missing")
        if job.isolation == "airborne":
            fit = "negative_pressure" in vehicle.capabilities or not _BLS - vehicle.capabilities
            self._need(fit, job.id, "airborne isolation in an open vehicle")
        rating = vehicle.cot_lb if job.stretchers else vehicle.lift_lb if job.wheelchairs else math.inf
        unknown = job.weight_lb is None and job.device in ("power_chair", "bariatric_chair", "bariatric_cot")
        self._need(not unknown, job.id, "weight unknown")
        if job.weight_lb is not None:
            self._need(rating is not None and job.weight_lb <= rating, job.id, "too heavy")
        if job.wheelchairs and job.width_in is not None:
            fits = vehicle.door_in is not None and job.width_in <= vehicle.door_in
            self._need(fits, job.id, "too wide")
        self._crew(job, vehicle)

    def _crew(self, job: Job, vehicle: Vehicle) -> None:
        level = job.crew_level or job.level
        self._need(not any(member.excluded for member in vehicle.crew), job.id, "excluded person")
        if vehicle.crew_level:
            offered = _NEEDS[vehicle.crew_level] | ({"seat"} if vehicle.crew_level in ("WC", "WCB") else set())
            self._need(_NEEDS[level] <= offered, job.id, "crew staffed for another level")
        if not vehicle.crew:
            self._need(bool(vehicle.crew_level), job.id, "no crew")
            return
        self._need(len(vehicle.crew) >= job.min_crew, job.id, "crew too small")
        held = [{c.kind for c in member.credentials if _holds(c, self.day)} for member in vehicle.crew]
        roles = [role.holds for role in self.problem.policy.crew_rule(level)]
        self._need(_seat(roles, held), job.id, "crew lacks a credential")

    def _hours(self) -> None:
        given = Counter(
            (vendor_id, int(self.jobs[job_id].pickup.earliest // 60)) for job_id, (vendor_id, *_) in self.awards.items()
        )
        for (vendor_id, hour), count in given.items():
            vendor = self.vendors[vendor_id]
            if vendor.capacity_per_hour is not None:
                total = count + vendor.committed_by_hour.get(hour, 0)
                self._need(total <= vendor.capacity_per_hour, vendor_id, f"too many jobs in hour {hour}")

    # ---- one route ---------------------------------------------------------------------------------

    def _route(self, vehicle: Vehicle, route: Sequence[TimedStop]) -> None:
        planned = [(stop.job_id, stop.kind) for stop in vehicle.plan]
        kept = [(job_id, kind) for job_id, kind, _ in route if job_id not in self.awards]
        self._need(kept == planned, vehicle.id, "stops it was bound to are changed")
        for job_id, _, _ in route:
            mine = job_id not in self.awards or self.awards[job_id][1] == vehicle.id
            self._need(mine, vehicle.id, f"drives {job_id}, which another vehicle was given")
        bound = iter(_placed(vehicle))
        stops = [next(bound) if i not in self.awards else self._stop_of(i, kind) for i, kind, _ in route]
        begins = [at for _, _, at in route]
        late, ended = self._unchanged(vehicle)
        here, free = vehicle.start, max(vehicle.shift_start, self.problem.now)
        started: dict[str, tuple[float, float]] = {}
        for stop, at in zip(stops, begins, strict=True):
            place, where = stop.stop, f"{vehicle.id}/{stop.job_id}"
            self._need(self._coverable(free, at) >= self._miles(here, place) - SLACK, where, "too fast")
            latest = max(stop.stop.latest, late.get((stop.job_id, stop.kind), -math.inf))
            self._need(stop.stop.earliest - SLACK <= at <= latest + SLACK, where, "window")
            here, free = place, at + stop.stop.service_minutes
            if stop.kind == "pickup":
                started[stop.job_id] = (free, stop.max_ride_minutes)
            elif stop.kind == "dropoff" and stop.job_id in started:
                since, limit = started[stop.job_id]
                was = late.get((stop.job_id, "ride"), 0.0)
                self._need(at - since <= max(limit, was) + SLACK, where, "ride too long")
        home = free if vehicle.end is None else self._reach(here, vehicle.end, free)
        self._need(home <= max(vehicle.shift_end, ended) + SLACK, vehicle.id, "after the shift")
        if math.isfinite(vehicle.max_duty_minutes) and stops:
            leaves = self._leave(vehicle.start, stops[0].stop, begins[0])
            self._need(home - leaves <= vehicle.max_duty_minutes + SLACK, vehicle.id, "on duty too long")
        self._loads(vehicle, stops)

    def _stop_of(self, job_id: str, kind: str) -> PlannedStop:
        job = self.jobs[job_id]
        stop, extra = job.pickup, 0.0
        if kind == "dropoff":
            stop, extra = job.dropoff, self.problem.policy.clean_minutes.get(job.isolation, 0.0)
        busy = Stop(stop.lat, stop.lon, stop.earliest, stop.latest, stop.service_minutes + extra)
        alone = job.solo or job.isolation != ""
        load = (job.seats, job.wheelchairs, job.stretchers)
        return PlannedStop(job_id, kind, busy, load, job.max_ride_minutes, alone)

    def _unchanged(self, vehicle: Vehicle) -> tuple[dict[tuple[str, str], float], float]:
        """When each bound stop would begin, how long its ride would be, and when the shift would end, with
        no new job: a vehicle that is late already may stay as late."""
        here, free = vehicle.start, max(vehicle.shift_start, self.problem.now)
        when: dict[tuple[str, str], float] = {}
        left: dict[str, float] = {}
        for stop in _placed(vehicle):
            at = max(self._reach(here, stop.stop, free), stop.stop.earliest)
            when[stop.job_id, stop.kind] = at
            here, free = stop.stop, at + stop.stop.service_minutes
            if stop.kind == "pickup":
                left[stop.job_id] = free
            elif stop.job_id in left:
                when[stop.job_id, "ride"] = at - left[stop.job_id]
        return when, free if vehicle.end is None else self._reach(here, vehicle.end, free)

    def _loads(self, vehicle: Vehicle, stops: Sequence[PlannedStop]) -> None:
        picked = {stop.job_id for stop in stops if stop.kind == "pickup"}
        aboard = {s.job_id: s for s in stops if s.kind == "dropoff" and s.job_id not in picked}
        room = (vehicle.seats, vehicle.wheelchairs, vehicle.stretchers)
        for stop in stops:
            if stop.kind == "pickup":
                aboard[stop.job_id] = stop
                taken = [sum(s.load[d] for s in aboard.values()) for d in range(3)]
                self._need(all(t <= r for t, r in zip(taken, room, strict=True)), vehicle.id, "overloaded")
                shared = len(aboard) > 1 and any(s.rides_alone for s in aboard.values())
                self._need(not shared, vehicle.id, "shares a ride that must be alone")
            elif stop.kind == "dropoff":
                self._need(aboard.pop(stop.job_id, None) is not None, vehicle.id, "drop-off before pickup")
            else:
                self._need(not aboard, vehicle.id, "break with a passenger on board")
        self._need(not aboard, vehicle.id, "passenger never dropped off")

    # ---- distances and driving ---------------------------------------------------------------------

    def _miles(self, a: Stop, b: Stop) -> float:
        """Road miles by the angle between position vectors (the solver uses the haversine)."""
        u, v = _vector(a), _vector(b)
        cross = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
        angle = math.atan2(math.hypot(*cross), sum(p * q for p, q in zip(u, v, strict=True)))
        return self.problem.travel.road_factor * 3958.7613 * angle

    def _coverable(self, start: float, end: float) -> float:
        """Miles that can be driven between two minutes: speed summed over the clock hours touched."""
        offset, total = self.problem.travel.epoch_minute, 0.0
        hour = math.floor((start + offset) / 60)
        while 60 * hour - offset < end:
            minutes = min(end, 60 * (hour + 1) - offset) - max(start, 60 * hour - offset)
            total += max(0.0, minutes) * self.problem.travel.mph_by_hour[hour % 24] / 60
            hour += 1
        return total

    def _reach(self, a: Stop, b: Stop, leave: float) -> float:
        """First minute by which the miles can be covered, by bisection."""
        miles = self._miles(a, b)
        low, high = leave, leave + 60 * miles / min(self.problem.travel.mph_by_hour)
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self._coverable(leave, middle) >= miles else (middle, high)
        return high

    def _leave(self, a: Stop, b: Stop, arrive: float) -> float:
        """Last minute to leave at in order to arrive in time, by bisection."""
        miles = self._miles(a, b)
        low, high = arrive - 60 * miles / min(self.problem.travel.mph_by_hour), arrive
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self._coverable(middle, arrive) >= miles else (low, middle)
        return low


def _placed(vehicle: Vehicle) -> list[PlannedStop]:
    """The bound stops, a break without a place put where the stop before it is."""
    here, found = vehicle.start, []
    for planned in vehicle.plan:
        stop = planned.stop
        if math.isnan(stop.lat):
            stop = replace(stop, lat=here.lat, lon=here.lon)
        found.append(replace(planned, stop=stop))
        here = stop
    return found


def _vector(stop: Stop) -> tuple[float, float, float]:
    phi, lam = math.radians(stop.lat), math.radians(stop.lon)
    return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)


def _holds(credential: object, day: date) -> bool:
    expires = getattr(credential, "expires_on", None)
    return expires is None or not expires < day


def _seat(roles: Sequence[Sequence[frozenset[str]]], held: Sequence[set[str]]) -> bool:
    """Whether each role finds a person of its own."""
    if not roles:
        return True
    return any(
        all(group & person for group in roles[0]) and _seat(roles[1:], [*held[:i], *held[i + 1 :]])
        for i, person in enumerate(held)
    )
