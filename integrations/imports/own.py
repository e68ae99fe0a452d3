"""Rows of the health system itself: sites, units, people, places."""

from __future__ import annotations

from typing import Any

from integrations.imports.ledger import Ledger
from integrations.imports.reading import Table
from logistics.accounts.models import Facility, Membership, Unit
from logistics.accounts.services import organizations, people
from logistics.core.errors import DomainError
from logistics.requests.models import Place
from logistics.requests.services import geocode, places


def sites(table: Table, ledger: Ledger) -> None:
    """Create or change sites by their code."""
    with ledger.rows_of(table) as run, ledger.staff():
        for number, values in table.rows:
            with run.row(number):
                fields = _located(values)
                known = Facility.objects.filter(code=fields["code"]).first()
                if known is None:
                    ledger.note("sites", organizations.add_facility(**fields), run.count("created"))
                else:
                    before = _before(known, fields)
                    organizations.change_facility(facility=known, **fields)
                    _count(run, ledger, "sites", known, before)


def units(table: Table, ledger: Ledger) -> None:
    """Create or change units by site and code."""
    with ledger.rows_of(table) as run, ledger.staff():
        facilities = {row.code.lower(): row for row in Facility.objects.all()}
        for number, values in table.rows:
            with run.row(number):
                facility = facilities.get(values["site_code"].lower())
                if facility is None:
                    words = "No site has this code. Add it to the sites sheet."
                    raise DomainError(words, code="no_site", fields={"site_code": words})
                fields = {"name": values["name"], "code": values["code"], "phone": values["phone"]}
                if values["draft_rule"]:
                    fields["draft_rule"] = values["draft_rule"]
                known = Unit.objects.filter(facility=facility, code=fields["code"]).first()
                if known is None:
                    order = Unit.objects.filter(facility=facility).count()
                    unit = organizations.add_unit(facility=facility, order=order, **fields)
                    ledger.note("units", unit, run.count("created"))
                else:
                    before = _before(known, fields)
                    organizations.change_unit(unit=known, **fields)
                    _count(run, ledger, "units", known, before)


def members(table: Table, ledger: Ledger) -> None:
    """Give people their roles. Who has no password yet gets a set-up link on the people page."""
    with ledger.rows_of(table) as run, ledger.staff():
        for number, values in table.rows:
            with run.row(number):
                mine = Membership.objects.filter(
                    organization_id=ledger.tenant.pk, user__email=values["email"], role=values["role"]
                )
                had = mine.first()
                if had is not None and had.is_active:
                    run.count("unchanged")
                    continue
                _, membership = people.add(organization=ledger.tenant, **values)
                ledger.note("people", membership, run.count("created"))


def address_book(table: Table, ledger: Ledger) -> None:
    """Create or change places by their name."""
    with ledger.rows_of(table) as run, ledger.staff():
        for number, values in table.rows:
            with run.row(number):
                known = Place.objects.filter(name__iexact=values["name"]).first()
                if known is None:
                    ledger.note("places", places.add(**values), run.count("created"))
                    continue
                before = _before(known, values)
                if before:
                    places.edit(known, **values)
                _count(run, ledger, "places", known, before)


def _located(values: dict[str, Any]) -> dict[str, Any]:
    location = geocode.locate({"zip_code": values["zip_code"], "state": values["state"]}, field="zip_code")
    latitude, longitude = values["latitude"], values["longitude"]
    if (latitude is None) != (longitude is None):
        name = "latitude" if latitude is None else "longitude"
        raise DomainError("Half a pin.", code="half_a_pin", fields={name: "Fill in both coordinates, or neither."})
    return {
        **values,
        "state": values["state"].upper(),
        "latitude": location.lat if latitude is None else latitude,
        "longitude": location.lon if longitude is None else longitude,
        "time_zone": values["time_zone"] or location.zone,
    }


def _before(row: Any, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name, value in fields.items() if getattr(row, name) != value}


def _count(run: Any, ledger: Ledger, kind: str, row: Any, before: dict[str, Any]) -> None:
    if before:
        ledger.note(kind, row, run.count("changed"), before=before)
    else:
        run.count("unchanged")
