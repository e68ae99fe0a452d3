from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.hl7v2.adt import read_all
from integrations.hl7v2.parse import NULL, facts, parse, split_batch
from integrations.hl7v2.parse.escapes import Separators, escape, unescape

FIXTURES = Path(__file__).parents[2] / "fixtures" / "hl7"
LINE_END_VARIANTS = ("lf-line-ends", "crlf-line-ends", "no-final-line-end", "mllp-framed")
VERSIONS = ("2-2", "2-3", "2-3-1", "2-4", "2-5", "2-5-1", "2-6", "2-7", "2-7-1", "2-8")


@pytest.mark.parametrize("name", LINE_END_VARIANTS)
def test_line_ends_and_framing_do_not_change_what_is_read(read, name):
    found = facts(read(name))

    assert found["segments"] == ["MSH", "EVN", "PID", "PV1"]
    assert found["patient_id"] == {
        "id": "LM700412",
        "authority": "LARKMOOR",
        "authority_oid": None,
        "type": "MR",
    }
    assert found["notes"] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_gives_the_same_facts(read, version):
    found = facts(read(f"version-{version}"))

    assert found["version"] == version.replace("-", ".")
    assert found["ack"] == "AA"
    assert found["visit_number"] == {"id": "V90031277", "authority": "LARKMOOR"}
    assert found["discharge_disposition"] == "03"
    assert found["discharge_time"]["iso"] == "2027-03-10T14:55:00"


@pytest.mark.parametrize(
    ("name", "codec", "notes"),
    [
        ("latin1-declared", "latin-1", []),
        ("latin1-undeclared", "cp1252", []),
        ("utf8-declared", "utf-8", []),
        ("utf8-declared-latin1-sent", "cp1252", ["charset_mismatch"]),
        ("utf16-with-mark", "utf-16", ["utf16"]),
    ],
)
def test_a_name_survives_every_character_set(read, name, codec, notes):
    message = read(name)

    assert message.encoding == codec
    assert message.notes == notes
    assert [message.get("PID", 5, part) for part in (1, 2, 3)] == ["Núñez-Österlund", "Zoë", "Aurèle"]


def test_an_unknown_character_set_is_noted_and_the_text_still_read():
    message = parse(b"MSH|^~\\&|A|B|C|D|2027||ADT^A03|1|P|2.5||||||TIN CAN\rPID|||7||Z\xc3\xbc\r")

    assert message.notes == ["charset_unknown:TIN CAN"]
    assert message.get("PID", 5) == "Zü"


def test_escape_sequences_become_text(read):
    message = read("escapes")

    assert message.get("PID", 5, 1) == "O^Dwyer & Sons"
    assert message.get("PID", 5, 2) == "Ann|Marie\\"
    assert message.get("PID", 5, 3) == "Ada~"
    assert message.text(message.field("NTE", 3)).startswith("first\nsecond\n\nfourth, path C:\\lab\\x and ")


def test_a_separator_that_came_from_an_escape_separates_nothing(read):
    assert read("escapes").get("PID", 5, 4) is None


def test_the_header_says_what_the_separators_are(read):
    ours, usual = facts(read("alternative-separators")), facts(read("lf-line-ends"))

    for key in ("patient_ids", "name", "dob", "visit_number", "account_number", "location"):
        assert ours[key] == usual[key]


def test_a_deleted_value_is_not_an_absent_one(read):
    message = read("nulls")

    assert message.get("PV1", 36) == NULL
    assert message.get("PV1", 37) is None
    found = facts(message)
    assert found["discharge_disposition"] == "__NULL__"
    assert found["discharge_time"] == {"raw": "__NULL__", "iso": None}
    assert found["prior_location"] is None


def test_a_wrapped_line_stays_in_its_field(read):
    message = read("wrapped-lines")

    assert message.notes == ["raw_lf"]
    assert message.get("PID", 11) == "77 Cistern\nLane"
    assert message.segment_ids == ["MSH", "EVN", "PID", "PV1"]


def test_a_deleted_identifier_is_never_the_patients(read):
    found = facts(read("repetitions"))

    assert [one["id"] for one in found["patient_ids"]] == ["__NULL__", "900-77-0001", "LM700412", "X1"]
    assert found["patient_id"]["id"] == "LM700412"
    assert found["patient_id"]["authority_oid"] == "2.999.4"


def test_what_is_no_segment_is_counted_and_a_cut_off_tail_named(read):
    message = read("truncated-tail")

    assert message.segment_ids == ["MSH", "EVN", "PID"]
    assert message.notes == ["junk_lines:1", "truncated_tail"]


def test_a_second_message_in_the_frame_is_left_out_and_noted(read):
    message = read("two-in-one-frame")

    assert message.get("MSH", 10) == "LM0035"
    assert message.segment_ids == ["MSH", "EVN", "PID", "PV1"]
    assert message.notes == ["second_message_in_frame"]


def test_a_batch_is_counted_and_can_be_split(raw, read):
    batch = read("batch")

    assert facts(batch)["batch_messages"] == 2
    messages = [parse(one) for one in split_batch(raw("batch"))]
    assert [one.get("MSH", 10) for one in messages] == ["LM0037", "LM0038"]
    assert [one.segment_ids for one in messages] == [["MSH", "EVN", "PID", "PV1"]] * 2


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("no-msh", "no MSH"),
        ("lower-case-msh", "no MSH"),
        ("header-cut-off", "MSH too short or invalid separators"),
        ("same-separators", "duplicate or alphanumeric encoding characters"),
    ],
)
def test_what_is_no_message_says_why(read, name, problem):
    message = read(name)

    assert not message.ok
    assert message.problem == problem
    assert message.get("PID", 3) is None
    assert facts(message)["ack"] == "AR"


def test_times_that_cannot_be_read_keep_their_text(read):
    found = facts(read("bad-dates"))

    assert found["discharge_time"] == {"raw": "2027-03-10T14:55:00Z", "iso": None}
    assert set(found["notes"]) == {
        "bad_time:dob",
        "bad_time:discharge_time",
        "bad_time:event_recorded",
        "bad_time:message_time",
    }
    assert found["disposition"] == "review"


def test_the_command_line_prints_one_object_a_line():
    names = ["a03-discharge", "no-msh", "batch"]
    done = subprocess.run(
        [sys.executable, "-m", "integrations.hl7v2.parse", *(str(FIXTURES / f"{one}.hl7") for one in names)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=FIXTURES.parents[2],
        check=True,
    )

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["ok"] for one in lines] == [True, False, False]
    assert lines[0]["control_id"] == "LM0003"
    assert lines[2]["batch_messages"] == 2


def test_the_command_line_names_a_file_it_cannot_read(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "integrations.hl7v2.parse", str(tmp_path / "nowhere.hl7")],
        capture_output=True,
        text=True,
        cwd=FIXTURES.parents[2],
    )

    assert done.returncode == 2
    assert "nowhere.hl7" in done.stderr


SEEDS = sorted(path.read_bytes() for path in FIXTURES.glob("*.hl7"))


def _read_everything(data: bytes) -> None:
    message = parse(data, zone="America/New_York")
    facts(message)
    if message.ok:
        read_all(message)


@given(st.binary(max_size=2000))
def test_arbitrary_bytes_never_raise(data):
    _read_everything(data)
    _read_everything(b"MSH|^~\\&|" + data)


@settings(max_examples=300)
@given(st.data())
def test_damaged_messages_never_raise(data):
    message = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, max(0, len(message) - 1)))
        length = data.draw(st.integers(0, 8))
        message[at : at + length] = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"|", b"^", b"~", b"\\", b"&", b'""', b"\r", b"\n"]))
        )
    _read_everything(bytes(message))


@pytest.mark.parametrize(
    "piece", [b"\r", b"\n", b"\n ", b"\n\t", b"A\n", b"|", b"^", b"~", b"\\", b"\\X41", b"&", b"\x00"]
)
def test_a_megabyte_of_anything_is_read_within_a_second(piece):
    header = b"MSH|^~\\&|A|B|C|D|20270310||ADT^A03|1|P|2.5\rPID|||"
    began = time.process_time()

    _read_everything(header + piece * (1_000_000 // len(piece)) + b"x\r")

    assert time.process_time() - began < 1


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=60)


@given(TEXT)
def test_escaped_text_comes_back_as_it_was(text):
    separators = Separators()
    carried = escape(text, separators)

    assert not set(carried) & set("|^~&\r\n")
    assert unescape(carried, separators) == text


@given(TEXT, st.permutations("!*#%@"))
def test_escaped_text_comes_back_with_other_separators(text, marks):
    separators = Separators(*marks)

    assert unescape(escape(text, separators), separators) == text


@given(family=TEXT, given_name=TEXT)
def test_escaped_values_keep_to_their_component(family, given_name):
    separators = Separators()
    line = f"PID|||7||{escape(family, separators)}^{escape(given_name, separators)}"
    message = parse(f"MSH|^~\\&|A|B|C|D|2027||ADT^A03|1|P|2.5||||||UNICODE UTF-8\r{line}|\rPV1|\r".encode())

    assert message.get("PID", 5, 1) == (family or None)
    assert message.get("PID", 5, 2) == (given_name or None)
