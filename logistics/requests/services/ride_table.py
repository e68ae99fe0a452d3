"""What each fact of a stay does to its ride, by the ride's status: the state table of docs/integration.md as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """What one fact does to a ride in one state: ``do`` it, and raise ``alert`` if named."""

    do: str
    alert: str = ""
    severity: str = "warn"


def _top(do: str, alert: str) -> Cell:
    return Cell(do, alert, "top")


KEEP = Cell("keep")
TABLE: dict[str, dict[str, Cell]] = {
    # A16: a plan.
    "announced": {
        "none": Cell("draft"), "draft": Cell("update"), "requested": Cell("update"), "scheduled": Cell("time"),
        "in_progress": Cell("time"), "held": Cell("update", "announced_while_held"), "completed": KEEP,
        "canceled": Cell("redraft"),
    },
    # A25: the plan is withdrawn. A confirmed ride has more than the plan as its source, so it is held.
    "withdrawn": {
        "draft": Cell("cancel"), "requested": Cell("hold", "discharge_withdrawn"),
        "scheduled": Cell("hold", "discharge_withdrawn"), "in_progress": Cell("keep", "discharge_withdrawn_under_way"),
    },
    # A03 with a disposition that needs transport.
    "left": {
        "none": Cell("request", "left_before_ride"), "draft": Cell("confirm"), "requested": Cell("update"),
        "scheduled": Cell("late_time"), "held": Cell("resume", "resumed_by_discharge"),
        "canceled": Cell("rerequest", "left_before_ride"),
    },
    # A03 whose disposition needs none.
    "left_alone": {
        "draft": Cell("hold", "no_transport_disposition"), "requested": Cell("hold", "no_transport_disposition"),
        "scheduled": Cell("hold", "no_transport_disposition"), "in_progress": Cell("keep", "no_transport_under_way"),
        "held": Cell("keep", "no_transport_disposition"),
    },
    # A03 with an unknown disposition: foreseen, for a person to judge.
    "left_unclear": {
        "none": Cell("draft", "discharge_unclear"), "draft": Cell("update", "left_without_ride"),
        "canceled": Cell("redraft", "discharge_unclear"),
    },
    # A discharge time or disposition that only an A08 told.
    "told_early": {"none": Cell("draft"), "draft": Cell("update"), "canceled": Cell("redraft")},
    # A03 against advice: a person judges.
    "left_against_advice": {
        "draft": Cell("hold", "no_transport_disposition"), "requested": Cell("hold", "no_transport_disposition"),
        "scheduled": Cell("hold", "no_transport_disposition"), "in_progress": Cell("keep", "no_transport_under_way"),
    },
    "died": {
        "draft": _top("cancel", "patient_died"), "requested": _top("cancel", "patient_died"),
        "scheduled": _top("cancel", "patient_died"), "held": _top("cancel", "patient_died"),
        "in_progress": _top("keep", "patient_died_under_way"),
    },
    # A13.
    "reopened": {
        "draft": Cell("hold", "discharge_canceled"), "requested": Cell("hold", "discharge_canceled"),
        "scheduled": Cell("hold", "discharge_canceled"), "in_progress": _top("keep", "discharge_canceled_under_way"),
        "completed": Cell("review"), "canceled": Cell("review"),
    },
    # A11, A38.
    "admission_canceled": {
        "draft": Cell("cancel"), "requested": Cell("cancel", "admission_canceled"),
        "scheduled": Cell("hold", "admission_canceled"), "held": Cell("cancel", "admission_canceled"),
        "in_progress": _top("keep", "admission_canceled_under_way"), "completed": Cell("review"),
    },
    # A02, A12 and every other newer location.
    "moved": {
        "draft": Cell("pickup"), "requested": Cell("pickup"), "scheduled": Cell("pickup"), "held": Cell("pickup"),
        "in_progress": Cell("keep", "pickup_moved"),
    },
}  # fmt: skip
# Facts that undo the feed's own foresight only; what a person touched is held for that person instead.
YIELDS_TO_PEOPLE = {"withdrawn": "discharge_withdrawn", "admission_canceled": "admission_canceled"}
