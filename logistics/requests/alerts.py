"""The sentences of alerts: what happened, then what to do. ``params`` fill them with figures and words, not PHI."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from logistics.requests.models import Alert


@dataclass(frozen=True)
class Sentence:
    """``happened`` and ``do`` are format strings over the alert's params; ``action`` labels its one button."""

    happened: str
    do: str
    action: str = "Open"


SENTENCES: dict[str, Sentence] = {
    "left_before_ride": Sentence(
        "The EHR says that the patient has left, and no ride was planned.",
        "Check whether the patient still waits, then book or dismiss the ride.",
        "Check the ride",
    ),
    "left_without_ride": Sentence(
        "The EHR says that the patient has left; the ride is still a draft.",
        "Complete the ride or cancel it.",
        "Complete the ride",
    ),
    "approval_asked": Sentence(
        "The request waits for approval by {role} until {until}.", "Approve or deny it.", "Open approvals"
    ),
    "approval_escalated": Sentence(
        "Nobody answered the approval by {since}. {role} may answer it now, until {until}.",
        "Approve or deny it.",
        "Open approvals",
    ),
    "approval_overdue": Sentence(
        "The approval is still not answered, due since {since}. The patient has no ride yet.",
        "Call {role} now.",
        "Open approvals",
    ),
    "home_changed": Sentence(
        "The patient's home address changed after this ride was booked.",
        "Ask where the patient lives now, then change the ride or leave it.",
        "Check the address",
    ),
    "approval_denied": Sentence(
        "The request was not approved and is a draft again.",
        "Read why on the request, change it and book it again, or cancel it.",
        "Open",
    ),
    "ride_details_missing": Sentence(
        "The patient is ready, but the ride lacks {missing}.",
        "Add what is missing; then a vendor is found.",
        "Complete",
    ),
    "left_after_pickup_time": Sentence(
        "The EHR gives a discharge time later than the pickup.",
        "Check the pickup time with the unit.",
        "Check the time",
    ),
    "discharge_canceled": Sentence(
        "The discharge was canceled in the EHR. The ride is on hold.", "Cancel the ride or let it go on.", "Decide"
    ),
    "discharge_canceled_under_way": Sentence(
        "The discharge was canceled in the EHR while the crew is under way.",
        "Call the unit and the crew now. Nothing was changed.",
        "Call",
    ),
    "discharge_withdrawn": Sentence(
        "The planned discharge was withdrawn in the EHR. The ride is on hold.",
        "Cancel the ride or let it go on.",
        "Decide",
    ),
    "discharge_withdrawn_under_way": Sentence(
        "The planned discharge was withdrawn in the EHR while the crew is under way.",
        "Call the unit and the crew now. Nothing was changed.",
        "Call",
    ),
    "admission_canceled": Sentence(
        "The admission was canceled in the EHR.", "Check whether the ride is still wanted.", "Check the ride"
    ),
    "admission_canceled_under_way": Sentence(
        "The admission was canceled in the EHR while the crew is under way.",
        "Call the unit and the crew now. Nothing was changed.",
        "Call",
    ),
    "patient_died": Sentence(
        "The EHR reports that the patient has died. The ride was canceled.",
        "Tell the crew and the destination.",
        "Open",
    ),
    "patient_died_under_way": Sentence(
        "The EHR reports that the patient has died while the crew is under way.",
        "Call the crew now. Nothing was changed.",
        "Call",
    ),
    "no_transport_disposition": Sentence(
        "The EHR says that the patient leaves without transport. The ride is on hold.",
        "Cancel the ride or let it go on.",
        "Decide",
    ),
    "no_transport_under_way": Sentence(
        "The EHR says that the patient leaves without transport, but the crew is under way.",
        "Call the unit and the crew.",
        "Call",
    ),
    "resumed_by_discharge": Sentence(
        "The discharge is on again in the EHR. The ride is no longer on hold.", "Check time and bed.", "Check the ride"
    ),
    "announced_while_held": Sentence(
        "The discharge is planned again in the EHR; the ride is still on hold.", "Let it go on or cancel it.", "Decide"
    ),
    "ready_time_changed": Sentence(
        "The EHR moved the discharge from {old} to {new}.", "Move the pickup or keep it.", "Check the time"
    ),
    "pickup_moved": Sentence(
        "The patient was moved to {bed} while the ride is under way.", "Tell the crew the new bed.", "Tell the crew"
    ),
    "safety_changed": Sentence(
        "The EHR changed {what}.", "Check that the vehicle and the crew still fit.", "Check the ride"
    ),
    "patient_conflict": Sentence(
        "A message names another patient for this stay. The ride was not changed.",
        "Check two identifiers before the patient boards.",
        "Check the patient",
    ),
    "patient_merged": Sentence(
        "Two patient records were merged in the EHR. The ride now belongs to the record that stays.",
        "Check two identifiers before the patient boards.",
        "Check the patient",
    ),
    "exhausted": Sentence(
        "No vendor took trip {trip}: {declined} declined, {expired} did not answer.",
        "Phone a vendor, ask all at once, or move the time.",
        "Find a vendor",
    ),
    "changed_after_acceptance": Sentence(
        "The ride was changed after the vendor accepted trip {trip}.", "Agree the change with the vendor.", "Call"
    ),
    "changed_under_way": Sentence(
        "The ride was changed while the crew of trip {trip} is under way. The trip was not changed.",
        "Call the vendor now.",
        "Call",
    ),
    "held_under_way": Sentence(
        "The ride should be held, but the crew of trip {trip} is under way.", "Call the unit and the vendor.", "Call"
    ),
    "canceled_under_way": Sentence(
        "The ride was canceled, but the patient of trip {trip} is on board.", "Call the vendor now.", "Call"
    ),
    "no_show": Sentence(
        "The crew of trip {trip} left without the patient at {at}.", "Call the unit, then book again.", "Book again"
    ),
    "no_rate": Sentence(
        "Trip {trip} cannot be charged: no contract rate for {level} on {day}.", "Sign a rate, then charge it.", "Open"
    ),
    "standing_admitted": Sentence(
        "The patient was admitted and has a standing order. Its rides ahead are on hold: {held}.",
        "Keep it suspended until the discharge, skip dates, or let it go on.",
        "Decide",
    ),
    "standing_resume": Sentence(
        "The patient has left the hospital. The standing order is still suspended.",
        "Say where the patient is picked up now, then let it go on, or end it.",
        "Decide",
    ),
    "standing_conflict": Sentence(
        "The standing order has a ride on {day} near another ride of this patient.",
        "Book it or skip that date.",
        "Decide",
    ),
    "standing_level": Sentence(
        "The chart now advises another level of service for the standing order's ride on {day}.",
        "Check the level, then book the ride.",
        "Check the level",
    ),
    "home_health_choose_again": Sentence(
        "{agency} did not take the home health referral: {why}.",
        "Ask the patient for the next choice and record it.",
        "Choose",
    ),
    "home_health_all_declined": Sentence(
        "Every home health agency of the network was asked; the last answer was {why}.",
        "Phone an agency, ask the practitioner for another start date, or plan another way home.",
        "Open",
    ),
    "home_health_discharge_canceled": Sentence(
        "The discharge was canceled in the EHR. Home health is on hold; the agency was told.",
        "Cancel the order or let it go on.",
        "Decide",
    ),
    "home_health_canceled_under_way": Sentence(
        "Home health should stop, but a clinician has been with the patient.", "Call the agency now.", "Call"
    ),
    "start_of_care_late": Sentence(
        "The start of home health care was due {at} and has not been done ({agency}).",
        "Call the agency, or get a new ordered start date from the practitioner.",
        "Open",
    ),
    "visit_missed": Sentence(
        "{agency} missed the home health visit of {at}. {told}.", "Agree the next visit with the agency.", "Open"
    ),
    "visit_refused": Sentence(
        "The patient did not want the home health visit of {at}. {told}.",
        "Call the patient; agree with the agency and the practitioner.",
        "Open",
    ),
    "visit_not_begun": Sentence(
        "Nobody checked in for the home health visit of {at} ({agency}).", "Call the agency.", "Open"
    ),
    "repetitive_transport": Sentence(
        "This patient's ambulance rides are repetitive now ({rides} one-way rides, {first} to {last}).",
        "Have the attending physician (MD or DO) certify the next rides before they start.",
        "Certify",
    ),
    "authorization_low": Sentence(
        "The authorization has {left} of {total} one-way trips left and ends {ends}.",
        "Ask the payer for the next one at least 10 business days before that.",
        "Open",
    ),
    "authorization_missing": Sentence(
        "The ride was changed, and no authorized trip covers it any more.",
        "Ask the payer, or decide who pays for it.",
        "Open",
    ),
    "authorization_other_level": Sentence(
        "The authorization covers {levels}, the ride is {level}.",
        "Ask the payer for this level, or decide who pays for it.",
        "Open",
    ),
    "authorization_other_supplier": Sentence(
        "The trip went to another company than the authorization names.",
        "Ask the supplier of the authorization to release it, or give the trip back.",
        "Open",
    ),
    "equipment_exhausted": Sentence(
        "No supplier took equipment order {order}: {declined} declined, {expired} did not answer.",
        "Ask again, hand it out of the closet, or order something else.",
        "Find a supplier",
    ),
    "equipment_backordered": Sentence(
        "Out of stock for equipment order {order}: {items}.",
        "Wait for it, take a substitute, or ask another supplier.",
        "Decide",
    ),
    "equipment_late": Sentence(
        "Equipment order {order} should be there since {at} and is not.", "Call the supplier; hold the ride.", "Call"
    ),
    "equipment_slipped": Sentence(
        "Equipment order {order} comes at {expected} instead of by {due}.",
        "Move the ride, or ask another supplier.",
        "Decide",
    ),
    "equipment_attempted": Sentence(
        "Equipment order {order} was not handed over: {what}.", "Call the family; agree a new time.", "Call"
    ),
    "equipment_recalled": Sentence(
        "A piece of equipment order {order} was recalled by its maker.",
        "Order an exchange or a pickup, and tell the patient.",
        "Decide",
    ),
    "equipment_discharge_off": Sentence(
        "The discharge was canceled in the EHR. The equipment order is on hold.",
        "Cancel it or let it go on.",
        "Decide",
    ),
    "equipment_pickup_ordered": Sentence(
        "The discharge was canceled after equipment order {order} was delivered. A pickup was ordered.",
        "Let it be picked up, or keep it for the patient.",
        "Decide",
    ),
    "equipment_held_late": Sentence(
        "Equipment order {order} should stop, but it is on the way or there.", "Call the supplier now.", "Call"
    ),
    "change_refused": Sentence(
        "{vendor} did not agree to the change of trip {trip}.",
        "Keep the trip as it was, or take it back and ask others.",
        "Decide",
    ),
    "change_unanswered": Sentence(
        "{vendor} did not answer the change of trip {trip} in time.",
        "Call them, keep the trip as it was, or take it back and ask others.",
        "Decide",
    ),
    "return_not_secured": Sentence(
        "Trip {outbound} leaves at {leaves}, and its way back ({back}) is {standing}.",
        "Find a vendor for the way back, or say who watches the call.",
        "Secure the way back",
    ),
    "return_left": Sentence(
        "Trip {outbound} was canceled; its way back ({back}) still stands.",
        "Keep it if the patient needs it, or cancel it.",
        "Decide",
    ),
    "return_on_hold": Sentence(
        "Nobody went on trip {outbound}: the crew left without the patient. The way back ({back}) is on hold.",
        "Let it go on if the patient got there another way, or cancel it.",
        "Decide",
    ),
    "will_call_forgotten": Sentence(
        "{owner} watches trip {trip}: the patient was expected to be ready at {expected}, and nobody has called; "
        "{vendor}.",
        "Call the place. Then press ready, move the time, or cancel it.",
        "Call and say ready",
    ),
    "will_call_closing": Sentence(
        "The place closes, and the patient of trip {trip} still waits there, expected at {expected}. {owner} watches "
        "it; {vendor}.",
        "Call the place now. Nobody is left behind.",
        "Call and say ready",
    ),
    "discharge_unclear": Sentence(
        "The discharge does not say clearly how the patient leaves.", "Decide whether a ride is needed.", "Decide"
    ),
}


def sentence_of(alert: Alert) -> Sentence:
    """The sentence of an alert, filled in. An unknown code (of another room) is shown as its own words."""
    found = SENTENCES.get(alert.code)
    if found is None:
        return Sentence(alert.params.get("text") or alert.code.replace("_", " ").capitalize() + ".", "Have a look.")
    words = {name: _words(value, alert.params.get("zone")) for name, value in alert.params.items()}
    return Sentence(found.happened.format_map(_Blank(words)), found.do.format_map(_Blank(words)), found.action)


class _Blank(dict):
    def __missing__(self, key: str) -> str:
        return "unknown"


def _words(value: object, zone: str | None) -> str:
    if isinstance(value, list):
        parts = [str(part) for part in value]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    text = str(value)
    if zone and len(text) >= 16 and text[10] == "T":
        return f"{dt.datetime.fromisoformat(text).astimezone(ZoneInfo(zone)):%H:%M}"
    return text
