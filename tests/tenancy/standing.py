"""A series of trips in the world of two health systems: its dates lie ahead of what is made yet."""

from __future__ import annotations

import datetime as dt
from typing import Any

from logistics.core import clock
from logistics.requests.models import Patient
from logistics.requests.services import places, standing_orders
from logistics.requests.services.patients import index_tokens
from logistics.requests.services.standing_spec import Spec
from tests.cast import Cast
from tests.support import act_as


def one_of_each(cast: Cast, slug: str, *, canary: str) -> dict[str, Any]:
    """``series_id`` of a health system's own."""
    with act_as(cast.staff(getattr(cast, slug))):
        patient = Patient.objects.create(
            family_name=f"{canary}berg", given_name=f"{canary}o", birth_date="1951-04-02", mrn=f"{canary}S1",
            address={"line": f"{canary} Lane 9", "city": "Madison", "state": "WI", "zip_code": "53704"},
        )  # fmt: skip
        index_tokens(patient)
        place = cast.places[f"willow@{slug}"]
        start_on = clock.today("America/Chicago") + dt.timedelta(days=30)
        series = standing_orders.draft(
            patient=patient,
            facility=cast.facilities[slug],
            unit=cast.units[f"4W@{slug}"],
            start_on=start_on,
            end_on=None,
            spec=Spec(
                rule="FREQ=WEEKLY;BYDAY=MO,WE,FR",
                local_time=dt.time(5, 30),
                pickup=places.resolve(value="home", text="", patient=patient),
                destination=places.resolve(value=str(place.pk), text="", patient=patient),
                return_minutes=270,
                ride={"mobility": "wheelchair", "needs": [], "driver_note": f"{canary} knocks"},
            ),
        )
        return {"series_id": standing_orders.create(series=series, key=f"world-{slug}").pk}
