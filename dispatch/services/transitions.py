"""The only module that gives a trip, a leg or an offer a status; and the crew's taps, which do so from a phone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Unpack
from uuid import UUID

from django.db import transaction

from dispatch import policies, states
from dispatch.models import Leg, LegEvent, Offer, OfferEvent, Proposal, ProposalEvent, RunCrew, Trip, TripEvent
from dispatch.services import fees, runs
from logistics.core import audit, clock, scoping
from logistics.core.errors import DomainError, IllegalMove
from logistics.core.machines import How, move


def trip_to(
    trip: Trip,
    to: str,
    *,
    vendor_id: Any = None,
    **how: Unpack[How],
) -> Trip:
    """Move a trip; publishes ``trip.<status>``.

    ``vendor_id`` names the vendor whom the move concerns when the row does not (a vendor that gives a trip
    back). ``changes`` are plain columns set in the same UPDATE. Raises ``IllegalMove`` or ``StaleState``.
    """
    # QuerySet.update() does not touch auto_now columns; pages sort and cache by this one.
    changes = {"updated_at": clock.now(), **(how.get("changes") or {})}
    how["changes"] = changes
    vendor = vendor_id or changes.get("vendor_id") or trip.vendor_id
    return move(
        trip,
        to,
        machine=states.TRIP,
        event_model=TripEvent,
        event_field="trip",
        event_fields={"vendor_id": vendor},
        topic=f"trip.{to}",
        payload={"request_id": str(trip.request_id), "notify_vendor_ids": [str(vendor)] if vendor else []},
        **how,
    )


def leg_to(
    leg: Leg,
    to: str,
    *,
    event_fields: dict[str, Any] | None = None,
    vendor_id: Any = None,
    **how: Unpack[How],
) -> Leg:
    """Move a leg; publishes ``leg.<status>``. ``event_fields`` carry a tap's key, position and skew."""
    vendor = vendor_id or leg.vendor_id
    return move(
        leg,
        to,
        machine=states.LEG,
        event_model=LegEvent,
        event_field="leg",
        event_fields={"vendor_id": vendor, **(event_fields or {})},
        topic=f"leg.{to}",
        payload={"trip_id": str(leg.trip_id), "notify_vendor_ids": [str(vendor)] if vendor else []},
        **how,
    )


def offer_to(
    offer: Offer,
    to: str,
    **how: Unpack[How],
) -> Offer:
    """Move an offer; publishes ``offer.sent`` when it opens, else ``offer.<status>``."""
    return move(
        offer,
        to,
        machine=states.OFFER,
        event_model=OfferEvent,
        event_field="offer",
        event_fields={"vendor_id": offer.vendor_id},
        topic="offer.sent" if to == "open" else f"offer.{to}",
        payload={"trip_id": str(offer.trip_id)},
        **how,
    )


def proposal_to(
    proposal: Proposal,
    to: str,
    **how: Unpack[How],
) -> Proposal:
    """Move a proposed change; publishes ``proposal.<status>``."""
    return move(
        proposal,
        to,
        machine=states.PROPOSAL,
        event_model=ProposalEvent,
        event_field="proposal",
        event_fields={"vendor_id": proposal.vendor_id},
        topic=f"proposal.{to}",
        payload={"trip_id": str(proposal.trip_id)},
        **how,
    )


def withdraw_proposals(trip: Trip, *, reason: str, source: str = "engine") -> int:
    """End what was asked of the vendor of ``trip`` and is not settled. Returns how many."""
    # What is written afterwards is not read here: a vendor's roles may not.
    asked = Proposal.objects.filter(trip=trip, status__in=["open", "refused", "lapsed"]).defer("wanted")
    found = list(asked)
    for proposal in found:
        proposal_to(proposal, "withdrawn", source=source, reason=reason)
    return len(found)


@dataclass(frozen=True)
class Tap:
    """What became of a tap: ``moved``, ``undone``, ``repeated`` (counted before) or ``kept`` (history only)."""

    leg: Leg
    outcome: str
    words: str = ""


@transaction.atomic
def tap(
    leg_id: UUID,
    to: str,
    *,
    at: dt.datetime,
    key: str,
    reason: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
    accuracy_m: float | None = None,
    device_now: dt.datetime | None = None,
    source: str = "driver",
) -> Tap:
    """A status from the crew's phone, or from the vendor's dispatcher. Vendor scope.

    ``at`` is the device's time of the tap and is kept as sent; ``device_now`` is its clock when it sent, from which
    the skew is measured. ``key`` makes a tap that is sent twice count once. Order of arrival does not matter:

    * the next status moves the leg; one further on moves it too and names what was ``skipped`` (nothing is invented);
      only the arrival waits for ``on_board``, and is counted when that comes;
    * an earlier status that comes late is kept in the history;
    * the status before the last one, within two minutes of it, takes the last one back.

    Raises ``DomainError`` (not this crew's leg), ``IllegalMove`` (held, canceled, too early to call a no-show).
    """
    scope = scoping.current()
    known = Leg.objects.filter(pk=leg_id, vendor_id=scope.vendor_id).first() if scope.vendor_id else None
    if known is None:
        raise DomainError("This trip does not exist.", code="not_found")
    with scoping.enter(scope.crossing(known.tenant_id)):
        trip = Trip.objects.select_for_update().get(pk=known.trip_id)
        leg = Leg.objects.select_for_update().get(pk=leg_id)
        check_crew(leg)
        if LegEvent.objects.filter(leg=leg, key=key).exists():
            return Tap(leg, "repeated", "Counted already.")
        return _Tapped(trip, leg, to, at, key, reason, latitude, longitude, accuracy_m, device_now, source).apply()


corrected = policies.corrected


def check_crew(leg: Leg) -> None:
    """Refuse anybody but the leg's own crew and the vendor's dispatchers, as if the leg did not exist."""
    scope = scoping.current()
    if policies.may_dispatch(scope):
        return
    crew = RunCrew.objects.filter(run__leg=leg, run__is_active=True, user_id=scope.user_id, user_id__isnull=False)
    if not crew.exists():
        raise DomainError("This trip does not exist.", code="not_found")


class _Tapped:
    """One tap on a locked leg."""

    def __init__(
        self,
        trip: Trip,
        leg: Leg,
        to: str,
        at: dt.datetime,
        key: str,
        reason: str,
        latitude: float | None,
        longitude: float | None,
        accuracy_m: float | None,
        device_now: dt.datetime | None,
        source: str,
    ) -> None:
        now = clock.now()
        skew = round((now - device_now).total_seconds()) if device_now else min(0, round((now - at).total_seconds()))
        self.trip, self.leg, self.to, self.reason, self.source = trip, leg, to, reason, source
        self.at, self.true_at = at, min(corrected(at, skew), now)
        self.fields: dict[str, Any] = {
            "key": key, "latitude": latitude, "longitude": longitude, "accuracy_m": accuracy_m, "skew_seconds": skew,
        }  # fmt: skip
        self.notes: dict[str, Any] = {"skewed": True} if abs(skew) > policies.SKEW_SECONDS else {}

    def apply(self) -> Tap:
        """Decide what the tap is, and do it."""
        here = self.leg.status
        last = LegEvent.objects.filter(leg=self.leg, new_status=here).exclude(old_status=here).order_by("-id").first()
        if self._takes_back(last):
            return self._undo()
        if self.to not in policies.TAPS:
            raise IllegalMove("This step can no longer be taken back. Call dispatch.", code="undo_late")
        if here == self.to:
            return Tap(self.leg, "repeated", "Counted already.")
        if self.trip.status in ("held", "canceled", "completed") or here in states.LEG.final:
            words = {"held": "is on hold", "canceled": "was canceled"}.get(self.trip.status, "is over")
            raise IllegalMove(f"Trip {self.trip.number} {words}. Call dispatch.", code=f"trip_{self.trip.status}")
        if here == "planned":
            raise IllegalMove("No vehicle and crew are set for this trip. Call dispatch.", code="not_assigned")
        if self.to == "no_show":
            return self._no_show()
        order = policies.LEG_ORDER
        if order.index(self.to) < order.index(here):
            return self._keep({"late": True}, "Kept in the history.")
        if self.to == "at_destination" and here != "on_board":
            return self._keep({"waiting": True}, "Kept. It counts when the patient is marked on board.")
        return self._move()

    def _takes_back(self, last: LegEvent | None) -> bool:
        if last is None or last.old_status != self.to or not states.LEG.allows(self.leg.status, self.to):
            return False
        if self.leg.status not in policies.TAPS:
            return False
        recent = (clock.now() - last.recorded_at).total_seconds() <= policies.UNDO_SECONDS
        return recent and self.true_at >= corrected(last.at, last.skew_seconds)

    def _undo(self) -> Tap:
        undone = self.leg.status
        changes: dict[str, Any] = {"picked_up_at": None} if undone == "on_board" else {}
        self._leg_to(self.to, changes=changes, details={"undone": undone})
        if self.to == "assigned" and self.trip.status == "under_way":
            trip_to(self.trip, "crew_assigned", source=self.source, reason="Tap taken back", at=self.true_at)
        return Tap(self.leg, "undone")

    def _move(self) -> Tap:
        order = policies.LEG_ORDER
        skipped = list(order[order.index(self.leg.status) + 1 : order.index(self.to)])
        known = set(LegEvent.objects.filter(leg=self.leg, new_status__in=skipped).values_list("new_status", flat=True))
        missing = [status for status in skipped if status not in known]
        changes = {"picked_up_at": self.true_at} if self.to == "on_board" else {}
        self._leg_to(self.to, changes=changes, details={"skipped": missing} if missing else {})
        if self.trip.status == "crew_assigned":
            trip_to(self.trip, "under_way", source=self.source, at=self.true_at)
        if self.to == "on_board":
            self._count_waiting()
        return Tap(self.leg, "moved")

    def _count_waiting(self) -> None:
        """An arrival that came before the boarding it belongs to."""
        early = LegEvent.objects.filter(leg=self.leg, new_status="at_destination", details__waiting=True)
        for event in early.order_by("-id")[:1]:
            arrived = corrected(event.at, event.skew_seconds)
            if arrived >= self.true_at:
                details = {"resequenced": event.pk}
                leg_to(self.leg, "at_destination", source=self.source, at=event.at, details=details)

    def _no_show(self) -> Tap:
        if self.leg.status != "at_pickup":
            raise IllegalMove("Tap “At pickup” first; then wait for the patient.", code="not_at_pickup")
        arrival = LegEvent.objects.filter(leg=self.leg, new_status="at_pickup").order_by("-id").first()
        waited_from = max(self.trip.pickup_at, corrected(arrival.at, arrival.skew_seconds) if arrival else self.true_at)
        until = waited_from + dt.timedelta(minutes=policies.NO_SHOW_WAIT_MINUTES)
        if self.reason != "refused" and self.true_at < until:
            local = clock.local(until, self.trip.time_zone)
            raise IllegalMove(f"Wait until {local:%H:%M} and call the unit; then tap again.", code="wait")
        fee = fees.fee_of(self.trip, legs=[self.leg], code="no_show", now=self.true_at)
        self._leg_to("no_show", changes={}, details={"code": self.reason or "not_there"})
        runs.release(self.trip, reason="No-show")
        withdraw_proposals(self.trip, reason="The crew left without the patient", source=self.source)
        trip_to(
            self.trip,
            "canceled",
            source=self.source,
            reason="The crew left without the patient",
            at=self.true_at,
            details=fee.details() | {"stage": "at_door", "code": "no_show", "why": self.reason or "not_there"},
        )
        return Tap(self.leg, "moved")

    def _leg_to(self, to: str, *, changes: dict[str, Any], details: dict[str, Any]) -> None:
        leg_to(
            self.leg,
            to,
            source=self.source,
            reason=self.reason,
            at=self.at,
            changes=changes,
            details=self.notes | details,
            event_fields=self.fields,
        )

    def _keep(self, details: dict[str, Any], words: str) -> Tap:
        """Store the tap without moving the leg."""
        scope = scoping.current()
        LegEvent.objects.create(
            leg=self.leg, vendor_id=self.leg.vendor_id, old_status=self.leg.status, new_status=self.to, at=self.at,
            actor_id=scope.user_id, actor_label=scope.actor_label, source=self.source, reason=self.reason,
            details=self.notes | details, **self.fields,
        )  # fmt: skip
        audit.record(action="leg.tap_kept", target=self.leg, details={"to": self.to, **details})
        return Tap(self.leg, "kept", words)
