"""Giving back the time of a vehicle and its crew.

A run belongs to the health system's trip, the commitment behind it to the vendor. A vendor (crossing) gives
back both at once; a health system ends its run and tells the vendor's side by ``run.released``, because it may
read a vendor's commitments and not change them.
"""

from __future__ import annotations

from typing import Any

from dispatch.models import Run, Trip
from logistics.core import audit, clock, outbox, scoping
from vendors.models import Commitment, CommitmentCrew


def release(trip: Trip, *, reason: str) -> int:
    """End every active run of ``trip``; returns how many. Its vehicles are free again (see the module)."""
    runs = list(Run.objects.filter(trip=trip, is_active=True))
    if not runs:
        return 0
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(is_active=False)
    for run in runs:
        audit.record(action="run.released", target=run, reason=reason)
    ids = [run.commitment_id for run in runs]
    if scoping.current().side == "cross":
        free_commitments(ids)
    outbox.publish(
        "run.released",
        {"trip_id": str(trip.pk), "commitment_ids": [str(pk) for pk in ids]},
        vendor_id=runs[0].vendor_id,
    )
    return len(runs)


def free_commitments(commitment_ids: list[Any]) -> int:
    """Free these times of vehicles and crews unless an active run still needs them. Repeatable.

    Runs in the vendor's own or a crossing scope. Time that has begun is cut off now, so that it stays known
    where the vehicle was last; time to come is dropped. Returns how many commitments changed.
    """
    now = clock.now()
    held = Run.objects.filter(commitment_id__in=commitment_ids, is_active=True).values_list("commitment_id", flat=True)
    free = set(commitment_ids) - set(held)
    rows = Commitment.objects.filter(pk__in=free, is_active=True, ends_at__gt=now)
    begun = list(rows.filter(starts_at__lt=now).values_list("pk", flat=True))
    ahead = list(rows.filter(starts_at__gte=now).values_list("pk", flat=True))
    _cut(begun, now)
    CommitmentCrew.objects.filter(commitment_id__in=ahead).update(is_active=False)
    Commitment.objects.filter(pk__in=ahead).update(is_active=False)
    return len(begun) + len(ahead)


def finish(run: Run) -> None:
    """The run is done: vehicle and crew are free from now on, and stand where the ride ended."""
    now = clock.now()
    begun = Commitment.objects.filter(pk=run.commitment_id, is_active=True, starts_at__lt=now, ends_at__gt=now)
    _cut(list(begun.values_list("pk", flat=True)), now)
    # A ride that ended before its planned start leaves nothing that others must plan around.
    early = list(
        Commitment.objects.filter(pk=run.commitment_id, is_active=True, starts_at__gte=now).values_list("pk", flat=True)
    )
    CommitmentCrew.objects.filter(commitment_id__in=early).update(is_active=False)
    Commitment.objects.filter(pk__in=early).update(is_active=False)


def _cut(commitment_ids: list[Any], now: Any) -> None:
    CommitmentCrew.objects.filter(commitment_id__in=commitment_ids, starts_at__lt=now, ends_at__gt=now).update(
        ends_at=now
    )
    Commitment.objects.filter(pk__in=commitment_ids).update(ends_at=now)


def free_forgotten() -> int:
    """Free what ended runs of this vendor still hold (a task that never ran). Returns how many changed."""
    open_ids = Commitment.objects.filter(is_active=True, ends_at__gt=clock.now()).values("pk")
    ended = Run.objects.filter(is_active=False, commitment_id__in=open_ids)
    ids = set(ended.values_list("commitment_id", flat=True))
    kept = set(Run.objects.filter(is_active=True, commitment_id__in=ids).values_list("commitment_id", flat=True))
    return free_commitments(sorted(ids - kept, key=str)) if ids - kept else 0
