"""The charge of a completed trip: made once, by the contract version in force at the scheduled pickup."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction

from billing.models import Charge, ChargeLine
from billing.pricing import Terms, charge_lines
from dispatch.models import Leg, Trip
from logistics.core import audit, clock, outbox
from logistics.core.errors import DomainError
from vendors.models import Contract, Rate
from vendors.selectors import contracts


def charge_trip(trip_id: UUID) -> Charge | None:
    """Charge a completed trip; returns its charge, new or not, None when the trip is not completed.

    Loaded miles are those driven when the crew's vehicle measured them, else the planned ones; each line says which.
    Publishes ``charge.created``. Raises ``DomainError`` (``no_rate``) when no signed contract prices this level on
    that day. Staff scope.
    """
    trip = Trip.objects.filter(pk=trip_id, status="completed", vendor_id__isnull=False).first()
    if trip is None:
        return None
    existing = Charge.objects.filter(trip=trip).first()
    if existing is not None:
        return existing
    try:
        with transaction.atomic():
            return _create(trip)
    except IntegrityError:
        # Another worker charged this trip at the same moment (billing_charge_once).
        return Charge.objects.get(trip=trip)


def _create(trip: Trip) -> Charge:
    contract, rate = _terms(trip)
    legs = list(Leg.objects.filter(trip=trip, status="completed"))
    measured = [leg.loaded_miles for leg in legs if leg.loaded_miles is not None]
    driven = bool(legs) and len(measured) == len(legs)
    miles = sum(measured if driven else [leg.miles for leg in legs], Decimal(0))
    priced = charge_lines(
        Terms.of(rate),
        loaded_miles=miles,
        miles_source="driven" if driven else "planned",
        contract=f"Contract version {contract.version}",
    )
    loaded_at = min((leg.picked_up_at for leg in legs if leg.picked_up_at), default=trip.pickup_at)
    charge = Charge.objects.create(
        vendor_id=contract.vendor_id,
        trip=trip,
        contract=contract,
        contract_version=contract.version,
        level=trip.level,
        service_on=clock.local(loaded_at, trip.time_zone).date(),
        loaded_miles=miles,
        total_amount=priced.total,
        estimate_amount=trip.price_amount,
    )
    ChargeLine.objects.bulk_create(
        ChargeLine(
            vendor_id=contract.vendor_id,
            charge=charge,
            sequence=number,
            kind=line.kind,
            description=line.description,
            quantity=line.quantity,
            unit=line.unit,
            unit_amount=line.unit_amount,
            amount=line.amount,
            rule=line.rule,
        )
        for number, line in enumerate(priced.lines, start=1)
    )
    audit.record(
        action="charge.created",
        target=charge,
        details={"trip_id": str(trip.pk), "total": str(charge.total_amount), "contract_version": contract.version},
    )
    outbox.publish(
        "charge.created",
        {
            "charge_id": str(charge.pk),
            "trip_id": str(trip.pk),
            "request_id": str(trip.request_id),
            "total_amount": str(charge.total_amount),
        },
        vendor_id=contract.vendor_id,
    )
    return charge


def _terms(trip: Trip) -> tuple[Contract, Rate]:
    """Version and rate in force on the local date of the scheduled pickup, whatever is in force today."""
    day = clock.local(trip.pickup_at, trip.time_zone).date()
    contract = contracts.in_force(day).get(trip.vendor_id)
    rate = next((row for row in contract.rates.all() if row.level == trip.level), None) if contract else None
    if contract is None or rate is None:
        raise DomainError(
            f"Trip {trip.number} has no contract rate for {trip.level} on {day.isoformat()}. Sign one, then charge it.",
            code="no_rate",
        )
    return contract, rate
