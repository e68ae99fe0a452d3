"""Each rule that may refuse a vendor, a vehicle or a crew, on its own, with its reason in words.

A rule returns what it objects to; nothing means that it has no objection. Rules about time need a route
and are judged by ``insert``, which words its conflicts here too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import permutations

from dispatch.solver.levels import CAPABILITY_WORDS, OFFERED, Role, serves
from dispatch.solver.problem import CrewMember, Job, Problem, Vehicle, VendorTerms, day_text

VENDOR_CODES = (
    "vendor_inactive", "vendor_baa", "vendor_barred", "vendor_credential", "vendor_level", "vendor_zone",
    "vendor_radius", "vendor_closed", "vendor_response", "vendor_full", "no_vehicle",
)  # fmt: skip
VEHICLE_CODES = (
    "out_of_service", "vehicle_credential", "capability", "isolation", "capacity", "weight_unknown",
    "width_unknown", "rating_unknown", "weight", "width", "oxygen", "crew_excluded", "crew_missing",
    "crew_credential", "crew_level",
)  # fmt: skip
TIME_CODES = ("plan_broken", "shared_ride", "room", "late", "ride", "shift", "duty")
STRENGTH = {code: rank for rank, code in enumerate((*VENDOR_CODES, *VEHICLE_CODES, *TIME_CODES))}
"""Order of the rules. A vehicle that is stopped only by a later rule came nearer to being chosen."""

_LOAD_WORDS = (
    ("seat", "seats"),
    ("wheelchair position", "wheelchair positions"),
    ("stretcher", "stretchers"),
)
_DEVICE_WORDS = {
    "": "patient weighs",
    "cot": "patient and cot load weigh",
    "bariatric_cot": "patient and cot load weigh",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One objection: a stable code for programs, and the reason in a dispatcher's words.

    `minutes` is by how much a time rule fails; 0 for the others.
    """

    code: str
    text: str
    minutes: float = 0.0


# ---- vendor rules ----------------------------------------------------------------------------------


def priced_level(job: Job, vendor: VendorTerms) -> str | None:
    """The level at which this vendor would be paid: the one asked for, else the cheapest agreed upgrade."""
    if job.level in vendor.rates:
        return job.level
    ups = [u for u in job.upgrade_levels if u in vendor.rates and serves(u, job.level)]
    return min(ups, key=lambda u: (vendor.rates[u].base_amount, u), default=None)


def service_windows(job: Job, vendor: VendorTerms) -> list[tuple[float, float]]:
    """The parts of the pickup window in which the vendor is open, earliest first."""
    earliest, latest = job.pickup.earliest, job.pickup.latest
    if not vendor.hours:
        return [(earliest, latest)]
    parts = [(max(earliest, opens), min(latest, closes)) for opens, closes in sorted(vendor.hours)]
    return [(first, last) for first, last in parts if first <= last]


def vendor_refusals(problem: Problem, job: Job, vendor: VendorTerms, day: date | None = None) -> list[Refusal]:
    """Every objection to the vendor itself, in the order of ``VENDOR_CODES``.

    `day` is the day on which cards must be valid; the day of the trip by its asked time when not given.
    """
    day = day or trip_day(problem, job)
    rules = (_vendor_standing, _vendor_level, _vendor_area, _vendor_hours, _vendor_capacity)
    return [refusal for rule in rules for refusal in rule(problem, job, vendor, day)]


def _vendor_standing(problem: Problem, job: Job, vendor: VendorTerms, day: date) -> Iterator[Refusal]:
    if not vendor.active:
        yield Refusal("vendor_inactive", f"{vendor.name} is not active")
    if not vendor.baa_signed:
        # 45 CFR 164.502(e): no PHI to a business associate without a written agreement.
        yield Refusal("vendor_baa", f"{vendor.name} has no signed BAA")
    for vendor_id, reason in job.barred:
        if vendor_id == vendor.vendor_id:
            yield Refusal("vendor_barred", reason)
    for credential in vendor.credentials:
        if not credential.valid_on(day):
            text = f"{credential.words} of {vendor.name} {_expired(credential.expires_on)}"
            yield Refusal("vendor_credential", text)


def _vendor_level(problem: Problem, job: Job, vendor: VendorTerms, day: date) -> Iterator[Refusal]:
    if priced_level(job, vendor) is None:
        yield Refusal("vendor_level", f"{vendor.name} does not offer {job.level}")


def _vendor_area(problem: Problem, job: Job, vendor: VendorTerms, day: date) -> Iterator[Refusal]:
    if vendor.zones and job.pickup.zone not in vendor.zones:
        place = f"zone {job.pickup.zone}" if job.pickup.zone else "a pickup without a zone"
        yield Refusal("vendor_zone", f"{vendor.name} does not serve {place}")
    if vendor.base is not None and math.isfinite(vendor.radius_miles):
        miles = problem.travel.miles(vendor.base, job.pickup)
        if miles > vendor.radius_miles:
            text = f"Pickup is {miles:.1f} mi from the base of {vendor.name}, "
            text += f"the limit is {vendor.radius_miles:g} mi"
            yield Refusal("vendor_radius", text)


def _vendor_hours(problem: Problem, job: Job, vendor: VendorTerms, day: date) -> Iterator[Refusal]:
    if not service_windows(job, vendor):
        asked = problem.clock_text(job.pickup.earliest)
        opens = [start for start, _ in sorted(vendor.hours) if start > job.pickup.earliest]
        until = f" and opens at {problem.clock_text(opens[0])}" if opens else ""
        yield Refusal("vendor_closed", f"{vendor.name} is closed at {asked}{until}")
    elif not vendor.shares_fleet:
        reach = problem.now + vendor.response_minutes
        if all(last < reach for _, last in service_windows(job, vendor)):
            text = f"{vendor.name} usually needs {vendor.response_minutes:.0f} min, so it would come at "
            text += f"{problem.clock_text(reach)}, after {problem.clock_text(job.pickup.latest)}"
            yield Refusal("vendor_response", text, reach - job.pickup.latest)


def asked_hour(job: Job) -> int:
    """The horizon hour in which the pickup is asked for; vendor capacity is counted by it."""
    return math.floor(job.pickup.earliest / 60)


def hour_capacity(vendor: VendorTerms, hour: int) -> int | None:
    """How many more jobs the vendor takes in a horizon hour; None when it sets no limit."""
    if vendor.capacity_per_hour is None:
        return None
    return max(0, vendor.capacity_per_hour - vendor.committed_by_hour.get(hour, 0))


def _vendor_capacity(problem: Problem, job: Job, vendor: VendorTerms, day: date) -> Iterator[Refusal]:
    hour = asked_hour(job)
    if hour_capacity(vendor, hour) == 0:
        between = f"{problem.clock_text(60 * hour)} and {problem.clock_text(60 * hour + 60)}"
        yield Refusal("vendor_full", f"{vendor.name} has no capacity left between {between}")


# ---- vehicle rules ---------------------------------------------------------------------------------


def vehicle_refusals(problem: Problem, job: Job, vehicle: Vehicle, day: date | None = None) -> list[Refusal]:
    """Every objection to the vehicle and its crew that needs no route, in the order of ``VEHICLE_CODES``.

    `day` is the day on which cards must be valid; the day of the trip by its asked time when not given.
    """
    day = day or trip_day(problem, job)
    rules = (
        _in_service, _has_capabilities, _isolates, _has_room, _bears_weight, _admits_width, _carries_oxygen,
        _crew_fits,
    )  # fmt: skip
    return [refusal for rule in rules for refusal in rule(problem, job, vehicle, day)]


def _in_service(problem: Problem, job: Job, vehicle: Vehicle, day: date) -> Iterator[Refusal]:
    if vehicle.out_of_service:
        yield Refusal("out_of_service", f"{vehicle.label} is out of service: {vehicle.out_of_service}")
    for credential in vehicle.credentials:
        if not credential.valid_on(day):
            text = f"{credential.words} of {vehicle.label} {_expired(credential.expires_on)}"
            yield Refusal("vehicle_credential", text)


def _has_capabilities(problem: Problem, job: Job, vehicle: Vehicle, day: date) -> Iterator[Refusal]:
    for missing in sorted(job.required - vehicle.capabilities, key=list(CAPABILITY_WORDS).index):
        yield Refusal("capability", CAPABILITY_WORDS[missing])


def _isolates(problem: Problem, job: Job, vehicle: Vehicle, day: date) -> Iterator[Refusal]:
    ambulance = OFFERED["BLS"] <= vehicle.capabilities
    if job.isolation == "airborne" and not ambulance and "negative_pressure" not in vehicle.capabilities:
        yield Refusal("isolation", "Airborne isolation needs an ambulance or a negative-pressure cabin")


def _has_room(problem: Problem, job: Job, vehicle: Vehicle, day: date) -> Iterator[Refusal]:
    for need, have, (one, many) in zip(job.load, vehicle.capacity, _LOAD_WORDS, strict=True):
        if need > have:
            yield Refusal("capacity", f"Has {have} {one if have == 1 else many}, {need} needed")


def _bears_weight(problem: Problem, job: Job, vehicle: Vehicle, day: date) -> Iterator[Refusal]:
    if job.device in ("power_chair", "bariatric_chair", "bariatric_cot") and job.weight_lb is None:
        yield Refusal("weight_unknown", "Weight of patient and device is not known; ask before booking")
    if job.weight_lb is None or not (job.wheelchairs or job.stretchers):
        return
    what, rating = ("Cot", vehicle.cot_lb) if job.stretchers else ("Lift", vehicle.lift_lb)
    words = _DEVICE_WORDS.get(job.device, "patient and chair weigh")
    if rating is None:
        yield Refusal("rating_unknown", f"{what} rating of {vehicle.label} is not on file")
    elif job.weight_lb > rating:
        yield Refusal("weight", f"{what} is rated {rating:g} lb, {words} {job.weight_lb:g} lb")


def _admits_width(problem: Problem, job: Job, vehicle: Vehicle, day: date) -> Iterator[Refusal]:
    if job.device in ("power_chair", "bariatric_chair") and job.width_in is None:
        yield Refusal("width_unknown", "Width of the chair is not known; ask before booking")
    if job.width_in is None or not job.wheelchairs:
        return
    if vehicle.door_in is None:
        yield Refusal("rating_unknown", f"Door width of {vehicle.label} is not on file")
    elif job.width_in > vehicle.door_in:
        yield Refusal("width", f"Door is {vehicle.door_in:g} in wide, the chair is {job.width_in:g} in")


def _carries_oxygen(problem: Problem, job: Job, vehicle: Vehicle, day: date) -> Iterator[Refusal]:
    if job.oxygen_lpm <= 0 or vehicle.oxygen_liters is None:
        return
    depart = max(problem.now, job.pickup.earliest)
    ride = problem.travel.minutes(job.pickup, job.dropoff, depart)
    minutes = job.pickup.service_minutes + ride + job.dropoff.service_minutes
    liters = job.oxygen_lpm * minutes * problem.policy.oxygen_reserve
    if liters > vehicle.oxygen_liters:
        text = f"Carries {vehicle.oxygen_liters:.0f} L of oxygen, "
        text += f"{liters:.0f} L needed at {job.oxygen_lpm:g} L/min"
        yield Refusal("oxygen", text)


# ---- crew rules ------------------------------------------------------------------------------------


def _crew_fits(problem: Problem, job: Job, vehicle: Vehicle, day: date) -> Iterator[Refusal]:
    level = job.crew_level or job.level
    if vehicle.crew_level and not serves(vehicle.crew_level, level):
        yield Refusal("crew_level", f"Crew is staffed for {vehicle.crew_level}, {level} needed")
    for member in vehicle.crew:
        if member.excluded:
            # 42 CFR 1001.1901(b): no federal payment for services of an excluded person.
            yield Refusal("crew_excluded", f"{member.name} is on an exclusion list")
    if not vehicle.crew:
        if not vehicle.crew_level:
            yield Refusal("crew_missing", f"No crew is on shift in {vehicle.label}")
        return
    roles = problem.policy.crew_rule(level)
    people = max(job.min_crew, len(roles))
    if len(vehicle.crew) < people:
        yield Refusal("crew_missing", f"Crew of {len(vehicle.crew)}, {people} needed for {level}")
        return
    if _filled(roles, vehicle.crew, day):
        return
    lapsed = [
        f"{credential.words} of {member.name} {_expired(credential.expires_on)}"
        for member in vehicle.crew
        for credential in member.credentials
        if not credential.valid_on(day) and any(credential.kind in group for r in roles for group in r.holds)
    ]
    if lapsed:
        for text in lapsed:
            yield Refusal("crew_credential", text)
    else:
        unfilled = [role.words for role in roles if not any(_fills(role, m, day) for m in vehicle.crew)]
        words = ", ".join(unfilled) if unfilled else ", ".join(role.words for role in roles)
        yield Refusal("crew_level", f"Crew lacks for {level}: {words}")


def _fills(role: Role, member: CrewMember, day: date) -> bool:
    valid = {credential.kind for credential in member.credentials if credential.valid_on(day)}
    return all(group & valid for group in role.holds)


def _filled(roles: Sequence[Role], crew: Sequence[CrewMember], day: date) -> bool:
    """Whether distinct people fill all roles (crews are small enough to try every order)."""
    return any(
        all(_fills(role, member, day) for role, member in zip(roles, order, strict=True))
        for order in permutations(crew, len(roles))
    )


# ---- words of time ---------------------------------------------------------------------------------


def valid_until(problem: Problem, job: Job, vehicle: Vehicle, vendor: VendorTerms) -> float:
    """The horizon minute before which the trip must end, because a needed card expires; else infinity.

    Assumes that nothing objects on the day of the trip itself.
    """
    day = trip_day(problem, job)
    cards = [*vendor.credentials, *vehicle.credentials, *(c for m in vehicle.crew for c in m.credentials)]
    for last in sorted({c.expires_on for c in cards if c.expires_on and c.expires_on >= day}):
        after = last + timedelta(days=1)
        if vendor_refusals(problem, job, vendor, after) or vehicle_refusals(problem, job, vehicle, after):
            midnight = datetime.combine(after, time(), problem.epoch.tzinfo)
            return (midnight - problem.epoch).total_seconds() / 60
        if (last - day).days > 7:
            break
    return math.inf


def trip_day(problem: Problem, job: Job) -> date:
    """The local day on which the trip ends when it begins as asked."""
    earliest = max(job.pickup.earliest, problem.now)
    ride = problem.travel.minutes(job.pickup, job.dropoff, earliest)
    return problem.moment(earliest + job.pickup.service_minutes + ride).date()


def _expired(expires_on: date | None) -> str:
    return f"expired {day_text(expires_on)}" if expires_on else "is not valid"


def late_text(problem: Problem, what: str, latest: float, minutes: float) -> str:
    """Words for a pickup or an arrival (`what`) that would begin `minutes` after `latest`."""
    reached = problem.clock_text(math.ceil(latest + minutes - 1e-6))
    return f"{what} would be at {reached}, {whole_minutes(minutes)} min after {problem.clock_text(latest)}"


def shift_text(problem: Problem, vehicle: Vehicle, minutes: float) -> str:
    """Words for a trip that ends `minutes` after the shift."""
    ends = problem.clock_text(math.ceil(vehicle.shift_end + minutes - 1e-6))
    verb = "be back at" if vehicle.end is not None else "end"
    return f"Shift ends {problem.clock_text(vehicle.shift_end)}, trip would {verb} {ends}"


def whole_minutes(minutes: float) -> int:
    """Minutes rounded up, at least 1: a limit missed by seconds is missed."""
    return max(1, math.ceil(minutes - 1e-6))
