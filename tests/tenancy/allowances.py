"""A policy, a ride that waits for an approval, and a cost center in the world of two health systems."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from logistics.core import clock
from logistics.requests.models import Gate, Patient, ServiceRequest, TransportDetail
from logistics.requests.services import budgets, gates, policy_sets, protocols
from tests.cast import Cast
from tests.support import act_as

FAR = {"kind": "distance", "limit": "5000", "approver": "transport_coordinator", "escalation": "admin", "minutes": 600}
BRIEF = {"words": "Medicines reconciled", "who": "pharmacy", "hard": True, "offset_minutes": 120}


def one_of_each(cast: Cast, slug: str, *, canary: str) -> dict[str, Any]:
    """Ids by URL argument; no other ride of the world is asked about."""
    with act_as(cast.staff(getattr(cast, slug))):
        draft = policy_sets.start_draft()
        policy_sets.put_rule(policy_id=draft.pk, fields=FAR)
        policy_sets.publish(policy_id=draft.pk, note="As the committee decided")
        policy_sets.start_draft()
        unit = cast.units[f"4A@{slug}"]
        protocols.save(unit=unit, items=[BRIEF], seen_version=0)
        center = budgets.add_cost_center(code=f"4A-{slug[:3]}", name=f"{slug} transport", unit=unit)
        budgets.set_budget(cost_center_id=center.pk, month=clock.today("America/Chicago"), amount=Decimal(5000))
        patient = Patient.objects.create(
            family_name=f"{canary}lund", given_name=f"{canary}i", birth_date="1950-06-30", mrn=f"{canary}A1"
        )
        request = ServiceRequest.objects.create(
            patient=patient, facility=cast.facilities[slug], unit=unit, requested_by_name="Dana Morales",
            cost_center=center.code, estimated_amount=Decimal(9000),
        )  # fmt: skip
        TransportDetail.objects.create(
            request=request, when="at", pickup_at=clock.now() + dt.timedelta(days=9), mobility="wheelchair", level="WC",
            level_advised="WC", destination_kind="other", destination_latitude=43.0, destination_longitude=-89.4,
            destination_zone="America/Chicago", destination_address={"line": f"{canary} Way 8"}, miles=Decimal(6000),
        )  # fmt: skip
        gates.confirm(request, changes={"requested_at": clock.now()})
        return {
            "approval_id": Gate.objects.get(request=request, kind="approval").pk,
            "cost_center_id": center.pk,
        }
