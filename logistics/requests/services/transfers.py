"""Transfers to another facility: nobody is sent until the receiving facility has said yes.

A confirmed transfer waits at a gate (``transfer_acceptance``) for the name of the accepting clinician, the bed, and the
time of the yes. From an emergency department or a stay to another hospital the items of 42 CFR 489.24(e) (EMTALA)
belong to it: treated within the site's capacity, risks and benefits certified by a physician, records sent along.
Qualified people and equipment, the fourth item, is the level of service that a person confirmed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from logistics.core import audit, clock, outbox
from logistics.core.errors import DomainError
from logistics.requests.models import Gate, Place, ServiceRequest, TransportDetail
from logistics.requests.services import gates, ride_rows
from logistics.requests.services.gates import Ask

WAITING = ("draft", "pending")
RULE = "transfer_acceptance"
ROLE = "case_manager"
# How long a receiving facility usually takes; afterwards the gate counts as overdue. Our default, no regulation.
ANSWER_MINUTES = 120
CHECKS = [
    ("treated", "Treated as far as this site can"),
    ("certified", "Physician certified risks and benefits"),
    ("records", "Records go along"),
]
NOUNS = {
    "treated": "treatment as far as this site can",
    "certified": "the physician's certification",
    "records": "the records",
}


def is_acute(request: ServiceRequest, place: Place | None, pickup_kind: str = "") -> bool:
    """Whether a patient of this hospital's care goes to another hospital: then the EMTALA items are asked for."""
    here = request.encounter is not None and request.encounter.status in ("in_house", "on_leave")
    return here and not pickup_kind and place is not None and place.kind == "hospital"


def missing(detail: TransportDetail, *, acute: bool) -> list[str]:
    """What the receiving facility's yes still lacks, in words; empty when it is complete."""
    lacking = []
    if detail.accepted_at is None:
        lacking.append("the receiving facility's yes")
    if not detail.accepting_clinician.strip():
        lacking.append("the accepting clinician")
    if not detail.accepting_bed.strip():
        lacking.append("the bed")
    if acute:
        lacking += [words for code, words in NOUNS.items() if code not in detail.transfer_checks]
    return lacking


def asks(request: ServiceRequest) -> Iterable[Ask]:
    """The gate of a transfer that is not accepted in full."""
    detail = TransportDetail.objects.select_related("place").filter(request=request, purpose="transfer").first()
    if detail is None:
        return
    lacking = missing(detail, acute=is_acute(request, detail.place, detail.pickup_kind))
    if lacking:
        yield Ask("acceptance", RULE, f"The transfer waits for {_listed(lacking)}.", role=ROLE, minutes=ANSWER_MINUTES)


gates.ASKERS.append(asks)


def accept(
    *,
    request_id: UUID,
    clinician: str,
    bed: str,
    accepted_at: dt.datetime | None = None,
    report_given_at: dt.datetime | None = None,
    checks: Iterable[str] = (),
) -> ServiceRequest:
    """The receiving facility said yes: keeps who, which bed and when, and lets the ride go on.

    ``checks`` are keys of :data:`CHECKS`. Said twice it changes nothing but the answers. Raises :class:`DomainError`
    with ``fields`` while something is missing. Publishes ``transfer.accepted``.
    """
    request = _transfer(request_id)
    detail = TransportDetail.objects.select_related("place").get(request=request)
    if request.status not in WAITING and detail.accepted_at is not None:
        return request
    _refuse_unless_waiting(request)
    moment = accepted_at or detail.accepted_at or clock.now()
    acute = is_acute(request, detail.place, detail.pickup_kind)
    known = {code for code, _ in CHECKS}
    given = [code for code in checks if code in known]
    problems = {}
    if len(clinician.strip()) < 3:
        problems["accepting_clinician"] = "Write who accepted the transfer there."
    if not bed.strip():
        problems["accepting_bed"] = "Write the bed or unit that was named."
    if moment > clock.now() + dt.timedelta(minutes=5):
        problems["accepted_at"] = "This cannot be in the future."
    if acute and (absent := [words for code, words in NOUNS.items() if code not in given]):
        problems["transfer_checks"] = f"Needed before an acute transfer leaves: {_listed(absent)}."
    if problems:
        raise DomainError("The acceptance is not complete.", code="incomplete", fields=problems)
    detail.accepting_clinician, detail.accepting_bed = clinician.strip()[:120], bed.strip()[:40]
    detail.accepted_at, detail.transfer_checks = moment, given
    detail.report_given_at = report_given_at or detail.report_given_at
    detail.save()
    audit.record(
        action="transfer.accepted",
        target=request,
        patient_id=request.patient_id,
        details={"acute": acute, "checks": given},
    )
    outbox.publish("transfer.accepted", {"request_id": str(request.pk)})
    for gate in _open_gates(request):
        gates.answer(gate_id=gate.pk, granted=True)
    request.refresh_from_db()
    return request


def decline(*, request_id: UUID, note: str) -> ServiceRequest:
    """The receiving facility said no: the request is a draft again, with the reason, for another destination."""
    request = _transfer(request_id)
    _refuse_unless_waiting(request)
    if len(note.strip()) < 3:
        raise DomainError("Write why.", code="no_reason", fields={"note": "Write what the receiving facility said."})
    for gate in _open_gates(request):
        gates.answer(gate_id=gate.pk, granted=False, note=note)
    request.refresh_from_db()
    return request


def _transfer(request_id: UUID) -> ServiceRequest:
    request = ride_rows.locked(request_id)
    if not TransportDetail.objects.filter(request=request, purpose="transfer").exists():
        raise DomainError("This ride is no transfer to another facility.", code="not_a_transfer")
    return request


def _refuse_unless_waiting(request: ServiceRequest) -> None:
    if request.status not in WAITING:
        words = request.status.replace("_", " ")
        raise DomainError(f"This transfer does not wait for an acceptance: it is {words}.", code="not_waiting")


def _open_gates(request: ServiceRequest) -> list[Gate]:
    return list(Gate.objects.filter(request=request, rule=RULE, state="open"))


def _listed(words: Iterable[str]) -> str:
    parts = list(words)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
