"""The operator's view of the platform."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from logistics.accounts.forms import kind_label
from logistics.accounts.selectors.platform import organization_list
from logistics.core import access


@access.requires("organizations.view")
@require_GET
def organizations(request: HttpRequest) -> HttpResponse:
    """Which organizations exist. Nothing about patients or trips."""
    rows = [{**row, "kind_label": kind_label(row["kind"])} for row in organization_list()]
    return render(request, "accounts/organizations.html", {"organizations": rows})
