from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.hl7v2.framing import Frame, Framer, Junk, frame

ONE = b"MSH|^~\\&|A|B\rPID|||1\r"
TWO = b"MSH|^~\\&|A|B\rPID|||2\r"


def cut(stream: bytes, *, limit: int = 1000) -> list[Frame | Junk]:
    framer = Framer(limit)
    return [*framer.feed(stream), *framer.close()]


def test_one_read_may_hold_many_frames():
    assert cut(frame(ONE) + frame(TWO) + frame(ONE)) == [Frame(ONE), Frame(TWO), Frame(ONE)]


def test_one_frame_may_come_byte_by_byte():
    framer = Framer()
    found = [one for byte in frame(ONE) for one in framer.feed(bytes([byte]))]

    assert found == [Frame(ONE)]
    assert framer.is_idle


def test_a_missing_carriage_return_after_the_end_does_no_harm():
    stream = frame(ONE).rstrip(b"\r") + frame(TWO).rstrip(b"\r")
    assert cut(stream) == [Frame(ONE), Frame(TWO)]


def test_extra_line_ends_between_frames_are_not_junk():
    assert cut(frame(ONE) + b"\n\r\n" + frame(TWO) + b"\n") == [Frame(ONE), Frame(TWO)]


def test_bytes_between_frames_are_junk():
    assert cut(b"hello" + frame(ONE) + b"noise" + frame(TWO)) == [
        Junk(b"hello", "between_frames", 5),
        Frame(ONE),
        Junk(b"noise", "between_frames", 5),
        Frame(TWO),
    ]


def test_a_stream_without_any_frame_is_junk():
    assert cut(b"GET / HTTP/1.1\r\n\r\n") == [Junk(b"GET / HTTP/1.1\r\n\r\n", "between_frames", 18)]


def test_a_frame_that_is_begun_anew_leaves_its_first_part_as_junk():
    assert cut(b"\x0b" + ONE + frame(TWO)) == [Junk(ONE, "nested_start", len(ONE)), Frame(TWO)]


def test_a_doubled_start_is_one_start():
    assert cut(b"\x0b" + frame(ONE)) == [Frame(ONE)]


def test_a_vertical_tab_in_pasted_text_is_text():
    pasted = ONE + b"NTE|1||first\x0bMSecond\x0b\r"
    assert cut(frame(pasted)) == [Frame(pasted)]


def test_a_frame_without_an_end_is_unfinished():
    assert cut(b"\x0b" + ONE) == [Junk(ONE, "unfinished", len(ONE))]


def test_an_empty_frame_is_a_frame():
    assert cut(frame(b"") + frame(ONE)) == [Frame(b""), Frame(ONE)]


def test_a_frame_over_the_limit_is_junk_and_the_next_is_read():
    big = b"MSH" + b"x" * 50
    assert cut(frame(big) + frame(ONE), limit=40) == [Junk(big[:41], "too_large", 41), Frame(ONE)]
    assert cut(frame(ONE), limit=len(ONE)) == [Frame(ONE)]


def test_an_endless_frame_is_not_kept():
    framer = Framer(limit=10_000)
    found = framer.feed(b"\x0bMSH")
    for _ in range(200):
        found += framer.feed(b"y" * 1000)

    assert [one.reason for one in found if isinstance(one, Junk)] == ["too_large"]
    assert len(framer._buffer) < 2000


def test_endless_junk_is_counted_and_only_its_beginning_kept():
    framer = Framer()
    for _ in range(300):
        framer.feed(b"z" * 1000)
    (junk,) = framer.close()

    assert junk.size == 300_000
    assert len(junk.data) == framer.KEPT


def test_a_framer_is_as_new_after_the_stream_ended():
    framer = Framer()
    framer.feed(b"junk\x0bMSH")
    framer.close()

    assert framer.is_idle
    assert framer.feed(frame(ONE)) == [Frame(ONE)]


PIECES = st.sampled_from(
    [
        ONE,
        TWO,
        b"\x0b",
        b"\x1c",
        b"\r",
        b"\n",
        b"\x1c\r",
        b"M",
        b"MS",
        b"MSH",
        b"BHS",
        b"F",
        b"noise",
        frame(ONE),
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=14).map(b"".join), st.data(), st.sampled_from([3, 20, 25, 1000]))
def test_how_the_stream_is_split_changes_nothing(stream, data, limit):
    whole = cut(stream, limit=limit)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    framer = Framer(limit)
    pieces: list[Frame | Junk] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        pieces += framer.feed(stream[start:end])
    pieces += framer.close()

    assert pieces == whole


@given(st.lists(st.binary(max_size=60).map(lambda one: one.translate(None, b"\x0b\x1c")), max_size=6))
def test_every_payload_comes_back(payloads):
    assert cut(b"".join(map(frame, payloads))) == [Frame(one) for one in payloads]
