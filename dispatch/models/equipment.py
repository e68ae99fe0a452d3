"""Equipment under way: an order, the suppliers asked, what is delivered, and the proof of it.

The supplier reads these rows and none of the demand side's; what it may know of the patient is one sealed copy.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch import states
from dispatch.models.trips import NextTripNumber
from logistics.accounts.models import Facility, Organization, Unit
from logistics.core.fields import SealedBytesField, SealedJSONField, SealedTextField, TenantForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests.models import EquipmentDetail, ServiceRequest


class EquipmentOrder(TenantModel):
    """One equipment request on its way. Owned by the health system; ``vendor`` is set at acceptance and opens the row.

    No column names the patient. ``zone_words`` is the city and three digits of the ZIP code. ``closed_at`` ends the
    supplier's view of the patient 24 hours later: set when the proof is accepted, taken away while a pickup is open.
    The dates of the papers are copies, because the supplier must check them before it drives.
    """

    number = models.BigIntegerField(db_default=NextTripNumber(), editable=False, unique=True)
    request = TenantForeignKey(ServiceRequest, related_name="equipment_orders")
    facility = TenantForeignKey(Facility)
    unit = TenantForeignKey(Unit, null=True)
    vendor = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=20, choices=states.EQUIPMENT.choices, default=states.EQUIPMENT.initial)
    where = models.CharField(max_length=8, choices=EquipmentDetail.WHERE)
    zone_words = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=60)
    deliver_by_at = models.DateTimeField()
    expected_at = models.DateTimeField(null=True, help_text="When the supplier says that it comes")
    leaves_on = models.DateField(null=True)
    needs_setup = models.BooleanField(default=False)
    needs_wopd = models.BooleanField(default=False)
    ordered_on = models.DateField(null=True)
    signed_on = models.DateField(null=True)
    face_to_face_on = models.DateField(null=True)
    wopd_received_on = models.DateField(null=True)
    driver_user_id = models.UUIDField(null=True)
    driver_name = models.CharField(max_length=120, blank=True)
    considered = models.JSONField(default=list, help_text="Suppliers looked at, in order, with the reason for each")
    wait_for_stock = models.BooleanField(default=False, help_text="Staff agreed to wait for what is not in stock")
    round = models.IntegerField(default=0)
    accepted_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    service_on = models.DateField(null=True, help_text="Date of service")
    closed_at = models.DateTimeField(null=True)
    late_told_at = models.DateTimeField(null=True, help_text="When staff were told that it is late")
    held_from = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["deliver_by_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "request"], condition=~Q(status="canceled"), name="dispatch_equipment_once"
            ),
        ]
        indexes = [
            models.Index(fields=["vendor", "deliver_by_at", "id"], name="dispatch_equipment_vendor"),
            models.Index(fields=["tenant_id", "deliver_by_at", "id"], name="dispatch_equipment_due"),
        ]


class EquipmentEvent(StatusEvent):
    """History of an equipment order."""

    order = TenantForeignKey(EquipmentOrder, related_name="events")
    vendor_id = models.UUIDField(null=True)

    class Meta(StatusEvent.Meta):
        abstract = False


class EquipmentOrderLine(TenantModel):
    """One item of an order as the supplier sees it; ``reserved`` and ``delivered`` count pieces of ``quantity``.

    ``serials`` are those promised, then those delivered. ``asked_code`` is the ordered item of a substitute.
    """

    STATES = [
        ("open", "Not reserved"),
        ("backordered", "Out of stock"),
        ("reserved", "Reserved"),
        ("partly", "Partly delivered"),
        ("delivered", "Delivered"),
        ("refused", "Refused"),
        ("returned", "Picked up"),
    ]

    order = TenantForeignKey(EquipmentOrder, on_delete=models.CASCADE, related_name="lines")
    vendor_id = models.UUIDField(null=True)
    position = models.IntegerField()
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    size = models.CharField(max_length=20, blank=True)
    quantity = models.IntegerField()
    serialised = models.BooleanField(default=False)
    returnable = models.BooleanField(default=False)
    needs_wopd = models.BooleanField(default=False)
    substitutes = models.JSONField(default=list)
    asked_code = models.CharField(max_length=20, blank=True)
    asked_name = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=12, choices=STATES, default="open")
    reserved = models.IntegerField(default=0)
    delivered = models.IntegerField(default=0)
    serials = models.JSONField(default=list)

    class Meta:
        base_manager_name = "objects"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "order", "position"], name="dispatch_equipmentline_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, reserved__gte=0, delivered__gte=0, delivered__lte=models.F("quantity")),
                name="dispatch_equipmentline_counts",
            ),
        ]

    @property
    def left(self) -> int:
        """Pieces that are still to come."""
        return self.quantity - self.delivered


class EquipmentRecipient(TenantModel):
    """Whom the supplier delivers to: a sealed copy, open to it from acceptance to 24 hours after the order closed.

    ``details``: family_name, given_name, phone, language, address, contact_name, contact_phone, setup_note, and for
    the bedside facility, unit, bed, entrance.
    """

    order = TenantForeignKey(EquipmentOrder, on_delete=models.CASCADE, related_name="recipients")
    vendor_id = models.UUIDField(null=True)
    details = SealedJSONField()

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "order"], name="dispatch_equipmentrecipient_once")]


class EquipmentOffer(TenantModel):
    """One supplier asked about one order. ``brief`` is all that it sees before it accepts: zone, items, deliver by."""

    order = TenantForeignKey(EquipmentOrder, on_delete=models.CASCADE, related_name="offers")
    vendor = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    round = models.IntegerField(default=1)
    rank = models.IntegerField()
    status = models.CharField(max_length=20, choices=states.OFFER.choices, default=states.OFFER.initial)
    brief = models.JSONField(default=dict)
    response_minutes = models.IntegerField()
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    decline_code = models.CharField(max_length=30, blank=True)
    decline_note = models.CharField(max_length=200, blank=True)
    expected_at = models.DateTimeField(null=True, help_text="Delivery time that the supplier promised")

    class Meta:
        base_manager_name = "objects"
        ordering = ["round", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "order", "vendor", "round"], name="dispatch_equipmentoffer_once"
            ),
            models.UniqueConstraint(fields=["tenant_id", "order"], condition=Q(status__in=["open", "accepted"]),
                                    name="dispatch_equipmentoffer_one_live"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["vendor", "expires_at"], condition=Q(status="open"),
                         name="dispatch_equipmentoffer_open"),
        ]  # fmt: skip


class EquipmentOfferEvent(StatusEvent):
    """History of a supplier's answer."""

    offer = TenantForeignKey(EquipmentOffer, related_name="events")
    vendor_id = models.UUIDField(null=True)

    class Meta(StatusEvent.Meta):
        abstract = False


class DeliveryAttempt(TenantModel):
    """Somebody drove there and came back with it. Append-only."""

    order = TenantForeignKey(EquipmentOrder, related_name="attempts")
    vendor_id = models.UUIDField()
    number = models.IntegerField()
    kind = models.CharField(max_length=8, choices=[("delivery", "Delivery"), ("pickup", "Pickup")])
    outcome = models.CharField(max_length=20, choices=list(states.ATTEMPT_OUTCOMES.items()))
    note = SealedTextField()
    key = models.CharField(max_length=64)
    at = models.DateTimeField()
    recorded_by_name = models.CharField(max_length=120)

    class Meta:
        base_manager_name = "objects"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "order", "number"], name="dispatch_attempt_number"),
            models.UniqueConstraint(fields=["tenant_id", "order", "key"], name="dispatch_attempt_once"),
        ]


class DeliveryProof(TenantModel):
    """Proof of delivery, or the receipt of a pickup (42 CFR 424.57(c)(12)). Only the hospital's review is added later.

    ``items``: [{line_id, code, name, size, quantity, serials}]. ``received_on`` is the date that the receiver wrote:
    where it differs from the supplier's, it is the date of service.
    """

    REVIEWS = [("waiting", "Waits for review"), ("accepted", "Accepted"), ("rejected", "Rejected")]

    order = TenantForeignKey(EquipmentOrder, related_name="proofs")
    vendor_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=8, choices=[("delivery", "Delivery"), ("pickup", "Pickup")])
    items = models.JSONField(default=list)
    receiver_name = SealedTextField()
    receiver_relation = models.CharField(max_length=20)
    received_on = models.DateField()
    setup_done = models.BooleanField(default=False, help_text="Set up and explained")
    signature = SealedBytesField(help_text="PNG")
    unsigned_reason = models.CharField(max_length=60, blank=True)
    photo = SealedBytesField(help_text="JPEG, re-encoded, without metadata")
    note = SealedTextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 over the sealed contents")
    key = models.CharField(max_length=64)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    recorded_by_name = models.CharField(max_length=120)
    review = models.CharField(max_length=8, choices=REVIEWS, default="waiting")
    review_note = models.CharField(max_length=300, blank=True)
    reviewed_by_name = models.CharField(max_length=120, blank=True)
    reviewed_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "order", "key"], name="dispatch_deliveryproof_once"),
        ]
