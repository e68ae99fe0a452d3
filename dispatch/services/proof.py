"""Proof of handover: who received the patient, with a signature or the reason why none. It ends the trip."""

from __future__ import annotations

import datetime as dt
import hashlib
from uuid import UUID

from django.db import transaction

from dispatch import states
from dispatch.models import Leg, LegEvent, Proof, Run, RunCrew, Trip
from dispatch.services import runs
from dispatch.services.transitions import check_crew, corrected, leg_to, trip_to
from logistics.core import audit, clock, pictures, scoping
from logistics.core.errors import DomainError, IllegalMove

PHOTO_SIDE = 1600


@transaction.atomic
def record(
    leg_id: UUID,
    *,
    receiver_name: str,
    receiver_relation: str,
    at: dt.datetime,
    key: str,
    signature: bytes = b"",
    unsigned_reason: str = "",
    photo: bytes = b"",
    note: str = "",
    device_now: dt.datetime | None = None,
    source: str = "driver",
) -> Proof:
    """Store the proof of a leg; leg and trip are completed and the vehicle is free. Vendor scope, repeatable.

    ``signature`` and ``photo`` are image files of any common kind; both are drawn anew, so that nothing but pixels is
    kept (no position, no device, no hidden payload). Raises ``DomainError`` naming the field: no receiver, neither
    signature nor reason, an unreadable or huge image, or a crew member as receiver: a supplier may not sign for the
    patient (42 CFR 424.36(b) names who may).
    """
    scope = scoping.current()
    known = Leg.objects.filter(pk=leg_id, vendor_id=scope.vendor_id).first() if scope.vendor_id else None
    if known is None:
        raise DomainError("This trip does not exist.", code="not_found")
    with scoping.enter(scope.crossing(known.tenant_id)):
        trip = Trip.objects.select_for_update().get(pk=known.trip_id)
        leg = Leg.objects.select_for_update().get(pk=leg_id)
        check_crew(leg)
        given = Proof.objects.filter(leg=leg).first()
        if given is not None:
            return given
        if leg.status not in ("on_board", "at_destination"):
            words = "was canceled" if leg.status == "canceled" else "has no patient on board"
            raise IllegalMove(f"Trip {trip.number} {words}. Nothing to hand over.", code="not_on_board")
        name = _receiver(leg, receiver_name, receiver_relation)
        drawn = signature_of(signature, unsigned_reason)
        picture = pictures.redraw(photo, field="photo", side=PHOTO_SIDE, kind="JPEG") if photo else b""
        proof = Proof.objects.create(
            leg=leg,
            vendor_id=scoping.current_vendor_id(),
            receiver_name=name,
            receiver_relation=receiver_relation[:40],
            signature=drawn,
            unsigned_reason="" if drawn else unsigned_reason.strip()[:60],
            photo=picture,
            note=note.strip(),
            digest=digest(name, receiver_relation, drawn, unsigned_reason, picture, note, at),
            at=at,
            recorded_by_name=scope.actor_label[:120],
        )
        audit.record(action="proof.recorded", target=proof, details={"signed": bool(drawn), "photo": bool(picture)})
        _complete(trip, leg, at=at, key=key, device_now=device_now, source=source)
        return proof


def digest(
    name: str, relation: str, signature: bytes, unsigned_reason: str, photo: bytes, note: str, at: dt.datetime
) -> str:
    """SHA-256 over the contents, each with its length, so that a later change of any of them shows."""
    body = hashlib.sha256()
    texts = (name, relation, unsigned_reason, note, at.astimezone(dt.UTC).isoformat())
    for part in (*(text.encode() for text in texts), signature, photo):
        body.update(len(part).to_bytes(8, "big") + part)
    return body.hexdigest()


def signature_of(raw: bytes, unsigned_reason: str) -> bytes:
    """A drawn signature as a clean PNG, empty where ``unsigned_reason`` says why none. Refuses an empty one."""
    if not raw:
        if not unsigned_reason.strip():
            words = "Sign here, or say why there is no signature."
            raise DomainError(words, code="unsigned", fields={"signature": words})
        return b""
    drawn = pictures.signature(raw)
    if not drawn:
        words = "The signature is empty. Sign again, or say why there is none."
        raise DomainError(words, code="unsigned", fields={"signature": words})
    return drawn


def _receiver(leg: Leg, name: str, relation: str) -> str:
    name = " ".join(name.split())
    if not name or not relation:
        field = "receiver_relation" if name else "receiver_name"
        raise DomainError("Say who received the patient.", code="no_receiver", fields={field: "Who received?"})
    crew = RunCrew.objects.filter(run__leg=leg, run__is_active=True).select_related("crew_member")
    if any(same_person(name, row.crew_member.name) for row in crew):
        words = "The crew cannot sign for the patient. Enter who received the patient."
        raise DomainError(words, code="crew_receiver", fields={"receiver_name": words})
    return name[:120]


def same_person(one: str, other: str) -> bool:
    """The same name in any order, case and punctuation; a shorter form of it (``S. Kim``) counts as well."""
    first, second = (sorted(_parts(text), key=len, reverse=True) for text in (one, other))
    if len(first) > len(second):
        first, second = second, first
    if len(first) < 2:
        return first == second
    rest = list(second)
    for part in first:
        match = next((word for word in rest if word == part or (len(part) == 1 and word.startswith(part))), None)
        if match is None:
            return False
        rest.remove(match)
    return True


def _parts(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.casefold()).split()


def _complete(trip: Trip, leg: Leg, *, at: dt.datetime, key: str, device_now: dt.datetime | None, source: str) -> None:
    now = clock.now()
    skew = round((now - device_now).total_seconds()) if device_now else min(0, round((now - at).total_seconds()))
    handed_over_at = min(corrected(at, skew), now)
    arrived = LegEvent.objects.filter(leg=leg, new_status="at_destination").exists()
    leg_to(
        leg,
        "completed",
        source=source,
        at=at,
        changes={"dropped_off_at": handed_over_at},
        details={} if arrived else {"skipped": ["at_destination"]},
        event_fields={"key": key, "skew_seconds": skew},
    )
    for run in Run.objects.filter(leg=leg, is_active=True):
        runs.finish(run)
    if not Leg.objects.filter(trip=trip).exclude(status__in=states.LEG.final).exists():
        trip_to(trip, "completed", source=source, at=handed_over_at, changes={"completed_at": handed_over_at})
