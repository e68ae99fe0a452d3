"""Standing orders: begun, changed from a date on, suspended, gone on with, ended.

Every verb locks the order first, changes it, and brings its rides in line (``standing_rides``), in the caller's
transaction. Single dates are in ``standing_dates``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q

from logistics.accounts.models import Facility, Unit
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, StaleState
from logistics.requests.models import (
    ClosedDay,
    Patient,
    StandingOrder,
    StandingOrderEvent,
    StandingVersion,
)
from logistics.requests.services import alerts, standing_rides, standing_spec, transitions
from logistics.requests.services.places import Destination
from logistics.requests.services.standing_plan import Series, unsaved
from logistics.requests.services.standing_rides import (
    HORIZON_DAYS,
    Made,
    bring_in_line,
    bump,
    check_open,
    day_words,
    get_locked,
)
from logistics.requests.services.standing_spec import Spec

LONGEST = dt.timedelta(days=400)
HELD_BY_PERSON = "standing_suspended"
HELD_BY_ADMISSION = "patient_admitted"


def draft(
    *,
    patient: Patient,
    facility: Facility,
    unit: Unit | None,
    spec: Spec,
    start_on: dt.date | None,
    end_on: dt.date | None,
    preferred_vendor_id: UUID | None = None,
    cost_center: str = "",
) -> Series:
    """An unsaved series to look at before it is begun. Raises :class:`DomainError` with every problem in ``fields``."""
    problems = standing_spec.check(spec, facility=facility, patient=patient)
    problems |= _date_problems(start_on, end_on, facility)
    if patient.deceased:
        problems["patient"] = "The chart says that this patient has died. No rides can be planned."
    if "mobility" not in problems and spec.ride.get("mobility"):
        problems |= standing_spec.level_problems(spec, standing_spec.advised(spec, patient).level)
    if problems:
        raise DomainError("Some answers are missing or need a change.", code="incomplete", fields=problems)
    assert start_on is not None
    order = StandingOrder(
        patient=patient,
        facility=facility,
        unit=unit,
        start_on=start_on,
        end_on=end_on,
        preferred_vendor_id=preferred_vendor_id,
        cost_center=cost_center,
    )
    return unsaved(order, [standing_spec.version_of(spec, order, from_on=start_on)])


def seen_of(series: Series) -> str:
    """A short mark of what a preview showed: the same answers give the same mark, any other answer another one."""
    order, version = series.order, series.versions[-1]
    said = [
        str(order.patient_id), str(order.facility_id), order.start_on, order.end_on, version.from_on, version.rule,
        version.timing, version.local_time, version.lead_minutes, version.return_kind, version.return_minutes,
        version.holiday_rule, version.pickup_kind, version.level, version.mobility, version.template,
    ]  # fmt: skip
    text = json.dumps(said, cls=DjangoJSONEncoder, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@transaction.atomic
def create(*, series: Series, key: str) -> StandingOrder:
    """Begin a series that :func:`draft` made, and make its rides of the next two weeks.

    Sent again with the same ``key`` it answers with the same order. Publishes ``standing_order.active``.
    """
    known = StandingOrder.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    scope = scoping.current()
    order, version = series.order, series.versions[0]
    order.idempotency_key = key
    order.requested_by_id, order.requested_by_name = scope.user_id, scope.actor_label[:120]
    order.save(force_insert=True)
    version.order = order
    version.save(force_insert=True)
    StandingOrderEvent.objects.create(
        order=order, new_status=order.status, at=clock.now(), actor_id=scope.user_id, actor_label=scope.actor_label
    )
    _tell(order, "standing_order.active", {"rule": version.rule})
    bring_in_line(get_locked(order.pk))
    return order


def changed(
    *,
    order_id: UUID,
    from_on: dt.date,
    spec: Spec,
    seen_version: int,
    end_on: dt.date | None = None,
    preferred_vendor_id: UUID | None = None,
) -> Series:
    """What the series would be after :func:`change_from`, unsaved. Raises like it."""
    order = StandingOrder.objects.select_related("patient", "facility", "unit").filter(pk=order_id).first()
    if order is None:
        raise DomainError("This standing order does not exist.", code="not_found")
    version = _new_version(order, from_on, spec, seen_version, end_on)
    order.end_on, order.preferred_vendor_id = end_on, preferred_vendor_id
    series = Series.read(order)
    series.versions = [each for each in series.versions if each.from_on < version.from_on] + [version]
    places = {each.place_id for each in series.versions if each.place_id}
    series.closed_days = list(ClosedDay.objects.filter(place_id__in=places))
    return series


@transaction.atomic
def change_from(
    *,
    order_id: UUID,
    from_on: dt.date,
    spec: Spec,
    seen_version: int,
    end_on: dt.date | None = None,
    preferred_vendor_id: UUID | None = None,
) -> tuple[StandingOrder, Made]:
    """Ask for something else from a date on. Single dates that a person changed stay as they are.

    A version that would begin later is superseded. Raises ``StaleState`` when the series was changed since the page
    was opened, :class:`DomainError` whose ``fields`` name every problem. Publishes ``standing_order.changed``.
    """
    order = get_locked(order_id)
    version = _new_version(order, from_on, spec, seen_version, end_on)
    _put_version(order, version)
    order.end_on, order.preferred_vendor_id = end_on, preferred_vendor_id
    StandingOrder.objects.filter(pk=order.pk).update(end_on=end_on, preferred_vendor_id=preferred_vendor_id)
    bump(order)
    _tell(order, "standing_order.changed", {"from": version.from_on.isoformat(), "rule": version.rule})
    return order, bring_in_line(order)


@transaction.atomic
def suspend(*, order_id: UUID, reason: str) -> StandingOrder:
    """A person stops the series: rides that were made are held, none is made. Undo is :func:`resume`."""
    order = get_locked(order_id)
    if order.status == "suspended":
        return order
    check_open(order)
    if len(reason.strip()) < 3:
        raise DomainError("Write why.", code="no_reason", fields={"reason": "Write why the trips stop for now."})
    transitions.standing_order_to(order, "suspended", reason=reason.strip(), changes={"suspended_by": "person"})
    standing_rides.hold_all(order, reason=HELD_BY_PERSON)
    return order


@transaction.atomic
def resume(*, order_id: UUID, pickup: Destination | None = None, as_before: bool = False) -> StandingOrder:
    """Let a suspended series go on, from ``pickup`` if the patient now lives elsewhere, else ``as_before``.

    After an admission one of the two must be said: from a hospital people often leave to another address. Rides on
    hold go on, missing ones are made. Publishes ``standing_order.active``.
    """
    order = get_locked(order_id)
    if order.status == "active":
        return order
    check_open(order)
    if order.patient.deceased:
        raise DomainError("The chart says that this patient has died. End the series.", code="deceased")
    if order.suspended_by == "admitted" and pickup is None and not as_before:
        message = "Choose where the patient is picked up now: the hospital may have sent them to another address."
        raise DomainError(message, code="no_pickup", fields={"pickup": message})
    if pickup is not None:
        _move_pickup(order, pickup)
    held_by = HELD_BY_ADMISSION if order.suspended_by == "admitted" else HELD_BY_PERSON
    encounter = order.encounter
    transitions.standing_order_to(
        order, "active", changes={"suspended_by": "", "encounter": None, "resume_offered_at": None}
    )
    if encounter is not None:
        alerts.resolve(["standing_admitted", "standing_resume"], encounter=encounter)
    bump(order)
    bring_in_line(order)
    standing_rides.release_all(order, reason=held_by)
    return order


@transaction.atomic
def end(*, order_id: UUID, last_on: dt.date | None = None, reason: str, code: str = "patient_request") -> StandingOrder:
    """End the series after ``last_on`` (None: now, with every ride ahead canceled). Repeatable.

    ``code`` is the cancellation reason of the rides. Publishes ``standing_order.ended``, or ``standing_order.changed``
    when the last date is still to come.
    """
    order = get_locked(order_id)
    if order.status == "ended":
        return order
    if len(reason.strip()) < 3:
        raise DomainError("Write why.", code="no_reason", fields={"reason": "Write why the series ends."})
    today = clock.today(order.facility.time_zone)
    if last_on is not None:
        first = max(today, order.start_on)
        if not first <= last_on <= today + LONGEST:
            text = f"Choose a last date from {day_words(first)} on, at most 400 days away."
            raise DomainError(text, code="last_on", fields={"last_on": text})
        StandingOrder.objects.filter(pk=order.pk).update(end_on=last_on)
        order.end_on = last_on
        bump(order)
        _tell(order, "standing_order.changed", {"last_on": last_on.isoformat()}, reason=reason.strip())
        bring_in_line(order, reason=code)
        return order
    transitions.standing_order_to(
        order,
        "ended",
        reason=reason.strip(),
        changes={"end_on": max(today, order.start_on), "suspended_by": "", "resume_offered_at": None},
    )
    bring_in_line(order, reason=code)
    return order


def due() -> list[UUID]:
    """Orders whose rides must be looked at: made too short, over, or suspended with rides whose time passed."""
    soon = clock.now().date() + dt.timedelta(days=HORIZON_DAYS - 1)
    short = Q(made_until__isnull=True) | Q(made_until__lte=soon)
    over = Q(end_on__lt=clock.now().date())
    rows = StandingOrder.objects.filter(Q(status="active") & (short | over) | Q(status="suspended"))
    return list(rows.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def look_after(order_id: UUID) -> Made:
    """What the clock asks of one order: make the rides of a new day, end what is over. Repeatable."""
    order = get_locked(order_id)
    if order.status == "ended":
        return Made()
    if order.patient.deceased:
        end(order_id=order_id, reason="The patient died", code="patient_deceased")
        return Made()
    if order.end_on is not None and order.end_on < clock.today(order.facility.time_zone):
        transitions.standing_order_to(order, "ended", source="clock", reason="Its last date is over")
        return Made()
    if order.status == "suspended":
        return Made(canceled=standing_rides.drop_missed(order))
    return bring_in_line(order)


def _new_version(
    order: StandingOrder, from_on: dt.date, spec: Spec, seen_version: int, end_on: dt.date | None
) -> StandingVersion:
    _check_fresh(order, seen_version)
    check_open(order)
    problems = standing_spec.check(spec, facility=order.facility, patient=order.patient)
    today = clock.today(order.facility.time_zone)
    if from_on < today:
        problems["from_on"] = "Choose a date from today on: past rides do not change."
    elif from_on > today + LONGEST:
        problems["from_on"] = "Choose a date at most 400 days away."
    elif order.end_on and from_on > order.end_on:
        problems["from_on"] = f"The series ends on {day_words(order.end_on)}. Choose an earlier date."
    if end_on is not None and not max(from_on, order.start_on) <= end_on <= from_on + LONGEST:
        problems["end_on"] = "The last date is after the change, and at most 400 days from it."
    if "mobility" not in problems and spec.ride.get("mobility"):
        problems |= standing_spec.level_problems(spec, standing_spec.advised(spec, order.patient).level)
    if problems:
        raise DomainError("Some answers are missing or need a change.", code="incomplete", fields=problems)
    return standing_spec.version_of(spec, order, from_on=max(from_on, order.start_on))


def _put_version(order: StandingOrder, version: StandingVersion) -> None:
    StandingVersion.objects.filter(order=order, superseded_at__isnull=True, from_on__gte=version.from_on).update(
        superseded_at=clock.now()
    )
    version.save(force_insert=True)


def _move_pickup(order: StandingOrder, pickup: Destination) -> None:
    """From today on the rides start (and end) at another address; everything else stays."""
    today = max(clock.today(order.facility.time_zone), order.start_on)
    series = Series.read(order)
    end_of = standing_spec.end_of(pickup)
    later = [version for version in series.versions if version.from_on > today]
    for version in [series.version_on(today), *later]:
        fresh = StandingVersion(
            **{
                name.attname: getattr(version, name.attname)
                for name in StandingVersion._meta.concrete_fields
                if name.attname not in ("id", "made_at", "superseded_at")
            }
        )
        fresh.from_on = max(today, version.from_on)
        fresh.template = {**version.template, "pickup": end_of}
        fresh.pickup_kind, fresh.pickup_place = pickup.kind, pickup.place
        fresh.made_by_name = scoping.current().actor_label[:120]
        fresh.lead_minutes = standing_spec.lead_minutes(fresh, order.facility)
        StandingVersion.objects.filter(order=order, superseded_at__isnull=True, from_on=fresh.from_on).update(
            superseded_at=clock.now()
        )
        fresh.save(force_insert=True)
    _tell(order, "standing_order.changed", {"from": today.isoformat(), "what": "pickup"})


def _date_problems(start_on: dt.date | None, end_on: dt.date | None, facility: Facility) -> dict[str, str]:
    problems = {}
    today = clock.today(facility.time_zone)
    if start_on is None:
        problems["start_on"] = "Write the first date."
    elif start_on < today:
        problems["start_on"] = f"The first date is today, {day_words(today)}, or later."
    elif start_on > today + LONGEST:
        problems["start_on"] = "The first date is at most 400 days away."
    elif end_on is not None and not start_on <= end_on <= start_on + LONGEST:
        problems["end_on"] = "The last date is after the first, and at most 400 days from it."
    return problems


def _check_fresh(order: StandingOrder, seen_version: int) -> None:
    if order.series_version != seen_version:
        raise StaleState(
            "Somebody changed this series since you opened the page. Look at it again, then make your change.",
            current=str(order.series_version),
        )


def _tell(order: StandingOrder, topic: str, details: dict[str, Any], *, reason: str = "") -> None:
    audit.record(action=topic, target=order, patient_id=order.patient_id, reason=reason, details=details)
    outbox.publish(topic, {"standing_order_id": str(order.pk), "patient_id": str(order.patient_id)})
