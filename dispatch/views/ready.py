"""Will calls: the word by phone, who watches one, and the patient's own link that opens without signing in."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import segno
from django.contrib import messages
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dispatch.forms.changes import CalledForm
from dispatch.models import Trip
from dispatch.services import ready
from dispatch.views.frame import frame, own_next, see_other
from dispatch.views.trips import get_or_404
from logistics.accounts.models import Organization
from logistics.core import clock, scoping
from logistics.core.access import public, requires
from logistics.core.errors import DomainError

# Of one link in a minute, and of one address over all links: nobody presses a button more often.
LINK_TRIES, ADDRESS_TRIES, SECONDS = 10, 30, 60
LINK_SCOPE = {"actor_label": "Ready link", "actor_role": "ready_link"}


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def called(request: HttpRequest, number: int) -> HttpResponse:
    """A word by phone is entered here, and the patient's own link is given out. POST says ready."""
    trip = get_or_404(request, number)
    now = clock.local(clock.now(), trip.time_zone)
    form = CalledForm(request.POST or None, callers=ready.CALLERS, initial={"at": now.time()})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                at = _moment(form.cleaned_data["at"], now)
                ready.call(trip.pk, via="phone", caller=form.cleaned_data["caller"], at=at)
            except DomainError as error:
                status = error.status_code
                placed = {name: text for name, text in error.fields.items() if name in form.fields}
                for name, text in placed.items():
                    form.add_error(name, text)
                if not placed:
                    form.add_error(None, error.message)
            else:
                messages.success(request, "The vendor is told now.")
                return see_other(reverse("dispatch:trip", args=[number]))
    link = request.build_absolute_uri(reverse("dispatch:ready_link", args=[ready.token_of(trip)]))
    context = frame(
        trip=trip,
        form=form,
        state=ready.link_state(trip),
        link=link,
        qr=segno.make(link, error="m").svg_data_uri(scale=4, border=3, dark="#000", light="#fff"),
        facility_zone=trip.time_zone,
    )
    return render(request, "dispatch/trip_called.html", context, status=status)


@requires("requests.book")
@require_POST
def watch(request: HttpRequest, number: int) -> HttpResponse:
    """The signed-in person watches this will call from now on."""
    trip = get_or_404(request, number)
    try:
        ready.take_on(trip.pk)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "You watch this call. You are told when nobody calls in time.")
    return see_other(own_next(request) or reverse("dispatch:trip", args=[number]))


@public
@never_cache
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest, ready_token: str) -> HttpResponse:
    """The patient's own page: one button, no name, no place. POST says ready; a second press changes nothing."""
    if _too_often(request, ready_token):
        return _page(request, "often", status=429)
    named = ready.read_token(ready_token)
    if named is None:
        return _page(request, "unknown", status=404)
    with transaction.atomic(), scoping.enter(scoping.Scope.staff(named.tenant_id, **LINK_SCOPE)):
        trip = Trip.objects.filter(pk=named.trip_id).first()
        state = ready.link_state(trip)
        if trip is None:
            return _page(request, "unknown", status=404)
        if request.method == "POST" and state == "open":
            try:
                ready.call(trip.pk, via="link", source="link")
            except DomainError:
                state = ready.link_state(Trip.objects.get(pk=trip.pk))
            else:
                return see_other(request.path)
        hospital: Any = Organization.objects.filter(pk=named.tenant_id).values("short_name", "phone").first() or {}
        return _page(
            request,
            state,
            status=410 if state in ("over", "expired") else 200,
            expected=clock.local(trip.pickup_at, trip.time_zone),
            zone=trip.time_zone,
            hospital=hospital,
        )


def _page(request: HttpRequest, state: str, *, status: int = 200, **context: Any) -> HttpResponse:
    response = render(request, "dispatch/ready_link.html", {"state": state, **context}, status=status)
    # The address is the key: it goes to nobody else.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _too_often(request: HttpRequest, token: str) -> bool:
    address = request.META.get("REMOTE_ADDR", "")
    link_key = hashlib.sha256(token.encode()).hexdigest()[:32]
    tries = ((f"ready-link:{link_key}", LINK_TRIES), (f"ready-from:{address}", ADDRESS_TRIES))
    return any(_count(key) > most for key, most in tries)


def _count(key: str) -> int:
    """How often in this minute, this time included."""
    if cache.add(key, 1, SECONDS):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # it ran out between the two calls
        cache.set(key, 1, SECONDS)
        return 1


def _moment(at: dt.time, now: dt.datetime) -> dt.datetime:
    """The latest moment that the clock showed this time: a call before midnight is entered after it."""
    moment = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return moment - dt.timedelta(days=1) if moment > now + dt.timedelta(hours=1) else moment
