"""The numbers of trips, told to rooms below that know requests only (they are asked through a registry)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from dispatch.models import Trip
from logistics.requests.selectors.certificates import TRIP_NUMBERS


def trip_numbers(request_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Request → number of its trip, of the live one where it has several. One query."""
    rows = Trip.objects.filter(request_id__in=list(request_ids)).order_by("created_at")
    found: dict[UUID, int] = {}
    for request_id, number, status in rows.values_list("request_id", "number", "status"):
        if status != "canceled" or request_id not in found:
            found[request_id] = number
    return found


TRIP_NUMBERS.append(trip_numbers)
