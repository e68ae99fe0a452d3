"""From the feed's words for places to units and beds; what no unit answers to stops the message."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.hl7v2.adt import Place as Location
from integrations.models import Feed, UnitMapping
from logistics.accounts.models import Facility, Organization, Unit
from logistics.requests.models import Bed, Place
from logistics.requests.services import encounters

UNMAPPED_UNIT, UNMAPPED_FACILITY = "unmapped_unit", "unmapped_facility"


class Stopped(Exception):
    """The message waits for a person. ``problem`` quotes codes only, never a patient's data."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(code)
        self.code = code
        self.problem = problem


@dataclass(frozen=True)
class Resolved:
    """Where the patient is; ``told`` is False when the message did not say."""

    told: bool = False
    unit: Unit | None = None
    room: str = ""
    bed: str = ""

    def bed_row(self) -> Bed | None:
        """The bed's row (made on first sight)."""
        return encounters.bed_for(self.unit, self.room, self.bed) if self.unit else None


def location(feed: Feed, place: Location | object) -> Resolved:
    """The unit of a location field. Raises :class:`Stopped` for a unit or site that nobody mapped yet."""
    if not isinstance(place, Location):
        return Resolved()
    if not place.point_of_care:
        return Resolved()
    unit = _unit(feed, place.point_of_care.strip(), (place.facility or "").strip())
    return Resolved(True, unit, place.room or "", place.bed or "")


def _unit(feed: Feed, code: str, site: str) -> Unit:
    mapped = UnitMapping.objects.filter(feed=feed, point_of_care__iexact=code).select_related("unit__facility")
    by_site = {row.facility_code.casefold(): row.unit for row in mapped}
    found = by_site.get(site.casefold()) or by_site.get("")
    if found is not None:
        return found
    facility = feed.facility
    if site and site.casefold() != facility.code.casefold():
        other = Facility.objects.filter(code__iexact=site).first()
        if other is None:
            words = f'PV1-3.4 has "{site[:40]}" (unit "{code[:40]}"). No site of {_owner(feed)} has that code.'
            raise Stopped(UNMAPPED_FACILITY, words)
        facility = other
    unit = Unit.objects.filter(facility=facility, code__iexact=code).select_related("facility").first()
    if unit is None:
        raise Stopped(UNMAPPED_UNIT, f'PV1-3.1 has "{code[:40]}". No unit of {facility.name[:80]} has that code.')
    return unit


def _owner(feed: Feed) -> str:
    return Organization.objects.filter(pk=feed.tenant_id).values_list("name", flat=True).first() or "this health system"


def place_named(text: str | None) -> Place | None:
    """The address book's entry that PV1-37 names, by name or alias; None when none or several fit."""
    wanted = " ".join((text or "").casefold().split())
    if len(wanted) < 3:
        return None
    exact = Place.objects.filter(is_active=True, name__iexact=wanted).first()
    if exact is not None:
        return exact
    near = [place for place in Place.objects.filter(is_active=True, aliases__icontains=wanted)[:20]]
    near = [place for place in near if wanted in place.aliases.casefold().split() or wanted == place.aliases.casefold()]
    return near[0] if len(near) == 1 else None
