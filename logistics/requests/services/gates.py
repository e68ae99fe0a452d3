"""What must be granted before a confirmed request goes to a vendor, and what the answer does.

A gate never loses a request: while one is open the request is ``pending``, a denial brings it back as a draft with
the reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests.models import Gate, ServiceRequest
from logistics.requests.services import alerts, transitions


@dataclass(frozen=True)
class Ask:
    """One gate to open: see :class:`Gate` for the meaning of each field. ``minutes`` is the time for an answer."""

    kind: str
    rule: str
    reason: str
    role: str = ""
    minutes: int | None = None
    params: dict[str, Any] = field(default_factory=dict)


# Who may ask for a gate when a request is confirmed: each looks at the saved request and answers with what it needs.
# They run in the confirming transaction, so that one may take what is scarce (an authorized unit) instead of asking.
Asker = Callable[[ServiceRequest], Iterable[Ask]]
ASKERS: list[Asker] = []
# Kind of gate → who checks that the actor may answer it (raises ``NotAllowed``); no entry: the view's permission does.
GUARDS: dict[str, Callable[[Gate, ServiceRequest], None]] = {}


def asks_of(request: ServiceRequest) -> list[Ask]:
    """The gates that confirming this request (with its details saved) would open."""
    return [ask for asker in ASKERS for ask in asker(request)]


def confirm(
    request: ServiceRequest,
    *,
    changes: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
    source: str = "user",
    reason: str = "",
    at: dt.datetime | None = None,
) -> ServiceRequest:
    """Move a draft on: to ``requested`` when nothing must be granted first, else to ``pending`` with its gates open.

    A request that its discharge confirmed before it was complete is ``requested`` already: it goes to ``pending`` when
    something must be granted, else it stays (the caller hands it to dispatch).
    """
    changes = dict(changes or {})
    if source == "user":
        changes["requested_by_role"] = scoping.current().actor_role[:40]
    # What is asked depends on what the booking sets: who asked, the price, who pays.
    for name, value in changes.items():
        setattr(request, name, value)
    asks = asks_of(request)
    if not asks:
        if request.status == "requested":
            if changes:
                ServiceRequest.objects.filter(pk=request.pk).update(**changes)
            return request
        return transitions.request_to(
            request, "requested", source=source, reason=reason, at=at, changes=changes, details=details
        )
    moved = transitions.request_to(
        request,
        "pending",
        source=source,
        reason=reason,
        at=at,
        changes=changes,
        details={**(details or {}), "gates": [ask.rule for ask in asks]},
    )
    for ask in asks:
        open_gate(moved, ask)
    return moved


def open_gate(request: ServiceRequest, ask: Ask) -> Gate:
    """Open one gate; the one that is open already for the same rule when there is one. Publishes ``gate.opened``."""
    due_at = clock.now() + dt.timedelta(minutes=ask.minutes) if ask.minutes else None
    gate, made = Gate.objects.get_or_create(
        request=request,
        kind=ask.kind,
        rule=ask.rule,
        state="open",
        defaults={"reason": ask.reason[:300], "role": ask.role, "due_at": due_at, "params": ask.params},
    )
    if made:
        audit.record(action="gate.opened", target=gate, patient_id=request.patient_id, details={"rule": ask.rule})
        outbox.publish("gate.opened", about(gate))
    return gate


def ask_again(request: ServiceRequest) -> bool:
    """A request came back to ``pending`` (a hold ended): open what it needs now, or send it on when that is nothing.

    Returns whether it went.
    """
    if request.status != "pending":
        return False
    for ask in asks_of(request):
        open_gate(request, ask)
    return send_on(request)


def withdraw(request: ServiceRequest, *, note: str = "") -> int:
    """Nobody needs to answer any more: close every open gate of this request. Returns how many."""
    found = list(Gate.objects.select_for_update(of=("self",)).filter(request=request, state="open").order_by("pk"))
    for gate in found:
        gate.state, gate.answered_at, gate.answer_note = "withdrawn", clock.now(), note[:300]
        gate.save()
        audit.record(action="gate.withdrawn", target=gate, patient_id=request.patient_id, details={"rule": gate.rule})
        outbox.publish("gate.withdrawn", about(gate))
    return len(found)


def answer(*, gate_id: UUID, granted: bool, note: str = "") -> Gate:
    """Grant or deny. The last grant sends the request on (``request.ready``); a denial brings it back as a draft.

    Answered twice the same way it changes nothing; the other way it raises :class:`DomainError`.
    """
    found = Gate.objects.filter(pk=gate_id).first()
    if found is None:
        raise DomainError("This approval does not exist.", code="not_found")
    request = ServiceRequest.objects.select_for_update(of=("self",)).get(pk=found.request_id)
    gate = Gate.objects.select_for_update(of=("self",)).get(pk=gate_id)
    if gate.kind in GUARDS:
        GUARDS[gate.kind](gate, request)
    wanted = "granted" if granted else "denied"
    if gate.state == wanted:
        return gate
    if gate.state == "withdrawn":
        raise DomainError("This is not needed any more: the request was held, canceled or denied.", code="answered")
    if gate.state != "open":
        raise DomainError(
            f"{gate.answered_by_name or 'Somebody'} already answered: {gate.get_state_display().lower()}.",
            code="answered",
        )
    if not granted and len(note.strip()) < 3:
        raise DomainError("Write why.", code="no_reason", fields={"note": "Write why it is denied: they will read it."})
    scope = scoping.current()
    gate.state, gate.answered_at, gate.answer_note = wanted, clock.now(), note.strip()[:300]
    gate.answered_by_id, gate.answered_by_name = scope.user_id, scope.actor_label
    gate.save()
    audit.record(action=f"gate.{wanted}", target=gate, patient_id=request.patient_id, details={"rule": gate.rule})
    outbox.publish(f"gate.{wanted}", about(gate))
    if not granted and request.status == "pending":
        withdraw(request, note="Another approval was denied")
        transitions.request_to(request, "draft", reason=f"Denied: {gate.answer_note}"[:300])
        alerts.raise_alert("approval_denied", "warn", request=request, params={"rule": gate.rule})
    elif granted:
        send_on(request)
    return gate


def send_on(request: ServiceRequest) -> bool:
    """Send a pending request to dispatch when no gate is open any more. Returns whether it went."""
    if request.status != "pending" or Gate.objects.filter(request=request, state="open").exists():
        return False
    transitions.request_to(request, "requested", source="gate", reason="Everything is granted")
    return True


def about(gate: Gate) -> dict[str, str]:
    """What events say of a gate."""
    return {"gate_id": str(gate.pk), "request_id": str(gate.request_id), "kind": gate.kind, "rule": gate.rule}
