"""The address book: keeping places, and finding out what a person meant by a destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from logistics.accounts.models import Facility
from logistics.core import audit, clock
from logistics.core.errors import DomainError
from logistics.requests.models import Patient, Place
from logistics.requests.selectors.places import named, place_find
from logistics.requests.services import geocode
from logistics.requests.services.geocode import Address, Location

FIELDS = ("name", "aliases", "kind", "address", "city", "state", "zip_code", "phone", "note", "closes_minute")
HOME = "home"
OTHER = "other"


@dataclass(frozen=True)
class Destination:
    """One end of a ride: ``kind`` is ``place``, ``home`` or ``other``; a place carries its row."""

    kind: str
    name: str
    address: Address
    location: Location
    place: Place | None = None


def add(**fields: Any) -> Place:
    """A new place of the open scope's health system, geocoded by its ZIP code.

    Raises :class:`DomainError` with ``fields`` for an unknown ZIP code or a name that exists already.
    """
    values = _located(fields)
    return _kept(Place(**values), "place.created")


def edit(place: Place, **fields: Any) -> Place:
    """Change a place; rides booked before keep what they were booked with."""
    for name, value in _located(fields).items():
        setattr(place, name, value)
    return _kept(place, "place.changed")


def deactivate(place: Place) -> Place:
    """Take a place out of the address book. Rides that go there stay as they are; undo is :func:`restore`."""
    return _switch(place, active=False)


def restore(place: Place) -> Place:
    """Put a place back."""
    return _switch(place, active=True)


def used(place: Place) -> None:
    """Remember that a ride was booked to it: last used comes first."""
    Place.objects.filter(pk=place.pk).update(last_used_at=clock.now())


def home_address(patient: Patient) -> Address | None:
    """The patient's home from the chart, or None when the chart has no usable address."""
    given = patient.address or {}
    line, zip_code = str(given.get("line", "")).strip(), str(given.get("zip_code", "")).strip()
    if not line or not zip_code:
        return None
    return Address(line, str(given.get("city", "")), str(given.get("state", "")), zip_code)


def of_facility(facility: Facility) -> Destination:
    """A hospital site as an end of a ride: where a return trip goes back to."""
    address = Address(facility.address, facility.city, facility.state, facility.zip_code)
    location = Location(facility.latitude, facility.longitude, facility.time_zone, facility.city, facility.state)
    return Destination(OTHER, facility.name, address, location)


def same_spot(one: Destination, other: Destination) -> bool:
    """Whether two ends are one place: nobody is driven from a door to the same door."""
    if one.place is not None and other.place is not None:
        return one.place.pk == other.place.pk
    if one.address.line and one.address.line.lower() == other.address.line.lower():
        return one.address.zip_code[:5] == other.address.zip_code[:5]
    return False


def resolve(
    *, value: str, text: str, patient: Patient | None, pin: str = "", field: str = "destination"
) -> Destination:
    """What a person chose or wrote as one end of a ride.

    ``value`` is a place's id, ``home`` or ``other`` (a picker's choice) or empty; ``text`` what is written. Written
    words may be a place's name or alias, ``home``, or an address that ends with a ZIP code; with a ``pin``
    (``latitude, longitude``) any words will do. Raises :class:`DomainError` naming ``field``.
    """
    try:
        return _resolved(value=value, text=text, patient=patient, pin=pin.strip())
    except DomainError as error:
        # Each of these rules speaks of one end only.
        raise DomainError(error.message, code=error.code, fields={field: error.message}) from error


def _resolved(*, value: str, text: str, patient: Patient | None, pin: str) -> Destination:
    value, text = value.strip(), " ".join(text.split())
    if pin and value != HOME and (not value or value == OTHER):
        address, location = geocode.pinned(text, pin)
        return Destination(OTHER, text, address, location)
    if value == HOME or (not value and text.lower() == HOME):
        return _home(patient)
    if value and value != OTHER:
        place = _place_by_id(value)
        if place is None:
            raise _refused("This place is not in the address book any more. Choose another.")
        return _to_place(place)
    if not text:
        raise _refused("Choose where the patient is going.")
    if value != OTHER:
        found = list(Place.objects.filter(named(text), is_active=True)[:3])
        exact = [place for place in found if place.name.lower() == text.lower()]
        if len(exact) == 1 or len(found) == 1:
            return _to_place((exact or found)[0])
        if found:
            raise _refused(f"More than one place is called “{text}”. Choose one of them.")
    if not geocode.ZIP.search(text):
        raise _refused(
            f"No place called “{text}”. Choose one from the list, or write the address with its 5-digit ZIP code, "
            "or set a pin under Ride details."
        )
    address = geocode.parse_address(text)
    return Destination(OTHER, str(address), address, geocode.locate(address, field="destination"))


def options(q: str, patient: Patient | None) -> list[dict[str, Any]]:
    """What a person may mean by ``q``, as options of a picker."""
    found: list[dict[str, Any]] = []
    home = home_address(patient) if patient is not None else None
    if home is not None and (not q or "home".startswith(q.lower()) or q.lower() in str(home).lower()):
        found.append({"value": "home", "text": f"Home, {home.line}", "note": f"{home.city} {home.zip_code}"})
    for place in place_find(q):
        note = ", ".join(part for part in (place.address, place.city, place.note) if part)
        found.append({"value": str(place.pk), "text": place.name, "note": note, "tag": place.get_kind_display()})
    if geocode.ZIP.search(q):
        try:
            address = geocode.parse_address(q)
        except DomainError:
            return found
        found.append({"value": "other", "text": str(address), "note": "Use this address"})
    return found


def _home(patient: Patient | None) -> Destination:
    address = home_address(patient) if patient is not None else None
    if address is None:
        raise _refused("The chart has no home address. Write it with its 5-digit ZIP code.")
    location = geocode.locate(address, field="destination")
    if not address.city or not address.state:
        address = Address(address.line, address.city or location.city, location.state, address.zip_code)
    return Destination(HOME, f"Home, {address.line}", address, location)


def _to_place(place: Place) -> Destination:
    return Destination(
        "place",
        place.name,
        Address(place.address, place.city, place.state, place.zip_code),
        Location(place.latitude, place.longitude, place.time_zone, place.city, place.state),
        place,
    )


def _place_by_id(value: str) -> Place | None:
    try:
        return Place.objects.filter(pk=UUID(value), is_active=True).first()
    except ValueError:
        return None


def _located(fields: dict[str, Any]) -> dict[str, Any]:
    values = {name: fields[name] for name in FIELDS if name in fields}
    location = geocode.locate({"zip_code": values["zip_code"], "state": values["state"]}, field="zip_code")
    values["state"] = values["state"].upper()
    return {**values, "latitude": location.lat, "longitude": location.lon, "time_zone": location.zone}


def _kept(place: Place, action: str) -> Place:
    try:
        with transaction.atomic():
            place.save()
    except IntegrityError as error:
        raise DomainError(
            f"There is a place called {place.name} already. Give this one another name, or edit that one.",
            code="place_exists",
            fields={"name": f"There is a place called {place.name} already. Give this one another name."},
        ) from error
    audit.record(action=action, target=place, details={"kind": place.kind})
    return place


def _switch(place: Place, *, active: bool) -> Place:
    Place.objects.filter(pk=place.pk).update(is_active=active)
    place.is_active = active
    audit.record(action="place.restored" if active else "place.deactivated", target=place)
    return place


def _refused(message: str) -> DomainError:
    return DomainError(message, code="no_destination", fields={"destination": message})
