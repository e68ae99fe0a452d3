"""The list of agencies as the patient sees it, and the patient's choice."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from dispatch.forms.home_health import ChoiceForm, refuse
from dispatch.selectors import agencies as lists
from dispatch.selectors import home_health as pages
from dispatch.services.home_health import choices
from dispatch.services.home_health.choices import Signing
from dispatch.views.frame import frame, see_other
from logistics.core import audit
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests import home_health_rules as rules
from logistics.requests.models import PatientChoice


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest, home_request_id: UUID) -> HttpResponse:
    """The list, ranked by fit and never chosen from; POST keeps the patient's choice and asks the agency."""
    page = _page_or_404(home_request_id)
    back = reverse("dispatch:home_health_order", args=[home_request_id])
    if page.referral is None or page.referral.status not in ("choosing", "asked", "accepted"):
        messages.info(request, "This order does not wait for a choice now.")
        return see_other(back)
    status, problem = 200, ""
    shown, form = None, None
    if request.method == "POST":
        status = 422
        try:
            shown = choices.read(request.POST.get("token", ""), home_request_id)
        except DomainError as error:
            problem = error.message
        else:
            form = ChoiceForm(request.POST, agencies=_names(shown.listed))
            if form.is_valid():
                answer = _record(home_request_id, form)
                if answer is None:
                    messages.success(request, "The choice is kept and the agency has been asked.")
                    return see_other(back)
                status = answer
    if shown is None:
        shown = choices.show(page.referral)
    if form is None:
        form = ChoiceForm(
            initial={"key": uuid4().hex, "token": shown.token, "chooser": "patient"}, agencies=_names(shown.listed)
        )
    audit.record(
        action="home_health.list_shown", target=page.request, patient_id=page.request.patient_id, purpose="treatment",
        details={"list": shown.digest, "agencies": len(shown.listed)},
    )  # fmt: skip
    context = frame(
        p=page,
        form=form,
        rows=_rows(shown.listed),
        chosen=str(form["vendor"].value() or ""),
        services=", ".join(rules.labels(page.detail.disciplines)),
        facility_zone=page.standing.time_zone,
        problem=[{"href": "", "text": problem}] if problem else [],
        print_url=reverse("dispatch:home_health_list", args=[home_request_id]),
    )
    return render(request, "dispatch/home_health_choice.html", context, status=status)


def _record(request_id: UUID, form: ChoiceForm) -> int | None:
    """None when it is kept, else the status of the refusal, which is in the form."""
    data = form.cleaned_data
    try:
        choices.record(
            request_id=request_id,
            token=data["token"],
            vendor_id=data["vendor"],
            second_vendor_id=UUID(data["second"]) if data["second"] else None,
            no_preference=data["no_preference"],
            picked_reason=data["picked_reason"],
            signed=Signing(
                chooser=data["chooser"],
                name=data["chooser_name"],
                relation=data["relation"],
                signature=data["signature"],
                unsigned_reason=data["cannot_sign_reason"],
            ),
            key=data["key"],
        )
    except DomainError as error:
        refuse(form, error)
        return error.status_code
    return None


@requires("requests.book")
@require_GET
def choice_print(request: HttpRequest, home_request_id: UUID) -> HttpResponse:
    """The list on paper for the patient: every agency, the disclosure, and a line to sign."""
    page = _page_or_404(home_request_id)
    if page.referral is None:
        raise Http404
    shown = choices.show(page.referral)
    audit.record(
        action="home_health.list_printed", target=page.request, patient_id=page.request.patient_id,
        purpose="treatment", details={"list": shown.digest, "agencies": len(shown.listed)},
    )  # fmt: skip
    context = frame(
        p=page,
        rows=_rows(shown.listed),
        digest=shown.digest[:12],
        services=", ".join(rules.labels(page.detail.disciplines)),
        facility_zone=page.standing.time_zone,
    )
    return render(request, "dispatch/home_health_list.html", context)


@requires("requests.view")
@require_GET
def choice_signature(request: HttpRequest, choice_id: UUID) -> HttpResponse:
    """The drawn signature under a choice (PNG)."""
    choice = PatientChoice.objects.select_related("request").filter(pk=choice_id).first()
    if choice is None or not choice.signature:
        raise Http404
    audit.record(
        action="home_health.signature_viewed", target=choice, patient_id=choice.request.patient_id, purpose="treatment"
    )
    response = HttpResponse(bytes(choice.signature), content_type="image/png")
    response["Cache-Control"] = "private, no-store"
    return response


def _names(listed: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["vendor_id"], row["name"]) for row in listed]


def _rows(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The list with its figures in words."""
    return [
        {
            **row,
            "services": ", ".join(row["disciplines"]),
            "stars_month": f"{dt.date.fromisoformat(row['stars_as_of']):%b %Y}" if row["stars_as_of"] else "",
            "on_time_words": lists.figure_words(row["on_time"]),
            "accepted_words": lists.figure_words(row["accepted"]),
        }
        for row in listed
    ]


def _page_or_404(request_id: UUID) -> pages.OrderPage:
    page = pages.order_get(request_id)
    if page is None:
        raise Http404
    return page
