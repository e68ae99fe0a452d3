"""How a referral, an agency's answer and a visit move along their tables (``dispatch/states.py``)."""

from __future__ import annotations

from typing import Any, Unpack

from dispatch import states
from dispatch.models import Referral, ReferralEvent, ReferralOffer, ReferralOfferEvent, Visit, VisitEvent
from logistics.core import clock
from logistics.core.machines import How, move


def referral_to(
    referral: Referral,
    to: str,
    *,
    vendor_id: Any = None,
    **how: Unpack[How],
) -> Referral:
    """Move a referral; publishes ``referral.<status>``.

    ``vendor_id`` names the agency whom the move concerns when the row does not (one that gives it back).
    """
    # QuerySet.update() does not touch auto_now columns.
    changes = {"updated_at": clock.now(), **(how.get("changes") or {})}
    how["changes"] = changes
    vendor = vendor_id or changes.get("vendor_id") or referral.vendor_id
    return move(
        referral,
        to,
        machine=states.REFERRAL,
        event_model=ReferralEvent,
        event_field="referral",
        event_fields={"vendor_id": vendor},
        topic=f"referral.{to}",
        payload={"request_id": str(referral.request_id), "notify_vendor_ids": [str(vendor)] if vendor else []},
        **how,
    )


def answer_to(
    offer: ReferralOffer,
    to: str,
    **how: Unpack[How],
) -> ReferralOffer:
    """Move an agency's answer; publishes ``referral.sent`` when it is asked, else ``referral.offer_<status>``."""
    return move(
        offer,
        to,
        machine=states.OFFER,
        event_model=ReferralOfferEvent,
        event_field="offer",
        event_fields={"vendor_id": offer.vendor_id},
        topic="referral.sent" if to == "open" else f"referral.offer_{to}",
        payload={"referral_id": str(offer.referral_id)},
        **how,
    )


def visit_to(
    visit: Visit,
    to: str,
    *,
    event_fields: dict[str, Any] | None = None,
    **how: Unpack[How],
) -> Visit:
    """Move a visit; publishes ``visit.<status>``. ``event_fields`` carry a tap's key and skew."""
    return move(
        visit,
        to,
        machine=states.VISIT,
        event_model=VisitEvent,
        event_field="visit",
        event_fields={"vendor_id": visit.vendor_id, **(event_fields or {})},
        topic=f"visit.{to}",
        payload={"referral_id": str(visit.referral_id), "notify_vendor_ids": [str(visit.vendor_id)]},
        **how,
    )
