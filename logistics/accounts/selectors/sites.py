"""Sites and units of a health system."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch
from django.http import Http404

from logistics.accounts.models import Facility, Unit


def facility_list() -> list[Facility]:
    """Every site with its units. Two queries."""
    return list(Facility.objects.prefetch_related(Prefetch("units", Unit.objects.order_by("order", "name"))))


def facility_get(facility_id: UUID) -> Facility:
    """One site of the open scope's health system, else 404."""
    facility = Facility.objects.filter(pk=facility_id).first()
    if facility is None:
        raise Http404("no such site")
    return facility


def unit_get(unit_id: UUID) -> Unit:
    """One unit of the open scope's health system with its site, else 404."""
    unit = Unit.objects.select_related("facility").filter(pk=unit_id).first()
    if unit is None:
        raise Http404("no such unit")
    return unit
