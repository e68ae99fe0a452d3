"""The plan of a discharge as one page: services, what waits for what, milestones, and what holds the bed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from dispatch.models import Leg, Trip
from dispatch.selectors import equipment, home_health
from logistics.core import clock
from logistics.requests import plan_rules
from logistics.requests.models import (
    Discharge,
    MilestoneOwner,
    PlanEdge,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.models import RetimeProposal as Retime
from logistics.requests.plan_rules import MILESTONES, Stretch, blocked, hours
from logistics.requests.selectors.requests import destination_name
from logistics.requests.services import handoff, protocols

BOOKED = ("accepted", "crew_assigned", "under_way", "completed")


@dataclass
class Service:
    """One service: ``done_at`` when it is in place, ``due_at`` when it is expected, ``waits`` what it waits for."""

    request: ServiceRequest
    title: str
    words: str
    status: str
    url: str
    due_at: dt.datetime | None = None
    done_at: dt.datetime | None = None
    late: bool = False
    waits: list[str] = field(default_factory=list)
    minutes: int = 0

    @property
    def is_done(self) -> bool:
        """Whether it is in place."""
        return self.done_at is not None


@dataclass(frozen=True)
class Milestone:
    """One step: ``state`` is ``done``, ``blocking`` (the one that holds the bed now) or ``open``."""

    key: str
    label: str
    at: dt.datetime | None
    state: str
    owner: str
    note: str = ""


@dataclass
class Plan:
    """Everything that the page shows. ``stretches`` add up to ``blocked_minutes``."""

    discharge: Discharge
    zone: str
    services: list[Service]
    edges: list[dict[str, Any]]
    milestones: list[Milestone]
    protocol: list[Any]
    stretches: list[Stretch]
    blocked_minutes: int
    retimes: list[Retime]
    handoffs: list[dict[str, Any]]

    @property
    def blocked_words(self) -> str:
        """``Bed blocked 3 h 10: waiting for equipment 1 h 50, the ride 1 h 20``."""
        if not self.blocked_minutes:
            return ""
        return f"Bed blocked {hours(self.blocked_minutes)}: waiting for {', '.join(s.words for s in self.stretches)}"

    @property
    def blocking(self) -> Milestone | None:
        """What holds the bed now."""
        return next((step for step in self.milestones if step.state == "blocking"), None)


def plan_of(discharge: Discharge, *, now: dt.datetime | None = None) -> Plan:
    """The plan of one discharge (encounter with patient, unit and facility loaded). A fixed number of queries, and two
    more for each ride whose handoff is asked for."""
    return plans_of([discharge], now=now, whole=True)[discharge.pk]


def plans_of(
    discharges: Iterable[Discharge], *, now: dt.datetime | None = None, whole: bool = False
) -> dict[UUID, Plan]:
    """Plans by discharge id; without ``whole`` no handoffs. Twelve queries, whatever their number."""
    now = now or clock.now()
    rows = list(discharges)
    by_stay: dict[UUID, list[Service]] = defaultdict(list)
    for service in _services(ServiceRequest.objects.filter(encounter_id__in=[row.encounter_id for row in rows])):
        by_stay[service.request.encounter_id].append(service)  # type: ignore[index]
    edges: dict[UUID, list[PlanEdge]] = defaultdict(list)
    for edge in PlanEdge.objects.filter(discharge__in=rows, removed_at__isnull=True):
        edges[edge.discharge_id].append(edge)
    owners: dict[UUID, dict[str, str]] = defaultdict(dict)
    for owner in MilestoneOwner.objects.filter(discharge__in=rows):
        owners[owner.discharge_id][owner.key] = owner.name
    retimes: dict[UUID, list[Retime]] = defaultdict(list)
    opened = Retime.objects.filter(request__encounter_id__in=[row.encounter_id for row in rows], state="open")
    for proposal in opened.select_related("request"):
        retimes[proposal.request.encounter_id].append(proposal)  # type: ignore[index]
    lists = protocols.lines_of(rows, now=now)
    return {
        row.pk: _plan(
            row,
            by_stay[row.encounter_id],
            edges[row.pk],
            owners[row.pk],
            retimes[row.encounter_id],
            lists.get(row.pk, []),
            now,
            whole=whole,
        )
        for row in rows
    }


def discharge_list(*, show: str = "open", units: Iterable[UUID] = ()) -> QuerySet[Discharge]:
    """Discharges by state, the next to leave first; canceled plans apart. Lazy."""
    rows = Discharge.objects.select_related("encounter__patient", "encounter__unit", "encounter__facility")
    rows = rows.select_related("encounter__bed")
    if show == "open":
        rows = rows.filter(status__in=["pending", "ready"])
    elif show == "left":
        rows = rows.filter(status="left")
    elif show == "withdrawn":
        rows = rows.filter(status="withdrawn")
    wanted = list(units)
    if wanted:
        rows = rows.filter(encounter__unit_id__in=wanted)
    return rows.order_by("expected_at", "announced_at", "pk")


def waits_of(request_ids: Iterable[UUID]) -> dict[UUID, str]:
    """What rides wait for, in words: ``waits for Oxygen concentrator at home, due 15:00``. Eight queries at most."""
    edges = list(PlanEdge.objects.filter(after_id__in=list(request_ids), removed_at__isnull=True))
    if not edges:
        return {}
    befores = {edge.before_id for edge in edges}
    words = {pk: one.words for pk, one in equipment.status_of(befores).items() if not one.is_there}
    words |= {pk: one.words for pk, one in home_health.status_of(befores).items() if not (one.is_done or one.agency)}
    found: dict[UUID, str] = {}
    for edge in edges:
        if edge.before_id in words:
            text = words[edge.before_id]
            found[edge.after_id] = f"{found[edge.after_id]}; {text}" if edge.after_id in found else f"Waits for {text}"
    return found


def _services(requests: QuerySet[ServiceRequest]) -> list[Service]:
    rows = list(requests.exclude(status="canceled").order_by("created_at", "pk"))
    ids: dict[str, list[UUID]] = defaultdict(list)
    for one in rows:
        ids[one.kind].append(one.pk)
    details = {
        row.request_id: row
        for row in TransportDetail.objects.filter(request_id__in=ids["transport"]).select_related("place")
    }
    trips = {
        trip.request_id: trip
        for trip in Trip.objects.filter(request_id__in=ids["transport"])
        .exclude(status="canceled")
        .select_related("vendor")
    }
    picked = dict(
        Leg.objects.filter(trip__in=list(trips.values()), picked_up_at__isnull=False).values_list(
            "trip_id", "picked_up_at"
        )
    )
    goods, care = equipment.status_of(ids["dme"]), home_health.status_of(ids["home_health"])
    found = []
    for one in rows:
        if one.kind == "transport":
            found.append(_ride(one, details.get(one.pk), trips.get(one.pk), picked))
        elif one.kind == "dme" and one.pk in goods:
            standing = goods[one.pk]
            found.append(
                Service(
                    one, "Equipment", standing.words, standing.state,
                    reverse("dispatch:equipment_order", args=[one.pk]),
                    due_at=standing.expected_at or standing.deliver_by_at, late=standing.is_late,
                    done_at=(standing.delivered_at or one.updated_at) if standing.is_there else None,
                )
            )  # fmt: skip
        elif one.pk in care:
            state = care[one.pk]
            found.append(
                Service(
                    one, "Home health", state.words, state.status, reverse("dispatch:home_health_order", args=[one.pk]),
                    due_at=state.due_at, late=state.is_late,
                    done_at=one.updated_at if state.agency or state.is_done else None,
                )
            )  # fmt: skip
    return found


def _ride(
    request: ServiceRequest, detail: TransportDetail | None, trip: Trip | None, picked: dict[UUID, dt.datetime | None]
) -> Service:
    at = (trip.pickup_at if trip else None) or (detail.pickup_at or detail.ready_expected_at if detail else None)
    to = destination_name(detail) if detail else ""
    words = f"To {to}" if to else "No destination yet"
    if trip is not None and trip.vendor is not None:
        words = f"{words}, {trip.vendor.short_name}"
    url = reverse("dispatch:trip", args=[trip.number]) if trip else f"{reverse('dispatch:book')}?request={request.pk}"
    done = picked.get(trip.pk) if trip else None
    status = trip.status if trip else request.status
    minutes = (detail.minutes or 0) if detail else 0
    return Service(request, "Ride", words, status, url, due_at=at, done_at=done, minutes=minutes)


def _plan(
    discharge: Discharge,
    services: list[Service],
    edges: list[PlanEdge],
    owners: dict[str, str],
    retimes: list[Retime],
    lines: list[Any],
    now: dt.datetime,
    *,
    whole: bool,
) -> Plan:
    by_id = {one.request.pk: one for one in services}
    shown = []
    for edge in edges:
        before, after = by_id.get(edge.before_id), by_id.get(edge.after_id)
        if before is None or after is None:
            continue
        if not before.is_done:
            after.waits.append(before.words)
        shown.append({"edge": edge, "before": before, "after": after})
    zone = discharge.encounter.facility.time_zone if discharge.encounter.facility else "UTC"
    stretches, total = _held(discharge, services, lines, now)
    rides = [one for one in services if one.title == "Ride" and whole and one.request.status not in ("completed",)]
    return Plan(
        discharge=discharge,
        zone=zone,
        services=services,
        edges=shown,
        milestones=_milestones(discharge, services, lines, owners),
        protocol=lines,
        stretches=stretches,
        blocked_minutes=total,
        retimes=retimes,
        handoffs=[
            {"service": ride, "lines": asked, "open": sum(line.is_open for line in asked)}
            for ride in rides
            if (asked := handoff.lines_of(ride.request))
        ],
    )


def _done(services: list[Service], title: str) -> tuple[bool, dt.datetime | None]:
    """(whether there are such services, when the last of them was in place; None while one is not)."""
    mine = [one for one in services if one.title == title]
    times = [one.done_at for one in mine]
    return bool(mine), (max(time for time in times if time) if mine and all(times) else None)


def _papers(lines: list[Any]) -> tuple[bool, dt.datetime | None]:
    hard = [line for line in lines if line.item.hard]
    times = [line.tick.at if line.tick else None for line in hard]
    return bool(hard), (max(time for time in times if time) if hard and all(times) else None)


def _held(
    discharge: Discharge, services: list[Service], lines: list[Any], now: dt.datetime
) -> tuple[list[Stretch], int]:
    """From when the patient was to leave until they left (or now): who held the bed.

    A ride that has picked the patient up ended it, also before the EHR says so.
    """
    start = discharge.expected_at
    end = discharge.left_at or _done(services, "Ride")[1] or now
    if start is None or start >= end or discharge.status == "withdrawn":
        return [], 0
    waits = []
    for cause, (there, at) in (
        ("equipment", _done(services, "Equipment")),
        ("home_health", _done(services, "Home health")),
        ("papers", _papers(lines)),
    ):
        if there:
            waits.append((cause, at))
    stretches = blocked(start, end, waits)
    return stretches, sum(stretch.minutes for stretch in stretches)


def _milestones(
    discharge: Discharge, services: list[Service], lines: list[Any], owners: dict[str, str]
) -> list[Milestone]:
    rides = [one for one in services if one.title == "Ride"]
    booked = bool(rides) and all(one.status in BOOKED for one in rides)
    steps: list[tuple[str, dt.datetime | None, bool, str]] = [
        ("announced", discharge.announced_at or discharge.created_at, True, ""),
    ]
    for key, title in (("equipment", "Equipment"), ("home_health", "Home health")):
        there, at = _done(services, title)
        if there:
            steps.append((key, at, at is not None, ""))
    there, at = _papers(lines)
    if there:
        left = sum(1 for line in lines if line.item.hard and line.tick is None)
        steps.append(("papers", at, at is not None, f"{left} to do" if left else ""))
    steps.append(("ride", rides[0].due_at if booked else None, booked, "" if rides else "Not asked for yet"))
    ready = discharge.status in ("ready", "left")
    steps.append(("ready", None, ready, ""))
    steps.append(("left", discharge.left_at, discharge.status == "left", ""))
    # Once the patient has left, what was not done holds nobody any more.
    found, blocking = [], discharge.status in ("left", "withdrawn")
    for key, when, done, note in steps:
        state = "done" if done else "open" if blocking else "blocking"
        blocking = blocking or not done
        found.append(Milestone(key, MILESTONES[key], when, state, owners.get(key, ""), note))
    return found


__all__ = ["Milestone", "Plan", "Service", "discharge_list", "plan_of", "plan_rules", "plans_of", "waits_of"]
