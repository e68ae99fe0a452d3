"""Certifications: the list of what is missing, one form, filling it in, attempts, links and the printed page."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.core import audit
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.certificates import (
    AttemptForm,
    CertificateForm,
    LinkForm,
    ReasonForm,
    initial_of,
    lines_of,
)
from logistics.requests.models import PhysicianCertification, ServiceRequest, SignLink
from logistics.requests.selectors import certificates as selector
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import cert_pdf, cert_signing, certificates, sign_links
from logistics.requests.views.page import desk, see_other
from logistics.requests.views.patient_picker import picked


@requires("certs.view")
@require_GET
def cert_index(request: HttpRequest) -> HttpResponse:
    """What is missing for booked rides, what waits for a signature, what ends soon."""
    membership = request.membership  # type: ignore[attr-defined]
    context = desk(request, unit_list(membership.units))
    board = selector.board(context["facility_zone"])
    _viewed(board)
    return render(request, "requests/certs.html", {**context, "board": board})


@requires("certs.edit")
@require_http_methods(["GET", "POST"])
def cert_new(request: HttpRequest) -> HttpResponse:
    """Begin a form for a period of repetitive rides: choose the patient."""
    patient, context = picked(request)
    if request.method == "POST" and "find" not in request.POST:
        if patient is not None:
            row = certificates.begin(patient=patient, span="repetitive")
            return see_other(reverse("requests:cert_edit", args=[row.pk]))
        context["patient_error"] = "Choose the patient from the list."
    status = 422 if context["patient_error"] else 200
    return render(request, "requests/cert_new.html", {**_frame(request), **context}, status=status)


@requires("certs.edit")
@require_POST
def cert_begin(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Begin (or go on with) the form of a ride."""
    ride = get_object_or_404(
        ServiceRequest.objects.select_related("patient", "facility"), pk=request_id, kind="transport"
    )
    row = certificates.begin(patient=ride.patient, request=ride)
    return see_other(reverse("requests:cert_edit", args=[row.pk]))


@requires("certs.view")
@require_GET
def cert_panel(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """What stands for one ride, as a fragment of the trip's page."""
    if not ServiceRequest.objects.filter(pk=request_id).exists():
        raise Http404("no such ride")
    facts, verdict, forms = selector.of_request(request_id)
    context = {"facts": facts, "verdict": verdict, "forms": forms, "request_id": request_id}
    return render(request, "requests/_cert_panel.html", context)


@requires("certs.view")
@require_GET
def cert_page(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """One form: what it says, who signed, what was tried."""
    return _page(request, _found(certification_id))


@requires("certs.edit")
@require_http_methods(["GET", "POST"])
def cert_edit(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """Fill in a form that is not signed."""
    page = _found(certification_id)
    row = page.row
    if row.status != "draft":
        return see_other(reverse("requests:cert", args=[row.pk]))
    initial = {
        **initial_of(row.answers or {}), "span": row.span, "level": row.level, "starts_on": row.starts_on,
        "ends_on": row.ends_on, "seen_version": row.version, "reaffirmed": row.reaffirmed_at is not None,
    }  # fmt: skip
    form = CertificateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            certificates.save(
                certification_id=row.pk,
                seen_version=data["seen_version"],
                answers=form.answers(),
                span=data["span"],
                level=data["level"],
                starts_on=data["starts_on"],
                ends_on=data["ends_on"],
                reaffirmed=data["reaffirmed"],
            )
        except DomainError as error:
            if error.status_code != 422:
                raise
            lines_of(error.fields or {"": error.message}, form)
        else:
            messages.success(request, "The form is kept.")
            return see_other(reverse("requests:cert", args=[row.pk]))
    _opened(row)
    context = {**_frame(request), "form": form, "row": row, "page": page, "name": row.patient.display_name}
    return render(request, "requests/cert_edit.html", context, status=422 if form.errors else 200)


@requires("certs.edit")
@require_POST
def cert_amend(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """Open a signed form for a change; the signature is void."""
    row = _row(certification_id)
    certificates.amend(certification_id=row.pk, seen_version=_number(request.POST.get("seen_version")))
    messages.warning(request, "The signature is void. Change the form, then have it signed again.")
    return see_other(reverse("requests:cert_edit", args=[row.pk]))


@requires("certs.edit")
@require_POST
def cert_void(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """Take a form back for good."""
    form = ReasonForm(request.POST)
    page = _found(certification_id)
    if not form.is_valid():
        return _page(request, page, void_form=form, status=422)
    try:
        certificates.void(certification_id=page.row.pk, reason=form.cleaned_data["reason"])
    except DomainError as error:
        if error.status_code != 422:
            raise
        lines_of(error.fields, form)
        return _page(request, page, void_form=form, status=422)
    messages.success(request, "The form is taken back. It certifies nothing any more.")
    return see_other(reverse("requests:cert", args=[page.row.pk]))


@requires("certs.edit")
@require_POST
def cert_attempt(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """Note one try to get the signature."""
    page = _found(certification_id)
    form = AttemptForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        at = dt.datetime.combine(data["day"], data["time"], ZoneInfo(certificates.zone_of(page.row)))
        try:
            certificates.note_attempt(
                certification_id=page.row.pk,
                at=at,
                channel=data["channel"],
                to=data["to"],
                tracking_no=data["tracking_no"],
                outcome=data["outcome"],
            )
        except DomainError as error:
            lines_of({"time" if name == "at" else name: text for name, text in error.fields.items()}, form)
        else:
            messages.success(request, "The attempt is noted.")
            return see_other(reverse("requests:cert", args=[page.row.pk]))
    return _page(request, page, attempt_form=form, status=422)


@requires("certs.edit")
@require_POST
def cert_link(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """Make a link for a physician without an account, and show it once."""
    page = _found(certification_id)
    form = LinkForm(request.POST)
    if not form.is_valid():
        return _page(request, page, link_form=form, status=422)
    try:
        link, token = sign_links.make(certification_id=page.row.pk, addressee=form.cleaned_data["addressee"])
    except DomainError as error:
        if error.status_code != 422:
            raise
        lines_of(error.fields or {"": error.message}, form)
        return _page(request, page, link_form=form, status=422)
    url = request.build_absolute_uri(reverse("requests:sign_link", args=[token]))
    context = {**_frame(request), "link": link, "url": url, "qr": cert_pdf.qr_svg(url), "row": page.row}
    response = render(request, "requests/cert_link.html", context)
    response["Cache-Control"] = "no-store"
    return response


@requires("certs.edit")
@require_POST
def cert_link_end(request: HttpRequest, link_id: UUID) -> HttpResponse:
    """Take a link back."""
    link = sign_links.end(link_id=get_object_or_404(SignLink, pk=link_id).pk)
    messages.success(request, "The link opens nothing any more.")
    return see_other(reverse("requests:cert", args=[link.certification_id]))


@requires("certs.view")
@require_GET
def cert_print(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """The form as one letter page (PDF), for paper and for the crew."""
    page = _found(certification_id)
    membership = request.membership  # type: ignore[attr-defined]
    audit.record(
        action="certification.exported",
        target=page.row,
        patient_id=page.row.patient_id,
        purpose="treatment",
        details={"version": page.row.version},
    )
    body = cert_pdf.letter(page, printed_by=membership.user.name, organization=membership.organization.name)
    response = HttpResponse(body, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="certification.pdf"'
    response["Cache-Control"] = "no-store"
    return response


def _page(request: HttpRequest, page: selector.Page, *, status: int = 200, **forms: Any) -> HttpResponse:
    row, version = page.row, page.current
    _opened(row)
    answers = (version.answers if version else row.answers) or {}
    context = {
        **_frame(request),
        "page": page,
        "row": row,
        "version": version,
        "holds": cert_signing.digest_holds(version) if version else True,
        "zone": certificates.zone_of(row),
        "name": row.patient.display_name,
        "sections": cert_pdf.sections_of(row, answers),
        "missing": certificates.missing(row).values() if row.status == "draft" else [],
        "rule": certificates.rule_of(row),
        "attempt_form": AttemptForm(),
        "link_form": LinkForm(),
        "void_form": ReasonForm(),
        **forms,
    }
    return render(request, "requests/cert.html", context, status=status)


def _frame(request: HttpRequest) -> dict[str, Any]:
    membership = request.membership  # type: ignore[attr-defined]
    return {**desk(request, unit_list(membership.units)), "primary_action": None}


def _found(certification_id: UUID) -> selector.Page:
    page = selector.page(certification_id)
    if page is None:
        raise Http404("no such form")
    return page


def _row(certification_id: UUID) -> PhysicianCertification:
    return get_object_or_404(PhysicianCertification, pk=certification_id)


def _opened(row: PhysicianCertification) -> None:
    audit.record(action="certification.viewed", target=row, patient_id=row.patient_id, purpose="treatment")


def _viewed(board: selector.Board) -> None:
    people: set[Any] = {row.facts.request.patient_id for row in board.missing}
    people |= {row.row.patient_id for row in (*board.to_sign, *board.ending, *board.signed)}
    audit.record(
        action="certifications.listed", target_type="requests.certification", purpose="operations",
        details={"patients": len(people)},
    )  # fmt: skip


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
