"""What people do to a trip. Each form says which history it saw: a stale one is answered with who changed what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dispatch.forms.offers import AcceptForm
from dispatch.forms.trips import HoldForm, PhoneAnswerForm, TakeBackForm
from dispatch.models import Offer, Trip
from dispatch.selectors import history
from dispatch.services import bundles, offers, trips
from dispatch.services import ready as ready_calls
from dispatch.views.frame import frame, own_next, see_other
from dispatch.views.trips import get_or_404
from logistics.core.access import requires
from logistics.core.errors import DomainError
from logistics.requests.models import Alert
from logistics.requests.services import alerts


@dataclass(frozen=True)
class Action:
    """One page with a form: ``text`` says what happens, ``yes`` is the verb on its button."""

    title: str
    text: str
    yes: str
    done: str
    url_name: str
    danger: bool = False


HOLD = Action(
    "Hold trip {n}", "The trip waits until a person lets it go on. Open offers are withdrawn.", "Hold",
    "Trip {n} is on hold.", "dispatch:trip_hold",
)  # fmt: skip
TAKE_BACK = Action(
    "Find another vendor for trip {n}",
    "The vendor loses the trip, is not asked again, and is owed nothing: it could not do what it accepted.",
    "Take it back", "Trip {n} is matched again without this vendor.", "dispatch:trip_take_back", danger=True,
)  # fmt: skip
GIVE_BACK = Action(
    "Give trip {n} back?", "It counts against you in the scorecard. Another vendor is asked at once.", "Give it back",
    "Trip {n} is not yours any more.", "dispatch:trip_give_back", danger=True,
)  # fmt: skip
ANSWER = Action(
    "Answer by phone for trip {n}", "You enter what {vendor} told you. Your name stays beside it in the history.",
    "Enter the answer", "The answer of {vendor} is entered.", "dispatch:trip_answer",
)  # fmt: skip


@requires("requests.book")
@require_http_methods(["GET", "POST"])
def hold(request: HttpRequest, number: int) -> HttpResponse:
    """Stop until a person decides."""
    trip = get_or_404(request, number)
    return _form_page(
        request, trip, HOLD, HoldForm, lambda form: trips.hold(trip.pk, reason=form.cleaned_data["reason"])
    )


@requires("dispatch.act")
@require_http_methods(["GET", "POST"])
def take_back(request: HttpRequest, number: int) -> HttpResponse:
    """Staff take the trip from its vendor."""
    trip = get_or_404(request, number)

    def run(form: forms.Form) -> None:
        offers.turn_back_for(trip.pk, code=form.cleaned_data["code"], reason=form.cleaned_data["note"])

    return _form_page(request, trip, TAKE_BACK, TakeBackForm, run)


@requires("offers.answer")
@require_http_methods(["GET", "POST"])
def give_back(request: HttpRequest, number: int) -> HttpResponse:
    """The vendor gives the trip back."""
    trip = get_or_404(request, number)

    def run(form: forms.Form) -> None:
        offers.turn_back(trip.pk, code=form.cleaned_data["code"], note=form.cleaned_data["note"])

    return _form_page(request, trip, GIVE_BACK, TakeBackForm, run, back=reverse("dispatch:offers"))


@requires("dispatch.act")
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, number: int) -> HttpResponse:
    """A vendor's yes or no by phone, entered by staff for the open offer."""
    trip = get_or_404(request, number)
    asked = Offer.objects.filter(trip=trip, status="open").select_related("vendor").order_by("round", "rank")
    wanted = request.POST.get("offer") or request.GET.get("offer")
    offer = next((row for row in asked if not wanted or str(row.pk) == wanted), None)
    if offer is None:
        messages.warning(request, "No vendor is being asked about this trip now.")
        return see_other(reverse("dispatch:trip", args=[number]))

    def run(form: forms.Form) -> None:
        data = form.cleaned_data
        if data["answer"] == "decline":
            offers.decline_for(offer.pk, code=data["code"], reason=data["reason"])
            return
        at = AcceptForm({"eta": data["eta"]})
        at.is_valid()
        try:
            eta_at = at.eta_at(trip.pickup_at, trip.time_zone)
        except forms.ValidationError as error:
            raise DomainError(error.messages[0], code="eta", fields={"eta": error.messages[0]}) from error
        offers.accept_for(offer.pk, reason=data["reason"], eta_at=eta_at)

    return _form_page(request, trip, ANSWER, PhoneAnswerForm, run, vendor=offer.vendor.name, offer=offer.pk)


@requires("requests.book")
@require_POST
def ready(request: HttpRequest, number: int) -> HttpResponse:
    """The patient of a "when ready" ride is ready. A second press changes nothing."""
    return _at_once(request, number, lambda trip: ready_calls.call(trip.pk), "The vendor is told now.")


@requires("dispatch.act")
@require_POST
def apart(request: HttpRequest, number: int) -> HttpResponse:
    """Offer the rides of a round trip each on its own: any vendor may take any."""
    return _at_once(request, number, lambda trip: bundles.split(trip.pk), "The rides are offered apart now.")


@requires("requests.book")
@require_POST
def resume(request: HttpRequest, number: int) -> HttpResponse:
    """Let a held trip go on."""
    return _at_once(request, number, lambda trip: trips.resume(trip.pk), "The trip goes on.")


@requires("dispatch.act")
@require_POST
def match_again(request: HttpRequest, number: int) -> HttpResponse:
    """Withdraw what is open and match the trip anew."""
    return _at_once(
        request,
        number,
        lambda trip: offers.start_over(trip.pk, reason="Matched again by a person"),
        "The trip is matched again.",
    )


@requires("dispatch.act")
@require_POST
def ask_all(request: HttpRequest, number: int) -> HttpResponse:
    """Ask every vendor that is left at once; the first answer wins."""
    return _at_once(request, number, lambda trip: offers.broadcast(trip.pk), "Every vendor that is left is asked now.")


@requires("requests.book")
@require_POST
def acknowledge(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """A person has seen the alert and takes it on. Returns to the page given as ``next``, if it is ours."""
    alert = Alert.objects.filter(pk=alert_id).first()
    if alert is None:
        raise Http404
    alerts.acknowledge(alert)
    messages.success(request, "You have taken this on. It left the list.")
    return see_other(own_next(request) or reverse("dispatch:trips"))


def _form_page(
    request: HttpRequest,
    trip: Trip,
    action: Action,
    form_class: type[forms.Form],
    run: Callable[[Any], Any],
    *,
    back: str = "",
    offer: Any = None,
    **words: str,
) -> HttpResponse:
    """GET shows the form; POST runs it, or shows it again with what is wrong or what changed meanwhile."""
    seen = history.seen_now(trip)
    form = form_class(request.POST or None, initial={"seen": seen, "offer": offer})
    changes: list[dict[str, Any]] = []
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            posted = form.cleaned_data.get("seen") or seen
            changes = history.since(trip, posted) if posted != seen else []
            status = 409
            if not changes:
                try:
                    run(form)
                except DomainError as error:
                    status = error.status_code
                    placed = {name: text for name, text in error.fields.items() if name in form.fields}
                    for name, text in placed.items():
                        form.add_error(name, text)
                    if not placed:
                        form.add_error(None, error.message)
                else:
                    messages.success(request, action.done.format(n=trip.number, **words))
                    return see_other(back or reverse("dispatch:trip", args=[trip.number]))
    context = frame(
        trip=trip,
        form=form,
        seen=seen,
        changes=changes,
        danger=action.danger,
        title=action.title.format(n=trip.number, **words),
        text=action.text.format(n=trip.number, **words),
        yes=action.yes,
        action_url=reverse(action.url_name, args=[trip.number]),
        facility_zone=trip.time_zone,
    )
    return render(request, "dispatch/trip_action.html", context, status=status)


def _at_once(request: HttpRequest, number: int, run: Callable[[Trip], Any], done: str) -> HttpResponse:
    trip = get_or_404(request, number)
    try:
        run(trip)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return see_other(own_next(request) or reverse("dispatch:trip", args=[number]))
