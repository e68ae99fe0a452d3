"""The transport desk's console, live."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dispatch import tasks
from dispatch.selectors import console as selector
from dispatch.selectors import trip_list
from dispatch.views.frame import frame, see_other
from logistics.core import audit, clock, scoping
from logistics.core.access import requires


@requires("dispatch.view")
@require_GET
def console(request: HttpRequest) -> HttpResponse:
    """Exceptions, unassigned trips, vehicles against hours, best matches, capacity and map."""
    membership = request.membership  # type: ignore[attr-defined]
    zone, now = membership.organization.time_zone, clock.now()
    filters = selector.Filters.read(request.GET)
    found = selector.console(filters, role=membership.role, zone=zone, now=now, back=request.get_full_path())
    if found.numbers:
        audit.record(action="passengers.listed", purpose="treatment", details={"trips": found.numbers})
    context = frame(
        c=found,
        filters=filters,
        facility_zone=zone,
        level_choices=trip_list.LEVEL_CHOICES,
        vendor_choices=[("", "All"), *found.vendors],
        matching=sum(row["trip"].status == "matching" for row in found.unassigned),
        late_unit=next((v["label"] for v in found.positions if v["late"]), ""),
    )
    return render(request, "dispatch/console.html", context)


@requires("dispatch.act")
@require_POST
def match_all(request: HttpRequest) -> HttpResponse:
    """Let the engine decide about every trip that waits, now instead of at the next tick."""
    audit.record(action="matching.asked")
    tasks.match.send_for(scoping.current())
    messages.success(request, "All waiting trips are being matched. Offers go out in a moment.")
    return see_other(reverse("dispatch:console"))
