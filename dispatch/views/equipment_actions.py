"""What the hospital does to an equipment order, one verb a POST. A refusal shows the page again with what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from dispatch.forms.equipment import (
    CancelForm,
    DueForm,
    HandOutForm,
    PapersForm,
    ReasonForm,
    ReviewForm,
    SubstituteForm,
)
from dispatch.models import EquipmentOrder, EquipmentOrderLine
from dispatch.services.equipment import closet, orders, proving, reserving, suppliers
from dispatch.views.equipment import order_or_404, order_page
from dispatch.views.frame import see_other
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.models import EquipmentDetail, ServiceRequest
from logistics.requests.services import transitions

Verb = Callable[[HttpRequest, ServiceRequest], str]


class Refused(Exception):
    """A form was not filled in right: ``form`` holds the errors."""

    def __init__(self, verb: str, form: Any) -> None:
        super().__init__(verb)
        self.verb, self.form = verb, form


@requires("equipment.order")
@require_POST
def equipment_act(request: HttpRequest, equipment_id: UUID) -> HttpResponse:
    """``do`` names the verb: one of :data:`VERBS`."""
    found = order_or_404(equipment_id)
    verb = VERBS.get(request.POST.get("do", ""))
    if verb is None:
        return order_page(request, found, problem="Choose one of the actions on this page.", status=422)
    try:
        done = verb(request, found)
    except Refused as refused:
        words = str(next(iter(refused.form.errors.values()))[0])
        return order_page(request, found, problem=words, forms={refused.verb: refused.form}, status=422)
    except DomainError as error:
        return order_page(request, order_or_404(equipment_id), problem=error.message, status=error.status_code)
    messages.success(request, done)
    return see_other(reverse("dispatch:equipment_order", args=[equipment_id]))


def _papers(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("papers", PapersForm(request.POST))
    try:
        orders.set_papers(found.pk, **form.cleaned_data)
    except DomainError as error:
        for name, words in error.fields.items():
            form.add_error(name if name in form.fields else None, words)
        raise (Refused("papers", form) if form.errors else error) from error
    return "The papers are recorded."


def _due(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("due", DueForm(request.POST))
    zone = EquipmentDetail.objects.values_list("time_zone", flat=True).get(request=found)
    moment = form.cleaned_data["deliver_by"].replace(tzinfo=ZoneInfo(zone))
    if not form.attempt(orders.set_due, request_id=found.pk, deliver_by_at=moment):
        raise Refused("due", form)
    return "The new time is told to the supplier."


def _cancel(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("cancel", CancelForm(request.POST))
    orders.cancel_request(found.pk, reason=form.cleaned_data["reason"])
    return "The order is canceled."


def _hold(request: HttpRequest, found: ServiceRequest) -> str:
    orders.hold(_order(found).pk, reason="Held by staff")
    return "The order is on hold. The supplier keeps what it reserved."


def _resume(request: HttpRequest, found: ServiceRequest) -> str:
    order = orders.live_order(found.pk)
    if order is None:
        transitions.resume(found, reason="Let go on by staff")
    else:
        orders.resume(order.pk, reason="Let go on by staff")
    return "The order goes on."


def _again(request: HttpRequest, found: ServiceRequest) -> str:
    suppliers.ask_again(_order(found).pk)
    return "Suppliers are ranked and asked anew."


def _wait(request: HttpRequest, found: ServiceRequest) -> str:
    reserving.wait(_order(found).pk)
    return "The supplier delivers when it is in stock."


def _substitute(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("substitute", SubstituteForm(request.POST))
    code, _, size = form.cleaned_data["other"].partition("|")
    line = reserving.substitute(_order(found).pk, line_id=form.cleaned_data["line"], code=code, size=size)
    return f"{line.name} comes instead."


def _other(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("other", ReasonForm(request.POST))
    orders.take_back(_order(found).pk, reason=form.cleaned_data["note"])
    return "Another supplier is asked."


def _review(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("review", ReviewForm(request.POST))
    answer = form.cleaned_data["answer"]
    try:
        proving.review(
            _order(found).pk, accept=answer == "accept", note_text=form.cleaned_data["note"], wrong=answer == "wrong"
        )
    except DomainError as error:
        if "note" not in error.fields:
            raise
        form.add_error("note", error.message)
        raise Refused("review", form) from error
    return {
        "accept": "The proof of delivery is accepted.",
        "reject": "The supplier is asked for a new proof.",
        "wrong": "The supplier brings the right item.",
    }[answer]


def _pickup(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("pickup", ReasonForm(request.POST))
    proving.request_pickup(_order(found).pk, reason=form.cleaned_data["note"])
    return "The supplier is asked to pick it up."


def _keep(request: HttpRequest, found: ServiceRequest) -> str:
    proving.withdraw_pickup(_order(found).pk)
    return "The pickup is withdrawn. The patient keeps it."


def _exchange(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("exchange", ReasonForm(request.POST))
    proving.exchange(_order(found).pk, reason=form.cleaned_data["note"])
    return "The supplier brings another one and takes this one back."


def _closet(request: HttpRequest, found: ServiceRequest) -> str:
    form = _valid("closet", HandOutForm(request.POST))
    order = _order(found)
    lines = EquipmentOrderLine.objects.filter(order=order)
    serials = {line.pk: request.POST.getlist(f"serials_{line.position}") for line in lines}
    try:
        closet.hand_out(order.pk, serials=serials, **form.cleaned_data)
    except DomainError as error:
        if "due_back_on" not in error.fields:
            raise
        form.add_error("due_back_on", error.message)
        raise Refused("closet", form) from error
    return "Handed out of the closet."


def _take_in(request: HttpRequest, found: ServiceRequest) -> str:
    closet.take_in(_order(found).pk)
    return "Back in the closet."


VERBS: dict[str, Verb] = {
    "papers": _papers,
    "due": _due,
    "cancel": _cancel,
    "hold": _hold,
    "resume": _resume,
    "again": _again,
    "wait": _wait,
    "substitute": _substitute,
    "other": _other,
    "review": _review,
    "pickup": _pickup,
    "keep": _keep,
    "exchange": _exchange,
    "closet": _closet,
    "take_in": _take_in,
}


def _valid(verb: str, form: Any) -> Any:
    if not form.is_valid():
        raise Refused(verb, form)
    return form


def _order(found: ServiceRequest) -> EquipmentOrder:
    order = orders.live_order(found.pk)
    if order is None:
        raise Http404
    return order
