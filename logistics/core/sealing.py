"""Hash chain over the audit trail: shows that sealed entries were not changed, removed or reordered.

Entries younger than the last seal are not yet tamper-evident. Only entries of transactions older than every
running one are sealed, because ids are taken at insert and become visible at commit.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from logistics.core.models import AuditEntry, AuditSeal

GENESIS = "0" * 64


@dataclass(frozen=True)
class ChainCheck:
    """Outcome of :func:`verify`: ``intact``, or the entry ids of the first seal that does not fit."""

    intact: bool
    entries: int
    broken_from: int | None = None
    broken_to: int | None = None


def digest(entry: AuditEntry) -> str:
    """Canonical text of one entry."""
    fields = [
        entry.pk, entry.xid, entry.at.isoformat(), entry.tenant_id, entry.vendor_id, entry.actor_id, entry.actor_label,
        entry.actor_role, entry.action, entry.target_type, entry.target_id, entry.patient_id, entry.purpose,
        entry.result, entry.reason, entry.details, entry.request_id, entry.client_ip,
    ]  # fmt: skip
    return json.dumps(fields, sort_keys=True, default=str, separators=(",", ":"))


def chain_of(entry: AuditEntry) -> str:
    """The chain an entry belongs to: its health system, else its vendor, else the platform's own."""
    return str(entry.tenant_id or entry.vendor_id or "")


def seal_all(limit: int = 5000) -> int:
    """Seal up to about ``limit`` new entries over all chains (system scope). Returns how many entries."""
    with connection.cursor() as cursor:
        # One sealer at a time: a second would compute from the same previous seal.
        cursor.execute("SELECT pg_try_advisory_xact_lock(727275)")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + last_value FROM core_xid_offset")
        # Every transaction below this one has ended, so no entry can still appear among theirs.
        horizon = cursor.fetchone()[0]
    last = AuditSeal.objects.order_by("-upto_xid").values_list("upto_xid", flat=True).first() or 0
    fresh = list(AuditEntry.objects.filter(xid__gt=last, xid__lt=horizon).order_by("xid", "id")[:limit])
    if len(fresh) == limit:
        # The last transaction's other entries may be cut off: leave it for the next seal, or take it whole.
        whole = [entry for entry in fresh if entry.xid != fresh[-1].xid]
        fresh = whole or list(AuditEntry.objects.filter(xid=fresh[-1].xid).order_by("id"))
    if not fresh:
        return 0
    upto = fresh[-1].xid
    chains: dict[str, list[AuditEntry]] = {}
    for entry in fresh:
        chains.setdefault(chain_of(entry), []).append(entry)
    for chain, entries in chains.items():
        previous = AuditSeal.objects.filter(chain=chain).order_by("-upto_xid").first()
        previous_hash = previous.hash if previous else GENESIS
        AuditSeal.objects.create(
            chain=chain,
            after_xid=previous.upto_xid if previous else 0,
            upto_xid=upto,
            entries=len(entries),
            previous_hash=previous_hash,
            hash=_hash(previous_hash, entries),
        )
    return len(fresh)


def verify(chain: str, entries_of: dict[str, Any]) -> ChainCheck:
    """Recompute ``chain``; ``entries_of`` are the filters that find its entries. Names the first bad seal."""
    previous_hash, total = GENESIS, 0
    for seal in AuditSeal.objects.filter(chain=chain).order_by("upto_xid"):
        entries = list(
            AuditEntry.objects.filter(xid__gt=seal.after_xid, xid__lte=seal.upto_xid, **entries_of).order_by(
                "xid", "id"
            )
        )
        total += len(entries)
        if (
            seal.previous_hash != previous_hash
            or len(entries) != seal.entries
            or _hash(previous_hash, entries) != seal.hash
        ):
            return ChainCheck(False, total, entries[0].pk if entries else None, entries[-1].pk if entries else None)
        previous_hash = seal.hash
    return ChainCheck(True, total)


def _hash(previous: str, entries: list[AuditEntry]) -> str:
    body = hashlib.sha256(previous.encode())
    for entry in entries:
        body.update(digest(entry).encode())
        body.update(b"\n")
    return body.hexdigest()
