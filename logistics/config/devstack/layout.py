"""Where a stack keeps its files, its secrets and the lock that says who runs it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[3]


class StackError(Exception):
    """Something the person at the terminal can act on; the message says what happened, then what to do."""


class Held(StackError):
    """Another process runs a stack in this folder. `facts` is what it wrote into the lock, if anything."""

    def __init__(self, state: Path, facts: dict[str, Any]) -> None:
        self.facts = facts
        who = f"process {facts['pid']}" if "pid" in facts else "another process"
        what = facts.get("what", "a stack")
        where = f", {facts['at']}" if "at" in facts else ""
        super().__init__(
            f"{what} already runs from {state} ({who}{where}). Use that one, or stop it with Ctrl-C in its terminal."
        )


def run_root() -> Path:
    """The folder that holds the states of all stacks: `CARRYWELL_RUN_DIR`, or `.run` beside manage.py."""
    return (ROOT / (os.environ.get("CARRYWELL_RUN_DIR") or ".run")).absolute()


def open_state(name: str) -> Path:
    """Create (if need be) and return the folder of one stack.

    It is closed to other accounts, except that root lets them pass through to the database's own folder:
    PostgreSQL refuses to run as root and runs as another account there.
    """
    state = run_root() / name
    mode = 0o711 if os.geteuid() == 0 else 0o700
    for folder in (state.parent, state):
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(mode)
    (state / "logs").mkdir(mode=0o700, exist_ok=True)
    (state / "static").mkdir(exist_ok=True)  # whitenoise complains when STATIC_ROOT is absent
    return state


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step: a reader sees the old text or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_facts(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when the file is absent, half-written or not an object."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def passwords(state: Path) -> dict[str, str]:
    """Random passwords of this state's services, made once and kept in a file for its owner alone."""
    path = state / "passwords.json"
    known = {name: value for name, value in read_facts(path).items() if isinstance(value, str)}
    wanted = ("postgres", "owner", "app", "valkey")
    if any(name not in known for name in wanted):
        known = {name: known.get(name) or secrets.token_urlsafe(24) for name in wanted}
        write_private(path, json.dumps(known))
    return known


class Lock:
    """The right to run a stack in one folder; the kernel takes it back however the holder ends."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._file: TextIO | None = None

    def take(self, **facts: object) -> None:
        """Take the lock and leave `facts` (what, at, …) for others to read; `Held` when somebody has it."""
        # Append mode: opening must not wipe what the present holder wrote.
        file = open(self._state / "lock", "a+")  # noqa: SIM115 - stays open for as long as the lock is held
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise Held(self._state, read_facts(self._state / "lock")) from None
        self._file = file
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), **facts}))
        file.flush()

    def release(self) -> None:
        """Give the folder free; harmless when it is not held."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def is_held(state: Path) -> bool:
    """Whether a living process runs a stack in this folder."""
    try:
        with open(state / "lock", "a+") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
