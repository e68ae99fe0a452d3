"""The vendor's side of a change: agree to it, or say why not."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dispatch.forms.changes import RefuseForm
from dispatch.selectors import proposals as selectors
from dispatch.services import proposals
from dispatch.views.frame import frame, own_next, see_other
from logistics.core import clock
from logistics.core.access import requires
from logistics.core.errors import DomainError


@requires("offers.answer")
@require_POST
def agree(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """The vendor takes the trip as it is to be."""
    if selectors.proposal_get_for(proposal_id) is None:
        raise Http404
    try:
        proposals.agree(proposal_id)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Agreed. The trip changes now; your crew sees it at once.")
    return see_other(own_next(request) or reverse("dispatch:offers"))


@requires("offers.answer")
@require_http_methods(["GET", "POST"])
def refuse(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """The vendor keeps to what it accepted, and says why."""
    proposal = selectors.proposal_get_for(proposal_id)
    if proposal is None:
        raise Http404
    form, status = RefuseForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                proposals.refuse(proposal_id, note=form.cleaned_data["note"])
            except DomainError as error:
                messages.error(request, error.message)
            else:
                messages.success(request, "You keep the trip as you accepted it, until the hospital decides.")
            return see_other(reverse("dispatch:offers"))
    context = frame(change=selectors.card(proposal, clock.now()), form=form, facility_zone=proposal.trip.time_zone)
    return render(request, "dispatch/change_refuse.html", context, status=status)
