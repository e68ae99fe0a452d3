"""Messages of one invented hospital, Larkmoor Regional, from tests/fixtures/hl7."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.hl7v2.parse import Message, parse

FIXTURES = Path(__file__).parents[2] / "fixtures" / "hl7"
ZONE = "America/New_York"


@pytest.fixture(scope="session")
def raw() -> Callable[[str], bytes]:
    """The bytes of a fixture by its name without ending."""
    return lambda name: (FIXTURES / f"{name}.hl7").read_bytes()


@pytest.fixture(scope="session")
def read(raw: Callable[[str], bytes]) -> Callable[[str], Message]:
    """A fixture, parsed in the hospital's zone."""
    return lambda name: parse(raw(name), zone=ZONE)
