"""What the platform's operator may know: which organizations exist, and how many people work there."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q

from logistics.accounts.models import Organization
from logistics.core import scoping


def organization_list() -> list[dict[str, Any]]:
    """Every organization by kind and name with its number of active people. No patient, no trip, no address.

    The operator's own scope sees only the operator's own organization; the platform's side sees them all.
    """
    with scoping.enter(scoping.Scope.system(actor_label="operator")):
        return [
            dict(row)
            for row in Organization.objects.annotate(
                people=Count("memberships__user", filter=Q(memberships__is_active=True), distinct=True)
            )
            .order_by("kind", "name")
            .values("id", "kind", "name", "short_name", "slug", "time_zone", "is_active", "people")
        ]
