"""Pages of a vendor's own supply: vehicles, crews, papers, shifts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from logistics.core import levels
from logistics.core.access import requires
from vendors.forms.base import RefusableForm
from vendors.forms.fleet import CredentialForm, CrewForm, ServiceForm, ShiftForm, VehicleForm
from vendors.models import Vehicle
from vendors.selectors import fleet as selectors
from vendors.services import fleet


def zone_of(request: HttpRequest) -> str:
    """The vendor's own zone."""
    return request.membership.organization.time_zone  # type: ignore[attr-defined]


@requires("fleet.view")
def overview(request: HttpRequest) -> HttpResponse:
    """``/fleet``: what can be sent today, and what keeps the rest at home."""
    return _page(request)


@requires("fleet.edit")
@require_POST
def set_service(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a vehicle out of service with a reason, or back."""
    vehicle = selectors.vehicle_get(pk)
    if vehicle is None:
        raise Http404
    form = ServiceForm(request.POST)
    if not (form.is_valid() and form.attempt(fleet.set_service, vehicle=vehicle, **form.cleaned_data)):
        return _page(request, service_form=form, service_vehicle=vehicle.pk, status=422)
    messages.success(
        request, f"{vehicle.name} is {'out of' if form.cleaned_data['out_of_service'] else 'back in'} service."
    )
    return _back()


@requires("fleet.edit")
def vehicle_new(request: HttpRequest) -> HttpResponse:
    """``/fleet/vehicles/new``."""
    form = VehicleForm(request.POST or None)
    return _save(
        request,
        form,
        "Add a vehicle",
        "Add vehicle",
        "The vehicle is in the fleet.",
        lambda: {"service": fleet.add_vehicle},
    )


@requires("fleet.edit")
def crew_new(request: HttpRequest) -> HttpResponse:
    """``/fleet/crew/new``."""
    form = CrewForm(request.POST or None)
    return _save(
        request,
        form,
        "Add a crew member",
        "Add person",
        "The crew member is added.",
        lambda: {"service": fleet.add_crew_member},
    )


@requires("fleet.edit")
def credential_new(request: HttpRequest) -> HttpResponse:
    """``/fleet/credentials/new``: ``?holder=`` and ``?kind=`` choose beforehand."""
    form = CredentialForm(request.POST or None, initial={name: request.GET.get(name) for name in ("holder", "kind")})

    def arguments() -> dict[str, Any]:
        data = form.cleaned_data
        named = {name: data[name] for name in ("kind", "ends_on", "number")}
        return {"service": fleet.set_credential, **named, **form.chosen_holder()}

    return _save(request, form, "Record a credential", "Record", "The credential is recorded.", arguments)


@requires("fleet.edit")
def shift_new(request: HttpRequest) -> HttpResponse:
    """``/fleet/shifts/new``."""
    form = ShiftForm(request.POST or None, zone=zone_of(request))

    def arguments() -> dict[str, Any]:
        data = form.cleaned_data
        return {
            "service": fleet.add_shift,
            "vehicle": form.vehicles[data["vehicle"]],
            "starts_at": data["starts_at"],
            "ends_at": data["ends_at"],
            "crew": [form.people[key] for key in data["crew"]],
        }

    return _save(
        request,
        form,
        "Add a shift",
        "Add shift",
        "The shift is added.",
        arguments,
        note=f"Times in {zone_of(request)} time.",
    )


def _save(
    request: HttpRequest,
    form: RefusableForm,
    title: str,
    verb: str,
    done: str,
    arguments: Callable[[], dict[str, Any]],
    *,
    note: str = "",
) -> HttpResponse:
    """One form page: shown, refused (422) or done (303). ``arguments`` names the service; without others the
    form's own data are passed."""
    status = 200
    if request.method == "POST":
        if form.is_valid():
            given = arguments()
            service = given.pop("service")
            if form.attempt(service, **(given or form.cleaned_data)):
                messages.success(request, done)
                return _back()
        status = 422
    return render(
        request, "vendors/fleet_form.html", {"form": form, "title": title, "verb": verb, "note": note}, status=status
    )


def _back() -> HttpResponse:
    answer = redirect("vendors:fleet")
    answer.status_code = 303
    return answer


def _page(
    request: HttpRequest,
    *,
    service_form: ServiceForm | None = None,
    service_vehicle: UUID | None = None,
    status: int = 200,
) -> HttpResponse:
    found = selectors.overview(zone_of(request))
    labels = {code: level.label for code, level in levels.LEVELS.items()}
    return render(
        request,
        "vendors/fleet.html",
        {
            "fleet": found,
            "vehicle_levels": {
                holder.thing.pk: ", ".join(labels[code] for code in holder.thing.levels) for holder in found.vehicles
            },
            "carries": {holder.thing.pk: _carries(holder.thing) for holder in found.vehicles},
            "ready": sum(not holder.thing.out_of_service for holder in found.vehicles),
            "papers_bad": sum(not holder.may_work for holder in (*found.vehicles, *found.crew)),
            "may_edit": "fleet.edit" in request.membership.definition.permissions,  # type: ignore[attr-defined]
            "service_form": service_form,
            "service_vehicle": service_vehicle,
            "zone": zone_of(request),
        },
        status=status,
    )


def _carries(vehicle: Vehicle) -> str:
    """``2 seats, 1 wheelchair``."""
    counts = ((vehicle.seats, "seat"), (vehicle.wheelchairs, "wheelchair"), (vehicle.stretchers, "stretcher"))
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count)
