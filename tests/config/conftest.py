"""Fixtures of the tests of the stack."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from logistics.config.devstack import accounts
from tests.config.devstack_helpers import bare_environment


@pytest.fixture(scope="module")
def run_dir() -> Iterator[Path]:
    """An empty run folder that other accounts may pass through, gone after the module."""
    folder = Path(tempfile.mkdtemp(prefix="cw-stack-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def bare(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process as if nothing were set but the run folder, which is returned."""
    import os

    kept = bare_environment(run_dir)
    for name in set(os.environ) - set(kept):
        monkeypatch.delenv(name)
    monkeypatch.setenv("CARRYWELL_RUN_DIR", str(run_dir))
    return run_dir


@pytest.fixture
def closed_home(tmp_path: Path) -> Iterator[Path]:
    """A folder below one that no other account may enter, as a clone in a home folder of mode 0700 is."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    folder = home / "clone"
    folder.mkdir()
    yield folder
    for state in folder.glob("*"):
        elsewhere = accounts.service_home(state)
        if elsewhere != state:
            shutil.rmtree(elsewhere.parent, ignore_errors=True)
