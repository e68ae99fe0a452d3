"""Pages of contracts: versions with their rates side by side, drafts, signatures."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from logistics.core import levels
from logistics.core.access import requires
from vendors.forms.contracts import CancelTermsForm, DraftForm, RateForm, SignForm
from vendors.models import Contract
from vendors.selectors import contracts as selectors
from vendors.services import contracts
from vendors.views.network import today_of

CHIPS = {
    "draft": {"status": "draft", "label": "Draft"},
    "signed": {"status": "signed", "label": "Signed, not yet in force"},
    "in_force": {"status": "active", "label": "In force"},
    "ended": {"status": "inactive", "label": "Ended"},
}
SHOWN_VERSIONS = 3


@requires("contracts.view")
def contract_list(request: HttpRequest) -> HttpResponse:
    """``/contracts``: for each vendor its versions, newest first, with rates side by side."""
    try:
        vendor_id = UUID(request.GET.get("vendor", ""))
    except ValueError:
        vendor_id = None
    today = today_of(request)
    rows = selectors.versions()
    names = {str(row.vendor_id): row.vendor.name for row in rows}
    blocks = []
    for key, group in groupby(rows, key=lambda row: row.vendor_id):
        found = list(group)
        if vendor_id not in (None, key):
            continue
        latest = found[:SHOWN_VERSIONS]
        blocks.append(
            {
                "vendor": found[0].vendor,
                "versions": [_version(row, today) for row in latest],
                "older": [_version(row, today) for row in found[SHOWN_VERSIONS:]],
                "rates": _labelled(selectors.side_by_side(latest)),
            }
        )
    return render(
        request,
        "vendors/contracts.html",
        {
            "blocks": blocks,
            "filters": [
                {
                    "name": "vendor",
                    "label": "Vendor",
                    "value": str(vendor_id or ""),
                    "options": [("", "All"), *names.items()],
                }
            ],
        },
    )


@requires("contracts.view")
def contract_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """``/contracts/<id>``: one version; a draft can be priced and signed."""
    return _page(request, _contract(pk))


@requires("contracts.edit")
def contract_new(request: HttpRequest) -> HttpResponse:
    """``/contracts/new``: a draft, started from the rates of the vendor's newest version."""
    if request.method != "POST":
        form = DraftForm(initial=DraftForm.starts_with(request.GET.get("vendor", "")))
        return render(request, "vendors/contract_new.html", {"form": form})
    form = DraftForm(request.POST)
    if form.is_valid():
        terms = {**form.cleaned_data, "vendor": form.vendor_chosen()}
        before = selectors.latest(terms["vendor"].pk)
        if form.attempt(contracts.draft, **terms):
            if before is not None:
                contracts.copy_rates(source=before, contract=form.result)
                contracts.copy_cancel_terms(source=before, contract=form.result)
            messages.success(request, f"Version {form.result.version} is drafted. Check its rates, then sign.")
            return _to(form.result.pk)
    return render(request, "vendors/contract_new.html", {"form": form}, status=422)


@requires("contracts.edit")
@require_POST
def set_rate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add or change the price of one level in a draft."""
    contract = _contract(pk)
    form = RateForm(request.POST)
    if not (form.is_valid() and form.attempt(contracts.set_rate, contract=contract, **form.cleaned_data)):
        return _page(request, contract, rate_form=form, status=422)
    messages.success(request, f"{levels.LEVELS[form.cleaned_data['level']].label} is priced.")
    return _to(pk)


@requires("contracts.edit")
@require_POST
def set_cancel_terms(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a draft asks when a trip is called off."""
    contract = _contract(pk)
    form = CancelTermsForm(request.POST)
    if not (form.is_valid() and form.attempt(contracts.set_cancel_terms, contract=contract, **form.cleaned_data)):
        return _page(request, contract, cancel_form=form, status=422)
    messages.success(request, "The cancellation terms are saved.")
    return _to(pk)


@requires("contracts.edit")
@require_POST
def remove_rate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a level out of a draft."""
    contract = _contract(pk)
    contracts.remove_rate(contract=contract, level=request.POST.get("level", ""))
    return _to(pk)


@requires("contracts.edit")
@require_POST
def sign(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a draft in force; from then on it never changes."""
    contract = _contract(pk)
    form = SignForm(request.POST)
    if not (form.is_valid() and form.attempt(contracts.sign, contract=contract, **form.cleaned_data)):
        return _page(request, contract, sign_form=form, status=422)
    messages.success(request, f"Version {contract.version} is signed.")
    return _to(pk)


def _contract(pk: UUID) -> Contract:
    contract = selectors.contract_get(pk)
    if contract is None:
        raise Http404
    return contract


def _to(pk: UUID) -> HttpResponse:
    answer = redirect("vendors:contract", pk=pk)
    answer.status_code = 303
    return answer


def _version(contract: Contract, today: Any) -> dict[str, Any]:
    return {"contract": contract, "chip": CHIPS[selectors.standing(contract, today)]}


def _labelled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "label": levels.LEVELS[row["level"]].label} for row in rows]


def _page(
    request: HttpRequest,
    contract: Contract,
    *,
    rate_form: RateForm | None = None,
    sign_form: SignForm | None = None,
    cancel_form: CancelTermsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    contract = _contract(contract.pk)
    permissions = request.membership.definition.permissions  # type: ignore[attr-defined]
    return render(
        request,
        "vendors/contract.html",
        {
            "contract": contract,
            "chip": CHIPS[selectors.standing(contract, today_of(request))],
            "rates": _labelled(
                [{"level": row["level"], "rate": row["rates"][0]} for row in selectors.side_by_side([contract])]
            ),
            "may_edit": contract.status == "draft" and "contracts.edit" in permissions,
            "rate_form": rate_form or RateForm(),
            "sign_form": sign_form or SignForm(),
            "cancel_form": cancel_form or CancelTermsForm(initial=model_to_dict(contract)),
        },
        status=status,
    )
