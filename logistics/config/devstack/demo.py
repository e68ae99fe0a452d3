"""`make demo`: everything up, one line when it is ready, everything down on Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from logistics.config.devstack import ready
from logistics.config.devstack.commands import service_command, service_environment
from logistics.config.devstack.layout import ROOT, StackError
from logistics.config.devstack.postgres import free_port
from logistics.config.devstack.processes import Child, describe_exit, die_with_parent, tail
from logistics.config.devstack.services import Services

_START_SECONDS = 90.0
# Started in this order; ended in the order below: first what lets work in, last what finishes it.
_START_ORDER = ("web", "worker", "beat", "relay", "mllp")
_STOP_ORDER = ("simulator", "mllp", "web", "beat", "relay", "worker")


class Stopping(BaseException):
    """Somebody asked us to end (Ctrl-C, SIGTERM, a closed terminal)."""


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be closed by now; that must not stop the clean-up
        print(text, flush=True)


def _on_signal(_signum: int, _frame: FrameType | None) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda *_: None)  # we are on our way; a second Ctrl-C must not cut it short
    raise Stopping


class Demo:
    """One run of the demo, from nothing to served pages and back."""

    def __init__(self) -> None:
        self._children: dict[str, Child] = {}
        self._services: Services | None = None
        self._env: dict[str, str] = {}
        self._port = 0
        self._mllp_port = 0

    def run(self) -> int:
        """Run until asked to stop. Returns the exit code: 0 when asked, 1 when something failed."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, _on_signal)
        try:
            self._open()
            self._prepare()
            self._launch()
            self._announce()
            return self._watch()
        except Stopping:
            _say("\nStopping.")
            return 0
        except StackError as error:
            _say(str(error))
            return 1
        finally:
            self._close()

    def _open(self) -> None:
        self._port = _port("PORT", 8000)
        url = f"http://127.0.0.1:{self._port}"
        # Who holds the folder is the better answer than who holds the port, so the lock comes first.
        self._services = Services("demo", what="Carrywell", at=url)
        if not ready.can_bind(self._port):
            raise StackError(
                f"Port {self._port} is in use by another program. End it, or choose a free one: "
                f"make demo PORT={self._port + 1}"
            )
        self._mllp_port = _port("MLLP_PORT", 2575)
        if not ready.can_bind(self._mllp_port):
            if os.environ.get("MLLP_PORT"):
                raise StackError(f"MLLP_PORT {self._mllp_port} is in use by another program. Choose a free one.")
            taken, self._mllp_port = self._mllp_port, free_port()
            _say(f"Port {taken} is in use, so HL7 messages are taken on port {self._mllp_port}.")
        _say("Starting PostgreSQL and Valkey …")
        found = self._services.start()
        self._env = {
            **os.environ,
            **found,
            "CARRYWELL_ENV": os.environ.get("CARRYWELL_ENV") or "dev",
            "PORT": str(self._port),
            "MLLP_PORT": str(self._mllp_port),
        }

    def _prepare(self) -> None:
        _say("Preparing the database and the demo's people, trips and vendors …")
        self._manage("prepare_demo")

    def _launch(self) -> None:
        _say("Starting web, worker, beat, relay and HL7 listener …")
        for name in _START_ORDER:
            self._start(name)
        self._until(lambda: ready.serves(self._port, timeout=10) and ready.listens(self._mllp_port))
        self._start("simulator")

    def _announce(self) -> None:
        _say(f"Carrywell is ready at http://127.0.0.1:{self._port} (Ctrl-C ends it)")
        shown = subprocess.run(
            [sys.executable, "manage.py", "demo_people"],
            cwd=ROOT, env=service_environment("demo_people", self._env),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if shown.returncode:
            raise StackError(f"The list of people could not be made:\n{shown.stderr[-2000:]}")
        _say(shown.stdout.rstrip())

    def _watch(self) -> int:
        while True:
            self._look()
            time.sleep(0.5)

    def _look(self) -> None:
        for child in self._children.values():
            if said := child.watch():
                _say(said)
            if child.given_up and child.name == "web":
                raise StackError(
                    f"Without its web server Carrywell cannot go on. The end of its log:\n{tail(child.log)}"
                )

    def _until(self, answered: Callable[[], bool]) -> None:
        """Wait for the pages and the listener; a child that dies before they answer ends the start."""
        deadline = time.monotonic() + _START_SECONDS
        while not answered():
            for child in self._children.values():
                if child.process is not None and (code := child.process.poll()) is not None:
                    raise StackError(
                        f"{child.name} ended while starting ({describe_exit(code)}). "
                        f"The end of its log, {child.log}:\n{tail(child.log)}"
                    )
            if time.monotonic() > deadline:
                raise StackError(f"No answer after {_START_SECONDS:.0f} s. The logs are in {self._logs()}.")
            time.sleep(0.1)

    def _start(self, name: str) -> None:
        log = self._logs() / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        child = Child(
            name,
            service_command(name, self._env),
            log=log,
            env=service_environment(name, self._env),
            cwd=ROOT,
        )
        self._children[name] = child
        child.start()

    def _manage(self, *arguments: str) -> None:
        """Run a manage.py command to its end; what it says goes to a log, and to the terminal if it fails."""
        log = self._logs() / f"{arguments[0]}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT, env=service_environment(arguments[0], self._env),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
            )  # fmt: skip
        try:
            code = process.wait()
        except Stopping:
            process.terminate()
            process.wait()
            raise
        if code:
            raise StackError(f"manage.py {arguments[0]} failed ({describe_exit(code)}):\n{tail(log, 30)}")

    def _logs(self) -> Path:
        if self._services is None:
            raise StackError("The demo has no folder yet.")
        return self._services.state / "logs"

    def _close(self) -> None:
        for name in _STOP_ORDER:
            if name in self._children:
                self._children[name].stop()
        if self._services is not None:
            self._services.stop()


def _port(variable: str, default: int) -> int:
    given = os.environ.get(variable) or str(default)
    if not given.isdigit() or not 0 < int(given) < 65536:
        raise StackError(f"{variable} is {given!r}. Set it to a port number from 1 to 65535.")
    return int(given)
