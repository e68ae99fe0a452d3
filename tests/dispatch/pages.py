"""What the tests of dispatch's pages share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.models import Leg, RunCrew, Trip
from logistics.core.models import AuditEntry
from logistics.core.scoping import Scope
from tests.cast import Cast
from tests.support import act_as, signed_in


def client_of(cast: Cast, role: str) -> Client:
    """A signed-in client, by ``role@organization``."""
    return signed_in(cast.people[role])


def leg_of(cast: Cast, trip: Trip) -> Leg:
    """The trip's leg as it is now."""
    with act_as(cast.staff()):
        return Leg.objects.get(trip=trip)


def crew_of(cast: Cast, trip: Trip) -> list[RunCrew]:
    """Who is on the trip's run."""
    with act_as(cast.staff()):
        return list(RunCrew.objects.filter(run__trip=trip, run__is_active=True))


@contextmanager
def at_most(count: int) -> Iterator[None]:
    """The block runs no more than ``count`` queries on the tables of the product."""
    with CaptureQueriesContext(connection) as seen:
        yield
    own = [q["sql"] for q in seen.captured_queries if _counts(q["sql"])]
    assert len(own) <= count, f"{len(own)} queries, allowed {count}:\n" + "\n".join(sql[:160] for sql in own)


def _counts(sql: str) -> bool:
    frame = ("SAVEPOINT", "RELEASE", "ROLLBACK", "SELECT set_config", "BEGIN", "COMMIT")
    return not sql.startswith(frame) and '"django_session"' not in sql and "otp_" not in sql


def audited(scope: Scope, action: str) -> list[AuditEntry]:
    """The organization's audit entries of one action, oldest first."""
    with act_as(scope):
        return list(AuditEntry.objects.filter(action=action).order_by("id"))
