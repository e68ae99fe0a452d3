"""Changes of an accepted trip that its vendor has to agree to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dispatch import states
from dispatch.models.trips import Trip
from logistics.core.fields import SealedJSONField, TenantForeignKey
from logistics.core.machines import StatusEvent
from logistics.core.models import TenantModel


class Proposal(TenantModel):
    """A change that goes beyond what may be done without asking. The trip stays as agreed until the vendor says yes.

    ``brief`` is what the vendor reads: ``rows`` of ``{label, old, new}`` in words without name or address, and
    ``price_old`` and ``price_new``. ``wanted`` holds the answers to write into the request
    (``requests.services.amend``), which may name an address: the vendor's roles cannot read it.
    """

    KINDS = [("change", "Change"), ("divert", "Other destination on the way"), ("level", "Other level")]

    trip = TenantForeignKey(Trip, on_delete=models.CASCADE, related_name="proposals")
    vendor_id = models.UUIDField()
    kind = models.CharField(max_length=10, choices=KINDS, default="change")
    status = models.CharField(max_length=20, choices=states.PROPOSAL.choices, default=states.PROPOSAL.initial)
    brief = models.JSONField(default=dict)
    wanted = SealedJSONField()
    price_amount = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    rate_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField()
    proposed_by_name = models.CharField(max_length=120)
    answered_at = models.DateTimeField(null=True)
    answered_by_name = models.CharField(max_length=120, blank=True)
    answer_note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-created_at"]
        constraints = [
            # One question at a time: until it is answered and settled, no second one is asked.
            models.UniqueConstraint(
                fields=["tenant_id", "trip"], condition=Q(status__in=["open", "refused", "lapsed"]),
                name="dispatch_proposal_unsettled_once",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["tenant_id", "due_at"], condition=Q(status="open"), name="dispatch_proposal_due"),
            models.Index(fields=["vendor_id", "due_at"], condition=Q(status="open"), name="dispatch_proposal_open"),
        ]


class ProposalEvent(StatusEvent):
    """History of a proposed change."""

    proposal = TenantForeignKey(Proposal, related_name="events")
    vendor_id = models.UUIDField(null=True)

    class Meta(StatusEvent.Meta):
        abstract = False
