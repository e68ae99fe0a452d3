"""What facilities ask for, and where patients go."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logistics.accounts.models import Facility, Unit
from logistics.core import levels
from logistics.core.fields import SealedJSONField, SealedTextField, TenantForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests import states
from logistics.requests.models.patients import Patient
from logistics.requests.models.stays import Discharge, Encounter


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
    closes_minute = models.IntegerField(null=True, help_text="When it closes, minutes after local midnight")
    last_used_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "name"], name="requests_place_name")]

    def __str__(self) -> str:
        return self.name


class Journey(TenantModel):
    """Rides of one patient that belong together: a round trip, several stops, a vehicle that waits.

    Each ride is a service request of its own, because the one-way trip is what is offered, driven and billed; the
    journey says in which order (``ServiceRequest.journey_order``, from 1) and how they hang together.
    """

    KINDS = [
        ("round_trip", "Round trip"),
        ("wait_return", "Wait and return"),
        ("multi_leg", "Several stops"),
    ]

    kind = models.CharField(max_length=12, choices=KINDS)
    patient = TenantForeignKey(Patient, related_name="journeys")
    same_vendor = models.BooleanField(default=False, help_text="One vendor for all of it: offered together")
    wait_minutes = models.IntegerField(null=True, help_text="How long the vehicle waits (wait and return)")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"


class ServiceRequest(TenantModel):
    """What the facility asks for: a ride, home health or equipment."""

    KINDS = [("transport", "Ride"), ("home_health", "Home health"), ("dme", "Equipment")]
    SOURCES = [("ehr", "EHR"), ("user", "Person"), ("api", "API"), ("standing", "Standing order")]
    LINKS = [("", "Alone or first"), ("return", "Return"), ("connection", "Next stop")]

    kind = models.CharField(max_length=20, choices=KINDS, default="transport")
    status = models.CharField(max_length=20, choices=states.REQUEST.choices, default=states.REQUEST.initial)
    patient = TenantForeignKey(Patient, related_name="requests")
    encounter = TenantForeignKey(Encounter, null=True, related_name="requests")
    discharge = TenantForeignKey(Discharge, null=True, related_name="requests")
    facility = TenantForeignKey(Facility)
    unit = TenantForeignKey(Unit, null=True, related_name="requests")
    source = models.CharField(max_length=10, choices=SOURCES, default="user")
    source_message_id = models.BigIntegerField(null=True)
    journey = TenantForeignKey(Journey, null=True, related_name="requests")
    journey_order = models.IntegerField(default=1)
    link = models.CharField(max_length=12, choices=LINKS, blank=True)
    cost_center = models.CharField(max_length=20, blank=True, help_text="Code of the cost center that pays")
    estimated_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, help_text="USD, at booking")
    charged_amount = models.DecimalField(max_digits=10, decimal_places=2, null=True, help_text="USD, as charged")
    preferred_vendor_id = models.UUIDField(null=True, help_text="Whom the patient knows: asked first when it fits")
    human_edited = models.BooleanField(default=False, help_text="A person changed or confirmed it: outranks the feed")
    held_from = models.CharField(max_length=20, blank=True, help_text="Status to return to after a hold")
    hold_reason = models.CharField(max_length=60, blank=True)
    requested_by_id = models.UUIDField(null=True)
    requested_by_name = models.CharField(max_length=120, blank=True)
    requested_by_role = models.CharField(max_length=40, blank=True, help_text="In which role (accounts/roles.py)")
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
                                    condition=Q(source="ehr", status__in=["draft", "pending", "requested", "held"])),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant_id", "unit", "status"]),
            models.Index(fields=["tenant_id", "encounter"]),
            models.Index(fields=["tenant_id", "journey", "journey_order"], condition=Q(journey__isnull=False),
                         name="requests_request_journey"),
            models.Index(fields=["tenant_id", "patient", "-created_at"], name="requests_request_patient"),
        ]  # fmt: skip


class RequestEvent(StatusEvent):
    """History of a service request."""

    request = TenantForeignKey(ServiceRequest, related_name="events")

    class Meta(StatusEvent.Meta):
        abstract = False


class Gate(TenantModel):
    """Something that must be granted before a confirmed request goes to a vendor: an approval, a receiving facility's
    acceptance, authorized units. While one is open the request is ``pending``; nothing is lost meanwhile.

    ``reason`` says in words why it is asked for; ``params`` hold figures and ids, not PHI.
    """

    KINDS = [("approval", "Approval"), ("acceptance", "Acceptance"), ("authorization", "Authorization")]
    STATES = [("open", "Waiting"), ("granted", "Granted"), ("denied", "Denied"), ("withdrawn", "Not needed any more")]

    request = TenantForeignKey(ServiceRequest, related_name="gates")
    kind = models.CharField(max_length=14, choices=KINDS)
    state = models.CharField(max_length=10, choices=STATES, default="open")
    rule = models.CharField(max_length=40, blank=True, help_text="Which rule of which version asked, e.g. distance@3")
    reason = models.CharField(max_length=300)
    role = models.CharField(max_length=40, blank=True, help_text="Who may answer (accounts/roles.py)")
    due_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    params = models.JSONField(default=dict)
    opened_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)
    answered_by_id = models.UUIDField(null=True)
    answered_by_name = models.CharField(max_length=120, blank=True)
    answer_note = models.CharField(max_length=300, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["opened_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "request", "kind", "rule"], condition=Q(state="open"),
                                    name="requests_gate_open_once"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant_id", "due_at"], condition=Q(state="open"), name="requests_gate_open"),
        ]


class TransportDetail(TenantModel):
    """What a ride needs. One row per transport request.

    Without ``pickup_kind`` the ride starts at the request's facility and unit; otherwise at ``pickup_place`` or at
    ``pickup_address``. ``arrive``: the person said when to be there (``arrive_by_at``), ``pickup_at`` is computed.
    """

    WHEN = [("now", "Now"), ("at", "At a time"), ("arrive", "Arrive by"), ("ready", "When ready")]
    PICKUPS = [("", "Unit"), ("place", "Address book"), ("home", "Home"), ("other", "Other address")]
    CHAIRS = [
        ("", "No chair of their own"),
        ("manual", "Manual wheelchair"),
        ("power", "Power wheelchair"),
        ("scooter", "Scooter"),
        ("bariatric", "Bariatric wheelchair"),
    ]
    CYLINDERS = [("", "Not said"), ("D", "D cylinder"), ("E", "E cylinder"), ("M", "M cylinder"),
                 ("concentrator", "Portable concentrator")]  # fmt: skip
    PURPOSES = [
        ("discharge", "Going home or to the next place of care"),
        ("appointment", "Appointment"),
        ("dialysis", "Dialysis"),
        ("transfer", "Transfer to another facility"),
        ("other", "Other"),
    ]
    DESTINATIONS = [("place", "Address book"), ("home", "Home"), ("other", "Other address")]
    MOBILITY = [("walks", "Walks to the car"), ("wheelchair", "Wheelchair"), ("lies", "Must lie flat")]

    request = TenantForeignKey(ServiceRequest, related_name="transport_rows")
    when = models.CharField(max_length=8, choices=WHEN, blank=True)
    pickup_at = models.DateTimeField(null=True)
    ready_expected_at = models.DateTimeField(null=True)
    pickup_contact = models.CharField(max_length=80, blank=True)
    pickup_bed_label = models.CharField(max_length=40, blank=True)
    pickup_kind = models.CharField(max_length=10, choices=PICKUPS, blank=True)
    pickup_place = TenantForeignKey(Place, null=True, related_name="pickups")
    pickup_address = SealedJSONField(help_text="line, city, state, zip_code of a home or other address")
    pickup_latitude = models.FloatField(null=True)
    pickup_longitude = models.FloatField(null=True)
    pickup_zone = models.CharField(max_length=60, blank=True)
    arrive_by_at = models.DateTimeField(null=True)
    purpose = models.CharField(max_length=12, choices=PURPOSES, blank=True)
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
    chair = models.CharField(max_length=10, choices=CHAIRS, blank=True)
    chair_width_in = models.IntegerField(null=True)
    chair_weight_lb = models.IntegerField(null=True)
    pickup_steps = models.IntegerField(null=True, help_text="Steps without a lift at the pickup; None = not asked")
    dropoff_steps = models.IntegerField(null=True)
    oxygen_cylinder = models.CharField(max_length=12, choices=CYLINDERS, blank=True)
    oxygen_psi = models.IntegerField(null=True, help_text="Pressure of the cylinder; full is about 2,000")
    service_animal = models.BooleanField(default=False)
    escort_name = SealedTextField(help_text="Who rides along where somebody must (a minor, never left alone)")
    receiver_name = SealedTextField(help_text="Who takes the patient over at the door")
    companions = models.IntegerField(default=0)
    ready_owner_id = models.UUIDField(null=True, help_text="Who watches a ride that waits for the word")
    ready_owner_name = models.CharField(max_length=120, blank=True)
    ready_phone = SealedTextField(help_text="Whom to call about it")
    accepting_clinician = SealedTextField(help_text="Who accepted a transfer")
    accepting_bed = models.CharField(max_length=40, blank=True)
    accepted_at = models.DateTimeField(null=True, help_text="When the receiving facility confirmed a transfer")
    report_given_at = models.DateTimeField(null=True)
    transfer_checks = models.JSONField(default=list, help_text="What a transfer has: requests/services/transfers.py")
    plan = SealedJSONField(help_text="What was typed of the further rides of a journey, until they are booked")
    payer_name = models.CharField(max_length=80, blank=True)
    driver_note = SealedTextField()
    level = models.CharField(max_length=10, choices=levels.CHOICES, blank=True)
    level_advised = models.CharField(max_length=10, choices=levels.CHOICES, blank=True)
    level_reason = models.CharField(max_length=300, blank=True)
    level_override_reason = models.CharField(max_length=300, blank=True)
    level_override_by = models.CharField(max_length=120, blank=True, help_text="Clinician who chose a lower level")
    level_rules_version = models.IntegerField(null=True, help_text="Version of the tenant's rules; None = built in")
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
