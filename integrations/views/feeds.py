"""Feeds and what their words mean."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.forms import FeedForm, MappingForm
from integrations.models import Feed, UnitMapping
from integrations.selectors.feeds import channel_list
from integrations.services import feeds as feed_service
from integrations.services import mappings as mapping_service
from logistics.core import clock
from logistics.core.access import requires
from logistics.core.errors import DomainError

COLUMNS = (
    "name", "facility", "port_offset", "time_zone", "sending_application", "sending_facility", "accepted_types",
    "ack_on_content_error", "is_active",
)  # fmt: skip


@requires("feeds.view")
@require_GET
def feeds(request: HttpRequest) -> HttpResponse:
    """Every feed with its port, what it expects, and how long ago it spoke."""
    membership = request.membership  # type: ignore[attr-defined]
    zone = membership.organization.time_zone
    start, _ = clock.day_bounds(clock.today(zone), zone)
    context = {
        "channels": channel_list(start),
        "host": settings.MLLP_HOST,
        "base_port": settings.MLLP_PORT,
        "may_edit": "feeds.edit" in membership.definition.permissions,
    }
    return render(request, "integrations/feeds.html", context)


@requires("feeds.edit")
@require_http_methods(["GET", "POST"])
def feed_edit(request: HttpRequest, feed_id: UUID | None = None) -> HttpResponse:
    """Add or change a feed."""
    feed = get_object_or_404(Feed, pk=feed_id) if feed_id else None
    form = FeedForm(request.POST or None, initial=_initial(feed, request))
    if request.method == "POST" and form.is_valid():
        try:
            saved = feed_service.save(feed, **form.cleaned_data)
        except DomainError as error:
            for name, words in error.fields.items() or [(None, error.message)]:
                form.add_error(name, words)
        else:
            messages.success(request, f"{saved.name} is saved. Its port follows within a few seconds.")
            return _see_other(reverse("integrations:feeds"))
    status = 422 if form.is_bound else 200
    title = f"Change {feed.name}" if feed else "Add a feed"
    context = {"form": form, "title": title, "back": reverse("integrations:feeds")}
    return render(request, "integrations/form.html", context, status=status)


def _initial(feed: Feed | None, request: HttpRequest) -> dict[str, Any]:
    if feed is not None:
        return {name: getattr(feed, name) for name in COLUMNS}
    zone = request.membership.organization.time_zone  # type: ignore[attr-defined]
    return {"port_offset": feed_service.free_offset(), "time_zone": zone, "is_active": True, "accepted_types": ["ADT"]}


@requires("mappings.edit")
@require_GET
def mappings(request: HttpRequest) -> HttpResponse:
    """What each feed's codes mean."""
    rows = UnitMapping.objects.select_related("feed", "unit__facility").order_by("feed__name", "point_of_care")
    return render(request, "integrations/mappings.html", {"rows": list(rows)})


@requires("mappings.edit")
@require_http_methods(["GET", "POST"])
def mapping_add(request: HttpRequest) -> HttpResponse:
    """Add or change what a code means before a message stops for it."""
    form = MappingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        mapping = mapping_service.save(**form.cleaned_data)
        messages.success(request, f"“{mapping.point_of_care}” is {mapping.unit.name}.")
        return _see_other(reverse("integrations:mappings"))
    context = {"form": form, "title": "Add a mapping", "back": reverse("integrations:mappings")}
    return render(request, "integrations/form.html", context, status=422 if form.is_bound else 200)


@requires("mappings.edit")
@require_POST
def mapping_remove(request: HttpRequest, mapping_id: UUID) -> HttpResponse:
    """Forget a mapping."""
    mapping = get_object_or_404(UnitMapping, pk=mapping_id)
    mapping_service.remove(mapping)
    messages.success(request, f"“{mapping.point_of_care}” is no longer mapped.")
    return _see_other(reverse("integrations:mappings"))


def _see_other(url: str) -> HttpResponse:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
