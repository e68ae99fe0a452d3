"""Equipment at the supplier: offers and deliveries, and one delivery on the driver's phone up to its proof."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.forms.equipment_deliveries import (
    AcceptForm,
    AttemptForm,
    DeclineForm,
    ProofForm,
    ScheduleForm,
    SlipForm,
)
from dispatch.models import EquipmentOffer, EquipmentOrder
from dispatch.selectors import equipment_deliveries as selectors
from dispatch.services.equipment import delivering, proving, reserving, suppliers
from dispatch.services.equipment.proving import Received
from dispatch.views.frame import frame, see_other
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from vendors.models import CrewMember


@requires("deliveries.view")
@require_GET
def deliveries(request: HttpRequest) -> HttpResponse:
    """Offers to answer, then what is to do, due first."""
    return _list(request)


@requires("deliveries.answer")
@require_POST
def equipment_offer_accept(request: HttpRequest, equipment_offer_id: UUID) -> HttpResponse:
    """Take the order; its stock is reserved."""
    offer = _offer_or_404(equipment_offer_id)
    form = AcceptForm(request.POST, zone=offer.brief["time_zone"])
    if not form.is_valid():
        return _list(request, problem=str(next(iter(form.errors.values()))[0]), status=422)
    try:
        order = suppliers.accept(offer.pk, expected_at=form.cleaned_data["expected_at"])
    except DomainError as error:
        return _list(request, problem=error.message, status=error.status_code)
    words = "Everything is reserved." if order.status == "allocated" else "Something is out of stock."
    messages.success(request, f"Order {order.number} is yours. {words}")
    return see_other(reverse("dispatch:delivery", args=[order.pk]))


@requires("deliveries.answer")
@require_http_methods(["GET", "POST"])
def equipment_offer_decline(request: HttpRequest, equipment_offer_id: UUID) -> HttpResponse:
    """Say no, with a reason. The next supplier is asked at once."""
    offer = _offer_or_404(equipment_offer_id)
    form = DeclineForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            suppliers.decline(offer.pk, **form.cleaned_data)
        except DomainError as error:
            return _list(request, problem=error.message, status=error.status_code)
        messages.success(request, "Declined. The next supplier is asked.")
        return see_other(reverse("dispatch:deliveries"))
    context = frame(o=selectors.offer_card(offer, {}), form=form)
    return render(request, "dispatch/delivery_decline.html", context, status=422 if form.errors else 200)


@requires("deliveries.view")
@require_GET
def delivery(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """One delivery: where, what, who is there, and the one next step."""
    return _page(request, _order_or_404(request, delivery_id))


@requires("deliveries.act")
@require_POST
def delivery_act(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """``do`` names the step: one of :data:`STEPS`."""
    order = _order_or_404(request, delivery_id)
    step = STEPS.get(request.POST.get("do", ""))
    if step is None or (step in DESK and "deliveries.answer" not in _can(request)):
        return _page(request, order, problem="Choose one of the steps on this page.", status=422)
    try:
        done = step(request, order)
    except _Refused as refused:
        words = str(next(iter(refused.form.errors.values()))[0])
        return _page(request, order, problem=words, forms={refused.step: refused.form}, status=422)
    except DomainError as error:
        return _page(request, _order_or_404(request, delivery_id), problem=error.message, status=error.status_code)
    messages.success(request, done)
    if step is _give_back:
        return see_other(reverse("dispatch:deliveries"))
    return see_other(reverse("dispatch:delivery", args=[delivery_id]))


@requires("deliveries.act")
@require_http_methods(["GET", "POST"])
def delivery_proof(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Proof of delivery, or the receipt of a pickup: who received or handed back what, signed or why not."""
    order = _order_or_404(request, delivery_id)
    page = selectors.page(order)
    picking = order.status == "pickup_requested"
    again = order.status == "pod_review" and page.rejected is not None
    if not (picking or again or order.status == "out_for_delivery"):
        messages.warning(request, f"Order {order.number} is {order.status.replace('_', ' ')}: nothing to hand over.")
        return see_other(reverse("dispatch:delivery", args=[delivery_id]))
    form = ProofForm(
        request.POST or None,
        request.FILES or None,
        lines=[] if picking or again else page.coming,
        setup=order.needs_setup and not picking,
        initial={"key": str(uuid.uuid4()), "received_on": clock.today(order.time_zone)},
    )
    if request.method == "POST" and form.is_valid():
        verb = proving.pick_up if picking else proving.prove
        if form.attempt(verb, order_id=order.pk, received=_received(form), key=form.cleaned_data["key"]):
            messages.success(request, f"Order {order.number}: {'picked up' if picking else 'handed over'}.")
            return see_other(reverse("dispatch:delivery", args=[delivery_id]))
    context = frame(
        d=page,
        order=order,
        form=form,
        picking=picking,
        again=again,
        facility_zone=order.time_zone,
        screen_title="Pickup receipt" if picking else "Proof of delivery",
        back_url=reverse("dispatch:delivery", args=[delivery_id]),
        back_label="Back to the order",
    )
    return render(request, "dispatch/delivery_proof.html", context, status=422 if form.errors else 200)


class _Refused(Exception):
    def __init__(self, step: str, form: Any) -> None:
        super().__init__(step)
        self.step, self.form = step, form


def _reserve(request: HttpRequest, order: EquipmentOrder) -> str:
    done = reserving.allocate(order.pk)
    return "Everything is reserved." if done.status != "backordered" else "Something is still out of stock."


def _schedule(request: HttpRequest, order: EquipmentOrder) -> str:
    form = _attempted("schedule", ScheduleForm(request.POST, zone=order.time_zone, people=_people()))
    member = form.cleaned_data["crew_member"]
    _try(
        "schedule", form, delivering.schedule, order_id=order.pk, expected_at=form.cleaned_data["expected_at"],
        crew_member_id=UUID(member) if member else None,
    )  # fmt: skip
    return "Time and driver are set. The hospital sees it."


def _slip(request: HttpRequest, order: EquipmentOrder) -> str:
    form = _attempted("slip", SlipForm(request.POST, zone=order.time_zone))
    _try("slip", form, delivering.slip, order_id=order.pk, **form.cleaned_data)
    return "The new time is told to the hospital."


def _leave(request: HttpRequest, order: EquipmentOrder) -> str:
    delivering.leave(order.pk)
    return "Out for delivery."


def _attempt(request: HttpRequest, order: EquipmentOrder) -> str:
    form = _attempted("attempt", AttemptForm(request.POST))
    data = form.cleaned_data
    _try(
        "attempt", form, delivering.attempt, order_id=order.pk, outcome=data["outcome"], key=data["key"],
        note_text=data["note"],
    )  # fmt: skip
    return "Recorded. The hospital is told."


def _give_back(request: HttpRequest, order: EquipmentOrder) -> str:
    form = _attempted("give_back", DeclineForm(request.POST))
    suppliers.turn_back(order.pk, **form.cleaned_data)
    return f"Order {order.number} is not yours any more. Another supplier is asked."


def _shelve(request: HttpRequest, order: EquipmentOrder) -> str:
    proving.back_to_stock(order.pk)
    return "Checked in: it counts as stock again."


Step = Callable[[HttpRequest, EquipmentOrder], str]
STEPS: dict[str, Step] = {
    "reserve": _reserve,
    "schedule": _schedule,
    "slip": _slip,
    "leave": _leave,
    "attempt": _attempt,
    "give_back": _give_back,
    "shelve": _shelve,
}
# A driver does what happens at the door; the rest is the coordinator's.
DESK = (_reserve, _schedule, _give_back, _shelve)


def _list(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    show = request.GET.get("show", "todo")
    show = show if show in dict(selectors.SHOWN) else "todo"
    q = request.GET.get("q", "")
    found = selectors.delivery_list(show=show, user_id=_driver(request), q=q)
    page = Paginator(found, selectors.PAGE_SIZE).get_page(request.GET.get("page"))
    rows = selectors.rows_of(page.object_list)
    if any(row["who"].name for row in rows):
        numbers = [row["order"].number for row in rows if row["who"].name]
        audit.record(action="recipients.listed", purpose="treatment", details={"orders": numbers})
    can = _can(request)
    context = frame(
        cards=selectors.open_offers() if "deliveries.answer" in can else [],
        rows=rows,
        page=page,
        filters=[{"name": "show", "label": "Show", "value": show, "options": selectors.SHOWN}],
        search={"name": "q", "label": "Find by order number", "value": q},
        reset_url=reverse("dispatch:deliveries") if show != "todo" or q else "",
        problem=[{"href": "", "text": problem}] if problem else [],
        facility_zone=request.membership.organization.time_zone,  # type: ignore[attr-defined]
    )
    return render(request, "dispatch/deliveries.html", context, status=status)


def _page(
    request: HttpRequest,
    order: EquipmentOrder,
    *,
    problem: str = "",
    forms: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    page = selectors.page(order)
    if page.who.name:
        audit.record(action="recipient.viewed", target=order, purpose="treatment")
    given, can = forms or {}, _can(request)
    local = clock.local(order.expected_at or order.deliver_by_at, order.time_zone).replace(tzinfo=None)
    desk, state = "deliveries.answer" in can, order.status
    context = frame(
        d=page,
        order=order,
        facility_zone=order.time_zone,
        problem=problem,
        desk=desk,
        schedule=given.get("schedule")
        or ScheduleForm(people=_people(), zone=order.time_zone, initial={"expected_at": local}),
        slip=given.get("slip") or SlipForm(zone=order.time_zone, initial={"expected_at": local}),
        attempt=given.get("attempt") or AttemptForm(initial={"key": str(uuid.uuid4())}),
        give_back=given.get("give_back") or DeclineForm(),
        may={
            "reserve": desk and state in ("accepted", "backordered", "wrong_item", "partly_delivered"),
            "schedule": desk and state in delivering.SCHEDULABLE,
            "slip": state in delivering.SLIPPABLE,
            "leave": state == "scheduled",
            "prove": state in ("out_for_delivery", "pickup_requested") or bool(page.rejected),
            "attempt": state in ("out_for_delivery", "pickup_requested"),
            "give_back": desk and state in ("accepted", "backordered", "allocated", "scheduled", "attempted"),
            "shelve": desk and state == "picked_up",
        },
        screen_title=f"Order {order.number}",
        back_url=reverse("dispatch:deliveries"),
        back_label="Back to deliveries",
    )
    return render(request, "dispatch/delivery.html", context, status=status)


def _received(form: ProofForm) -> Received:
    data = form.cleaned_data
    return Received(
        pieces=form.pieces,
        receiver_name=data["receiver_name"],
        receiver_relation=data["receiver_relation"],
        received_on=data["received_on"],
        signature=data["signature"],
        unsigned_reason=data["cannot_sign_reason"],
        photo=data["photo_bytes"],
        note=data["note"],
        setup_done=data.get("setup_done", False),
        wrong=form.wrong,
    )


def _attempted(step: str, form: Any) -> Any:
    if not form.is_valid():
        raise _Refused(step, form)
    return form


def _try(step: str, form: Any, service: Callable[..., Any], **arguments: Any) -> None:
    """Call the service; its refusal goes to the form's fields."""
    if not form.attempt(service, **arguments):
        raise _Refused(step, form)


def _people() -> list[tuple[UUID, str]]:
    return list(CrewMember.objects.filter(is_active=True).values_list("pk", "name"))


def _offer_or_404(offer_id: UUID) -> EquipmentOffer:
    offer = selectors.offer_get_for(offer_id)
    if offer is None:
        raise Http404
    return offer


def _order_or_404(request: HttpRequest, order_id: UUID) -> EquipmentOrder:
    order = selectors.delivery_get_for(order_id, user_id=_driver(request))
    if order is None:
        raise Http404
    return order


def _driver(request: HttpRequest) -> UUID | None:
    """Whose deliveries a driver is limited to; None for everybody else."""
    driver = request.membership.role == "driver"  # type: ignore[attr-defined]
    return request.scope.user_id if driver else None  # type: ignore[attr-defined]


def _can(request: HttpRequest) -> frozenset[str]:
    return request.membership.definition.permissions  # type: ignore[attr-defined]
