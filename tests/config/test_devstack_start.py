"""The embedded services start for anybody, keep their data, and let strangers out."""

from __future__ import annotations

import stat
from pathlib import Path

import psycopg2
import pytest
import redis

from logistics.config.devstack import accounts
from logistics.config.devstack.layout import Held, StackError, is_held, open_state
from logistics.config.devstack.postgres import Postgres
from logistics.config.devstack.processes import command_line
from logistics.config.devstack.ready import listens
from logistics.config.devstack.services import Services, disposable_services, running_environment


def _ask(url: str, statement: str) -> object:
    link = psycopg2.connect(url)
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        link.close()


def test_the_application_logs_in_as_a_plain_role_and_the_owner_may_make_tables(bare: Path) -> None:
    services = Services("plain", what="A test")
    try:
        env = services.start()
        assert (
            _ask(
                env["DATABASE_URL"],
                "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
            )
            is False
        )
        _ask(env["DATABASE_OWNER_URL"], "CREATE TABLE made_by_owner ()")
        with pytest.raises(psycopg2.Error):
            _ask(env["DATABASE_URL"], "CREATE TABLE made_by_app ()")
        assert redis.Redis.from_url(env["REDIS_URL"]).ping()
    finally:
        services.stop()


def test_data_and_queue_are_still_there_after_a_second_start(bare: Path) -> None:
    for number in (1, 2):
        services = Services("twice", what="A test")
        try:
            env = services.start()
            _ask(env["DATABASE_OWNER_URL"], "CREATE TABLE IF NOT EXISTS kept (number int)")
            _ask(env["DATABASE_OWNER_URL"], f"INSERT INTO kept VALUES ({number})")
            assert redis.Redis.from_url(env["REDIS_URL"]).rpush("kept", number) == number
            assert _ask(env["DATABASE_OWNER_URL"], "SELECT count(*) FROM kept") == number
        finally:
            services.stop()


def test_nobody_listens_any_more_after_the_stop(bare: Path) -> None:
    services = Services("stopped", what="A test")
    services.start()
    ports = [running.port for running in services._running]
    assert all(listens(port) for port in ports)
    services.stop()
    assert not any(listens(port) for port in ports)
    assert not is_held(services.state)
    assert running_environment(services.state) == {}


def test_passwords_are_for_the_owner_alone_and_on_no_command_line(bare: Path) -> None:
    services = Services("secret", what="A test")
    try:
        services.start()
        for name in ("passwords.json", "services.json"):
            assert stat.S_IMODE((services.state / name).stat().st_mode) == 0o600
        secrets = (services.state / "passwords.json").read_text().split('"')[3::4]
        assert len(secrets) == 4
        for running in services._running:
            assert running.pid is not None
            shown = command_line(running.pid)
            assert shown
            assert not any(secret in shown for secret in secrets)
        assert stat.S_IMODE(services._running[0].data.stat().st_mode) == 0o700
    finally:
        services.stop()


def test_a_broker_without_the_password_is_refused(bare: Path) -> None:
    services = Services("refused", what="A test")
    try:
        services.start()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=services._running[1].port).get("anything")
    finally:
        services.stop()


def test_a_home_folder_closed_to_others_is_no_obstacle(closed_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "is_reachable", lambda path: str(path).startswith("/var/tmp"))
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CARRYWELL_RUN_DIR", str(closed_home))
    services = Services("closed", what="A test")
    try:
        env = services.start()
        assert _ask(env["DATABASE_URL"], "SELECT 1") == 1
    finally:
        services.stop()


def test_a_folder_in_use_names_its_holder(bare: Path) -> None:
    services = Services("held", what="Carrywell", at="http://127.0.0.1:8123")
    try:
        with pytest.raises(Held) as refusal:
            Services("held", what="Another")
        assert "http://127.0.0.1:8123" in str(refusal.value)
        assert f"process {refusal.value.facts['pid']}" in str(refusal.value)
    finally:
        services.stop()


def test_a_second_test_run_takes_the_next_folder(bare: Path) -> None:
    first = disposable_services("many", what="A test run")
    second = disposable_services("many", what="A test run")
    try:
        assert (first.state.name, second.state.name) == ("many", "many-2")
    finally:
        first.stop()
        second.stop()


def test_services_named_by_the_environment_are_used_and_not_started(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "DATABASE_URL": "postgresql://app@db.example/cw",
        "DATABASE_OWNER_URL": "postgresql://owner@db.example/cw",
        "REDIS_URL": "redis://broker.example/0",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    services = Services("given", what="A test")
    try:
        assert given.items() <= services.start().items()
        assert services._running == []
    finally:
        services.stop()


def test_an_administrators_url_alone_is_enough(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Postgres(open_state("admin-server"), "secret", disposable=True)
    try:
        monkeypatch.setenv("DATABASE_URL", server.start())
        monkeypatch.setenv("REDIS_URL", "redis://broker.example/0")
        services = Services("admin", what="A test")
        try:
            env = services.start()
            assert _ask(env["DATABASE_URL"], "SELECT current_database()") == "carrywell"
            assert _ask(env["DATABASE_OWNER_URL"], "SELECT current_user") != _ask(
                env["DATABASE_URL"], "SELECT current_user"
            )
        finally:
            services.stop()
    finally:
        server.stop()


def test_data_of_another_postgresql_version_are_named_and_kept(bare: Path) -> None:
    state = open_state("older")
    server = Postgres(state, "secret")
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(StackError, match="made by PostgreSQL 9.*make reset"):
        Postgres(state, "secret").start()
    assert (server.data / "base").is_dir()
