"""What every page's shell shows. No query: the middleware loaded the memberships already."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from logistics.accounts.navigation import groups_for


def shell(request: HttpRequest) -> dict[str, Any]:
    """Navigation, organization, role and switcher for the signed-in person."""
    membership = getattr(request, "membership", None)
    if membership is None:
        return {}
    return {
        "membership": membership,
        "memberships": request.memberships,  # type: ignore[attr-defined]
        "org_name": membership.organization.name,
        "role_label": membership.definition.label,
        "nav": _with_urls(groups_for(membership), request.path_info),
        "can": membership.definition.permissions,
        "shell_zone": membership.organization.time_zone,
    }


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
