"""Which vendors work for a health system, and on what terms of trust."""

from __future__ import annotations

import datetime as dt

from logistics.accounts.models import Organization
from logistics.core import audit, outbox
from logistics.core.errors import DomainError, IllegalMove
from vendors.models import Network

MOVES = {
    "invited": ("active", "ended"),
    "active": ("suspended", "ended"),
    "suspended": ("active", "ended"),
    "ended": ("invited",),
}


def connect(
    *,
    vendor: Organization,
    tier: int = 1,
    hourly_capacity: int = 12,
    baa_signed_on: dt.date | None = None,
    baa_ends_on: dt.date | None = None,
) -> Network:
    """Bring a vendor into the open scope's network; active only with a signed BAA (45 CFR 164.504(e))."""
    if vendor.kind != "vendor":
        raise DomainError("Only a vendor can join the network.", code="not_a_vendor")
    row, made = Network.objects.get_or_create(
        vendor=vendor,
        defaults={
            "tier": tier,
            "hourly_capacity": hourly_capacity,
            "baa_signed_on": baa_signed_on,
            "baa_ends_on": baa_ends_on,
            "status": "active" if baa_signed_on else "invited",
        },
    )
    if made:
        audit.record(action="vendor.connected", target=row, details={"vendor_id": str(vendor.pk), "tier": tier})
    return row


def set_status(*, network: Network, status: str, reason: str = "") -> Network:
    """Activate, suspend or end a vendor here. Activation needs a BAA in force; suspension needs a reason."""
    if status not in MOVES[network.status]:
        raise IllegalMove(f"A vendor that is {network.status} cannot become {status}.", code="illegal_move")
    if status == "active" and network.baa_signed_on is None:
        raise DomainError("Record the signed BAA first: no PHI may reach a vendor without one.", code="no_baa")
    if status == "suspended" and not reason.strip():
        raise DomainError("Say why: the vendor sees the reason.", code="no_reason", fields={"reason": "Say why."})
    changed = Network.objects.filter(pk=network.pk, status=network.status).update(
        status=status, suspended_reason=reason[:200] if status == "suspended" else ""
    )
    if not changed:
        raise IllegalMove("Somebody changed this vendor first. Reload the page.", code="stale_state")
    old, network.status = network.status, status
    network.suspended_reason = reason[:200] if status == "suspended" else ""
    audit.record(action=f"vendor.{status}", target=network, reason=reason, details={"old": old, "new": status})
    outbox.publish(f"vendor.{status}", {"network_id": str(network.pk)}, vendor_id=network.vendor_id)
    return network


def set_terms(
    *,
    network: Network,
    tier: int,
    hourly_capacity: int,
    baa_signed_on: dt.date | None,
    baa_ends_on: dt.date | None,
) -> Network:
    """Change tier, committed capacity and the BAA's dates."""
    if baa_signed_on and baa_ends_on and baa_ends_on <= baa_signed_on:
        raise DomainError(
            "The BAA must end after it was signed.", code="baa_dates", fields={"baa_ends_on": "After the signing date."}
        )
    Network.objects.filter(pk=network.pk).update(
        tier=tier, hourly_capacity=hourly_capacity, baa_signed_on=baa_signed_on, baa_ends_on=baa_ends_on
    )
    network.refresh_from_db()
    audit.record(action="vendor.terms_changed", target=network, details={"tier": tier, "capacity": hourly_capacity})
    return network
