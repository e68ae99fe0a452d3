"""Scenario sequences: the ride's state, the outcome and the alert after each message, and in any order of arrival."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from integrations.handlers.adt import HANDLERS
from integrations.models import Feed, InboundMessage
from logistics.requests.models import ServiceRequest
from tests.cast import Cast
from tests.integrations.feeds import add_units, alerts_of, feed_in, make_feed, ride_state
from tests.support import act_as

SEQUENCES = Path(__file__).parents[3] / "shared" / "data" / "hl7" / "sequences"
EXPECTED: dict[str, Any] = {}
if (SEQUENCES / "expected.json").exists():
    EXPECTED = json.loads((SEQUENCES / "expected.json").read_text())
else:
    print("scenario sequences are not here: test_sequence_apply runs without them")
OURS = {name: case for name, case in EXPECTED.items() if all(s["event"] in HANDLERS for s in case["steps"])}
SPELLED = {"cancelled": "canceled"}


@pytest.fixture
def house(cast: Cast) -> Feed:
    """A feed that knows the sequences' wards and sender."""
    add_units(cast, "WARD7", "WARD9")
    return make_feed(cast, sending_application="EPIC", sending_facility="HOSP")


@pytest.mark.parametrize("name", sorted(OURS) or [pytest.param("none", marks=pytest.mark.skip("no sequences here"))])
def test_each_step_leaves_the_expected_ride_outcome_and_alert(cast: Cast, house: Feed, name: str) -> None:
    seen, wanted = [], []
    for step in OURS[name]["steps"]:
        raw = (SEQUENCES.parent / step["file"]).read_bytes()
        resends = _resends(cast)
        row = feed_in(cast, house, raw)
        again = _resends(cast) > resends
        outcome = "duplicate" if again else row.outcome
        state = SPELLED.get(step["expect_trip_state"], step["expect_trip_state"])
        seen.append((step["event"], ride_state(cast), outcome, bool(alerts_of(cast, row)) and not again))
        wanted.append((step["event"], state, step["expect_outcome"], step["expect_alert"]))
    assert seen == wanted
    with act_as(cast.staff()):
        open_rides = ServiceRequest.objects.exclude(status="canceled").count()
    assert open_rides <= 1


PERMUTED = sorted(name for name, case in OURS.items() if case["permutation"])


@pytest.mark.parametrize("name", PERMUTED or [pytest.param("none", marks=pytest.mark.skip("no sequences here"))])
def test_every_order_of_arrival_ends_alike(cast: Cast, name: str) -> None:
    add_units(cast, "WARD7", "WARD9")
    case = OURS[name]
    files = [(SEQUENCES.parent / step["file"]).read_bytes() for step in case["steps"]]
    for number, order in enumerate(itertools.permutations(range(len(files)))):
        feed = make_feed(cast, name=f"feed {number}", port_offset=number)
        # A stay of its own for each order, so that all run in one database.
        for index in order:
            raw = files[index].replace(b"V0", f"{number}V0".encode()).replace(b"||70", f"||{number}70".encode())
            feed_in(cast, feed, raw)
        with act_as(cast.staff()):
            rides = list(ServiceRequest.objects.order_by("-created_at"))
            new = [r for r in rides if r.source_message_id and _feed_of(r) == feed.pk]
        state = new[0].status if new else "none"
        if case["permutation"] == "same_final_state":
            assert state == SPELLED.get(case["final_state"], case["final_state"]), order
        else:
            assert state not in ("draft", "requested", "scheduled"), order


def _feed_of(ride: ServiceRequest) -> Any:
    return InboundMessage.objects.filter(pk=ride.source_message_id).values_list("feed_id", flat=True).first()


def _resends(cast: Cast) -> int:
    with act_as(cast.staff()):
        return sum(InboundMessage.objects.values_list("resends", flat=True))
