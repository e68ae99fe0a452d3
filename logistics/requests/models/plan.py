"""The plan of a discharge: what must be there before what, who owns each step, and times that should move."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from logistics.core.fields import TenantForeignKey
from logistics.core.models import TenantModel
from logistics.requests.models.asked import ServiceRequest
from logistics.requests.models.stays import Discharge


class PlanEdge(TenantModel):
    """``before`` must be in place before ``after`` starts: oxygen at home before the ride home.

    ``source``: a rule made it, or a person. A rule's edge that a person took out is kept with ``removed_at``, so that
    the rule does not make it again.
    """

    SOURCES = [("rule", "Rule"), ("person", "Person")]

    discharge = TenantForeignKey(Discharge, related_name="edges")
    before = TenantForeignKey(ServiceRequest, related_name="+")
    after = TenantForeignKey(ServiceRequest, related_name="+")
    source = models.CharField(max_length=6, choices=SOURCES)
    reason = models.CharField(max_length=120)
    added_by_name = models.CharField(max_length=120, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)
    removed_by_name = models.CharField(max_length=120, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["added_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "before", "after"], name="requests_edge_once"),
            models.CheckConstraint(condition=~Q(before=F("after")), name="requests_edge_not_itself"),
        ]


class MilestoneOwner(TenantModel):
    """Who sees to one milestone of a discharge."""

    discharge = TenantForeignKey(Discharge, related_name="owners")
    key = models.CharField(max_length=20)
    user_id = models.UUIDField()
    name = models.CharField(max_length=120)
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "discharge", "key"], name="requests_owner_once"),
        ]


class RetimeProposal(TenantModel):
    """A ride should start later, because what must be there before it comes later. A person decides."""

    STATES = [
        ("open", "Waits for a decision"),
        ("accepted", "Moved"),
        ("kept", "Kept as it was"),
        ("withdrawn", "Not needed any more"),
    ]

    request = TenantForeignKey(ServiceRequest, related_name="retimes")
    because = TenantForeignKey(ServiceRequest, related_name="+")
    old_at = models.DateTimeField()
    new_at = models.DateTimeField()
    ready_at = models.DateTimeField(help_text="When what must be there is expected")
    state = models.CharField(max_length=10, choices=STATES, default="open")
    made_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)
    decided_by_name = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "request"], condition=Q(state="open"),
                                    name="requests_retime_open_once"),
        ]  # fmt: skip
