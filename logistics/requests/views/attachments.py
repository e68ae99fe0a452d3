"""Papers of a request: the list, adding one, looking at one, taking one out."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.core import audit
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.forms.patients import AttachmentForm
from logistics.requests.models import Attachment, ServiceRequest
from logistics.requests.selectors.records import papers_of
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import attachments
from logistics.requests.views.page import desk, see_other


@requires("requests.view")
@require_http_methods(["GET", "POST"])
def attachment_list(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Papers of a request; POST adds one."""
    found = get_object_or_404(ServiceRequest.objects.select_related("patient", "facility"), pk=request_id)
    membership = request.membership  # type: ignore[attr-defined]
    may_edit = "requests.book" in membership.definition.permissions
    form = AttachmentForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        if not may_edit:
            raise Http404
        if form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                if upload.size > attachments.MOST_BYTES:
                    words = f"The file is larger than {attachments.MOST_BYTES // 1_000_000} MB."
                    raise DomainError(words, code="too_large", fields={"file": words})
                attachments.add(
                    request_id=found.pk, name=upload.name, content=upload.read(), kind=form.cleaned_data["kind"]
                )
            except DomainError as error:
                for name, words in (error.fields or {"": error.message}).items():
                    form.add_error(name if name in form.fields else None, words)
            else:
                messages.success(request, "Attached.")
                return see_other(reverse("requests:attachments", args=[found.pk]))
    audit.record(action="attachments.viewed", target=found, patient_id=found.patient_id, purpose="treatment")
    context = {
        **desk(request, unit_list(membership.units)),
        "service_request": found,
        "form": form,
        "papers": papers_of(found.pk),
        "removed": papers_of(found.pk, removed=True),
        "may_edit": may_edit,
    }
    return render(request, "requests/attachments.html", context, status=422 if form.errors else 200)


@requires("requests.view")
@require_GET
def attachment(request: HttpRequest, attachment_id: UUID) -> HttpResponse:
    """One paper, to look at in the browser: nothing in it may run, and nobody may frame it."""
    row = get_object_or_404(Attachment.objects.select_related("request"), pk=attachment_id, removed_at__isnull=True)
    audit.record(action="attachment.viewed", target=row, patient_id=row.request.patient_id, purpose="treatment")
    response = HttpResponse(bytes(row.content), content_type=row.media_type)
    ending = "pdf" if row.media_type == "application/pdf" else "jpg"
    # The name may speak of the patient: a download is called by its number.
    response["Content-Disposition"] = f'inline; filename="paper-{row.pk}.{ending}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@requires("requests.book")
@require_POST
def attachment_switch(request: HttpRequest, attachment_id: UUID) -> HttpResponse:
    """Take a paper out of sight, or (``restore``) back."""
    row = get_object_or_404(Attachment.objects.defer("content"), pk=attachment_id)
    if request.POST.get("restore"):
        attachments.restore(attachment_id=row.pk)
        messages.success(request, "Back in the list.")
    else:
        attachments.remove(attachment_id=row.pk)
        messages.success(request, "Taken out. You find it below, to put it back.")
    return see_other(reverse("requests:attachments", args=[row.request_id]))
