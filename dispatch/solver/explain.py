"""Why this vendor, and why not the others: one JSON document for each job.

Only ids, words and figures go in. Staff are named where their card is the reason; patients never are,
because the problem does not know them.
"""

from __future__ import annotations

import math
from collections import Counter
from importlib.metadata import version
from typing import Any

from dispatch.solver.allocate import Allocation
from dispatch.solver.feasible import STRENGTH, Refusal, asked_hour
from dispatch.solver.insert import Refused, Screening
from dispatch.solver.problem import Job, Problem, VendorTerms
from dispatch.solver.table import Ranked
from dispatch.solver.whatif import only_time, propose
from dispatch.solver.world import World

ENGINE, VERSION = "carrywell-matching", "1.0"
SOLVER = f"OR-Tools CP-SAT {version('ortools')}"

Explanation = dict[str, Any]
"""Keys: ``engine`` (name, version, solver), ``status``, ``seed``, ``objective_cents``, ``bound_cents``,
``plan_cents`` (the objective without the penalty of unserved jobs), ``unserved``, ``gap``, ``wall_ms``,
``job_id``, ``outcome`` (``matched``, ``all_taken`` or ``no_vendor``), ``summary``, ``vendors`` (ranked) and
``refused``. Times are ISO 8601 with offset, money is a string of dollars."""

_PART_WORDS = {
    "price": "contract price",
    "lateness": "wait",
    "reliability": "on-time record",
    "acceptance": "acceptance record",
    "tier": "tier",
    "upgrade": "higher level",
}


def explain(world: World, screening: Screening, allocation: Allocation, seed: int) -> Explanation:
    """The explanation of one job.

    Parameters
    ----------
    world
        The problem with the routes of `allocation` in place, so that a proposal is one that still works.
    """
    job = world.jobs[screening.job_id]
    ranking = allocation.ranking[job.id]
    proved = allocation.status == "OPTIMAL"
    able = {ranked.option.candidate.vendor_id for ranked in ranking}
    refused = [
        _refused_row(world, job, vendor, screening, allocation)
        for vendor in world.vendors.values()
        if vendor.vendor_id not in able
    ]
    refused.sort(key=lambda row: (-STRENGTH[row["code"]], row["vendor_id"]))
    chosen = next((ranked for ranked in ranking if ranked.chosen), None)
    outcome = "matched" if chosen else "all_taken" if ranking else "no_vendor"
    return {
        "engine": {"name": ENGINE, "version": VERSION, "solver": SOLVER},
        "status": allocation.status,
        "seed": seed,
        "objective_cents": allocation.objective_cents,
        "plan_cents": allocation.plan_cents,
        "unserved": len(allocation.unserved),
        "bound_cents": allocation.bound_cents,
        "gap": round(allocation.gap, 6),
        "wall_ms": round(allocation.wall_ms, 1),
        "job_id": job.id,
        "outcome": outcome,
        "summary": _summary(world, outcome, chosen, refused),
        "vendors": [_vendor_row(world, ranked, ranking, proved) for ranked in ranking],
        "refused": refused,
    }


def _summary(world: World, outcome: str, chosen: Ranked | None, refused: list[dict[str, Any]]) -> str:
    if chosen is not None:
        name = world.vendors[chosen.option.candidate.vendor_id].name
        return f"{name} at {world.problem.clock_text(_whole(chosen.pickup_at))}"
    if outcome == "all_taken":
        return "Every vehicle that could go is needed for another request. Move the time or add a vendor."
    offers = [row["would_fit"] for row in refused if row["would_fit"]]
    if offers:
        best = min(offers, key=lambda offer: abs(offer["moved_minutes"]))
        return f"No vendor can come as asked. {best['text']}."
    return "No vendor can come. See the reason beside each."


def _vendor_row(world: World, ranked: Ranked, ranking: tuple[Ranked, ...], proved: bool) -> dict[str, Any]:
    problem, option = world.problem, ranked.option
    candidate = option.candidate
    vendor = world.vendors[candidate.vendor_id]
    return {
        "vendor_id": vendor.vendor_id,
        "rank": ranked.rank,
        "chosen": ranked.chosen,
        "displaces": ranked.displaces,
        "vehicle_id": candidate.vehicle_id,
        "level": candidate.level,
        "price_amount": str(candidate.price_amount),
        "pickup_at": _iso(problem, ranked.pickup_at),
        "dropoff_at": _iso(problem, ranked.dropoff_at),
        "on_time_rate": round(vendor.on_time_rate, 4),
        "added_minutes": round(candidate.added_minutes, 1),
        "deadhead_miles": round(candidate.deadhead_miles, 1),
        "loaded_miles": round(candidate.loaded_miles, 1),
        "marginal_cents": ranked.marginal_cents,
        "parts": option.parts.as_dict(),
        "verdict": _verdict(problem, vendor, ranked, ranking, proved),
    }


def _verdict(problem: Problem, vendor: VendorTerms, ranked: Ranked, ranking: tuple[Ranked, ...], proved: bool) -> str:
    at = problem.clock_text(_whole(ranked.pickup_at))
    offer = f"${ranked.option.candidate.price_amount}, pickup {at}, {vendor.on_time_rate:.0%} on time"
    if ranked.chosen:
        rivals = [other for other in ranking if not other.chosen and not other.displaces]
        if not rivals:
            alone = "no other is free in this plan" if len(ranking) > 1 else "nobody else can come"
            return f"Chosen: {offer}; {alone}"
        ahead = f"{_dollars(rivals[0].marginal_cents or 0)} ahead of the next" if proved else "best plan found in time"
        return f"Chosen: {offer}; {ahead}"
    if ranked.displaces:
        return f"{offer}, but its vehicles or its capacity are taken by other requests in this plan"
    first = next((other for other in ranking if other.chosen), None)
    if first is None:
        return f"Can come: {offer}"
    return f"{offer}; {_difference(ranked, first)}"


def _difference(ranked: Ranked, first: Ranked) -> str:
    """The parts in which a vendor is behind the chosen one, largest first."""
    mine, its = ranked.option.parts.as_dict(), first.option.parts.as_dict()
    behind = {part: mine[part] - its[part] for part in _PART_WORDS if mine[part] > its[part]}
    worst = sorted(behind, key=lambda part: (-behind[part], part))[:2]
    words = " and ".join(f"{_PART_WORDS[part]} ({_dollars(behind[part])})" for part in worst)
    more = ranked.marginal_cents or 0
    cost = f"would cost the plan {_dollars(more)} more"
    return f"{cost}, mainly {words}" if words and more > 0 else cost


def _refused_row(
    world: World, job: Job, vendor: VendorTerms, screening: Screening, allocation: Allocation
) -> dict[str, Any]:
    mine = tuple(each for each in screening.refused if each.vendor_id == vendor.vendor_id)
    nearest = strongest(mine)
    reason = min(nearest.refusals, key=lambda refusal: STRENGTH[refusal.code])
    proposal = None
    if only_time(mine):
        used = Counter(
            (option.candidate.vendor_id, asked_hour(world.jobs[job_id])) for job_id, option in allocation.choice.items()
        )
        proposal = propose(world, job, vendor, used)
    would_fit = None
    if proposal is not None:
        at = world.problem.clock_text(_whole(proposal.pickup_at))
        would_fit = {
            "pickup_at": _iso(world.problem, proposal.pickup_at),
            "dropoff_at": _iso(world.problem, proposal.dropoff_at),
            "moved_minutes": round(proposal.pickup_at - job.pickup.earliest, 1),
            "vehicle_id": proposal.vehicle_id,
            "text": f"{vendor.name} would fit if pickup moved to {at}",
        }
    return {
        "vendor_id": vendor.vendor_id,
        "code": reason.code,
        "text": reason.text,
        "all_reasons": [{"code": refusal.code, "text": refusal.text} for refusal in nearest.refusals],
        "vehicle_id": nearest.vehicle_id,
        "vehicles_checked": sum(bool(each.vehicle_id) for each in mine),
        "codes": dict(sorted(Counter(_main(each).code for each in mine).items())),
        "would_fit": would_fit,
    }


def strongest(refused: tuple[Refused, ...]) -> Refused:
    """The refusal worth showing: that of the vehicle which passed the most rules.

    A sedan that does not carry stretchers says nothing when the only stretcher van is busy.
    """
    return min(
        refused,
        key=lambda each: (
            -STRENGTH[_main(each).code],
            len(each.refusals),
            _main(each).minutes,
            each.vehicle_id,
        ),
    )


def _main(refused: Refused) -> Refusal:
    return min(refused.refusals, key=lambda refusal: STRENGTH[refusal.code])


def _whole(minute: float) -> int:
    """A time rounded up to the minute: a promise is not rounded down."""
    return math.ceil(minute - 1e-6)


def _iso(problem: Problem, minute: float) -> str:
    return problem.moment(_whole(minute)).isoformat(timespec="minutes")


def _dollars(cents: int) -> str:
    return f"${cents / 100:,.2f}"
