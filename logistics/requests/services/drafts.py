"""What the feed's facts do to a ride: foreseen, confirmed, moved, held or canceled, by one table.

The table is in ``ride_table``. Autonomy stops at dispatch (rule R4): once a crew is
under way, a fact only raises an alert. A person's work outranks the feed: what a person edited is held where
the feed alone would cancel it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from logistics.core import audit, outbox, scoping
from logistics.requests import states
from logistics.requests.models import Encounter, Patient, Place, RequestEvent, ServiceRequest, TransportDetail
from logistics.requests.services import alerts, gates, transitions
from logistics.requests.services.changes import ChangeLog, Stamp
from logistics.requests.services.discharges import of as discharge_of
from logistics.requests.services.ride_table import KEEP, TABLE, YIELDS_TO_PEOPLE, Cell

TIME_ALERT_MINUTES = 15


@dataclass(frozen=True)
class Prefill:
    """What the feed knows of a ride. ``details`` are columns of ``TransportDetail`` (see :func:`chart_details`);
    ``ready_at`` and ``place`` are None when nothing was said."""

    ready_at: dt.datetime | None = None
    place: Place | None = None
    details: dict[str, Any] = field(default_factory=dict)


# The needs that the chart decides; the others are a person's answers and stay.
CHART_NEEDS = frozenset({"oxygen", "isolation", "airborne"})


def chart_details(patient: Patient, *, cleared: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the patient's chart says about any ride, as columns of ``TransportDetail``.

    What the chart does not know is left out, except the columns in ``cleared``: those were deleted there.
    """
    chart = patient.chart or {}
    flow = chart.get("oxygen_lpm")
    needs = ["oxygen"] if flow or chart.get("oxygen") else []
    if patient.isolation:
        needs.append("airborne" if patient.isolation == "airborne" else "isolation")
    known: dict[str, Any] = {
        "mobility": chart.get("mobility") or "",
        "oxygen_lpm": Decimal(str(flow)) if flow else None,
        "weight_lb": patient.weight_lb,
        "payer_name": patient.payer_name,
    }
    return {"needs": needs} | {name: value for name, value in known.items() if value or name in cleared}


@dataclass(frozen=True)
class Reaction:
    """What was done: the ride (or None), the cell's verb, and whether a person must look at the message."""

    ride: ServiceRequest | None
    do: str
    review: bool = False


def ride_of(encounter: Encounter) -> ServiceRequest | None:
    """The stay's ride: the open one, else the latest that ended. A ride booked without a stay counts too."""
    mine = ServiceRequest.objects.filter(kind="transport", encounter=encounter).order_by("-created_at")
    rides = list(mine)
    opened = [ride for ride in rides if ride.status not in states.REQUEST.final]
    if opened or rides:
        return (opened or rides)[0]
    # The rides of a standing order are no part of any stay.
    loose = ServiceRequest.objects.filter(kind="transport", encounter=None, patient_id=encounter.patient_id)
    loose = loose.exclude(source="standing")
    return loose.exclude(status__in=states.REQUEST.final).order_by("-created_at").first()


def detail_of(ride: ServiceRequest) -> TransportDetail:
    """The ride's details (made empty when missing)."""
    return TransportDetail.objects.get_or_create(request=ride)[0]


def react(
    fact: str, encounter: Encounter, *, stamp: Stamp, log: ChangeLog, rule: str, prefill: Prefill | None = None
) -> Reaction:
    """Do what ``ride_table.TABLE`` says about ``fact`` for the stay's ride. Raises ``KeyError`` for an unknown fact."""
    prefill = prefill or Prefill()
    ride = ride_of(encounter)
    state = ride.status if ride is not None else "none"
    # What waits for an approval is confirmed like what goes to a vendor.
    cell = TABLE[fact].get("requested" if state == "pending" else state, KEEP)
    if ride is not None and ride.human_edited and cell.do == "cancel" and fact in YIELDS_TO_PEOPLE:
        cell = Cell("hold" if state != "held" else "keep", cell.alert or YIELDS_TO_PEOPLE[fact])
    if cell.do in ("redraft", "rerequest"):
        # A canceled ride comes back only for a plan that is newer than its cancellation.
        ended = RequestEvent.objects.filter(request=ride, new_status="canceled").order_by("-id").first()
        if ended is not None and stamp.effective_at <= ended.at:
            return Reaction(ride, "annulled")
        ride, cell = None, Cell(cell.do.removeprefix("re"), cell.alert, cell.severity)
    params: dict[str, Any] = {}
    alert = cell.alert
    if cell.do == "draft" or cell.do == "request":
        ride = _create(encounter, prefill, stamp=stamp, log=log, rule=rule)
        if cell.do == "request":
            _confirm(ride, stamp=stamp, log=log, rule=rule)
    elif ride is not None:
        alert, params = _touch(cell, ride, encounter, prefill, stamp=stamp, log=log, rule=rule)
    if alert and ride is not None:
        params = {"bed": _bed(encounter), **params} if alert == "pickup_moved" else params
        log.alerts.append(
            alerts.raise_alert(
                alert, cell.severity, request=ride, encounter=encounter, params=params, message_id=stamp.message_id
            )
        )
    return Reaction(ride, cell.do, cell.do == "review")


def _touch(
    cell: Cell, ride: ServiceRequest, encounter: Encounter, prefill: Prefill, *, stamp: Stamp, log: ChangeLog, rule: str
) -> tuple[str, dict[str, Any]]:
    """Change an existing ride. Returns (alert code or "", its params)."""
    old = ride.status
    if cell.do in ("update", "confirm", "resume", "late_time"):
        detail = detail_of(ride)
        late = cell.do == "late_time" and bool(
            prefill.ready_at and detail.pickup_at and prefill.ready_at > detail.pickup_at
        )
        fill(ride, prefill, log=log, rule=rule)
        if cell.do == "confirm":
            _confirm(ride, stamp=stamp, log=log, rule=rule)
        elif cell.do == "resume":
            to = ride.held_from if ride.held_from in ("scheduled", "pending") else "requested"
            if to == "requested" and is_bookable(ride) and gates.asks_of(ride):
                to = "pending"
            transitions.resume(ride, to=to, source=stamp.source, reason=rule)
            log.add(ride, "resumed", rule=rule, before={"status": old}, after={"status": to})
        return ("left_after_pickup_time" if late else cell.alert), {}
    if cell.do == "time":
        return _time_alert(ride, encounter, prefill)
    if cell.do == "hold":
        transitions.hold(ride, reason=cell.alert or rule, source=stamp.source)
        log.add(ride, "held", rule=rule, before={"status": old}, after={"status": "held"})
    elif cell.do == "cancel":
        transitions.request_to(ride, "canceled", source=stamp.source, reason=rule, at=stamp.effective_at)
        log.add(ride, "canceled", rule=rule, before={"status": old}, after={"status": "canceled"})
    elif cell.do == "pickup":
        move_pickup(ride, encounter, log=log, rule=rule)
    return cell.alert, {}


def _time_alert(ride: ServiceRequest, encounter: Encounter, prefill: Prefill) -> tuple[str, dict[str, Any]]:
    detail = detail_of(ride)
    known = detail.ready_expected_at or detail.pickup_at
    if prefill.ready_at is None or known is None:
        return "", {}
    if abs((prefill.ready_at - known).total_seconds()) <= TIME_ALERT_MINUTES * 60:
        return "", {}
    zone = encounter.facility.time_zone if encounter.facility else "UTC"
    return "ready_time_changed", {"old": known.isoformat(), "new": prefill.ready_at.isoformat(), "zone": zone}


def _create(encounter: Encounter, prefill: Prefill, *, stamp: Stamp, log: ChangeLog, rule: str) -> ServiceRequest:
    if encounter.facility_id is None:
        raise ValueError("a ride starts at a site")
    scope = scoping.current()
    ride = ServiceRequest.objects.create(
        patient_id=encounter.patient_id,
        encounter=encounter,
        discharge=discharge_of(encounter),
        facility_id=encounter.facility_id,
        unit=encounter.unit,
        source="ehr" if stamp.source == "ehr" else "user",
        source_message_id=stamp.message_id,
    )
    RequestEvent.objects.create(
        request=ride,
        new_status=states.REQUEST.initial,
        at=stamp.effective_at,
        actor_id=scope.user_id,
        actor_label=scope.actor_label,
        source=stamp.source,
        reason=rule,
    )
    TransportDetail.objects.create(request=ride, pickup_bed_label=_bed(encounter)[:40])
    audit.record(action="request.drafted", target=ride, patient_id=ride.patient_id, details={"source": stamp.source})
    outbox.publish(
        "request.drafted",
        {
            "request_id": str(ride.pk),
            "encounter_id": str(encounter.pk),
            "unit_id": str(ride.unit_id or ""),
            "new": "draft",
        },
    )
    log.add(ride, "drafted", rule=rule, after={"status": "draft", "pickup": _bed(encounter)})
    fill(ride, prefill, log=log, rule=rule, quiet=True)
    return ride


def _confirm(ride: ServiceRequest, *, stamp: Stamp, log: ChangeLog, rule: str) -> None:
    """The discharge confirms the need. Only a complete ride goes to dispatch; else a person completes it."""
    missing = missing_details(ride)
    changes = {"requested_at": stamp.effective_at}
    if missing:
        transitions.request_to(
            ride,
            "requested",
            source=stamp.source,
            reason=rule,
            at=stamp.effective_at,
            changes=changes,
            topic="request.confirmed",
        )
    else:
        gates.confirm(ride, changes=changes, source=stamp.source, reason=rule, at=stamp.effective_at)
    log.add(ride, ride.status, rule=rule, before={"status": "draft"}, after={"status": ride.status})
    if missing:
        alerts.raise_alert(
            "ride_details_missing", "info", request=ride, params={"missing": missing}, message_id=stamp.message_id
        )


def missing_details(request: ServiceRequest) -> list[str]:
    """What a ride lacks before dispatch can look for a vendor, in words; empty when nothing."""
    detail = detail_of(request)
    placed = detail.place_id is not None or detail.destination_latitude is not None
    return [
        word
        for word, there in (
            ("a destination", placed),
            ("a time", bool(detail.when)),
            ("how the patient moves", bool(detail.mobility)),
            ("a level of service", bool(detail.level)),
        )
        if not there
    ]


def is_bookable(request: ServiceRequest) -> bool:
    """Whether dispatch can look for a vendor: destination, time, mobility and level are known."""
    return not missing_details(request)


def release(request: ServiceRequest) -> bool:
    """Hand a confirmed ride to dispatch once a person completed it. False while something is missing.

    Publishes ``request.ready``; opening a trip for the same request twice opens one.
    """
    if request.status != "requested" or not is_bookable(request):
        return False
    alerts.resolve(
        ["ride_details_missing", "left_before_ride", "left_without_ride", "discharge_unclear"], request=request
    )
    outbox.publish(
        "request.ready",
        {
            "request_id": str(request.pk),
            "new": "requested",
            "unit_id": str(request.unit_id or ""),
            "encounter_id": str(request.encounter_id or ""),
        },
    )
    return True


def fill(ride: ServiceRequest, prefill: Prefill, *, log: ChangeLog, rule: str, quiet: bool = False) -> list[str]:
    """Write what the feed knows into the ride's details. A person's entries stay; returns the changed names.

    The expected ready time always follows the feed. Publishes ``request.changed`` unless ``quiet``.
    """
    detail = detail_of(ride)
    wanted: dict[str, Any] = {}
    if prefill.ready_at is not None:
        wanted["ready_expected_at"] = prefill.ready_at
    if not ride.human_edited:
        wanted |= prefill.details
        if "needs" in wanted:
            wanted["needs"] = sorted((set(detail.needs) - CHART_NEEDS) | set(wanted["needs"]))
        if prefill.place is not None and detail.place_id is None and not detail.destination_kind:
            wanted |= {
                "place": prefill.place,
                "destination_kind": "place",
                "destination_latitude": prefill.place.latitude,
                "destination_longitude": prefill.place.longitude,
                "destination_zone": prefill.place.time_zone,
            }
    return set_details(ride, wanted, log=log, rule=rule, quiet=quiet)


def clear_time(ride: ServiceRequest, *, log: ChangeLog, rule: str) -> list[str]:
    """The feed deleted the expected time: the ride has none."""
    return set_details(ride, {"ready_expected_at": None}, log=log, rule=rule)


def set_details(
    ride: ServiceRequest, wanted: dict[str, Any], *, log: ChangeLog, rule: str, quiet: bool = False
) -> list[str]:
    """Set columns of the ride's details that differ; notes them in ``log`` and publishes ``request.changed``."""
    detail = detail_of(ride)
    before = {name: getattr(detail, name) for name in wanted}
    changed = [name for name, value in wanted.items() if before[name] != value]
    if not changed:
        return []
    for name in changed:
        setattr(detail, name, wanted[name])
    detail.save(update_fields=changed)
    log.add(
        ride,
        "details_changed",
        rule=rule,
        before={name: str(before[name] or "") for name in changed},
        after={name: str(wanted[name] or "") for name in changed},
    )
    if not quiet:
        _tell_changed(ride, changed)
    return changed


def move_pickup(ride: ServiceRequest, encounter: Encounter, *, log: ChangeLog, rule: str) -> None:
    """The ride starts where the patient is now. Publishes ``request.changed``."""
    detail = detail_of(ride)
    label = _bed(encounter)[:40]
    if ride.unit_id == encounter.unit_id and detail.pickup_bed_label == label:
        return
    before = {"pickup": detail.pickup_bed_label}
    detail.pickup_bed_label = label
    detail.save(update_fields=["pickup_bed_label"])
    ride.unit = encounter.unit
    if encounter.facility_id:
        ride.facility_id = encounter.facility_id
    ride.save(update_fields=["unit", "facility", "updated_at"])
    log.add(ride, "pickup_moved", rule=rule, before=before, after={"pickup": label})
    _tell_changed(ride, ["pickup_bed_label", "unit"])


def _tell_changed(ride: ServiceRequest, names: list[str]) -> None:
    outbox.publish(
        "request.changed",
        {
            "request_id": str(ride.pk),
            "fields": names,
            "unit_id": str(ride.unit_id or ""),
            "encounter_id": str(ride.encounter_id or ""),
        },
    )


def _bed(encounter: Encounter) -> str:
    if encounter.bed is not None:
        return encounter.bed.label
    return encounter.unit.name if encounter.unit else ""
