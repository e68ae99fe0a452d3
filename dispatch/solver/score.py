"""What a candidate costs in the vendor decision, part by part."""

from __future__ import annotations

from dataclasses import dataclass, fields

from dispatch.solver.insert import Candidate
from dispatch.solver.problem import Job, Problem, VendorTerms


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts of a score in whole cents. `lateness` holds the wait and the at-risk penalty; `driving` is
    one cent for each added minute and only breaks ties, because the contract price pays for the road."""

    price: int
    lateness: int
    reliability: int
    acceptance: int
    tier: int
    upgrade: int
    driving: int

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return sum(getattr(self, part.name) for part in fields(self))

    def as_dict(self) -> dict[str, int]:
        """The parts by name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


@dataclass(frozen=True, slots=True)
class Option:
    """A candidate with its score."""

    candidate: Candidate
    parts: Parts

    @property
    def total(self) -> int:
        """Score in cents; lower is better."""
        return self.parts.total

    @property
    def key(self) -> tuple[int, str, str]:
        """Order of preference with ties broken by id, so that equal input gives equal output."""
        return (self.total, self.candidate.vendor_id, self.candidate.vehicle_id)


def score(problem: Problem, job: Job, vendor: VendorTerms, candidate: Candidate) -> Option:
    """The candidate with what it costs, lateness counted at the best position in its vehicle's plan."""
    weights = problem.weights
    return Option(
        candidate,
        Parts(
            price=int(candidate.price_amount * 100),
            lateness=candidate.least_late_cents,
            reliability=round(weights.missing_on_time_cents * (1 - vendor.on_time_rate)),
            acceptance=round(weights.missing_acceptance_cents * (1 - vendor.acceptance_rate)),
            tier=weights.tier_cents * (vendor.tier - 1),
            upgrade=weights.upgrade_cents if candidate.level != job.level else 0,
            driving=round(max(0.0, candidate.added_minutes)),
        ),
    )


def option_name(option: Option) -> tuple[str, str, str]:
    """Job, vendor and vehicle of an option: what makes it different from every other."""
    return (option.candidate.job_id, option.candidate.vendor_id, option.candidate.vehicle_id)
