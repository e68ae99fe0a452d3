"""Each container's own command and health check, run against real services with production settings."""

from __future__ import annotations

import base64
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logistics.config.devstack import ready
from logistics.config.devstack.commands import SERVICES
from logistics.config.devstack.layout import ROOT, open_state
from logistics.config.devstack.postgres import Postgres, free_port
from logistics.config.devstack.processes import command_line, spawn, stop, tail
from logistics.config.devstack.valkey import Valkey
from tests.config import compose_file
from tests.config.devstack_helpers import bare_environment

pytestmark = pytest.mark.timeout(300)
_UP_SECONDS = 120.0


class _Host:
    """One machine that runs the compose file's services without containers."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        values = {name: secrets.token_hex(40) for name in compose_file.required()}
        values["CARRYWELL_HOSTS"] = "carrywell.example"
        values["CARRYWELL_FIELD_KEYS"] = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
        state = open_state("compose")
        self._postgres = Postgres(state, values["CARRYWELL_POSTGRES_PASSWORD"], disposable=True)
        self._postgres.start()
        self._valkey = Valkey(state, values["CARRYWELL_REDIS_PASSWORD"], disposable=True)
        self._valkey.start()
        self._described = compose_file.read(values)["services"]
        self._ports = {"PORT": str(free_port()), "MLLP_PORT": str(free_port())}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, service: str) -> dict[str, str]:
        """What the compose file gives the service, its host names replaced by this machine's ports."""
        given = {name: str(value) for name, value in self._described[service]["environment"].items()}
        for name, value in given.items():
            given[name] = value.replace("@postgres:5432", f"@127.0.0.1:{self._postgres.port}").replace(
                "@redis:6379", f"@127.0.0.1:{self._valkey.port}"
            )
        return bare_environment(self._run_dir, **self._ports, **given)

    def command(self, service: str) -> list[str]:
        """The service's command behind the image's entry point."""
        return [sys.executable, "-m", "logistics.config.devstack", *self._described[service]["command"]]

    def log(self, service: str) -> Path:
        return self._run_dir / f"{service}.log"

    def start(self, service: str) -> None:
        self.running[service] = spawn(
            self.command(service), log=self.log(service), env=self.environment(service), cwd=ROOT
        )

    def health(self, service: str) -> int:
        """The exit code of the health check that the compose file names."""
        test = self._described[service]["healthcheck"]["test"]
        assert test[:2] == ["CMD", "python"]
        asked = subprocess.run(
            [sys.executable, *test[2:]],
            cwd=ROOT,
            env=self.environment(service),
            capture_output=True,
            check=False,
        )
        return asked.returncode

    def close(self) -> None:
        for process in self.running.values():
            stop(process)
        self._valkey.stop()
        self._postgres.stop()


@pytest.fixture(scope="module")
def host(run_dir: Path) -> Iterator[_Host]:
    patch = pytest.MonkeyPatch()
    patch.setenv("CARRYWELL_RUN_DIR", str(run_dir))
    host = _Host(run_dir)
    patch.undo()
    try:
        migrated = subprocess.run(
            host.command("migrate"),
            cwd=ROOT,
            env=host.environment("migrate"),
            capture_output=True,
            check=False,
        )
        assert migrated.returncode == 0, migrated.stderr.decode()[-3000:]
        for service in SERVICES:
            host.start(service)
        yield host
    finally:
        host.close()


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_becomes_healthy(host: _Host, service: str) -> None:
    deadline = time.monotonic() + _UP_SECONDS
    while (code := host.health(service)) != 0 and time.monotonic() < deadline:
        assert host.running[service].poll() is None, tail(host.log(service), 40)
        time.sleep(0.5)
    assert code == 0, tail(host.log(service), 40)


def test_the_migration_may_run_again(host: _Host) -> None:
    again = subprocess.run(
        host.command("migrate"), cwd=ROOT, env=host.environment("migrate"), capture_output=True, check=False
    )
    assert again.returncode == 0, again.stderr.decode()[-3000:]


def test_a_host_name_of_somebody_else_is_refused(host: _Host) -> None:
    port = int(host.environment("web")["PORT"])
    assert ready.serves(port, host="carrywell.example")
    assert not ready.serves(port, host="evil.example")


def test_no_secret_is_on_a_command_line(host: _Host) -> None:
    for service, process in host.running.items():
        environment = host.environment(service)
        shown = command_line(process.pid)
        assert shown, service
        for name in ("CARRYWELL_SECRET_KEY", "CARRYWELL_FIELD_KEYS", "DATABASE_URL", "REDIS_URL"):
            assert environment[name] not in shown


@pytest.mark.parametrize("service", SERVICES)
def test_a_stopped_service_ends_in_time_and_is_no_longer_healthy(host: _Host, service: str) -> None:
    process = host.running[service]
    started = time.monotonic()
    stop(process, patience=30)
    assert time.monotonic() - started < 25
    assert process.returncode != -9, "it had to be killed"
    if service != "beat":  # its check looks for silence, which takes ten minutes to tell
        assert host.health(service) != 0
