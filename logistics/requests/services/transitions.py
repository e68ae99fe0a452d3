"""The only module that gives a request, a stay, a standing order, a certification or an authorization a status."""

from __future__ import annotations

import datetime as dt
from typing import Any, Unpack

from logistics.core.machines import How, move
from logistics.requests import states
from logistics.requests.models import (
    Authorization,
    AuthorizationEvent,
    CertificationEvent,
    Discharge,
    DischargeEvent,
    Encounter,
    EncounterEvent,
    PhysicianCertification,
    RequestEvent,
    ServiceRequest,
    StandingOrder,
    StandingOrderEvent,
)

# A confirmed request is what dispatch waits for; every other move is named after the status it reaches.
REQUEST_TOPICS = {"requested": "request.ready", "draft": "request.drafted"}


def request_to(
    request: ServiceRequest,
    to: str,
    *,
    topic: str | None = None,
    **how: Unpack[How],
) -> ServiceRequest:
    """Move a service request. Publishes ``request.ready`` or ``request.<status>``, or ``topic`` when given
    (a ride confirmed by its discharge, but not yet complete enough for dispatch).

    Raises ``IllegalMove`` or ``StaleState`` (``core.machines.move``).
    """
    return move(
        request,
        to,
        machine=states.REQUEST,
        event_model=RequestEvent,
        event_field="request",
        topic=topic or REQUEST_TOPICS.get(to, f"request.{to}"),
        payload={"unit_id": str(request.unit_id or ""), "encounter_id": str(request.encounter_id or "")},
        **how,
    )


def hold(request: ServiceRequest, *, reason: str, source: str = "user", details: dict[str, Any] | None = None) -> None:
    """Stop a request until a person decides; remembers where it came from."""
    request_to(
        request,
        "held",
        source=source,
        reason=reason,
        changes={"held_from": request.status, "hold_reason": reason[:60]},
        details=details,
    )


def resume(request: ServiceRequest, *, to: str | None = None, source: str = "user", reason: str = "") -> None:
    """Let a held request go on where it was (or at ``to``)."""
    request_to(
        request,
        to or request.held_from or "draft",
        source=source,
        reason=reason,
        changes={"held_from": "", "hold_reason": ""},
    )


def encounter_to(
    encounter: Encounter,
    to: str,
    *,
    at: dt.datetime,
    source: str = "ehr",
    reason: str = "",
    changes: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
) -> Encounter:
    """Move an encounter. Publishes ``encounter.<status>`` (``encounter.reopened`` when it comes back)."""
    reopened = encounter.status in ("discharged", "canceled") and to == "in_house"
    return move(
        encounter,
        to,
        machine=states.ENCOUNTER,
        event_model=EncounterEvent,
        event_field="encounter",
        topic="encounter.reopened" if reopened else f"encounter.{to}",
        source=source,
        reason=reason,
        at=at,
        changes=changes,
        details=details,
        payload={"unit_id": str(encounter.unit_id or "")},
    )


def discharge_to(
    discharge: Discharge,
    to: str,
    *,
    at: dt.datetime,
    source: str = "ehr",
    reason: str = "",
    changes: dict[str, Any] | None = None,
) -> Discharge:
    """Move a discharge. Publishes ``discharge.<status>``."""
    return move(
        discharge,
        to,
        machine=states.DISCHARGE,
        event_model=DischargeEvent,
        event_field="discharge",
        topic=f"discharge.{to}",
        source=source,
        reason=reason,
        at=at,
        changes=changes,
        payload={"encounter_id": str(discharge.encounter_id)},
    )


def standing_order_to(
    order: StandingOrder,
    to: str,
    **how: Unpack[How],
) -> StandingOrder:
    """Move a standing order. Publishes ``standing_order.<status>``."""
    return move(
        order,
        to,
        machine=states.STANDING_ORDER,
        event_model=StandingOrderEvent,
        event_field="order",
        topic=f"standing_order.{to}",
        payload={"patient_id": str(order.patient_id)},
        **how,
    )


def certification_to(
    certification: PhysicianCertification,
    to: str,
    **how: Unpack[How],
) -> PhysicianCertification:
    """Move a certification. Publishes ``certification.<status>``."""
    return move(
        certification,
        to,
        machine=states.CERTIFICATION,
        event_model=CertificationEvent,
        event_field="certification",
        topic=f"certification.{to}",
        payload={"patient_id": str(certification.patient_id), "request_id": str(certification.request_id or "")},
        **how,
    )


def authorization_to(
    authorization: Authorization,
    to: str,
    **how: Unpack[How],
) -> Authorization:
    """Move an authorization. Publishes ``authorization.<status>``."""
    return move(
        authorization,
        to,
        machine=states.AUTHORIZATION,
        event_model=AuthorizationEvent,
        event_field="authorization",
        topic=f"authorization.{to}",
        payload={"patient_id": str(authorization.patient_id)},
        **how,
    )
