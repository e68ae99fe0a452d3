"""Receiving: every message is stored in one commit before its answer exists outside (rule R0).

Two steps: :func:`prepare` reads and decides without a database, :func:`store` writes any number of prepared
messages in one transaction per health system. :func:`receive` does both for one message.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from integrations.hl7v2.ack import build_ack
from integrations.hl7v2.adt import AdtEvent, read_adt
from integrations.hl7v2.parse import Decision, Message, decide, event_of, parse
from integrations.models import Feed, InboundMessage
from integrations.services.keys import line_token
from logistics.core import audit, clock, outbox, scoping

# The channel's "last message" is for people: it need not cost a row lock per message.
SEEN_EVERY_SECONDS = 5
NO_MSH_IS_JUNK = "junk"


# When this process last noted a feed's message.
_seen_at: dict[Any, dt.datetime] = {}


class _Everything(Collection[str]):
    """The accepted types of a feed that names none."""

    def __contains__(self, kind: object) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 1


EVERYTHING = _Everything()


@dataclass
class Prepared:
    """A message that was read and judged, not yet stored. ``answer`` is None when nothing is to be sent back."""

    row: InboundMessage
    answer: bytes | None
    sender_mismatch: bool = False
    address: str = ""


def accepted(feed: Feed) -> Collection[str]:
    """The message types that a feed takes."""
    return feed.accepted_types or EVERYTHING


def plain(text: str | None, size: int) -> str:
    """Text that a database column takes: without control characters, cut to ``size``."""
    return "".join(char for char in text or "" if char.isprintable())[:size]


def prepare(feed: Feed, raw: bytes, *, address: str = "") -> Prepared:
    """Read and judge one message. Never raises for what stands in it; touches no database."""
    message = parse(raw, zone=feed.time_zone)
    decision = decide(message, enabled_types=accepted(feed))
    event = _event(message, decision)
    mismatch = _is_foreign(feed, message)
    row = InboundMessage(
        tenant_id=feed.tenant_id,
        feed_id=feed.pk,
        raw=raw,
        size=len(raw),
        digest=sha256(raw).digest(),
        control_id=plain(message.whole("MSH", 10), 199).strip() if message.ok else "",
        event=_event_name(message),
        hl7_version=plain(message.get("MSH", 12), 20) if message.ok else "",
    )
    if mismatch:
        code, words = "AR", "sender is not the one that this feed expects"
        row.state, row.outcome, row.problem_code = "done", "rejected", "sender_mismatch"
        row.problem = "MSH-3 or MSH-4 is not what this feed expects."
        answer_code = "CR" if decision.mode == "enhanced" else "AR"
    else:
        code, words = decision.code, decision.reason
        if code == "AE" and feed.ack_on_content_error == "AA":
            code = "AA"
        _settle(row, decision)
        # A sender that wants no answer at all would leave the connection without a sign of life; an accept
        # code is harmless to it and tells every engine in between that the message is safe.
        answer_code = decision.accept or (("CR" if code == "AR" else "CA") if decision.mode == "enhanced" else code)
    if event is not None:
        row.effective_at = event.effective_at
        row.visit_token = line_token(event, feed.tenant_id)
        row.warnings = [plain(one, 60) for one in event.problems]
    row.warnings += [plain(note, 60) for note in message.notes]
    row.ack_code = answer_code
    refused = answer_code in ("AE", "AR", "CE", "CR")
    row.ack = build_ack(
        message,
        answer_code,
        words if refused else "",
        clock=lambda: clock.now().astimezone(dt.UTC),
        control_id=uuid.uuid4().hex[:20],
        error=decision.error if refused else "",
        location=decision.location if refused else "",
    )
    return Prepared(row, row.ack, sender_mismatch=mismatch, address=address)


def prepare_junk(feed: Feed, data: bytes, reason: str, *, address: str = "") -> Prepared:
    """Bytes that were no message: kept as a row of their own, without an answer."""
    row = InboundMessage(
        tenant_id=feed.tenant_id,
        feed_id=feed.pk,
        raw=data,
        size=len(data),
        digest=sha256(data).digest(),
        state="done",
        outcome="rejected",
        problem_code=NO_MSH_IS_JUNK,
        problem=f"Bytes outside of a message ({reason.replace('_', ' ')}).",
    )
    return Prepared(row, None, address=address)


def store(batch: Sequence[Prepared]) -> list[bytes | None]:
    """Store all of ``batch``, one transaction per health system; the answers in the same order.

    A message that is there already (same feed, control id and bytes) gets the answer that was sent the first
    time. Raises what the database raises; then nothing of that health system's part is stored, and none of
    the batch may be answered.
    """
    answers: dict[int, bytes | None] = {}
    tenants: dict[Any, list[Prepared]] = {}
    for one in batch:
        tenants.setdefault(one.row.tenant_id, []).append(one)
    for tenant_id, mine in tenants.items():
        scope = scoping.Scope.staff(tenant_id, actor_label="Feed", actor_role="feed", client_ip=mine[0].address)
        with transaction.atomic(), scoping.enter(scope):
            answers |= _store_tenant(mine)
    return [answers[id(one)] for one in batch]


def receive(feed: Feed, raw: bytes, *, address: str = "") -> bytes | None:
    """Store one message and return its answer; raises what the database raises, and then there is no answer."""
    return store([prepare(feed, raw, address=address)])[0]


def _store_tenant(batch: list[Prepared]) -> dict[int, bytes | None]:
    _mark_reused(batch)
    InboundMessage.objects.bulk_create([one.row for one in batch], ignore_conflicts=True)
    ids = dict(InboundMessage.objects.filter(key__in=[one.row.key for one in batch]).values_list("key", "id"))
    answers: dict[int, bytes | None] = {}
    fresh: list[Prepared] = []
    for one in batch:
        if one.row.key in ids:
            one.row.pk = ids[one.row.key]
            fresh.append(one)
            answers[id(one)] = one.answer
        else:
            answers[id(one)] = _first_answer(one.row)
    _mark_seen({one.row.feed_id for one in batch})
    if fresh:
        to_apply = [one.row.pk for one in fresh if one.row.state == "received"]
        outbox.publish(
            "inbound.received", {"message_ids": to_apply, "message_id": fresh[-1].row.pk, "count": len(fresh)}
        )
    for one in fresh:
        if one.sender_mismatch:
            audit.record(
                action="feed.sender_mismatch",
                target_type="integrations.feed",
                target_id=str(one.row.feed_id),
                result="refused",
                details={"message_id": one.row.pk},
            )
    return answers


def _first_answer(row: InboundMessage) -> bytes | None:
    """The answer that this message got when it came first (rule R1)."""
    known = InboundMessage.objects.only("id", "tenant_id", "key", "ack").get(
        feed_id=row.feed_id, control_id=row.control_id, digest=row.digest
    )
    InboundMessage.objects.filter(pk=known.pk).update(resends=F("resends") + 1)
    return known.ack or None


def _mark_reused(batch: list[Prepared]) -> None:
    """Warn where a control id was used for other bytes before: both are kept and processed."""
    named = [one.row for one in batch if one.row.control_id]
    if not named:
        return
    rows = InboundMessage.objects.filter(
        feed_id__in={row.feed_id for row in named}, control_id__in={row.control_id for row in named}
    ).values_list("feed_id", "control_id", "digest")
    known: dict[tuple[Any, str], set[bytes]] = {}
    for feed_id, control_id, digest in rows:
        known.setdefault((feed_id, control_id), set()).add(bytes(digest))
    for row in named:
        seen = known.setdefault((row.feed_id, row.control_id), set())
        if seen and row.digest not in seen:
            row.warnings = [*row.warnings, "control_id_reused"]
        seen.add(bytes(row.digest))


def _mark_seen(feed_ids: Iterable[Any]) -> None:
    now = clock.now()
    old = now - dt.timedelta(seconds=SEEN_EVERY_SECONDS)
    # Asking the database for every message whether it is time costs a lone message a tenth of its way.
    due = [feed_id for feed_id in feed_ids if not old < _seen_at.get(feed_id, old) <= now]
    if due:
        Feed.objects.filter(Q(last_message_at__lt=old) | Q(last_message_at=None), pk__in=due).update(
            last_message_at=now
        )
        _seen_at.update(dict.fromkeys(due, now))


def _settle(row: InboundMessage, decision: Decision) -> None:
    """What is refused or unreadable ends here; everything else waits to be applied."""
    if decision.disposition == "split":
        row.state, row.outcome, row.problem_code = "done", "review", "batch"
        row.problem = "A batch came over a line for single messages. Send its messages one by one."
    elif decision.code == "AR":
        row.state, row.outcome, row.problem_code = "done", "rejected", "refused"
        row.problem = _sentence(decision.reason)
    elif decision.code == "AE":
        row.state, row.outcome, row.problem_code = "done", "review", "content"
        row.problem = _sentence(decision.reason)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."[:300]


def _event(message: Message, decision: Decision) -> AdtEvent | None:
    if not message.ok or decision.code == "AR" or message.get("MSH", 9) != "ADT":
        return None
    return read_adt(message)


def _event_name(message: Message) -> str:
    if not message.ok:
        return ""
    return plain("^".join(part for part in (message.get("MSH", 9), event_of(message)) if part), 20)


def _is_foreign(feed: Feed, message: Message) -> bool:
    """Whether MSH-3 or MSH-4 contradicts what the feed expects. The tenant is the feed's in any case."""
    if not message.ok:
        return False
    return any(
        wanted and wanted.casefold() != (message.get("MSH", number) or "").strip().casefold()
        for number, wanted in ((3, feed.sending_application), (4, feed.sending_facility))
    )
