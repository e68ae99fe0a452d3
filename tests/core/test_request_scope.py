"""One transaction and one scope per request, whatever the view does."""

from __future__ import annotations

import pytest
from django.test import Client

from logistics.accounts.models import Unit
from logistics.core.models import AuditEntry
from tests.cast import Cast
from tests.support import act_as, signed_in

pytestmark = pytest.mark.urls("tests.core.request_urls")


@pytest.fixture
def client(cast: Cast) -> Client:
    browser = signed_in(cast.people["admin@lakeshore"])
    browser.raise_request_exception = False
    return browser


def half_done(cast: Cast) -> int:
    """What a broken request left behind."""
    with act_as(cast.staff()):
        units = Unit.objects.filter(code="HALF").count()
        return units + AuditEntry.objects.filter(action="unit.created", actor_role="admin").count()


def test_a_view_that_declares_nothing_is_shut_even_for_administrators(client: Client) -> None:
    answer = client.get("/undeclared")
    assert answer.status_code == 403
    assert answer.content != b"open"
    assert Client().get("/undeclared").status_code == 403


def test_rows_that_a_template_reads_late_are_still_the_organizations_own(client: Client) -> None:
    assert client.get("/lazy").content.decode().strip() == "Lakeshore Medical Center"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/breaks", 500), ("/refuses", 409), ("/missing", 404), ("/api/refuses", 422), ("/api/breaks", 500)],
)
def test_a_request_that_fails_leaves_nothing_behind(client: Client, cast: Cast, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert "Zzyzxcanary" not in answer.content.decode()
    assert half_done(cast) == 0
    assert client.get("/lazy").status_code == 200  # and the next request finds a clean connection


def test_a_refusal_reads_as_a_sentence_on_pages_fragments_and_in_the_api(client: Client) -> None:
    assert "Somebody was first." in client.get("/refuses").content.decode()
    fragment = client.get("/refuses", headers={"HX-Request": "true"})
    assert (fragment.content.decode(), fragment["HX-Reswap"]) == ("Somebody was first.", "none")
    body = client.get("/api/refuses").json()
    assert body == {"code": "not_like_this", "detail": "Not like this.", "fields": {"x": "wrong"}}


def test_the_api_answers_inside_the_scope(client: Client) -> None:
    assert client.get("/api/lists").json() == ["Lakeshore Medical Center"]


def test_every_answer_carries_a_request_id_and_takes_a_proxys(client: Client) -> None:
    assert len(client.get("/lazy")["X-Request-Id"]) == 32
    assert client.get("/lazy", headers={"X-Request-Id": "abcd-1234-efgh"})["X-Request-Id"] == "abcd-1234-efgh"
    assert client.get("/lazy", headers={"X-Request-Id": 'x"><script>'})["X-Request-Id"] != 'x"><script>'


def test_a_refused_page_is_written_down(client: Client, cast: Cast) -> None:
    biller = signed_in(cast.people["biller@lakeshore"])
    assert biller.get("/lazy").status_code == 403
    with act_as(cast.staff()):
        entry = AuditEntry.objects.get(action="access.refused")
    assert entry.details == {"permission": "sites.view", "view": "lazy"}
    assert entry.actor_id == cast.people["biller@lakeshore"].user_id
