"""Certifications of medical necessity for ambulance rides (42 CFR 410.40), their signatures and the way to get them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from logistics.core import levels
from logistics.core.fields import SealedBytesField, SealedJSONField, SealedTextField, TenantForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests import states
from logistics.requests.models.asked import ServiceRequest
from logistics.requests.models.patients import Patient

CERTIFIED_LEVELS = [(code, level.label) for code, level in levels.LEVELS.items() if level.needs_pcs]
CREDENTIALS = [
    ("MD", "Physician (MD)"),
    ("DO", "Physician (DO)"),
    ("PA", "Physician assistant"),
    ("NP", "Nurse practitioner"),
    ("CNS", "Clinical nurse specialist"),
    ("RN", "Registered nurse"),
    ("LPN", "Licensed practical nurse"),
    ("SW", "Social worker"),
    ("CM", "Case manager"),
    ("DP", "Discharge planner"),
]
EMPLOYERS = [
    ("facility", "The facility that the patient leaves"),
    ("attending", "The attending physician's practice"),
    ("supplier", "The ambulance company"),
    ("broker", "A broker or platform"),
    ("other", "Somebody else"),
]


class PhysicianCertification(TenantModel):
    """One certification form, for one ride or for a period of repetitive rides (at most 60 days).

    ``answers`` is what the form says now (``services/certificates.py`` names the keys). Each signature copies it into
    a :class:`CertificationVersion`, which nobody can change; ``version`` is the one that is being written or in force.
    """

    SPANS = [("single", "One ride"), ("repetitive", "Repetitive rides")]

    patient = TenantForeignKey(Patient, related_name="certifications")
    request = TenantForeignKey(ServiceRequest, null=True, related_name="certifications")
    status = models.CharField(max_length=10, choices=states.CERTIFICATION.choices, default=states.CERTIFICATION.initial)
    version = models.IntegerField(default=1)
    span = models.CharField(max_length=10, choices=SPANS)
    level = models.CharField(max_length=10, choices=CERTIFIED_LEVELS)
    starts_on = models.DateField()
    ends_on = models.DateField()
    answers = SealedJSONField(help_text="Trip, condition, checklist and narrative")
    narrative_token = models.BinaryField(max_length=16, null=True, help_text="Finds a narrative that was used before")
    reaffirmed_at = models.DateTimeField(null=True, help_text="A person confirmed a narrative that was used before")
    signed_at = models.DateTimeField(null=True)
    credential = models.CharField(max_length=4, choices=CREDENTIALS, blank=True)
    void_reason = models.CharField(max_length=200, blank=True)
    created_by_id = models.UUIDField(null=True)
    created_by_name = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="requests_pcs_period_order"),
            # A form that is begun twice for one ride is the same form.
            models.UniqueConstraint(fields=["tenant_id", "request"], name="requests_pcs_draft_once",
                                    condition=Q(status="draft", request__isnull=False)),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant_id", "patient", "-created_at"], name="requests_pcs_patient"),
            models.Index(fields=["tenant_id", "status", "ends_on"], name="requests_pcs_ending"),
        ]


class CertificationEvent(StatusEvent):
    """History of a certification."""

    certification = TenantForeignKey(PhysicianCertification, related_name="events")

    class Meta(StatusEvent.Meta):
        abstract = False


class CertificationVersion(TenantModel):
    """What was signed, by whom and how. Append-only in the database: a change of the form is the next version.

    ``signer`` holds name, npi, employer and (when typed) typed_name; ``dated_on`` is the date that the signer wrote.
    ``digest`` is the SHA-256 over answers, signer and signature (``services/certificates.py``).
    """

    METHODS = [("drawn", "Drawn on a screen"), ("typed", "Typed name"), ("paper", "On paper, scanned")]

    certification = TenantForeignKey(PhysicianCertification, related_name="versions")
    version = models.IntegerField()
    span = models.CharField(max_length=10, choices=PhysicianCertification.SPANS)
    level = models.CharField(max_length=10, choices=CERTIFIED_LEVELS)
    starts_on = models.DateField()
    ends_on = models.DateField()
    answers = SealedJSONField()
    signer = SealedJSONField()
    credential = models.CharField(max_length=4, choices=CREDENTIALS)
    employer_kind = models.CharField(max_length=10, choices=EMPLOYERS)
    method = models.CharField(max_length=6, choices=METHODS)
    signature = SealedBytesField(help_text="PNG; empty when typed")
    dated_on = models.DateField()
    signed_at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)
    signed_by_id = models.UUIDField(null=True, help_text="The signed-in signer; empty when a link was used or on paper")
    recorded_by_name = models.CharField(max_length=120, blank=True)
    ip = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "certification", "version"], name="requests_pcs_version"),
        ]


class CertificationAttempt(TenantModel):
    """One try to get a signature: evidence for the claim when none can be had. Append-only."""

    CHANNELS = [
        ("phone", "Phone"),
        ("fax", "Fax"),
        ("portal", "Portal or link"),
        ("mail", "Mail with return receipt"),
    ]
    OUTCOMES = [
        ("sent", "Sent, no answer yet"),
        ("no_answer", "No answer"),
        ("refused", "Refused"),
        ("receipt", "Return receipt signed"),
    ]

    certification = TenantForeignKey(PhysicianCertification, related_name="attempts")
    at = models.DateTimeField()
    channel = models.CharField(max_length=10, choices=CHANNELS)
    to = SealedTextField(help_text="Whom: name and number or address")
    tracking_no = SealedTextField()
    outcome = models.CharField(max_length=10, choices=OUTCOMES)
    noted_by_name = models.CharField(max_length=120, blank=True)
    noted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["at"]


class SignLink(TenantModel):
    """A one-time link by which a physician without an account signs one version of one form.

    Only a hash of the link's secret is kept. The document opens after the addressee's name and the patient's birth
    date were typed; ``wrong_tries`` closes the link.
    """

    certification = TenantForeignKey(PhysicianCertification, related_name="links")
    version = models.IntegerField()
    token_hash = models.BinaryField(max_length=32)
    addressee = SealedTextField()
    expires_at = models.DateTimeField()
    wrong_tries = models.IntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="Taken back, replaced, or too many wrong tries")
    made_by_id = models.UUIDField(null=True)
    made_by_name = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "token_hash"], name="requests_signlink_once")]
