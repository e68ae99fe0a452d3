"""The matching problem as immutable data.

Units everywhere: times are minutes since ``Problem.epoch`` (float), durations are minutes, distances are
statute miles, weights are pounds, widths are inches, contract money is ``Decimal`` dollars and every
penalty is whole cents. Nothing here names a patient: jobs and vehicles carry the caller's own ids.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

from dispatch.solver.levels import CAPABILITY_WORDS, CREW, REQUIRED, Role
from dispatch.solver.travel import Travel

PICKUP, DROPOFF, BREAK = "pickup", "dropoff", "break"
ISOLATIONS = ("", "contact", "droplet", "airborne")
DEVICES = ("", "manual_chair", "power_chair", "scooter", "bariatric_chair", "cot", "bariatric_cot")
CENT = Decimal("0.01")


class ProblemError(ValueError):
    """The data of a problem contradict each other. The text names ids, never a person."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place, and when service may begin there.

    `earliest` and `latest` bound the start of service; `latest` is a promise, not a wish. `zone` is the
    vendor-contract zone of the place (for instance a ZIP code), empty when unknown.
    """

    lat: float
    lon: float
    earliest: float = -math.inf
    latest: float = math.inf
    service_minutes: float = 0.0
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One leg to be matched: one pickup, one drop-off.

    Parameters
    ----------
    level
        Bookable level of service (a key of ``levels.REQUIRED``).
    capabilities
        What is needed beyond the level, for instance ``bariatric_cot``.
    seats, wheelchairs, stretchers
        Places taken; escorts count as seats.
    weight_lb
        Patient and device together; None when not known.
    width_in
        Outer width of the device; None when not known.
    max_ride_minutes
        Most minutes between the end of service at the pickup and the start of service at the drop-off.
    crew_level
        Level whose crew rule applies when it is not that of `level`.
    min_crew
        Fewest people, for instance a lift team for stairs.
    oxygen_lpm
        Oxygen that the crew must supply, liters a minute; 0 for a patient's own portable tank.
    upgrade_levels
        Higher levels that the payer or the facility agreed to pay for. Never lower ones.
    priority
        1 is usual; a job of priority 2 is worth two usual jobs when not all can be served.
    solo
        No other passenger while on board, whatever the isolation.
    not_before
        Earliest minute the patient could leave, for proposals before the asked window; None if the
        window must not move forward.
    barred
        Vendors that may not be asked about this job, with the reason in words, as (vendor id, reason).
    """

    id: str
    pickup: Stop
    dropoff: Stop
    level: str
    capabilities: frozenset[str] = frozenset()
    seats: int = 0
    wheelchairs: int = 0
    stretchers: int = 0
    weight_lb: float | None = None
    width_in: float | None = None
    device: str = ""
    isolation: str = ""
    max_ride_minutes: float = math.inf
    crew_level: str = ""
    min_crew: int = 1
    oxygen_lpm: float = 0.0
    upgrade_levels: frozenset[str] = frozenset()
    priority: int = 1
    solo: bool = False
    not_before: float | None = None
    barred: tuple[tuple[str, str], ...] = ()

    @property
    def load(self) -> tuple[int, int, int]:
        """Seats, wheelchair positions and stretchers taken."""
        return (self.seats, self.wheelchairs, self.stretchers)

    @property
    def required(self) -> frozenset[str]:
        """Capabilities of the level and those asked for besides."""
        oxygen = frozenset({"o2_administer"}) if self.oxygen_lpm > 0 else frozenset()
        return REQUIRED[self.level] | self.capabilities | oxygen

    @property
    def rides_alone(self) -> bool:
        """Whether no other passenger may be on board."""
        return self.solo or bool(self.isolation)


@dataclass(frozen=True, slots=True)
class Credential:
    """A card or permit. `expires_on` is its last valid day; None does not expire."""

    kind: str
    expires_on: date | None = None
    label: str = ""

    @property
    def words(self) -> str:
        """How a dispatcher calls it."""
        return self.label or f"{self.kind} card"

    def valid_on(self, day: date) -> bool:
        """Whether it is valid on a day."""
        return self.expires_on is None or day <= self.expires_on


@dataclass(frozen=True, slots=True)
class CrewMember:
    """A person of a crew, with the credentials that were verified."""

    id: str
    name: str
    credentials: tuple[Credential, ...] = ()
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """One stop that a vehicle is already bound to. The order of stops is fixed; new stops go between.

    The window of `stop` is what was promised: a new job may shift the stop inside it and no further.
    A passenger already on board has a drop-off and no pickup. A break with ``lat`` NaN is taken
    where the plan leaves the vehicle before it, and no passenger is on board during a break.
    """

    job_id: str
    kind: str
    stop: Stop
    load: tuple[int, int, int] = (0, 0, 0)
    max_ride_minutes: float = math.inf
    rides_alone: bool = False


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle on shift with its crew and the stops it is bound to.

    Parameters
    ----------
    start
        Where it stands at the beginning of the shift, or now when the shift has begun.
    end
        Where it must be when the shift ends; None if it may end anywhere.
    seats, wheelchairs, stretchers
        Places it has.
    lift_lb, cot_lb, door_in
        Ratings; None when not on file.
    crew_level
        Level that the vendor states for the crew; it stands in when `crew` is empty.
    oxygen_liters
        Usable oxygen on board; None when not on file.
    """

    id: str
    vendor_id: str
    label: str
    capabilities: frozenset[str]
    start: Stop
    shift_start: float
    shift_end: float
    end: Stop | None = None
    seats: int = 0
    wheelchairs: int = 0
    stretchers: int = 0
    lift_lb: float | None = None
    cot_lb: float | None = None
    door_in: float | None = None
    crew: tuple[CrewMember, ...] = ()
    crew_level: str = ""
    credentials: tuple[Credential, ...] = ()
    out_of_service: str = ""
    oxygen_liters: float | None = None
    max_duty_minutes: float = math.inf
    plan: tuple[PlannedStop, ...] = ()

    @property
    def capacity(self) -> tuple[int, int, int]:
        """Seats, wheelchair positions and stretchers it has."""
        return (self.seats, self.wheelchairs, self.stretchers)


@dataclass(frozen=True, slots=True)
class Rate:
    """Contract price of one level, dollars."""

    base_amount: Decimal
    mile_amount: Decimal
    included_miles: Decimal = Decimal(0)
    minimum_amount: Decimal = Decimal(0)

    def price(self, miles: float) -> Decimal:
        """Price of one leg with `miles` loaded miles, to the cent, half up."""
        billed = max(Decimal(0), Decimal(str(round(miles, 4))) - self.included_miles)
        amount = max(self.base_amount + billed * self.mile_amount, self.minimum_amount)
        return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class VendorTerms:
    """What a vendor may do for this customer, and at what price.

    Parameters
    ----------
    rates
        Price for each level the contract covers.
    base, radius_miles
        The pickup must lie within `radius_miles` road miles of `base`; infinite means anywhere.
    zones
        Zones of pickup it serves; empty means any.
    hours
        Opening periods in horizon minutes; empty means always.
    on_time_rate, acceptance_rate
        Shares between 0 and 1 from the scorecard.
    tier
        1 is asked first.
    capacity_per_hour
        Most jobs whose asked pickup begins in one clock hour; None means no limit.
    committed_by_hour
        Jobs already given, by horizon hour (``floor(minute / 60)``).
    shares_fleet
        Whether its vehicles are known. If not, the vendor itself is the candidate, and
        `response_minutes` says how long it usually takes from the ask to the pickup.
    """

    vendor_id: str
    name: str
    rates: Mapping[str, Rate]
    active: bool = True
    baa_signed: bool = True
    base: Stop | None = None
    radius_miles: float = math.inf
    zones: frozenset[str] = frozenset()
    hours: tuple[tuple[float, float], ...] = ()
    credentials: tuple[Credential, ...] = ()
    on_time_rate: float = 1.0
    acceptance_rate: float = 1.0
    tier: int = 1
    capacity_per_hour: int | None = None
    committed_by_hour: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    shares_fleet: bool = True
    response_minutes: float = 45.0


@dataclass(frozen=True, slots=True)
class Weights:
    """What each shortcoming costs, whole cents. Defaults are a choice; a site replaces them.

    `late_cents_per_minute` counts minutes from the asked time to the pickup, `at_risk_cents` is charged
    in full without any slack and falls to nothing at `at_risk_minutes` of slack, the two rates are
    charged for the share that is missing from 1, `tier_cents` for each tier after the first, and
    `upgrade_cents` keeps a higher level from being sent while the exact one can come.
    """

    drive_cents_per_minute: int = 50
    late_cents_per_minute: int = 50
    at_risk_cents: int = 1_500
    at_risk_minutes: float = 10.0
    missing_on_time_cents: int = 10_000
    missing_acceptance_cents: int = 4_000
    tier_cents: int = 1_000
    upgrade_cents: int = 5_000


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that a state, a payer or a site may set.

    `clean_minutes` is the time to clean the vehicle after a ride in isolation, `oxygen_reserve` the
    factor by which oxygen must exceed the expected use, `proposal_minutes` how far a proposal may move a
    pickup.
    """

    clean_minutes: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"contact": 20.0, "droplet": 20.0, "airborne": 60.0})
    )
    oxygen_reserve: float = 1.5
    crew_rules: Mapping[str, tuple[Role, ...]] = field(default_factory=lambda: MappingProxyType({}))
    proposal_minutes: float = 240.0

    def crew_rule(self, level: str) -> tuple[Role, ...]:
        """The roles that a crew of this level must fill."""
        return self.crew_rules.get(level, CREW[level])


@dataclass(frozen=True)
class Problem:
    """Everything one decision looks at.

    `epoch` is horizon minute 0 in the facility's time zone; `now` is the minute of the decision: no
    pickup is planned before it.

    Raises
    ------
    ProblemError
        If ids repeat, a level is not bookable, a window is empty, a vehicle belongs to no vendor or is bound
        to an open job, or `epoch` has no time zone.
    """

    epoch: datetime
    now: float
    jobs: tuple[Job, ...]
    vendors: tuple[VendorTerms, ...]
    vehicles: tuple[Vehicle, ...]
    travel: Travel = Travel()
    weights: Weights = Weights()
    policy: Policy = Policy()

    def __post_init__(self) -> None:
        if self.epoch.tzinfo is None:
            raise ProblemError("epoch needs a time zone")
        for what, ids in (
            ("job", [j.id for j in self.jobs]),
            ("vendor", [v.vendor_id for v in self.vendors]),
            ("vehicle", [v.id for v in self.vehicles]),
        ):
            if len(set(ids)) != len(ids):
                raise ProblemError(f"two {what}s have the same id")
        for job in self.jobs:
            _check_job(job)
        vendor_ids = {v.vendor_id for v in self.vendors}
        job_ids = {job.id for job in self.jobs}
        for vehicle in self.vehicles:
            _check_vehicle(vehicle, vendor_ids)
            if not job_ids.isdisjoint(planned.job_id for planned in vehicle.plan):
                raise ProblemError(f"vehicle {vehicle.id}: an open job is in its plan already")

    def moment(self, minute: float) -> datetime:
        """The local date and time of a horizon minute (a clock change on the way is honored)."""
        utc = self.epoch.astimezone(UTC) + timedelta(minutes=minute)
        return utc.astimezone(self.epoch.tzinfo)

    def clock_text(self, minute: float) -> str:
        """A horizon minute as ``15:20``, with the day before it when it is not that of `now`."""
        at = self.moment(round(minute))
        text = at.strftime("%H:%M")
        return text if at.date() == self.moment(self.now).date() else f"{day_text(at.date())} {text}"


def day_text(day: date) -> str:
    """A day as ``3 Nov``."""
    return f"{day.day} {day:%b}"


def _check_job(job: Job) -> None:
    levels = {job.level, job.crew_level or job.level} | job.upgrade_levels
    if not levels <= set(REQUIRED):
        unknown = ", ".join(sorted(levels - set(REQUIRED)))
        raise ProblemError(f"job {job.id}: level {unknown} cannot be booked")
    if job.isolation not in ISOLATIONS or job.device not in DEVICES:
        raise ProblemError(f"job {job.id}: unknown isolation or device")
    if not job.capabilities <= set(CAPABILITY_WORDS):
        raise ProblemError(f"job {job.id}: unknown capability")
    if min(job.load) < 0 or sum(job.load) == 0:
        raise ProblemError(f"job {job.id}: takes no place in a vehicle")
    for stop in (job.pickup, job.dropoff):
        if not (math.isfinite(stop.lat) and math.isfinite(stop.lon)):
            raise ProblemError(f"job {job.id}: a stop has no position")
        if stop.latest < stop.earliest or stop.service_minutes < 0:
            raise ProblemError(f"job {job.id}: a window is empty or a service time negative")
    if not math.isfinite(job.pickup.earliest):
        raise ProblemError(f"job {job.id}: the pickup has no earliest time")


def _check_vehicle(vehicle: Vehicle, vendor_ids: set[str]) -> None:
    if vehicle.vendor_id not in vendor_ids:
        raise ProblemError(f"vehicle {vehicle.id}: vendor {vehicle.vendor_id} is not in the problem")
    if vehicle.shift_end < vehicle.shift_start:
        raise ProblemError(f"vehicle {vehicle.id}: the shift ends before it starts")
    if vehicle.crew_level and vehicle.crew_level not in REQUIRED:
        raise ProblemError(f"vehicle {vehicle.id}: crew level {vehicle.crew_level} is unknown")
    if any(planned.kind not in (PICKUP, DROPOFF, BREAK) for planned in vehicle.plan):
        raise ProblemError(f"vehicle {vehicle.id}: unknown kind of planned stop")
