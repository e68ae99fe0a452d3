"""Proposed changes as the vendor is asked about them, and as the trip's page shows them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch.models import Proposal, Trip

KIND_WORDS = {"change": "Change", "divert": "Other destination, patient on board", "level": "Other level"}


def open_proposals(now: dt.datetime) -> list[dict[str, Any]]:
    """Cards of the changes that the vendor can still answer, the first to close first. One query. Vendor scope."""
    rows = Proposal.objects.filter(status="open", due_at__gt=now).defer("wanted").select_related("trip")
    return [card(row, now) for row in rows.order_by("due_at")]


def proposal_get_for(proposal_id: UUID) -> Proposal | None:
    """The proposal, if the open scope may see it."""
    return Proposal.objects.filter(pk=proposal_id).defer("wanted").select_related("trip").first()


def unsettled_of(trip: Trip, now: dt.datetime) -> dict[str, Any] | None:
    """The trip's change that waits for an answer or a choice, or None. One query, either side."""
    rows = Proposal.objects.filter(trip=trip, status__in=["open", "refused", "lapsed"]).defer("wanted")
    row = rows.first()
    if row is None:
        return None
    row.trip = trip
    return card(row, now)


def card(row: Proposal, now: dt.datetime) -> dict[str, Any]:
    """One change as ``_change_card.html`` takes it."""
    brief = row.brief
    return {
        "pk": row.pk,
        "id": f"change-{row.pk}",
        "trip": row.trip,
        "kind": KIND_WORDS[row.kind],
        "status": row.status,
        "rows": brief.get("rows", []),
        "price_old": Decimal(brief["price_old"]) if brief.get("price_old") else None,
        "price_new": Decimal(brief["price_new"]) if brief.get("price_new") else None,
        "reason": row.reason,
        "deadline": row.due_at,
        "seconds": max(int((row.due_at - row.created_at).total_seconds()), 1),
        "by": row.proposed_by_name,
        "note": row.answer_note,
        "answered_by": row.answered_by_name,
        "answered_at": row.answered_at,
        "is_late": row.due_at <= now,
        "on_board": row.kind == "divert",
    }
