"""Authorizations: counters and warnings, the rides that wait, what the payer decided, and the release to another
supplier."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from logistics.accounts.models import Organization
from logistics.core import audit, sheets
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.core.levels import LEVELS
from logistics.requests.forms.authorizations import AuthorizationForm, ChangeForm, DecisionForm, initial_of
from logistics.requests.forms.certificates import ReasonForm, lines_of
from logistics.requests.models import Authorization, Gate
from logistics.requests.selectors import authorizations as selector
from logistics.requests.selectors.certificates import trip_numbers
from logistics.requests.selectors.requests import unit_list
from logistics.requests.services import authorization_records as records
from logistics.requests.services import gates
from logistics.requests.views.page import desk, see_other
from logistics.requests.views.patient_picker import picked

# What one button of an authorization's page does: (service, words afterwards).
STEPS = {
    "ask_release": (records.ask_release, "Noted: the supplier was asked to release it. It stays in force meanwhile."),
    "keep": (records.keep, "It stays with its supplier."),
    "confirm_release": (records.confirm_release, "Released. Another supplier can ask now."),
    "resubmit": (records.resubmit, "Noted: asked again."),
}


@requires("auths.view")
@require_GET
def auth_index(request: HttpRequest) -> HttpResponse:
    """Counters, what runs out, and the rides that wait for a trip."""
    over = request.GET.get("show") == "over"
    context = _frame(request)
    board = selector.board(context["facility_zone"], over=over)
    people = {row.row.patient_id for row in board.rows} | {row.gate.request.patient_id for row in board.waiting}
    _audited("authorizations.listed", patients=len(people))
    context |= {
        "board": board,
        "over": over,
        "levels": _levels_of(row.row for row in board.rows),
        "trips": trip_numbers(row.gate.request_id for row in board.waiting),
        "filters": [
            {
                "name": "show",
                "label": "Show",
                "value": "over" if over else "",
                "options": [("", "In force and asked for"), ("over", "Over")],
            }
        ],
    }
    return render(request, "requests/authorizations.html", context)


@requires("auths.view")
@require_GET
def auth_export(request: HttpRequest) -> HttpResponse:
    """The list as CSV: counters without names, each line with the patient's record number."""
    context = _frame(request)
    board = selector.board(context["facility_zone"], over=request.GET.get("show") == "over")
    _audited("authorizations.exported", rows=len(board.rows))
    header = (
        "Number", "MRN", "Payer", "Supplier", "Levels", "Status", "First day", "Last day", "Allowed", "Used", "Kept",
        "Left", "Warning",
    )  # fmt: skip
    rows = [
        (
            each.row.number, each.row.patient.mrn, each.row.payer_name, each.row.supplier_name,
            " ".join(each.row.levels), each.row.get_status_display(), each.row.starts_on.isoformat(),
            each.row.ends_on.isoformat(), each.standing.total, each.standing.used, each.standing.reserved,
            each.standing.left, each.standing.why,
        )
        for each in board.rows
    ]  # fmt: skip
    return sheets.csv_response("authorizations.csv", header, rows)


@requires("auths.edit")
@require_http_methods(["GET", "POST"])
def auth_new(request: HttpRequest) -> HttpResponse:
    """Note that an authorization was asked for."""
    patient, context = picked(request)
    searching = "find" in request.POST
    bound = request.POST if request.method == "POST" and not searching else None
    initial = {"payer_name": patient.payer_name if patient else "", "levels": ["BLS"]}
    form = AuthorizationForm(bound, initial=request.POST.dict() if searching else initial)
    if bound is not None:
        if patient is None:
            context["patient_error"] = "Choose the patient from the list."
        if form.is_valid() and patient is not None:
            try:
                row = records.add(patient=patient, **_fields(form))
            except DomainError as error:
                lines_of(error.fields or {"": error.message}, form)
            else:
                messages.success(request, "The authorization is noted. Enter the payer's answer when it comes.")
                return see_other(reverse("requests:authorization", args=[row.pk]))
    wrong = bool(form.errors or context["patient_error"])
    context |= {**_frame(request), "form": form, "suppliers": _suppliers()}
    return render(request, "requests/authorization_new.html", context, status=422 if wrong else 200)


@requires("auths.view")
@require_GET
def auth_page(request: HttpRequest, authorization_id: UUID) -> HttpResponse:
    """One authorization: counters, uses, history."""
    return _page(request, authorization_id)


@requires("auths.edit")
@require_http_methods(["GET", "POST"])
def auth_edit(request: HttpRequest, authorization_id: UUID) -> HttpResponse:
    """Change an authorization."""
    row = get_object_or_404(Authorization.objects.select_related("patient"), pk=authorization_id)
    kind = ChangeForm if row.status in Authorization.HOLDING else AuthorizationForm
    form = kind(request.POST or None, initial=initial_of(row))
    if request.method == "POST" and form.is_valid():
        try:
            records.edit(authorization_id=row.pk, **_fields(form))
        except DomainError as error:
            if error.status_code != 422:
                raise
            lines_of(error.fields or {"": error.message}, form)
        else:
            messages.success(request, "The authorization is changed.")
            return see_other(reverse("requests:authorization", args=[row.pk]))
    _audited("authorization.viewed", row)
    context = {**_frame(request), "form": form, "row": row, "name": row.patient.display_name, "suppliers": _suppliers()}
    return render(request, "requests/authorization_edit.html", context, status=422 if form.errors else 200)


@requires("auths.edit")
@require_POST
def auth_decide(request: HttpRequest, authorization_id: UUID) -> HttpResponse:
    """Enter the payer's answer."""
    row = get_object_or_404(Authorization, pk=authorization_id)
    form = DecisionForm(request.POST)
    if form.is_valid():
        try:
            records.decide(authorization_id=row.pk, **form.cleaned_data)
        except DomainError as error:
            if error.status_code != 422:
                raise
            lines_of(error.fields or {"": error.message}, form)
        else:
            messages.success(request, "The payer's answer is kept.")
            return see_other(reverse("requests:authorization", args=[row.pk]))
    return _page(request, row.pk, decision_form=form, status=422)


@requires("auths.edit")
@require_POST
def auth_step(request: HttpRequest, authorization_id: UUID) -> HttpResponse:
    """Ask for a release, note it, or take it back; ask a payer again."""
    row = get_object_or_404(Authorization, pk=authorization_id)
    step = STEPS.get(request.POST.get("step", ""))
    if step is None:
        raise DomainError("Choose what to do on the authorization's page.", code="no_step")
    verb, words = step
    verb(authorization_id=row.pk)
    messages.success(request, words)
    return see_other(reverse("requests:authorization", args=[row.pk]))


@requires("auths.edit")
@require_POST
def auth_withdraw(request: HttpRequest, authorization_id: UUID) -> HttpResponse:
    """Entered by mistake."""
    row = get_object_or_404(Authorization, pk=authorization_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, row.pk, withdraw_form=form, status=422)
    try:
        records.withdraw(authorization_id=row.pk, reason=form.cleaned_data["reason"])
    except DomainError as error:
        if error.status_code != 422:
            raise
        lines_of(error.fields or {"": error.message}, form)
        return _page(request, row.pk, withdraw_form=form, status=422)
    messages.success(request, "The authorization is withdrawn.")
    return see_other(reverse("requests:authorization", args=[row.pk]))


@requires("auths.edit")
@require_POST
def auth_let_go(request: HttpRequest, gate_id: UUID) -> HttpResponse:
    """Let a waiting ride go without an authorized trip: somebody else pays for it."""
    gate = get_object_or_404(Gate, pk=gate_id, kind="authorization")
    note = request.POST.get("note", "").strip()
    if len(note) < 3:
        raise DomainError("Write who pays for this ride, then let it go.", code="no_reason")
    gates.answer(gate_id=gate.pk, granted=True, note=note)
    messages.success(request, "The ride goes on.")
    return see_other(reverse("requests:authorizations"))


def _page(request: HttpRequest, authorization_id: UUID, *, status: int = 200, **forms: Any) -> HttpResponse:
    context = _frame(request)
    found = selector.one(authorization_id, context["facility_zone"])
    if found is None:
        raise Http404("no such authorization")
    each, uses, events = found
    _audited("authorization.viewed", each.row)
    context |= {
        "each": each,
        "row": each.row,
        "standing": each.standing,
        "uses": uses,
        "events": events,
        "trips": trip_numbers(use.request_id for use in uses),
        "name": each.row.patient.display_name,
        "levels": _levels_of([each.row])[each.row.pk],
        "decision_form": DecisionForm(),
        "withdraw_form": ReasonForm(),
        **forms,
    }
    return render(request, "requests/authorization.html", context, status=status)


def _fields(form: AuthorizationForm) -> dict[str, Any]:
    """The cleaned fields, with the vendor that the supplier's name means, when it is one that works here."""
    data = dict(form.cleaned_data)
    name = " ".join(data["supplier_name"].casefold().split())
    known = {" ".join(each.name.casefold().split()): each.pk for each in _suppliers()}
    data["supplier_id"] = known.get(name)
    return data


def _suppliers() -> list[Organization]:
    return list(Organization.objects.filter(kind="vendor", is_active=True).order_by("name"))


def _levels_of(rows: Any) -> dict[UUID, str]:
    return {row.pk: ", ".join(LEVELS[code].label for code in row.levels if code in LEVELS) for row in rows}


def _audited(action: str, row: Authorization | None = None, **details: int) -> None:
    audit.record(
        action=action,
        target=row,
        target_type="" if row else "requests.authorization",
        patient_id=row.patient_id if row else None,
        purpose="payment",
        details=dict(details),
    )


def _frame(request: HttpRequest) -> dict[str, Any]:
    membership = request.membership  # type: ignore[attr-defined]
    return {**desk(request, unit_list(membership.units)), "primary_action": None}
