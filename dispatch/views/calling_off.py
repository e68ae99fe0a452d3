"""Canceling a trip: the fee and the way back are shown before, and asked about again when the fee has risen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dispatch.forms.changes import CancelTripForm
from dispatch.models import Leg, Trip
from dispatch.selectors import history, journeys
from dispatch.selectors.journeys import Ride
from dispatch.services import returns
from dispatch.services.fees import Fee
from dispatch.views.frame import frame, see_other
from dispatch.views.trips import get_or_404
from logistics.core import clock
from logistics.core.access import requires
from logistics.core.errors import DomainError

WHERE = {
    "en_route": "The crew is on its way",
    "at_pickup": "The crew is at the door",
    "assigned": "Vehicle and crew are set",
}


@requires("requests.cancel")
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    """Cancel with the fee at this stage shown before. A fee that rose meanwhile, or news of the trip: 409, asked
    again with what holds now. A patient on board is not canceled: the page leads to another destination."""
    trip = get_or_404(request, number)
    leg = Leg.objects.filter(trip=trip).order_by("sequence").first()
    if leg is not None and leg.status in ("on_board", "at_destination"):
        messages.warning(request, "The patient is on board: choose another destination instead.")
        return see_other(reverse("dispatch:trip_divert", args=[number]))
    journey = journeys.of_trip(trip)
    later = journey.after(trip.request_id) if journey else []
    strands = journey is not None and returns.is_stranding(journey, trip.request_id)
    found = returns.fees_of(trip, later)
    seen = history.seen_now(trip)
    made: dict[str, Any] = {"way_back": "; ".join(ride.words for ride in later), "strands": strands}
    form = CancelTripForm(request.POST or None, initial={"seen": seen, "fee_seen": _total(found)}, **made)
    status, changes = 200, []
    if request.method == "POST":
        status = 422
        if form.is_valid():
            posted = form.cleaned_data.get("seen") or seen
            changes = history.since(trip, posted) if posted != seen else []
            status = 409
            if not changes:
                try:
                    _run(form, trip)
                except DomainError as error:
                    status = error.status_code
                    placed = {name: text for name, text in error.fields.items() if name in form.fields}
                    for name, text in placed.items():
                        form.add_error(name, text)
                    if not placed:
                        form.add_error(None, error.message)
                else:
                    messages.success(request, f"Trip {number} is canceled.")
                    return see_other(reverse("dispatch:trip", args=[number]))
            if status == 409:
                # What was typed stays; the history and the fee are those of now, for the second press.
                found = returns.fees_of(trip, later)
                form.data = _with(request, seen=history.seen_now(trip), fee_seen=str(_total(found)))
    context = frame(
        trip=trip,
        form=form,
        seen=seen,
        changes=changes,
        title=f"Cancel trip {number}?",
        where=_where(trip, leg),
        fee=found[0],
        way_back=[{"ride": ride, "fee": fee} for ride, fee in _with_fees(later, found[1:])],
        total=_total(found),
        strands=strands,
        facility_zone=trip.time_zone,
    )
    return render(request, "dispatch/trip_cancel.html", context, status=status)


def _run(form: CancelTripForm, trip: Trip) -> None:
    data = form.cleaned_data
    returns.cancel(
        trip.pk,
        reason=data["reason"],
        note=data["note"],
        fee_seen=data["fee_seen"] if data["fee_seen"] is not None else Decimal(0),
        returns=data.get("returns", ""),
        home=data.get("home", ""),
    )


def _with(request: HttpRequest, **values: str) -> Any:
    data = request.POST.copy()
    data.update(values)
    return data


def _total(found: list[Fee]) -> Decimal:
    return sum((fee.amount for fee in found), Decimal(0))


def _with_fees(rides: list[Ride], found: list[Fee]) -> list[tuple[Ride, Fee | None]]:
    """Each later ride with its fee; one without a trip has none."""
    left = list(found)
    booked = sorted((ride for ride in rides if ride.trip_id), key=lambda ride: (ride.pickup_at is None, ride.pickup_at))
    of_ride = {ride.request_id: left.pop(0) for ride in booked if left}
    return [(ride, of_ride.get(ride.request_id)) for ride in rides]


def _where(trip: Trip, leg: Leg | None) -> str:
    """How far things have come, in words: ``Tamarack has it. The crew is on its way, expected at 14:20.``"""
    if trip.vendor is None:
        return "No vendor has accepted yet."
    words = WHERE.get(leg.status if leg else "", "No crew is set yet")
    at = clock.local(trip.eta_at, trip.time_zone) if trip.eta_at else None
    expected = f", expected at {at:%H:%M} {at:%Z}" if at and (leg is None or leg.status != "at_pickup") else ""
    return f"{trip.vendor.name} has it. {words}{expected}."
