"""The demo's approval policy, budgets and protocols, with one approval that waits and one that was denied."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction

from logistics.accounts import demo
from logistics.accounts.models import Organization, Unit, User
from logistics.config.demo import build
from logistics.config.demo.days import confirm, settle
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import Encounter, Gate, ServiceRequest
from logistics.requests.selectors.spending import next_month
from logistics.requests.services import approvals, booking, budgets, handoff, places, policy_sets, protocols

TENANT = "cedar-ridge"
# Code, name, unit, owner, monthly budget in USD.
CENTERS = (
    ("6010", "4 West transport", "4W", "Marit Solheim", "900"),
    ("6020", "4 East transport", "4E", "Jonas Whitaker", "1600"),
)
PROTOCOL: tuple[dict[str, Any], ...] = (
    {"words": "Family or facility told the time", "who": "case_manager", "hard": False, "offset_minutes": 240},
    {"words": "Medicines reconciled and explained", "who": "pharmacy", "hard": True, "offset_minutes": 120},
    {"words": "Lines out, dressing checked", "who": "nurse", "hard": True, "offset_minutes": 60},
    {"words": "Belongings packed, papers in the bag", "who": "nurse", "hard": False, "offset_minutes": 30},
)
ANSWERED_BY = {"approver": "transport_coordinator", "escalation": "admin", "minutes": 45}
RULES: tuple[dict[str, Any], ...] = (
    {
        **ANSWERED_BY,
        "kind": "level",
        "levels": ["ALS", "CCT"],
        "words": "A paramedic crew is scarce: does a nurse's note support it?",
    },
    {**ANSWERED_BY, "kind": "distance", "limit": "60", "words": "Ask whether a nearer place will do."},
    {
        **ANSWERED_BY,
        "kind": "cost",
        "limit": "900",
        "approver": "payables",
        "words": "Compare with the next level down.",
    },
    {**ANSWERED_BY, "kind": "payer", "payers": ["Facility pays"], "approver": "payables", "words": "Which account?"},
    {**ANSWERED_BY, "kind": "budget", "approver": "payables", "words": "Can it wait until next month?"},
)


def supply(made: dict[str, Organization]) -> None:
    """Cost centers with budgets for this and the next month, and the protocol of 4 West."""
    with transaction.atomic(), scoping.enter(_scope(made, "payables")):
        units = {unit.code: unit for unit in Unit.objects.select_related("facility")}
        today = clock.today(made[TENANT].time_zone)
        for code, name, unit, owner, amount in CENTERS:
            center = budgets.add_cost_center(code=code, name=name, unit=units[unit], owner_name=owner)
            for month in (today, next_month(today.replace(day=1))):
                budgets.set_budget(cost_center_id=center.pk, month=month, amount=Decimal(amount))
    with transaction.atomic(), scoping.enter(_scope(made, "admin")):
        protocols.save(unit=units["4W"], items=PROTOCOL, seen_version=0)
        own = [item.__dict__ for item in handoff.built_in("ALS").items]
        own.append(
            {"section": "assessment", "words": "Pacing wires secured", "kind": "done", "hard": False, "need": ""}
        )
        handoff.save_template(level="ALS", items=own, seen_version=0)


def live(made: dict[str, Organization]) -> None:
    """The policy in force, a draft that would ask at night too, and two rides with a paramedic that it asks about."""
    with transaction.atomic(), scoping.enter(_scope(made, "admin")):
        first = policy_sets.start_draft()
        for rule in RULES:
            policy_sets.put_rule(policy_id=first.pk, fields=rule)
        policy_sets.publish(policy_id=first.pk, note="Transport committee of this month, all units")
        draft = policy_sets.start_draft()
        policy_sets.put_rule(
            policy_id=draft.pk,
            fields={**ANSWERED_BY, "kind": "hours", "start": "07:00", "end": "18:00", "weekend": True},
        )
        policy_sets.put_rule(policy_id=draft.pk, fields={**RULES[1], "limit": "20"}, key="distance-1")
    booker = _scope(made, "case_manager")
    with transaction.atomic(), scoping.enter(booker):
        busy = ServiceRequest.objects.exclude(status__in=["completed", "canceled"]).values("patient_id")
        stays = Encounter.objects.filter(status="in_house", bed__isnull=False, unit__code__in=["4W", "4E"])
        free = list(stays.exclude(patient_id__in=busy).select_related("patient").order_by("pk")[:2])
        booked = [_book(stay, hours) for stay, hours in zip(free, (3, 5), strict=False)]
    settle()
    if len(booked) == 2:
        with transaction.atomic(), scoping.enter(_scope(made, "transport_coordinator")):
            gate = Gate.objects.filter(request=booked[1], kind="approval", state="open").first()
            if gate is not None:
                approvals.answer(gate_id=gate.pk, granted=False, note="The monitor order ended this morning: book BLS")
        settle()


def _book(stay: Encounter, hours: int) -> ServiceRequest:
    """A monitored ride to the heart institute, which the policy asks about."""
    key = f"demo-monitored-{stay.pk.hex[:16]}"
    draft = booking.start_draft(patient=stay.patient, key=key)
    fields = {
        **booking.chart_defaults(stay.patient, stay),
        "when": "at",
        "pickup_at": (clock.now() + dt.timedelta(hours=hours)).replace(minute=30, second=0, microsecond=0),
        "mobility": "lies",
        "needs": ["monitor", "iv"],
        "oxygen_lpm": None,
        "destination": places.resolve(value="", text="University Heart Institute", patient=stay.patient),
        "companions": 0,
    }
    return confirm(draft, fields, key=key)


def _scope(made: dict[str, Organization], role: str) -> Scope:
    """The demo person of this role at the hospital."""
    person = next(each for each in demo.PEOPLE if each.organization == TENANT and each.role == role)
    with transaction.atomic(), scoping.enter(build.PLATFORM):
        user = User.objects.get(email=person.email)
    return Scope.staff(made[TENANT].pk, user_id=user.pk, actor_label=person.name, actor_role=role)
