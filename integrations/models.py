"""Systems that talk to Carrywell: feeds, their messages, and what each message did."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Q

from logistics.accounts.models import Facility, Unit
from logistics.core import scoping
from logistics.core.fields import SealedBytesField, SealedJSONField, TenantForeignKey
from logistics.core.models import TenantModel


class Feed(TenantModel):
    """One interface of one health system. The tenant of a message is its feed's, never what MSH says."""

    PROTOCOLS = [("mllp", "HL7 v2 over MLLP"), ("http", "HL7 v2 over HTTP")]

    name = models.CharField(max_length=80)
    protocol = models.CharField(max_length=10, choices=PROTOCOLS, default="mllp")
    port_offset = models.IntegerField(default=0, help_text="Listens on MLLP_PORT plus this")
    sending_application = models.CharField(max_length=80, blank=True, help_text="Expected MSH-3; empty = any")
    sending_facility = models.CharField(max_length=80, blank=True, help_text="Expected MSH-4; empty = any")
    time_zone = models.CharField(max_length=60, help_text="For times without an offset")
    facility = TenantForeignKey(Facility, help_text="Where a location without a facility is")
    accepted_types = models.JSONField(default=list, help_text="Message types, e.g. ADT; empty = all")
    ack_on_content_error = models.CharField(max_length=2, choices=[("AE", "AE"), ("AA", "AA")], default="AE")
    is_active = models.BooleanField(default=True)
    last_message_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["port_offset"], condition=Q(is_active=True, protocol="mllp"),
                                    name="integrations_feed_port"),
            models.UniqueConstraint(fields=["tenant_id", "name"], name="integrations_feed_name"),
        ]  # fmt: skip


class UnitMapping(TenantModel):
    """A feed's word for a unit (PV1-3.1, and PV1-3.4 where several sites share it)."""

    feed = TenantForeignKey(Feed, related_name="unit_mappings")
    point_of_care = models.CharField(max_length=80)
    facility_code = models.CharField(max_length=80, blank=True)
    unit = TenantForeignKey(Unit)
    created_by_name = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "feed", "point_of_care", "facility_code"],
                                    name="integrations_mapping_once"),
        ]  # fmt: skip


class InboundMessage(models.Model):
    """A message as it came: committed before its ACK, kept whatever it was.

    ``state``: received → done (or stopped: waits for a person, e.g. an unmapped unit). ``outcome`` is exactly
    one of applied, no_change, duplicate, history_only, annulled, tombstone, rule_no_transport, recorded, review,
    rejected once done. ``visit_token`` is blind; ``problem`` quotes codes, never a patient's data.
    """

    STATES = [("received", "Received"), ("stopped", "Stopped"), ("done", "Done")]
    OUTCOMES = [
        ("applied", "Applied"),
        ("no_change", "No change"),
        ("duplicate", "Duplicate"),
        ("history_only", "History only"),
        ("annulled", "Annulled by an earlier cancel"),
        ("tombstone", "Cancel before its original"),
        ("rule_no_transport", "No transport by rule"),
        ("recorded", "Kept, no effect yet"),
        ("review", "Needs review"),
        ("rejected", "Rejected"),
    ]

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField(default=scoping.current_tenant_id, editable=False)
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    feed = TenantForeignKey(Feed, related_name="messages")
    received_at = models.DateTimeField(auto_now_add=True)
    raw = SealedBytesField()
    size = models.IntegerField(default=0)
    digest = models.BinaryField(max_length=32)
    control_id = models.CharField(max_length=199, blank=True)
    event = models.CharField(max_length=20, blank=True, help_text="e.g. ADT^A16")
    hl7_version = models.CharField(max_length=20, blank=True)
    effective_at = models.DateTimeField(null=True)
    visit_token = models.BinaryField(max_length=16, null=True)
    ack_code = models.CharField(max_length=2)
    ack = SealedBytesField(help_text="The answer as sent, so that a resend gets the same")
    state = models.CharField(max_length=10, choices=STATES, default="received")
    outcome = models.CharField(max_length=20, choices=OUTCOMES, blank=True)
    problem_code = models.CharField(max_length=40, blank=True)
    problem = models.CharField(max_length=300, blank=True)
    warnings = models.JSONField(default=list)
    attempts = models.IntegerField(default=0)
    processed_at = models.DateTimeField(null=True)
    duplicate_of_id = models.BigIntegerField(null=True)
    resends = models.IntegerField(default=0)

    objects = scoping.ScopedManager()

    class Meta:
        base_manager_name = "objects"
        ordering = ["-id"]
        constraints = [
            # Same control id and same bytes: one row, however often it is sent.
            models.UniqueConstraint(fields=["tenant_id", "feed", "control_id", "digest"],
                                    name="integrations_message_once"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant_id", "-id"]),
            models.Index(fields=["tenant_id", "visit_token", "id"]),
            models.Index(fields=["tenant_id", "id"], condition=~Q(state="done"), name="integrations_message_open"),
        ]

    def sealed_tenant_id(self) -> Any:
        """Whose key seals the raw message."""
        return self.tenant_id

    def sealed_key(self) -> Any:
        """Known before the row is inserted, unlike its number."""
        return self.key


class MessageEffect(TenantModel):
    """One thing that a message did: to what, by which rule, before and after."""

    message = TenantForeignKey(InboundMessage, related_name="effects")
    sequence = models.IntegerField()
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    action = models.CharField(max_length=60)
    rule = models.CharField(max_length=80)
    before = SealedJSONField()
    after = SealedJSONField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "message", "sequence"], name="integrations_effect_order"),
        ]


class ImportBatch(TenantModel):
    """Spreadsheets that set a hospital up: checked, applied as a whole, taken back.

    ``files``: a list of name, kind and text. ``report``: sheets (counts and problems by row), links (set-up links of
    new vendor administrators), after an undo also kept and taken_back.
    """

    STATES = [
        ("uploaded", "Being checked"),
        ("checked", "Checked"),
        ("applying", "Being applied"),
        ("applied", "Applied"),
        ("undoing", "Being undone"),
        ("undone", "Undone"),
    ]

    key = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=STATES, default="uploaded")
    kinds = models.JSONField(default=list)
    files = SealedJSONField()
    report = SealedJSONField()
    problems = models.IntegerField(default=0)
    uploaded_by_id = models.UUIDField(null=True)
    uploaded_by_name = models.CharField(max_length=120, blank=True)
    uploaded_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-uploaded_at"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "key"], name="integrations_import_once")]


class ImportedRow(TenantModel):
    """One row that an import created or changed, so that it can be taken back."""

    batch = TenantForeignKey(ImportBatch, related_name="made_rows")
    sequence = models.IntegerField()
    kind = models.CharField(max_length=20)
    object_type = models.CharField(max_length=40)
    object_id = models.UUIDField()
    # Whose own row it is, where it is a vendor's: never what this row is filtered by.
    holder_id = models.UUIDField(null=True)
    action = models.CharField(max_length=10)
    before = SealedJSONField(help_text="Old values of what was changed")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "batch", "sequence"], name="integrations_imported_order"),
        ]
        indexes = [models.Index(fields=["tenant_id", "object_type", "object_id"])]
