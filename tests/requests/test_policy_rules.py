"""Which rule asks about what: levels, miles, prices, hours over midnight and the change of the clocks."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics.core.errors import DomainError
from logistics.requests.policy_rules import Facts, Rule, hits, read_all, within

ZONE = "America/Chicago"
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")


def rule(kind: str, **fields: Any) -> Rule:
    base = {"key": f"{kind}-1", "kind": kind, "approver": "transport_coordinator", "escalation": "admin", "minutes": 30}
    return Rule.read({**base, **fields})


def at(text: str, zone: str = ZONE, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("fields", "facts", "why"),
    [
        ({"kind": "level", "levels": ["ALS", "CCT"]}, Facts(level="ALS"), "ALS ambulance is asked for"),
        ({"kind": "level", "levels": ["ALS", "CCT"]}, Facts(level="BLS"), ""),
        ({"kind": "upgrade"}, Facts(level="BLS", advised="WC"), "BLS ambulance is asked for where"),
        ({"kind": "upgrade"}, Facts(level="WC", advised="BLS"), ""),
        ({"kind": "upgrade"}, Facts(level="WC", advised="WC"), ""),
        ({"kind": "distance", "limit": "50"}, Facts(miles=Decimal("50.1")), "50.1 miles, over 50"),
        ({"kind": "distance", "limit": "50"}, Facts(miles=Decimal("50.0")), ""),
        ({"kind": "distance", "limit": "50"}, Facts(miles=None), ""),
        ({"kind": "cost", "limit": "400"}, Facts(amount=Decimal("400.01")), "Estimated at $400.01, over $400.00"),
        ({"kind": "cost", "limit": "400"}, Facts(amount=Decimal(400)), ""),
        ({"kind": "payer", "payers": ["Facility pays"]}, Facts(payer=" facility PAYS"), "Paid by facility PAYS"),
        ({"kind": "payer", "payers": ["Facility pays"]}, Facts(payer="Medicaid"), ""),
        ({"kind": "payer", "payers": ["Facility pays"]}, Facts(payer=""), ""),
        ({"kind": "budget"}, Facts(over_budget=Decimal("12.5"), cost_center="4W-NUR"), "$12.50 over the month"),
        ({"kind": "budget"}, Facts(over_budget=None), ""),
    ],
)
def test_a_rule_asks_with_the_figures_of_the_request(fields: dict[str, Any], facts: Facts, why: str) -> None:
    found = rule(**fields).asks(facts)
    assert found.startswith(why) if why else found == ""


def test_a_rule_for_some_roles_leaves_the_others_alone() -> None:
    only = rule("level", levels=["ALS"], asked_by=["case_manager"])
    assert only.asks(Facts(level="ALS", role="case_manager"))
    assert not only.asks(Facts(level="ALS", role="transport_coordinator"))
    assert "booked by case manager" in only.sentence


@pytest.mark.parametrize(
    ("moment", "asks"),
    [
        (at("2026-11-24T06:59"), True),
        (at("2026-11-24T07:00"), False),
        (at("2026-11-24T18:59"), False),
        (at("2026-11-24T19:00"), True),
        # Saturday at noon, in Chicago though it is still Friday night in Honolulu.
        (at("2026-11-28T12:00"), True),
        (at("2026-11-28T00:00"), True),
        (at("2026-11-27T12:00"), False),
        # The night in which 01:30 comes twice, and the one in which 02:30 does not come.
        (at("2026-11-01T01:30", fold=0), True),
        (at("2026-11-01T01:30", fold=1), True),
        (at("2027-03-14T03:00"), True),
    ],
)
def test_hours_are_read_on_the_facilitys_clock(moment: dt.datetime, asks: bool) -> None:
    hours = rule("hours", start="07:00", end="19:00", weekend=True)
    assert bool(hours.asks(Facts(pickup_at=moment, zone=ZONE))) is asks


def test_the_same_moment_is_inside_in_one_zone_and_outside_in_the_next() -> None:
    hours = rule("hours", start="07:00", end="19:00")
    moment = at("2026-11-24T18:30", "America/Chicago")
    assert not hours.asks(Facts(pickup_at=moment, zone="America/Chicago"))
    assert "19:30 EST" in hours.asks(Facts(pickup_at=moment, zone="America/New_York"))


@given(at=MINUTES, start=MINUTES, end=MINUTES)
def test_a_span_and_its_complement_share_the_day(at: str, start: str, end: str) -> None:
    if start == end:
        return
    assert within(at, start, end) != within(at, end, start)


@given(
    moment=st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2028, 1, 1), timezones=st.just(dt.UTC)),
    start=MINUTES,
    end=MINUTES,
    zone=st.sampled_from(["America/Chicago", "America/New_York", "America/Denver", "Pacific/Honolulu"]),
)
def test_hours_ask_exactly_outside_of_the_span(moment: dt.datetime, start: str, end: str, zone: str) -> None:
    if start == end:
        return
    local = moment.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (start, end))
    # Minutes after the start, going round the clock.
    inside = (minute - first) % 1440 < (last - first) % 1440
    assert bool(rule("hours", start=start, end=end).asks(Facts(pickup_at=moment, zone=zone))) is not inside


@given(limit=st.decimals(0, 500, places=1), miles=st.decimals(0, 600, places=1))
def test_more_miles_never_ask_for_less(limit: Decimal, miles: Decimal) -> None:
    far = rule("distance", limit=str(limit))
    assert bool(far.asks(Facts(miles=miles))) is (miles > limit)
    if far.asks(Facts(miles=miles)):
        assert far.asks(Facts(miles=miles + 1))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "moon"}, "kind"),
        ({"kind": "level"}, "levels"),
        ({"kind": "level", "levels": ["XYZ"]}, "levels"),
        ({"kind": "distance"}, "limit"),
        ({"kind": "distance", "limit": "far"}, "limit"),
        ({"kind": "distance", "limit": "NaN"}, "limit"),
        ({"kind": "cost", "limit": "-1"}, "limit"),
        ({"kind": "hours", "start": "7:00", "end": "19:00"}, "start"),
        ({"kind": "hours", "start": "07:00", "end": "24:00"}, "end"),
        ({"kind": "hours", "start": "07:00", "end": "07:00"}, "end"),
        ({"kind": "payer", "payers": ["  "]}, "payers"),
        ({"kind": "upgrade", "approver": "driver"}, "approver"),
        ({"kind": "upgrade", "escalation": "transport_coordinator"}, "escalation"),
        ({"kind": "upgrade", "minutes": 0}, "minutes"),
        ({"kind": "upgrade", "minutes": "soon"}, "minutes"),
        ({"kind": "upgrade", "asked_by": ["driver"]}, "asked_by"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_at_the_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(DomainError) as refused:
        rule(**fields)
    assert set(refused.value.fields) == {field}


def test_what_is_stored_reads_back_as_the_same_rule() -> None:
    rules = [
        rule("level", levels=["ALS", "CCT"], asked_by=["case_manager"], words="A paramedic crew is scarce."),
        rule("distance", limit="62.5"),
        rule("cost", limit="400"),
        rule("hours", start="19:00", end="07:00", weekend=True),
        rule("payer", payers=["Facility pays"]),
        rule("budget"),
        rule("upgrade"),
    ]
    assert read_all([each.as_json() for each in rules]) == rules
    assert all(each.sentence and each.answer for each in rules)


def test_every_rule_that_asks_is_named_in_its_order() -> None:
    rules = [rule("distance", limit="10", words="Ask whether a nearer clinic will do."), rule("cost", limit="10")]
    found = hits(rules, Facts(miles=Decimal(20), amount=Decimal(20)))
    assert [hit.rule.kind for hit in found] == ["distance", "cost"]
    assert found[0].reason == "20 miles, over 10. Ask whether a nearer clinic will do."
