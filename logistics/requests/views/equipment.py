"""The equipment catalog of a health system."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.core import clock, equipment
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.equipment import ItemForm, RuleForm
from logistics.requests.models import EquipmentItem, EquipmentRule
from logistics.requests.services import equipment as services
from logistics.requests.views.page import see_other

FIELDS = ("code", "name", "category", "serialised", "needs_setup", "returnable", "is_active")


@requires("equipment.catalog")
@require_GET
def catalog(request: HttpRequest) -> HttpResponse:
    """What may be ordered, and which items of the starter catalog are not in it."""
    items = list(EquipmentItem.objects.all())
    today = clock.today(request.membership.organization.time_zone)  # type: ignore[attr-defined]
    needed = services.needing_wopd(items, today)
    codes = {item.code for item in items}
    context = {
        "rows": [{"item": item, "needs_wopd": item.pk in needed} for item in items],
        "missing": sum(each.code not in codes for each in equipment.STARTER),
    }
    return render(request, "requests/catalog.html", context)


@requires("equipment.catalog")
@require_POST
def catalog_starter(request: HttpRequest) -> HttpResponse:
    """Put in what the starter catalog has and this one lacks."""
    added = services.add_starter()
    messages.success(request, f"{added} item{'' if added == 1 else 's'} added. Change them as you need.")
    return see_other(reverse("requests:catalog"))


@requires("equipment.catalog")
@require_http_methods(["GET", "POST"])
def catalog_new(request: HttpRequest) -> HttpResponse:
    """Add an item."""
    form = ItemForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _saved(form, None):
        messages.success(request, "The item is in the catalog.")
        return see_other(reverse("requests:catalog"))
    return _page(request, form, None)


@requires("equipment.catalog")
@require_http_methods(["GET", "POST"])
def catalog_item(request: HttpRequest, item_id: UUID) -> HttpResponse:
    """Change an item, or add a dated rule to it (``do=rule``)."""
    item = get_object_or_404(EquipmentItem, pk=item_id)
    initial: dict[str, Any] = {name: getattr(item, name) for name in FIELDS}
    initial |= {"sizes": ", ".join(item.sizes), "substitutes": ", ".join(item.substitutes)}
    ruling = request.method == "POST" and request.POST.get("do") == "rule"
    form = ItemForm(request.POST if request.method == "POST" and not ruling else None, initial=initial)
    form.fields["code"].disabled = True
    rule = RuleForm(request.POST if ruling else None)
    if ruling and rule.is_valid() and _ruled(rule, item):
        messages.success(request, "The rule is added.")
        return see_other(reverse("requests:catalog_item", args=[item_id]))
    if not ruling and request.method == "POST" and form.is_valid() and _saved(form, item):
        messages.success(request, "The item is changed.")
        return see_other(reverse("requests:catalog"))
    return _page(request, form, item, rule=rule)


def _page(
    request: HttpRequest, form: ItemForm, item: EquipmentItem | None, rule: RuleForm | None = None
) -> HttpResponse:
    failed = bool(form.errors or (rule is not None and rule.errors))
    context = {
        "form": form,
        "item": item,
        "rule": rule,
        "failed": rule if rule is not None and rule.errors else form,
        "rules": list(EquipmentRule.objects.filter(item=item)) if item is not None else [],
    }
    return render(request, "requests/catalog_item.html", context, status=422 if failed else 200)


def _saved(form: ItemForm, item: EquipmentItem | None) -> bool:
    try:
        services.save_item(item, **form.cleaned_data)
    except DomainError as error:
        _explain(form, error)
    return not form.errors


def _ruled(form: RuleForm, item: EquipmentItem) -> bool:
    try:
        services.set_rule(item, **form.cleaned_data)
    except DomainError as error:
        _explain(form, error)
    return not form.errors


def _explain(form: Any, error: DomainError) -> None:
    for name, words in error.fields.items():
        form.add_error(name if name in form.fields else None, words)
    if not error.fields:
        form.add_error(None, error.message)
