"""Rules of dispatch that are not a state table: windows, clocks, what an offer may say, who may tap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from dispatch import states
from logistics.accounts import roles
from logistics.core import levels
from logistics.core.errors import DomainError
from logistics.core.scoping import Scope

# A pickup up to 15 minutes late still counts as on time, in the contracts and in the figures. A ride that must arrive
# by a time is asked for that much earlier, so that a pickup late by contract terms does not miss the appointment.
ARRIVE_BUFFER_MINUTES = 15
# How long after the asked time a pickup still counts as what was asked.
WINDOW_MINUTES = {"at": 30, "now": 60, "ready": 60, "arrive": ARRIVE_BUFFER_MINUTES}
# An overdue trip that still needs a vendor is searched this far ahead: late is better than never.
OVERDUE_SEARCH_MINUTES = 90
HOLD_MINUTES = 30
# An offer stays open at least this long, or nobody could answer it.
LEAST_RESPONSE_MINUTES = 2
# Minutes at a door, by level: a cot takes longer than a seat. Contract practice, to be measured per site.
SERVICE_MINUTES = {
    "TAXI": 3, "AMB": 5, "WC": 8, "WCB": 10, "STR": 10, "SECURE": 10, "BLS": 12, "ALS": 15, "CCT": 20,
}  # fmt: skip
UNDO_SECONDS = 120
# A crew waits this long at the door before it may say that the patient is not there (contracts say 5 to 15).
NO_SHOW_WAIT_MINUTES = 10
SKEW_SECONDS = 300
# Vendors plan shifts a day or two ahead. A pickup later than this is offered to a vendor that has no shift there yet.
UNPLANNED_HOURS = 12

# A pickup may move this far from what the vendor agreed to without being agreed anew; the vendor is told.
RETIME_FREE_MINUTES = 15
# How long a vendor has to agree to a change.
PROPOSAL_MINUTES = 15
# An outbound ride this near whose way back is not secured is an exception, and a top one an hour before.
RETURN_HOURS = 4
RETURN_TOP_MINUTES = 60
# A will call that nobody called: its owner is told so long after the expected time, again when the place closes, and
# then again and again. It never just expires.
READY_GRACE_MINUTES = 30
READY_REPEAT_MINUTES = 30
# When a place outside of the hospital closes, unless the address book says so (minutes after local midnight).
CLOSES_MINUTE = 17 * 60
# A word by phone may be entered this late.
READY_BACK_HOURS = 6
# The link that says "ready" opens until so long after the expected time.
READY_LINK_HOURS = 24

REQUIRED_VENDOR_CREDENTIALS = ("vendor_license", "insurance")

# The device that a patient brings into a wheelchair van weighs something too (domain practice: 35 to 50 lb manual).
CHAIR_LB = 50
BARIATRIC_LB = 350

LEG_ORDER = ("planned", "assigned", "en_route", "at_pickup", "on_board", "at_destination", "completed")
TAPS = ("en_route", "at_pickup", "on_board", "at_destination", "no_show")
TAP_WORDS = {
    "assigned": "Assigned",
    "en_route": "En route",
    "at_pickup": "At pickup",
    "on_board": "On board",
    "at_destination": "At destination",
    "completed": "Finish drop-off",
    "no_show": "Patient not there",
}

ISOLATION_WORDS = {
    "contact": "Contact precautions: gown and gloves",
    "droplet": "Droplet precautions: mask and eye protection",
    "airborne": "Airborne precautions: N95 and ventilated cabin",
}
NEED_WORDS = {
    "oxygen": "own oxygen",
    "oxygen_given": "oxygen given by crew",
    "monitor": "cardiac monitor",
    "iv": "IV running",
    "watching": "needs watching",
    "critical": "ventilator or drips",
    "stairs": "stairs at destination",
    "never_alone": "never left alone",
    "wander": "may wander off",
    "behavior": "second crew member for behavior",
    "restraint": "restraint or legal hold",
    "interpreter": "interpreter",
    "service_animal": "service animal",
}
DISTANCE_BANDS = [(5, "under 5 mi"), (10, "5 to 10 mi"), (25, "10 to 25 mi"), (50, "25 to 50 mi")]
WEIGHT_BANDS = [(200, "under 200 lb"), (300, "200 to 300 lb"), (350, "300 to 350 lb"), (500, "350 to 500 lb")]


def corrected(at: dt.datetime, skew_seconds: int) -> dt.datetime:
    """The true time of a tap: a phone whose clock is far off is put right, small differences are left alone."""
    return at + dt.timedelta(seconds=skew_seconds) if abs(skew_seconds) > SKEW_SECONDS else at


def window_end(when: str, pickup_at: dt.datetime) -> dt.datetime:
    """Until when a pickup asked for ``pickup_at`` is still in its window."""
    return pickup_at + dt.timedelta(minutes=WINDOW_MINUTES.get(when, WINDOW_MINUTES["at"]))


def expiry(now: dt.datetime, response_minutes: int, pickup_at: dt.datetime, latest: dt.datetime) -> dt.datetime:
    """When an offer sent ``now`` ends: after the contract's minutes, never after the pickup.

    A ride for now has its pickup behind it already: there the end of its window is the limit.
    """
    least = now + dt.timedelta(minutes=LEAST_RESPONSE_MINUTES)
    limit = pickup_at if pickup_at > least else max(latest, least)
    return min(now + dt.timedelta(minutes=response_minutes), limit)


def band(value: float, bands: list[tuple[int, str]], beyond: str) -> str:
    """The words of the first band that ``value`` is below."""
    return next((words for limit, words in bands if value < limit), beyond)


def distance_band(miles: float) -> str:
    """Miles in words that do not point at a house."""
    return band(miles, DISTANCE_BANDS, "over 50 mi")


def weight_band(weight_lb: int | None) -> str:
    """Weight as a band, empty when not known."""
    return "" if weight_lb is None else band(weight_lb, WEIGHT_BANDS, "over 500 lb")


def need_words(needs: Iterable[str], oxygen_lpm: float | None) -> list[str]:
    """What is needed on the way, in a crew's words and without a diagnosis."""
    words = []
    for need in needs:
        if need in NEED_WORDS:
            flow = f" {oxygen_lpm:g} L" if need in ("oxygen", "oxygen_given") and oxygen_lpm else ""
            words.append(NEED_WORDS[need] + flow)
    return words


def zone_words(city: str, zip_code: str) -> str:
    """``Madison, 537``: the city and the first three digits of the ZIP code (45 CFR 164.514(b)(2)(i)(B))."""
    return ", ".join(part for part in (city, zip_code[:3]) if part)


def load_of(
    *, level: str, mobility: str, weight_lb: int | None, companions: int, chair_lb: int | None = CHAIR_LB
) -> dict[str, Any]:
    """Places and weight that a ride takes in a vehicle of ``level``.

    A patient in a wheelchair weighs with the chair (``chair_lb`` None: nobody knows the sum); who must lie, or needs a
    crew's care, goes on the cot.
    """
    lying = "stretcher" in levels.LEVELS[level].offers
    chair = not lying and mobility == "wheelchair"
    device = chair_lb if chair else 0
    weight = None if weight_lb is None or device is None else weight_lb + device
    return {
        # An ambulance's bench takes one escort without being a passenger seat; vans need a seat each.
        "seats": (0 if lying else companions) + (0 if lying or chair else 1),
        "wheelchairs": int(chair),
        "stretchers": int(lying),
        "weight_lb": weight,
    }


def service_minutes(level: str) -> int:
    """Minutes at one door."""
    return SERVICE_MINUTES.get(level, 10)


def check_decline_code(code: str) -> None:
    """Refuse a decline without a known reason."""
    if code not in states.DECLINE_REASONS:
        raise DomainError("Choose a reason.", code="no_reason", fields={"code": "Choose a reason from the list."})


def check_cancel_reason(code: str) -> None:
    """Refuse a cancellation without a known reason."""
    if code not in states.CANCEL_REASONS:
        raise DomainError("Choose a reason.", code="no_reason", fields={"reason": "Choose a reason from the list."})


def cancel_stage(leg_status: str, accepted: bool) -> str:
    """How far things had come, which decides fees: before_accept, after_accept, en_route or at_door."""
    if leg_status == "at_pickup":
        return "at_door"
    if leg_status == "en_route":
        return "en_route"
    return "after_accept" if accepted else "before_accept"


def may_dispatch(scope: Scope) -> bool:
    """Whether the actor assigns crews for the vendor."""
    role = roles.ROLES.get(scope.actor_role)
    return role is not None and "assignments.edit" in role.permissions
