"""A home health order: what it asks for, when care is due, and what the stay does to it."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import ReferralPatient
from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.requests import home_health_rules as rules
from logistics.requests.models import Alert, Discharge, Encounter, HomeHealthDetail, Patient, ServiceRequest
from logistics.requests.services import booking, discharges, home_health
from logistics.requests.services.changes import ChangeLog, Stamp
from tests.cast import Cast
from tests.dispatch import home
from tests.requests.ward import admit
from tests.support import act_as, settle

CHICAGO = ZoneInfo("America/Chicago")
MOMENTS = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=dt.UTC))


@given(MOMENTS, st.none() | MOMENTS)
def test_care_is_due_48_clock_hours_after_referral_or_return_home_whichever_is_later(
    referred: dt.datetime, home_at: dt.datetime | None
) -> None:
    due = rules.start_of_care_due(referred, home_at, None, "America/Chicago")
    assert due - max(referred, home_at or referred) == dt.timedelta(hours=48)


@given(MOMENTS, st.none() | MOMENTS, st.dates(dt.date(2026, 1, 1), dt.date(2028, 1, 1)))
def test_an_ordered_date_replaces_the_48_hours_and_lasts_to_its_midnight(
    referred: dt.datetime, home_at: dt.datetime | None, ordered: dt.date
) -> None:
    due = rules.start_of_care_due(referred, home_at, ordered, "America/Chicago")
    assert clock.local(due, "America/Chicago").date() == ordered + dt.timedelta(days=1)
    assert clock.local(due, "America/Chicago").time() == dt.time()


def test_the_night_of_a_clock_change_counts_by_the_clock_that_runs() -> None:
    friday = dt.datetime(2027, 11, 6, 12, 0, tzinfo=CHICAGO)
    due = rules.start_of_care_due(friday, None, None, "America/Chicago")
    assert clock.local(due, "America/Chicago") == dt.datetime(2027, 11, 8, 11, 0, tzinfo=CHICAGO)


@pytest.mark.parametrize(
    ("ordered", "who"),
    [(["rn", "pt"], ("rn",)), (["pt", "aide"], ("pt",)), (["st", "ot"], ("ot", "st")), (["aide", "msw"], ())],
)
def test_a_nurse_begins_where_nursing_is_ordered_else_a_therapist(ordered: list[str], who: tuple[str, ...]) -> None:
    assert rules.may_begin(ordered) == who


@pytest.mark.parametrize(("days", "fits"), [(90, True), (91, False), (-30, True), (-31, False), (0, True)])
def test_the_practitioner_saw_the_patient_90_days_before_to_30_after(days: int, fits: bool) -> None:
    start = dt.date(2026, 6, 1)
    assert rules.face_to_face_fits(start - dt.timedelta(days=days), start) is fits


def test_an_order_is_confirmed_with_its_due_time_and_a_referral_waits_for_the_choice(cast: Cast) -> None:
    request = home.order(cast)
    detail, referral = home.detail_of(cast, request), home.referral_of(cast, request)
    assert (request.kind, home.request_of(cast, request).status, referral.status) == (
        "home_health", "requested", "choosing",
    )  # fmt: skip
    assert detail.due_at == rules.start_of_care_due(request.requested_at, None, None, "America/Chicago")
    assert (referral.due_at, referral.zone_words) == (detail.due_at, "Madison, 537")


def test_sealed_answers_are_not_in_the_clear_in_the_database(cast: Cast) -> None:
    request = home.order(cast)
    with act_as(cast.staff()):
        row = HomeHealthDetail.objects.filter(request=request).values().get()
        copy = ReferralPatient.objects.values().get()
    text = str(row) + str(copy)
    assert "Wound" not in text
    assert home.STREET not in text


def test_the_same_form_twice_is_one_order_and_a_second_order_leads_to_the_first(cast: Cast) -> None:
    request = home.order(cast, key="once")
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=request.patient_id)
        again = home_health.refer(patient=patient, fields={}, key="once")
        assert again.pk == request.pk
        with pytest.raises(home_health.OpenReferral) as refused:
            home_health.refer(patient=patient, fields={}, key="other")
        assert refused.value.request_id == request.pk
        assert ServiceRequest.objects.filter(kind="home_health").count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"disciplines": []}, "disciplines"),
        ({"disciplines": ["aide"]}, "disciplines"),
        ({"disciplines": ["magic"]}, "disciplines"),
        ({"reason": " "}, "reason"),
        ({"practitioner_name": ""}, "practitioner_name"),
        ({"payer_class": ""}, "payer_class"),
        ({"payer_class": "barter"}, "payer_class"),
        ({"homebound": "no"}, "homebound"),
        ({"soc_ordered_on": dt.date(2020, 1, 1)}, "soc_ordered_on"),
        ({"face_to_face_on": dt.date(2020, 1, 1)}, "face_to_face_on"),
        ({"address_kind": "other", "address_text": "nowhere"}, "address_text"),
        ({"address_kind": "other", "address_text": "5 Elm St, Madison WI 53711"}, "address_confirmed"),
    ],
)
def test_an_answer_that_is_missing_or_wrong_is_named(cast: Cast, change: dict[str, Any], field: str) -> None:
    with pytest.raises(DomainError) as refused:
        home.order(cast, **change)
    assert list(refused.value.fields) == [field]


def test_an_address_other_than_the_chart_s_is_taken_once_confirmed(cast: Cast) -> None:
    request = home.order(cast, address_kind="other", address_text="5 Elm St, Madison WI 53711", address_confirmed=True)
    detail = home.detail_of(cast, request)
    assert (detail.address_kind, detail.address["zip_code"]) == ("other", "53711")


def test_the_chart_s_home_written_out_is_the_chart_s_home(cast: Cast) -> None:
    request = home.order(cast, address_kind="other", address_text=f"{home.STREET}, Madison WI 53704")
    assert home.detail_of(cast, request).address_kind == "home"


def test_a_start_before_the_return_home_needs_a_new_order(cast: Cast) -> None:
    home_at = clock.now() + dt.timedelta(days=4)
    with pytest.raises(DomainError) as refused:
        home.order(cast, home_at=home_at, soc_ordered_on=(home_at - dt.timedelta(days=2)).date())
    assert list(refused.value.fields) == ["soc_ordered_on"]


def _stay(cast: Cast, request: ServiceRequest) -> Encounter:
    with act_as(cast.staff()):
        stay = Encounter.objects.get(pk=request.encounter_id)
        Discharge.objects.create(encounter=stay, announced_at=clock.now())
        return stay


def _stamp(at: dt.datetime | None = None) -> Stamp:
    moment = at or clock.now()
    return Stamp(effective_at=moment, recorded_at=moment, message_id=None, source="ehr")


def test_leaving_the_hospital_starts_the_48_hours(cast: Cast) -> None:
    request = home.order(cast)
    stay = _stay(cast, request)
    left_at = clock.now() + dt.timedelta(hours=5)
    with act_as(cast.staff()):
        discharges.leave(stay, left_at=left_at, stamp=_stamp(), log=ChangeLog(), rule="A03")
    settle()
    assert home.detail_of(cast, request).due_at == left_at + dt.timedelta(hours=48)
    assert home.referral_of(cast, request).due_at == left_at + dt.timedelta(hours=48)


def test_a_canceled_discharge_holds_what_has_not_begun_and_the_next_one_lets_it_go_on(cast: Cast) -> None:
    request, referral, _ = home.accepted(cast)
    stay = _stay(cast, request)
    with act_as(cast.staff()):
        discharges.withdraw(stay, stamp=_stamp(), log=ChangeLog(), rule="A13")
    settle()
    assert home.request_of(cast, request).status == "held"
    held = home.referral_of(cast, request)
    assert (held.status, held.vendor_id) == ("held", cast.northbound.pk)
    with act_as(cast.staff()):
        assert Alert.objects.filter(code="home_health_discharge_canceled", acknowledged_at=None).count() == 1
        discharges.announce(stay, expected_at=None, stamp=_stamp(), log=ChangeLog(), rule="A16")
    settle()
    assert home.request_of(cast, request).status == "scheduled"
    assert home.referral_of(cast, request).status == "accepted"
    with act_as(cast.staff()):
        assert not Alert.objects.filter(code="home_health_discharge_canceled", acknowledged_at=None).exists()


def test_an_agency_that_only_was_asked_is_told_no_and_is_asked_again_afterwards(cast: Cast) -> None:
    home.agency(cast, cast.northbound)
    request = home.order(cast)
    home.choose(cast, request, cast.northbound)
    first = home.open_ask(cast, request)
    stay = _stay(cast, request)
    with act_as(cast.staff()):
        discharges.withdraw(stay, stamp=_stamp(), log=ChangeLog(), rule="A13")
    settle()
    assert home.referral_of(cast, request).status == "held"
    with act_as(cast.staff()):
        assert home.ReferralOffer.objects.get(pk=first.pk).status == "withdrawn"
        booking.resume(request_id=request.pk, reason="The patient goes home after all")
    settle()
    second = home.open_ask(cast, request)
    assert (second.vendor_id, second.pk != first.pk) == (cast.northbound.pk, True)
    assert home.request_of(cast, request).status == "requested"


def test_a_patient_who_died_needs_no_agency(cast: Cast) -> None:
    request, _, _ = home.accepted(cast)
    stay = _stay(cast, request)
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=request.patient_id)
        patient.deceased = True
        patient.save(update_fields=["deceased"])
        discharges.leave(stay, left_at=clock.now(), stamp=_stamp(), log=ChangeLog(), rule="A03")
    settle()
    assert home.request_of(cast, request).status == "canceled"
    assert home.referral_of(cast, request).status == "canceled"
    with act_as(home.coordinator(cast.northbound)):
        assert not ReferralPatient.objects.exists()


def test_a_new_ordered_date_moves_what_is_due(cast: Cast) -> None:
    request, _, _ = home.accepted(cast)
    day = clock.today("America/Chicago") + dt.timedelta(days=6)
    with act_as(cast.staff()):
        home_health.order_start(request_id=request.pk, soc_ordered_on=day, practitioner_name="Dr. Wolfe")
    settle()
    assert home.referral_of(cast, request).due_at == clock.day_bounds(day, "America/Chicago")[1]


def test_no_stay_is_needed_to_refer_a_patient_who_is_home(cast: Cast) -> None:
    stay = admit(cast, family="Homeward", bed="14", stay={"status": "discharged", "discharged_at": clock.now()})
    with act_as(cast.staff()):
        patient = Patient.objects.get(pk=stay.patient_id)
        request = home_health.refer(
            patient=patient, key="late-order",
            fields={"disciplines": ["pt"], "reason": "Falls", "practitioner_name": "Dr. Wolfe",
                    "payer_class": "commercial", "address_kind": "home", "home_at": stay.discharged_at},
        )  # fmt: skip
    assert request.status == "requested"
