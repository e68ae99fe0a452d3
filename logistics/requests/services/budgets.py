"""Cost centers, what each may spend in a month, and what it has spent.

A request counts in the month of its pickup on its facility's calendar (of its confirmation while no pickup is set),
with what was charged, else with the price estimated at booking. Drafts and canceled requests do not count.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum

from logistics.accounts.models import Unit
from logistics.core import audit, clock
from logistics.core.errors import DomainError
from logistics.requests.models import Budget, CostCenter, ServiceRequest
from logistics.requests.selectors.spending import counted

MOST_AMOUNT = Decimal(100_000_000)


def add_cost_center(*, code: str, name: str, unit: Unit | None = None, owner_name: str = "") -> CostCenter:
    """A new cost center. Raises :class:`DomainError` when the code or the unit is taken."""
    code, name = code.strip().upper(), " ".join(name.split())
    _check(code, name)
    try:
        with transaction.atomic():
            made = CostCenter.objects.create(code=code, name=name, unit=unit, owner_name=owner_name.strip())
    except IntegrityError as error:
        raise _taken(code, unit) from error
    audit.record(action="cost_center.added", target=made, details={"code": code})
    return made


def edit_cost_center(
    *, cost_center_id: UUID, name: str, unit: Unit | None, owner_name: str, is_active: bool = True
) -> CostCenter:
    """Change a cost center; its code stays, because requests carry it. Affects what is booked from now on."""
    center = CostCenter.objects.select_for_update(of=("self",)).get(pk=cost_center_id)
    _check(center.code, name)
    center.name, center.unit, center.is_active = " ".join(name.split()), unit, is_active
    center.owner_name = owner_name.strip()
    try:
        with transaction.atomic():
            center.save()
    except IntegrityError as error:
        raise _taken("", unit) from error
    audit.record(action="cost_center.changed", target=center, details={"code": center.code, "active": is_active})
    return center


def set_budget(*, cost_center_id: UUID, month: dt.date, amount: Decimal) -> Budget:
    """What a cost center may spend in the month of ``month``, in USD."""
    if not 0 <= amount < MOST_AMOUNT:
        raise DomainError("Write an amount of zero or more.", code="amount", fields={"amount": "Zero or more, in USD."})
    center = CostCenter.objects.select_for_update(of=("self",)).get(pk=cost_center_id)
    first = month.replace(day=1)
    known = Budget.objects.filter(cost_center=center, month=first).values_list("amount", flat=True).first()
    budget, _ = Budget.objects.update_or_create(cost_center=center, month=first, defaults={"amount": amount})
    if known != amount:
        audit.record(
            action="budget.set",
            target=budget,
            details={
                "code": center.code,
                "month": f"{first:%Y-%m}",
                "before": None if known is None else str(known),
                "after": str(amount),
            },
        )
    return budget


def default_for(unit_id: UUID | None) -> str:
    """The code that requests of this unit carry; empty when the unit has no cost center."""
    if unit_id is None:
        return ""
    code = CostCenter.objects.filter(unit_id=unit_id, is_active=True).values_list("code", flat=True).first()
    return code or ""


def over_by(
    code: str,
    *,
    amount: Decimal | None,
    at: dt.datetime | None,
    zone: str,
    apart_from: UUID | None = None,
    lock: bool = False,
) -> Decimal | None:
    """By how much ``amount`` would overspend the month of ``at``; None when it fits, or when nothing is budgeted.

    ``lock`` keeps others who book on the same budget waiting until the transaction ends, so that two bookings cannot
    both be the last that fits.
    """
    if not code or amount is None:
        return None
    first = clock.local(at or clock.now(), zone).date().replace(day=1)
    budgets = Budget.objects.filter(cost_center__code=code, month=first)
    budget = (budgets.select_for_update(of=("self",)) if lock else budgets).first()
    if budget is None:
        return None
    others = counted(first).filter(cost_center=code)
    if apart_from is not None:
        others = others.exclude(pk=apart_from)
    spent = others.aggregate(total=Sum("worth"))["total"] or Decimal(0)
    over = spent + amount - budget.amount
    return over if over > 0 else None


def note_charge(*, request_id: UUID, amount: Decimal) -> bool:
    """What a request really cost, from its charge. False when it is known already or the request is not there."""
    request = ServiceRequest.objects.select_for_update(of=("self",)).filter(pk=request_id).first()
    if request is None or request.charged_amount == amount:
        return False
    request.charged_amount = amount
    request.save(update_fields=["charged_amount"])
    audit.record(
        action="request.charged", target=request, patient_id=request.patient_id, details={"total": str(amount)}
    )
    return True


def _check(code: str, name: str) -> None:
    if not code or len(code) > 20 or not code.replace("-", "").isalnum():
        raise DomainError(
            "A code has letters, digits and hyphens.",
            code="code",
            fields={"code": "Letters, digits and hyphens, up to 20."},
        )
    if not 2 <= len(name.strip()) <= 80:
        raise DomainError("Give it a name.", code="name", fields={"name": "Write what people call it."})


def _taken(code: str, unit: Unit | None) -> DomainError:
    if code and CostCenter.objects.filter(code=code).exists():
        return DomainError(f"{code} is taken.", code="taken", fields={"code": f"{code} is taken. Choose another code."})
    name = unit.name if unit else "This unit"
    return DomainError(
        f"{name} has a cost center.",
        code="taken",
        fields={"unit": f"{name} has a cost center already. Change that one."},
    )
