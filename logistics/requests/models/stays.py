"""Stays, beds and discharges, as the feed tells them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logistics.accounts.models import Facility, Unit
from logistics.core.fields import SealedTextField, TenantForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests import states
from logistics.requests.models.patients import Patient


class Bed(TenantModel):
    """A place in a unit, known from PV1-3."""

    unit = TenantForeignKey(Unit, related_name="beds")
    room = models.CharField(max_length=20, blank=True)
    label = models.CharField(max_length=30, help_text="As staff say it, e.g. 4W-12")
    code = models.CharField(max_length=60, help_text="room^bed as the EHR names it")

    class Meta:
        base_manager_name = "objects"
        ordering = ["label"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "unit", "code"], name="requests_bed_once")]


class Encounter(TenantModel):
    """One stay, as the feed tells it.

    ``fact_times`` keeps for each fact (location, class, expected_discharge, discharge, leave, patient) the
    effective and recorded time of the message that set it and that message's number: a newer message wins,
    an older one only adds history (docs/integration.md, rule R2).
    """

    patient = TenantForeignKey(Patient, related_name="encounters")
    facility = TenantForeignKey(Facility, null=True)
    unit = TenantForeignKey(Unit, null=True, related_name="encounters")
    bed = TenantForeignKey(Bed, null=True, related_name="encounters")
    status = models.CharField(max_length=20, choices=states.ENCOUNTER.choices, default=states.ENCOUNTER.initial)
    visit_number = SealedTextField()
    visit_token = models.BinaryField(max_length=16)
    patient_class = models.CharField(max_length=10, blank=True)
    admitted_at = models.DateTimeField(null=True)
    expected_discharge_at = models.DateTimeField(null=True)
    discharged_at = models.DateTimeField(null=True)
    disposition = models.CharField(max_length=20, blank=True, help_text="PV1-36 as sent")
    temporary_location = models.CharField(max_length=80, blank=True)
    fact_times = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "visit_token"], name="requests_encounter_visit"),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "unit"], condition=Q(status__in=["in_house", "on_leave"]),
                         name="requests_encounter_house"),
        ]  # fmt: skip


class EncounterEvent(StatusEvent):
    """History of an encounter."""

    encounter = TenantForeignKey(Encounter, related_name="events")

    class Meta(StatusEvent.Meta):
        abstract = False


class Tombstone(TenantModel):
    """A cancel that arrived before what it cancels (rule R3): the later original is annulled by it."""

    visit_token = models.BinaryField(max_length=16)
    cancels = models.CharField(max_length=4, help_text="The event it cancels, e.g. A16")
    effective_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    message_id = models.BigIntegerField(null=True)

    class Meta:
        base_manager_name = "objects"
        indexes = [models.Index(fields=["tenant_id", "visit_token", "cancels"])]


class Discharge(TenantModel):
    """The plan of one encounter's leaving: its milestones and its service requests."""

    encounter = TenantForeignKey(Encounter, related_name="discharges")
    status = models.CharField(max_length=20, choices=states.DISCHARGE.choices, default=states.DISCHARGE.initial)
    announced_at = models.DateTimeField(null=True)
    expected_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=20, default="ehr")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "encounter"], name="requests_discharge_once"),
        ]


class DischargeEvent(StatusEvent):
    """History of a discharge."""

    discharge = TenantForeignKey(Discharge, related_name="events")

    class Meta(StatusEvent.Meta):
        abstract = False
