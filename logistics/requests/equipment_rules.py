"""Papers and dates of equipment, as pure rules: what a claim needs, and what must be there before delivery."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

# Delivery for fitting and training while the patient is still in the hospital: at most two days before discharge.
EARLY_DAYS = 2
FACE_TO_FACE_MONTHS = 6


@dataclass(frozen=True)
class Papers:
    """What is on file. The flags say whether the order names the beneficiary, the items and the practitioner."""

    beneficiary: bool = True
    items: bool = True
    practitioner: bool = False
    ordered_on: dt.date | None = None
    signed_on: dt.date | None = None
    face_to_face_on: dt.date | None = None
    wopd_received_on: dt.date | None = None


def missing_for_claim(papers: Papers) -> list[str]:
    """Elements of a standard written order that are missing, in words (42 CFR 410.38(d)(1)). Needed before the claim.

    The signature's date may differ from the order's.
    """
    return [
        words
        for words, there in (
            ("the patient's name", papers.beneficiary),
            ("the items with their quantity", papers.items),
            ("the order date", papers.ordered_on is not None),
            ("the practitioner", papers.practitioner),
            ("the practitioner's signature", papers.signed_on is not None),
        )
        if not there
    ]


def wopd_problem(papers: Papers, leaves_on: dt.date) -> str:
    """Why an item that needs a written order prior to delivery may not leave on this day; empty when it may.

    The complete order must be with the supplier before delivery, and the patient seen in the six months before the
    order (42 CFR 410.38(d)(2) and (3)). An order that comes later does not cure it.
    """
    missing = missing_for_claim(papers)
    if missing:
        return f"The written order lacks {_and(missing)}."
    assert papers.ordered_on is not None
    assert papers.signed_on is not None
    received = papers.wopd_received_on
    if received is None:
        return "The written order has not been received. Without it this item may not leave."
    if received > leaves_on:
        return "The written order is dated after the delivery. A later order does not cure it."
    if papers.ordered_on > received or papers.signed_on > received:
        return "The written order was received before it was written or signed. Check the dates."
    seen = papers.face_to_face_on
    if seen is None:
        return "The day on which the practitioner saw the patient is missing."
    if seen > papers.ordered_on:
        return "The practitioner saw the patient after the order. It must be before."
    if seen < months_before(papers.ordered_on, FACE_TO_FACE_MONTHS):
        return "The practitioner saw the patient more than 6 months before the order."
    return ""


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day so many months earlier; the month's last day when it is shorter."""
    index = day.year * 12 + day.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def earliest_on(where: str, leaves_on: dt.date | None) -> dt.date | None:
    """The first day on which it may be delivered; None when any day will do."""
    return leaves_on - dt.timedelta(days=EARLY_DAYS) if where == "bedside" and leaves_on else None


def early_problem(where: str, leaves_on: dt.date | None, day: dt.date) -> str:
    """Why a bedside delivery may not be on ``day``; empty when it may."""
    first = earliest_on(where, leaves_on)
    if first is None or day >= first:
        return ""
    from_day = f"{first:%a} {first.day} {first:%b}"
    return f"At the bedside it may come at most {EARLY_DAYS} days before the patient leaves: from {from_day}."


def service_day(where: str, leaves_on: dt.date | None, received_on: dt.date) -> dt.date:
    """The date of service: the day that the receiver wrote; the day of discharge when it came to the bedside before."""
    if where == "bedside" and leaves_on is not None:
        return max(leaves_on, received_on)
    return received_on


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
