"""The stack's commands: what they start, what they refuse, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from logistics.config.devstack import ready
from logistics.config.devstack.commands import SERVICES, service_command
from logistics.config.devstack.layout import Held, StackError
from logistics.config.devstack.postgres import free_port
from logistics.config.devstack.processes import Child, command_line
from logistics.config.devstack.services import Services, reset
from tests.config.devstack_helpers import run_python, start_python

STACK = ("-m", "logistics.config.devstack")
_SHOW_URL = "import os; print(os.environ['DATABASE_URL'], os.environ['CARRYWELL_ENV'])"


def _port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1].split("/")[0])


def test_a_command_runs_beside_its_own_services_and_they_end_with_it(run_dir: Path) -> None:
    result = run_python(run_dir, *STACK, "run", "--", sys.executable, "-c", _SHOW_URL)
    url, environment = result.stdout.split()
    assert (result.returncode, environment) == (0, "test")
    assert not ready.listens(_port_of(url))


@pytest.mark.parametrize(
    ("code", "exit_code"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_the_exit_code_of_the_command_is_handed_on(run_dir: Path, code: str, exit_code: int) -> None:
    assert run_python(run_dir, *STACK, "run", "--", sys.executable, "-c", code).returncode == exit_code


def test_a_terminated_run_ends_its_command_and_its_services(run_dir: Path) -> None:
    code = _SHOW_URL + "; print(os.getpid(), flush=True); import time; time.sleep(600)"
    run = start_python(run_dir, *STACK, "run", "--", sys.executable, "-c", code)
    assert run.stdout
    url, pid = run.stdout.readline().split()[0], int(run.stdout.readline())
    run.send_signal(signal.SIGTERM)
    assert run.wait(30) == 128 + signal.SIGTERM
    run.stdout.close()
    assert not command_line(pid)
    assert not ready.listens(_port_of(url))


def test_a_second_demo_in_one_clone_says_who_runs_the_first(bare: Path) -> None:
    first = Services("demo", what="Carrywell", at="http://127.0.0.1:8123")
    try:
        result = run_python(bare, *STACK, "demo", PORT=str(free_port()))
    finally:
        first.stop()
    assert result.returncode == 1
    assert "already runs" in result.stdout
    assert f"process {os.getpid()}, http://127.0.0.1:8123" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize("variable", ["PORT", "MLLP_PORT"])
def test_a_port_in_use_is_named_with_the_way_out(run_dir: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = {"PORT": str(free_port()), "MLLP_PORT": str(free_port()), variable: str(port)}
        result = run_python(run_dir, *STACK, "demo", **ports)
    assert result.returncode == 1
    assert f"{port} is in use by another program" in result.stdout
    assert "hoose a free one" in result.stdout


@pytest.mark.parametrize("value", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused(run_dir: Path, value: str) -> None:
    result = run_python(run_dir, *STACK, "demo", PORT=value)
    assert (result.returncode, "number from 1 to 65535" in result.stdout) == (1, True)


def test_an_unknown_environment_is_refused(run_dir: Path) -> None:
    result = run_python(run_dir, *STACK, "run", "--", "true", CARRYWELL_ENV="staging")
    assert (result.returncode, "dev, test or prod" in result.stdout) == (1, True)


@pytest.mark.parametrize("service", [*SERVICES, "migrate"])
def test_a_service_refuses_to_start_without_its_environment(run_dir: Path, service: str) -> None:
    result = run_python(run_dir, *STACK, "service", service, CARRYWELL_ENV="prod")
    assert result.returncode == 1
    for name in ("DATABASE_URL", "REDIS_URL", "CARRYWELL_SECRET_KEY", "CARRYWELL_FIELD_KEYS"):
        assert name in result.stdout


def test_a_service_that_does_not_exist_is_named_with_those_that_do(run_dir: Path) -> None:
    result = run_python(run_dir, *STACK, "service", "wbe")
    assert result.returncode == 1
    assert "'wbe'" in result.stdout
    assert "web, worker, beat, relay, mllp" in result.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_does_not_run_is_not_healthy(bare: Path, service: str) -> None:
    ports = {"PORT": str(free_port()), "MLLP_PORT": str(free_port())}
    services = Services("unhealthy", what="A test")
    try:
        env = {**services.start(), **ports, "CARRYWELL_ENV": "test"}
        assert ready.check(service, {**os.environ, **env}) is False
    finally:
        services.stop()


def test_the_web_server_binds_where_it_is_told(run_dir: Path) -> None:
    assert "127.0.0.1" in service_command("web", {})
    told = service_command("web", {"CARRYWELL_BIND": "0.0.0.0", "PORT": "9000"})
    assert told[told.index("--host") + 1] == "0.0.0.0"
    assert told[told.index("--port") + 1] == "9000"


def test_reset_deletes_the_data_unless_somebody_uses_them(bare: Path) -> None:
    services = Services("reset", what="A test")
    services.start()
    data = services._running[0].data
    with pytest.raises(Held):
        reset("reset")
    services.stop()
    assert data.exists()
    reset("reset")
    assert not data.exists()


ATTACH = "from logistics.config.devstack import attach; attach.ensure(); "


def test_a_command_attaches_to_the_services_that_run(bare: Path) -> None:
    demo = Services("demo", what="Carrywell")
    try:
        env = demo.start()
        result = run_python(bare, "-c", ATTACH + "import os; print(os.environ['DATABASE_URL'])")
        assert result.stdout.strip() == env["DATABASE_URL"]
        assert ready.listens(_port_of(env["DATABASE_URL"]))
    finally:
        demo.stop()


def test_a_command_alone_starts_services_for_its_own_life(bare: Path) -> None:
    result = run_python(bare, "-c", ATTACH + "import os; print(os.environ['DATABASE_URL'])")
    assert result.returncode == 0, result.stdout
    assert not ready.listens(_port_of(result.stdout.strip()))


def test_a_command_leaves_a_given_database_and_production_alone(bare: Path) -> None:
    given = run_python(
        bare, "-c", ATTACH + "import os; print(os.environ['DATABASE_URL'])", DATABASE_URL="postgresql://x@y/z"
    )
    assert given.stdout.strip() == "postgresql://x@y/z"
    show = ATTACH + "import os; print(os.environ.get('DATABASE_URL'), os.environ['DJANGO_SETTINGS_MODULE'])"
    production = run_python(bare, "-c", show, CARRYWELL_ENV="prod")
    assert production.stdout.split() == ["None", "logistics.config.settings.prod"]


class _Hasty(Child):
    FIRST_PAUSE_SECONDS = 0.01


def _watched(child: Child, until: str) -> list[str]:
    said: list[str] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (said and until in said[-1]):
        if sentence := child.watch():
            said.append(sentence)
        time.sleep(0.005)
    return said


def test_a_child_that_dies_is_started_again_until_it_has_died_five_times(tmp_path: Path) -> None:
    child = _Hasty("worker", ["/bin/false"], log=tmp_path / "log", env={}, cwd=tmp_path)
    child.start()
    said = _watched(child, until="stays down")
    assert [sentence.split()[0:2] for sentence in said[:2]] == [["worker", "ended"], ["worker", "is"]]
    assert sum("is back" in sentence for sentence in said) == 4
    assert said[-1].startswith("worker has died 5 times and stays down.")
    assert child.watch() is None


def test_a_child_that_ignores_the_request_to_end_is_ended_with_all_it_started(tmp_path: Path) -> None:
    script = 'trap "" TERM; sleep 600 & echo $!; while :; do sleep 0.1; done'
    log = tmp_path / "log"
    child = Child("worker", ["/bin/sh", "-c", script], log=log, env={}, cwd=tmp_path)
    child.start()
    while not log.read_text().strip():
        time.sleep(0.01)
    assert child.process
    pids = [child.process.pid, int(log.read_text())]
    child.stop(patience=0.3)
    deadline = time.monotonic() + 5
    while any(command_line(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(command_line(pid) for pid in pids)


def test_a_health_check_for_nothing_is_an_error() -> None:
    with pytest.raises(StackError, match="no health check for 'simulator'"):
        ready.check("simulator", {})
