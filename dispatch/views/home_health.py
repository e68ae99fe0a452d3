"""Home health on the hospital's side: orders, one order, the agencies of the list, and what people do to an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dispatch.forms.home_health import CancelOrderForm, PhonedForm, ReferForm, StartForm, TermsForm, refuse
from dispatch.models import ReferralOffer
from dispatch.selectors import agencies as lists
from dispatch.selectors import home_health as pages
from dispatch.services.home_health import referrals
from dispatch.views.frame import frame, see_other
from logistics.core import audit, clock
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests import home_health_rules as rules
from logistics.requests.models import Patient
from logistics.requests.selectors.identity import patient_option
from logistics.requests.services import booking, home_health, places
from logistics.requests.services.finding import find_patients
from vendors.models import AgencyTerms, Network
from vendors.services import agencies as agency_service


@requires("requests.view")
@require_GET
def order_index(request: HttpRequest) -> HttpResponse:
    """Home health orders of the person's units; ``?show=done`` for those that are over."""
    membership = request.membership  # type: ignore[attr-defined]
    show = "done" if request.GET.get("show") == "done" else "open"
    rows = pages.order_list(unit_ids=membership.units, show=show)
    if rows:
        audit.record(action="home_health.listed", purpose="treatment", details={"orders": len(rows)})
    can = membership.definition.permissions
    new_url = reverse("dispatch:home_health_new") if "requests.book" in can else ""
    context = frame(rows=rows, show=show, new_url=new_url, facility_zone=membership.organization.time_zone)
    return render(request, "dispatch/home_health.html", context)


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def order_new(request: HttpRequest) -> HttpResponse:
    """The order's form for ``?patient=``; without one a person looks for the patient first."""
    if request.method == "POST" and request.POST.get("do") == "find":
        return _find(request)
    text = request.POST.get("patient") or request.GET.get("patient") or ""
    if not text:
        return render(request, "dispatch/home_health_find.html", frame(matches=[], error=""))
    try:
        patient = get_object_or_404(Patient, pk=UUID(text))
    except ValueError as error:
        raise Http404 from error
    encounter = booking.current_encounter(patient.pk)
    facility = encounter.facility if encounter else None
    membership = request.membership  # type: ignore[attr-defined]
    zone = facility.time_zone if facility else membership.organization.time_zone
    address = places.home_address(patient)
    options = {"zone": zone, "home": str(address) if address else ""}
    if request.method == "POST":
        form = ReferForm(request.POST, **options)
        if form.is_valid():
            fields = dict(form.cleaned_data)
            try:
                made = home_health.refer(patient=patient, fields=fields, key=fields.pop("key"))
            except home_health.OpenReferral as error:
                messages.warning(request, error.message)
                return see_other(reverse("dispatch:home_health_order", args=[error.request_id]))
            except DomainError as error:
                refuse(form, error)
            else:
                messages.success(request, "Home health is ordered. Show the patient the list of agencies next.")
                return see_other(reverse("dispatch:home_health_order", args=[made.pk]))
    else:
        home_at = (encounter.discharged_at or encounter.expected_discharge_at) if encounter else None
        form = ReferForm(
            initial={
                "key": uuid4().hex,
                "address_kind": "home" if address else "other",
                "payer_name": patient.payer_name,
                "phone": patient.phone,
                "home_at": home_at,
            },
            **options,
        )
    audit.record(action="patient.viewed", target=patient, patient_id=patient.pk, purpose="treatment")
    context = frame(
        form=form,
        patient=patient,
        option=patient_option(_with_stay(patient, encounter)),
        facility_zone=zone,
        ask_confirm="address_confirmed" in form.errors or form["address_confirmed"].value(),
    )
    return render(request, "dispatch/home_health_new.html", context, status=422 if form.errors else 200)


def _with_stay(patient: Patient, encounter: Any) -> Patient:
    patient.open_encounters = [encounter] if encounter else []  # type: ignore[attr-defined]
    return patient


def _find(request: HttpRequest) -> HttpResponse:
    """Who was chosen in the picker, or who fits the written words (without JavaScript)."""
    chosen = request.POST.get("patient", "")
    if chosen:
        return see_other(f"{reverse('dispatch:home_health_new')}?patient={chosen}")
    matches = [patient_option(each) for each in find_patients(request.POST.get("patient_text", ""), limit=8)]
    error = "" if matches else "Nobody found. Type 3 letters of the name, the MRN or the birth date."
    status = 200 if matches else 422
    return render(request, "dispatch/home_health_find.html", frame(matches=matches, error=error), status=status)


@requires("requests.view")
@require_GET
def order_page(request: HttpRequest, home_request_id: UUID) -> HttpResponse:
    """One order: where it stands, the choice, the agencies asked, the visits."""
    return _order(request, home_request_id)


def _order(request: HttpRequest, home_request_id: UUID, *, problem: str = "", status: int = 200) -> HttpResponse:
    page = _page_or_404(home_request_id)
    can = request.membership.definition.permissions  # type: ignore[attr-defined]
    audit.record(
        action="home_health.viewed", target=page.request, patient_id=page.request.patient_id, purpose="treatment"
    )
    open_ = page.request.status in home_health.OPEN
    state = page.referral.status if page.referral is not None else ""
    context = frame(
        p=page,
        services=", ".join(rules.labels(page.detail.disciplines)),
        payer=rules.PAYERS.get(page.detail.payer_class, ""),
        address=", ".join(
            str(page.detail.address[part]) for part in ("line", "city", "state", "zip_code")
            if page.detail.address.get(part)
        ),
        facility_zone=page.standing.time_zone,
        may_choose="requests.book" in can and state in ("choosing", "asked", "accepted"),
        may_answer="requests.book" in can and state == "asked",
        may_start="requests.book" in can and open_ and page.detail.soc_at is None,
        may_resume="requests.book" in can and page.request.status == "held",
        may_cancel="requests.cancel" in can and open_,
        problem=[{"href": "", "text": problem}] if problem else [],
    )  # fmt: skip
    return render(request, "dispatch/home_health_order.html", context, status=status)


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def order_answer(request: HttpRequest, home_request_id: UUID) -> HttpResponse:
    """Enter what the asked agency said by phone."""
    page = _page_or_404(home_request_id)
    offer = ReferralOffer.objects.filter(referral=page.referral, status="open").select_related("vendor").first()
    back = reverse("dispatch:home_health_order", args=[home_request_id])
    if offer is None:
        messages.info(request, "No agency is asked now.")
        return see_other(back)

    def do(data: dict[str, Any]) -> None:
        if data["answer"] == "accept":
            referrals.accept_for(offer.pk, reason=data["reason"])
        else:
            referrals.decline_for(offer.pk, code=data["code"], reason=data["reason"])

    return act(
        request,
        PhonedForm(request.POST or None),
        do,
        title=f"Answer of {offer.vendor.name}",
        text="You enter what the agency told you. Your name stays beside it in the history.",
        yes="Enter the answer",
        back=back,
        done="The answer is entered.",
    )


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def order_start(request: HttpRequest, home_request_id: UUID) -> HttpResponse:
    """The practitioner ordered another start of care date."""
    page = _page_or_404(home_request_id)
    initial = {"soc_ordered_on": page.detail.soc_ordered_on, "practitioner_name": page.detail.practitioner_name}
    return act(
        request,
        StartForm(request.POST or None, initial=initial),
        lambda data: home_health.order_start(request_id=home_request_id, **data),
        title="New ordered start of care",
        text="A later start needs a new order from the practitioner. Without one the old time stands.",
        yes="Save the new date",
        back=reverse("dispatch:home_health_order", args=[home_request_id]),
        done="The start of care is due on the new date.",
    )


@requires("requests.cancel")
@require_http_methods(["GET", "POST"])
def order_cancel(request: HttpRequest, home_request_id: UUID) -> HttpResponse:
    """Cancel the order; the agency is told and cannot read the patient any more."""
    _page_or_404(home_request_id)
    return act(
        request,
        CancelOrderForm(request.POST or None),
        lambda data: booking.cancel(request_id=home_request_id, reason_code=data["reason"]),
        title="Cancel home health?",
        text="The agency is told, and visits ahead are canceled.",
        yes="Cancel the order",
        back=reverse("dispatch:home_health_order", args=[home_request_id]),
        done="The order is canceled.",
        danger=True,
    )


@requires("requests.book")
@require_POST
def order_resume(request: HttpRequest, home_request_id: UUID) -> HttpResponse:
    """Let a held order go on."""
    _page_or_404(home_request_id)
    try:
        booking.resume(request_id=home_request_id, reason="Decided by a person")
    except DomainError as error:
        return _order(request, home_request_id, problem=error.message, status=error.status_code)
    messages.success(request, "The order goes on.")
    return see_other(reverse("dispatch:home_health_order", args=[home_request_id]))


@requires("vendors.view")
@require_GET
def agency_index(request: HttpRequest) -> HttpResponse:
    """The network's agencies with their figures and what this health system says about them."""
    membership = request.membership  # type: ignore[attr-defined]
    rows = lists.agency_directory(now=clock.now(), zone=membership.organization.time_zone)
    can = membership.definition.permissions
    return render(request, "dispatch/agencies.html", frame(rows=rows, may_edit="vendors.edit" in can))


@requires("vendors.edit")
@require_http_methods(["GET", "POST"])
def agency_terms(request: HttpRequest, network_id: UUID) -> HttpResponse:
    """Financial interest and time to answer of one agency."""
    network = get_object_or_404(Network.objects.select_related("vendor"), pk=network_id)
    known = AgencyTerms.objects.filter(vendor=network.vendor).first()
    initial = {
        "financial_interest": known.financial_interest if known else "",
        "response_minutes": known.response_minutes if known else lists.RESPONSE_MINUTES,
    }
    return act(
        request,
        TermsForm(request.POST or None, initial=initial),
        lambda data: agency_service.set_terms(vendor=network.vendor, **data),
        title=network.vendor.name,
        text="A hospital tells patients on the list in which agencies it has a financial interest (42 CFR 482.43).",
        yes="Save",
        back=reverse("dispatch:agencies"),
        done="Saved.",
    )


def act(
    request: HttpRequest,
    form: forms.Form,
    do: Callable[[dict[str, Any]], Any],
    *,
    title: str,
    text: str,
    yes: str,
    back: str,
    done: str,
    danger: bool = False,
    zone: str = "",
) -> HttpResponse:
    """One thing done on a page of its own: GET shows the form, POST does it (303), a refusal is 422 or 409."""
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                do(form.cleaned_data)
            except DomainError as error:
                refuse(form, error)
                status = error.status_code
            else:
                messages.success(request, done)
                return see_other(back)
    context = frame(form=form, title=title, text=text, yes=yes, back=back, danger=danger)
    if zone:
        context["facility_zone"] = zone
    return render(request, "dispatch/home_health_action.html", context, status=status)


def _page_or_404(request_id: UUID) -> pages.OrderPage:
    page = pages.order_get(request_id)
    if page is None:
        raise Http404
    return page
