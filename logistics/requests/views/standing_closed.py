"""The days on which a place does not treat: rides of its series move or stay away."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from logistics.core import clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.standing import ClosedDayForm
from logistics.requests.models import Place
from logistics.requests.selectors import standing as selectors
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import holidays_calendar
from logistics.requests.services.standing_rides import day_words
from logistics.requests.views.page import desk, see_other
from logistics.requests.views.standing import explain


@requires("places.edit")
@require_http_methods(["GET", "POST"])
def place_closed(request: HttpRequest, place_id: UUID) -> HttpResponse:
    """Closed days of one place, with the federal holidays of the coming year beside them."""
    place = get_object_or_404(Place, pk=place_id)
    today = clock.today(place.time_zone)
    here = reverse("requests:place_closed", args=[place.pk])
    form = ClosedDayForm(request.POST or None)
    if request.method == "POST" and request.POST.get("do") == "open":
        on = _date(request.POST.get("on", ""))
        if on is not None and holidays_calendar.reopen(place=place, on=on):
            messages.success(request, f"{day_words(on)} is an ordinary day again.")
        return see_other(here)
    if request.method == "POST" and form.is_valid():
        try:
            row = holidays_calendar.close(place=place, today=today, **form.cleaned_data)
        except DomainError as error:
            explain(form, error)
        else:
            moved = f" Its rides move to {day_words(row.moved_to)}." if row.moved_to else " It has no rides."
            messages.success(request, f"{place.name} is closed on {day_words(row.on)}.{moved}")
            return see_other(here)
    membership = request.membership  # type: ignore[attr-defined]
    until = today + dt.timedelta(days=365)
    context = {
        **desk(request, unit_list(membership.units)),
        "primary_action": None,
        "place": place,
        "form": form,
        "days": selectors.closed_ahead(place, today),
        "holidays": sorted((day, each.name) for day, each in holidays_calendar.merged(today, until, []).items()),
    }
    return render(request, "requests/place_closed.html", context, status=422 if form.errors else 200)


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
