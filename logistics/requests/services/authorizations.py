"""Authorized units: one is kept for each booked ride, used up when the ride is done, given back when it is not driven.

A ride that no unit is left for is not lost: its request waits at a gate (``authorization``) until units are there or
somebody decides. The last unit goes to one of two bookings in the same second: the authorization's row is locked until
the booking is committed. Source: the RSNAT operational guide (one-way trips, one supplier, no overlap).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from logistics.core import audit, clock, outbox
from logistics.core.levels import LEVELS
from logistics.requests.cert_rules import Verdict
from logistics.requests.models import Alert, Authorization, AuthorizationUse, Gate, ServiceRequest, TransportDetail
from logistics.requests.selectors import repetitive
from logistics.requests.selectors.authorizations import counts_of, standing
from logistics.requests.services import alerts, certificates, gates
from logistics.requests.services.gates import Ask

KIND = "authorization"
RULE = "authorized_units"
ROLE = "biller"
TAKEN = ("reserved", "used")
# So long after an authorization ended its patient's rides are taken for the same course of treatment.
LAPSE = dt.timedelta(days=30)
# What no course of treatment: these rides are paid for on their own.
ONCE = ("discharge", "transfer")


@dataclass(frozen=True)
class Ahead:
    """One ride to come. ``governed``: an authorization speaks of it; then ``unit_no`` is which of ``units`` it takes,
    None when none is left. ``certificate`` is the verdict on the certification of that day."""

    day: dt.date
    governed: bool
    unit_no: int | None
    units: int | None
    authorization_id: UUID | None
    certificate: Verdict

    @property
    def words(self) -> str:
        """Of the units: ``Unit 11 of 12``; empty when no authorization speaks of the ride."""
        if not self.governed:
            return ""
        if self.unit_no is None:
            return "No authorized trip left: the ride will wait"
        return f"Unit {self.unit_no} of {self.units}"


def same_payer(one: str, other: str) -> bool:
    """Whether two payer names may mean the same; an unknown one may be anybody."""
    first, second = " ".join(one.casefold().split()), " ".join(other.casefold().split())
    return not first or not second or first == second or first.startswith(second) or second.startswith(first)


def asks(request: ServiceRequest) -> Iterable[Ask]:
    """Keep a unit for a ride that is being confirmed, or ask for a gate when none is left for it.

    The unit is taken here, in the confirming transaction: looking first and taking later would give the last one twice.
    """
    if request.kind != "transport":
        return
    detail = TransportDetail.objects.filter(request=request).first()
    if detail is None:
        return
    use, gap = reserve(request, detail)
    if use is not None or not gap:
        return
    granted = Gate.objects.filter(request=request, kind=KIND, state="granted", params__service_on=gap["service_on"])
    if granted.exists():
        return
    yield Ask(KIND, RULE, gap["reason"], role=ROLE, params={"service_on": gap["service_on"], "level": detail.level})


gates.ASKERS.append(asks)


def reserve(request: ServiceRequest, detail: TransportDetail) -> tuple[AuthorizationUse | None, dict[str, str]]:
    """Keep one unit for this ride: (the unit, nothing), or (None, why not), or (None, nothing) when no authorization
    speaks of the ride. The same unit again for the same ride. Publishes ``authorization.reserved``."""
    known = AuthorizationUse.objects.filter(request=request, state__in=TAKEN).select_related("authorization").first()
    if known is not None and (known.state == "used" or fits(known, request, detail)):
        return known, {}
    if known is not None:
        release(known, "changed")
    day = service_day(request, detail)
    if day is None or detail.level == "" or detail.purpose in ONCE or request.discharge_id is not None:
        return None, {}
    rows = list(
        Authorization.objects.select_for_update(of=("self",))
        .filter(patient_id=request.patient_id, status__in=Authorization.HOLDING)
        .filter(starts_on__lte=day, ends_on__gte=day - LAPSE)
        .order_by("starts_on", "pk")
    )
    rows = [row for row in rows if same_payer(row.payer_name, detail.payer_name)]
    now_in_force = [row for row in rows if row.ends_on >= day]
    fitting = [row for row in now_in_force if detail.level in row.levels]
    if fitting:
        return _take(fitting[0], request, detail, day)
    if now_in_force:
        if LEVELS[detail.level].needs_pcs:
            names = " and ".join(LEVELS[code].label for code in now_in_force[0].levels if code in LEVELS)
            params = {"levels": names, "level": LEVELS[detail.level].label}
            alerts.raise_alert("authorization_other_level", "warn", request=request, params=params)
        return None, {}
    lapsed = [row for row in rows if detail.level in row.levels]
    if lapsed and repetitive.of_patient(request.patient_id, day):
        reason = f"The authorization ended on {_day(max(row.ends_on for row in lapsed))}, the ride is on {_day(day)}."
        return None, {"service_on": day.isoformat(), "reason": reason}
    return None, {}


def _take(
    authorization: Authorization, request: ServiceRequest, detail: TransportDetail, day: dt.date
) -> tuple[AuthorizationUse | None, dict[str, str]]:
    used, reserved = counts_of([authorization.pk]).get(authorization.pk, (0, 0))
    if used + reserved >= authorization.affirmed_qty:
        taken = f"All {authorization.affirmed_qty} authorized one-way trips are taken"
        reason = f"{taken}; none is left for the ride on {_day(day)}."
        return None, {"service_on": day.isoformat(), "reason": reason}
    use = AuthorizationUse.objects.create(
        authorization=authorization, request=request, service_on=day, level=detail.level
    )
    audit.record(
        action="authorization.reserved",
        target=use,
        patient_id=request.patient_id,
        details={"authorization": str(authorization.pk), "unit": used + reserved + 1},
    )
    outbox.publish("authorization.reserved", _about(use))
    today = clock.today(request.facility.time_zone)
    state = standing(authorization, used=used, reserved=reserved + 1, today=today)
    if state.tone:
        params = {"left": state.left, "total": state.total, "ends": _day(authorization.ends_on)}
        params["authorization_id"] = str(authorization.pk)
        open_alert = Alert.objects.filter(
            code="authorization_low", params__authorization_id=str(authorization.pk), acknowledged_at__isnull=True
        )
        if not open_alert.exists():
            alerts.raise_alert("authorization_low", "warn", request=request, params=params)
    return use, {}


def fits(use: AuthorizationUse, request: ServiceRequest, detail: TransportDetail) -> bool:
    """Whether a kept unit still covers its ride: day and level within the authorization, which is still in force."""
    day, authorization = service_day(request, detail), use.authorization
    return (
        day is not None
        and authorization.status in Authorization.HOLDING
        and authorization.starts_on <= day <= authorization.ends_on
        and detail.level in authorization.levels
        and use.service_on == day
    )


def release(use: AuthorizationUse, reason: str) -> None:
    """Give a kept unit back; ``reason`` is one word. Publishes ``authorization.unit_released``."""
    taken_back = AuthorizationUse.objects.filter(pk=use.pk, state="reserved").update(
        state="released", released_at=clock.now(), release_reason=reason[:60]
    )
    if not taken_back:
        return
    use.state = "released"
    audit.record(action="authorization.released_unit", target=use, details={"reason": reason})
    outbox.publish("authorization.unit_released", _about(use))


def follow(request_id: UUID) -> None:
    """Bring a ride's unit to what the ride is now: used when completed, given back when canceled or a draft again, and
    for another day or level exchanged. Repeatable."""
    request = ServiceRequest.objects.select_for_update(of=("self",)).select_related("facility").get(pk=request_id)
    use = AuthorizationUse.objects.filter(request=request, state="reserved").select_related("authorization").first()
    if request.status in ("canceled", "draft"):
        if use is not None:
            release(use, request.status)
            fill_waiting(request.patient_id)
        return
    if request.status == "completed":
        if use is not None:
            AuthorizationUse.objects.filter(pk=use.pk, state="reserved").update(state="used", used_at=clock.now())
            audit.record(action="authorization.used", target=use, patient_id=request.patient_id)
            outbox.publish("authorization.used", _about(use))
        return
    detail = TransportDetail.objects.filter(request=request).first()
    if detail is None or use is None or fits(use, request, detail):
        return
    again, _gap = reserve(request, detail)
    if again is None:
        alerts.raise_alert("authorization_missing", "warn", request=request)


def fill_waiting(patient_id: UUID) -> int:
    """Units came in: give them to this patient's waiting rides, the earliest first. Returns how many went on."""
    open_gates = Gate.objects.filter(kind=KIND, state="open", request__patient_id=patient_id).select_related("request")
    went = 0
    for gate in sorted(open_gates, key=lambda each: (each.params.get("service_on", ""), each.opened_at)):
        request = ServiceRequest.objects.select_related("facility").get(pk=gate.request_id)
        detail = TransportDetail.objects.get(request=request)
        use, _gap = reserve(request, detail)
        if use is not None:
            gates.answer(gate_id=gate.pk, granted=True, note="An authorized trip is there now")
            went += 1
    return went


def other_supplier(request_id: UUID, vendor_id: UUID) -> Authorization | None:
    """The authorization of this ride when it belongs to another supplier than ``vendor_id``, else None."""
    uses = AuthorizationUse.objects.filter(request_id=request_id, state="reserved")
    use = uses.select_related("authorization").first()
    if use is None or use.authorization.supplier_id in (None, vendor_id):
        return None
    return use.authorization


def ahead(patient_id: UUID, dates: Sequence[dt.date], *, level: str = "BLS", payer_name: str = "") -> list[Ahead]:
    """What stands for each ride to come, in order: which unit it would take and whether it is certified.

    ``dates`` has one entry for each one-way ride (a round trip names its day twice). A ride of that day that keeps a
    unit already stands for it. Five queries, whatever the length.
    """
    if not dates:
        return []
    first, last = min(dates), max(dates)
    rows = [
        row
        for row in Authorization.objects.filter(
            patient_id=patient_id, status__in=Authorization.HOLDING, starts_on__lte=last, ends_on__gte=first - LAPSE
        ).order_by("starts_on")
        if level in row.levels and same_payer(row.payer_name, payer_name)
    ]
    kept: dict[dt.date, list[tuple[UUID, int]]] = {}
    taken: dict[UUID, int] = {row.pk: 0 for row in rows}
    for use in AuthorizationUse.objects.filter(authorization__in=rows, state__in=TAKEN):
        taken[use.authorization_id] += 1
        if use.state == "reserved":
            kept.setdefault(use.service_on, []).append((use.authorization_id, taken[use.authorization_id]))
    verdicts = certificates.valid_on_days(patient_id, dates, level)
    found: dict[int, Ahead] = {}
    for place in sorted(range(len(dates)), key=lambda each: dates[each]):
        day, verdict = dates[place], verdicts[place]
        row = next((each for each in rows if each.starts_on <= day <= each.ends_on), None)
        if row is None:
            lapsed = any(each.ends_on < day <= each.ends_on + LAPSE for each in rows)
            found[place] = Ahead(day, lapsed, None, None, None, verdict)
        elif kept.get(day):
            pk, number = kept[day].pop(0)
            found[place] = Ahead(day, True, number, row.affirmed_qty, pk, verdict)
        elif taken[row.pk] < row.affirmed_qty:
            taken[row.pk] += 1
            found[place] = Ahead(day, True, taken[row.pk], row.affirmed_qty, row.pk, verdict)
        else:
            found[place] = Ahead(day, True, None, row.affirmed_qty, row.pk, verdict)
    return [found[place] for place in range(len(dates))]


def service_day(request: ServiceRequest, detail: TransportDetail) -> dt.date | None:
    """The ride's day on the clock of where it starts; None while no time is known."""
    moment = detail.pickup_at or detail.ready_expected_at
    if moment is None:
        return None
    return moment.astimezone(ZoneInfo(detail.pickup_zone or request.facility.time_zone)).date()


def _about(use: AuthorizationUse) -> dict[str, str]:
    return {"authorization_id": str(use.authorization_id), "request_id": str(use.request_id), "state": use.state}


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"
