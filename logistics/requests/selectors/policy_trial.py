"""What a version of the approval policy would have asked about the last days' requests. Reads only; nothing is sent.

Each request is judged by what was known when it was booked: level, miles, estimated price, pickup time, payer, who
booked, and what its cost center had booked in that month until then.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db.models import Prefetch

from logistics.core import clock
from logistics.core.levels import LEVELS
from logistics.requests.models import Budget, PolicySet, ServiceRequest, TransportDetail
from logistics.requests.policy_rules import Facts, Hit, Rule, hits, read_all
from logistics.requests.selectors.spending import counted

DAYS = (7, 30)
MOST_REQUESTS, MOST_SHOWN = 5000, 100


@dataclass(frozen=True)
class Tried:
    """One request under both versions: why it would have waited, in words; no reasons where it would have gone."""

    request: ServiceRequest
    facts: Facts
    before: tuple[Hit, ...]
    after: tuple[Hit, ...]

    @property
    def change(self) -> str:
        """``newly`` asked, ``no_longer`` asked, ``same`` (asked by both) or ``none``."""
        if self.after and not self.before:
            return "newly"
        if self.before and not self.after:
            return "no_longer"
        return "same" if self.after else "none"

    @property
    def level_label(self) -> str:
        """The level in words."""
        return LEVELS[self.facts.level].label if self.facts.level in LEVELS else self.request.get_kind_display()


@dataclass
class Trial:
    """Counts over ``total`` requests of ``days`` days; ``rows`` are those that either version asks about.

    ``by_rule``: the rule in words, how many requests it asked about before, and how many after. ``unpriced`` requests
    had no estimate, so rules about price and budget could not look at them. ``cut`` says that there were more
    requests than were looked at.
    """

    days: int
    total: int = 0
    unpriced: int = 0
    cut: bool = False
    rows: list[Tried] = field(default_factory=list)
    by_rule: list[tuple[str, int, int]] = field(default_factory=list)

    def count(self, *changes: str) -> int:
        """How many requests have one of these changes."""
        return sum(row.change in changes for row in self.rows)

    @property
    def before(self) -> int:
        """How many waited under the version in force."""
        return self.count("same", "no_longer")

    @property
    def after(self) -> int:
        """How many would have waited under the other version."""
        return self.count("same", "newly")

    @property
    def shown(self) -> list[Tried]:
        """What changes first, then what stays, newest first; at most a page."""
        order = {"newly": 0, "no_longer": 1, "same": 2}
        return sorted(self.rows, key=lambda row: order[row.change])[:MOST_SHOWN]


def try_on(before: PolicySet | None, after: PolicySet | None, *, days: int) -> Trial:
    """Hold both versions against the requests that were confirmed in the last ``days`` days. Five queries."""
    old = read_all(before.rules) if before else []
    new = read_all(after.rules) if after else []
    details = Prefetch("transport_rows", queryset=TransportDetail.objects.all(), to_attr="details")
    requests = list(
        ServiceRequest.objects.filter(requested_at__gte=clock.now() - dt.timedelta(days=days))
        .exclude(status="draft")
        .select_related("facility", "unit")
        .prefetch_related(details)
        .order_by("-requested_at")[: MOST_REQUESTS + 1]
    )
    trial = Trial(days, cut=len(requests) > MOST_REQUESTS)
    del requests[MOST_REQUESTS:]
    over = _overspent(requests)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for request in requests:
        facts = _facts(request, over.get(request.pk))
        tried = Tried(request, facts, tuple(hits(old, facts)), tuple(hits(new, facts)))
        for side, found in enumerate((tried.before, tried.after)):
            for hit in found:
                counts[hit.rule.sentence][side] += 1
        if tried.change != "none":
            trial.rows.append(tried)
        trial.unpriced += facts.amount is None
    trial.total = len(requests)
    trial.by_rule = [(words, counts[words][0], counts[words][1]) for words in _sentences(new, old)]
    return trial


def _facts(request: ServiceRequest, over: Decimal | None) -> Facts:
    detail: TransportDetail | None = next(iter(request.details), None)  # type: ignore[attr-defined]
    return Facts(
        level=detail.level if detail else "",
        advised=detail.level_advised if detail else "",
        miles=detail.miles if detail else None,
        amount=request.estimated_amount,
        pickup_at=(detail.pickup_at or detail.ready_expected_at) if detail else None,
        zone=request.facility.time_zone,
        payer=detail.payer_name if detail else "",
        cost_center=request.cost_center,
        over_budget=over,
        role=request.requested_by_role,
    )


def _overspent(requests: Sequence[ServiceRequest]) -> dict[UUID, Decimal]:
    """Request → by how much it overspent its month when it was booked, in the order of booking."""
    month_of = {request.pk: _month(request) for request in requests if request.cost_center}
    if not month_of:
        return {}
    limits = {
        (code, month): amount
        for code, month, amount in Budget.objects.filter(month__in=set(month_of.values())).values_list(
            "cost_center__code", "month", "amount"
        )
    }
    found: dict[UUID, Decimal] = {}
    for month in sorted({month for _, month in limits}):
        spent: dict[str, Decimal] = defaultdict(Decimal)
        booked = counted(month).exclude(cost_center="").order_by("requested_at", "pk")
        for pk, code, worth in booked.values_list("pk", "cost_center", "estimated_amount"):
            limit = limits.get((code, month))
            spent[code] += worth or Decimal(0)
            if limit is not None and worth is not None and spent[code] > limit and pk in month_of:
                found[pk] = spent[code] - limit
    return found


def _month(request: ServiceRequest) -> dt.date:
    detail: TransportDetail | None = next(iter(request.details), None)  # type: ignore[attr-defined]
    at = (detail.pickup_at or detail.ready_expected_at) if detail else None
    return (
        clock.local(at or request.requested_at or request.created_at, request.facility.time_zone).date().replace(day=1)
    )


def _sentences(*versions: Iterable[Rule]) -> list[str]:
    return list(dict.fromkeys(rule.sentence for version in versions for rule in version))
