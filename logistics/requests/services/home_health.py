"""Home health on the demand side: the order, when care is due, and what the stay does to it.

Which agency the patient chooses and how it answers is dispatch's (``dispatch/services/home_health``).
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from logistics.accounts.models import Facility
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests import home_health_rules as rules
from logistics.requests.models import Discharge, HomeHealthDetail, Patient, ServiceRequest
from logistics.requests.services import alerts, gates, geocode, places, transitions
from logistics.requests.services.booking import current_encounter
from logistics.requests.services.geocode import Address, Location

OPEN = ("draft", "pending", "requested", "scheduled", "in_progress", "held")
TEXTS = {"frequency": 300, "reason": 600, "practitioner_name": 120, "practitioner_phone": 30, "phone": 30, "note": 500}
DISCHARGE_OFF = "Discharge canceled"


class OpenReferral(DomainError):
    """The patient has home health ordered already: ``request_id`` names it, so that the page can lead to it."""

    status_code = 409

    def __init__(self, request_id: UUID) -> None:
        words = "Home health is ordered for this patient already. Open that order instead of making another."
        super().__init__(words, code="already_open")
        self.request_id = request_id


@transaction.atomic
def refer(*, patient: Patient, fields: dict[str, Any], key: str) -> ServiceRequest:
    """Order home health for a patient and confirm it.

    ``fields`` are columns of ``HomeHealthDetail``, with ``address_kind`` ``home`` or ``other``, ``address_text`` (one
    line) for the latter and ``address_confirmed`` (bool) when it is not the chart's home. Sent again with the same
    ``key`` it answers with the same request. Publishes ``request.ready`` (``request.pending`` behind a gate). Raises
    :class:`OpenReferral`, or :class:`DomainError` whose ``fields`` name every answer that is missing or wrong.
    """
    _lock(patient.pk)
    known = ServiceRequest.objects.filter(idempotency_key=key).first()
    if known is not None:
        return known
    other = ServiceRequest.objects.filter(patient=patient, kind="home_health", status__in=OPEN).first()
    if other is not None:
        raise OpenReferral(other.pk)
    encounter = current_encounter(patient.pk)
    facility = (encounter.facility if encounter else None) or Facility.objects.order_by("name").first()
    if facility is None:
        raise DomainError("Add a site first: an order needs a place to come from.", code="no_site")
    kind, address, location, problems = _address(patient, fields)
    problems |= check(fields, zone=location.zone if location else facility.time_zone)
    if problems:
        raise DomainError("Some answers are missing or need a change.", code="incomplete", fields=problems)
    # Without them there were problems.
    assert address is not None
    assert location is not None
    scope, now = scoping.current(), clock.now()
    request = ServiceRequest.objects.create(
        kind="home_health",
        patient=patient,
        encounter=encounter,
        discharge=Discharge.objects.filter(encounter=encounter).first() if encounter else None,
        facility=facility,
        unit=encounter.unit if encounter else None,
        source="user",
        human_edited=True,
        requested_by_id=scope.user_id,
        requested_by_name=scope.actor_label,
        requested_at=now,
        idempotency_key=key,
    )
    texts = {name: " ".join(str(fields.get(name) or "").split())[:size] for name, size in TEXTS.items()}
    HomeHealthDetail.objects.create(
        request=request,
        **{**texts, "phone": texts["phone"] or patient.phone},
        disciplines=[code for code in rules.DISCIPLINES if code in fields["disciplines"]],
        soc_ordered_on=fields.get("soc_ordered_on"),
        homebound=fields.get("homebound") or "",
        face_to_face_on=fields.get("face_to_face_on"),
        address_kind=kind,
        address=address.as_dict(),
        latitude=location.lat,
        longitude=location.lon,
        time_zone=location.zone,
        payer_class=fields["payer_class"],
        payer_name=(fields.get("payer_name") or "").strip()[:80],
        home_at=fields.get("home_at"),
        due_at=rules.start_of_care_due(now, fields.get("home_at"), fields.get("soc_ordered_on"), location.zone),
    )
    audit.record(action="request.drafted", target=request, patient_id=patient.pk, details={"kind": "home_health"})
    outbox.publish("request.drafted", {"request_id": str(request.pk), "unit_id": str(request.unit_id or "")})
    return gates.confirm(request, details={"disciplines": sorted(fields["disciplines"])})


def check(fields: dict[str, Any], *, zone: str) -> dict[str, str]:
    """What is missing or wrong in an order, by field, except its address; ``zone`` is where care is given."""
    problems: dict[str, str] = {}
    disciplines = set(fields.get("disciplines") or [])
    if not disciplines or disciplines - set(rules.DISCIPLINES):
        problems["disciplines"] = "Choose which services are ordered."
    elif not rules.may_begin(disciplines):
        # 42 CFR 409.45(a): dependent services need a qualifying skilled one.
        problems["disciplines"] = "An aide or social work needs nursing or therapy beside it. Add one of these."
    for name, words in (
        ("reason", "Write why care at home is needed."),
        ("practitioner_name", "Write who ordered it."),
        ("payer_class", "Choose who pays."),
    ):
        if not str(fields.get(name) or "").strip():
            problems[name] = words
    if fields.get("payer_class") and fields["payer_class"] not in rules.PAYERS:
        problems["payer_class"] = "Choose who pays from the list."
    if fields.get("payer_class") == "medicare" and fields.get("homebound") == "no":
        # 42 CFR 424.22(a)(1)(ii)
        problems["homebound"] = "Medicare pays for homebound patients only. Choose another payer or correct this."
    return problems | _dates(fields, zone)


def _dates(fields: dict[str, Any], zone: str) -> dict[str, str]:
    problems = {}
    ordered, home_at, seen = fields.get("soc_ordered_on"), fields.get("home_at"), fields.get("face_to_face_on")
    today = clock.today(zone)
    if ordered is not None and ordered < today:
        problems["soc_ordered_on"] = "This day has passed. Give the day that the practitioner ordered."
    elif ordered is not None and home_at is not None and ordered < clock.local(home_at, zone).date():
        problems["soc_ordered_on"] = "The patient is not home yet on this day. Ask for a new ordered date."
    begins = ordered or max(today, clock.local(home_at, zone).date() if home_at else today)
    if seen is not None and not rules.face_to_face_fits(seen, begins):
        problems["face_to_face_on"] = (
            "The visit with the practitioner must lie within 90 days before or 30 days after the start of care."
        )
    return problems


def _address(patient: Patient, fields: dict[str, Any]) -> tuple[str, Address | None, Location | None, dict[str, str]]:
    """(kind, address, location, problems). An address that is not the chart's home must be confirmed."""
    home = places.home_address(patient)
    try:
        if fields.get("address_kind") == "home":
            if home is None:
                words = "The chart has no home address. Choose another address and write it with its ZIP code."
                return "home", None, None, {"address_kind": words}
            return "home", home, geocode.locate(home, field="address_kind"), {}
        address = geocode.parse_address(str(fields.get("address_text") or ""), field="address_text")
        location = geocode.locate(address, field="address_text")
    except DomainError as problem:
        return "", None, None, problem.fields
    if home is not None and _same(address, home):
        return "home", home, location, {}
    if not fields.get("address_confirmed"):
        words = "This is not the home address in the chart. Check it with the patient, then confirm it."
        return "other", address, location, {"address_confirmed": words}
    return "other", address, location, {}


def _same(one: Address, other: Address) -> bool:
    def plain(address: Address) -> tuple[str, str]:
        return " ".join(address.line.casefold().replace(".", " ").split()), address.zip_code[:5]

    return plain(one) == plain(other)


def detail_of(request: ServiceRequest) -> HomeHealthDetail:
    """The order behind a home health request."""
    return HomeHealthDetail.objects.get(request=request)


@transaction.atomic
def order_start(*, request_id: UUID, soc_ordered_on: dt.date, practitioner_name: str) -> HomeHealthDetail:
    """The practitioner ordered another start of care date, say because the patient asked for a later one.

    Without a new order the old due time stands (42 CFR 484.55(a)(1)). Repeatable. Publishes ``request.changed``.
    """
    request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=request_id, kind="home_health")
    detail = detail_of(request)
    if request.status not in OPEN or detail.soc_at is not None:
        raise DomainError("Care has begun or the order is over.", code="not_open")
    fields = {"soc_ordered_on": soc_ordered_on, "home_at": detail.home_at}
    problems = _dates(fields, detail.time_zone)
    if not practitioner_name.strip():
        problems["practitioner_name"] = "Write who ordered the new date."
    if problems:
        raise DomainError("Some answers are missing or need a change.", code="incomplete", fields=problems)
    before = detail.soc_ordered_on
    detail.soc_ordered_on, detail.practitioner_name = soc_ordered_on, practitioner_name.strip()[:120]
    detail.due_at = rules.start_of_care_due(clock.now(), detail.home_at, soc_ordered_on, detail.time_zone)
    detail.save(update_fields=["soc_ordered_on", "practitioner_name", "due_at"])
    if before != soc_ordered_on:
        audit.record(
            action="home_health.start_ordered",
            target=request,
            patient_id=request.patient_id,
            details={"before": str(before or ""), "after": soc_ordered_on.isoformat()},
        )
        outbox.publish(
            "request.changed",
            {
                "request_id": str(request.pk),
                "fields": ["soc_ordered_on", "due_at"],
                "unit_id": str(request.unit_id or ""),
            },
        )
    return detail


@transaction.atomic
def told_agency(request_id: UUID, *, vendor_id: UUID | None, agency_name: str) -> None:
    """Dispatch says which agency has the request (None: nobody any more)."""
    HomeHealthDetail.objects.filter(request_id=request_id).update(vendor_id=vendor_id, agency_name=agency_name[:120])


@transaction.atomic
def told_start(request_id: UUID, *, soc_at: dt.datetime) -> None:
    """Dispatch says when care began."""
    HomeHealthDetail.objects.filter(request_id=request_id, soc_at__isnull=True).update(soc_at=soc_at)
    request = ServiceRequest.objects.get(pk=request_id)
    alerts.resolve(["start_of_care_late", "visit_missed", "visit_not_begun"], request=request)


@transaction.atomic
def came_home(encounter_id: UUID, *, at: dt.datetime) -> list[ServiceRequest]:
    """The patient left the hospital ``at``: without an ordered date the 48 hours run from there, if later.

    Publishes ``request.changed`` for each request whose due time moved; returns these. Repeatable.
    """
    moved = []
    for request in _of_stay(encounter_id):
        if request.patient.deceased:
            transitions.request_to(request, "canceled", source="ehr", reason="patient_deceased")
            continue
        detail = detail_of(request)
        if detail.soc_at is not None or detail.home_at == at:
            continue
        detail.home_at = at
        detail.due_at = rules.start_of_care_due(
            request.requested_at or request.created_at, at, detail.soc_ordered_on, detail.time_zone
        )
        detail.save(update_fields=["home_at", "due_at"])
        audit.record(
            action="request.changed", target=request, patient_id=request.patient_id, details={"fields": ["home_at"]}
        )
        outbox.publish(
            "request.changed",
            {"request_id": str(request.pk), "fields": ["home_at", "due_at"], "unit_id": str(request.unit_id or "")},
        )
        moved.append(request)
    return moved


@transaction.atomic
def stay_goes_on(encounter_id: UUID) -> list[ServiceRequest]:
    """The discharge was canceled (A13, A25): home health that has not begun is held until a person decides.

    Once a clinician has been with the patient nothing is changed and an alert says so. Returns what was held.
    """
    held = []
    for request in _of_stay(encounter_id):
        if request.status in ("requested", "scheduled", "pending"):
            transitions.hold(request, reason=DISCHARGE_OFF, source="ehr")
            alerts.raise_alert("home_health_discharge_canceled", request=request)
            held.append(request)
        elif request.status == "in_progress":
            alerts.raise_alert("home_health_canceled_under_way", "top", request=request)
    return held


@transaction.atomic
def leaves_again(encounter_id: UUID) -> list[ServiceRequest]:
    """The discharge is on again: home health that was held for it goes on. Returns what was let go on."""
    resumed = []
    for request in _of_stay(encounter_id):
        if request.status == "held" and request.hold_reason == DISCHARGE_OFF:
            transitions.resume(request, source="ehr", reason="The discharge is on again")
            alerts.resolve(["home_health_discharge_canceled"], request=request)
            resumed.append(request)
    return resumed


def _of_stay(encounter_id: UUID) -> list[ServiceRequest]:
    """Open home health requests of a stay, locked in the order of their ids."""
    return list(
        ServiceRequest.objects.select_for_update(of=("self",))
        .select_related("patient")
        .filter(encounter_id=encounter_id, kind="home_health", status__in=OPEN)
        .order_by("pk")
    )


def _lock(patient_id: UUID) -> None:
    tenant_id = scoping.current_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"home|{tenant_id}|{patient_id}"])
