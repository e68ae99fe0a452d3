"""Signing in: two steps, no hints, no way around."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from django.contrib.auth import hashers
from django.test import Client

from logistics.core.models import AuditEntry
from tests.accounts.conftest import SECRET, code, give_password
from tests.cast import PASSWORD, Cast
from tests.support import act_as, signed_in


@pytest.fixture
def manager(cast: Cast):
    return cast.people["case_manager@lakeshore"]


def test_password_and_code_open_the_home_page(browser: Client, manager, give_phone, cast: Cast) -> None:
    give_phone(manager)
    first = give_password(browser, manager)
    assert (first.status_code, first["Location"]) == (303, "/sign-in/code")
    second = browser.post("/sign-in/code", {"code": code()})
    assert (second.status_code, second["Location"]) == (303, "/")
    assert browser.get("/account").status_code == 200
    with act_as(cast.staff()):
        entry = AuditEntry.objects.get(action="session.started")
    assert entry.actor_id == manager.user_id
    assert entry.details == {"second_factor": "code"}


def test_the_code_page_takes_a_pasted_code_in_one_field_for_one_time_codes(
    browser: Client, manager, give_phone
) -> None:
    give_phone(manager)
    give_password(browser, manager)
    page = browser.get("/sign-in/code").content.decode()
    field = re.search(r"<input[^>]*name=\"code\"[^>]*>", page)[0]
    assert 'autocomplete="one-time-code"' in field
    assert 'inputmode="numeric"' in field
    shown = code()
    assert browser.post("/sign-in/code", {"code": f" {shown[:3]} {shown[3:]}"}).status_code == 303


def test_the_password_alone_opens_nothing(browser: Client, manager, give_phone) -> None:
    give_phone(manager)
    give_password(browser, manager)
    for path in ("/account", "/people", "/switch", "/"):
        answer = browser.get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/sign-in/code?"), path
    for path in ("/account/password", "/account/recovery-codes", "/account/keep-alive"):
        assert browser.post(path, {"password": PASSWORD}).status_code == 302, path


def test_the_password_alone_adds_no_second_authenticator(browser: Client, manager, give_phone) -> None:
    device = give_phone(manager)
    give_password(browser, manager)
    answer = browser.get("/sign-in/enroll")
    assert answer["Location"] == "/sign-in/code"
    assert list(type(device).objects.filter(user=manager.user)) == [device]


def test_a_code_works_once(browser: Client, manager, give_phone, clock) -> None:
    give_phone(manager)
    give_password(browser, manager)
    used = code()
    assert browser.post("/sign-in/code", {"code": used}).status_code == 303
    other = Client()
    give_password(other, manager)
    assert other.post("/sign-in/code", {"code": used}).status_code == 422


def test_wrong_codes_slow_down_and_the_owner_is_never_locked_out_for_long(
    browser: Client, manager, give_phone, clock
) -> None:
    device = give_phone(manager)
    give_password(browser, manager)
    wrong = f"{(int(code()) + 1) % 1_000_000:06d}"
    assert browser.post("/sign-in/code", {"code": wrong}).status_code == 422
    page = browser.post("/sign-in/code", {"code": code()})
    assert page.status_code == 422
    assert "Wait 1 second" in page.content.decode()
    for _ in range(20):
        clock.shift(600)
        give_password(browser, manager)
        browser.post("/sign-in/code", {"code": wrong})
    device.refresh_from_db()
    assert device.throttling_failure_count == 10
    clock.shift(513)
    assert browser.post("/sign-in/code", {"code": code()}).status_code == 303


def test_unknown_address_wrong_password_and_closed_account_look_the_same(manager, cast: Cast) -> None:
    closed = cast.people["auditor@lakeshore"].user
    closed.is_active = False
    closed.save(update_fields=["is_active"])
    tries = [
        {"email": "nobody@lakeshore.example", "password": PASSWORD},
        {"email": manager.user.email, "password": "not the password"},
        {"email": closed.email, "password": PASSWORD},
        {"email": closed.email, "password": "not the password"},
    ]
    seen = set()
    for values in tries:
        with patch.object(hashers.MD5PasswordHasher, "encode", autospec=True, side_effect=_encode) as work:
            answer = Client().post("/sign-in", values)
        seen.add((answer.status_code, plain(answer).replace(values["email"], ""), work.call_count))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 422
    assert next(iter(seen))[2] == 1


def plain(answer) -> str:
    """The page without what is random in every page."""
    body = answer.content.decode().replace(answer["X-Request-Id"][:8], "")
    return re.sub(r'(csrfmiddlewaretoken" value=|csrf-token" content=|"X-CSRFToken": )"[^"]*"', "", body)


_real_encode = hashers.MD5PasswordHasher.encode


def _encode(self, password, salt):
    return _real_encode(self, password, salt)


def test_five_wrong_tries_lock_this_address_here_and_say_nothing_about_the_account(cast: Cast, manager, clock) -> None:
    known, unknown = Client(), Client()
    bodies = []
    for browser, email in ((known, manager.user.email), (unknown, "nobody@lakeshore.example")):
        answers = [browser.post("/sign-in", {"email": email, "password": "wrong"}) for _ in range(5)]
        assert [a.status_code for a in answers] == [422, 422, 422, 422, 429]
        bodies.append(plain(answers[-1]))
    assert bodies[0] == bodies[1]
    assert give_password(known, manager).status_code == 429
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    assert give_password(elsewhere, manager).status_code == 303
    clock.shift(15 * 60 + 1)
    assert give_password(known, manager).status_code == 303


def test_the_case_of_the_address_does_not_matter_and_does_not_dodge_the_lock(browser: Client, manager) -> None:
    for spelling in ("upper", "lower", "title", "swapcase", "upper"):
        answer = browser.post("/sign-in", {"email": getattr(manager.user.email, spelling)(), "password": "wrong"})
    assert answer.status_code == 429


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/x", "javascript:alert(1)", "/\\evil.example", "http:///evil.example"],
)
def test_next_never_leads_to_another_site(browser: Client, cast: Cast, target: str) -> None:
    answer = give_password(browser, cast.people["driver@northbound"], next=target)
    assert (answer.status_code, answer["Location"]) == (303, "/")


def test_next_leads_back_to_where_the_person_was_through_both_steps(browser: Client, manager, give_phone) -> None:
    give_phone(manager)
    asked = browser.get("/account?tab=1")
    assert asked["Location"] == "/sign-in?next=%2Faccount%3Ftab%3D1"
    first = give_password(browser, manager, next="/account?tab=1")
    assert first["Location"] == "/sign-in/code?next=%2Faccount%3Ftab%3D1"
    second = browser.post("/sign-in/code", {"code": code(), "next": "/account?tab=1"})
    assert second["Location"] == "/account?tab=1"


def test_a_fragment_asks_the_browser_to_sign_in_and_come_back_to_its_page(browser: Client) -> None:
    answer = browser.get("/people", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/account?x=1"})
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/sign-in?next=%2Faccount%3Fx%3D1"


def test_the_session_gets_a_new_key_at_each_step(browser: Client, manager, give_phone) -> None:
    give_phone(manager)
    browser.get("/sign-in")
    give_password(browser, manager)
    half = browser.cookies["carrywell_session"].value
    browser.post("/sign-in/code", {"code": code()})
    whole = browser.cookies["carrywell_session"].value
    assert half != whole
    stale = Client()
    stale.cookies["carrywell_session"] = half
    assert stale.get("/account").status_code == 302


def test_a_driver_without_an_authenticator_needs_none_and_one_who_has_it_is_asked(
    browser: Client, cast: Cast, give_phone
):
    driver = cast.people["driver@northbound"]
    assert give_password(browser, driver)["Location"] == "/"
    assert browser.get("/account").status_code == 200
    give_phone(driver)
    again = Client()
    assert give_password(again, driver)["Location"] == "/sign-in/code"
    assert again.get("/account").status_code == 302


def test_signing_out_takes_a_post_and_ends_the_session_on_the_server(manager) -> None:
    client = signed_in(manager)
    key = client.cookies["carrywell_session"].value
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out")["Location"] == "/sign-in?out=1"
    thief = Client()
    thief.cookies["carrywell_session"] = key
    assert thief.get("/account").status_code == 302


def test_a_closed_account_loses_its_running_session_at_the_next_request(manager) -> None:
    client = signed_in(manager)
    assert client.get("/account").status_code == 200
    manager.user.is_active = False
    manager.user.save(update_fields=["is_active"])
    assert client.get("/account")["Location"].startswith("/sign-in?")


def test_pages_of_signed_in_people_are_never_kept_by_the_browser(manager, browser: Client) -> None:
    assert signed_in(manager).get("/account")["Cache-Control"] == "no-store"
    assert "no-store" in browser.get("/sign-in")["Cache-Control"]


def test_no_secret_reaches_the_page_or_the_trail(browser: Client, manager, give_phone, cast: Cast) -> None:
    give_phone(manager)
    page = give_password(browser, manager, password="a wrong password nobody has")
    assert "a wrong password nobody has" not in page.content.decode()
    entry = AuditEntry.objects.get(action="session.refused")
    assert manager.user.email not in str([entry.actor_label, entry.details, entry.reason, entry.target_id])
    assert SECRET not in browser.get("/sign-in/code").content.decode()
