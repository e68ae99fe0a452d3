"""The blind keys by which a message finds its stay and its place in the line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from integrations.hl7v2.adt import AdtEvent, Identifier
from logistics.core import crypto
from logistics.requests.services.encounters import visit_token


def visit_of(event: AdtEvent) -> Identifier | None:
    """PV1-19, else PID-18 (rule R7)."""
    if event.visit is not None:
        return event.visit
    return event.account if isinstance(event.account, Identifier) else None


def authority_of(one: Identifier, event: AdtEvent) -> str:
    """Who gave the number out; a bare number belongs to the sending facility."""
    return one.authority or event.sending_facility or ""


def token_of_visit(event: AdtEvent, tenant_id: UUID | Any) -> bytes | None:
    """The key of the event's visit, or None without a visit number."""
    visit = visit_of(event)
    if visit is None:
        return None
    return visit_token(visit.number, authority_of(visit, event), tenant_id=tenant_id)


def line_token(event: AdtEvent, tenant_id: UUID | Any) -> bytes | None:
    """What puts a message in line: its visit, else its patient; None for a message without either."""
    token = token_of_visit(event, tenant_id)
    if token is None and event.patient is not None:
        number = f"{authority_of(event.patient, event).upper()}|{event.patient.number.upper()}"
        token = crypto.blind(number, tenant_id=tenant_id, kind="patient-line")
    return token
