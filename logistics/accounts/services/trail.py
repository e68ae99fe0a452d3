"""What the audit page does besides showing: note the look itself, hand out a file, recompute the chain."""

from __future__ import annotations

from typing import Any

from logistics.core import audit, scoping, sealing
from logistics.core.sealing import ChainCheck


def note_view(filters: dict[str, Any], *, page: int) -> None:
    """Somebody read the audit log: which filters were set, never their content."""
    audit.record(action="audit.viewed", purpose="operations", details={"filters": sorted(filters), "page": page})


def note_export(filters: dict[str, Any], *, rows: int) -> None:
    """Somebody took entries away as a file."""
    audit.record(action="audit.exported", purpose="operations", details={"filters": sorted(filters), "rows": rows})


def verify_own() -> ChainCheck:
    """Recompute the open scope's chain of seals."""
    scope = scoping.current()
    if scope.side == "staff":
        check = sealing.verify(str(scope.tenant_id), {"tenant_id": scope.tenant_id})
    else:
        # What a vendor did on a health system's trip is sealed in the health system's chain.
        check = sealing.verify(str(scope.vendor_id), {"vendor_id": scope.vendor_id, "tenant_id": None})
    audit.record(
        action="audit.verified",
        result="success" if check.intact else "failure",
        details={"entries": check.entries, "broken_from": check.broken_from, "broken_to": check.broken_to},
    )
    return check
