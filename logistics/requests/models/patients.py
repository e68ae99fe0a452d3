"""Who is cared for, and how a person is found."""

from __future__ import annotations

from django.db import models

from logistics.core import scoping
from logistics.core.fields import SealedJSONField, SealedTextField, TenantForeignKey
from logistics.core.models import TenantModel


class Patient(TenantModel):
    """A person in care. Identifying fields are sealed; search goes through :class:`PatientToken`."""

    family_name = SealedTextField()
    given_name = SealedTextField()
    middle_name = SealedTextField()
    birth_date = SealedTextField(help_text="ISO date")
    phone = SealedTextField()
    address = SealedJSONField(help_text="line, city, state, zip_code")
    mrn = SealedTextField(help_text="The identifier shown to people")
    sex = models.CharField(max_length=1, blank=True)
    language = models.CharField(max_length=40, blank=True)
    weight_lb = models.IntegerField(null=True)
    weight_at = models.DateTimeField(null=True)
    isolation = models.CharField(
        max_length=10,
        blank=True,
        choices=[("contact", "Contact"), ("droplet", "Droplet"), ("airborne", "Airborne")],
    )
    payer_name = models.CharField(max_length=80, blank=True)
    chart = SealedJSONField(help_text="Needs on the way that the chart gave: mobility, oxygen_lpm, notes")
    deceased = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"

    @property
    def display_name(self) -> str:
        """``Cole, Agnes``."""
        return ", ".join(part for part in (self.family_name, self.given_name) if part) or "Name unknown"


class PatientIdentifier(TenantModel):
    """An identifier by which a feed names a patient: (assigning authority, type, value)."""

    patient = TenantForeignKey(Patient, related_name="identifiers")
    authority = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=20, blank=True)
    value = SealedTextField()
    token = models.BinaryField(max_length=16)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "token"], name="requests_identifier_once"),
        ]


class PatientToken(models.Model):
    """Blind tokens for search by equality: name prefixes, MRN, phone, birth date."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField(default=scoping.current_tenant_id, editable=False)
    patient = TenantForeignKey(Patient, on_delete=models.CASCADE, related_name="tokens")
    kind = models.CharField(max_length=8)
    token = models.BinaryField(max_length=16)

    objects = scoping.ScopedManager()

    class Meta:
        base_manager_name = "objects"
        # With the patient in it, the newest patients of a word that thousands share are read off the index.
        indexes = [models.Index(fields=["tenant_id", "token", "patient"], name="requests_token_patient")]
