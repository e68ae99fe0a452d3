"""How each status word looks and reads: the one map of status to tone, icon and label.

Pages, the API and CSV exports read it, so that a status has one name everywhere. Plain data, no Django.
The icon is the meaning that survives without colour: a ring that fills as the trip moves (``s1`` to ``s6``),
a disc with a tick when done, a triangle for risk, an octagon for a breach, bars while waiting, a slash when
stopped. Tones are the seven of ``static/css/tokens.css``: neutral, info, move, ok, warn, bad, hold.
"""

from __future__ import annotations

from typing import NamedTuple

TONES = frozenset({"neutral", "info", "move", "ok", "warn", "bad", "hold"})


class StatusDisplay(NamedTuple):
    """One status as shown: CSS tone class, sprite icon name, label in sentence case."""

    tone: str
    icon: str
    label: str


_D = StatusDisplay

STATUS: dict[str, StatusDisplay] = {
    # requests, trips and legs, in the order in which they happen
    "draft": _D("neutral", "draft", "Draft"),
    "requested": _D("info", "clipboard-check", "Requested"),
    "ready": _D("info", "flag", "Ready"),
    "matching": _D("info", "sparkles", "Matching"),
    "unassigned": _D("neutral", "draft", "Not offered"),
    "planned": _D("info", "calendar-clock", "Planned"),
    "suggested": _D("hold", "sparkles", "Suggested"),
    "offering": _D("info", "s1", "Offering"),
    "offered": _D("info", "s1", "Offered"),
    "countered": _D("info", "arrow-right-left", "Countered"),
    "accepted": _D("info", "s2", "Accepted"),
    "confirmed": _D("info", "s2", "Confirmed"),
    "crew_assigned": _D("move", "s3", "Crew assigned"),
    "assigned": _D("move", "s3", "Crew assigned"),
    "en_route": _D("move", "s4", "En route"),
    "at_pickup": _D("move", "s5", "At pickup"),
    "on_board": _D("move", "s6", "On board"),
    "at_destination": _D("move", "map-pin-check", "At drop-off"),
    "in_progress": _D("move", "s4", "In progress"),
    "completed": _D("ok", "done", "Completed"),
    "closed": _D("neutral", "done", "Closed"),
    "canceled": _D("neutral", "cancel", "Canceled"),
    "held": _D("hold", "hold", "On hold"),
    "will_call": _D("hold", "hold", "Will call"),
    "paused": _D("hold", "hold", "Paused"),
    "at_risk": _D("warn", "risk", "At risk"),
    "late": _D("bad", "late", "Late"),
    "no_show": _D("bad", "user-x", "No-show"),
    "turned_back": _D("warn", "undo-2", "Turned back"),
    "dry_run": _D("warn", "circle-slash", "Dry run"),
    "failed": _D("bad", "late", "Failed"),
    "stopped": _D("bad", "late", "Stopped"),
    # offers
    "declined": _D("bad", "x", "Declined"),
    "expired": _D("neutral", "timer-off", "Expired"),
    "withdrawn": _D("neutral", "undo-2", "Withdrawn"),
    "exhausted": _D("bad", "late", "All declined"),
    "superseded": _D("neutral", "history", "Superseded"),
    # home health
    "choosing": _D("warn", "list-checks", "Waits for a choice"),
    "asked": _D("info", "s1", "Agency asked"),
    "in_care": _D("ok", "heart-handshake", "In care"),
    "ended": _D("neutral", "done", "Care ended"),
    "checked_in": _D("move", "log-in", "Checked in"),
    "checked_out": _D("move", "log-out", "Checked out"),
    "verified": _D("ok", "badge-check", "Verified"),
    "exception": _D("warn", "badge-alert", "Needs a look"),
    "missed": _D("bad", "calendar-x", "Missed"),
    # inbound messages: each ends in exactly one of these
    "received": _D("info", "inbox", "Received"),
    "retrying": _D("warn", "rotate-ccw", "Retrying"),
    "applied": _D("ok", "done", "Applied"),
    "no_change": _D("neutral", "minus", "No change"),
    "duplicate": _D("neutral", "copy", "Duplicate"),
    "history_only": _D("neutral", "history", "History only"),
    "tombstone": _D("neutral", "clock-alert", "Cancel before original"),
    "annulled": _D("neutral", "cancel", "Annulled"),
    "rule_no_transport": _D("neutral", "circle-slash", "No transport by rule"),
    "recorded": _D("neutral", "file-check", "Recorded"),
    "review": _D("warn", "risk", "Needs review"),
    "rejected": _D("bad", "late", "Rejected"),
    # notices and outbound calls
    "queued": _D("neutral", "hourglass", "Queued"),
    "sent": _D("info", "send", "Sent"),
    "delivered": _D("info", "check", "Delivered"),
    "read": _D("info", "check-check", "Read"),
    "acknowledged": _D("ok", "done", "Acknowledged"),
    "escalated": _D("warn", "bell-ring", "Escalated"),
    "snoozed": _D("hold", "hold", "Snoozed"),
    # charges, claims, invoices
    "pending": _D("info", "hourglass", "Pending"),
    "priced": _D("info", "tags", "Priced"),
    "submitted": _D("info", "send", "Submitted"),
    "in_review": _D("warn", "risk", "In review"),
    "matched": _D("ok", "done", "Matched"),
    "variance": _D("warn", "risk", "Variance"),
    "approved": _D("ok", "done", "Approved"),
    "disputed": _D("warn", "scale", "Disputed"),
    "denied": _D("bad", "late", "Denied"),
    "appealed": _D("info", "scale", "Appealed"),
    "short_paid": _D("warn", "risk", "Short paid"),
    "paid": _D("ok", "banknote", "Paid"),
    "credited": _D("neutral", "undo-2", "Credited"),
    "voided": _D("neutral", "cancel", "Voided"),
    "written_off": _D("neutral", "cancel", "Written off"),
    # authorizations
    "affirmed": _D("ok", "badge-check", "Allowed"),
    "partially_affirmed": _D("ok", "badge-check", "Allowed in part"),
    "non_affirmed": _D("bad", "ban", "Not allowed"),
    "release_asked": _D("warn", "arrow-right-left", "Release asked"),
    "released": _D("neutral", "unlink", "Released"),
    "used": _D("ok", "done", "Used"),
    "certified": _D("ok", "signature", "Certified"),
    # credentials, documents, contracts, vehicles, accounts
    "active": _D("ok", "done", "Active"),
    "current": _D("ok", "done", "Current"),
    "expiring": _D("warn", "risk", "Expiring"),
    "missing": _D("warn", "file-warning", "Missing"),
    "signed": _D("ok", "signature", "Signed"),
    "unsigned": _D("warn", "file-signature", "Not signed"),
    "suspended": _D("bad", "ban", "Suspended"),
    "inactive": _D("neutral", "cancel", "Inactive"),
    "invited": _D("info", "mail", "Invited"),
    "locked": _D("bad", "lock", "Locked"),
    "on_duty": _D("ok", "done", "On duty"),
    "off_duty": _D("neutral", "moon", "Off duty"),
    "out_of_service": _D("bad", "wrench", "Out of service"),
    # equipment
    "ordered": _D("info", "sparkles", "Ordered"),
    "backordered": _D("warn", "hourglass", "Out of stock"),
    "allocated": _D("info", "package", "Reserved"),
    "scheduled": _D("move", "s3", "Scheduled"),
    "out_for_delivery": _D("move", "truck", "Out for delivery"),
    "attempted": _D("warn", "door-closed", "Attempted"),
    "wrong_item": _D("warn", "arrow-right-left", "Wrong item"),
    "partly_delivered": _D("warn", "package", "Partly delivered"),
    "partly": _D("warn", "package", "Partly delivered"),
    "pod_review": _D("warn", "signature", "Proof to review"),
    "pod_accepted": _D("ok", "done", "Proof accepted"),
    "on_rent": _D("ok", "repeat", "On rent"),
    "pickup_requested": _D("info", "undo-2", "Pickup ordered"),
    "picked_up": _D("info", "undo-2", "Picked up"),
    "returned": _D("neutral", "package-check", "Back in stock"),
    "recalled": _D("bad", "shield-alert", "Recalled"),
    "refused": _D("neutral", "x", "Refused"),
    "in_stock": _D("ok", "package-check", "In stock"),
    "out": _D("info", "house", "With a patient"),
    "due_back": _D("warn", "undo-2", "Pickup ordered"),
    # beds and readiness
    "open": _D("neutral", "bed", "Open"),
    "cleaning": _D("neutral", "brush-cleaning", "Cleaning"),
    "occupied": _D("neutral", "bed-double", "Occupied"),
    "due_out": _D("neutral", "calendar-check", "Due out"),
    "no_ride": _D("warn", "zap", "No ride"),
    "waiting": _D("warn", "clock", "Waiting"),
    "done": _D("ok", "done", "Done"),
}


def display(status: str) -> StatusDisplay:
    """How ``status`` is shown.

    ``status`` may be qualified by its machine (``invoice.approved``); the last word decides unless the whole
    is listed. A word that is not listed is shown in neutral with its own name, so that a page never fails for
    the lack of an icon; ``is_known`` lets a test find such words.
    """
    known = STATUS.get(status) or STATUS.get(status.rpartition(".")[2])
    if known is not None:
        return known
    word = status.rpartition(".")[2].replace("_", " ").strip()
    return StatusDisplay("neutral", "circle-dot", (word[:1].upper() + word[1:]) or "Unknown")


def is_known(status: str) -> bool:
    """Whether ``status`` has its own entry."""
    return status in STATUS or status.rpartition(".")[2] in STATUS
