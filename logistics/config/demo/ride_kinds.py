"""The demo's rides that are not one way: a round trip on call, a vehicle that waits, an arrival in another zone, a
transfer that waits for its receiving hospital."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from dispatch.services import itinerary, preview_rows
from logistics.accounts.models import Membership, Organization
from logistics.config.demo import build
from logistics.config.demo.days import settle
from logistics.core import clock, scoping
from logistics.core.scoping import Scope
from logistics.requests.models import Encounter, ServiceRequest
from logistics.requests.services import booking, budgets, journeys, places
from logistics.requests.services.booking import Choice
from logistics.requests.services.journeys import ONE_WAY, Onward, Plan

HOUR = dt.timedelta(hours=1)
# Planned rides are paid by the office that plans them, not by the ward.
CENTER = ("6100", "Patient flow office")


def live(made: dict[str, Organization], *, booker: str) -> int:
    """Book one of each for patients of Cedar Ridge who have no ride. Returns how many rides were made."""
    tenant = made["cedar-ridge"]
    staff = build.staff_scope(tenant)
    with transaction.atomic(), scoping.enter(staff):
        budgets.add_cost_center(code=CENTER[0], name=CENTER[1], owner_name=booker)
        user = Membership.objects.select_related("user").get(user__name=booker, organization=tenant).user
        riding = ServiceRequest.objects.filter(encounter=OuterRef("pk"), kind="transport")
        staying = Encounter.objects.filter(~Exists(riding), status="in_house")
        staying = staying.select_related("patient", "unit__facility", "bed")
        # Dana's own wards first: there her board shows them.
        beds = sorted(staying, key=lambda stay: (getattr(stay.unit, "code", "") not in ("4W", "4E"), stay.pk))[:4]
    scope = Scope.staff(tenant.pk, user_id=user.pk, actor_label=user.name, actor_role="case_manager")
    soon = (clock.now() + 2 * HOUR).replace(minute=0, second=0, microsecond=0)
    count = 0
    for encounter, (place, plan, answers) in zip(beds, _bookings(soon, user.pk, user.name), strict=False):
        with transaction.atomic(), scoping.enter(scope):
            count += _book(encounter, place, plan, answers)
    settle()
    return count


def _bookings(soon: dt.datetime, owner_id: Any, owner_name: str) -> list[tuple[str, Plan, dict[str, Any]]]:
    """Where to, which rides, and what is answered."""
    call = Onward(
        "return", "return", when="ready", expected_at=soon + 5 * HOUR, owner_id=owner_id, owner_name=owner_name
    )
    waits = Onward("return", "return", when="at", dwell_minutes=40)
    return [
        (
            "Bayview Dialysis Center",
            Plan("round_trip", (call,), same_vendor=True),
            {"when": "arrive", "arrive_by_at": soon + HOUR, "purpose": "dialysis", "mobility": "wheelchair"},
        ),
        (
            "Bayview Rehabilitation",
            Plan("wait_return", (waits,), True, 40),
            {"when": "at", "pickup_at": soon + 2 * HOUR, "purpose": "appointment", "mobility": "walks",
             "needs": ["never_alone"], "escort_name": "Alma Reyes"},
        ),
        (
            "Dunes View Care Home",
            Plan(),
            {"when": "arrive", "arrive_by_at": soon + 4 * HOUR, "purpose": "discharge", "mobility": "wheelchair",
             "chair": "power", "chair_width_in": 26, "chair_weight_lb": 310, "dropoff_steps": 0},
        ),
        (
            "University Heart Institute",
            Plan(),
            {"when": "at", "pickup_at": soon + 3 * HOUR, "purpose": "transfer", "mobility": "lies",
             "needs": ["watching"], "transfer_checks": ["treated", "records"]},
        ),
    ]  # fmt: skip


def _book(encounter: Encounter, place: str, plan: Plan, answers: dict[str, Any]) -> int:
    patient = encounter.patient
    key = f"demo-kinds-{patient.pk.hex[:20]}"
    draft = booking.start_draft(patient=patient, key=key)
    chart = booking.chart_defaults(patient, encounter)
    fields: dict[str, Any] = {
        **chart,
        "weight_lb": chart["weight_lb"] or 165,
        "payer_name": chart["payer_name"] or "Indiana Medicaid",
        "destination": places.resolve(value="", text=place, patient=patient),
        "companions": 0,
        "cost_center": CENTER[0],
        **answers,
        "needs": sorted({*chart["needs"], *answers.get("needs", [])}),
    }
    if "oxygen" in fields["needs"]:
        fields["oxygen_lpm"] = fields["oxygen_lpm"] or Decimal(2)
    laid = itinerary.lay_out(fields, plan, facility=draft.facility, patient=patient)
    rides = itinerary.as_rides(laid, preview_rows.estimates(laid))
    choice = Choice(laid.level)
    if plan.kind != ONE_WAY:
        booked = journeys.book(
            request_id=draft.pk, plan=plan, rides=rides, key=key, choice=choice, minutes=laid.minutes
        )
        return len(booked)
    first = rides[0]
    booking.confirm(
        request_id=draft.pk, fields=first.fields, key=key, level_seen=laid.level, miles=first.quote.miles,
        minutes=first.quote.minutes, amount=first.quote.amount,
    )  # fmt: skip
    return 1
