"""The bed board: every bed of some units with who is in it and what that means for leaving."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from logistics.accounts.models import Unit
from logistics.core import clock
from logistics.requests.models import Bed, Discharge, Encounter, TransportDetail

# In the order of the strip: what needs a person first.
STATES: dict[str, str] = {
    "ready": "Ready, no ride",
    "held": "On hold",
    "pending": "Waits to be granted",
    "finding": "Finding a ride",
    "booked": "Ride booked",
    "under_way": "Under way",
    "leaving": "Leaving today",
    "off_ward": "Off ward",
    "left": "Left today",
    "in_house": "In house",
    "vacant": "Vacant",
}
# Board state → word of the status map.
CHIPS = {
    "ready": "no_ride",
    "held": "held",
    "pending": "pending",
    "finding": "offering",
    "booked": "confirmed",
    "under_way": "in_progress",
    "leaving": "due_out",
    "off_ward": "paused",
    "left": "completed",
    "in_house": "",
    "vacant": "open",
}
RIDE_STATE = {
    "pending": "pending",
    "requested": "finding",
    "scheduled": "booked",
    "in_progress": "under_way",
    "held": "held",
}


@dataclass(frozen=True)
class BedCell:
    """One bed. ``state`` is a key of :data:`STATES`; ``at`` the time that the state speaks of, if any."""

    label: str
    state: str
    surname: str = ""
    patient_id: UUID | None = None
    request_id: UUID | None = None
    at: dt.datetime | None = None
    note: str = ""

    @property
    def acts(self) -> bool:
        """Whether a person must do something."""
        return self.state in ("ready", "held")


@dataclass
class UnitColumn:
    """A unit with its beds; ``occupied`` of ``beds_total``, ``leaving`` today."""

    unit: Unit
    cells: list[BedCell] = field(default_factory=list)
    occupied: int = 0
    total: int = 0
    leaving: int = 0


def bed_board(units: Sequence[Unit], *, now: dt.datetime | None = None) -> list[UnitColumn]:
    """A column per unit, beds by label. Five queries, whatever the number of beds."""
    now = now or clock.now()
    ids = [unit.pk for unit in units]
    zones = {unit.pk: unit.facility.time_zone for unit in units}
    columns = {unit.pk: UnitColumn(unit) for unit in units}
    start = min((clock.day_bounds(clock.local(now, zone).date(), zone)[0] for zone in zones.values()), default=now)
    beds = list(Bed.objects.filter(unit_id__in=ids).order_by("label"))
    stays = list(
        Encounter.objects.filter(unit_id__in=ids)
        .filter(Q(status__in=["in_house", "on_leave"]) | Q(status="discharged", discharged_at__gte=start))
        .select_related("patient", "bed")
        .order_by("created_at")
    )
    discharges = {
        row.encounter_id: row
        for row in Discharge.objects.filter(
            encounter__in=[stay.pk for stay in stays], status__in=["pending", "ready", "left"]
        )
    }
    rides = _rides(stays)
    by_bed: dict[UUID, list[Encounter]] = defaultdict(list)
    elsewhere: dict[UUID, list[Encounter]] = defaultdict(list)
    for stay in stays:
        if stay.bed_id is not None and stay.bed is not None and stay.bed.unit_id == stay.unit_id:
            by_bed[stay.bed_id].append(stay)
        elif stay.status != "discharged" and stay.unit_id is not None:
            elsewhere[stay.unit_id].append(stay)
    for bed in beds:
        column = columns[bed.unit_id]
        # A bed that somebody left and somebody else took shows who is there now.
        here = max(by_bed[bed.pk], key=lambda each: (each.status != "discharged", each.created_at), default=None)
        column.total += 1
        column.cells.append(
            _cell(bed.label, here, discharges, rides, now, zones[bed.unit_id]) if here else BedCell(bed.label, "vacant")
        )
    for unit_id, people in elsewhere.items():
        for stay in people:
            columns[unit_id].cells.append(_cell("", stay, discharges, rides, now, zones[unit_id]))
    for column in columns.values():
        column.occupied = sum(cell.state not in ("vacant", "left") for cell in column.cells)
        column.leaving = sum(cell.state not in ("vacant", "in_house", "off_ward") for cell in column.cells)
    return list(columns.values())


def counts(columns: Sequence[UnitColumn]) -> dict[str, int]:
    """How many beds are in each state, in the order of :data:`STATES`."""
    found = dict.fromkeys(STATES, 0)
    for column in columns:
        for cell in column.cells:
            found[cell.state] += 1
    return found


@dataclass(frozen=True)
class _Ride:
    request_id: UUID
    status: str
    pickup_at: dt.datetime | None


def _rides(stays: Sequence[Encounter]) -> dict[UUID, _Ride]:
    """The latest live ride of each stay."""
    rides: dict[UUID, _Ride] = {}
    rows = (
        TransportDetail.objects.filter(
            request__encounter__in=[stay.pk for stay in stays],
            request__status__in=["draft", *RIDE_STATE],
        )
        .select_related("request")
        .order_by("request__created_at")
    )
    for row in rows:
        request = row.request
        # Confirmed by the discharge before a person said how: to the ward it has no ride.
        status = "draft" if request.status == "requested" and not row.level else request.status
        if request.encounter_id is not None:
            rides[request.encounter_id] = _Ride(request.pk, status, row.pickup_at or row.ready_expected_at)
    return rides


def _cell(
    label: str,
    stay: Encounter,
    discharges: dict[UUID, Discharge],
    rides: dict[UUID, _Ride],
    now: dt.datetime,
    zone: str,
) -> BedCell:
    ride = rides.get(stay.pk)
    state, at, note = _state(stay, discharges.get(stay.pk), ride, now, zone)
    return BedCell(
        label=label,
        state=state,
        surname=stay.patient.family_name or "Name unknown",
        patient_id=stay.patient_id,
        request_id=ride.request_id if ride is not None else None,
        at=at,
        note=note,
    )


def _state(
    stay: Encounter,
    discharge: Discharge | None,
    ride: _Ride | None,
    now: dt.datetime,
    zone: str,
) -> tuple[str, dt.datetime | None, str]:
    if stay.status == "discharged":
        return "left", stay.discharged_at, ""
    if ride is not None and ride.status in RIDE_STATE:
        return RIDE_STATE[ride.status], ride.pickup_at, ""
    if stay.status == "on_leave":
        return "off_ward", None, "On leave"
    if stay.temporary_location:
        return "off_ward", None, stay.temporary_location
    expected = (discharge.expected_at if discharge else None) or stay.expected_discharge_at
    if discharge is not None and discharge.status == "ready":
        return "ready", discharge.announced_at, ""
    if ride is not None and ride.status == "draft" and (expected is None or expected <= now):
        return "ready", (discharge.announced_at if discharge else None), ""
    if discharge is not None and discharge.status == "pending":
        return "leaving", expected, ""
    if expected is not None and expected < clock.day_bounds(clock.local(now, zone).date(), zone)[1]:
        return "leaving", expected, ""
    return "in_house", None, ""
