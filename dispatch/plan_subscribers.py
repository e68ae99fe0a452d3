"""What the plan of a discharge does when a service of it moved."""

from __future__ import annotations

from uuid import UUID

from dispatch.services import retimes
from logistics.core.outbox import Event, subscribe
from logistics.requests.models import Discharge, ServiceRequest
from logistics.requests.services import plan


@subscribe("request.ready", "request.drafted", "request.changed", "equipment.opened")
def lay_plan(event: Event) -> None:
    """A service was asked for: the rule says what must be there before it."""
    request = ServiceRequest.objects.filter(pk=UUID(event.payload["request_id"])).first()
    if request is None or request.encounter_id is None:
        return
    discharge = Discharge.objects.filter(encounter_id=request.encounter_id).first()
    if discharge is not None:
        plan.lay(discharge)
        retimes.look(request.pk)


@subscribe(
    "equipment.slipped", "equipment.delivered", "equipment.canceled", "equipment.scheduled", "home_health.accepted",
    "home_health.soc_completed", "request.canceled",
)  # fmt: skip
def look_at_rides(event: Event) -> None:
    """Something that a ride may wait for comes at another time, came, or will not come."""
    if event.payload.get("request_id"):
        retimes.look(UUID(event.payload["request_id"]))
