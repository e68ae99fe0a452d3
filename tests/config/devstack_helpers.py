"""What the tests of the stack share: a run folder of their own, and commands run as from a bare shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from logistics.config.devstack.layout import ROOT

# An outer test run hands its services down by these; the tests of the stack start their own.
_GIVEN = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PORT", "MLLP_PORT", "DJANGO_SETTINGS_MODULE")


def bare_environment(run_dir: Path, **more: str) -> dict[str, str]:
    """The environment of somebody who has set nothing but where the run folder is."""
    env = {name: value for name, value in os.environ.items() if name not in _GIVEN}
    env.pop("CARRYWELL_ENV", None)
    return {**env, "CARRYWELL_RUN_DIR": str(run_dir), **more}


def start_python(run_dir: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """Start this Python with `arguments` in the project's folder; its output is a pipe."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=bare_environment(run_dir, **env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_python(run_dir: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run this Python to its end (at most two minutes); `stdout` holds all it said."""
    process = start_python(run_dir, *arguments, **env)
    output, _ = process.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, output)
