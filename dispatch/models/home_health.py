"""Home health at work: a referral, the agencies asked, the visits made."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch import states
from logistics.accounts.models import Organization
from logistics.core.fields import SealedJSONField, SealedTextField, TenantForeignKey, VendorForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel
from logistics.requests.home_health_rules import DISCIPLINE_CHOICES
from logistics.requests.models import PatientChoice, ServiceRequest
from vendors.models import CrewMember


class Referral(TenantModel):
    """One request for home health on its way to an agency and through its care. Owned by the health system;
    ``vendor`` is set at acceptance and opens the row to that agency. No column names the patient."""

    request = TenantForeignKey(ServiceRequest, related_name="referrals")
    vendor = models.ForeignKey(Organization, null=True, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=20, choices=states.REFERRAL.choices, default=states.REFERRAL.initial)
    disciplines = models.JSONField(default=list)
    payer_class = models.CharField(max_length=20)
    zone_words = models.CharField(max_length=100, help_text="City and three digits of the ZIP code")
    time_zone = models.CharField(max_length=60)
    soc_ordered_on = models.DateField(null=True)
    due_at = models.DateTimeField(help_text="When the start of care is due (42 CFR 484.55(a)(1))")
    home_at = models.DateTimeField(null=True)
    held_from = models.CharField(max_length=20, blank=True)
    accepted_at = models.DateTimeField(null=True)
    soc_at = models.DateTimeField(null=True, help_text="Begin of the first verified visit")
    ended_at = models.DateTimeField(null=True)
    late_told_at = models.DateTimeField(null=True, help_text="When staff were told that the start of care is late")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "request"], condition=~Q(status="canceled"), name="dispatch_referral_once"
            ),
        ]
        indexes = [
            models.Index(fields=["vendor", "due_at"], name="dispatch_referral_vendor"),
            models.Index(fields=["tenant_id", "due_at"], condition=~Q(status__in=["ended", "canceled"]),
                         name="dispatch_referral_open"),
        ]  # fmt: skip


class ReferralEvent(StatusEvent):
    """History of a referral."""

    referral = TenantForeignKey(Referral, related_name="events")
    vendor_id = models.UUIDField(null=True)

    class Meta(StatusEvent.Meta):
        abstract = False


class ReferralPatient(TenantModel):
    """What an agency must know of the patient: a sealed copy, open to it from acceptance to 24 hours after the end
    of care.

    ``details``: family_name, given_name, birth_date, sex, phone, language, address, latitude, longitude (of the ZIP
    code), frequency, reason, homebound, face_to_face_on, practitioner_name, practitioner_phone, payer_name, note.
    """

    referral = TenantForeignKey(Referral, on_delete=models.CASCADE, related_name="patients")
    vendor_id = models.UUIDField(null=True)
    details = SealedJSONField()

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "referral"], name="dispatch_referralpatient_once")]


class ReferralOffer(TenantModel):
    """An agency asked to take a referral, because the patient chose it. ``brief`` is all that it sees before it
    accepts: zone, disciplines, start of care, class of payer; nothing that names the patient or an address."""

    referral = TenantForeignKey(Referral, on_delete=models.CASCADE, related_name="offers")
    vendor = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    choice = TenantForeignKey(PatientChoice, related_name="offers")
    rank = models.IntegerField(default=1, help_text="1 for the patient's first choice, 2 for the second")
    status = models.CharField(max_length=20, choices=states.OFFER.choices, default=states.OFFER.initial)
    brief = models.JSONField(default=dict)
    response_minutes = models.IntegerField()
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    decline_code = models.CharField(max_length=30, blank=True)
    decline_note = models.CharField(max_length=200, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-sent_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "referral"], condition=Q(status__in=["open", "accepted"]),
                                    name="dispatch_referraloffer_one_live"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["vendor", "expires_at"], condition=Q(status="open"),
                         name="dispatch_referraloffer_open"),
        ]  # fmt: skip


class ReferralOfferEvent(StatusEvent):
    """History of an agency's answer."""

    offer = TenantForeignKey(ReferralOffer, related_name="events")
    vendor_id = models.UUIDField(null=True)

    class Meta(StatusEvent.Meta):
        abstract = False


class Visit(TenantModel):
    """A clinician at the patient's home, with the six elements of electronic visit verification (Cures Act, section
    12006(a)): service, individual receiving (the referral), date, location, individual providing, begin and end.

    Places are recorded at begin and end only, never between. ``begin_place`` and ``end_place``: latitude, longitude,
    accuracy_m, miles (from home), or empty when the phone gave none.
    """

    referral = TenantForeignKey(Referral, on_delete=models.CASCADE, related_name="visits")
    vendor_id = models.UUIDField()
    is_soc = models.BooleanField(default=False, help_text="The initial visit: it starts the care")
    status = models.CharField(max_length=20, choices=states.VISIT.choices, default=states.VISIT.initial)
    discipline = models.CharField(max_length=6, choices=DISCIPLINE_CHOICES)
    clinician = VendorForeignKey(CrewMember, null=True)
    clinician_name = models.CharField(max_length=120, blank=True)
    clinician_user_id = models.UUIDField(null=True)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    begin_at = models.DateTimeField(null=True)
    end_at = models.DateTimeField(null=True)
    begin_place = SealedJSONField()
    end_place = SealedJSONField()
    exceptions = models.JSONField(default=list, help_text="Codes of evv.EXCEPTIONS found at check-in and check-out")
    done_note = SealedTextField(help_text="What was done, in the clinician's words")
    missed_code = models.CharField(max_length=30, blank=True)
    missed_note = SealedTextField()
    practitioner_told = models.BooleanField(default=False, help_text="The ordering practitioner knows of a miss")
    edits = models.IntegerField(default=0, help_text="Manual changes of verification data")
    approved_reason = models.CharField(max_length=30, blank=True)
    approved_by_name = models.CharField(max_length=120, blank=True)
    approved_at = models.DateTimeField(null=True)
    late_told_at = models.DateTimeField(null=True, help_text="When staff were told that nobody checked in")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["starts_at", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "referral"],
                condition=Q(is_soc=True) & ~Q(status__in=["missed", "refused", "canceled"]),
                name="dispatch_visit_one_soc",
            ),
        ]
        indexes = [
            models.Index(fields=["vendor_id", "starts_at"], name="dispatch_visit_vendor"),
            models.Index(fields=["vendor_id", "clinician_user_id", "starts_at"], name="dispatch_visit_clinician"),
        ]


class VisitEvent(StatusEvent):
    """History of a visit; ``key`` makes a tap that is sent twice count once."""

    visit = TenantForeignKey(Visit, related_name="events")
    vendor_id = models.UUIDField(null=True)
    key = models.CharField(max_length=64, null=True)
    skew_seconds = models.IntegerField(default=0)

    class Meta(StatusEvent.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant_id", "visit", "key"], name="dispatch_visitevent_once")]


class VisitEdit(TenantModel):
    """A manual change of what the phone recorded: old, new, why, by whom, and who else approved it.

    ``before`` and ``after``: begin_at, end_at as ISO. The approver is somebody other than the clinician.
    """

    visit = TenantForeignKey(Visit, on_delete=models.CASCADE, related_name="edit_rows")
    vendor_id = models.UUIDField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=30)
    note = SealedTextField()
    approver_id = models.UUIDField(null=True)
    approver_name = models.CharField(max_length=120)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["at"]
