"""Setting up an authenticator, recovery codes, and what happens when a phone is lost."""

from __future__ import annotations

import base64
import re
import threading

import pytest
from django.db import connection, transaction
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from logistics.accounts.services import second_factor
from logistics.core.models import AuditEntry
from tests.accounts.conftest import code, give_password
from tests.cast import PASSWORD, Cast, build_cast
from tests.support import act_as, signed_in


def enroll(browser: Client, path: str = "/sign-in/enroll") -> str:
    """Scan, type the code. Returns the page with the recovery codes."""
    page = browser.get(path).content.decode()
    secret = re.search(r'<span class="mono">([A-Z2-7 ]+)</span>', page)[1].replace(" ", "")
    assert 'src="data:image/svg+xml' in page
    answer = browser.post("/sign-in/enroll", {"code": f"{totp(base64.b32decode(secret)):06d}"})
    assert answer.status_code == 200
    return answer.content.decode()


def codes_on(page: str) -> list[str]:
    return re.findall(r"<li>([A-Z0-9]{5}-[A-Z0-9]{5})</li>", page)


def test_who_owns_no_authenticator_sets_one_up_before_anything_opens(browser: Client, cast: Cast, clock) -> None:
    manager = cast.people["case_manager@lakeshore"]
    assert give_password(browser, manager)["Location"] == "/sign-in/code"
    assert browser.get("/sign-in/code")["Location"] == "/sign-in/enroll"
    wrong = browser.post("/sign-in/enroll", {"code": "000000"})
    assert wrong.status_code == 422
    assert not TOTPDevice.objects.filter(user=manager.user).exists()
    page = enroll(browser)
    assert len(set(codes_on(page))) == 10
    assert browser.get("/account").status_code == 200
    with act_as(cast.staff()):
        actions = list(
            AuditEntry.objects.filter(actor_id=manager.user_id).order_by("id").values_list("action", flat=True)
        )
    assert actions == ["second_factor.added", "session.started"]


def test_the_code_that_set_the_authenticator_up_is_used_up(browser: Client, cast: Cast, clock) -> None:
    manager = cast.people["case_manager@lakeshore"]
    give_password(browser, manager)
    enroll(browser)
    device = TOTPDevice.objects.get(user=manager.user)
    other = Client()
    give_password(other, manager)
    assert other.post("/sign-in/code", {"code": f"{totp(device.bin_key):06d}"}).status_code == 422


def test_only_keyed_hashes_of_recovery_codes_are_stored(cast: Cast) -> None:
    user = cast.people["case_manager@lakeshore"].user
    plain = second_factor.new_recovery_codes(user)
    stored = list(StaticToken.objects.filter(device__user=user).values_list("token", flat=True))
    assert len(stored) == len(set(stored)) == 10
    assert not {code.replace("-", "") for code in plain} & set(stored)
    other = cast.people["biller@lakeshore"].user
    assert second_factor.check_recovery_code(other, plain[0]).device is None


def test_a_recovery_code_signs_in_once_in_any_spelling(browser: Client, cast: Cast, give_phone, clock) -> None:
    manager = cast.people["case_manager@lakeshore"]
    give_phone(manager)
    first, *_ = second_factor.new_recovery_codes(manager.user)
    give_password(browser, manager)
    assert "Recovery code" in browser.get("/sign-in/code?recovery=1").content.decode()
    answer = browser.post("/sign-in/code?recovery=1", {"code": f" {first.lower().replace('-', ' ')} "})
    assert answer["Location"] == "/"
    assert "9 left" in browser.get("/account").content.decode()
    other = Client()
    give_password(other, manager)
    assert other.post("/sign-in/code?recovery=1", {"code": first}).status_code == 422


def test_recovery_codes_cannot_be_guessed_at_speed(browser: Client, cast: Cast, give_phone, clock) -> None:
    manager = cast.people["case_manager@lakeshore"]
    give_phone(manager)
    right, *_ = second_factor.new_recovery_codes(manager.user)
    give_password(browser, manager)
    assert browser.post("/sign-in/code?recovery=1", {"code": "AAAAA-AAAAA"}).status_code == 422
    hurried = browser.post("/sign-in/code?recovery=1", {"code": right})
    assert hurried.status_code == 422
    assert "Wait 1 second" in hurried.content.decode()
    clock.shift(2)
    assert browser.post("/sign-in/code?recovery=1", {"code": right}).status_code == 303


def test_a_second_authenticator_can_be_added_and_the_first_removed_but_never_the_last(cast: Cast, clock) -> None:
    manager = cast.people["case_manager@lakeshore"]
    client = signed_in(manager)
    old = TOTPDevice.objects.get(user=manager.user)
    enroll(client)
    assert TOTPDevice.objects.filter(user=manager.user).count() == 2
    wrong = client.post(f"/account/devices/{old.pk}/remove", {"password": "not mine"})
    assert wrong.status_code == 422
    assert TOTPDevice.objects.filter(pk=old.pk).exists()
    assert client.post(f"/account/devices/{old.pk}/remove", {"password": PASSWORD}).status_code == 303
    last = TOTPDevice.objects.get(user=manager.user)
    refused = client.post(f"/account/devices/{last.pk}/remove", {"password": PASSWORD})
    assert refused.status_code == 422
    assert "Add the new one first" in refused.content.decode()


def test_somebody_elses_authenticator_is_not_there(cast: Cast) -> None:
    stranger = TOTPDevice.objects.create(user=cast.people["admin@prairie"].user, name="Phone", confirmed=True)
    client = signed_in(cast.people["case_manager@lakeshore"])
    assert client.post(f"/account/devices/{stranger.pk}/remove", {"password": PASSWORD}).status_code == 404
    assert TOTPDevice.objects.filter(pk=stranger.pk).exists()


def test_new_recovery_codes_end_the_old_ones(cast: Cast) -> None:
    manager = cast.people["case_manager@lakeshore"]
    client = signed_in(manager)
    old, *_ = second_factor.new_recovery_codes(manager.user)
    page = client.post("/account/recovery-codes", {"password": PASSWORD}).content.decode()
    fresh = codes_on(page)
    assert len(fresh) == 10
    assert old not in fresh
    assert second_factor.recovery_codes_left(manager.user) == 10


@pytest.mark.django_db(transaction=True)
def test_two_requests_with_one_recovery_code_cannot_both_win() -> None:
    with transaction.atomic():
        cast = build_cast()
    user = cast.people["case_manager@lakeshore"].user
    with transaction.atomic():
        right, *_ = second_factor.new_recovery_codes(user)
    start, won = threading.Barrier(4), []

    def use() -> None:
        start.wait()
        try:
            with transaction.atomic():
                if second_factor.check_recovery_code(user, right).device:
                    won.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]


@pytest.mark.django_db(transaction=True)
def test_two_requests_with_one_code_cannot_both_win(give_phone) -> None:
    with transaction.atomic():
        cast = build_cast()
    manager = cast.people["case_manager@lakeshore"]
    give_phone(manager)
    right = code()
    start, won = threading.Barrier(4), []

    def use() -> None:
        start.wait()
        try:
            with transaction.atomic():
                if second_factor.check_code(manager.user, right).device:
                    won.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [1]
