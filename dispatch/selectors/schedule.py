"""Vehicles against hours: who drives when, and what takes the vehicle. The same rows for a vendor and a console.

A health system sees that another customer's trip takes a vehicle, never whose: such a bar says "Busy".
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.urls import reverse

from dispatch import states
from dispatch.models import Run
from dispatch.selectors.delay import chip_of
from logistics.core.levels import LEVELS
from logistics.core.templatetags.status_map import display
from vendors.models import Commitment, Shift, Vehicle


@dataclass
class Schedule:
    """``vehicles`` in the order shown, with what fills their hours between ``start`` and ``end``."""

    start: dt.datetime
    end: dt.datetime
    vehicles: list[Vehicle] = field(default_factory=list)
    shifts: dict[UUID, list[Shift]] = field(default_factory=dict)
    commitments: dict[UUID, list[Commitment]] = field(default_factory=dict)
    runs: dict[UUID, Run] = field(default_factory=dict)

    @property
    def trip_ids(self) -> set[UUID]:
        """Trips whose names the bars need."""
        return {run.trip_id for run in self.runs.values()}


def window(local_now: dt.datetime, *, before: int, hours: int) -> tuple[dt.datetime, dt.datetime]:
    """``hours`` that begin ``before`` full hours ahead of ``local_now`` (the present on the local clock)."""
    start = local_now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=before)
    return start, start + dt.timedelta(hours=hours)


def load(start: dt.datetime, end: dt.datetime, *, level: str = "", vendor_id: str = "") -> Schedule:
    """Read the schedule of every vehicle in scope. Six queries, whatever the number of vehicles."""
    found = Schedule(start, end)
    vehicles = Vehicle.objects.order_by("vendor_id", "name")
    if vendor_id:
        vehicles = vehicles.filter(vendor_id=vendor_id)
    found.vehicles = [vehicle for vehicle in vehicles if not level or level in vehicle.levels]
    ids = [vehicle.pk for vehicle in found.vehicles]
    shifts, commitments = defaultdict(list), defaultdict(list)
    for shift in (
        Shift.objects.filter(vehicle__in=ids, starts_at__lt=end, ends_at__gt=start)
        .prefetch_related("crew_rows__crew_member")
        .order_by("starts_at")
    ):
        shifts[shift.vehicle_id].append(shift)
    rows = Commitment.objects.filter(vehicle__in=ids, is_active=True, starts_at__lt=end, ends_at__gt=start)
    for row in rows.order_by("starts_at"):
        commitments[row.vehicle_id].append(row)
    wanted = [row.pk for each in commitments.values() for row in each]
    runs = Run.objects.filter(commitment__in=wanted, is_active=True).select_related("trip", "leg")
    found.runs = {run.commitment_id: run for run in runs}
    found.shifts, found.commitments = shifts, commitments
    return found


def rows(
    found: Schedule,
    *,
    now: dt.datetime,
    names: dict[UUID, str],
    vendors: dict[UUID, str] | None = None,
    suggested: Iterable[dict[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Rows for ``{% gantt %}``. ``names`` label trips; ``vendors`` prefix vehicles that are not named after them.

    ``suggested`` are bars of a plan that nobody has confirmed: {vehicle_id, label, start, end, url}.
    """
    proposals = defaultdict(list)
    for bar in suggested:
        proposals[str(bar["vehicle_id"])].append({**bar, "style": "sug", "tone": "hold", "icon": "sparkles"})
    out = []
    for vehicle in found.vehicles:
        shifts = found.shifts.get(vehicle.pk, [])
        jobs = [_bar(row, found.runs.get(row.pk), names, now) for row in found.commitments.get(vehicle.pk, [])]
        crew = list(dict.fromkeys(c.crew_member.short_name for s in shifts for c in s.crew_rows.all()))
        level = LEVELS[vehicle.level].label
        vendor = (vendors or {}).get(vehicle.vendor_id, "")
        sub = [vendor] if vendor and not vehicle.name.startswith(vendor.split()[0]) else []
        out.append(
            {
                "label": vehicle.name,
                "sub": " · ".join([*sub, level, ", ".join(crew) if crew else "no crew"]),
                "jobs": jobs + proposals.get(str(vehicle.pk), []),
                "off": _off(vehicle, shifts, found),
            }
        )
    return out


def _bar(row: Commitment, run: Run | None, names: dict[UUID, str], now: dt.datetime) -> dict[str, Any]:
    if run is None:
        over = row.ends_at <= now
        style = {"style": "dim"} if over else {"style": ""}
        return {"label": "Busy", "start": row.starts_at, "end": row.ends_at, "tone": "neutral", "icon": "", **style}
    chip = chip_of(run.trip, run.leg.status, now)
    shown = display(chip["status"])
    bar = {
        "label": names.get(run.trip_id) or str(run.trip.number),
        "start": row.starts_at,
        "end": row.ends_at,
        "tone": shown.tone,
        "icon": shown.icon,
        "url": reverse("dispatch:trip", args=[run.trip.number]),
        "note": f"trip {run.trip.number}, {' '.join(part for part in (shown.label, chip['detail']) if part)}",
        "style": "",
    }
    if run.leg.status in states.LEG.final:
        bar |= {"style": "dim"}
    elif run.leg.status in ("planned", "assigned") and chip["status"] not in ("late", "at_risk"):
        bar |= {"style": "plan", "tone": "info"}
    return bar


def _off(vehicle: Vehicle, shifts: list[Shift], found: Schedule) -> list[dict[str, Any]]:
    """Hours in which the vehicle cannot be sent: repair, no crew, before and after its shifts."""
    if vehicle.out_of_service:
        reason = vehicle.out_of_service_reason or "no reason given"
        return [{"label": f"Out of service: {reason}", "start": found.start, "end": found.end}]
    if not shifts:
        return [{"label": "No crew in these hours", "start": found.start, "end": found.end}]
    gaps, at = [], found.start
    for shift in shifts:
        if shift.starts_at > at:
            gaps.append({"label": "Off", "start": at, "end": shift.starts_at})
        at = max(at, shift.ends_at)
    if at < found.end:
        gaps.append({"label": "Off", "start": at, "end": found.end})
    return gaps
