"""Changing a ride that is booked: its answers as plain columns, so that a change can wait for a vendor's yes.

``wanted`` everywhere maps columns of ``TransportDetail`` to values that JSON can hold: moments as ISO text with offset,
decimals as text, a place by its id (``place_id``). What is left out stays as it is.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from logistics.core import audit, clock, outbox
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import Place, ServiceRequest, TransportDetail
from logistics.requests.services.places import Destination

MOMENTS = ("pickup_at", "ready_expected_at", "arrive_by_at")
PLAIN = (
    "needs", "mobility", "weight_lb", "companions", "driver_note", "pickup_contact", "level", "level_override_reason",
    "destination_kind", "destination_address", "destination_latitude", "destination_longitude", "destination_zone",
)  # fmt: skip
OPEN = ("pending", "requested", "scheduled", "in_progress", "held")


def destination_columns(destination: Destination) -> dict[str, Any]:
    """A destination as columns. The point stays with a place too, as booking keeps it."""
    return {
        "place_id": str(destination.place.pk) if destination.place else None,
        "destination_kind": destination.kind,
        "destination_address": {} if destination.place else destination.address.as_dict(),
        "destination_latitude": destination.location.lat,
        "destination_longitude": destination.location.lon,
        "destination_zone": destination.location.zone,
    }


def time_columns(detail: TransportDetail, moment: dt.datetime) -> dict[str, Any]:
    """Another pickup time as columns: the foreseen one of a will call; an appointment moves along with its pickup."""
    if detail.when == "ready":
        return {"ready_expected_at": moment.isoformat()}
    columns = {"pickup_at": moment.isoformat()}
    if detail.when == "arrive" and detail.arrive_by_at and detail.pickup_at:
        columns["arrive_by_at"] = (detail.arrive_by_at + (moment - detail.pickup_at)).isoformat()
    return columns


def time_of(detail: TransportDetail) -> dt.datetime | None:
    """The pickup that is asked for or foreseen."""
    return detail.ready_expected_at if detail.when == "ready" else detail.pickup_at


def put(detail: TransportDetail, wanted: dict[str, Any]) -> list[str]:
    """Set what differs, unsaved; the names of what changed, sorted. Raises ``DomainError`` for a place that is gone."""
    changed = set()
    for name, value in wanted.items():
        if name in MOMENTS:
            value = dt.datetime.fromisoformat(value) if value else None
        elif name == "oxygen_lpm":
            value = Decimal(value) if value not in (None, "") else None
        elif name == "place_id":
            if str(detail.place_id or "") != (value or ""):
                detail.place = _place(value) if value else None
                changed.add("destination")
            continue
        elif name not in PLAIN:
            raise ValueError(f"{name} is no answer that can be amended")
        if getattr(detail, name) != value:
            setattr(detail, name, value)
            changed.add("destination" if name.startswith("destination") else name)
    return sorted(changed)


def amend(*, request_id: UUID, wanted: dict[str, Any], source: str = "user", reason: str = "") -> list[str]:
    """Write the answers into the booked ride; the names of what changed. Publishes ``request.changed``.

    Raises ``IllegalMove`` for a ride that is over or not booked. Dispatch carries the change into the trip.
    """
    request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    if request.status not in OPEN:
        raise IllegalMove(f"This ride is {request.status}; it cannot be changed.", code="not_open")
    detail = TransportDetail.objects.select_related("place").get(request=request)
    changed = put(detail, wanted)
    if not changed:
        return []
    detail.save()
    ServiceRequest.objects.filter(pk=request.pk).update(human_edited=True, updated_at=clock.now())
    audit.record(
        action="request.amended",
        target=request,
        patient_id=request.patient_id,
        reason=reason,
        details={"fields": changed, "source": source},
    )
    outbox.publish(
        "request.changed",
        {"request_id": str(request.pk), "unit_id": str(request.unit_id or ""), "fields": changed},
    )
    return changed


def _place(value: str) -> Place:
    place = Place.objects.filter(pk=value).first()
    if place is None:
        words = "This place is not in the address book any more. Choose another."
        raise DomainError(words, code="no_destination", fields={"destination": words})
    return place
