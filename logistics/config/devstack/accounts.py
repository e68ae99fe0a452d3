"""Which account the embedded servers run as, and where that account can reach their files.

PostgreSQL refuses to run as root. When root starts the stack, its servers run as `nobody`, which may be
unable to enter the home folder that holds the clone (mode 0700): then their data, and a copy of their
programs, live under /var/tmp instead.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Any

from logistics.config.devstack.layout import StackError

_ACCOUNT = "nobody"


def service_account() -> dict[str, Any]:
    """Keyword arguments of `subprocess.Popen` that lower root to the service account; none when not root."""
    if os.geteuid() != 0:
        return {}
    entry = _entry()
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def give_away(path: Path) -> None:
    """Make a file or folder the service account's own; nothing to do when not root."""
    if os.geteuid() == 0:
        entry = _entry()
        os.chown(path, entry.pw_uid, entry.pw_gid)


def service_home(state: Path) -> Path:
    """The folder under which the servers of this state keep their data: the state itself, where reachable."""
    if os.geteuid() != 0 or is_reachable(state / "lock"):
        return state
    digest = hashlib.sha256(str(state.parent).encode()).hexdigest()[:12]
    home = Path("/var/tmp") / f"carrywell-{digest}" / state.name
    for folder in (home.parent, home):
        folder.mkdir(mode=0o711, exist_ok=True)
    found = home.parent.lstat()
    # /var/tmp is open to all: a folder that somebody else prepared there is not ours to trust.
    if home.parent.is_symlink() or found.st_uid != 0 or found.st_mode & 0o022:
        raise StackError(
            f"{home.parent} belongs to somebody else. Remove it, or set CARRYWELL_RUN_DIR to another folder."
        )
    return home


def reachable_programs(programs: Path, *, beside: tuple[str, ...], home: Path) -> Path:
    """A folder with the same programs that the service account can run: `programs`, or a copy beside `home`.

    `beside` names the folders next to `programs` that it loads its libraries from.
    """
    if os.geteuid() != 0 or is_reachable(programs / "bin" / "any"):
        return programs
    stamp = hashlib.sha256(f"{programs}:{programs.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    # programs-<stamp>/<package>/<folder>, as in site-packages: libraries are found by relative path.
    target = home.parent / f"programs-{stamp}"
    if not target.exists():
        _copy(programs, beside, target)
    return target / programs.parent.name / programs.name


def _copy(programs: Path, beside: tuple[str, ...], target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=".programs-", dir=target.parent))
    try:
        shutil.copytree(programs, draft / programs.parent.name / programs.name, symlinks=True)
        for name in beside:
            libraries = programs.parent.parent / name
            if libraries.exists():
                shutil.copytree(libraries, draft / name, symlinks=True)
        for folder in (draft, *(found for found in draft.rglob("*") if found.is_dir())):
            folder.chmod(0o755)
        draft.rename(target)
    except OSError:
        if not target.exists():  # somebody else's copy came first, and serves as well
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def is_reachable(path: Path) -> bool:
    """Whether any account may pass through every folder above `path`."""
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


def _entry() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_ACCOUNT)
    except KeyError:
        raise StackError(
            f"PostgreSQL does not run as root and this system has no account {_ACCOUNT!r}. "
            "Run as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None
