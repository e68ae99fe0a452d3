"""Pages of unit protocols and handoff lists: what there is, and editing, which makes the next version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import BaseFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from logistics.accounts.models import Unit
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.core.levels import LEVELS
from logistics.requests.forms.protocols import HandoffItems, ProtocolItems, SeenForm, kept_forms, rows_of
from logistics.requests.services import handoff, protocols
from logistics.requests.views.page import desk, see_other


@requires("protocols.view")
@require_GET
def protocol_list(request: HttpRequest) -> HttpResponse:
    """``/protocols``: the protocol of every unit, and the handoff list of every level."""
    units = list(Unit.objects.select_related("facility").order_by("facility__name", "order", "name"))
    newest = protocols.newest()
    context = {
        **desk(request, units),
        "units": [
            {"unit": unit, "protocol": newest.get(unit.pk), "items": protocols.items_of(newest.get(unit.pk))}
            for unit in units
        ],
        "levels": [
            {"level": LEVELS[template.level], "template": template, "hard": sum(item.hard for item in template.items)}
            for template in handoff.templates()
        ],
        "may_edit": _may_edit(request),
    }
    return render(request, "requests/protocols.html", context)


@requires("protocols.edit")
@require_http_methods(["GET", "POST"])
def protocol_edit(request: HttpRequest, unit_id: UUID) -> HttpResponse:
    """One unit's protocol; saving makes its next version."""
    unit = get_object_or_404(Unit.objects.select_related("facility"), pk=unit_id)
    current = protocols.current(unit.pk)
    version = current.version if current else 0
    initial = [item.__dict__ for item in protocols.items_of(current)]
    formset, seen = ProtocolItems(request.POST or None, initial=initial), SeenForm(request.POST or None)
    problem = ""
    if request.method == "POST" and formset.is_valid() and seen.is_valid():
        try:
            made = protocols.save(unit=unit, items=rows_of(formset), seen_version=seen.cleaned_data["seen_version"])
        except DomainError as error:
            problem = _explain(formset, error)
        else:
            messages.success(request, f"{unit.name} works by version {made.version}.")
            return see_other(reverse("requests:protocols"))
    return _edit_page(
        request,
        formset,
        problem,
        title=f"Protocol of {unit.name}",
        lead="What is done before each discharge. Due times count back from when the patient is expected to leave.",
        version=version,
        kind="protocol",
    )


@requires("protocols.edit")
@require_http_methods(["GET", "POST"])
def handoff_edit(request: HttpRequest) -> HttpResponse:
    """``/protocols/handoff?level=ALS``: what is handed over at one level; saving makes the next version."""
    level = request.GET.get("level", "ALS")
    if level not in LEVELS:
        raise Http404
    current = handoff.template_for(level)
    initial = [item.__dict__ for item in current.items]
    formset, seen = HandoffItems(request.POST or None, initial=initial), SeenForm(request.POST or None)
    problem = ""
    if request.method == "POST" and formset.is_valid() and seen.is_valid():
        try:
            made = handoff.save_template(
                level=level, items=rows_of(formset), seen_version=seen.cleaned_data["seen_version"]
            )
        except DomainError as error:
            problem = _explain(formset, error)
        else:
            messages.success(request, f"{LEVELS[level].label} hands over by version {made.version}.")
            return see_other(reverse("requests:protocols"))
    return _edit_page(
        request,
        formset,
        problem,
        title=f"Handoff, {LEVELS[level].label}",
        lead="What is handed over with the patient. Hard items are to be answered before the crew leaves.",
        version=current.version,
        kind="handoff",
    )


def _edit_page(
    request: HttpRequest, formset: BaseFormSet, problem: str, *, title: str, lead: str, version: int, kind: str
) -> HttpResponse:
    errors = [
        {"href": f"#{form[name].id_for_label}", "text": f"Item {number}: {texts[0]}"}
        for number, form in enumerate(formset.forms, start=1)
        for name, texts in form.errors.items()
        if name in form.fields
    ]
    if request.method == "POST" and not errors and not problem:
        problem = "Some of the form did not arrive. Open the page again and repeat the change."
    if problem:
        errors.append({"href": "", "text": problem})
    context: dict[str, Any] = {
        **desk(request, []),
        "formset": formset,
        "errors": errors,
        "title": title,
        "lead": lead,
        "version": version,
        "kind": kind,
    }
    return render(request, "requests/protocols_edit.html", context, status=422 if errors else 200)


def _explain(formset: BaseFormSet, error: DomainError) -> str:
    """Put a refusal into the rows that it names; returns what belongs to none. A conflict (409) is raised."""
    if error.status_code == 409:
        raise error
    kept = kept_forms(formset)
    placed = False
    for name, text in error.fields.items():
        column, _, number = name.rpartition("-")
        if column in ("words", "who", "section", "kind", "need", "offset_minutes") and int(number) < len(kept):
            kept[int(number)].add_error(column, text)
            placed = True
    return "" if placed else error.message


def _may_edit(request: HttpRequest) -> bool:
    return "protocols.edit" in request.membership.definition.permissions  # type: ignore[attr-defined]
