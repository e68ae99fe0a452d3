"""The tasks of dispatch, in a worker process of their own as in production."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection

from dispatch import tasks
from dispatch.models import Run, Trip
from dispatch.services import runs, trips
from logistics.core import outbox, scoping
from logistics.core.scoping import NoScope
from logistics.core.tasks import deliver
from tests.cast import Cast, build_cast
from tests.dispatch.ride import assigned, book, fresh, match_now, offers_of, ticked, vendor_scope
from tests.support import act_as, settle
from vendors.models import Commitment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """A real Celery worker on this test's database; gives the name of its queue."""
    queue = f"test-{uuid.uuid4().hex}"
    parts = urlsplit(os.environ["DATABASE_URL"])
    environment = os.environ | {
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}")),
        "CARRYWELL_ENV": "test",
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        "CARRYWELL_CELERY_EAGER": "false",
    }
    command = [
        sys.executable, "-m", "celery", "-A", "logistics", "worker", "--pool", "solo", "--queues", queue, "--loglevel",
        "info", "--without-gossip", "--without-mingle", "--hostname", f"{queue}@localhost",
    ]  # fmt: skip
    with (tmp_path / "worker.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield queue
        finally:
            current_app.conf.task_always_eager = True
            process.terminate()
            process.wait(timeout=30)


def until(check: object, seconds: float = 60) -> bool:
    """Whether ``check()`` became true in time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if check():  # type: ignore[operator]
            return True
        time.sleep(0.2)
    return False


def test_a_worker_matches_in_the_scope_that_the_message_names(worker: str) -> None:
    cast = build_cast()
    request, other = book(cast), book(cast, slug="prairie")
    for slug, booked in (("lakeshore", request), ("prairie", other)):
        with act_as(cast.staff(getattr(cast, slug))):
            trips.open_for_request(booked.pk)
    current_app.conf.task_always_eager = False
    tasks.match.send_for(cast.staff(), queue=worker)

    def decided() -> bool:
        with act_as(cast.staff()):
            return Trip.objects.get(request=request).status == "offering"

    assert until(decided)
    with act_as(cast.staff(cast.prairie)):
        assert Trip.objects.get(request=other).status == "matching"


def test_a_worker_frees_the_vendors_vehicle_in_the_vendors_scope(worker: str) -> None:
    cast = build_cast()
    trip = assigned(cast)
    with act_as(cast.staff()):
        run = Run.objects.get(trip=trip)
        Run.objects.filter(pk=run.pk).update(is_active=False)
    current_app.conf.task_always_eager = False
    tasks.release_run.send_for(cast.vendor(), [str(run.commitment_id)], queue=worker)

    def freed() -> bool:
        with act_as(cast.vendor()):
            return not Commitment.objects.get().is_active

    assert until(freed)


def test_a_task_without_a_scope_refuses_to_run(cast: Cast) -> None:
    with pytest.raises(NoScope):
        tasks.match.apply(throw=True)


@pytest.mark.django_db(transaction=True)
def test_a_canceled_trip_frees_its_vehicle_as_soon_as_the_event_is_handled() -> None:
    cast = build_cast()
    trip = assigned(cast)
    with act_as(cast.staff()):
        trips.cancel(trip.pk, reason="patient_request")
    settle()
    with act_as(cast.vendor()):
        assert not Commitment.objects.get().is_active


def test_a_vehicle_still_needed_by_an_active_run_is_not_freed(cast: Cast) -> None:
    trip = assigned(cast)
    with act_as(vendor_scope(cast, cast.northbound.pk)):
        commitment = Commitment.objects.get()
        assert runs.free_commitments([commitment.pk]) == 0
        assert runs.free_forgotten() == 0
    assert fresh(cast, trip).status == "crew_assigned"


def test_the_tick_matches_what_a_lost_message_left_behind(cast: Cast) -> None:
    request = book(cast)
    with act_as(cast.staff()):
        trip = trips.open_for_request(request.pk)
    assert trip is not None
    assert ticked()["matched"] >= 1
    assert fresh(cast, trip).status == "offering"


def test_matching_twice_makes_one_round(cast: Cast) -> None:
    request = book(cast)
    with act_as(cast.staff()):
        trip = trips.open_for_request(request.pk)
    assert trip is not None
    match_now(cast)
    match_now(cast)
    assert {offer.round for offer in offers_of(cast, trip)} == {1}


def test_one_organizations_failure_does_not_stop_the_tick(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    request = book(cast, slug="prairie")
    with act_as(cast.staff(cast.prairie)):
        trip = trips.open_for_request(request.pk)
    assert trip is not None
    original = tasks.offers.expire_due

    def broken() -> int:
        if scoping.current_tenant_id() == cast.lakeshore.pk:
            raise RuntimeError("broken")
        return original()

    monkeypatch.setattr(tasks.offers, "expire_due", broken)
    ticked()
    assert fresh(cast, trip, "prairie").status == "offering"


def test_every_subscriber_may_run_twice(cast: Cast) -> None:
    trip = assigned(cast)
    before = [(offer.status, offer.round) for offer in offers_of(cast, trip)]
    from logistics.core.models import OutboxDelivery
    from logistics.core.scoping import Scope

    with act_as(Scope.system(actor_label="test")):
        OutboxDelivery.objects.update(done_at=None)
        again = list(OutboxDelivery.objects.order_by("event_id", "id").values_list("pk", flat=True))
    for delivery_id in again:
        deliver.apply(args=[delivery_id], throw=True)
    settle()
    assert fresh(cast, trip).status == "crew_assigned"
    assert [(offer.status, offer.round) for offer in offers_of(cast, trip)] == before
    assert outbox.subscribers_of("trip.accepted")
