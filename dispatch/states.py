"""State tables of dispatch, as data. ``docs/states.md`` maps the field's own words to these."""

from __future__ import annotations

from logistics.core.machines import Machine

TRIP = Machine(
    name="trip",
    statuses={
        "matching": "Vendors are being ranked",
        "offering": "A vendor has been asked and may still answer",
        "exhausted": "Nobody is left to ask: a person must act",
        "accepted": "A vendor accepted; no crew yet",
        "crew_assigned": "Vehicle and crew are set",
        "under_way": "The crew is driving to the patient or with the patient",
        "completed": "Handed over and proven",
        "held": "Stopped until a person decides; an assigned vehicle stays until the hold ends",
        "canceled": "Will not happen",
    },
    edges={
        "matching": ("offering", "exhausted", "held", "canceled"),
        "offering": ("matching", "accepted", "exhausted", "held", "canceled"),
        "exhausted": ("matching", "offering", "held", "canceled"),
        "accepted": ("crew_assigned", "matching", "held", "canceled"),
        "crew_assigned": ("accepted", "under_way", "matching", "held", "canceled"),
        "under_way": ("completed", "crew_assigned", "matching", "canceled"),
        "held": ("matching", "accepted", "crew_assigned", "canceled"),
        "completed": (),
        "canceled": (),
    },
    initial="matching",
    final=frozenset({"completed", "canceled"}),
)

LEG = Machine(
    name="leg",
    statuses={
        "planned": "No crew yet",
        "assigned": "Crew and vehicle are set",
        "en_route": "The crew is driving to the pickup",
        "at_pickup": "The crew is at the pickup",
        "on_board": "The patient is on board",
        "at_destination": "At the destination, not handed over yet",
        "completed": "Handed over",
        "no_show": "The patient was not there or not ready",
        "canceled": "Will not happen",
    },
    edges={
        "planned": ("assigned", "canceled"),
        # A crew may forget a tap on the way to the patient: the next one says "skipped" and invents nothing.
        # Getting in ("on_board") cannot be skipped, because fees and figures start there.
        "assigned": ("planned", "en_route", "at_pickup", "on_board", "canceled"),
        "en_route": ("at_pickup", "on_board", "assigned", "planned", "canceled"),
        "at_pickup": ("on_board", "en_route", "assigned", "planned", "no_show", "canceled"),
        "on_board": ("at_destination", "completed", "at_pickup", "en_route", "assigned"),
        "at_destination": ("completed", "on_board"),
        "completed": (),
        "no_show": (),
        "canceled": (),
    },
    initial="planned",
    final=frozenset({"completed", "no_show", "canceled"}),
)

OFFER = Machine(
    name="offer",
    statuses={
        "waiting": "Ranked, not asked yet",
        "open": "Asked; the clock runs",
        "accepted": "The vendor took it",
        "declined": "The vendor said no, with a code",
        "expired": "The clock ran out",
        "withdrawn": "Somebody else took it, or the trip changed",
        "turned_back": "Accepted, then given back",
    },
    edges={
        "waiting": ("open", "withdrawn"),
        "open": ("accepted", "declined", "expired", "withdrawn"),
        "accepted": ("turned_back", "withdrawn"),
        "declined": (),
        "expired": (),
        "withdrawn": (),
        "turned_back": (),
    },
    initial="waiting",
    final=frozenset({"declined", "expired", "withdrawn", "turned_back"}),
)

PROPOSAL = Machine(
    name="proposal",
    statuses={
        "open": "The vendor has been asked to agree; the trip stays as it was",
        "agreed": "The vendor agreed; the trip is changed",
        "refused": "The vendor said no: a person must choose",
        "lapsed": "The vendor did not answer in time: a person must choose",
        "kept": "A person chose to keep the trip as it was",
        "taken_back": "A person took the trip from the vendor and had it matched with the change",
        "withdrawn": "Not wanted any more, or the trip is over",
    },
    edges={
        "open": ("agreed", "refused", "lapsed", "withdrawn"),
        "refused": ("kept", "taken_back", "withdrawn"),
        "lapsed": ("kept", "taken_back", "withdrawn"),
        "agreed": (),
        "kept": (),
        "taken_back": (),
        "withdrawn": (),
    },
    initial="open",
    final=frozenset({"agreed", "kept", "taken_back", "withdrawn"}),
)

DECLINE_REASONS = {
    "vendor_no_vehicle": "No vehicle free",
    "vendor_no_crew": "No crew free",
    "too_far": "Too far",
    "too_soon": "Too little time",
    "wrong_level": "Cannot serve this need",
    "rate": "Rate too low",
    "other": "Other",
}

CANCEL_REASONS = {
    "patient_request": "Patient asked",
    "patient_refused": "Patient refused",
    "patient_admitted": "Patient was admitted",
    "patient_deceased": "Patient died",
    "not_medically_ready": "Not medically ready",
    "discharge_canceled": "Discharge canceled",
    "duplicate_booking": "Booked twice",
    "wrong_info": "Wrong details",
    "found_other_ride": "Found another ride",
    "vendor_breakdown": "Vehicle broke down",
    "other": "Other",
}

REFERRAL = Machine(
    name="referral",
    statuses={
        "choosing": "The patient has not chosen an agency, or the chosen one said no",
        "asked": "The chosen agency has been asked; the clock runs",
        "accepted": "An agency accepted; the start of care is ahead",
        "in_care": "The start of care is verified",
        "ended": "Care ended",
        "held": "Stopped until a person decides; an agency that accepted stays",
        "canceled": "Will not happen",
    },
    edges={
        "choosing": ("asked", "held", "canceled"),
        "asked": ("accepted", "choosing", "held", "canceled"),
        "accepted": ("in_care", "choosing", "held", "canceled"),
        "in_care": ("ended",),
        "held": ("choosing", "accepted", "canceled"),
        "ended": (),
        "canceled": (),
    },
    initial="choosing",
    final=frozenset({"ended", "canceled"}),
)

VISIT = Machine(
    name="visit",
    statuses={
        "ordered": "Due; no time and no clinician yet",
        "scheduled": "Time and clinician are set",
        "checked_in": "The clinician is with the patient",
        "checked_out": "The clinician left; the record is being checked",
        "verified": "All six elements of visit verification are there",
        "exception": "Something is missing or does not fit; a coordinator must look",
        "missed": "Nobody came; the reason is kept and a new visit is due",
        "refused": "The patient did not want this visit",
        "canceled": "Will not happen",
    },
    edges={
        "ordered": ("scheduled", "missed", "refused", "canceled"),
        # To itself: another time or another clinician. The history keeps each.
        "scheduled": ("scheduled", "checked_in", "missed", "refused", "canceled"),
        "checked_in": ("checked_out",),
        "checked_out": ("verified", "exception"),
        "exception": ("verified",),
        "verified": (),
        "missed": (),
        "refused": (),
        "canceled": (),
    },
    initial="ordered",
    final=frozenset({"verified", "missed", "refused", "canceled"}),
)

REFERRAL_DECLINE_REASONS = {
    "payer": "Does not take this payer",
    "area": "Does not serve this ZIP code",
    "no_capacity": "No room for a new patient in time",
    "no_discipline": "Does not offer an ordered service",
    "needs_unmet": "Cannot meet the clinical needs",
    "order_incomplete": "The order is incomplete",
    "other": "Other",
}

EQUIPMENT = Machine(
    name="order",
    statuses={
        "ordered": "Suppliers are being ranked",
        "offered": "A supplier has been asked and may still answer",
        "exhausted": "No supplier is left to ask: a person must act",
        "accepted": "A supplier accepted; nothing is reserved yet",
        "backordered": "Accepted, but something is out of stock: wait, take a substitute, or ask another supplier",
        "allocated": "Everything is reserved",
        "scheduled": "The supplier set a time and a person",
        "out_for_delivery": "On the way",
        "attempted": "Brought back: nobody home, wrong address, or the like; another attempt is due",
        "wrong_item": "Wrong size or damaged: the right one must come",
        "partly_delivered": "Some of it is there, the rest is due",
        "delivered": "There and signed for",
        "pod_review": "The hospital checks the proof of delivery",
        "pod_accepted": "The proof is accepted",
        "on_rent": "The patient has what must come back one day",
        "closed": "Done; nothing comes back",
        "pickup_requested": "The supplier is asked to pick it up",
        "picked_up": "Picked up",
        "returned": "Checked, cleaned and back in stock",
        "recalled": "A piece that the patient has was recalled",
        "refused": "The patient did not want it",
        "held": "Stopped until a person decides; a supplier that accepted stays",
        "canceled": "Will not happen",
    },
    edges={
        "ordered": ("offered", "exhausted", "delivered", "held", "canceled"),
        "offered": ("ordered", "accepted", "exhausted", "held", "canceled"),
        "exhausted": ("ordered", "delivered", "held", "canceled"),
        "accepted": ("allocated", "backordered", "ordered", "held", "canceled"),
        "backordered": ("allocated", "ordered", "held", "canceled"),
        "allocated": ("scheduled", "backordered", "ordered", "held", "canceled"),
        # To itself: another time or another person. The history keeps each.
        "scheduled": ("scheduled", "out_for_delivery", "allocated", "backordered", "ordered", "held", "canceled"),
        "out_for_delivery": ("delivered", "partly_delivered", "attempted", "wrong_item", "refused"),
        "attempted": ("scheduled", "ordered", "held", "canceled"),
        "wrong_item": ("allocated", "backordered", "ordered", "held", "canceled"),
        "partly_delivered": ("allocated", "backordered", "scheduled", "pickup_requested", "held"),
        "delivered": ("pod_review", "pod_accepted"),
        # To itself: a new proof in place of a rejected one.
        "pod_review": ("pod_review", "pod_accepted", "wrong_item", "pickup_requested", "recalled"),
        "pod_accepted": ("on_rent", "closed"),
        "on_rent": ("pickup_requested", "wrong_item", "recalled"),
        "recalled": ("pickup_requested", "wrong_item"),
        "pickup_requested": ("picked_up", "pickup_requested", "on_rent", "pod_review"),
        "picked_up": ("returned",),
        "held": ("ordered", "accepted", "backordered", "allocated", "scheduled", "attempted", "wrong_item",
                 "partly_delivered", "pickup_requested", "canceled"),
        "closed": (),
        "returned": (),
        "refused": (),
        "canceled": (),
    },
    initial="ordered",
    final=frozenset({"closed", "returned", "refused", "canceled"}),
)  # fmt: skip

EQUIPMENT_DECLINE_REASONS = {
    "no_stock": "Not in stock",
    "no_driver": "Nobody free to deliver in time",
    "area": "Does not serve this ZIP code",
    "payer": "Does not take this payer",
    "too_soon": "Too little time",
    "other": "Other",
}

ATTEMPT_OUTCOMES = {
    "no_answer": "Nobody home",
    "wrong_address": "Wrong address",
    "unsafe": "Not safe to enter",
    "refused": "Patient does not want it",
    "not_ready": "Patient is still in the hospital",
    "no_access": "No way in, or no power",
    "wrong_item": "Wrong item or size",
    "damaged": "Damaged",
}

SLIP_REASONS = {
    "traffic": "Traffic or weather",
    "vehicle": "Vehicle broke down",
    "stock": "Item not there yet",
    "staff": "Nobody free",
    "patient": "Patient or family asked",
    "other": "Other",
}
