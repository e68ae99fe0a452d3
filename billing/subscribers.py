"""What billing does when something happened."""

from __future__ import annotations

from uuid import UUID

from billing.services import charges
from dispatch.models import Trip
from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.core.outbox import Event, subscribe
from logistics.requests.services import alerts


@subscribe("trip.canceled", "trip.matching")
def charge_fee(event: Event) -> None:
    """A trip was called off, or taken from its vendor: what its history says is owed is charged, once for each time."""
    charges.charge_fees(UUID(event.payload["trip_id"]))


@subscribe("trip.completed")
def charge(event: Event) -> None:
    """A trip was handed over: it is charged once. Without a rate a person is asked to sign one."""
    trip_id = UUID(event.payload["trip_id"])
    try:
        charges.charge_trip(trip_id)
    except DomainError as problem:
        if problem.code != "no_rate":
            raise
        trip = Trip.objects.select_related("request").get(pk=trip_id)
        day = clock.local(trip.pickup_at, trip.time_zone)
        params = {"trip": trip.number, "trip_id": str(trip_id), "level": trip.level, "day": f"{day:%-d %b}"}
        alerts.raise_alert("no_rate", "warn", request=trip.request, params=params)
