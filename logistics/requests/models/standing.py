"""Trips that come again: the series, its versions, single dates that differ, and the rides made of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logistics.accounts.models import Facility, Unit
from logistics.core import levels
from logistics.core.fields import SealedJSONField, TenantForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests import states
from logistics.requests.models.asked import Place, ServiceRequest, TransportDetail
from logistics.requests.models.patients import Patient
from logistics.requests.models.stays import Encounter


class StandingOrder(TenantModel):
    """A series of one patient's rides. What it asks for is in its :class:`StandingVersion` rows.

    ``series_version`` counts every change of the series or of a single date: a page that saves says which one it
    showed. ``made_until`` is the last date for which rides were made.
    """

    SUSPENDED_BY = [("", "Not suspended"), ("person", "A person"), ("admitted", "Admission")]

    status = models.CharField(max_length=20, choices=states.STANDING_ORDER.choices,
                              default=states.STANDING_ORDER.initial)  # fmt: skip
    patient = TenantForeignKey(Patient, related_name="standing_orders")
    facility = TenantForeignKey(Facility)
    unit = TenantForeignKey(Unit, null=True)
    start_on = models.DateField()
    end_on = models.DateField(null=True, help_text="Last date; None = until it is ended")
    preferred_vendor_id = models.UUIDField(null=True)
    cost_center = models.CharField(max_length=20, blank=True)
    suspended_by = models.CharField(max_length=10, choices=SUSPENDED_BY, blank=True)
    encounter = TenantForeignKey(
        Encounter, null=True, related_name="suspended_orders", help_text="The stay that did it"
    )
    resume_offered_at = models.DateTimeField(null=True, help_text="The patient left the hospital: somebody decides")
    made_until = models.DateField(null=True)
    series_version = models.IntegerField(default=1)
    requested_by_id = models.UUIDField(null=True)
    requested_by_name = models.CharField(max_length=120, blank=True)
    idempotency_key = models.CharField(max_length=64, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "idempotency_key"], name="requests_standing_idempotent"),
        ]
        indexes = [
            models.Index(fields=["tenant_id", "status", "-created_at"], name="requests_standing_list"),
            models.Index(fields=["tenant_id", "patient"], name="requests_standing_patient"),
        ]


class StandingOrderEvent(StatusEvent):
    """History of a standing order."""

    order = TenantForeignKey(StandingOrder, related_name="events")

    class Meta(StatusEvent.Meta):
        abstract = False


class StandingVersion(TenantModel):
    """What a series asks for from one date on, until the next version's date.

    ``rule`` is the days as an RRULE (RFC 5545) without times; ``local_time`` the wall clock of the facility's zone on
    every date: the chair time (``arrive``) or the pickup (``at``). ``template`` holds the columns of
    :class:`TransportDetail` that speak of the patient: addresses with positions, needs, weight, notes.
    """

    TIMINGS = [("arrive", "Be there by (chair time)"), ("at", "Pickup at")]
    RETURNS = [("ready", "When ready: somebody calls"), ("at", "At a time"), ("", "No ride back")]
    HOLIDAYS = [
        ("keep", "Ride as usual"),
        ("skip", "No ride"),
        ("next", "The day after"),
        ("before", "The day before"),
    ]

    order = TenantForeignKey(StandingOrder, related_name="versions")
    from_on = models.DateField()
    superseded_at = models.DateTimeField(null=True, help_text="A change from an earlier date took its place")
    rule = models.CharField(max_length=120)
    timing = models.CharField(max_length=8, choices=TIMINGS, default="arrive")
    local_time = models.TimeField()
    lead_minutes = models.IntegerField(help_text="Pickup so long before the chair time")
    return_kind = models.CharField(max_length=8, choices=RETURNS, blank=True)
    return_minutes = models.IntegerField(null=True, help_text="From the chair time (or pickup) to the ride back")
    return_owner_id = models.UUIDField(null=True, help_text="Who watches a ride back that waits for the word")
    return_owner_name = models.CharField(max_length=120, blank=True)
    holiday_rule = models.CharField(max_length=8, choices=HOLIDAYS, default="keep")
    purpose = models.CharField(max_length=12, choices=TransportDetail.PURPOSES, default="dialysis")
    pickup_kind = models.CharField(max_length=10, choices=TransportDetail.PICKUPS, blank=True)
    pickup_place = TenantForeignKey(Place, null=True, related_name="standing_pickups")
    destination_kind = models.CharField(max_length=10, choices=TransportDetail.DESTINATIONS)
    place = TenantForeignKey(Place, null=True, related_name="standing_orders")
    mobility = models.CharField(max_length=10, choices=TransportDetail.MOBILITY)
    level = models.CharField(max_length=10, choices=levels.CHOICES)
    level_advised = models.CharField(max_length=10, choices=levels.CHOICES)
    level_reason = models.CharField(max_length=300, blank=True)
    level_override_reason = models.CharField(max_length=300, blank=True)
    level_confirmed_by_id = models.UUIDField(null=True)
    template = SealedJSONField(help_text="Columns of TransportDetail that speak of the patient")
    made_by_name = models.CharField(max_length=120, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["from_on"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "order", "from_on"], condition=Q(superseded_at__isnull=True),
                                    name="requests_standing_version_once"),
        ]  # fmt: skip


class StandingException(TenantModel):
    """One date that differs from its series, and stays so when the series changes. Undone, it is kept as history."""

    KINDS = [("skip", "Skipped"), ("moved", "Moved"), ("edited", "Changed"), ("added", "Added")]

    order = TenantForeignKey(StandingOrder, related_name="exceptions")
    on = models.DateField(help_text="The date in the series; of an added one, its own")
    kind = models.CharField(max_length=8, choices=KINDS)
    moved_to = models.DateField(null=True)
    local_time = models.TimeField(null=True)
    edits = SealedJSONField(help_text="Keys of the template that differ on this date")
    reason = models.CharField(max_length=200, blank=True)
    by_id = models.UUIDField(null=True)
    by_name = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["on"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "order", "on"], condition=Q(undone_at__isnull=True),
                                    name="requests_standing_exception_once"),
        ]  # fmt: skip


class StandingRide(TenantModel):
    """The request that was made for one date and direction. Ended when the series itself took the date back."""

    DIRECTIONS = [("out", "There"), ("back", "Back")]

    order = TenantForeignKey(StandingOrder, related_name="rides")
    version = TenantForeignKey(StandingVersion, related_name="rides")
    on = models.DateField(help_text="The date in the series (a moved ride keeps it)")
    direction = models.CharField(max_length=4, choices=DIRECTIONS)
    request = TenantForeignKey(ServiceRequest, related_name="standing_rides")
    made_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["on", "-direction"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "order", "on", "direction"],
                                    condition=Q(ended_at__isnull=True), name="requests_standing_ride_once"),
            models.UniqueConstraint(fields=["tenant_id", "request"], name="requests_standing_request_once"),
        ]  # fmt: skip


class ClosedDay(TenantModel):
    """A day on which a place does not treat, and the day on which its chairs run instead (None: not at all)."""

    place = TenantForeignKey(Place, related_name="closed_days")
    on = models.DateField()
    name = models.CharField(max_length=60)
    moved_to = models.DateField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["on"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "place", "on"], name="requests_closed_day_once")]
