"""Who works here."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404

from logistics.accounts.models import Membership
from logistics.core import scoping


def membership_list(*, search: str = "", role: str = "", state: str = "active") -> QuerySet[Membership]:
    """Roles in the open scope's organization with their people, by name. ``state``: active, ended or all."""
    found = _own().select_related("user", "organization").order_by("user__name", "role")
    if state != "all":
        found = found.filter(is_active=state != "ended")
    if role:
        found = found.filter(role=role)
    for word in search.split():
        found = found.filter(Q(user__name__icontains=word) | Q(user__email__icontains=word))
    return found


def membership_get(membership_id: UUID) -> Membership:
    """One role of the open scope's organization; another organization's is as absent as none (404)."""
    membership = _own().select_related("user", "organization").filter(pk=membership_id).first()
    if membership is None:
        raise Http404("no such role here")
    return membership


def _own() -> QuerySet[Membership]:
    scope = scoping.current()
    if scope.organization_id is None:
        return Membership.objects.none()
    return Membership.objects.filter(organization_id=scope.organization_id)
