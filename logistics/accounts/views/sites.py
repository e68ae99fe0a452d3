"""Sites and units of a health system, with the rule for what a pending discharge does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from logistics.accounts.forms import FacilityForm, UnitForm
from logistics.accounts.models import Facility, Unit
from logistics.accounts.selectors import sites as selector
from logistics.accounts.services import organizations
from logistics.accounts.views.answers import see_other
from logistics.accounts.views.people import add_errors
from logistics.core import access
from logistics.core.errors import DomainError


@access.requires("sites.view")
@require_GET
def sites(request: HttpRequest) -> HttpResponse:
    """Every site with its units."""
    return render(request, "accounts/sites.html", {"facilities": selector.facility_list()})


@access.requires("sites.edit")
@require_http_methods(["GET", "POST"])
def facility_add(request: HttpRequest) -> HttpResponse:
    """A new site."""
    zone = request.membership.organization.time_zone  # type: ignore[attr-defined]
    form = FacilityForm(request.POST or None, initial={"time_zone": zone})
    return _form(request, form, organizations.add_facility, title="Add a site", done="The site is added.")


@access.requires("sites.edit")
@require_http_methods(["GET", "POST"])
def facility_edit(request: HttpRequest, facility_id: UUID) -> HttpResponse:
    """Change a site."""
    facility = selector.facility_get(facility_id)
    form = FacilityForm(request.POST or None, instance=facility)

    def change(**fields: Any) -> Facility:
        return organizations.change_facility(facility=facility, **fields)

    return _form(request, form, change, title=f"Change {facility.name}", done="The site is changed.")


@access.requires("sites.edit")
@require_http_methods(["GET", "POST"])
def unit_add(request: HttpRequest, facility_id: UUID) -> HttpResponse:
    """A new unit of a site."""
    facility = selector.facility_get(facility_id)
    form = UnitForm(request.POST or None)

    def add(**fields: Any) -> Unit:
        return organizations.add_unit(facility=facility, **fields)

    return _form(request, form, add, title=f"Add a unit to {facility.name}", done="The unit is added.")


@access.requires("sites.edit")
@require_http_methods(["GET", "POST"])
def unit_edit(request: HttpRequest, unit_id: UUID) -> HttpResponse:
    """Change a unit or its rule."""
    unit = selector.unit_get(unit_id)
    form = UnitForm(request.POST or None, instance=unit)

    def change(**fields: Any) -> Unit:
        return organizations.change_unit(unit=unit, **fields)

    title = f"Change {unit.name}, {unit.facility.short_name}"
    return _form(request, form, change, title=title, done="The unit is changed.")


def _form(request: HttpRequest, form: Any, save: Any, *, title: str, done: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            save(**form.cleaned_data)
        except DomainError as error:
            add_errors(form, error)
        else:
            messages.success(request, done)
            return see_other("accounts:sites")
    context = {"form": form, "title": title}
    return render(request, "accounts/site_form.html", context, status=422 if form.is_bound else 200)
