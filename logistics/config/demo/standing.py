"""The demo's recurring trips: dialysis from home, a stretcher patient's, and one that waits for a decision after a stay."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from logistics.accounts.models import Organization, Unit
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import Patient, Place, StandingOrder
from logistics.requests.services import (
    encounters,
    holidays_calendar,
    patients,
    places,
    standing_dates,
    standing_orders,
    standing_stays,
)
from logistics.requests.services.changes import ChangeLog, Stamp
from logistics.requests.services.standing_spec import Spec

CENTER = "Bayview Dialysis Center"
PEOPLE: tuple[dict[str, Any], ...] = (
    {"family_name": "Okonjo", "given_name": "Ruth", "birth_date": "1952-08-19", "sex": "F", "mrn": "CR700211",
     "phone": "574 555 0311", "weight_lb": 151, "payer_name": "Hoosier Care Medicaid",
     "address": {"line": "614 Lincoln Way", "city": "Mishawaka", "state": "IN", "zip_code": "46544"}},
    {"family_name": "Brandt", "given_name": "Elias", "birth_date": "1944-01-30", "sex": "M", "mrn": "CR700212",
     "phone": "574 555 0312", "weight_lb": 188, "payer_name": "Medicare",
     "address": {"line": "27 Portage Ave", "city": "South Bend", "state": "IN", "zip_code": "46616"}},
    {"family_name": "Falk", "given_name": "Ingrid", "birth_date": "1949-11-02", "sex": "F", "mrn": "CR700213",
     "phone": "574 555 0313", "weight_lb": 134, "payer_name": "Medicare",
     "address": {"line": "9 Corby Blvd", "city": "South Bend", "state": "IN", "zip_code": "46617"}},
)  # fmt: skip
# The first begins tomorrow; the others later, so that the seed makes a week of their rides only.
FIRST_DAYS = (1, 9, 9)
SERIES: tuple[dict[str, Any], ...] = (
    {"rule": "FREQ=WEEKLY;BYDAY=MO,WE,FR", "local_time": dt.time(5, 30), "holiday_rule": "next",
     "ride": {"mobility": "wheelchair", "needs": [], "driver_note": "Side door, ramp"}},
    {"rule": "FREQ=WEEKLY;BYDAY=TU,TH,SA", "local_time": dt.time(11), "holiday_rule": "keep",
     "ride": {"mobility": "lies", "needs": ["watching"]}},
    {"rule": "FREQ=WEEKLY;BYDAY=MO,WE,FR", "local_time": dt.time(10, 30), "holiday_rule": "keep",
     "ride": {"mobility": "wheelchair", "needs": []}},
)  # fmt: skip


def build(tenant: Organization, *, booker: str) -> list[StandingOrder]:
    """Begin three series at the first hospital, with single dates changed and the center's calendar. Repeatable."""
    scope = Scope.staff(tenant.pk, actor_label=booker, actor_role="case_manager")
    with transaction.atomic(), scoping.enter(scope):
        center = Place.objects.get(name=CENTER)
        unit = Unit.objects.select_related("facility").order_by("order").first()
        if unit is None:
            return []
        today = clock.today(unit.facility.time_zone)
        _calendar(center, today)
        made = []
        for number, (person, terms) in enumerate(zip(PEOPLE, SERIES, strict=True)):
            patient, _ = patients.find_or_create([patients.Identity(person["mrn"], "CEDAR", "MR")], **person)
            start_on = today + dt.timedelta(days=FIRST_DAYS[number])
            made.append(_begin(patient, unit, center, terms, start_on, key=f"demo-standing-{number}"))
        _touch_dates(made[0], today)
        _left_hospital(made[2], unit)
        return made


def _begin(
    patient: Patient, unit: Unit, center: Place, terms: dict[str, Any], start_on: dt.date, *, key: str
) -> StandingOrder:
    ride = {
        "weight_lb": patient.weight_lb, "payer_name": patient.payer_name, "companions": 0, "oxygen_lpm": None,
        **terms["ride"],
    }  # fmt: skip
    spec = Spec(
        pickup=places.resolve(value="home", text="", patient=patient),
        destination=places.resolve(value=str(center.pk), text="", patient=patient),
        return_minutes=270,
        return_owner_name="Charge nurse, Bayview",
        **{**terms, "ride": ride},
    )
    series = standing_orders.draft(
        patient=patient,
        facility=unit.facility,
        unit=unit,
        spec=spec,
        start_on=start_on,
        end_on=None,
    )
    return standing_orders.create(series=series, key=key)


def _calendar(center: Place, today: dt.date) -> None:
    christmas = dt.date(today.year, 12, 25)
    if christmas < today:
        christmas = christmas.replace(year=today.year + 1)
    holidays_calendar.close(
        place=center, on=christmas, name="Christmas", moved_to=christmas + dt.timedelta(days=2), today=today
    )


def _touch_dates(order: StandingOrder, today: dt.date) -> None:
    """One date is skipped and one starts later."""
    dates = [today + dt.timedelta(days=ahead) for ahead in range(3, 12)]
    mine = [day for day in dates if day.weekday() in (0, 2, 4)]
    if order.exceptions.exists() or len(mine) < 2:
        return
    standing_dates.skip(order_id=order.pk, on=mine[0], reason="Family celebration")
    standing_dates.edit(order_id=order.pk, on=mine[1], local_time=dt.time(7), edits={}, reason="Center asked")


def _left_hospital(order: StandingOrder, unit: Unit) -> None:
    """The patient came in after the series was begun, and has left: somebody decides whether the rides go on."""
    token = encounters.visit_token("CRSTAND1")
    if encounters.find(token) is not None:
        return
    stamp, log = Stamp(clock.now(), clock.now()), ChangeLog()
    stay = encounters.open_stay(
        patient=order.patient, token=token, number="CRSTAND1", facility=unit.facility, stamp=stamp, log=log, rule="A01"
    )
    encounters.set_values(stay, "class", {"patient_class": "I"}, stamp=stamp, log=log, rule="A01")
    standing_stays.admitted(stay.pk)
    left = Stamp(clock.now() + dt.timedelta(seconds=1), clock.now())
    encounters.set_values(stay, "discharge", {"disposition": "03"}, stamp=left, log=log, rule="A03")
    encounters.to_status(stay, "discharged", stamp=left, log=log, rule="A03")
    standing_stays.discharged(stay.pk)
