"""One feed of Lakeshore for the tests of this room."""

from __future__ import annotations

import pytest

from integrations.models import Feed
from tests.cast import Cast
from tests.integrations.feeds import make_feed


@pytest.fixture
def feed(cast: Cast) -> Feed:
    """An MLLP feed of Lakeshore in the zone of the scenario messages."""
    return make_feed(cast)
