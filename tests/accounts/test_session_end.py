"""How long a session lives: 15 minutes idle, 12 hours in all, whatever the page does by itself."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.accounts.conftest import code, give_password
from tests.cast import Cast


@pytest.fixture
def client(cast: Cast, give_phone, clock) -> Client:
    """Signed in at noon."""
    browser, admin = Client(), cast.people["admin@lakeshore"]
    give_phone(admin)
    give_password(browser, admin)
    browser.post("/sign-in/code", {"code": code()})
    return browser


def test_fifteen_idle_minutes_end_the_session_and_say_so(client: Client, clock) -> None:
    clock.shift(15 * 60)
    assert client.get("/people").status_code == 200
    clock.shift(15 * 60 + 1)
    answer = client.get("/people?q=kim")
    assert answer["Location"] == "/sign-in?next=%2Fpeople%3Fq%3Dkim&expired=1"
    page = client.get(answer["Location"]).content.decode()
    assert "You were signed out" in page
    assert client.get("/people").status_code == 302


def test_twelve_hours_end_the_session_of_somebody_who_never_rests(client: Client, clock) -> None:
    for _ in range(72):
        clock.shift(10 * 60)
        assert client.get("/people").status_code == 200
    clock.shift(10)
    assert client.get("/people").status_code == 302


@pytest.mark.parametrize("header", [{"X-Background": "1"}, {"HX-Trigger-Name": "poll"}])
def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(client: Client, clock, header: dict[str, str]) -> None:
    for _ in range(3):
        clock.shift(5 * 60)
        assert client.get("/people", headers=header).status_code == 200
    clock.shift(1)
    assert client.get("/people", headers=header).status_code == 302


def test_the_page_knows_when_to_warn_and_staying_starts_the_time_anew(client: Client, clock) -> None:
    assert _warns_in(client) == 900
    clock.shift(14 * 60)
    assert client.post("/account/keep-alive").status_code == 204
    clock.shift(14 * 60)
    assert client.get("/people").status_code == 200


def test_the_warning_respects_the_twelve_hours(client: Client, clock) -> None:
    for _ in range(71):
        clock.shift(10 * 60)
        client.get("/people")
    clock.shift(5 * 60)
    assert _warns_in(client) == 300


def test_an_expired_session_is_offered_the_sign_in_page_itself(client: Client, clock) -> None:
    clock.shift(16 * 60)
    assert client.get("/sign-in").status_code == 200


def test_a_fragment_of_an_expired_page_sends_the_whole_page_to_sign_in(client: Client, clock) -> None:
    clock.shift(16 * 60)
    answer = client.get("/people", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/people"})
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/sign-in?next=%2Fpeople&expired=1"


def test_a_late_form_of_another_site_cannot_choose_where_we_return(client: Client, clock) -> None:
    clock.shift(16 * 60)
    answer = client.post("/account/preferences", headers={"Referer": "https://evil.example/x"})
    assert answer["Location"] == "/sign-in?next=%2F&expired=1"


def _warns_in(client: Client) -> int:
    page = client.get("/people").content.decode()
    return int(re.search(r'data-expires-in="(\d+)"', page)[1])
