"""Signing: by a signed-in person, from a paper, or through a one-time link without an account."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from logistics.core import access, audit, scoping
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.certificates import OpenForm, PaperForm, SignerForm, SignForm, as_day, lines_of
from logistics.requests.models import CertificationVersion, SignLink
from logistics.requests.selectors import certificates as selector
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import cert_pdf, cert_signing, certificates, sign_links
from logistics.requests.services.cert_signing import Signer
from logistics.requests.views.page import desk, see_other

# Tries from one address in a quarter of an hour, over all links.
MOST_TRIES, TRIES_SECONDS = 30, 900


@requires("certs.sign")
@require_http_methods(["GET", "POST"])
def cert_sign(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """A signed-in person signs for themselves."""
    page = _waiting(certification_id)
    if isinstance(page, HttpResponse):
        return page
    membership = request.membership  # type: ignore[attr-defined]
    initial = {"name": membership.user.name, "seen_version": page.row.version}
    form = SignForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        signer = _signer(form, name=membership.user.name)
        if _try(
            form, page, signer=signer, drawing=form.cleaned_data["signature"],
            typed_name=form.cleaned_data["typed_name"], signed_by_id=membership.user_id, device=_device(request),
        ):  # fmt: skip
            messages.success(request, "Certified. The form is locked.")
            return see_other(reverse("requests:cert", args=[page.row.pk]))
    return _sign_page(request, page, form, "requests/cert_sign.html")


@requires("certs.edit")
@require_http_methods(["GET", "POST"])
def cert_paper(request: HttpRequest, certification_id: UUID) -> HttpResponse:
    """Enter a paper that came back signed, with its scan."""
    page = _waiting(certification_id)
    if isinstance(page, HttpResponse):
        return page
    form = PaperForm(request.POST or None, request.FILES or None, initial={"seen_version": page.row.version})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        day, zone = as_day(data["dated_on"]), ZoneInfo(certificates.zone_of(page.row))
        at = dt.datetime.combine(day, data["signed_time"], zone) if day else None
        signer = _signer(form, name=data["name"])
        if _try(form, page, signer=signer, drawing=data["scan"], method="paper", signed_at=at):
            messages.success(request, "Certified. The paper is kept with the form.")
            return see_other(reverse("requests:cert", args=[page.row.pk]))
    return _sign_page(request, page, form, "requests/cert_paper.html")


@requires("certs.view")
@require_GET
def cert_signature(request: HttpRequest, certification_id: UUID, version: int) -> HttpResponse:
    """The picture of a signature or a signed page."""
    row = CertificationVersion.objects.filter(certification_id=certification_id, version=version).first()
    if row is None or not row.signature:
        raise Http404("no such picture")
    audit.record(action="certification.viewed", target=row, purpose="treatment")
    response = HttpResponse(row.signature, content_type="image/png")
    response["Cache-Control"] = "no-store"
    return response


@access.public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def sign_link(request: HttpRequest, token: str) -> HttpResponse:
    """A physician without an account signs one form. Nothing of the patient is shown before two right answers."""
    ip = request.META.get("REMOTE_ADDR", "")
    scope = sign_links.scope_of(token, client_ip=ip, request_id=getattr(request, "request_id", ""))
    if scope is None:
        raise Http404("no such link")
    if request.method == "POST" and _too_many(ip):
        return render(request, "errors/429.html", {"message": "Too many tries. Wait 15 minutes."}, status=429)
    with scoping.enter(scope):
        try:
            link = sign_links.find(token)
        except sign_links.Closed as closed:
            return render(request, "requests/sign_closed.html", {"words": closed.message}, status=410)
        if link is None:
            raise Http404("no such link")
        return _through_link(request, link)


def _through_link(request: HttpRequest, link: SignLink) -> HttpResponse:
    proof = request.POST.get("proof", "")
    if request.method == "POST" and sign_links.is_open(link, proof):
        return _sign_through_link(request, link, proof)
    form = OpenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        proof = sign_links.open_document(link, name=data["name"], born_on=data["born_on"])
        if proof:
            page = selector.page(link.certification_id)
            assert page is not None  # the link's own form, in the same transaction
            initial = {"name": link.addressee, "seen_version": link.version}
            return _document(request, page, SignForm(initial=initial), proof)
        if link.ended_at is not None:
            words = "Too many wrong answers. Ask the hospital for a new link."
            return render(request, "requests/sign_closed.html", {"words": words}, status=410)
        left = sign_links.MOST_WRONG - link.wrong_tries
        form.add_error(None, f"Name and date do not fit this form. {left} tries are left.")
    return render(request, "requests/sign_open.html", {"form": form}, status=422 if form.errors else 200)


def _sign_through_link(request: HttpRequest, link: SignLink, proof: str) -> HttpResponse:
    page = selector.page(link.certification_id)
    assert page is not None  # the link's own form, in the same transaction
    form = SignForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            sign_links.sign(
                link,
                signer=_signer(form, name=link.addressee),
                attested=data["attested"],
                dated_on=as_day(data["dated_on"]),
                drawing=data["signature"],
                typed_name=data["typed_name"],
                device=_device(request),
            )
        except DomainError as error:
            if error.status_code != 422:
                raise
            lines_of(error.fields or {"": error.message}, form)
        else:
            return render(request, "requests/sign_closed.html", {"words": "Signed. Thank you.", "done": True})
    return _document(request, page, form, proof)


def _document(request: HttpRequest, page: selector.Page, form: SignForm, proof: str) -> HttpResponse:
    row = page.row
    context = {
        "row": row,
        "page": page,
        "form": form,
        "proof": proof,
        "name": row.patient.display_name,
        "zone": certificates.zone_of(row),
        "sections": cert_pdf.sections_of(row, row.answers or {}),
        "rule": certificates.rule_of(row),
    }
    return render(request, "requests/sign_document.html", context, status=422 if form.errors else 200)


def _waiting(certification_id: UUID) -> selector.Page | HttpResponse:
    page = selector.page(certification_id)
    if page is None:
        raise Http404("no such form")
    if page.row.status != "draft":
        return see_other(reverse("requests:cert", args=[page.row.pk]))
    return page


def _try(form: SignerForm, page: selector.Page, *, signer: Signer, **more: Any) -> bool:
    """Sign; False with the words at the form's fields when something is missing or not allowed."""
    data = form.cleaned_data
    try:
        cert_signing.sign(
            certification_id=page.row.pk,
            seen_version=data["seen_version"],
            signer=signer,
            attested=data["attested"],
            dated_on=as_day(data["dated_on"]),
            **more,
        )
    except DomainError as error:
        if error.status_code != 422:
            raise
        lines_of(error.fields or {"": error.message}, form)
        return False
    return True


def _signer(form: SignerForm, *, name: str) -> Signer:
    data = form.cleaned_data
    return Signer(name, data["credential"], data["employer"], data["employer_kind"], data["npi"])


def _sign_page(request: HttpRequest, page: selector.Page, form: SignerForm, template: str) -> HttpResponse:
    membership = request.membership  # type: ignore[attr-defined]
    row = page.row
    audit.record(action="certification.viewed", target=row, patient_id=row.patient_id, purpose="treatment")
    context = {
        **desk(request, unit_list(membership.units)),
        "primary_action": None,
        "form": form,
        "row": row,
        "page": page,
        "name": row.patient.display_name,
        "zone": certificates.zone_of(row),
        "sections": cert_pdf.sections_of(row, row.answers or {}),
        "missing": certificates.missing(row).values(),
        "rule": certificates.rule_of(row),
    }
    return render(request, template, context, status=422 if form.errors else 200)


def _device(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")[:200]


def _too_many(ip: str) -> bool:
    key = f"sign-link-tries:{ip}"
    cache.add(key, 0, TRIES_SECONDS)
    try:
        return cache.incr(key) > MOST_TRIES
    except ValueError:  # it ran out between the two calls
        return False
