"""What a unit does before each discharge: items with the person who does them and when they are due.

A protocol is edited by making its next version. Ticks name items by key, which stays from version to version, so that
a discharge that is under way keeps what was done.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from logistics.accounts.models import Unit
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, StaleState
from logistics.requests.models import Discharge, ProtocolTick, UnitProtocol

WHO: dict[str, str] = {
    "nurse": "Nurse",
    "case_manager": "Case manager",
    "physician": "Physician",
    "pharmacy": "Pharmacy",
    "therapy": "Therapy",
    "unit_clerk": "Unit clerk",
    "family": "Family",
}
MOST_ITEMS, MOST_OFFSET = 30, 7 * 24 * 60
OPEN = ("pending", "ready")


@dataclass(frozen=True)
class Item:
    """One thing to do. ``hard``: the patient does not leave without it; due ``offset_minutes`` before they leave."""

    key: str
    words: str
    who: str
    hard: bool = False
    offset_minutes: int = 60

    @property
    def who_label(self) -> str:
        """Who does it, in words."""
        return WHO.get(self.who, self.who)


@dataclass(frozen=True)
class Line:
    """An item as it stands for one discharge: ``state`` is ``done``, ``overdue``, or ``open``; ``due_at`` None while
    nobody knows when the patient leaves."""

    item: Item
    due_at: dt.datetime | None
    state: str
    tick: ProtocolTick | None


def current(unit_id: UUID) -> UnitProtocol | None:
    """The unit's newest version, or None."""
    return UnitProtocol.objects.filter(unit_id=unit_id).order_by("-version").first()


def items_of(protocol: UnitProtocol | None) -> list[Item]:
    """The items of a version, in the order in which they are due."""
    return [Item(**stored) for stored in protocol.items] if protocol else []


def save(*, unit: Unit, items: Sequence[dict[str, Any]], seen_version: int) -> UnitProtocol:
    """The unit's protocol from now on: a new version, or the current one when nothing differs.

    Each item has ``words``, ``who``, ``hard``, ``offset_minutes`` and, when it was there before, its ``key``.
    ``seen_version`` is what the person edited: :class:`StaleState` when somebody made another meanwhile, and
    :class:`DomainError` with ``fields`` (``words-2``: by field and row, from 0) for what cannot be kept.
    """
    kept = _read(items)
    latest = UnitProtocol.objects.filter(unit=unit).order_by("-version").first()
    if latest is not None and items_of(latest) == kept:
        return latest
    if seen_version != (latest.version if latest else 0):
        raise StaleState("Somebody changed this protocol while you did. Look at the new version, then change it.")
    try:
        with transaction.atomic():
            made = UnitProtocol.objects.create(
                unit=unit,
                version=seen_version + 1,
                items=[asdict(item) for item in kept],
                created_by_name=scoping.current().actor_label[:120],
            )
    except IntegrityError as error:
        raise StaleState("Somebody changed this protocol in the same moment. Open it again.") from error
    audit.record(action="protocol.changed", target=made, details={"unit": str(unit.pk), "version": made.version})
    outbox.publish("protocol.changed", {"unit_id": str(unit.pk), "version": made.version})
    return made


def for_discharge(discharge: Discharge, *, now: dt.datetime | None = None) -> list[Line]:
    """Every item of the unit's protocol as it stands for this discharge; empty when the unit has none. Two queries."""
    return lines_of([discharge], now=now).get(discharge.pk, [])


def lines_of(discharges: Iterable[Discharge], *, now: dt.datetime | None = None) -> dict[UUID, list[Line]]:
    """For several discharges (with their encounter read) at once, by id. Two queries."""
    rows = list(discharges)
    now = now or clock.now()
    units = {row.encounter.unit_id for row in rows if row.encounter.unit_id}
    newest: dict[UUID, UnitProtocol] = {}
    for protocol in UnitProtocol.objects.filter(unit_id__in=units).order_by("version"):
        newest[protocol.unit_id] = protocol
    ticks: dict[tuple[UUID, str], ProtocolTick] = {
        (tick.discharge_id, tick.item_key): tick
        for tick in ProtocolTick.objects.filter(discharge_id__in=[row.pk for row in rows], undone_at__isnull=True)
    }
    return {
        row.pk: [
            _line(item, row, ticks.get((row.pk, item.key)), now)
            for item in items_of(newest.get(row.encounter.unit_id) if row.encounter.unit_id else None)
        ]
        for row in rows
    }


def hard_open(discharge: Discharge) -> list[Item]:
    """Hard items that are not done: the patient does not leave before they are."""
    return [line.item for line in for_discharge(discharge) if line.item.hard and line.state != "done"]


def tick(*, discharge_id: UUID, item_key: str) -> ProtocolTick:
    """The actor did an item. Ticked twice it stays the first one's. Publishes ``protocol.ticked``."""
    discharge = _discharge(discharge_id)
    protocol = current(discharge.encounter.unit_id) if discharge.encounter.unit_id else None
    if protocol is None or item_key not in {item.key for item in items_of(protocol)}:
        raise DomainError("This item is not in the unit's protocol any more. Open the plan again.", code="gone")
    scope = scoping.current()
    row, made = ProtocolTick.objects.get_or_create(
        discharge=discharge,
        item_key=item_key,
        undone_at=None,
        defaults={
            "protocol": protocol,
            "at": clock.now(),
            "by_id": scope.user_id,
            "by_name": scope.actor_label[:120],
        },
    )
    if made:
        _tell("protocol.ticked", discharge, item_key, protocol.version)
    return row


def untick(*, discharge_id: UUID, item_key: str) -> bool:
    """Take a tick back; the row stays as history. False when there is none. Publishes ``protocol.unticked``."""
    discharge = _discharge(discharge_id)
    row = ProtocolTick.objects.filter(discharge=discharge, item_key=item_key, undone_at__isnull=True).first()
    if row is None:
        return False
    row.undone_at, row.undone_by_name = clock.now(), scoping.current().actor_label[:120]
    row.save(update_fields=["undone_at", "undone_by_name"])
    _tell("protocol.unticked", discharge, item_key, row.protocol.version)
    return True


def newest() -> dict[UUID, UnitProtocol]:
    """Unit id → its newest version. One query."""
    return {row.unit_id: row for row in UnitProtocol.objects.order_by("version")}


def key_for(words: str, taken: Iterable[str]) -> str:
    """A key made of the words, not one of ``taken``."""
    base = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:18] or "item"
    used, number, key = set(taken), 1, base
    while key in used:
        number += 1
        key = f"{base}_{number}"
    return key


def _line(item: Item, discharge: Discharge, done: ProtocolTick | None, now: dt.datetime) -> Line:
    leaves = discharge.expected_at or discharge.left_at
    due_at = leaves - dt.timedelta(minutes=item.offset_minutes) if leaves else None
    if done is not None:
        return Line(item, due_at, "done", done)
    late = due_at is not None and due_at < now and discharge.status in OPEN
    return Line(item, due_at, "overdue" if late else "open", None)


def _read(items: Sequence[dict[str, Any]]) -> list[Item]:
    if len(items) > MOST_ITEMS:
        raise DomainError(f"Keep it to {MOST_ITEMS} items.", code="too_many")
    kept: list[Item] = []
    problems: dict[str, str] = {}
    # The keys that people ticked stay with their items, whatever their words are now.
    keys = [str(each.get("key") or "")[:24] for each in items]
    taken = {key for key in keys if key}
    for index, each in enumerate(items):
        words = " ".join(str(each.get("words") or "").split())
        offset = each.get("offset_minutes")
        if not 3 <= len(words) <= 120:
            problems[f"words-{index}"] = "Write what is to be done, in 3 to 120 characters."
        if each.get("who") not in WHO:
            problems[f"who-{index}"] = "Choose who does it."
        if not isinstance(offset, int) or not 0 <= offset <= MOST_OFFSET:
            problems[f"offset_minutes-{index}"] = "Write how many minutes before leaving it is due, 0 to 10,080."
            continue
        key = keys[index] or key_for(words, taken)
        if key in {item.key for item in kept}:
            key = key_for(words, taken)
        taken.add(key)
        kept.append(Item(key, words, str(each.get("who")), bool(each.get("hard")), offset))
    if problems:
        raise DomainError("Some items need a change.", code="items", fields=problems)
    return sorted(kept, key=lambda item: -item.offset_minutes)


def _discharge(discharge_id: UUID) -> Discharge:
    found = Discharge.objects.select_for_update(of=("self",)).select_related("encounter").filter(pk=discharge_id)
    row = found.first()
    if row is None:
        raise DomainError("This discharge is not there.", code="not_found")
    if row.status not in OPEN:
        raise DomainError(f"This discharge is {row.get_status_display().lower()}; its list is closed.", code="closed")
    return row


def _tell(topic: str, discharge: Discharge, item_key: str, version: int) -> None:
    audit.record(
        action=topic,
        target=discharge,
        patient_id=discharge.encounter.patient_id,
        details={"item": item_key, "version": version},
    )
    outbox.publish(
        topic,
        {
            "discharge_id": str(discharge.pk),
            "encounter_id": str(discharge.encounter_id),
            "unit_id": str(discharge.encounter.unit_id or ""),
            "item": item_key,
        },
    )
