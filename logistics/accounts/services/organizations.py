"""Making organizations and their sites. Organizations are made by the platform (system scope), sites by
the health system itself."""

from __future__ import annotations

from typing import Any

from logistics.accounts.models import Facility, Organization, Unit
from logistics.core import audit


def create(*, kind: str, name: str, short_name: str, slug: str, time_zone: str, phone: str = "") -> Organization:
    """A new organization, or the existing one with this ``slug``. Needs a system scope."""
    organization, made = Organization.objects.get_or_create(
        slug=slug,
        defaults={
            "kind": kind,
            "name": name,
            "short_name": short_name,
            "time_zone": time_zone,
            "phone": phone,
        },
    )
    if made:
        audit.record(action="organization.created", target=organization, details={"kind": kind})
    return organization


def add_facility(**fields: Any) -> Facility:
    """A new site of the open scope's health system; ``code`` is the EHR's word for it."""
    facility = Facility.objects.create(**fields)
    audit.record(action="facility.created", target=facility)
    return facility


def add_unit(*, facility: Facility, name: str, code: str, **fields: Any) -> Unit:
    """A new nursing unit of a site; ``code`` is the EHR's word for it (PV1-3.1)."""
    unit = Unit.objects.create(facility=facility, name=name, code=code, **fields)
    audit.record(action="unit.created", target=unit)
    return unit
