"""What every room stands on: scoped base models, the audit trail and the outbox."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Func

from logistics.core import scoping
from logistics.core.ids import uuid7


class TransactionId(Func):
    """The current transaction's id as a bigint. Migration 0003 adds what a restored database counted before."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class TenantModel(models.Model):
    """A row of one health system. Reads and writes need an open scope (``core.scoping``)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField(default=scoping.current_tenant_id, editable=False)

    objects = scoping.ScopedManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def sealed_tenant_id(self) -> Any:
        """Whose key seals this row's fields."""
        return self.tenant_id


class VendorModel(models.Model):
    """A row of one vendor's own supply; health systems that work with the vendor may read it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    vendor_id = models.UUIDField(default=scoping.current_vendor_id, editable=False)

    objects = scoping.ScopedManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class AuditEntry(models.Model):
    """Who did what to what, when and why. Append-only: no role may update or delete it.

    Text copies instead of foreign keys, so that an entry outlives what it speaks of. ``details`` holds
    enums, ids and figures, never PHI.
    """

    id = models.BigAutoField(primary_key=True)
    # Chains are ordered by transaction, not by id: an id is taken before its transaction commits.
    xid = models.BigIntegerField(db_default=TransactionId(), editable=False, db_index=True)
    at = models.DateTimeField(auto_now_add=True)
    tenant_id = models.UUIDField(null=True)
    vendor_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=200)
    actor_role = models.CharField(max_length=40)
    action = models.CharField(max_length=80)
    target_type = models.CharField(max_length=60, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    patient_id = models.UUIDField(null=True)
    purpose = models.CharField(max_length=20, blank=True)
    result = models.CharField(max_length=20, default="success")
    reason = models.CharField(max_length=300, blank=True)
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    client_ip = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant_id", "-id"]),
            models.Index(fields=["vendor_id", "-id"]),
            models.Index(fields=["tenant_id", "target_type", "target_id"]),
            models.Index(fields=["tenant_id", "patient_id", "-id"], condition=models.Q(patient_id__isnull=False),
                         name="core_audit_patient_idx"),
        ]  # fmt: skip


class AuditSeal(models.Model):
    """A hash over a run of one chain's entries and the seal before it: later changes become visible.

    ``chain`` is the tenant's id, the vendor's id, or empty for entries of neither.
    """

    id = models.BigAutoField(primary_key=True)
    chain = models.CharField(max_length=36)
    after_xid = models.BigIntegerField(help_text="Entries of transactions after this one …")
    upto_xid = models.BigIntegerField(help_text="… up to and including this one")
    entries = models.IntegerField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "after_xid"], name="core_auditseal_once"),
        ]


class OutboxEvent(models.Model):
    """Something that happened, written in the transaction that did it. Ids and enums only, no PHI."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True)
    tenant_id = models.UUIDField(null=True)
    vendor_id = models.UUIDField(null=True)
    topic = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    relayed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(relayed_at__isnull=True), name="core_outbox_waiting"),
        ]


class OutboxDelivery(models.Model):
    """One event for one subscriber: done at most once, retried until done."""

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    subscriber = models.CharField(max_length=120)
    sent_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "subscriber"], name="core_delivery_once"),
        ]
        indexes = [
            models.Index(fields=["sent_at"], condition=models.Q(done_at__isnull=True), name="core_delivery_open"),
        ]
