"""What a vendor may ask when a trip is called off now: computed here at display and again when it is done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dispatch import policies
from dispatch.models import Leg, LegEvent, Trip
from logistics.core import clock
from logistics.core.errors import StaleState
from vendors.fees import CancelTerms, cancel_fee
from vendors.models import Contract
from vendors.pricing import ZERO
from vendors.selectors import contracts

# Who is at fault owes nothing: reasons for which the vendor asks no fee.
VENDOR_FAULT = frozenset({"vendor_breakdown", "vendor_no_vehicle", "vendor_no_crew"})


@dataclass(frozen=True)
class Fee:
    """``amount`` in dollars by the contract's ``rule``, at ``stage`` (one of ``vendors.fees.STAGES``)."""

    stage: str
    amount: Decimal
    rule: str
    contract_version: int | None = None

    def details(self) -> dict[str, Any]:
        """What the trip's history keeps; billing charges by it."""
        kept: dict[str, Any] = {"stage": self.stage}
        if self.amount:
            kept |= {"fee_amount": str(self.amount), "fee_rule": self.rule, "contract_version": self.contract_version}
        return kept


def stage_of(trip: Trip, legs: Iterable[Leg]) -> str:
    """How far things have come: ``before_accept``, ``after_accept``, ``en_route`` or ``at_door``."""
    order = policies.LEG_ORDER
    furthest = max((leg.status for leg in legs if leg.status in order), key=order.index, default="planned")
    return policies.cancel_stage(furthest, trip.vendor_id is not None)


def fee_of(trip: Trip, *, legs: list[Leg] | None = None, code: str = "", now: dt.datetime | None = None) -> Fee:
    """The fee for calling ``trip`` off now because of ``code``. At most three queries; staff or crossing scope.

    Nothing is owed before acceptance, without a fee in the contract in force at the pickup, when the vendor is at
    fault, or when it is later than its contract allows.
    """
    now = now or clock.now()
    legs = list(Leg.objects.filter(trip=trip)) if legs is None else legs
    stage = stage_of(trip, legs)
    if stage == "before_accept" or trip.vendor_id is None:
        return Fee("before_accept", ZERO, "no vendor has accepted")
    contract = contracts.in_force(clock.local(trip.pickup_at, trip.time_zone).date()).get(trip.vendor_id)
    if contract is None:
        return Fee(stage, ZERO, "no contract in force asks a fee")
    if code in VENDOR_FAULT:
        return Fee(stage, ZERO, "the vendor could not come", contract.version)
    if _vendor_is_late(trip, legs, contract, stage, now):
        return Fee(stage, ZERO, "the vendor is later than its contract allows", contract.version)
    minutes = (trip.pickup_at - now).total_seconds() / 60
    amount, rule = cancel_fee(CancelTerms.of(contract), stage, minutes_before=minutes)
    return Fee(stage, amount, rule, contract.version)


def check_seen(fee: Fee, seen: Decimal | None) -> None:
    """Refuse what became more expensive since the person looked (``None``: nobody looked, a system decides)."""
    if seen is not None and fee.amount > seen:
        raise StaleState(
            f"The fee is ${fee.amount} now ({fee.rule}); it was ${seen} when you looked. "
            "Nothing was done. Decide again.",
            current=fee.stage,
            code="fee_rose",
        )


def _vendor_is_late(trip: Trip, legs: list[Leg], contract: Contract, stage: str, now: dt.datetime) -> bool:
    """Whether the crew came, or still is to come, later than the contract's tolerance."""
    if not trip.is_ready:
        return False
    limit = trip.pickup_at + dt.timedelta(minutes=contract.on_time_tolerance_minutes)
    if stage != "at_door":
        return now > limit
    arrival = LegEvent.objects.filter(leg__in=legs, new_status="at_pickup").order_by("id").first()
    return arrival is not None and policies.corrected(arrival.at, arrival.skew_seconds) > limit


__all__ = ["Fee", "check_seen", "fee_of", "stage_of"]
