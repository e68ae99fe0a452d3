"""Authorizations as the payer's papers: asked for, decided, changed, released to another supplier."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from logistics.core import audit, clock, crypto, outbox, scoping
from logistics.core.errors import DomainError
from logistics.core.levels import LEVELS
from logistics.requests.models import Authorization, AuthorizationUse, Patient
from logistics.requests.selectors.authorizations import counts_of
from logistics.requests.services import authorizations, transitions

FIELDS = (
    "payer_name", "number", "levels", "requested_qty", "affirmed_qty", "starts_on", "ends_on", "supplier_id",
    "supplier_name", "expedited", "submitted_on", "note",
)  # fmt: skip
DECISIONS = ("affirmed", "partially_affirmed", "non_affirmed")
MOST_TRIPS = 480


def add(*, patient: Patient, **fields: Any) -> Authorization:
    """Note that an authorization was asked for. ``fields`` are :data:`FIELDS` (the count asked for, not yet granted).

    Raises :class:`DomainError` naming the fields. Publishes ``authorization.added``.
    """
    fields.pop("affirmed_qty", None)
    row = Authorization(patient=patient, created_by_name=scoping.current().actor_label[:120])
    _put(row, fields)
    _save(row)
    audit.record(action="authorization.added", target=row, patient_id=patient.pk)
    outbox.publish("authorization.added", _about(row))
    return row


def edit(*, authorization_id: UUID, **fields: Any) -> Authorization:
    """Change an authorization: more trips, a later end, what was mistyped. Units that come in go to waiting rides.

    Raises :class:`DomainError` when fewer trips would be left than are taken, or when it would overlap another one.
    """
    row = _locked(authorization_id)
    if row.status in ("released", "withdrawn"):
        raise DomainError("This authorization is over. Add the next one.", code="over")
    if row.status in Authorization.HOLDING:
        used, reserved = counts_of([row.pk]).get(row.pk, (0, 0))
        if fields.get("affirmed_qty", row.affirmed_qty) < used + reserved:
            words = (
                f"{used + reserved} trips are used or kept for booked rides. Cancel rides first, or give more trips."
            )
            raise DomainError(words, code="taken", fields={"affirmed_qty": words})
    changed = _put(row, fields)
    if changed:
        _save(row)
        audit.record(
            action="authorization.changed", target=row, patient_id=row.patient_id, details={"fields": sorted(changed)}
        )
        outbox.publish("authorization.changed", _about(row))
        if row.status in Authorization.HOLDING:
            authorizations.fill_waiting(row.patient_id)
            _look_after(row)
    return row


def decide(
    *, authorization_id: UUID, decision: str, affirmed_qty: int = 0, number: str = "", decided_on: dt.date | None = None
) -> Authorization:
    """Enter the payer's decision: ``affirmed``, ``partially_affirmed`` or ``non_affirmed``. The same again changes
    nothing. Granted units go to waiting rides. Raises :class:`DomainError` naming the field."""
    row = _locked(authorization_id)
    if row.status == decision:
        return row
    if decision not in DECISIONS:
        raise DomainError("Choose the payer's decision.", code="no_decision", fields={"decision": "Choose one."})
    qty = row.requested_qty if decision == "affirmed" else affirmed_qty if decision == "partially_affirmed" else 0
    if decision == "partially_affirmed" and not 0 < qty <= row.requested_qty:
        words = f"Write how many of the {row.requested_qty} trips are allowed."
        raise DomainError(words, code="count", fields={"affirmed_qty": words})
    if decision != "non_affirmed" and not (number.strip() or row.number):
        words = "Write the number that the payer gave."
        raise DomainError(words, code="no_number", fields={"number": words})
    if number.strip():
        _put(row, {"number": number})
    if decision != "non_affirmed":
        _check_overlap(row)
    row.affirmed_qty, row.decided_on = qty, decided_on or clock.now().date()
    _save(row)
    try:
        with transaction.atomic():
            transitions.authorization_to(row, decision, details={"qty": qty, "of": row.requested_qty})
    except IntegrityError as error:
        raise _overlaps(row) from error
    if decision != "non_affirmed":
        authorizations.fill_waiting(row.patient_id)
    return row


def resubmit(*, authorization_id: UUID) -> Authorization:
    """Ask again after a no: as often as needed."""
    row = _locked(authorization_id)
    if row.status == "requested":
        return row
    return transitions.authorization_to(row, "requested", reason="Asked again")


def ask_release(*, authorization_id: UUID) -> Authorization:
    """The supplier is asked to give the authorization up, so that another one can ask. It stays in force meanwhile."""
    row = _locked(authorization_id)
    if row.status == "release_asked":
        return row
    return transitions.authorization_to(row, "release_asked", reason="Another supplier is to drive")


def keep(*, authorization_id: UUID) -> Authorization:
    """The supplier keeps it after all."""
    row = _locked(authorization_id)
    back = "affirmed" if row.affirmed_qty >= row.requested_qty else "partially_affirmed"
    return row if row.status == back else transitions.authorization_to(row, back, reason="Not released")


def confirm_release(*, authorization_id: UUID) -> Authorization:
    """The supplier has released it: kept units are given back, and each of their rides is looked at again."""
    row = _locked(authorization_id)
    if row.status == "released":
        return row
    transitions.authorization_to(row, "released", reason="Released by its supplier")
    _look_after(row)
    return row


def withdraw(*, authorization_id: UUID, reason: str) -> Authorization:
    """Entered or asked for by mistake. Refused once a trip was used."""
    row = _locked(authorization_id)
    if row.status == "withdrawn":
        return row
    if len(reason.strip()) < 3:
        words = "Write why."
        raise DomainError(words, code="no_reason", fields={"reason": words})
    if AuthorizationUse.objects.filter(authorization=row, state="used").exists():
        raise DomainError("Trips were used already. Ask the supplier to release it instead.", code="used")
    transitions.authorization_to(row, "withdrawn", reason=reason.strip()[:200])
    _look_after(row)
    return row


def _look_after(row: Authorization) -> None:
    """Rides whose unit does not hold any more get another one, or somebody is told."""
    kept = AuthorizationUse.objects.filter(authorization=row, state="reserved").order_by("service_on", "pk")
    for request_id in list(kept.values_list("request_id", flat=True)):
        authorizations.follow(request_id)


def _put(row: Authorization, fields: dict[str, Any]) -> set[str]:
    problems: dict[str, str] = {}
    if "levels" in fields and (not fields["levels"] or set(fields["levels"]) - set(LEVELS)):
        problems["levels"] = "Choose the levels that it covers."
    for name in ("requested_qty", "affirmed_qty"):
        if name in fields and not (0 if name == "affirmed_qty" else 1) <= (fields[name] or 0) <= MOST_TRIPS:
            problems[name] = f"Write a number of one-way trips up to {MOST_TRIPS}."
    starts, ends = fields.get("starts_on", row.starts_on), fields.get("ends_on", row.ends_on)
    if starts and ends and ends < starts:
        problems["ends_on"] = "The last day is before the first."
    if problems:
        raise DomainError("Some answers need a change.", code="incomplete", fields=problems)
    changed = set()
    for name in FIELDS:
        if name not in fields:
            continue
        value = fields[name].strip() if isinstance(fields[name], str) else fields[name]
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed.add(name)
    if "number" in changed:
        plain = "".join(row.number.upper().split())
        row.number_token = crypto.blind(plain, tenant_id=row.tenant_id, kind="authorization") if plain else None
    return changed


def _save(row: Authorization) -> None:
    """Raises :class:`DomainError` when the number is known already or another authorization covers the same days."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if "requests_auth_number_once" in str(error):
            words = "An authorization with this number is entered already."
            raise DomainError(words, code="number_taken", fields={"number": words}) from error
        raise _overlaps(row) from error


def _check_overlap(row: Authorization) -> None:
    others = Authorization.objects.filter(patient_id=row.patient_id, status__in=Authorization.HOLDING)
    if others.exclude(pk=row.pk).filter(starts_on__lte=row.ends_on, ends_on__gte=row.starts_on).exists():
        raise _overlaps(row)


def _overlaps(row: Authorization) -> DomainError:
    others = Authorization.objects.filter(patient_id=row.patient_id, status__in=Authorization.HOLDING)
    other = others.exclude(pk=row.pk).filter(starts_on__lte=row.ends_on, ends_on__gte=row.starts_on).first()
    whose = f"{other.supplier_name} holds one until {other.ends_on:%m/%d/%Y}" if other else "Another one is in force"
    words = f"{whose}. Have it released first, or let this one start after it."
    return DomainError(words, code="overlap", fields={"starts_on": words})


def _locked(authorization_id: UUID) -> Authorization:
    rows = Authorization.objects.select_for_update(of=("self",)).select_related("patient")
    return rows.get(pk=authorization_id)


def _about(row: Authorization) -> dict[str, str]:
    return {"authorization_id": str(row.pk), "patient_id": str(row.patient_id), "status": row.status}
