"""What a table of level rules would have said of the rides of the last days, beside the table it is compared with.

Only reads: nothing is booked, sent or changed. Answers are those that were given at the booking; no name is read.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch.models import Trip
from logistics.core import audit, clock
from logistics.core.levels import LEVELS, Level
from logistics.requests.models import TransportDetail
from logistics.requests.services import advice
from logistics.requests.services.level_rules import RuleSet
from vendors.models import Contract, Network
from vendors.pricing import Terms, quote
from vendors.selectors import contracts

# The list shows so many changed bookings; all of them are counted.
MOST_SHOWN = 100
# More rides than this in one window are not tried: a hospital books some thousands a month.
MOST_RIDES = 20_000
BOOKED = ("pending", "requested", "scheduled", "in_progress", "completed", "held")
ANSWERS = (
    "mobility", "needs", "oxygen_lpm", "weight_lb", "minutes", "chair", "chair_width_in", "chair_weight_lb",
    "pickup_steps", "dropoff_steps", "oxygen_cylinder",
)  # fmt: skip


@dataclass(frozen=True)
class Changed:
    """One booking that the two tables advise differently; prices in dollars, None where no contract has one."""

    request_id: UUID
    booked_at: dt.datetime | None
    booked: str
    before: Level
    after: Level
    reason: str
    price_before: Decimal | None
    price_after: Decimal | None
    number: int | None = None

    @property
    def difference(self) -> Decimal | None:
        """What the new level would cost more (or less, below zero)."""
        if self.price_before is None or self.price_after is None:
            return None
        return self.price_after - self.price_before


@dataclass
class Replay:
    """``n`` bookings were tried; ``higher`` and ``lower`` of them would get another level."""

    days: int
    n: int = 0
    higher: int = 0
    lower: int = 0
    priced: int = 0
    difference: Decimal = Decimal(0)
    cut: bool = False
    shown: list[Changed] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Bookings with another level."""
        return self.higher + self.lower


def replay(candidate: RuleSet, *, against: RuleSet, days: int) -> Replay:
    """Try ``candidate`` on the rides booked in the last ``days`` and compare it with ``against``. Five queries.

    Prices are the lowest of the contracts in force today for the miles of each ride. The look is audited: the list
    joins trips with what patients need.
    """
    found = Replay(days)
    since = clock.now() - dt.timedelta(days=days)
    rows = list(
        TransportDetail.objects.filter(
            request__kind="transport", request__status__in=BOOKED, request__requested_at__gte=since
        )
        .exclude(mobility="")
        .select_related("request")
        .order_by("-request__requested_at", "pk")
        .only(*ANSWERS, "level", "miles", "tenant_id", "request__requested_at", "request__tenant_id")[: MOST_RIDES + 1]
    )
    found.cut = len(rows) > MOST_RIDES
    prices = Prices.today()
    for row in rows[:MOST_RIDES]:
        _try(found, row, candidate, against, prices)
    numbers = dict(
        Trip.objects.filter(request_id__in=[each.request_id for each in found.shown], kind="ride")
        .order_by("number")
        .values_list("request_id", "number")
    )
    found.shown = [_numbered(each, numbers.get(each.request_id)) for each in found.shown]
    audit.record(
        action="level_rules.tested",
        purpose="operations",
        details={"days": days, "rides": found.n, "changed": found.changed, "rules": candidate.name},
    )
    return found


def _try(found: Replay, row: TransportDetail, candidate: RuleSet, against: RuleSet, prices: Prices) -> None:
    answers: dict[str, Any] = {name: getattr(row, name) for name in ANSWERS}
    before, after = advice.advise(**answers, rules=against), advice.advise(**answers, rules=candidate)
    found.n += 1
    if before.level == after.level:
        return
    old, new = LEVELS[before.level], LEVELS[after.level]
    found.higher += new.order > old.order
    found.lower += new.order < old.order
    changed = Changed(
        request_id=row.request_id,
        booked_at=row.request.requested_at,
        booked=LEVELS[row.level].label if row.level else "",
        before=old,
        after=new,
        reason=after.reason,
        price_before=prices.lowest(old.code, row.miles),
        price_after=prices.lowest(new.code, row.miles),
    )
    if changed.difference is not None:
        found.priced += 1
        found.difference += changed.difference
    if len(found.shown) < MOST_SHOWN:
        found.shown.append(changed)


def _numbered(changed: Changed, number: int | None) -> Changed:
    return Changed(**{**changed.__dict__, "number": number})


@dataclass(frozen=True)
class Prices:
    """Terms of each level in the contracts that are in force today with active vendors."""

    terms: dict[str, list[Terms]]

    @classmethod
    def today(cls) -> Prices:
        """Read them: three queries."""
        active = set(Network.objects.filter(status="active").values_list("vendor_id", flat=True))
        signed: dict[Any, Contract] = contracts.in_force(clock.now().date())
        terms: dict[str, list[Terms]] = {}
        for vendor_id, contract in signed.items():
            for rate in contract.rates.all() if vendor_id in active else ():
                terms.setdefault(rate.level, []).append(Terms.of(rate))
        return cls(terms)

    def lowest(self, level: str, miles: Decimal | None) -> Decimal | None:
        """The lowest price of a ride of this level, None without miles or contract."""
        if miles is None or level not in self.terms:
            return None
        return min(quote(each, miles).total for each in self.terms[level])
