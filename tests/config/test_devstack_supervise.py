"""The demo's supervisor, with small stand-ins for the application's own processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from logistics.config.devstack.layout import is_held
from logistics.config.devstack.postgres import free_port
from logistics.config.devstack.processes import command_line
from logistics.config.devstack.ready import listens
from tests.config.devstack_helpers import start_python

# Stands for manage.py: says who called, and fails or dawdles on request.
_MANAGE = """
import os, sys, time
print("called", *sys.argv[1:])
if sys.argv[1] == os.environ.get("FAKE_SLOW"): time.sleep(600)
if sys.argv[1] == os.environ.get("FAKE_BROKEN"): sys.exit("it broke at step " + sys.argv[1])
"""

# Stands for a service: web and mllp listen; any ends by itself as often as asked.
_SERVICE = """
import http.server, os, pathlib, sys, time
name = sys.argv[1]
wanted = int(os.environ.get("FAKE_DEATHS_" + name.upper(), 0))
count = pathlib.Path(name + ".deaths")
deaths = int(count.read_text()) if count.exists() else 0
def give_in_if_asked():
    if deaths < wanted and pathlib.Path("ready").exists():
        count.write_text(str(deaths + 1)); print(name, "gives in"); sys.exit(3)
give_in_if_asked()
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
if name in ("web", "mllp"):
    port = int(os.environ["PORT" if name == "web" else "MLLP_PORT"])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Page)
    import threading; threading.Thread(target=server.serve_forever, daemon=True).start()
while True:
    give_in_if_asked()
    time.sleep(0.02)
"""

_DEMO = """
import os, sys
from pathlib import Path
from logistics.config.devstack import demo, processes
demo.ROOT = Path(os.environ["FAKE_ROOT"])
demo.service_command = lambda name, env: [sys.executable, "service.py", name]
processes.Child.FIRST_PAUSE_SECONDS = 0.01
sys.exit(demo.Demo().run())
"""


class _Run:
    """One demo in a process of its own, and what it has said so far."""

    def __init__(self, run_dir: Path, root: Path, **env: str) -> None:
        root.joinpath("manage.py").write_text(_MANAGE)
        root.joinpath("service.py").write_text(_SERVICE)
        self.root, self.said = root, ""
        self.state = run_dir / "demo"
        self.ports = {"PORT": str(free_port()), "MLLP_PORT": str(free_port())}
        self.process: subprocess.Popen[str] = start_python(
            run_dir, "-c", _DEMO, FAKE_ROOT=str(root), **{**self.ports, **env}
        )

    def until(self, words: str) -> str:
        """Read what the demo says until a line with these words; returns that line."""
        assert self.process.stdout
        while line := self.process.stdout.readline():
            self.said += line
            if words in line:
                return line
        raise AssertionError(f"{words!r} never came:\n{self.said}")

    def end(self, signum: int | None = None) -> int:
        """Send a signal, if any, and wait for the end. Returns the exit code."""
        if signum is not None:
            self.process.send_signal(signum)
        rest, _ = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.returncode

    def family(self) -> list[int]:
        """The processes that it started."""
        shown = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in shown.split()]


@pytest.fixture
def started(run_dir: Path, tmp_path: Path) -> Iterator[Callable[..., _Run]]:
    """Starts a demo; whatever still runs after the test is ended."""
    runs: list[_Run] = []

    def start(**env: str) -> _Run:
        runs.append(_Run(run_dir, tmp_path, **env))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


def _gone(pids: list[int], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while any(command_line(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_line_says_that_it_is_ready_and_a_signal_ends_everything(started: Callable[..., _Run], signum: int) -> None:
    run = started()
    line = run.until("Carrywell is ready")
    assert line.startswith(f"Carrywell is ready at http://127.0.0.1:{run.ports['PORT']}")
    run.until("called demo_people")
    family = run.family()
    assert len(family) == 8  # two services, five processes, and the simulator
    assert run.end(signum) == 0
    assert _gone(family)
    assert not any(listens(int(port)) for port in run.ports.values())
    assert not is_held(run.state)


def test_the_database_is_prepared_before_anything_runs(started: Callable[..., _Run]) -> None:
    run = started()
    run.until("Carrywell is ready")
    logs = run.state / "logs"
    assert "called prepare_demo" in (logs / "prepare_demo.log").read_text()
    assert (logs / "prepare_demo.log").stat().st_mtime <= (logs / "web.log").stat().st_mtime


@pytest.mark.parametrize("step", ["prepare_demo", "demo_people"])
def test_a_step_that_fails_ends_the_start_with_its_words(started: Callable[..., _Run], step: str) -> None:
    run = started(FAKE_BROKEN=step)
    assert run.end() == 1
    assert f"it broke at step {step}" in run.said
    assert "Traceback" not in run.said
    assert not is_held(run.state)


def test_ctrl_c_during_a_long_step_ends_at_once(started: Callable[..., _Run]) -> None:
    run = started(FAKE_SLOW="prepare_demo")
    run.until("Preparing")
    while not (run.state / "logs/prepare_demo.log").exists():
        time.sleep(0.02)
    time.sleep(0.3)
    family = run.family()
    begun = time.monotonic()
    assert run.end(signal.SIGINT) == 0
    assert time.monotonic() - begun < 10
    assert _gone(family)


def test_a_process_that_dies_is_started_again_and_the_demo_says_so(started: Callable[..., _Run]) -> None:
    run = started(FAKE_DEATHS_RELAY="2")
    run.until("Carrywell is ready")
    (run.root / "ready").touch()
    assert "relay ended unexpectedly (exit code 3)" in run.until("relay ended")
    run.until("relay is back")
    run.until("relay ended")
    run.until("relay is back")
    assert listens(int(run.ports["PORT"]))
    assert run.end(signal.SIGINT) == 0


def test_a_process_that_dies_five_times_stays_down_and_the_rest_goes_on(started: Callable[..., _Run]) -> None:
    run = started(FAKE_DEATHS_WORKER="9")
    run.until("Carrywell is ready")
    (run.root / "ready").touch()
    line = run.until("stays down")
    assert re.search(r"worker has died 5 times and stays down\. Its log: \S+/worker\.log", line)
    assert listens(int(run.ports["PORT"]))
    assert run.end(signal.SIGINT) == 0


def test_without_its_web_server_the_demo_ends_with_an_error(started: Callable[..., _Run]) -> None:
    run = started(FAKE_DEATHS_WEB="9")
    run.until("Carrywell is ready")
    (run.root / "ready").touch()
    assert run.end() == 1
    assert "web gives in" in run.said
    assert not is_held(run.state)


def test_a_process_that_dies_while_starting_ends_the_start(started: Callable[..., _Run]) -> None:
    run = started(FAKE_DEATHS_WEB="9", FAKE_DEATHS_MLLP="9")
    (run.root / "ready").touch()
    assert run.end() == 1
    assert "ended while starting" in run.said
    assert "gives in" in run.said


def test_after_a_kill_nothing_is_left_and_the_next_demo_starts(started: Callable[..., _Run]) -> None:
    run = started()
    run.until("Carrywell is ready")
    family = run.family()
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    assert _gone(family)
    again = started()
    again.until("Carrywell is ready")
    assert again.end(signal.SIGINT) == 0
