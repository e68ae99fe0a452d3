"""A dialysis series for tests: its center, its answers, and its rides as they are now."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID

from logistics.core import clock
from logistics.requests.models import Patient, Place, ServiceRequest, StandingOrder, StandingRide, TransportDetail
from logistics.requests.services import places, standing_orders
from logistics.requests.services.standing_plan import Series
from logistics.requests.services.standing_spec import Spec
from tests.cast import Cast
from tests.support import act_as

MWF = "FREQ=WEEKLY;BYDAY=MO,WE,FR"
# Noon of a Monday: dates below are counted from it.
MONDAY = dt.datetime(2027, 2, 1, 18, tzinfo=dt.UTC)


def center(cast: Cast, *, slug: str = "lakeshore") -> Place:
    """A dialysis center in the address book."""
    with act_as(cast.staff(getattr(cast, slug))):
        known = Place.objects.filter(name="Lakeside Dialysis").first()
        return known or places.add(
            name="Lakeside Dialysis", aliases="lsd", kind="dialysis", address="12 Basin St", city="Madison",
            state="WI", zip_code="53711", phone="608 555 0180", note="Door B",
        )  # fmt: skip


def spec(place: Place, patient: Patient, **changes: Any) -> Spec:
    """Mon, Wed, Fri, chair 05:30, wheelchair, back when ready after 4.5 hours."""
    plain = Spec(
        rule=MWF,
        local_time=dt.time(5, 30),
        pickup=places.resolve(value="home", text="", patient=patient),
        destination=places.resolve(value=str(place.pk), text="", patient=patient),
        return_kind="ready",
        return_minutes=270,
        return_owner_name="Charge nurse, Lakeside",
        ride={"mobility": "wheelchair", "needs": [], "oxygen_lpm": None, "weight_lb": 142, "companions": 0,
              "payer_name": "Lakeshore Medicare Advantage", "driver_note": "Knock twice"},
    )  # fmt: skip
    ride = {**plain.ride, **changes.pop("ride", {})}
    return replace(plain, ride=ride, **changes)


def begin(
    cast: Cast,
    patient_id: UUID,
    *,
    start_on: dt.date,
    end_on: dt.date | None = None,
    key: str = "k1",
    preferred_vendor_id: UUID | None = None,
    **changes: Any,
) -> StandingOrder:
    """A series as a case manager begins it."""
    place = center(cast)
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=patient_id)
        series = draft(cast, patient, spec(place, patient, **changes), start_on=start_on, end_on=end_on,
                       preferred_vendor_id=preferred_vendor_id)  # fmt: skip
        return standing_orders.create(series=series, key=key)


def draft(cast: Cast, patient: Patient, what: Spec, **more: Any) -> Series:
    """The unsaved series (in the open scope)."""
    return standing_orders.draft(
        patient=patient, facility=cast.facilities["lakeshore"], unit=cast.units["4W@lakeshore"], spec=what,
        **{"end_on": None, **more},
    )  # fmt: skip


def rides(cast: Cast, order: StandingOrder) -> dict[tuple[str, str], ServiceRequest]:
    """("02-01", "out") → the request in force of that date, with ``detail``."""
    with act_as(cast.staff()):
        rows = StandingRide.objects.filter(order=order, ended_at__isnull=True).select_related("request")
        found = {}
        for row in rows:
            row.request.detail = TransportDetail.objects.get(request=row.request)
            found[f"{row.on:%m-%d}", row.direction] = row.request
        return found


def statuses(cast: Cast, order: StandingOrder) -> dict[tuple[str, str], str]:
    """The same, statuses only."""
    return {key: request.status for key, request in rides(cast, order).items()}


def local(moment: dt.datetime | None) -> str:
    """``02-01 05:30`` in Chicago."""
    return f"{clock.local(moment, 'America/Chicago'):%m-%d %H:%M}" if moment else ""


def now(cast: Cast, order: StandingOrder) -> StandingOrder:
    """The order as it is now."""
    with act_as(cast.staff()):
        return StandingOrder.objects.select_related("facility", "patient").get(pk=order.pk)
