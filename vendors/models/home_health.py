"""Home health agencies: what an agency says of itself, and what a health system records about it."""

from __future__ import annotations

from django.db import models

from logistics.accounts.models import Organization
from logistics.core.models import TenantModel, VendorModel


class HomeHealthProfile(VendorModel):
    """What an agency serves. A vendor with an active row is a home health agency.

    ``disciplines`` and ``payers`` are codes (requests/home_health_rules.py); ``zips`` five-digit ZIP codes or their
    first three digits. ``stars`` is Medicare's quality of patient care rating, as the agency gives it.
    """

    disciplines = models.JSONField(default=list)
    zips = models.JSONField(default=list)
    payers = models.JSONField(default=list)
    languages = models.CharField(max_length=120, blank=True)
    medicare_number = models.CharField(max_length=10, blank=True, help_text="CMS certification number")
    stars = models.DecimalField(max_digits=2, decimal_places=1, null=True)
    stars_as_of = models.DateField(null=True)
    weekly_starts = models.IntegerField(default=0, help_text="New patients that the agency can begin with in a week")
    is_active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["vendor_id"], name="vendors_home_health_once")]


class AgencyTerms(TenantModel):
    """What one health system must tell patients about an agency, and how long it lets it think.

    A hospital discloses its financial interest in an agency on the list (42 CFR 482.43(c)(3)).
    """

    vendor = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    financial_interest = models.CharField(max_length=300, blank=True)
    response_minutes = models.IntegerField(default=120)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "vendor"], name="vendors_agency_terms_once")]
