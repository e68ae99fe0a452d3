"""Audit entries about access itself."""

from __future__ import annotations

from logistics.core import audit, scoping


def refused(permission: str, view_name: str) -> None:
    """Somebody asked for a page that the role does not include."""
    audit.record(action="access.refused", result="refused", details={"permission": permission, "view": view_name})


def signed_in(scope: scoping.Scope, *, second_factor: bool) -> None:
    """Somebody signed in."""
    audit.record(action="session.started", scope=scope, details={"second_factor": second_factor})
