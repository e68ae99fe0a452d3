"""Booking a ride: drafts that are kept while a person types, and the one step that confirms.

A form carries a key of its own. The draft that it makes holds that key, so that a form sent twice finds what it
made the first time; and all writes for one patient wait for each other (an advisory lock to the end of the
transaction), so that two people who book the same patient in the same second get one ride and one answer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from logistics.accounts.models import Facility
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.core.levels import LEVELS
from logistics.requests.models import Encounter, Patient, ServiceRequest, TransportDetail
from logistics.requests.services import advice, alerts, answers, budgets, company, drafts, gates, places, transitions
from logistics.requests.services.level_rules import RuleSet
from logistics.requests.services.places import Destination
from logistics.requests.services.ride_rows import lock, locked, put

OPEN = ("pending", "requested", "scheduled", "in_progress", "held")
# Two rides of one patient closer than this are taken for the same ride booked twice.
SAME_RIDE = dt.timedelta(hours=4)


class OpenRide(DomainError):
    """The patient has a ride already: ``request_id`` names it, so that the page can lead to it."""

    status_code = 409

    def __init__(self, request_id: UUID) -> None:
        super().__init__(
            "This patient already has an open ride. Track it instead of booking another.", code="already_open"
        )
        self.request_id = request_id


def open_ride_of(
    patient_id: UUID, *, pickup_at: dt.datetime | None = None, apart_from: UUID | None = None
) -> ServiceRequest | None:
    """A ride of this patient that is booked and not over, within four hours of ``pickup_at`` (any when None).

    The rides of one journey count each for itself: a return that is booked is as open as the way there.
    """
    rides = ServiceRequest.objects.filter(patient_id=patient_id, kind="transport", status__in=OPEN)
    if apart_from is not None:
        rides = rides.exclude(pk=apart_from)
    if pickup_at is not None:
        rides = rides.annotate(
            expected=Coalesce(F("transport_rows__pickup_at"), F("transport_rows__ready_expected_at"))
        ).filter(Q(expected__isnull=True) | Q(expected__gt=pickup_at - SAME_RIDE, expected__lt=pickup_at + SAME_RIDE))
    return rides.order_by("created_at").first()


def draft_of(patient_id: UUID) -> ServiceRequest | None:
    """The ride to go on with: the one that the chart foresaw, else the newest draft that the actor began."""
    rides = ServiceRequest.objects.filter(patient_id=patient_id, kind="transport").order_by("-created_at")
    # A date of a standing order that waits for a person is settled on the order's own page.
    rides = rides.exclude(source="standing")
    for ride in rides.filter(source="ehr", status__in=["draft", "requested"]):
        if is_unfinished(ride):
            return ride
    return rides.filter(status="draft", requested_by_id=scoping.current().user_id).first()


def just_booked(patient_id: UUID) -> bool:
    """Whether the actor booked a ride for this patient a moment ago: what the form saves now comes too late."""
    since = clock.now() - dt.timedelta(minutes=2)
    rides = ServiceRequest.objects.filter(patient_id=patient_id, kind="transport", status__in=OPEN)
    rides = rides.exclude(source="standing")
    return rides.filter(requested_by_id=scoping.current().user_id, requested_at__gte=since).exists()


def is_unfinished(request: ServiceRequest) -> bool:
    """Whether a person may still complete it here: a draft, or confirmed by the discharge before it was complete."""
    return request.status == "draft" or (request.status == "requested" and not drafts.is_bookable(request))


def start_draft(*, patient: Patient, key: str) -> ServiceRequest:
    """A draft for this patient, prefilled from the chart; the same draft again for the same ``key``.

    A draft that waits already (the chart's, or the actor's own) is gone on with: a page that fills itself anew
    when the patient is chosen must not leave a second one behind. Raises :class:`DomainError` when the health
    system has no site to be picked up from.
    """
    lock(patient.pk)
    known = ServiceRequest.objects.filter(idempotency_key=key).first() or draft_of(patient.pk)
    if known is not None:
        return known
    encounter = current_encounter(patient.pk)
    facility = (encounter.facility if encounter else None) or Facility.objects.order_by("name").first()
    if facility is None:
        raise DomainError("Add a site first: a ride needs a place to start from.", code="no_site")
    scope = scoping.current()
    request = ServiceRequest.objects.create(
        patient=patient,
        encounter=encounter,
        facility=facility,
        unit=encounter.unit if encounter else None,
        cost_center=budgets.default_for(encounter.unit_id if encounter else None),
        source="user",
        requested_by_id=scope.user_id,
        requested_by_name=scope.actor_label,
        idempotency_key=key,
    )
    TransportDetail.objects.create(request=request, **chart_defaults(patient, encounter))
    audit.record(action="request.drafted", target=request, patient_id=patient.pk)
    outbox.publish("request.drafted", {"request_id": str(request.pk), "unit_id": str(request.unit_id or "")})
    return request


def current_encounter(patient_id: UUID) -> Encounter | None:
    """The stay that the patient is in, else the latest one."""
    stays = Encounter.objects.filter(patient_id=patient_id).exclude(status="canceled")
    stays = stays.select_related("facility", "unit", "bed")
    return (
        stays.filter(status__in=["in_house", "on_leave"]).order_by("-created_at").first()
        or stays.order_by("-created_at").first()
    )


def chart_defaults(patient: Patient, encounter: Encounter | None) -> dict[str, Any]:
    """What the chart knows of a ride, as columns of ``TransportDetail``. Mobility is always asked of a person."""
    chart = patient.chart or {}
    needs = []
    oxygen = chart.get("oxygen_lpm")
    if oxygen:
        needs.append("oxygen")
    if patient.isolation:
        needs.append("airborne" if patient.isolation == "airborne" else "isolation")
    unit = encounter.unit if encounter else None
    return {
        "pickup_bed_label": encounter.bed.label if encounter and encounter.bed else "",
        "pickup_contact": f"{unit.name} desk, {unit.phone}" if unit and unit.phone else "",
        "needs": needs,
        "oxygen_lpm": Decimal(str(oxygen)) if oxygen else None,
        "weight_lb": patient.weight_lb,
        "payer_name": patient.payer_name,
    }


def save_draft(*, request_id: UUID, fields: dict[str, Any]) -> ServiceRequest:
    """Keep what a person typed so far; nothing is refused, what cannot be read is left out.

    ``fields`` as in :mod:`ride_rows`. A request that is no draft any more stays as it is.
    """
    request = locked(request_id)
    if not is_unfinished(request):
        return request
    detail = TransportDetail.objects.get(request=request)
    changed = put(request, detail, fields)
    if changed:
        detail.save()
        ServiceRequest.objects.filter(pk=request.pk).update(
            unit=request.unit,
            facility=request.facility,
            cost_center=request.cost_center,
            human_edited=True,
            updated_at=clock.now(),
        )
        audit.record(
            action="request.edited", target=request, patient_id=request.patient_id, details={"fields": sorted(changed)}
        )
    return request


@dataclass(frozen=True)
class Choice:
    """What a person saw and decided of the level: ``seen`` was shown, ``level`` is another one with its ``reason``.

    ``clinician`` decided on a lower level than advised.
    """

    seen: str
    level: str = ""
    reason: str = ""
    clinician: str = ""

    @property
    def kept_reason(self) -> str:
        """The reason as it is kept, with who decided."""
        by = self.clinician.strip()
        return f"{self.reason.strip()}{f' Decided by {by}.' if by else ''}"[:300]


@dataclass(frozen=True)
class Quote:
    """What is known of the way when it is booked: road miles, driving minutes, the contract's price in dollars."""

    miles: Decimal | None = None
    minutes: int | None = None
    amount: Decimal | None = None


def confirm(
    *,
    request_id: UUID,
    fields: dict[str, Any],
    key: str,
    level_seen: str,
    level: str = "",
    override_reason: str = "",
    override_by: str = "",
    miles: Decimal | None = None,
    minutes: int | None = None,
    amount: Decimal | None = None,
) -> ServiceRequest:
    """Book the ride: a person saw ``level_seen`` and confirms it, or chooses another ``level`` with a reason
    (and, for a lower one, the clinician ``override_by`` who decided).

    Sent again with the same ``key`` it answers with the same request and changes nothing. Raises
    :class:`OpenRide` when the patient has a ride already, and :class:`DomainError` whose ``fields`` name every
    field that is missing or wrong. Publishes ``request.ready``, or ``request.pending`` while something must be granted.
    """
    request = locked(request_id)
    if is_booked_with(request, key):
        return request
    choice = Choice(level_seen, level, override_reason, override_by)
    given, problems = examine(request, fields, choice, minutes=minutes)
    if problems or given is None:
        raise incomplete(problems)
    return settle(request, fields, given, choice, key=key, quote=Quote(miles, minutes, amount))


def incomplete(problems: dict[str, str]) -> DomainError:
    """The refusal that names every field at once."""
    return DomainError("Some answers are missing or need a change.", code="incomplete", fields=problems)


def is_booked_with(request: ServiceRequest, key: str) -> bool:
    """Whether this very form booked it before (a second click, a page sent again)."""
    return request.idempotency_key == key and request.status in (*OPEN, "completed")


def examine(
    request: ServiceRequest, fields: dict[str, Any], choice: Choice, *, minutes: int | None
) -> tuple[advice.Advice | None, dict[str, str]]:
    """The advice for these answers and what is wrong with them; the caller holds the patient's lock.

    ``minutes`` is the length of the way that the patient's own oxygen must last. Raises :class:`OpenRide`, and
    :class:`DomainError` when the request is no draft any more.
    """
    unfinished = is_unfinished(request)
    if not unfinished and request.status in OPEN:
        raise OpenRide(request.pk)
    if not unfinished:
        raise DomainError(f"This request is {request.status}. Start a new booking.", code="not_a_draft")
    origin = fields.get("origin") if fields.get("pickup_kind") else None
    unit = fields.get("unit")
    facility = unit.facility if unit is not None else request.facility
    start = origin if isinstance(origin, Destination) else None
    if start is None and not fields.get("pickup_kind"):
        start = places.of_facility(facility)
    zone = start.location.zone if start is not None else facility.time_zone
    problems = answers.check(fields, zone=zone, patient=request.patient, start=start)
    pickup_at = fields.get("pickup_at") or fields.get("ready_expected_at") or clock.now()
    other = open_ride_of(request.patient_id, pickup_at=pickup_at, apart_from=request.pk)
    if other is not None:
        raise OpenRide(other.pk)
    if not fields.get("mobility"):
        return None, problems
    given = advise_for(fields, request.patient, minutes=minutes)
    problems.update(_level_problems(given, choice))
    return given, problems


def settle(
    request: ServiceRequest,
    fields: dict[str, Any],
    given: advice.Advice,
    choice: Choice,
    *,
    key: str,
    quote: Quote,
    changes: dict[str, Any] | None = None,
) -> ServiceRequest:
    """Write the answers that :func:`examine` found right and confirm the request; ``changes`` are further columns."""
    detail = TransportDetail.objects.get(request=request)
    scope = scoping.current()
    changed = put(request, detail, fields)
    detail.companions = company.riding_along(fields)
    detail.plan = {}
    if detail.when == "ready" and detail.ready_owner_id is None:
        # A ride that waits for the word is always somebody's.
        detail.ready_owner_id, detail.ready_owner_name = scope.user_id, scope.actor_label
    chosen = choice.level or given.level
    detail.level_advised = given.level
    detail.level = chosen
    detail.level_reason = given.reason[:300]
    detail.level_override_reason = choice.kept_reason if chosen != given.level else ""
    detail.level_override_by = choice.clinician.strip()[:120] if chosen != given.level else ""
    detail.level_rules_version = given.rules_version or None
    detail.level_confirmed_by_id = scope.user_id
    detail.miles, detail.minutes = quote.miles, quote.minutes
    if detail.when == "now":
        detail.pickup_at = clock.now()
    detail.save()
    for place in (detail.place, detail.pickup_place):
        if place is not None:
            places.used(place)
    columns = {
        "unit": request.unit,
        "facility": request.facility,
        "cost_center": request.cost_center or budgets.default_for(request.unit_id),
        "human_edited": True,
        "idempotency_key": key,
        "requested_by_id": scope.user_id,
        "requested_by_name": scope.actor_label,
        "requested_at": clock.now(),
        "estimated_amount": quote.amount,
        **(changes or {}),
    }
    details = {
        "level": chosen,
        "level_advised": given.level,
        "rules": given.version,
        "override": chosen != given.level,
        "edited": sorted(changed),
    }
    if request.status == "draft":
        gates.confirm(request, changes=columns, details=details)
        alerts.resolve(("ride_details_missing", "left_before_ride", "left_without_ride"), request=request)
    else:
        # Its discharge confirmed it before it was complete: what must be granted is asked for now.
        audit.record(action="request.completed_details", target=request, patient_id=request.patient_id, details=details)
        gates.confirm(request, changes=columns)
        drafts.release(request)
    if chosen != given.level:
        audit.record(
            action="request.level_overridden",
            target=request,
            patient_id=request.patient_id,
            reason=choice.kept_reason,
            details={"advised": given.level, "chosen": chosen, "rules": given.version},
        )
    return request


def advise_for(
    fields: dict[str, Any], patient: Patient, *, minutes: int | None = None, rules: RuleSet | None = None
) -> advice.Advice:
    """The advice for a form's answers; the kind of isolation comes from the chart when it is chosen.

    ``rules`` is the table to decide by, the health system's own when it is not given (one query).
    """
    needs = list(fields.get("needs") or [])
    isolation = patient.isolation if {"isolation", "airborne"} & set(needs) else ""
    return advice.advise(
        mobility=fields["mobility"],
        needs=needs,
        oxygen_lpm=fields.get("oxygen_lpm"),
        weight_lb=fields.get("weight_lb"),
        isolation=isolation,
        minutes=minutes,
        chair=fields.get("chair") or "",
        chair_width_in=fields.get("chair_width_in"),
        chair_weight_lb=fields.get("chair_weight_lb"),
        pickup_steps=fields.get("pickup_steps"),
        dropoff_steps=fields.get("dropoff_steps"),
        oxygen_cylinder=fields.get("oxygen_cylinder") or "",
        rules=rules,
    )


def cancel(*, request_id: UUID, reason_code: str, note: str = "") -> ServiceRequest:
    """Cancel a request (``reason_code`` is a word such as ``patient_refused``). Dispatch calls the vendor off."""
    if not reason_code:
        raise DomainError("Choose why it is canceled.", code="no_reason", fields={"reason": "Choose a reason."})
    request = locked(request_id)
    return transitions.request_to(request, "canceled", reason=reason_code, details={"note": bool(note)})


def hold(*, request_id: UUID, reason: str) -> ServiceRequest:
    """Stop a request until a person decides."""
    request = locked(request_id)
    transitions.hold(request, reason=reason)
    return request


def resume(*, request_id: UUID, reason: str = "") -> ServiceRequest:
    """A person decided that a held request goes on where it was; from now on it outranks the feed."""
    request = locked(request_id)
    transitions.resume(request, reason=reason)
    ServiceRequest.objects.filter(pk=request.pk).update(human_edited=True)
    request.human_edited = True
    return request


def _level_problems(given: advice.Advice, choice: Choice) -> dict[str, str]:
    if given.stop:
        return {"needs": given.stop}
    if choice.level and choice.level not in LEVELS:
        return {"level": "Choose a level from the list."}
    if choice.level and choice.level != given.level:
        return advice.check_override(
            advised=given.level, chosen=choice.level, reason=choice.reason, clinician=choice.clinician
        )
    label = LEVELS[given.level].label
    if not choice.seen:
        return {"level": f"Check the level of service, {label}, then book."}
    if choice.seen != given.level:
        return {"level": f"The answers changed the level to {label}. Check it, then book."}
    return {}
