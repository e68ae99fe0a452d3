"""Trips after booking, for the tenancy world: a change that waits for its vendor, a will call's link."""

from __future__ import annotations

import datetime as dt
from typing import Any

from dispatch.models import Trip
from dispatch.services import changes, ready
from logistics.core import clock
from logistics.requests.models import Patient, ServiceRequest, TransportDetail
from logistics.requests.services.transitions import request_to
from tests.cast import Cast
from tests.support import act_as, settle


def one_of_each(cast: Cast, slug: str, accepted: Trip, *, canary: str) -> dict[str, Any]:
    """Ids of a proposed change of ``accepted``, and the text of a will call's link."""
    with act_as(cast.staff(getattr(cast, slug))):
        patient = Patient.objects.create(family_name=f"{canary}call", given_name=f"{canary}na", birth_date="1950-02-01")
        request = ServiceRequest.objects.create(
            patient=patient, facility=cast.facilities[slug], unit=cast.units[f"4W@{slug}"],
            requested_by_name="Dana Morales",
        )  # fmt: skip
        TransportDetail.objects.create(
            request=request, when="ready", ready_expected_at=clock.now() + dt.timedelta(days=3), mobility="wheelchair",
            level="WC", place=cast.places[f"willow@{slug}"], destination_kind="place", driver_note=f"{canary} waits",
        )  # fmt: skip
        request_to(request, "requested")
    settle()
    with act_as(cast.staff(getattr(cast, slug))):
        waiting = Trip.objects.get(request=request)
        return {"proposal_id": proposed(accepted), "ready_token": ready.token_of(waiting)}


def proposed(accepted: Trip) -> Any:
    """A change that the vendor of this trip is asked about, in its health system's scope."""
    now = Trip.objects.get(pk=accepted.pk)
    wanted = {"pickup_at": (now.pickup_at + dt.timedelta(hours=1)).isoformat()}
    outcome = changes.change(now.pk, wanted=wanted, version=now.version, reason="The doctor comes later")
    assert outcome.proposal is not None
    return outcome.proposal.pk
