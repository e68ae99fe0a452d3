"""Charges: what a completed trip costs, line by line, by the contract in force at its pickup."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch.models import Trip
from logistics.core.fields import TenantForeignKey
from logistics.core.models import TenantModel
from vendors.models import Contract


class Charge(TenantModel):
    """The price of one completed trip, or a vendor's fee for one that was called off. Made once; corrections are new
    rows, never edits. A fee names the history row of the trip that caused it (``cause_event_id``)."""

    KINDS = [("trip", "Trip"), ("cancel_fee", "Cancellation fee")]

    kind = models.CharField(max_length=12, choices=KINDS, default="trip")
    cause_event_id = models.BigIntegerField(null=True)
    vendor_id = models.UUIDField(editable=False)
    trip = TenantForeignKey(Trip, related_name="charges")
    contract = TenantForeignKey(Contract)
    contract_version = models.IntegerField()
    level = models.CharField(max_length=10)
    service_on = models.DateField(help_text="Date of loading in the pickup's local time")
    loaded_miles = models.DecimalField(max_digits=7, decimal_places=1)
    total_amount = models.DecimalField(max_digits=9, decimal_places=2)
    estimate_amount = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-service_on", "-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "trip"], condition=Q(kind="trip"), name="billing_charge_once"),
            models.UniqueConstraint(fields=["tenant_id", "trip", "cause_event_id"], name="billing_fee_once"),
        ]
        indexes = [models.Index(fields=["tenant_id", "-service_on"])]


class ChargeLine(TenantModel):
    """One line of a charge: rule, measured quantity, unit price, amount."""

    vendor_id = models.UUIDField(editable=False)
    charge = TenantForeignKey(Charge, on_delete=models.CASCADE, related_name="lines")
    sequence = models.IntegerField()
    kind = models.CharField(max_length=20, help_text="base, loaded_mile, minimum, wait, cancel_fee")
    description = models.CharField(max_length=120)
    quantity = models.DecimalField(max_digits=9, decimal_places=2)
    unit = models.CharField(max_length=12)
    unit_amount = models.DecimalField(max_digits=9, decimal_places=2)
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    rule = models.CharField(max_length=160, help_text="The contract term and where the quantity came from")

    class Meta:
        base_manager_name = "objects"
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "charge", "sequence"], name="billing_line_order"),
        ]
