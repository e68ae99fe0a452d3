"""The charge of a completed trip: made once, by the contract version in force at the scheduled pickup."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction

from billing.models import Charge, ChargeLine
from billing.pricing import Terms, charge_lines
from dispatch.models import Leg, Trip, TripEvent
from logistics.core import audit, clock, outbox
from logistics.core.errors import DomainError
from logistics.core.money import to_cents
from logistics.requests.models import ServiceRequest
from vendors.fees import WaitTerms, wait_line
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
    existing = Charge.objects.filter(trip=trip, kind="trip").first()
    if existing is not None:
        return existing
    try:
        with transaction.atomic():
            return _create(trip)
    except IntegrityError:
        # Another worker charged this trip at the same moment (billing_charge_once).
        return Charge.objects.get(trip=trip, kind="trip")


def charge_fees(trip_id: UUID) -> list[Charge]:
    """Charge what a trip's history says is owed to a vendor that was called off; each such row once.

    Returns the new charges. The fee was computed and shown when it was decided (``dispatch.services.fees``); it is
    charged as it was shown, whatever the contract says by now. Publishes ``charge.created``. Staff scope.
    """
    trip = Trip.objects.filter(pk=trip_id).first()
    if trip is None:
        return []
    owed = TripEvent.objects.filter(trip=trip, vendor_id__isnull=False, details__has_key="fee_amount").order_by("id")
    charged = set(Charge.objects.filter(trip=trip, kind="cancel_fee").values_list("cause_event_id", flat=True))
    made = []
    for event in [event for event in owed if event.pk not in charged]:
        try:
            with transaction.atomic():
                made.append(_create_fee(trip, event))
        except IntegrityError:
            continue  # another worker charged it at the same moment (billing_fee_once)
    return made


def _create_fee(trip: Trip, event: TripEvent) -> Charge:
    told, vendor_id = event.details, event.vendor_id
    assert vendor_id is not None
    amount = to_cents(Decimal(told["fee_amount"]))
    contract = Contract.objects.get(vendor_id=vendor_id, version=told["contract_version"])
    at = clock.local(event.at, trip.time_zone)
    charge = Charge.objects.create(
        kind="cancel_fee",
        cause_event_id=event.pk,
        vendor_id=vendor_id,
        trip=trip,
        contract=contract,
        contract_version=contract.version,
        level=trip.level,
        service_on=at.date(),
        loaded_miles=Decimal(0),
        total_amount=amount,
    )
    reason = str(told.get("code", "")).replace("_", " ")
    ChargeLine.objects.create(
        vendor_id=vendor_id,
        charge=charge,
        sequence=1,
        kind="cancel_fee",
        description=f"Called off: {reason}" if reason else "Called off",
        quantity=Decimal(1),
        unit="trip",
        unit_amount=amount,
        amount=amount,
        rule=f"Contract version {contract.version}: {told['fee_rule']}, {at:%H:%M} {at:%Z}"[:160],
    )
    _publish(charge)
    return charge


def _publish(charge: Charge) -> None:
    audit.record(
        action="charge.created",
        target=charge,
        details={
            "trip_id": str(charge.trip_id),
            "kind": charge.kind,
            "total": str(charge.total_amount),
            "contract_version": charge.contract_version,
        },
    )
    outbox.publish(
        "charge.created", {"charge_id": str(charge.pk), "trip_id": str(charge.trip_id)}, vendor_id=charge.vendor_id
    )


def waited_minutes(trip: Trip, picked_up_at: dt.datetime | None) -> int | None:
    """How long the vehicle of a wait-and-return journey waited before this ride: from the handover of the ride before
    it to this boarding, whole minutes. None for any other ride."""
    ride = ServiceRequest.objects.select_related("journey").get(pk=trip.request_id)
    if ride.journey is None or ride.journey.kind != "wait_return" or picked_up_at is None:
        return None
    before = Leg.objects.filter(
        trip__request__journey=ride.journey, trip__request__journey_order__lt=ride.journey_order,
        trip__vendor_id=trip.vendor_id, dropped_off_at__isnull=False,
    ).order_by("-dropped_off_at").first()  # fmt: skip
    if before is None or before.dropped_off_at is None:
        return None
    return max(0, int((picked_up_at - before.dropped_off_at).total_seconds() // 60))


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
    lines = list(priced.lines)
    waited = waited_minutes(trip, min((leg.picked_up_at for leg in legs if leg.picked_up_at), default=None))
    wait = wait_line(WaitTerms.of(rate), waited) if waited is not None else None
    if wait is not None:
        lines.append(replace(wait, rule=f"Contract version {contract.version}: {wait.rule}"))
    charge = Charge.objects.create(
        vendor_id=contract.vendor_id,
        trip=trip,
        contract=contract,
        contract_version=contract.version,
        level=trip.level,
        service_on=clock.local(loaded_at, trip.time_zone).date(),
        loaded_miles=miles,
        total_amount=sum((line.amount for line in lines), Decimal(0)),
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
        for number, line in enumerate(lines, start=1)
    )
    _publish(charge)
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
