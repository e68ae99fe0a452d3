"""The address book, and the picker of destinations."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.places import PlaceForm
from logistics.requests.models import Patient, Place
from logistics.requests.selectors.places import place_list
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import places
from logistics.requests.views.page import desk, see_other

PAGE_SIZE = 50


@requires("places.view")
@require_GET
def place_index(request: HttpRequest) -> HttpResponse:
    """The address book: search, kind, and the places that were taken out."""
    q, kind, shown = request.GET.get("q", ""), request.GET.get("kind", ""), request.GET.get("show", "active")
    rows = place_list(q=q, kind=kind if kind in dict(Place.KINDS) else "", active=shown != "inactive")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    membership = request.membership  # type: ignore[attr-defined]
    may_edit = "places.edit" in membership.definition.permissions
    context = {
        **desk(request, unit_list(membership.units)),
        "page": page,
        "q": q,
        "shown": shown,
        "may_edit": may_edit,
        "undo": _taken_out(request.GET.get("undo")) if may_edit else None,
        "filters": [
            {"name": "kind", "label": "Kind", "value": kind, "options": [("", "All"), *Place.KINDS]},
            {
                "name": "show",
                "label": "Show",
                "value": shown,
                "options": [("active", "In use"), ("inactive", "Taken out")],
            },
        ],
        "search": {"name": "q", "label": "Name, alias, street or city", "value": q},
        "reset_url": reverse("requests:places") if q or kind or shown != "active" else "",
    }
    return render(request, "requests/places.html", context)


@requires("places.edit")
@require_http_methods(["GET", "POST"])
def place_add(request: HttpRequest) -> HttpResponse:
    """Add a place."""
    form = PlaceForm(request.POST or None, initial={"name": request.GET.get("name", "")})
    if request.method == "POST" and form.is_valid():
        try:
            place = places.add(**form.cleaned_data)
        except DomainError as error:
            _explain(form, error)
        else:
            messages.success(request, f"{place.name} is in the address book.")
            return see_other(reverse("requests:places"))
    return _form_page(request, form, None)


@requires("places.edit")
@require_http_methods(["GET", "POST"])
def place_edit(request: HttpRequest, place_id: UUID) -> HttpResponse:
    """Change a place."""
    place = get_object_or_404(Place, pk=place_id)
    initial = {name: getattr(place, name) for name in places.FIELDS}
    if place.closes_minute is not None:
        initial["closes"] = dt.time(place.closes_minute // 60 % 24, place.closes_minute % 60)
    form = PlaceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            places.edit(place, **form.cleaned_data)
        except DomainError as error:
            _explain(form, error)
            place.refresh_from_db()
        else:
            messages.success(request, f"{place.name} is changed.")
            return see_other(reverse("requests:places"))
    return _form_page(request, form, place)


@requires("places.edit")
@require_POST
def place_deactivate(request: HttpRequest, place_id: UUID) -> HttpResponse:
    """Take a place out; the list then offers Undo."""
    place = places.deactivate(get_object_or_404(Place, pk=place_id))
    return see_other(f"{reverse('requests:places')}?undo={place.pk}")


@requires("places.edit")
@require_POST
def place_restore(request: HttpRequest, place_id: UUID) -> HttpResponse:
    """Put a place back."""
    place = places.restore(get_object_or_404(Place, pk=place_id))
    messages.success(request, f"{place.name} is back in the address book.")
    return see_other(reverse("requests:places"))


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def place_options(request: HttpRequest) -> HttpResponse:
    """Options of the destination picker: the patient's home, places, or the written address itself.

    ``q`` is posted (it may be where somebody lives) and not looked for in the address, ``patient`` is an id there.
    """
    q = " ".join(request.POST.get("q", "").split())
    key = _uuid(request.GET.get("patient"))
    patient = Patient.objects.filter(pk=key).first() if key else None
    options = places.options(q, patient)
    return render(request, "ui/combobox_options.html", {"options": options, "listbox": "destination-opt", "q": q})


def _form_page(request: HttpRequest, form: PlaceForm, place: Place | None) -> HttpResponse:
    membership = request.membership  # type: ignore[attr-defined]
    context = {**desk(request, unit_list(membership.units)), "form": form, "place": place}
    return render(request, "requests/place_form.html", context, status=422 if form.errors else 200)


def _explain(form: PlaceForm, error: DomainError) -> None:
    for name, text in error.fields.items():
        form.add_error(name if name in form.fields else None, text)
    if not error.fields:
        form.add_error(None, error.message)


def _taken_out(text: str | None) -> Place | None:
    key = _uuid(text)
    return Place.objects.filter(pk=key, is_active=False).first() if key else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
