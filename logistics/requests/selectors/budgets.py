"""A month's budgets as the page and the export read them. Four queries, whatever the number of cost centers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from logistics.requests.models import Budget, CostCenter
from logistics.requests.selectors.spending import counted, next_month

CENT = Decimal("0.01")
# Above this share of the budget a forecast deserves a look before it is over: our default, a tenth of slack.
NEAR = Decimal("0.9")


@dataclass(frozen=True)
class Row:
    """One cost center in a month, in USD. ``budget`` None: nothing is set; ``unpriced`` requests count as zero."""

    center: CostCenter | None
    code: str
    completed: Decimal
    booked: Decimal
    unpriced: int
    requests: int
    budget: Decimal | None
    forecast: Decimal
    day: int

    @property
    def total(self) -> Decimal:
        """Completed and booked together."""
        return self.completed + self.booked

    @property
    def percent(self) -> int | None:
        """Share of the budget that is used, in whole percent, rounded half up; None without a budget."""
        if not self.budget:
            return None
        return int((self.total * 100 / self.budget).quantize(Decimal(1), rounding=ROUND_HALF_UP))

    @property
    def left(self) -> Decimal | None:
        """What is left; below zero when it is overspent."""
        return None if self.budget is None else self.budget - self.total

    @property
    def standing(self) -> str:
        """``over``, ``ahead`` (the forecast is over), ``near`` (the forecast takes nearly all), ``fine``, ``none``."""
        if self.budget is None:
            return "none"
        if self.total > self.budget:
            return "over"
        if self.forecast > self.budget:
            return "ahead"
        return "near" if self.forecast > self.budget * NEAR else "fine"

    @property
    def words(self) -> str:
        """``82% used on day 20``."""
        if self.percent is None:
            return "No budget set" if self.budget is None else "Nothing may be spent"
        return f"{self.percent}% used on day {self.day}" if self.day else f"{self.percent}% used"


@dataclass
class Month:
    """All cost centers of a month. ``day`` is today's day in it (0 before it, its last after it), of ``days``."""

    first: dt.date
    day: int
    days: int
    rows: list[Row] = field(default_factory=list)

    @property
    def budget(self) -> Decimal:
        """What all may spend."""
        return sum((row.budget for row in self.rows if row.budget is not None), Decimal(0))

    @property
    def total(self) -> Decimal:
        """What all spent and booked."""
        return sum((row.total for row in self.rows), Decimal(0))

    @property
    def forecast(self) -> Decimal:
        """What all will have spent, estimated."""
        return sum((row.forecast for row in self.rows), Decimal(0))


def month_of(first: dt.date, *, today: dt.date, codes: Iterable[str] | None = None) -> Month:
    """The month that begins on ``first``; ``codes`` narrows to these cost centers."""
    days = (next_month(first) - first).days
    passed = 0 if today < first else days if today >= next_month(first) else today.day
    found = Month(first, passed, days)
    centers = {center.code: center for center in CostCenter.objects.select_related("unit").order_by("code")}
    limits = dict(Budget.objects.filter(month=first).values_list("cost_center__code", "amount"))
    sums = _sums(first)
    for code in [*centers, *sorted(set(sums) - set(centers))]:
        center, spent = centers.get(code), sums.get(code, {})
        if codes is not None and code not in codes:
            continue
        if center is not None and not center.is_active and not spent and code not in limits:
            continue
        completed = spent.get("completed") or Decimal(0)
        booked = spent.get("booked") or Decimal(0)
        found.rows.append(
            Row(
                center=center,
                code=code,
                completed=completed,
                booked=booked,
                unpriced=spent.get("unpriced", 0),
                requests=spent.get("requests", 0),
                budget=limits.get(code),
                forecast=forecast(completed, booked, day=passed, days=days),
                day=passed if passed < days else 0,
            )
        )
    return found


def forecast(completed: Decimal, booked: Decimal, *, day: int, days: int) -> Decimal:
    """What a month will have cost: what is completed, drawn on evenly to its last day, at least what is booked.

    ``day`` days of ``days`` have passed, today included; before the month begins it is what is booked.
    """
    known = completed + booked
    if not day:
        return known
    return max((completed * days / day).quantize(CENT, rounding=ROUND_HALF_UP), known)


def _sums(first: dt.date) -> dict[str, dict[str, Any]]:
    rows = counted(first).values("cost_center")
    totals = rows.annotate(
        completed=Sum("worth", filter=Q(status="completed")),
        booked=Sum("worth", filter=~Q(status="completed")),
        unpriced=Count("pk", filter=Q(worth__isnull=True)),
        requests=Count("pk"),
    )
    return {row["cost_center"]: dict(row) for row in totals.order_by("cost_center")}
