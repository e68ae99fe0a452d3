"""Offers: sent one after another, answered by the vendor, expired by the clock, given back after acceptance.

A vendor answers in a crossing scope (``Scope.crossing``), which reaches the offer, the trip and its legs and no row of
a patient. The trip's row is locked first, so that of many who accept at once one wins and the others are told.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction

from dispatch import policies, states
from dispatch.models import Leg, Offer, Passenger, Trip
from dispatch.services import bundles, trips
from dispatch.services.transitions import offer_to, trip_to
from logistics.core import clock, scoping
from logistics.core.errors import DomainError, IllegalMove, NotAllowed, StaleState
from logistics.requests.services import alerts
from vendors.models import Network

GONE = "Another vendor took this trip. Nothing is left to do."


@transaction.atomic
def send_next(trip_id: UUID) -> Offer | None:
    """Ask the next vendor of the current round; with nobody left the trip is ``exhausted`` and an alert tells so.

    Does nothing while a vendor is still asked, or when the trip no longer looks for one. Returns the open offer, the
    leading one where rides are asked about together. Publishes ``offer.sent``. Staff scope.
    """
    lead = bundles.lead_trip_id(trip_id)
    locked = bundles.lock({trip_id, lead} | bundles.followers_of(lead))
    return send_next_of(locked[lead]) if lead in locked else None


def send_next_of(trip: Trip) -> Offer | None:
    """:func:`send_next` for a trip that the caller has locked, with those that are asked about together with it."""
    if trip.status not in ("matching", "offering", "exhausted"):
        return None
    open_offer = Offer.objects.filter(trip=trip, status="open").first()
    if open_offer is not None:
        return open_offer
    together = list(Trip.objects.filter(pk__in=bundles.followers_of(trip.pk)).order_by("pk"))
    for offer in _waiting(trip):
        if not _may_be_asked(offer, trip):
            for row in [offer, *_followers(offer, "waiting")]:
                offer_to(row, "withdrawn", source="engine", reason="The vendor may not be asked any more")
            continue
        _open(offer, trip, together, source="engine")
        return offer
    for each in [trip, *together]:
        exhaust(each, "Every vendor that could come was asked.")
    return None


@transaction.atomic
def broadcast(trip_id: UUID) -> int:
    """Ask every waiting vendor at once; the first answer wins. Returns how many are asked. Staff scope."""
    lead = bundles.lead_trip_id(trip_id)
    locked = bundles.lock({trip_id, lead} | bundles.followers_of(lead))
    trip = locked.get(lead) or trips.get_locked(trip_id)
    if trip.status not in ("matching", "offering", "exhausted"):
        raise IllegalMove("This trip does not look for a vendor now.", code="not_offering")
    together, sent = [row for row in locked.values() if row.pk != trip.pk], 0
    for offer in _waiting(trip):
        if _may_be_asked(offer, trip):
            _open(offer, trip, together, source="user", reason="Asked at once")
            sent += 1
    return sent


def _waiting(trip: Trip) -> list[Offer]:
    """The offers of this trip that are not sent yet and that lead, in the order of asking."""
    rows = Offer.objects.select_for_update(of=("self",)).filter(trip=trip, status="waiting", lead=None)
    return list(rows.order_by("round", "rank"))


def _followers(offer: Offer, status: str) -> list[Offer]:
    """The offers for further rides that this one answers for."""
    rows = Offer.objects.select_for_update(of=("self",)).filter(lead=offer, status=status)
    return list(rows.order_by("trip_id"))


def _open(offer: Offer, trip: Trip, together: list[Trip], *, source: str, reason: str = "") -> None:
    """Ask one vendor about a trip and the rides that go with it."""
    now = clock.now()
    ends = policies.expiry(now, offer.response_minutes, trip.pickup_at, trip.pickup_latest_at)
    for row in [offer, *_followers(offer, "waiting")]:
        offer_to(row, "open", source=source, reason=reason, changes={"sent_at": now, "expires_at": ends})
    for each in [trip, *together]:
        if each.status != "offering":
            trip_to(each, "offering", source=source, reason=reason)


def exhaust(trip: Trip, reason: str) -> None:
    """Nobody is left to ask: the trip says so, and an alert wants a person. Staff scope, trip locked."""
    if trip.status == "exhausted":
        return
    trip_to(trip, "exhausted", source="engine", reason=reason)
    alerts.raise_alert(
        "exhausted",
        "top",
        request=trip.request,
        params={
            "trip": trip.number,
            "trip_id": str(trip.pk),
            "declined": Offer.objects.filter(trip=trip, status="declined").count(),
            "expired": Offer.objects.filter(trip=trip, status="expired").count(),
        },
    )


@transaction.atomic
def accept(offer_id: UUID, *, eta_at: dt.datetime | None = None, source: str = "user") -> Trip:
    """The vendor takes the trip. Returns it, now open to the vendor; the same again for the vendor that has it.

    ``eta_at`` is the pickup time that the vendor promises, else the one the engine planned. Vendor scope. Raises
    ``StaleState`` saying what happened: expired, answered before, or taken by another vendor.
    """
    offer = _own_offer(offer_id)
    with scoping.enter(scoping.current().crossing(offer.tenant_id)):
        return _accept(offer, eta_at=eta_at, source=source, reason="")


@transaction.atomic
def accept_for(offer_id: UUID, *, reason: str, eta_at: dt.datetime | None = None) -> Trip:
    """Staff enter the yes of a vendor that answered by phone; ``reason`` says who said so. Staff scope."""
    return _accept(_staff_offer(offer_id, reason), eta_at=eta_at, source="operator", reason=reason)


@transaction.atomic
def decline(offer_id: UUID, *, code: str, note: str = "", source: str = "user") -> Offer:
    """The vendor says no; ``code`` is a key of ``states.DECLINE_REASONS``. Repeatable. Vendor scope."""
    policies.check_decline_code(code)
    offer = _own_offer(offer_id)
    with scoping.enter(scoping.current().crossing(offer.tenant_id)):
        return _decline(offer, code=code, note=note, source=source)


@transaction.atomic
def decline_for(offer_id: UUID, *, code: str, reason: str) -> Offer:
    """Staff enter the no of a vendor that answered by phone. Staff scope."""
    policies.check_decline_code(code)
    return _decline(_staff_offer(offer_id, reason), code=code, note=reason, source="operator")


@transaction.atomic
def expire_due() -> int:
    """Expire open offers whose time is over. Returns how many. Staff scope; what follows hears ``offer.expired``."""
    due = Offer.objects.filter(status="open", expires_at__lte=clock.now()).order_by("trip_id", "pk")
    expired = 0
    # Several trips are locked in the order of their ids, here and in matching, so that none waits for the other.
    for offer_id, trip_id in list(due.values_list("pk", "trip_id")):
        # The order of locks is trip, then offer: an acceptance at the last second keeps to it too.
        Trip.objects.select_for_update().get(pk=trip_id)
        offer = Offer.objects.select_for_update().get(pk=offer_id)
        if offer.status == "open" and offer.expires_at and offer.expires_at <= clock.now():
            offer_to(offer, "expired", source="engine", reason="No answer in time")
            expired += 1
    return expired


@transaction.atomic
def turn_back(trip_id: UUID, *, code: str, note: str = "", source: str = "user") -> None:
    """The vendor gives an accepted trip back; it is matched again without this vendor. Vendor scope.

    ``code`` is a key of ``states.DECLINE_REASONS``. Refused once the patient is on board.
    """
    policies.check_decline_code(code)
    scope = scoping.current()
    known = Trip.objects.filter(pk=trip_id, vendor_id=scope.vendor_id).first()
    if known is None:
        raise DomainError("This trip does not exist.", code="not_found")
    with scoping.enter(scope.crossing(known.tenant_id)):
        _turn_back(trips.get_locked(trip_id), code=code, note=note, source=source)


@transaction.atomic
def turn_back_for(trip_id: UUID, *, code: str, reason: str) -> None:
    """Staff take a trip back from its vendor (it called, or it does not move). Staff scope."""
    policies.check_decline_code(code)
    _need_reason(reason)
    _turn_back(trips.get_locked(trip_id), code=code, note=reason, source="operator")


@transaction.atomic
def withdraw_others(trip_id: UUID) -> int:
    """Withdraw the offers that an acceptance made pointless. Returns how many. Staff scope."""
    trip = trips.get_locked(trip_id)
    if trip.vendor_id is None:
        return 0
    return trips.withdraw_offers(trip, reason="Another vendor accepted")


@transaction.atomic
def start_over(trip_id: UUID, *, reason: str) -> Trip:
    """Match a trip anew: an exhausted one, or one whose offers a person wants to end. Staff scope."""
    trip = trips.get_locked(trip_id)
    if trip.status == "matching":
        return trip
    if trip.status not in ("offering", "exhausted"):
        raise IllegalMove("This trip does not look for a vendor now.", code="not_offering")
    trips.withdraw_offers(trip, reason=reason, source="user")
    return trip_to(trip, "matching", reason=reason)


def _accept(offer: Offer, *, eta_at: dt.datetime | None, source: str, reason: str) -> Trip:
    _refuse_follower(offer)
    rides = [offer, *Offer.objects.filter(lead=offer).order_by("trip_id")]
    # For a vendor a row is invisible once another one has the trip: then nothing of it is locked.
    locked = bundles.lock(row.trip_id for row in rides)
    fresh = {row.pk: row for row in Offer.objects.select_for_update().filter(pk__in=[row.pk for row in rides])}
    offer, trip = fresh[offer.pk], locked.get(offer.trip_id)
    if offer.status == "accepted" and trip is not None and trip.vendor_id == offer.vendor_id:
        return trip
    _refuse_late(offer, trip)
    assert trip is not None
    if eta_at is not None and eta_at < clock.now() - dt.timedelta(minutes=1):
        raise DomainError("The pickup time is in the past.", code="eta_past", fields={"eta_at": "Give a time to come."})
    # All or none: one that cannot be taken is named before any is.
    others = [fresh[row.pk] for row in rides[1:]]
    for other in others:
        _refuse_part(other, locked.get(other.trip_id))
    _take(offer, trip, eta_at, source, reason)
    for other in others:
        _take(other, locked[other.trip_id], None, source, reason)
    return trip


def _take(offer: Offer, trip: Trip, eta_at: dt.datetime | None, source: str, reason: str) -> None:
    now, vendor_id = clock.now(), offer.vendor_id
    promised = eta_at or offer.eta_at or trip.pickup_at
    offer_to(offer, "accepted", source=source, reason=reason, changes={"answered_at": now, "eta_at": promised})
    trip_to(
        trip,
        "accepted",
        source=source,
        reason=reason,
        changes={
            "vendor_id": vendor_id,
            "accepted_at": now,
            "eta_at": promised,
            "price_amount": offer.price_amount,
            "price_rate_id": offer.rate_id,
        },
        details={"offer_id": str(offer.pk), "round": offer.round, "rank": offer.rank},
    )
    Leg.objects.filter(trip_id=trip.pk).update(vendor_id=vendor_id)
    Passenger.objects.filter(trip_id=trip.pk).update(vendor_id=vendor_id)


def _refuse_follower(offer: Offer) -> None:
    if offer.lead_id is not None:
        words = "This ride goes together with another one. Answer the first: it stands for all."
        raise IllegalMove(words, code="follower")


def _refuse_part(offer: Offer, trip: Trip | None) -> None:
    """Say which ride of an offer for several cannot be taken, if so."""
    try:
        _refuse_late(offer, trip)
    except StaleState as problem:
        at = clock.local(dt.datetime.fromisoformat(offer.brief["pickup_at"]), offer.brief["time_zone"])
        raise StaleState(
            f"Nothing was accepted. The ride at {at:%H:%M} that goes along cannot be taken any more: it was changed or "
            "canceled. You are asked again about what is left.",
            current=problem.current,
            code="bundle",
        ) from problem


def _refuse_late(offer: Offer, trip: Trip | None) -> None:
    """Say why this offer cannot be accepted, if so."""
    if trip is None or (trip.vendor_id is not None and trip.vendor_id != offer.vendor_id):
        raise StaleState(GONE, current=offer.status, code="taken")
    if offer.status == "expired" or (
        offer.status == "open" and offer.expires_at is not None and offer.expires_at <= clock.now()
    ):
        ended = clock.local(offer.expires_at, trip.time_zone) if offer.expires_at else None
        at = f" at {ended:%H:%M}" if ended else ""
        raise StaleState(f"This offer ended{at}. The next vendor is asked.", current="expired", code="expired")
    if offer.status == "withdrawn":
        raise StaleState("This offer was withdrawn: the trip changed or was canceled.", current="withdrawn")
    if offer.status != "open" or trip.status != "offering":
        words = offer.status.replace("_", " ")
        raise StaleState(f"This offer cannot be accepted: it is {words}.", current=offer.status)


def _decline(offer: Offer, *, code: str, note: str, source: str) -> Offer:
    _refuse_follower(offer)
    rides = list(Offer.objects.filter(lead=offer).values_list("trip_id", flat=True))
    bundles.lock([offer.trip_id, *rides])
    offer = Offer.objects.select_for_update().get(pk=offer.pk)
    if offer.status == "declined":
        return offer
    if offer.status != "open":
        words = offer.status.replace("_", " ")
        raise StaleState(f"This offer cannot be declined: it is {words}.", current=offer.status)
    changes = {"answered_at": clock.now(), "decline_code": code, "decline_note": note[:200]}
    reason = states.DECLINE_REASONS[code]
    for row in [offer, *_followers(offer, "open")]:
        offer_to(row, "declined", source=source, reason=reason, changes=changes, details={"code": code})
    return offer


def _turn_back(trip: Trip, *, code: str, note: str, source: str) -> None:
    if trip.vendor_id is None or trip.status not in ("accepted", "crew_assigned", "under_way", "held"):
        raise IllegalMove("No vendor has this trip now.", code="not_accepted")
    if Leg.objects.filter(trip=trip, status__in=["on_board", "at_destination", "completed"]).exists():
        raise IllegalMove("The patient is on board: the trip cannot be given back. Call dispatch.", code="on_board")
    vendor_id, was_held = trip.vendor_id, trip.status == "held"
    words = states.DECLINE_REASONS[code]
    for offer in Offer.objects.select_for_update().filter(trip=trip, vendor_id=vendor_id, status="accepted"):
        changes: dict[str, Any] = {"decline_code": code, "decline_note": note[:200]}
        offer_to(offer, "turned_back", source=source, reason=words, changes=changes, details={"code": code})
    trips.let_go(trip, reason=words, source=source)
    gone: dict[str, Any] = {"vendor_id": None, "eta_at": None, "accepted_at": None, "price_amount": None}
    if was_held:
        # Still nobody's decision to let it go on: only the vendor left.
        Trip.objects.filter(pk=trip.pk).update(**gone, held_from="matching", hold_until=None)
        return
    trip_to(
        trip, "matching", source=source, reason=words, changes=gone, details={"code": code, "turned_back": True},
        vendor_id=vendor_id,
    )  # fmt: skip


def _own_offer(offer_id: UUID) -> Offer:
    """An offer of the vendor at work; offers that were never sent do not exist for it."""
    if scoping.current().vendor_id is None:
        raise NotAllowed("Only the vendor that was asked answers an offer.", code="not_vendor")
    offer = Offer.objects.filter(pk=offer_id).exclude(status="waiting").first()
    if offer is None:
        raise DomainError("This offer does not exist.", code="not_found")
    return offer


def _staff_offer(offer_id: UUID, reason: str) -> Offer:
    _need_reason(reason)
    offer = Offer.objects.filter(pk=offer_id).first()
    if offer is None:
        raise DomainError("This offer does not exist.", code="not_found")
    return offer


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise DomainError("Say who told you.", code="no_reason", fields={"reason": "Who said so, and how?"})


def _may_be_asked(offer: Offer, trip: Trip) -> bool:
    """The vendor still works for this health system and its BAA covers the day (45 CFR 164.502(e))."""
    day = clock.local(trip.pickup_at, trip.time_zone).date()
    network = Network.objects.filter(vendor_id=offer.vendor_id, status="active", baa_signed_on__lte=day).first()
    return network is not None and (network.baa_ends_on is None or network.baa_ends_on >= day)


__all__ = [
    "accept", "accept_for", "broadcast", "decline", "decline_for", "exhaust", "expire_due", "send_next",
    "send_next_of", "start_over", "turn_back", "turn_back_for", "withdraw_others",
]  # fmt: skip
