"""A shelf of equipment: the supplier's depot or the hospital's loaner closet. Pages name orders, never patients."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.core import clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from vendors.forms.stock import ChangeForm, CountForm, ItemForm, RecallForm, ReceiveForm
from vendors.selectors import stock as selectors
from vendors.services import stock


@requires("stock.view")
@require_GET
def stock_list(request: HttpRequest) -> HttpResponse:
    """What is there, what is free, what to order."""
    staff = _staff(request)
    q, show = request.GET.get("q", ""), request.GET.get("show", "all")
    show = show if show in dict(selectors.SHOWN) else "all"
    found = selectors.item_list(staff=staff, q=q, show=show)
    page = Paginator(found, selectors.PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "rows": selectors.rows_of(list(page.object_list), staff=staff),
        "page": page,
        "staff": staff,
        "below": selectors.below_par(staff=staff),
        "overdue": selectors.overdue(clock.today(_zone(request)), staff=staff),
        "filters": [{"name": "show", "label": "Show", "value": show, "options": selectors.SHOWN}],
        "search": {"name": "q", "label": "Item, code or size", "value": q},
        "reset_url": reverse("vendors:stock") if q or show != "all" else "",
    }
    return render(request, "vendors/stock.html", context)


@requires("stock.edit")
@require_http_methods(["GET", "POST"])
def stock_new(request: HttpRequest) -> HttpResponse:
    """A new kind of thing on the shelf."""
    form = ItemForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and form.attempt(stock.add_item, **form.cleaned_data):
        messages.success(request, f"{form.result.name} is on the list. Count in what is there.")
        return _see(reverse("vendors:stock_item", args=[form.result.pk]))
    context = {"form": form, "staff": _staff(request)}
    return render(request, "vendors/stock_new.html", context, status=422 if form.errors else 200)


@requires("stock.view")
@require_GET
def stock_item(request: HttpRequest, stock_id: UUID) -> HttpResponse:
    """One item: counts, pieces, moves."""
    return _page(request, _item_or_404(request, stock_id))


@requires("stock.edit")
@require_POST
def stock_act(request: HttpRequest, stock_id: UUID) -> HttpResponse:
    """``do`` names what is done: one of :data:`VERBS`."""
    item = _item_or_404(request, stock_id)
    name = request.POST.get("do", "")
    verb = VERBS.get(name)
    if verb is None:
        return _page(request, item, problem="Choose one of the actions on this page.", status=422)
    try:
        done = verb(request, item)
    except _Refused as refused:
        return _page(request, item, forms={name: refused.form}, status=422)
    except DomainError as error:
        return _page(request, _item_or_404(request, stock_id), problem=error.message, status=error.status_code)
    messages.success(request, done)
    if request.POST.get("back") == "list":
        return _see(reverse("vendors:stock"))
    return _see(reverse("vendors:stock_item", args=[stock_id]))


class _Refused(Exception):
    def __init__(self, form: Any) -> None:
        super().__init__("refused")
        self.form = form


def _change(request: HttpRequest, item: Any) -> str:
    form = _sent(ChangeForm(request.POST), stock.change_item, item)
    return f"Par is {form.cleaned_data['par']}."


def _receive(request: HttpRequest, item: Any) -> str:
    form = _sent(ReceiveForm(request.POST), stock.receive, item)
    return f"{form.cleaned_data['quantity']} counted in."


def _reorder(request: HttpRequest, item: Any) -> str:
    row = stock.reorder(item_id=item.pk)
    return f"{row.quantity} of {item.name} are ordered."


def _arrived(request: HttpRequest, item: Any) -> str:
    form = ReceiveForm(request.POST)
    if not form.is_valid():
        raise _Refused(form)
    data = form.cleaned_data
    arrived = {"item_id": item.pk, "quantity": data["quantity"], "serials": data["serials"]}
    if not form.attempt(stock.receive_reorder, **arrived):
        raise _Refused(form)
    return f"{data['quantity']} came in. The order is closed."


def _unorder(request: HttpRequest, item: Any) -> str:
    stock.cancel_reorder(item_id=item.pk)
    return "The order is canceled."


def _count(request: HttpRequest, item: Any) -> str:
    form = _sent(CountForm(request.POST), stock.set_on_hand, item)
    return f"{form.cleaned_data['on_hand']} are on the shelf."


def _recall(request: HttpRequest, item: Any) -> str:
    form = _sent(RecallForm(request.POST), stock.recall, item)
    unit = form.result
    if unit.order_number:
        return f"{unit.serial} is recalled. Order {unit.order_number} has it: the hospital is told."
    return f"{unit.serial} is recalled and no longer counts."


def _retire(request: HttpRequest, item: Any) -> str:
    stock.retire(item_id=item.pk, serial=request.POST.get("serial", ""))
    return "Taken out."


VERBS: dict[str, Callable[[HttpRequest, Any], str]] = {
    "change": _change,
    "receive": _receive,
    "reorder": _reorder,
    "arrived": _arrived,
    "unorder": _unorder,
    "count": _count,
    "recall": _recall,
    "retire": _retire,
}


def _page(
    request: HttpRequest, item: Any, *, problem: str = "", forms: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    page = selectors.page(item, staff=_staff(request), now=clock.now())
    given = forms or {}
    failed = next(iter(given.values()), None)
    context = {
        "p": page,
        "item": item,
        "staff": _staff(request),
        "form": failed,
        "errors": [{"href": "", "text": problem}] if problem else [],
        "change": given.get("change") or ChangeForm(initial={"par": item.par, "place": item.place}, prefix=None),
        "receive": given.get("receive") or ReceiveForm(initial={"key": str(uuid.uuid4())}),
        "arrived": given.get("arrived")
        or ReceiveForm(initial={"quantity": page.reorder.quantity if page.reorder else 1}),
        "count": given.get("count") or CountForm(initial={"on_hand": item.on_hand}),
        "recall": given.get("recall") or RecallForm(),
        "may_edit": "stock.edit" in request.membership.definition.permissions,  # type: ignore[attr-defined]
        "zone": _zone(request),
    }
    return render(request, "vendors/stock_item.html", context, status=status)


def _sent(form: Any, service: Callable[..., Any], item: Any) -> Any:
    """The form after its service took it; raises with the form when either refused."""
    if not (form.is_valid() and form.attempt(service, item_id=item.pk, **form.cleaned_data)):
        raise _Refused(form)
    return form


def _item_or_404(request: HttpRequest, stock_id: UUID) -> Any:
    item = selectors.item_get_for(stock_id, staff=_staff(request))
    if item is None:
        raise Http404
    return item


def _staff(request: HttpRequest) -> bool:
    return request.scope.side == "staff"  # type: ignore[attr-defined]


def _zone(request: HttpRequest) -> str:
    return request.membership.organization.time_zone  # type: ignore[attr-defined]


def _see(url: str) -> HttpResponseRedirect:
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
