"""Visits: planned with a clinician whose papers hold, begun and ended at home, verified or looked at."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from dispatch import evv
from dispatch.models import Referral, ReferralPatient, Visit, VisitEdit, VisitEvent
from dispatch.selectors import home_health as plan_page
from dispatch.services.home_health import planning, referrals, visits
from dispatch.services.home_health.visits import Position
from logistics.core import clock
from logistics.core.errors import DomainError, IllegalMove
from logistics.core.models import OutboxEvent
from logistics.requests.models import Alert
from logistics.requests.services import booking
from tests.cast import Cast
from tests.dispatch import home
from tests.dispatch.ride import ticked
from tests.support import act_as, settle
from vendors.models import Credential, CrewMember

HALF_HOUR = dt.timedelta(minutes=30)


def begun(cast: Cast, *, off: float = 0.0) -> tuple[Any, Referral, Visit]:
    """The nurse has checked in at the patient's home."""
    request, referral, nurse = home.accepted(cast)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    where = home.at_home(cast, referral, off=off)
    with act_as(home.clinician(cast, cast.northbound)):
        visit = visits.check_in(visit.pk, at=clock.now(), key="tap-0001", where=where)
    settle()
    return request, referral, visit


def left(cast: Cast, referral: Referral, visit: Visit, *, after: dt.timedelta = HALF_HOUR, off: float = 0.0) -> Visit:
    """The nurse checks out later."""
    where = home.at_home(cast, referral, off=off)
    with time_machine.travel(clock.now() + after):
        with act_as(home.clinician(cast, cast.northbound)):
            visit = visits.check_out(
                visit.pk, at=clock.now(), key="tap-0002", where=where, done_note="Wound dressed, dry"
            )
        settle()
    return visit


def test_a_visit_at_home_is_verified_starts_the_care_and_completes_the_request(cast: Cast) -> None:
    request, referral, visit = begun(cast)
    assert home.request_of(cast, request).status == "in_progress"
    visit = left(cast, referral, visit)
    assert (visit.status, visit.exceptions) == ("verified", [])
    after = home.referral_of(cast, request)
    assert (after.status, after.soc_at) == ("in_care", visit.begin_at)
    assert home.request_of(cast, request).status == "completed"
    assert home.detail_of(cast, request).soc_at == visit.begin_at
    with act_as(cast.staff()):
        event = OutboxEvent.objects.get(topic="home_health.soc_completed")
        assert event.payload["on_time"] is True
        status = plan_page.status_of([request.pk])[request.pk]
        assert status.status == "in_care"
        assert status.words.startswith("Start of care done")


def test_the_six_elements_are_kept(cast: Cast) -> None:
    _, referral, visit = begun(cast)
    left(cast, referral, visit)
    with act_as(home.coordinator(cast.northbound)):
        kept = Visit.objects.get(pk=visit.pk)
        assert kept.discipline == "rn"
        assert ReferralPatient.objects.get(referral_id=kept.referral_id).details["family_name"] == home.FAMILY
        assert kept.begin_at is not None
        assert kept.begin_place["accuracy_m"] == 12.0
        assert kept.end_place["miles"] == 0
        assert kept.clinician_name == "Nia Northbound"
        assert kept.end_at is not None
        assert kept.end_at > kept.begin_at


def test_start_of_care_done_hours_after_the_return_home_is_said_to_the_hospital(cast: Cast) -> None:
    request, referral, visit = begun(cast)
    left(cast, referral, visit)
    home_at = visit.begin_at - dt.timedelta(hours=26)
    with act_as(cast.staff()):
        Referral.objects.filter(pk=referral.pk).update(home_at=home_at)
        assert plan_page.status_of([request.pk])[request.pk].words == "Start of care done 26 h after the return home"


@pytest.mark.parametrize(("off_in", "off_out", "codes"), [(0.5, 0.0, ["away_begin"]), (0.0, 0.5, ["away_end"])])
def test_a_phone_that_is_not_at_home_makes_an_exception(
    cast: Cast, off_in: float, off_out: float, codes: list[str]
) -> None:
    request, referral, visit = begun(cast, off=off_in)
    visit = left(cast, referral, visit, off=off_out)
    assert (visit.status, visit.exceptions) == ("exception", codes)
    assert home.request_of(cast, request).status == "in_progress"
    with act_as(home.clinician(cast, cast.northbound)), pytest.raises(DomainError):
        visits.approve(visit.pk, reason="other_place")
    with act_as(home.coordinator(cast.northbound)), pytest.raises(DomainError):
        visits.approve(visit.pk, reason="because")
    with act_as(home.coordinator(cast.northbound)):
        visit = visits.approve(visit.pk, reason="other_place", note="At her daughter's")
    settle()
    assert (visit.status, visit.approved_by_name) == ("verified", "Hana Petrov")
    assert home.request_of(cast, request).status == "completed"


def test_a_phone_without_a_position_makes_an_exception(cast: Cast) -> None:
    request, referral, nurse = home.accepted(cast)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    with act_as(home.clinician(cast, cast.northbound)):
        visits.check_in(visit.pk, at=clock.now(), key="tap-0001", where=Position())
    visit = left(cast, referral, visit)
    assert visit.exceptions == ["no_place_begin"]
    del request


def test_a_tap_that_is_sent_twice_counts_once(cast: Cast) -> None:
    _, referral, visit = begun(cast)
    with act_as(home.clinician(cast, cast.northbound)):
        visits.check_in(visit.pk, at=clock.now() + HALF_HOUR, key="tap-0001", where=Position())
    left(cast, referral, visit)
    with act_as(home.coordinator(cast.northbound)):
        assert VisitEvent.objects.filter(visit=visit, new_status="checked_in").count() == 1
        assert Visit.objects.get(pk=visit.pk).begin_at == visit.begin_at


def test_a_tap_made_without_signal_keeps_the_phone_s_time(cast: Cast) -> None:
    _, referral, nurse = home.accepted(cast)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    tapped = clock.now() - dt.timedelta(minutes=40)
    with act_as(home.clinician(cast, cast.northbound)):
        visit = visits.check_in(visit.pk, at=tapped, key="tap-0001", where=Position(), device_now=clock.now())
    assert visit.begin_at == tapped


def test_only_the_visit_s_clinician_and_coordinators_tap(cast: Cast) -> None:
    _, referral, nurse = home.accepted(cast)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    stranger = home.coordinator(cast.northbound, actor_role="clinician", user_id=cast.lakeshore.pk)
    with act_as(stranger), pytest.raises(DomainError) as refused:
        visits.check_in(visit.pk, at=clock.now(), key="tap-0001", where=Position())
    assert refused.value.code == "not_found"


def test_a_time_written_by_hand_is_kept_with_reason_and_approver_and_counted(cast: Cast) -> None:
    request, referral, visit = begun(cast)
    ends = clock.now() + dt.timedelta(minutes=50)
    with time_machine.travel(clock.now() + dt.timedelta(hours=3)):
        with act_as(home.clinician(cast, cast.northbound)), pytest.raises(DomainError):
            visits.correct(visit.pk, begin_at=visit.begin_at, end_at=ends, reason="forgot", note="I forgot to tap")
        with act_as(home.coordinator(cast.northbound)):
            visit = visits.correct(
                visit.pk, begin_at=visit.begin_at, end_at=ends, reason="forgot", note="Nia called from the car",
                done_note="Wound dressed",
            )  # fmt: skip
        settle()
    assert (visit.status, visit.edits) == ("verified", 1)
    assert "edited" in visit.exceptions
    assert home.request_of(cast, request).status == "completed"
    with act_as(home.coordinator(cast.northbound)):
        edit = VisitEdit.objects.get()
        assert (edit.reason, edit.approver_name, edit.before["end_at"]) == ("forgot", "Hana Petrov", "")
        assert edit.note == "Nia called from the car"
    del referral


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"note": ""}, "note"),
        ({"reason": "because"}, "reason"),
        ({"ends": dt.timedelta(hours=-1)}, "end_at"),
        ({"ends": dt.timedelta(hours=30)}, "end_at"),
    ],
)
def test_a_correction_needs_true_times_a_reason_and_words(cast: Cast, change: dict[str, Any], field: str) -> None:
    _, _, visit = begun(cast)
    values: dict[str, Any] = {"reason": "forgot", "note": "Nia called"} | change
    begins = visit.begin_at - HALF_HOUR
    ends = visit.begin_at + values.pop("ends", dt.timedelta(0))
    with act_as(home.coordinator(cast.northbound)), pytest.raises(DomainError) as refused:
        visits.correct(visit.pk, begin_at=begins, end_at=ends, **values)
    assert list(refused.value.fields) == [field]


def test_a_missed_first_visit_is_told_to_the_hospital_and_is_due_again(cast: Cast) -> None:
    request, referral, nurse = home.accepted(cast)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    with act_as(home.coordinator(cast.northbound)):
        visits.miss(visit.pk, code="no_answer", note="Rang twice", practitioner_told=True)
        visits.miss(visit.pk, code="no_answer")
    settle()
    again = home.first_visit(cast, cast.northbound, referral)
    assert (again.pk != visit.pk, again.status, again.is_soc) == (True, "ordered", True)
    with act_as(cast.staff()):
        alert = Alert.objects.get(code="visit_missed", acknowledged_at=None)
        assert (alert.severity, alert.params["told"]) == ("top", "The practitioner was told")
        assert Visit.objects.count() == 2
    assert home.request_of(cast, request).status == "scheduled"


def test_a_patient_may_decline_a_visit(cast: Cast) -> None:
    _, referral, _ = home.accepted(cast)
    visit = home.first_visit(cast, cast.northbound, referral)
    with act_as(home.coordinator(cast.northbound)):
        assert visits.miss(visit.pk, code="refused").status == "refused"
    settle()
    with act_as(cast.staff()):
        assert Alert.objects.filter(code="visit_refused").exists()


def test_a_visit_that_nobody_begins_is_told_once(cast: Cast) -> None:
    _, referral, nurse = home.accepted(cast)
    home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    with time_machine.travel(clock.now() + dt.timedelta(hours=2, minutes=1)):
        assert ticked()["late_care"] == 1
        assert ticked()["late_care"] == 0
    with act_as(cast.staff()):
        assert Alert.objects.filter(code="visit_not_begun", acknowledged_at=None).count() == 1


def plan(cast: Cast, visit: Visit, member: CrewMember, *, at: dt.datetime | None = None, hours: float = 1) -> Visit:
    at = at or clock.now() + HALF_HOUR
    with act_as(home.coordinator(cast.northbound)):
        return planning.plan(visit.pk, clinician_id=member.pk, starts_at=at, ends_at=at + dt.timedelta(hours=hours))


def test_another_discipline_cannot_begin(cast: Cast) -> None:
    _, referral, _ = home.accepted(cast)
    visit = home.first_visit(cast, cast.northbound, referral)
    with act_as(home.coordinator(cast.northbound)):
        therapist = CrewMember.objects.create(name="Per Tall", level="pt")
    with pytest.raises(DomainError) as refused:
        plan(cast, visit, therapist)
    assert "does not give nursing" in refused.value.fields["clinician"]


@pytest.mark.parametrize("paper", ["gone", "ends"])
def test_a_clinician_s_papers_must_hold_on_the_day_of_the_visit(cast: Cast, paper: str) -> None:
    _, referral, nurse = home.accepted(cast)
    visit = home.first_visit(cast, cast.northbound, referral)
    with act_as(home.coordinator(cast.northbound)):
        rows = Credential.objects.filter(crew_member=nurse, kind="rn_license")
        if paper == "gone":
            rows.delete()
        else:
            rows.update(ends_on=clock.today("UTC"))
    with pytest.raises(DomainError) as refused:
        plan(cast, visit, nurse, at=clock.now() + dt.timedelta(days=2))
    assert "nursing license" in refused.value.fields["clinician"]


def test_a_clinician_sees_one_patient_at_a_time(cast: Cast) -> None:
    request, referral, nurse = home.accepted(cast)
    plan(cast, home.first_visit(cast, cast.northbound, referral), nurse)
    other = home.order(cast, key="second")
    home.choose(cast, other, cast.northbound)
    second = home.first_visit(cast, cast.northbound, home.accept(cast, other, cast.northbound))
    with pytest.raises(DomainError) as refused:
        plan(cast, second, nurse)
    assert list(refused.value.fields) == ["starts_at"]
    plan(cast, second, nurse, at=clock.now() + dt.timedelta(hours=3))
    del request


def test_planning_anew_is_kept_in_the_history(cast: Cast) -> None:
    _, referral, nurse = home.accepted(cast)
    visit = home.first_visit(cast, cast.northbound, referral)
    plan(cast, visit, nurse)
    plan(cast, visit, nurse, at=clock.now() + dt.timedelta(hours=5))
    with act_as(home.coordinator(cast.northbound)):
        events = VisitEvent.objects.filter(visit=visit, new_status="scheduled").order_by("id")
        assert [event.details["replanned"] for event in events] == [False, True]


def test_nobody_visits_while_the_order_is_on_hold(cast: Cast) -> None:
    request, referral, nurse = home.accepted(cast)
    visit = home.planned(cast, cast.northbound, home.first_visit(cast, cast.northbound, referral), nurse)
    with act_as(cast.staff()):
        booking.hold(request_id=request.pk, reason="Fever")
    settle()
    with act_as(home.clinician(cast, cast.northbound)), pytest.raises(IllegalMove, match="on hold"):
        visits.check_in(visit.pk, at=clock.now(), key="tap-0001", where=Position())


def test_visits_go_on_until_care_ends_and_a_day_later_the_agency_cannot_read_the_patient(cast: Cast) -> None:
    _, referral, visit = begun(cast)
    with act_as(home.coordinator(cast.northbound)), pytest.raises(IllegalMove):
        planning.add(referral.pk, discipline="pt")
    left(cast, referral, visit)
    with act_as(home.coordinator(cast.northbound)):
        more = planning.add(referral.pk, discipline="pt")
        with pytest.raises(DomainError):
            planning.add(referral.pk, discipline="msw")
        referrals.end(referral.pk, reason="Goals met")
        referrals.end(referral.pk, reason="Goals met")
        assert Visit.objects.get(pk=more.pk).status == "canceled"
        assert ReferralPatient.objects.exists()
    with act_as(cast.staff()):
        Referral.objects.filter(pk=referral.pk).update(ended_at=clock.now() - dt.timedelta(hours=25))
    with act_as(home.coordinator(cast.northbound)):
        assert not ReferralPatient.objects.exists()
        assert Referral.objects.get().status == "ended"


GOOD = {
    "service": "rn", "receiving": "r", "providing": "Nia", "begin_at": dt.datetime(2026, 6, 1, 14, tzinfo=dt.UTC),
    "end_at": dt.datetime(2026, 6, 1, 15, tzinfo=dt.UTC), "begin_miles": 0.4, "end_miles": 0.5,
    "planned_at": dt.datetime(2026, 6, 1, 14, tzinfo=dt.UTC),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, []),
        ({"begin_miles": None}, ["no_place_begin"]),
        ({"end_miles": evv.HOME_MILES + 0.01}, ["away_end"]),
        ({"begin_miles": evv.HOME_MILES}, []),
        ({"end_at": dt.datetime(2026, 6, 1, 14, 7, tzinfo=dt.UTC)}, ["too_short"]),
        ({"end_at": dt.datetime(2026, 6, 1, 22, 1, tzinfo=dt.UTC)}, ["too_long"]),
        ({"planned_at": dt.datetime(2026, 6, 1, 11, 59, tzinfo=dt.UTC)}, ["off_time"]),
        ({"planned_at": None}, []),
    ],
)
def test_what_does_not_verify_by_itself(change: dict[str, Any], codes: list[str]) -> None:
    assert evv.exceptions(evv.Elements(**(GOOD | change))) == codes


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({}, []),
        ({"service": ""}, ["type of service"]),
        ({"receiving": ""}, ["individual receiving"]),
        ({"providing": ""}, ["individual providing"]),
        ({"begin_miles": None}, ["location"]),
        ({"end_at": None}, ["begin and end"]),
        ({"begin_at": None}, ["date", "begin and end"]),
    ],
)
def test_each_of_the_six_elements_can_be_missed(change: dict[str, Any], missing: list[str]) -> None:
    assert evv.Elements(**(GOOD | change)).missing() == missing


@given(st.floats(-80, 80), st.floats(-179, 179), st.floats(-80, 80), st.floats(-179, 179))
def test_distance_is_symmetric_and_never_more_than_half_the_earth(a: float, b: float, c: float, d: float) -> None:
    miles = evv.miles_between(a, b, c, d)
    assert miles == pytest.approx(evv.miles_between(c, d, a, b), abs=1e-6)
    assert 0 <= miles <= 12_450


def test_a_vague_position_proves_no_place() -> None:
    assert "miles" not in evv.place_of(43.1, -89.4, 20_000.0, (43.1, -89.4))
    assert evv.place_of(None, None, None, (43.1, -89.4)) == {}
