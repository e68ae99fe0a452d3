"""The only module that gives a trip, a leg or an offer a status."""

from __future__ import annotations

import datetime as dt
from typing import Any

from dispatch import states
from dispatch.models import Leg, LegEvent, Offer, OfferEvent, Trip, TripEvent
from logistics.core import clock
from logistics.core.machines import move


def trip_to(
    trip: Trip,
    to: str,
    *,
    source: str = "user",
    reason: str = "",
    at: dt.datetime | None = None,
    changes: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
    vendor_id: Any = None,
) -> Trip:
    """Move a trip; publishes ``trip.<status>``.

    ``vendor_id`` names the vendor whom the move concerns when the row does not (a vendor that gives a trip
    back). ``changes`` are plain columns set in the same UPDATE. Raises ``IllegalMove`` or ``StaleState``.
    """
    # QuerySet.update() does not touch auto_now columns; pages sort and cache by this one.
    changes = {"updated_at": clock.now(), **(changes or {})}
    vendor = vendor_id or changes.get("vendor_id") or trip.vendor_id
    return move(
        trip,
        to,
        machine=states.TRIP,
        event_model=TripEvent,
        event_field="trip",
        event_fields={"vendor_id": vendor},
        topic=f"trip.{to}",
        source=source,
        reason=reason,
        at=at,
        changes=changes,
        details=details,
        payload={"request_id": str(trip.request_id), "notify_vendor_ids": [str(vendor)] if vendor else []},
    )


def leg_to(
    leg: Leg,
    to: str,
    *,
    source: str = "user",
    reason: str = "",
    at: dt.datetime | None = None,
    changes: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
    event_fields: dict[str, Any] | None = None,
    vendor_id: Any = None,
) -> Leg:
    """Move a leg; publishes ``leg.<status>``. ``event_fields`` carry a tap's key, position and skew."""
    vendor = vendor_id or leg.vendor_id
    return move(
        leg,
        to,
        machine=states.LEG,
        event_model=LegEvent,
        event_field="leg",
        event_fields={"vendor_id": vendor, **(event_fields or {})},
        topic=f"leg.{to}",
        source=source,
        reason=reason,
        at=at,
        changes=changes,
        details=details,
        payload={"trip_id": str(leg.trip_id), "notify_vendor_ids": [str(vendor)] if vendor else []},
    )


def offer_to(
    offer: Offer,
    to: str,
    *,
    source: str = "user",
    reason: str = "",
    changes: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
) -> Offer:
    """Move an offer; publishes ``offer.sent`` when it opens, else ``offer.<status>``."""
    return move(
        offer,
        to,
        machine=states.OFFER,
        event_model=OfferEvent,
        event_field="offer",
        event_fields={"vendor_id": offer.vendor_id},
        topic="offer.sent" if to == "open" else f"offer.{to}",
        source=source,
        reason=reason,
        changes=changes,
        details=details,
        payload={"trip_id": str(offer.trip_id)},
    )
