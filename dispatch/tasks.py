"""Work of dispatch that runs beside the pages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import connection, transaction

from dispatch.models import EquipmentOrder, Trip
from dispatch.services import assignment, bundles, matching, offers, proposals, ready, returns, runs, trips
from dispatch.services.equipment import orders, reserving, suppliers
from dispatch.services.home_health import following, referrals
from logistics.accounts.models import Organization
from logistics.core import clock, scoping
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope
from logistics.core.tasks import ScopedTask

logger = logging.getLogger(__name__)
TICK_LOCK = 7273


@shared_task(base=ScopedTask, name="dispatch.tasks.match")
def match() -> int:
    """Match every waiting trip of the health system that the message names. Returns how many were decided."""
    return len(matching.match())


@shared_task(base=ScopedTask, name="dispatch.tasks.release_run")
def release_run(commitment_ids: list[str]) -> int:
    """Free the vehicles and crews of ended runs (vendor scope). Returns how many commitments changed."""
    return runs.free_commitments([UUID(pk) for pk in commitment_ids])


@shared_task(base=ScopedTask, name="dispatch.tasks.release_stock")
def release_stock(order_ids: list[str]) -> int:
    """Free what is reserved for orders that ended (vendor scope). Returns how many pieces."""
    return reserving.release_gone([UUID(pk) for pk in order_ids])


@shared_task(base=ScopedTask, name="dispatch.tasks.mark_due_back")
def mark_due_back() -> int:
    """Mark the pieces that pickups fetch (vendor scope). Returns how many changed."""
    return reserving.mark_due_back()


@shared_task(base=ScopedTask, name="dispatch.tasks.reserve_stock")
def reserve_stock(order_ids: list[str]) -> int:
    """Reserve for orders that want something else now (vendor scope). Returns how many are complete."""
    return sum(reserving.allocate(UUID(pk)).status == "allocated" for pk in order_ids)


@shared_task(base=ScopedTask, name="dispatch.tasks.assign_again")
def assign_again(trip_id: str, vehicle_id: str, crew_ids: list[str], commitment_ids: list[str]) -> bool:
    """Put the vehicle and crew of before on a trip that changed (vendor scope). False where they cannot: the trip is
    then in the dispatcher's list of trips without a crew."""
    runs.free_commitments([UUID(pk) for pk in commitment_ids])
    try:
        assignment.assign(UUID(trip_id), UUID(vehicle_id), [UUID(pk) for pk in crew_ids], source="engine")
    except DomainError:
        return False
    return True


@shared_task(base=ScopedTask, opens_own_scope=True, name="dispatch.tasks.tick")
def tick() -> dict[str, int]:
    """Beat, every few seconds: let clocks run out, for each organization in a transaction of its own.

    Expires offers, asks the next vendor, matches what waits, ends holds, frees forgotten vehicles. Returns counts. One
    organization's failure is logged and does not stop the others.
    """
    done: dict[str, int] = {}
    with transaction.atomic(), scoping.enter(Scope.system(actor_label="tick")):
        found = list(
            Organization.objects.filter(kind__in=["health_system", "vendor"], is_active=True)
            .order_by("pk")
            .values_list("pk", "kind")
        )
    for organization_id, kind in found:
        if kind == "health_system":
            _step(Scope.staff(organization_id, actor_label="tick"), _tick_tenant, done)
        else:
            _step(Scope.vendor(organization_id, actor_label="tick"), _tick_vendor, done)
    return done


def _step(scope: Scope, work: Callable[[], dict[str, int]], done: dict[str, int]) -> None:
    try:
        with transaction.atomic(), scoping.enter(scope):
            if not _mine(scope):
                return
            for name, count in work().items():
                done[name] = done.get(name, 0) + count
    except Exception as error:
        logger.exception(
            "tick failed", extra={"organization": str(scope.organization_id), "error": type(error).__name__}
        )


def _mine(scope: Scope) -> bool:
    """Whether no other tick works for this organization now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [TICK_LOCK, str(scope.organization_id)])
        return bool(cursor.fetchone()[0])


def _tick_tenant() -> dict[str, int]:
    counts: dict[str, Any] = {"expired": offers.expire_due(), "holds_ended": trips.end_holds()}
    stuck = Trip.objects.filter(status="offering").exclude(offers__status="open").values_list("pk", flat=True)
    counts["sent"] = sum(offers.send_next(trip_id) is not None for trip_id in list(stuck))
    waiting = Trip.objects.filter(status="matching").exists()
    counts["matched"] = len(matching.match()) if waiting else 0
    counts["regrouped"] = bundles.regroup_all()
    counts["changes_lapsed"] = proposals.lapse_due()
    counts["will_calls_told"] = ready.escalate()
    counts["returns_told"] = returns.escalate()
    counts["referrals_expired"] = referrals.expire_due()
    counts["late_care"] = following.watch()
    counts["equipment_expired"] = suppliers.expire_due()
    open_orders = EquipmentOrder.objects.filter(status__in=["ordered", "offered"]).exclude(offers__status="open")
    counts["equipment_sent"] = sum(_ask_supplier(order) for order in list(open_orders))
    counts["equipment_late"] = orders.watch(clock.now())
    return counts


def _ask_supplier(order: EquipmentOrder) -> bool:
    ask = suppliers.start if order.status == "ordered" else suppliers.send_next
    return ask(order.pk) is not None


def _tick_vendor() -> dict[str, int]:
    counts = {"freed": runs.free_forgotten()}
    counts["stock_released"] = reserving.release_gone()
    counts["stock_reserved"] = reserving.reserve_waiting()
    counts["stock_due_back"] = reserving.mark_due_back()
    return counts
