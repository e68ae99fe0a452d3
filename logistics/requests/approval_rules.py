"""Who may answer an approval, and how that is said. Pure: it reads a gate and its request, and no more."""

from __future__ import annotations

from uuid import UUID

from logistics.accounts.roles import ROLES
from logistics.core import clock
from logistics.requests.models import Gate, ServiceRequest

KIND = "approval"


def roles_of(gate: Gate) -> tuple[str, ...]:
    """Roles that may answer: the one that is asked, and after an escalation the one that was asked first too."""
    return tuple(dict.fromkeys(role for role in (gate.role, str(gate.params.get("first_role", ""))) if role))


def may_answer(gate: Gate, request: ServiceRequest, *, user_id: UUID | None, role: str) -> bool:
    """Whether a person in this role may answer; nobody answers for what they asked for themselves."""
    return (
        user_id is not None
        and user_id != request.requested_by_id
        and role in roles_of(gate)
        and role in ROLES
        and "approvals.answer" in ROLES[role].permissions
    )


def who_answers(gate: Gate) -> str:
    """``Administrator or Transport coordinator``."""
    return " or ".join(ROLES[role].label for role in roles_of(gate) if role in ROLES) or "Nobody"


def waiting_words(gate: Gate, zone: str) -> str:
    """``Waits for approval by Transport coordinator until 14:20 CST``; a passed time says since when."""
    if gate.kind != KIND:
        return gate.reason
    words = f"Waits for approval by {who_answers(gate)}"
    if gate.due_at is None:
        return words
    local = clock.local(gate.due_at, zone)
    return f"{words} {'until' if gate.due_at > clock.now() else 'since'} {local:%H:%M} {local:%Z}"
