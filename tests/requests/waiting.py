"""Rides that wait for an approval, as bookings leave them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from logistics.core import clock
from logistics.core.scoping import Scope
from logistics.requests.models import Encounter, Gate, PolicySet, ServiceRequest, TransportDetail
from logistics.requests.services import gates, policy_sets
from tests.cast import Cast
from tests.requests.ward import admit
from tests.support import act_as

FAR = {
    "kind": "distance", "limit": "50", "approver": "transport_coordinator", "escalation": "admin", "minutes": 30,
    "words": "Ask whether a nearer place will do.",
}  # fmt: skip


def as_role(cast: Cast, role: str, slug: str = "lakeshore") -> Scope:
    """The person of the cast in this role, as a request of theirs would be scoped."""
    person = cast.people[f"{role}@{slug}"]
    return Scope.staff(getattr(cast, slug).pk, user_id=person.user_id, actor_label=person.user.name, actor_role=role)


def policy(cast: Cast, *rules: dict[str, Any], slug: str = "lakeshore") -> PolicySet:
    """A version in force with these rules (one about distance when none are given)."""
    with act_as(as_role(cast, "admin", slug)):
        draft = policy_sets.start_draft()
        for stored in list(draft.rules):
            policy_sets.drop_rule(policy_id=draft.pk, key=stored["key"])
        for fields in rules or (FAR,):
            policy_sets.put_rule(policy_id=draft.pk, fields=fields)
        return policy_sets.publish(policy_id=draft.pk, note="As the transport committee decided")


def ride(cast: Cast, encounter: Encounter | None = None, *, slug: str = "lakeshore", **facts: Any) -> ServiceRequest:
    """A complete draft: 62 miles at $310 in a wheelchair van tomorrow at noon, unless told otherwise."""
    encounter = encounter or admit(cast, slug=slug)
    noon = clock.day_bounds(clock.today("America/Chicago") + dt.timedelta(days=1), "America/Chicago")[0]
    fields = {
        "when": "at", "pickup_at": noon + dt.timedelta(hours=12), "place": cast.places[f"willow@{slug}"],
        "destination_kind": "place", "destination_latitude": 43.0, "destination_longitude": -89.47,
        "destination_zone": "America/Chicago", "mobility": "wheelchair", "level": "WC", "level_advised": "WC",
        "miles": Decimal("62.0"), "minutes": 75,
    }  # fmt: skip
    amount, cost_center = facts.pop("amount", Decimal(310)), facts.pop("cost_center", "")
    with act_as(as_role(cast, "case_manager", slug)) as scope:
        request = ServiceRequest.objects.create(
            patient_id=encounter.patient_id, encounter=encounter, facility=encounter.facility, unit=encounter.unit,
            requested_by_id=scope.user_id, requested_by_name=scope.actor_label, estimated_amount=amount,
            cost_center=cost_center,
        )  # fmt: skip
        TransportDetail.objects.create(request=request, **{**fields, **facts})
    return request


def confirmed(
    cast: Cast, request: ServiceRequest, slug: str = "lakeshore", role: str = "case_manager"
) -> ServiceRequest:
    """The request after a person confirmed it."""
    with act_as(as_role(cast, role, slug)):
        return gates.confirm(ServiceRequest.objects.get(pk=request.pk), changes={"requested_at": clock.now()})


def gates_of(cast: Cast, request: ServiceRequest, slug: str = "lakeshore") -> list[Gate]:
    """Every gate of a request, oldest first."""
    with act_as(cast.staff(getattr(cast, slug))):
        return list(Gate.objects.filter(request=request).order_by("opened_at"))


def now_of(cast: Cast, request: ServiceRequest, slug: str = "lakeshore") -> ServiceRequest:
    """The request as it stands."""
    with act_as(cast.staff(getattr(cast, slug))):
        return ServiceRequest.objects.get(pk=request.pk)
