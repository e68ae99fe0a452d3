"""The dates of a series: versions, single dates and closed days laid over each other, and what stands against them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from logistics.core import clock
from logistics.requests.models import (
    ClosedDay,
    ServiceRequest,
    StandingException,
    StandingOrder,
    StandingVersion,
)
from logistics.requests.services import authorizations, booking, holidays_calendar, recurrence
from logistics.requests.services.recurrence import Differs, Occurrence

# A holiday moves a chair by up to three days, a closed day by up to seven: so far before a window its dates begin.
MARGIN = dt.timedelta(days=8)


@dataclass(frozen=True)
class Planned:
    """One date with the version that asks for it and what a person changed of it."""

    occurrence: Occurrence
    version: StandingVersion
    exception: StandingException | None = None

    @property
    def edits(self) -> dict[str, Any]:
        """The date's own answers."""
        return dict(self.exception.edits or {}) if self.exception is not None else {}

    @property
    def directions(self) -> tuple[str, ...]:
        """The rides of this date."""
        return ("out", "back") if self.version.return_kind else ("out",)


@dataclass(frozen=True)
class Checked:
    """A planned date with what stands against it.

    ``conflicts`` are local times of the patient's other rides; ``certificate`` and ``units`` are words, empty when the
    ride needs none; ``unit_nos`` which authorized units its rides take (None: none is left for that ride).
    """

    planned: Planned
    pickup_at: dt.datetime | None
    back_at: dt.datetime | None
    conflicts: tuple[str, ...] = ()
    certificate: str = ""
    certified: bool = True
    units: str = ""
    unit_nos: tuple[int | None, ...] = ()

    @property
    def warns(self) -> bool:
        """Whether a person should look before the day."""
        return bool(self.conflicts) or not self.certified or None in self.unit_nos


@dataclass
class Series:
    """A standing order with everything that its dates depend on, read once."""

    order: StandingOrder
    versions: list[StandingVersion]
    exceptions: list[StandingException] = field(default_factory=list)
    closed_days: list[ClosedDay] = field(default_factory=list)

    @classmethod
    def read(cls, order: StandingOrder) -> Series:
        """From the database: three queries."""
        versions = list(
            StandingVersion.objects.filter(order=order, superseded_at__isnull=True)
            .select_related("place", "pickup_place")
            .order_by("from_on")
        )
        exceptions = list(StandingException.objects.filter(order=order, undone_at__isnull=True))
        places = {version.place_id for version in versions if version.place_id}
        return cls(order, versions, exceptions, list(ClosedDay.objects.filter(place_id__in=places)))

    def version_on(self, day: dt.date) -> StandingVersion:
        """The version that asks for ``day``; before the first, the first."""
        found = [version for version in self.versions if version.from_on <= day]
        return found[-1] if found else self.versions[0]

    def planned(self, first: dt.date, until: dt.date) -> list[Planned]:
        """Every date that takes place (or was to take place) from ``first`` to ``until``, in order."""
        order = self.order
        last = order.end_on or until + MARGIN
        zone = order.facility.time_zone
        own = {each.on: each for each in self.exceptions}
        found: list[Planned] = []
        for version, following in zip(self.versions, [*self.versions[1:], None], strict=True):
            begin = max(version.from_on, first - MARGIN)
            end = min(last, until + MARGIN, following.from_on - dt.timedelta(days=1) if following else dt.date.max)
            if end < begin:
                continue
            days = [row for row in self.closed_days if row.place_id == version.place_id]
            for each in recurrence.occurrences(
                version.rule,
                zone,
                version.local_time,
                order.start_on,
                end,
                [_differs(row) for row in self.exceptions if begin <= row.on <= end],
                closures=holidays_calendar.merged(begin, end, days),
                holiday_rule=version.holiday_rule,
                first=begin,
            ):
                if first <= each.day <= until:
                    found.append(Planned(each, version, own.get(each.on)))
        return sorted(found, key=lambda one: (one.occurrence.day, one.occurrence.on))

    def next(self, now: dt.datetime, *, days: int = 42) -> Planned | None:
        """The next date that takes place, looking ``days`` ahead."""
        today = clock.local(now, self.order.facility.time_zone).date()
        for one in self.planned(max(today, self.order.start_on), max(today, self.order.start_on) + dt.timedelta(days)):
            if one.occurrence.moment_utc is not None and one.occurrence.moment_utc > now:
                return one
        return None


def _differs(row: StandingException) -> Differs:
    return Differs(row.on, row.kind, row.moved_to, row.local_time, f"{row.reason}." if row.reason else "")


def times(one: Planned) -> tuple[dt.datetime | None, dt.datetime | None]:
    """(pickup, ride back) of a date; None where there is none."""
    moment = one.occurrence.moment_utc
    if moment is None:
        return None, None
    version = one.version
    lead = dt.timedelta(minutes=version.lead_minutes) if version.timing == "arrive" else dt.timedelta()
    back = moment + dt.timedelta(minutes=version.return_minutes or 0) if version.return_kind else None
    return moment - lead, back


def checked(series: Series, first: dt.date, until: dt.date) -> list[Checked]:
    """The dates with rides that the patient has already beside them, certificates and authorized units.

    A fixed number of queries, whatever the length of the window.
    """
    plan = series.planned(first, until)
    others = rides_beside(series.order.patient_id, apart_from=series.order.pk)
    zone = series.order.facility.time_zone
    needed = _ahead(series.order, plan)
    found = []
    for one in plan:
        pickup_at, back_at = times(one)
        clashes = tuple(
            f"{clock.local(at, zone):%H:%M}" for at in others for own in (pickup_at, back_at) if near(at, own)
        )
        legs = needed.get((one.occurrence.on, one.occurrence.day), [])
        governed = [leg for leg in legs if leg.governed]
        verdict = legs[0].certificate if legs else None
        asked = verdict is not None and verdict.code != "not_needed"
        found.append(
            Checked(
                one,
                pickup_at,
                back_at,
                conflicts=tuple(dict.fromkeys(clashes)),
                certificate=verdict.words if verdict is not None and asked else "",
                certified=verdict is None or verdict.ok,
                units=", ".join(leg.words for leg in governed),
                unit_nos=tuple(leg.unit_no for leg in governed),
            )
        )
    return found


def _ahead(order: StandingOrder, plan: Sequence[Planned]) -> dict[tuple[dt.date, dt.date], list[authorizations.Ahead]]:
    """For each date the verdicts of its one-way rides. Versions of one level and payer are asked about together."""
    groups: dict[tuple[str, str], list[Planned]] = {}
    for one in plan:
        if one.occurrence.moment_utc is not None:
            payer = str(one.version.template.get("payer_name") or order.patient.payer_name)
            groups.setdefault((one.version.level, payer), []).append(one)
    found: dict[tuple[dt.date, dt.date], list[authorizations.Ahead]] = {}
    for (level, payer), members in groups.items():
        legs = [one for one in members for _ in one.directions]
        days = [one.occurrence.day for one in legs]
        answered = authorizations.ahead(order.patient_id, days, level=level, payer_name=payer)
        for one, leg in zip(legs, answered, strict=True):
            found.setdefault((one.occurrence.on, one.occurrence.day), []).append(leg)
    return found


def rides_beside(patient_id: UUID, *, apart_from: UUID) -> list[dt.datetime]:
    """When the patient's other rides are: those that are booked and not over, of no date of this series. One query."""
    return [at for at, _ in _beside(patient_id, apart_from)]


def _beside(patient_id: UUID, apart_from: UUID) -> Iterable[tuple[dt.datetime, UUID]]:
    rides = ServiceRequest.objects.filter(patient_id=patient_id, kind="transport", status__in=booking.OPEN)
    rides = rides.exclude(standing_rides__order_id=apart_from)
    rides = rides.annotate(at=Coalesce(F("transport_rows__pickup_at"), F("transport_rows__ready_expected_at")))
    return rides.filter(Q(at__isnull=False)).order_by("at").values_list("at", "pk")


def near(at: dt.datetime, own: dt.datetime | None) -> bool:
    """Whether two rides of one patient are so near that one of them is probably the other."""
    return own is not None and abs(at - own) < booking.SAME_RIDE


def unsaved(order: StandingOrder, versions: Sequence[StandingVersion]) -> Series:
    """A series that is not kept yet, for a preview. One query."""
    places = {version.place_id for version in versions if version.place_id}
    return Series(order, list(versions), [], list(ClosedDay.objects.filter(place_id__in=places)))
