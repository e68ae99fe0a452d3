"""What demand does when something happened: each function may run twice and does its work once."""

from __future__ import annotations

from uuid import UUID

from logistics.core.outbox import Event, subscribe
from logistics.requests.models import Discharge, StandingOrder
from logistics.requests.services import home_health, standing_orders, standing_stays


@subscribe("encounter.in_house", "encounter.updated")
def stop_series(event: Event) -> None:
    """A patient came into the house: their standing orders stop, and somebody is asked."""
    if event.topic == "encounter.updated" and "patient_class" not in event.payload.get("fields", ()):
        return
    if event.payload.get("old") != "on_leave":
        standing_stays.admitted(UUID(event.payload["encounter_id"]))


@subscribe("encounter.canceled")
def restore_series(event: Event) -> None:
    """The admission was an error: what it stopped goes on."""
    standing_stays.admission_canceled(UUID(event.payload["encounter_id"]))


@subscribe("encounter.discharged")
def offer_series(event: Event) -> None:
    """The patient left: somebody decides whether the rides go on, and from where."""
    standing_stays.discharged(UUID(event.payload["encounter_id"]))


@subscribe("encounter.reopened")
def stop_series_again(event: Event) -> None:
    """The discharge was canceled."""
    standing_stays.reopened(UUID(event.payload["encounter_id"]))


@subscribe("patient.updated")
def end_series(event: Event) -> None:
    """The chart says that the patient has died."""
    if "deceased" in event.payload.get("fields", ()):
        standing_stays.died(UUID(event.payload["patient_id"]))


@subscribe("place.closed_day", "place.opened_day")
def move_dates(event: Event) -> None:
    """A center is closed on a day (or is not any more): the dates of its series move."""
    orders = StandingOrder.objects.filter(versions__place_id=UUID(event.payload["place_id"]), status="active")
    for order_id in orders.order_by("pk").values_list("pk", flat=True).distinct():
        standing_orders.look_after(order_id)


@subscribe("discharge.left", "discharge.pending", "discharge.withdrawn")
def follow_discharge(event: Event) -> None:
    """Home health follows the stay's end: due from the return home, held while the patient stays after all."""
    encounter_id = UUID(event.payload["encounter_id"])
    discharge = Discharge.objects.filter(encounter_id=encounter_id).first()
    if discharge is None:
        return
    if discharge.status == "withdrawn":
        home_health.stay_goes_on(encounter_id)
        return
    home_health.leaves_again(encounter_id)
    if discharge.status == "left" and discharge.left_at is not None:
        home_health.came_home(encounter_id, at=discharge.left_at)
