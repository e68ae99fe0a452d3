"""Authorizations as pages show them: counters, warnings, the rides that wait for one, and the history of uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Q

from logistics.core import clock
from logistics.requests.models import (
    Authorization,
    AuthorizationEvent,
    AuthorizationUse,
    Gate,
    TransportDetail,
)

WARN_SHARE = 0.8
WARN_DAYS = 14
SHOWN = ("requested", "affirmed", "partially_affirmed", "release_asked", "non_affirmed")
MOST = 200


@dataclass(frozen=True)
class Standing:
    """How far an authorization is used: counts of one-way trips; ``tone`` is empty, ``warn`` or ``bad``."""

    total: int
    used: int
    reserved: int
    left: int
    tone: str
    why: str

    @property
    def percent(self) -> int:
        """Taken of the total, 0 to 100."""
        return round(100 * (self.used + self.reserved) / self.total) if self.total else 0


@dataclass(frozen=True)
class Row:
    """An authorization with its counters."""

    row: Authorization
    standing: Standing


@dataclass(frozen=True)
class Waiting:
    """A ride that no authorized trip is left for."""

    gate: Gate
    detail: TransportDetail | None


@dataclass
class Board:
    """The list page."""

    warned: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)


def standing(row: Authorization, *, used: int, reserved: int, today: dt.date) -> Standing:
    """The counters of one authorization, with a warning from 80 % taken or 14 days before its end."""
    total = row.affirmed_qty
    left = max(total - used - reserved, 0)
    days = (row.ends_on - today).days
    tone, why = "", ""
    if row.status in Authorization.HOLDING:
        if days < 0:
            tone, why = "bad", "Ended"
        elif left == 0:
            tone, why = "bad", "No trip left"
        elif used + reserved >= total * WARN_SHARE:
            tone, why = "warn", f"{left} of {total} trips left"
        elif days <= WARN_DAYS:
            tone, why = "warn", "Ends today" if days == 0 else f"Ends in {days} day{'' if days == 1 else 's'}"
    return Standing(total, used, reserved, left, tone, why)


def counts_of(authorization_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """(used, reserved) by authorization. One query."""
    rows = (
        AuthorizationUse.objects.filter(authorization_id__in=list(authorization_ids))
        .values_list("authorization_id")
        .annotate(used=Count("id", filter=Q(state="used")), reserved=Count("id", filter=Q(state="reserved")))
        .order_by()
    )
    return {pk: (used, reserved) for pk, used, reserved in rows}


def with_counts(rows: Iterable[Authorization], today: dt.date) -> list[Row]:
    """Each with its counters. One query."""
    found = list(rows)
    counts = counts_of(row.pk for row in found)
    return [
        Row(row, standing(row, used=counts.get(row.pk, (0, 0))[0], reserved=counts.get(row.pk, (0, 0))[1], today=today))
        for row in found
    ]


def board(zone: str, *, over: bool = False) -> Board:
    """The list page: those in force or asked for (``over``: the others). Four queries."""
    today = clock.today(zone)
    rows = Authorization.objects.select_related("patient")
    past = Q(status__in=("released", "withdrawn")) | Q(ends_on__lt=today - dt.timedelta(days=30))
    rows = rows.filter(past) if over else rows.exclude(past)
    found = with_counts(rows.order_by("ends_on")[:MOST], today)
    gates = list(
        Gate.objects.filter(kind="authorization", state="open")
        .select_related("request__patient", "request__facility")
        .order_by("opened_at")[:MOST]
    )
    details = {
        detail.request_id: detail
        for detail in TransportDetail.objects.filter(request_id__in=[gate.request_id for gate in gates])
    }
    order = {"bad": 0, "warn": 1}
    return Board(
        warned=sorted((each for each in found if each.standing.tone), key=lambda each: order[each.standing.tone]),
        rows=found,
        waiting=[Waiting(gate, details.get(gate.request_id)) for gate in gates],
    )


def one(authorization_id: UUID, zone: str) -> tuple[Row, list[AuthorizationUse], list[AuthorizationEvent]] | None:
    """An authorization, its uses newest first and its history. Four queries."""
    row = Authorization.objects.select_related("patient").filter(pk=authorization_id).first()
    if row is None:
        return None
    uses = list(
        AuthorizationUse.objects.filter(authorization=row)
        .select_related("request")
        .order_by("-service_on", "-reserved_at")[:MOST]
    )
    events = list(AuthorizationEvent.objects.filter(authorization=row).order_by("-id")[:50])
    return with_counts([row], clock.today(zone))[0], uses, events
