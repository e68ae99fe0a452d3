"""Rides of a journey that go to one vendor: offered in one question, answered with one yes or no.

The first ride's offer leads; every other ride has an offer of its own to the same vendor that names it (``lead``), so
that each trip keeps its own history and the vendor's role reaches every row that it takes. Only the leading offer is
answered. When one of the rides changes, is canceled or comes later, what was asked of all is withdrawn and they are
matched together again (:func:`regroup`). Trips are always locked in the order of their ids.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from dispatch.models import Offer, Trip
from dispatch.services.transitions import offer_to, trip_to
from logistics.core import audit, clock
from logistics.core.errors import DomainError, IllegalMove
from logistics.requests.models import Journey, ServiceRequest

LOOKING = ("matching", "offering", "exhausted")
# Rides booked together open one after the other: so long the first waits for the others before vendors are asked.
TOGETHER_SECONDS = 60
ONE_VENDOR = Q(request__journey__same_vendor=True) | Q(request__journey__kind="wait_return")


def lock(trip_ids: Iterable[UUID]) -> dict[UUID, Trip]:
    """These trips by id, locked in the order of their ids."""
    return {trip.pk: trip for trip in Trip.objects.select_for_update().filter(pk__in=list(trip_ids)).order_by("pk")}


def sets_of(trips: Iterable[Trip]) -> list[list[Trip]]:
    """Trips that look for a vendor, as what is decided together: rides for one vendor in their order, others alone."""
    rows = list(trips)
    together = {
        trip_id: (journey_id, order)
        for trip_id, journey_id, order in Trip.objects.filter(
            ONE_VENDOR, pk__in=[trip.pk for trip in rows]
        ).values_list("pk", "request__journey_id", "request__journey_order")
    }
    groups: dict[UUID, list[Trip]] = defaultdict(list)
    for trip in rows:
        groups[together.get(trip.pk, (trip.pk, 0))[0]].append(trip)
    for group in groups.values():
        group.sort(key=lambda trip: (together.get(trip.pk, (trip.pk, 0))[1], str(trip.pk)))
    return list(groups.values())


def waiting_for_others(trips: Iterable[Trip]) -> set[UUID]:
    """Of these trips those that wait a moment: a ride that goes with them was booked just now and is not open yet, or
    is still asked about in a question that is being withdrawn."""
    rows = list(trips)
    mine = {
        trip.pk: journey_id for trip, journey_id in zip(rows, _journeys(rows), strict=True) if journey_id is not None
    }
    if not mine:
        return set()
    since = clock.now() - dt.timedelta(seconds=TOGETHER_SECONDS)
    unopened = ServiceRequest.objects.filter(journey_id__in=set(mine.values()), status="requested")
    unopened = unopened.filter(requested_at__gte=since).exclude(trips__status__in=[*LOOKING, "held", "accepted"])
    asked = Trip.objects.filter(request__journey_id__in=set(mine.values()), status="offering", vendor=None)
    busy = set(unopened.values_list("journey_id", flat=True)) | set(asked.values_list("request__journey_id", flat=True))
    return {trip_id for trip_id, journey_id in mine.items() if journey_id in busy}


def partner_of(trips: Iterable[Trip]) -> dict[UUID, UUID]:
    """Trip id → the vendor that has another ride of the same one-vendor journey: it is asked first."""
    rows = list(trips)
    mine = {trip.pk: journey for trip, journey in zip(rows, _journeys(rows), strict=True) if journey is not None}
    taken = Trip.objects.filter(request__journey_id__in=set(mine.values()), vendor__isnull=False)
    vendors = dict(
        taken.exclude(status="canceled").order_by("accepted_at").values_list("request__journey_id", "vendor_id")
    )
    return {trip_id: vendors[journey_id] for trip_id, journey_id in mine.items() if journey_id in vendors}


def lead_trip_id(trip_id: UUID) -> UUID:
    """The trip whose offers answer for this one: itself, or the first ride of its bundle."""
    led = Offer.objects.filter(trip_id=trip_id, status__in=["waiting", "open"], lead__isnull=False)
    return led.values_list("lead__trip_id", flat=True).first() or trip_id


def followers_of(trip_id: UUID) -> set[UUID]:
    """The trips that this one's waiting and open offers answer for as well."""
    led = Offer.objects.filter(lead__trip_id=trip_id, status__in=["waiting", "open"])
    return set(led.values_list("trip_id", flat=True))


@transaction.atomic
def regroup_of(trip_id: UUID) -> int:
    """:func:`regroup` for the journey of one trip; 0 for a trip without. Staff scope."""
    journey_id = ServiceRequest.objects.filter(trips=trip_id).values_list("journey_id", flat=True).first()
    return regroup(journey_id) if journey_id else 0


@transaction.atomic
def regroup(journey_id: UUID) -> int:
    """Bring the rides of a journey that look for a vendor into step: asked about together, as they now are.

    Where they are not, everything asked is withdrawn and all are matched anew. Returns how many trips were moved.
    Repeatable; staff scope.
    """
    journey = Journey.objects.filter(pk=journey_id).first()
    if journey is None:
        return 0
    together = journey.same_vendor or journey.kind == "wait_return"
    looking = list(Trip.objects.filter(request__journey_id=journey_id, vendor=None, status__in=LOOKING))
    if all(_in_step(group) for group in _groups(looking, together=together)):
        return 0  # the usual answer, and nobody waits for a lock
    locked = [trip for trip in lock(trip.pk for trip in looking).values() if trip.vendor_id is None]
    members = [trip for trip in locked if trip.status in LOOKING]
    return sum(_again(group) for group in _groups(members, together=together) if not _in_step(group))


def _groups(trips: list[Trip], *, together: bool) -> list[list[Trip]]:
    if together:
        return [trips] if trips else []
    return [[trip] for trip in trips]


@transaction.atomic
def regroup_all() -> int:
    """:func:`regroup` for every journey with a ride that looks for a vendor (what an event did not reach)."""
    looking = Trip.objects.filter(status__in=LOOKING, vendor=None, request__journey__isnull=False)
    ids = sorted(set(looking.values_list("request__journey_id", flat=True)), key=str)
    return sum(regroup(journey_id) for journey_id in ids)


@transaction.atomic
def split(trip_id: UUID) -> int:
    """Let the rides of a round trip be offered apart: any vendor may take any. Staff scope.

    A vehicle that waits cannot be two: there ``IllegalMove``.
    """
    request = ServiceRequest.objects.select_related("journey").filter(trips=trip_id).first()
    if request is None or request.journey is None:
        raise DomainError("This trip stands alone.", code="no_journey")
    if request.journey.kind == "wait_return":
        raise IllegalMove("The vehicle waits and brings the patient back: one vendor does both.", code="wait_return")
    Journey.objects.filter(pk=request.journey.pk).update(same_vendor=False)
    audit.record(action="journey.split", target=request.journey, patient_id=request.patient_id)
    return regroup(request.journey.pk)


def _in_step(group: list[Trip]) -> bool:
    ids = {trip.pk for trip in group}
    statuses = {trip.status for trip in group}
    if len(statuses) > 1:
        return False
    if statuses != {"offering"}:
        return True
    asked = ["waiting", "open"]
    # A ride along whose own offer is over still stands in the brief: then the question is not about what is left.
    offers = Offer.objects.filter(Q(trip__in=ids, status__in=asked) | Q(lead__trip__in=ids, lead__status__in=asked))
    covers: dict[UUID, set[UUID]] = defaultdict(set)
    for offer in offers:
        covers[offer.lead_id or offer.pk].add(offer.trip_id)
    return bool(covers) and all(covered == ids for covered in covers.values())


def _again(group: list[Trip]) -> int:
    reason = "The rides that go together changed"
    moved = 0
    for trip in group:
        for offer in Offer.objects.select_for_update(of=("self",)).filter(trip=trip, status__in=["waiting", "open"]):
            offer_to(offer, "withdrawn", source="engine", reason=reason)
        if trip.status != "matching":
            trip_to(trip, "matching", source="engine", reason=reason)
            moved += 1
    return moved


def _journeys(rows: list[Trip]) -> list[UUID | None]:
    """The one-vendor journey of each of these trips, in their order, None without one. One query."""
    found = dict(
        Trip.objects.filter(ONE_VENDOR, pk__in=[trip.pk for trip in rows]).values_list("pk", "request__journey_id")
    )
    return [found.get(trip.pk) for trip in rows]


__all__ = [
    "followers_of",
    "lead_trip_id",
    "lock",
    "partner_of",
    "regroup",
    "regroup_all",
    "regroup_of",
    "sets_of",
    "split",
]
