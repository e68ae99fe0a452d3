"""Loads for vehicles: sets of open jobs that one vehicle can take together, with what they cost.

The vendor decision chooses at most one load for each vehicle. Loads are far too many to list, so only
those are made that could improve the plan at the present prices of the jobs (column generation), and in
the end those that an optimal plan could still hold.
"""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from dispatch.solver.feasible import asked_hour
from dispatch.solver.score import Option
from dispatch.solver.table import Table

TOLERANCE = 1e-6
"""Cents by which a load must be worth it to count as an improvement."""


@dataclass(frozen=True, slots=True)
class Column:
    """A load: the vehicle (empty for an unseen fleet), its options, and the true cost in cents."""

    vehicle_id: str
    vendor_id: str
    options: tuple[Option, ...]
    cents: int

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """Vehicle, vendor and jobs: what makes a load different from every other."""
        return self.vehicle_id, self.vendor_id, tuple(o.candidate.job_id for o in self.options)


@dataclass(frozen=True, slots=True)
class Prices:
    """Dual values of the relaxed decision, cents: what serving a job is worth, what one unit of a
    vendor's hour costs (never positive), and what leaving out one unit of priority is granted."""

    job: Mapping[str, float]
    hour: Mapping[tuple[str, int], float]
    left_out: float = 0.0


class Pricing:
    """Finds loads by their value at given prices: worth of the jobs minus cost of the load."""

    def __init__(self, table: Table) -> None:
        self.table = table
        by_vehicle: dict[str, list[Option]] = defaultdict(list)
        self.unseen: list[Option] = []
        for options in table.options.values():
            for option in options:
                if option.candidate.vehicle_id:
                    by_vehicle[option.candidate.vehicle_id].append(option)
                else:
                    self.unseen.append(option)
        self.by_vehicle = dict(sorted(by_vehicle.items()))
        self.looked_at = 0

    def worth(self, option: Option, prices: Prices) -> float:
        """What serving a job by this option alone brings at the prices, cents."""
        job_id, vendor_id = option.candidate.job_id, option.candidate.vendor_id
        hour = (vendor_id, asked_hour(self.table.jobs[job_id]))
        return prices.job[job_id] + prices.hour.get(hour, 0.0) - option.total

    def column(self, options: tuple[Option, ...]) -> Column:
        """The load of these options, which must belong to one vehicle and fit together."""
        candidate = options[0].candidate
        ordered = tuple(sorted(options, key=lambda o: o.candidate.job_id))
        cents = sum(option.total for option in ordered)
        if candidate.vehicle_id:
            extra = self.table.extra(candidate.vehicle_id, frozenset(o.candidate.job_id for o in ordered))
            if extra is None:
                raise ValueError(f"vehicle {candidate.vehicle_id} cannot take these jobs together")
            cents += extra
        return Column(candidate.vehicle_id, candidate.vendor_id, ordered, cents)

    def loads(
        self, vehicle_id: str, prices: Prices, above: float, most: int | None, look: int, deadline: float
    ) -> tuple[list[tuple[float, Column]], bool]:
        """Loads of a vehicle that are worth more than `above` cents, best first.

        Parameters
        ----------
        most
            How many to return at most; None returns all.
        look
            How many sets may be examined.
        deadline
            Reading of ``time.perf_counter`` after which the search gives up.

        Returns
        -------
        tuple
            (value, load) pairs, and whether every set was considered.
        """
        items = [(self.worth(o, prices), o) for o in self.by_vehicle[vehicle_id]]
        items.sort(key=lambda item: (-item[0], item[1].candidate.job_id))
        ids = [option.candidate.job_id for _, option in items]
        # What the items from k on can add at most: jobs in one vehicle never make each other cheaper.
        rest = [0.0] * (len(items) + 1)
        for k in range(len(items) - 1, -1, -1):
            rest[k] = rest[k + 1] + max(0.0, items[k][0])
        found: list[tuple[float, tuple[int, ...], Column]] = []
        stack: list[tuple[int, tuple[int, ...], float, int]] = [(0, (), 0.0, 0)]
        looked = 0
        while stack:
            first, chosen, worth, extra = stack.pop()
            for k in range(first, len(items)):
                bar = found[0][0] if most is not None and len(found) >= most else above
                if worth + items[k][0] + rest[k + 1] - extra <= bar + TOLERANCE:
                    break
                least = self._least_extra(vehicle_id, [ids[c] for c in chosen], ids[k], extra)
                if least is None or worth + items[k][0] + rest[k + 1] - least <= bar + TOLERANCE:
                    continue
                looked += 1
                if looked > look or time.perf_counter() > deadline:
                    self.looked_at += looked
                    return self._sorted(found), False
                together = (*chosen, k)
                cost = self.table.extra(vehicle_id, frozenset(ids[c] for c in together), least)
                if cost is None:
                    continue
                value = worth + items[k][0] - cost
                if value > bar + TOLERANCE:
                    entry = (
                        value,
                        tuple(-c for c in together),
                        self.column(tuple(items[c][1] for c in together)),
                    )
                    if most is not None and len(found) >= most:
                        heapq.heapreplace(found, entry)
                    else:
                        heapq.heappush(found, entry)
                stack.append((k + 1, together, worth + items[k][0], cost))
        self.looked_at += looked
        return self._sorted(found), True

    @staticmethod
    def _sorted(found: list[tuple[float, tuple[int, ...], Column]]) -> list[tuple[float, Column]]:
        return [(value, column) for value, _, column in sorted(found, key=lambda f: f[:2], reverse=True)]

    def _least_extra(self, vehicle_id: str, there: list[str], new: str, extra: int) -> int | None:
        """A bound of what the jobs cost each other once `new` is added; None when some of them cannot be.

        Most sets that do not fit hold a pair or three that do not, and these are known from other sets.
        """
        for size in (1, 2):
            if len(there) <= size:
                break
            for part in combinations(there, size):
                found = self.table.extra(vehicle_id, frozenset((*part, new)))
                if found is None:
                    return None
                extra = max(extra, found)
        return extra
