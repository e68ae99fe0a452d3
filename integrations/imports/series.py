"""Rows of recurring trips: patients who ride to the same place on the same days."""

from __future__ import annotations

import datetime as dt
from typing import Any

from integrations.imports.ledger import Ledger
from integrations.imports.reading import Table
from logistics.accounts.models import Unit
from logistics.core import crypto
from logistics.core.errors import DomainError
from logistics.requests.models import Patient, PatientToken, Place, StandingOrder
from logistics.requests.selectors.patients import mrn_form, token
from logistics.requests.services import patients, places, recurrence, standing_orders
from logistics.requests.services.standing_spec import Spec

# What the series' own check calls a field, and the column that fills it.
COLUMN_OF = {
    "destination": "place", "local_time": "chair_time", "rule": "days", "days": "days", "start_on": "start_on",
    "end_on": "end_on", "mobility": "mobility", "weight_lb": "weight_lb", "return_hours": "return_hours",
    "patient": "mrn", "line": "address", "zip_code": "zip_code", "mrn": "mrn",
}  # fmt: skip


def standing(table: Table, ledger: Ledger) -> None:
    """Begin series from home to a place and back when ready. A patient whom no feed told of is added.

    A check looks at each series without making its rides; writing makes those of the next two weeks.
    """
    with ledger.rows_of(table) as run, ledger.staff():
        for number, values in table.rows:
            with run.row(number):
                try:
                    order = _begin(values, ledger)
                except DomainError as error:
                    fields = {COLUMN_OF.get(name, name): words for name, words in error.fields.items()}
                    raise DomainError(error.message, code=error.code, fields=fields) from error
                run.count("unchanged" if order is None else "created")
                if order is not None and not ledger.rehearses:
                    ledger.note("standing_orders", order, "created")


def _begin(values: dict[str, Any], ledger: Ledger) -> StandingOrder | None:
    """The series that was begun (unsaved in a rehearsal), or None when it is there already."""
    said = "|".join(str(values[name]) for name in ("mrn", "place", "days", "chair_time", "start_on")).casefold()
    # The mark of a row names nobody.
    key = crypto.blind(said, tenant_id=ledger.tenant.pk, kind="series").hex()
    if StandingOrder.objects.filter(idempotency_key=key).exists():
        return None
    unit = Unit.objects.select_related("facility").filter(
        facility__code=values["site_code"], code=values["unit_code"]
    ).first()  # fmt: skip
    if unit is None:
        words = "No unit of this site has this code. Add it to the units sheet."
        raise DomainError(words, code="no_unit", fields={"unit_code": words})
    place = Place.objects.filter(name__iexact=values["place"], is_active=True).first()
    if place is None:
        words = "No place has this name. Add it to the address book sheet."
        raise DomainError(words, code="no_place", fields={"place": words})
    patient = _patient(values, key)
    hours = values["return_hours"]
    minute = values["chair_time"] % 1440
    spec = Spec(
        rule=recurrence.rule_of(values["days"]),
        local_time=dt.time(minute // 60, minute % 60),
        pickup=places.resolve(value=places.HOME, text="", patient=patient),
        destination=places.resolve(value=str(place.pk), text="", patient=patient),
        return_kind="ready" if hours else "",
        return_minutes=int(hours * 60) if hours else None,
        return_owner_name=values["return_owner"] or place.name,
        ride={
            "mobility": values["mobility"],
            "needs": [],
            "weight_lb": values["weight_lb"],
            "companions": 0,
            "payer_name": values["payer"],
        },
    )
    series = standing_orders.draft(
        patient=patient,
        facility=unit.facility,
        unit=unit,
        spec=spec,
        start_on=values["start_on"],
        end_on=values["end_on"],
    )
    return series.order if ledger.rehearses else standing_orders.create(series=series, key=key)


def _patient(values: dict[str, Any], key: str) -> Patient:
    """Whom the number names, else a patient added by hand; the home of the row is written for a new one only."""
    known = PatientToken.objects.filter(kind="mrn", token=token("mrn", mrn_form(values["mrn"]))).first()
    if known is not None:
        return known.patient
    patient = patients.register(
        key=key,
        mrn=values["mrn"],
        family_name=values["family_name"],
        given_name=values["given_name"],
        birth_date=values["birth_date"].isoformat(),
        phone=values["phone"],
        weight_lb=values["weight_lb"],
        payer_name=values["payer"],
    )
    address = {name: values[name] for name in ("city", "state", "zip_code")} | {"line": values["address"]}
    return patients.change_home(patient, address)
