"""The plan of a discharge: its services, what must be there before what, and who sees to which step."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from logistics.accounts.models import Membership
from logistics.core import audit, clock, outbox, scoping
from logistics.core.errors import DomainError
from logistics.requests import plan_rules
from logistics.requests.models import (
    Discharge,
    EquipmentLine,
    MilestoneOwner,
    PlanEdge,
    ServiceRequest,
    TransportDetail,
)
from logistics.requests.services import protocols, transitions

GONE = ("canceled",)


def services_of(discharge: Discharge) -> QuerySet[ServiceRequest]:
    """The requests of the stay, canceled ones apart, in the order in which they were asked for."""
    mine = ServiceRequest.objects.filter(encounter_id=discharge.encounter_id).exclude(status__in=GONE)
    return mine.order_by("created_at", "pk")


def lay(discharge: Discharge) -> int:
    """Add the edges that the rule asks for: oxygen, beds and breathing aids at home before the ride home.

    Edges that a person took out are not made again. Returns how many were added. Repeatable.
    """
    requests = list(services_of(discharge))
    homewards = set(
        TransportDetail.objects.filter(
            request__in=[one for one in requests if one.kind == "transport"], destination_kind="home"
        ).values_list("request_id", flat=True)
    )
    lines = EquipmentLine.objects.filter(
        request__in=[one for one in requests if one.kind == "dme"],
        request__equipment_rows__where="home",
        item__category__in=plan_rules.FIRST,
    ).select_related("item")
    firsts: dict[UUID, str] = {}
    for line in lines:
        firsts.setdefault(line.request_id, line.item.name)
    known = set(PlanEdge.objects.filter(discharge=discharge).values_list("before_id", "after_id"))
    wanted = [(before, after) for before in firsts for after in homewards if (before, after) not in known]
    for before, after in wanted:
        PlanEdge.objects.get_or_create(
            before_id=before,
            after_id=after,
            defaults={
                "discharge": discharge,
                "source": "rule",
                "reason": f"{firsts[before]} at home first"[:120],
            },
        )
    if wanted:
        audit.record(action="plan.laid", target=discharge, details={"edges": len(wanted)})
        outbox.publish("plan.changed", {"discharge_id": str(discharge.pk)})
    return len(wanted)


def add_edge(*, discharge_id: UUID, before_id: UUID, after_id: UUID) -> PlanEdge:
    """A person says that one service must be there before another. Repeatable.

    Raises :class:`DomainError` for services of another stay and for a circle.
    """
    discharge = _locked(discharge_id)
    mine = {one.pk: one for one in services_of(discharge)}
    if before_id not in mine or after_id not in mine:
        raise DomainError("Choose two services of this discharge.", code="not_here", fields={"before": "Choose one."})
    live = PlanEdge.objects.filter(discharge=discharge, removed_at__isnull=True)
    others = [pair for pair in live.values_list("before_id", "after_id") if pair != (before_id, after_id)]
    if plan_rules.makes_circle(others, before_id, after_id):
        words = "These two would wait for each other. Take the other edge out first."
        raise DomainError(words, code="circle", fields={"before": words})
    scope = scoping.current()
    values = {
        "source": "person",
        "reason": "Set by a person",
        "added_by_name": scope.actor_label,
        "removed_at": None,
        "removed_by_name": "",
    }
    edge, made = PlanEdge.objects.get_or_create(
        before_id=before_id, after_id=after_id, defaults={"discharge": discharge, **values}
    )
    if not made and edge.removed_at is not None:
        for name, value in values.items():
            setattr(edge, name, value)
        edge.save()
    audit.record(action="plan.edge_added", target=edge)
    outbox.publish("plan.changed", {"discharge_id": str(discharge.pk)})
    return edge


def remove_edge(*, edge_id: UUID) -> PlanEdge:
    """A person says that the order does not matter. The rule does not bring the edge back."""
    edge = PlanEdge.objects.select_for_update(of=("self",)).filter(pk=edge_id).first()
    if edge is None:
        raise DomainError("This order is not in the plan.", code="not_found")
    if edge.removed_at is None:
        edge.removed_at, edge.removed_by_name = clock.now(), scoping.current().actor_label
        edge.save(update_fields=["removed_at", "removed_by_name"])
        audit.record(action="plan.edge_removed", target=edge)
        outbox.publish("plan.changed", {"discharge_id": str(edge.discharge_id)})
    return edge


def set_owner(*, discharge_id: UUID, key: str, membership: Membership) -> MilestoneOwner:
    """Give a milestone to a colleague. Raises :class:`DomainError` for an unknown milestone."""
    if key not in plan_rules.MILESTONES:
        raise DomainError("Choose a milestone of the plan.", code="milestone")
    discharge = _locked(discharge_id)
    owner, _ = MilestoneOwner.objects.update_or_create(
        discharge=discharge, key=key, defaults={"user_id": membership.user_id, "name": membership.user.name}
    )
    audit.record(action="plan.owner_set", target=discharge, details={"milestone": key})
    outbox.publish("plan.changed", {"discharge_id": str(discharge.pk)})
    return owner


def say_ready(*, discharge_id: UUID, reason: str = "") -> Discharge:
    """The unit says that the patient is ready. Hard items of its list must be done, or a ``reason`` says why not.

    Idempotent. Raises :class:`DomainError` (``hard_items``) naming what is open.
    """
    discharge = _locked(discharge_id)
    if discharge.status == "ready":
        return discharge
    open_items = protocols.hard_open(discharge)
    if open_items and len(reason.strip()) < 5:
        names = ", ".join(item.words for item in open_items)
        raise DomainError(
            f"Still to do: {names}. Tick it off, or write why the patient goes without.",
            code="hard_items",
            fields={"reason": "Write why the patient goes without."},
        )
    moved = transitions.discharge_to(discharge, "ready", at=clock.now(), source="user", reason=reason.strip()[:200])
    if open_items:
        audit.record(
            action="plan.ready_without",
            target=discharge,
            reason=reason.strip(),
            details={"items": [item.key for item in open_items]},
        )
    return moved


def _locked(discharge_id: UUID) -> Discharge:
    found = Discharge.objects.select_for_update(of=("self",)).filter(pk=discharge_id).first()
    if found is None:
        raise DomainError("This discharge does not exist.", code="not_found")
    return found
