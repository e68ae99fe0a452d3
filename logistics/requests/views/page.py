"""What the pages of the care side share: whose clock they show, and where a POST leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse

from logistics.accounts.models import Membership, Unit
from logistics.core import clock


def desk(request: HttpRequest, units: Sequence[Unit]) -> dict[str, Any]:
    """The site of these units: its name, zone and one moment for the whole page."""
    membership: Membership = request.membership  # type: ignore[attr-defined]
    facility = units[0].facility if units else None
    now = clock.now()
    return {
        "facility_name": facility.name if facility else membership.organization.name,
        "facility_zone": facility.time_zone if facility else membership.organization.time_zone,
        "facility_time": now,
        "now": now,
    }


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
