"""Trips: matched, offered, accepted, assigned, driven and proven."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q

from dispatch import states
from logistics.accounts.models import Facility, Organization, Unit
from logistics.core import levels
from logistics.core.fields import (
    SealedBytesField,
    SealedJSONField,
    SealedTextField,
    TenantForeignKey,
    VendorForeignKey,
)
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests.models import ServiceRequest
from vendors.models import Commitment, CrewMember, Vehicle


class NextTripNumber(Func):
    """The next number that people call a trip by."""

    template = "nextval('dispatch_trip_number')"
    output_field = models.BigIntegerField()


class Trip(TenantModel):
    """The journey that one vendor makes for one request. Owned by the health system; ``vendor`` is set at
    acceptance and opens the row to that vendor."""

    KINDS = [("ride", "Ride"), ("delivery", "Delivery"), ("visit", "Visit")]

    number = models.BigIntegerField(db_default=NextTripNumber(), editable=False, unique=True)
    kind = models.CharField(max_length=10, choices=KINDS, default="ride")
    request = TenantForeignKey(ServiceRequest, related_name="trips")
    facility = TenantForeignKey(Facility)
    unit = TenantForeignKey(Unit, null=True)
    vendor = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=20, choices=states.TRIP.choices, default=states.TRIP.initial)
    level = models.CharField(max_length=10, choices=levels.CHOICES)
    when = models.CharField(max_length=6, default="at")
    pickup_at = models.DateTimeField(help_text="Promised or wanted; for 'when ready' the expected time")
    pickup_latest_at = models.DateTimeField()
    is_ready = models.BooleanField(default=True, help_text="False while a 'when ready' ride waits for the word")
    time_zone = models.CharField(max_length=60)
    destination_zone = models.CharField(max_length=60)
    held_from = models.CharField(max_length=20, blank=True)
    hold_until = models.DateTimeField(null=True)
    eta_at = models.DateTimeField(null=True, help_text="Vendor's promise or prediction of pickup")
    accepted_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    price_amount = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    price_rate_id = models.UUIDField(null=True)
    ready_escalation = models.IntegerField(default=0, help_text="How often a forgotten will call was told")
    ready_escalated_at = models.DateTimeField(null=True)
    return_escalation = models.IntegerField(default=0, help_text="How often an unsecured return was told")
    version = models.IntegerField(default=0, help_text="Rises with every change that a form must not overwrite")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["pickup_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "request"],
                condition=~Q(status__in=["canceled"]),
                name="dispatch_one_live_trip_per_request",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "pickup_at", "id"],
                         condition=~Q(status__in=["completed", "canceled"]), name="dispatch_trip_open"),
            models.Index(fields=["tenant_id", "-pickup_at", "-id"], name="dispatch_trip_day"),
            models.Index(fields=["vendor", "pickup_at", "id"], name="dispatch_trip_vendor"),
        ]  # fmt: skip


class TripEvent(StatusEvent):
    """History of a trip."""

    trip = TenantForeignKey(Trip, related_name="events")
    vendor_id = models.UUIDField(null=True)

    class Meta(StatusEvent.Meta):
        abstract = False


class Passenger(TenantModel):
    """What a crew must know of the patient: a sealed copy on the trip, so that a vendor never reads the
    health system's patient rows. Open to the vendor from acceptance to 24 hours after completion.

    ``details``: family_name, given_name, birth_date, sex, phone, language, pickup (facility, unit, bed, contact,
    entrance, address), destination (name, line, city, state, zip_code, note), needs, oxygen_lpm, weight_lb,
    isolation, companions, driver_note, payer_name.
    """

    trip = TenantForeignKey(Trip, on_delete=models.CASCADE, related_name="passengers")
    vendor_id = models.UUIDField(null=True)
    details = SealedJSONField()

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "trip"], name="dispatch_passenger_once")]


class Leg(TenantModel):
    """One pickup to one drop-off by one vehicle."""

    WAY_BASES = [
        ("estimate", "estimated, no road data"),
        ("roads", "by road"),
        ("silent", "estimated, the road service did not answer"),
    ]

    trip = TenantForeignKey(Trip, on_delete=models.CASCADE, related_name="legs")
    vendor_id = models.UUIDField(null=True)
    sequence = models.IntegerField(default=1)
    status = models.CharField(max_length=20, choices=states.LEG.choices, default=states.LEG.initial)
    pickup_latitude = models.FloatField()
    pickup_longitude = models.FloatField()
    dropoff_latitude = models.FloatField()
    dropoff_longitude = models.FloatField()
    miles = models.DecimalField(max_digits=7, decimal_places=1)
    minutes = models.IntegerField()
    way_basis = models.CharField(max_length=10, choices=WAY_BASES, default="estimate",
                                 help_text="Where miles and minutes come from")  # fmt: skip
    load = models.JSONField(default=dict, help_text="seats, wheelchairs, stretchers, weight_lb, width_in, oxygen_lpm")
    requires = models.JSONField(default=list, help_text="Capabilities (requests/levels.py)")
    isolation = models.CharField(max_length=10, blank=True)
    loaded_miles = models.DecimalField(max_digits=7, decimal_places=1, null=True, help_text="As driven")
    picked_up_at = models.DateTimeField(null=True)
    dropped_off_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["sequence"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "trip", "sequence"], name="dispatch_leg_order")]


class LegEvent(StatusEvent):
    """History of a leg: ``at`` is the device's time, ``recorded_at`` the server's; ``key`` makes a tap that
    is sent twice count once."""

    leg = TenantForeignKey(Leg, related_name="events")
    vendor_id = models.UUIDField(null=True)
    key = models.CharField(max_length=64, null=True)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    accuracy_m = models.FloatField(null=True)
    skew_seconds = models.IntegerField(default=0, help_text="Server time minus device time when sent")

    class Meta(StatusEvent.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "leg", "key"], name="dispatch_legevent_once"),
        ]


class Run(TenantModel):
    """Crew and vehicle on a leg. The vendor's ``Commitment`` behind it keeps both from being taken twice."""

    trip = TenantForeignKey(Trip, on_delete=models.CASCADE, related_name="runs")
    leg = TenantForeignKey(Leg, on_delete=models.CASCADE, related_name="runs")
    vendor_id = models.UUIDField()
    vehicle = VendorForeignKey(Vehicle)
    commitment = VendorForeignKey(Commitment, on_delete=models.PROTECT)
    vehicle_name = models.CharField(max_length=40)
    crew_names = models.CharField(max_length=200)
    assigned_at = models.DateTimeField(auto_now_add=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "leg"], condition=Q(is_active=True), name="dispatch_run_once"),
        ]


class RunCrew(TenantModel):
    """Who is on a run (the driver page finds its legs here)."""

    run = TenantForeignKey(Run, on_delete=models.CASCADE, related_name="crew_rows")
    vendor_id = models.UUIDField()
    crew_member = VendorForeignKey(CrewMember)
    user_id = models.UUIDField(null=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "run", "crew_member"], name="dispatch_runcrew_once"),
        ]
        indexes = [models.Index(fields=["vendor_id", "user_id"])]


class Offer(TenantModel):
    """One vendor asked about one trip. ``brief`` is all that the vendor sees before acceptance: zone, window,
    level, equipment, weight band, miles and price; nothing that names the patient or an address."""

    trip = TenantForeignKey(Trip, on_delete=models.CASCADE, related_name="offers")
    vendor = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    round = models.IntegerField(default=1)
    rank = models.IntegerField()
    status = models.CharField(max_length=20, choices=states.OFFER.choices, default=states.OFFER.initial)
    brief = models.JSONField(default=dict)
    price_amount = models.DecimalField(max_digits=9, decimal_places=2)
    rate_id = models.UUIDField()
    response_minutes = models.IntegerField()
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    decline_code = models.CharField(max_length=30, blank=True)
    decline_note = models.CharField(max_length=200, blank=True)
    lead = TenantForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="followers",
        help_text="The offer that answers for this one too: rides of a journey that go to one vendor",
    )  # fmt: skip
    eta_at = models.DateTimeField(null=True, help_text="Pickup time that the vendor promised or the engine planned")

    class Meta:
        base_manager_name = "objects"
        ordering = ["round", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "trip", "vendor", "round"], name="dispatch_offer_once"),
            models.UniqueConstraint(
                fields=["tenant_id", "trip"], condition=Q(status="accepted"), name="dispatch_one_winner"
            ),
        ]
        indexes = [
            models.Index(fields=["vendor", "expires_at"], condition=Q(status="open"), name="dispatch_offer_open"),
        ]


class OfferEvent(StatusEvent):
    """History of an offer."""

    offer = TenantForeignKey(Offer, related_name="events")
    vendor_id = models.UUIDField(null=True)

    class Meta(StatusEvent.Meta):
        abstract = False


class MatchExplanation(TenantModel):
    """Why this vendor and why not another: the engine's answer for one trip at one time (no PHI)."""

    trip = TenantForeignKey(Trip, on_delete=models.CASCADE, related_name="explanations")
    round = models.IntegerField()
    engine = models.CharField(max_length=60)
    status = models.CharField(max_length=20)
    gap = models.FloatField(null=True)
    milliseconds = models.IntegerField()
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "trip", "round"], name="dispatch_explanation_round"),
        ]


class Proof(TenantModel):
    """Proof of handover: who received the patient, signature or why none, photo. Never changed; one a leg."""

    leg = TenantForeignKey(Leg, related_name="proofs")
    vendor_id = models.UUIDField()
    receiver_name = SealedTextField()
    receiver_relation = models.CharField(max_length=40)
    signature = SealedBytesField(help_text="PNG")
    unsigned_reason = models.CharField(max_length=60, blank=True)
    photo = SealedBytesField(help_text="JPEG, re-encoded, without metadata")
    note = SealedTextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 over the sealed contents")
    at = models.DateTimeField(help_text="Device time")
    recorded_at = models.DateTimeField(auto_now_add=True)
    recorded_by_name = models.CharField(max_length=120)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "leg"], name="dispatch_proof_once")]
