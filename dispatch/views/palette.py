"""The command palette: trips, patients, places, and what a person may do."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods

from dispatch.models import Trip
from dispatch.views.frame import frame
from logistics.accounts.navigation import groups_for
from logistics.core.access import requires
from logistics.requests.selectors.identity import patient_option
from logistics.requests.selectors.places import place_find
from logistics.requests.services.finding import find_patients

MOST = 6
# What can be done from anywhere, by permission.
ACTIONS = [
    ("Book a trip", "dispatch:book", "plus", "requests.book", "N"),
    ("Print the handoff", "dispatch:board_print", "printer", "board.view", ""),
    ("Add a place", "requests:place_add", "book-user", "places.edit", ""),
]


@requires("palette.search")
@require_http_methods(["GET", "POST"])
def palette(request: HttpRequest) -> HttpResponse:
    """Results for the posted ``q``; a whole page without htmx. Each group appears only to who may open its pages.

    Words in the address are not looked at: they may name a patient. A GET is the page before anything is typed.
    """
    q = " ".join(request.POST.get("q", "").split())[:80]
    context = {"groups": results(request, q), "q": q}
    if request.headers.get("HX-Request"):
        return render(request, "ui/palette_results.html", context)
    return render(request, "dispatch/palette.html", frame(**context))


def results(request: HttpRequest, q: str) -> list[dict[str, Any]]:
    """Groups of options for the palette."""
    membership = request.membership  # type: ignore[attr-defined]
    allowed = membership.definition.permissions
    groups = []
    if "trips.view" in allowed and q.isdigit():
        groups.append(("Trips", _trips(q)))
    if {"patients.search", "patients.view"} <= allowed and len(q) >= 3:
        groups.append(("Patients", _patients(q)))
    if "places.edit" in allowed and len(q) >= 2 and not q.isdigit():
        groups.append(("Places", _places(q)))
    groups.append(("Do", _matching(_actions(allowed), q)))
    groups.append(("Pages", _matching(_pages(membership), q)))
    return [{"title": title, "options": options} for title, options in groups if options]


def _trips(q: str) -> list[dict[str, Any]]:
    if len(q) > 12:
        return []
    rows = Trip.objects.filter(number=int(q)).only("number", "status", "pickup_at")
    return [
        {
            "label": f"Trip {trip.number}",
            "note": trip.get_status_display(),
            "url": _url("dispatch:trip", trip.number),
            "icon": "route",
        }
        for trip in rows[:MOST]
    ]


def _patients(q: str) -> list[dict[str, Any]]:
    return [
        {
            "label": option["text"],
            "note": option["note"],
            "url": _url("requests:patient", option["value"]),
            "icon": "user",
        }
        for option in (patient_option(patient) for patient in find_patients(q, limit=MOST))
    ]


def _places(q: str) -> list[dict[str, Any]]:
    return [
        {"label": place.name, "note": place.city, "url": _url("requests:place_edit", place.pk), "icon": "map-pin"}
        for place in place_find(q, limit=MOST)
    ]


def _actions(allowed: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": _url(view), "icon": icon, "key": key}
        for label, view, icon, permission, key in ACTIONS
        if permission in allowed
    ]


def _pages(membership: Any) -> list[dict[str, Any]]:
    return [
        {"label": item["label"], "url": _url(item["view"]), "icon": item["icon"]}
        for group in groups_for(membership)
        for item in group["items"]
    ]


def _matching(options: list[dict[str, Any]], q: str) -> list[dict[str, Any]]:
    words = q.lower().split()
    fitting = [option for option in options if option["url"] and all(word in option["label"].lower() for word in words)]
    return fitting[:MOST]


def _url(name: str, *args: Any) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
