"""A health system's own rules of the level of service: versions that never change, and the draft of the next."""

from __future__ import annotations

from django.db import models

from logistics.core.models import TenantModel


class LevelRuleSet(TenantModel):
    """One published version: the newest is in force, the others are read for the decisions of their day.

    Rows are only ever added (the database refuses anything else): going back is publishing an old table again. Version
    0 is the built-in table (``services/level_rules.py``) and has no row. ``rules`` is what ``level_rules.parse`` reads.
    """

    version = models.IntegerField(help_text="From 1, by health system")
    rules = models.JSONField()
    note = models.CharField(max_length=200, help_text="What changed and who asked for it")
    copy_of = models.IntegerField(null=True, help_text="The version that was published again")
    published_at = models.DateTimeField(auto_now_add=True)
    published_by_id = models.UUIDField(null=True)
    published_by_name = models.CharField(max_length=120)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "version"], name="requests_level_rules_version")]


class LevelRuleDraft(TenantModel):
    """The next version while it is written; one per health system, gone when it is published or thrown away."""

    rules = models.JSONField()
    based_on = models.IntegerField(default=0, help_text="The version that it started from")
    started_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by_name = models.CharField(max_length=120)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id"], name="requests_level_draft_once")]
