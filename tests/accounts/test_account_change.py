"""Looking after one's own account."""

from __future__ import annotations

from django.test import Client

from logistics.accounts.services import people
from logistics.core.models import AuditEntry
from tests.accounts.conftest import give_password
from tests.cast import PASSWORD, Cast
from tests.support import act_as, signed_in

NEW = "every ward has a blue door"


def test_a_new_password_ends_every_other_session_and_keeps_this_one(cast: Cast) -> None:
    manager = cast.people["case_manager@lakeshore"]
    here, there = signed_in(manager), signed_in(manager)
    answer = here.post("/account/password", {"old_password": PASSWORD, "new_password": NEW, "again": NEW})
    assert answer.status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert give_password(Client(), manager).status_code == 422
    assert give_password(Client(), manager, NEW).status_code == 303
    with act_as(cast.staff()):
        assert AuditEntry.objects.filter(action="person.password_changed", actor_id=manager.user_id).count() == 1


def test_a_weak_unequal_or_unproven_password_changes_nothing(cast: Cast) -> None:
    manager = cast.people["case_manager@lakeshore"]
    client = signed_in(manager)
    for old, new, again in (
        (PASSWORD, "short", "short"),
        (PASSWORD, "password1234", "password1234"),
        (PASSWORD, manager.user.email, manager.user.email),
        (PASSWORD, NEW, NEW + "s"),
        ("not mine at all", NEW, NEW),
    ):
        answer = client.post("/account/password", {"old_password": old, "new_password": new, "again": again})
        assert answer.status_code == 422
        assert 'id="errors"' in answer.content.decode()
    assert give_password(Client(), manager).status_code == 303


def test_guessing_the_old_password_locks_as_at_sign_in(cast: Cast) -> None:
    client = signed_in(cast.people["case_manager@lakeshore"])
    codes = [
        client.post("/account/password", {"old_password": "x", "new_password": NEW, "again": NEW}).status_code
        for _ in range(5)
    ]
    assert codes == [422, 422, 422, 422, 429]


def test_theme_times_and_shortcuts_are_kept(cast: Cast) -> None:
    client = signed_in(cast.people["admin@lakeshore"])
    assert client.post("/account/preferences", {"theme": "dark", "time_format": "12"}).status_code == 303
    page = client.get("/people").content.decode()
    assert '<html lang="en-US" data-theme="dark" data-keys="off">' in page
    client.post("/account/preferences", {"theme": "", "time_format": "24", "single_key_shortcuts": "on"})
    page = client.get("/people").content.decode()
    assert '<html lang="en-US">' in page


def test_only_the_listed_fields_of_oneself_can_be_posted(cast: Cast) -> None:
    manager = cast.people["case_manager@lakeshore"]
    client = signed_in(manager)
    client.post(
        "/account/preferences",
        {"time_format": "12", "email": "x@y.example", "is_active": "", "name": "Other", "password": "x", "id": "1"},
    )
    before = manager.user
    after = type(before).objects.get(pk=before.pk)
    assert (after.email, after.name, after.is_active, after.password) == (
        before.email, before.name, True, before.password,
    )  # fmt: skip
    assert after.time_format == "12"


def test_a_person_with_two_roles_switches_and_lands_on_that_roles_first_page(cast: Cast) -> None:
    admin = cast.people["admin@lakeshore"]
    with act_as(cast.staff()):
        _, second = people.add(
            organization=cast.lakeshore, email=admin.user.email, name=admin.user.name, role="auditor"
        )
    client = signed_in(admin)
    assert client.post("/audit/verify").status_code == 403
    page = client.get("/switch").content.decode()
    assert str(second.pk) in page
    answer = client.post("/switch", {"membership": str(second.pk)})
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert client.get("/")["Location"] == "/audit"
    assert client.post("/audit/verify").status_code == 303


def test_nobody_switches_into_somebody_elses_role_or_an_ended_one(cast: Cast) -> None:
    client = signed_in(cast.people["admin@lakeshore"])
    stranger = cast.people["admin@prairie"]
    assert client.post("/switch", {"membership": str(stranger.pk)}).status_code == 404
    assert client.post("/switch", {"membership": "nonsense"}).status_code == 404
    assert client.get("/people").status_code == 200


def test_a_person_whose_roles_all_ended_sees_the_account_and_nothing_else(cast: Cast) -> None:
    manager = cast.people["case_manager@lakeshore"]
    client = signed_in(manager)
    with act_as(cast.staff()):
        people.end(membership=manager)
    assert client.get("/")["Location"] == "/account"
    assert "You have no active role" in client.get("/account").content.decode()
    assert client.get("/people").status_code == 403
