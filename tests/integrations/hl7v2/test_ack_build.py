from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.hl7v2.ack import build_ack, decide
from integrations.hl7v2.parse import parse

NOON = datetime(2027, 3, 10, 17, 0, tzinfo=UTC)
ack = partial(build_ack, clock=lambda: NOON, control_id="CW1")


@pytest.mark.parametrize(
    ("name", "code", "disposition"),
    [
        ("a03-discharge", "AA", "apply"),
        ("a16-pending-discharge", "AA", "apply"),
        ("a40-merge", "AA", "apply"),
        ("a09-off-ward", "AA", "record"),
        ("test-message", "AA", "apply"),
        ("no-version", "AA", "apply"),
        ("type-only", "AA", "apply"),
        ("bad-dates", "AA", "review"),
        ("no-pv1", "AE", "review"),
        ("no-pid", "AE", "review"),
        ("no-identifier", "AE", "review"),
        ("no-control-id", "AE", "review"),
        ("merge-without-prior", "AE", "review"),
        ("merge-into-itself", "AE", "review"),
        ("utf8-declared-latin1-sent", "AE", "review"),
        ("two-in-one-frame", "AE", "review"),
        ("unknown-event", "AR", "reject"),
        ("version-3", "AR", "reject"),
        ("type-empty", "AR", "reject"),
        ("no-msh", "AR", "reject"),
        ("header-cut-off", "AR", "reject"),
        ("same-separators", "AR", "reject"),
        ("orm-transport-order", "AR", "record"),
        ("batch", "AE", "split"),
    ],
)
def test_each_message_gets_the_answer_it_deserves(read, name, code, disposition):
    decision = decide(read(name))

    assert (decision.code, decision.disposition) == (code, disposition)
    assert bool(decision.reason) == (code != "AA")
    assert bool(decision.error) == (code != "AA")


def test_a_feed_may_take_other_types(read):
    decision = decide(read("orm-transport-order"), enabled_types={"ADT", "ORM"})

    assert (decision.code, decision.disposition) == ("AA", "apply")


def test_a_feed_may_take_no_adt(read):
    assert decide(read("a03-discharge"), enabled_types={"ORM"}).code == "AR"


@pytest.mark.parametrize(
    ("name", "accept", "application", "reply"),
    [
        ("enhanced-al-al", "CA", "AA", "CA"),
        ("enhanced-al-ne", "CA", None, "CA"),
        ("enhanced-ne-ne", None, None, None),
        ("enhanced-er-er", None, None, None),
        ("enhanced-refused", "CR", "AR", "CR"),
        ("a03-discharge", None, None, "AA"),
    ],
)
def test_enhanced_mode_answers_only_what_was_asked_for(read, name, accept, application, reply):
    decision = decide(read(name))

    assert (decision.accept, decision.application, decision.reply) == (accept, application, reply)


def test_an_answer_goes_back_to_the_sender_in_its_version(read):
    answer = parse(ack(read("version-2-4"), "AA"))

    assert answer.ok
    assert [answer.get("MSH", number) for number in (3, 4, 5, 6)] == [
        "CARRYWELL",
        "CARRYWELL",
        "BEDFLOW",
        "LARKMOOR",
    ]
    assert answer.get("MSH", 7) == "20270310170000+0000"
    assert answer.field("MSH", 9) == "ACK^A03^ACK"
    assert answer.get("MSH", 10) == "CW1"
    assert answer.get("MSH", 11) == "P"
    assert answer.get("MSH", 12) == "2.4"
    assert answer.get("MSA", 1) == "AA"
    assert answer.get("MSA", 2) == "LMV24"
    assert answer.segment_ids == ["MSH", "MSA"]


def test_versions_before_structures_existed_get_none(read):
    assert parse(ack(read("version-2-3"), "AA")).field("MSH", 9) == "ACK^A03"


def test_a_refusal_says_where_and_why(read):
    message = read("no-pv1")
    decision = decide(message)
    answer = parse(ack(message, decision.code, decision.reason, error=decision.error, location=decision.location))

    assert answer.get("MSA", 1) == "AE"
    assert answer.get("MSA", 3) == "no PV1 for a visit event"
    assert answer.field("ERR", 2) == "PV1^1"
    assert answer.field("ERR", 3) == "100^Segment sequence error^HL70357"
    assert answer.get("ERR", 4) == "E"
    assert answer.get("ERR", 8) == "no PV1 for a visit event"


def test_an_old_version_gets_its_own_form_of_error(read):
    answer = parse(ack(read("version-2-3"), "AE", "no patient identifier", error="101", location="PID^1^3"))

    assert answer.field("ERR", 1) == "PID^1^3^101&Required field missing&HL70357"


def test_an_answer_keeps_the_senders_separators_and_character_set(read):
    odd = ack(read("alternative-separators"), "AA")
    assert odd.startswith(b"MSH!*#%@!")
    assert parse(odd).get("MSA", 2) == "LM0026"

    latin = parse(read("latin1-declared").raw.replace(b"BEDFLOW", "BEDFLÖW".encode("latin-1")))
    answer = ack(latin, "AA")
    assert "BEDFLÖW".encode("latin-1") in answer
    assert parse(answer).get("MSH", 18) == "8859/1"


def test_the_expected_sequence_number_is_answered_when_there_is_one(read):
    assert parse(ack(read("a03-discharge"), "CA", expected_sequence=43)).get("MSA", 4) == "43"


@pytest.mark.parametrize("name", ["no-msh", "header-cut-off", "batch"])
def test_what_is_no_message_can_be_answered_too(read, name):
    message = read(name)
    answer = parse(ack(message, "AR", decide(message).reason))

    assert answer.ok
    assert answer.get("MSA", 1) == "AR"
    assert answer.get("MSA", 2) is None


@given(st.binary(max_size=200))
def test_an_answer_to_anything_is_one_readable_message(data):
    message = parse(b"MSH|^~\\&|A|B|C|D|2027||ADT^A03|" + data)
    sent = ack(message, "AE", decide(message).reason, error="207")
    answer = parse(sent)

    assert answer.ok
    assert answer.segment_ids == ["MSH", "MSA", "ERR"]
    assert answer.get("MSA", 1) == "AE"
    # Byte for byte, whatever set the bytes are in: the sender compares it with what it sent.
    control_id = message.field("MSH", 10).replace("\n", " ").encode(message.encoding)
    assert b"MSA|AE|" + control_id in sent
