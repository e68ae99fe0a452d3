from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfoNotFoundError

import pytest

from integrations.hl7v2.adt import (
    CLEARED,
    UNCHANGED,
    Address,
    Identifier,
    Person,
    Phone,
    Place,
    read_adt,
    read_all,
)
from integrations.hl7v2.observations import DEFAULT_CODES
from integrations.hl7v2.parse import parse

NEW_YORK = "America/New_York"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def message_with(*lines: str) -> bytes:
    header = "MSH|^~\\&|BEDFLOW|LARKMOOR|CARRYWELL|CARRYWELL|20270310141500||ADT^A08|X1|P|2.5.1"
    return "\r".join([header, "PID|1||LM1^^^LARKMOOR^MR", *lines]).encode()


def test_a_discharge_gives_who_where_when_and_where_to(read):
    event = read_adt(read("a03-discharge"))

    assert (event.event, event.control_id, event.version, event.processing_id) == (
        "A03",
        "LM0003",
        "2.5.1",
        "P",
    )
    assert (event.sending_application, event.sending_facility) == ("BEDFLOW", "LARKMOOR")
    assert event.patient == Identifier("LM700412", "LARKMOOR", "MR")
    assert event.patient_identifiers[1] == Identifier("4471", "REGION", "PI", "2.999.12.7")
    assert (event.family, event.given, event.middle) == ("Okonjo-Reyes", "Delphine", "Aurora")
    assert event.birth_date == date(1948, 9, 26)
    assert event.visit == Identifier("V90031277", "LARKMOOR", "VN")
    assert event.account == Identifier("V90031277", "LARKMOOR", "AN")
    assert event.location == Place("5C", "518", "A", "LARKMOOR")
    assert event.attending == Person("20451", "Abernathy", "Quill")
    assert event.disposition == "03"
    # 14:55 in March before the clocks change is 19:55 UTC.
    assert event.discharge_at == utc(2027, 3, 10, 19, 55)
    assert event.problems == ()


def test_how_to_reach_the_patient_is_read_in_every_form(read):
    event = read_adt(read("a03-discharge"))

    assert event.phones == (
        Phone("+1 555 0142210", "PRN", "PH"),
        Phone("(555)014-9921", "ORN", "CP"),
        Phone("+1 555 0148800 x22", "WPN", "PH"),
    )
    assert event.address == Address(("77 Cistern Lane", "Apt 3C"), "Fallowfield", "OH", "44001", "USA", "H")
    assert event.language == "spa"


def test_a_fact_takes_effect_when_it_occurred_not_when_it_was_typed(read):
    event = read_adt(read("a02-transfer"))

    assert event.occurred_at == utc(2027, 3, 8, 15, 50)
    assert event.recorded_at == utc(2027, 3, 8, 16, 2)
    assert event.message_at == utc(2027, 3, 8, 16, 2, 10)
    assert event.effective_at == event.occurred_at
    assert event.prior_location == Place("4A", "412", "B", "LARKMOOR")


def test_without_an_occurrence_the_record_and_then_the_header_counts(read):
    assert read_adt(read("a13-cancel-discharge")).effective_at == utc(2027, 3, 10, 20, 29)
    bare = parse(message_with("PV1|1|I"), zone=NEW_YORK)
    assert read_adt(bare).effective_at == utc(2027, 3, 10, 19, 15)


def test_a_pending_discharge_says_when_and_where_to(read):
    event = read_adt(read("a16-pending-discharge"))

    assert event.expected_discharge_at == utc(2027, 3, 10, 19, 0)
    assert event.expected_disposition == "03"
    assert event.discharge_at is UNCHANGED


def test_a_day_without_an_hour_is_not_midnight(read):
    event = read_adt(read("date-only"))

    assert event.expected_discharge_at is UNCHANGED
    assert event.expected_discharge_on == date(2027, 3, 11)


def test_absent_is_unchanged_and_a_null_is_cleared(read):
    event = read_adt(read("nulls"))

    for name in ("disposition", "discharge_at", "discharge_on", "expected_discharge_at", "language"):
        assert getattr(event, name) is CLEARED, name
    assert event.address is CLEARED
    assert event.weight_lb is CLEARED
    for name in ("prior_location", "diet", "isolation", "is_deceased", "expected_return_at", "mother"):
        assert getattr(event, name) is UNCHANGED, name


def test_everything_is_unchanged_in_a_message_that_says_nothing():
    event = read_adt(parse(message_with(), zone=NEW_YORK))

    given = {name: getattr(event, name) for name in event.__dataclass_fields__}
    said = {name for name, value in given.items() if value not in (UNCHANGED, None, ())}
    assert said == {
        "event",
        "control_id",
        "version",
        "processing_id",
        "sending_application",
        "sending_facility",
        "receiving_application",
        "receiving_facility",
        "message_at",
        "effective_at",
        "patient",
        "patient_identifiers",
    }
    assert CLEARED not in given.values()


def test_observations_say_how_the_patient_can_travel(read):
    event = read_adt(read("a08-observations"))

    assert event.weight_lb == Decimal("230.4")  # 104.5 kg; the later 99 kg was withdrawn
    assert event.isolation == "Contact precautions; Droplet precautions"
    assert event.mobility == "Wheelchair, one assist"
    assert event.oxygen == "Nasal cannula"
    assert event.oxygen_lpm == Decimal("2.5")
    assert event.ambulatory_status == ("A2", "B1")
    assert event.comments == ("Hearing aid left ear.\nSpeak slowly.", "Stairs at home: 6 & no rail")


@pytest.mark.parametrize(
    ("value", "unit", "pounds"),
    [
        ("180", "lb", "180.0"),
        ("180", "[lb_av]", "180.0"),
        ("80", "kg", "176.4"),
        ("3200", "g", "7.1"),
        ("181.5 lbs", "", "181.5"),
    ],
)
def test_weights_are_pounds_whatever_the_unit(value, unit, pounds):
    event = read_adt(parse(message_with(f"OBX|1|NM|29463-7^Body weight^LN||{value}|{unit}|||||F"), zone=NEW_YORK))

    assert event.weight_lb == Decimal(pounds)


@pytest.mark.parametrize(("value", "unit"), [("90", ""), ("heavy", "kg"), ("900", "kg"), ("0", "kg"), ("80", "stone")])
def test_a_weight_that_is_not_sure_is_not_guessed(value, unit):
    event = read_adt(parse(message_with(f"OBX|1|NM|29463-7^Body weight^LN||{value}|{unit}|||||F"), zone=NEW_YORK))

    assert event.weight_lb is UNCHANGED
    assert event.problems == ("bad_value:weight",)


def test_the_weight_observed_last_counts():
    rows = [
        "OBX|1|NM|29463-7||200|lb|||||F|||20270309060000",
        "OBX|2|NM|29463-7||190|lb|||||F|||20270308060000",
    ]
    assert read_adt(parse(message_with(*rows), zone=NEW_YORK)).weight_lb == Decimal("200.0")


def test_a_feed_may_use_its_own_codes():
    message = parse(message_with("OBX|1|ST|XFER-ISO^precautions^L||AIRBORNE||||||F"), zone=NEW_YORK)

    assert read_adt(message).isolation is UNCHANGED
    assert read_adt(message, codes={**DEFAULT_CODES, "XFER-ISO": "isolation"}).isolation == "AIRBORNE"


def test_the_first_insurance_names_the_plan(read):
    event = read_adt(read("a01-admit"))

    assert (event.plan_name, event.payer_name) == ("Medicare Part A and B", "Centers for Medicare")
    assert event.member_number == "1EG4TE5MK73"


def test_leaves_and_trips_off_the_ward_do_not_move_the_bed(read):
    away = read_adt(read("a21-leave"))
    assert away.expected_return_at == utc(2027, 3, 10, 0, 0)
    assert away.location == Place("5C", "518", "A", "LARKMOOR")

    scan = read_adt(read("a09-off-ward"))
    assert scan.temporary_location == Place("IMG", "CT2", None, "LARKMOOR")
    assert scan.location == Place("5C", "518", "A", "LARKMOOR")


def test_a_merge_names_what_is_no_longer_valid(read):
    event = read_adt(read("a40-merge"))

    assert event.patient == Identifier("LM700412", "LARKMOOR", "MR")
    assert event.prior_patient == Identifier("LM700397", "LARKMOOR", "MR")
    assert event.prior_account == Identifier("V90031200", "LARKMOOR", "AN")
    assert event.prior_visit == Identifier("V90031200", "LARKMOOR", "VN")


def test_a_swap_speaks_of_two_patients(read):
    first, second = read_all(read("a17-swap"))

    assert (first.patient.number, first.location.bed) == ("LM700412", "B")
    assert (second.patient.number, second.location.bed) == ("LM700999", "A")
    assert second.visit.number == "V90040001"
    assert second.event == "A17"


def test_a_move_of_several_visits_is_one_event_for_each(read):
    events = read_all(read("a45-move-visits"))

    assert [(one.patient.number, one.prior_patient.number) for one in events] == [("LM700412", "LM700397")] * 2
    assert [one.prior_visit.number for one in events] == ["V90031201", "V90031202"]
    assert [one.visit.number for one in events] == ["V90031201", "V90031202"]


def test_a_death_is_read_from_the_flag_or_the_time(read):
    event = read_adt(read("death"))
    assert event.is_deceased is True
    assert event.died_at == utc(2027, 3, 10, 18, 10)

    unflagged = parse(read("death").raw.replace(b"20270310131000|Y", b"20270310131000"), zone=NEW_YORK)
    assert read_adt(unflagged).is_deceased is True


def test_a_newborn_has_its_own_number_and_its_mothers(read):
    event = read_adt(read("newborn"))

    assert event.patient.number == "LM800001"
    assert event.mother == Identifier("LM700412", "LARKMOOR", "MR")
    assert event.birth_order == "2"


def test_unreadable_times_are_problems_without_values(read):
    event = read_adt(read("bad-dates"))

    assert event.effective_at is None
    assert event.discharge_at is UNCHANGED
    assert set(event.problems) == {
        "bad_time:message_at",
        "bad_time:recorded_at",
        "bad_time:discharge_at",
        "bad_time:birth_date",
    }


def test_the_hour_that_comes_twice_is_the_first_one(read):
    event = read_adt(read("dst-fold"))

    assert event.discharge_at == utc(2027, 11, 7, 5, 30)
    assert event.problems == ("dst_fold:discharge_at",)


def test_the_hour_that_never_comes_is_the_one_after(read):
    event = read_adt(read("dst-gap"))

    assert event.discharge_at == utc(2027, 3, 14, 7, 30)
    assert event.problems == ("dst_gap:discharge_at",)


def test_an_offset_outranks_the_feeds_zone(read):
    event = read_adt(read("offset-and-fraction"))

    assert event.message_at == datetime(2027, 3, 10, 22, 15, 0, 123400, tzinfo=UTC)
    assert event.recorded_at == utc(2027, 3, 10, 8, 44)
    assert event.discharge_at == datetime(2027, 3, 10, 22, 0, 0, 250000, tzinfo=UTC)


def test_without_a_zone_a_bare_time_is_no_moment(raw):
    event = read_adt(parse(raw("a03-discharge")))

    assert event.effective_at is None
    assert event.discharge_at is UNCHANGED
    assert event.discharge_on == date(2027, 3, 10)


def test_a_wrong_zone_name_is_loud(raw):
    with pytest.raises(ZoneInfoNotFoundError):
        read_adt(parse(raw("a03-discharge")), zone="America/Nowhere")


def test_what_is_no_message_has_no_facts(read):
    with pytest.raises(ValueError, match="no MSH"):
        read_adt(read("no-msh"))


def test_only_the_number_of_an_old_sender_is_still_a_number():
    old = message_with().replace(b"PID|1||LM1^^^LARKMOOR^MR", b"PID|1|OLD77||ALT8")

    assert read_adt(parse(old, zone=NEW_YORK)).patient == Identifier("OLD77")
