"""A ride is booked, matched and kept by the rules of its day; an emergency and an unnamed downgrade are not booked."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.models import Leg
from dispatch.services.planning import clock_for, job_of
from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.core.models import AuditEntry
from logistics.requests.models import ServiceRequest, TransportDetail
from logistics.requests.services import advice, booking, places, rule_sets
from tests.cast import Cast
from tests.requests.test_rule_set_publish import LONG_STAIRS, admin, published
from tests.requests.ward import admit
from tests.support import act_as, settle

pytestmark = pytest.mark.django_db


def book(cast: Cast, *, seen: str, choice: dict[str, str] | None = None, **fields: Any) -> ServiceRequest:
    stay = admit(cast)
    with act_as(cast.staff()):
        patient = stay.patient
        place = cast.places["willow@lakeshore"]
        destination = places.resolve(value=str(place.pk), text="", patient=patient)
        draft = booking.start_draft(patient=patient, key="form-1")
        return booking.confirm(
            request_id=draft.pk,
            key="form-1",
            level_seen=seen,
            fields={
                "when": "now", "destination": destination, "mobility": "walks", "needs": [], "companions": 0,
                "pickup_contact": "Desk", "payer_name": "Self", "weight_lb": 180, **fields,
            },
            **(choice or {}),
        )  # fmt: skip


def detail_of(cast: Cast, request: ServiceRequest) -> TransportDetail:
    with act_as(cast.staff()):
        return TransportDetail.objects.get(request=request)


def test_a_booking_keeps_the_version_and_the_trip_is_read_by_it_later(cast: Cast) -> None:
    published(cast)
    request = book(cast, seen="BLS", dropoff_steps=14)
    with act_as(admin(cast)):
        rule_sets.publish_again(version=0, note="Back to the table")
    settle()
    detail = detail_of(cast, request)
    assert (detail.level, detail.level_rules_version) == ("BLS", 1)
    assert LONG_STAIRS["reason"] in detail.level_reason
    with act_as(cast.staff()):
        assert "attended" in Leg.objects.get(trip__request=request).requires


def test_a_lower_level_without_a_clinician_is_refused_and_with_one_is_kept(cast: Cast) -> None:
    lower = {"level": "WC", "override_reason": "Walks well with a hand"}
    with pytest.raises(DomainError) as refused:
        book(cast, seen="BLS", choice=lower, needs=["watching"])
    assert set(refused.value.fields) == {"override_by"}


def test_the_clinician_of_a_lower_level_is_kept_and_audited(cast: Cast) -> None:
    lower = {"level": "WC", "override_reason": "Walks well with a hand", "override_by": "Dr. R. Osei"}
    request = book(cast, seen="BLS", choice=lower, needs=["watching"])
    detail = detail_of(cast, request)
    assert (detail.level, detail.level_advised, detail.level_override_by) == ("WC", "BLS", "Dr. R. Osei")
    with act_as(cast.staff()):
        entry = AuditEntry.objects.get(action="request.level_overridden")
    assert "Dr. R. Osei" in entry.reason
    assert entry.details["advised"] == "BLS"


def test_an_emergency_is_not_booked_whatever_level_is_chosen(cast: Cast) -> None:
    choice = {"level": "CCT", "override_reason": "It must go quickly", "override_by": "Dr. R. Osei"}
    with pytest.raises(DomainError) as refused:
        book(cast, seen="CCT", choice=choice, needs=["emergency"])
    assert refused.value.fields["needs"] == advice.EMERGENCY


def test_a_rule_that_lowers_the_weight_makes_the_matching_ask_for_a_bariatric_cot(cast: Cast) -> None:
    with act_as(admin(cast)):
        rule_sets.start_draft()
        rule_sets.put_rule(
            answer="weight_lb", above=300, requires=["heavy"], reason="Over 300 lb", source="Policy 4",
            replaces="weight_lb>350",
        )  # fmt: skip
        rule_sets.publish(note="Lower weight for cots")
    request = book(cast, seen="STR", mobility="lies", weight_lb=320)
    settle()
    with act_as(cast.staff()):
        leg = Leg.objects.select_related("trip").get(trip__request=request)
        job = job_of(leg.trip, leg, clock_for(clock.now(), "America/Chicago"))
    assert leg.requires == ["bariatric_cot", "stretcher"]
    assert job.device == "bariatric_cot"
    assert "bariatric_cot" in job.capabilities
