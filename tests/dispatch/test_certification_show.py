"""What booking and the trip's page say of a certification."""

from __future__ import annotations

import datetime as dt
from typing import Any

from dispatch.selectors.trip_numbers import trip_numbers
from dispatch.services.preview import preview
from logistics.core import clock
from logistics.requests.models import Patient
from logistics.requests.selectors import certificates
from logistics.requests.services import places
from tests.cast import Cast
from tests.requests.paper import patient, ride
from tests.support import act_as, settle, signed_in


def shown(cast: Cast, person: Patient, at: dt.datetime, **changes: Any) -> list[str]:
    with act_as(cast.staff()):
        destination = places.resolve(value=str(cast.places["willow@lakeshore"].pk), text="", patient=None)
        fields = {
            "when": "at", "pickup_at": at, "ready_expected_at": None, "destination": destination, "mobility": "lies",
            "needs": ["watching"], "oxygen_lpm": None, "weight_lb": 142, "companions": 0, "pickup_kind": "", **changes,
        }  # fmt: skip
        return preview(fields, patient=person, facility=cast.facilities["lakeshore"]).remarks


def test_booking_warns_when_the_ride_makes_the_patients_rides_repetitive(cast: Cast) -> None:
    person = patient(cast)
    start = clock.now() + dt.timedelta(days=1)
    for day in (0, 2):
        for hour in (0, 4):
            ride(cast, person, start + dt.timedelta(days=day, hours=hour))
    ride(cast, person, start + dt.timedelta(days=4))
    last = start + dt.timedelta(days=4, hours=4)
    assert any("The attending physician alone" in text for text in shown(cast, person, last))
    assert not any("attending" in text for text in shown(cast, person, last + dt.timedelta(days=20)))
    assert not any("attending" in text for text in shown(cast, person, last, mobility="wheelchair", needs=[]))


def test_the_trip_page_fetches_the_certification_and_the_forms_know_the_trips_number(cast: Cast) -> None:
    person = patient(cast)
    request = ride(cast, person, clock.now() + dt.timedelta(hours=5))
    settle()
    with act_as(cast.staff()):
        number = certificates.trip_numbers([request.pk])[request.pk]
        assert trip_numbers([request.pk]) == {request.pk: number}
    client = signed_in(cast.people["case_manager@lakeshore"])
    page = client.get(f"/trips/{number}").content.decode()
    assert f'hx-get="/certificates/of/{request.pk}"' in page
    panel = client.get(f"/certificates/of/{request.pk}").content.decode()
    assert "Not certified" in panel
    assert "Have it signed by" in panel
