"""The demo's own level rules: one health system has one rule beyond the built-in table, published, and a draft begun."""

from __future__ import annotations

from django.db import transaction

from logistics.accounts.models import Organization
from logistics.core import scoping
from logistics.core.scoping import Scope
from logistics.requests.services import rule_sets


def build(tenant: Organization, *, admin_name: str) -> None:
    """Publish version 1 with a rule on oxygen, and leave a draft for the test page."""
    scope = Scope.staff(tenant.pk, actor_label=admin_name, actor_role="admin")
    with transaction.atomic(), scoping.enter(scope):
        rule_sets.start_draft()
        rule_sets.put_rule(
            answer="oxygen_lpm",
            above=4,
            requires=["oxygen_given"],
            reason="Oxygen above 4 L a minute goes with a crew that gives it",
            source="Respiratory therapy policy RT-7",
            replaces="oxygen_lpm>6",
        )
        rule_sets.publish(note="Four liters instead of six, asked by respiratory therapy")
        rule_sets.start_draft()
        rule_sets.put_rule(
            answer="weight_lb",
            above=300,
            requires=["heavy"],
            reason="Over 300 lb: bariatric equipment and crew",
            source="Proposal of the safe handling group",
            replaces="weight_lb>350",
        )
