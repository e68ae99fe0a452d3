"""State tables as data, and the one way to move along their edges."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, TypedDict

from django.db import models, transaction

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import IllegalMove, StaleState


@dataclass(frozen=True)
class Machine:
    """``statuses`` maps each word to its meaning; ``edges`` each status to where it may go."""

    name: str
    statuses: dict[str, str]
    edges: dict[str, tuple[str, ...]]
    initial: str
    final: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        unknown = {s for s in (*self.edges, *(t for ts in self.edges.values() for t in ts))} - set(self.statuses)
        if unknown or self.initial not in self.statuses:
            raise ValueError(f"{self.name}: unknown statuses {sorted(unknown)}")

    @property
    def choices(self) -> list[tuple[str, str]]:
        """For a model field."""
        return [(status, status.replace("_", " ").capitalize()) for status in self.statuses]

    @property
    def open(self) -> tuple[str, ...]:
        """Statuses from which work remains."""
        return tuple(status for status in self.statuses if status not in self.final)

    def allows(self, old: str, new: str) -> bool:
        """Whether the table has the edge."""
        return new in self.edges.get(old, ())


class StatusEvent(models.Model):
    """Append-only history of one machine's moves. Rooms subclass it with their own foreign key."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField(default=scoping.current_tenant_id, editable=False)
    old_status = models.CharField(max_length=30, blank=True)
    new_status = models.CharField(max_length=30)
    at = models.DateTimeField(help_text="When it happened")
    recorded_at = models.DateTimeField(auto_now_add=True, help_text="When it was stored")
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=200)
    source = models.CharField(max_length=30, default="user")
    reason = models.CharField(max_length=300, blank=True)
    details = models.JSONField(default=dict)

    objects = scoping.ScopedManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class How(TypedDict, total=False):
    """What every move may say of itself; :func:`move` tells what each means. A room's ``<noun>_to`` passes it on."""

    source: str
    reason: str
    at: dt.datetime | None
    changes: dict[str, Any] | None
    details: dict[str, Any] | None


def move(
    row: Any,
    to: str,
    *,
    machine: Machine,
    event_model: type[StatusEvent],
    event_field: str,
    topic: str,
    source: str = "user",
    reason: str = "",
    at: dt.datetime | None = None,
    changes: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    event_fields: dict[str, Any] | None = None,
) -> Any:
    """Move ``row`` to status ``to``: conditional update, history row, audit, event; one transaction.

    ``changes`` are further plain columns set in the same UPDATE; ``event_fields`` further columns of the
    history row. Raises :class:`IllegalMove` when the table has no such edge and :class:`StaleState` when
    another worker moved the row first. Returns the row with its new values.
    """
    old = row.status
    if not machine.allows(old, to):
        raise IllegalMove(
            f"This {machine.name} is {old.replace('_', ' ')}; it cannot become {to.replace('_', ' ')}.",
            code="illegal_move",
        )
    scope = scoping.current()
    moment = at or clock.now()
    values = dict(changes or {})
    with transaction.atomic():
        updated = type(row).objects.filter(pk=row.pk, status=old).update(status=to, **values)
        if updated != 1:
            current = type(row).objects.filter(pk=row.pk).values_list("status", flat=True).first() or "gone"
            raise StaleState(
                f"Somebody changed this {machine.name} first: it is {current.replace('_', ' ')} now.",
                current=current,
            )
        row.status = to
        for name, value in values.items():
            setattr(row, name, value)
        event_model.objects.create(
            **{event_field: row},
            **(event_fields or {}),
            tenant_id=row.tenant_id,
            old_status=old,
            new_status=to,
            at=moment,
            actor_id=scope.user_id,
            actor_label=scope.actor_label,
            source=source,
            reason=reason[:300],
            details=details or {},
        )
        audit.record(
            action=topic,
            target=row,
            reason=reason,
            details={"old": old, "new": to, "source": source},
        )
        outbox.publish(
            topic,
            {f"{machine.name}_id": str(row.pk), "old": old, "new": to, **(payload or {})},
            vendor_id=getattr(row, "vendor_id", None),
        )
    return row
