"""Contracts and their rates. A signed version never changes: better terms are a new version."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from logistics.accounts.models import Organization
from logistics.core import audit, clock, levels
from logistics.core.errors import DomainError, IllegalMove
from vendors.models import Contract, Rate


def draft(
    *,
    vendor: Organization,
    effective_from: dt.date,
    effective_to: dt.date | None = None,
    response_minutes: int = 7,
    on_time_tolerance_minutes: int = 15,
) -> Contract:
    """A new unsigned version for this vendor."""
    if effective_to is not None and effective_to <= effective_from:
        raise DomainError("The contract must end after it starts.", code="dates", fields={"effective_to": "Later."})
    latest = Contract.objects.filter(vendor=vendor).aggregate(Max("version"))["version__max"] or 0
    contract = Contract.objects.create(
        vendor=vendor,
        version=latest + 1,
        effective_from=effective_from,
        effective_to=effective_to,
        response_minutes=response_minutes,
        on_time_tolerance_minutes=on_time_tolerance_minutes,
    )
    audit.record(action="contract.drafted", target=contract, details={"version": contract.version})
    return contract


def set_rate(*, contract: Contract, level: str, base_amount: Decimal, mile_amount: Decimal, **terms: Any) -> Rate:
    """The price of one level in a draft.

    ``terms``: included_miles, mile_rounding, minimum_amount, wait_free_minutes, wait_unit_minutes, wait_unit_amount.
    """
    if contract.status != "draft":
        raise IllegalMove("A signed version never changes. Draft a new version.", code="contract_signed")
    if level not in levels.LEVELS:
        raise DomainError("Choose a level of service.", code="unknown_level", fields={"level": "Choose one."})
    if base_amount < 0 or mile_amount < 0:
        raise DomainError("A price cannot be below zero.", code="negative", fields={"base_amount": "Zero or more."})
    rate, _ = Rate.objects.update_or_create(
        contract=contract,
        level=level,
        defaults={"vendor_id": contract.vendor_id, "base_amount": base_amount, "mile_amount": mile_amount, **terms},
    )
    audit.record(
        action="contract.rate_set",
        target=contract,
        details={"level": level, "base": str(base_amount), "mile": str(mile_amount)},
    )
    return rate


def remove_rate(*, contract: Contract, level: str) -> None:
    """Take a level out of a draft."""
    if contract.status != "draft":
        raise IllegalMove("A signed version never changes. Draft a new version.", code="contract_signed")
    Rate.objects.filter(contract=contract, level=level).delete()
    audit.record(action="contract.rate_removed", target=contract, details={"level": level})


def copy_rates(*, source: Contract, contract: Contract) -> int:
    """Start a draft from the rates of another version of the same vendor. Returns how many were copied."""
    if source.vendor_id != contract.vendor_id:
        raise DomainError("Rates are copied between versions of one vendor only.", code="other_vendor")
    rates = list(source.rates.all())
    for rate in rates:
        set_rate(
            contract=contract,
            level=rate.level,
            base_amount=rate.base_amount,
            mile_amount=rate.mile_amount,
            included_miles=rate.included_miles,
            mile_rounding=rate.mile_rounding,
            minimum_amount=rate.minimum_amount,
            wait_free_minutes=rate.wait_free_minutes,
            wait_unit_minutes=rate.wait_unit_minutes,
            wait_unit_amount=rate.wait_unit_amount,
        )
    return len(rates)


def set_cancel_terms(
    *,
    contract: Contract,
    cancel_free_minutes: int = 0,
    cancel_late_amount: Decimal = Decimal(0),
    cancel_en_route_amount: Decimal = Decimal(0),
    cancel_at_door_amount: Decimal = Decimal(0),
) -> Contract:
    """What a draft asks when a trip is called off after acceptance (``vendors.fees``).

    A later stage never costs less than an earlier one: who cancels would else wait for it.
    """
    if contract.status != "draft":
        raise IllegalMove("A signed version never changes. Draft a new version.", code="contract_signed")
    steps = [
        ("cancel_late_amount", cancel_late_amount),
        ("cancel_en_route_amount", cancel_en_route_amount),
        ("cancel_at_door_amount", cancel_at_door_amount),
    ]
    if cancel_free_minutes < 0 or any(amount < 0 for _, amount in steps):
        raise DomainError(
            "A fee cannot be below zero.", code="negative", fields={"cancel_late_amount": "Zero or more."}
        )
    for (_, before), (name, after) in pairwise(steps):
        if after < before:
            words = "A later stage cannot cost less than an earlier one."
            raise DomainError(words, code="falling_fee", fields={name: f"At least ${before}."})
    values = {"cancel_free_minutes": cancel_free_minutes, **dict(steps)}
    if not Contract.objects.filter(pk=contract.pk, status="draft").update(**values):
        raise IllegalMove("A signed version never changes. Draft a new version.", code="contract_signed")
    details = {name: str(value) for name, value in values.items()}
    audit.record(action="contract.cancel_terms_set", target=contract, details=details)
    contract.refresh_from_db()
    return contract


def copy_cancel_terms(*, source: Contract, contract: Contract) -> Contract:
    """Start a draft with the cancellation terms of another version of the same vendor."""
    return set_cancel_terms(
        contract=contract,
        cancel_free_minutes=source.cancel_free_minutes,
        cancel_late_amount=source.cancel_late_amount,
        cancel_en_route_amount=source.cancel_en_route_amount,
        cancel_at_door_amount=source.cancel_at_door_amount,
    )


def sign(*, contract: Contract, signed_by_name: str) -> Contract:
    """Put a draft in force. The version that was in force ends where this one begins."""
    if contract.status != "draft":
        raise IllegalMove("Only a draft can be signed.", code="contract_signed")
    if not signed_by_name.strip():
        raise DomainError("Say who signed.", code="no_signer", fields={"signed_by_name": "Name the signer."})
    if not contract.rates.exists():
        raise DomainError("Add at least one rate first.", code="no_rates")
    try:
        with transaction.atomic():
            Contract.objects.filter(
                Q(effective_to__isnull=True) | Q(effective_to__gt=contract.effective_from),
                vendor_id=contract.vendor_id,
                status="signed",
                effective_from__lt=contract.effective_from,
            ).update(effective_to=contract.effective_from)
            Contract.objects.filter(pk=contract.pk, status="draft").update(
                status="signed", signed_by_name=signed_by_name, signed_at=clock.now()
            )
    except IntegrityError as error:
        raise DomainError(
            "Another signed version covers these dates. Start this one later.",
            code="contract_overlap",
            fields={"effective_from": "Overlaps a signed version."},
        ) from error
    contract.refresh_from_db()
    audit.record(action="contract.signed", target=contract, details={"version": contract.version})
    return contract


def end(*, contract: Contract, on: dt.date) -> Contract:
    """End a signed contract; ``on`` is the first day without it. Rides priced by it keep their price."""
    if contract.status != "signed":
        raise IllegalMove("Only a signed contract can be ended.", code="contract_not_signed")
    last = max(on, contract.effective_from)
    Contract.objects.filter(pk=contract.pk, status="signed").update(status="ended", effective_to=last)
    contract.refresh_from_db()
    audit.record(action="contract.ended", target=contract, details={"on": str(last)})
    return contract
