"""Receiving: stored before answered, answered alike when sent again, refused where it must be, never lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import DatabaseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.handlers import resolve
from integrations.models import Feed, InboundMessage
from integrations.services import inbound
from integrations.tasks import sweep
from logistics.core import clock
from logistics.core.models import AuditEntry, OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.models import ServiceRequest
from tests.cast import Cast
from tests.integrations.feeds import feed_in, make_feed, message
from tests.support import act_as, settle

DATA = Path(__file__).parents[3] / "shared" / "data" / "hl7"
A16 = message("A16", "20260307061500", expected="20260307111500")


def code_of(answer: bytes | None) -> str:
    """MSA-1 of an acknowledgment."""
    found = re.search(rb"\rMSA\|([A-Z]{2})", answer or b"")
    return found.group(1).decode() if found else ""


def rows(cast: Cast) -> list[InboundMessage]:
    """All stored messages, oldest first."""
    with act_as(cast.staff()):
        return list(InboundMessage.objects.order_by("id"))


def test_a_message_is_stored_as_it_came_and_answered_aa(cast: Cast, feed: Feed) -> None:
    answer = inbound.receive(feed, A16)
    (row,) = rows(cast)
    assert code_of(answer) == "AA"
    with act_as(cast.staff()):
        assert (row.raw, row.ack, row.state, row.event) == (A16, answer, "received", "ADT^A16")
        assert row.visit_token is not None
        assert b"V1" not in bytes(row.visit_token)


def test_the_stored_bytes_do_not_show_the_patient(cast: Cast, feed: Feed) -> None:
    inbound.receive(feed, A16)
    with act_as(cast.staff()):
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT raw, ack, warnings::text, problem FROM integrations_inboundmessage")
            stored = b" ".join(
                bytes(part) if not isinstance(part, str) else part.encode() for part in cursor.fetchone()
            )
    assert b"Okafor" not in stored
    assert b"700000" not in stored


def test_a_resend_gets_the_very_same_answer_and_has_no_effect(cast: Cast, feed: Feed) -> None:
    first = inbound.receive(feed, A16)
    settle()
    again = inbound.receive(feed, A16)
    settle()
    (row,) = rows(cast)
    assert again == first
    assert row.resends == 1
    with act_as(cast.staff()):
        assert ServiceRequest.objects.count() == 1


def test_a_reused_control_id_with_other_bytes_is_processed_with_a_warning(cast: Cast, feed: Feed) -> None:
    inbound.receive(feed, message("A01", "20260306201500", control="SAME"))
    inbound.receive(feed, message("A16", "20260307061500", control="SAME", expected="20260307111500"))
    settle()
    first, second = rows(cast)
    assert "control_id_reused" not in first.warnings
    assert "control_id_reused" in second.warnings
    assert second.outcome == "applied"


def test_a_sender_that_the_feed_does_not_expect_is_refused_and_audited(cast: Cast) -> None:
    feed = make_feed(cast, sending_facility="OTHERHOSP")
    answer = inbound.receive(feed, A16)
    (row,) = rows(cast)
    assert code_of(answer) == "AR"
    assert (row.state, row.outcome, row.problem_code) == ("done", "rejected", "sender_mismatch")
    with act_as(Scope.system()):
        entry = AuditEntry.objects.get(action="feed.sender_mismatch")
    assert entry.tenant_id == cast.lakeshore.pk
    assert entry.target_id == str(feed.pk)


@pytest.mark.parametrize("asked", ["AL|NE", "SU|AL", "ER|ER", "NE|NE", "|AL", "NE|"])
def test_in_enhanced_mode_an_unexpected_sender_gets_an_accept_code_whatever_it_asked_for(
    cast: Cast, asked: str
) -> None:
    feed = make_feed(cast, sending_application="OTHERAPP")
    raw = A16.replace(b"|P|2.5.1\r", f"|P|2.5.1|||{asked}\r".encode())
    assert raw != A16
    assert code_of(inbound.receive(feed, raw)) == "CR"
    (row,) = rows(cast)
    assert (row.ack_code, row.outcome, row.problem_code) == ("CR", "rejected", "sender_mismatch")


def test_the_tenant_is_the_feeds_whatever_the_header_says(cast: Cast, feed: Feed) -> None:
    inbound.receive(feed, A16.replace(b"|HOSP|PTRANS", b"|PRAIRIE|PTRANS"))
    with act_as(cast.staff(cast.prairie)):
        assert not InboundMessage.objects.exists()
    assert len(rows(cast)) == 1


@pytest.mark.parametrize(
    ("raw", "code", "outcome"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "AR", "rejected"),
        (A16.replace(b"ADT^A16", b"ADT^Q77"), "AR", "rejected"),
        (A16.replace(b"|A16-20260307061500-V1|", b"||"), "AE", "review"),
        (A16.split(b"PID|")[0] + b"PV1|1|I\r", "AE", "review"),
    ],
)
def test_what_cannot_be_used_is_refused_and_kept(cast: Cast, feed: Feed, raw: bytes, code: str, outcome: str) -> None:
    assert code_of(inbound.receive(feed, raw)) == code
    (row,) = rows(cast)
    assert (row.state, row.outcome) == ("done", outcome)
    assert row.problem


def test_a_site_may_ask_for_aa_on_content_errors_and_the_work_item_stays(cast: Cast) -> None:
    feed = make_feed(cast, ack_on_content_error="AA")
    assert code_of(inbound.receive(feed, A16.replace(b"|A16-20260307061500-V1|", b"||"))) == "AA"
    assert rows(cast)[0].outcome == "review"


def test_a_sender_in_enhanced_mode_gets_an_accept_code(cast: Cast, feed: Feed) -> None:
    raw = A16.replace(b"|P|2.5.1\r", b"|P|2.5.1|||AL|NE\r")
    assert code_of(inbound.receive(feed, raw)) == "CA"


def test_nothing_is_answered_when_the_database_fails_and_the_resend_has_one_effect(
    cast: Cast, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise DatabaseError("away")

    with monkeypatch.context() as patch:
        patch.setattr(inbound.outbox, "publish", broken)
        with pytest.raises(DatabaseError):
            inbound.receive(feed, A16)
    assert rows(cast) == []
    inbound.receive(feed, A16)
    settle()
    with act_as(cast.staff()):
        assert ServiceRequest.objects.count() == 1


def test_with_the_worker_stopped_a_message_waits_and_then_makes_exactly_one_draft(cast: Cast, feed: Feed) -> None:
    inbound.receive(feed, A16)
    (row,) = rows(cast)
    assert row.state == "received"
    with act_as(cast.staff()):
        assert not ServiceRequest.objects.exists()
        InboundMessage.objects.filter(pk=row.pk).update(received_at=clock.now() - clock.dt.timedelta(seconds=11))
    assert sweep() == 1
    assert sweep() == 0
    settle()
    with act_as(cast.staff()):
        assert list(ServiceRequest.objects.values_list("status", flat=True)) == ["draft"]


def test_events_carry_numbers_only(cast: Cast, feed: Feed) -> None:
    inbound.receive(feed, A16)
    settle()
    with act_as(Scope.system()):
        text = str(list(OutboxEvent.objects.values_list("topic", "payload")))
    assert "Okafor" not in text
    assert "700000" not in text
    assert "V1" not in text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.one_of(st.binary(max_size=300), st.binary(max_size=60).map(lambda tail: A16[:200] + tail + A16[200:])))
def test_any_bytes_are_stored_and_answered(cast: Cast, feed: Feed, raw: bytes) -> None:
    before = len(rows(cast))
    answer = inbound.receive(feed, raw)
    assert answer
    assert answer.startswith(b"MSH")
    assert code_of(answer) or b"MSA" in answer
    assert len(rows(cast)) in (before, before + 1)


@pytest.mark.parametrize("mapped", [False, True])
def test_every_file_of_the_corpus_is_stored_answered_and_applied_or_explained(
    cast: Cast, feed: Feed, mapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mapped:
        monkeypatch.setattr(resolve, "_unit", lambda *_: cast.units["4A@lakeshore"])
    files = sorted(path for path in DATA.rglob("*") if path.suffix in (".hl7", ".txt", ".bin") and path.is_file())
    if not files:
        print("the corpus is not here")
        pytest.skip("the corpus of real messages is not beside the project")
    codes: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    for path in files[int(mapped) :: max(1, len(files) // 250)]:
        row = feed_in(cast, feed, path.read_bytes())
        codes[row.ack_code] = codes.get(row.ack_code, 0) + 1
        outcomes[row.outcome or row.state] = outcomes.get(row.outcome or row.state, 0) + 1
        assert row.problem_code != "failed", path.name
        assert row.state in ("done", "stopped", "received"), path.name
        assert (row.outcome != "") == (row.state == "done"), path.name
    total = sum(codes.values())
    print(f"corpus: {total} of {total} answered and stored, by code {codes}, by outcome {outcomes}")
    with act_as(cast.staff()):
        kept = InboundMessage.objects.count()
        ended = (
            InboundMessage.objects.exclude(outcome="").count() + InboundMessage.objects.exclude(state="done").count()
        )
    assert kept == ended
