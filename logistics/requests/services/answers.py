"""Reading what a person answered about a ride: wall-clock times, and what is missing or wrong, field by field."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from logistics.core import clock
from logistics.core.errors import DomainError
from logistics.requests.models import Patient, TransportDetail
from logistics.requests.services import company, fit, places
from logistics.requests.services.places import Destination

FURTHEST = dt.timedelta(days=90)
MOST_OXYGEN_LPM, MOST_WEIGHT_LB, MOST_COMPANIONS = Decimal(60), 1000, 4
# Column → least, most, words. Bariatric chairs are up to 36 in wide; a full cylinder shows 2,000 to 3,000 psi.
FIGURES = {
    "weight_lb": (1, MOST_WEIGHT_LB, f"Weight is between 1 and {MOST_WEIGHT_LB} lb."),
    "chair_width_in": (10, 60, "A wheelchair is between 10 and 60 inches wide."),
    "chair_weight_lb": (5, 1000, "A wheelchair weighs between 5 and 1000 lb."),
    "pickup_steps": (0, 500, "Write the number of steps, 0 to 500."),
    "dropoff_steps": (0, 500, "Write the number of steps, 0 to 500."),
    "oxygen_psi": (0, 4000, "The gauge of a cylinder shows between 0 and 4000 psi."),
}


def local_moment(day: dt.date, time: dt.time, zone: str, *, now: dt.datetime | None = None) -> dt.datetime:
    """The moment (UTC) of a wall-clock time in ``zone``.

    A time that the spring change skips raises :class:`DomainError`; one that comes twice in autumn is the first of
    the two, unless that one is over.
    """
    now = now or clock.now()
    tz = ZoneInfo(zone)
    first = dt.datetime.combine(day, time, tz)
    moment = first.astimezone(dt.UTC)
    if moment.astimezone(tz).replace(tzinfo=None) != first.replace(tzinfo=None):
        later = moment.astimezone(tz)
        message = (
            f"{time:%H:%M} does not exist on {day:%a} {day.day} {day:%b}: the clocks go forward. Choose {later:%H:%M}."
        )
        raise DomainError(message, code="no_such_time", fields={"pickup_local": message})
    if moment < floor_minute(now):
        second = first.replace(fold=1).astimezone(dt.UTC)
        if second != moment:
            return second
    return moment


def floor_minute(moment: dt.datetime) -> dt.datetime:
    """``moment`` without its seconds: a form speaks in minutes."""
    return moment.replace(second=0, microsecond=0)


def check(
    fields: dict[str, Any],
    *,
    zone: str,
    now: dt.datetime | None = None,
    patient: Patient | None = None,
    start: Destination | None = None,
) -> dict[str, str]:
    """What is missing or wrong, field by field, in words that say what to do.

    ``zone`` is the pickup's, ``start`` the pickup itself (None: not compared with the destination).
    """
    now = now or clock.now()
    problems: dict[str, str] = {}
    destination = fields.get("destination")
    if not isinstance(destination, Destination):
        problems["destination"] = fields.get("destination_problem") or "Choose where the patient is going."
    elif start is not None and places.same_spot(start, destination):
        problems["destination"] = "Pickup and destination are the same place. Choose another."
    if fields.get("pickup_kind") and not isinstance(fields.get("origin"), Destination):
        problems["origin"] = fields.get("origin_problem") or "Choose where the patient is picked up."
    problems |= _time_problems(fields, zone, now)
    if fields.get("mobility") not in dict(TransportDetail.MOBILITY):
        problems["mobility"] = "Choose how the patient travels: it decides the level of service."
    problems |= _figure_problems(fields)
    problems |= _chair_problems(fields)
    problems |= _transfer_problems(fields, now)
    moment = fields.get("pickup_at") or fields.get("ready_expected_at") or now
    problems |= company.problems(fields, patient, clock.local(moment, zone).date())
    return problems


def _time_problems(fields: dict[str, Any], zone: str, now: dt.datetime) -> dict[str, str]:
    when = fields.get("when")
    if not when:
        return {"when": "Choose when the ride is wanted: now, at a time, arrive by, or when ready."}
    if when == "now":
        return {}
    if fields.get("pickup_problem"):
        return {"pickup_local": fields["pickup_problem"]}
    if when == "arrive":
        return _arrival_problems(fields, zone, now)
    pickup_at = fields.get("pickup_at") if when == "at" else fields.get("ready_expected_at")
    local = clock.local(now, zone)
    if pickup_at is None:
        at = "Write the date and time of the pickup."
        return {
            "pickup_local": at if when == "at" else "Write about when the patient will be ready: vendors plan by it."
        }
    if pickup_at < floor_minute(now):
        return {"pickup_local": f"Pickup must be after {local:%H:%M} {local:%Z}."}
    return _too_far("Pickup can be", pickup_at, zone, now)


def _arrival_problems(fields: dict[str, Any], zone: str, now: dt.datetime) -> dict[str, str]:
    arrive_by, pickup_at, destination = (fields.get(name) for name in ("arrive_by_at", "pickup_at", "destination"))
    if arrive_by is None:
        return {"pickup_local": "Write the date and time when the patient must be there."}
    there = destination.location.zone if isinstance(destination, Destination) else zone
    if pickup_at is not None and pickup_at < floor_minute(now):
        by, at = clock.local(arrive_by, there), clock.local(pickup_at, zone)
        words = f"To be there by {by:%H:%M} {by:%Z} the pickup would be at {at:%H:%M} {at:%Z}, which is over."
        return {"pickup_local": f"{words} Choose a later time."}
    if arrive_by < floor_minute(now):
        late = clock.local(now, there)
        return {"pickup_local": f"Arrival must be after {late:%H:%M} {late:%Z}."}
    return _too_far("Arrival can be", arrive_by, there, now)


def _too_far(what: str, moment: dt.datetime, zone: str, now: dt.datetime) -> dict[str, str]:
    if moment <= now + FURTHEST:
        return {}
    last = clock.local(now + FURTHEST, zone)
    return {"pickup_local": f"{what} until {last:%a} {last.day} {last:%b %Y}. Choose an earlier day."}


def _figure_problems(fields: dict[str, Any]) -> dict[str, str]:
    problems: dict[str, str] = {}
    oxygen = fields.get("oxygen_lpm")
    if {"oxygen", "oxygen_given"} & set(fields.get("needs") or []) and oxygen is None:
        problems["oxygen_lpm"] = "Write the oxygen flow in liters per minute."
    elif oxygen is not None and not 0 < oxygen <= MOST_OXYGEN_LPM:
        problems["oxygen_lpm"] = f"Oxygen flow is between 0 and {MOST_OXYGEN_LPM} liters per minute."
    for name, (least, most, words) in FIGURES.items():
        value = fields.get(name)
        if value is not None and not least <= value <= most:
            problems[name] = words
    if not 0 <= (fields.get("companions") or 0) <= MOST_COMPANIONS:
        problems["companions"] = f"At most {MOST_COMPANIONS} people can ride along."
    return problems


def _chair_problems(fields: dict[str, Any]) -> dict[str, str]:
    """Weight and width of a power or bariatric chair are asked, never guessed (``fit.ASKED_CHAIRS``)."""
    if fields.get("mobility") != "wheelchair" or fields.get("chair") not in fit.ASKED_CHAIRS:
        return {}
    name = fit.CHAIR_WORDS[fields["chair"]]
    asked = {
        "weight_lb": f"Write the patient's weight: the lift carries it together with the {name}.",
        "chair_width_in": f"Measure the {name} at its widest: the door and the lift are checked with it.",
        "chair_weight_lb": f"Write what the {name} weighs: it is on its plate or in its papers.",
    }
    return {column: words for column, words in asked.items() if fields.get(column) is None}


def _transfer_problems(fields: dict[str, Any], now: dt.datetime) -> dict[str, str]:
    if fields.get("purpose") != "transfer":
        return {}
    problems: dict[str, str] = {}
    destination = fields.get("destination")
    if isinstance(destination, Destination) and destination.place is None:
        problems["destination"] = "A transfer goes to a facility: choose it from the address book."
    for name in ("accepted_at", "report_given_at"):
        if fields.get(name) is not None and fields[name] > now + dt.timedelta(minutes=5):
            problems[name] = "This cannot be in the future."
    if fields.get("accepted_at") is not None and not str(fields.get("accepting_clinician") or "").strip():
        problems["accepting_clinician"] = "Write who accepted the transfer there."
    return problems
