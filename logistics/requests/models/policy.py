"""What a health system allows, what it may cost, and what must be done before a patient leaves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logistics.accounts.models import Unit
from logistics.core import levels
from logistics.core.fields import SealedJSONField, TenantForeignKey
from logistics.core.models import TenantModel
from logistics.requests.models.asked import ServiceRequest
from logistics.requests.models.stays import Discharge


class PolicySet(TenantModel):
    """One version of the rules that ask for an approval. At most one is a draft and at most one is in force.

    ``rules`` is a list of rules as :mod:`logistics.requests.policy_rules` reads them. A version that was
    published never changes (the database refuses it), so that an approval can be read with the rules of its day.
    """

    version = models.IntegerField()
    rules = models.JSONField(default=list)
    note = models.CharField(max_length=200, blank=True, help_text="What this version changes, and who wanted it")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_name = models.CharField(max_length=120, blank=True)
    published_at = models.DateTimeField(null=True)
    published_by_name = models.CharField(max_length=120, blank=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "version"], name="requests_policy_version"),
            models.UniqueConstraint(fields=["tenant_id"], condition=Q(published_at__isnull=True),
                                    name="requests_policy_one_draft"),
            models.UniqueConstraint(fields=["tenant_id"], name="requests_policy_in_force",
                                    condition=Q(published_at__isnull=False, retired_at__isnull=True)),
        ]  # fmt: skip

    @property
    def standing(self) -> str:
        """``draft``, ``published`` or ``retired``."""
        if self.published_at is None:
            return "draft"
        return "published" if self.retired_at is None else "retired"


class CostCenter(TenantModel):
    """Who pays inside the health system. Requests of ``unit`` carry its code from the start."""

    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    unit = TenantForeignKey(Unit, null=True, related_name="cost_centers")
    owner_name = models.CharField(max_length=120, blank=True, help_text="Who answers for it")
    is_active = models.BooleanField(default=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "code"], name="requests_cost_center_code"),
            models.UniqueConstraint(fields=["tenant_id", "unit"], condition=Q(unit__isnull=False, is_active=True),
                                    name="requests_cost_center_unit"),
        ]  # fmt: skip


class Budget(TenantModel):
    """What a cost center may spend in one calendar month, in US dollars."""

    cost_center = TenantForeignKey(CostCenter, related_name="budgets")
    month = models.DateField(help_text="First day of the month")
    amount = models.DecimalField(max_digits=11, decimal_places=2)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "cost_center", "month"], name="requests_budget_month"),
        ]


class UnitProtocol(TenantModel):
    """One version of what a unit does before each discharge. Never changed: editing makes the next version.

    ``items`` is a list of ``{key, words, hard, who, offset_minutes}``: a hard item must be done before the patient
    leaves; ``offset_minutes`` is how long before the expected time it is due.
    """

    unit = TenantForeignKey(Unit, related_name="protocols")
    version = models.IntegerField()
    items = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_name = models.CharField(max_length=120, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["unit", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "unit", "version"], name="requests_protocol_version"),
        ]


class ProtocolTick(TenantModel):
    """One item of a protocol that was done for one discharge; taken back, the row stays with the time of that."""

    discharge = TenantForeignKey(Discharge, related_name="ticks")
    protocol = TenantForeignKey(UnitProtocol, related_name="ticks")
    item_key = models.CharField(max_length=24)
    at = models.DateTimeField()
    by_id = models.UUIDField(null=True)
    by_name = models.CharField(max_length=120, blank=True)
    undone_at = models.DateTimeField(null=True)
    undone_by_name = models.CharField(max_length=120, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "discharge", "item_key"], condition=Q(undone_at__isnull=True),
                                    name="requests_tick_once"),
        ]  # fmt: skip


class HandoffTemplate(TenantModel):
    """One version of what is handed over with a patient who rides at ``level``. Never changed: editing makes the next.

    ``items`` is a list of ``{key, section, words, kind, hard, need}`` as :mod:`logistics.requests.services.handoff`
    reads them; ``section`` is one of situation, background, assessment, recommendation.
    """

    level = models.CharField(max_length=10, choices=levels.CHOICES)
    version = models.IntegerField()
    items = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_name = models.CharField(max_length=120, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["level", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "level", "version"], name="requests_handoff_version"),
        ]


class Handoff(TenantModel):
    """What was handed over for one request: the answers by item key (they describe a patient: sealed)."""

    request = TenantForeignKey(ServiceRequest, related_name="handoffs")
    level = models.CharField(max_length=10, choices=levels.CHOICES)
    template_version = models.IntegerField(default=0, help_text="0 = the built-in list")
    answers = SealedJSONField(help_text="item key → yes, no, or the words written")
    updated_at = models.DateTimeField(auto_now=True)
    updated_by_id = models.UUIDField(null=True)
    updated_by_name = models.CharField(max_length=120, blank=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "request"], name="requests_handoff_once")]
