"""What payers allowed ahead of the ride, counted in one-way trips."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from logistics.core import levels
from logistics.core.fields import SealedTextField, TenantForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests import states
from logistics.requests.models.asked import ServiceRequest
from logistics.requests.models.patients import Patient


class Authorization(TenantModel):
    """A payer's decision on a patient's rides: so many one-way trips of these levels, in this period, by this supplier.

    ``number`` is the payer's (Medicare: the unique tracking number). It belongs to one supplier, and two that are in
    force for one patient cannot overlap: the old supplier releases first (RSNAT operational guide).
    """

    UNITS = [("one_way", "One-way trips")]
    # Statuses in which no other supplier may hold one for the same days.
    HOLDING = ("affirmed", "partially_affirmed", "release_asked")

    patient = TenantForeignKey(Patient, related_name="authorizations")
    payer_name = models.CharField(max_length=80)
    number = SealedTextField()
    number_token = models.BinaryField(max_length=16, null=True)
    levels = models.JSONField(default=list, help_text="Codes of the levels that it covers")
    unit = models.CharField(max_length=10, choices=UNITS, default="one_way")
    requested_qty = models.IntegerField()
    affirmed_qty = models.IntegerField(default=0)
    starts_on = models.DateField()
    ends_on = models.DateField()
    supplier_id = models.UUIDField(null=True)
    supplier_name = models.CharField(max_length=120)
    status = models.CharField(max_length=20, choices=states.AUTHORIZATION.choices, default=states.AUTHORIZATION.initial)
    expedited = models.BooleanField(default=False)
    submitted_on = models.DateField(null=True)
    decided_on = models.DateField(null=True)
    note = SealedTextField()
    created_by_name = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["ends_on"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="requests_auth_period_order"),
            models.CheckConstraint(
                condition=Q(affirmed_qty__gte=0) & Q(requested_qty__gte=1), name="requests_auth_counts"
            ),
            models.UniqueConstraint(fields=["tenant_id", "number_token"], name="requests_auth_number_once"),
            ExclusionConstraint(
                name="requests_auth_no_overlap",
                expressions=[
                    ("tenant_id", RangeOperators.EQUAL),
                    ("patient", RangeOperators.EQUAL),
                    (
                        Func("starts_on", "ends_on", models.Value("[]"), function="DATERANGE"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(status__in=["affirmed", "partially_affirmed", "release_asked"]),
            ),
        ]
        indexes = [models.Index(fields=["tenant_id", "patient", "ends_on"], name="requests_auth_patient")]


class AuthorizationEvent(StatusEvent):
    """History of an authorization."""

    authorization = TenantForeignKey(Authorization, related_name="events")

    class Meta(StatusEvent.Meta):
        abstract = False


class AuthorizationUse(TenantModel):
    """One unit of an authorization: kept for a booked ride, used up when the ride is done, given back when it is not
    going to happen."""

    STATES = [("reserved", "Kept for a booked ride"), ("used", "Used"), ("released", "Given back")]

    authorization = TenantForeignKey(Authorization, related_name="uses")
    request = TenantForeignKey(ServiceRequest, related_name="authorization_uses")
    state = models.CharField(max_length=10, choices=STATES, default="reserved")
    service_on = models.DateField()
    level = models.CharField(max_length=10, choices=levels.CHOICES)
    reserved_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    release_reason = models.CharField(max_length=60, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["service_on", "reserved_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "request"], condition=Q(state__in=["reserved", "used"]),
                                    name="requests_authuse_once"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["tenant_id", "authorization", "state"], name="requests_authuse_count")]
