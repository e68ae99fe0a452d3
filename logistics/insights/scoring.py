"""What a month's facts of one vendor come to. Pure: facts in, figures out, no database.

A figure always carries its numerator, its n and the trips behind both; with n = 0 it has no value, because
"0 %" and "nothing happened" are different statements.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any
from uuid import UUID

SMALL_N = 20
# A vendor that gives a trip back less than an hour before the pickup was late for it, whoever drives then.
LATE_TURN_BACK = dt.timedelta(minutes=60)


@dataclass(frozen=True)
class Metric:
    """One figure's name, goal and meaning. ``direction`` says where better lies: ``up`` or ``down``."""

    name: str
    label: str
    unit: str
    direction: str
    target: float | None
    counts: str
    definition: str


METRICS: tuple[Metric, ...] = (
    Metric(
        "on_time_pickup", "On-time pickup", "%", "up", 95.0, "pickups",
        "Crew at the pickup, or patient on board, no later than the promised pickup plus the contract's tolerance."
        " Rides when ready are promised within the window that opens with the word. Counted: pickups made, and"
        " pickups that the vendor missed (never came, or gave back within 60 minutes). Rides that the hospital"
        " canceled before they were late, and rides on hold, are left out.",
    ),
    Metric(
        "offer_acceptance", "Offers accepted", "%", "up", 85.0, "offers",
        "Offers accepted, of those accepted, declined or left unanswered until they expired. Withdrawn offers are"
        " left out.",
    ),
    Metric(
        "answer_seconds", "Time to answer", "s", "down", None, "answers",
        "Median time from asking to a yes or a no. Offers that expired have no answer and are left out.",
    ),
    Metric(
        "vendor_cancellations", "Given back by vendor", "%", "down", 2.0, "accepted trips",
        "Trips that the vendor accepted and gave back, of all that it accepted with a pickup in this month.",
    ),
    Metric(
        "completion", "Completed", "%", "up", 95.0, "finished trips",
        "Trips handed over, of those handed over, given back by the vendor or missed by it. Patients who were not"
        " there and rides canceled by the hospital in time are left out.",
    ),
)  # fmt: skip
METRIC = {metric.name: metric for metric in METRICS}


@dataclass(frozen=True)
class OfferFact:
    """One answered (or expired) offer. ``answer`` is ``accepted``, ``declined`` or ``expired``."""

    trip_id: UUID
    answer: str
    sent_at: dt.datetime | None
    answered_at: dt.datetime
    decline_code: str = ""


@dataclass(frozen=True)
class JobFact:
    """One trip that the vendor accepted. Times are aware; None means that it did not happen.

    ``taken_away_at`` is when the health system canceled the trip or let this vendor go; ``paused`` that the trip
    waits (or waited then) for the hospital: on hold, or "when ready" without the word; ``patient_absent`` that the
    crew came and the patient was not there.
    """

    trip_id: UUID
    level: str
    promised_at: dt.datetime
    tolerance: dt.timedelta
    arrived_at: dt.datetime | None = None
    completed: bool = False
    given_back_at: dt.datetime | None = None
    holds_again: bool = False
    taken_away_at: dt.datetime | None = None
    paused: bool = False
    patient_absent: bool = False

    @property
    def lost(self) -> bool:
        """Given back, and not taken again by the same vendor."""
        return self.given_back_at is not None and not self.holds_again

    @property
    def latest(self) -> dt.datetime:
        """Last moment that counts as on time."""
        return self.promised_at + self.tolerance


def pickup_verdict(job: JobFact, now: dt.datetime) -> str:
    """``hit`` (on time), ``miss`` (late, missed or given back late) or ``out`` (not counted)."""
    if job.lost and job.given_back_at is not None:
        return "miss" if job.given_back_at > job.promised_at - LATE_TURN_BACK else "out"
    if job.arrived_at is not None:
        return "hit" if job.arrived_at <= job.latest else "miss"
    if job.taken_away_at is not None:
        return "miss" if job.taken_away_at > job.latest and not job.paused else "out"
    if job.completed or job.paused:
        return "out"
    return "miss" if now > job.latest else "out"


def completion_verdict(job: JobFact, now: dt.datetime) -> str:
    """``hit`` (handed over), ``miss`` (given back or missed) or ``out`` (open, or not the vendor's doing)."""
    if job.completed:
        return "hit"
    if job.lost:
        return "miss"
    if job.patient_absent:
        return "out"
    if job.taken_away_at is not None and job.arrived_at is None:
        return "miss" if pickup_verdict(job, now) == "miss" else "out"
    return "out"


def share(numerator: int, n: int) -> float | None:
    """Percent with one decimal, rounded half up; None for n = 0."""
    if n == 0:
        return None
    return float((Decimal(100 * numerator) / Decimal(n)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


def figures_of(
    offers: Sequence[OfferFact],
    jobs: Sequence[JobFact],
    *,
    now: dt.datetime,
    response_seconds: int | None = None,
    reason_labels: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Metric name → ``{value, numerator, n, unit, target, direction, definition, trip_ids, hit_ids}``.

    ``trip_ids`` are the trips in n, ``hit_ids`` those in the numerator (both distinct, in order of the facts).
    ``answer_seconds`` has the median as value and its n as numerator; its target is the contract's response time.
    ``offer_acceptance`` also has ``reasons`` (``{code, label, count}``, most frequent first), ``on_time_pickup``
    ``levels`` (level → [numerator, n]).
    """
    accepted = [offer.trip_id for offer in offers if offer.answer == "accepted"]
    waits = [
        (offer.trip_id, max((offer.answered_at - offer.sent_at).total_seconds(), 0.0))
        for offer in offers
        if offer.answer != "expired" and offer.sent_at is not None
    ]
    reasons = Counter(offer.decline_code or "other" for offer in offers if offer.answer == "declined")
    reasons.update("expired" for offer in offers if offer.answer == "expired")

    pickups = [(job, pickup_verdict(job, now)) for job in jobs]
    counted = [(job, verdict) for job, verdict in pickups if verdict != "out"]
    by_level: dict[str, list[int]] = {}
    for job, verdict in counted:
        row = by_level.setdefault(job.level, [0, 0])
        row[0] += verdict == "hit"
        row[1] += 1
    ends = [(job.trip_id, completion_verdict(job, now)) for job in jobs]

    out = {
        "on_time_pickup": _rate(
            "on_time_pickup",
            [job.trip_id for job, _ in counted],
            [job.trip_id for job, verdict in counted if verdict == "hit"],
        ),
        "offer_acceptance": _rate("offer_acceptance", [offer.trip_id for offer in offers], accepted),
        "answer_seconds": _figure(
            "answer_seconds",
            value=round(median(seconds for _, seconds in waits)) if waits else None,
            numerator=len(waits),
            n=len(waits),
            trips=[trip_id for trip_id, _ in waits],
            hits=[trip_id for trip_id, _ in waits],
        ),
        "vendor_cancellations": _rate(
            "vendor_cancellations",
            [job.trip_id for job in jobs],
            [job.trip_id for job in jobs if job.given_back_at is not None],
        ),
        "completion": _rate(
            "completion",
            [trip_id for trip_id, verdict in ends if verdict != "out"],
            [trip_id for trip_id, verdict in ends if verdict == "hit"],
        ),
    }
    out["answer_seconds"]["target"] = response_seconds
    labels = {"expired": "No answer in time", "other": "Other", **(reason_labels or {})}
    out["offer_acceptance"]["reasons"] = [
        {"code": code, "label": labels.get(code, code.replace("_", " ").capitalize()), "count": count}
        for code, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    out["on_time_pickup"]["levels"] = by_level
    return out


def _rate(name: str, counted: Sequence[UUID], hits: Sequence[UUID]) -> dict[str, Any]:
    return _figure(
        name, value=share(len(hits), len(counted)), numerator=len(hits), n=len(counted), trips=counted, hits=hits
    )


def _figure(
    name: str, *, value: float | None, numerator: int, n: int, trips: Iterable[UUID], hits: Iterable[UUID]
) -> dict[str, Any]:
    metric = METRIC[name]
    return {
        "value": value,
        "numerator": numerator,
        "n": n,
        "unit": metric.unit,
        "target": metric.target,
        "direction": metric.direction,
        "counts": metric.counts,
        "label": metric.label,
        "definition": metric.definition,
        "trip_ids": _distinct(trips),
        "hit_ids": _distinct(hits),
    }


def _distinct(ids: Iterable[UUID]) -> list[str]:
    return list(dict.fromkeys(str(trip_id) for trip_id in ids))
