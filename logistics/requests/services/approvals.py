"""Approvals: which rules of the policy ask about a request, who may answer, and what happens when nobody does.

The gate itself (open, answered, withdrawn) is kept by :mod:`gates`. Nothing lapses: an approval that nobody answered
in time goes to the next role, and when that does not answer either, the alert says so until somebody does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError, NotAllowed
from logistics.requests.approval_rules import KIND, may_answer, who_answers
from logistics.requests.models import Gate, ServiceRequest, TransportDetail
from logistics.requests.policy_rules import Facts, Hit, hits, read_all
from logistics.requests.services import alerts, budgets, gates, policy_sets
from logistics.requests.services.gates import Ask


def asks_for(request: ServiceRequest) -> list[Ask]:
    """The approvals that confirming this saved request needs. One that was granted on the same facts holds."""
    policy = policy_sets.in_force()
    if policy is None or not policy.rules:
        return []
    facts = facts_of(request, lock=True)
    asks = _asks(hits(read_all(policy.rules), facts), policy.version, facts)
    answered = Gate.objects.filter(request=request, kind=KIND, state="granted").values_list("rule", "params")
    granted = {(rule, _key_of(params)) for rule, params in answered}
    return [ask for ask in asks if (ask.rule, _key_of(ask.params)) not in granted]


def preview_asks(
    *,
    level: str = "",
    advised: str = "",
    miles: Decimal | None = None,
    amount: Decimal | None = None,
    pickup_at: dt.datetime | None = None,
    zone: str = "UTC",
    payer: str = "",
    cost_center: str = "",
    role: str | None = None,
    request_id: UUID | None = None,
) -> list[Ask]:
    """The approvals that a booking with these answers would need; writes and locks nothing.

    ``role`` is the booker's (the actor's when None), ``request_id`` the draft that must not be counted twice.
    """
    policy = policy_sets.in_force()
    if policy is None or not policy.rules:
        return []
    facts = Facts(
        level=level,
        advised=advised,
        miles=miles,
        amount=amount,
        pickup_at=pickup_at,
        zone=zone,
        payer=payer,
        cost_center=cost_center,
        over_budget=budgets.over_by(cost_center, amount=amount, at=pickup_at, zone=zone, apart_from=request_id),
        role=scoping.current().actor_role if role is None else role,
    )
    return _asks(hits(read_all(policy.rules), facts), policy.version, facts)


def facts_of(request: ServiceRequest, *, lock: bool = False) -> Facts:
    """What the rules look at, of a saved request. ``lock``: see :func:`budgets.over_by`."""
    detail = TransportDetail.objects.filter(request=request).first() or TransportDetail()
    pickup_at = detail.pickup_at or detail.ready_expected_at
    zone = request.facility.time_zone
    return Facts(
        level=detail.level,
        advised=detail.level_advised,
        miles=detail.miles,
        amount=request.estimated_amount,
        pickup_at=pickup_at,
        zone=zone,
        payer=detail.payer_name,
        cost_center=request.cost_center,
        over_budget=budgets.over_by(
            request.cost_center,
            amount=request.estimated_amount,
            at=pickup_at,
            zone=zone,
            apart_from=request.pk,
            lock=lock,
        ),
        role=request.requested_by_role or scoping.current().actor_role,
    )


def answer(*, gate_id: UUID, granted: bool, note: str = "") -> Gate:
    """Approve or deny as the actor. See :func:`gates.answer`; :class:`NotAllowed` says who may answer instead."""
    if not Gate.objects.filter(pk=gate_id, kind=KIND).exists():
        raise DomainError("This approval does not exist.", code="not_found")
    return gates.answer(gate_id=gate_id, granted=granted, note=note)


def check_actor(gate: Gate, request: ServiceRequest) -> None:
    """The guard of :func:`gates.answer`. Raises :class:`NotAllowed`."""
    scope = scoping.current()
    if may_answer(gate, request, user_id=scope.user_id, role=scope.actor_role):
        return
    if scope.user_id is not None and scope.user_id == request.requested_by_id:
        raise NotAllowed("You asked for this yourself. Somebody else answers; you can cancel it.", code="own_request")
    raise NotAllowed(f"{who_answers(gate)} answers this.", code="not_the_approver")


def escalate_due() -> int:
    """Hand on every approval whose time is over, for the scope's health system. Returns how many moved.

    First to the escalation role with the same time again; then an alert of the highest kind stays until somebody
    answers. A gate that is being answered right now is left to the next round.
    """
    due = Gate.objects.filter(kind=KIND, state="open", due_at__lte=clock.now()).exclude(params__has_key="overdue_told")
    return sum(_escalate(gate_id, request_id) for gate_id, request_id in due.values_list("pk", "request_id"))


def _escalate(gate_id: UUID, request_id: UUID) -> bool:
    # Request before gate, as an answer locks them.
    request = ServiceRequest.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=request_id).first()
    gate = Gate.objects.select_for_update(of=("self",)).filter(pk=gate_id, state="open").first() if request else None
    if request is None or gate is None or gate.due_at is None or gate.due_at > clock.now():
        return False
    late_since = gate.due_at
    first = gate.escalated_at is None
    if first:
        gate.params = {**gate.params, "first_role": gate.role}
        gate.role = str(gate.params.get("escalation") or gate.role)
        gate.escalated_at = clock.now()
        gate.due_at = clock.now() + dt.timedelta(minutes=int(gate.params.get("minutes") or 30))
    else:
        gate.params = {**gate.params, "overdue_told": True}
    gate.save(update_fields=["params", "role", "escalated_at", "due_at"])
    audit.record(
        action="gate.escalated" if first else "gate.overdue",
        target=gate,
        patient_id=request.patient_id,
        details={"rule": gate.rule, "role": gate.role},
    )
    outbox.publish("gate.escalated", gates.about(gate))
    alerts.raise_alert(
        "approval_escalated" if first else "approval_overdue",
        "warn" if first else "top",
        request=request,
        params={
            "role": who_answers(gate),
            "since": late_since.isoformat(),
            "until": gate.due_at.isoformat(),
            "zone": request.facility.time_zone,
        },
    )
    return True


def _asks(found: Iterable[Hit], version: int, facts: Facts) -> list[Ask]:
    return [
        Ask(
            kind=KIND,
            rule=f"{hit.rule.key}@{version}",
            reason=hit.reason,
            role=hit.rule.approver,
            minutes=hit.rule.minutes,
            params={
                "escalation": hit.rule.escalation,
                "minutes": hit.rule.minutes,
                "why": hit.why,
                "level": facts.level,
                "miles": None if facts.miles is None else str(facts.miles),
                "amount": None if facts.amount is None else str(facts.amount),
                "cost_center": facts.cost_center,
            },
        )
        for hit in found
    ]


def _key_of(params: dict[str, Any]) -> tuple[Any, ...]:
    """What an answer was given on: asked again with the same, it is the same question."""
    return tuple(params.get(name) for name in ("why", "level", "miles", "amount", "cost_center"))


gates.ASKERS.append(asks_for)
gates.GUARDS[KIND] = check_actor
