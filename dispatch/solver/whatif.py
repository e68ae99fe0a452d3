"""At what other time a vendor could come, when only time stands in the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dispatch.solver.feasible import TIME_CODES, asked_hour, hour_capacity
from dispatch.solver.insert import Candidate, Refused, vendor_candidates
from dispatch.solver.problem import Job, VendorTerms
from dispatch.solver.world import World

EARLIER_STEP = 15.0
"""Minutes between the earlier pickups that are tried."""

_MOVABLE = {*TIME_CODES, "vendor_closed", "vendor_response"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pickup time at which the vendor could come, and when the patient would arrive (horizon minutes)."""

    pickup_at: float
    dropoff_at: float
    vehicle_id: str


def only_time(refused: tuple[Refused, ...]) -> bool:
    """Whether some vehicle of a vendor (or the vendor) is refused by nothing but the time."""
    return any(all(refusal.code in _MOVABLE for refusal in each.refusals) for each in refused)


def propose(world: World, job: Job, vendor: VendorTerms, hours_used: Mapping[tuple[str, int], int]) -> Proposal | None:
    """The pickup time nearest to the asked one at which the vendor can come; None if none is near enough.

    Later times are searched exactly, up to ``Policy.proposal_minutes`` after the window; earlier ones in
    steps of `EARLIER_STEP`, only when the job says how early the patient could leave. `hours_used` counts
    what the present decision gives the vendor, by (vendor, horizon hour). A ride to an appointment may
    arrive after it: the proposal says when.
    """
    found = []
    for candidate in (_later(world, job, vendor), _earlier(world, job, vendor)):
        if candidate is None:
            continue
        hour = asked_hour(replace(job, pickup=replace(job.pickup, earliest=candidate.earliest_at)))
        room = hour_capacity(vendor, hour)
        if room is None or hours_used.get((vendor.vendor_id, hour), 0) < room:
            found.append(Proposal(candidate.pickup_at, candidate.dropoff_at, candidate.vehicle_id))
    return min(found, key=lambda p: abs(p.pickup_at - job.pickup.earliest), default=None)


def _later(world: World, job: Job, vendor: VendorTerms) -> Candidate | None:
    if not math.isfinite(job.pickup.latest):
        return None
    latest = job.pickup.latest + world.problem.policy.proposal_minutes
    moved = replace(job, pickup=replace(job.pickup, latest=latest), dropoff=replace(job.dropoff, latest=math.inf))
    return _soonest(world, moved, vendor)


def _earlier(world: World, job: Job, vendor: VendorTerms) -> Candidate | None:
    if job.not_before is None:
        return None
    floor = max(job.not_before, world.problem.now)
    earliest = job.pickup.earliest - EARLIER_STEP
    while earliest >= floor:
        moved = replace(
            job,
            pickup=replace(job.pickup, earliest=earliest, latest=job.pickup.earliest),
            dropoff=replace(job.dropoff, earliest=-math.inf),
        )
        found = _soonest(world, moved, vendor)
        if found is not None:
            return found
        earliest -= EARLIER_STEP
    return None


def _soonest(world: World, job: Job, vendor: VendorTerms) -> Candidate | None:
    """The vendor's candidate with the earliest pickup."""
    found, _ = vendor_candidates(world, job, vendor)
    return min(found, key=lambda c: (c.pickup_at, c.vehicle_id), default=None)
