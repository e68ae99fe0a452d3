"""Two of every process at once are correct, also when one of them is killed at work."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db.models import Count

from integrations.hl7v2.mllp_client import MllpClient
from integrations.models import InboundMessage, MessageEffect
from logistics.core.models import OutboxDelivery, OutboxEvent
from logistics.core.scoping import Scope
from logistics.requests.models import Encounter, ServiceRequest
from tests.cast import Cast
from tests.journeys.stack import running, wait_until
from tests.journeys.world import FIXTURES, build_world
from tests.support import act_as

pytestmark = pytest.mark.timeout(240)
STAYS = 12


@pytest.mark.django_db(transaction=True)
def test_two_listeners_relays_and_workers_do_everything_once_even_when_one_worker_is_killed() -> None:
    cast = build_world()
    with running("mllp", "relay", "worker") as stack:
        for service in ("mllp", "relay", "worker"):
            stack.start(service)
        stack.wait_for_mllp()
        with ThreadPoolExecutor(4) as pool:
            answers = [
                answer for many in pool.map(lambda n: _send(stack.mllp_port, n), range(STAYS)) for answer in many
            ]
            wait_until(lambda: _done(cast) > 2, 60, "the first effects")
            stack.kill("worker")
        assert all(b"MSA|AA" in answer for answer in answers)
        wait_until(lambda: _done(cast) == 2 * STAYS, 120, "every message's effect")
        wait_until(_nothing_is_open, 120, "every delivery")
    with act_as(cast.staff()):
        assert InboundMessage.objects.count() == 2 * STAYS
        assert Encounter.objects.count() == STAYS
        assert ServiceRequest.objects.filter(status="draft").count() == STAYS
        doubled = MessageEffect.objects.values("message", "sequence").annotate(n=Count("id")).filter(n__gt=1)
        assert not doubled.exists()
    with act_as(Scope.system()):
        twice = OutboxDelivery.objects.values("event", "subscriber").annotate(n=Count("id")).filter(n__gt=1)
        assert not twice.exists()
        assert not OutboxEvent.objects.filter(relayed_at__isnull=True).exists()


def _send(port: int, number: int) -> list[bytes]:
    """One stay of its own: the fixtures' admission and announced discharge with other numbers."""
    out = []
    with MllpClient("127.0.0.1", port, timeout=30) as client:
        for name in ("a01-admit", "a16-pending-discharge"):
            raw = (FIXTURES / f"{name}.hl7").read_bytes()
            raw = raw.replace(b"LM700412", b"LM80%04d" % number).replace(b"4471^^^REGION", b"55%02d^^^REGION" % number)
            raw = raw.replace(b"V90031277", b"V8%07d" % number)
            raw = re.sub(rb"\|(LM000[18])\|", rb"|\1-%d|" % number, raw)
            out.append(client.send(raw))
    return out


def _done(cast: Cast) -> int:
    with act_as(cast.staff()):
        return InboundMessage.objects.filter(state="done", outcome="applied").count()


def _nothing_is_open() -> bool:
    with act_as(Scope.system()):
        return not OutboxDelivery.objects.filter(done_at__isnull=True).exists()
