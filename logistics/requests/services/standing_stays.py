"""What a stay does to a patient's series: admission stops it, a person lets it go on after the discharge.

A registration as an outpatient is no admission: a dialysis center registers its own patients so.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from logistics.core import audit, clock, outbox
from logistics.requests.models import Encounter, Patient, StandingOrder
from logistics.requests.services import alerts, standing_orders, standing_rides, transitions
from logistics.requests.services.standing_orders import HELD_BY_ADMISSION

# PV1-2 of a stay that keeps the patient in the house (table 0004: inpatient, obstetrics; unknown counts as inpatient).
KEPT_CLASSES = ("I", "B", "U", "")


@transaction.atomic
def admitted(encounter_id: UUID) -> int:
    """The patient is in the house: hold what is planned, and ask. Returns how many series were suspended. Repeatable.

    A series that was begun during this stay goes on: whoever began it knew.
    """
    encounter = Encounter.objects.select_related("patient").get(pk=encounter_id)
    if encounter.status != "in_house" or encounter.patient_class not in KEPT_CLASSES:
        return 0
    suspended = 0
    for order_id in _orders_of(encounter.patient_id, "active"):
        order = standing_rides.get_locked(order_id)
        if order.status != "active" or order.created_at > encounter.created_at:
            continue
        transitions.standing_order_to(
            order,
            "suspended",
            source="ehr",
            reason="The patient was admitted",
            changes={"suspended_by": "admitted", "encounter": encounter, "resume_offered_at": None},
        )
        held = standing_rides.hold_all(order, reason=HELD_BY_ADMISSION)
        alerts.raise_alert("standing_admitted", encounter=encounter, params={"held": held, "order_id": str(order.pk)})
        suspended += 1
    return suspended


@transaction.atomic
def admission_canceled(encounter_id: UUID) -> int:
    """The admission was an error (A11): what it suspended goes on as before. Returns how many series. Repeatable."""
    encounter = Encounter.objects.get(pk=encounter_id)
    if encounter.status != "canceled":
        return 0
    restored = 0
    for order_id in _suspended_by(encounter):
        standing_orders.resume(order_id=order_id, as_before=True)
        restored += 1
    return restored


@transaction.atomic
def discharged(encounter_id: UUID) -> int:
    """The patient left: a person is asked whether, and from where, the rides go on. Returns how many. Repeatable."""
    encounter = Encounter.objects.select_related("patient").get(pk=encounter_id)
    if encounter.patient.deceased:
        return died(encounter.patient_id)
    if encounter.status != "discharged":
        return 0
    offered = 0
    for order_id in _suspended_by(encounter):
        order = standing_rides.get_locked(order_id)
        if order.status != "suspended" or order.resume_offered_at is not None:
            continue
        StandingOrder.objects.filter(pk=order.pk).update(resume_offered_at=clock.now())
        audit.record(action="standing_order.resume_offered", target=order, patient_id=order.patient_id)
        outbox.publish(
            "standing_order.resume_offered",
            {"standing_order_id": str(order.pk), "patient_id": str(order.patient_id)},
        )
        alerts.resolve(["standing_admitted"], encounter=encounter)
        alerts.raise_alert("standing_resume", encounter=encounter, params={"order_id": str(order.pk)})
        offered += 1
    return offered


@transaction.atomic
def reopened(encounter_id: UUID) -> int:
    """The discharge was canceled (A13): the patient is in the house again. Returns how many series stop. Repeatable."""
    encounter = Encounter.objects.get(pk=encounter_id)
    if encounter.status != "in_house":
        return 0
    StandingOrder.objects.filter(pk__in=_suspended_by(encounter)).update(resume_offered_at=None)
    alerts.resolve(["standing_resume"], encounter=encounter)
    return admitted(encounter_id)


@transaction.atomic
def died(patient_id: UUID) -> int:
    """The patient has died: every series ends, every ride ahead is canceled. Returns how many series. Repeatable."""
    if not Patient.objects.filter(pk=patient_id, deceased=True).exists():
        return 0
    ended = 0
    for status in ("active", "suspended"):
        for order_id in _orders_of(patient_id, status):
            standing_orders.end(order_id=order_id, reason="The patient died", code="patient_deceased")
            ended += 1
    return ended


def _orders_of(patient_id: UUID, status: str) -> list[UUID]:
    orders = StandingOrder.objects.filter(patient_id=patient_id, status=status)
    return list(orders.order_by("pk").values_list("pk", flat=True))


def _suspended_by(encounter: Encounter) -> list[UUID]:
    orders = StandingOrder.objects.filter(encounter=encounter, status="suspended", suspended_by="admitted")
    return list(orders.order_by("pk").values_list("pk", flat=True))
