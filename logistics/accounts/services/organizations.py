"""Making organizations and their sites. Organizations are made by the platform (system scope), sites by
the health system itself."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from logistics.accounts.models import Facility, Organization, Unit
from logistics.core import audit
from logistics.core.errors import DomainError

FACILITY_FIELDS = (
    "name", "short_name", "code", "address", "city", "state", "zip_code", "latitude", "longitude", "time_zone",
    "phone", "entrance",
)  # fmt: skip
UNIT_FIELDS = ("name", "code", "phone", "draft_rule", "order")


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
    """A new site of the open scope's health system; ``code`` is the EHR's word for it.

    Raises :class:`DomainError` when another site has the code.
    """
    facility = Facility(**fields)
    _save(facility, insert=True)
    audit.record(action="facility.created", target=facility)
    return facility


def change_facility(*, facility: Facility, **fields: Any) -> Facility:
    """Change a site. Raises :class:`DomainError` when another site has the code."""
    return _change(facility, FACILITY_FIELDS, fields, "facility.changed")


def add_unit(*, facility: Facility, name: str, code: str, **fields: Any) -> Unit:
    """A new nursing unit of a site; ``code`` is the EHR's word for it (PV1-3.1)."""
    unit = Unit(facility=facility, name=name, code=code, **fields)
    _save(unit, insert=True)
    audit.record(action="unit.created", target=unit)
    return unit


def change_unit(*, unit: Unit, **fields: Any) -> Unit:
    """Change a unit or its rule for pending discharges. Raises :class:`DomainError` when the code is taken."""
    return _change(unit, UNIT_FIELDS, fields, "unit.changed")


def _change(row: Any, allowed: tuple[str, ...], fields: dict[str, Any], action: str) -> Any:
    unknown = set(fields) - set(allowed)
    if unknown:
        raise TypeError(f"cannot change {sorted(unknown)}")
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    if not changed:
        return row
    for name in changed:
        setattr(row, name, fields[name])
    _save(row, insert=False, names=changed)
    audit.record(action=action, target=row, details={"fields": sorted(changed)})
    return row


def _save(row: Any, *, insert: bool, names: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=insert, update_fields=names)
    except IntegrityError as error:
        raise DomainError(
            "This code is taken. Every site, and every unit of a site, has its own.",
            code="code_taken",
            fields={"code": "This code is taken."},
        ) from error
