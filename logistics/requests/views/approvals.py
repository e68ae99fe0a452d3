"""The approvals page: what waits for whom, the answer, and what was answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from logistics.core import audit
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.selectors import approvals as selectors
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import approvals
from logistics.requests.views.page import desk, see_other


class AnswerForm(forms.Form):
    """Yes or no; a no says why."""

    answer = forms.ChoiceField(choices=[("yes", "Approve"), ("no", "Deny")])
    note = forms.CharField(required=False, max_length=300)


@requires("approvals.view")
@require_GET
def approval_list(request: HttpRequest) -> HttpResponse:
    """``/approvals``: waiting ones by due time and, with ``?show=answered``, the history; ``?whose=mine`` narrows."""
    return _page(request)


@requires("approvals.answer")
@require_POST
def approval_answer(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Approve or deny one."""
    form = AnswerForm(request.POST)
    if not selectors.exists(approval_id):
        raise Http404
    if not form.is_valid():
        return _page(request, problem={"gate_id": approval_id, "text": "Choose Approve or Deny."}, status=422)
    granted = form.cleaned_data["answer"] == "yes"
    try:
        gate = approvals.answer(gate_id=approval_id, granted=granted, note=form.cleaned_data["note"])
    except DomainError as error:
        text = error.fields.get("note", error.message)
        problem = {"gate_id": approval_id, "text": text, "note": error.code == "no_reason"}
        return _page(request, problem=problem, status=409 if error.code == "answered" else error.status_code)
    mine = gate.answered_by_id == request.user.pk
    words = {"granted": "Approved. The request goes on.", "denied": "Denied. The request is a draft again."}[gate.state]
    messages.success(request, words if mine else f"{gate.answered_by_name} was first. {words}")
    return see_other(reverse("requests:approvals"))


def _page(request: HttpRequest, *, problem: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    membership = request.membership  # type: ignore[attr-defined]
    role, user_id = membership.role, request.user.pk
    may_answer = "approvals.answer" in membership.definition.permissions
    whose = request.GET.get("whose", "mine" if may_answer else "all")
    mine = whose == "mine" and may_answer
    show = "answered" if request.GET.get("show") == "answered" else "waiting"
    if problem is not None:
        mine, whose = False, "all"
    waiting = [] if show == "answered" else selectors.waiting(user_id=user_id, role=role, mine=mine)
    page = (
        selectors.answered(user_id=user_id, role=role, mine=mine, page=request.GET.get("page"))
        if show == "answered"
        else None
    )
    rows = page.object_list if page is not None else waiting
    if any(row.patient for row in rows):
        audit.record(action="approvals.viewed", purpose="operations", details={"requests": len(rows), "show": show})
    context = {
        **desk(request, unit_list(membership.units)),
        "waiting": waiting,
        "page": page,
        "show": show,
        "mine": mine,
        "may_answer": may_answer,
        "problem": problem,
        "errors": [{"href": f"#gate-{problem['gate_id']}", "text": problem["text"]}] if problem else [],
        "filters": [
            {
                "name": "show",
                "label": "Show",
                "value": show,
                "options": [("waiting", "Waiting"), ("answered", "Answered")],
            },
            *(
                [
                    {
                        "name": "whose",
                        "label": "Whose",
                        "value": "mine" if mine else "all",
                        "options": [
                            ("mine", "Mine to answer" if show == "waiting" else "Answered by me"),
                            ("all", "All"),
                        ],
                    }
                ]
                if may_answer
                else []
            ),
        ],
    }
    return render(request, "requests/approvals.html", context, status=status)
