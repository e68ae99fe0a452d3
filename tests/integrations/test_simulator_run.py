"""The EHR simulator: a plausible house, told in messages that the product takes, over a real socket."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import socket
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from integrations.models import InboundMessage
from integrations.services.writer import Listeners
from integrations.simulator.hospital import Hospital, Site
from logistics.core import clock
from logistics.requests.models import Encounter
from tests.cast import Cast
from tests.integrations.feeds import feed_in, make_feed
from tests.support import act_as, settle

UNITS = [{"code": code, "beds": [[str(n), "1"] for n in range(1, 9)]} for code in ("4W", "4E")]


def site(**more: Any) -> Site:
    """Sixteen beds on the cast's wards."""
    return Site.read("127.0.0.1", {"port": 1, "facility": "HOSP", "zone": "America/Chicago", "units": UNITS, **more})


@pytest.mark.parametrize("seed", range(6))
def test_no_two_patients_share_a_bed_and_the_house_stays_plausible(seed: int) -> None:
    house = Hospital(site(taken=[["4W", "1", "1"]]), random.Random(seed), "T")
    now = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
    events = set()
    for _ in range(600):
        step = house.next_step(now)
        house.settle(step)
        if not isinstance(step, bytes):
            events.add(step.event)
        beds = [(who.unit, who.room, who.bed) for who in house.house.values()]
        assert len(beds) == len(set(beds))
        assert ("4W", "1", "1") not in beds
        now += dt.timedelta(minutes=2)
    assert {"A01", "A02", "A03", "A08", "A16"} <= events
    assert 3 <= len(house.house) <= 15


def test_the_product_takes_and_applies_everything_that_the_simulator_tells(cast: Cast) -> None:
    feed = make_feed(cast, time_zone="America/Chicago", sending_application="EPIC", sending_facility="HOSP")
    house = Hospital(site(), random.Random(3), "T")
    now = clock.now().replace(microsecond=0) - dt.timedelta(hours=4)
    for _ in range(120):
        step = house.next_step(now)
        row = feed_in(cast, feed, step if isinstance(step, bytes) else step.raw)
        house.settle(step)
        assert (row.ack_code, row.state) == ("AA", "done"), row.problem
        assert row.problem_code in ("", "disposition", "against_advice", "ride_is_over"), row.problem
        now += dt.timedelta(minutes=2)
    with act_as(cast.staff()):
        inside = Encounter.objects.filter(status="in_house").select_related("unit", "bed", "patient")
        shown = {(one.unit.code, one.bed.room, one.patient.family_name) for one in inside}
    assert shown == {(who.unit, who.room, who.family) for who in house.house.values()}


def test_the_state_survives_a_restart() -> None:
    house = Hospital(site(), random.Random(1), "T")
    now = dt.datetime(2026, 11, 24, 16, tzinfo=dt.UTC)
    for _ in range(60):
        house.settle(house.next_step(now))
        now += dt.timedelta(minutes=3)
    other = Hospital(site(), random.Random(2), "U")
    other.load(json.loads(json.dumps(house.dump())))
    assert other.house == house.house


@pytest.mark.django_db(transaction=True)
def test_it_speaks_mllp_to_the_listener(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.RUN_DIR = tmp_path
    make_feed(cast, time_zone="America/Chicago")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    settings.MLLP_PORT = port
    beds = [{"code": "4W", "beds": [["401", "1"], ["402", "1"]]}]
    feeds = [{"port": port, "facility": "HOSP", "zone": "America/Chicago", "units": beds}]
    (tmp_path / "demo-ehr.json").write_text(json.dumps({"host": "127.0.0.1", "feeds": feeds}))
    out = StringIO()

    async def walk() -> None:
        listeners = Listeners(host="127.0.0.1", base_port=port)
        await listeners.refresh()
        await asyncio.to_thread(call_command, "simulate_ehr", once=8, seed=5, stdout=out)
        await listeners.stop()

    asyncio.run(walk())
    settle()
    assert "Sent 8 messages" in out.getvalue()
    with act_as(cast.staff()):
        assert InboundMessage.objects.exclude(state="done").count() == 0
        assert 7 <= InboundMessage.objects.count() <= 8
