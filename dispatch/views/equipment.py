"""Equipment at the hospital's desk: the list, a new order, one order, its proof, and loans that are overdue."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from dispatch.forms.equipment import CancelForm, DueForm, HandOutForm, OrderForm, PapersForm, ReviewForm
from dispatch.selectors import equipment as selectors
from dispatch.services.equipment import orders
from dispatch.views.frame import frame, see_other
from logistics.accounts.models import Facility
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.models import EquipmentItem, Patient, ServiceRequest
from logistics.requests.selectors.identity import identity, patient_option
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import equipment as demand
from logistics.requests.services import places
from logistics.requests.services.booking import current_encounter
from logistics.requests.services.finding import find_patients
from logistics.requests.services.geocode import Address, parse_address


@requires("equipment.view")
@require_GET
def equipment(request: HttpRequest) -> HttpResponse:
    """Every equipment order by what is due first."""
    show = request.GET.get("show", "open")
    show = show if show in dict(selectors.SHOWN) else "open"
    vendor, q = request.GET.get("vendor", ""), request.GET.get("q", "")
    suppliers = [(str(pk), name) for pk, name in selectors.supplier_list()]
    vendor = vendor if vendor in dict(suppliers) else ""
    found = selectors.order_list(show=show, q=q, vendor=vendor)
    page = Paginator(found, selectors.PAGE_SIZE).get_page(request.GET.get("page"))
    rows = selectors.list_rows(page.object_list)
    if rows:
        numbers = [row["order"].number for row in rows if row["order"]]
        audit.record(action="equipment.listed", purpose="treatment", details={"orders": numbers})
    context = frame(
        rows=rows,
        page=page,
        filters=[
            {"name": "show", "label": "Show", "value": show, "options": selectors.SHOWN},
            {"name": "vendor", "label": "Supplier", "value": vendor, "options": [("", "All"), *suppliers]},
        ],
        search={"name": "q", "label": "Find by order number", "value": q},
        reset_url=reverse("dispatch:equipment") if show != "open" or vendor or q else "",
        facility_zone=_site(request).time_zone,
        loans=selectors.overdue_loans(clock.today(_site(request).time_zone)),
    )
    return render(request, "dispatch/equipment.html", context)


@requires("equipment.order")
@require_http_methods(["GET", "POST"])
def equipment_new(request: HttpRequest) -> HttpResponse:
    """A new order for a patient (``?patient=``); without one the page asks who it is."""
    patient = _patient(request)
    site = _site(request)
    if patient is None:
        return _who(request)
    encounter = current_encounter(patient.pk)
    zone = encounter.facility.time_zone if encounter and encounter.facility else site.time_zone
    home = places.home_address(patient)
    leaves = encounter.expected_discharge_at if encounter and encounter.status == "in_house" else None
    items = list(EquipmentItem.objects.filter(is_active=True))
    form = OrderForm(
        request.POST or None,
        items=items,
        suppliers=selectors.supplier_list(),
        zone=zone,
        initial={
            "key": str(uuid.uuid4()),
            "address": str(home) if home else "",
            "contact_phone": patient.phone,
            "leaves_on": clock.local(leaves, zone).date() if leaves else None,
            "deliver_by": clock.local(leaves, zone).replace(tzinfo=None, second=0, microsecond=0) if leaves else None,
        },
    )
    if request.method == "POST" and form.is_valid():
        placed = _place(form, patient, site)
        if placed is not None:
            messages.success(request, "Ordered. The first supplier is asked now.")
            return see_other(reverse("dispatch:equipment_order", args=[placed.pk]))
    audit.record(action="patient.viewed", target=patient, patient_id=patient.pk, purpose="treatment")
    context = frame(
        form=form,
        patient=patient,
        patient_note=identity(patient),
        facility_zone=zone,
        groups=_groups(form),
        catalog_url=reverse("requests:catalog") if "equipment.catalog" in _can(request) else "",
    )
    return render(request, "dispatch/equipment_new.html", context, status=422 if form.errors else 200)


@requires("equipment.view")
@require_GET
def equipment_order(request: HttpRequest, equipment_id: UUID) -> HttpResponse:
    """One order: items, papers, who was asked, what was delivered to whom, what may be done."""
    return order_page(request, order_or_404(equipment_id))


@requires("equipment.view")
@require_GET
def equipment_signature(request: HttpRequest, equipment_id: UUID) -> HttpResponse:
    """The receiver's signature of the latest delivery (PNG)."""
    return _image(order_or_404(equipment_id), "signature", "image/png")


@requires("equipment.view")
@require_GET
def equipment_photo(request: HttpRequest, equipment_id: UUID) -> HttpResponse:
    """The photo of the latest delivery (JPEG)."""
    return _image(order_or_404(equipment_id), "photo", "image/jpeg")


def order_or_404(equipment_id: UUID) -> ServiceRequest:
    """The equipment request, or 404: another organization's does not exist here."""
    found = selectors.equipment_get(equipment_id)
    if found is None:
        raise Http404
    return found


def order_page(
    request: HttpRequest,
    found: ServiceRequest,
    *,
    problem: str = "",
    forms: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The order's page; ``forms`` are those that came back with errors, by verb."""
    page = selectors.page(found)
    audit.record(
        action="patient.viewed", target=found, patient_id=found.patient_id, purpose="treatment",
        details={"equipment": str(found.pk)},
    )  # fmt: skip
    given = forms or {}
    detail = page.detail
    context = frame(
        p=page,
        order=page.order,
        request_row=found,
        detail=detail,
        home=", ".join(str(detail.address[k]) for k in ("line", "city", "state", "zip_code") if detail.address.get(k)),
        facility_zone=detail.time_zone,
        problem=[{"href": "", "text": problem}] if problem else [],
        papers=given.get("papers")
        or PapersForm(initial={name: getattr(detail, name) for name in PapersForm.base_fields}),
        review=given.get("review") or ReviewForm(),
        cancel=given.get("cancel") or CancelForm(),
        due=given.get("due") or DueForm(initial={"deliver_by": clock.local(detail.deliver_by_at, detail.time_zone)}),
        closet=given.get("closet") or HandOutForm(initial={"key": str(uuid.uuid4())}),
        may=_may(page, _can(request)),
        patient_url=reverse("requests:patient", args=[found.patient_id]) if "patients.view" in _can(request) else "",
    )
    return render(request, "dispatch/equipment_order.html", context, status=status)


def _may(page: selectors.EquipmentPage, can: frozenset[str]) -> dict[str, bool]:
    """What the page offers now."""
    order, request = page.order, page.request
    state = order.status if order else ""
    if "equipment.order" not in can:
        return {}
    before = state in ("ordered", "offered", "exhausted", "accepted", "backordered", "allocated", "scheduled",
                       "attempted", "wrong_item", "held")  # fmt: skip
    supplier = order is not None and order.vendor_id is not None
    return {
        "cancel": before or (order is None and request.status in ("draft", "pending", "requested", "held")),
        "hold": before and state != "held",
        "resume": state == "held" or (order is None and request.status == "held"),
        "again": state == "exhausted",
        "decide": state in ("backordered", "wrong_item") or (state == "exhausted" and bool(page.substitutes)),
        "other": supplier and before and state != "held",
        "review": state == "pod_review",
        "pickup": supplier and state in ("pod_review", "on_rent", "recalled", "partly_delivered"),
        "keep": state == "pickup_requested",
        "exchange": supplier and state in ("on_rent", "recalled"),
        "closet": bool(page.closet),
        "take_in": not supplier and state in ("on_rent", "recalled", "pickup_requested"),
        "due": state in (*orders.DUE, "held") or (order is None and request.status in ("draft", "pending", "held")),
        "papers": request.status != "canceled",
    }


def _place(form: OrderForm, patient: Patient, site: Facility) -> ServiceRequest | None:
    """The request, or None with the reason at its field."""
    data = form.cleaned_data
    try:
        address: Address | None = None
        if data["where"] == "home":
            address = parse_address(data["address"], field="address")
        papers = {name: data[name] for name in demand.PAPERS if data.get(name)}
        wanted = demand.Order(
            lines=form.lines,
            where=data["where"],
            deliver_by_at=data["deliver_by"],
            address=address,
            contact_name=data["contact_name"],
            contact_phone=data["contact_phone"],
            setup_note=data["setup_note"],
            preferred_vendor_id=UUID(data["preferred"]) if data["preferred"] else None,
            papers=papers,
        )
        return demand.place(patient=patient, order=wanted, facility=site, key=data["key"])
    except DomainError as error:
        for name, words in error.fields.items():
            form.add_error(name if name in form.fields else None, words)
        if not error.fields:
            form.add_error(None, error.message)
        return None


def _who(request: HttpRequest) -> HttpResponse:
    """The picker: a chosen patient leads to the form."""
    chosen, typed = request.POST.get("patient", ""), request.POST.get("patient_text", "")
    matches: list[dict[str, Any]] = []
    error = ""
    if request.method == "POST":
        matches = [patient_option(patient) for patient in find_patients(typed, limit=8)] if typed else []
        error = "" if matches else "Choose a patient: search by name, MRN or birth date."
        if chosen:
            error = "This patient is not here any more. Search again."
    context = frame(matches=matches, error=error, text=typed, facility_zone=_site(request).time_zone)
    return render(request, "dispatch/equipment_who.html", context, status=422 if error else 200)


def _patient(request: HttpRequest) -> Patient | None:
    text = request.POST.get("patient") or request.GET.get("patient") or ""
    try:
        key = UUID(text)
    except ValueError:
        return None
    if request.method == "GET":
        return get_object_or_404(Patient, pk=key)
    return Patient.objects.filter(pk=key).first()


def _groups(form: OrderForm) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in form.rows:
        groups.setdefault(row["item"].get_category_display(), []).append(row)
    return [{"label": label, "rows": rows} for label, rows in groups.items()]


def _image(found: ServiceRequest, name: str, kind: str) -> HttpResponse:
    proof = selectors.page(found).proof
    body = bytes(getattr(proof, name)) if proof is not None else b""
    if not body:
        raise Http404
    audit.record(
        action="proof.viewed", target=proof, patient_id=found.patient_id, purpose="operations", details={"part": name}
    )
    response = HttpResponse(body, content_type=kind)
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = "default-src 'none'"
    return response


def _site(request: HttpRequest) -> Facility:
    """The site of the person's units, else the first one."""
    units = unit_list(request.membership.units)  # type: ignore[attr-defined]
    found = units[0].facility if units else Facility.objects.order_by("name").first()
    if found is None:
        raise Http404
    return found


def _can(request: HttpRequest) -> frozenset[str]:
    return request.membership.definition.permissions  # type: ignore[attr-defined]
