"""Audit entries about access itself."""

from __future__ import annotations

from typing import Any

from logistics.accounts.models import Membership
from logistics.core import audit, scoping


def refused(permission: str, view_name: str) -> None:
    """Somebody asked for a page that the role does not include."""
    audit.record(action="access.refused", result="refused", details={"permission": permission, "view": view_name})


def about_person(action: str, membership: Membership | None, **entry: Any) -> None:
    """An entry about a person's own access, in the trail of the organization that the person works for.

    Runs in the person's own scope; without an active role the entry goes to the platform's trail.
    """
    mine = scoping.current()
    if membership is None or membership.organization.kind == "operator":
        audit.record(action=action, **entry)
        return
    health_system = membership.organization.kind == "health_system"
    who = {
        "user_id": membership.user_id,
        "actor_label": membership.user.name,
        "actor_role": membership.role,
        "request_id": mine.request_id,
        "client_ip": mine.client_ip,
    }
    make = scoping.Scope.staff if health_system else scoping.Scope.vendor
    with scoping.enter(make(membership.organization_id, **who)):
        audit.record(action=action, **entry)
