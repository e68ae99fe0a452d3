"""A vendor's own supply: profile, vehicles, crews, credentials, shifts. Works in a vendor scope."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import IntegrityError, transaction

from logistics.core import audit, clock, levels, outbox
from logistics.core.errors import DomainError
from vendors.models import Credential, CrewMember, Shift, ShiftCrew, Vehicle, VendorProfile
from vendors.policies import CREDENTIALS_OF_CREW


def set_profile(**fields: Any) -> VendorProfile:
    """Create or change the vendor's profile (levels, base, radius, hours)."""
    unknown = set(fields.get("levels", [])) - set(levels.LEVELS)
    if unknown:
        raise DomainError(
            "Choose levels of service from the list.", code="unknown_level", fields={"levels": "Unknown."}
        )
    profile = VendorProfile.objects.first()
    if profile is None:
        profile = VendorProfile.objects.create(**fields)
    else:
        VendorProfile.objects.filter(pk=profile.pk).update(**fields)
        profile.refresh_from_db()
    audit.record(action="vendor.profile_changed", target=profile)
    return profile


def add_vehicle(*, name: str, level: str, **fields: Any) -> Vehicle:
    """A new vehicle; its name is unique in the fleet."""
    if level not in levels.LEVELS:
        raise DomainError("Choose a level of service.", code="unknown_level", fields={"level": "Choose one."})
    try:
        with transaction.atomic():
            vehicle = Vehicle.objects.create(name=name.strip(), level=level, **fields)
    except IntegrityError as error:
        raise DomainError(
            f"There is already a vehicle called {name}.", code="name_taken", fields={"name": "Already in the fleet."}
        ) from error
    audit.record(action="vehicle.created", target=vehicle)
    return vehicle


def change_vehicle(*, vehicle: Vehicle, **fields: Any) -> Vehicle:
    """Change what a vehicle carries. Trips that it is assigned to keep it."""
    return _changed(vehicle, "vehicle.changed", fields)


def change_crew_member(*, member: CrewMember, **fields: Any) -> CrewMember:
    """Change a crew member's level or phone."""
    return _changed(member, "crew.changed", fields)


def set_service(*, vehicle: Vehicle, out_of_service: bool, reason: str = "") -> Vehicle:
    """Take a vehicle out of service (with a reason) or back. It is not offered meanwhile."""
    if out_of_service and not reason.strip():
        raise DomainError("Say why the vehicle is out.", code="no_reason", fields={"reason": "Say why."})
    Vehicle.objects.filter(pk=vehicle.pk).update(
        out_of_service=out_of_service, out_of_service_reason=reason[:120] if out_of_service else ""
    )
    vehicle.refresh_from_db()
    action = "vehicle.out_of_service" if out_of_service else "vehicle.back_in_service"
    audit.record(action=action, target=vehicle, reason=reason)
    outbox.publish(action, {"vehicle_id": str(vehicle.pk)})
    return vehicle


def add_crew_member(*, name: str, level: str, phone: str = "", user_id: Any = None) -> CrewMember:
    """A new crew member, optionally with a sign-in."""
    if level not in dict(CrewMember.LEVELS):
        raise DomainError("Choose what the person is.", code="unknown_level", fields={"level": "Choose one."})
    member = CrewMember.objects.create(name=name.strip(), level=level, phone=phone, user_id=user_id)
    audit.record(action="crew.created", target=member, details={"level": level})
    return member


def set_credential(
    *,
    kind: str,
    ends_on: dt.date,
    crew_member: CrewMember | None = None,
    vehicle: Vehicle | None = None,
    number: str = "",
    verified_by_name: str = "",
) -> Credential:
    """Record a credential of a crew member, a vehicle or (neither given) the vendor; replaces the older one."""
    if kind not in dict(Credential.KINDS):
        raise DomainError("Choose a credential from the list.", code="unknown_kind", fields={"kind": "Choose one."})
    if crew_member is not None and vehicle is not None:
        raise DomainError("A credential belongs to one holder.", code="two_holders")
    with transaction.atomic():
        Credential.objects.filter(kind=kind, crew_member=crew_member, vehicle=vehicle).delete()
        credential = Credential.objects.create(
            kind=kind,
            crew_member=crew_member,
            vehicle=vehicle,
            number=number,
            ends_on=ends_on,
            verified_by_name=verified_by_name,
            verified_on=clock.now().date() if verified_by_name else None,
        )
        audit.record(action="credential.recorded", target=credential, details={"kind": kind, "ends_on": str(ends_on)})
        outbox.publish("credential.recorded", {"kind": kind})
    return credential


def add_shift(*, vehicle: Vehicle, starts_at: dt.datetime, ends_at: dt.datetime, crew: list[CrewMember]) -> Shift:
    """Put a vehicle on duty with its crew; a vehicle has one shift at a time."""
    if ends_at <= starts_at:
        raise DomainError(
            "The shift must end after it starts.", code="shift_order", fields={"ends_at": "After the start."}
        )
    if not crew:
        raise DomainError("Choose who works the shift.", code="no_crew", fields={"crew": "Choose at least one person."})
    busy = ShiftCrew.objects.filter(
        crew_member__in=crew, shift__starts_at__lt=ends_at, shift__ends_at__gt=starts_at
    ).select_related("crew_member")
    names = sorted({row.crew_member.name for row in busy})
    if names:
        raise DomainError(
            f"{', '.join(names)} already work{'s' if len(names) == 1 else ''} another shift in that time.",
            code="crew_busy",
            fields={"crew": "Works another shift in that time."},
        )
    try:
        with transaction.atomic():
            shift = Shift.objects.create(vehicle=vehicle, starts_at=starts_at, ends_at=ends_at)
            ShiftCrew.objects.bulk_create(
                [ShiftCrew(vendor_id=shift.vendor_id, shift=shift, crew_member=member) for member in crew]
            )
    except IntegrityError as error:
        raise DomainError(
            f"{vehicle.name} already has a shift in that time.", code="shift_overlap", fields={"starts_at": "Overlaps."}
        ) from error
    audit.record(action="shift.created", target=shift)
    return shift


def end_shift(*, shift: Shift, at: dt.datetime) -> Shift:
    """End a shift early (or correct its end)."""
    if at <= shift.starts_at:
        raise DomainError("A shift ends after it starts.", code="shift_order", fields={"ends_at": "After the start."})
    Shift.objects.filter(pk=shift.pk).update(ends_at=at)
    shift.refresh_from_db()
    audit.record(action="shift.ended", target=shift)
    return shift


def _changed(row: Any, action: str, fields: dict[str, Any]) -> Any:
    changed = sorted(name for name, value in fields.items() if getattr(row, name) != value)
    if changed:
        for name in changed:
            setattr(row, name, fields[name])
        row.save(update_fields=changed)
        audit.record(action=action, target=row, details={"fields": changed})
    return row


__all__ = [
    "CREDENTIALS_OF_CREW",
    "add_crew_member",
    "add_shift",
    "add_vehicle",
    "change_crew_member",
    "change_vehicle",
    "end_shift",
    "set_credential",
    "set_profile",
    "set_service",
]
