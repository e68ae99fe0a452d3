"""An agency's answer: what it may know before and after, and what a no, a silence or a return leads to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.db.utils import ProgrammingError

from dispatch.models import Referral, ReferralOffer, ReferralPatient, Visit
from dispatch.selectors import home_health as plan_page
from dispatch.services.home_health import following, referrals, visits
from dispatch.services.home_health.choices import Signing
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove, StaleState
from logistics.core.models import OutboxEvent
from logistics.requests.models import Alert, HomeHealthDetail, Patient, PatientChoice, ServiceRequest
from logistics.requests.services import booking
from tests.cast import Cast
from tests.dispatch import home
from tests.dispatch.ride import ticked
from tests.support import act_as, settle


def codes(cast: Cast) -> list[str]:
    """Open alerts by code."""
    with act_as(cast.staff()):
        return sorted(Alert.objects.filter(acknowledged_at=None).values_list("code", flat=True))


def asked(cast: Cast, **more: Any) -> tuple[ServiceRequest, ReferralOffer]:
    """Northbound is asked, Tamarack is an agency too."""
    home.agency(cast, cast.northbound)
    home.agency(cast, cast.tamarack)
    request = home.order(cast)
    home.choose(cast, request, cast.northbound, **more)
    return request, home.open_ask(cast, request)


def decline(cast: Cast, offer: ReferralOffer, code: str) -> None:
    """The agency says no."""
    vendor = cast.northbound if offer.vendor_id == cast.northbound.pk else cast.tamarack
    with act_as(home.coordinator(vendor)):
        referrals.decline(offer.pk, code=code)
    settle()


def test_before_it_accepts_an_agency_knows_zone_services_dates_and_payer_class_only(cast: Cast) -> None:
    request, offer = asked(cast)
    with act_as(home.coordinator(cast.northbound)):
        seen = ReferralOffer.objects.get()
        assert seen.brief == {
            "zone": "Madison, 537", "disciplines": ["rn", "pt"], "payer_class": "medicare", "soc_ordered_on": "",
            "due_at": home_due(seen), "home_at": "", "time_zone": "America/Chicago",
        }  # fmt: skip
        assert not Referral.objects.exists()
        assert not ReferralPatient.objects.exists()
        assert not Visit.objects.exists()
    for model in (Patient, ServiceRequest, HomeHealthDetail, PatientChoice):
        with pytest.raises(ProgrammingError, match="permission denied"), act_as(home.coordinator(cast.northbound)):
            model.objects.count()
    del request, offer


def home_due(offer: ReferralOffer) -> str:
    """The due time in the brief, which the test of the rule checks."""
    return str(offer.brief["due_at"])


def test_acceptance_opens_the_patient_to_the_agency_and_schedules_the_request(cast: Cast) -> None:
    request, _ = asked(cast)
    referral = home.accept(cast, request, cast.northbound)
    with act_as(home.coordinator(cast.northbound)):
        details = ReferralPatient.objects.get().details
        assert (details["family_name"], details["address"]["line"]) == (home.FAMILY, home.STREET)
        visit = Visit.objects.get()
        assert (visit.is_soc, visit.discipline, visit.status) == (True, "rn", "ordered")
    assert home.request_of(cast, request).status == "scheduled"
    assert home.detail_of(cast, request).agency_name == "Northbound Medical"
    with act_as(cast.staff()):
        event = OutboxEvent.objects.get(topic="home_health.accepted")
        assert event.payload["referral_id"] == str(referral.pk)
        status = plan_page.status_of([request.pk])[request.pk]
        assert (status.agency, status.status) == ("Northbound Medical", "accepted")
        assert "accepted by Northbound Medical" in status.words


def test_another_agency_sees_nothing_of_it(cast: Cast) -> None:
    request, offer = asked(cast)
    referral = home.accept(cast, request, cast.northbound)
    visit = home.first_visit(cast, cast.northbound, referral)
    with act_as(home.coordinator(cast.tamarack)):
        for model in (Referral, ReferralPatient, ReferralOffer, Visit):
            assert not model.objects.exists()
        for attempt in (
            lambda: referrals.accept(offer.pk),
            lambda: referrals.decline(offer.pk, code="payer"),
            lambda: referrals.give_back(referral.pk, code="payer"),
            lambda: visits.miss(visit.pk, code="no_answer"),
        ):
            with pytest.raises(DomainError) as refused:
                attempt()
            assert refused.value.code == "not_found"


def test_the_crossing_itself_reads_nothing_that_names_the_patient(cast: Cast) -> None:
    asked(cast)
    scope = home.coordinator(cast.northbound)
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        act_as(scope),
        home_crossing(scope, cast),
    ):
        ReferralPatient.objects.get()


def home_crossing(scope: Any, cast: Cast) -> Any:
    """The agency's crossing scope into Lakeshore."""
    from logistics.core import scoping

    return scoping.enter(scope.crossing(cast.lakeshore.pk))


def test_accepting_twice_is_accepting_once(cast: Cast) -> None:
    request, offer = asked(cast)
    home.accept(cast, request, cast.northbound)
    with act_as(home.coordinator(cast.northbound)):
        assert referrals.accept(offer.pk).status == "accepted"
        assert Visit.objects.count() == 1


@pytest.mark.parametrize("code", ["payer", "area", "no_capacity", "no_discipline"])
def test_a_no_asks_the_patient_for_the_next_choice_and_nobody_else(cast: Cast, code: str) -> None:
    request, offer = asked(cast)
    decline(cast, offer, code)
    assert home.referral_of(cast, request).status == "choosing"
    assert codes(cast) == ["home_health_choose_again"]
    with act_as(cast.staff()):
        assert ReferralOffer.objects.count() == 1
    home.choose(cast, request, cast.tamarack, key="choice-2")
    assert codes(cast) == []
    assert home.open_ask(cast, request).vendor_id == cast.tamarack.pk


def test_the_second_choice_that_the_patient_wrote_down_is_asked_at_once(cast: Cast) -> None:
    request, offer = asked(cast, second_vendor_id=cast.tamarack.pk)
    decline(cast, offer, "no_capacity")
    second = home.open_ask(cast, request)
    assert (second.vendor_id, second.rank) == (cast.tamarack.pk, 2)
    assert codes(cast) == []


def test_when_every_agency_said_no_a_person_must_act(cast: Cast) -> None:
    request, offer = asked(cast, second_vendor_id=cast.tamarack.pk)
    decline(cast, offer, "area")
    decline(cast, home.open_ask(cast, request), "payer")
    assert codes(cast) == ["home_health_all_declined"]
    with act_as(cast.staff()):
        alert = Alert.objects.get(code="home_health_all_declined")
        assert (alert.severity, alert.params["asked"]) == ("top", 2)


def test_silence_ends_with_the_clock_and_counts_as_no_yes(cast: Cast) -> None:
    request, offer = asked(cast)
    with time_machine.travel(clock.now() + dt.timedelta(minutes=121)):
        assert ticked()["referrals_expired"] == 1
        with act_as(home.coordinator(cast.northbound)), pytest.raises(StaleState):
            referrals.accept(offer.pk)
    assert home.referral_of(cast, request).status == "choosing"
    assert codes(cast) == ["home_health_choose_again"]


def test_a_reason_is_needed_to_decline(cast: Cast) -> None:
    _, offer = asked(cast)
    with act_as(home.coordinator(cast.northbound)), pytest.raises(DomainError) as refused:
        referrals.decline(offer.pk, code="because")
    assert list(refused.value.fields) == ["code"]


def test_staff_enter_a_phoned_answer_with_who_said_so(cast: Cast) -> None:
    request, offer = asked(cast)
    with act_as(cast.staff()):
        with pytest.raises(DomainError):
            referrals.accept_for(offer.pk, reason=" ")
        referrals.accept_for(offer.pk, reason="Hana by phone")
    settle()
    assert home.request_of(cast, request).status == "scheduled"


def test_an_agency_that_gives_back_forgets_the_patient_and_the_patient_chooses_again(cast: Cast) -> None:
    request, referral, _ = home.accepted(cast)
    with act_as(home.coordinator(cast.northbound)):
        referrals.give_back(referral.pk, code="no_capacity", note="Nurse ill")
    settle()
    assert home.request_of(cast, request).status == "requested"
    assert codes(cast) == ["home_health_choose_again"]
    with act_as(home.coordinator(cast.northbound)):
        assert not ReferralPatient.objects.exists()
        assert ReferralOffer.objects.get().status == "turned_back"


def test_a_canceled_order_lets_the_agency_go(cast: Cast) -> None:
    request, _, _ = home.accepted(cast)
    with act_as(cast.staff()):
        booking.cancel(request_id=request.pk, reason_code="patient_request")
    settle()
    assert home.referral_of(cast, request).status == "canceled"
    with act_as(home.coordinator(cast.northbound)):
        assert not ReferralPatient.objects.exists()
        assert Visit.objects.get().status == "canceled"


def test_nothing_is_accepted_while_the_order_is_on_hold(cast: Cast) -> None:
    request, offer = asked(cast)
    with act_as(cast.staff()):
        booking.hold(request_id=request.pk, reason="Fever")
    settle()
    with act_as(home.coordinator(cast.northbound)), pytest.raises(StaleState):
        referrals.accept(offer.pk)


def test_an_agency_that_left_the_network_is_not_asked(cast: Cast) -> None:
    from vendors.models import Network

    home.agency(cast, cast.northbound)
    request = home.order(cast)
    with act_as(cast.staff()):
        from dispatch.services.home_health import choices

        token = choices.show(Referral.objects.get()).token
        Network.objects.filter(vendor=cast.northbound).update(status="suspended")
    with pytest.raises(DomainError) as refused, act_as(cast.staff()):
        choices.record(
            request_id=request.pk, token=token, vendor_id=cast.northbound.pk, key="k-1",
            signed=Signing("patient", "", "", b"", "Weak hand"),
        )  # fmt: skip
    assert refused.value.code == "not_in_network"
    with act_as(cast.staff()):
        assert not PatientChoice.objects.exists()


def test_a_start_of_care_that_is_late_is_told_once(cast: Cast) -> None:
    request, referral, _ = home.accepted(cast)
    with time_machine.travel(referral.due_at + dt.timedelta(minutes=1)):
        assert ticked()["late_care"] == 1
        assert ticked()["late_care"] == 0
    assert codes(cast) == ["start_of_care_late"]
    with act_as(cast.staff()):
        later = clock.today("America/Chicago") + dt.timedelta(days=9)
        from logistics.requests.services import home_health

        home_health.order_start(request_id=request.pk, soc_ordered_on=later, practitioner_name="Dr. Wolfe")
    settle()
    assert codes(cast) == []


def test_following_twice_changes_nothing(cast: Cast) -> None:
    request, referral, _ = home.accepted(cast)
    with act_as(cast.staff()):
        following.follow(referral.pk)
        following.follow(referral.pk)
    assert home.request_of(cast, request).status == "scheduled"


def test_a_referral_that_never_was_accepted_cannot_be_given_back(cast: Cast) -> None:
    request, referral, _ = home.accepted(cast)
    with act_as(home.coordinator(cast.northbound)):
        referrals.give_back(referral.pk, code="payer")
    with pytest.raises(DomainError), act_as(home.coordinator(cast.northbound)):
        referrals.give_back(referral.pk, code="payer")
    assert issubclass(IllegalMove, DomainError)
    del request
