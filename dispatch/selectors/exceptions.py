"""What needs a person now: sentences with one action, ordered by minutes of delay to the patient."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from dispatch.selectors.board import Row, weight_of
from logistics.accounts.models import Unit
from logistics.core import clock
from logistics.requests.alerts import sentence_of
from logistics.requests.models import Alert

MOST = 12
SEVERITY_MINUTES = {"top": 60, "warn": 20, "info": 5}
TONES = {"top": "bad", "warn": "warn", "info": "info"}
# An alert of these codes says again what a trip's own row says.
SAID_BY_TRIP = {"exhausted"}
ANSWERED_AS_APPROVAL = {"approval_asked", "approval_escalated", "approval_overdue"}
# The EHR moved an appointment: the trip is moved, or kept, on its change page.
RETIMED = {"ready_time_changed", "left_after_pickup_time"}
COMPLETED_BY_BOOKING = {"ride_details_missing", "left_before_ride", "left_without_ride"}


def exceptions_of(
    rows: Iterable[Row],
    units: Sequence[Unit],
    *,
    now: dt.datetime,
    zone: str,
    permissions: frozenset[str],
) -> list[dict[str, Any]]:
    """Rows of ``ui/exception.html`` from troubled trips and open alerts of these units. One query."""
    scored: list[tuple[float, dict[str, Any]]] = []
    told = set()
    for row in rows:
        found = _of_trip(row, now=now, zone=zone, permissions=permissions)
        if found is not None:
            scored.append(found)
            told.add(row.trip.request_id)
    alerts = (
        Alert.objects.filter(acknowledged_at__isnull=True)
        .filter(Q(unit_id__in=[unit.pk for unit in units]) | Q(unit__isnull=True))
        .select_related("request__patient", "encounter__patient", "unit")
        .order_by("-raised_at")[:40]
    )
    for alert in alerts:
        if alert.code in SAID_BY_TRIP and alert.request_id in told:
            continue
        scored.append(_of_alert(alert, now=now, zone=zone, permissions=permissions))
    scored.sort(key=lambda pair: -pair[0])
    return [entry for _, entry in scored[:MOST]]


def _of_trip(
    row: Row, *, now: dt.datetime, zone: str, permissions: frozenset[str]
) -> tuple[float, dict[str, Any]] | None:
    trip = row.trip
    surname = row.patient.partition(",")[0]
    where = f" to {row.bed}" if row.bed else ""
    link = {"label": "Open the trip", "url": url_of("dispatch:trip", trip.number)}
    may_act = "requests.book" in permissions
    if trip.status == "exhausted":
        entry = {
            "tone": "bad",
            "title": f"Nobody is left to ask for {surname}’s {row.level.lower()}",
            "detail": f"{row.vendor_note}. Change the time or the level, or call a vendor.",
            "actions": [{**link, "label": "See why, and decide"}],
        }
        return max((now - trip.pickup_at).total_seconds() / 60, 0) * weight_of(row) + 60, _with_id(entry, trip.number)
    if trip.status == "held":
        entry = {
            "tone": "warn",
            "icon": "hold",
            "title": f"{surname}’s ride is on hold",
            "detail": _held(row, zone),
            "actions": [
                {"label": "Let it go on", "url": url_of("dispatch:board_resume", trip.request_id), "method": "post"},
                link,
            ]
            if may_act
            else [link],
        }
        return 30.0, _with_id(entry, trip.number)
    if row.delay.kind == "late":
        entry = {
            "tone": "bad",
            "title": f"{surname}’s {row.level.lower()} is {row.delay.minutes} min late{where}",
            "detail": _late(row, zone),
            "actions": [link],
        }
        return row.delay.minutes * weight_of(row) + 20, _with_id(entry, trip.number)
    if row.delay.kind == "at_risk":
        title = (
            f"{surname}’s {row.level.lower()} is likely to be {row.delay.minutes} min late"
            if row.delay.minutes
            else f"{surname}’s {row.level.lower()} has no vendor yet"
        )
        entry = {"tone": "warn", "title": title, "detail": _late(row, zone), "actions": [link]}
        return row.delay.minutes * weight_of(row) + 5, _with_id(entry, trip.number)
    return None


def _of_alert(
    alert: Alert, *, now: dt.datetime, zone: str, permissions: frozenset[str]
) -> tuple[float, dict[str, Any]]:
    sentence = sentence_of(alert)
    patient = alert.request.patient if alert.request else alert.encounter.patient if alert.encounter else None
    title = f"{patient.family_name}: {sentence.happened}" if patient and patient.family_name else sentence.happened
    since = clock.local(alert.raised_at, zone)
    actions: list[dict[str, Any]] = []
    acknowledge = {
        "label": "I am on it",
        "url": url_of("dispatch:board_acknowledge", alert.pk),
        "method": "post",
    }
    target = _target(alert, permissions)
    actions = [{"label": sentence.action, "url": target}, acknowledge] if target else [acknowledge]
    entry = {
        "id": f"alert-{alert.pk}",
        "tone": TONES[alert.severity],
        "title": title,
        "detail": f"{sentence.do} Since {since:%H:%M}.",
        "actions": actions,
    }
    waited = min((now - alert.raised_at).total_seconds() / 60, 240)
    return SEVERITY_MINUTES[alert.severity] + waited / 10, entry


def _target(alert: Alert, permissions: frozenset[str]) -> str:
    """The page where an alert is settled: the trip, the draft's form, or the patient."""
    if alert.code in ANSWERED_AS_APPROVAL and "approvals.view" in permissions:
        return url_of("requests:approvals")
    number = alert.params.get("trip")
    if number:
        return url_of("dispatch:trip", number)
    if alert.params.get("order_id") and "requests.view" in permissions:
        return url_of("requests:standing_order", alert.params["order_id"])
    if alert.request is not None and alert.request.kind == "home_health" and "requests.view" in permissions:
        return url_of("dispatch:home_health_order", alert.request.pk)
    if alert.request is not None:
        unfinished = alert.request.status == "draft" or alert.code in COMPLETED_BY_BOOKING
        if unfinished and "requests.book" in permissions:
            return f"{url_of('dispatch:book')}?request={alert.request.pk}"
        if (
            alert.code in RETIMED
            and alert.request.status in ("requested", "scheduled")
            and "requests.book" in permissions
        ):
            return url_of("dispatch:request_change", alert.request.pk) + _wanted_time(alert)
        return url_of("requests:patient", alert.request.patient_id)
    if alert.encounter is not None:
        return url_of("requests:patient", alert.encounter.patient_id)
    return ""


def _wanted_time(alert: Alert) -> str:
    """The new time of a moved appointment for the change page, on the facility's clock."""
    new, zone = str(alert.params.get("new", "")), alert.params.get("zone")
    if not zone or len(new) < 16 or new[10:11] != "T":
        return ""
    return f"?pickup={clock.local(dt.datetime.fromisoformat(new), zone):%Y-%m-%dT%H:%M}"


def _held(row: Row, zone: str) -> str:
    reason = (row.trip.request.hold_reason or "").replace("_", " ")
    until = row.trip.hold_until
    kept = f" The vehicle is kept until {clock.local(until, zone):%H:%M}." if until else ""
    return f"{reason[:1].upper()}{reason[1:]}.{kept}".lstrip(".") if reason else f"A person must decide.{kept}"


def _late(row: Row, zone: str) -> str:
    asked = clock.local(row.trip.pickup_at, zone)
    if row.trip.vendor is not None:
        eta = clock.local(row.trip.eta_at, zone) if row.trip.eta_at else None
        expected = f" expects to be there at {eta:%H:%M}" if eta else " gave no time"
        return f"{row.trip.vendor.name}{expected}; the pickup was agreed for {asked:%H:%M}."
    return f"{row.vendor}. The pickup is asked for {asked:%H:%M}."


def _with_id(entry: dict[str, Any], number: int) -> dict[str, Any]:
    return {"id": f"need-{number}", **entry}


def url_of(name: str, *args: Any) -> str:
    """A page's URL, or nothing where this installation has no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
