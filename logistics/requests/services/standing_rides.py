"""The rides of a series, made two weeks ahead and kept in step with it.

One function brings what was made in line with what is asked for, however often it runs: it makes what is missing,
changes what differs, and calls off what the series does not want any more. A ride that a person changed is theirs: it
is not overwritten.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests import states
from logistics.requests.models import (
    Journey,
    RequestEvent,
    ServiceRequest,
    StandingOrder,
    StandingRide,
    TransportDetail,
)
from logistics.requests.services import alerts, booking, gates, ride_rows, standing_plan, standing_spec, transitions
from logistics.requests.services.standing_plan import MARGIN, Planned, Series

HORIZON_DAYS = 14
# A request in one of these can still be changed or called off by its series.
CHANGEABLE = ("draft", "pending", "requested", "scheduled", "held")
SOURCE = "standing"


@dataclass
class Made:
    """What one run did, in rides."""

    made: int = 0
    changed: int = 0
    canceled: int = 0
    kept: list[dt.date] = field(default_factory=list)  # dates whose ride a person changed: left as they are


def get_locked(order_id: UUID) -> StandingOrder:
    """The order, locked until the transaction ends; raises :class:`DomainError` without one.

    Every verb takes the patient's booking lock first and the order second: a booking of the same second waits.
    """
    patient_id = StandingOrder.objects.filter(pk=order_id).values_list("patient_id", flat=True).first()
    if patient_id is not None:
        ride_rows.lock(patient_id)
    order = (
        StandingOrder.objects.select_for_update(of=("self",))
        .select_related("patient", "facility", "unit")
        .filter(pk=order_id)
        .first()
    )
    if order is None:
        raise DomainError("This standing order does not exist.", code="not_found")
    return order


def check_open(order: StandingOrder) -> None:
    """Raises :class:`DomainError` for a series that is over."""
    if order.status == "ended":
        raise DomainError("This series is over. Begin a new one.", code="ended")


def bump(order: StandingOrder) -> None:
    """The series is another one now: a page that was opened before must look again."""
    StandingOrder.objects.filter(pk=order.pk).update(series_version=F("series_version") + 1, updated_at=clock.now())
    order.series_version += 1


def rows_of(order: StandingOrder, *, since: dt.date) -> list[StandingRide]:
    """The rides in force from ``since`` on, with their requests. One query."""
    rows = StandingRide.objects.filter(order=order, on__gte=since, ended_at__isnull=True)
    return list(rows.select_related("request", "version").order_by("on", "-direction"))


def bring_in_line(order: StandingOrder, *, asked: Iterable[dt.date] = (), reason: str = "other") -> Made:
    """Make, change and call off rides so that they are what the (locked) series asks for. Repeatable.

    ``asked`` are dates that a person touched just now: there even a ride changed by hand follows. ``reason`` is the
    code of ``dispatch.states.CANCEL_REASONS`` for rides that are called off. Nothing is made while the order is
    suspended.
    """
    now = clock.now()
    zone = order.facility.time_zone
    today = clock.local(now, zone).date()
    horizon = today + dt.timedelta(days=HORIZON_DAYS)
    until = max(horizon, order.made_until or horizon)
    series = Series.read(order)
    ended = order.status == "ended"
    plan = [] if ended else series.planned(today - dt.timedelta(days=1), until)
    wanted: dict[tuple[dt.date, str], Planned] = {}
    for one in plan:
        pickup_at, back_at = standing_plan.times(one)
        for direction, at in (("out", pickup_at), ("back", back_at)):
            if at is not None and at > now and direction in one.directions:
                wanted[one.occurrence.on, direction] = one
    done = Made()
    touched = set(asked)
    rows = rows_of(order, since=today - MARGIN)
    known = {(row.on, row.direction): row for row in rows}
    details = {
        row.request_id: row for row in TransportDetail.objects.filter(request__in=[row.request_id for row in rows])
    }
    for key, row in known.items():
        detail = details.get(row.request_id)
        if detail is None or row.request.status not in CHANGEABLE or not _is_ahead(detail, row.request, now):
            continue
        by_hand = row.request.human_edited and row.on not in touched
        if key not in wanted:
            if by_hand and not ended:
                done.kept.append(row.on)
            else:
                _call_off(row, reason=reason)
                done.canceled += 1
        elif by_hand:
            done.kept.append(row.on)
        elif _change(row, detail, wanted[key], order):
            done.changed += 1
    if order.status == "active":
        done.made = _make_missing(order, wanted, known)
        StandingOrder.objects.filter(pk=order.pk).update(made_until=until)
        order.made_until = until
    return done


def _is_ahead(detail: TransportDetail, request: ServiceRequest, now: dt.datetime) -> bool:
    at = detail.pickup_at or detail.ready_expected_at
    return at is None or at > now or request.status == "held"


def _make_missing(
    order: StandingOrder, wanted: dict[tuple[dt.date, str], Planned], known: dict[tuple[dt.date, str], StandingRide]
) -> int:
    missing = [key for key in wanted if key not in known]
    if not missing:
        return 0
    others = standing_plan.rides_beside(order.patient_id, apart_from=order.pk)
    for on, direction in missing:
        one = wanted[on, direction]
        twin = known.get((on, "back" if direction == "out" else "out"))
        journey = twin.request.journey if twin is not None else None
        if journey is None and len(one.directions) > 1:
            journey = Journey.objects.create(kind="round_trip", patient=order.patient)
            if twin is not None:
                ServiceRequest.objects.filter(pk=twin.request_id).update(journey=journey)
        known[on, direction] = _make(order, one, direction, journey, others)
    return len(missing)


def _make(
    order: StandingOrder, one: Planned, direction: str, journey: Journey | None, others: list[dt.datetime]
) -> StandingRide:
    """One ride of one date: drafted, and confirmed through the gates unless a person must look first."""
    version, on = one.version, one.occurrence.on
    fields = standing_spec.details_for(version, one.occurrence, direction, one.edits, order.facility)
    fields |= _level(one, fields, order)
    scope = scoping.current()
    request = ServiceRequest.objects.create(
        patient=order.patient,
        facility=order.facility,
        unit=order.unit,
        source=SOURCE,
        journey=journey,
        journey_order=1 if direction == "out" else 2,
        link="" if direction == "out" else "return",
        cost_center=order.cost_center,
        preferred_vendor_id=order.preferred_vendor_id,
        requested_by_id=order.requested_by_id,
        requested_by_name=order.requested_by_name,
        requested_at=clock.now(),
    )
    RequestEvent.objects.create(
        request=request,
        new_status=states.REQUEST.initial,
        at=clock.now(),
        actor_id=scope.user_id,
        actor_label=scope.actor_label,
        source=SOURCE,
        reason="Made from a standing order",
    )
    TransportDetail.objects.create(request=request, **fields)
    row = StandingRide.objects.create(order=order, version=version, on=on, direction=direction, request=request)
    audit.record(
        action="request.drafted",
        target=request,
        patient_id=order.patient_id,
        details={"source": SOURCE, "order": str(order.pk), "on": on.isoformat(), "direction": direction},
    )
    at = fields.get("pickup_at") or fields.get("ready_expected_at")
    doubt = ""
    if not fields["level"]:
        doubt = "standing_level"
    elif at is not None and any(standing_plan.near(other, at) for other in others):
        doubt = "standing_conflict"
    if doubt:
        outbox.publish("request.drafted", {"request_id": str(request.pk), "unit_id": str(request.unit_id or "")})
        params = {"day": day_words(one.occurrence.day), "order_id": str(order.pk)}
        alerts.raise_alert(doubt, request=request, params=params)
    else:
        gates.confirm(request, details={"order": str(order.pk)}, source=SOURCE)
    return row


def _level(one: Planned, fields: dict[str, Any], order: StandingOrder) -> dict[str, Any]:
    """The level of this ride: what the person confirmed for the series, as long as the advice is the same.

    A date with its own answers takes their advice. When the chart changed what is advised, the level is left open for
    a person (``level`` empty).
    """
    version = one.version
    given = booking.advise_for(fields, order.patient)
    same = given.level == version.level_advised
    level = version.level if same else ""
    if not same and one.edits:
        level = given.level
    return {
        "level": level,
        "level_advised": given.level,
        "level_rules_version": given.rules_version or None,
        "level_reason": given.reason[:300],
        "level_override_reason": version.level_override_reason if level == version.level else "",
        "level_confirmed_by_id": version.level_confirmed_by_id if level else None,
    }


def _change(row: StandingRide, detail: TransportDetail, one: Planned, order: StandingOrder) -> bool:
    """Let a ride that was made follow its series. A level that became doubtful is left for a person to look at."""
    fields = standing_spec.details_for(one.version, one.occurrence, row.direction, one.edits, order.facility)
    fields |= _level(one, fields, order)
    if not fields["level"]:
        fields = {name: value for name, value in fields.items() if not name.startswith("level")}
    changed = [name for name, value in fields.items() if getattr(detail, name) != value]
    request = row.request
    if request.preferred_vendor_id != order.preferred_vendor_id or request.cost_center != order.cost_center:
        ServiceRequest.objects.filter(pk=request.pk).update(
            preferred_vendor_id=order.preferred_vendor_id, cost_center=order.cost_center, updated_at=clock.now()
        )
    if row.version_id != one.version.pk:
        StandingRide.objects.filter(pk=row.pk).update(version=one.version)
    if not changed:
        return False
    for name in changed:
        setattr(detail, name, fields[name])
    detail.save(update_fields=changed)
    audit.record(
        action="request.edited",
        target=request,
        patient_id=request.patient_id,
        details={"fields": sorted(changed), "source": SOURCE},
    )
    outbox.publish(
        "request.changed",
        {"request_id": str(request.pk), "fields": sorted(changed), "unit_id": str(request.unit_id or ""),
         "encounter_id": ""},
    )  # fmt: skip
    return True


def _call_off(row: StandingRide, *, reason: str) -> None:
    """The series does not want this date: the request is canceled and its place in the series is free again."""
    transitions.request_to(row.request, "canceled", source=SOURCE, reason=reason, details={"code": reason})
    alerts.resolve(["standing_conflict", "standing_level"], request=row.request)
    StandingRide.objects.filter(pk=row.pk).update(ended_at=clock.now())


def hold_all(order: StandingOrder, *, reason: str) -> int:
    """Put every ride ahead that can still be stopped on hold. Returns how many."""
    now, held = clock.now(), 0
    for row, at in _ahead(order):
        if at > now and row.request.status in ("draft", "pending", "requested", "scheduled"):
            transitions.hold(row.request, reason=reason, source=SOURCE, details={"order": str(order.pk)})
            held += 1
    return held


def release_all(order: StandingOrder, *, reason: str) -> int:
    """Let the rides that :func:`hold_all` stopped go on; those whose time is over are canceled. Returns how many go."""
    now, going = clock.now(), 0
    for row, at in _ahead(order):
        if row.request.status != "held" or row.request.hold_reason != reason[:60]:
            continue
        if at <= now:
            _call_off(row, reason=MISSED_REASON)
            continue
        transitions.resume(row.request, source=SOURCE, reason="The standing order goes on")
        if row.request.status == "pending":
            gates.ask_again(row.request)
        going += 1
    return going


# Of a ride that nobody let go on before its time.
MISSED_REASON = "patient_admitted"


def drop_missed(order: StandingOrder) -> int:
    """Cancel held rides whose time passed while the series was suspended. Returns how many."""
    now, dropped = clock.now(), 0
    for row, at in _ahead(order):
        if row.request.status == "held" and at <= now:
            _call_off(row, reason=MISSED_REASON if order.suspended_by == "admitted" else "patient_request")
            dropped += 1
    return dropped


def _ahead(order: StandingOrder) -> list[tuple[StandingRide, dt.datetime]]:
    rows = rows_of(order, since=clock.today(order.facility.time_zone) - 4 * MARGIN)
    at = {
        request_id: pickup_at or ready_at
        for request_id, pickup_at, ready_at in TransportDetail.objects.filter(
            request__in=[row.request_id for row in rows]
        ).values_list("request_id", "pickup_at", "ready_expected_at")
    }
    return [(row, moment) for row in rows if (moment := at.get(row.request_id)) is not None]


def day_words(day: dt.date) -> str:
    """``Thu 26 Nov``."""
    return f"{day:%a} {day.day} {day:%b}"
