"""A transfer waits for the yes of its receiving facility; to another hospital it also needs EMTALA's items."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.requests.models import Gate, Place, ServiceRequest, TransportDetail
from logistics.requests.services import booking, places, transfers
from tests.cast import Cast
from tests.requests.test_booking_confirm import ride
from tests.requests.ward import admit
from tests.support import act_as

ITEMS = [code for code, _ in transfers.CHECKS]


def hospital(cast: Cast) -> Place:
    with act_as(cast.staff()):
        return places.add(
            name="Saint Brendan Hospital", kind="hospital", address="7 Hill St", city="Madison", state="WI",
            zip_code="53715",
        )  # fmt: skip


def book(cast: Cast, place: Place, **changes: Any) -> ServiceRequest:
    encounter = admit(cast)
    with act_as(cast.staff()):
        draft = booking.start_draft(patient=encounter.patient, key="k")
        destination = places.resolve(value=str(place.pk), text="", patient=None)
        fields = ride(cast, destination=destination, purpose="transfer", **changes)
        return booking.confirm(request_id=draft.pk, fields=fields, key="k", level_seen="WC")


def now_of(cast: Cast, request: ServiceRequest) -> ServiceRequest:
    with act_as(cast.staff()):
        return ServiceRequest.objects.get(pk=request.pk)


def test_a_transfer_is_not_sent_before_the_receiving_facility_confirms(cast: Cast) -> None:
    request = book(cast, cast.places["willow@lakeshore"])
    assert request.status == "pending"
    with act_as(cast.staff()):
        gate = Gate.objects.get(request=request)
        assert (gate.kind, gate.rule, gate.state) == ("acceptance", "transfer_acceptance", "open")
        assert gate.reason == (
            "The transfer waits for the receiving facility's yes, the accepting clinician and the bed."
        )
        assert not OutboxEvent.objects.filter(topic="request.ready").exists()
        done = transfers.accept(request_id=request.pk, clinician="Dr Amy Ruiz", bed="212")
        assert done.status == "requested"
        assert OutboxEvent.objects.filter(topic="request.ready").count() == 1
        detail = TransportDetail.objects.get(request=request)
        assert (detail.accepting_clinician, detail.accepting_bed) == ("Dr Amy Ruiz", "212")
        assert detail.accepted_at is not None
        # Who accepted is in the sealed row only.
        assert "Ruiz" not in str(AuditEntry.objects.filter(action="transfer.accepted").values())


def test_a_transfer_that_was_accepted_before_it_was_booked_goes_at_once(cast: Cast) -> None:
    said = {"accepting_clinician": "Dr Amy Ruiz", "accepting_bed": "212", "accepted_at": clock.now()}
    assert book(cast, cast.places["willow@lakeshore"], **said).status == "requested"


def test_from_this_hospital_to_another_the_emtala_items_are_asked_for(cast: Cast) -> None:
    request = book(cast, hospital(cast))
    with act_as(cast.staff()):
        reason = Gate.objects.get(request=request).reason
        assert "the physician's certification" in reason
        with pytest.raises(DomainError) as error:
            transfers.accept(request_id=request.pk, clinician="Dr Amy Ruiz", bed="212", checks=["treated"])
        assert "the records" in error.value.fields["transfer_checks"]
    assert now_of(cast, request).status == "pending"
    with act_as(cast.staff()):
        assert transfers.accept(request_id=request.pk, clinician="Dr Ruiz", bed="2", checks=ITEMS).status == "requested"


def test_a_patient_who_is_no_inpatient_has_no_emtala_items(cast: Cast) -> None:
    place = hospital(cast)
    encounter = admit(cast, stay={"status": "discharged", "discharged_at": clock.now()})
    with act_as(cast.staff()):
        assert not transfers.is_acute(ServiceRequest(encounter=None), place)
        request = ServiceRequest(patient=encounter.patient, encounter=encounter, facility=encounter.facility)
        assert not transfers.is_acute(request, place)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"clinician": "", "bed": "212"}, "accepting_clinician"),
        ({"clinician": "Dr Ruiz", "bed": " "}, "accepting_bed"),
        ({"clinician": "Dr Ruiz", "bed": "2", "accepted_at": clock.now() + dt.timedelta(hours=2)}, "accepted_at"),
    ],
)
def test_an_acceptance_names_who_which_bed_and_when(cast: Cast, given: dict[str, Any], field: str) -> None:
    request = book(cast, cast.places["willow@lakeshore"])
    with act_as(cast.staff()), pytest.raises(DomainError) as error:
        transfers.accept(request_id=request.pk, **given)
    assert field in error.value.fields
    assert now_of(cast, request).status == "pending"


def test_an_acceptance_said_twice_changes_nothing(cast: Cast) -> None:
    request = book(cast, cast.places["willow@lakeshore"])
    with act_as(cast.staff()):
        for _ in range(2):
            transfers.accept(request_id=request.pk, clinician="Dr Amy Ruiz", bed="212")
        assert OutboxEvent.objects.filter(topic="request.ready").count() == 1


def test_a_transfer_that_is_declined_is_a_draft_for_another_destination(cast: Cast) -> None:
    request = book(cast, cast.places["willow@lakeshore"])
    with act_as(cast.staff()):
        with pytest.raises(DomainError):
            transfers.decline(request_id=request.pk, note="")
        assert transfers.decline(request_id=request.pk, note="No bed today").status == "draft"
        assert Gate.objects.get(request=request).answer_note == "No bed today"


def test_a_ride_that_is_no_transfer_is_not_accepted(cast: Cast) -> None:
    encounter = admit(cast)
    with act_as(cast.staff()):
        draft = booking.start_draft(patient=encounter.patient, key="k")
        with pytest.raises(DomainError) as error:
            transfers.accept(request_id=draft.pk, clinician="Dr Amy Ruiz", bed="212")
    assert error.value.code == "not_a_transfer"
