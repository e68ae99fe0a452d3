"""Setting a hospital up: the steps, the sheets, and imports that are checked, applied and taken back."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.imports.reading import MOST_BYTES
from integrations.models import ImportBatch
from integrations.selectors import setup as selector
from integrations.services import imports
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.core.sheets import csv_response

RUNNING = ("uploaded", "applying", "undoing")


@requires("setup.edit")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """What is set up and what comes next; POST takes CSV files (field ``files``) and has them checked."""
    problem = ""
    if request.method == "POST":
        try:
            batch = imports.upload(files=_files(request), key=request.POST.get("key") or uuid4().hex)
        except DomainError as error:
            problem = error.message
        else:
            return _see_other(reverse("integrations:import", args=[batch.pk]))
    membership = request.membership  # type: ignore[attr-defined]
    steps = selector.steps(membership.organization_id)
    context = {
        "steps": steps,
        "next_step": selector.next_step(steps),
        "done": sum(step.enough for step in steps),
        "sheets": selector.SHEETS,
        "batches": selector.batch_list(),
        "key": uuid4().hex,
        "problem": problem,
        "errors": [{"id": "files", "text": problem}] if problem else [],
        "permissions": membership.definition.permissions,
    }
    return render(request, "integrations/setup.html", context, status=422 if problem else 200)


@requires("setup.edit")
@require_GET
def template(request: HttpRequest) -> HttpResponse:
    """The empty sheet of ``?kind=``, with its header and one example row."""
    kind = request.GET.get("kind", "sites")
    try:
        header, rows = selector.template_rows(kind)
    except KeyError as error:
        raise Http404 from error
    return csv_response(f"{kind}.csv", header, rows)


@requires("setup.edit")
@require_GET
def batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """What an import would do or did, sheet by sheet, with every problem by row. The page follows a running one."""
    found = get_object_or_404(ImportBatch, pk=batch_id)
    report = found.report
    links = [
        {
            **link,
            "url": request.build_absolute_uri(
                reverse("accounts:welcome", kwargs={"user_id": link["user_id"], "token": link["token"]})
            ),
        }
        for link in report.get("links", [])
    ]
    context = {
        "batch": found,
        "running": found.state in RUNNING,
        "sheets": report.get("sheets", []),
        "kept": report.get("kept", []),
        "taken_back": report.get("taken_back"),
        "links": links,
        "writes": sum(part["created"] + part["changed"] for part in report.get("sheets", [])),
    }
    name = "integrations/_import.html" if request.headers.get("HX-Request") else "integrations/import.html"
    return render(request, name, context)


@requires("setup.edit")
@require_POST
def batch_run(request: HttpRequest, batch_id: UUID, run: str) -> HttpResponse:
    """Apply a checked import, or take an applied one back (``run``: apply, undo)."""
    if run not in ("apply", "undo"):
        raise Http404
    found = get_object_or_404(ImportBatch, pk=batch_id)
    imports.start(batch_id=found.pk, run=run)
    messages.success(request, "Started. The page shows when it is done.")
    return _see_other(reverse("integrations:import", args=[found.pk]))


def _files(request: HttpRequest) -> list[tuple[str, bytes]]:
    files: list[tuple[str, bytes]] = []
    for each in request.FILES.getlist("files"):
        size = each.size or 0
        if size > MOST_BYTES:
            words = f"{each.name} is larger than {MOST_BYTES // 1_000_000} MB. Split it."
            raise DomainError(words, code="too_large", fields={"files": words})
        files.append((str(each.name), each.read()))
    return files


def _see_other(url: str) -> HttpResponse:
    response: Any = HttpResponseRedirect(url)
    response.status_code = 303
    return response
