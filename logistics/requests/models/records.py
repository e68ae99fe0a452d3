"""What is kept about a patient beside the chart: where they lived, whom they were merged with, papers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logistics.core.fields import SealedBytesField, SealedJSONField, SealedTextField, TenantForeignKey
from logistics.core.models import TenantModel
from logistics.requests.models.asked import ServiceRequest
from logistics.requests.models.patients import Patient


class PatientAddress(TenantModel):
    """A home of a patient, with where it was learned and when. Rows are added; the newest is where they live.

    ``confirmed_at`` is the last time that a person asked the patient and heard the same.
    """

    SOURCES = [("ehr", "EHR"), ("person", "Asked"), ("import", "Import")]

    patient = TenantForeignKey(Patient, related_name="addresses")
    address = SealedJSONField(help_text="line, city, state, zip_code")
    source = models.CharField(max_length=8, choices=SOURCES)
    learned_at = models.DateTimeField()
    learned_by_name = models.CharField(max_length=120, blank=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by_name = models.CharField(max_length=120, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-learned_at"]
        indexes = [models.Index(fields=["tenant_id", "patient", "-learned_at"])]


class PatientMerge(TenantModel):
    """Two records turned out to be one person: what moved to whom. Kept, so that a wrong merge can be read."""

    surviving = TenantForeignKey(Patient, related_name="merges")
    retired_id = models.UUIDField()
    retired_mrn = SealedTextField()
    source = models.CharField(max_length=8, default="ehr")
    moved = models.JSONField(default=dict, help_text="How many rows of each kind moved")
    merged_at = models.DateTimeField()

    class Meta:
        base_manager_name = "objects"
        ordering = ["-merged_at"]


class Attachment(TenantModel):
    """A paper of a request: checked, sealed, never changed. ``removed_at`` takes it out of sight, not of the record."""

    KINDS = [
        ("order", "Order"),
        ("face_sheet", "Face sheet"),
        ("transfer", "Transfer packet"),
        ("authorization", "Authorization"),
        ("other", "Other"),
    ]

    request = TenantForeignKey(ServiceRequest, related_name="attachments")
    kind = models.CharField(max_length=14, choices=KINDS, default="other")
    name = SealedTextField(help_text="File name as given: it may speak of the patient")
    media_type = models.CharField(max_length=40)
    content = SealedBytesField()
    size = models.IntegerField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is kept")
    pages = models.IntegerField(null=True)
    added_at = models.DateTimeField(auto_now_add=True)
    added_by_id = models.UUIDField(null=True)
    added_by_name = models.CharField(max_length=120)
    removed_at = models.DateTimeField(null=True)
    removed_by_name = models.CharField(max_length=120, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["added_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "request", "digest"], condition=Q(removed_at__isnull=True),
                                    name="requests_attachment_once"),
        ]  # fmt: skip
