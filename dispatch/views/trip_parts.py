"""What the trip's page offers besides its facts: actions, the banner, the stops of its map. No query."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import reverse

from dispatch import states
from dispatch.selectors.journeys import Ride
from dispatch.selectors.trip_page import TripPage
from logistics.core import clock


def actions(page: TripPage, can: frozenset[str]) -> list[dict[str, Any]]:
    """What this person may do to this trip now, the likeliest first."""
    trip, leg = page.trip, page.leg
    status = trip.status

    def act(label: str, name: str, **more: Any) -> dict[str, Any]:
        return {"label": label, "url": reverse(f"dispatch:{name}", args=[trip.number]), **more}

    over, boarded = status in states.TRIP.final, leg.status in ("on_board", "at_destination", "completed")
    found = [act("Trip sheet", "trip_sheet", icon="printer", key="P")]
    if over:
        return found
    if "requests.book" in can:
        if not trip.is_ready:
            found.append(act("Patient is ready", "trip_ready", method="post", style="pri", icon="check"))
            found.append(act("Called in, link", "trip_called", icon="phone-call"))
            mine = page.journey.ride_of(trip.request_id) if page.journey else None
            if mine is None or not mine.owner:
                found.append(act("I watch this call", "trip_watch", method="post", icon="eye"))
        if status == "held":
            found.append(act("Let it go on", "trip_resume", method="post", style="pri", icon="play"))
        elif status != "under_way":
            found.append(act("Hold", "trip_hold", icon="pause"))
        if page.change is None:
            if boarded:
                found.append(act("Another destination", "trip_divert", icon="map-pin"))
            else:
                found.append(act("Change", "trip_change", icon="pen-line", key="E"))
                found.append(act("Level", "trip_level", icon="accessibility"))
    if "dispatch.act" in can:
        if status in ("offering", "exhausted"):
            found.append(act("Match again", "trip_match", method="post", icon="wand-sparkles"))
        if page.waiting and status in ("offering", "exhausted"):
            found.append(act("Ask all now", "trip_ask_all", method="post", icon="send"))
        if page.journey and page.journey.same_vendor and status in ("matching", "offering", "exhausted"):
            found.append(act("Offer rides apart", "trip_apart", method="post", icon="route"))
        if page.open_offers:
            found.append(act("Enter an answer", "trip_answer", icon="phone-call"))
        if trip.vendor_id and not boarded:
            found.append(act("Find another vendor", "trip_take_back", icon="undo-2", key="R"))
    if "assignments.edit" in can and status in ("accepted", "crew_assigned"):
        label = "Assign a crew" if status == "accepted" else "Change the crew"
        found.append(act(label, "trip_crew", style="pri" if status == "accepted" else "", icon="users", key="A"))
    if "offers.answer" in can and trip.vendor_id and not boarded:
        found.append(act("Give it back", "trip_give_back", icon="undo-2"))
    if "requests.cancel" in can and not boarded:
        found.append(act("Cancel trip", "trip_cancel", style="bad"))
    return found


def banner(page: TripPage, can: frozenset[str]) -> dict[str, Any] | None:
    """The one thing about this trip that needs a person, with what to do."""
    trip, delay = page.trip, page.delay

    def at(moment: dt.datetime) -> str:
        return f"{clock.local(moment, trip.time_zone):%H:%M}"

    acts = []
    if "dispatch.act" in can and trip.vendor_id:
        url = reverse("dispatch:trip_take_back", args=[trip.number])
        acts = [{"label": "Find another vendor", "url": url, "style": "pri"}]
    if trip.status == "exhausted":
        text = "No vendor took this trip. See the reasons below, then match again, move the time or call a vendor."
        return _state("bad", "late", text)
    if trip.status == "held":
        until = f" Vehicle and crew stay until {at(trip.hold_until)}." if trip.hold_until else ""
        return _state("hold", "hold", f"This trip waits for a decision.{until}")
    if delay.kind == "late":
        text = f"The pickup was agreed for {at(trip.pickup_at)} and is {delay.detail} late."
        return _state("bad", "late", text, acts)
    if delay.kind == "at_risk" and trip.eta_at and delay.minutes:
        text = f"Pickup is likely at {at(trip.eta_at)}, {delay.detail} after the agreed time."
        return _state("warn", "risk", text, acts)
    if delay.kind == "at_risk":
        return _state("warn", "risk", "The pickup is near and no vendor has taken this trip yet.")
    missing = page.journey.unsecured_after(trip.request_id) if page.journey else []
    if missing and is_taken(trip.status):
        text = f"Accepted, return not secured yet. {missing[0].words}."
        link = _secure(missing[0], can)
        return _state("warn", "risk", text, [link] if link else [])
    if not trip.is_ready:
        text = "Will call: the vendor waits until the unit says that the patient is ready."
        return _state("hold", "hold", text)
    return None


def is_taken(status: str) -> bool:
    """Whether a vendor has the trip and the patient is not under way."""
    return status in ("accepted", "crew_assigned")


def _secure(ride: Ride, can: frozenset[str]) -> dict[str, Any] | None:
    """The one step that secures a way back."""
    if ride.number is not None and ride.is_will_call and not ride.owner and "requests.book" in can:
        url = reverse("dispatch:trip_watch", args=[ride.number])
        return {"label": "I watch the call", "url": url, "method": "post", "style": "pri"}
    if ride.number is not None:
        return {"label": "Open the return", "url": reverse("dispatch:trip", args=[ride.number]), "style": "pri"}
    if "requests.book" in can:
        url = f"{reverse('dispatch:book')}?request={ride.request_id}"
        return {"label": "Book the return", "url": url, "style": "pri"}
    return None


def _state(tone: str, icon: str, text: str, acts: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"tone": tone, "icon": icon, "text": text, "actions": acts or []}


def stops(page: TripPage) -> list[dict[str, Any]]:
    """Pickup and drop-off for the map, by the names that the viewer may see."""
    leg, who = page.leg, page.who

    def stop(latitude: float, longitude: float, name: str, kind: str, otherwise: str) -> dict[str, Any]:
        return {"lat": latitude, "lon": longitude, "label": name.partition(",")[0] or otherwise, "kind": kind}

    return [
        stop(leg.pickup_latitude, leg.pickup_longitude, who.pickup, "facility", "Pickup"),
        stop(leg.dropoff_latitude, leg.dropoff_longitude, who.dropoff, "", "Drop-off"),
    ]
