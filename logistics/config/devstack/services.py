"""PostgreSQL and Valkey for one stack: those that the environment names, embedded ones for the rest."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from logistics.config.devstack import accounts
from logistics.config.devstack.layout import (
    Held,
    Lock,
    StackError,
    open_state,
    passwords,
    read_facts,
    run_root,
    write_private,
)
from logistics.config.devstack.postgres import Postgres
from logistics.config.devstack.valkey import Valkey

DATABASE = "carrywell"
_MAX_TEST_STATES = 16


class Services:
    """The two services of one state folder, which is locked from construction until `stop`.

    `what` and `at` tell others, through the lock, who holds the folder. Raises `Held` when somebody does.
    """

    def __init__(self, name: str, *, disposable: bool = False, what: str, at: str = "") -> None:
        self.state = open_state(name)
        self._disposable = disposable
        self._lock = Lock(self.state)
        self._lock.take(what=what, **({"at": at} if at else {}))
        self._running: list[Postgres | Valkey] = []

    def start(self) -> dict[str, str]:
        """Start what the environment does not name and prepare roles and database.

        Returns the variables by which the application finds them: DATABASE_URL (its own plain role),
        DATABASE_OWNER_URL (the owner of the tables), REDIS_URL and CARRYWELL_RUN_DIR.
        """
        secrets = passwords(self.state)
        owner_url, app_url = os.environ.get("DATABASE_OWNER_URL"), os.environ.get("DATABASE_URL")
        if not (owner_url and app_url):
            if app_url:
                admin_url, database = app_url, urlsplit(app_url).path.lstrip("/")
            else:
                postgres = Postgres(self.state, secrets["postgres"], disposable=self._disposable)
                self._running.append(postgres)
                admin_url, database = postgres.start(), DATABASE
            owner_url, app_url = _prepare(admin_url, database, secrets)
        redis_url = os.environ.get("REDIS_URL")
        if not redis_url:
            valkey = Valkey(self.state, secrets["valkey"], disposable=self._disposable)
            self._running.append(valkey)
            redis_url = valkey.start()
        env = {
            "DATABASE_URL": app_url,
            "DATABASE_OWNER_URL": owner_url,
            "REDIS_URL": redis_url,
            "CARRYWELL_RUN_DIR": str(self.state),
        }
        write_private(self.state / "services.json", json.dumps({"pid": os.getpid(), "env": env}))
        return env

    def stop(self) -> None:
        """End what was started, the last first, and give the folder free."""
        (self.state / "services.json").unlink(missing_ok=True)
        while self._running:
            self._running.pop().stop()
        self._lock.release()


def running_environment(state: Path) -> dict[str, str]:
    """The variables of the services that somebody runs in this folder; empty while they are starting."""
    env = read_facts(state / "services.json").get("env")
    return env if isinstance(env, dict) else {}


def disposable_services(name: str, *, what: str) -> Services:
    """Services for tests, in the first of the states `name`, `name-2`, … that nobody else uses."""
    for number in range(1, _MAX_TEST_STATES + 1):
        try:
            return Services(name if number == 1 else f"{name}-{number}", disposable=True, what=what)
        except Held:
            continue
    raise StackError(
        f"All {_MAX_TEST_STATES} test states under {run_root()} are in use. End a test run, then try again."
    )


def reset(name: str) -> list[Path]:
    """Delete the data of a state that nobody runs (`Held` otherwise). Returns the folders that are gone."""
    state = open_state(name)
    lock = Lock(state)
    lock.take(what="A reset")
    try:
        gone = [folder for folder in (accounts.service_home(state), state) if folder.exists()]
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.release()
    return list(dict.fromkeys(gone))


def _prepare(admin_url: str, database: str, secrets: dict[str, str]) -> tuple[str, str]:
    import psycopg2

    from logistics.core.roles import bootstrap

    if database in ("", "postgres", "template1"):
        database = DATABASE
    try:
        return bootstrap(admin_url, database=database, owner_password=secrets["owner"], app_password=secrets["app"])
    except psycopg2.OperationalError as error:
        raise StackError(f"The database server refused the administrator: {str(error).strip()}") from None
    except psycopg2.errors.InsufficientPrivilege as error:
        raise StackError(
            "DATABASE_URL alone must belong to a role that may create roles and databases "
            f"({str(error).strip()}). Use such a role, or set DATABASE_OWNER_URL as well."
        ) from None
