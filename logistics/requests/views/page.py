"""What the desk pages of care give their shell: the site and its clock, the live stream, the one "new" action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse

from logistics.accounts.models import Membership, Unit
from logistics.core import clock


def desk(request: HttpRequest, units: Sequence[Unit], *, booking: bool = True, live: bool = True) -> dict[str, Any]:
    """Context of ``shell.html`` for a person at a site: its name, zone and time."""
    membership: Membership = request.membership  # type: ignore[attr-defined]
    facility = units[0].facility if units else None
    zone = facility.time_zone if facility else membership.organization.time_zone
    context: dict[str, Any] = {
        "facility_name": facility.name if facility else membership.organization.name,
        "facility_zone": zone,
        "facility_time": clock.now(),
        "clock_12h": membership.user.time_format == "12",
    }
    if live:
        context["live_url"] = reverse("live")
    if booking and "requests.book" in membership.definition.permissions:
        url = url_of("dispatch:book")
        if url:
            context["primary_action"] = {"label": "Book trip", "url": url, "style": "pri", "icon": "plus", "key": "N"}
    return context


def url_of(name: str, *args: Any) -> str:
    """The URL of a page, or an empty string where that page does not exist."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def see_other(url: str) -> HttpResponseRedirect:
    """Answer a POST with the page to look at next (303)."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
