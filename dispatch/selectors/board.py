"""The case manager's board: which trips, in what order, and what each row says. A fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Prefetch, Q, Subquery

from dispatch.models import Leg, Offer, Trip
from dispatch.selectors import journeys
from dispatch.selectors.delay import ON_TIME_MINUTES, Delay, chip_of, delay_of
from dispatch.selectors.journeys import Journey
from dispatch.states import TRIP
from logistics.accounts.models import Unit
from logistics.core import clock
from logistics.core.levels import LEVELS
from logistics.requests.models import TransportDetail
from logistics.requests.selectors.identity import born_on, years
from logistics.requests.selectors.requests import destination_name, pickup_name

VIEWS = {
    "today": "Today, my units",
    "late": "Late or at risk",
    "will_call": "Will call",
    "tomorrow": "Tomorrow",
    "drafts": "Drafts",
}
SORTS = ("urgency", "pickup", "vendor", "level", "status")
# Weight of what waits behind the delay: a procedure at a fixed time cannot move (design: one line per kind of place).
# What is read of each row. A full day has hundreds, and most of the time of a page would go into columns unseen.
DAY_FIELDS = ("number", "status", "level", "when", "pickup_at", "is_ready", "eta_at", "unit")
LEG_FIELDS = ("trip", "sequence", "status", "minutes", "picked_up_at", "dropped_off_at")
UNSEEN_OF_PATIENT = ("middle_name", "phone", "address", "mrn", "language", "weight_at", "payer_name", "chart")
OFFER_FIELDS = ("trip", "round", "rank", "status", "expires_at", "vendor__short_name")
PROCEDURE_KINDS = {"dialysis": 3, "clinic": 3}


@dataclass(frozen=True)
class Filters:
    """What the query string asks for; unknown values count as not given."""

    view: str = "today"
    unit: str = ""
    status: str = ""
    level: str = ""
    sort: str = "urgency"
    down: bool = False
    patients: tuple[UUID, ...] = ()

    @classmethod
    def read(cls, query: Any) -> Filters:
        """From a ``QueryDict``."""
        sort = query.get("sort", "")
        name = sort.removeprefix("-")
        patients = []
        for text in query.getlist("patient")[:20]:
            try:
                patients.append(UUID(text))
            except ValueError:
                continue
        return cls(
            view=query.get("view") if query.get("view") in VIEWS else "today",
            unit=query.get("unit", ""),
            status=query.get("status") if query.get("status") in TRIP.statuses else "",
            level=query.get("level") if query.get("level") in LEVELS else "",
            sort=name if name in SORTS else "urgency",
            down=sort.startswith("-") and name in SORTS,
            patients=tuple(patients),
        )

    @property
    def narrowed(self) -> bool:
        """Whether anything but the view was asked for."""
        return bool(self.unit or self.status or self.level or self.patients)


@dataclass(frozen=True)
class Light:
    """What ordering and counting need of a trip."""

    id: UUID
    trip: Trip
    leg_status: str
    picked_up_at: dt.datetime | None
    vendor_name: str
    delay: Delay


@dataclass
class Day:
    """All trips of the units that any view may show, in memory: one query, no names."""

    rows: list[Light] = field(default_factory=list)
    now: dt.datetime = field(default_factory=clock.now)
    start: dt.datetime = field(default_factory=clock.now)
    end: dt.datetime = field(default_factory=clock.now)
    tomorrow_end: dt.datetime = field(default_factory=clock.now)

    def view(self, name: str) -> list[Light]:
        """The rows of a saved view."""
        rows = self.rows
        if name == "late":
            return [row for row in rows if row.delay.kind or row.trip.status == "exhausted"]
        if name == "will_call":
            return [row for row in rows if row.trip.when == "ready" and not row.trip.is_ready and _open(row)]
        if name == "tomorrow":
            return [row for row in rows if self.end <= row.trip.pickup_at < self.tomorrow_end]
        if name == "drafts":
            return []
        # Today is what is picked up today, and whatever is still open from before.
        return [row for row in rows if row.trip.pickup_at < self.end]

    def pick(self, filters: Filters) -> list[Light]:
        """The rows that the filters leave, in the order asked for."""
        rows = [
            row
            for row in self.view(filters.view)
            if (not filters.unit or str(row.trip.unit_id) == filters.unit)
            and (not filters.status or row.trip.status == filters.status)
            and (not filters.level or row.trip.level == filters.level)
        ]
        keys = {
            "urgency": self._urgency,
            "pickup": lambda row: (row.trip.pickup_at,),
            "vendor": lambda row: (not row.vendor_name, row.vendor_name.lower(), row.trip.pickup_at),
            "level": lambda row: (LEVELS[row.trip.level].order, row.trip.pickup_at),
            "status": lambda row: (list(TRIP.statuses).index(row.trip.status), row.trip.pickup_at),
        }
        return sorted(rows, key=lambda row: (*keys[filters.sort](row), row.trip.number), reverse=filters.down)

    def _urgency(self, row: Light) -> tuple[Any, ...]:
        """Exceptions first by minutes, then what is open by time, then what is over, newest first."""
        if row.delay.kind == "late" or row.trip.status == "exhausted":
            return (0, -row.delay.minutes, row.trip.pickup_at)
        if row.delay.kind == "at_risk":
            return (1, -row.delay.minutes, row.trip.pickup_at)
        if _open(row):
            return (2, 0, row.trip.pickup_at)
        return (3, 0, self.end + (self.end - row.trip.pickup_at))

    def figures(self) -> dict[str, Any]:
        """Today so far: on-time pickups (``on_time`` of ``n``) and minutes from the asked time, each with its n."""
        done = [row for row in self.view("today") if row.picked_up_at is not None and row.picked_up_at >= self.start]
        waits = [int((row.picked_up_at - row.trip.pickup_at).total_seconds() // 60) for row in done if row.picked_up_at]
        ready = [
            int((row.picked_up_at - row.trip.pickup_at).total_seconds() // 60)
            for row in done
            if row.picked_up_at and row.trip.when == "ready"
        ]
        return {
            "n": len(done),
            "on_time": sum(wait <= ON_TIME_MINUTES for wait in waits),
            "wait_minutes": max(0, round(median(waits))) if waits else None,
            "ready_n": len(ready),
            "ready_minutes": max(0, round(median(ready))) if ready else None,
            "completed": sum(row.trip.status == "completed" for row in self.view("today")),
        }


@dataclass(frozen=True)
class Row:
    """One trip as the table, the handoff and the export show it."""

    trip: Trip
    patient: str
    patient_note: str
    bed: str
    to: str
    to_kind: str
    level: str
    level_icon: str
    vendor: str
    vendor_note: str
    chip: dict[str, str]
    delay: Delay
    leg_status: str
    when_note: str
    next_step: str
    journey: Journey | None = None

    @property
    def journey_note(self) -> str:
        """The rides that go with it: ``Return: 15:00, secured by Tamarack``."""
        others = self.journey.others(self.trip.request_id) if self.journey else []
        return "; ".join(ride.words for ride in others if not ride.is_off)


def trip_day(units: Sequence[Unit], *, patients: Sequence[UUID] = (), now: dt.datetime | None = None) -> Day:
    """Trips of these units that are open, or picked up today or tomorrow. One query."""
    now = now or clock.now()
    zone = units[0].facility.time_zone if units else "UTC"
    today = clock.local(now, zone).date()
    start, end = clock.day_bounds(today, zone)
    _, tomorrow_end = clock.day_bounds(today + dt.timedelta(days=1), zone)
    first = Leg.objects.filter(trip=OuterRef("pk")).order_by("sequence")
    trips = (
        Trip.objects.filter(unit_id__in=[unit.pk for unit in units])
        .filter(
            Q(pickup_at__gte=start, pickup_at__lt=tomorrow_end)
            | (Q(pickup_at__lt=start) & ~Q(status__in=TRIP.final))
            | (Q(when="ready", is_ready=False) & ~Q(status__in=TRIP.final))
        )
        .exclude(status="canceled")
        .annotate(
            leg_status=Subquery(first.values("status")[:1]),
            picked_up_at=Subquery(first.values("picked_up_at")[:1]),
            vendor_name=F("vendor__short_name"),
        )
        .only(*DAY_FIELDS)
    )
    if patients:
        trips = trips.filter(request__patient_id__in=patients)
    rows = [
        Light(
            id=trip.pk,
            trip=trip,
            leg_status=trip.leg_status or "",
            picked_up_at=trip.picked_up_at,
            vendor_name=trip.vendor_name or "",
            delay=delay_of(trip, trip.leg_status or "", now),
        )
        for trip in trips
    ]
    return Day(rows, now, start, end, tomorrow_end)


def trip_rows(light: Sequence[Light], *, now: dt.datetime, zone: str) -> list[Row]:
    """The full rows of one page, in the given order. Four queries, six when rides of journeys are among them."""
    ids = [row.id for row in light]
    if not ids:
        return []
    trips = Trip.objects.filter(pk__in=ids).select_related("vendor", "request__patient", "request__encounter__bed")
    trips = trips.defer(*(f"request__patient__{name}" for name in UNSEEN_OF_PATIENT), "request__encounter__fact_times")
    trips = trips.prefetch_related(
        Prefetch("legs", queryset=Leg.objects.order_by("sequence").only(*LEG_FIELDS)),
        # Who was asked matters until somebody took the trip: on a full day that is one trip in five.
        Prefetch(
            "offers",
            queryset=Offer.objects.filter(trip__vendor=None)
            .select_related("vendor")
            .order_by("round", "rank")
            .only(*OFFER_FIELDS),
        ),
        Prefetch(
            "request__transport_rows",
            queryset=TransportDetail.objects.select_related("place", "pickup_place"),
            to_attr="details",
        ),
    )
    found = {trip.pk: trip for trip in trips}
    together = journeys.of_requests(trip.request_id for trip in found.values() if trip.request.journey_id)
    return [
        _row(found[pk], journey=together.get(found[pk].request_id), now=now, zone=zone) for pk in ids if pk in found
    ]


def trip_of_request(request_id: UUID) -> int | None:
    """The number of a request's live trip, or None while it has none."""
    return (
        Trip.objects.filter(request_id=request_id)
        .exclude(status="canceled")
        .order_by("-created_at")
        .values_list("number", flat=True)
        .first()
    )


def weight_of(row: Row) -> int:
    """How much a minute of delay counts: a procedure at a fixed time three times."""
    return PROCEDURE_KINDS.get(row.to_kind, 1)


def _open(row: Light) -> bool:
    return row.trip.status not in TRIP.final


def _row(trip: Trip, *, journey: Journey | None, now: dt.datetime, zone: str) -> Row:
    patient = trip.request.patient
    detail: TransportDetail | None = next(iter(trip.request.details), None)  # type: ignore[attr-defined]
    leg = next(iter(trip.legs.all()), None)
    leg_status = leg.status if leg else ""
    delay = delay_of(trip, leg_status, now)
    born = born_on(patient)
    age = str(years(born, clock.local(now, zone).date())) if born else ""
    encounter = trip.request.encounter
    bed = encounter.bed.label if encounter and encounter.bed else (detail.pickup_bed_label if detail else "")
    # A ride that begins elsewhere is not looked for at a bed.
    bed = pickup_name(detail) or bed
    vendor, vendor_note = _vendor(trip, leg, now, zone)
    return Row(
        trip=trip,
        patient=patient.display_name,
        patient_note=" · ".join(part for part in (bed, " ".join(x for x in (age, patient.sex) if x)) if part),
        bed=bed,
        to=destination_name(detail),
        to_kind=detail.place.kind if detail and detail.place else "",
        level=LEVELS[trip.level].label,
        level_icon=LEVELS[trip.level].icon,
        vendor=vendor,
        vendor_note=vendor_note,
        chip=journeys.confirmed_chip(chip_of(trip, leg_status, now), trip, journey),
        delay=delay,
        leg_status=leg_status,
        when_note=_when(trip, leg, delay, now, zone),
        next_step=_next_step(trip, delay) or _secure(trip, journey),
        journey=journey,
    )


def _vendor(trip: Trip, leg: Leg | None, now: dt.datetime, zone: str) -> tuple[str, str]:
    if trip.vendor is not None:
        if leg is not None and leg.dropped_off_at is not None:
            return trip.vendor.name, f"Arrived {clock.local(leg.dropped_off_at, zone):%H:%M}"
        if leg is not None and leg.picked_up_at is not None:
            arrives = leg.picked_up_at + dt.timedelta(minutes=leg.minutes)
            return trip.vendor.name, f"Arrives {clock.local(max(arrives, now), zone):%H:%M}"
        if trip.eta_at is not None:
            return trip.vendor.name, f"ETA {clock.local(trip.eta_at, zone):%H:%M}"
        return trip.vendor.name, "Confirmed"
    last_round = max((offer.round for offer in trip.offers.all()), default=0)
    offers = [offer for offer in trip.offers.all() if offer.round == last_round]
    asked = [offer for offer in offers if offer.status not in ("waiting", "withdrawn")]
    if trip.status == "offering" and asked:
        due = next((offer.expires_at for offer in asked if offer.status == "open"), None)
        note = f"Reply due {clock.local(due, zone):%H:%M}" if due else ""
        return f"Asking {asked[-1].vendor.short_name}, {len(asked)} of {len(offers)}", note
    if trip.status == "exhausted":
        return "Nobody left to ask", f"{len(asked)} asked" if asked else "No vendor fits"
    return "Finding a vendor", ""


def _when(trip: Trip, leg: Leg | None, delay: Delay, now: dt.datetime, zone: str) -> str:
    if leg is not None and leg.dropped_off_at is not None:
        return f"arrived {clock.local(leg.dropped_off_at, zone):%H:%M}"
    if leg is not None and leg.picked_up_at is not None:
        return f"on board {clock.local(leg.picked_up_at, zone):%H:%M}"
    if trip.when == "ready" and not trip.is_ready:
        return f"expected {clock.local(trip.pickup_at, zone):%H:%M}"
    minutes = int((trip.pickup_at - now).total_seconds() // 60)
    if delay.kind == "late":
        return f"{words(delay.minutes)} late"
    return f"in {words(minutes)}" if minutes >= 0 else f"{words(-minutes)} ago"


def words(minutes: int) -> str:
    """``14 min``, ``1 h 18 min``, ``2 d``."""
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def _next_step(trip: Trip, delay: Delay) -> str:
    if trip.status == "exhausted":
        return "Call a vendor or change it"
    if trip.status == "held":
        return "Decide: go on or cancel"
    if trip.when == "ready" and not trip.is_ready and trip.status not in TRIP.final:
        return "Say when ready"
    if delay.kind == "late":
        return "Call vendor or wait"
    if delay.kind == "at_risk":
        return "Watch" if trip.vendor_id else "Vendor is missing"
    return ""


def _secure(trip: Trip, journey: Journey | None) -> str:
    waits = journey is not None and trip.status not in TRIP.final and not journey.secured(trip.request_id)
    return "Secure the return" if waits else ""
