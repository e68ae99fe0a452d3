"""The database of the tests: migrated by its owner, used as the plain application role."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.db import connections

from logistics.core.owner import owner_login
from tests.cast import Cast, build_cast


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest, request: pytest.FixtureRequest) -> Iterator[None]:
    """Create the test database as the owner, then log in as the application."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connection = connections["default"]
        base = connection.settings_dict["TEST"]["NAME"]
        connection.settings_dict["TEST"]["NAME"] = f"{base}_{worker}" if worker else base
        old_name = connection.settings_dict["NAME"]
        with owner_login():
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        for other in connections.all():
            other.close()
        with owner_login():
            connection.creation.destroy_test_db(old_name, verbosity=0)


@pytest.fixture
def cast(db: None) -> Cast:
    """Two health systems, two vendors and the people who work there (``tests/cast.py``)."""
    return build_cast()
