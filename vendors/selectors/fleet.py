"""Reading a vendor's own supply: vehicles, crews, credentials and the day's shifts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from logistics.core import clock
from vendors.models import Credential, CrewMember, Shift, Vehicle
from vendors.policies import (
    CREDENTIALS_OF_CREW,
    CREDENTIALS_OF_VEHICLE,
    CREDENTIALS_OF_VENDOR,
    Standing,
    standing,
)

KINDS = dict(Credential.KINDS)


@dataclass
class Paper:
    """One needed or recorded credential of a holder."""

    kind: str
    label: str
    standing: Standing
    credential: Credential | None = None


@dataclass
class Duty:
    """A shift that touches today. ``begins_before`` and ``ends_after`` say that it starts or ends on another day."""

    shift: Shift
    begins_before: bool
    ends_after: bool


@dataclass
class Holder:
    """A vehicle or a crew member with its papers and shifts."""

    thing: Any
    papers: list[Paper]
    shifts: list[Duty] = field(default_factory=list)

    @property
    def id_text(self) -> str:
        """The id as text, for addresses."""
        return str(self.thing.pk)

    @property
    def worst(self) -> Paper | None:
        """The paper that stands worst: missing before ended before near its end. None when none is needed."""
        order = {"missing": 0, "expired": 1, "expiring": 2, "current": 3}
        return min(self.papers, key=lambda p: (order[p.standing.status], p.standing.days or 0), default=None)

    @property
    def may_work(self) -> bool:
        """Every needed paper is there and in date."""
        return self.worst is None or self.worst.standing.status in ("current", "expiring")


@dataclass
class Fleet:
    """What ``/fleet`` shows."""

    vehicles: list[Holder]
    crew: list[Holder]
    company: list[Paper]
    shifts: list[Shift]


def overview(zone: str, *, now: dt.datetime | None = None) -> Fleet:
    """The open vendor scope's fleet today, "today" by the wall calendar of ``zone``. Five queries."""
    moment = now or clock.now()
    today = clock.local(moment, zone).date()
    start, end = clock.day_bounds(today, zone)
    papers: dict[tuple[str, UUID | None], dict[str, Credential]] = defaultdict(dict)
    for row in Credential.objects.order_by("ends_on"):
        papers[_holder(row)][row.kind] = row
    shifts = list(
        Shift.objects.filter(starts_at__lt=end, ends_at__gt=start)
        .select_related("vehicle")
        .prefetch_related("crew_rows__crew_member")
        .order_by("starts_at", "vehicle__name")
    )
    of_vehicle: dict[UUID, list[Duty]] = defaultdict(list)
    of_person: dict[UUID, list[Duty]] = defaultdict(list)
    for shift in shifts:
        duty = Duty(shift, begins_before=shift.starts_at < start, ends_after=shift.ends_at > end)
        of_vehicle[shift.vehicle_id].append(duty)
        for crew in shift.crew_rows.all():
            of_person[crew.crew_member_id].append(duty)
    return Fleet(
        vehicles=[
            Holder(
                vehicle, _papers(papers["vehicle", vehicle.pk], CREDENTIALS_OF_VEHICLE, today), of_vehicle[vehicle.pk]
            )
            for vehicle in Vehicle.objects.order_by("name")
        ],
        crew=[
            Holder(
                person,
                _papers(papers["crew", person.pk], CREDENTIALS_OF_CREW.get(person.level, ()), today),
                of_person[person.pk],
            )
            for person in CrewMember.objects.filter(is_active=True).order_by("name")
        ],
        company=_papers(papers["vendor", None], CREDENTIALS_OF_VENDOR, today),
        shifts=shifts,
    )


def vehicle_get(vehicle_id: UUID) -> Vehicle | None:
    """One vehicle of the open scope, or None."""
    return Vehicle.objects.filter(pk=vehicle_id).first()


def _holder(row: Credential) -> tuple[str, UUID | None]:
    if row.crew_member_id is not None:
        return "crew", row.crew_member_id
    return ("vehicle", row.vehicle_id) if row.vehicle_id is not None else ("vendor", None)


def _papers(held: dict[str, Credential], needed: tuple[str, ...], today: dt.date) -> list[Paper]:
    extra = tuple(kind for kind in held if kind not in needed)
    return [
        Paper(kind, KINDS[kind], standing(held[kind].ends_on if kind in held else None, today), held.get(kind))
        for kind in (*needed, *extra)
    ]
