"""What a fact from outside carries along: when it held, and the list of everything that it changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from logistics.requests.models import Alert, Encounter


@dataclass(frozen=True)
class Stamp:
    """When a fact held (``effective_at``), when it was entered, and the number of the message that told it."""

    effective_at: dt.datetime
    recorded_at: dt.datetime
    message_id: int | None = None
    source: str = "ehr"

    @property
    def order(self) -> list[Any]:
        """Sorts facts of one kind; equal spelling of all times makes text comparison safe in JSON too."""
        return [_iso(self.effective_at), _iso(self.recorded_at), self.message_id or 0]


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def is_newer(encounter: Encounter, fact: str, stamp: Stamp) -> bool:
    """Whether ``stamp`` is later than what the encounter knows of ``fact`` (rule R2 of docs/integration.md)."""
    known = encounter.fact_times.get(fact)
    return known is None or stamp.order > list(known)


def is_same(encounter: Encounter, fact: str, stamp: Stamp) -> bool:
    """Whether this very message already told ``fact`` (a replay)."""
    known = encounter.fact_times.get(fact)
    return known is not None and stamp.order == list(known)


def note_fact(encounter: Encounter, fact: str, stamp: Stamp) -> None:
    """Remember (in memory; the caller saves) that ``stamp`` set ``fact``."""
    encounter.fact_times = {**encounter.fact_times, fact: stamp.order}


def fact_at(encounter: Encounter, fact: str) -> dt.datetime | None:
    """The effective time of what set ``fact``, or None."""
    known = encounter.fact_times.get(fact)
    return dt.datetime.fromisoformat(known[0]) if known else None


@dataclass(frozen=True)
class Change:
    """One thing done: to what, by which rule, before and after (may hold PHI: kept sealed)."""

    object_type: str
    object_id: str
    action: str
    rule: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass
class ChangeLog:
    """Collects what one message did."""

    changes: list[Change] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def add(
        self,
        row: Any,
        action: str,
        *,
        rule: str,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        """Note one change to a row."""
        self.changes.append(Change(row._meta.label_lower, str(row.pk), action, rule, before or {}, after or {}))

    def __bool__(self) -> bool:
        return bool(self.changes)
