"""Single dates of a series: skipped, moved, changed, added, and each of these undone.

A date that a person touched is theirs: a later change of the series leaves it as it is.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests.models import StandingException, StandingOrder, StandingRide, TransportDetail
from logistics.requests.services import alerts, gates, standing_spec
from logistics.requests.services.standing_plan import MARGIN, Planned, Series
from logistics.requests.services.standing_rides import (
    Made,
    bring_in_line,
    bump,
    check_open,
    day_words,
    get_locked,
    rows_of,
)

FARTHEST_MOVE = dt.timedelta(days=14)
# A ride that is further than this is the crew's; the series does not touch it any more.
UNDER_WAY = ("in_progress", "completed")


@transaction.atomic
def skip(*, order_id: UUID, on: dt.date, reason: str) -> StandingException:
    """No rides on this date; those that were made are canceled. Undo is :func:`undo`."""
    order, _ = _open_date(order_id, on)
    if len(reason.strip()) < 3:
        raise DomainError("Write why.", code="no_reason", fields={"reason": "Write why this date is skipped."})
    return _put(order, on, kind="skip", reason=reason, code="appointment_canceled")


@transaction.atomic
def move(
    *, order_id: UUID, on: dt.date, to: dt.date, local_time: dt.time | None = None, reason: str = ""
) -> StandingException:
    """The rides of this date take place on another day: the ride and its trip follow, they are not made anew."""
    order, series = _open_date(order_id, on)
    today = clock.today(order.facility.time_zone)
    text = ""
    if to < today or abs(to - on) > FARTHEST_MOVE:
        text = f"Choose a day from today on, at most {FARTHEST_MOVE.days} days from {day_words(on)}."
    elif to != on and any(
        one.occurrence.day == to and one.occurrence.on != on and one.occurrence.moment_utc is not None
        for one in series.planned(to, to)
    ):
        text = f"There are rides on {day_words(to)} already. Choose another day."
    if text:
        raise DomainError(text, code="move_to", fields={"to": text})
    if to == on:
        return _put(order, on, kind="edited", local_time=local_time, reason=reason)
    return _put(order, on, kind="moved", moved_to=to, local_time=local_time, reason=reason)


@transaction.atomic
def edit(
    *, order_id: UUID, on: dt.date, local_time: dt.time | None, edits: dict[str, Any], reason: str = ""
) -> StandingException:
    """Another time or other needs on this date only. ``edits`` has keys of ``standing_spec.DATE_FIELDS``."""
    order, series = _open_date(order_id, on)
    version = series.version_on(on)
    known = standing_spec.date_edits(version, edits)
    given = {**version.template, **known}
    problems = {}
    if {"oxygen", "oxygen_given"} & set(given.get("needs") or []) and not given.get("oxygen_lpm"):
        problems["oxygen_lpm"] = "Write the oxygen flow in liters per minute."
    if problems:
        raise DomainError("Some answers are missing or need a change.", code="incomplete", fields=problems)
    before = _exception(order, on)
    kind = before.kind if before is not None and before.kind in ("moved", "added") else "edited"
    return _put(
        order, on, kind=kind, moved_to=before.moved_to if before and kind == "moved" else None,
        local_time=local_time, edits=known, reason=reason,
    )  # fmt: skip


@transaction.atomic
def add(*, order_id: UUID, on: dt.date, local_time: dt.time | None = None, reason: str = "") -> StandingException:
    """Rides on a date that the series does not have, e.g. an extra treatment."""
    order = get_locked(order_id)
    check_open(order)
    series = Series.read(order)
    today = clock.today(order.facility.time_zone)
    text = ""
    if on < max(today, order.start_on) or (order.end_on is not None and on > order.end_on):
        until = f" to {day_words(order.end_on)}" if order.end_on else ""
        text = f"Choose a date from {day_words(max(today, order.start_on))}{until}."
    elif _at(series, on) is not None or any(one.occurrence.moment_utc is not None for one in series.planned(on, on)):
        text = f"The series has {day_words(on)} already. Change that date instead."
    if text:
        raise DomainError(text, code="on", fields={"on": text})
    return _put(order, on, kind="added", local_time=local_time, reason=reason)


@transaction.atomic
def undo(*, exception_id: UUID) -> StandingException:
    """Let a date be as the series says again: a skipped ride is made anew, a moved one moves back. Repeatable."""
    row = StandingException.objects.filter(pk=exception_id).first()
    if row is None:
        raise DomainError("This change does not exist.", code="not_found")
    order = get_locked(row.order_id)
    row.refresh_from_db()
    if row.undone_at is not None:
        return row
    check_open(order)
    if row.on < clock.today(order.facility.time_zone):
        raise DomainError(f"{day_words(row.on)} is over. It stays as it was.", code="over")
    StandingException.objects.filter(pk=row.pk).update(undone_at=clock.now())
    row.refresh_from_db()
    _tell(order, row.on, "undone", row.reason)
    bring_in_line(order, asked=[row.on], reason="patient_request")
    return row


@transaction.atomic
def send(*, order_id: UUID, on: dt.date) -> int:
    """A person looked at drafts of this date (another ride near, another level advised): book them. Returns how many.

    A ride without a level takes the one that is advised for the patient as they are now.
    """
    order, _ = _open_date(order_id, on)
    sent = 0
    for row in rows_of(order, since=on):
        if row.on != on or row.request.status != "draft":
            continue
        detail = TransportDetail.objects.get(request=row.request)
        if not detail.level:
            detail.level, detail.level_confirmed_by_id = detail.level_advised, scoping.current().user_id
            detail.save(update_fields=["level", "level_confirmed_by_id"])
        alerts.resolve(["standing_conflict", "standing_level"], request=row.request)
        gates.confirm(row.request, changes={"human_edited": True}, details={"order": str(order.pk)})
        sent += 1
    return sent


@transaction.atomic
def book_again(*, order_id: UUID, on: dt.date) -> Made:
    """Rides of this date that were canceled are made anew. Repeatable."""
    order, _ = _open_date(order_id, on)
    gone = StandingRide.objects.filter(order=order, on=on, ended_at__isnull=True, request__status="canceled")
    if gone.update(ended_at=clock.now()):
        _tell(order, on, "booked_again", "")
    return bring_in_line(order, asked=[on])


def _put(
    order: StandingOrder,
    on: dt.date,
    *,
    kind: str,
    moved_to: dt.date | None = None,
    local_time: dt.time | None = None,
    edits: dict[str, Any] | None = None,
    reason: str = "",
    code: str = "patient_request",
) -> StandingException:
    scope = scoping.current()
    StandingException.objects.filter(order=order, on=on, undone_at__isnull=True).update(undone_at=clock.now())
    row = StandingException.objects.create(
        order=order,
        on=on,
        kind=kind,
        moved_to=moved_to,
        local_time=local_time,
        edits=edits or {},
        reason=reason.strip().rstrip(".")[:200],
        by_id=scope.user_id,
        by_name=scope.actor_label[:120],
    )
    bump(order)
    _tell(order, on, kind, reason)
    bring_in_line(order, asked=[on], reason=code)
    return row


def _open_date(order_id: UUID, on: dt.date) -> tuple[StandingOrder, Series]:
    """The locked order and its series, when ``on`` is one of its dates and still ahead."""
    order = get_locked(order_id)
    check_open(order)
    series = Series.read(order)
    if _at(series, on) is None:
        raise DomainError(f"The series has no {day_words(on)}.", code="no_date", fields={"on": "Not in the series."})
    if on < clock.today(order.facility.time_zone):
        raise DomainError(f"{day_words(on)} is over. It stays as it was.", code="over")
    if any(row.on == on and row.request.status in UNDER_WAY for row in rows_of(order, since=on)):
        raise DomainError(
            f"The rides of {day_words(on)} have begun. Change them on their trip's page.", code="under_way"
        )
    return order, series


def _at(series: Series, on: dt.date) -> Planned | None:
    return next((one for one in series.planned(on - MARGIN, on + 2 * MARGIN) if one.occurrence.on == on), None)


def _exception(order: StandingOrder, on: dt.date) -> StandingException | None:
    return StandingException.objects.filter(order=order, on=on, undone_at__isnull=True).first()


def _tell(order: StandingOrder, on: dt.date, what: str, reason: str) -> None:
    audit.record(
        action=f"standing_order.date_{what}",
        target=order,
        patient_id=order.patient_id,
        reason=reason,
        details={"on": on.isoformat()},
    )
    outbox.publish(
        "standing_order.date_changed",
        {"standing_order_id": str(order.pk), "patient_id": str(order.patient_id), "on": on.isoformat(), "what": what},
    )
