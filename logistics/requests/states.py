"""State tables of the demand side, as data. ``docs/states.md`` maps the field's own words to these."""

from __future__ import annotations

from logistics.core.machines import Machine

REQUEST = Machine(
    name="request",
    statuses={
        "draft": "A need is foreseen; nobody has confirmed it",
        "pending": "Confirmed by a person; waits for an approval, an acceptance or authorized units",
        "requested": "Confirmed by a person; a vendor is being found",
        "scheduled": "A vendor accepted",
        "in_progress": "The crew is under way or the patient is on board",
        "completed": "Done and proven",
        "held": "Stopped until a person decides (discharge canceled, leave, conflicting data)",
        "canceled": "Will not happen",
    },
    edges={
        "draft": ("pending", "requested", "held", "canceled"),
        "pending": ("requested", "draft", "held", "canceled"),
        "requested": ("scheduled", "held", "canceled", "draft", "pending"),
        "scheduled": ("in_progress", "requested", "held", "canceled", "completed"),
        "in_progress": ("completed", "requested", "scheduled", "canceled"),
        "held": ("draft", "pending", "requested", "scheduled", "canceled"),
        "completed": (),
        "canceled": (),
    },
    initial="draft",
    final=frozenset({"completed", "canceled"}),
)

ENCOUNTER = Machine(
    name="encounter",
    statuses={
        "planned": "Pre-admitted or registered ahead",
        "in_house": "In the hospital",
        "on_leave": "On leave of absence; the bed is kept",
        "discharged": "Left",
        "canceled": "The admission was an error",
    },
    edges={
        "planned": ("in_house", "discharged", "canceled"),
        "in_house": ("on_leave", "discharged", "canceled"),
        "on_leave": ("in_house", "discharged", "canceled"),
        "discharged": ("in_house",),
        "canceled": ("in_house", "discharged"),
    },
    initial="in_house",
    final=frozenset(),
)

DISCHARGE = Machine(
    name="discharge",
    statuses={
        "pending": "Announced (A16, an order, or by a person)",
        "ready": "Everything that must be in place is in place",
        "left": "The patient left",
        "withdrawn": "Will not happen now (A25, A13)",
    },
    edges={
        "pending": ("ready", "left", "withdrawn"),
        "ready": ("left", "withdrawn", "pending"),
        "left": ("withdrawn", "pending"),
        "withdrawn": ("pending", "left"),
    },
    initial="pending",
    final=frozenset({"left"}),
)

STANDING_ORDER = Machine(
    name="standing_order",
    statuses={
        "active": "Its rides are made as their dates come",
        "suspended": "No rides until a person lets it go on; rides that were made are on hold",
        "ended": "Over: no ride is made any more",
    },
    edges={
        "active": ("suspended", "ended"),
        "suspended": ("active", "ended"),
        "ended": (),
    },
    initial="active",
    final=frozenset({"ended"}),
)

CERTIFICATION = Machine(
    name="certification",
    statuses={
        "draft": "Being filled in, or changed after a signature; nobody has signed this version",
        "signed": "Signed; its content is locked",
        "voided": "Taken back; it certifies nothing",
    },
    edges={
        "draft": ("signed", "voided"),
        "signed": ("draft", "voided"),
        "voided": (),
    },
    initial="draft",
    final=frozenset({"voided"}),
)

AUTHORIZATION = Machine(
    name="authorization",
    statuses={
        "requested": "Asked for; the payer has not decided",
        "affirmed": "Allowed as asked",
        "partially_affirmed": "Allowed for fewer trips or days than asked",
        "non_affirmed": "Not allowed; it may be asked again, as often as needed",
        "release_asked": "In force, but its supplier was asked to release it",
        "released": "Given up by its supplier; another may ask",
        "withdrawn": "Asked for or entered by mistake",
    },
    edges={
        "requested": ("affirmed", "partially_affirmed", "non_affirmed", "withdrawn"),
        "affirmed": ("release_asked", "withdrawn"),
        "partially_affirmed": ("release_asked", "withdrawn"),
        "non_affirmed": ("requested", "withdrawn"),
        "release_asked": ("released", "affirmed", "partially_affirmed"),
        "released": (),
        "withdrawn": (),
    },
    initial="requested",
    final=frozenset({"released", "withdrawn"}),
)
