"""What happened to a trip, in order: its own history, its leg's and its offers', as a timeline and as milestones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch import policies, states
from dispatch.models import Leg, LegEvent, Offer, OfferEvent, Run, Trip, TripEvent
from logistics.core import clock
from logistics.core.templatetags.status_map import display

CHANGED_WORDS = {
    "pickup_at": "pickup time", "pickup_latest_at": "window", "level": "level", "when": "kind of pickup",
    "load": "needs", "requires": "needs", "isolation": "precautions", "is_ready": "ready",
    "dropoff_latitude": "destination", "dropoff_longitude": "destination", "unit_id": "unit", "facility_id": "site",
    "miles": "distance", "minutes": "distance", "destination_zone": "destination",
}  # fmt: skip
LEG_TITLES = {
    "en_route": "Crew is on the way",
    "at_pickup": "Arrived at pickup",
    "on_board": "Patient on board",
    "at_destination": "Arrived at drop-off",
    "completed": "Handed over",
    "no_show": "Patient could not be picked up",
}

NO_SHOW_WORDS = {
    "not_there": "patient was not there", "not_ready": "patient was not ready", "refused": "patient did not want to go",
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """History rows, oldest first. ``seen`` names the newest of each kind, for a form to compare with later."""

    trip: list[TripEvent]
    leg: list[LegEvent]
    offer: list[OfferEvent]
    offers: dict[Any, Offer]

    @property
    def seen(self) -> str:
        """``<trip event>.<leg event>``."""
        return f"{self.trip[-1].pk if self.trip else 0}.{self.leg[-1].pk if self.leg else 0}"


def of(trip: Trip, legs: Sequence[Leg], offers: Sequence[Offer]) -> Rows:
    """The history that the scope may read. Three queries."""
    return Rows(
        trip=list(TripEvent.objects.filter(trip=trip).order_by("id")),
        leg=list(LegEvent.objects.filter(leg__in=[leg.pk for leg in legs]).order_by("id")),
        offer=list(OfferEvent.objects.filter(offer__in=[offer.pk for offer in offers]).order_by("id")),
        offers={offer.pk: offer for offer in offers},
    )


def seen_now(trip: Trip) -> str:
    """The same mark as :attr:`Rows.seen`, without reading the rows. Two queries."""
    last = TripEvent.objects.filter(trip=trip).order_by("-id").values_list("pk", flat=True).first()
    tap = LegEvent.objects.filter(leg__trip=trip).order_by("-id").values_list("pk", flat=True).first()
    return f"{last or 0}.{tap or 0}"


def since(trip: Trip, seen: str) -> list[dict[str, Any]]:
    """What changed after a page that carried ``seen`` was read: ``{who, at, what}``, oldest first. Two queries."""
    first, _, second = seen.partition(".")
    if not (first.isdigit() and second.isdigit()):
        return []
    changes = [
        {"who": event.actor_label, "at": event.recorded_at, "what": _change_words(event)}
        for event in TripEvent.objects.filter(trip=trip, pk__gt=int(first)).order_by("id")
    ]
    changes += [
        {"who": event.actor_label, "at": event.recorded_at, "what": display(event.new_status).label}
        for event in LegEvent.objects.filter(leg__trip=trip, pk__gt=int(second)).order_by("id")
    ]
    return sorted(changes, key=lambda change: change["at"])


def timeline(
    rows: Rows, *, trip: Trip, names: dict[Any, str], runs: Sequence[Run], show_price: bool
) -> list[dict[str, Any]]:
    """Newest first, as ``ui/timeline.html`` takes it. Offers are told once: by the offer, not again by the trip."""
    told = [_trip_line(event, rows, trip, names, runs, show_price) for event in rows.trip]
    told += [_offer_line(event, rows, names) for event in rows.offer]
    told += [_leg_line(event, trip) for event in rows.leg]
    lines = [line for line in told if line is not None]
    # Sorted forwards first: what happened in the same moment keeps the order of cause and effect.
    return sorted(lines, key=lambda line: line["at"])[::-1]


def milestones(rows: Rows, *, trip: Trip, leg: Leg, now: dt.datetime) -> list[dict[str, Any]]:
    """The route line: what is done and when, what is next, with plan and present expectation."""
    zone = trip.time_zone
    done = _reached(rows, trip, leg)
    order = ["booked", "accepted", "crew_assigned", "en_route", "at_pickup", "on_board", "at_destination"]
    labels = ["Booked", "Accepted", "Crew assigned", "En route", "At pickup", "On board", "Arrived"]
    plan = _plan(trip, leg)
    slip = _slip(trip, leg, now)
    over = trip.status in states.TRIP.final or leg.status in states.LEG.final
    out, next_found = [], False
    for name, label in zip(order, labels, strict=True):
        if name in done:
            out.append({"label": label, "state": "done", "note": f"{clock.local(done[name], zone):%H:%M}"})
            continue
        state = "" if over or next_found else "now"
        next_found = next_found or bool(state)
        note = ""
        if name in plan and not over:
            note = f"plan {clock.local(plan[name], zone):%H:%M}"
            if slip:
                note += f" · now {clock.local(plan[name] + slip, zone):%H:%M}"
        out.append({"label": label, "state": state, "note": note, "icon": "s4", "tone": "warn" if slip else "move"})
    if trip.completed_at and out[-1]["state"] == "done":
        out[-1]["note"] += f" · handed over {clock.local(trip.completed_at, zone):%H:%M}"
    return out


def decline_words(offer: Offer) -> str:
    """Why a vendor said no or gave the trip back."""
    words = states.DECLINE_REASONS.get(offer.decline_code, "")
    return ": ".join(part for part in (words, offer.decline_note) if part)


def _reached(rows: Rows, trip: Trip, leg: Leg) -> dict[str, dt.datetime]:
    """When each milestone was last reached, without those that were taken back since."""
    found: dict[str, dt.datetime] = {"booked": rows.trip[0].at if rows.trip else trip.created_at}
    if trip.vendor_id and trip.accepted_at:
        found["accepted"] = trip.accepted_at
    times = {event.new_status: event.at for event in rows.leg}
    order = policies.LEG_ORDER
    if leg.status in order:
        here = order.index(leg.status)
    else:  # it ended on the way: what was reached before stays reached
        here = max((order.index(event.new_status) for event in rows.leg if event.new_status in order), default=-1)
    for status in order[1:]:
        if status in times and order.index(status) <= here:
            found["crew_assigned" if status == "assigned" else status] = times[status]
    return found


def _plan(trip: Trip, leg: Leg) -> dict[str, dt.datetime]:
    door = dt.timedelta(minutes=policies.service_minutes(trip.level))
    pickup = trip.pickup_at
    return {
        "at_pickup": pickup,
        "on_board": pickup + door,
        "at_destination": pickup + door + dt.timedelta(minutes=leg.minutes),
    }


def _slip(trip: Trip, leg: Leg, now: dt.datetime) -> dt.timedelta:
    """How far the rest of the plan moves, whole minutes; nothing below a minute, and never earlier than planned."""
    if leg.picked_up_at:
        expected = leg.picked_up_at - dt.timedelta(minutes=policies.service_minutes(trip.level))
    elif leg.status == "at_pickup" or trip.status in ("held", *states.TRIP.final) or not trip.is_ready:
        return dt.timedelta()
    else:
        expected = max(trip.eta_at or trip.pickup_at, now)
    minutes = int((expected - trip.pickup_at).total_seconds() // 60)
    return dt.timedelta(minutes=max(minutes, 0))


def _line(at: dt.datetime, title: str, detail: str = "", *, tone: str, icon: str) -> dict[str, Any]:
    return {"at": at, "title": title, "detail": detail, "tone": tone, "icon": icon}


def _trip_line(
    event: TripEvent, rows: Rows, trip: Trip, names: dict[Any, str], runs: Sequence[Run], show_price: bool
) -> dict[str, Any] | None:
    status, reason = event.new_status, event.reason
    if not event.old_status:
        title = f"Booked by {event.actor_label}" if event.source != "ehr" else "Requested by the EHR"
        return _line(event.at, title, tone="neutral", icon="plus")
    if event.old_status == status:
        return _line(event.at, _change_words(event), f"By {event.actor_label}", tone="info", icon="pen-line")
    if status in ("offering", "under_way", "completed"):
        return None  # told by the offer or the leg
    if status == "accepted" and event.old_status == "offering":
        return _accepted_line(event, rows, names, show_price)
    if status == "crew_assigned" and event.old_status != "held":
        run = next((r for r in reversed(runs) if r.assigned_at <= event.recorded_at), None)
        detail = f"{run.crew_names} · {run.vehicle_name}" if run else ""
        return _line(event.at, "Crew assigned", detail, tone="move", icon="s3")
    shown = display(status)
    if status == "held":
        return _line(event.at, "On hold", _by(event), tone=shown.tone, icon=shown.icon)
    if event.old_status == "held":
        return _line(event.at, "Let go on", _by(event), tone="info", icon="play")
    if status == "canceled":
        stage = str(event.details.get("stage", "")).replace("_", " ")
        detail = _by(event) + (f" · stage: {stage}" if stage else "")
        return _line(event.at, "Canceled", detail, tone=shown.tone, icon=shown.icon)
    if status == "matching":
        title = "Given back by the vendor" if event.details.get("turned_back") else "Looking for a vendor again"
        return _line(event.at, title, reason, tone="warn", icon="undo-2")
    if status == "exhausted":
        return _line(event.at, "Nobody is left to ask", reason, tone="bad", icon="late")
    return _line(event.at, shown.label, reason, tone=shown.tone, icon=shown.icon)


def _accepted_line(event: TripEvent, rows: Rows, names: dict[Any, str], show_price: bool) -> dict[str, Any]:
    offer = next((o for o in rows.offers.values() if str(o.pk) == event.details.get("offer_id")), None)
    vendor = names.get(event.vendor_id, "the vendor")
    detail = [f"Contract rate ${offer.price_amount}"] if offer and show_price else []
    if offer:
        detail.append(f"offer {offer.rank} of round {offer.round}")
    if offer and offer.sent_at and offer.answered_at:
        minutes = max(1, round((offer.answered_at - offer.sent_at).total_seconds() / 60))
        detail.append(f"answered in {minutes} min")
    if event.source == "operator":
        detail.append(f"entered by {event.actor_label}: {event.reason}")
    return _line(event.at, f"Accepted by {vendor}", " · ".join(detail), tone="info", icon="s2")


def is_kept(event: LegEvent) -> bool:
    """A tap that came out of order: history, but not a move of the leg."""
    return bool(event.details.get("late") or event.details.get("waiting"))


def _leg_line(event: LegEvent, trip: Trip) -> dict[str, Any] | None:
    status = event.new_status
    if event.details.get("undone"):
        undone = str(event.details["undone"])
        title = f"Taken back: {LEG_TITLES.get(undone, display(undone).label)}"
        return _line(event.recorded_at, title, event.actor_label, tone="warn", icon="undo-2")
    if status not in LEG_TITLES:
        return None
    shown = display(status)
    reason = NO_SHOW_WORDS.get(event.reason, event.reason)
    detail = [event.actor_label] + ([reason] if reason else [])
    if event.details.get("waiting"):
        detail.append("kept until the patient is marked on board")
    if abs(event.skew_seconds) > policies.SKEW_SECONDS:
        detail.append(f"the phone's clock is {abs(event.skew_seconds) // 60} min off")
    late = (event.recorded_at - event.at).total_seconds()
    if late > 120 and abs(event.skew_seconds) <= policies.SKEW_SECONDS:
        detail.append(f"received {clock.local(event.recorded_at, trip.time_zone):%H:%M}")
    return _line(event.at, LEG_TITLES[status], " · ".join(detail), tone=shown.tone, icon=shown.icon)


def _offer_line(event: OfferEvent, rows: Rows, names: dict[Any, str]) -> dict[str, Any] | None:
    offer = rows.offers[event.offer_id]
    vendor, status = names.get(offer.vendor_id, "the vendor"), event.new_status
    if status == "open":
        return _line(event.at, f"Asked {vendor}", f"Offer {offer.rank} of round {offer.round}", tone="info", icon="s1")
    if status == "declined":
        by = f" · entered by {event.actor_label}" if event.source == "operator" else ""
        return _line(event.at, f"Declined by {vendor}", f"{decline_words(offer)}{by}", tone="neutral", icon="x")
    if status == "expired":
        return _line(event.at, f"No answer from {vendor}", event.reason, tone="neutral", icon="timer-off")
    if status == "turned_back":
        return _line(event.at, f"Given back by {vendor}", decline_words(offer), tone="warn", icon="undo-2")
    if status == "withdrawn" and event.old_status == "open":
        return _line(event.at, f"Offer to {vendor} withdrawn", event.reason, tone="neutral", icon="undo-2")
    return None


def _by(event: Any) -> str:
    return " · ".join(part for part in (event.reason, event.actor_label) if part)


def _change_words(event: TripEvent) -> str:
    if event.old_status != event.new_status:
        return display(event.new_status).label
    if event.reason == "Patient is ready":
        return event.reason
    words = changed_words(event.details.get("changed", []))
    how = f" ({event.reason})" if event.reason and event.reason != "Request changed" else ""
    return f"Changed: {words}{how}" if words else f"Details changed{how}"


def changed_words(names: Iterable[str]) -> str:
    """``pickup time, destination``: what changed, in words, each once."""
    return ", ".join(dict.fromkeys(CHANGED_WORDS[name] for name in names if CHANGED_WORDS.get(name)))
