"""Start, watch and end child processes so that none outlives the one that started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from logistics.config.devstack.layout import StackError

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(signum: int) -> Callable[[], None] | None:
    """A `preexec_fn` after which Linux signals the child when its parent ends, even by SIGKILL."""
    libc = _libc
    if libc is None:
        return None
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:  # the parent ended before the kernel knew of our wish
            os._exit(1)

    return arrange


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | str = "/",
    on_parent_death: int = signal.SIGTERM,
    account: Mapping[str, Any] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session (Ctrl-C goes to the parent alone), its output appended to `log`."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=stdin,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=None if env is None else dict(env),
            start_new_session=True,
            preexec_fn=die_with_parent(on_parent_death),
            **(account or {}),
        )


def stop(process: subprocess.Popen[bytes], signum: int = signal.SIGTERM, *, patience: float = 10.0) -> None:
    """End a child and its session: ask with `signum`, wait `patience` seconds, then end it by force."""
    if process.poll() is None:
        process.send_signal(signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    # What the child started (pool processes) lives in its session and goes with it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def command_line(pid: int) -> str:
    """The command line of a living process; empty when it is gone, or a zombie that nobody has buried."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def stop_orphan(pid: int, mark: str, signum: int, *, patience: float = 30.0) -> bool:
    """Politely end a server that a killed parent left behind.

    Only a process whose command line contains `mark` is touched: another may have the number by now.
    Returns whether there was one; raises `StackError` when it does not end within `patience` seconds.
    """
    if mark not in command_line(pid):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)
    deadline = time.monotonic() + patience
    while mark in command_line(pid):
        if time.monotonic() > deadline:
            raise StackError(
                f"Process {pid}, left over from an earlier run, does not end. End it (kill {pid}), then start again."
            )
        time.sleep(0.05)
    return True


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for a message about a child that died."""
    try:
        with open(log, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


class Child:
    """One long-running process of a stack, started again when it dies, later each time."""

    MAX_DEATHS = 5
    HEALTHY_SECONDS = 120.0  # who lived that long starts with a clean record
    FIRST_PAUSE_SECONDS = 1.0  # doubled at each death

    def __init__(self, name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str], cwd: Path) -> None:
        self.name, self.log = name, log
        self._command, self._env, self._cwd = command, env, cwd
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self.given_up = False
        self._started_at = 0.0
        self._restart_at = 0.0

    def start(self) -> None:
        """Start the process; its output is appended to its log."""
        self.process = spawn(self._command, log=self.log, env=self._env, cwd=self._cwd)
        self._started_at = time.monotonic()

    def watch(self) -> str | None:
        """Look once. Returns a sentence when something happened: it died, is back, or is given up."""
        now = time.monotonic()
        if self.given_up:
            return None
        if self.process is None:
            if now < self._restart_at:
                return None
            self.start()
            return f"{self.name} is back."
        code = self.process.poll()
        if code is None:
            return None
        stop(self.process, patience=0)  # its pool processes, if any are left
        self.process = None
        self.deaths = 1 if now - self._started_at > self.HEALTHY_SECONDS else self.deaths + 1
        if self.deaths >= self.MAX_DEATHS:
            self.given_up = True
            return f"{self.name} has died {self.deaths} times and stays down. Its log: {self.log}"
        wait = self.FIRST_PAUSE_SECONDS * 2 ** (self.deaths - 1)
        self._restart_at = now + wait
        return f"{self.name} ended unexpectedly ({describe_exit(code)}); starting it again in {wait:.0f} s."

    def stop(self, patience: float = 10.0) -> None:
        """End the process, if it runs."""
        self.given_up = True
        if self.process is not None:
            stop(self.process, patience=patience)
            self.process = None


def describe_exit(code: int) -> str:
    """An exit status in words: `exit code 1`, `signal SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
