"""Equipment that a patient needs at home: the health system's catalog, and what was ordered for whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logistics.accounts.models import Organization
from logistics.core import equipment
from logistics.core.fields import SealedJSONField, SealedTextField, TenantForeignKey
from logistics.core.models import TenantModel
from logistics.requests.models.asked import ServiceRequest


class EquipmentItem(TenantModel):
    """One thing that may be ordered. ``substitutes`` are codes of what may come instead, with the orderer's consent."""

    code = models.CharField(max_length=20, help_text="HCPCS code, or one of your own")
    name = models.CharField(max_length=80)
    category = models.CharField(max_length=12, choices=equipment.CATEGORIES)
    sizes = models.JSONField(default=list)
    substitutes = models.JSONField(default=list)
    serialised = models.BooleanField(default=False, help_text="Every piece has a serial number")
    needs_setup = models.BooleanField(default=False, help_text="Set up and explained where it is used")
    returnable = models.BooleanField(default=False, help_text="Rented or lent: picked up when no longer needed")
    is_active = models.BooleanField(default=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["category", "name"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "code"], name="requests_equipment_code")]

    def __str__(self) -> str:
        return self.name


class EquipmentRule(TenantModel):
    """From which day an item does or does not need a written order before delivery. The latest row not after a day
    counts for it; without one the item needs none. Rows are added, not changed: an order keeps the rule of its day."""

    item = TenantForeignKey(EquipmentItem, related_name="rules")
    effective_from = models.DateField()
    needs_wopd = models.BooleanField()
    source = models.CharField(max_length=120, blank=True, help_text="Where it says so")

    class Meta:
        base_manager_name = "objects"
        ordering = ["-effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "item", "effective_from"], name="requests_equipment_rule"),
        ]


class EquipmentDetail(TenantModel):
    """What an equipment order needs beside its lines. One row per request.

    ``bedside``: delivered to the hospital for fitting and training, at most two days before the patient leaves; then
    the day of discharge is the date of service. The position is that of the ZIP code.
    """

    WHERE = [("home", "At home"), ("bedside", "At the bedside")]

    request = TenantForeignKey(ServiceRequest, related_name="equipment_rows")
    where = models.CharField(max_length=8, choices=WHERE, default="home")
    deliver_by_at = models.DateTimeField()
    leaves_on = models.DateField(null=True, help_text="Day on which the patient is expected to leave")
    address = SealedJSONField(help_text="line, city, state, zip_code of the home")
    latitude = models.FloatField()
    longitude = models.FloatField()
    time_zone = models.CharField(max_length=60, help_text="Of the place of delivery")
    contact_name = SealedTextField(help_text="Who is there to receive it")
    contact_phone = SealedTextField()
    setup_note = SealedTextField(help_text="Stairs, room, outlets, how to get in")
    practitioner_name = SealedTextField()
    practitioner_npi = models.CharField(max_length=10, blank=True)
    ordered_on = models.DateField(null=True)
    signed_on = models.DateField(
        null=True, help_text="The practitioner's signature; another day than the order's, at times"
    )
    face_to_face_on = models.DateField(null=True)
    wopd_received_on = models.DateField(null=True, help_text="Written order prior to delivery, complete and signed")
    preferred_vendor = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="+")
    preference_by_name = models.CharField(max_length=120, blank=True, help_text="Who recorded the patient's preference")
    preference_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "request"], name="requests_equipment_once")]


class EquipmentLine(TenantModel):
    """One item of an order. What became of it stands with the delivery (``dispatch.models.equipment``)."""

    request = TenantForeignKey(ServiceRequest, related_name="equipment_lines")
    position = models.IntegerField()
    item = TenantForeignKey(EquipmentItem, related_name="lines")
    size = models.CharField(max_length=20, blank=True)
    quantity = models.IntegerField(default=1)

    class Meta:
        base_manager_name = "objects"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "request", "position"], name="requests_equipment_line"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="requests_equipment_quantity"),
        ]
