"""Requests as FHIR, to take along."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from integrations.fhir import service_request
from logistics.core import audit
from logistics.core.access import requires
from logistics.requests.models import ServiceRequest


@requires("requests.export")
@require_GET
def request_resource(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """A request as a FHIR R4 ServiceRequest (``application/fhir+json``), as a download. The export is audited."""
    found = ServiceRequest.objects.select_related("patient").filter(pk=request_id).first()
    if found is None:
        raise Http404
    audit.record(action="request.exported", target=found, patient_id=found.patient_id, purpose="treatment")
    response = JsonResponse(service_request.write(found), content_type="application/fhir+json")
    response["Content-Disposition"] = f'attachment; filename="ServiceRequest-{found.pk}.json"'
    response["Cache-Control"] = "no-store"
    return response
