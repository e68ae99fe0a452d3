"""A40: two numbers turn out to name one patient. The retired number stays an alias of the surviving record."""

from __future__ import annotations

from integrations.handlers import chart
from integrations.handlers.work import Outcome, Work
from integrations.services.keys import authority_of
from logistics.requests.models import ServiceRequest
from logistics.requests.services import alerts, patients
from logistics.requests.services.patients import Identity


def merge(work: Work) -> Outcome:
    """Re-attach everything of MRG-1 to PID-3. A ride beyond draft raises an alert where the people differ (R8)."""
    retired_id = work.event.prior_patient
    mine = chart.identities(work.event)
    if retired_id is None or not mine:
        return Outcome("review", "merge_unclear", "The merge does not name both patients.")
    alias = Identity(retired_id.number, authority_of(retired_id, work.event), retired_id.type or mine[0].kind)
    surviving, retired = patients.find(mine), patients.find([alias])
    if surviving is None and retired is None:
        return Outcome("recorded")
    if surviving is None or retired is None:
        keeper = surviving or retired
        assert keeper is not None
        before = keeper.mrn
        added = patients.add_identifiers(keeper, [*mine, alias])
        patients.update_demographics(keeper, mrn=mine[0].value)
        if added:
            work.log.add(keeper, "renumbered", rule="A40", before={"mrn": before}, after={"mrn": mine[0].value})
        return work.done()
    if surviving.pk == retired.pk:
        return Outcome("no_change")
    differs = any(
        getattr(surviving, name) and getattr(retired, name) and getattr(surviving, name) != getattr(retired, name)
        for name in ("birth_date", "sex")
    )
    rides = list(
        ServiceRequest.objects.filter(patient=retired, kind="transport").exclude(
            status__in=["draft", "completed", "canceled"]
        )
    )
    moved = patients.merge(surviving, retired)
    work.log.add(surviving, "merged", rule="A40", before={"retired_id": str(retired.pk)}, after=moved)
    for ride in rides:
        work.log.alerts.append(
            alerts.raise_alert("patient_merged", "top" if differs else "warn", request=ride, message_id=work.row.pk)
        )
    if differs:
        return Outcome("review", "merge_differs", "The merged records differ in birth date or sex. Check the rides.")
    return work.done()
