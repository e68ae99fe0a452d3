"""What every page's shell shows. No query: the middleware loaded the memberships already."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from logistics.accounts import sessions
from logistics.accounts.middleware import owes_second_factor
from logistics.accounts.navigation import groups_for
from logistics.core import clock


def shell(request: HttpRequest) -> dict[str, Any]:
    """Navigation, organization, role, account menu, clock and the sign-out warning of the signed-in person."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return {}
    # Half signed in: nothing of the product shows yet.
    if not hasattr(person, "is_verified") or owes_second_factor(request):
        return {}
    shared = {
        "account": {
            "name": person.name,
            "email": person.email,
            "initials": person.initials,
            "url": reverse("accounts:account"),
            "sign_out_url": reverse("accounts:sign_out"),
        },
        "clock_12h": person.time_format == "12",
        "keys_off": not person.single_key_shortcuts,
        "expires_in": sessions.seconds_left(request),
        "keep_alive_url": reverse("accounts:keep_alive"),
        "switch_url": reverse("accounts:switch"),
        "home_url": reverse("home"),
        "help_desk": settings.HELP_DESK,
    }
    membership = getattr(request, "membership", None)
    if membership is None:
        return shared
    permissions = membership.definition.permissions
    organization = membership.organization
    return {
        **shared,
        "membership": membership,
        "memberships": [
            {
                "id": row.pk,
                "org_name": row.organization.name,
                "role_label": row.definition.label,
                "current": row.pk == membership.pk,
            }
            for row in request.memberships  # type: ignore[attr-defined]
        ],
        "org_name": organization.name,
        "role_label": membership.definition.label,
        "nav": _with_urls(groups_for(membership), request.path_info),
        "can": permissions,
        "live_url": reverse("live") if "live.follow" in permissions else "",
        "facility_name": organization.short_name,
        "facility_time": clock.now(),
        "facility_zone": organization.time_zone,
        "shell_zone": organization.time_zone,
        "primary_action": _book(permissions),
    }


def _book(permissions: frozenset[str]) -> dict[str, str] | None:
    if "requests.book" not in permissions:
        return None
    try:
        url = reverse("dispatch:book")
    except NoReverseMatch:
        return None
    return {"label": "Book a trip", "url": url, "style": "pri", "icon": "plus", "key": "N"}


def _with_urls(groups: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    out = []
    for group in groups:
        items = []
        for item in group["items"]:
            try:
                url = reverse(item["view"])
            except NoReverseMatch:
                continue
            items.append({**item, "url": url, "current": path == url or (url != "/" and path.startswith(url + "/"))})
        if items:
            out.append({"title": group["title"], "items": items})
    return out
