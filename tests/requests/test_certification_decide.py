"""Who may sign a certification, until when, and when rides are repetitive (42 CFR 410.40)."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.requests import cert_rules
from logistics.requests.cert_rules import PHYSICIAN_ONLY, PHYSICIAN_OR_LISTED, Rule, Service, Signed
from logistics.requests.selectors.repetitive import detect

ZONE = "America/Chicago"
TZ = ZoneInfo(ZONE)


def at(day: dt.date, hour: int = 9) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), TZ)


def ride(day: dt.date, rule: Rule, level: str = "BLS", *, receipt: bool = False) -> Service:
    return Service(rule, at(day), at(day, 10), level, has_receipt=receipt)


def signature(day: dt.date, credential: str, employer: str, moment: dt.datetime, *, level: str = "BLS") -> Signed:
    return Signed(credential, employer, moment, day, day, level)


def decide(signed: Signed | None, service: Service, now: dt.datetime | None = None) -> cert_rules.Verdict:
    return cert_rules.valid_for(signed, service, zone=ZONE, now=now or service.ends_at)


DAY = dt.date(2023, 6, 23)


@pytest.mark.parametrize(("signed_on", "code"), [("2023-04-24", "certified"), ("2023-04-23", "too_old")])
def test_a_repetitive_certification_holds_for_sixty_days_from_its_signature(signed_on: str, code: str) -> None:
    moment = at(dt.date.fromisoformat(signed_on))
    signed = Signed("MD", "attending", moment, dt.date(2023, 5, 1), DAY, "BLS", "repetitive")
    assert decide(signed, ride(DAY, PHYSICIAN_ONLY)).code == code


@pytest.mark.parametrize("credential", ["NP", "PA", "RN", "SW", "CM"])
def test_only_the_physician_signs_for_repetitive_rides(credential: str) -> None:
    words = cert_rules.may_sign(credential, "attending", PHYSICIAN_ONLY)
    assert words is not None
    assert "Only the attending physician" in words


@pytest.mark.parametrize("employer", ["supplier", "broker"])
@pytest.mark.parametrize("credential", ["MD", "RN"])
def test_nobody_of_the_ambulance_company_or_a_broker_signs(credential: str, employer: str) -> None:
    assert cert_rules.may_sign(credential, employer, PHYSICIAN_OR_LISTED) is not None
    assert cert_rules.may_sign(credential, employer, PHYSICIAN_ONLY) is not None


def test_a_case_manager_of_the_hospital_signs_a_single_discharge_within_48_hours_after_it() -> None:
    service = ride(DAY, PHYSICIAN_OR_LISTED)
    soon = signature(DAY, "CM", "facility", service.ends_at + dt.timedelta(hours=47))
    late = signature(DAY, "CM", "facility", service.ends_at + dt.timedelta(hours=49))
    assert decide(soon, service).code == "certified"
    assert decide(late, service, service.ends_at + dt.timedelta(hours=50)).code == "late"


def test_with_a_return_receipt_the_claim_goes_on_day_22_and_not_before() -> None:
    service = ride(DAY, PHYSICIAN_OR_LISTED, receipt=True)
    late = signature(DAY, "CM", "facility", service.ends_at + dt.timedelta(hours=49))
    for signed in (None, late):
        assert decide(signed, service, at(DAY + dt.timedelta(days=21))).ok is False
        verdict = decide(signed, service, at(DAY + dt.timedelta(days=22)))
        assert (verdict.code, verdict.ok) == ("attempts", True)
    bare = ride(DAY, PHYSICIAN_OR_LISTED)
    assert decide(None, bare, at(DAY + dt.timedelta(days=60))).ok is False


def test_a_signature_of_day_22_does_not_certify_a_repetitive_ride() -> None:
    signed = Signed("MD", "attending", at(DAY + dt.timedelta(days=22)), DAY, DAY, "BLS", "repetitive")
    service = ride(DAY, PHYSICIAN_ONLY, receipt=True)
    assert decide(signed, service, at(DAY + dt.timedelta(days=30))).code == "after_start"
    assert decide(None, service, at(DAY + dt.timedelta(days=30))).ok is False


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"payer": False}, "none"),
        ({"emergency": True}, "none"),
        ({"setting": "home"}, "none"),
        ({"setting": "facility_no_physician"}, "none"),
        ({"setting": "home", "repetitive": True}, "physician_only"),
        ({}, "physician_or_listed"),
        ({"scheduled": False, "repetitive": True}, "physician_or_listed"),
    ],
)
def test_the_rule_follows_payer_urgency_repetition_and_setting(facts: dict, kind: str) -> None:
    rule = cert_rules.cert_rule(
        payer_follows_410_40=facts.get("payer", True),
        emergency=facts.get("emergency", False),
        scheduled=facts.get("scheduled", True),
        repetitive=facts.get("repetitive", False),
        setting=facts.get("setting", "facility"),
    )
    assert rule.kind == kind


def test_a_bls_form_does_not_cover_an_als_ride_but_the_other_way_round_it_does() -> None:
    moment = at(DAY, 7)
    assert (
        decide(signature(DAY, "MD", "attending", moment), ride(DAY, PHYSICIAN_OR_LISTED, "ALS")).code == "other_level"
    )
    als = signature(DAY, "MD", "attending", moment, level="ALS")
    assert decide(als, ride(DAY, PHYSICIAN_OR_LISTED, "BLS")).ok


def test_no_words_say_that_anything_is_approved() -> None:
    service = ride(DAY, PHYSICIAN_OR_LISTED)
    words = [decide(None, service).words, decide(signature(DAY, "MD", "attending", at(DAY, 7)), service).words]
    assert not any("approv" in text.lower() for text in words)


@given(
    credential=st.sampled_from([*sorted(cert_rules.LISTED), "EMT", ""]),
    employer=st.sampled_from(["facility", "attending", "supplier", "broker", "other", ""]),
    rule=st.sampled_from([PHYSICIAN_ONLY, PHYSICIAN_OR_LISTED]),
    hours=st.integers(-100 * 24, 40 * 24),
    starts=st.integers(-70, 5),
    length=st.integers(0, 90),
    now=st.integers(0, 60),
    receipt=st.booleans(),
    levels=st.tuples(st.sampled_from(["BLS", "ALS", "CCT"]), st.sampled_from(["BLS", "ALS", "CCT"])),
)
def test_nothing_is_certified_outside_its_rule(
    credential, employer, rule, hours, starts, length, now, receipt, levels
) -> None:
    service = ride(DAY, rule, levels[0], receipt=receipt)
    first = DAY + dt.timedelta(days=starts)
    signed_at = service.starts_at + dt.timedelta(hours=hours)
    signed = Signed(credential, employer, signed_at, first, first + dt.timedelta(days=length), levels[1], "repetitive")
    moment = max(service.ends_at + dt.timedelta(days=now), signed_at)
    verdict = decide(signed, service, moment)
    if verdict.code == "certified":
        assert employer not in ("supplier", "broker")
        assert credential in ("MD", "DO") or (rule is PHYSICIAN_OR_LISTED and employer in ("facility", "attending"))
        assert credential in cert_rules.LISTED
        assert signed.starts_on <= DAY <= signed.ends_on
        assert signed_at <= service.ends_at + dt.timedelta(hours=48)
        assert "BLS ALS CCT".index(levels[0]) <= "BLS ALS CCT".index(levels[1])
        if rule is PHYSICIAN_ONLY:
            assert signed_at <= service.starts_at
            assert (DAY - signed_at.astimezone(TZ).date()).days <= 60
            assert length <= 60
    elif verdict.ok:
        assert (verdict.code, rule, receipt) == ("attempts", PHYSICIAN_OR_LISTED, True)
        assert moment.astimezone(TZ).date() >= DAY + dt.timedelta(days=22)


@pytest.mark.parametrize(("npi", "right"), [("1234567893", True), ("1234567890", False), ("123456789", False),
                                            ("12345678９3", False), ("", False)])  # fmt: skip
def test_an_npi_has_ten_digits_and_a_check_digit(npi: str, right: bool) -> None:
    assert cert_rules.npi_is_right(npi) is right


@given(st.text(alphabet="0123456789", min_size=9, max_size=9))
def test_exactly_one_last_digit_completes_an_npi(body: str) -> None:
    assert sum(cert_rules.npi_is_right(f"{body}{digit}") for digit in range(10)) == 1


def days(*offsets: int) -> list[dt.date]:
    return [DAY + dt.timedelta(days=offset) for offset in offsets]


def test_three_round_trips_in_ten_days_are_repetitive_and_in_eleven_are_not() -> None:
    assert detect(days(0, 0, 4, 4, 9, 9), DAY).rule == "dense"  # type: ignore[union-attr]
    assert detect(days(0, 0, 4, 4, 10, 10), DAY) is None


def test_one_round_trip_a_week_for_three_weeks_is_repetitive_and_for_two_is_not() -> None:
    assert detect(days(0, 0, 8, 8, 15, 15), DAY).rule == "weekly"  # type: ignore[union-attr]
    assert detect(days(0, 0, 8, 8), DAY) is None


def test_a_ride_long_after_the_stream_is_no_part_of_it() -> None:
    rides = days(0, 0, 2, 2, 4, 4, 40)
    assert detect(rides, DAY + dt.timedelta(days=2)) is not None
    assert detect(rides, DAY + dt.timedelta(days=40)) is None


@given(st.lists(st.integers(0, 60), max_size=20), st.integers(0, 60))
def test_more_rides_never_end_a_stream(offsets: list[int], more: int) -> None:
    if detect(days(*offsets), DAY + dt.timedelta(days=20)) is not None:
        assert detect(days(*offsets, more), DAY + dt.timedelta(days=20)) is not None


@given(st.lists(st.integers(-9, 9), max_size=5))
def test_five_one_way_rides_are_never_repetitive(offsets: list[int]) -> None:
    assert detect(days(*offsets), DAY) is None
