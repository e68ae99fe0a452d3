"""Demand: patients, encounters, beds, discharges and what they need to leave."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logistics.accounts.models import Facility, Unit
from logistics.core import levels, scoping
from logistics.core.fields import SealedJSONField, SealedTextField, TenantForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests import states


class Patient(TenantModel):
    """A person in care. Identifying fields are sealed; search goes through :class:`PatientToken`."""

    family_name = SealedTextField()
    given_name = SealedTextField()
    middle_name = SealedTextField()
    birth_date = SealedTextField(help_text="ISO date")
    phone = SealedTextField()
    address = SealedJSONField(help_text="line, city, state, zip_code")
    mrn = SealedTextField(help_text="The identifier shown to people")
    sex = models.CharField(max_length=1, blank=True)
    language = models.CharField(max_length=40, blank=True)
    weight_lb = models.IntegerField(null=True)
    weight_at = models.DateTimeField(null=True)
    isolation = models.CharField(
        max_length=10,
        blank=True,
        choices=[("contact", "Contact"), ("droplet", "Droplet"), ("airborne", "Airborne")],
    )
    payer_name = models.CharField(max_length=80, blank=True)
    chart = SealedJSONField(help_text="Needs on the way that the chart gave: mobility, oxygen_lpm, notes")
    deceased = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"

    @property
    def display_name(self) -> str:
        """``Cole, Agnes``."""
        return ", ".join(part for part in (self.family_name, self.given_name) if part) or "Name unknown"


class PatientIdentifier(TenantModel):
    """An identifier by which a feed names a patient: (assigning authority, type, value)."""

    patient = TenantForeignKey(Patient, related_name="identifiers")
    authority = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=20, blank=True)
    value = SealedTextField()
    token = models.BinaryField(max_length=16)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "token"], name="requests_identifier_once"),
        ]


class PatientToken(models.Model):
    """Blind tokens for search by equality: name prefixes, MRN, phone, birth date."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField(default=scoping.current_tenant_id, editable=False)
    patient = TenantForeignKey(Patient, on_delete=models.CASCADE, related_name="tokens")
    kind = models.CharField(max_length=8)
    token = models.BinaryField(max_length=16)

    objects = scoping.ScopedManager()

    class Meta:
        base_manager_name = "objects"
        indexes = [models.Index(fields=["tenant_id", "token"])]


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


class Place(TenantModel):
    """The address book: where patients go. Never a patient's own home (that is PHI, on the patient)."""

    KINDS = [
        ("hospital", "Hospital"),
        ("snf", "Skilled nursing"),
        ("rehab", "Rehabilitation"),
        ("dialysis", "Dialysis"),
        ("hospice", "Hospice"),
        ("clinic", "Clinic"),
        ("other", "Other"),
    ]

    name = models.CharField(max_length=120)
    aliases = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, choices=KINDS)
    address = models.CharField(max_length=200)
    city = models.CharField(max_length=80)
    state = models.CharField(max_length=2)
    zip_code = models.CharField(max_length=10)
    latitude = models.FloatField()
    longitude = models.FloatField()
    time_zone = models.CharField(max_length=60)
    phone = models.CharField(max_length=30, blank=True)
    note = models.CharField(max_length=200, blank=True, help_text="Entrance, hours, ramp or steps")
    last_used_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "name"], name="requests_place_name")]

    def __str__(self) -> str:
        return self.name


class ServiceRequest(TenantModel):
    """What the facility asks for: a ride, home health or equipment."""

    KINDS = [("transport", "Ride"), ("home_health", "Home health"), ("dme", "Equipment")]
    SOURCES = [("ehr", "EHR"), ("user", "Person"), ("api", "API")]

    kind = models.CharField(max_length=20, choices=KINDS, default="transport")
    status = models.CharField(max_length=20, choices=states.REQUEST.choices, default=states.REQUEST.initial)
    patient = TenantForeignKey(Patient, related_name="requests")
    encounter = TenantForeignKey(Encounter, null=True, related_name="requests")
    discharge = TenantForeignKey(Discharge, null=True, related_name="requests")
    facility = TenantForeignKey(Facility)
    unit = TenantForeignKey(Unit, null=True, related_name="requests")
    source = models.CharField(max_length=10, choices=SOURCES, default="user")
    source_message_id = models.BigIntegerField(null=True)
    human_edited = models.BooleanField(default=False, help_text="A person changed or confirmed it: outranks the feed")
    held_from = models.CharField(max_length=20, blank=True, help_text="Status to return to after a hold")
    hold_reason = models.CharField(max_length=60, blank=True)
    requested_by_id = models.UUIDField(null=True)
    requested_by_name = models.CharField(max_length=120, blank=True)
    requested_at = models.DateTimeField(null=True)
    idempotency_key = models.CharField(max_length=64, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "idempotency_key"], name="requests_request_idempotent"),
            # One ride foreseen by the feed per stay: a second A16 updates it.
            models.UniqueConstraint(fields=["tenant_id", "encounter", "kind"], name="requests_one_open_ehr_ride",
                                    condition=Q(source="ehr", status__in=["draft", "requested", "held"])),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant_id", "unit", "status"]),
            models.Index(fields=["tenant_id", "encounter"]),
        ]


class RequestEvent(StatusEvent):
    """History of a service request."""

    request = TenantForeignKey(ServiceRequest, related_name="events")

    class Meta(StatusEvent.Meta):
        abstract = False


class TransportDetail(TenantModel):
    """What a ride needs. One row per transport request."""

    WHEN = [("now", "Now"), ("at", "At a time"), ("ready", "When ready")]
    DESTINATIONS = [("place", "Address book"), ("home", "Home"), ("other", "Other address")]
    MOBILITY = [("walks", "Walks to the car"), ("wheelchair", "Wheelchair"), ("lies", "Must lie flat")]

    request = TenantForeignKey(ServiceRequest, related_name="transport_rows")
    when = models.CharField(max_length=6, choices=WHEN, blank=True)
    pickup_at = models.DateTimeField(null=True)
    ready_expected_at = models.DateTimeField(null=True)
    pickup_contact = models.CharField(max_length=80, blank=True)
    pickup_bed_label = models.CharField(max_length=40, blank=True)
    place = TenantForeignKey(Place, null=True, related_name="rides")
    destination_kind = models.CharField(max_length=10, choices=DESTINATIONS, blank=True)
    destination_address = SealedJSONField(help_text="line, city, state, zip_code of a home or other address")
    destination_latitude = models.FloatField(null=True)
    destination_longitude = models.FloatField(null=True)
    destination_zone = models.CharField(max_length=60, blank=True)
    mobility = models.CharField(max_length=10, choices=MOBILITY, blank=True)
    needs = models.JSONField(default=list)
    oxygen_lpm = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    weight_lb = models.IntegerField(null=True)
    companions = models.IntegerField(default=0)
    payer_name = models.CharField(max_length=80, blank=True)
    driver_note = SealedTextField()
    level = models.CharField(max_length=10, choices=levels.CHOICES, blank=True)
    level_advised = models.CharField(max_length=10, choices=levels.CHOICES, blank=True)
    level_reason = models.CharField(max_length=300, blank=True)
    level_override_reason = models.CharField(max_length=300, blank=True)
    level_confirmed_by_id = models.UUIDField(null=True)
    miles = models.DecimalField(max_digits=7, decimal_places=1, null=True)
    minutes = models.IntegerField(null=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "request"], name="requests_transport_once")]


class Alert(TenantModel):
    """Something that a person must look at: raised by a rule, owned until acknowledged or resolved.

    ``code`` names a sentence (``requests/alerts.py``); ``params`` fill it with ids and figures, not PHI.
    """

    code = models.CharField(max_length=40)
    severity = models.CharField(max_length=10, choices=[("info", "Info"), ("warn", "Warning"), ("top", "Top")])
    request = TenantForeignKey(ServiceRequest, null=True, related_name="alerts")
    encounter = TenantForeignKey(Encounter, null=True, related_name="alerts")
    unit = TenantForeignKey(Unit, null=True)
    params = models.JSONField(default=dict)
    source_message_id = models.BigIntegerField(null=True)
    raised_at = models.DateTimeField(auto_now_add=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by_id = models.UUIDField(null=True)
    acknowledged_by_name = models.CharField(max_length=120, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-raised_at"]
        indexes = [
            models.Index(fields=["tenant_id", "-raised_at"], condition=Q(acknowledged_at__isnull=True),
                         name="requests_alert_open"),
        ]  # fmt: skip
