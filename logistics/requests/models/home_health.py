"""Home health: what a practitioner ordered for a patient at home, and which agency the patient chose."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logistics.core.fields import SealedBytesField, SealedJSONField, SealedTextField, TenantForeignKey
from logistics.core.models import TenantModel
from logistics.requests import home_health_rules as rules
from logistics.requests.models.asked import ServiceRequest


class HomeHealthDetail(TenantModel):
    """The order behind a home health request. One row per request.

    ``disciplines`` are codes of ``home_health_rules.DISCIPLINES``. ``due_at`` is when the start of care is due
    (42 CFR 484.55(a)(1)). ``vendor_id`` and ``agency_name`` name the agency that has it, as dispatch tells.
    """

    HOMEBOUND = [("", "Not said"), ("yes", "Homebound"), ("no", "Not homebound")]
    ADDRESSES = [("home", "Home as in the chart"), ("other", "Another address")]

    request = TenantForeignKey(ServiceRequest, related_name="home_health_rows")
    disciplines = models.JSONField(default=list)
    soc_ordered_on = models.DateField(null=True, help_text="Start of care date that the practitioner ordered")
    frequency = SealedTextField(help_text="As ordered, e.g. PT twice a week for four weeks")
    reason = SealedTextField(help_text="Why care at home is needed")
    homebound = models.CharField(max_length=4, choices=HOMEBOUND, blank=True)
    face_to_face_on = models.DateField(null=True)
    practitioner_name = SealedTextField(help_text="Who ordered it")
    practitioner_phone = SealedTextField()
    address_kind = models.CharField(max_length=6, choices=ADDRESSES, default="home")
    address = SealedJSONField(help_text="line, city, state, zip_code of where care is given")
    latitude = models.FloatField(null=True, help_text="Of the ZIP code, not of the door")
    longitude = models.FloatField(null=True)
    time_zone = models.CharField(max_length=60, blank=True)
    phone = SealedTextField(help_text="Whom the agency calls")
    payer_class = models.CharField(max_length=20, choices=rules.PAYER_CHOICES, blank=True)
    payer_name = models.CharField(max_length=80, blank=True)
    note = SealedTextField(help_text="For the agency: door, dog, key")
    home_at = models.DateTimeField(null=True, help_text="When the patient is, or is expected, back home")
    due_at = models.DateTimeField(null=True)
    vendor_id = models.UUIDField(null=True)
    agency_name = models.CharField(max_length=120, blank=True)
    soc_at = models.DateTimeField(null=True, help_text="When care began")

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "request"], name="requests_home_health_once")]


class PatientChoice(TenantModel):
    """The patient's choice among the agencies of a list (42 CFR 482.43(c)). Never changed; a new one supersedes it.

    ``listed`` is the list as it was shown, with figures (dispatch.services.home_health.choices); ``list_digest`` its
    SHA-256. Without preference ``picked_reason`` says how staff came to an agency. ``vendor_id`` is a vendor of the
    network; ``second_vendor_id`` is asked when the first one declines.
    """

    CHOOSERS = [("patient", "The patient"), ("representative", "A representative")]

    request = TenantForeignKey(ServiceRequest, related_name="choices")
    listed = models.JSONField(default=list)
    list_digest = models.CharField(max_length=64)
    shown_at = models.DateTimeField()
    vendor_id = models.UUIDField()
    agency_name = models.CharField(max_length=120)
    second_vendor_id = models.UUIDField(null=True)
    second_agency_name = models.CharField(max_length=120, blank=True)
    no_preference = models.BooleanField(default=False)
    picked_reason = models.CharField(max_length=200, blank=True)
    chooser = models.CharField(max_length=14, choices=CHOOSERS)
    chooser_name = SealedTextField()
    relation = models.CharField(max_length=60, blank=True)
    signature = SealedBytesField(help_text="PNG")
    unsigned_reason = models.CharField(max_length=120, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 over the list, the choice, the name and the signature")
    key = models.CharField(max_length=64)
    chosen_at = models.DateTimeField()
    recorded_by_id = models.UUIDField(null=True)
    recorded_by_name = models.CharField(max_length=120)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-chosen_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "request"], condition=Q(superseded_at__isnull=True),
                                    name="requests_choice_current_once"),
            models.UniqueConstraint(fields=["tenant_id", "request", "key"], name="requests_choice_idempotent"),
        ]  # fmt: skip
