"""What vendors can send, read from rows and put in the solver's words.

Read by a health system (all vendors of its network) or by a vendor crossing into one (itself only): the scope
decides, the code is the same. A fixed number of queries, whatever the number of vehicles.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from dispatch.solver import problem as solver
from dispatch.solver.levels import OFFERED
from logistics.requests.services import fit
from vendors.models import Commitment, Credential, Shift, Vehicle, VendorProfile

# Our bookable levels in the solver's terms (docs/states.md: ALS here is ALS1 there, CCT is SCT).
SOLVER_LEVEL = {"ALS": "ALS1", "CCT": "SCT"}
CARD = {
    "driver_license": "DRIVER",
    "securement": "SECUREMENT",
    "emt_card": "EMT",
    "paramedic_card": "PARAMEDIC",
    "rn_license": "RN",
    "rt_license": "RT",
    "cpr": "CPR",
}


def solver_level(level: str) -> str:
    """The solver's name of one of our levels."""
    return SOLVER_LEVEL.get(level, level)


@dataclass
class Supply:
    """Rows of the vendors in scope between two moments, by vendor."""

    profiles: dict[UUID, VendorProfile] = field(default_factory=dict)
    vendor_cards: dict[UUID, list[Credential]] = field(default_factory=dict)
    crew_cards: dict[UUID, list[Credential]] = field(default_factory=dict)
    vehicle_cards: dict[UUID, list[Credential]] = field(default_factory=dict)
    shifts: dict[UUID, list[Shift]] = field(default_factory=dict)
    commitments: dict[UUID, list[Commitment]] = field(default_factory=dict)


def load(vendor_ids: Iterable[UUID], begin: dt.datetime, end: dt.datetime) -> Supply:
    """Read the supply of these vendors on duty between ``begin`` and ``end``. Six queries."""
    ids = list(vendor_ids)
    found = Supply(profiles={row.vendor_id: row for row in VendorProfile.objects.filter(vendor_id__in=ids)})
    vendor_cards, crew_cards, vehicle_cards = defaultdict(list), defaultdict(list), defaultdict(list)
    for card in Credential.objects.filter(vendor_id__in=ids):
        if card.crew_member_id:
            crew_cards[card.crew_member_id].append(card)
        elif card.vehicle_id:
            vehicle_cards[card.vehicle_id].append(card)
        else:
            vendor_cards[card.vendor_id].append(card)
    shifts = defaultdict(list)
    rows = (
        Shift.objects.filter(vendor_id__in=ids, starts_at__lt=end, ends_at__gt=begin)
        .select_related("vehicle")
        .prefetch_related("crew_rows__crew_member")
    )
    for shift in rows:
        shifts[shift.vendor_id].append(shift)
    commitments = defaultdict(list)
    earliest = min((shift.starts_at for shift in rows), default=begin)
    for commitment in Commitment.objects.filter(
        vendor_id__in=ids, is_active=True, starts_at__lt=end, ends_at__gt=earliest
    ).order_by("starts_at"):
        commitments[commitment.vehicle_id].append(commitment)
    found.vendor_cards, found.crew_cards, found.vehicle_cards = vendor_cards, crew_cards, vehicle_cards
    found.shifts, found.commitments = shifts, commitments
    return found


@dataclass(frozen=True)
class Clock:
    """Turns moments into the solver's minutes since ``epoch``."""

    epoch: dt.datetime
    now: dt.datetime

    def minute(self, moment: dt.datetime) -> float:
        """Minutes since the epoch."""
        return (moment - self.epoch).total_seconds() / 60

    def moment(self, minute: float) -> dt.datetime:
        """The moment of a minute, UTC, rounded up: a promise is not rounded down."""
        seconds = -(-round(minute * 60, 3) // 60) * 60
        return (self.epoch + dt.timedelta(seconds=seconds)).astimezone(dt.UTC)


def vehicles(supply: Supply, vendor_id: UUID, clock: Clock) -> list[solver.Vehicle]:
    """Each vehicle on shift, with crew, cards and the time it is taken. Ids are ``<vehicle>/<shift>``."""
    profile = supply.profiles.get(vendor_id)
    if profile is None:
        return []
    base = solver.Stop(profile.base_latitude, profile.base_longitude)
    return [on_shift(supply, shift, base, clock) for shift in supply.shifts.get(vendor_id, [])]


def on_shift(
    supply: Supply, shift: Shift, base: solver.Stop, clock: Clock, crew: list[Any] | None = None
) -> solver.Vehicle:
    """One vehicle during one shift; ``crew`` replaces the people of the shift."""
    vehicle = shift.vehicle
    start, begins, plan = _bound(supply.commitments.get(vehicle.pk, []), shift, base, clock)
    people = crew if crew is not None else [row.crew_member for row in shift.crew_rows.all()]
    return solver.Vehicle(
        id=f"{vehicle.pk}/{shift.pk}",
        vendor_id=str(vehicle.vendor_id),
        label=vehicle.name,
        capabilities=capabilities(vehicle),
        start=start,
        shift_start=begins,
        shift_end=max(begins, clock.minute(shift.ends_at)),
        seats=vehicle.seats,
        wheelchairs=vehicle.wheelchairs,
        stretchers=vehicle.stretchers,
        lift_lb=vehicle.lift_lb if vehicle.wheelchairs else None,
        cot_lb=vehicle.lift_lb if vehicle.stretchers else None,
        door_in=vehicle.door_in,
        crew=tuple(
            solver.CrewMember(str(member.pk), member.name, cards(supply.crew_cards.get(member.pk, []), clock))
            for member in people
            if member.is_active
        ),
        credentials=cards(supply.vehicle_cards.get(vehicle.pk, []), clock),
        out_of_service=(vehicle.out_of_service_reason or "no reason given") if vehicle.out_of_service else "",
        plan=tuple(plan),
    )


def capabilities(vehicle: Vehicle) -> frozenset[str]:
    """What a vehicle offers: that of each level it may run, and what its ratings add."""
    offered = frozenset().union(*(OFFERED[solver_level(level)] for level in vehicle.levels))
    if vehicle.stretchers and (vehicle.lift_lb or 0) >= fit.BARIATRIC_COT_LB:
        offered |= {"bariatric_cot"}
    return offered


def cards(rows: Iterable[Credential], clock: Clock) -> tuple[solver.Credential, ...]:
    """Credentials that have begun; an end in the past makes a rule refuse, and say so."""
    today = clock.now.astimezone(clock.epoch.tzinfo).date()
    return tuple(
        solver.Credential(CARD.get(row.kind, row.kind), row.ends_on, row.get_kind_display())
        for row in rows
        if row.starts_on is None or row.starts_on <= today
    )


def _bound(
    commitments: list[Commitment], shift: Shift, base: solver.Stop, clock: Clock
) -> tuple[solver.Stop, float, list[solver.PlannedStop]]:
    """Where and when the vehicle is first free in its shift, and the times at which it is taken later."""
    start, begins = base, clock.minute(shift.starts_at)
    full = (shift.vehicle.seats, shift.vehicle.wheelchairs, shift.vehicle.stretchers)
    plan = []
    for row in commitments:
        if row.ends_at <= shift.starts_at or row.starts_at >= shift.ends_at:
            continue
        first, last = clock.minute(row.starts_at), clock.minute(row.ends_at)
        here = solver.Stop(row.start_latitude, row.start_longitude, first, first)
        there = solver.Stop(row.end_latitude, row.end_longitude, last)
        if row.starts_at <= clock.now:
            start, begins = there, max(begins, last)
            continue
        # A full vehicle whose passenger rides alone: nothing else fits between the two.
        name = str(row.pk)
        plan.append(solver.PlannedStop(name, solver.PICKUP, here, full, rides_alone=True))
        plan.append(solver.PlannedStop(name, solver.DROPOFF, there, full, rides_alone=True))
    return solver.Stop(start.lat, start.lon), begins, plan
