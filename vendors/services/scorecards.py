"""Publishing computed scorecards. Works in the scope of the health system that owns them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from logistics.core import audit, clock, outbox
from vendors.models import Scorecard


def publish(*, vendor_id: UUID, month: dt.date, figures: dict[str, Any], trips: int) -> tuple[Scorecard, bool]:
    """Store one vendor's month. Returns the card and whether its figures changed.

    Unchanged figures write nothing and tell nobody, so that publishing again is free; a late event that
    changes a past month is published as a restatement.
    """
    first = month.replace(day=1)
    card = Scorecard.objects.select_for_update().filter(vendor_id=vendor_id, month=first).first()
    if card is not None and card.figures == figures and card.trips == trips:
        return card, False
    restated = card is not None
    card, _ = Scorecard.objects.update_or_create(
        vendor_id=vendor_id, month=first, defaults={"figures": figures, "trips": trips, "computed_at": clock.now()}
    )
    audit.record(
        action="scorecard.published",
        target=card,
        details={"vendor_id": str(vendor_id), "month": str(first), "restated": restated},
    )
    outbox.publish("scorecard.published", {"scorecard_id": str(card.pk), "month": str(first)}, vendor_id=vendor_id)
    return card, True
